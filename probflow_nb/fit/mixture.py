"""Mixture: new responses over all draws of the parameters, at m rows, in closed form where they are Normal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..predict.mixed import GaussianSlab
from ..predict.response import Response

_CELLS = 120  # places of a density
_ROUNDS = 12  # of Newton's method for a quantile; three or four are enough for any sensible mixture
_WIDE = 4.5  # sds beyond the outermost mean at which a density ends
_LEAST_DRAWN = 4000  # new responses drawn at a row where they have no closed form


class Mixture(Protocol):
    """New responses at m rows; mean: (S, m), of each draw."""

    @property
    def mean(self) -> np.ndarray:
        """Return the mean of each draw, (S, m)."""
        ...

    def quantiles(self, ends: tuple[float, ...]) -> np.ndarray:
        """Return quantiles of a new response, (ends, m)."""
        ...

    def above(self, value: float) -> np.ndarray:
        """Return the probability that a new response lies above a value, (m,)."""
        ...

    def density(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Return places (c,) and the density of a new response there, for one row."""
        ...


def mixture(response: Response, seed: int) -> Mixture:
    """Return the new responses of all rows of a response; the same draws each time."""
    slab = response.at(slice(0, response.shape[0]), slice(0, response.n_draws))
    if isinstance(slab, GaussianSlab):
        return NormalMixture(slab.mu, np.broadcast_to(slab.sd, slab.mu.shape))
    times = max(1, math.ceil(_LEAST_DRAWN / response.n_draws))
    return DrawnMixture(slab.mean(), np.concatenate([slab.sample(seed + i) for i in range(times)]))


@dataclass(frozen=True, eq=False)
class NormalMixture:
    """1/S sum_s Normal(mean_s, sd_s), both (S, m)."""

    mean: np.ndarray
    sd: np.ndarray

    def quantiles(self, ends: tuple[float, ...]) -> np.ndarray:
        """Return quantiles of a new response, (ends, m), exact but for rounding: Newton's method on the mixture's own
        distribution function, from the quantile of a Normal of the same mean and variance."""
        from scipy.special import ndtri

        centre = self.mean.mean(axis=0)
        spread = np.sqrt(self.mean.var(axis=0) + (self.sd**2).mean(axis=0))
        found = np.empty((len(ends), self.mean.shape[1]))
        for row, end in zip(found, ends, strict=True):
            row[:] = self._solved(end, centre + spread * ndtri(end), spread)
        return found

    def _solved(self, end: float, q: np.ndarray, spread: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr

        for _ in range(_ROUNDS):
            z = (q - self.mean) / self.sd
            off = ndtr(z).mean(axis=0) - end
            slope = (np.exp(-0.5 * z * z) / self.sd).mean(axis=0) / math.sqrt(2 * math.pi)
            move = np.clip(off / np.maximum(slope, 1e-12 / spread), -spread, spread)
            q = q - move
            if np.abs(move).max(initial=0.0) <= 1e-7 * spread.max(initial=1.0):
                break
        return q

    def above(self, value: float) -> np.ndarray:
        """Return the probability that a new response lies above a value, (m,)."""
        from scipy.special import ndtr

        return ndtr((self.mean - value) / self.sd).mean(axis=0)

    def density(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Return places (c,) and the density of a new response there, for one row."""
        mu, sd = self.mean[:, row], self.sd[:, row]
        centre, spread = mu.mean(), math.sqrt(mu.var() + float((sd**2).mean()))
        x = np.linspace(centre - _WIDE * spread, centre + _WIDE * spread, _CELLS)
        # A few hundred draws show the same curve to the eye.
        every = max(1, len(mu) // 1000)
        z = (x[:, None] - mu[::every]) / sd[::every]
        return x, (np.exp(-0.5 * z * z) / sd[::every]).mean(axis=1) / math.sqrt(2 * math.pi)


@dataclass(frozen=True, eq=False)
class DrawnMixture:
    """Draws of new responses, (D, m), of any distribution; mean: (S, m)."""

    mean: np.ndarray
    drawn: np.ndarray

    def quantiles(self, ends: tuple[float, ...]) -> np.ndarray:
        """Return quantiles of a new response, (ends, m)."""
        # Of many draws an order statistic is as good as what lies between two, and whole numbers stay whole.
        return np.quantile(self.drawn, ends, axis=0, method="inverted_cdf")

    def above(self, value: float) -> np.ndarray:
        """Return the share of the draws above a value, (m,)."""
        return (self.drawn > value).mean(axis=0)

    def density(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Return places (c,) and the density of a new response there; of counts, the share of each whole number."""
        from ..display.density import density

        drawn = self.drawn[:, row]
        low, high = drawn.min(), drawn.max()
        if low == high:
            return np.array([low]), np.array([1.0])
        if (drawn == np.round(drawn)).all() and high - low <= 2000:
            shares = np.bincount((drawn - low).astype(int)) / len(drawn)
            return np.arange(low, high + 1), shares
        return density(drawn, 0.0 if low >= 0 else -math.inf, points=_CELLS)
