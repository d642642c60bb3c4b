"""Theta prior: the log prior density of log sds, atanh partial correlations and a family's own parameters, free."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..backend.tensorflow import load
from ..objects.densities import lkj_partial_log_prob, log_prob
from ..spec.priors import Distribution
from .covariance import Layout, partial_correlations
from .families.auxiliary import Auxiliary, constrained, log_jacobian, log_orderings
from .priors import PriorTable

# Free numbers among which one that its prior allows is looked for.
_GRID = np.linspace(-15.0, 15.0, 6001)


@dataclass(frozen=True, eq=False)
class ThetaPrior:
    """scales: for each log sd its place in theta, its prior and the log of its unit on the data's scale.

    correlations: the LKJ parameter of each term of the layout. auxiliary: the family's own parameters, which come last,
    own: their priors.
    """

    layout: Layout
    scales: tuple[tuple[int, Distribution, float], ...]
    correlations: tuple[float, ...]
    auxiliary: tuple[Auxiliary, ...]
    own: tuple[Distribution, ...]

    def log_prob(self, theta: np.ndarray) -> np.ndarray:
        """Return the log prior density of theta (S, d), (S,), with the Jacobians of the logs."""
        tf = load()
        total = np.full(len(theta), log_orderings(self.auxiliary))
        for term, eta in zip(self.layout.terms, self.correlations, strict=True):
            if term.n_correlations:
                columns = [tf.constant(theta[:, i : i + 1]) for i in range(theta.shape[1])]
                total += lkj_partial_log_prob(eta, term.k, partial_correlations(term, columns))[:, 0].numpy()
        return sum(self._each(theta), total)

    def outside(self, theta: np.ndarray) -> np.ndarray:
        """Return how many standard deviations and own parameters are outside their priors' supports, (S,)."""
        return sum((~np.isfinite(one) for one in self._each(theta)), np.zeros(len(theta), int))

    def drawn_inside(self, theta: np.ndarray) -> np.ndarray:
        """Return theta (d,) with numbers that their priors forbid moved to the middle of where they are allowed."""
        theta = theta.copy()
        for place in range(len(theta)):
            lost = int(self.outside(theta[None])[0])
            if not lost:
                break
            tried = np.repeat(theta[None], len(_GRID), axis=0)
            tried[:, place] = _GRID
            found = self.outside(tried)
            if found.min() < lost:
                theta[place] = float(np.median(_GRID[found == found.min()]))
        return theta

    def _each(self, theta: np.ndarray) -> list[np.ndarray]:
        """Return the log prior densities of the log sds and of the family's own free numbers, (S,) each."""
        tf, found = load(), []
        for place, prior, log_unit in self.scales:
            # log p(log sd) = log p(sd) + log sd
            log_sd = theta[:, place] + log_unit
            found.append(log_prob(prior, tf.constant(np.exp(np.minimum(log_sd, 300.0)))).numpy() + log_sd)
        columns = list(theta[:, self.layout.sigma :].T)
        values, slopes = constrained(self.auxiliary, columns), log_jacobian(self.auxiliary, columns)
        for prior, value, slope in zip(self.own, values, slopes, strict=True):
            found.append(log_prob(prior, tf.constant(value)).numpy() + slope)
        return found


def theta_prior(
    layout: Layout, priors: PriorTable, units: tuple[np.ndarray, ...], auxiliary: tuple[Auxiliary, ...]
) -> ThetaPrior:
    """Return the prior of theta; units: for each term (k,), what a scaled sd is multiplied by."""
    scales = [
        (term.start + c, prior, float(np.log(unit[c])))
        for term, own, unit in zip(layout.terms, priors.sds, units, strict=True)
        for c, prior in enumerate(own)
    ]
    return ThetaPrior(layout, tuple(scales), priors.correlations, auxiliary, priors.auxiliary)
