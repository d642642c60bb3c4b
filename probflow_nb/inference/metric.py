"""The metric of NUTS: the root of the posterior's covariance as the draws so far tell it, never trusted beyond them."""

from __future__ import annotations

import numpy as np

# Draws of a chain that count as one independent draw, roughly.
_DEPENDENCE = 2.0
# Numbers up to which the metric is dense: its products cost C D^2, its root D^3.
DENSE = 150


def unit(size: int, dense: bool) -> np.ndarray:
    """Return the root of the unit metric, (D, D) or (D,)."""
    return np.eye(size) if dense else np.ones(size)


def root(z: np.ndarray, dense: bool) -> np.ndarray:
    """Return L with L L' the covariance of draws z (S, D), lower triangular (D, D), or standard deviations (D,).

    Variances are drawn a little towards 1e-3, as in Stan; correlations towards 0 by the share that minimises their
    expected squared error (Schaefer and Strimmer 2005, Stat. Appl. Genet. Mol. Biol. 4(1), section 2.4).
    """
    S = len(z)
    variance = (z.var(axis=0) * S + 5e-3) / (S + 5.0)
    sd = np.sqrt(variance)
    if not dense:
        return np.asarray(sd)
    standard = (z - z.mean(axis=0)) / np.maximum(z.std(axis=0), 1e-300)
    R = standard.T @ standard / S
    off = R - np.diag(np.diag(R))
    doubt = ((1.0 - off**2) ** 2).sum() - len(sd)
    signal = (off**2).sum() * max(1.0, S / _DEPENDENCE - 1.0)
    share = 1.0 if signal <= 0.0 else min(1.0, doubt / signal)
    shrunk = (1.0 - share) * off
    np.fill_diagonal(shrunk, 1.0)
    return np.asarray(sd[:, None] * _lower(shrunk))


def _lower(R: np.ndarray) -> np.ndarray:
    """Return the Cholesky factor of a correlation matrix, of one with a little less correlation if it has none."""
    for share in (0.0, 1e-6, 1e-3, 0.1, 1.0):
        try:
            return np.linalg.cholesky((1.0 - share) * R + share * np.eye(len(R)))
        except np.linalg.LinAlgError:
            continue
    return np.eye(len(R))
