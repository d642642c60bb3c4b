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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..design.design import Design
from ..design.moments import Factor, Moments, Scaling
from ..objects.densities import lkj_partial_log_prob, log_prob
from ..spec.priors import Distribution
from . import covariance
from .collapsed import Evaluation
from .covariance import Layout, Lower
from .elimination import Elimination, Reduced, elimination, reduce
from .priors import PriorTable

_LOG_2PI = math.log(2.0 * math.pi)


@dataclass(frozen=True, eq=False)
class CommonPrior:
    """The Gaussian prior of beta in scaled units, in natural form.

    augmented: (q, q), [[P0, h0], [h0', c0]]. log_norm: the log density's constant, Jacobian included.
    proper: whether every direction has a prior.
    """

    augmented: np.ndarray
    log_norm: float
    proper: bool


@dataclass(frozen=True, eq=False)
class ScalePrior:
    """The priors of all scales that have one distribution's name.

    distribution: with an array (m,) for each argument. places: (m,) in theta. log_units: (m,) log of what turns a
    scaled sd into one on the data's scale.
    """

    distribution: Distribution
    places: np.ndarray
    log_units: np.ndarray


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
    scale_priors: tuple[ScalePrior, ...]
    common: CommonPrior

    @property
    def size(self) -> int:
        """d, the length of theta."""
        return self.layout.size

    @property
    def n_common(self) -> int:
        """p, number of coefficients."""
        return self.moments.n_common

    @property
    def cost(self) -> float:
        """Multiply-adds of one evaluation."""
        return float(self.constants.cost)

    @property
    def log_sds(self) -> np.ndarray:
        """Places of the log sds of group effects in theta."""
        return np.concatenate([np.arange(t.start, t.start + t.k) for t in self.layout.terms] or [np.zeros(0, int)])

    def scatter(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Return points (size, d) scattered over plausible scaled sds, the first at their centre."""
        centre, spread = np.zeros(self.size), np.full(self.size, 0.5)
        centre[self.log_sds], spread[self.log_sds] = -1.0, 1.0
        centre[self.layout.sigma], spread[self.layout.sigma] = -0.3, 0.3
        points = centre + spread * rng.standard_normal((size, self.size))
        points[0] = centre
        return points

    def factors(self, theta: Any) -> list[Lower]:
        """Return Delta of every eliminated factor for theta (S, d)."""
        return self._factors(*self._columns(theta))

    def _columns(self, theta: Any) -> tuple[list[Any], list[Lower]]:
        """Return the d columns of theta, (S, 1) each, and the partial correlations of every term."""
        columns = load().split(theta, self.size, axis=1)
        return columns, [covariance.partial_correlations(term, columns) for term in self.layout.terms]

    def _factors(self, columns: list[Any], partial: list[Lower]) -> list[Lower]:
        log_sigma, terms = columns[self.layout.sigma], self.layout.terms
        return [
            covariance.block_diagonal(
                [covariance.relative_factor(terms[m], columns, log_sigma, partial[m]) for m in group]
            )
            for group in self.members
        ]

    def log_prior(self, theta: Any) -> Any:
        """Return the log prior density of theta (S, d), Jacobians included."""
        return self._log_prior(theta, self._columns(theta)[1])

    def log_priors(self, theta: np.ndarray) -> np.ndarray:
        """Return the log prior density of numpy theta (S, d), (S,)."""
        value: np.ndarray = self.log_prior(load().constant(theta)).numpy()
        return value

    def _log_prior(self, theta: Any, partial: list[Lower]) -> Any:
        tf = load()
        total = 0.0
        for prior in self.scale_priors:
            # log p(log sd) = log p(sd) + log sd
            log_sd = tf.gather(theta, prior.places, axis=1) + prior.log_units
            total = total + tf.reduce_sum(log_prob(prior.distribution, tf.exp(log_sd)) + log_sd, axis=1)
        for term, eta, z in zip(self.layout.terms, self.priors.correlations, partial, strict=True):
            if term.n_correlations:
                total = total + lkj_partial_log_prob(eta, term.k, z)[:, 0]
        return total

    def log_density(self, theta: Any) -> Any:
        """Return log p(y, theta), (S,), differentiable in theta (S, d)."""
        return self._parts(theta)[0]

    def _parts(self, theta: Any) -> tuple[Any, Any]:
        """Return the log density and the Cholesky factor (S, q, q) of [[P, h], [h', K_yy / sigma^2 + c0]].

        The factor's first p rows are that of P, its last row is (L^-1 h)' and the root of what is left of y'y.
        """
        tf = load()
        columns, partial = self._columns(theta)
        reduced = reduce(self.constants, self._factors(columns, partial))
        log_sigma = columns[self.layout.sigma]
        augmented = reduced.K * tf.exp(-2.0 * log_sigma)[:, :, None] + self.common.augmented
        L = tf.linalg.cholesky(augmented)
        diagonal = tf.linalg.diag_part(L)
        value = self._log_prior(theta, partial) - 0.5 * reduced.log_det - self.moments.n * log_sigma[:, 0]
        value = value - tf.linalg.matvec(tf.math.log(diagonal), self._of_common)
        return value + (self._constant - 0.5 * diagonal[:, -1] ** 2), L

    @property
    def _of_common(self) -> np.ndarray:
        """(q,): 1 for each coefficient, 0 for y."""
        return np.append(np.ones(self.moments.n_common), 0.0)

    @property
    def _constant(self) -> float:
        m = self.moments
        value = -0.5 * m.n * _LOG_2PI + 0.5 * m.sum_log_weights - m.n * math.log(m.scaling.y_scale)
        return value + 0.5 * m.n_common * _LOG_2PI + self.common.log_norm

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
        pairs = [self._parts(tf.constant(theta[rows])) for rows in self.batches(len(theta))]
        value = np.concatenate([pair[0].numpy() for pair in pairs])
        L = np.concatenate([pair[1].numpy() for pair in pairs])
        return Evaluation(np.where(np.isfinite(value), value, -np.inf), *_conditional(L))

    def reduced(self, theta: np.ndarray) -> Reduced:
        """Return K and log det V at numpy theta (S, d)."""
        tf = load()
        return reduce(self.constants, self.factors(tf.constant(theta)))


def _conditional(L: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (S, p) and root (S, p, p) of beta given theta from the factors L (S, q, q)."""
    p = L.shape[1] - 1
    if p == 0:
        return np.zeros((len(L), 0)), np.zeros((len(L), 0, 0))
    root = np.linalg.inv(L[:, :p, :p])
    return np.einsum("sij,si->sj", root, L[:, p, :p]), root


def _scale_priors(
    terms: Layout, sds: tuple[tuple[Distribution, ...], ...], units: list[np.ndarray], sigma: Distribution, unit: float
) -> tuple[ScalePrior, ...]:
    """Gather the priors of sds and sigma by the distribution's name, so that each name costs one set of ops."""
    entries = [
        (prior, term.start + c, math.log(unit_of[c]))
        for term, priors, unit_of in zip(terms.terms, sds, units, strict=True)
        for c, prior in enumerate(priors)
    ]
    entries.append((sigma, terms.sigma, math.log(unit)))
    found = []
    for name in dict.fromkeys(prior.name for prior, _, _ in entries):
        same = [entry for entry in entries if entry[0].name == name]
        arguments = np.array([prior.arguments for prior, _, _ in same]).reshape(len(same), -1)
        found.append(
            ScalePrior(
                Distribution(name, tuple(arguments.T)),  # type: ignore[arg-type]
                np.array([place for _, place, _ in same], np.int32),
                np.array([log_unit for _, _, log_unit in same]),
            )
        )
    return tuple(found)


def marginal(design: Design, moments: Moments, priors: PriorTable) -> Marginal:
    """Return the marginal posterior of theta for a design, its moments and its priors."""
    terms = covariance.layout(tuple((g.n_columns, g.correlated and g.n_columns > 1) for g in design.groups))
    units = sd_units(design, moments.factors, moments.scaling.y_scale)
    return Marginal(
        moments,
        elimination(moments),
        terms,
        tuple(factor.members for factor in moments.factors),
        units,
        priors,
        _scale_priors(terms, priors.sds, list(units), priors.sigma, moments.scaling.y_scale),
        common_prior(design, moments.scaling, priors),
    )


def sd_units(design: Design, factors: Sequence[Factor], unit: float) -> tuple[np.ndarray, ...]:
    """Return for each group term (k,): what a scaled sd is multiplied by to be on the data's scale; unit: of eta."""
    units: list[np.ndarray] = [np.zeros(0)] * len(design.groups)
    for factor in factors:
        starts = np.concatenate([[0], np.cumsum(factor.widths)])
        for place, member in enumerate(factor.members):
            units[member] = unit / factor.scale[starts[place] : starts[place + 1]]
    return tuple(units)


def common_prior(design: Design, scaling: Scaling, priors: PriorTable) -> CommonPrior:
    """Return the prior of beta in scaled units from one Normal or Flat prior a coefficient.

    Each proper prior is on a linear functional v' beta ~ N(m, s^2), v a unit vector or, for the intercept at the
    predictors' means, (1, means).
    """
    T, t = scaling.coefficients()
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
    augmented = np.zeros((p + 1, p + 1))
    log_norm, proper = float(np.linalg.slogdet(T)[1]), True
    for v, prior in rows:
        if prior.name != "Normal":
            # A flat prior is a constant: it has no density to add; engines refuse any other.
            proper = False
            continue
        mean, sd = prior.arguments
        # ((v' T beta~ + v' t) - mean)^2 / s^2 is a square of (beta~, -1).
        row = np.append(T.T @ v, mean - v @ t) / sd
        augmented += np.outer(row, row)
        log_norm -= math.log(sd) + 0.5 * _LOG_2PI
    return CommonPrior(augmented, log_norm, proper)
