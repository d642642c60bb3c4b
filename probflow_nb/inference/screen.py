"""Screen: how much of the variance each factor takes when it is fitted alone - a cheap start for costly models.

With one factor the elimination has no dense part, so the profiled deviance of a whole grid of Delta = delta I costs
next to nothing. rho = delta^2 of the best is the ratio of the factor's variance to everything else, so its share of
the whole is rho / (1 + rho).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..backend.tensorflow import load
from ..design.moments import Moments
from ..model.elimination import elimination, reduce

_GRID = np.exp(np.linspace(np.log(0.02), np.log(5.0), 40))
# No share is taken for less than this, so that no start lies at a boundary.
_LEAST = 0.003


def variance_shares(moments: Moments) -> tuple[np.ndarray, float]:
    """Return the share of y's variance of each eliminated factor, (factors,), and of the residual."""
    shares = np.array([_alone(moments, position) for position in range(len(moments.factors))])
    shares = np.clip(shares, _LEAST, None)
    total = shares.sum()
    if total > 0.9:
        shares *= 0.9 / total
    return shares, float(1.0 - shares.sum())


def _alone(moments: Moments, position: int) -> float:
    tf = load()
    factor = moments.factors[position]
    gram, cross = moments.own(position)
    constants = elimination(replace(moments, factors=(factor,), first_gram=gram, first_cross=cross))
    values = []
    for start in range(0, len(_GRID), constants.batch):
        delta = tf.constant(_GRID[start : start + constants.batch, None])
        diagonal = [[None] * i + [delta] for i in range(factor.n_columns)]
        reduced = reduce(constants, [diagonal])
        K, p = reduced.K.numpy(), moments.n_common
        solved = np.linalg.solve(K[:, :p, :p], K[:, :p, p:]) if p else np.zeros((len(K), 0, 1))
        rss = K[:, p, p] - np.einsum("sp,sp->s", K[:, :p, p], solved[:, :, 0])
        values.append(reduced.log_det.numpy() + moments.n * np.log(rss))
    rho = _GRID[int(np.argmin(np.concatenate(values)))] ** 2
    return float(rho / (1.0 + rho))
