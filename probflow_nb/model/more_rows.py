"""More rows: a compiled model of the rows that it has and of more, with the priors and the codings that it has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..design.addition import added
from ..design.expression import Scope
from ..design.growth import grown
from ..design.joining import joined_column
from ..design.wording import counted
from ..errors import DataError, ProbflowError
from ..lang import parse
from ..lang.source import quoted
from ..spec.formula import lower
from ..spec.model_spec import ModelSpec
from ..spec.statement_spec import StatementSpec
from .compile import compile_model
from .model import Model
from .program import Program
from .statement_data import Array, Sources, read_sources, split_rows
from .statements import program_of


def with_more_rows(model: Model | Program, data: Any) -> Model | Program:
    """Return the model of its rows followed by those of the data.

    Priors are those of the model, default ones among them; transforms keep what they learned from its first rows.
    The cross-products of a Gaussian model are added to those that it has.
    Raises DataError, with the faulty part of the text, for rows that cannot be added.
    """
    return _mixed(model, data) if isinstance(model, Model) else _program(model, data)


def _mixed(model: Model, data: Any) -> Model:
    design = grown(model.design, data)
    summed = added(model.moments, model.design, design) if model.has_moments else None
    given = None if model.given is None else model.given.with_rows(data)
    return replace(compile_model(model.spec, design), cross_products=summed, given=given)


def _program(program: Program, data: Any) -> Program:
    spec, held = statements_of(program), _sources(program)
    columns, arrays = split_rows(data)
    try:
        sources = _joined(held, read_sources(spec, columns, arrays))
    except ProbflowError as error:
        raise error.within(program.source) from None
    given = None if program.given is None else program.given.with_rows(data)
    return replace(_noted(spec, sources, program.title), formulas=program.formulas, given=given)


def _noted(spec: StatementSpec, sources: Sources, title: str) -> Program:
    """Return the program of sources to whose first rows others were added, which its notes say."""
    found, first = program_of(spec, sources, title), sources.first or 0
    note = f"{counted(sources.scope.n - first, 'row')} added to {first:,}; transforms are those of the first rows"
    return replace(found, notes=(*found.notes, note))


def _sources(program: Program) -> Sources:
    assert program.sources is not None
    return program.sources


def program_of_kept(spec: StatementSpec, sources: Sources, title: str) -> Program:
    """Return the program of sources; of those to which rows were added, transforms learn from the first rows alone."""
    if sources.first is None:
        return program_of(spec, sources, title)
    first, scope = np.arange(sources.first), sources.scope
    columns = {name: column.take(first) for name, column in scope.columns.items()}
    matrices = {name: m.take(first) if len(m.values) == scope.n else m for name, m in sources.matrices.items()}
    learned = replace(sources, scope=Scope(sources.first, columns, {}, True), matrices=matrices)
    states = _sources(program_of(spec, learned, title)).scope.states
    return _noted(spec, replace(sources, scope=replace(scope, states=dict(states))), title)


def statements_of(program: Program) -> StatementSpec:
    """Return the statements that a program of a text was made of."""
    spec = lower(parse(program.source))
    statements = spec.statements if isinstance(spec, ModelSpec) else spec
    assert statements is not None
    return statements


def _joined(held: Sources, more: Sources) -> Sources:
    """Return both sets of rows; what transforms have learned stays, numbers and vectors are those of the fit."""
    n, m = held.scope.n, more.scope.n
    columns = {name: joined_column(column, more.scope.columns[name]) for name, column in held.scope.columns.items()}
    matrices = {name: _joined_matrix(matrix, more.matrices.get(name), n, m) for name, matrix in held.matrices.items()}
    rows = None
    if held.scope.rows is not None or more.scope.rows is not None:
        first = np.arange(n) if held.scope.rows is None else held.scope.rows
        rows = np.concatenate([first, held.n_rows + (np.arange(m) if more.scope.rows is None else more.scope.rows)])
    scope = Scope(n + m, columns, dict(held.scope.states), True, rows)
    n_rows, n_missing = held.n_rows + more.n_rows, held.n_missing + more.n_missing
    return replace(held, scope=scope, matrices=matrices, n_rows=n_rows, n_missing=n_missing, first=held.first or n)


def _joined_matrix(held: Array, more: Array | None, n: int, m: int) -> Array:
    if len(held.values) != n:
        return held
    if more is None or len(more.values) != m:
        raise DataError(
            f"The matrix {quoted(held.name)} needs {counted(m, 'row')} more, one for each new row.",
            hint=f'Give it beside the columns: {{"x": ..., "{held.name}": matrix}}.',
        )
    if len(more.columns) != len(held.columns):
        raise DataError(
            f"The matrix {quoted(held.name)} has {counted(len(more.columns), 'column')} in the new rows, "
            f"but {len(held.columns):,} in the fit."
        )
    if held.places is None and more.places is None:
        return replace(held, values=np.concatenate([held.values, more.values]))
    return replace(held, values=np.concatenate([_dense(held), _dense(more)]), places=None)


def _dense(matrix: Array) -> np.ndarray:
    if matrix.places is None:
        return matrix.values
    out = np.zeros((len(matrix.values), len(matrix.columns)))
    np.add.at(out, (np.arange(len(out))[:, None], matrix.places.astype(np.int64)), matrix.values)
    return out
