"""Run: the one loop. It is pulled: pausing is not pulling, stopping is closing it, and what there is is kept."""

from __future__ import annotations

import inspect
import operator
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from ..errors import EngineError
from .auto import Auto, choose
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

    model, engine, seed: what is fitted, how, and from which random numbers. reason: why this engine, if it was chosen.
    state: the engine's last state, None before the first step. seconds: time spent on it.
    stopped: whether it was closed before it was done.
    """

    def __init__(self, model: Any, engine: Engine, seed: int, reason: str = "", state: Any = None) -> None:
        self.model = model
        self.engine = engine
        self.seed = seed
        self.reason = reason
        self.state = state
        self.seconds = 0.0
        self.stopped = False

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        if self.done:
            raise StopIteration
        began = perf_counter()
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
        if self.state is None:
            self.state = self.engine.init(self.model, self.seed)
        self.state = steer(self.state, **changes)

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
        answer: Posterior | Optimum = self.engine.result(self.model, self.state)
        self.seconds += perf_counter() - began
        return answer


def start(model: Any, engine: Engine | Auto | None = None, seed: int | None = None) -> Run:
    """Return a run of an engine on a model, nothing done yet.

    engine: without one, or with Auto, the model decides. seed: without one a random one is drawn and remembered.
    Raises EngineError if the engine cannot fit the model.
    """
    began = perf_counter()
    reason = ""
    if engine is None or isinstance(engine, Auto):
        chosen = choose(model, engine or Auto())
        engine, reason = chosen.engine, chosen.reason
    _check_engine(engine)
    engine.check(model)
    run = Run(model, engine, secrets.randbelow(2**31) if seed is None else _checked_seed(seed), reason)
    run.seconds = perf_counter() - began
    return run


def resume(model: Any, engine: Engine, state: Any, seed: int, **more: Any) -> Run:
    """Return a run that goes on from the state of a run that has ended, with more of the engine's own options.

    more: such as draws=2000 or steps=5000; what it means is the engine's to say (`engine.extend`).
    Raises EngineError if the engine cannot go on, or has no such option.
    """
    extend = getattr(engine, "extend", None)
    name = type(engine).__name__
    if extend is None:
        raise EngineError(f"A fit by {name} cannot go on from where it ended.", hint=_instead(engine))
    if not more:
        known = [word for word in _options(extend) if word in ("draws", "steps")] or sorted(_options(extend))
        raise EngineError(
            "extend needs to be told how much more is wanted.",
            hint="Write, for example, " + " or ".join(f"extend({word}=2000)" for word in known) + ".",
        )
    unknown = [word for word in more if word not in _options(extend)]
    if unknown and _options(extend):
        raise EngineError(
            f"{name} cannot be extended by {unknown[0]}.", hint=f"It takes {', '.join(sorted(_options(extend)))}."
        )
    began = perf_counter()
    longer, state = extend(model, state, **more)
    run = Run(model, longer, seed, state=state)
    run.seconds = perf_counter() - began
    return run


def _options(function: Any) -> list[str]:
    """Return the names that a method takes after (model, state)."""
    parameters = list(inspect.signature(function).parameters.values())[2:]
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]


def _instead(engine: Engine) -> str:
    name, draws = type(engine).__name__, getattr(engine, "draws", None)
    if draws is None:
        return f"{name} has nothing to add to: its answer is final."
    return f"Its draws are made at once: fit again with engine={name}(draws={2 * draws})."


def _check_engine(engine: Any) -> None:
    """Raise EngineError for what is no engine: a name, or a class that was not called."""
    if isinstance(engine, type) and hasattr(engine, "init"):
        raise EngineError(
            f"{engine.__name__} is the class of an engine, not an engine.", hint=f"Write engine={engine.__name__}()."
        )
    if not all(callable(getattr(engine, name, None)) for name in ("check", "init", "step", "result")):
        raise EngineError(
            f"An engine is needed, such as engine=Exact(), not {engine!r:.60}.",
            hint="The engines are Exact, Point, NUTS and VI, each with its options in brackets.",
        )


def _checked_seed(seed: Any) -> int:
    try:
        number = operator.index(seed)
    except TypeError:
        raise EngineError(f"The seed is a whole number, not {seed!r:.60}.") from None
    if number < 0:
        raise EngineError(f"The seed is a whole number of at least 0, not {number}.")
    return number
