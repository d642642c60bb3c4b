"""Latent mode: the mode of (u, beta) given theta, by a damped Newton iteration for many values of theta at once.

    l(u, beta) = sum_i w_i log p(y_i | eta_i) - 1/2 u'u - 1/2 (beta' P beta - 2 h' beta + c)

Every value of theta has its own step length; those that have converged are taken out of the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .families.record import Aux
from .latent_blocks import Entries, Factored, Scales, factor, scale_first, scale_first_back, scale_rest
from .latent_design import LatentDesign
from .small_products import inner, outer, weighted_sum

_STEPS = 100
_HALVINGS = 40


@dataclass(frozen=True, eq=False)
class Problem:
    """One latent problem for S values of theta.

    scales, aux: (S, ...) each. offset: (n, 1), (n, S) or 0. precision (p, p), linear (p,), constant: of beta's prior.
    """

    design: LatentDesign
    scales: Scales
    aux: Aux
    offset: Any
    precision: np.ndarray
    linear: np.ndarray
    constant: float = 0.0

    def take(self, rows: np.ndarray) -> Problem:
        """Return the problem for some of the S values."""
        many = np.ndim(self.offset) == 2 and self.offset.shape[1] > 1
        offset = self.offset[:, rows] if many else self.offset
        aux = tuple(a[rows] for a in self.aux)
        return Problem(self.design, self.scales.take(rows), aux, offset, self.precision, self.linear, self.constant)


class _Point(NamedTuple):
    """l (S,), gradients of the first factor (J, k, S) and the border (m, S), and the information W (n, S).

    safe: (n, S), the expected information where the information is not above 0; (0, S) where it always is.
    """

    value: np.ndarray
    first: np.ndarray
    border: np.ndarray
    W: np.ndarray
    safe: np.ndarray


class Modes(NamedTuple):
    """x (D, S), l there (S,), the factored Hessian in batches of one, and how many steps were made (S,)."""

    x: np.ndarray
    value: np.ndarray
    factored: Factored
    converged: np.ndarray


def parts(design: LatentDesign, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return u of the first factor (J, k, S), u of the rest (r, S) and beta (p, S) of x (D, S)."""
    Jk, r = design.J * design.k, design.r
    return x[:Jk].reshape(design.J, design.k, x.shape[1]), x[Jk : Jk + r], x[Jk + r :]


def eta_of(problem: Problem, x: np.ndarray) -> np.ndarray:
    """Return eta (n, S)."""
    design = problem.design
    first, rest, beta = parts(design, x)
    eta = outer(design.X, beta)
    if design.J:
        eta += design.first @ scale_first(problem.scales, first).reshape(-1, x.shape[1])
    if design.r:
        eta += design.rest @ np.ascontiguousarray(scale_rest(design, problem.scales, rest.T).T)
    eta += problem.offset
    return eta


def log_joint(problem: Problem, x: np.ndarray) -> np.ndarray:
    """Return l, (S,)."""
    design = problem.design
    kernel = design.record.kernel(design.y, design.trials, eta_of(problem, x), problem.aux)
    return _summed(design, kernel) + _log_prior(problem, x)


def solve(problem: Problem, start: np.ndarray, tolerance: float, inside: np.ndarray | None = None) -> Modes:
    """Return the modes from start (D, S); tolerance: of 1/2 g'H^-1 g, half the squared Newton decrement.

    inside: (D,) where eta is in the range of the link whatever theta is, for members whose start is not; 0 if None.
    The last step is made without a look back: at a tolerance of 1e-6 its value is right to far less than that.
    Where numbers overflow on the way, the step is halved; where nothing helps, l is minus infinity.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _solve(problem, start, tolerance, inside)


def _solve(problem: Problem, start: np.ndarray, tolerance: float, inside: np.ndarray | None) -> Modes:
    S = start.shape[1]
    active, x = np.arange(S), start.copy()
    out, value, converged = start.copy(), np.full(S, -np.inf), np.zeros(S, bool)
    held: list[tuple[np.ndarray, Factored]] = []
    current, now = problem, _evaluate(problem, x)
    outside = ~np.isfinite(now.value)
    if outside.any():
        # Of a link such as identity for counts: what is guessed may have a mean below 0 in some rows.
        x[:, outside] = 0.0 if inside is None else inside[:, None]
        out, now = x.copy(), _evaluate(problem, x)
    for step in range(_STEPS):
        safe = None if problem.design.record.log_concave else now.safe
        factored = factor(problem.design, current.scales, now.W, problem.precision, safe)
        direction, decrement = _direction(current, now, factored)
        done = ~(decrement > tolerance) | (step == _STEPS - 1) | ~np.isfinite(now.value)
        if done.any():
            full = np.where(np.isfinite(decrement) & (decrement < 1.0), 1.0, 0.0)
            out[:, active[done]] = (x + full * direction)[:, done]
            value[active[done]] = (now.value + full * decrement)[done]
            converged[active[done]] = decrement[done] <= tolerance
            held.append((active[done], _part(factored, done)))
        if done.all():
            break
        left = np.flatnonzero(~done)
        if len(left) < len(active):
            active, x, direction, current = active[left], x[:, left], direction[:, left], current.take(left)
            now = _Point(now.value[left], now.first[..., left], now.border[:, left], now.W[:, left], now.safe[:, left])
        x, now = _searched(current, x, direction, now)
    return Modes(out, np.where(np.isnan(value), -np.inf, value), _joined(held, S), converged)


def _searched(problem: Problem, x: np.ndarray, direction: np.ndarray, now: _Point) -> tuple[np.ndarray, _Point]:
    """Return the next points: full steps, shorter ones where l would fall."""
    trial = x + direction
    found = _evaluate(problem, trial)
    floor = now.value - 1e-10 * (1.0 + np.abs(now.value))
    bad = np.flatnonzero(~(found.value >= floor))
    if bad.size:
        part = problem.take(bad)
        length = _shortened(part, x[:, bad], direction[:, bad], floor[bad])
        trial[:, bad] = x[:, bad] + length * direction[:, bad]
        again = _evaluate(part, trial[:, bad])
        for target, value in zip(found, again, strict=True):
            target[..., bad] = value
    return trial, found


def _shortened(problem: Problem, x: np.ndarray, direction: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Return lengths (S,), halved until l is at least floor; eta moves on a line, so a look at l is cheap."""
    begin, end = eta_of(problem, x), eta_of(problem, x + direction)
    length, left = np.full(x.shape[1], 0.5), np.arange(x.shape[1])
    for _ in range(_HALVINGS):
        part = problem.take(left)
        eta = begin[:, left] + length[left] * (end - begin)[:, left]
        kernel = part.design.record.kernel(part.design.y, part.design.trials, eta, part.aux)
        value = _summed(part.design, kernel) + _log_prior(part, x[:, left] + length[left] * direction[:, left])
        left = left[~(value >= floor[left])]
        if not left.size:
            break
        length[left] *= 0.5
    return length


