"""From weighted points or chains of theta to the answer: draws laid out in chains, figures of merit, verdict."""

from __future__ import annotations

import math

import numpy as np

from ..model.collapsed import Evaluation
from ..posterior import diagnostics
from ..posterior.draws import Draws, Evidence, Origin, Quality
from ..posterior.verdict import Verdict, judge_chains, judge_emulated, judge_importance, unresolved_sds
from . import hmc, importance
from .emulator import CHECKED, Emulator
from .engine import Glimpse, Posterior
from .importance import Cloud
from .target import Target

# Multiply-adds that looking at chains may cost, but no fewer draws than the least.
_SEEN_COST = 1e7
_LEAST_SEEN = 64


def from_cloud(
    target: Target, cloud: Cloud, emulator: Emulator | None, draws: int, chains: int, seed: int, finished: bool
) -> Posterior:
    """Return the answer of importance sampling: `draws` equally weighted draws in `chains` chains."""
    smooth, khat, ess = cloud.quality()
    rng = np.random.default_rng([seed, 8])
    picked = importance.resample(smooth, draws, rng)
    beta = _draw_beta(target, cloud.points, picked, rng)
    theta = cloud.x[picked]
    values = target.scalars(theta, beta)
    names = target.names
    qualities = _weighted_qualities(target, cloud.x, np.exp(smooth), cloud.points, picked, khat)
    laid = values.reshape(chains, draws // chains, len(names))
    result = Draws(names, laid, qualities, target.effects(theta, beta, seed), origin=Origin(theta, beta, seed))
    notes = unresolved_sds(result)
    if not target.collapsed.size:
        verdict = Verdict("fine", f"The posterior can be trusted (closed form, {draws:,} independent draws).")
        method = "closed form"
    elif emulator is None:
        verdict = judge_importance(khat, ess, finished, notes)
        method = "importance sampling"
    else:
        verdict = judge_emulated(emulator.error, khat, ess, finished, notes)
        method = f"importance sampling, log density emulated from {len(emulator.theta)} exact evaluations"
    return Posterior(result, verdict, _evidence(target, cloud, emulator), method)


def from_chains(target: Target, chains: hmc.Chains, cloud: Cloud, seed: int, stopped: bool) -> Posterior:
    """Return the answer of Hamiltonian Monte Carlo on theta."""
    rng = np.random.default_rng([seed, 8])
    theta = chains.draws.transpose(1, 0, 2)
    C, S, d = theta.shape
    flat = theta.reshape(-1, d)
    points = target.collapsed.evaluate(flat)
    beta = _draw_beta(target, points, np.arange(len(flat)), rng)
    values = target.scalars(flat, beta).reshape(C, S, -1)
    names = target.names
    bulk, tail = diagnostics.ess_bulk(values), diagnostics.ess_tail(values)
    rhat, mcse = diagnostics.rhat(values), diagnostics.mcse_mean(values)
    qualities = tuple(
        Quality(float(bulk[i]), float(tail[i]), float(rhat[i]), float("nan"), float(mcse[i])) for i in range(len(names))
    )
    result = Draws(names, values, qualities, target.effects(flat, beta, seed), origin=Origin(flat, beta, seed))
    verdict = judge_chains(
        float(np.max(rhat)), float(np.min(bulk)), chains.divergences, not stopped, unresolved_sds(result)
    )
    method = "Hamiltonian Monte Carlo on the variance parameters"
    return Posterior(result, verdict, _evidence(target, cloud, None), method)


def seen_in_cloud(target: Target, cloud: Cloud, seed: int, most: int) -> Glimpse:
    """Return draws resampled from the cloud so far."""
    rng = np.random.default_rng([seed, 9])
    picked = importance.resample(cloud.quality()[0], most, rng)
    values = target.scalars(cloud.x[picked], _draw_beta(target, cloud.points, picked, rng))
    return Glimpse(target.names, values[None])


def seen_in_chains(target: Target, chains: hmc.Chains, seed: int, most: int) -> Glimpse:
    """Return draws of the chains so far, (C, m, scalar), with the coefficients drawn given each."""
    kept, C, d = chains.draws.shape
    affordable = max(_LEAST_SEEN, int(_SEEN_COST / max(target.collapsed.cost, 1.0)))
    places = np.unique(np.linspace(0, kept - 1, max(1, min(kept, most // C, affordable // C))).astype(int))
    flat = chains.draws[places].transpose(1, 0, 2).reshape(-1, d)
    points = target.collapsed.evaluate(flat)
    beta = _draw_beta(target, points, np.arange(len(flat)), np.random.default_rng([seed, 9]))
    return Glimpse(target.names, target.scalars(flat, beta).reshape(C, len(places), -1), ordered=True)


def _draw_beta(target: Target, points: Evaluation, picked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the coefficients (S, p) drawn given theta at the picked points."""
    mean, root = target.common(points.mean[picked], points.root[picked])
    z = rng.standard_normal(mean.shape)
    return mean + np.einsum("sij,si->sj", root, z)


def _weighted_qualities(
    target: Target, theta: np.ndarray, weights: np.ndarray, points: Evaluation, picked: np.ndarray, khat: float
) -> tuple[Quality, ...]:
    """Return the figures of merit of every scalar.

    A coefficient is drawn afresh given theta, so the variance of its mean has two parts, between values of theta (with
    the weights' effective size) and within (with all draws); its tails use P(beta <= q | theta) alike. Resampling adds
    f (1 - f) for every point, f the fraction that its expected number of copies exceeds a whole number by.
    """
    S = len(picked)
    copies = weights * S
    fraction = copies - np.floor(copies)
    extra = fraction * (1 - fraction) / S**2
    mean, roots = target.common(points.mean, points.root)
    sd = np.sqrt(np.einsum("sij,sij->sj", roots, roots))
    found: dict[int, Quality] = {}
    for j in range(mean.shape[1]):
        total = _variance(mean[:, j], weights) + weights @ sd[:, j] ** 2
        error = _error(mean[:, j], weights, extra) + weights @ sd[:, j] ** 2 / S
        tails = [_coefficient_tail(q, mean[:, j], sd[:, j], weights, extra, S, total) for q in (-1.645, 1.645)]
        found[int(target.places[j])] = Quality(total / error, min(tails), float("nan"), khat, math.sqrt(error))
    scalars = target.scalars(theta, mean)
    for j in set(range(scalars.shape[1])) - found.keys():
        found[j] = scalar_quality(scalars[:, j], weights, extra, S, khat)
    return tuple(found[j] for j in range(scalars.shape[1]))


def scalar_quality(h: np.ndarray, weights: np.ndarray, extra: np.ndarray, S: int, khat: float) -> Quality:
    """Return the figures of merit of S resampled draws of h (N,) with weights (N,); extra: resampling's variance."""
    error = _error(h, weights, extra)
    tails = []
    for q in diagnostics.weighted_quantile(h, weights, np.array([0.05, 0.95])):
        below = (h <= q).astype(float)
        tails.append(_variance(below, weights) / max(_error(below, weights, extra), 1e-300))
    bulk = _variance(h, weights) / max(error, 1e-300)
    return Quality(min(bulk, S), min(*tails, S), float("nan"), khat, math.sqrt(error))


def _variance(h: np.ndarray, weights: np.ndarray) -> float:
    mean = weights @ h
    return float(weights @ (h - mean) ** 2)


def _error(h: np.ndarray, weights: np.ndarray, extra: np.ndarray) -> float:
    """Return the variance of the mean of resampled draws: of the weighted mean, and of the resampling."""
    mean = weights @ h
    return float((weights**2 + extra) @ (h - mean) ** 2)


def _coefficient_tail(
    q: float, mean: np.ndarray, sd: np.ndarray, weights: np.ndarray, extra: np.ndarray, S: int, variance: float
) -> float:
    from scipy.special import ndtr

    point = weights @ mean + q * math.sqrt(variance)
    below = ndtr((point - mean) / np.maximum(sd, 1e-300))
    share = weights @ below
    error = _error(below, weights, extra) + float(weights @ (below * (1 - below))) / S
    return float(min(share * (1 - share) / max(error, 1e-300), S))


def _evidence(target: Target, cloud: Cloud, emulator: Emulator | None) -> Evidence | None:
    """Return the log evidence, or None where a flat prior leaves it undefined."""
    if not target.proper:
        return None
    value, error = importance.log_evidence(cloud)
    if emulator is None:
        return Evidence(value, error)
    return Evidence(value + emulator.shift, math.hypot(error, emulator.error / math.sqrt(CHECKED)))
