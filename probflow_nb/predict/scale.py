"""Scale: the mean of a response on another scale than its own - eta, or the probability of an event or a category.

response       the response itself: counts of counts out of trials, the number of an ordered category
link           eta = X beta + Z b + offset
probability    p of a single trial, (n,); of ordered categories the probability of each, (n, K)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import FitError
from ..model.model import Model
from .family_slab import FamilySlab
from .mixed import GaussianSlab, MixedResponse
from .response import Slab

SCALES = ("response", "link", "probability")
EVENTS = ("bernoulli", "binomial")


@dataclass(frozen=True, eq=False)
class ScaledSlab:
    """The mean of a slab on the scale of the link, or as probabilities; nothing else is known of it."""

    slab: GaussianSlab | FamilySlab
    scale: str

    def mean(self) -> np.ndarray:
        """Return eta or p, (s, m), or the probability of every category, (s, m, K)."""
        slab = self.slab
        if isinstance(slab, GaussianSlab):
            return slab.mu
        return slab.eta if self.scale == "link" else slab.probability()

    def variance(self) -> np.ndarray:
        """Return nothing that is not 0: a mean has no noise."""
        return np.zeros_like(self.mean())

    def sample(self, seed: int) -> np.ndarray:
        """Return a new proportion of each row's trials for each draw."""
        assert isinstance(self.slab, FamilySlab)
        trials = 1.0 if self.slab.trials is None else self.slab.trials
        found: np.ndarray = self.slab.sample(seed) / trials
        return found

    def log_prob(self, y: np.ndarray) -> np.ndarray:
        """Raise TypeError: a density belongs to the response's own scale."""
        raise TypeError("A density belongs to the response's own scale.")

    def cumulative(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Raise TypeError: a distribution function belongs to the response's own scale."""
        raise TypeError("A distribution function belongs to the response's own scale.")

    def quantiles(self, ends: tuple[float, float]) -> None:
        """Return nothing: the quantiles are not known in closed form."""
        return

    def at_scores(self, z: np.ndarray) -> None:
        """Return nothing: the quantiles are not known in closed form."""
        return


@dataclass(frozen=True, eq=False)
class ScaledResponse:
    """A mixed response on another scale."""

    response: MixedResponse
    scale: str

    @property
    def shape(self) -> tuple[int, ...]:
        """(n,), or (n, K) for the probabilities of ordered categories."""
        categories = getattr(self.response.record, "categories", ())
        return (
            (*self.response.shape, len(categories))
            if categories and self.scale == "probability"
            else (self.response.shape)
        )

    @property
    def n_draws(self) -> int:
        """S."""
        return self.response.n_draws

    @property
    def by_rows(self) -> bool:
        """Whether rows can be worked out apart from each other."""
        return self.response.by_rows

    @property
    def discrete(self) -> bool:
        """Whether new responses are counts or shares of counts."""
        return self.response.discrete

    def at(self, rows: slice, draws: slice) -> Slab:
        """Return the response at some rows for some draws."""
        return ScaledSlab(self.response.at(rows, draws), self.scale)

    def averaged(self) -> ScaledResponse:
        """Return the response at the mean parameters where it is linear in beta and b, as eta is."""
        from dataclasses import replace

        if self.scale != "link":
            return self
        return replace(self, response=self.response.at_means())


def checked_scale(model: Any, scale: str) -> str:
    """Return a scale that a model has; FitError for any other."""
    if scale not in SCALES:
        raise FitError(f"There is no scale {scale!r:.40}.", hint=f"It is one of {', '.join(SCALES)}.")
    if scale == "response":
        return scale
    if not isinstance(model, Model):
        raise FitError(f"A model of one's own has no {scale} that is known.", hint="Leave out scale.")
    family = model.spec.family
    if scale == "probability" and family.name not in (*EVENTS, "ordinal"):
        raise FitError(
            f"A {family.label} response has no probability to predict.",
            hint='Take scale="response" for its mean, or scale="link".',
        )
    return scale
