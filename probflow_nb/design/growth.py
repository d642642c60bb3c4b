"""Growth: a design with more rows, coded as those of the fit; only the new rows are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import DataError
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Name
from ..spec.model_spec import ModelSpec
from ..spec.terms import GroupTerm
from .builder import check_numbers, check_size, checked_offset, checked_weights, complete_rows
from .coding import code_terms
from .design import Design
from .encoding import coded_with_constant, located, used_columns
from .expression import Scope, number
from .group import GroupBlock
from .grouping import Grouping, group_factors, learn_grouping
from .joining import joined_column
from .response import coded_levels, counts_of_trials
from .table import Table, read_table


def grown(design: Design, data: Any) -> Design:
    """Return the design of the rows of a fit followed by more rows.

    data: any frame with the columns that the model uses; rows with a missing value are dropped and counted.
    Transforms keep what they have learned, and columns of X that were dropped stay so. New levels of grouping factors
    take their places among the others; a new level of a common factor raises DataError with its row, as does anything
    else that a fit of the new rows would refuse.
    """
    spec = design.encoding.spec
    try:
        return _grown(design, spec, data)
    except DataError as error:
        raise located(error, spec) from None


def _grown(design: Design, spec: ModelSpec, data: Any) -> Design:
    table, held = read_table(data), design.encoding
    used = used_columns(spec, response=True, groups=True, weights=True)
    read = {name.name: table.column(name.name, name.span) for name in used}
    if table.n_rows == 0:
        raise DataError("The data have no rows.")
    rows, missing = complete_rows(read, used, table.n_rows)
    n = table.n_rows if rows is None else len(rows)
    new = {name: column.take(rows) for name, column in read.items()}
    spans = {name.name: name.span for name in used}
    columns = {name: joined_column(held.columns[name], column, spans[name]) for name, column in new.items()}
    scope = Scope(n, new, dict(held.states), False, rows)
    check_numbers(scope, used)
    y, trials = _response(spec, design, scope)
    X = code_terms(coded_with_constant(spec), spec.terms, scope).values[:, list(held.kept)]
    weights, offset = checked_weights(spec, scope), checked_offset(spec, scope)
    whole = Scope(len(design.y) + n, columns, dict(held.states), False)
    blocks = [_group(*pair, scope, whole) for pair in zip(spec.groups, design.groups, strict=True)]
    counts = dict(design.missing_by_column)
    for name, count in missing:
        counts[name] = counts.get(name, 0) + count
    return replace(
        design,
        y=np.concatenate([design.y, y]),
        X=np.concatenate([design.X, X]),
        groups=tuple(block for block, _ in blocks),
        offset=_joined(design.offset, offset),
        weights=_joined(design.weights, weights),
        n_rows=design.n_rows + table.n_rows,
        n_missing=design.n_missing + table.n_rows - n,
        missing_by_column=tuple(counts.items()),
        encoding=replace(held, groupings=tuple(grouping for _, grouping in blocks), columns=columns),
        rows=_places(design, rows, table.n_rows),
        trials=_joined(design.trials, trials),
        first=design.first or len(design.y),
    )


def _response(spec: ModelSpec, design: Design, scope: Scope) -> tuple[np.ndarray, np.ndarray | None]:
    """Return y and the trials of new rows, in the numbers that the levels of the fit have."""
    pair = counts_of_trials(spec)
    if pair is not None and design.trials is not None:
        counts, trials = (np.array(number(node, scope), dtype=np.float64) for node in pair)
        return counts, trials
    if design.response_levels:
        names = tuple(scope.columns)
        table = Table(names, scope.n, lambda place: scope.columns[names[place]])
        return coded_levels(spec, table, design.response_levels), None
    node = spec.response
    if isinstance(node, Name) and scope.columns[node.name].kind == "factor":
        raise DataError(
            f"The response {quoted(node.name)} holds text or categories in the new rows; it must hold numbers.",
            span=node.span,
        )
    y = np.array(number(node, scope), dtype=np.float64)
    check_size(y, label(node), node.span)
    return y, None


def _group(term: GroupTerm, block: GroupBlock, scope: Scope, whole: Scope) -> tuple[GroupBlock, Grouping]:
    """Return a group term of all rows; its levels are in the order in which a fit of all rows has them."""
    z = code_terms(term.intercept, term.terms, scope).values
    grouping, index = learn_grouping(group_factors(term.factor, whole))
    return replace(block, levels=grouping.levels, index=index, z=np.concatenate([block.z, z])), grouping


def _joined(first: np.ndarray | None, more: np.ndarray | None) -> np.ndarray | None:
    return None if first is None or more is None else np.concatenate([first, more])


def _places(design: Design, rows: np.ndarray | None, n: int) -> np.ndarray | None:
    """Return the places of all rows in the data, those of the fit followed by the new ones; None if all."""
    if design.rows is None and rows is None:
        return None
    first = np.arange(design.n_rows) if design.rows is None else design.rows
    return np.concatenate([first, design.n_rows + (np.arange(n) if rows is None else rows)])
