"""Leave-one-out of a Gaussian formula: beta and b integrated out, theta by importance sampling, nothing fitted again.

For a unit I, a row or the rows of a level, l_I(theta) = log p(y_I | y_-I, theta) is known in closed form. Draws of
theta given all y, weighted by exp(-l_I), are draws given y_-I. Where these weights are uneven new draws are made for
the unit: p(theta | y_-I) is p(y, theta) exp(-l_I), up to a constant, and can be had at any theta.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import EngineError
from ..model.collapsed import Evaluation
from ..model.left_out import LeftOut, left_out
from ..model.marginal import Marginal
from ..model.model import Model
from ..posterior.loo import ROUGH, Pointwise, psis_loo
from ..posterior.pareto import khat_of
from . import importance
from .importance import Cloud, Proposal

# Draws of theta that are weighed, and those of a round for one unit, and rounds.
_DRAWS, _ROUND, _ROUNDS = 2000, 1000, 5
# Multiply-adds that leaving out every row may cost, some seconds, and those of new draws for single units.
_AFFORDABLE = 2e10
_AFFORDABLE_AGAIN = 2e10


@dataclass(frozen=True)
class Integrated:
    """pointwise: the figures. redrawn: of how many units theta was drawn anew."""

    pointwise: Pointwise
    redrawn: int


def usable(model: Model) -> LeftOut | None:
    """Return the rows of a Gaussian model, ready to be left out; None where that would take too long."""
    left = left_out(model.marginal, model.design)
    return None if left is None or left.cost(_DRAWS) > _AFFORDABLE else left


def leave_rows_out(left: LeftOut, theta: np.ndarray, seed: int) -> Integrated:
    """Return the log predictive density of every row given all others; theta: (S, d) draws of the posterior."""
    some = _some(theta)
    apart, seen = left.rows(some)
    return _refined(left, psis_loo(apart, seen), some, apart, [np.array([i]) for i in range(apart.shape[1])], seed)


def leave_groups_out(left: LeftOut, theta: np.ndarray, index: np.ndarray, first: bool, seed: int) -> Integrated:
    """Return the log predictive density of every level's rows given those of all others.

    theta: (S, d) draws of the posterior. index: (n,) levels. first: whether they are those of the first factor.
    Raises EngineError for levels of so many rows that their covariance would not fit into memory.
    """
    some = _some(theta)
    units = [np.flatnonzero(index == j) for j in range(int(index.max()) + 1)]
    most = max(len(rows) for rows in units)
    if not first and most > 3000:
        raise EngineError(
            f"A level of {most:,} rows is too large to be left out, unless it is of the factor with the most effects."
        )
    apart = left.levels(some) if first else left.sets(some, units)
    found = psis_loo(apart)
    # What a level would say of itself is not worked out.
    found = Pointwise(found.elpd, np.full(found.p.shape, np.nan), found.khat)
    return _refined(left, found, some, apart, units, seed)


def _some(theta: np.ndarray) -> np.ndarray:
    places = np.unique(np.linspace(0, len(theta) - 1, min(len(theta), _DRAWS)).round().astype(int))
    return theta[places]


def _refined(
    left: LeftOut, found: Pointwise, theta: np.ndarray, apart: np.ndarray, units: list[np.ndarray], seed: int
) -> Integrated:
    """Return the figures with those of uneven weights worked out from new draws, the worst first."""
    elpd, khat = found.elpd.copy(), found.khat.copy()
    worst = [int(i) for i in np.argsort(-khat, kind="stable") if not khat[i] < ROUGH]
    spent = 0.0
    redrawn = 0
    for i in worst:
        rows = units[i]
        spent += _ROUNDS * _ROUND * (2.0 * left.marginal.cost + len(rows) ** 3 + left.cost(1) / len(left.index))
        if spent > _AFFORDABLE_AGAIN:
            break

        def apart_of(x: np.ndarray, rows: np.ndarray = rows) -> np.ndarray:
            return left.sets(x, [rows])[:, 0]

        value, shape = _redraw(left.marginal, theta, apart[:, i], apart_of, np.random.default_rng([seed, 31, i]))
        if shape < khat[i]:
            elpd[i], khat[i], redrawn = value, shape, redrawn + 1
    p = found.p + found.elpd - elpd
    return Integrated(Pointwise(elpd, p, khat), redrawn)


def _redraw(
    marginal: Marginal,
    theta: np.ndarray,
    apart: np.ndarray,
    apart_of: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Return log p(y_I | y_-I) and khat from new draws of theta without the unit; see `cloud_without`."""
    if not np.isfinite(apart).all():
        return float("nan"), float("inf")
    cloud, own, khat = cloud_without(marginal, theta, apart_of, rng)
    weights = cloud.log_weights
    value = float(np.logaddexp.reduce(weights + own) - np.logaddexp.reduce(weights))
    return value, max(khat, khat_of(weights + own))


def cloud_without(
    marginal: Marginal,
    theta: np.ndarray,
    apart_of: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
) -> tuple[Cloud, np.ndarray, float]:
    """Return weighted draws of p(theta | y_-I), l_I at each, and khat, by adaptive importance sampling.

    theta: (S, d) draws given all y. apart_of: l_I = log p(y_I | y_-I, theta) of theta (N, d).
    The first proposal covers the posterior given all y, those that follow learn what it is without the unit. So the
    same draws know both p(y) and p(y_-I), up to one constant: mean w exp(l_I) and mean w.
    """
    proposal = _of_posterior(theta)
    cloud: Cloud | None = None
    held: list[np.ndarray] = []
    for made in range(_ROUNDS):
        x = proposal.sample(rng, _ROUND)
        own = apart_of(x)
        value = marginal.log_densities(x) - own
        empty = np.zeros((len(x), 0))
        points = Evaluation(np.where(np.isfinite(value), value, -np.inf), empty, np.zeros((len(x), 0, 0)))
        held.append(np.where(np.isfinite(own), own, 0.0))
        cloud = (
            importance.begin(proposal, x, points) if cloud is None else importance.extend(cloud, proposal, x, points)
        )
        _, khat, ess = cloud.quality()
        if made and khat < ROUGH and ess > _ROUND:
            break
        proposal = importance.refit(cloud)
    assert cloud is not None
    return cloud, np.concatenate(held), khat


def _of_posterior(theta: np.ndarray) -> Proposal:
    """Return a proposal with the mean and the covariance of draws theta (S, d)."""
    centre = theta.mean(axis=0)
    values, vectors = np.linalg.eigh((theta - centre).T @ (theta - centre) / len(theta))
    return Proposal(centre, vectors * np.sqrt(np.maximum(values, 1e-14)))
