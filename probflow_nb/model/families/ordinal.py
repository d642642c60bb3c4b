"""Ordinal: one of K ordered categories, by where a latent number falls between K - 1 cutpoints.

P(y <= k) = F(cut_k - eta),  k = 1, ..., K - 1,  cut_1 < ... < cut_{K-1}

F is the logistic, the normal or the Gumbel (1 - exp(-exp x)) distribution function for the links logit, probit and
cloglog. y is the number of the category, 1 to K; there is no common intercept, the cutpoints stand in its place.
Source: McCullagh (1980), Regression models for ordinal data, J. R. Stat. Soc. B 42, eq. 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ...backend.tensorflow import load
from ...spec.priors import Distribution
from .auxiliary import Auxiliary
from .binomial import Binomial
from .interval import interval_slopes, tensor_interval
from .lookup import looked_up, tensor_looked_up
from .probability import link_of, probability
from .record import Aux, Fault, Slopes

CUT_WIDTH = 2.5
# Rows, Newton steps and halvings of intervals that cuts start with.
_ROWS, _STEPS, _HALVINGS = 500, 8, 30
# Stands for infinity among tensors.
_OUTSIDE = 1e10


@dataclass(frozen=True)
class Ordinal:
    """Ordered categories; log-concave in eta for every link."""

    categories: tuple[str, ...]
    auxiliary: tuple[Auxiliary, ...]
    link: str = "logit"
    name: str = "ordinal"
    log_concave: bool = True

    def fault(self, y: np.ndarray, trials: np.ndarray | None) -> Fault | None:
        """Return what is wrong with categories (n,), or None."""
        if (y == y[0]).all():
            what = self.categories[int(y[0]) - 1]
            return Fault(f"The response is {what} in every row, so nothing can be learned from it", "", None)
        return None

    def start(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return the eta at which each category is most likely with the cuts at their start, the ends 1 off them."""
        cuts = np.array([one.start for one in self.auxiliary])
        middles = np.concatenate([[cuts[0] - 1.0], 0.5 * (cuts[1:] + cuts[:-1]), [cuts[-1] + 1.0]])
        found: np.ndarray = middles[y.astype(int) - 1]
        return found

    def constant(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return 0."""
        return np.zeros_like(y, float)

    def kernel(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return log(F(cut_y - eta) - F(cut_{y-1} - eta))."""
        return self.slopes(y, trials, eta, aux).value

    def slopes(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> Slopes:
        """Return the kernel with its derivatives by eta."""
        low, high = self._ends(y, aux)
        return interval_slopes(self.link, low, high, np.asarray(eta, float))

    def tensor(self, y: Any, trials: Any, eta: Any, aux: tuple[Any, ...] = ()) -> Any:
        """Return the whole log density of tensors."""
        tf = load()
        k = y - 1.0
        outside = tf.fill(tf.shape(aux[0]), tf.cast(_OUTSIDE, aux[0].dtype))
        gaps = [after - before for before, after in pairwise(aux)]
        low = tensor_looked_up((-outside, *aux), k, tf)
        high = tensor_looked_up((*aux, outside), k, tf)
        width = tensor_looked_up((outside, *gaps, outside), k, tf)
        return tensor_interval(self.link, low, high, width, eta)

    def probabilities(self, eta: np.ndarray, aux: Aux) -> np.ndarray:
        """Return P(y = k) for k = 1, ..., K on a last axis, (..., K), for eta (...) and cuts that broadcast with it."""
        eta = np.asarray(eta, float)[..., None]
        cuts = [np.asarray(cut, float)[..., None] for cut in aux]
        K = len(self.categories)
        logs = [self.kernel(np.array([k], float), None, eta, tuple(cuts)) for k in range(1, K + 1)]
        found = np.exp(np.concatenate(logs, axis=-1))
        return found / found.sum(axis=-1, keepdims=True)

    def expected(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return the sum over categories of P(y = k) (d log P(y = k) / d eta)^2."""
        total = np.zeros(np.broadcast_shapes(np.shape(eta), *(np.shape(cut) for cut in aux)))
        for k in range(1, len(self.categories) + 1):
            found = self.slopes(np.array(float(k)), None, eta, aux)
            # e^f f'^2, where f' may be large and e^f is nothing.
            total = total + (np.exp(0.5 * found.value) * found.first) ** 2
        return np.maximum(total, 1e-130)

    def mean(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return the expected category, 1 to K: 1 + sum over k of P(y > k)."""
        above = [probability(self.link, np.clip(cut - eta, -1e100, 1e100)) for cut in aux]
        return len(self.categories) - np.sum(above, axis=0)

    def variance(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return the variance of the category's number."""
        numbers = np.arange(1.0, len(self.categories) + 1.0)
        p = self.probabilities(eta, aux)
        found: np.ndarray = p @ numbers**2 - (p @ numbers) ** 2
        return np.maximum(found, 0.0)

    def deviance(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return twice the log density at the best eta of each category, given the cuts, less that at eta."""
        low, high = self._ends(y, aux)
        between = np.isfinite(low) & np.isfinite(high)
        low, high = np.where(between, low, -1.0), np.where(between, high, 1.0)
        middle = 0.5 * (low + high)
        if self.link == "cloglog":
            h = np.maximum(high - low, 1e-300)
            # The log density is largest where e^b = h / (e^h - 1).
            middle = low - np.log(h) + np.log(np.expm1(np.minimum(h, 600.0))) + np.maximum(h - 600.0, 0.0)
        best = np.where(between, interval_slopes(self.link, low, high, middle).value, 0.0)
        value: np.ndarray = 2.0 * np.maximum(best - self.kernel(y, trials, eta, aux), 0.0)
        return value

    def sample(self, rng: np.random.Generator, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return categories: how many cuts a draw of F plus eta is above, and one more."""
        shape = np.broadcast_shapes(np.shape(eta), *(np.shape(cut) for cut in aux))
        # P(latent <= cut - eta) = F(cut - eta)
        latent = link_of(self.link, np.clip(rng.random(shape), 1e-300, 1.0 - 1e-16)) + eta
        return 1.0 + np.sum([latent > cut for cut in aux], axis=0)

    def _ends(self, y: np.ndarray, aux: Aux) -> tuple[np.ndarray, np.ndarray]:
        """Return the cuts below and above each row's category, infinite at the ends."""
        cuts = np.stack(np.broadcast_arrays(*aux)).astype(float)
        far = np.full((1, *cuts.shape[1:]), np.inf)
        table = np.concatenate([-far, cuts, far])
        places = np.asarray(y) - 1
        return looked_up(table[:-1], places), looked_up(table[1:], places)


def ordinal(link: str, categories: Sequence[str], y: np.ndarray, X: np.ndarray) -> Ordinal:
    """Return the record for categories y (n,), numbers 1 to K, and common columns X (n, p).

    A cut speaks of a row whose X is 0. Its default prior is as wide there as StudentT(3, 0, 2.5) at the predictors'
    means and coefficients with their default Normal(0, 2.5 / sd(x)) make it.
    """
    K = len(categories)
    counts = np.bincount(y.astype(int), minlength=K + 1)[1:].astype(float)
    below = (np.cumsum(counts + 0.5)[:-1]) / (counts.sum() + 0.5 * K)
    starts = _cut_starts(link, below, y, X)
    prior = Distribution("StudentT", (3.0, 0.0, _width(X)))
    names = [f"cut[{low}|{high}]" for low, high in pairwise(categories)]
    auxiliary = tuple(
        Auxiliary(name, prior, "next" if i else "first", float(start))
        for i, (name, start) in enumerate(zip(names, starts, strict=True))
    )
    return Ordinal(tuple(categories), auxiliary, link)


def _width(X: np.ndarray) -> float:
    spread = X.std(axis=0, ddof=1) if len(X) > 1 else np.ones(X.shape[1])
    moved = X.mean(axis=0)[spread > 0] / spread[spread > 0]
    width = CUT_WIDTH * float(np.sqrt(1.0 + moved @ moved))
    return float(f"{width:.3g}")


def _cut_starts(link: str, below: np.ndarray, y: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Return cuts (K - 1,) at which the mean of F(cut_k - X b) is the share `below` cut k.

    b is that of P(y <= k) at the cut nearest to the middle alone, from some of the rows, by Newton's method.
    """
    spread = X.std(axis=0)
    X, spread = X[:, spread > 0], spread[spread > 0]
    if not X.shape[1]:
        return link_of(link, below)
    rows = np.unique(np.linspace(0, len(y) - 1, _ROWS).astype(int))
    mean = X.mean(axis=0)
    standard = np.concatenate([np.ones((len(rows), 1)), (X[rows] - mean) / spread], axis=1)
    k = int(np.argmin(np.abs(below - 0.5)))
    hit, events = (y[rows] <= k + 1).astype(float), Binomial("bernoulli", link)
    found = np.zeros(standard.shape[1])
    # Coefficients as the default priors have them keep those of separated rows finite.
    ridge = np.diag([0.0, *np.full(len(found) - 1, CUT_WIDTH**-2)])
    ridge[0, 0] = 1e-6
    for _ in range(_STEPS):
        slopes = events.slopes(hit, None, standard @ found)
        hessian = (standard * slopes.information[:, None]).T @ standard + ridge
        step = np.linalg.solve(hessian, standard.T @ slopes.first - ridge @ found)
        found = found + step / max(1.0, float(np.abs(step).max()))
    eta = -standard[:, 1:] @ found[1:]
    low, high = np.full(len(below), eta.min() - 40.0), np.full(len(below), eta.max() + 40.0)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        under = probability(link, middle[:, None] - eta).mean(axis=1) < below
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    # eta was of centred columns: at X = 0 it is less by mean(X) b.
    return high - float(mean / spread @ found[1:])
