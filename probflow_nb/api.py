"""The pipeline: text and data in, a fit out; `model.pipeline` makes the model of them, an engine fits it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .display.progress import Progress
from .fit import Fit, Unfitted
from .inference.auto import Auto
from .inference.engine import Engine
from .model.pipeline import model_of
from .spec.families import Family


def lme(
    text: str,
    data: Any = None,
    *,
    arrays: Mapping[str, Any] | None = None,
    engine: Engine | Auto | str | None = None,
    seed: int | None = None,
    family: str | Family | None = None,
    name: str = "",
    progress: Progress | None = None,
    device: str = "",
) -> Fit:
    """Fit the multilevel model that a text describes to data.

    text: a formula, `Reaction ~ Days + (Days | Subject)`, with priors on lines of their own; or explicit statements,
        ending in a likelihood such as `Reaction ~ Normal(X @ w + Z @ u, sigma)`.
    data: a pandas, polars or PyArrow frame, or a dictionary of columns; None where the arrays suffice.
    arrays: arrays, data frames, sparse matrices and numbers that the text uses by name; columns of the data come first.
    engine: Exact(), Laplace(), NUTS(), VI() or Point(), or a name such as "nuts"; without one the model decides.
    seed: same seed, same draws.
    family: of the response, when the text does not say. name: shown as the title.
    progress: told of every step; without one a line on stderr appears after half a second.
    device: where it is computed, such as "GPU:0"; without one TensorFlow decides.
    An interrupt ends the run and keeps what there is; it is raised again if that is nothing.
    Raises ProbflowError, with the faulty part of the text, for anything that a person can mend.
    """
    return prepare(text, data, arrays=arrays, family=family, name=name).fit(engine, seed, progress, device)


def prepare(
    text: str,
    data: Any = None,
    *,
    arrays: Mapping[str, Any] | None = None,
    family: str | Family | None = None,
    name: str = "",
) -> Unfitted:
    """Return the compiled model, not fitted, to look at or to run step by step; see `lme` for the arguments."""
    return Unfitted(model_of(text, data, arrays, family), name)
