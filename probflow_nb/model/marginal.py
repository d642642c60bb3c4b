"""The log marginal posterior of theta: beta and b integrated out in closed form, for a whole batch of theta at once.

In scaled units (see `design.moments`), with K and log det V from the block elimination, sigma = exp(theta[-1]), prior
beta ~ N(P0^-1 h0, P0^-1) (P0 singular where the prior is flat) and P = K_xx / sigma^2 + P0, h = K_xy / sigma^2 + h0:

    log p(y, theta) = -n/2 log(2 pi sigma^2) - 1/2 log det V - 1/2 (K_yy / sigma^2 + c0)
                      + 1/2 h' P^-1 h - 1/2 log det P + p/2 log(2 pi) + constants + log prior(theta)
    beta | theta, y ~ N(P^-1 h, P^-1)

theta holds log sds (scaled), atanh partial correlations and log sigma; its prior includes their Jacobians.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..design.design import Design
from ..design.moments import Moments
from ..spec.priors import Distribution
from . import covariance
from .covariance import Layout, Lower
from .distributions import lkj_partial_log_prob, log_prob
from .elimination import Elimination, Reduced, elimination, reduce
from .priors import PriorTable

_LOG_2PI = math.log(2.0 * math.pi)


@dataclass(frozen=True, eq=False)
class CommonPrior:
    """The Gaussian prior of beta in scaled units, in natural form.

    precision: P0 (p, p). shift: h0 (p,). constant: c0. log_norm: the log density's constant, Jacobian included.
    proper: whether every direction has a prior.
    """

    precision: np.ndarray
    shift: np.ndarray
    constant: float
    log_norm: float
    proper: bool


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The marginal at S values of theta, numpy.

    log_density: (S,). mean: (S, p) of beta given theta, scaled. root: (S, p, p) with root' root the covariance of beta.
    """

    log_density: np.ndarray
    mean: np.ndarray
    root: np.ndarray


@dataclass(frozen=True, eq=False)
class Marginal:
    """The marginal posterior of theta of a Gaussian model.

    layout: where the numbers of theta lie. members: group terms of each eliminated factor.
    sd_units: per group term, (k,): what a scaled sd is multiplied by to be on the data's scale.
    """

    moments: Moments
    constants: Elimination
    layout: Layout
    members: tuple[tuple[int, ...], ...]
    sd_units: tuple[np.ndarray, ...]
    priors: PriorTable
    common: CommonPrior

    @property
    def size(self) -> int:
        """d, the length of theta."""
        return self.layout.size

    def factors(self, theta: Any) -> list[Lower]:
        """Return Delta of every eliminated factor for theta (S, d)."""
        log_sigma = theta[:, self.layout.sigma]
        return [
            covariance.block_diagonal(
                [covariance.relative_factor(self.layout.terms[m], theta, log_sigma) for m in group]
            )
            for group in self.members
        ]

    def log_prior(self, theta: Any) -> Any:
        """Return the log prior density of theta (S, d), Jacobians included."""
        tf = load()
        scale = self.moments.scaling.y_scale
        total = _log_scale_prior(self.priors.sigma, theta[:, self.layout.sigma], math.log(scale))
        for term, units, sds, eta in zip(
            self.layout.terms, self.sd_units, self.priors.sds, self.priors.correlations, strict=True
        ):
            for c, sd in enumerate(sds):
                total = total + _log_scale_prior(sd, theta[:, term.start + c], math.log(units[c]))
            if term.n_correlations:
                z = covariance.partial_correlations(term, theta)
                total = total + tf.cast(lkj_partial_log_prob(eta, term.k, z), theta.dtype)
        return total

    def log_density(self, theta: Any) -> Any:
        """Return log p(y, theta), (S,), differentiable in theta (S, d)."""
        return self._parts(theta)[0]

    def _parts(self, theta: Any) -> tuple[Any, Any, Any]:
        """Return the log density, the Cholesky factor L of P and L^-1 h."""
        tf = load()
        reduced = reduce(self.constants, self.factors(theta))
        K = reduced.K
        p = self.moments.n_common
        log_sigma = theta[:, self.layout.sigma]
        precision = tf.exp(-2.0 * log_sigma)
        value = self._constant - self.moments.n * log_sigma - 0.5 * reduced.log_det
        value = value - 0.5 * K[:, p, p] * precision + self.log_prior(theta)
        if p == 0:
            return value, None, None
        P = K[:, :p, :p] * precision[:, None, None] + self.common.precision
        h = K[:, :p, p:] * precision[:, None, None] + self.common.shift[:, None]
        L = tf.linalg.cholesky(P)
        half = tf.linalg.triangular_solve(L, h)[:, :, 0]
        value = value + 0.5 * tf.reduce_sum(half * half, axis=1)
        return value - tf.reduce_sum(tf.math.log(tf.linalg.diag_part(L)), axis=1), L, half

    @property
    def _constant(self) -> float:
        m = self.moments
        value = -0.5 * m.n * _LOG_2PI + 0.5 * m.sum_log_weights - m.n * math.log(m.scaling.y_scale)
        return value - 0.5 * self.common.constant + 0.5 * m.n_common * _LOG_2PI + self.common.log_norm

    def batches(self, S: int) -> list[slice]:
        """Return the slices in which S values of theta are worked on."""
        size = self.constants.batch
        return [slice(start, min(start + size, S)) for start in range(0, S, size)]

    def log_densities(self, theta: np.ndarray) -> np.ndarray:
        """Return log p(y, theta) for numpy theta (S, d); minus infinity where it is not a number."""
        tf = load()
        parts = [self.log_density(tf.constant(theta[rows])).numpy() for rows in self.batches(len(theta))]
        value = np.concatenate(parts)
        return np.where(np.isfinite(value), value, -np.inf)

    def evaluate(self, theta: np.ndarray) -> Evaluation:
        """Return the log density and the conditional of beta for numpy theta (S, d)."""
        tf = load()
        p = self.moments.n_common
        log_density, means, roots = [], [], []
        for rows in self.batches(len(theta)):
            value, L, half = self._parts(tf.constant(theta[rows]))
            log_density.append(value.numpy())
            if p == 0:
                continue
            identity = tf.eye(p, batch_shape=[int(L.shape[0])], dtype=tf.float64)
            root = tf.linalg.triangular_solve(L, identity)
            means.append(tf.linalg.matvec(root, half, transpose_a=True).numpy())
            roots.append(root.numpy())
        value = np.concatenate(log_density)
        value = np.where(np.isfinite(value), value, -np.inf)
        if p == 0:
            return Evaluation(value, np.zeros((len(theta), 0)), np.zeros((len(theta), 0, 0)))
        return Evaluation(value, np.concatenate(means), np.concatenate(roots))

    def reduced(self, theta: np.ndarray) -> Reduced:
        """Return K and log det V at numpy theta (S, d)."""
        tf = load()
        return reduce(self.constants, self.factors(tf.constant(theta)))


