"""Builder: a model's meaning and its data to a Design."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DataError, Span
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Name
from ..spec.model_spec import ModelSpec
from ..spec.terms import GroupTerm, Term
from .coding import INTERCEPT, Matrix, code_terms
from .column import Column
from .design import Design, DroppedColumn
from .encoding import Encoding, coded_with_constant, factor_name, has_cutpoints, located, sum_offsets, used_columns
from .expression import LARGEST, SMALLEST, Scope, number
from .group import GroupBlock
from .grouping import Grouping, group_factors, learn_grouping
from .rank import dependent_columns
from .response import Response, special_response
from .table import read_table
from .wording import counted, figure, first_row, level_text, listed

# On the scale of a link that is a logarithm at either end, so far apart responses are exp(100) times as likely.
_WIDEST_OFFSET = 100.0
_WITHOUT_BOUND = ("identity", "inverse", "sqrt")
# Beyond this, sums of weighted rows lose the rows of small weight.
_MOST_UNEVEN = 1e6


def build(spec: ModelSpec, data: Any) -> Design:
    """Return the arrays of a model: y (n,), X (n, p) and a GroupBlock for each group term.

    spec: what the model means.
    data: a pandas, polars or PyArrow frame, a dictionary of columns or a structured numpy array. Rows with a
        missing value in a column that the model uses are dropped and counted.
    Raises DataError if the model does not fit the data, with the faulty part of the model's text.
    """
    try:
        return _build(spec, data)
    except DataError as error:
        raise located(error, spec) from None


def _build(spec: ModelSpec, data: Any) -> Design:
    table = read_table(data)
    used = used_columns(spec, response=True, groups=True, weights=True)
    columns = {name.name: table.column(name.name, name.span) for name in used}
    if table.n_rows == 0:
        raise DataError("The data have no rows.")
    rows, missing = complete_rows(columns, used, table.n_rows)
    n = table.n_rows if rows is None else len(rows)
    scope = Scope(n, {name: column.take(rows) for name, column in columns.items()}, {}, True, rows)
    check_numbers(scope, used)
    special = special_response(spec, scope) or Response(_response(spec, scope))
    constant = coded_with_constant(spec)
    has_intercept = constant and not has_cutpoints(spec)
    matrix = _matrix(constant, spec.terms, scope)
    _check_names(matrix.names, set(spec.family.auxiliary) | (set() if constant else {INTERCEPT}), spec.terms)
    dropped = dependent_columns(matrix.values, matrix.names, constant=constant)
    # The constant that cutpoints stand for is no column of X.
    kept = tuple(i for i in range(int(constant and not has_intercept), len(matrix.names)) if i not in dropped)
    X = matrix.values if len(kept) == len(matrix.names) else np.ascontiguousarray(matrix.values[:, list(kept)])
    _check_rows(spec, n, len(kept))
    weights = checked_weights(spec, scope)
    offset = checked_offset(spec, scope)
    blocks = [_group(term, spec, scope, weighted=weights is not None) for term in spec.groups]
    return Design(
        y=special.y,
        X=X,
        column_names=tuple(matrix.names[i] for i in kept),
        groups=tuple(block for block, _ in blocks),
        offset=offset,
        weights=weights,
        response_name=label(spec.response),
        n_rows=table.n_rows,
        n_missing=table.n_rows - n,
        missing_by_column=missing,
        dropped_columns=tuple(DroppedColumn(matrix.names[i], why) for i, why in dropped.items()),
        has_intercept=has_intercept,
        encoding=Encoding(
            spec,
            scope.states,
            kept,
            tuple(grouping for _, grouping in blocks),
            {name: column.copied() for name, column in scope.columns.items()},
        ),
        rows=rows,
        trials=special.trials,
        response_levels=special.levels,
    )


def complete_rows(
    columns: dict[str, Column], used: Sequence[Name], n_rows: int
) -> tuple[np.ndarray | None, tuple[tuple[str, int], ...]]:
    """Return the rows without a missing value (None if all), and the missing values of each column."""
    counts = []
    missing = None
    for name in used:
        mask = columns[name.name].missing
        if mask is None:
            continue
        count = int(mask.sum())
        if count == n_rows:
            raise DataError(f"Every value of the column {quoted(name.name)} is missing.", span=name.span)
        counts.append((name.name, count))
        missing = mask if missing is None else missing | mask
    if missing is None:
        return None, ()
    rows = np.flatnonzero(~missing)
    if len(rows) == 0:
        culprits = ", ".join(f"{quoted(name)} ({count:,})" for name, count in counts[:8])
        raise DataError(f"Every row has a missing value in one of the columns {culprits}.")
    return rows, tuple(counts)


def check_numbers(scope: Scope, used: Sequence[Name]) -> None:
    """Raise DataError if a column of numbers has infinite values, or values of a size at which squares overflow."""
    for name in used:
        values = scope.columns[name.name].values
        if values is None or values.dtype.kind != "f":
            continue
        bad = ~np.isfinite(values)
        if bad.any():
            raise DataError(
                f"The column {quoted(name.name)} has {counted(int(bad.sum()), 'infinite value')}, "
                f"{first_row(bad, scope.rows)}.",
                span=name.span,
                hint="Correct them or mark them as missing, so that their rows are left out.",
            )
        check_size(values, name.name, name.span)


def check_size(values: np.ndarray, name: str, span: Span) -> None:
    """Raise DataError if a variable is of a size at which squares overflow or vanish."""
    largest = float(max(values.max(), -values.min()))
    if largest > LARGEST or 0 < largest < SMALLEST:
        raise DataError(
            f"The values of {quoted(name)} are up to {figure(largest)} in size, "
            f"outside the range from {SMALLEST:g} to {LARGEST:g}.",
            span=span,
            hint="Measure it in another unit.",
        )


def _matrix(intercept: bool, terms: Sequence[Term], scope: Scope) -> Matrix:
    matrix = code_terms(intercept, terms, scope)
    if any(len(term.factors) > 1 for term in terms):
        # Products may leave the range in which each factor was.
        span = terms[0].span | terms[-1].span
        largest = np.maximum(matrix.values.max(axis=0), -matrix.values.min(axis=0))
        for size, name in zip(largest, matrix.names):
            check_size(np.atleast_1d(size), name, span)
    return matrix


def _response(spec: ModelSpec, scope: Scope) -> np.ndarray:
    node = spec.response
    if isinstance(node, Name) and scope.columns[node.name].kind == "factor":
        levels = scope.columns[node.name].factor().levels
        numeric = all(_reads_as_number(level) for level in levels)
        raise DataError(
            f"The response {quoted(node.name)} holds text or categories ({listed(levels)}); it must hold numbers.",
            span=node.span,
            hint=f"Convert it to numbers first{'.' if numeric else ', such as 0 and 1.'}",
        )
    y = np.array(number(node, scope), dtype=np.float64)
    check_size(y, label(node), node.span)
    if spec.family.name == "gaussian":
        if len(y) == 1:
            raise DataError("There is one complete row, which is too few for a model.")
        if (y == y[0]).all():
            raise DataError(
                f"The response is constant: {quoted(label(node))} is {figure(y[0])} in all {len(y):,} rows.",
                span=node.span,
            )
    return y


def _reads_as_number(level: str) -> bool:
    try:
        float(level)
    except ValueError:
        return False
    return True


def _check_names(names: Sequence[str], taken: set[str], terms: Sequence[Term]) -> None:
    """Raise DataError if two parameters would have one name, at the place of the term that is called so."""
    seen = set(taken)
    for name in names:
        if name in seen:
            spans = [node.span for term in terms for node in term.factors if label(node) == name]
            raise DataError(
                f"Two parameters of the model would be called {quoted(name)}.",
                span=spans[0] if spans else None,
                hint="Rename the column of the data that has this name.",
            )
        seen.add(name)


def _check_rows(spec: ModelSpec, n: int, p: int) -> None:
    if not (p or spec.groups or spec.family.auxiliary):
        raise DataError(
            f"The model has no parameter: a {spec.family.label} response without predictors leaves nothing to learn.",
            span=spec.response.span,
            hint="Take the 0 out of the formula, or add a predictor or a group term.",
        )
    if spec.family.name == "gaussian" and n <= p:
        raise DataError(
            f"There are {n:,} complete rows for {p:,} common coefficients; a model needs more rows.",
            hint="Leave terms out, or add data.",
        )


def checked_weights(spec: ModelSpec, scope: Scope) -> np.ndarray | None:
    """Return the (n,) weights, or None; raises DataError for those that are not positive, or too uneven."""
    if spec.weights is None:
        return None
    weights = np.array(number(spec.weights, scope), dtype=np.float64)
    bad = weights <= 0
    if bad.any():
        found = "1 is" if bad.sum() == 1 else f"{bad.sum():,} are"
        raise DataError(
            f"Weights must be above 0, but {found} not, {first_row(bad, scope.rows)}.",
            span=spec.weights.span,
            hint="Leave out rows of weight 0.",
        )
    if weights.max() > _MOST_UNEVEN * weights.min():
        raise DataError(
            f"The weights run from {figure(weights.min())} to {figure(weights.max())}, so unevenly that some rows "
            f"would not count; the largest may be {_MOST_UNEVEN:g} times the smallest.",
            span=spec.weights.span,
            hint="Leave out the rows of small weight.",
        )
    return weights


def checked_offset(spec: ModelSpec, scope: Scope) -> np.ndarray | None:
    """Return the (n,) sum of the offsets, or None; raises DataError for what no curved link can follow."""
    offset = sum_offsets(spec, scope)
    if offset is None or spec.family.link in _WITHOUT_BOUND:
        return offset
    low, high = float(offset.min()), float(offset.max())
    if high - low > _WIDEST_OFFSET:
        raise DataError(
            f"The offset runs from {figure(low)} to {figure(high)} on the scale of the link {spec.family.link}, "
            f"where no response differs so much; at most {_WIDEST_OFFSET:g} may lie between them.",
            span=spec.offsets[0].span | spec.offsets[-1].span,
            hint="Write offset(log(exposure)) for an exposure."
            if spec.family.link == "log"
            else "Measure it on the scale of the link.",
        )
    return offset


def _group(term: GroupTerm, spec: ModelSpec, scope: Scope, *, weighted: bool) -> tuple[GroupBlock, Grouping]:
    factors = group_factors(term.factor, scope)
    grouping, index = learn_grouping(factors)
    name = factor_name(term.factor)
    span = term.factor[0].span | term.factor[-1].span
    if len(grouping.levels) < 2:
        raise DataError(
            f"The grouping factor {quoted(name)} has one level, {level_text(grouping.levels[0])}, "
            "in the rows used; "
            "it needs at least two.",
            span=span,
            hint="Leave the term out.",
        )
    matrix = _matrix(term.intercept, term.terms, scope)
    if len(grouping.levels) == scope.n and spec.family.name == "gaussian" and not weighted:
        _check_residual(term, name, matrix.values, scope)
    _check_names(matrix.names, set() if term.intercept else {INTERCEPT}, term.terms)
    block = GroupBlock(
        name, grouping.levels, index, matrix.values, matrix.names, correlated=term.correlated, span=term.span
    )
    return block, grouping


def _check_residual(term: GroupTerm, name: str, z: np.ndarray, scope: Scope) -> None:
    """Raise DataError if the columns of a factor with one row a level make a constant, as a residual does."""
    slopes, *_ = np.linalg.lstsq(z, np.ones(scope.n), rcond=None)
    if np.abs(z @ slopes - 1).max() > 1e-8:
        return
    hint = f"Leave the term out, or use a factor with several rows a level in place of {name}."
    column = scope.columns[term.factor[0].name] if isinstance(term.factor[0], Name) else None
    if len(term.factor) == 1 and column is not None and column.kind == "number":
        values = column.numbers()
        if (values != np.round(values)).any():
            hint = f"{quoted(name)} holds numbers with fractions: is it a predictor, not a grouping factor?"
    raise DataError(
        f"The grouping factor {quoted(name)} has one row for each of its {scope.n:,} levels, "
        f"so sd({name}) and sigma cannot be told apart.",
        span=term.factor[0].span | term.factor[-1].span,
        hint=hint,
    )
