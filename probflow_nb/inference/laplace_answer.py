"""From corrected draws to the answer: draws laid out in chains, figures of merit, evidence, verdict."""

from __future__ import annotations

import numpy as np

from ..model.separation import unbounded
from ..posterior.draws import Draws, Evidence, Origin, Quality
from ..posterior.laplace_verdict import judge_laplace
from ..posterior.verdict import unresolved_sds
from . import importance
from .answer import scalar_quality
from .engine import Glimpse, Posterior
from .importance import Cloud
from .laplace_target import LaplaceTarget


def answer(target: LaplaceTarget, cloud: Cloud, draws: int, chains: int, seed: int, finished: bool) -> Posterior:
    """Return the posterior of a cloud whose points hold borders: `draws` equally weighted draws in `chains` chains."""
    smooth, khat, ess = cloud.quality()
    picked = importance.resample(smooth, draws, np.random.default_rng([seed, 8]))
    borders = cloud.points.mean[:, : target.collapsed.design.m]
    theta, border = cloud.x[picked], borders[picked]
    everything = target.scalars(cloud.x, borders)
    qualities = _qualities(everything, np.exp(smooth), draws, khat)
    laid = everything[picked].reshape(chains, draws // chains, -1)
    origin = Origin(theta, border, seed, target.collapsed.starts.arrays)
    result = Draws(target.names, laid, qualities, target.effects(theta, border, seed), origin=origin)
    notes = (*unresolved_sds(result), *unbounded(target.collapsed.design.record, target.model.design))
    verdict = judge_laplace(khat, ess, finished, notes)
    evidence = Evidence(*importance.log_evidence(cloud)) if target.proper else None
    return Posterior(result, verdict, evidence, "corrected by importance sampling")


def seen(target: LaplaceTarget, cloud: Cloud | None, corrected: bool, seed: int, most: int) -> Glimpse | None:
    """Return draws resampled from a cloud: of corrected draws, or of theta alone with coefficients drawn given each."""
    if cloud is None:
        return None
    rng = np.random.default_rng([seed, 9])
    picked = importance.resample(cloud.quality()[0], most, rng)
    design = target.collapsed.design
    border = np.zeros((most, design.m))
    if corrected:
        border = cloud.points.mean[picked, : design.m]
    else:
        z = rng.standard_normal((most, design.p))
        beta = cloud.points.mean[picked] + np.einsum("sij,si->sj", cloud.points.root[picked], z)
        border[:, design.r :] = beta
    return Glimpse(target.names, target.scalars(cloud.x[picked], border)[None])


def _qualities(values: np.ndarray, weights: np.ndarray, S: int, khat: float) -> tuple[Quality, ...]:
    copies = weights * S
    fraction = copies - np.floor(copies)
    # Resampling adds the variance of how often a point is taken.
    extra = fraction * (1 - fraction) / S**2
    return tuple(scalar_quality(values[:, j], weights, extra, S, khat) for j in range(values.shape[1]))
