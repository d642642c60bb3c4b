"""Adaptive importance sampling with multivariate t proposals and deterministic mixture weights.

Every draw of every round counts: its weight is p(x) / sum_k (n_k / N) q_k(x), whichever proposal it came from (Owen and
Zhou 2000; Cornuet, Marin, Mira and Robert 2012). A round's proposal takes its mean and covariance from the weighted
draws of all rounds before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..model.collapsed import Evaluation
from ..posterior.diagnostics import importance_ess
from ..posterior.pareto import pareto_smooth

_DF = 6.0
_WIDE_SHARE = 0.1
_WIDER = 2.0


@dataclass(frozen=True, eq=False)
class Proposal:
    """A t distribution with a wide one mixed in: location (d,), root (d, d), root root' the scale matrix.

    The wide part, of the same centre and `_WIDER` times the scale, bounds the weights where the target's tails are
    longer than the t's on one side (a defensive mixture, Hesterberg 1995).
    """

    location: np.ndarray
    root: np.ndarray

    def sample(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Return `size` draws, (size, d)."""
        d = self.location.size
        normal = rng.standard_normal((size, d))
        spread = np.sqrt(_DF / rng.chisquare(_DF, size))
        spread[: round(size * _WIDE_SHARE)] *= _WIDER
        return self.location + (normal @ self.root.T) * spread[:, None]

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Return the log density at x (S, d), (S,)."""
        d = self.location.size
        square = (np.linalg.solve(self.root, (x - self.location).T) ** 2).sum(axis=0)
        constant = math.lgamma(0.5 * (_DF + d)) - math.lgamma(0.5 * _DF) - 0.5 * d * math.log(_DF * math.pi)
        constant -= np.linalg.slogdet(self.root)[1]
        narrow = math.log1p(-_WIDE_SHARE) - 0.5 * (_DF + d) * np.log1p(square / _DF)
        wide = math.log(_WIDE_SHARE) - d * math.log(_WIDER) - 0.5 * (_DF + d) * np.log1p(square / _DF / _WIDER**2)
        return constant + np.logaddexp(narrow, wide)


@dataclass(frozen=True, eq=False)
class Cloud:
    """All draws so far, evaluated, and the proposals that they came from.

    x: (N, d). points: the target there, with beta given theta. proposals: one a round. log_proposals: (rounds, N), each
    proposal at every draw. sizes: draws a round.
    """

    x: np.ndarray
    points: Evaluation
    proposals: tuple[Proposal, ...]
    log_proposals: np.ndarray
    sizes: tuple[int, ...]

    @property
    def log_weights(self) -> np.ndarray:
        """log p - log of the mixture of all proposals, (N,); the mean of the weights estimates the evidence."""
        share = np.log(np.array(self.sizes) / sum(self.sizes))
        mixture = np.logaddexp.reduce(self.log_proposals + share[:, None], axis=0)
        return self.points.log_density - mixture

    def quality(self) -> tuple[np.ndarray, float, float]:
        """Return the Pareto-smoothed log weights (N,), normalised, with khat and the effective sample size."""
        smooth, khat = pareto_smooth(self.log_weights)
        return smooth, khat, importance_ess(smooth)


def begin(proposal: Proposal, x: np.ndarray, points: Evaluation) -> Cloud:
    """Return the cloud of the first proposal's draws x (S, d)."""
    return Cloud(x, points, (proposal,), proposal.log_density(x)[None], (len(x),))


def extend(cloud: Cloud, proposal: Proposal, x: np.ndarray, points: Evaluation) -> Cloud:
    """Return the cloud with draws x (S, d) of one more proposal."""
    old = [q.log_density(x) for q in cloud.proposals]
    table = np.vstack([cloud.log_proposals, proposal.log_density(cloud.x)[None]])
    table = np.hstack([table, np.vstack([*old, proposal.log_density(x)])])
    return Cloud(
        np.concatenate([cloud.x, x]),
        cloud.points.joined(points),
        (*cloud.proposals, proposal),
        table,
        (*cloud.sizes, len(x)),
    )


def refit(cloud: Cloud) -> Proposal:
    """Return the t proposal with the mean and covariance of the weighted draws.

    With few effective draws the covariance is drawn towards the last proposal's, so that it cannot collapse.
    """
    smooth, _, ess = cloud.quality()
    weights = np.exp(smooth)
    location = weights @ cloud.x
    centred = cloud.x - location
    covariance = (centred * weights[:, None]).T @ centred
    d = location.size
    trust = ess / (ess + 5.0 * d)
    last = cloud.proposals[-1]
    covariance = trust * covariance + (1 - trust) * (last.root @ last.root.T)
    values, vectors = np.linalg.eigh(covariance)
    return Proposal(location, vectors * np.sqrt(np.maximum(values, 1e-14)))


def refine(cloud: Cloud) -> Proposal:
    """Return a t proposal at the draw of greatest weight, shaped by its neighbours (Raftery and Bao 2010).

    Where the weights are uneven the mixture of proposals is too thin around its largest weight; that is where the next
    draws go.
    """
    log_w = cloud.log_weights
    weights = np.exp(cloud.quality()[0])
    centre = cloud.x[int(np.argmax(log_w))]
    whole = refit(cloud).root
    distance = (np.linalg.solve(whole, (cloud.x - centre).T) ** 2).sum(axis=0)
    d = centre.size
    near = np.argsort(distance)[: max(20 * d, len(distance) // 10)]
    shares = weights[near] + 1.0 / len(weights)
    centred = cloud.x[near] - centre
    covariance = (centred * (shares / shares.sum())[:, None]).T @ centred
    values, vectors = np.linalg.eigh(covariance)
    return Proposal(centre, vectors * np.sqrt(np.maximum(values, 1e-14)))


def resample(log_weights: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return `size` positions drawn in proportion to the weights, by systematic resampling, in random order."""
    total = np.cumsum(np.exp(log_weights))
    places = (np.arange(size) + rng.random()) / size * total[-1]
    return rng.permutation(np.minimum(np.searchsorted(total, places), len(total) - 1))


def log_evidence(cloud: Cloud) -> tuple[float, float]:
    """Return log of the mean weight and its standard error, by the delta method."""
    log_w = cloud.log_weights
    top = log_w.max()
    w = np.exp(log_w - top)
    mean = w.mean()
    return float(top + math.log(mean)), float(w.std() / mean / math.sqrt(w.size))
