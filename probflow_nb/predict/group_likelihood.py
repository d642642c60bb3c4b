"""Group likelihood: the log density of a level's rows given a draw, the level's own effects integrated out.

    log p(y_j | beta, theta, b_others) = log int prod_i p(y_i | eta_i + z_i' L u) Normal(u | 0, I) du,   Sigma = L L'

by quadrature around the mode of u, scaled by the curvature there, for each draw and level: Gauss-Hermite for one or two
columns (Naylor and Smith 1982, Appl. Statist. 31:214-225; Pinheiro and Bates 1995, J. Comput. Graph. Statist. 4:12-35),
a Sobol sequence for more. One point is exact for Gaussian rows. It is what the draws are weighed by when a level is
left out: with b_j in the weight its own draws would have to carry it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..model.model import Model, ModelFactor
from .family_slab import FamilySlab
from .mixed import GaussianSlab, MixedResponse
from .values import Values

_POINTS = {1: 15, 2: 9}
_SOBOL = 128
_AT_ONCE = 1_000_000
# Newton steps towards the mode; each takes three densities a row. No step is longer than this many prior sds.
_STEPS, _LONGEST = 4, 3.0
# Half the width of the differences that the derivatives are taken by, in the spread of the linear predictor.
_WIDTH = 1e-3


def log_level_likelihoods(
    model: Model, values: Values, response: MixedResponse, factor: str, y: np.ndarray
) -> np.ndarray:
    """Return log p(y_j | draw), (S, J), of every level of a factor, its own effects integrated out.

    y: (n,). The effects of other factors stay as drawn. A level without rows has log density 0.
    """
    key = f"b[{factor}]"
    b = values[key]
    S, J, k = b.shape
    own = [part for part in response.groups if part.key == key]
    rest = replace(response, groups=tuple(part for part in response.groups if part.key != key))
    order = np.argsort(own[0].index, kind="stable")
    index = own[0].index[order]
    z = np.zeros((len(index), k))
    for part in own:
        z[:, part.start : part.start + part.z.shape[1]] = part.z[order]
    held, starts, at = np.unique(index, return_index=True, return_inverse=True)
    step = max(1, _AT_ONCE // (len(index) * k))
    found = np.zeros((S, J))
    for start in range(0, S, step):
        draws = slice(start, min(start + step, S))
        slab = _rows(rest.at(slice(0, len(index)), draws), order)
        root = _roots(values, factor, draws)
        u = np.linalg.solve(root[:, None], b[draws][:, held, :, None])[..., 0]
        found[draws, held] = _log_integral(_Levels(slab, y[order], np.einsum("nk,skl->snl", z, root), at, starts), u)
    return found


def points_of(factor: ModelFactor) -> int:
    """Return how many densities of each row the integral over a level's effects takes."""
    k = len(factor.columns)
    return 3 * (_STEPS + 1) + (_POINTS[k] ** k if k in _POINTS else _SOBOL)


