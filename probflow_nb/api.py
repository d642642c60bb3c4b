"""The pipeline: text and data in, a fit out; every line of `prepare` is a public function that returns a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .design.builder import build
from .display.progress import Progress
from .errors import ProbflowError
from .fit import Fit, Unfitted
from .inference.auto import Auto
from .inference.engine import Engine
from .lang import parse
from .model.compile import compile_model
from .model.model import Model
from .model.program import Program
from .model.statement_data import checked_arrays, with_arrays
from .model.statement_priors import check_priors
from .model.statements import program
from .spec.families import GAUSSIAN, Family
from .spec.formula import lower
from .spec.model_spec import ModelSpec


def lme(
    text: str,
    data: Any = None,
    *,
    arrays: Mapping[str, Any] | None = None,
    engine: Engine | Auto | None = None,
    seed: int | None = None,
    family: str | Family | None = None,
    name: str = "",
    progress: Progress | None = None,
) -> Fit:
    """Fit the multilevel model that a text describes to data.

    text: a formula, `Reaction ~ Days + (Days | Subject)`, with priors on lines of their own; or explicit statements,
        ending in a likelihood such as `Reaction ~ Normal(X @ w + Z @ u, sigma)`.
    data: a pandas, polars or PyArrow frame, or a dictionary of columns; None where the arrays suffice.
    arrays: arrays, data frames, sparse matrices and numbers that the text uses by name; columns of the data come first.
    engine: Exact(), NUTS(), VI() or Point(); without one the model decides. seed: same seed, same draws.
    family: of the response, when the text does not say. name: shown as the title.
    progress: told of every step; without one a line on stderr appears after half a second.
    An interrupt ends the run and keeps what there is; it is raised again if that is nothing.
    Raises ProbflowError, with the faulty part of the text, for anything that a person can mend.
    """
    return prepare(text, data, arrays=arrays, family=family, name=name).fit(engine, seed, progress)


def prepare(
    text: str,
    data: Any = None,
    *,
    arrays: Mapping[str, Any] | None = None,
    family: str | Family | None = None,
    name: str = "",
) -> Unfitted:
    """Return the compiled model, not fitted, to look at or to run step by step; see `lme` for the arguments."""
    try:
        spec = lower(parse(text), family=family)
        return Unfitted(_model(spec, data, checked_arrays(arrays)), name)
    except ProbflowError as error:
        raise error.within(text) from None


def _model(spec: Any, data: Any, arrays: Mapping[str, Any]) -> Model | Program:
    """Return the compiled mixed model where the text means one, else the program of its statements."""
    if not isinstance(spec, ModelSpec):
        return program(spec, data, arrays)
    if spec.statements is not None and spec.family != GAUSSIAN:
        return program(spec.statements, data, arrays)
    design = build(spec, with_arrays(spec, data, arrays))
    check_priors(spec, design)
    return compile_model(spec, design)
