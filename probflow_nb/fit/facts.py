"""Facts: what is said of any model - its mathematics, its priors, its data - whatever kind of model it is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..display.card import Equation, GroupEquation, Statement, Statements
from ..model.element_names import is_long, places
from ..model.model import Model
from ..objects.distribution import Distribution
from ..objects.parameter import BoundedParameter, Parameter, PositiveParameter
from ..predict.letters import shown_names

if TYPE_CHECKING:
    from ..model.program import Program


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
    letters = shown_names(model)
    design = model.design
    common = set(design.column_names)
    groups = tuple(GroupEquation(g.factor, g.column_names, g.correlated) for g in design.groups)
    levels = "".join(f", {len(f.levels):,} levels of {f.name}" for f in model.factors)
    written = Equation(
        design.response_name, design.column_names, groups, design.offset is not None, design.weights is not None
    )
    return Facts(
        model.spec.formula,
        _statements(model, tuple(letters.get(name, name) for name in design.column_names)) if letters else written,
        _prior_lines(model),
        _data_notes(model),
        {letters.get(name, name): _mixed_role(name, common) for name in model.scalar_names},
        design.response_name,
        f"{len(design.y):,} rows{levels}",
        design.y,
        design.rows,
    )


def _mixed_role(name: str, common: set[str]) -> str:
    if name in common:
        return "common"
    return "correlation" if name.startswith("cor(") else "variance"


def _statements(model: Model, columns: tuple[str, ...]) -> Statements:
    """Return the statements of a person's own text, every prior among them, the likelihood first."""
    lines = []
    for line in model.spec.text().splitlines():
        left, sign, right = re.split(r"(~|=)", line.partition("  # ")[0], maxsplit=1)
        lines.append(Statement(left.strip(), sign, right.strip()))
    return Statements((*lines[-1:], *lines[:-1]), columns)


def _prior_lines(model: Model) -> tuple[tuple[str, str], ...]:
    names = shown_names(model)
    # Priors speak of a whole correlation matrix, and of the intercept at the means.
    names |= {f"cor({f.name})": names[f"cor[{f.name}]"] for f in model.factors if f"cor[{f.name}]" in names}
    names |= {"centered(Intercept)": f"centered({names['Intercept']})"} if "Intercept" in names else {}
    return tuple(
        (names.get(prior.target.label, prior.target.label), prior.distribution.label) for prior in model.spec.priors
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


def _program(program: Program) -> Facts:
    named = list(zip(program.names, program.parameters, strict=True))
    shown = {name: _prior_label(program, name, p) for name, p in named}
    likelihood = program.formula.removeprefix(f"{program.title}: ") if program.title else program.formula
    left, sign, right = likelihood.partition("~")
    lines = [Statement(left.strip(), "~", right.strip())] if sign else []
    lines += [_statement(program, name, p) for name, p in named]
    density = program.density
    roles, bounds = _roles(program, density.names)
    levels = "".join(f", {len(a.levels):,} elements of {a.name}" for a in density.effects)
    return Facts(
        program.formula,
        Statements(tuple(lines), density.names),
        tuple((_sized(name, p), shown[name]) for name, p in named),
        tuple(program.notes),
        roles,
        program.response_name,
        f"{len(program.y):,} rows{levels}",
        np.asarray(program.y),
        None,
        bounds,
    )


def _prior_label(program: Program, name: str, parameter: Parameter) -> str:
    return program.priors[name].label if parameter.auto else parameter.prior_label


def repeats(parameter: Parameter, prior: Distribution) -> int:
    """Return how many elements, or rows of a distribution of vectors, a parameter has."""
    return math.prod(parameter.shape[: len(parameter.shape) - prior.event_rank])


def precision_statement(name: str, parameter: Parameter) -> Statement:
    """Return the default of a scale: its precision has a Gamma prior."""
    return Statement(f"1 / {name}**2", "~", parameter.prior.label, repeats(parameter, parameter.prior))


def _statement(program: Program, name: str, parameter: Parameter) -> Statement:
    if getattr(parameter, "by_precision", False):
        return precision_statement(name, parameter)
    return Statement(name, "~", _prior_label(program, name, parameter), repeats(parameter, program.priors[name]))


def _sized(name: str, parameter: Parameter) -> str:
    shape = [str(n) for n in parameter.shape if n > 1]
    return f"{name} ({' x '.join(shape)})" if shape else name


def _roles(program: Program, names: tuple[str, ...]) -> tuple[dict[str, str], dict[str, tuple[float, float]]]:
    """Return the role of every scalar, and the bounds of those whose role does not say them."""
    roles: dict[str, str] = {}
    bounds: dict[str, tuple[float, float]] = {}
    start = 0
    for parameter in program.parameters:
        if is_long(parameter):
            continue
        support = parameter.bijection.support
        role = {"positive": "variance", "correlation": "correlation"}.get(support, "common")
        own = names[start : start + len(places(parameter))]
        start += len(own)
        roles.update(dict.fromkeys(own, role if parameter.transform is None or role == "variance" else "common"))
        limits = _limits(parameter)
        if limits is not None:
            bounds.update(dict.fromkeys(own, limits))
    return roles, bounds


def _limits(parameter: Parameter) -> tuple[float, float] | None:
    if parameter.transform is not None and not isinstance(parameter, PositiveParameter):
        return None
    if parameter.bijection.support == "simplex":
        return (0.0, 1.0)
    if isinstance(parameter, BoundedParameter):
        return (float(np.min(parameter.low)), float(np.max(parameter.high)))
    return None
