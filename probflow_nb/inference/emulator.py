"""Emulator: the log likelihood of theta, and beta given theta, from some hundred exact evaluations.

Where one evaluation costs a large dense factorisation, thousands are out of reach; but the likelihood is a smooth
function of the sds, also where one goes to 0, and close to quadratic in whitened coordinates x around the mode. A Gaussian process with a quadratic mean (universal kriging)
interpolates the evaluations; the prior is added exactly. New evaluations are placed where the emulated posterior lies
until it predicts them; the error of the last predictions is kept and shown.
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
class Chart:
    """The coordinates of the emulator: x = root^-1 (w - centre), w being theta with log(1 + sd / mode) for log sd.

    That is linear in an sd near 0, where the likelihood is smooth in it, and logarithmic far out, where it is so in that.

    mode: the mode in theta. spread: (d, d), theta = mode + spread z scatters points about it. sds: places of log sds.
    """

    mode: np.ndarray
    spread: np.ndarray
    sds: np.ndarray
    centre: np.ndarray
    root: np.ndarray

    def coordinates(self, theta: np.ndarray) -> np.ndarray:
        """Return x (S, d) of theta (S, d)."""
        w = theta.copy()
        w[:, self.sds] = np.logaddexp(0.0, w[:, self.sds] - self.mode[self.sds])
        return np.linalg.solve(self.root, (w - self.centre).T).T


@dataclass(frozen=True, eq=False)
class Emulator:
    """A smooth interpolation of exact evaluations.

    theta: (M, d) where they were made, x: the same in the chart's coordinates. outputs: (M, 1 + p + p (p + 1) / 2): log
    likelihood less its value at the mode, mean of beta, lower triangle of its root. top: the log likelihood at the mode.
    alpha, trend: weights of kernel and quadratic mean. length: of the kernel. budget: the most evaluations allowed.
    error: root mean square error of the last predictions. finished: whether it is good enough, or out of budget.
    """

    marginal: Marginal
    chart: Chart
    theta: np.ndarray
    x: np.ndarray
    outputs: np.ndarray
    top: float
    alpha: np.ndarray
    trend: np.ndarray
    length: float
    budget: int
    error: float
    finished: bool

    def predict(self, theta: np.ndarray) -> np.ndarray:
        """Return all outputs at theta (S, d), (S, outputs)."""
        x = self.chart.coordinates(theta)
        return _kernel(x, self.x, self.length) @ self.alpha + _basis(x) @ self.trend

    def evaluate(self, theta: np.ndarray) -> Evaluation:
        """Return log density, mean of beta and its root, emulated, at theta (S, d)."""
        values, p = self.predict(theta), self.marginal.moments.n_common
        root = np.zeros((len(theta), p, p))
        root[:, *np.tril_indices(p)] = values[:, 1 + p :]
        prior = self.marginal.log_priors(theta)
        return Evaluation(values[:, 0] + self.top + prior, values[:, 1 : 1 + p], root)


def fit_emulator(
    marginal: Marginal, mode: Mode, last: Emulator | None, rng: np.random.Generator
) -> Emulator:
    """Return the first emulator, or the last one improved by a batch of evaluations."""
    d = marginal.size
    if last is None:
        chart = _chart(marginal, mode)
        size = max(8 * d + 6, int(0.7 * (d + 1) * (d + 2)))
        z = np.concatenate([np.zeros((1, d)), _scattered(size - 1, d, rng)])
        theta = chart.mode + z @ chart.spread.T
        top = mode.value - float(marginal.log_priors(mode.x[None])[0])
        outputs = _outputs(marginal, theta, top)
        return _interpolate(marginal, chart, theta, outputs, top, max(40 * d, 2 * size), math.inf)
    fresh = _where_it_matters(last, rng)
    predicted = last.predict(fresh)[:, 0]
    outputs = _outputs(marginal, fresh, last.top)
    gap = predicted - outputs[:, 0]
    error = float(np.sqrt(np.mean(gap[:_TESTS] ** 2)))
    # A guess counts where it, or the truth, is not negligible.
    log_prior = marginal.log_priors(fresh) + last.top - mode.value
    seen = (np.maximum(predicted, outputs[:, 0]) + log_prior)[_TESTS:] > -10.0
    if np.any(np.abs(gap[_TESTS:][seen]) > _NEAR):
        error = max(error, 2.0 * _ENOUGH)
    return _interpolate(
        marginal,
        last.chart,
        np.concatenate([last.theta, fresh]),
        np.concatenate([last.outputs, outputs]),
        last.top,
        last.budget,
        error,
    )


def _chart(marginal: Marginal, mode: Mode) -> Chart:
    sds = np.concatenate([np.arange(t.start, t.start + t.k) for t in marginal.layout.terms] or [np.zeros(0, int)])
    spread = newton.covariance_root(mode, widest=1.5)
    centre, slope = mode.x.copy(), np.ones(mode.x.size)
    centre[sds], slope[sds] = np.log(2.0), 0.5
    return Chart(mode.x, spread, sds, centre, slope[:, None] * spread)


def _scattered(size: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Return points spread like a normal of sd 1.5, low-discrepancy."""
    from scipy.stats import norm, qmc

    uniform = qmc.Sobol(d, seed=rng).random_base2(math.ceil(math.log2(size)))[:size]
    return 1.5 * norm.ppf(np.clip(uniform, 1e-3, 1 - 1e-3))


