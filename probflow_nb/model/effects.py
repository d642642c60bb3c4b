"""Group effects given theta and beta: exact Gaussian draws, by the block elimination run backwards.

With c = (-beta, 1), e = H_rF c and z standard normal (u the whitened effects, b = Delta u):

    the rest      u = L^-T (L^-1 Delta' e + sigma z)
    first factor  b_j = B_j' (B_j e_j + sigma z),  e_j = C_j c - E_j b_rest,  B_j = L_j^-1 Delta',  A_j = B_j' B_j

z = 0 gives the conditional means.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend.tensorflow import load
from .covariance import Lower
from .dense_rest import DenseRest
from .elimination import Elimination, first_inverse, whitened_inverse
from .marginal import Marginal


def sample_effects(marginal: Marginal, theta: np.ndarray, beta: np.ndarray, seed: int | None) -> list[np.ndarray]:
    """Return the effects of every eliminated factor, each (S, J, k), on the data's scale.

    theta: (S, d). beta: (S, p), on the data's scale. seed: None for conditional means instead of draws.
    Draws depend on the seed and their position alone, so the first m of S draws are the same for any S.
    """
    T, t = marginal.moments.scaling.coefficients()
    scaled = np.linalg.solve(T, (beta - t).T).T if beta.shape[1] else beta
    tf = load()
    pieces: list[list[np.ndarray]] = []
    for block, rows in enumerate(_blocks(marginal, len(theta))):
        sigma = np.exp(theta[rows, marginal.layout.sigma])
        rng = None if seed is None else np.random.Generator(np.random.Philox(key=[seed & (2**64 - 1), block]))
        factors = marginal.factors(tf.constant(theta[rows]))
        pieces.append(conditional(marginal, factors, scaled[rows], sigma, rng))
    return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]


def conditional(
    marginal: Marginal, factors: list[Lower], beta: np.ndarray, sigma: np.ndarray, rng: np.random.Generator | None
) -> list[np.ndarray]:
    """Return the effects of every eliminated factor given Delta, scaled beta (S, p) and scaled sigma (S,)."""
    if not factors:
        return []
    tf = load()
    constants = marginal.constants
    S = len(sigma)
    c = tf.constant(np.concatenate([-beta, np.ones((S, 1))], axis=1))
    scale = tf.constant(sigma)
    found: list[Any] = []
    e = tf.einsum("jkq,sq->sjk", constants.cross, c)
    r = 0 if constants.rest is None else constants.rest.size
    noise = _normal(rng, (S, r + int(e.shape[1]) * constants.k), scale[:, None])
    if constants.rest is not None:
        entries, _ = first_inverse(constants.blocks, factors[0])
        b_rest = constants.rest.effects(tf.concat(entries, axis=1), factors[1:], c, noise[:, :r])
        e = e - _meet(marginal, b_rest)
        start = 0
        for J, k in constants.rest.shapes:
            found.append(tf.reshape(b_rest[:, start : start + J * k], (-1, J, k)))
            start += J * k
    B, _ = whitened_inverse(constants.blocks, factors[0])
    found.insert(0, _first_effects(constants, B, e, tf.reshape(noise[:, r:], e.shape)))
    units = [marginal.moments.scaling.y_scale / factor.scale for factor in marginal.moments.factors]
    return [b.numpy() * unit for b, unit in zip(found, units, strict=True)]


def _blocks(marginal: Marginal, S: int) -> list[slice]:
    """Return slices of fixed size whatever S is, so that each block has its own random numbers."""
    effects = sum(f.n_levels * f.n_columns**2 for f in marginal.moments.factors)
    rest = marginal.constants.rest
    if isinstance(rest, DenseRest):
        effects = max(effects, rest.size**2)
    elif rest is not None:
        effects = max(effects, rest.width, marginal.moments.cells.value.size)
    # A few large factorisations at once save what each costs to set up.
    size = max(1, (1 << 23 if isinstance(rest, DenseRest) else 1 << 21) // max(effects, 1))
    return [slice(start, min(start + size, S)) for start in range(0, S, size)]


def _normal(rng: np.random.Generator | None, shape: tuple[int, int], scale: Any) -> Any:
    """Return the noise of all effects, draw by draw: a row is the same whatever number of rows follows."""
    tf = load()
    if rng is None:
        return tf.zeros(shape, tf.float64)
    return tf.constant(rng.standard_normal(shape)) * scale


def _meet(marginal: Marginal, b_rest: Any) -> Any:
    """Return E_j b_rest for every level of the first factor, (S, J, k)."""
    tf = load()
    cells = marginal.moments.cells
    first = marginal.moments.factors[0]
    picked = tf.gather(b_rest, cells.column, axis=1)
    columns = []
    for c in range(first.n_columns):
        products = tf.transpose(picked * cells.value[:, c])
        total = tf.math.segment_sum(products, cells.level)
        # Levels at the end that meet nothing are not in the sum.
        missing = first.n_levels - int(total.shape[0])
        columns.append(tf.transpose(tf.pad(total, [[0, missing], [0, 0]])))
    return tf.stack(columns, axis=-1)


def _first_effects(constants: Elimination, B: list[list[Any]], e: Any, z: Any) -> Any:
    """Return B' (B e + z) level by level, (S, J, k); B is given for the distinct blocks only."""
    tf = load()
    k = constants.k

    def by_level(entry: Any) -> Any:
        return tf.gather(entry, constants.inverse, axis=1)

    full = [[None if B[i][j] is None else by_level(B[i][j]) for j in range(k)] for i in range(k)]
    white = []
    for i in range(k):
        terms = [full[i][j] * e[:, :, j] for j in range(k) if full[i][j] is not None]
        white.append(sum(terms) + z[:, :, i])
    back = []
    for j in range(k):
        back.append(sum(full[i][j] * white[i] for i in range(k) if full[i][j] is not None))
    return tf.stack(back, axis=-1)


def conditional_sds(marginal: Marginal, factors: list[Lower], sigma: float) -> list[np.ndarray]:
    """Return the standard deviations of the effects given theta and beta, (J, k) for each eliminated factor.

    These are the square roots of lme4's condVar. factors: Delta with S = 1; sigma: scaled.
    """
    if not factors:
        return []
    tf = load()
    constants = marginal.constants
    B, _ = whitened_inverse(constants.blocks, factors[0])
    zero = tf.zeros_like(B[0][0])
    b = tf.stack([tf.stack([zero if x is None else x for x in row], axis=-1) for row in B], axis=-2)
    b = tf.gather(b, constants.inverse, axis=1).numpy()[0]
    A = b.transpose(0, 2, 1) @ b
    variance = [np.einsum("jcc->jc", A).copy()]
    if constants.rest is not None:
        entries, _ = first_inverse(constants.blocks, factors[0])
        total, carried = constants.rest.variances(
            tf.concat(entries, axis=1), factors[1:], marginal.moments.cells, len(A)
        )
        # The rest's uncertainty moves the first factor's effects by A_j E_j times it.
        variance[0] += np.einsum("jcd,jde,jce->jc", A, carried, A)
        start = 0
        for J, kk in constants.rest.shapes:
            variance.append(total[start : start + J * kk].reshape(J, kk))
            start += J * kk
    units = [marginal.moments.scaling.y_scale / factor.scale for factor in marginal.moments.factors]
    return [np.sqrt(v) * sigma * unit for v, unit in zip(variance, units, strict=True)]
