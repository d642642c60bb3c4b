"""Reference grid: the rows that stand for the population of a model, and what they weigh in each marginal mean.

A marginal mean is an average of eta = X beta + offset over a grid of rows: every combination of the levels of the
factors of the common effects, numbers at their means. Group effects are 0. Averages of rows of X are rows again, so
that a grid of any size becomes one row L a mean, and eta = L beta + offset.
Searle, Speed and Milliken (1980), The American Statistician 34(4):216-221; Lenth's emmeans, with its defaults: a column
of numbers with two values is a factor.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..design.coding import code_terms
from ..design.encoding import coded_with_constant
from ..design.expression import Scope, data_names
from ..errors import FitError
from ..model.model import Model
from ..spec.suggestion import did_you_mean
from .covariates import Factor, Movable, movable

MOST_ROWS = 200_000  # of one grid
_TWO = 2  # a column of numbers with no more values than this is a factor
WEIGHTS = ("equal", "proportional")


@dataclass(frozen=True, eq=False)
class Grid:
    """The means of m combinations of what was asked for.

    names: of the columns asked for. labels: (m) tuples of their levels or numbers. L: (m, p) rows of X, averaged, NaN
    where the rows fitted do not say what the mean is. offset: (m,).
    """

    names: tuple[str, ...]
    labels: tuple[tuple[Any, ...], ...]
    L: np.ndarray
    offset: np.ndarray


@dataclass(frozen=True, eq=False)
class Axis:
    """The values that one column takes in a grid: its name, numbers or places of levels, how they are shown."""

    name: str
    values: np.ndarray
    shown: tuple[Any, ...]


class Reference:
    """The columns that the common effects of a formula read, and grids of them."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.movable: Movable = movable(model)
        spec = model.design.encoding.spec
        nodes = [node for term in spec.terms for node in term.factors] + list(spec.offsets)
        self.names = tuple(dict.fromkeys(name.name for node in nodes for name in data_names(node)))
        self.factors = {f.name: f for f in self.movable.factors if f.name in self.names}
        self.numbers = {
            c.name: self.movable.columns[c.name].numbers() for c in self.movable.covariates if c.name in self.names
        }

    def averaged(self) -> tuple[str, ...]:
        """Return the columns that are averaged over unless asked for: factors, and numbers of two values."""
        twos = [name for name, values in self.numbers.items() if len(np.unique(values)) <= _TWO]
        return tuple(name for name in self.names if name in self.factors or name in twos)

    def known(self, name: Any, what: str) -> str:
        """Return the name of a column of the common effects; FitError for any other."""
        if isinstance(name, str) and name in self.names:
            return name
        grouping = [f.name for f in self.movable.factors if f.name == name]
        if grouping:
            raise FitError(
                f"{name} is a grouping factor, whose effects vary about 0, so it has no {what}.",
                hint="fit.ranef has its effects, and fit.predict(rows) their predictions.",
            )
        listed = f"It has {', '.join(self.names)}." if self.names else "It has none."
        raise FitError(
            f'There is no column "{name!s:.60}" among the common effects of this model.',
            hint=did_you_mean(str(name), self.names, listed),
        )

    def axis(self, name: str, at: Mapping[str, Any]) -> Axis:
        """Return the values that a column takes: those given, else every level, the two values, or the mean."""
        factor = self.factors.get(name)
        if factor is not None:
            levels = _listed(at[name]) if name in at else list(factor.levels)
            places = [_place(factor, level) for level in levels]
            return Axis(name, np.array(places, float), tuple(factor.levels[i] for i in places))
        if name in at:
            values = np.array([_finite(name, value) for value in _listed(at[name])])
        elif name in self.averaged():
            values = np.unique(self.numbers[name])
        else:
            values = np.array([self.numbers[name].mean()])
        return Axis(name, values, tuple(float(v) for v in values))

    def grid(self, asked: Sequence[str], at: Mapping[str, Any], weights: str = "equal") -> Grid:
        """Return the marginal means of every combination of the columns asked for, the last running fastest."""
        for name in at:
            self.known(name, "value to hold")
        outer = [self.axis(name, at) for name in asked]
        inner = [self.axis(name, at) for name in self.names if name not in asked]
        cells = list(itertools.product(*(range(len(axis.values)) for axis in outer)))
        sizes = [len(axis.values) for axis in inner]
        n_inner = int(np.prod(sizes, dtype=float)) if sizes else 1
        if len(cells) * n_inner > MOST_ROWS:
            raise FitError(
                f"The grid of these means has {len(cells) * n_inner:,} rows, more than {MOST_ROWS:,}.",
                hint="Hold some factors at levels: at={'" + (inner or outer)[0].name + "': ...}.",
            )
        under = np.array(list(itertools.product(*(range(size) for size in sizes))), dtype=int).reshape(n_inner, -1)
        values = {a.name: np.repeat(a.values[[c[i] for c in cells]], n_inner) for i, a in enumerate(outer)}
        values |= {a.name: np.tile(a.values[under[:, i]], len(cells)) for i, a in enumerate(inner)}
        X, offset = self.rows(values)
        share = self._weights(inner, under, weights)
        L = np.einsum("j,mjp->mp", share, X.reshape(len(cells), n_inner, -1))
        labels = tuple(tuple(a.shown[c[i]] for i, a in enumerate(outer)) for c in cells)
        return Grid(tuple(asked), labels, L, offset.reshape(len(cells), n_inner) @ share)

    def rows(self, values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return X (m, p) and the offset (m,) of rows whose columns are numbers and places of levels.

        A row that is no combination of the rows fitted, where columns of X were left out, is NaN.
        """
        m = len(next(iter(values.values()), np.zeros(1)))
        whole = {c.name: np.full(m, c.start) for c in self.movable.covariates}
        whole |= {f.name: np.zeros(m, dtype=int) for f in self.movable.factors}
        whole |= {n: v.astype(int) if n in self.factors else v for n, v in values.items()}
        table = self.movable.rows(whole)
        encoding = self.model.design.encoding
        found = encoding.rows(table, groups=False)
        X = np.array(found.X)
        if self.model.design.dropped_columns:
            X[~self._estimable(table)] = np.nan
        return X, np.zeros(m) if found.offset is None else found.offset

    def _estimable(self, table: Any) -> np.ndarray:
        """Return which rows lie in the row space of all columns of X, those left out among them."""
        encoding = self.model.design.encoding
        fitted = self._coded(encoding.columns, len(self.model.design.y))
        new = self._coded({name: table.column(name) for name in self.names}, table.n_rows)
        scale = np.sqrt((fitted**2).mean(axis=0))
        scale[scale == 0] = 1.0
        _, s, V = np.linalg.svd(fitted / scale, full_matrices=False)
        kept = V[s > 1e-9 * s.max()]
        rest = (new / scale) - (new / scale) @ kept.T @ kept
        found: np.ndarray = np.abs(rest).max(axis=1) < 1e-7 * (1 + np.abs(new / scale).max(axis=1))
        return found

    def _coded(self, columns: Mapping[str, Any], n: int) -> np.ndarray:
        encoding = self.model.design.encoding
        scope = Scope(n, columns, dict(encoding.states), learning=False)
        return code_terms(coded_with_constant(encoding.spec), encoding.spec.terms, scope).values

    def _weights(self, inner: Sequence[Axis], under: np.ndarray, weights: str) -> np.ndarray:
        """Return what each combination of the columns averaged over weighs, (c,): alike, or by its rows in the data."""
        if weights not in WEIGHTS:
            raise FitError(f"weights is one of {', '.join(WEIGHTS)}, not {weights!r:.40}.")
        if weights == "equal" or not inner:
            return np.full(len(under), 1.0 / len(under))
        counts = np.zeros(len(under))
        matches = np.ones((len(self.model.design.y), len(under)), dtype=bool)
        for i, axis in enumerate(inner):
            if len(axis.values) > 1:
                held = self._data(axis.name)
                matches &= held[:, None] == axis.values[under[:, i]][None, :]
        counts = matches.sum(axis=0).astype(float)
        if not counts.sum():
            raise FitError("No row of the data has a combination that is averaged over.", hint='Take weights="equal".')
        found: np.ndarray = counts / counts.sum()
        return found

    def _data(self, name: str) -> np.ndarray:
        factor = self.factors.get(name)
        return self.numbers[name] if factor is None else self.movable.columns[name].factor().codes.astype(float)


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return [value]
    found = list(value)
    if not found:
        raise FitError("at holds a column at an empty list of values.", hint="Give one value or more.")
    return found


def _place(factor: Factor, level: Any) -> int:
    text = str(level)
    if text not in factor.places:
        hint = did_you_mean(text, factor.levels, f"Its levels are {', '.join(factor.levels[:8])}.")
        raise FitError(f'{factor.name} has no level "{text:.60}" in this fit.', hint=hint)
    return factor.places[text]


def _finite(name: str, value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = np.nan
    if not np.isfinite(found):
        raise FitError(f"{name} is held at a number, not at {value!r:.60}.")
    return found
