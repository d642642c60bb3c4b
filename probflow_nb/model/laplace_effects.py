"""Laplace effects: group effects given theta and the border, drawn from their own conditional density level by level.

With one column the density of t = L_j (u - mode) is the standard normal times the exponential of a polynomial through
the log ratios at the quadrature's nodes, and is drawn by its distribution function on a grid. With more columns one of
several Gaussian draws is chosen in proportion to its weight (Rubin 1987).
"""

from __future__ import annotations

import numpy as np

from .laplace import LaplaceMarginal
from .latent_blocks import Factored, scale_first, scale_rest
from .latent_mode import Problem, parts
from .latent_quadrature import log_ratios, rule

_CANDIDATES = 8
_GRID = 33


def sample_levels(
    marginal: LaplaceMarginal, theta: np.ndarray, border: np.ndarray, nodes: int, seed: int
) -> list[np.ndarray]:
    """Return the effects of every eliminated factor, (S, J, k) each, on the data's scale.

    The first m of S draws are the same for any S.
    """
    design = marginal.design
    size = max(1, min(64, design.batch))
    pieces: list[list[np.ndarray]] = []
    for block, begin in enumerate(range(0, len(theta), size)):
        rows = slice(begin, begin + size)
        rng = np.random.Generator(np.random.Philox(key=[seed & (2**64 - 1), block]))
        S = len(theta[rows])
        start = marginal.starts.guess(theta[rows])[: design.J * design.k]
        problem, modes = marginal.levels(theta[rows], border[rows], start)
        mode = parts(problem.design, modes.x)[0]
        # A whole block of numbers whatever S is, so that a draw does not hang on how many are asked for.
        u = mode + _shift(problem, mode, modes.factored, nodes, rng, size)
        found = [scale_first(problem.scales, u).transpose(2, 0, 1)]
        rest = scale_rest(design, marginal.scales(theta[rows]), border[rows, : design.r])
        at = 0
        for factor in design.factors[1:]:
            width = factor.n_levels * factor.n_columns
            found.append(rest[:, at : at + width].reshape(S, factor.n_levels, factor.n_columns))
            at += width
        pieces.append([b / factor.scale for b, factor in zip(found, design.factors, strict=True)])
    return [np.concatenate(parts_of) for parts_of in zip(*pieces, strict=True)]


def _shift(
    problem: Problem, mode: np.ndarray, factored: Factored, nodes: int, rng: np.random.Generator, size: int
) -> np.ndarray:
    """Return u - mode, (J, k, S)."""
    J, k, S = mode.shape
    if k == 1:
        uniform = rng.random((size, J))[:S].T
        points, _ = rule(1, max(nodes, 7))
        ratios = log_ratios(problem, mode, factored, points)
        return factored.back(_inverted(ratios, points[:, 0], uniform)[:, None])
    best, top = np.zeros_like(mode), np.full((J, S), -np.inf)
    for _ in range(_CANDIDATES):
        # The largest of log weight plus a Gumbel variable is one drawn in proportion to the weights.
        t = rng.standard_normal((size, J, k))[:S].transpose(1, 2, 0)
        gumbel = -np.log(rng.exponential(size=(size, J))[:S].T)
        shift = factored.back(np.ascontiguousarray(t))
        score = _log_weight(problem, mode, t, shift) + gumbel
        better = score > top
        top = np.where(better, score, top)
        best = np.where(better[:, None], shift, best)
    return best


def _log_weight(problem: Problem, mode: np.ndarray, t: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return log p(y_j | u) - 1/2 u'u + 1/2 t't, (J, S)."""
    design = problem.design
    u = mode + shift
    eta = design.first @ scale_first(problem.scales, u).reshape(-1, u.shape[2]) + problem.offset
    kernel = design.record.kernel(design.y, design.trials, eta, problem.aux)
    if design.weights is not None:
        kernel = kernel * design.weights[:, None]
    found: np.ndarray = design.level_sum @ kernel + 0.5 * ((t * t).sum(axis=1) - (u * u).sum(axis=1))
    return found


def _inverted(ratios: np.ndarray, x: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Return t (J, S) of density exp(polynomial through ratios (K, J, S) at x (K,)) normal(t), at uniform (J, S)."""
    K, J, S = ratios.shape
    grid = np.linspace(x.min(), x.max(), _GRID)
    basis = np.polynomial.hermite_e.hermevander
    lift = basis(grid, K - 1) @ np.linalg.inv(basis(x, K - 1))
    centred = (ratios - ratios[K // 2]).reshape(K, -1)
    # A product this flat costs its threads more to meet than to make.
    log_density = np.einsum("gk,kc->gc", lift, centred) - 0.5 * grid[:, None] ** 2
    density = np.exp(log_density - log_density.max(axis=0))
    steps = 0.5 * (density[1:] + density[:-1])
    total = np.vstack([np.zeros((1, J * S)), np.cumsum(steps, axis=0)])
    wanted = uniform.reshape(-1) * total[-1]
    at = np.clip((total <= wanted).sum(axis=0) - 1, 0, _GRID - 2)
    columns = np.arange(J * S)
    inside = (wanted - total[at, columns]) / np.maximum(steps[at, columns], 1e-300)
    return (grid[at] + (grid[1] - grid[0]) * np.clip(inside, 0.0, 1.0)).reshape(J, S)
