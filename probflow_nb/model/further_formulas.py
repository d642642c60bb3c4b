"""Further formulas: a model whose sigma, shape, ... has a linear predictor of its own becomes a program of statements.

Default priors of such a formula, on the scale of its link (log, or logit for a probability):

intercept at the means   Normal(link of a plausible value, 2.5): that of sd(y) for sigma; 8 for df, where the sd is 1
coefficients, group sds  Normal(0, 2.5 / sd(x)), HalfStudentT(3, 0, 2.5 [/ sd(x)]), with 1 in place of 2.5 for df
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..design.builder import build
from ..design.design import Design
from ..design.table import Table
from ..errors import ProbflowError, SpecError
from ..lang.grammar import parse
from ..spec.families import Family
from ..spec.longhand import chosen_letters
from ..spec.model_spec import ModelSpec
from ..spec.priors import Distribution, Target
from ..spec.signatures import DEFAULT
from ..spec.statements import read_statements
from .default_scale import WIDTH, Default, rounded, spread_of
from .families import record_of
from .families.response import check_response
from .formula_names import formula_names
from .priors import resolve
from .program import Program
from .statement_data import read_sources
from .statements import program

# df beyond some tens is a Normal distribution, so its logarithm is held closer than others.
_WIDTHS = {"df": 1.0}


def further_program(spec: ModelSpec, data: Any, arrays: Mapping[str, Any]) -> Program:
    """Return the program of a spec with formulas of further parameters, every default prior a number.

    Raises ProbflowError, with the faulty part of the text, for names and values that do not fit.
    """
    written = spec.statements
    if written is not None and all(d.prior.function != DEFAULT for d in written.declarations):
        return program(written, data, arrays)
    try:
        complete, designs = _resolved(spec, _table(spec, data, arrays))
    except ProbflowError as error:
        raise error.within(spec.source) from None
    found = program(read_statements(parse(complete.text())), data, arrays)
    if written is not None:
        return found
    return replace(found, formulas=formula_names(complete, chosen_letters(spec), designs))


def _table(spec: ModelSpec, data: Any, arrays: Mapping[str, Any]) -> Table:
    """Return the columns of all formulas on the rows that are complete in every one of them."""
    text = spec.text()
    if text == spec.short_text():
        parameter = spec.further[0].family.name
        empty = next((f for f in spec.further if not (f.intercept or f.terms or f.groups)), None)
        if empty is not None:
            raise SpecError(
                f"The formula of {empty.family.name} has neither an intercept nor a term.",
                span=None if empty.response is None else empty.response.span,
                hint=f"Write {empty.family.name} ~ 1 for one value in all rows, or leave the line out.",
            )
        raise SpecError(
            f"{parameter} cannot have a formula here: weights and the family {spec.family.label} leave no room for it.",
            hint="Leave out the weights, or the formula.",
        )
    columns = read_sources(read_statements(parse(text)), data, arrays).scope.columns
    names = tuple(columns)
    return Table(names, len(next(iter(columns.values()))), lambda i: columns[names[i]])


def _resolved(spec: ModelSpec, table: Table) -> tuple[ModelSpec, tuple[Design, ...]]:
    """Return the spec with every prior, and the designs of its formulas."""
    design = build(replace(spec, further=()), table)
    check_response(spec, design)
    designs, parts = [design], []
    for part in spec.further:
        own = build(replace(part, response=spec.response, source=spec.source), table)
        default = _default(part.family, own, _plausible(part.family.name, spec.family, design))
        parts.append(resolve(replace(part, source=spec.source), own, default))
        designs.append(own)
    whole = resolve(replace(spec, further=()), design)
    computed = {part.family.name for part in parts}
    priors = tuple(prior for prior in whole.priors if prior.target.kind not in computed)
    return replace(whole, priors=priors, further=tuple(parts)), tuple(designs)


def _plausible(name: str, family: Family, design: Design) -> float:
    """Return a plausible value of a further parameter: sd(y) for sigma of a Gaussian, else where its record starts."""
    record = record_of(family, design)
    if record is None:
        y = design.y if design.offset is None else design.y - design.offset
        return float(y.std(ddof=1)) or 1.0
    return next(one.start for one in record.auxiliary if one.name == name)


def _default(family: Family, design: Design, plausible: float) -> Default:
    """Return what makes the default prior of a target of a further formula."""
    logit = math.log(plausible / (1.0 - plausible)) if family.link == "logit" else math.log(plausible)
    shift = 0.0 if design.offset is None else float(design.offset.mean())
    width = _WIDTHS.get(family.name, WIDTH)

    def default(target: Target, design: Design) -> tuple[Target, Distribution]:
        if target.kind == "intercept":
            return Target("centered intercept"), Distribution("Normal", (rounded(logit - shift, width), width))
        if target.kind == "coefficient":
            x = design.X[:, design.column_names.index(target.name or "")]
            return target, Distribution("Normal", (0.0, rounded(width / spread_of(x, design.has_intercept))))
        if target.kind == "cor":
            return target, Distribution("LKJ", (1.0,))
        group = next(g for g in design.groups if g.factor == target.factor and target.name in g.column_names)
        z = group.z[:, group.column_names.index(target.name or "")]
        unit = 1.0 if bool(np.all(z == z[0])) else spread_of(z, True)
        return target, Distribution("HalfStudentT", (3.0, 0.0, rounded(width / unit)))

    return default
