"""Models: a model as its text and its data, compiled again by the pipeline that made it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..design.builder import build
from ..design.design import Design
from ..design.growth import grown
from ..design.joining import some_rows
from ..design.table import Table
from ..errors import KeepError
from ..lang import parse
from ..model.compile import compile_model
from ..model.formula_names import FormulaNames
from ..model.model import Model
from ..model.more_rows import program_of_kept
from ..model.program import Program
from ..spec.families import KINDS, Family
from ..spec.formula import lower
from ..spec.model_spec import ModelSpec
from .archive import damaged
from .columns import ascending, columns_page, read_columns, read_sources, sources_page
from .record import Arrays, Record


def model_page(model: Any, arrays: Arrays) -> dict[str, Any]:
    """Return the page of a model; KeepError for a model that is code."""
    if isinstance(model, Model):
        return {
            "kind": "mixed",
            "text": model.spec.source or model.spec.short_text(),
            # Statements say the distribution of the response themselves.
            "family": None if model.spec.statements else _family_page(model.spec.family),
            **_rows_page(model.design, arrays),
            "columns": columns_page(model.design.encoding.columns, arrays),
        }
    if isinstance(model, Program) and model.sources is not None:
        page = {"kind": "statements", "text": model.source, "title": model.title}
        return page | {"formulas": _formulas_page(model.formulas), "sources": sources_page(model.sources, arrays)}
    raise KeepError(
        "A model of one's own class is code, and a file of a fit holds none.",
        hint="Keep its posterior_sample() or to_arviz(), or write the model as a text.",
    )


def read_model(page: Record) -> Model | Program:
    """Return the model of a page; ProbflowError where text and data do not fit each other."""
    kind = page.text("kind")
    if kind == "statements":
        spec = lower(parse(page.text("text")))
        statements = spec.statements if isinstance(spec, ModelSpec) else spec
        if statements is None:
            raise damaged("its text is a formula, but its data are those of statements")
        found = program_of_kept(statements, read_sources(page.record("sources")), page.text("title"))
        return replace(found, formulas=_formulas(page.record("formulas")))
    if kind != "mixed":
        raise damaged("its model is of no known kind")
    return _mixed(page)


def _mixed(page: Record) -> Model:
    family = _family(page.record("family")) if page.has("family") else None
    spec = lower(parse(page.text("text")), family=family)
    if not isinstance(spec, ModelSpec):
        raise damaged("its text is one of statements, but its data are those of a formula")
    n = page.whole("n", 1)
    columns = read_columns(page.record("columns"), n)
    names = tuple(columns)
    table = Table(names, n, lambda i: columns[names[i]])
    first = page.whole("first", 1, n - 1) if page.has("first") else n
    design = build(spec, some_rows(table, np.arange(first)))
    if first < n:
        # Priors and transforms are those of the first rows, to which the others were added.
        spec = compile_model(spec, design).spec
        design = grown(design, some_rows(table, np.arange(first, n)))
    if len(design.y) != n:
        raise damaged("some of its rows are not complete")
    return compile_model(spec, _with_rows(design, page))


def _family_page(family: Family) -> dict[str, str]:
    return {"name": family.name, "link": family.link}


def _family(page: Record) -> Family:
    name, link = page.text("name"), page.text("link")
    for kind in KINDS:
        if kind.name == name and link in kind.links:
            return Family(name, link, kind.auxiliary)
    raise damaged("its family is of no known kind")


def _formulas_page(formulas: FormulaNames) -> dict[str, Any]:
    effects = [{"name": key, "factor": f, "columns": list(columns)} for key, (f, columns) in formulas.effects.items()]
    groups = [{"factor": f, "columns": list(columns), "correlated": c} for f, columns, c in formulas.groups]
    return {
        "formula": formulas.formula,
        "parameters": list(formulas.parameters),
        "priors": [{"target": target, "prior": prior} for target, prior in formulas.priors],
        "scalars": dict(formulas.scalars),
        "effects": effects,
        "common": list(formulas.common),
        "groups": groups,
    }


def _formulas(page: Record) -> FormulaNames:
    return FormulaNames(
        page.text("formula"),
        page.words("parameters"),
        tuple((one.text("target"), one.text("prior")) for one in page.records("priors")),
        {name: str(shown) for name, shown in page.plain("scalars").items()},
        {one.text("name"): (one.text("factor"), one.words("columns")) for one in page.records("effects")},
        page.words("common"),
        tuple((one.text("factor"), one.words("columns"), one.flag("correlated")) for one in page.records("groups")),
    )


def _rows_page(design: Design, arrays: Arrays) -> dict[str, Any]:
    """Return which rows of the data were fitted, and why not others."""
    return {
        "n": len(design.y),
        "n_rows": design.n_rows,
        "first": design.first,
        "rows": None if design.rows is None else arrays.add("rows", design.rows.astype(np.int64)),
        "missing": {
            "columns": [name for name, _ in design.missing_by_column],
            "counts": arrays.add("counts", np.array([c for _, c in design.missing_by_column], dtype=np.int64)),
        },
    }


def _with_rows(design: Design, page: Record) -> Design:
    """Return the design of the complete rows as that of all, some of which were left out."""
    n, n_rows = page.whole("n", 1), page.whole("n_rows", 1)
    rows = page.array("rows", "i", (n,)) if page.has("rows") else None
    if n_rows < n or (rows is None and n_rows != n) or (rows is not None and not ascending(rows, n_rows)):
        raise damaged("its rows are not among those of the data")
    missing = page.record("missing")
    names = missing.words("columns")
    counts = missing.array("counts", "i", (len(names),)).tolist()
    by_column = tuple(zip(names, counts, strict=True))
    return replace(design, n_rows=n_rows, n_missing=n_rows - n, missing_by_column=by_column, rows=rows)
