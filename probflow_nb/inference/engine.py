"""The engine contract: four functions and two frozen values; every engine file reads alike.

An engine is a frozen dataclass of its own options. `check` refuses models it cannot fit, `init` makes a State, `step`
does about a tenth to half a second of work and returns the next State with what a person wants to see of it, `result`
turns a State into the answer. Randomness comes from the seed alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ..model.model import Model
from ..posterior.draws import Draws, Evidence
from ..posterior.verdict import Verdict


@dataclass(frozen=True)
class Info:
    """What a step shows: step of total (0 if unknown), the phase's name, the objective, further figures by name."""

    step: int
    total: int
    phase: str
    objective: float = float("nan")
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Posterior:
    """What a Bayesian engine answers: draws, verdict, the log evidence (None where priors are improper), the method."""

    draws: Draws
    verdict: Verdict
    evidence: Evidence | None
    method: str


@dataclass(frozen=True, eq=False)
class Optimum:
    """What a point engine answers, all on the data's scale.

    criterion: deviance or REML criterion. reml: which. names: of the scalars; values, errors: (scalars,), errors NaN
    where there is none. covariance: (p, p) of beta. effects: makes the conditional modes and standard deviations,
    (J, k) a factor, in the order of the text, when they are asked for. relative: each term's (k, k) relative factor.
    """

    criterion: float
    reml: bool
    names: tuple[str, ...]
    values: np.ndarray
    errors: np.ndarray
    covariance: np.ndarray
    effects: Callable[[], tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]]
    relative: tuple[np.ndarray, ...]
    verdict: Verdict
    method: str


@dataclass(frozen=True, eq=False)
class Glimpse:
    """What the draws say while the engine still runs; for a picture, not for an answer.

    names: of the scalars, in the order shown. values: (chain, draw, scalar), equally weighted, possibly thinned.
    ordered: whether the draws of a chain follow each other in time, so that a trace means something.
    """

    names: tuple[str, ...]
    values: np.ndarray
    ordered: bool = False


class State(Protocol):
    """What the next step needs."""

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        ...

    @property
    def ready(self) -> bool:
        """Whether `result` already has something to answer, so that a stopped run keeps it."""
        ...


class Engine(Protocol):
    """A way to fit a model.

    Four further methods are optional. `extend(model, state, **more)` returns (engine, state) that go on from a state
    which was done, with `more` of the engine's own options (draws, steps). `steer(state, **changes)` returns the state
    with what may change while it runs (learning_rate, kl_weight). `glimpse(model, state, most)` returns a Glimpse of at
    most so many draws in all, or None where there is nothing to see yet; it costs some milliseconds.
    `redraw(model, origin)` returns the group effects again by what they were drawn from (`Draws.origin`).
    """

    def check(self, model: Model) -> None:
        """Raise EngineError if this engine cannot fit the model."""
        ...

    def init(self, model: Model, seed: int) -> Any:
        """Return the first State."""
        ...

    def step(self, model: Model, state: Any) -> tuple[Any, Info]:
        """Do a bounded amount of work; return the next State and what to show of it."""
        ...

    def result(self, model: Model, state: Any) -> Posterior | Optimum:
        """Return the answer that a State holds; only when it is ready."""
        ...