def _where_it_matters(emulator: Emulator, rng: np.random.Generator) -> np.ndarray:
    """Return a batch of theta: the first half draws of the emulated posterior, the rest where most hangs on its guess.

    The emulated posterior is explored as the exact one would be; a region that the emulator makes up shows itself by
    large weights far from every evaluation, and is evaluated next.
    """
    proposal = Proposal(emulator.chart.mode, emulator.chart.spread)
    cloud = None
    for _ in range(4):
        theta = proposal.sample(rng, 500)
        points = emulator.evaluate(theta)
        cloud = (
            importance.begin(proposal, theta, points)
            if cloud is None
            else importance.extend(cloud, proposal, theta, points)
        )
        proposal = importance.refit(cloud)
    assert cloud is not None
    smooth, _, _ = cloud.quality()
    picked = list(importance.resample(smooth, _TESTS, rng))
    x = emulator.chart.coordinates(cloud.x)
    for _ in range(_BATCH - _TESTS):
        doubt = _doubt(x, np.concatenate([emulator.x, x[picked]]), emulator.length)
        picked.append(int(np.argmax(cloud.log_weights + np.log(doubt))))
    return cloud.x[picked]


def _doubt(x: np.ndarray, nodes: np.ndarray, length: float) -> np.ndarray:
    """Return the variance of the Gaussian process at x given its nodes, trend left aside."""
    L = np.linalg.cholesky(_kernel(nodes, nodes, length) + 1e-8 * np.eye(len(nodes)))
    half = np.linalg.solve(L, _kernel(nodes, x, length))
    return np.maximum(1.0 - (half * half).sum(axis=0), 1e-12)


def _outputs(marginal: Marginal, theta: np.ndarray, top: float) -> np.ndarray:
    e = marginal.evaluate(theta)
    lower = np.tril_indices(e.mean.shape[1])
    likelihood = np.maximum(e.log_density - marginal.log_priors(theta) - top, -100.0)
    return np.concatenate([likelihood[:, None], e.mean, e.root[:, *lower]], axis=1)


def _kernel(a: np.ndarray, b: np.ndarray, length: float) -> np.ndarray:
    square = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2.0 * a @ b.T
    return np.exp(-0.5 * np.maximum(square, 0.0) / length**2)


def _basis(z: np.ndarray) -> np.ndarray:
    d = z.shape[1]
    i, j = np.tril_indices(d)
    return np.concatenate([np.ones((len(z), 1)), z, z[:, i] * z[:, j]], axis=1)


def _interpolate(
    marginal: Marginal,
    chart: Chart,
    theta: np.ndarray,
    outputs: np.ndarray,
    top: float,
    budget: int,
    error: float,
) -> Emulator:
    """Return the universal kriging interpolation with the kernel length of least leave-one-out error.

    With Q = K^-1 - K^-1 H (H' K^-1 H)^-1 H' K^-1 the weights are Q y and the leave-one-out errors (Q y)_i / Q_ii
    (Dubrule 1983).
    """
    x = chart.coordinates(theta)
    H = _basis(x)
    # Points far below the mode matter little and are hard to follow: the error is weighed by the density.
    weight = np.exp(np.maximum(outputs[:, 0], -12.0) / 2.0)
    best: tuple[float, float, np.ndarray, np.ndarray] | None = None
    for length in _LENGTHS:
        K = _kernel(x, x, length) + 1e-9 * np.eye(len(x))
        KH, Ky = np.linalg.solve(K, H), np.linalg.solve(K, outputs)
        trend = np.linalg.lstsq(H.T @ KH, H.T @ Ky, rcond=None)[0]
        alpha = Ky - KH @ trend
        Q = np.linalg.inv(K) - KH @ np.linalg.pinv(H.T @ KH) @ KH.T
        left_out = np.abs(alpha[:, 0] / np.maximum(np.diag(Q), 1e-300)) * weight
        score = float(np.sqrt(np.mean(left_out**2)))
        if best is None or score < best[0]:
            best = (score, length, alpha, trend)
    assert best is not None
    finished = error < _ENOUGH or len(x) + _BATCH > budget
    _, length, alpha, trend = best
    return Emulator(marginal, chart, theta, x, outputs, top, alpha, trend, length, budget, error, finished)
