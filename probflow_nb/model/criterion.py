"""The ML deviance and the REML criterion, beta and sigma profiled out, as lme4 defines them.

With K and log det V of the block elimination and r^2 = K_yy - K_yx K_xx^-1 K_xy (Bates et al. 2015, eqs. 34 and 41):

    deviance = log det V - sum log w + n (1 + log(2 pi r^2 / n))
    REML     = log det V - sum log w + log det K_xx + (n - p) (1 + log(2 pi r^2 / (n - p)))

phi holds the entries of Delta themselves, diagonal and below, term by term: the criterion is an even function of
each column, so that a variance of 0 is an interior point and needs no bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from . import covariance
from .covariance import Layout, Lower, TermLayout
from .elimination import reduce
from .marginal import Marginal


@dataclass(frozen=True, eq=False)
class Profile:
    """What profiling leaves at one phi: beta (p,) and its covariance (p, p) on the data's scale, and sigma."""

    criterion: float
    beta: np.ndarray
    covariance: np.ndarray
    sigma: float


@dataclass(frozen=True, eq=False)
class Criterion:
    """-2 log (restricted) likelihood of a Gaussian model as a function of phi.

    marginal: for its moments and layout; its priors play no part. reml: which of the two.
    """

    marginal: Marginal
    reml: bool

    @property
    def layout(self) -> Layout:
        """Where each term's entries lie: the k diagonal ones first, then those below, row by row."""
        return self.marginal.layout

    @property
    def size(self) -> int:
        """The length of phi."""
        return self.layout.sigma

    def factors(self, phi: Any) -> list[Lower]:
        """Return Delta of every eliminated factor for phi (S, d)."""
        terms, columns = self.layout.terms, load().split(phi, self.size, axis=1) if self.size else []
        return [
            covariance.block_diagonal([_entries(terms[m], columns) for m in group]) for group in self.marginal.members
        ]

    def values(self, phi: np.ndarray) -> np.ndarray:
        """Return the criterion at numpy phi (S, d), (S,); infinity where it is not a number."""
        tf = load()
        parts = [self._value(tf.constant(phi[rows])).numpy() for rows in self.marginal.batches(len(phi))]
        value = np.concatenate(parts)
        return np.where(np.isfinite(value), value, np.inf)

    def _value(self, phi: Any) -> Any:
        tf = load()
        m = self.marginal.moments
        n, p = m.n, m.n_common
        reduced = reduce(self.marginal.constants, self.factors(phi))
        K = reduced.K
        rss = K[:, p, p]
        log_det = reduced.log_det - m.sum_log_weights
        if p:
            L = tf.linalg.cholesky(K[:, :p, :p])
            half = tf.linalg.triangular_solve(L, K[:, :p, p:])[:, :, 0]
            rss = rss - tf.reduce_sum(half * half, axis=1)
            if self.reml:
                log_det = log_det + 2.0 * tf.reduce_sum(tf.math.log(tf.linalg.diag_part(L)), axis=1)
                # K_xx is in scaled columns; the determinant of X' V^-1 X is not.
                log_det = log_det + 2.0 * float(np.log(m.scaling.x_scale).sum())
        df = n - p if self.reml else n
        return log_det + df * (1.0 + tf.math.log(2.0 * math.pi * rss * m.scaling.y_scale**2 / df))

    def profile(self, phi: np.ndarray) -> Profile:
        """Return beta, its covariance and sigma at one phi (d,)."""
        tf = load()
        m = self.marginal.moments
        p = m.n_common
        phi = np.asarray(phi, float).reshape(1, -1)
        K = reduce(self.marginal.constants, self.factors(tf.constant(phi))).K.numpy()[0]
        solution = np.linalg.solve(K[:p, :p], K[:p, p]) if p else np.zeros(0)
        rss = K[p, p] - K[:p, p] @ solution
        # Rounding may leave less than nothing of a response that is explained exactly.
        sigma = math.sqrt(max(rss, 0.0) / (m.n - p if self.reml else m.n))
        T, t = m.scaling.coefficients()
        inverse = np.linalg.inv(K[:p, :p]) * sigma**2
        return Profile(float(self.values(phi)[0]), T @ solution + t, T @ inverse @ T.T, sigma * m.scaling.y_scale)

    def least_residual(self) -> float:
        """Return the mean square of what neither common nor group effects can explain, as a share of y's variance.

        Group effects are let free by a Delta of 1e6; not a number where that is too much for rounding.
        """
        phi = np.zeros(self.size)
        for term in self.layout.terms:
            phi[term.start : term.start + term.k] = 1e6
        K = reduce(self.marginal.constants, self.factors(load().constant(phi[None]))).K.numpy()[0]
        p = len(K) - 1
        explained = K[:p, p] @ np.linalg.lstsq(K[:p, :p], K[:p, p], rcond=None)[0] if np.isfinite(K).all() else np.nan
        return float((K[p, p] - explained) / self.marginal.moments.n)

    def to_relative(self, phi: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return each term's relative factor (k, k), sd over sigma on the data's scale: lme4's theta."""
        y_scale = self.marginal.moments.scaling.y_scale
        found = []
        for term, units in zip(self.layout.terms, self.marginal.sd_units, strict=True):
            delta = np.zeros((term.k, term.k))
            delta[np.diag_indices(term.k)] = phi[term.start : term.start + term.k]
            if term.n_correlations:
                delta[np.tril_indices(term.k, -1)] = phi[term.start + term.k : term.stop]
            found.append(delta * (units / y_scale)[:, None])
        return tuple(found)

    def from_relative(self, factors: tuple[np.ndarray, ...]) -> np.ndarray:
        """Return the phi (d,) of given relative factors; the inverse of `to_relative`."""
        y_scale = self.marginal.moments.scaling.y_scale
        phi = np.zeros(self.size)
        for term, units, factor in zip(self.layout.terms, self.marginal.sd_units, factors, strict=True):
            delta = np.atleast_2d(factor) / (units / y_scale)[:, None]
            phi[term.start : term.start + term.k] = np.diag(delta)
            if term.n_correlations:
                phi[term.start + term.k : term.stop] = delta[np.tril_indices(term.k, -1)]
        return phi


def _entries(term: TermLayout, columns: list[Any]) -> Lower:
    rows: Lower = []
    position = term.start + term.k
    for i in range(term.k):
        row: list[Any] = [None] * i
        if term.n_correlations:
            row = [columns[position + j] for j in range(i)]
            position += i
        rows.append([*row, columns[term.start + i]])
    return rows
