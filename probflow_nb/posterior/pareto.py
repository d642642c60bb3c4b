"""Pareto smoothing of importance weights, and khat, the shape of their tail.

Vehtari, Simpson, Gelman, Yao and Gabry (2024, Journal of Machine Learning Research 25:72); the tail is fitted
by the method of Zhang and Stephens (2009, Technometrics 51:316-325) with the weakly informative prior of ten
draws at khat = 0.5. khat below 0.5 is good, below 0.7 usable with enough draws; above it the answer cannot be
trusted.
"""

from __future__ import annotations

import numpy as np

from .diagnostics import normalized_weights

_LEAST_TAIL = 5
_TIE = 1e-12


def pareto_smooth(log_weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the smoothed log weights, normalised so that the weights sum to 1, and khat.

    log_weights: (S,) up to a constant -> ((S,), khat). The min(S / 5, 3 sqrt(S)) largest weights (rounded up)
    become the expected order statistics of the fitted generalised Pareto distribution, none above the largest
    raw weight. A log weight of -inf weighs 0.

    khat is -inf where the largest weights, five or more, are all equal: they are bounded, as when the
    proposal is the target. It is +inf, and nothing is smoothed, where otherwise fewer than five weights
    stand beyond the threshold, as is always so with S <= 20. If a log weight is NaN or +inf, or none is
    finite, the weights are NaN and khat is +inf.
    """
    logs = np.asarray(log_weights, dtype=float)
    top = np.max(logs, initial=-np.inf)
    if not np.isfinite(top):
        return np.full(logs.shape, np.nan), float("inf")
    smooth = logs - top
    weights = np.exp(smooth)
    order, threshold = _tail(weights)
    khat, sigma = _fit(weights, order, threshold)
    if np.isfinite(khat):
        middles = (np.arange(len(order)) + 0.5) / len(order)
        smooth[order] = np.minimum(np.log(threshold + _quantile(middles, khat, sigma)), 0.0)
    return smooth - _log_sum_exp(smooth), khat


def khat_of(log_weights: np.ndarray) -> float:
    """Return khat of (S,) log weights; see `pareto_smooth` for what the infinities mean."""
    return pareto_smooth(log_weights)[1]


def expectation_khat(values: np.ndarray, log_weights: np.ndarray) -> np.ndarray:
    """Return khat for the mean of each quantity: the largest of that of w and of both tails of w (h - mean).

    values: (S, ...), log_weights: (S,) -> (...). A quantity with a heavy tail under the target can have
    an unstable mean although the weights alone are well behaved.
    """
    table = np.asarray(values, dtype=float)
    weights = normalized_weights(log_weights)
    columns = table.reshape(len(weights), -1)
    least = khat_of(log_weights)
    centred = columns - weights @ columns
    answer = np.full(columns.shape[1], least)
    for j in range(columns.shape[1]):
        for sign in (1.0, -1.0):
            answer[j] = max(answer[j], _one_sided_khat(np.maximum(sign * weights * centred[:, j], 0.0)))
    return answer.reshape(table.shape[1:])


def _one_sided_khat(terms: np.ndarray) -> float:
    """Return khat of the right tail of (S,) terms >= 0; -inf if none is positive, +inf if one is NaN."""
    top = terms.max(initial=0.0)
    if not top > 0:
        return float("inf") if np.isnan(top) else float("-inf")
    scaled = terms / top
    return _fit(scaled, *_tail(scaled))[0]


def _tail(weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the places of the weights beyond the threshold, in rising order, and the threshold.

    weights: (S,), the largest 1. The threshold is at least the smallest normal number, so that draws of
    weight 0 are no part of a tail.
    """
    size = len(weights)
    length = int(np.ceil(min(size / 5, 3 * np.sqrt(size))))
    floor = float(np.finfo(float).tiny)
    if size > length:
        # Only the tail is sorted: a partition costs a tenth of a sort of all.
        beyond = np.argpartition(weights, size - length - 1)[size - length - 1 :]
        threshold, candidates = max(float(weights[beyond[0]]), floor), np.sort(beyond[1:])
    else:
        threshold, candidates = floor, np.arange(size)
    candidates = candidates[np.argsort(weights[candidates], kind="stable")]
    return candidates[weights[candidates] > threshold], threshold


def _fit(weights: np.ndarray, order: np.ndarray, threshold: float) -> tuple[float, float]:
    """Return khat and sigma of the tail; sigma is NaN where khat is infinite, see `pareto_smooth`."""
    nothing = float("nan")
    if len(order) == 0 or np.ptp(weights[order]) <= _TIE:
        bounded = np.count_nonzero(weights >= 1 - _TIE) >= _LEAST_TAIL
        return float("-inf" if bounded else "inf"), nothing
    if len(order) < _LEAST_TAIL:
        return float("inf"), nothing
    khat, sigma = fit_generalized_pareto(weights[order] - threshold)
    return (khat, sigma) if np.isfinite(khat) and sigma > 0 else (float("inf"), nothing)


def fit_generalized_pareto(excess: np.ndarray) -> tuple[float, float]:
    """Return the shape k and the scale sigma of a generalised Pareto distribution.

    excess: (m,) positive, in rising order. Density (1 + k x / sigma)^(-1/k - 1) / sigma. The posterior mean
    of b = -k / sigma over a grid chosen by the data (Zhang and Stephens 2009), then k drawn to 0.5 by a prior
    worth ten draws. NaN where the numbers overflow.
    """
    x = np.asarray(excess, dtype=float)
    m = len(x)
    n_grid = 30 + int(np.sqrt(m))
    quartile = x[int(m / 4 + 0.5) - 1]
    grid = 1 - np.sqrt(n_grid / (np.arange(n_grid) + 0.5))
    # Excesses that span hundreds of decades overflow to NaN, which the caller reads as a failed fit.
    with np.errstate(all="ignore"):
        grid = grid / (3 * quartile) + 1 / x[-1]
        shape = np.log1p(-grid[:, None] * x).mean(axis=1)
        profile = m * (np.log(-grid / shape) - shape - 1)
        weights = np.exp(profile - profile.max())
        b = np.sum(weights * grid) / weights.sum()
        k = np.log1p(-b * x).mean()
        sigma = -k / b
    return float((m * k + 5.0) / (m + 10.0)), float(sigma)


def _quantile(probabilities: np.ndarray, k: float, sigma: float) -> np.ndarray:
    """Return quantiles of the generalised Pareto distribution that starts at 0."""
    exponent = -np.log1p(-probabilities)
    # Beyond the largest float a quantile is infinite; the largest raw weight bounds it afterwards.
    with np.errstate(over="ignore"):
        return sigma * (exponent if abs(k) < 1e-12 else np.expm1(k * exponent) / k)


def _log_sum_exp(logs: np.ndarray) -> float:
    top = logs.max()
    return float(top + np.log(np.sum(np.exp(logs - top))))
