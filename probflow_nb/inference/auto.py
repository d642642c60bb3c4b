"""Auto: which engine fits a model, and why: Exact where it applies, else NUTS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import EngineError
from ..model.conditional_gaussian import refusal
from ..model.model import Model
from .engine import Engine
from .exact import Exact
from .gaussian import BETA_PRIORS
from .nuts import NUTS


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
    options = dict((wanted or Auto()).options)
    reason = why_not_exact(model)
    kind: type = NUTS if reason else Exact
    unknown = [name for name in options if name not in {f.name for f in fields(kind)}]
    if unknown:
        because = f" (chosen because {reason})" if reason else ""
        raise EngineError(
            f"{kind.__name__}, the engine for this model{because}, has no option {unknown[0]}.",
            hint=f"Name the engine that is meant, or leave {unknown[0]} out.",
        )
    return Choice(kind(**options), reason)


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
