"""Build: the response of a fitted model at its own rows or at new ones, whatever its kind."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..errors import FitError
from ..model.model import Model
from . import mixed
from .levels import TYPICAL, Levels
from .program import response as program_response
from .program import with_groups
from .response import Response
from .scale import ScaledResponse
from .values import Values


def response_at(
    model: Any, values: Values, x: Any, noise: bool, levels: Levels = TYPICAL, scale: str = "response"
) -> Response:
    """Return the response at the rows of x for every draw of the values.

    x: None for the rows fitted. noise: whether the spread of the response is asked for, not its mean alone.
    levels: which group terms count, and what levels that were not fitted stand for.
    scale: of its mean, one of `SCALES`; on any but "response" new rows need no trials unless the spread is asked for.
    Raises FitError or DataError for rows that do not fit the model.
    """
    if isinstance(model, Model):
        if x is None:
            found = mixed.fitted_response(model, values, levels)
        else:
            single = scale != "response" and not noise
            found = mixed.new_response(model, values, x, weights=noise, levels=levels, single=single)
        return found if scale == "response" else ScaledResponse(found, scale)
    return program_response(model, with_groups(model, values, levels), x)


def observed(model: Any, x: Any, y: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return the response to compare with: y, else the column of x, else the response fitted."""
    if y is not None:
        return _as_response(y, shape)
    if x is None:
        y = model.design.y if isinstance(model, Model) else model.y
        return np.asarray(y, float).reshape(shape)
    if isinstance(model, Model):
        return mixed.new_values(model, x)
    raise FitError("New rows are given without their response.", hint="Give both x and y.")


def at_mean(model: Any, values: Values) -> Values:
    """Return one draw: every parameter at its posterior mean."""
    means = {quantity.name: values[quantity.name].mean(axis=0)[None] for quantity in values.quantities}
    return Values(values.quantities, 1, {name: partial(np.asarray, held) for name, held in means.items()})


def row_labels(rows: np.ndarray | None, x: Any, n: int) -> Any:
    """Return the labels of n rows: those of a frame, else their places in the data."""
    import pandas as pd

    if isinstance(x, pd.DataFrame | pd.Series) and len(x) == n:
        return x.index
    if x is None and rows is not None and len(rows) == n:
        return pd.Index(rows, name="row")
    return pd.RangeIndex(n, name="row")


def _as_response(y: Any, shape: tuple[int, ...]) -> np.ndarray:
    try:
        value = np.asarray(y, dtype=float)
    except (TypeError, ValueError):
        raise FitError("The response y holds something that is not a number.") from None
    if value.shape != shape and value.size == np.prod(shape, dtype=int) and value.shape[:1] == shape[:1]:
        value = value.reshape(shape)
    if value.shape != shape:
        raise FitError(
            f"y has the shape {value.shape}, but the rows predicted for have {shape}.",
            hint="Give one response for each row of x.",
        )
    return value
