"""Group curves: the data of chosen levels and the curves fitted to them, as small multiples show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..design.expression import data_names
from ..errors import FitError
from ..model.model import Model
from ..spec.suggestion import did_you_mean
from .covariates import Covariate, Factor
from .curves import Curve, Curves

BINNED = 20  # rows of 0 and 1 from which a level shows shares of neighbouring rows
MOST_POINTS = 400  # of one level that are drawn; of more, evenly spaced ones


@dataclass(frozen=True, eq=False)
class Grouping:
    """A factor whose levels can be looked at one by one.

    name: such as "Subject" or "plate:sample", "" for all rows together. levels: J names. index: (n,) the level of each
    row. columns: the data's columns that it is made of.
    """

    name: str
    levels: tuple[str, ...]
    index: np.ndarray
    columns: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class GroupCurves:
    """Fitted curves of G levels and their data.

    grouping: which levels there are. levels: the G chosen. curve: theirs. x, y: for each level the data drawn, (r,)
    each. counts: for each level, how many rows it has. binned: whether y are shares of neighbouring rows of 0 and 1.
    settings: for each level, where all columns but the covariate are held.
    """

    grouping: Grouping
    levels: tuple[str, ...]
    curve: Curve
    x: tuple[np.ndarray, ...]
    y: tuple[np.ndarray, ...]
    counts: tuple[int, ...]
    binned: bool = False
    settings: tuple[Mapping[str, float], ...] = ()


def groupings(curves: Curves) -> tuple[Grouping, ...]:
    """Return the factors whose levels can be looked at, grouping factors first; all rows together if there is none."""
    found: dict[str, Grouping] = {}
    model = curves.model
    if isinstance(model, Model):
        encoding = model.design.encoding
        for term, block in zip(encoding.spec.groups, model.design.groups, strict=True):
            columns = tuple(name.name for node in term.factor for name in data_names(node))
            found.setdefault(block.factor, Grouping(block.factor, block.levels, block.index, columns))
    # Where further parameters have formulas, no level is a typical one, so that only groups are looked at, if any.
    grouped = {factor for factor, _, _ in getattr(getattr(model, "formulas", None), "groups", ())}
    for factor in curves.movable.factors:
        if not grouped or factor.name in grouped:
            codes = curves.movable.columns[factor.name].factor().codes
            found.setdefault(factor.name, Grouping(factor.name, factor.levels, codes, (factor.name,)))
    n = len(model.y)
    return tuple(found.values()) or (Grouping("", ("all rows",), np.zeros(n, dtype=np.int32), ()),)


def grouping(curves: Curves, name: str | None) -> Grouping:
    """Return a grouping by its name, the first for None; FitError if there is none of that name."""
    known = groupings(curves)
    for found in known:
        if name in (None, found.name):
            return found
    names = [g.name for g in known if g.name]
    hint = did_you_mean(f"{name!s:.60}", names, f"It has {', '.join(names)}." if names else "It has none.")
    raise FitError(f'There is no factor "{name!s:.60}" in this model.', hint=hint)


def spread(levels: Sequence[str], most: int) -> list[str]:
    """Return at most so many levels, evenly spaced in their order, the first and the last among them."""
    if len(levels) <= most:
        return list(levels)
    return [levels[int(i)] for i in np.unique(np.linspace(0, len(levels) - 1, most).round())]


def group_curves(
    curves: Curves,
    covariate: Covariate,
    chosen: Grouping,
    levels: Sequence[str],
    probability: float = 0.95,
    most_points: int = MOST_POINTS,
) -> GroupCurves:
    """Return the curves of some levels along a covariate, with their data.

    The other columns are held at what the level's own rows have: covariates at their median; a factor at its level
    where they share one, else at a typical one, or at the most common where there is none. most_points: of the data of
    one level, evenly spaced ones of more.
    Raises FitError for a level that was not fitted.
    """
    places = {level: i for i, level in enumerate(chosen.levels)}
    absent = [level for level in levels if level not in places]
    if absent:
        hint = did_you_mean(f"{absent[0]!s:.60}", chosen.levels, f"It has {len(chosen.levels):,} levels.")
        raise FitError(f'{chosen.name or "The data"} has no level "{absent[0]!s:.60}" in this fit.', hint=hint)
    order = np.argsort(chosen.index, kind="stable")
    starts = np.searchsorted(chosen.index, np.arange(len(chosen.levels) + 1), sorter=order)
    rows = [order[starts[places[level]] : starts[places[level] + 1]] for level in levels]
    settings = settings_of(curves, chosen, rows)
    numbers = curves.movable.columns[covariate.name].numbers()
    points, binned = _data(curves, numbers, rows, most_points)
    return GroupCurves(
        chosen,
        tuple(levels),
        curves.through(covariate, settings, probability),
        tuple(x for x, _ in points),
        tuple(y for _, y in points),
        tuple(len(held) for held in rows),
        binned,
        tuple(settings),
    )


def settings_of(curves: Curves, chosen: Grouping, rows: Sequence[np.ndarray]) -> list[dict[str, float]]:
    """Return where the columns are held for levels with these rows; see `group_curves`."""
    columns = curves.movable.columns
    numbers = {c.name: columns[c.name].numbers() for c in curves.movable.covariates}
    codes = {f.name: columns[f.name].factor().codes for f in curves.movable.factors}
    return [
        {name: float(np.median(values[held])) for name, values in numbers.items()}
        | {f.name: _shared(f, codes[f.name][held], f.name in chosen.columns) for f in curves.movable.factors}
        for held in rows
    ]


def _data(
    curves: Curves, x: np.ndarray, rows: Sequence[np.ndarray], most: int
) -> tuple[list[tuple[np.ndarray, np.ndarray]], bool]:
    """Return the data of each level, and whether they are shares of neighbouring rows: dots at 0 and 1 say little."""
    y = curves.observed
    if single_events(curves) and any(len(held) >= BINNED for held in rows):
        return [shares_of(x[held], y[held]) for held in rows], True
    drawn = [held[:: max(1, -(-len(held) // most))] for held in rows]
    return [(x[held], y[held]) for held in drawn], False


def single_events(curves: Curves) -> bool:
    """Return whether the response is 0 or 1 in every row."""
    return curves.events and bool(np.isin(curves.observed, (0.0, 1.0)).all())


def shares_of(x: np.ndarray, y: np.ndarray, most: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean x and the share of y in bins of about as many neighbouring rows, at least 10 each, (bins,) each.

    Rows of one x stay together. Fewer rows than 20 are one bin.
    """
    order = np.argsort(x, kind="stable")
    places, first = np.unique(x[order], return_index=True)
    wanted = max(1, min(most, len(x) // 10))
    if len(places) <= wanted:
        starts = first
    else:
        # Each distinct x goes to the bin that its middle row belongs to.
        middle = 0.5 * (first + np.append(first[1:], len(x)) - 1)
        bins = (middle * wanted / len(x)).astype(int)
        starts = first[np.unique(bins, return_index=True)[1]]
    sizes = np.diff(np.append(starts, len(x)))
    return np.add.reduceat(x[order], starts) / sizes, np.add.reduceat(y[order], starts) / sizes


def _shared(factor: Factor, codes: np.ndarray, own: bool) -> int:
    """Return the place of the level that rows share, else -1 for a typical one, or the most common."""
    if own or (codes == codes[0]).all():
        return int(codes[0])
    return -1 if factor.typical else int(np.argmax(np.bincount(codes)))
