"""Emulator: the log likelihood of theta, and beta given theta, from some hundred exact evaluations.

Where one evaluation costs a large dense factorisation, thousands are out of reach; but the likelihood is a smooth
function of the sds, also where one goes to 0, and close to quadratic in whitened coordinates x around the mode. A
Gaussian process with a falling mean interpolates the evaluations; the prior is added exactly. New evaluations are
placed where the emulated posterior lies until it predicts them, and where most hangs on a guess; draws of the final
answer are evaluated exactly at the end, and that error is shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..model.collapsed import Collapsed, Evaluation
from . import importance, newton
from .importance import Proposal
from .newton import Mode

# The emulator is used once it predicts the log density of new points of its own posterior to this, root mean square.
_ENOUGH = 0.03
_BATCH = 10
_FAR = (3.0, 6.0)
_TESTS = 5
# and once its guesses where it is least sure are right to this, in log units.
_NEAR = 0.5
# A density this far below its top, in log units, is of no account.
_NEGLIGIBLE = -7.0
# Draws of the final answer that are evaluated exactly, and how often it may be improved after that.
CHECKED = 16
_REPAIRS = 3
# Standard deviations of the process by which the log density is lowered where it was never evaluated: where the process
# is unsure by more than this.
_CAUTION = 2.0
_SURE = 0.5
_LENGTHS = (2.0, 3.0, 4.5, 7.0)


@dataclass(frozen=True, eq=False)
class Chart:
    """The coordinates of the emulator: x = root^-1 (w - centre), w being theta with log(1 + sd / mode) for log sd.

    That is linear in an sd near 0 and logarithmic far out: the likelihood is smooth in each where it holds.

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

    theta: (M, d) where they were made. x: the same in the chart's coordinates. outputs: (M, 1 + p + p (p + 1) / 2), log
    likelihood less its value at the mode, mean of beta, lower triangle of its root. top: the log likelihood at the
    mode. alpha: weights of the kernel. inverse: (M, M) of the kernel among the evaluations. length, amplitude: of the
    process. budget: the most evaluations allowed.
    error: root mean square error of the last predictions. finished: whether it is good enough, or out of budget.
    repairs: how often a check was made. shift: exact less emulated log likelihood, mean over the check.
    """

    marginal: Collapsed
    chart: Chart
    theta: np.ndarray
    x: np.ndarray
    outputs: np.ndarray
    top: float
    alpha: np.ndarray
    inverse: np.ndarray
    length: float
    amplitude: float
    budget: int
    error: float
    finished: bool
    repairs: int = 0
    shift: float = 0.0

    def predict(self, theta: np.ndarray) -> np.ndarray:
        """Return all outputs at theta (S, d), (S, outputs)."""
        x = self.chart.coordinates(theta)
        return _kernel(x, self.x, self.length) @ self.alpha + _trend(x, self.outputs[0])

    def evaluate(self, theta: np.ndarray, caution: float = _CAUTION) -> Evaluation:
        """Return log density, mean of beta and its root, emulated, at theta (S, d).

        Where no evaluation is near, the log density is lowered by `caution` standard deviations of the process: what is
        not known is not made up.
        """
        values, p = self.predict(theta), self.marginal.n_common
        unsure = self.amplitude * np.sqrt(self.doubt(theta))
        values[:, 0] -= caution * np.maximum(unsure - _SURE, 0.0)
        root = np.zeros((len(theta), p, p))
        root[:, *np.tril_indices(p)] = values[:, 1 + p :]
        prior = self.marginal.log_priors(theta)
        return Evaluation(values[:, 0] + self.top + prior, values[:, 1 : 1 + p], root)

    def doubt(self, theta: np.ndarray) -> np.ndarray:
        """Return the variance of the process at theta (S, d), (S,), 1 where no evaluation is near."""
        near = _kernel(self.chart.coordinates(theta), self.x, self.length)
        return np.clip(1.0 - np.einsum("sm,sm->s", near @ self.inverse, near), 0.0, 1.0)


def fit_emulator(marginal: Collapsed, mode: Mode, last: Emulator | None, rng: np.random.Generator) -> Emulator:
    """Return the first emulator, or the last one improved by a batch of evaluations."""
    d = marginal.size
    if last is None:
        chart = _chart(marginal, mode)
        size = 6 * d + 6
        # Points far out on every axis say how long the tails are.
        axes = [sign * far * np.eye(d) for far in _FAR for sign in (-1.0, 1.0)]
        z = np.concatenate([np.zeros((1, d)), *axes, _scattered(size - 1, d, rng)])
        theta = chart.mode + z @ chart.spread.T
        top = mode.value - float(marginal.log_priors(mode.x[None])[0])
        outputs = _outputs(marginal, theta, top)
        return _interpolate(marginal, chart, theta, outputs, top, 40 * d, math.inf)
    fresh = _where_it_matters(last, rng)
    predicted = last.predict(fresh)[:, 0]
    outputs = _outputs(marginal, fresh, last.top)
    gap = predicted - outputs[:, 0]
    error = float(np.sqrt(np.mean(gap[:_TESTS] ** 2)))
    # A guess counts where it, or the truth, is not negligible.
    log_prior = marginal.log_priors(fresh) + last.top - mode.value
    seen = (np.maximum(predicted, outputs[:, 0]) + log_prior)[_TESTS:] > _NEGLIGIBLE
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


def check_emulator(emulator: Emulator, theta: np.ndarray) -> Emulator:
    """Return the emulator with exact evaluations at theta (m, d), draws of the final answer, added.

    Its error becomes the root mean square of its misses there. It is not finished if that is too much and it may
    still be improved.
    """
    outputs = _outputs(emulator.marginal, theta, emulator.top)
    gap = outputs[:, 0] - emulator.predict(theta)[:, 0]
    error = float(np.sqrt(np.mean(gap**2)))
    better = _interpolate(
        emulator.marginal,
        emulator.chart,
        np.concatenate([emulator.theta, theta]),
        np.concatenate([emulator.outputs, outputs]),
        emulator.top,
        emulator.budget,
        error,
    )
    repairs = emulator.repairs + 1
    finished = error < 3 * _ENOUGH or repairs > _REPAIRS
    return replace(better, finished=finished, repairs=repairs, shift=float(gap.mean()))


def _chart(marginal: Collapsed, mode: Mode) -> Chart:
    sds = marginal.log_sds
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
        points = emulator.evaluate(theta, caution=0.5)
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


def _outputs(marginal: Collapsed, theta: np.ndarray, top: float) -> np.ndarray:
    e = marginal.evaluate(theta)
    lower = np.tril_indices(e.mean.shape[1])
    likelihood = _compressed(e.log_density - marginal.log_priors(theta) - top)
    return np.concatenate([likelihood[:, None], e.mean, e.root[:, *lower]], axis=1)


def _compressed(log_ratio: np.ndarray) -> np.ndarray:
    """Return log ratios with those below -15 drawn together: there only that they are low matters, not how low."""
    below = np.maximum(-15.0 - np.maximum(log_ratio, -1e12), 0.0)
    return np.maximum(log_ratio, -15.0) - 5.0 * np.log1p(below / 5.0)


def _kernel(a: np.ndarray, b: np.ndarray, length: float) -> np.ndarray:
    square = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2.0 * a @ b.T
    return np.exp(-0.5 * np.maximum(square, 0.0) / length**2)


def _trend(x: np.ndarray, at_mode: np.ndarray) -> np.ndarray:
    """Return the outputs as the curvature at the mode has them: -x'x / 2 for the log likelihood, the rest constant.

    A trend that is fitted could open upwards; this one falls on every side where no evaluation says otherwise.
    """
    trend = np.tile(at_mode, (len(x), 1))
    trend[:, 0] = _compressed(-0.5 * (x * x).sum(axis=1))
    return trend


def _interpolate(
    marginal: Collapsed,
    chart: Chart,
    theta: np.ndarray,
    outputs: np.ndarray,
    top: float,
    budget: int,
    error: float,
) -> Emulator:
    """Return the interpolation with the kernel length of least leave-one-out error.

    With the weights K^-1 y the leave-one-out errors are (K^-1 y)_i / (K^-1)_ii (Dubrule 1983).
    """
    x = chart.coordinates(theta)
    rest = outputs - _trend(x, outputs[0])
    # Points far below the mode matter little and are hard to follow: the error is weighed by the density.
    weight = np.exp(np.maximum(outputs[:, 0], -12.0) / 2.0)
    best: tuple[float, float, np.ndarray, np.ndarray] | None = None
    for length in _LENGTHS:
        inverse = np.linalg.inv(_kernel(x, x, length) + 1e-9 * np.eye(len(x)))
        alpha = inverse @ rest
        left_out = np.abs(alpha[:, 0] / np.maximum(np.diag(inverse), 1e-300)) * weight
        score = float(np.sqrt(np.mean(left_out**2)))
        if best is None or score < best[0]:
            best = (score, length, alpha, inverse)
    assert best is not None
    finished = error < _ENOUGH or len(x) + _BATCH > budget
    _, length, alpha, inverse = best
    amplitude = math.sqrt(max(float(rest[:, 0] @ alpha[:, 0]), 0.0) / len(x))
    return Emulator(marginal, chart, theta, x, outputs, top, alpha, inverse, length, amplitude, budget, error, finished)
