"""Diagnostics: how far a finite set of draws, chained or weighted, can be trusted.

Two kinds of draws are judged here. Chains, arrays (C chains, S draws, ...), by the rank-normalised figures
of Vehtari, Gelman, Simpson, Carpenter and Burkner (2021, Bayesian Analysis 16:667-718). Self-normalised
importance draws, values (S, ...) with weights (S,), by the delta-method variance of a weighted mean (Owen
2013, chapter 9). Trailing axes are quantities of their own and are kept: an array (C, S, p) gives an answer
(p,).

NaN means that the figure is not defined: some draw is not finite, or there are fewer than four draws a chain.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

_LEAST_DRAWS = 4
_TAILS = (0.05, 0.95)


def rhat(draws: np.ndarray) -> np.ndarray:
    """Return the rank-normalised split R-hat: the larger of the bulk's and the folded draws'.

    draws: (C chains, S draws, ...) -> (...). A single chain is compared with itself, first half with second.
    NaN where all draws are equal; infinite where chains are constant but differ.
    """
    chains = _chains_first(draws)
    if chains.shape[-1] < _LEAST_DRAWS:
        return _shaped(np.full(chains.shape[0], np.nan), draws)
    halves = _split(_zeros_unless_finite(chains))
    middle = np.median(halves.reshape(len(halves), math.prod(halves.shape[1:])), axis=1)[:, None, None]
    bulk = _plain_rhat(_normal_scores(halves))
    folded = _plain_rhat(_normal_scores(np.abs(halves - middle)))
    return _shaped(_where_finite(chains, np.fmax(bulk, folded)), draws)


def ess_bulk(draws: np.ndarray) -> np.ndarray:
    """Return the effective sample size of the rank-normalised draws: how well the centre is known.

    draws: (C, S, ...) -> (...). Draws that are all equal count in full.
    """
    return _ess_of(draws, _normal_scores)


def ess_mean(draws: np.ndarray) -> np.ndarray:
    """Return the effective sample size for the mean of the draws as they are; (C, S, ...) -> (...)."""
    return _ess_of(draws, lambda halves: halves)


def ess_tail(draws: np.ndarray) -> np.ndarray:
    """Return the smaller effective sample size of the 5% and the 95% quantile; (C, S, ...) -> (...)."""
    return np.minimum(*(ess_quantile(draws, probability) for probability in _TAILS))


def ess_quantile(draws: np.ndarray, probability: float) -> np.ndarray:
    """Return the effective sample size for a quantile, that of I(draw <= quantile); (C, S, ...) -> (...)."""
    chains = _chains_first(draws)
    flat = _zeros_unless_finite(chains).reshape(len(chains), math.prod(chains.shape[1:]))
    point = np.quantile(flat, probability, axis=1)[:, None, None]
    return _ess_of(draws, lambda halves: (halves <= point).astype(float))


def mcse_mean(draws: np.ndarray) -> np.ndarray:
    """Return the Monte Carlo standard error of the mean, sd / sqrt(ess_mean); (C, S, ...) -> (...)."""
    with np.errstate(invalid="ignore"):
        sd = np.std(np.asarray(draws, dtype=float), axis=(0, 1), ddof=1)
    return sd / np.sqrt(ess_mean(draws))


def mcse_sd(draws: np.ndarray) -> np.ndarray:
    """Return the Monte Carlo standard error of the standard deviation; (C, S, ...) -> (...).

    With q = (draw - mean)^2, the delta method gives sqrt(var(q) / ess_mean(q) / (4 var(draw))). 0 where all
    draws are equal.
    """
    values = np.asarray(draws, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = (values - values.mean(axis=(0, 1))) ** 2
        variance = squares.mean(axis=(0, 1))
        error = np.sqrt(squares.var(axis=(0, 1)) / ess_mean(squares) / (4 * variance))
    return np.where(variance == 0, 0.0, error)


def mcse_quantile(draws: np.ndarray, probability: float) -> np.ndarray:
    """Return the Monte Carlo standard error of a quantile; (C, S, ...) -> (...).

    Half the distance between the quantiles at the 16% and 84% points of Beta(ess p + 1, ess (1 - p) + 1), the
    uncertainty of the quantile's own rank.
    """
    from scipy.special import betaincinv

    ess = np.atleast_1d(ess_quantile(draws, probability)).ravel()
    ordered = np.sort(_chains_first(draws).reshape(len(ess), -1), axis=1)
    last = ordered.shape[1] - 1
    answer = np.full(len(ess), np.nan)
    for i in np.flatnonzero(np.isfinite(ess)):
        shape = ess[i] * probability + 1, ess[i] * (1 - probability) + 1
        low, high = betaincinv(*shape, [0.1586553, 0.8413447]) * (last + 1) - 1
        answer[i] = (ordered[i, min(int(np.ceil(high)), last)] - ordered[i, max(int(low), 0)]) / 2
    return _shaped(answer, draws)


def e_bfmi(energy: np.ndarray) -> np.ndarray:
    """Return the energy fraction of missing information of each chain; below 0.3 the sampler explores poorly.

    energy: (C, S) Hamiltonian energies -> (C,), sum of squared steps over sum of squared deviations
    (Betancourt 2016, arXiv:1604.00695). NaN for a chain of constant energy.
    """
    values = np.asarray(energy, dtype=float)
    steps = np.square(np.diff(values, axis=1)).sum(axis=1)
    spread = np.square(values - values.mean(axis=1, keepdims=True)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 0, steps / spread, np.nan)


def normalized_weights(log_weights: np.ndarray) -> np.ndarray:
    """Return weights that sum to 1 from (S,) log weights of any constant; NaN if none is finite.

    A log weight of -inf is a draw outside the support and weighs 0; NaN and +inf make every weight NaN.
    """
    logs = np.asarray(log_weights, dtype=float)
    top = np.max(logs, initial=-np.inf)
    if not np.isfinite(top):
        return np.full(logs.shape, np.nan)
    weights = np.exp(logs - top)
    return weights / weights.sum()


def importance_ess(log_weights: np.ndarray) -> float:
    """Return 1 / sum w^2 of the normalised weights: the effective number of (S,) draws (Kong 1992)."""
    return float(1.0 / np.sum(normalized_weights(log_weights) ** 2))


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean; values (S, ...), weights (S,) of any scale -> (...)."""
    return np.tensordot(_unit(weights), np.asarray(values, dtype=float), axes=1)


