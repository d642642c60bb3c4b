"""Response: the response's distribution at some rows for some draws, and what a person asks of it.

Everything is worked out block by block, so that memory does not grow with rows times draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

T = TypeVar("T")

# Numbers (draws times rows) held at once.
_AT_ONCE = 4_000_000
# Draws of the noise where its quantiles are not known in closed form.
_NOISE_DRAWS = 2000


class Slab(Protocol):
    """The response at m rows for s draws; every method returns (s, m, ...), a response of several columns behind."""

    def mean(self) -> np.ndarray:
        """Return its mean."""
        ...

    def variance(self) -> np.ndarray:
        """Return its variance."""
        ...

    def sample(self, seed: int) -> np.ndarray:
        """Return one draw of the response for each draw of the parameters."""
        ...

    def log_prob(self, y: np.ndarray) -> np.ndarray:
        """Return the log density of the responses y (m, ...), row by row."""
        ...

    def cumulative(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return P(new y < y) and P(new y <= y) of the responses y (m, ...), which differ where it is discrete."""
        ...

    def quantiles(self, ends: tuple[float, float]) -> np.ndarray | None:
        """Return two quantiles of the first draw's response, (2, m, ...), or None where they are not known."""
        ...

    def at_scores(self, z: np.ndarray) -> np.ndarray | None:
        """Return the response of draw s at its quantile Phi(z_s), z (s,), or None where it is not known."""
        ...


class Response(Protocol):
    """The response at n rows for S draws of the parameters.

    shape: of the response, (n,) or (n, m). n_draws: S. by_rows: whether rows can be worked out one block at a time.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the response."""
        ...

    @property
    def n_draws(self) -> int:
        """S."""
        ...

    @property
    def by_rows(self) -> bool:
        """Whether rows can be worked out apart from each other."""
        ...

    def at(self, rows: slice, draws: slice) -> Slab:
        """Return the response at some rows for some draws."""
        ...

    def averaged(self) -> Response:
        """Return a response whose mean over draws is this one's, of fewer draws where the mean is linear in them."""
        ...


@dataclass(frozen=True)
class Bounds:
    """The interval of each row: probability, and its ends, each of the response's shape."""

    probability: float
    lower: np.ndarray
    upper: np.ndarray


def mean(response: Response) -> np.ndarray:
    """Return the mean over draws of the response's mean, (n,) or (n, m)."""
    few = response.averaged()
    return _over_draws(few, lambda slab: slab.mean().sum(axis=0)) / few.n_draws


def means(response: Response) -> np.ndarray:
    """Return the response's mean of every draw and row, (S, n) or (S, n, m)."""
    return _each(response, lambda slab, _: slab.mean())


def samples(response: Response, seed: int) -> np.ndarray:
    """Return a new response of every draw and row, (S, n) or (S, n, m)."""
    return _each(response, lambda slab, block: slab.sample(block), seed)


def _each(response: Response, of: Callable[[Slab, int], np.ndarray], seed: int = 0) -> np.ndarray:
    found = np.empty((response.n_draws, *response.shape))
    for number, rows in enumerate(_row_blocks(response)):
        for part, draws in enumerate(_draw_blocks(response, rows)):
            found[draws, rows] = of(response.at(rows, draws), _block_seed(seed, number, part))
    return found


def epistemic(response: Response, probability: float) -> Bounds:
    """Return the central interval of the response's mean over draws: what is not known of the parameters."""
    return _quantiles(response, probability, lambda slab, *_: slab.mean(), 0, "linear")


def predictive(response: Response, probability: float, seed: int) -> Bounds:
    """Return the central interval of new responses: parameters and noise together.

    Where the response is known at its quantiles draw s has the noise Phi(z_s) of one stratum of S, in random order, the
    same at every row: an interval looks at one row only, so that the answer for a row does not hang on the others and
    is nearer to the one of many draws. Else each row has noise of its own, which hangs on the rows that are asked for.
    """
    scores = _scores(response.n_draws, seed)

    def of(slab: Slab, draws: slice, block: int) -> np.ndarray:
        known = slab.at_scores(scores[draws])
        return slab.sample(block) if known is None else known

    return _quantiles(response, probability, of, seed, _method(response))


def _scores(S: int, seed: int) -> np.ndarray:
    """Return normal scores of S strata in random order, (S,)."""
    from scipy.special import ndtri

    scores: np.ndarray = ndtri((np.random.default_rng([seed, 79]).permutation(S) + 0.5) / S)
    return scores


