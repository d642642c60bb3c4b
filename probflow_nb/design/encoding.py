"""Encoding: what a fit has learned about its columns, so that new rows are coded alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import DataError
from ..lang.printer import label
from ..lang.tree import Name, Node
from ..spec.model_spec import ModelSpec
from ..spec.terms import Term
from .coding import code_terms
from .column import Column
from .expression import Scope, State, data_names, number
from .grouping import Grouping, group_factors, learn_grouping
from .table import Table, read_table


@dataclass(frozen=True, eq=False)
class GroupRows:
    """New rows of one group term.

    factor: the shown name. z: (m, k), NaN where a value is missing.
    index: (m,) int32, the level in the fit, -1 for a level that the fit has not seen or a missing one.
    level_names: the levels of the new rows.
    level_codes: (m,) int32, places in level_names, -1 where missing.
    """

    factor: str
    index: np.ndarray
    z: np.ndarray
    level_names: tuple[str, ...]
    level_codes: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """(m,) the level name of each row, None where it is missing."""
        return np.array([*self.level_names, None], dtype=object)[self.level_codes]


@dataclass(frozen=True, eq=False)
class Rows:
    """New rows, coded as the rows of the fit.

    X: (m, p), NaN where a value is missing.
    groups: one GroupRows a group term that was asked for, in the order of the model.
    offset: (m,) or None. weights: (m,) or None. missing: (m,) of each column that has missing values, by name.
    """

    X: np.ndarray
    groups: tuple[GroupRows, ...]
    offset: np.ndarray | None = None
    weights: np.ndarray | None = None
    missing: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True, eq=False)
class Encoding:
    """Levels, contrasts and the states of transforms, by expression.

    spec: the model. states: what each expression has learned. kept: places of the columns of X that were not
    dropped. groupings: the levels of each group term. columns: what the model reads of the data, on the rows fitted.
    """

    spec: ModelSpec
    states: Mapping[Node, State]
    kept: tuple[int, ...]
    groupings: tuple[Grouping, ...]
    columns: Mapping[str, Column] = field(default_factory=dict, repr=False)

    def rows(self, data: Any, *, groups: bool | Collection[int] = True, weights: bool = False) -> Rows:
        """Return new rows coded as those of the fit; rows(d[i:j]) equals rows(d)[i:j].

        data: any frame with the columns that the right side needs; the response is not read, the columns of
            group terms only with `groups` (all, none, or places among the terms), that of the weights only with
            `weights`.
        A missing value gives NaN, or level -1. Raises DataError for a missing column, a level of a common
        factor that the fit has not seen, and values that a transform does not allow.
        """
        spec = self.spec
        every = range(len(spec.groups))
        chosen = [i for i in every if groups is True or (groups is not False and i in groups)]
        try:
            table = read_table(data)
            scope = self._scope(table, groups=chosen, weights=weights)
            return Rows(
                X=code_terms(coded_with_constant(spec), spec.terms, scope).values[:, list(self.kept)],
                groups=tuple(self._group_rows(i, scope) for i in chosen),
                offset=sum_offsets(spec, scope),
                weights=number(spec.weights, scope) if weights and spec.weights is not None else None,
                missing={name: c.missing for name, c in scope.columns.items() if c.missing is not None},
            )
        except DataError as error:
            raise located(error, spec) from None

    def _scope(self, table: Table, *, groups: Collection[int], weights: bool) -> Scope:
        names = used_columns(self.spec, response=False, groups=groups, weights=weights)
        columns = {name.name: table.column(name.name, name.span) for name in names}
        return Scope(table.n_rows, columns, dict(self.states), learning=False)

    def _group_rows(self, i: int, scope: Scope) -> GroupRows:
        term = self.spec.groups[i]
        factors = group_factors(term.factor, scope)
        new, codes = learn_grouping(factors)
        return GroupRows(
            factor=factor_name(term.factor),
            index=self.groupings[i].index(factors),
            z=code_terms(term.intercept, term.terms, scope).values,
            level_names=new.levels,
            level_codes=codes,
        )


def has_cutpoints(spec: ModelSpec) -> bool:
    """Return whether cutpoints stand in the place of the common intercept."""
    return spec.family.name == "ordinal"


def coded_with_constant(spec: ModelSpec) -> bool:
    """Return whether common terms are coded as beside a constant: cutpoints are one, though no column of X."""
    return spec.intercept or has_cutpoints(spec)


def located(error: DataError, spec: ModelSpec) -> DataError:
    """Return the error with the model's text, so that it can show carets."""
    if spec.source:
        error.within(spec.source)
    return error


def factor_name(factor: tuple[Node, ...]) -> str:
    """Return the shown name of a grouping factor, such as "plate:sample"."""
    return ":".join(label(node) for node in factor)


def used_columns(spec: ModelSpec, *, response: bool, groups: bool | Collection[int], weights: bool) -> list[Name]:
    """Return the data columns that a model reads, each once, where it stands first; groups: which group terms."""
    nodes: list[Node] = [spec.response] if response else []
    nodes += _factors(spec.terms)
    for place, group in enumerate(spec.groups):
        if groups is True or (groups is not False and place in groups):
            nodes += [*_factors(group.terms), *group.factor]
    nodes += spec.offsets
    nodes += [spec.weights] if weights and spec.weights is not None else []
    found: dict[str, Name] = {}
    for node in nodes:
        for name in data_names(node):
            found.setdefault(name.name, name)
    return list(found.values())


def _factors(terms: tuple[Term, ...]) -> list[Node]:
    return [node for term in terms for node in term.factors]


def sum_offsets(spec: ModelSpec, scope: Scope) -> np.ndarray | None:
    """Return the (n,) sum of the offsets, or None if there are none."""
    if not spec.offsets:
        return None
    total = np.zeros(scope.n)
    for node in spec.offsets:
        total = total + number(node, scope)
    return total
