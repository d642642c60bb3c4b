"""Whitening: between the whitened effects of levels and the effects, column by column, for centred levels or not."""

from __future__ import annotations

from typing import Any

from ..backend.tensorflow import load
from . import covariance
from .covariance import Lower


def both(root: Lower, given: list[Any], centred: Any) -> tuple[list[Any], list[Any]]:
    """Return whitened effects u and effects b = root u, each a list of k columns (..., J).

    given: holds b where centred, u elsewhere; row by row, u_c = (b_c - sum_{m<c} root_cm u_m) / root_cc.
    """
    tf = load()
    whitened: list[Any] = []
    b: list[Any] = []
    for c, value in enumerate(given):
        before = covariance.add([covariance.times(_level(root[c][m]), whitened[m]) for m in range(c)])
        diagonal = _level(root[c][c])
        u = tf.where(centred, (value - before) / diagonal if before is not None else value / diagonal, value)
        whitened.append(u)
        product = diagonal * u
        b.append(product if before is None else before + product)
    return whitened, b


def solve(root: Lower, b: list[Any]) -> list[Any]:
    """Return u = root^-1 b, columns (..., J)."""
    return both(root, b, load().constant(True))[0]


def levels_apart(flat: Any, J: int, k: int) -> Any:
    """Return (..., J k) as (..., J, k), with as much of the shape known as can be."""
    tf = load()
    if flat.shape[:-1].is_fully_defined():
        return tf.reshape(flat, [*flat.shape[:-1], J, k])
    apart = tf.reshape(flat, tf.concat([tf.shape(flat)[:-1], [J, k]], axis=0))
    return tf.ensure_shape(apart, [*flat.shape[:-1], J, k])


def _level(entry: Any) -> Any:
    """Return an entry (...) with an axis for the levels."""
    return None if entry is None else entry[..., None]