@dataclass(frozen=True, eq=False)
class _Levels:
    """Rows in the order of their levels for some draws: a slab (s, n), y (n,), z' L (s, n, k), level of each row."""

    slab: GaussianSlab | FamilySlab
    y: np.ndarray
    z: np.ndarray
    at: np.ndarray
    starts: np.ndarray

    def log_joint(self, u: np.ndarray) -> np.ndarray:
        """Return log p(y_j | u) + log Normal(u | 0, I), (s, J), at u (s, J, k)."""
        rows = _moved(self.slab, self._shift(u)).log_prob(self.y)
        return self._sums(rows) - 0.5 * (u**2).sum(axis=2) - 0.5 * u.shape[2] * np.log(2 * np.pi)

    def slopes(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradient (s, J, k) of the log joint density at u and its negative curvature (s, J, k, k)."""
        slope, curvature = _derivatives(_moved(self.slab, self._shift(u)), self.y)
        gradient = np.stack([self._sums(slope * self.z[..., c]) for c in range(u.shape[2])], axis=-1) - u
        # A density that is not log-concave somewhere is steered by its prior there.
        curved = np.maximum(curvature, 0.0)
        information = np.empty((*u.shape, u.shape[2]))
        for c in range(u.shape[2]):
            for d in range(c + 1):
                information[..., c, d] = self._sums(curved * self.z[..., c] * self.z[..., d]) + (c == d)
                information[..., d, c] = information[..., c, d]
        return gradient, information

    def _shift(self, u: np.ndarray) -> np.ndarray:
        return np.einsum("snk,snk->sn", self.z, u[:, self.at])

    def _sums(self, rows: np.ndarray) -> np.ndarray:
        return np.add.reduceat(rows, self.starts, axis=1)


def _log_integral(levels: _Levels, u: np.ndarray) -> np.ndarray:
    """Return the log integrals (s, J), from a start u (s, J, k)."""
    k = u.shape[2]
    gaussian = isinstance(levels.slab, GaussianSlab)
    for _ in range(1 if gaussian else _STEPS):
        gradient, information = levels.slopes(u)
        move = np.linalg.solve(information, gradient[..., None])[..., 0]
        length = np.sqrt((move**2).sum(axis=2, keepdims=True))
        u = u + move * (1.0 if gaussian else np.minimum(1.0, _LONGEST / np.maximum(length, _LONGEST)))
    _, information = levels.slopes(u)
    # u = mode + A x with A A' the inverse of the curvature.
    A = np.linalg.inv(np.linalg.cholesky(information)).swapaxes(-1, -2)
    points, log_shares = (np.zeros((1, k)), np.zeros(1)) if gaussian else _standard(k)
    parts = np.empty((len(points), *u.shape[:2]))
    for q, x in enumerate(points):
        log_normal = -0.5 * x @ x - 0.5 * k * np.log(2 * np.pi)
        parts[q] = levels.log_joint(u + A @ x) + log_shares[q] - log_normal
    return np.asarray(np.logaddexp.reduce(parts, axis=0) + np.log(np.einsum("sjkk->sjk", A)).sum(axis=2))


def _derivatives(slab: GaussianSlab | FamilySlab, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return d/d eta log p(y) and -d^2/d eta^2 log p(y), (s, n)."""
    if isinstance(slab, GaussianSlab):
        precision = np.broadcast_to(slab.sd, slab.mu.shape) ** -2.0
        return (y - slab.mu) * precision, precision
    spread = slab.eta.std(axis=1, keepdims=True)
    h = _WIDTH * np.where(spread > 0, spread, 1.0)
    up, here, down = (_moved(slab, by).log_prob(y) for by in (h, 0.0, -h))
    return (up - down) / (2 * h), (2 * here - up - down) / h**2


def _moved(slab: GaussianSlab | FamilySlab, by: Any) -> GaussianSlab | FamilySlab:
    """Return a slab with something added to the linear predictor."""
    return replace(slab, mu=slab.mu + by) if isinstance(slab, GaussianSlab) else replace(slab, eta=slab.eta + by)


def _rows(slab: GaussianSlab | FamilySlab, order: np.ndarray) -> GaussianSlab | FamilySlab:
    """Return a slab with its rows in another order."""
    if isinstance(slab, GaussianSlab):
        return GaussianSlab(slab.mu[:, order], np.broadcast_to(slab.sd, slab.mu.shape)[:, order])
    trials = None if slab.trials is None else slab.trials[order]
    return replace(slab, eta=slab.eta[:, order], trials=trials, weights=slab.weights[order])


def _standard(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points (Q, k) and log weights (Q,) of a standard normal."""
    if k in _POINTS:
        x, w = np.polynomial.hermite_e.hermegauss(_POINTS[k])
        grids = np.meshgrid(*[x] * k, indexing="ij")
        shares = np.meshgrid(*[np.log(w / w.sum())] * k, indexing="ij")
        return np.stack([g.ravel() for g in grids], axis=1), np.sum([s.ravel() for s in shares], axis=0)
    from scipy.special import ndtri
    from scipy.stats import qmc

    points = ndtri(np.clip(qmc.Sobol(k, seed=1).random(_SOBOL), 1e-6, 1 - 1e-6))
    return points, np.full(_SOBOL, -np.log(_SOBOL))


def _roots(values: Values, factor: str, draws: slice) -> np.ndarray:
    """Return the Cholesky factors of Sigma, (s, k, k), of some draws."""
    sd = values[f"sd[{factor}]"][draws]
    correlated = f"cor[{factor}]" in [quantity.name for quantity in values.quantities]
    R = (
        values[f"cor[{factor}]"][draws]
        if correlated
        else np.broadcast_to(np.eye(sd.shape[1]), (*sd.shape, sd.shape[1]))
    )
    return np.asarray(sd[:, :, None] * np.linalg.cholesky(R))
