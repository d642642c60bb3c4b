"""Level densities: how likely each draw of a fit makes a level's rows, which is what leaving it out is weighed by."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..predict.build import observed, response_at
from ..predict.group_likelihood import log_level_likelihoods, points_of
from ..predict.replicated import picked
from ..predict.response import over_rows
from ..predict.values import Values

# Densities of rows, draws and points that leaving out every level may cost, and the draws that are weighed.
_AFFORDABLE, _LEAST, _MOST = 150_000_000, 100, 4000


def row_densities(fit: Any, values: Values) -> np.ndarray:
    """Return log p(y_i | draw), (S, n), of the rows of a formula's fit."""
    response = response_at(fit.model, values, None, noise=True)
    y = observed(fit.model, None, None, response.shape)
    return np.concatenate(over_rows(response, y, lambda part: part), axis=1)


def level_densities(fit: Any, factor: str, values: Values) -> tuple[np.ndarray, np.ndarray]:
    """Return the draws taken (S,), by their places, and log p(y_j | draw), (S, J), of the levels of a factor.

    A level's own effects are integrated out; those of other factors stay as drawn.
    """
    n = len(fit.model.y)
    Q = points_of(next(f for f in fit.model.factors if f.name == factor))
    S = min(int(np.clip(_AFFORDABLE // (n * Q), _LEAST, _MOST)), values.n_draws)
    chosen = np.unique(np.linspace(0, values.n_draws - 1, S).round().astype(int))
    taken = picked(values, chosen)
    response = response_at(fit.model, taken, None, noise=True)
    y = observed(fit.model, None, None, response.shape)
    return chosen, log_level_likelihoods(fit.model, taken, response, factor, y)  # type: ignore[arg-type]
