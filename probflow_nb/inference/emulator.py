"""Emulator: the log density of theta, and beta given theta, from some hundred exact evaluations.

Where one evaluation costs a large dense factorisation, thousands are out of reach; but log p(theta | y) is smooth and
close to quadratic in whitened coordinates z around the mode. A Gaussian process with a quadratic mean (universal
kriging) interpolates the evaluations. New evaluations are placed where its posterior lies until it predicts them; the
error of the last predictions is kept and shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..model.marginal import Evaluation, Marginal
from . import importance, newton
from .importance import Proposal
from .newton import Mode

# The emulator is used once it predicts the log density of new points of its own posterior to this, root mean square.
_ENOUGH = 0.03
_BATCH = 10
_TESTS = 5
# and once its guesses where it is least sure are right to this, in log units.
_NEAR = 0.5
_LENGTHS = (2.0, 3.0, 4.5, 7.0)


@dataclass(frozen=True, eq=False)
class Emulator:
    """A smooth interpolation of exact evaluations.

    mode, root: theta = mode + root z. nodes: (M, d) in z. outputs: (M, 1 + p + p (p + 1) / 2): log density less its
    value at the mode, mean of beta, lower triangle of its root. top: the log density at the mode.
    alpha, trend: weights of kernel and quadratic mean. length: of the kernel. budget: the most nodes allowed.
    error: root mean square error of the last predictions. finished: whether it is good enough, or out of budget.
    """

    mode: np.ndarray
    root: np.ndarray
    nodes: np.ndarray
    outputs: np.ndarray
    top: float
    alpha: np.ndarray
    trend: np.ndarray
    length: float
    budget: int
    error: float
    finished: bool
    p: int

    def predict(self, theta: np.ndarray) -> np.ndarray:
        """Return all outputs at theta (S, d), (S, outputs)."""
        z = np.linalg.solve(self.root, (theta - self.mode).T).T
        return _kernel(z, self.nodes, self.length) @ self.alpha + _basis(z) @ self.trend

    def log_densities(self, theta: np.ndarray) -> np.ndarray:
        """Return the emulated log p(y, theta), (S,)."""
        return self.predict(theta)[:, 0] + self.top

    def evaluate(self, theta: np.ndarray) -> Evaluation:
        """Return log density, mean of beta and its root, emulated, at theta (S, d)."""
        values, p = self.predict(theta), self.p
        root = np.zeros((len(theta), p, p))
        root[:, *np.tril_indices(p)] = values[:, 1 + p :]
        return Evaluation(values[:, 0] + self.top, values[:, 1 : 1 + p], root)


def fit_emulator(
    marginal: Marginal, mode: Mode, last: Emulator | None, rng: np.random.Generator
) -> Emulator:
    """Return the first emulator, or the last one improved by a batch of evaluations."""
    d = marginal.size
    if last is None:
        root = newton.covariance_root(mode, widest=1.5)
        columns = (d + 1) * (d + 2) // 2
        size = max(8 * d + 6, int(1.4 * columns))
        z = np.concatenate([np.zeros((1, d)), _scattered(size - 1, d, rng)])
        outputs = _outputs(marginal, mode, root, z)
        return _interpolate(mode.x, root, z, outputs, mode.value, max(40 * d, 2 * size), math.inf, marginal)
    fresh = _where_it_matters(last, rng)
    predicted = last.predict(last.mode + fresh @ last.root.T)[:, 0]
    outputs = _outputs(marginal, mode, last.root, fresh)
    gap = predicted - outputs[:, 0]
    error = float(np.sqrt(np.mean(gap[:_TESTS] ** 2)))
    # A guess counts where it, or the truth, is not negligible.
    seen = np.maximum(predicted, outputs[:, 0])[_TESTS:] > -10.0
    if np.any(np.abs(gap[_TESTS:][seen]) > _NEAR):
        error = max(error, 2.0 * _ENOUGH)
    nodes = np.concatenate([last.nodes, fresh])
    return _interpolate(
        last.mode, last.root, nodes, np.concatenate([last.outputs, outputs]), last.top, last.budget, error, marginal
    )


def _scattered(size: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Return points spread like a normal of sd 1.5, low-discrepancy."""
    from scipy.stats import norm, qmc

    uniform = qmc.Sobol(d, seed=rng).random_base2(math.ceil(math.log2(size)))[:size]
    return 1.5 * norm.ppf(np.clip(uniform, 1e-3, 1 - 1e-3))


