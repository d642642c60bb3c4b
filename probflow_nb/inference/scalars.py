"""The scalars of a model by name: coefficients, sds, correlations, sigma, on the data's scale."""

from __future__ import annotations

import numpy as np

from ..model import covariance
from ..model.model import Model


def scalar_values(model: Model, theta: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Return the scalars (S, names) of theta (S, d), in scaled units, and beta (S, p), on the data's scale."""
    marginal = model.marginal
    columns = [beta]
    for term, units in zip(marginal.layout.terms, marginal.sd_units, strict=True):
        columns.append(np.exp(theta[:, term.start : term.start + term.k]) * units)
    for term in marginal.layout.terms:
        if term.n_correlations:
            R = covariance.correlations(term, theta)
            columns.append(np.stack([R[:, i, j] for i in range(term.k) for j in range(i)], axis=1))
    sigma = np.exp(theta[:, marginal.layout.sigma]) * marginal.moments.scaling.y_scale
    return np.concatenate([*columns, sigma[:, None]], axis=1)
