"""Addition: the moments of more rows from those of the rows that were there, which are not read again.

Means and mean squares of two sets of rows combine (Chan, Golub and LeVeque 1983, Algorithms for computing the sample
variance, eq. 2.1), so the scaling of all rows is known first; the cross-products held follow it as a linear map and
those of the new rows are added.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .design import Design
from .moments import Factor, Moments, Scaling, assembled, products_of, scaling_of, taken_apart
from .products import mapped, ordered, total


def added(held: Moments, before: Design, after: Design) -> Moments:
    """Return the moments of a design whose last rows were added to those of another.

    held: the moments of `before`. after: has the same columns and group terms, its first rows are those of `before`;
    its levels may be more, and in another order. The cost depends on the new rows, the effects and where levels meet,
    not on the rows of `before` (of which only their levels are looked at).
    """
    n, rows = len(before.y), slice(len(before.y), None)
    fresh = replace(
        after, X=after.X[rows], y=after.y[rows], offset=None if after.offset is None else after.offset[rows]
    )
    scaling = _joined_scaling(_bare(held), n, scaling_of(fresh, floor=False), len(after.y) - n)
    own = [held.own(position)[0] for position in range(len(held.factors))]
    factors = tuple(_grown(factor, blocks, n, after) for factor, blocks in zip(held.factors, own, strict=True))
    places = [_places(old, new, n) for old, new in zip(held.factors, factors, strict=True)]
    ratios = [old.scale / new.scale for old, new in zip(held.factors, factors, strict=True)]
    sizes = [factor.n_levels for factor in factors]
    old = mapped(taken_apart(held), _map(held.scaling, scaling), ratios, places, sizes)
    whole = total(old, products_of(after, scaling, factors, rows), sizes)
    # The factor with the most effects goes first; of equals the one that comes first in the text, as in one pass.
    order = sorted(range(len(factors)), key=lambda i: (-sizes[i] * factors[i].n_columns, factors[i].members))
    return assembled(ordered(whole, order, sizes), scaling, tuple(factors[i] for i in order))


def _joined_scaling(one: Scaling, n: int, other: Scaling, m: int) -> Scaling:
    """Return the scaling of n and m rows together; without an intercept the means are 0 and all is about zero."""
    share = m / (n + m)
    center, scale = _vectors(one)
    others, spread = _vectors(other)
    apart = others - center
    variance = (1 - share) * scale**2 + share * spread**2 + share * (1 - share) * apart**2
    center, scale = center + share * apart, np.sqrt(variance)
    if one.has_intercept:
        center[0], scale[0] = 0.0, 1.0
    scale[scale == 0.0] = 1.0
    return Scaling(float(center[-1]), float(scale[-1]), center[:-1], scale[:-1], one.has_intercept)


def _vectors(scaling: Scaling) -> tuple[np.ndarray, np.ndarray]:
    """Return centres and scales of the columns of [X y], (q,) each."""
    return np.append(scaling.x_center, scaling.y_center), np.append(scaling.x_scale, scaling.y_scale)


def _bare(held: Moments) -> Scaling:
    """Return the scaling with 0, not 1, for columns that do not vary."""
    still = np.diag(held.gram) == 0.0
    x_scale = np.where(still[:-1], 0.0, held.scaling.x_scale)
    return replace(held.scaling, x_scale=x_scale, y_scale=0.0 if still[-1] else held.scaling.y_scale)


def _grown(factor: Factor, own: np.ndarray, n: int, after: Design) -> Factor:
    """Return a factor with the levels and the rows of all, and the root mean squares of all its columns."""
    blocks = [after.groups[m] for m in factor.members]
    z = np.concatenate([block.z[n:] for block in blocks], axis=1)
    # The scale of a column without any value is 1, but its squares are 0.
    empty = np.einsum("jcc->c", own) == 0.0
    squares = np.where(empty, 0.0, factor.scale**2) * n + np.einsum("ij,ij->j", z, z)
    scale = np.sqrt(squares / len(blocks[0].z))
    scale[scale == 0.0] = 1.0
    return replace(factor, levels=blocks[0].levels, index=blocks[0].index, scale=scale)


def _places(old: Factor, new: Factor, n: int) -> np.ndarray:
    """Return where each old level is among the new ones."""
    places = np.empty(old.n_levels, np.int64)
    places[old.index] = new.index[:n]
    return places


def _map(old: Scaling, new: Scaling) -> np.ndarray:
    """Return A with [X y]_new = [X y]_old A in scaled units: x_new = (x_old s_old + c_old - c_new) / s_new."""
    (center, scale), (centers, scales) = _vectors(old), _vectors(new)
    A = np.diag(scale / scales)
    if old.has_intercept:
        A[0, 1:] = ((center - centers) / scales)[1:]
    return A
