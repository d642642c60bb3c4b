"""Simulation: data sets drawn from a model text, rows without a response, and parameters by their shown names."""

from __future__ import annotations

import operator
import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FitError
from ..model.model import Model
from ..predict.build import response_at
from ..predict.mixed import fitted_response
from ..predict.values import Values
from .planned import Planned, planned
from .truth import drawn_values, given_names, table_of

if TYPE_CHECKING:
    import pandas as pd

# Numbers (data sets times rows) that are drawn at once.
_AT_ONCE = 4_000_000
_MOST_CELLS = 200_000_000


def simulate(
    text: str,
    design: Any,
    parameters: Any,
    n: int = 1,
    *,
    seed: int | None = None,
    values: str = "means",
    family: Any = None,
    arrays: Mapping[str, Any] | None = None,
) -> pd.DataFrame | list[pd.DataFrame]:
    """Return rows with a response drawn from a model, one frame, or a list of n of them.

    text: as for `lme`. design: a frame without (or with another) response, or how many there are of everything, crossed
    and nested: {"Subject": 18, "Days": range(10)}, {"School": 10, "Class in School": 4}, see `study`.
    parameters: by the names that a fit shows, {"Intercept": 250, "Days": 10, "sd(Subject)": 25, "sigma": 25}; or a fit,
    whose group effects are not used: groups are drawn anew from their population in every data set.
    values: of a fit, "means" or "draws": whether every data set comes from the posterior mean or from its own draw.
    seed: same seed, same data. family, arrays: as for `lme`.
    Raises FitError for parameters missing or impossible, and what `lme` raises for text and columns.
    """
    count = whole(n, "n", 1)
    plan = planned(text, design, family=family, arrays=arrays, names=given_names(parameters))
    rng = np.random.default_rng([checked_seed(seed), 37])
    if count * len(plan.frame) > _MOST_CELLS:
        raise FitError(
            f"{count:,} data sets of {len(plan.frame):,} rows do not fit into memory.", hint="Ask for fewer at a time."
        )
    table = table_of(plan.model, parameters, count, values, rng)
    frames = [plan.with_response(y) for _, part in responses(plan, table, rng) for y in part]
    return frames[0] if count == 1 else frames


def responses(plan: Planned, table: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield blocks of data sets and their responses (m, n rows), one data set a row of the table of scalars."""
    size = max(1, _AT_ONCE // max(1, len(plan.frame)))
    for start in range(0, len(table), size):
        rows = slice(start, min(start + size, len(table)))
        yield rows, response_of(plan.model, drawn_values(plan.model, table[rows], rng), rng)


def response_of(model: Any, values: Values, rng: np.random.Generator) -> np.ndarray:
    """Return one response of every draw of the values, (S, n)."""
    seed = int(rng.integers(2**62))
    if isinstance(model, Model):
        response: Any = fitted_response(model, values)
    else:
        response = response_at(model, values, None, noise=True)
    found: np.ndarray = response.at(slice(0, response.shape[0]), slice(0, values.n_draws)).sample(seed)
    return found


def checked_seed(seed: int | None) -> int:
    """Return the seed, a fresh one for None; FitError for anything but a whole number of at least 0."""
    return secrets.randbelow(2**31) if seed is None else whole(seed, "seed", 0)


def whole(value: Any, name: str, least: int) -> int:
    """Return a whole number of at least `least`; FitError for anything else."""
    try:
        number = operator.index(value)
    except TypeError:
        raise FitError(f"{name} is a whole number, not {value!r:.60}.", hint=f"Write {name}={max(least, 1)}.") from None
    if number < least or isinstance(value, bool):
        raise FitError(
            f"{name} is a whole number of at least {least}, not {value!r:.60}.", hint=f"Write {name}={least}."
        )
    return number