def noise(response: Response, probability: float, seed: int) -> Bounds:
    """Return the central interval of new responses for one draw of the parameters: the noise alone.

    By the response's own quantiles where it knows them, else from 2,000 draws of it.
    """
    ends = (0.5 - probability / 2, 0.5 + probability / 2)
    lower, upper = np.empty(response.shape), np.empty(response.shape)
    for number, rows in enumerate(_row_blocks(response)):
        slab = response.at(rows, slice(0, 1))
        known = slab.quantiles(ends)
        if known is None:
            drawn = np.stack([slab.sample(_block_seed(seed, number, i))[0] for i in range(_NOISE_DRAWS)])
            known = np.quantile(drawn, ends, axis=0, method=_method(response))
        lower[rows], upper[rows] = known
    return Bounds(probability, lower, upper)


def log_predictive(response: Response, y: np.ndarray) -> np.ndarray:
    """Return log(1/S sum_s p(y_i | draw s)), the log pointwise predictive density, (n,) or (n, m)."""
    pieces = []
    for rows in _row_blocks(response):
        parts = [
            np.logaddexp.reduce(response.at(rows, draws).log_prob(y[rows]), axis=0)
            for draws in _draw_blocks(response, rows)
        ]
        pieces.append(np.logaddexp.reduce(parts, axis=0))
    return np.concatenate(pieces) - np.log(response.n_draws)


def log_densities(response: Response, y: np.ndarray) -> np.ndarray:
    """Return log p(y_i | draw s) of every draw and row, (S, n) or (S, n, m)."""
    pieces = []
    for rows in _row_blocks(response):
        parts = [response.at(rows, draws).log_prob(y[rows]) for draws in _draw_blocks(response, rows)]
        pieces.append(np.concatenate(parts))
    return np.concatenate(pieces, axis=1)


def mean_variance(response: Response) -> np.ndarray:
    """Return the mean over draws of the response's variance given the draw, (n,) or (n, m)."""
    return _over_draws(response, lambda slab: slab.variance().sum(axis=0)) / response.n_draws


