"""Influence: how the posterior of a Gaussian formula moves when a level, or a row, is taken away, without a refit.

Given theta the common effects without the unit are known in closed form (`model.left_out`); theta without it is
weighed by 1 / p(y_I | y_-I, theta), or drawn anew where these weights are uneven, as in `leave_one_out`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import EngineError
from ..model.left_out import LeftOut
from ..model.model import Model
from ..posterior.loo import ROUGH
from ..posterior.pareto import pareto_smooth
from .leave_one_out import cloud_without
from .scalars import scalar_values

# Draws of theta that are weighed; multiply-adds that new draws for single units may cost.
_DRAWS = 2000
_AFFORDABLE_AGAIN = 2e10
_MOST_ROWS = 3000


@dataclass(frozen=True, eq=False)
class Moved:
    """The posterior with all rows and without each of U units, m scalars of which the first p are common effects.

    mean, sd: (m,). covariance: (p, p) of the common effects. means, sds: (U, m) without the unit. khat: (U,).
    redrawn: of how many units theta was drawn anew.
    """

    mean: np.ndarray
    sd: np.ndarray
    covariance: np.ndarray
    means: np.ndarray
    sds: np.ndarray
    khat: np.ndarray
    redrawn: int = 0

    @property
    def shift(self) -> np.ndarray:
        """(U, m): how far each mean moves when the unit is taken away, in posterior sds."""
        spread = np.where(self.sd > 0, self.sd, 1.0)
        found: np.ndarray = (self.means - self.mean) / spread
        return found

    @property
    def cook(self) -> np.ndarray:
        """(U,): Cook's distance d' C^-1 d / p of the common effects, d their shift, C their covariance."""
        p = len(self.covariance)
        if p == 0:
            return np.full(len(self.means), np.nan)
        moved = self.means[:, :p] - self.mean[:p]
        return np.einsum("up,up->u", moved, np.linalg.solve(self.covariance, moved.T).T) / p


def moved(model: Model, left: LeftOut, theta: np.ndarray, units: list[np.ndarray], first: bool, seed: int) -> Moved:
    """Return the posterior without each unit.

    theta: (S, d) draws given all rows. units: rows of each. first: whether they are the levels of the first factor.
    Raises EngineError for units of so many rows that their covariance would not fit into memory.
    """
    most = max(len(rows) for rows in units)
    if not first and most > _MOST_ROWS:
        raise EngineError(
            f"A level of {most:,} rows is too large to be left out, unless it is of the factor with the most effects."
        )
    places = np.unique(np.linspace(0, len(theta) - 1, min(len(theta), _DRAWS)).round().astype(int))
    some = theta[places]
    rest = _scales(model, some)
    base = _moments(model, *left.common(some), rest, np.full(len(some), 1.0 / len(some)))
    apart = left.levels(some) if first else left.sets(some, units)
    without = left.common_without_levels(some) if first else left.common_without_sets(some, units)
    means, sds = np.empty((len(units), len(base[0]))), np.empty((len(units), len(base[0])))
    khat = np.empty(len(units))
    for j in range(len(units)):
        if not np.isfinite(apart[:, j]).all():
            means[j], sds[j], khat[j] = np.nan, np.nan, np.inf
            continue
        logs, khat[j] = pareto_smooth(-apart[:, j])
        means[j], sds[j], _ = _moments(model, without[0][:, j], without[1][:, j], rest, np.exp(logs))
    redrawn = _again(model, left, some, units, (means, sds, khat), seed)
    return Moved(*base, means, sds, khat, redrawn)


def _again(
    model: Model,
    left: LeftOut,
    theta: np.ndarray,
    units: list[np.ndarray],
    held: tuple[np.ndarray, np.ndarray, np.ndarray],
    seed: int,
) -> int:
    """Draw theta anew for the units of uneven weights, the worst first, and put what they say into `held`."""
    means, sds, khat = held
    spent, redrawn = 0.0, 0
    for j in (int(i) for i in np.argsort(-khat, kind="stable") if not khat[i] < ROUGH):
        rows = units[j]
        spent += 5000.0 * (2.0 * left.marginal.cost + len(rows) ** 3 + left.cost(1) / len(left.index))
        if spent > _AFFORDABLE_AGAIN or len(rows) > _MOST_ROWS:
            continue

        def apart_of(x: np.ndarray, rows: np.ndarray = rows) -> np.ndarray:
            return left.sets(x, [rows])[:, 0]

        cloud, _, shape = cloud_without(left.marginal, theta, apart_of, np.random.default_rng([seed, 37, j]))
        if not shape < khat[j]:
            continue
        weights = np.exp(cloud.quality()[0])
        kept = np.flatnonzero(weights > 1e-8)
        x, weights = cloud.x[kept], weights[kept] / weights[kept].sum()
        mean, covariance = left.common_without_sets(x, [rows])
        means[j], sds[j], _ = _moments(model, mean[:, 0], covariance[:, 0], _scales(model, x), weights)
        khat[j], redrawn = shape, redrawn + 1
    return redrawn


def _scales(model: Model, theta: np.ndarray) -> np.ndarray:
    """Return sds, correlations and sigma, (S, m - p), of theta (S, d)."""
    p = model.marginal.n_common
    return scalar_values(model, theta, np.zeros((len(theta), p)))[:, p:]


def _moments(
    model: Model, mean: np.ndarray, covariance: np.ndarray, rest: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean (m,), sd (m,) and the covariance (p, p) of the common effects, from those given theta, weighed.

    mean: (S, p), covariance: (S, p, p) of scaled beta | theta. rest: (S, m - p).
    """
    T, t = model.marginal.moments.scaling.coefficients()
    beta = mean @ T.T + t
    centre = weights @ beta
    off = beta - centre
    spread = T @ np.einsum("s,sij->ij", weights, covariance) @ T.T + (off * weights[:, None]).T @ off
    middle = weights @ rest
    wide = np.sqrt(np.maximum(weights @ (rest - middle) ** 2, 0.0))
    return np.append(centre, middle), np.append(np.sqrt(np.diag(spread)), wide), spread
