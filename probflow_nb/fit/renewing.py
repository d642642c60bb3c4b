"""Renewing: the work behind `update` and `refit`: models of more rows, or of a changed text, and their runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend import devices
from ..design.column import Column
from ..design.table import Table, read_table
from ..errors import DataError, EngineError, FitError, ProbflowError, SpecError
from ..inference import start
from ..inference.auto import choose
from ..lang import parse
from ..lang.source import quoted
from ..model.given import Given
from ..model.model import Model
from ..model.more_rows import with_more_rows
from ..model.pipeline import model_of
from ..model.program import Program
from ..spec.formula import lower
from ..spec.model_spec import ModelSpec
from ..spec.revision import revised

if TYPE_CHECKING:
    from .fit import Fit

_CODE = "A model of one's own class is code, which {what}."


def updated(fit: Any, data: Any, engine: Any, seed: int | None, name: str | None, progress: Any) -> Fit:
    """Return the fit of the rows of a fit and more; see `Renewal.update`."""
    if isinstance(fit.model, Program) and fit.model.sources is None:
        raise FitError(
            _CODE.format(what="cannot be given more rows here"),
            hint="Join the rows, and call the model's fit(x, y) with all of them.",
        )
    if data is None:
        raise FitError(
            "update needs the new rows.", hint="Write fit.update(more), a frame with the columns of the model."
        )
    with devices.on(fit.device):
        model = with_more_rows(fit.model, data)
    return _fitted(fit, model, engine, seed, name, progress)


def refitted(
    fit: Any,
    changes: tuple[str | None, ...],
    data: Any,
    arrays: Mapping[str, Any] | None,
    family: Any,
    engine: Any,
    seed: int | None,
    name: str | None,
    progress: Any,
) -> Fit:
    """Return the fit of a changed model; see `Renewal.refit`."""
    if isinstance(fit.model, Program) and fit.model.sources is None:
        raise FitError(
            _CODE.format(what="has no formula"), hint="Change the class, and call the model's fit(x, y) again."
        )
    lines = [change for change in changes if change is not None]
    for line in lines:
        if not isinstance(line, str):
            raise FitError(
                f"A formula is a text, not of type {type(line).__name__}.", hint='Write, for example, ". ~ . + x".'
            )
    change = "\n".join(lines) or None
    given = fit.model.given or _kept(fit.model)
    if data is None and arrays is None:
        if change is None and family is None:
            return _fitted(fit, fit.model, engine, seed, name, progress)
        _check_unchanged(fit.model, given)
        source, named = given.at(_rows(fit.model), _n_rows(fit.model))
        found = _changed(given, change, family, source, named)
        return _fitted(fit, _on_rows(found, fit.model), engine, seed, name, progress)
    source = given.data if data is None else data
    found = _changed(given, change, family, source, given.arrays if arrays is None else arrays)
    return _fitted(fit, found, engine, seed, name, progress)


def _changed(given: Given, change: str | None, family: Any, data: Any, arrays: Mapping[str, Any]) -> Model | Program:
    """Return the model of a changed text; priors that it inherits but has no parameter for are left out."""
    if change is None and family is None:
        return model_of(given.text, data, arrays, given.family)
    spec = lower(parse(given.text), family=given.family)
    if not isinstance(spec, ModelSpec) or spec.statements is not None:
        raise FitError(
            "The model was written as statements, which have no formula that could be changed.",
            hint="Write the whole new text for pf.lme; refit takes data, family, engine and seed here.",
        )
    revision = revised(change or ". ~ .", given.text, family)
    chosen = family or (None if revision.has_family else given.family)
    while True:
        try:
            return model_of(revision.text, data, arrays, chosen)
        except SpecError as error:
            shorter = None if error.span is None else revision.without(error.span.start)
            if shorter is None:
                raise
            revision = shorter


def _fitted(fit: Any, model: Any, engine: Any, seed: int | None, name: str | None, progress: Any) -> Fit:
    """Run the engine of a fit, or the one that is asked for, on another model."""
    from .fit import finish

    reason = ""
    if engine is None:
        with devices.on(fit.device):
            engine, reason = _engine(fit, model)
    run = start(model, engine, fit.seed if seed is None else seed, fit.device)
    run.reason = run.reason or reason
    return finish(run, fit.name if name is None else name, progress)


def _engine(fit: Any, model: Any) -> tuple[Any, str]:
    """Return the engine of the fit with its options where it would be chosen, or can fit the model; else None."""
    chosen = choose(model)
    if type(chosen.engine) is type(fit.engine):
        return fit.engine, chosen.reason if fit.reason else ""
    if fit.reason:
        return None, ""
    try:
        fit.engine.check(model)
    except (EngineError, ProbflowError):
        return None, ""
    return fit.engine, ""


# The rows of the fit -------------------------------------------------------------------------------------------------


def _kept(model: Model | Program) -> Given:
    """Return what a loaded fit still has: its text and the columns that it uses, on its rows."""
    if isinstance(model, Model):
        text = model.spec.source or model.spec.short_text()
        family = None if model.spec.statements else model.spec.family
        if family is not None and any(line.replace(" ", "").startswith("family=") for line in text.splitlines()):
            family = None
        return Given(text, family, _table(model.design.encoding.columns))
    assert model.sources is not None
    if model.formulas.parameters:
        raise FitError(
            "A fit of several formulas that was read from a file keeps its statements, not its formulas.",
            hint="Write the whole new text for pf.lme.",
        )
    sources = model.sources
    arrays = {**{n: m.values for n, m in sources.matrices.items() if m.places is None}, **sources.vectors}
    return Given(model.source, None, _table(sources.scope.columns), {**arrays, **sources.numbers})


def _table(columns: Mapping[str, Column]) -> Table | None:
    names = tuple(columns)
    return Table(names, len(columns[names[0]]), lambda place: columns[names[place]]) if names else None


def _rows(model: Model | Program) -> np.ndarray | None:
    """Return the places of the rows of a fit in the data that it remembers; None where these are all."""
    if model.given is None:
        return None
    if isinstance(model, Model):
        return model.design.rows
    assert model.sources is not None
    return model.sources.scope.rows


def _n_rows(model: Model | Program) -> int:
    if isinstance(model, Model):
        return model.design.n_rows
    assert model.sources is not None
    return model.sources.n_rows


def _on_rows(model: Model | Program, before: Model | Program) -> Model | Program:
    """Return a model of the rows of another, its rows counted as those of all the data."""
    if not (isinstance(model, Model) and isinstance(before, Model)):
        return replace(model, given=_whole(model, before))
    design, old = model.design, before.design
    rows = old.rows
    if design.rows is not None:
        rows = design.rows if old.rows is None else old.rows[design.rows]
    counts = dict(old.missing_by_column)
    for name, count in design.missing_by_column:
        counts[name] = counts.get(name, 0) + count
    n = len(design.y)
    told = replace(
        design, rows=rows, n_rows=old.n_rows, n_missing=old.n_rows - n, missing_by_column=tuple(counts.items())
    )
    return replace(model, design=told, given=_whole(model, before))


def _whole(model: Model | Program, before: Model | Program) -> Given | None:
    """Return what is given of a model of some rows with the data of all of them, where its rows are counted so."""
    if model.given is None or before.given is None or not isinstance(model, Model):
        return model.given
    return replace(model.given, data=before.given.data, arrays=before.given.arrays)


def _check_unchanged(model: Model | Program, given: Given) -> None:
    """Raise FitError where the data that a fit remembers are no longer what it was fitted to."""
    if model.given is None or given.data is None:
        return
    columns: Mapping[str, Column]
    if isinstance(model, Model):
        columns = model.design.encoding.columns
    else:
        assert model.sources is not None
        columns = model.sources.scope.columns
    table, rows = read_table(given.data), _rows(model)
    for name, column in columns.items():
        if name not in table.names:
            continue
        try:
            now = table.column(name).take(rows)
        except (DataError, IndexError):
            now = None
        if now is None or not _alike(column, now):
            raise FitError(
                f"The data have changed since the fit: the column {quoted(name)} is not what it was.",
                hint="Give the rows that are meant: refit(..., data=frame).",
            )


def _alike(one: Column, other: Column) -> bool:
    if (one.kind, len(one)) != (other.kind, len(other)):
        return False
    if one.codes is None or other.codes is None:
        return bool(np.array_equal(np.asarray(one.values), np.asarray(other.values)))
    if one.levels == other.levels:
        return bool(np.array_equal(one.codes, other.codes))
    first, second = one.factor(), other.factor()
    return set(first.levels) == set(second.levels) and bool(np.array_equal(second.recode(first.levels), first.codes))
