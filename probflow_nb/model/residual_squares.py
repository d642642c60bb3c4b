"""The weighted sum of squared residuals as a quadratic form, so that its cost does not depend on the rows.

With c the coefficients (beta~ and the effects of each factor), F the columns that go with them and c0 near their least
squares, d = c - c0, r0 = y - F c0:

    (y - F c)' W (y - F c) = r0' W r0 - 2 d' F' W r0 + d' F' W F d

Around c0 every term is as small as what it adds up to: cross-products of y itself would lose the digits of a small
residual variance. F'WF is kept as X'WX, Z'WX of each factor, its J blocks of k x k, and Z'WZ of pairs of factors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..backend.tensorflow import load

# Numbers in the products of two factors, per row and in all, up to which they are worth making.
_PER_ROW, _SMALL = 4, 200_000


def worthwhile(sizes: Sequence[int], rows: int) -> bool:
    """Return whether the products of factors with so many effects are small beside the rows."""
    pairs = sum(a * b for i, a in enumerate(sizes) for b in sizes[:i])
    return pairs <= max(_SMALL, _PER_ROW * rows)


def products(
    y: np.ndarray, X: np.ndarray, w: np.ndarray, z: Sequence[np.ndarray], index: Sequence[np.ndarray], J: Sequence[int]
) -> dict[str, np.ndarray]:
    """Return the arrays that `squares` takes; y, w (n,), X (n, p), of each factor z (n, k), index (n,) and J."""
    from scipy import sparse
    from scipy.sparse.linalg import lsmr

    n, p = X.shape
    columns = [sparse.csr_matrix(X)]
    for values, places, levels in zip(z, index, J, strict=True):
        k = values.shape[1]
        rows = np.repeat(np.arange(n), k)
        at = (places[:, None] * k + np.arange(k)).ravel()
        columns.append(sparse.csr_matrix((values.ravel(), (rows, at)), shape=(n, levels * k)))
    F = sparse.hstack(columns).tocsr()
    root = np.sqrt(w)
    # A little damping: with all levels of a factor beside an intercept the least squares are not unique.
    near = lsmr(sparse.diags(root) @ F, root * y, damp=1e-3 * np.sqrt(n / max(1, F.shape[1])))[0]
    residual = y - F @ near
    slope = F.T @ (w * residual)
    found = {
        "squares": np.array(residual @ (w * residual)),
        "near X": near[:p],
        "slope X": slope[:p],
        "XX": X.T @ (w[:, None] * X),
    }
    start = p
    for f, (part, levels) in enumerate(zip(columns[1:], J, strict=True)):
        k = part.shape[1] // levels
        stop = start + levels * k
        found[f"near{f}"] = near[start:stop].reshape(levels, k)
        found[f"slope{f}"] = slope[start:stop].reshape(levels, k)
        weighted = part.T @ sparse.diags(w)
        found[f"ZX{f}"] = np.asarray(weighted @ X).reshape(levels * k, p)
        blocks = np.zeros((levels, k, k))
        own = z[f][:, :, None] * z[f][:, None, :] * w[:, None, None]
        np.add.at(blocks, index[f], own)
        found[f"ZZ{f}"] = blocks
        for g in range(f):
            found[f"ZZ{f},{g}"] = (weighted @ columns[1 + g]).toarray()
        start = stop
    return found


def squares(beta: Any, effects: Sequence[Any], held: Mapping[str, Any]) -> Any:
    """Return the weighted sum of squared residuals, (...); beta (..., p), effects (..., J, k) of each factor."""
    tf = load()
    p = held["near X"].shape[0]
    total = held["squares"]
    moved: list[Any] = []
    if p:
        beta = beta - held["near X"]
        total += tf.reduce_sum(beta * (_product(beta, held["XX"]) - 2.0 * held["slope X"]), axis=-1)
    for f, b in enumerate(effects):
        d = b - held[f"near{f}"]
        J, k = held[f"near{f}"].shape
        blocks = held[f"ZZ{f}"]
        each = tf.unstack(d, axis=-1)
        own = tf.stack([sum(blocks[:, c, m] * each[m] for m in range(k)) for c in range(k)], axis=-1)
        flat = _side_by_side(d, J * k)
        rest = _side_by_side(own, J * k) - 2.0 * tf.reshape(held[f"slope{f}"], [-1])
        if p:
            rest += 2.0 * _product(beta, held[f"ZX{f}"])
        for g, other in enumerate(moved):
            rest += 2.0 * _product(other, held[f"ZZ{f},{g}"])
        total += tf.reduce_sum(flat * rest, axis=-1)
        moved.append(flat)
    return total


def _side_by_side(d: Any, size: int) -> Any:
    """Return (..., J, k) as (..., J k), with as much of the shape known as can be."""
    tf = load()
    if d.shape[:-2].is_fully_defined():
        return tf.reshape(d, [*d.shape[:-2], size])
    return tf.ensure_shape(tf.reshape(d, tf.concat([tf.shape(d)[:-2], [size]], axis=0)), [*d.shape[:-2], size])


def _product(x: Any, A: Any) -> Any:
    """Return A x for every x (..., p), A (m, p), also without a batch."""
    tf = load()
    return tf.linalg.matmul(x, A, transpose_b=True) if x.shape.rank > 1 else tf.linalg.matvec(A, x)
