"""Run: the one loop. It is pulled: pausing is not pulling, stopping is closing it, and what there is is kept."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from ..errors import EngineError
from ..model.model import Model
from .engine import Engine, Optimum, Posterior


@dataclass(frozen=True)
class Event:
    """One step as a person sees it: step of total, phase, objective, further figures by name."""

    step: int
    total: int
    phase: str
    objective: float
    info: Mapping[str, float]


class Run:
    """An iterator of Events; the only mutable object of a fit.

    model, engine, seed: what is fitted, how, and from which random numbers. seconds: time spent on it.
    stopped: whether it was closed before it was done.
    """

    def __init__(self, model: Model, engine: Engine, seed: int) -> None:
        self.model = model
        self.engine = engine
        self.seed = seed
        self.seconds = 0.0
        self.stopped = False
        self._state: Any = None

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        if self.done:
            raise StopIteration
        began = perf_counter()
        if self._state is None:
            self._state = self.engine.init(self.model, self.seed)
        self._state, info = self.engine.step(self.model, self._state)
        self.seconds += perf_counter() - began
        return Event(info.step, info.total, info.phase, info.objective, info.figures)

    @property
    def done(self) -> bool:
        """Whether there is nothing left to pull."""
        return self.stopped or (self._state is not None and self._state.done)

    @property
    def ready(self) -> bool:
        """Whether `finish` would have something to answer now."""
        return self._state is not None and self._state.ready

    def close(self) -> None:
        """Stop: no more steps; what there is can still be finished."""
        self.stopped = True

    def finish(self) -> Posterior | Optimum:
        """Pull what is left, unless closed, and return the answer.

        Raises EngineError when the run was stopped before there was anything to answer.
        """
        for _ in self:
            pass
        if not self.ready:
            raise EngineError(
                "The run was stopped before there was anything to show.", hint="Run it again and let it go on longer."
            )
        began = perf_counter()
        answer: Posterior | Optimum = self.engine.result(self.model, self._state)
        self.seconds += perf_counter() - began
        return answer


def start(model: Model, engine: Engine, seed: int | None = None) -> Run:
    """Return a run of an engine on a model, nothing done yet; without a seed a random one is drawn and remembered.

    Raises EngineError if the engine cannot fit the model.
    """
    began = perf_counter()
    engine.check(model)
    run = Run(model, engine, secrets.randbelow(2**31) if seed is None else seed)
    run.seconds = perf_counter() - began
    return run
