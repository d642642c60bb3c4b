"""Stacking: the weights with which the predictions of several models are best averaged.

They maximise the leave-one-out log score of the mixture,

    max over w >= 0, sum w = 1 of   1/n sum_i log sum_k w_k p_ik,      p_ik = p(y_i | y_-i, model k)

(Yao, Vehtari, Simpson and Gelman 2018, Bayesian Analysis 13(3):917-1007, eq. 4), which is concave. With the term sum_k
w_k instead of the condition on it the optimum is the same one, and each step of Newton's method is a least squares
problem over w >= 0 (Kim, Carbonetto, Stephens and Anitescu 2020, J. Comput. Graph. Stat. 29(2), section 3).
"""

from __future__ import annotations

import numpy as np

_STEPS, _HALVINGS = 100, 40
# Of the gradient, which is per row; and of the curvature, so that models that predict alike share their weight.
_ENOUGH, _RIDGE = 1e-10, 1e-9


def stacking_weights(elpd: np.ndarray) -> np.ndarray:
    """Return the weights of K models, (K,), which sum to 1, from their log predictive densities of n rows, (n, K).

    A row that no model allows at all says nothing of them and is left out. All weights are NaN where a figure is NaN or
    plus infinity, or no row is left.
    """
    elpd = np.asarray(elpd, dtype=float)
    rows = elpd[np.isfinite(elpd).any(axis=1)]
    K = elpd.shape[1]
    if np.isnan(elpd).any() or np.isposinf(elpd).any() or not len(rows):
        return np.full(K, np.nan)
    density = np.exp(rows - rows.max(axis=1, keepdims=True))
    w = np.full(K, 1.0 / K)
    for _ in range(_STEPS):
        ratios = density / (density @ w)[:, None]
        slope = 1.0 - ratios.mean(axis=0)
        # At the optimum no weight would grow and those above 0 stand still (Karush, Kuhn and Tucker).
        if slope.min() > -_ENOUGH and np.abs(slope * w).max() < _ENOUGH:
            break
        w = _step(density, w, _newton(ratios) - w, slope)
    w = np.maximum(w, 0.0)
    return np.asarray(w / w.sum())


def _newton(R: np.ndarray) -> np.ndarray:
    """Return the w >= 0 that minimises the quadratic model of sum w - mean log(density w) at the w of R (n, K).

    With H = R'R / n, and H w = R'1 / n, that is 1/2 v'Hv - v'(2 R'1 / n - 1): |L'v - L^-1 c|^2 / 2 with H = L L'.
    """
    from scipy.optimize import nnls

    n, K = R.shape
    H = R.T @ R / n
    H[np.arange(K), np.arange(K)] += _RIDGE * np.trace(H)
    root = np.linalg.cholesky(H)
    wanted = np.linalg.solve(root, 2.0 * R.mean(axis=0) - 1.0)
    return np.asarray(nnls(root.T, wanted)[0])


def _step(density: np.ndarray, w: np.ndarray, step: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return w after as much of a step as lowers the objective enough (Armijo)."""
    here, promised, length = _objective(density, w), float(slope @ step), 1.0
    for _ in range(_HALVINGS):
        there = w + length * step
        if _objective(density, there) <= here + 1e-4 * length * promised:
            return there
        length *= 0.5
    return w


def _objective(density: np.ndarray, w: np.ndarray) -> float:
    mixed = density @ w
    return float(w.sum() - np.log(mixed).mean()) if mixed.min() > 0.0 else np.inf
