"""Family slab: the response of a model with a family, given eta, at some rows for some draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model.families import ResponseFamily, log_prob
from .cumulative import cumulative


@dataclass(frozen=True, eq=False)
class FamilySlab:
    """record's distribution at eta (s, m); trials: (m,) or None; weights: (m,) of the log density; aux: (s, 1) each.

    A row whose eta is not a number stays so.
    """

    record: ResponseFamily
    eta: np.ndarray
    trials: np.ndarray | None
    weights: np.ndarray
    aux: tuple[np.ndarray, ...] = ()

    def mean(self) -> np.ndarray:
        """Return the mean on the scale of the response."""
        return self._known(self.record.mean(self.trials, self._safe, self.aux))

    def variance(self) -> np.ndarray:
        """Return the variance of the response."""
        return self._known(self.record.variance(self.trials, self._safe, self.aux))

    def sample(self, seed: int) -> np.ndarray:
        """Return one new response for each draw."""
        return self._known(self.record.sample(np.random.default_rng(seed), self.trials, self._safe, self.aux))

    def log_prob(self, y: np.ndarray) -> np.ndarray:
        """Return the log density of y (m,), times the weights."""
        value = self.weights * log_prob(self.record, np.where(np.isnan(y), 1.0, y), self.trials, self._safe, self.aux)
        return np.where(np.isnan(y), np.nan, self._known(value))

    def probability(self) -> np.ndarray:
        """Return p of a single trial, (s, m), or the probability of every ordered category, (s, m, K)."""
        if hasattr(self.record, "probabilities"):
            found: np.ndarray = self.record.probabilities(self._safe, self.aux)
            return np.where(np.isnan(self.eta)[..., None], np.nan, found)
        return self._known(self.record.mean(None, self._safe, self.aux))

    def cumulative(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return P(new y < y) and P(new y <= y) of y (m,)."""
        known = np.where(np.isnan(y), 1.0, y)
        low, high = cumulative(self.record, known, self.trials, self._safe, self.aux)
        lost = np.isnan(y) | np.isnan(self.eta)
        return np.where(lost, np.nan, low), np.where(lost, np.nan, high)

    def quantiles(self, ends: tuple[float, float]) -> None:
        """Return nothing: the quantiles are not known in closed form."""
        return

    def at_scores(self, z: np.ndarray) -> None:
        """Return nothing: the quantiles are not known in closed form."""
        return

    @property
    def _safe(self) -> np.ndarray:
        return np.where(np.isnan(self.eta), 1.0, self.eta)

    def _known(self, value: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(self.eta), np.nan, value)
