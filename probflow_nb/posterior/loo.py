"""Leave-one-out: how well each row, or each group of rows, is predicted by the others, without a fit to the others.

With p(y_i | y_-i) = 1 / mean over draws of 1 / p(y_i | draw), the weights 1 / p(y_i | draw) are Pareto-smoothed, and
khat of each says whether its figure can be trusted (Vehtari, Gelman and Gabry 2017, Statistics and Computing
27:1413-1432).
The density of a draw may have anything integrated out that its weight then does not have to carry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .pareto import pareto_smooth

# khat above the first is to be looked at, above the second not to be trusted.
ROUGH, BAD = 0.5, 0.7
# A row whose log density varies by more than this between draws is beyond WAIC (Vehtari, Gelman and Gabry 2017).
_UNSTEADY = 0.4


@dataclass(frozen=True, eq=False)
class Pointwise:
    """A log predictive density of n rows or groups, one by one.

    elpd: (n,) log p(y_i | y_-i), estimated. p: (n,) effective parameters, how much better y_i is predicted when it was
    seen; NaN where that is not known. khat: (n,) of the importance weights; NaN without weights.
    """

    elpd: np.ndarray
    p: np.ndarray
    khat: np.ndarray

    @property
    def total(self) -> float:
        """The sum of elpd."""
        return float(self.elpd.sum())

    @property
    def se(self) -> float:
        """The standard error of the sum, sqrt(n var(elpd)), as if rows were independent."""
        n = len(self.elpd)
        return math.sqrt(n * float(self.elpd.var(ddof=1))) if n > 1 else math.nan

    @property
    def p_total(self) -> float:
        """The sum of p."""
        return float(self.p.sum())


def psis_loo(log_lik: np.ndarray, log_density: np.ndarray | None = None) -> Pointwise:
    """Return leave-one-out densities of n rows from S draws: log sum_s w_is p(y_i | s), w_is ∝ 1 / p(y_i | s).

    log_lik: (S, n) log p(y_i | draw s), where a draw's y_i is independent of all other rows given the draw, or log
    p(y_i | y_-i, s), where s is of parameters that others were integrated out of. log_density: (S, n) of a new y_i
    given all rows, where that is another; it tells the effective parameters. Vehtari, Gelman and Gabry (2017), eq. 10.
    """
    S, n = log_lik.shape
    elpd, khat = np.empty(n), np.empty(n)
    # Draws of one row side by side: each is gone over many times.
    for i, column in enumerate(np.ascontiguousarray(log_lik.T)):
        if not np.isfinite(column).all():
            # A draw under which the row is impossible has all the weight.
            elpd[i], khat[i] = np.nan if np.isnan(column).any() else -np.inf, np.inf
            continue
        weights, khat[i] = pareto_smooth(-column)
        elpd[i] = np.logaddexp.reduce(weights + column)
    seen = log_lik if log_density is None else log_density
    return Pointwise(elpd, np.logaddexp.reduce(seen, axis=0) - math.log(S) - elpd, khat)


def waic(log_lik: np.ndarray) -> Pointwise:
    """Return the widely applicable information criterion of n rows on the scale of elpd: lppd_i - var_s log p(y_i | s).

    log_lik: (S, n). Watanabe (2010, Journal of Machine Learning Research 11:3571-3594).
    """
    S = len(log_lik)
    p = log_lik.var(axis=0, ddof=1)
    lppd = np.logaddexp.reduce(log_lik, axis=0) - math.log(S)
    return Pointwise(lppd - p, p, np.full(p.shape, np.nan))


def difference(elpd: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return the difference of two sums of n log predictive densities and its standard error, sqrt(n var(differences)).

    The rows are the same, so that what is hard for both models does not count (Vehtari, Gelman and Gabry 2017, eq. 24).
    """
    apart = np.asarray(elpd) - np.asarray(other)
    n = len(apart)
    if not np.isfinite(apart).all():
        return float(apart.sum()), math.nan
    return float(apart.sum()), math.sqrt(n * float(apart.var(ddof=1))) if n > 1 else math.nan


def joined(parts: list[Pointwise]) -> Pointwise:
    """Return the figures of rows that were worked out block by block."""
    return Pointwise(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("elpd", "p", "khat")))


def loo_advice(found: Pointwise, noun: str, better: str) -> tuple[str, ...]:
    """Return sentences on khat: how many rows, called by the noun, are rough or bad, and what to do about them.

    better: a way to know them better, or "".
    """
    bad, rough = int(np.sum(~(found.khat < BAD))), int(np.sum((found.khat >= ROUGH) & (found.khat < BAD)))
    n = len(found.khat)
    if bad:
        what = better or "Fit without each of them to know, or see whether the model suits them."
        return (f"khat is 0.7 or more for {bad:,} of {n:,} {noun}: their figures cannot be trusted. {what}",)
    if rough:
        return (f"khat is below 0.7 everywhere; from 0.5 to 0.7, usable but rough, for {rough:,} of {n:,} {noun}.",)
    return (f"khat is below 0.5 for all {n:,} {noun}: the figures can be trusted.",)


def waic_advice(found: Pointwise, noun: str) -> tuple[str, ...]:
    """Return sentences on rows that WAIC is not right for."""
    unsteady = int(np.sum(found.p > _UNSTEADY))
    if not unsteady:
        return ()
    return (
        f"The log density of {unsteady:,} of {len(found.p):,} {noun} varies by more than {_UNSTEADY} between draws, "
        "where WAIC is off; loo() tells how far its own figures can be trusted.",
    )
