"""Covariates: which columns of a fitted model can be moved, from where to where, and new rows of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..design.column import Column
from ..design.expression import Coding, data_names
from ..design.table import Table
from ..errors import FitError
from ..model.model import Model
from ..model.program import Program
from ..spec.suggestion import did_you_mean

# A column of whole numbers with more of them than this is moved as any other.
_MOST_WHOLE = 1000
# A class that was fitted to more columns than this has no slider for each.
MOST_COLUMNS = 12
# A point of the data: a number for each covariate, a level for each factor, None for a typical level.
Point = Mapping[str, float | str | None]


@dataclass(frozen=True)
class Covariate:
    """A column of numbers that can be moved.

    low, high: round ends inside the data. step: a round step. whole: whether the data are whole numbers.
    start: the round number nearest to the median. least, greatest: of the data.
    """

    name: str
    low: float
    high: float
    step: float
    whole: bool
    start: float
    least: float
    greatest: float


@dataclass(frozen=True, eq=False)
class Factor:
    """A column of levels that can be chosen.

    levels: in their order. rows: a row of the data for each level. start: the level at first, None for a typical one.
    typical: whether there is a typical level, one whose group effects are 0.
    """

    name: str
    levels: tuple[str, ...]
    rows: np.ndarray
    start: str | None
    typical: bool

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each level."""
        return {level: i for i, level in enumerate(self.levels)}


@dataclass(frozen=True, eq=False)
class Movable:
    """What of a model can be moved.

    covariates, factors: columns in the order of the model. columns: of the data, n rows. frame: whether new rows are
    read by name; an array of the covariates otherwise.
    """

    covariates: tuple[Covariate, ...]
    factors: tuple[Factor, ...]
    columns: Mapping[str, Column]
    frame: bool = True

    @property
    def start(self) -> dict[str, float | str | None]:
        """The medians, and the most common levels or typical ones."""
        return {c.name: c.start for c in self.covariates} | {f.name: f.start for f in self.factors}

    def covariate(self, name: str) -> Covariate:
        """Return a covariate by name; FitError if there is none."""
        for covariate in self.covariates:
            if covariate.name == name:
                return covariate
        raise _unknown(name, [c.name for c in self.covariates], "covariate")

    def point(self, given: Point | None) -> dict[str, float | str | None]:
        """Return a point, what is not given at its start.

        Raises FitError for a name that cannot be moved, for what is no number, and for a level that was not fitted.
        """
        found = self.start
        for name, value in (given or {}).items():
            if name not in found:
                raise _unknown(name, list(found), "column to move")
            factor = next((f for f in self.factors if f.name == name), None)
            found[name] = _finite(name, value) if factor is None else _level(factor, value)
        return found

    def rows(self, values: Mapping[str, np.ndarray]) -> Any:
        """Return new rows to predict for.

        values: for each covariate (m,) numbers, for each factor (m,) places among its levels, -1 for a typical one.
        """
        m = len(next(iter(values.values()), np.zeros(1)))
        if not self.frame:
            return np.column_stack([values[c.name] for c in self.covariates])
        found = {c.name: Column(c.name, "number", values=np.asarray(values[c.name], float)) for c in self.covariates}
        found |= {f.name: _chosen(self.columns[f.name], f, values[f.name]) for f in self.factors}
        names = tuple(found)
        return Table(names, m, lambda i: found[names[i]])


def movable(model: Any) -> Movable:
    """Return what of a model can be moved; FitError for a model that does not say what its inputs are."""
    if isinstance(model, Model):
        return _mixed(model)
    if isinstance(model, Program) and model.encode is None and 0 < len(model.x_names) <= MOST_COLUMNS:
        x = np.asarray(model.x, float)
        columns = {name: Column(name, "number", values=x[:, j]) for j, name in enumerate(model.x_names)}
        return Movable(tuple(_covariate(c) for c in columns.values()), (), columns, frame=False)
    if isinstance(model, Program) and model.formulas.parameters and model.sources is not None:
        return _further(model, model.sources.scope.columns)
    raise FitError(
        "This model has no covariates that can be moved one by one: its code takes arrays, not columns by name.",
        hint=f"Fit a class to a data frame of at most {MOST_COLUMNS} columns, or write the model as a formula.",
    )


