"""Levels: which group terms a prediction counts, and what stands for levels that were not fitted.

A new level of a known factor has effects of its own, drawn from the population that the fit has learned:

    b_new | draw s ~ Normal(0, Sigma(s)),    Sigma(s) = diag(sd) R diag(sd) = L L',    b_new = L z(level)

z hangs on the seed, the factor and the level's name alone: all rows of a level share its effects, other rows change
nothing, and the same question has the same answer. Levels of different factors are drawn apart, so a new h of a known
g of (1 | g / h) keeps the effect of g and draws only that of g:h.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np

from ..errors import FitError
from ..model.model import Model

NEW_LEVELS = ("sample", "zero", "error")
# Effects of new levels that are held at once: 240 MB.
_HELD = 30_000_000


@dataclass(frozen=True)
class Levels:
    """What a prediction takes of the groups.

    factors: whose terms count, None for all. new: what an unfitted level has, one of `NEW_LEVELS`: effects drawn from
    their population, effects of 0, or an error. fresh: whether every level counts as one that was not fitted.
    missing_too: whether a missing level has effects of 0, where its row is missing otherwise. seed: of what is drawn.
    """

    factors: tuple[str, ...] | None = None
    new: str = "sample"
    seed: int = 0
    fresh: bool = False
    missing_too: bool = False

    def counts(self, factor: str) -> bool:
        """Return whether the terms of a factor are part of the prediction."""
        return self.factors is None or factor in self.factors


FITTED = Levels()
"""The levels that were fitted, and draws from their population for others."""
TYPICAL = Levels(new="zero", missing_too=True)
"""Any level that was not fitted, or is missing, stands for a typical one, whose effects are 0."""


@dataclass(frozen=True, eq=False)
class Population:
    """The effects of new levels of one factor, for S draws.

    factor: its name. names: of the m new levels. sd: (S, k). cor: (S, k, k), or None where effects are apart.
    """

    factor: str
    names: tuple[str, ...]
    sd: np.ndarray
    cor: np.ndarray | None
    seed: int

    def effects(self, wanted: np.ndarray, draws: slice) -> np.ndarray:
        """Return the effects of some of the levels, by their places, for some draws, (s, wanted, k)."""
        if self._few:
            found: np.ndarray = self._all[draws][:, wanted]
            return found
        return self._coloured(self._white(wanted)[draws], draws)

    @cached_property
    def _few(self) -> bool:
        return self.sd.size * len(self.names) <= _HELD

    @cached_property
    def _all(self) -> np.ndarray:
        every = slice(0, len(self.sd))
        return self._coloured(self._white(np.arange(len(self.names))), every)

    def _white(self, wanted: np.ndarray) -> np.ndarray:
        """Return z of some levels, (S, wanted, k); a level's first draws are the same for any S."""
        return np.stack(
            [_stream(self.seed, self.factor, self.names[i]).standard_normal(self.sd.shape) for i in wanted], 1
        )

    def _coloured(self, z: np.ndarray, draws: slice) -> np.ndarray:
        if self._root is not None:
            z = z @ self._root[draws].transpose(0, 2, 1)
        return z * self.sd[draws, None, :]

    @cached_property
    def _root(self) -> np.ndarray | None:
        return None if self.cor is None else root(self.cor)


def root(R: np.ndarray) -> np.ndarray:
    """Return A with A A' = R for correlation matrices (S, k, k), also where one is singular: V sqrt(lambda)."""
    try:
        return np.linalg.cholesky(R)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(R)
        found: np.ndarray = vectors * np.sqrt(np.clip(values, 0.0, None))[:, None, :]
        return found


def population(values: Mapping[str, np.ndarray], factor: str, names: Sequence[str], seed: int) -> Population:
    """Return the population of a factor as the draws know it: "sd[F]" and, where effects correlate, "cor[F]"."""
    return Population(factor, tuple(names), values[f"sd[{factor}]"], values.get(f"cor[{factor}]"), seed)


def _stream(seed: int, factor: str, level: str) -> np.random.Generator:
    """Return the random numbers of one level."""
    text = f"{seed}\0{factor}\0{level}".encode("utf-8", "surrogatepass")
    key = int.from_bytes(blake2b(text, digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key))


def checked_groups(model: Any, groups: Any) -> tuple[str, ...] | None:
    """Return the factors whose terms count, None for all, in the order of the model.

    groups: "all", "none", a factor, or several. Raises FitError for a factor that the model does not have.
    """
    if isinstance(groups, str) and groups == "all":
        return None
    known = factors_of(model)
    if isinstance(groups, str) and groups == "none":
        wanted: list[Any] = []
    else:
        wanted = [groups] if isinstance(groups, str) else list(groups) if _several(groups) else [None]
    if not all(isinstance(name, str) for name in wanted):
        raise FitError(
            f'groups is "all", "none" or a list of grouping factors, not {groups!r:.60}.',
            hint=f"The factors: {', '.join(known)}." if known else "The model has no group terms.",
        )
    if not known and not isinstance(model, Model):
        raise FitError(
            "A model of one's own does not say which of its parameters are group effects.",
            hint='Leave out groups, or write the model as a formula with terms such as "(1 | Subject)".',
        )
    for name in wanted:
        if name not in known:
            raise FitError(
                f'The model has no grouping factor "{name:.60}".',
                hint=f"Its factors: {', '.join(known)}." if known else "It has no group terms.",
            )
    return tuple(name for name in known if name in wanted)


def factors_of(model: Any) -> tuple[str, ...]:
    """Return the grouping factors of a model in the order of its text; () where it does not say."""
    if isinstance(model, Model):
        return tuple(factor.name for factor in model.factors)
    formulas = getattr(model, "formulas", None)
    return tuple(dict.fromkeys(factor for factor, _, _ in formulas.groups)) if formulas is not None else ()


def checked_new_levels(new: Any, drawn: bool, engine: str) -> str:
    """Return what stands for new levels: by default "sample" of a posterior, "zero" of a point fit.

    drawn: whether there is a posterior. Raises FitError for another word, and for "sample" without draws.
    """
    if new is None:
        return "sample" if drawn else "zero"
    if not isinstance(new, str) or new not in NEW_LEVELS:
        raise FitError(f"New levels cannot be {new!r:.60}.", hint=f"new_levels is one of {', '.join(NEW_LEVELS)}.")
    if new == "sample" and not drawn:
        raise FitError(
            "A point fit has no draws of the population that new levels come from.",
            hint=f'Take new_levels="zero", the centre of the population, or fit with engine={engine}.',
        )
    return new


def _several(groups: Any) -> bool:
    return isinstance(groups, Sequence | set | frozenset) or hasattr(groups, "tolist")