def weighted_sd(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted standard deviation, sqrt(sum w (h - mean)^2); values (S, ...) -> (...)."""
    centred = np.asarray(values, dtype=float) - weighted_mean(values, weights)
    return np.sqrt(weighted_mean(centred**2, weights))


def weighted_mcse(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the error of the weighted mean, sqrt(sum w^2 (h - mean)^2); values (S, ...) -> (...)."""
    centred = np.asarray(values, dtype=float) - weighted_mean(values, weights)
    return np.sqrt(np.tensordot(_unit(weights) ** 2, centred**2, axes=1))


def weighted_ess(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the effective sample size of a weighted mean, var_w(h) / sum w^2 (h - mean)^2.

    values: (S, ...), weights: (S,) of any scale -> (...). It is the number of independent draws whose mean
    would be known as well; equal weights give S. Values that are all equal count as S.
    """
    spread = weighted_sd(values, weights) ** 2
    error = weighted_mcse(values, weights) ** 2
    # Differences of the size of rounding are not information about the mean.
    scale = np.max(np.abs(np.asarray(values, dtype=float)), axis=0, initial=0.0)
    constant = spread <= (1e-15 * scale) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(constant, float(len(weights)), spread / error)


def weighted_tail_ess(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the smaller weighted_ess of I(h <= q) at the 5% and 95% quantiles; values (S, ...) -> (...)."""
    points = weighted_quantile(values, weights, np.array(_TAILS))
    table = np.asarray(values, dtype=float)
    return np.minimum(*(weighted_ess((table <= point).astype(float), weights) for point in points))


def weighted_quantile(values: np.ndarray, weights: np.ndarray, probabilities: np.ndarray | float) -> np.ndarray:
    """Return quantiles of weighted draws.

    values: (S, ...), weights: (S,) of any scale, probabilities: scalar or (m,) -> (...) or (m, ...). The h-th
    smallest value stands at the middle of its own step of the weighted distribution function, with straight
    lines between (Hazen's rule when weights are equal). Draws of weight 0 take no part. NaN if a value that
    has weight is NaN.
    """
    table = np.asarray(values, dtype=float)
    unit = _unit(weights)
    held = unit > 0
    wanted = np.atleast_1d(np.asarray(probabilities, dtype=float))
    columns = table[held].reshape(int(held.sum()), -1)
    order = np.argsort(columns, axis=0)
    ordered = np.take_along_axis(columns, order, axis=0)
    steps = unit[held][order]
    positions = np.cumsum(steps, axis=0) - steps / 2
    answer = np.full((len(wanted), columns.shape[1]), np.nan)
    for j in np.flatnonzero(~np.isnan(columns).any(axis=0)) if len(columns) else ():
        answer[:, j] = np.interp(wanted, positions[:, j], ordered[:, j])
    return answer.reshape(np.shape(probabilities) + table.shape[1:])


def _unit(weights: np.ndarray) -> np.ndarray:
    values = np.asarray(weights, dtype=float)
    return values / values.sum()


def _chains_first(draws: np.ndarray) -> np.ndarray:
    """Return (C, S, ...) as (quantities, C, S), so that the last axis is contiguous for the transform."""
    values = np.asarray(draws, dtype=float)
    flat = values.reshape(*values.shape[:2], math.prod(values.shape[2:]))
    return np.ascontiguousarray(np.moveaxis(flat, 2, 0))


def _shaped(answer: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return answer.reshape(np.shape(draws)[2:])


def _zeros_unless_finite(chains: np.ndarray) -> np.ndarray:
    """Blank the quantities whose figures will be NaN, so that they cannot raise floating-point warnings."""
    return np.where(np.isfinite(chains).all(axis=(1, 2), keepdims=True), chains, 0.0)


def _where_finite(chains: np.ndarray, answer: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(chains).all(axis=(1, 2)), answer, np.nan)


def _split(chains: np.ndarray) -> np.ndarray:
    """Return (q, 2C, S // 2): first and last halves; the middle draw of an odd number is left out."""
    half = chains.shape[-1] // 2
    return np.concatenate([chains[..., :half], chains[..., -half:]], axis=1)


def _normal_scores(halves: np.ndarray) -> np.ndarray:
    """Return Blom's normal scores of the average ranks over all chains together, (q, C, S) alike."""
    from scipy.special import ndtri

    size = halves.shape[1] * halves.shape[2]
    flat = halves.reshape(halves.shape[0], size)
    ranks = np.empty_like(flat)
    for row, out in zip(flat, ranks):
        _, place, counts = np.unique(row, return_inverse=True, return_counts=True)
        out[:] = (np.cumsum(counts) - (counts - 1) / 2)[place.ravel()]
    return ndtri((ranks - 0.375) / (size + 0.25)).reshape(halves.shape)


def _plain_rhat(chains: np.ndarray) -> np.ndarray:
    n = chains.shape[-1]
    within = chains.var(axis=2, ddof=1).mean(axis=1)
    between = n * chains.mean(axis=2).var(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt((between / within + n - 1) / n)


def _ess_of(draws: np.ndarray, scores: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the effective sample size of `scores` of the half chains, for each quantity."""
    chains = _chains_first(draws)
    if chains.shape[-1] < _LEAST_DRAWS:
        return _shaped(np.full(chains.shape[0], np.nan), draws)
    halves = _split(_zeros_unless_finite(chains))
    return _shaped(_where_finite(chains, _plain_ess(scores(halves))), draws)


def _plain_ess(chains: np.ndarray) -> np.ndarray:
    """Return the effective sample size of (q, C, S) chains by Geyer's initial monotone sequence.

    The sums of neighbouring autocorrelations P_0, P_1, ... are added while positive and made non-increasing;
    the even half of the first pair left out is added once, if positive, as it is in a reversible chain.
    """
    _, n_chains, n = chains.shape
    total = n_chains * n
    covariance = _autocovariance(chains).mean(axis=1)
    within = covariance[:, 0] * n / (n - 1)
    overall = covariance[:, 0] + (chains.mean(axis=2).var(axis=1, ddof=1) if n_chains > 1 else 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = 1 - (within[:, None] - covariance) / overall[:, None]
    rho[:, 0] = 1.0
    n_pairs = max(1, (n - 1) // 2)
    even = rho[:, 0 : 2 * n_pairs : 2]
    pairs = even + rho[:, 1 : 2 * n_pairs : 2]
    stop = np.where((pairs <= 0).any(axis=1), np.argmax(pairs <= 0, axis=1), n_pairs - 1)
    kept = np.arange(n_pairs) < stop[:, None]
    monotone = np.minimum.accumulate(pairs, axis=1)
    rest = np.maximum(np.take_along_axis(even, stop[:, None], axis=1)[:, 0], 0.0)
    tau = -1 + 2 * np.sum(np.where(kept, monotone, 0.0), axis=1) + rest
    constant = np.ptp(chains.reshape(len(chains), total), axis=1) < 1e-15
    # Antithetic chains beat independent draws; no estimate of that is stable beyond log10 of their number.
    return np.where(constant, float(total), total / np.maximum(tau, 1 / np.log10(total)))


def _autocovariance(chains: np.ndarray) -> np.ndarray:
    """Return the biased autocovariances of every lag, (q, C, S) alike, by the fast Fourier transform."""
    n = chains.shape[-1]
    size = 1 << (2 * n - 1).bit_length()
    centred = chains - chains.mean(axis=-1, keepdims=True)
    spectrum = np.fft.rfft(centred, n=size, axis=-1)
    return np.fft.irfft(np.abs(spectrum) ** 2, n=size, axis=-1)[..., :n] / n