def _evaluate(problem: Problem, x: np.ndarray) -> _Point:
    design, record = problem.design, problem.design.record
    eta = eta_of(problem, x)
    slopes = record.slopes(design.y, design.trials, eta, problem.aux)
    # A record may answer with a view of few numbers, and these arrays are written to.
    W, g = _writable(slopes.information), _writable(slopes.first)
    safe = np.zeros((0, x.shape[1]))
    if not record.log_concave:
        safe = np.where(W > 0, W, record.expected(design.y, design.trials, eta, problem.aux))
    value = _summed(design, slopes.value) + _log_prior(problem, x)
    if design.weights is not None:
        g, W = g * design.weights[:, None], W * design.weights[:, None]
        safe = safe * design.weights[:, None] if len(safe) else safe
    first, rest, beta = parts(design, x)
    S = x.shape[1]
    g_first = np.zeros((0, 0, S))
    if design.J:
        g_first = scale_first_back(problem.scales, (design.first.T @ g).reshape(design.J, design.k, S)) - first
    g_border = np.empty((design.m, S))
    if design.r:
        g_border[: design.r] = scale_rest(design, problem.scales, (design.rest.T @ g).T, back=True).T - rest
    if design.p:
        g_border[design.r :] = inner(design.X.T, g) - problem.precision @ beta + problem.linear[:, None]
    return _Point(value, g_first, g_border, W, safe)


def _writable(a: np.ndarray) -> np.ndarray:
    return a if a.flags.writeable and a.flags.c_contiguous else np.array(a)


def _summed(design: LatentDesign, kernel: np.ndarray) -> np.ndarray:
    return weighted_sum(design.weights, kernel)


def _log_prior(problem: Problem, x: np.ndarray) -> np.ndarray:
    first, rest, beta = parts(problem.design, x)
    square = (first * first).sum(axis=(0, 1)) + (rest * rest).sum(axis=0)
    square = square + (beta * (problem.precision @ beta - 2.0 * problem.linear[:, None])).sum(axis=0)
    return -0.5 * (square + problem.constant)


def _direction(problem: Problem, now: _Point, factored: Factored) -> tuple[np.ndarray, np.ndarray]:
    """Return the Newton step (D, S) and 1/2 g'H^-1 g (S,)."""
    design = problem.design
    S, J, k = now.W.shape[1], design.J, design.k
    t = np.zeros_like(now.first)
    for c, line in enumerate(factored.inverse):
        for d, entry in enumerate(line):
            if entry is not None:
                t[:, c] += entry * now.first[:, d]
    flat = t.reshape(J * k, S).T
    rhs = now.border.T
    if J and design.m:
        rhs = rhs - np.einsum("sjm,sj->sm", factored.V, flat)
    half = np.matmul(factored.root, rhs[:, :, None])[:, :, 0]
    border = np.matmul(half[:, None, :], factored.root)[:, 0]
    decrement = 0.5 * ((flat * flat).sum(axis=1) + (half * half).sum(axis=1))
    if J and design.m:
        flat = flat - np.einsum("sjm,sm->sj", factored.V, border)
    first = factored.back(np.ascontiguousarray(flat.T).reshape(J, k, S)) if J else t
    return np.concatenate([first.reshape(J * k, S), border.T]), decrement


def _part(factored: Factored, rows: np.ndarray) -> Factored:
    inverse = [[None if e is None else e[:, rows] for e in line] for line in factored.inverse]
    return Factored(inverse, factored.V[rows], factored.root[rows], factored.log_det[rows])


def _joined(held: list[tuple[np.ndarray, Factored]], S: int) -> Factored:
    """Return the factored Hessians of all members in their own order."""
    if len(held) == 1 and np.array_equal(held[0][0], np.arange(S)):
        return held[0][1]
    order = np.argsort(np.concatenate([rows for rows, _ in held]), kind="stable")
    all_of = [f for _, f in held]
    inverse: Entries = []
    for c, line in enumerate(all_of[0].inverse):
        columns = [[f.inverse[c][d] for f in all_of] for d in range(len(line))]
        inverse.append([np.concatenate([e for e in same if e is not None], axis=1)[:, order] for same in columns])
    V, root = (np.concatenate(part)[order] for part in ([f.V for f in all_of], [f.root for f in all_of]))
    return Factored(inverse, V, root, np.concatenate([f.log_det for f in all_of])[order])
