"""Separation: whether a direction of beta exists along which the likelihood never falls (Albert and Anderson 1984).

For a link that only approaches 0 (and 1), a response at the end of its range pulls eta one way without end: y = 0 down,
y = N up; any other holds it. A direction d with s_i x_i'd >= 0 in all rows, not 0 in all, is found by linear
programming (Konis 2007, section 4.2).
"""

from __future__ import annotations

import numpy as np

from ..design.design import Design
from .families import ResponseFamily

# More rows than this are not looked at one by one.
_MOST = 40_000
# and so many are asked first.
_FEW = 500
_TINY = 1e-6
_LINKS = ("logit", "probit", "cloglog", "cauchit", "log")
_EVENTS = ("bernoulli", "binomial")
_COUNTS = ("poisson", "negative_binomial", "zero_inflated_poisson", "zero_inflated_negative_binomial")


def separated(record: ResponseFamily, design: Design) -> tuple[str, ...]:
    """Return the names of the coefficients that the data alone do not bound, of common effects only."""
    if record.link not in _LINKS or record.name not in (*_EVENTS, *_COUNTS):
        return ()
    y, p = design.y, design.X.shape[1]
    # With the link log a probability of 1 stands at eta = 0, not at its end.
    top = np.inf if record.name in _COUNTS or record.link == "log" else 1.0 if design.trials is None else design.trials
    sign = np.where(y <= 0, -1.0, np.where(y >= top, 1.0, 0.0))
    scale = np.sqrt(np.mean(design.X**2, axis=0))
    X = design.X / np.where(scale > 0, scale, 1.0)
    rows = np.unique(np.column_stack([X, sign]), axis=0)
    if not p or len(rows) > _MOST:
        return ()
    if len(rows) > 2 * _FEW:
        # What separates all rows separates some of them: where those leave no direction, there is none.
        some = rows[:: len(rows) // _FEW]
        if np.linalg.matrix_rank(some[:, :p]) == p and _direction(some) is None:
            return ()
    found = _direction(rows)
    if found is None:
        return ()
    return tuple(name for name, d in zip(design.column_names, found, strict=True) if abs(d) > _TINY)


def unbounded(record: ResponseFamily, design: Design) -> tuple[str, ...]:
    """Return a sentence on the coefficients that the data alone do not bound, none where they bound them all."""
    names = separated(record, design)
    if not names:
        return ()
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return (
        f"The data alone do not bound {shown}: a combination of the predictors separates the responses. "
        "How large the coefficients are is what their priors say.",
    )


def _direction(rows: np.ndarray) -> np.ndarray | None:
    """Return a direction (p,) that no row resists and some follow, None where there is none; rows: X, then the pull."""
    from scipy.optimize import linprog

    p = rows.shape[1] - 1
    pulled, held = rows[rows[:, p] != 0], rows[rows[:, p] == 0]
    if not len(pulled):
        return None
    A = pulled[:, :p] * pulled[:, p:]
    found = linprog(
        -A.sum(axis=0),
        A_ub=-A,
        b_ub=np.zeros(len(A)),
        A_eq=held[:, :p] if len(held) else None,
        b_eq=np.zeros(len(held)) if len(held) else None,
        bounds=(-1.0, 1.0),
    )
    if found.status != 0 or found.fun is None or found.x is None or -found.fun < _TINY:
        return None
    direction: np.ndarray = found.x
    return direction
