"""Run: the one loop. It is pulled: pausing is not pulling, stopping is closing it, and what there is is kept."""

from __future__ import annotations

import inspect
import operator
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from ..backend import devices
from ..errors import EngineError
from ..model.letters import shown_names
from .auto import ENGINES, Auto, choose, further_options, named
from .engine import Engine, Glimpse, Optimum, Posterior


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

    model, engine, seed: what is fitted, how, and from which random numbers. reason: why this engine, if it was chosen.
    state: the engine's last state, None before the first step. seconds: time spent on it.
    stopped: whether it was closed before it was done. device: where it is computed, "" as TensorFlow likes.
    """

    def __init__(
        self, model: Any, engine: Engine, seed: int, reason: str = "", state: Any = None, device: str = ""
    ) -> None:
        self.model = model
        self.engine = engine
        self.seed = seed
        self.reason = reason
        self.state = state
        self.device = device
        self.seconds = 0.0
        self.stopped = False

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        if self.done:
            raise StopIteration
        began = perf_counter()
        with devices.on(self.device):
            if self.state is None:
                self.state = self.engine.init(self.model, self.seed)
            self.state, info = self.engine.step(self.model, self.state)
        self.seconds += perf_counter() - began
        return Event(info.step, info.total, info.phase, info.objective, info.figures)

    @property
    def done(self) -> bool:
        """Whether there is nothing left to pull."""
        return self.stopped or (self.state is not None and self.state.done)

    @property
    def ready(self) -> bool:
        """Whether `finish` would have something to answer now."""
        return self.state is not None and self.state.ready

    def steer(self, **changes: float) -> None:
        """Change what may change while the engine runs, such as learning_rate or kl_weight, from the next step on.

        Raises EngineError if the engine has nothing of that name to change.
        """
        steer = getattr(self.engine, "steer", None)
        name = type(self.engine).__name__
        if steer is None:
            raise EngineError(
                f"{name} has nothing that can be changed while it runs.",
                hint="Stop it, and start it again with other options.",
            )
        known = list(inspect.signature(steer).parameters)[1:]
        unknown = [change for change in changes if change not in known]
        if unknown or not changes:
            raise EngineError(
                f"{name} cannot change {unknown[0] if unknown else 'nothing'} while it runs.",
                hint=f"It can change {' and '.join(known)}.",
            )
        with devices.on(self.device):
            if self.state is None:
                self.state = self.engine.init(self.model, self.seed)
            self.state = steer(self.state, **changes)

    def glimpse(self, most: int = 1000) -> Glimpse | None:
        """Return some draws so far, at most so many in all; None while there is nothing to see."""
        look = getattr(self.engine, "glimpse", None)
        if look is None or self.state is None:
            return None
        with devices.on(self.device):
            found: Glimpse | None = look(self.model, self.state, most)
        if found is None:
            return None
        names = shown_names(self.model)
        return replace(found, names=tuple(names.get(name, name) for name in found.names))

    def close(self) -> None:
        """Stop: no more steps; what there is can still be finished. A run that is done cannot be stopped any more."""
        self.stopped = self.state is None or not self.state.done

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
        with devices.on(self.device):
            answer: Posterior | Optimum = self.engine.result(self.model, self.state)
        self.seconds += perf_counter() - began
        return answer


def start(model: Any, engine: Engine | Auto | str | None = None, seed: int | None = None, device: str = "") -> Run:
    """Return a run of an engine on a model, nothing done yet.

    engine: or its name, such as "nuts"; without one, or with Auto, the model decides. seed: without one a
        random one is drawn and remembered.
    device: such as "GPU:0"; without one TensorFlow decides.
    Raises EngineError if the engine cannot fit the model, or there is no such device.
    """
    began = perf_counter()
    reason = ""
    device = devices.checked(device)
    with devices.on(device):
        if isinstance(engine, str):
            engine = named(engine)
        if engine is None or isinstance(engine, Auto):
            chosen = choose(model, engine or Auto())
            engine, reason = chosen.engine, chosen.reason
        _check_engine(engine)
        engine.check(model)
    seed = secrets.randbelow(2**31) if seed is None else _checked_seed(seed)
    run = Run(model, engine, seed, reason, device=device)
    run.seconds = perf_counter() - began
    return run


def resume(model: Any, engine: Engine, state: Any, seed: int, device: str = "", **more: Any) -> Run:
    """Return a run that goes on from the state of a run that has ended, with more of the engine's own options.

    device: where it ran so far. more: such as draws=2000 or steps=5000; what it means is the engine's to say
    (`engine.extend`).
    Raises EngineError if the engine cannot go on, or has no such option.
    """
    extend = getattr(engine, "extend", None)
    name = type(engine).__name__
    if extend is None:
        raise EngineError(
            f"A fit by {name} cannot go on from where it ended.",
            hint=f"{name} has nothing to add to: its answer is final.",
        )
    known = sorted(further_options(extend))
    if not more:
        raise EngineError(
            "extend needs to be told how much more is wanted.",
            hint="Write, for example, " + " or ".join(f"extend({word}=2000)" for word in known) + ".",
        )
    unknown = [word for word in more if word not in known]
    if unknown and known:
        raise EngineError(f"{name} cannot be extended by {unknown[0]}.", hint=f"It takes {', '.join(known)}.")
    began = perf_counter()
    with devices.on(device):
        longer, state = extend(model, state, **more)
    run = Run(model, longer, seed, state=state, device=device)
    run.seconds = perf_counter() - began
    return run


def _check_engine(engine: Any) -> None:
    """Raise EngineError for what is no engine, such as a class that was not called."""
    if isinstance(engine, type) and (hasattr(engine, "init") or engine.__name__.lower() in ENGINES):
        raise EngineError(
            f"{engine.__name__} is the class of an engine, not an engine.", hint=f"Write engine={engine.__name__}()."
        )
    if not all(callable(getattr(engine, name, None)) for name in ("check", "init", "step", "result")):
        raise EngineError(
            f"An engine is needed, such as engine=Exact(), not {engine!r:.60}.",
            hint="The engines are Exact, Laplace, Point, NUTS and VI, each with its options in brackets.",
        )


def _checked_seed(seed: Any) -> int:
    try:
        number = operator.index(seed)
    except TypeError:
        raise EngineError(f"The seed is a whole number, not {seed!r:.60}.", hint="Write seed=1.") from None
    if number < 0:
        raise EngineError(f"The seed is a whole number of at least 0, not {number}.", hint="Write seed=1.")
    return number
