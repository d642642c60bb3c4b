"""Statement matrices: what stands on the left of `@`, made of columns, of a factor, or given as an array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..design.coding import code_terms
from ..design.encoding import factor_name
from ..design.grouping import Grouping, group_factors, learn_grouping
from ..design.rank import dependent_columns
from ..errors import DataError
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Binary, Call, Name, Node
from ..spec.expansion import Expansion, expand
from ..spec.grouping import interaction
from ..spec.statement_spec import StatementSpec, is_by
from .statement_data import Sources, unknown

_MOST_NUMBER_LEVELS = 20


@dataclass(frozen=True, eq=False)
class Matrix:
    """A matrix of n rows that multiplies a parameter.

    kind: "dense" (n, p), "sparse" (for each row the places and values of m columns) or "group" (each row one level).
    key: the name of its inputs. arrays: by input, (n, ...). levels: J names of a group. columns: p or k names; () for
    indicators. where: what it is in words, such as "180 x 2 from design(1 + Days)".
    """

    kind: str
    key: str
    arrays: Mapping[str, np.ndarray]
    levels: tuple[str, ...]
    columns: tuple[str, ...]
    where: str

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what it multiplies: (p,), (J,) or (J, k)."""
        if self.kind != "group":
            return (len(self.columns),)
        return (len(self.levels), len(self.columns)) if self.columns else (len(self.levels),)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names along the first axis of what it multiplies."""
        return self.levels if self.kind == "group" else self.columns

    def product(self, inputs: Mapping[str, Any], value: Any) -> Any:
        """Return (..., n) from a value (..., *shape)."""
        tf = load()
        if self.kind == "dense":
            return tf.tensordot(value, inputs[self.key], [[-1], [1]])
        index = tf.cast(inputs[f"{self.key} level"], tf.int32)
        if self.kind == "sparse":
            return tf.reduce_sum(tf.gather(value, index, axis=-1) * inputs[self.key], axis=-1)
        if not self.columns:
            return tf.gather(value, index, axis=-1)
        return tf.reduce_sum(tf.gather(value, index, axis=-2) * inputs[self.key], axis=-1)


def is_matrix(node: Node, spec: StatementSpec, sources: Sources) -> bool:
    """Whether an expression is a matrix."""
    if isinstance(node, Name):
        value = spec.definition(node.name)
        return node.name in sources.matrices if value is None else is_matrix(value, spec, sources)
    return is_by(node) or (isinstance(node, Call) and node.function in ("design", "indicators"))


def matrix(node: Node, spec: StatementSpec, sources: Sources, groupings: dict[Node, Grouping]) -> Matrix:
    """Return the matrix that an expression stands for.

    groupings: the levels of each factor; learned here in a fit, read for new rows.
    Raises DataError for what is no matrix, and for columns that do not suit.
    """
    key = label(node)
    letter = node
    while isinstance(node, Name) and (value := spec.definition(node.name)) is not None:
        node = value
    if isinstance(node, Name):
        return _array(node, spec, sources)
    if isinstance(node, Call) and node.function == "design":
        return _design(node, key, spec, sources)
    if isinstance(node, Call) and node.function == "indicators":
        return _group(node, node.arguments[0], None, key, spec, sources, groupings)
    if isinstance(node, Binary) and is_by(node) and isinstance(node.left, Call):
        return _group(node, node.right, expand(node.left.arguments[0]), key, spec, sources, groupings)
    message = f"{quoted(label(letter))} is no matrix, so it cannot stand on the left of `@`."
    raise DataError(
        message, span=letter.span, hint="Write * for a product of numbers; matrices are made by design(...)."
    )


def _array(node: Name, spec: StatementSpec, sources: Sources) -> Matrix:
    found = sources.matrices.get(node.name)
    if found is None:
        if node.name in spec.parameters:
            message = f"The parameter {quoted(node.name)} stands on the left of `@`, which is the place of a matrix."
            raise DataError(message, span=node.span, hint="Write X @ w, the matrix first.")
        if node.name in sources.scope.columns or node.name in sources.vectors:
            message = f"{quoted(node.name)} is one column, not a matrix."
            raise DataError(message, span=node.span, hint=f"Write {node.name} * b, or design({node.name}) @ w.")
        raise unknown(node, sources, spec, factor=True)
    n, p = len(found.values), len(found.columns)
    where = f"{n} x {p}, an array"
    if found.places is None:
        return Matrix("dense", node.name, {node.name: found.values}, (), found.columns, where)
    arrays = {node.name: found.values, f"{node.name} level": found.places}
    return Matrix("sparse", node.name, arrays, (), found.columns, where)


def _require(names: list[Name], spec: StatementSpec, sources: Sources) -> None:
    for name in names:
        if name.name not in sources.scope.columns:
            if name.name in spec.parameters or spec.definition(name.name) is not None:
                message = f"{quoted(name.name)} is defined in the text; here stands a column of the data."
                raise DataError(message, span=name.span)
            raise unknown(name, sources, spec, factor=True)


def _design(node: Call, key: str, spec: StatementSpec, sources: Sources) -> Matrix:
    from ..spec.statement_spec import column_names

    _require(column_names(node), spec, sources)
    expansion = expand(node.arguments[0])
    coded = code_terms(expansion.intercept, expansion.terms, sources.scope)
    if sources.scope.learning:
        dropped = dependent_columns(coded.values, coded.names, constant=expansion.intercept)
        if dropped:
            place, why = next(iter(dropped.items()))
            message = f"The column {quoted(coded.names[place])} of {label(node)} is {why}, so it adds nothing."
            raise DataError(message, span=node.span, hint="Leave it out of the design.")
    where = f"{len(coded.values)} x {len(coded.names)} from {label(node)}"
    return Matrix("dense", key, {key: coded.values}, (), coded.names, where)


def _group(
    node: Node,
    factor: Node,
    columns: Expansion | None,
    key: str,
    spec: StatementSpec,
    sources: Sources,
    groupings: dict[Node, Grouping],
) -> Matrix:
    from ..spec.statement_spec import column_names

    parts = interaction(factor)
    _require([*column_names(node), *(part for part in parts if isinstance(part, Name))], spec, sources)
    factors = group_factors(parts, sources.scope)
    if node not in groupings:
        _check_levels(parts, factor, sources)
        groupings[node] = learn_grouping(factors)[0]
    index = groupings[node].index(factors)
    if (index < 0).any():
        row = int(np.argmax(index < 0))
        message = f"Row {row} of the new data has a level of {quoted(factor_name(parts))} that was not in the fit."
        raise DataError(message, span=factor.span)
    levels = groupings[node].levels
    arrays: dict[str, np.ndarray] = {f"{key} level": index.astype(np.float64)}
    names: tuple[str, ...] = ()
    if columns is not None:
        coded = code_terms(columns.intercept, columns.terms, sources.scope)
        arrays[key], names = coded.values, coded.names
    size = f"{len(levels)} levels" if not names else f"{len(levels)} levels x {len(names)} columns"
    return Matrix("group", key, arrays, levels, names, f"{size} from {label(node)}")


def _check_levels(parts: tuple[Node, ...], factor: Node, sources: Sources) -> None:
    """Refuse a factor of fractions, which is a predictor, and one with a single level."""
    for part in parts:
        column = sources.scope.columns[part.name] if isinstance(part, Name) else None
        if column is None or column.kind != "number" or column.values is None:
            continue
        values = column.numbers()
        distinct = len(np.unique(values))
        if distinct > _MOST_NUMBER_LEVELS and (values != np.round(values)).any():
            message = f"{quoted(label(part))} holds {distinct:,} different numbers, which are no levels of a factor."
            raise DataError(message, span=part.span, hint=f"Write design({label(part)}) if it is a predictor.")
    if len(learn_grouping(group_factors(parts, sources.scope))[0].levels) < 2:
        message = f"The grouping factor {quoted(factor_name(parts))} has one level in the rows used."
        raise DataError(message, span=factor.span, hint="Leave it out.")
