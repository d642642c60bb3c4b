"""Latent quadrature: the effects of the first factor integrated out, level by level, given everything else.

Given theta and the border the levels are independent, and u_j's density is near Normal(mode, (L_j L_j')^-1). With
u = mode + L_j^-T t and a rule (t_k, w_k) for the standard normal distribution (adaptive Gauss-Hermite, Liu and Pierce
1994, eq. 5; for several columns a product or a fully symmetric rule of degree 5, McNamee and Stenger 1967):

    log I_j = log sum_k w_k exp(log p(y_j | u_k) - 1/2 u_k'u_k + 1/2 t_k't_k) - log det L_j

Of more columns than rules are good for, the t_k are pairs t, -t drawn anew for every level: I_j is then unbiased, and
so are weights made of the product of all I_j.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from .latent_blocks import Factored, scale_first
from .latent_mode import Problem

# Columns of a factor that the rules are made for, and points that are drawn for each level of more.
MOST_COLUMNS = 4
DRAWN = 32


def rule(k: int, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points (K, k) and weights (K,) for the standard normal distribution in k dimensions.

    k = 1: Gauss-Hermite with as many nodes; k = 2: its product with five; k = 3, 4: degree 5.
    """
    if nodes == 1 or k > MOST_COLUMNS:
        return np.zeros((1, k)), np.ones(1)
    if k <= 2:
        x, w = np.polynomial.hermite_e.hermegauss(nodes if k == 1 else min(nodes, 5))
        w = w / w.sum()
        points = np.array(list(product(x, repeat=k)))
        return points, np.prod(np.array(list(product(w, repeat=k))), axis=1)
    far = np.sqrt(3.0)
    axes = [s * far * np.eye(k)[i] for i in range(k) for s in (-1, 1)]
    pairs = [
        far * (s * np.eye(k)[i] + t * np.eye(k)[j])
        for i in range(k)
        for j in range(i)
        for s in (-1, 1)
        for t in (-1, 1)
    ]
    weights = [1.0 + (k * k - 7.0 * k) / 18.0] + [(4.0 - k) / 18.0] * len(axes) + [1.0 / 36.0] * len(pairs)
    kept = np.array(weights) > 0
    return np.array([np.zeros(k), *axes, *pairs])[kept], np.array(weights)[kept]


def drawn(mode: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return points (K, J, k, S), every second one its neighbour's opposite."""
    half = rng.standard_normal((DRAWN // 2, *mode.shape))
    return np.concatenate([half, -half])


def log_ratios(problem: Problem, mode: np.ndarray, factored: Factored, points: np.ndarray) -> np.ndarray:
    """Return log p(y_j | u_k) - 1/2 u_k'u_k + 1/2 t_k't_k at points, (K, J, S), for modes (J, k, S).

    points: (K, k), or (K, J, k, S) where each level has its own.
    """
    design = problem.design
    S = mode.shape[2]
    found = np.empty((len(points), design.J, S))
    lifted = design.level_sum if design.weights is None else design.level_sum.multiply(design.weights).tocsr()
    base = _eta(problem, mode)
    for at, t in enumerate(points):
        t = np.broadcast_to(t[None, :, None], mode.shape) if t.ndim == 1 else t
        shift = factored.back(t)
        u = mode + shift
        eta = base + design.first @ scale_first(problem.scales, shift).reshape(-1, S) if t.any() else base
        kernel = design.record.kernel(design.y, design.trials, eta, problem.aux)
        found[at] = lifted @ kernel + 0.5 * ((t * t).sum(axis=1) - (u * u).sum(axis=1))
    return found


def log_integrals(
    problem: Problem, mode: np.ndarray, factored: Factored, nodes: int, rng: np.random.Generator | None = None
) -> np.ndarray:
    """Return sum_j log I_j, (S,), for modes (J, k, S) of the levels and their factors; rng: for many columns."""
    if problem.design.k > MOST_COLUMNS and rng is not None:
        points, weights = drawn(mode, rng), np.full(DRAWN, 1.0 / DRAWN)
    else:
        points, weights = rule(problem.design.k, nodes)
    ratios = log_ratios(problem, mode, factored, points)
    top = ratios.max(axis=0)
    inside = np.einsum("k,kjs->js", weights, np.exp(ratios - top))
    total: np.ndarray = (top + np.log(inside)).sum(axis=0) - 0.5 * factored.log_det
    return total


def _eta(problem: Problem, mode: np.ndarray) -> np.ndarray:
    eta = problem.design.first @ scale_first(problem.scales, mode).reshape(-1, mode.shape[2])
    return eta + problem.offset
