"""Whether ranks are uniform: the band of their distribution function, their location and their spread.

Of N independent ranks in 0..L, uniform if the draws come from the posterior (Talts et al. 2018, arXiv:1804.06788,
theorem 1), three statistics are looked at, each with its exact level, found by simulating uniform ranks:

    band       least two-sided binomial tail of the distribution function over its L points (Sailynoja, Burkner and
               Vehtari 2022, Statistics and Computing 32:32)
    location   |mean of z|,  z = Phi^-1((rank + 1/2) / (L + 1)): draws that are moved
    spread     mean of z^2, both ways: draws that are too narrow or too wide

A model's Q quantities fail together with probability at most `LEVEL` where the engine is right: the least chance of the
3 Q statistics is held against LEVEL / (3 Q) (Bonferroni). What is too narrow or too wide in all quantities alike is
told sooner by one more statistic, the mean over quantities of |2 u - 1|, u = (rank + 1/2) / (L + 1), of each data set:
data sets are independent, so that its mean over them has a t statistic, however the quantities hang together.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

RANKED = 99
"""L, the draws among which a truth is ranked."""

LEVEL = 0.01
_SIMULATED = 100_000


def chances(ranks: np.ndarray) -> np.ndarray:
    """Return how likely uniform ranks (N,) are to be as extreme: band, location, spread (3,)."""
    counts = np.bincount(ranks, minlength=RANKED + 1)[None]
    found = [np.mean(null <= own) for null, own in zip(null_statistics(len(ranks)), statistics(counts))]
    return np.maximum(np.array(found, dtype=float), 1 / _SIMULATED)


def outside(ranks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the chances of the quantities whose ranks are not uniform, by name."""
    found = {name: chances(np.asarray(values)) for name, values in ranks.items()}
    return {name: p for name, p in found.items() if p.min() < LEVEL / (3 * len(ranks))}


def together(ranks: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """Return the mean of |2 u - 1| over all quantities less what it should be, and how likely one as far off is.

    Above 0 where draws are too narrow, below where they are too wide.
    """
    from scipy.special import stdtr

    u = (np.stack(list(ranks.values())) + 0.5) / (RANKED + 1)
    expected = float(np.mean(np.abs(2 * (np.arange(RANKED + 1) + 0.5) / (RANKED + 1) - 1)))
    score = np.abs(2 * u - 1).mean(axis=0) - expected
    if len(score) < 3 or score.std() == 0:
        return float(score.mean()), 1.0
    t = score.mean() / (score.std(ddof=1) / np.sqrt(len(score)))
    return float(score.mean()), float(2 * stdtr(len(score) - 1, -abs(t)))


def scores(ranks: np.ndarray) -> np.ndarray:
    """Return z = Phi^-1((rank + 1/2) / (L + 1))."""
    from scipy.special import ndtri

    return np.asarray(ndtri((ranks + 0.5) / (RANKED + 1)))


def band(n: int, probability: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends (L,) of the simultaneous band of the distribution function of n uniform ranks at its L points.

    The widest two-sided tail of Sailynoja, Burkner and Vehtari (2022, algorithm 1) that keeps all points of all but
    1 - probability of simulated sets inside.
    """
    gamma = float(np.quantile(null_statistics(n)[0], 1 - probability))
    inside = _tails(n) > gamma
    return np.argmax(inside, axis=1) / n, (n - np.argmax(inside[:, ::-1], axis=1)) / n


def statistics(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the three statistics, small for ranks that are far from uniform, of counts (M, L + 1) of each rank."""
    n = int(counts[0].sum())
    from scipy.special import ndtri

    scores = ndtri((np.arange(RANKED + 1) + 0.5) / (RANKED + 1))
    square = counts @ scores**2 / n
    tails = _tails(n)[np.arange(RANKED), np.cumsum(counts, axis=1)[:, :-1]]
    # log orders a mean square and its inverse alike; its middle is where uniform ranks have theirs.
    return tails.min(axis=1), -np.abs(counts @ scores), -np.abs(np.log(square) - np.log(np.mean(scores**2)))


@cache
def null_statistics(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the statistics of simulated sets of n uniform ranks."""
    chance = np.full(RANKED + 1, 1 / (RANKED + 1))
    return statistics(np.random.default_rng(0).multinomial(n, chance, size=_SIMULATED))


@cache
def _tails(n: int) -> np.ndarray:
    """Return the two-sided tail of finding k of n ranks among the first i + 1, (L, n + 1)."""
    from scipy.special import bdtr

    chance = (np.arange(RANKED)[:, None] + 1) / (RANKED + 1)
    k = np.arange(n + 1)[None]
    below = bdtr(k, n, chance)
    above = 1 - np.where(k > 0, bdtr(np.maximum(k - 1, 0), n, chance), 0.0)
    return np.minimum(1.0, 2 * np.minimum(below, above))
