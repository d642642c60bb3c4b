"""Replicated: new responses at the rows of a fit, draw by draw, and what a check asks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from .response import Response
from .values import Values

# Numbers of replicates held at once.
_AT_ONCE = 4_000_000

Statistic = Callable[[np.ndarray], np.ndarray]


def picked(values: Values, chosen: np.ndarray) -> Values:
    """Return some draws of every parameter, one more than once where it is chosen so."""
    makers = {name: partial(_rows, values, name, chosen) for name in values}
    return Values(values.quantities, len(chosen), makers)


def _rows(values: Values, name: str, chosen: np.ndarray) -> np.ndarray:
    return values[name][chosen]


def replicates(response: Response, seed: int) -> Iterator[np.ndarray]:
    """Yield new responses of all rows, (d, n) or (d, n, m), a block of draws after another; S in all."""
    size = int(np.prod(response.shape, dtype=int))
    step = max(1, _AT_ONCE // max(1, size))
    for start in range(0, response.n_draws, step):
        draws = slice(start, min(start + step, response.n_draws))
        part = int(np.random.SeedSequence([seed, 47, start]).generate_state(1, np.uint64)[0] >> np.uint64(1))
        yield response.at(slice(0, response.shape[0]), draws).sample(part)


@dataclass(frozen=True, eq=False)
class Checked:
    """A statistic of the data and of replicates, in G groups of rows.

    observed: (G,). replicated: (S, G). share: (G,) of the replicates in which it is at least that of the data, the
    posterior predictive p-value (Gelman, Meng and Stern 1996, Statistica Sinica 6:733-807).
    """

    observed: np.ndarray
    replicated: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """(G,)."""
        # Sums in another order differ in the last places only.
        near = 1e-12 * np.maximum(1.0, np.abs(self.observed))
        found: np.ndarray = np.mean(self.replicated >= self.observed - near, axis=0)
        return found


def checked(response: Response, y: np.ndarray, rows: list[np.ndarray], statistic: Statistic, seed: int) -> Checked:
    """Return a statistic of the data and of every replicate; statistic: of (d, r) responses, (d,).

    y: the response, of the shape of a replicate, flattened. rows: places of each group in it.
    """
    observed = np.array([statistic(y[None, at])[0] for at in rows])
    parts = []
    for block in replicates(response, seed):
        flat = block.reshape(len(block), -1)
        parts.append(np.stack([statistic(flat[:, at]) for at in rows], axis=1))
    return Checked(observed, np.concatenate(parts))


@dataclass(frozen=True, eq=False)
class Counted:
    """How often the responses of G groups fall in each of B bins: observed (G, B), replicated (S, G, B)."""

    observed: np.ndarray
    replicated: np.ndarray


def counted(response: Response, y: np.ndarray, rows: list[np.ndarray], edges: np.ndarray, seed: int) -> Counted:
    """Return how often the responses fall in bins [edge, next edge), what is beyond the last edge in the last."""
    bins = len(edges) - 1
    group = np.full(y.size, -1)
    for g, at in enumerate(rows):
        group[at] = g
    used = np.flatnonzero(group >= 0)
    group = group[used]

    def of(flat: np.ndarray) -> np.ndarray:
        place = np.clip(np.searchsorted(edges, flat[:, used], side="right") - 1, 0, bins - 1)
        cell = (np.arange(len(flat))[:, None] * len(rows) + group) * bins + place
        size = len(flat) * len(rows) * bins
        return np.bincount(cell.ravel(), minlength=size).reshape(len(flat), len(rows), bins)

    blocks = [of(block.reshape(len(block), -1)) for block in replicates(response, seed)]
    return Counted(of(y[None])[0], np.concatenate(blocks))
