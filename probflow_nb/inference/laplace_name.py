"""Laplace: one name for two things, the double-exponential distribution and the engine, told apart by the arguments."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ..errors import EngineError
from ..objects import bounded
from ..objects.families import FamilyName
from .laplace import Laplace as Engine

_OPTIONS = frozenset(field.name for field in fields(Engine))


class _Either(FamilyName, type):
    """Makes the distribution of a location and a scale, the engine of options or of nothing."""

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        if cls is not Laplace:
            return super().__call__(*arguments, **named)
        if not arguments and named.keys() <= _OPTIONS:
            return Engine(**named)
        mixed = sorted(named.keys() & _OPTIONS)
        if mixed:
            raise EngineError(
                f"Laplace takes the options of an engine ({', '.join(sorted(_OPTIONS))}) or the location and scale of "
                f"a distribution, not {mixed[0]} with others.",
                hint="Write Laplace(draws=2000) for the engine, Laplace(0, 1) for the distribution.",
            )
        unknown = sorted(named.keys() - {"location", "scale"})
        if unknown:
            raise EngineError(
                f"Laplace has no option {unknown[0]}.",
                hint=f"The engine takes {', '.join(sorted(_OPTIONS))}; the distribution takes a location and a scale.",
            )
        return bounded.Laplace(*arguments, **named)

    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is Laplace:
            return isinstance(instance, (bounded.Laplace, Engine))
        return bool(super().__instancecheck__(instance))

    def __subclasscheck__(cls, subclass: type) -> bool:
        if cls is Laplace:
            return issubclass(subclass, (bounded.Laplace, Engine))
        return bool(super().__subclasscheck__(subclass))


class Laplace(bounded.Laplace, metaclass=_Either):
    """The distribution Laplace(location, scale), or the engine Laplace() or Laplace(draws=4000, chains=4).

    p(x) = exp(-|x - location| / scale) / (2 scale). The engine integrates the effects of a multilevel model out by
    their Gaussian approximation and corrects that by importance weights.
    Raises EngineError for the arguments of both together.
    """