def _where_it_matters(emulator: Emulator, rng: np.random.Generator) -> np.ndarray:
    """Return a batch of z: the first half draws of the emulated posterior, the rest where most hangs on its guess.

    The emulated posterior is explored as the exact one would be; a region that the emulator makes up shows itself by
    large weights far from every evaluation, and is evaluated next.
    """
    d = emulator.mode.size
    proposal = Proposal(np.zeros(d), np.eye(d))
    cloud = None
    for _ in range(4):
        z = proposal.sample(rng, 500)
        points = emulator.evaluate(emulator.mode + z @ emulator.root.T)
        cloud = importance.begin(proposal, z, points) if cloud is None else importance.extend(cloud, proposal, z, points)
        proposal = importance.refit(cloud)
    assert cloud is not None
    smooth, _, _ = cloud.quality()
    tests = cloud.x[importance.resample(smooth, _TESTS, rng)]
    nodes = np.concatenate([emulator.nodes, tests])
    for _ in range(_BATCH - _TESTS):
        far = _doubt(cloud.x, nodes, emulator.length)
        nodes = np.concatenate([nodes, cloud.x[[int(np.argmax(cloud.log_weights + np.log(far)))]]])
    return nodes[len(emulator.nodes) :]


def _doubt(z: np.ndarray, nodes: np.ndarray, length: float) -> np.ndarray:
    """Return the variance of the Gaussian process at z given its nodes, trend left aside."""
    L = np.linalg.cholesky(_kernel(nodes, nodes, length) + 1e-8 * np.eye(len(nodes)))
    half = np.linalg.solve(L, _kernel(nodes, z, length))
    return np.maximum(1.0 - (half * half).sum(axis=0), 1e-12)


def _outputs(marginal: Marginal, mode: Mode, root: np.ndarray, z: np.ndarray) -> np.ndarray:
    e = marginal.evaluate(mode.x + z @ root.T)
    p = e.mean.shape[1]
    lower = np.tril_indices(p)
    floor = np.maximum(e.log_density - mode.value, -100.0)
    return np.concatenate([floor[:, None], e.mean, e.root[:, *lower]], axis=1)


def _kernel(a: np.ndarray, b: np.ndarray, length: float) -> np.ndarray:
    square = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2.0 * a @ b.T
    return np.exp(-0.5 * np.maximum(square, 0.0) / length**2)


def _basis(z: np.ndarray) -> np.ndarray:
    d = z.shape[1]
    i, j = np.tril_indices(d)
    return np.concatenate([np.ones((len(z), 1)), z, z[:, i] * z[:, j]], axis=1)


def _interpolate(
    mode: np.ndarray,
    root: np.ndarray,
    z: np.ndarray,
    outputs: np.ndarray,
    top: float,
    budget: int,
    error: float,
    marginal: Marginal,
) -> Emulator:
    """Return the universal kriging interpolation with the kernel length of least leave-one-out error.

    With Q = K^-1 - K^-1 H (H' K^-1 H)^-1 H' K^-1 the weights are Q y and the leave-one-out errors (Q y)_i / Q_ii
    (Dubrule 1983).
    """
    H = _basis(z)
    # Points far below the mode matter little and are hard to follow: the error is weighed by the density.
    weight = np.exp(np.maximum(outputs[:, 0], -12.0) / 2.0)
    best: tuple[float, float, np.ndarray, np.ndarray] | None = None
    for length in _LENGTHS:
        K = _kernel(z, z, length) + 1e-9 * np.eye(len(z))
        KH, Ky = np.linalg.solve(K, H), np.linalg.solve(K, outputs)
        trend = np.linalg.lstsq(H.T @ KH, H.T @ Ky, rcond=None)[0]
        alpha = Ky - KH @ trend
        Q = np.linalg.inv(K) - KH @ np.linalg.pinv(H.T @ KH) @ KH.T
        left_out = np.abs(alpha[:, 0] / np.maximum(np.diag(Q), 1e-300)) * weight
        score = float(np.sqrt(np.mean(left_out**2)))
        if best is None or score < best[0]:
            best = (score, length, alpha, trend)
    assert best is not None
    finished = error < _ENOUGH or len(z) + _BATCH > budget
    return Emulator(
        mode, root, z, outputs, top, best[2], best[3], best[1], budget, error, finished, marginal.moments.n_common
    )