def _mixed(model: Model) -> Movable:
    encoding = model.design.encoding
    spec, columns = encoding.spec, encoding.columns
    grouping = {name.name for group in spec.groups for node in group.factor for name in data_names(node)}
    coded = {
        name.name for node, state in encoding.states.items() if isinstance(state, Coding) for name in data_names(node)
    }
    common = {name.name for term in spec.terms for node in term.factors for name in data_names(node)}
    varying = {name.name for g in spec.groups for term in g.terms for node in term.factors for name in data_names(node)}
    own = {name.name for name in data_names(spec.response)}
    used = [name for name in columns if name not in own or name in grouping | common | varying]
    factors = tuple(
        _factor(columns[name], typical=name in grouping and name not in coded | common | varying)
        for name in used
        if name in grouping | coded or columns[name].kind in ("factor", "boolean")
    )
    chosen = {factor.name for factor in factors}
    covariates = tuple(_covariate(columns[name]) for name in used if name not in chosen)
    return Movable(covariates, factors, columns)


def _further(model: Program, held: Mapping[str, Column]) -> Movable:
    """Return the columns of a model with formulas of further parameters; its factors have no typical level."""
    columns = {name: column for name, column in held.items() if name != model.response_name}
    grouping = {name for factor, _, _ in model.formulas.groups for name in factor.split(":")}
    factors = tuple(
        _factor(column, typical=False)
        for name, column in columns.items()
        if name in grouping or column.kind in ("factor", "boolean")
    )
    chosen = {factor.name for factor in factors}
    covariates = tuple(_covariate(column) for name, column in columns.items() if name not in chosen)
    return Movable(covariates, factors, columns)


def _factor(column: Column, typical: bool) -> Factor:
    factor = column.factor()
    counts = np.bincount(factor.codes, minlength=len(factor.levels))
    _, rows = np.unique(factor.codes, return_index=True)
    start = None if typical else factor.levels[int(np.argmax(counts))]
    return Factor(column.name, factor.levels, rows, start, typical)


def _covariate(column: Column) -> Covariate:
    values = column.numbers()
    least, greatest = float(values.min()), float(values.max())
    whole = bool((values == np.round(values)).all()) and 0 < greatest - least <= _MOST_WHOLE
    step = 1.0 if whole else round_step(greatest - least)
    low, high = math.ceil(least / step - 1e-9) * step, math.floor(greatest / step + 1e-9) * step
    if not low < high:
        low, high = least, greatest
    digits = max(0, -math.floor(math.log10(step))) if step < 1 else 0
    start = min(max(round(float(np.median(values)) / step) * step, low), high)
    low, high, start = (round(value, digits + 1) for value in (low, high, start))
    return Covariate(column.name, low, high, step, whole, start, least, greatest)


def round_step(span: float) -> float:
    """Return a step of 1, 2 or 5 times a power of ten that divides a span into 100 to 250 parts; 1 for no span."""
    if not (span > 0 and math.isfinite(span)):
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / 100))
    return max(factor * power for factor in (1.0, 2.0, 5.0) if factor * power <= span / 100 * (1 + 1e-9))


def _chosen(column: Column, factor: Factor, places: np.ndarray) -> Column:
    """Return a column of some levels, each as it stands in the data, a missing value for a typical one."""
    places = np.asarray(places)
    found = column.take(factor.rows[np.maximum(places, 0)])
    absent = places < 0
    if not absent.any():
        return replace(found, missing=None)
    codes = None if found.codes is None else np.where(absent, -1, found.codes)
    return replace(found, codes=codes, missing=absent)


def _finite(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise FitError(f"{name} is moved to a number, not to {value!r:.60}.")
    return number


def _level(factor: Factor, value: Any) -> str | None:
    if value is None and factor.typical:
        return None
    # Levels are texts; a person writes them as they stand in the data.
    text = str(value) if isinstance(value, (str, int, float, np.generic)) else None
    if text in factor.places:
        return text
    shown = "no level" if value is None else f'no level "{value!s:.60}"'
    known = [str(level) for level in factor.levels]
    raise FitError(
        f"{factor.name} has {shown} in this fit.", hint=did_you_mean(str(value), known, _first(known, "Its levels are"))
    )


def _first(names: list[str], what: str) -> str:
    more = f" and {len(names) - 8:,} more" if len(names) > 8 else ""
    return f"{what} {', '.join(f'{name:.40}' for name in names[:8])}{more}." if names else f"{what} none."


def _unknown(name: Any, known: list[str], what: str) -> FitError:
    shown = f"{name!s:.60}"
    return FitError(
        f'There is no {what} "{shown}" in this model.',
        hint=did_you_mean(shown, known, _first(known, "It has")),
    )
