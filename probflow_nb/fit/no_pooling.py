"""No pooling: what each level says by itself, without the others - least squares, or the likelihood of a family.

Of one group term with columns z: for every level b_j maximises sum_i log p(y_i | o_i + z_i b_j) over its own rows, o
what else the model adds to eta, held at its estimate. The multilevel answer is the common effect of each column plus
the level's own, and shrinkage is the way from one to the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..inference.engine import Optimum
from ..model.model import Model

_STEPS = 40
_FAR = 12.0  # how far beyond all rows' own eta an estimate has run away
_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Shrinkage:
    """The levels of one group term, twice.

    factor: its name. columns: k names. levels: J names. alone, together: (J, k), NaN in `alone` where a level has too
    little to say by itself. centre: (k,) the common effects. counts: (J,) rows of each level. scale: of eta, in words.
    """

    factor: str
    columns: tuple[str, ...]
    levels: tuple[str, ...]
    alone: np.ndarray
    together: np.ndarray
    centre: np.ndarray
    counts: np.ndarray
    scale: str


def shrinkage(model: Model, answer: Any, ranef: dict[str, Any], fixef: Any, m: int, scale: str) -> Shrinkage:
    """Return the estimates of one group term without and with pooling."""
    design, block = model.design, model.design.groups[m]
    common = dict(zip(design.column_names, np.asarray(fixef, float), strict=True))
    centre = np.array([common.get(column, 0.0) for column in block.column_names])
    others = [j for j, name in enumerate(design.column_names) if name not in block.column_names]
    rest = design.X[:, others] @ np.array([common[design.column_names[j]] for j in others])
    rest = rest + (0.0 if design.offset is None else design.offset)
    for i, other in enumerate(design.groups):
        if i != m:
            b = _effects(model, ranef, i)
            rest = rest + np.einsum("nk,nk->n", other.z, b[other.index])
    counts = np.bincount(block.index, minlength=block.n_levels)
    return Shrinkage(
        block.factor,
        block.column_names,
        block.levels,
        alone(model, answer, block.z, block.index, block.n_levels, rest),
        centre + _effects(model, ranef, m),
        centre,
        counts,
        scale,
    )


def _effects(model: Model, ranef: dict[str, Any], m: int) -> np.ndarray:
    """Return the effects (J, k) of one group term from those of its factor."""
    for factor in model.factors:
        if m in factor.members:
            start = sum(model.design.groups[i].n_columns for i in factor.members if i < m)
            table = np.asarray(ranef[factor.name], float)
            return table[:, start : start + model.design.groups[m].n_columns]
    raise AssertionError("every group term belongs to a factor")


def alone(
    model: Model, answer: Any, z: np.ndarray, index: np.ndarray, J: int, rest: np.ndarray, rows: Any = slice(None)
) -> np.ndarray:
    """Return for each of J levels its own coefficients of z (n, k), (J, k), NaN where its rows do not tell them.

    rest: (n,) what is added to eta. Newton's steps for all levels at once; a Gaussian needs one.
    """
    design, record = model.design, model.record
    y = design.y[rows]
    w = np.ones(len(y)) if design.weights is None else design.weights[rows]
    trials = None if design.trials is None else design.trials[rows]
    k = z.shape[1]
    cross = _sums(z[:, :, None] * z[:, None, :], index, J)
    told = np.array([np.linalg.matrix_rank(c) == k for c in cross])
    if record is None:
        found = _solved(_sums(w[:, None, None] * z[:, :, None] * z[:, None, :], index, J),
                        _sums((w * (y - rest))[:, None] * z, index, J), told)  # fmt: skip
        return found
    aux = tuple(np.asarray(value) for value in _auxiliary(model, answer))
    start = record.start(y, trials)
    b = _solved(cross, _sums((start - rest)[:, None] * z, index, J), told)
    b = np.where(np.isnan(b), 0.0, b)
    moving = told.copy()
    for _ in range(_STEPS):
        eta = rest + np.einsum("nk,nk->n", z, b[index])
        with np.errstate(all="ignore"):
            slopes = record.slopes(y, trials, eta, aux)
            information = np.maximum(record.expected(y, trials, eta, aux), 1e-12)
        gradient = _sums((w * slopes.first)[:, None] * z, index, J)
        hessian = _sums((w * information)[:, None, None] * z[:, :, None] * z[:, None, :], index, J)
        step = np.nan_to_num(_solved(hessian, gradient, moving))
        step *= np.minimum(1.0, 4.0 / np.maximum(np.abs(step).max(axis=1, keepdims=True), 1e-300))
        b = b + step
        moving = told & (np.abs(step).max(axis=1) > _TOLERANCE)
        if not moving.any():
            break
    reach = np.zeros(J)
    np.maximum.at(reach, index, np.abs(rest + np.einsum("nk,nk->n", z, b[index]) - np.median(start)))
    b[~told | moving | (reach > _FAR + np.abs(start - np.median(start)).max())] = np.nan
    return b


def _sums(parts: np.ndarray, index: np.ndarray, J: int) -> np.ndarray:
    """Return the sums of rows (n, ...) by level, (J, ...)."""
    flat = parts.reshape(len(parts), -1)
    columns = [np.bincount(index, flat[:, c], minlength=J) for c in range(flat.shape[1])]
    return np.stack(columns, axis=1).reshape(J, *parts.shape[1:])


def _solved(hessian: np.ndarray, right: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Return the solutions (J, k) of the levels that are told, NaN for others."""
    found = np.full(right.shape, np.nan)
    safe = told & (np.abs(np.linalg.det(hessian)) > 0)
    if safe.any():
        found[safe] = np.linalg.solve(hessian[safe], right[safe][..., None])[..., 0]
    return found


def _auxiliary(model: Model, answer: Any) -> tuple[float, ...]:
    names = list(model.scalar_names)
    centre = answer.values if isinstance(answer, Optimum) else answer.draws.table.mean(axis=0)
    return tuple(float(centre[names.index(name)]) for name in model.auxiliary)
