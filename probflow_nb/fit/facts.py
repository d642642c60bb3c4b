"""Facts: what is said of any model - its mathematics, its priors, its data - whatever kind of model it is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..design.design import Design
from ..design.response import counts_of_trials
from ..design.wording import counted
from ..display.card import Equation, FamilyEquation, GroupEquation, Statement, Statements
from ..lang.printer import label
from ..lang.tree import Call
from ..model.element_names import places
from ..model.letters import shown_names
from ..model.model import Model
from ..objects.distribution import Distribution
from ..objects.parameter import BoundedParameter, Parameter, PositiveParameter

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
    family, response = _family(model)
    weighted = design.weights is not None
    written = Equation(response, design.column_names, groups, design.offset is not None, weighted, family)
    return Facts(
        model.spec.formula,
        _statements(model, tuple(letters.get(name, name) for name in design.column_names)) if letters else written,
        _prior_lines(model),
        (*_data_notes(model), *_exposure_notes(model)),
        {letters.get(name, name): _mixed_role(name, common) for name in model.scalar_names},
        design.response_name,
        f"{len(design.y):,} rows{levels}",
        design.y,
        design.rows,
        {one.name: (0.0, 1.0) for one in model.record.auxiliary if one.transform == "logit"} if model.record else {},
    )


def _family(model: Model) -> tuple[FamilyEquation | None, str]:
    """Return the family as mathematics shows it, and the response: of counts / trials the counts."""
    family, response = model.spec.family, model.design.response_name
    if model.record is None:
        return None, response
    pair = counts_of_trials(model.spec)
    distribution = family.label.partition("(")[0]
    if pair is None:
        # Counts without trials are single events.
        called = {"Binomial": "Bernoulli", "Gaussian": "Normal"}.get(distribution, distribution)
        return FamilyEquation(called, family.link, further=model.auxiliary), response
    return FamilyEquation(distribution, family.link, label(pair[1])), label(pair[0])


def _mixed_role(name: str, common: set[str]) -> str:
    if name in common or name.startswith("cut["):
        return "common"
    return "correlation" if name.startswith("cor(") else "variance"


def _statements(model: Model, columns: tuple[str, ...]) -> Statements:
    """Return the statements of a person's own text, every prior among them, the likelihood first."""
    return Statements(_lines(model.spec.text()), columns)


def _lines(text: str) -> tuple[Statement, ...]:
    """Return the statements of a text whose last one is the likelihood, that one first."""
    lines = []
    for line in text.splitlines():
        left, sign, right = re.split(r"(~|=)", line.partition("  # ")[0], maxsplit=1)
        lines.append(Statement(left.strip(), sign, right.strip()))
    return (*lines[-1:], *lines[:-1])


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
    if design.first is not None:
        notes.append(_added_note(design, design.first))
    if model.spec.family.name == "ordinal":
        notes += _category_notes(design)
    elif design.response_levels:
        zero, one = design.response_levels
        notes.append(f"{design.response_name} is modelled as the probability of {one}, against {zero}.")
    return tuple(notes)


def _added_note(design: Design, first: int) -> str:
    """Return a sentence on rows that were added to those of a fit."""
    return (
        f"{counted(len(design.y) - first, 'row')} added to the {first:,} of an earlier fit, whose default priors and "
        "transforms these are."
    )


def _exposure_notes(model: Model) -> tuple[str, ...]:
    """Return a sentence on offsets that are the log of an exposure: the mean is then a rate."""
    if model.spec.family.link != "log":
        return ()
    logs = (node for node in model.spec.offsets if isinstance(node, Call) and node.function == "log")
    exposures = [label(argument) for node in logs for argument in node.arguments[:1]]
    if not exposures:
        return ()
    return (f"{model.design.response_name} is modelled as a rate per unit of {', '.join(exposures)}, its exposure.",)


def _category_notes(design: Design) -> list[str]:
    """Return the order of the categories, and which of them no row has."""
    levels = design.response_levels
    notes = [f"The categories of {design.response_name} are {' < '.join(levels)}."]
    counts = np.bincount(design.y.astype(int), minlength=len(levels) + 1)[1:]
    empty = [level for level, count in zip(levels, counts, strict=True) if count == 0]
    if empty:
        which = "category " + empty[0] if len(empty) == 1 else "categories " + ", ".join(empty)
        notes.append(f"No row has the {which}: of the cutpoints beside, the prior decides what the data leave open.")
    return notes


def _program(program: Program) -> Facts:
    named = list(zip(program.names, program.parameters, strict=True))
    shown = {name: _prior_label(program, name, p) for name, p in named}
    likelihood = program.formula.removeprefix(f"{program.title}: ") if program.title else program.formula
    left, sign, right = likelihood.partition("~")
    lines = [Statement(left.strip(), "~", right.strip())] if sign else []
    lines += [_statement(program, name, p) for name, p in named]
    lines = list(_lines(program.source)) if program.formulas.parameters else lines
    density = program.density
    roles, bounds = _roles(program, density.names)
    levels = "".join(f", {len(a.levels):,} elements of {a.name}" for a in density.effects)
    return Facts(
        program.formulas.formula or program.formula,
        Statements(tuple(lines), density.names),
        program.formulas.priors or tuple((_sized(name, p), shown[name]) for name, p in named),
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
    for name, parameter in zip(program.names, program.parameters, strict=True):
        if program.by_levels(name, parameter):
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