def cumulative(response: Response, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the means over draws of P(new y_i < y_i) and P(new y_i <= y_i), each of the shape of y."""
    below, above = np.zeros(y.shape), np.zeros(y.shape)
    for rows in _row_blocks(response):
        for draws in _draw_blocks(response, rows):
            low, high = response.at(rows, draws).cumulative(y[rows])
            below[rows] += low.sum(axis=0)
            above[rows] += high.sum(axis=0)
    return below / response.n_draws, above / response.n_draws


def over_rows(response: Response, y: np.ndarray, of: Callable[[np.ndarray], T]) -> list[T]:
    """Return `of` the log p(y_i | draw s), (S, rows), of one block of rows after another.

    Of a response of several columns the log densities of a row's columns are summed.
    """
    found = []
    for rows in _row_blocks(response):
        parts = [response.at(rows, draws).log_prob(y[rows]) for draws in _draw_blocks(response, rows)]
        table = np.concatenate(parts)
        found.append(of(table.reshape(*table.shape[:2], -1).sum(axis=2)))
    return found


def sample(response: Response, chosen: np.ndarray, seed: int) -> np.ndarray:
    """Return a new response of every row for each chosen draw, (d, n) or (d, n, m)."""
    pieces = [response.at(slice(0, response.shape[0]), slice(s, s + 1)).sample(_block_seed(seed, 0, s)) for s in chosen]
    return np.concatenate(pieces)


def bayes_r_squared(response: Response) -> np.ndarray:
    """Return R2 of every draw, (S,): variance of the fitted means over itself plus the mean modelled variance.

    Gelman, Goodrich, Gabry and Vehtari 2019, R-squared for Bayesian regression models, eq. 3, with the residual
    variance that the model states.
    """
    n, S = response.shape[0], response.n_draws
    first, second, spread = np.zeros(S), np.zeros(S), np.zeros(S)
    centre = np.mean(mean(response))
    width = int(np.prod(response.shape[1:], dtype=int))
    for rows in _row_blocks(response):
        for draws in _draw_blocks(response, rows):
            slab = response.at(rows, draws)
            mu = slab.mean().reshape(draws.stop - draws.start, -1) - centre
            first[draws] += mu.sum(axis=1)
            second[draws] += (mu * mu).sum(axis=1)
            spread[draws] += slab.variance().reshape(draws.stop - draws.start, -1).sum(axis=1)
    n *= width
    explained = np.maximum(second / n - (first / n) ** 2, 0.0) * n / max(n - 1, 1)
    return explained / (explained + spread / n)


def coverage(response: Response, y: np.ndarray, probabilities: np.ndarray, seed: int) -> np.ndarray:
    """Return the share of rows whose y lies in their central predictive interval, for each probability.

    Row i has a share u_i of its predictive draws below y_i and is inside when |2 u_i - 1| <= probability. Draws equal
    to y_i spread u_i evenly from below to not above them, and row i counts by the part of it that lies inside: the
    randomised quantile of Dunn and Smyth 1996, J. Comput. Graph. Stat. 5(3), averaged.
    """
    below, tied = np.empty(y.shape), np.empty(y.shape)
    for number, rows in enumerate(_row_blocks(response)):
        count, same = np.zeros(y[rows].shape), np.zeros(y[rows].shape)
        for part, draws in enumerate(_draw_blocks(response, rows)):
            new = response.at(rows, draws).sample(_block_seed(seed, number, part))
            count += (new < y[rows]).sum(axis=0)
            same += (new == y[rows]).sum(axis=0)
        below[rows], tied[rows] = count / response.n_draws, same / response.n_draws
    return np.array([float(np.mean(_inside(below, tied, probability))) for probability in probabilities])


def _inside(below: np.ndarray, tied: np.ndarray, probability: float) -> np.ndarray:
    """Return which part of [below, below + tied] lies in the central interval."""
    low, high = 0.5 - probability / 2, 0.5 + probability / 2
    part = np.minimum(below + tied, high) - np.maximum(below, low)
    whole = (below >= low) & (below <= high)
    return np.where(tied > 0, np.clip(part, 0.0, None) / np.where(tied > 0, tied, 1.0), whole)


# Blocks -----------------------------------------------------------------------------------------------------------


def _over_draws(response: Response, reduce: Callable[[Slab], np.ndarray]) -> np.ndarray:
    total = np.zeros(response.shape)
    for rows in _row_blocks(response):
        for draws in _draw_blocks(response, rows):
            total[rows] += reduce(response.at(rows, draws))
    return total


def _method(response: Response) -> Any:
    """Return how draws of the response become quantiles: those of whole numbers are whole numbers."""
    return "inverted_cdf" if getattr(response, "discrete", False) else "linear"


def _quantiles(
    response: Response, probability: float, of: Callable[[Slab, slice, int], np.ndarray], seed: int, method: Any
) -> Bounds:
    ends = np.array([0.5 - probability / 2, 0.5 + probability / 2])
    lower, upper = np.empty(response.shape), np.empty(response.shape)
    # Rows of which all draws are one evaluation: the draws of a row stay where they are made.
    for number, rows in enumerate(_row_blocks(response, _AT_ONCE // 4)):
        parts = [
            of(response.at(rows, draws), draws, _block_seed(seed, number, part))
            for part, draws in enumerate(_draw_blocks(response, rows))
        ]
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        # What the tensor library made is read-only.
        own = whole.flags.writeable
        lower[rows], upper[rows] = np.quantile(whole, ends, axis=0, method=method, overwrite_input=own)
    return Bounds(probability, lower, upper)


def _row_blocks(response: Response, numbers: int = _AT_ONCE) -> Iterator[slice]:
    """Return blocks of rows for all draws at once, or all rows where rows hang together."""
    n, width = response.shape[0], int(np.prod(response.shape[1:], dtype=int))
    size = max(1, numbers // max(1, response.n_draws * width)) if response.by_rows else n
    return (slice(start, min(start + size, n)) for start in range(0, n, max(size, 1)))


def _draw_blocks(response: Response, rows: slice) -> Iterator[slice]:
    """Return blocks of draws that keep each evaluation small."""
    width = (rows.stop - rows.start) * int(np.prod(response.shape[1:], dtype=int))
    size = max(1, _AT_ONCE // 4 // max(1, width))
    S = response.n_draws
    return (slice(start, min(start + size, S)) for start in range(0, S, size))


def _block_seed(seed: int, number: int, part: int) -> int:
    """Return the seed of one block, so that no two blocks share their random numbers."""
    return int(np.random.SeedSequence([seed, number, part]).generate_state(1, np.uint64)[0] >> np.uint64(1))
