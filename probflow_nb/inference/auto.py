"""Auto: which engine fits a model, and why: Exact for a Gaussian response, Laplace for a family, else NUTS."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from ..errors import EngineError, ProbflowError
from ..model.conditional_gaussian import refusal
from ..model.model import Model
from ..spec.families import Family
from .engine import Engine
from .exact import Exact
from .gaussian import BETA_PRIORS, has_record
from .laplace import Laplace, at_wall, too_wide
from .nuts import NUTS
from .point import Point
from .vi import VI

# Every engine by the name that `--engine` takes.
ENGINES: dict[str, type] = {"exact": Exact, "laplace": Laplace, "nuts": NUTS, "vi": VI, "point": Point}


# What a response is, in words that follow "the response is".
_RESPONSES = {
    "bernoulli": "binary",
    "binomial": "a count of events among trials",
    "poisson": "a count",
    "negative_binomial": "an overdispersed count",
    "zero_inflated_poisson": "a count with extra zeros",
    "zero_inflated_negative_binomial": "an overdispersed count with extra zeros",
    "ordinal": "an ordered category",
    "beta": "between 0 and 1",
    "gamma": "above 0",
    "log_normal": "above 0",
    "student_t": "heavy-tailed",
}


@dataclass(frozen=True)
class Auto:
    """The engine is chosen for the model.

    options: of the engine that will be chosen, by name, such as {"draws": 2000}.
    """

    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """An engine and why it was chosen, in words that follow "because"; empty where nothing needs saying."""

    engine: Engine
    reason: str = ""


def choose(model: Any, wanted: Auto | None = None) -> Choice:
    """Return the engine for a model and the reason: Exact where it applies, else NUTS.

    Raises EngineError if the chosen engine does not have all the options that are wanted.
    """
    kind: type
    options = dict((wanted or Auto()).options)
    if has_record(model):
        family = model.spec.family
        reason, kind = _of_family(family), Laplace
        unsuited = _unsuited_prior(model) or at_wall(model) or too_wide(model)
        if unsuited:
            reason, kind = unsuited, NUTS
    else:
        reason = why_not_exact(model)
        kind = NUTS if reason else Exact
    unknown = [name for name in options if name not in {f.name for f in fields(kind)}]
    if unknown:
        because = f" (chosen because {reason})" if reason else ""
        raise EngineError(
            f"{kind.__name__}, the engine for this model{because}, has no option {unknown[0]}.",
            hint=f"Name the engine that is meant, or leave {unknown[0]} out.",
        )
    return Choice(kind(**options), reason)


def _of_family(family: Family) -> str:
    """Return why a family has the engine laplace, in words that follow "because"."""
    what = _RESPONSES.get(family.name)
    if what is None:
        return f"the mean of the response is behind the link {family.link}"
    return f"the response is {what} ({family.name}, link {family.link})"


def named(name: str) -> Engine | None:
    """Return the engine of a name such as "nuts" with the options that it has by itself, None for "auto".

    Raises EngineError for any other name.
    """
    word = name.strip().casefold()
    if word == "auto":
        return None
    if word not in ENGINES:
        near = get_close_matches(word, ENGINES, n=1)
        did = f'Did you mean "{near[0]}"? ' if near else ""
        raise EngineError(
            f'There is no engine called "{name:.60}".', hint=f"{did}The engines are {', '.join(ENGINES)}."
        )
    made: Engine = ENGINES[word]()
    return made


def usable(model: Any) -> dict[str, str]:
    """Return every engine's name, as `--engine` takes it, with why it cannot fit the model, "" where it can.

    What an engine looks at is kept by the model, so that the next call costs nothing.
    """
    return {name: _refusal(kind(), model) for name, kind in ENGINES.items()}


def _refusal(engine: Engine, model: Any) -> str:
    try:
        engine.check(model)
    except ProbflowError as error:
        return error.message
    return ""


def extendable(engine: Any) -> tuple[str, ...]:
    """Return what a fit by an engine can go on by: ("steps", "draws"), ("draws",), or () where it is final."""
    extend = getattr(engine, "extend", None)
    return () if extend is None else further_options(extend)


def further_options(extend: Any) -> tuple[str, ...]:
    """Return the names that an engine's `extend` takes after (model, state)."""
    parameters = list(inspect.signature(extend).parameters.values())[2:]
    return tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))


def why_not_exact(model: Any) -> str:
    """Return why Exact does not apply to a model, in words that follow "because"; "" where it applies."""
    if isinstance(model, Model):
        return _unsuited_prior(model)
    return refusal(model)


def _unsuited_prior(model: Model) -> str:
    for prior in model.spec.priors:
        common = prior.target.kind in ("coefficient", "intercept", "centered intercept")
        if common and prior.distribution.name not in BETA_PRIORS:
            return f"{prior.target.label} has a {prior.distribution.name} prior"
    return ""
