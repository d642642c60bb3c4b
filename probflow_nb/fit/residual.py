"""Residual: how far each row's response lies from what the fit says of it, on three scales."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import FitError
from ..predict import response as responses
from ..predict.build import observed
from ..predict.response import Response

KINDS = ("response", "pearson", "quantile")
# A row that no draw of the model could have made is this far out in probability: 8.2 standard deviations.
_LEAST = 1e-16


def residuals_of(fit: Any, response: Response, x: Any, y: Any, kind: str, seed: int | None) -> np.ndarray:
    """Return the residuals of the rows of a response, of its shape; see `Fit.residuals`."""
    if kind not in KINDS:
        raise FitError(f"There are no residuals of the kind {kind!r:.40}.", hint=f"It is one of {', '.join(KINDS)}.")
    if fit._categories and kind != "quantile":
        raise FitError(
            "Ordered categories have no distance from their mean.",
            hint='Ask for residuals(kind="quantile"), which need their order alone.',
        )
    seen = observed(fit.model, x, y, response.shape)
    if kind == "quantile":
        return quantile_residuals(response, seen, fit._seed(seed))
    from_mean = seen - responses.mean(response)
    if kind == "response":
        return from_mean
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = from_mean / np.sqrt(responses.mean_variance(response))
    return found


def quantile_residuals(response: Response, y: np.ndarray, seed: int) -> np.ndarray:
    """Return Phi^-1(u_i), u_i even between P(new y_i < y_i) and P(new y_i <= y_i), averaged over the draws.

    Dunn and Smyth 1996, J. Comput. Graph. Stat. 5(3):236-244, section 2; standard normal where the model holds.
    """
    from scipy.special import ndtri

    below, above = responses.cumulative(response, y)
    share = np.random.default_rng([seed, 61]).random(y.shape)
    u = below + share * (above - below)
    # Phi^-1 of u near 1 keeps its digits as minus that of 1 - u, which cumulative() does not know; both are bounded.
    found: np.ndarray = ndtri(np.clip(u, _LEAST, 1.0 - _LEAST))
    return found
