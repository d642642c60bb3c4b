"""Response: what the left side of a formula is worth for a family whose response is not just a number.

Events are 1 for the second of two levels, 0 for the first; ordered categories are numbered from 1 in their order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Binary, Name, Node
from ..spec.model_spec import ModelSpec
from .column import number_label
from .expression import Scope, data_names, number
from .table import Table
from .wording import counted, figure, first_row, level_text, listed

TRUTH = ("False", "True")
"""The levels of a response that is false or true."""

_OF_EVENTS = ("bernoulli", "binomial")
# More categories than this, or more empty ones than others, are measurements, not categories.
_MOST = 60


@dataclass(frozen=True, eq=False)
class Response:
    """y (n,); trials (n,) for counts out of trials, else None; levels: the two events or all categories, or empty."""

    y: np.ndarray
    trials: np.ndarray | None = None
    levels: tuple[str, ...] = ()


def counts_of_trials(spec: ModelSpec) -> tuple[Node, Node] | None:
    """Return the counts and the trials of a binomial `counts / trials`, or None for any other response."""
    node = spec.response
    if spec.family.name == "binomial" and isinstance(node, Binary) and node.operator == "/":
        return node.left, node.right
    return None


def special_response(spec: ModelSpec, scope: Scope) -> Response | None:
    """Return the response from counts / trials, two levels or ordered categories; None where it is a number."""
    if spec.family.name == "ordinal":
        return _ordered(spec.response, scope)
    pair = counts_of_trials(spec)
    if pair is not None:
        counts, trials = (np.array(number(node, scope), dtype=np.float64) for node in pair)
        return Response(counts, trials)
    node = spec.response
    if spec.family.name not in _OF_EVENTS or not isinstance(node, Name):
        return None
    column = scope.columns[node.name]
    if column.kind == "boolean":
        return Response(np.array(number(node, scope), dtype=np.float64), None, TRUTH)
    if column.kind != "factor":
        return None
    factor = column.factor().occurring()
    if len(factor.levels) != 2:
        count = "1 level" if len(factor.levels) == 1 else f"{len(factor.levels)} levels"
        raise DataError(
            f"The response {quoted(node.name)} has {count} ({listed(factor.levels)}); it must have two.",
            span=node.span,
            hint="Code it as 0 and 1.",
        )
    return Response((factor.codes == 1).astype(np.float64), None, tuple(factor.levels))


def _ordered(node: Node, scope: Scope) -> Response:
    """Return the categories of an ordered factor, or of consecutive whole numbers."""
    column = scope.columns[node.name] if isinstance(node, Name) else None
    if column is None or column.codes is None:
        return _ordered_numbers(node, scope)
    name, factor = quoted(column.name), column.factor()
    if not (column.ordered or column.declared):
        if len(factor.levels) == 2:
            hint = "Leave the order to family = Bernoulli: two categories need none."
        else:
            order = ", ".join(f'"{level}"' for level in factor.levels[:3]) + (", ..." if len(factor.levels) > 3 else "")
            hint = f'In pandas: pd.Categorical(d["{column.name}"], categories=[{order}], ordered=True), lowest first.'
        raise DataError(
            f"The response {name} holds text or categories without an order ({listed(factor.levels)}); "
            "an ordinal response needs one.",
            span=node.span,
            hint=hint,
        )
    _check_categories(node, len(factor.levels), column.levels)
    return Response(column.codes + 1.0, None, column.levels)


def _ordered_numbers(node: Node, scope: Scope) -> Response:
    y = np.array(number(node, scope), dtype=np.float64)
    bad = y != np.round(y)
    if bad.any():
        raise DataError(
            f"An ordinal response must be whole numbers or an ordered categorical, but "
            f"{'1 value is' if bad.sum() == 1 else f'{int(bad.sum()):,} values are'} not whole in "
            f"{quoted(label(node))}, {first_row(bad, scope.rows)}.",
            span=node.span,
            hint="Number the categories 1, 2, 3, ..., or make it an ordered categorical.",
        )
    low, high = float(y.min()), float(y.max())
    found = len(np.unique(y))
    if high - low >= min(_MOST, 2 * found):
        raise DataError(
            f"The response {quoted(label(node))} has {counted(found, 'whole number')} from {figure(low)} to "
            f"{figure(high)}, which are no categories in a row; at most {_MOST} are allowed, and no more empty ones "
            "than others.",
            span=node.span,
            hint="Number the categories 1, 2, 3, ..., or make it an ordered categorical.",
        )
    levels = tuple(number_label(low + i) for i in range(int(high - low) + 1))
    _check_categories(node, found, levels)
    return Response(y - low + 1.0, None, levels)


def _check_categories(node: Node, occurring: int, levels: tuple[str, ...]) -> None:
    name = quoted(label(node))
    if occurring < 2:
        raise DataError(
            f"The response {name} has one category in the rows used; an ordinal response needs at least two.",
            span=node.span,
            hint="Look at the response, and at the rows that were left out.",
        )
    if len(levels) > min(_MOST, 2 * occurring):
        raise DataError(
            f"The response {name} has {len(levels):,} categories, of which {occurring:,} occur; "
            f"at most {_MOST} are allowed, and no more empty ones than others.",
            span=node.span,
            hint=f'In pandas: d["{label(node)}"].cat.remove_unused_categories(), or join categories.',
        )


def coded_levels(spec: ModelSpec, table: Table, levels: tuple[str, ...]) -> np.ndarray:
    """Return the numbers of a fit's levels in new rows, (n,), NaN where one is missing."""
    first = 1.0 if spec.family.name == "ordinal" else 0.0
    node = spec.response
    if not isinstance(node, Name):
        columns = {name.name: table.column(name.name, name.span) for name in data_names(node)}
        y = number(node, Scope(table.n_rows, columns, {}, learning=False))
        names = [None if np.isnan(value) else number_label(value) for value in y]
        unknown = [name for name in names if name is not None and name not in levels]
        places = [np.nan if name is None or name not in levels else first + levels.index(name) for name in names]
        found = np.array(places, float)
    else:
        column = table.column(node.name, node.span)
        if levels == TRUTH and column.kind in ("boolean", "number", "empty"):
            return np.array(number(node, Scope(table.n_rows, {node.name: column}, {}, learning=False)), float)
        factor = column.factor()
        unknown = [level for level in factor.levels if level not in levels]
        place = [first + levels.index(level) if level in levels else np.nan for level in factor.levels]
        found = np.array([*place, np.nan])[factor.codes]
    if unknown:
        raise DataError(
            f"The response {quoted(label(node))} has the level {level_text(unknown[0])}, "
            f"which the fit has not seen ({listed(levels)}).",
            span=node.span,
        )
    return found
