"""Lookups of a table by whole numbers, whatever axes either stands on."""

from __future__ import annotations

import numpy as np
import pytest

from probflow_nb.model.families.lookup import looked_up


@pytest.mark.parametrize(
    ("table", "places"),
    [
        ((5,), (7, 1)),
        ((5, 3), (7, 1)),
        ((5, 6, 1), (9,)),
        ((5, 4, 1, 1), (4, 9, 1)),
        ((5, 4), (7, 4)),
        ((5, 2, 1, 3), (7, 1)),
    ],
)
def test_lookups_broadcast(table, places):
    rng = np.random.default_rng(0)
    t, y = rng.normal(size=table), rng.integers(0, 5, places)
    shape = np.broadcast_shapes(table[1:], places)
    padded = t.reshape(5, *[1] * (len(shape) - len(table) + 1), *table[1:])
    known = np.take_along_axis(np.broadcast_to(padded, (5, *shape)), np.broadcast_to(y, shape)[None], axis=0)[0]
    np.testing.assert_array_equal(looked_up(t, y), known)