def _log_scale_prior(prior: Distribution, log_scaled: Any, log_unit: float) -> Any:
    """Return the log density of log sd when sd = exp(log_scaled + log_unit) has the given prior."""
    log_sd = log_scaled + log_unit
    return log_prob(prior, load().exp(log_sd)) + log_sd


def marginal(design: Design, moments: Moments, priors: PriorTable) -> Marginal:
    """Return the marginal posterior of theta for a design, its moments and its priors."""
    terms = covariance.layout(
        tuple((g.n_columns, g.correlated and g.n_columns > 1) for g in design.groups)
    )
    units: list[np.ndarray] = [np.zeros(0)] * len(design.groups)
    for factor in moments.factors:
        starts = np.concatenate([[0], np.cumsum(factor.widths)])
        for place, member in enumerate(factor.members):
            units[member] = moments.scaling.y_scale / factor.scale[starts[place] : starts[place + 1]]
    return Marginal(
        moments,
        elimination(moments),
        terms,
        tuple(factor.members for factor in moments.factors),
        tuple(units),
        priors,
        common_prior(design, moments, priors),
    )


def common_prior(design: Design, moments: Moments, priors: PriorTable) -> CommonPrior:
    """Return the prior of beta in scaled units from one Normal or Flat prior a coefficient.

    Each proper prior is on a linear functional v' beta ~ N(m, s^2), v a unit vector or, for the intercept at the
    predictors' means, (1, means).
    """
    T, t = moments.scaling.coefficients()
    p = T.shape[0]
    rows: list[tuple[np.ndarray, Distribution]] = []
    unit = np.eye(p)
    start = 1 if design.has_intercept else 0
    if priors.intercept is not None:
        v = unit[0].copy()
        if priors.centered:
            v[1:] = design.X[:, 1:].mean(axis=0)
        rows.append((v, priors.intercept))
    rows.extend((unit[start + j], prior) for j, prior in enumerate(priors.coefficients))
    precision, shift, constant = np.zeros((p, p)), np.zeros(p), 0.0
    log_norm, proper = float(np.linalg.slogdet(T)[1]), True
    for v, prior in rows:
        if prior.name != "Normal":
            # A flat prior is a constant: it has no density to add; engines refuse any other.
            proper = False
            continue
        mean, sd = prior.arguments
        scaled, gap = T.T @ v, mean - v @ t
        precision += np.outer(scaled, scaled) / sd**2
        shift += scaled * gap / sd**2
        constant += (gap / sd) ** 2
        log_norm -= math.log(sd) + 0.5 * _LOG_2PI
    return CommonPrior(precision, shift, constant, log_norm, proper)
