"""Minibatches: all rows in random order, cut into batches of one size, epoch after epoch, none twice in a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class RowStream:
    """Rows still to come of the current epoch.

    n: rows of data. size: of a batch, at most n. seed, epoch: the random order of the next epoch. rest: (r,) rows left.

    Where the last batch of an epoch would be short it is filled from the next epoch's order, with rows that it does not
    hold yet. Nothing tells one row from another, so each is in a batch with probability size / n exactly, and the
    weight n / size makes every row's expected weight 1, whatever the size; each row comes once an epoch.
    """

    n: int
    size: int
    seed: int
    epoch: int
    rest: np.ndarray

    def take(self, batches: int) -> tuple[np.ndarray, RowStream]:
        """Return the next batches (batches, size) and what follows."""
        found = np.empty((batches, self.size), np.int32)
        rest, epoch = self.rest, self.epoch
        for i in range(batches):
            if len(rest) < self.size:
                order = np.random.default_rng([self.seed, 17, epoch]).permutation(self.n).astype(np.int32)
                epoch += 1
                held = np.isin(order, rest, assume_unique=True)
                fresh = order[~held]
                need = self.size - len(rest)
                # What the short batch holds already comes later in the new epoch.
                later = np.random.default_rng([self.seed, 18, epoch]).permutation(
                    np.concatenate([fresh[need:], order[held]])
                )
                found[i] = np.concatenate([rest, fresh[:need]])
                rest = later
            else:
                found[i], rest = rest[: self.size], rest[self.size :]
        return found, replace(self, rest=rest, epoch=epoch)


def stream(n: int, size: int, seed: int) -> RowStream:
    """Return the stream of batches of `size` of n rows from its beginning."""
    return RowStream(n, min(size, n), seed, 0, np.zeros(0, np.int32))
