"""Facts: what is said of any model - its mathematics, its priors, its data - whatever kind of model it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..display.card import Equation, GroupEquation, Statements
from ..model.model import Model


@dataclass(frozen=True, eq=False)
class Facts:
    """A model in words and plain values.

    formula: one line. equation: for the mathematics. priors: (parameter, distribution). notes: sentences on the data.
    roles: of each scalar, "common", "variance" or "correlation". response: its name. data: the data in words.
    y: the response as fitted. rows: places of the fitted rows in the data, None for all.
    bounds: of scalars whose role does not say them.
    """

    formula: str
    equation: Equation | Statements
    priors: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    roles: Mapping[str, str]
    response: str
    data: str
    y: np.ndarray
    rows: np.ndarray | None = None
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """n, the rows fitted."""
        return len(self.y)


def facts(model: Any) -> Facts:
    """Return the facts of a compiled mixed model or of a model of one's own."""
    return _mixed(model) if isinstance(model, Model) else _program(model)


def _mixed(model: Model) -> Facts:
    design = model.design
    common = set(design.column_names)
    groups = tuple(GroupEquation(g.factor, g.column_names, g.correlated) for g in design.groups)
    levels = "".join(f", {len(f.levels):,} levels of {f.name}" for f in model.factors)
    return Facts(
        model.spec.formula,
        Equation(
            design.response_name, design.column_names, groups, design.offset is not None, design.weights is not None
        ),
        tuple((prior.target.label, prior.distribution.label) for prior in model.spec.priors),
        _data_notes(model),
        {
            name: "common" if name in common else "correlation" if name.startswith("cor(") else "variance"
            for name in model.scalar_names
        },
        design.response_name,
        f"{len(design.y):,} rows{levels}",
        design.y,
        design.rows,
    )


def _data_notes(model: Model) -> tuple[str, ...]:
    """Return sentences on rows and columns that were left out."""
    design = model.design
    notes = []
    if design.n_missing:
        causes = ", ".join(f"{name} {count:,}" for name, count in design.missing_by_column)
        notes.append(f"{design.n_missing:,} of {design.n_rows:,} rows were left out for missing values ({causes}).")
    notes.extend(f"{column.name} = {column.reason}; dropped." for column in design.dropped_columns)
    return tuple(notes)


def _program(program: Any) -> Facts:
    raise NotImplementedError
