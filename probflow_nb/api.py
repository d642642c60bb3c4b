"""The pipeline: text and data in, a fit out; every line of `prepare` is a public function that returns a value."""

from __future__ import annotations

from typing import Any

from .design.builder import build
from .display.progress import Progress
from .errors import ProbflowError
from .fit import Fit, Unfitted
from .inference.engine import Engine
from .lang import parse
from .model.compile import compile_model
from .spec.families import Family
from .spec.formula import lower


def lme(
    text: str,
    data: Any,
    *,
    engine: Engine | None = None,
    seed: int | None = None,
    family: str | Family | None = None,
    name: str = "",
    progress: Progress | None = None,
) -> Fit:
    """Fit the multilevel model that a text describes to data.

    text: a formula, `Reaction ~ Days + (Days | Subject)`, with priors on lines of their own.
    data: a pandas, polars or PyArrow frame, or a dictionary of columns.
    engine: Exact() or Point(); without one the model decides. seed: same seed, same draws.
    family: of the response, when the text does not say. name: shown as the title.
    progress: told of every step; without one a line on stderr appears after half a second.
    An interrupt ends the run and keeps what there is; it is raised again if that is nothing.
    Raises ProbflowError, with the faulty part of the text, for anything that a person can mend.
    """
    return prepare(text, data, family=family, name=name).fit(engine, seed, progress)


def prepare(text: str, data: Any, *, family: str | Family | None = None, name: str = "") -> Unfitted:
    """Return the compiled model, not fitted, to look at or to run step by step."""
    try:
        spec = lower(parse(text), family=family)
        design = build(spec, data)
        return Unfitted(compile_model(spec, design), name)
    except ProbflowError as error:
        raise error.within(text) from None
