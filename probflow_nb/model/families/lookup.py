"""Lookup: entries of a table by the whole number that a response is, whatever axes either stands on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def looked_up(table: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return table[y], table (m, ...), y of whole numbers 0 to m - 1; the axes after the first broadcast with y's."""
    places = np.asarray(y).astype(np.intp)
    if table.ndim == 1:
        found: np.ndarray = table[places]
        return found
    depth = max(table.ndim - 1, places.ndim)
    axes: list[int] = [1] * (depth - table.ndim + 1) + list(table.shape[1:])
    table = table.reshape(len(table), *axes)
    places = places.reshape([1] * (depth - places.ndim) + list(places.shape))
    if axes[:-1].count(1) == depth - 1 and places.shape[-1] == 1:
        # (n, 1) rows of a batch (S,): whole lines of the table.
        lines: np.ndarray = table.reshape(len(table), axes[-1])[places[..., 0]]
        return lines
    taken: np.ndarray = np.take_along_axis(table, places[None], axis=0)[0]
    return taken


def tensor_looked_up(entries: Sequence[Any], y: Any, tf: Any) -> Any:
    """Return entry y, y a tensor of whole numbers 0 to len(entries) - 1, each entry a tensor that broadcasts with y."""
    total = 0.0
    for place, entry in enumerate(entries):
        total = total + tf.where(tf.equal(y, tf.cast(place, y.dtype)), entry, tf.zeros_like(entry))
    return total
