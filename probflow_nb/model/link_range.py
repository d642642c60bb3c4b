"""Link range: the linear predictors that a link can take, and rows whose density does not vanish at their end.

Poisson(mu = eta) needs eta > 0. A count above 0 keeps eta away from 0, since its density vanishes there; a count of 0
does not: there the density is at its highest, and beyond it there is none. Such a posterior ends at a wall.
"""

from __future__ import annotations

import math

import numpy as np

from ..design.design import Design
from .families import ResponseFamily

_EVENTS = ("bernoulli", "binomial")
_POSITIVE = ("poisson", "negative_binomial", "zero_inflated_poisson", "zero_inflated_negative_binomial", "gamma")
# Nearer to the end by a factor of a million, the log density of a row that vanishes there falls by 13 and more.
_NEAR, _NEARER, _FALL = 1e-6, 1e-12, 5.0
# Of the range's width: no starting point is nearer to its end.
_MARGIN = 0.02


def link_range(record: ResponseFamily) -> tuple[float, float]:
    """Return the ends of the linear predictors eta that a family with its link allows."""
    if record.name in _EVENTS:
        return {"log": (-math.inf, 0.0), "identity": (0.0, 1.0)}.get(record.link, (-math.inf, math.inf))
    bounded = record.name in _POSITIVE and record.link in ("identity", "sqrt", "inverse")
    return (0.0 if bounded else -math.inf), math.inf


def at_wall(record: ResponseFamily, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
    """Return which rows (n,) have a density that does not vanish where their link's range ends."""
    aux = tuple(np.array([one.start]) for one in record.auxiliary)
    found = np.zeros(len(y), bool)
    counts = None if trials is None else trials[:, None]
    for end, inward in zip(link_range(record), (1.0, -1.0), strict=True):
        if math.isfinite(end):
            near, nearer = (
                record.kernel(y[:, None], counts, np.full((len(y), 1), end + inward * away), aux)[:, 0]
                for away in (_NEAR, _NEARER)
            )
            found |= nearer > near - _FALL
    return found


def walled(record: ResponseFamily, design: Design) -> str:
    """Return why a Gaussian cannot approximate the effects, in words that follow "because"; "" where it may."""
    if not bounded(record):
        return ""
    rows = int(at_wall(record, design.y, design.trials).sum())
    if not rows:
        return ""
    what = "1 response is" if rows == 1 else f"{rows:,} responses are"
    return f"{what} as likely as can be where the range of the link {record.link} ends"


def bounded(record: ResponseFamily) -> bool:
    """Return whether the link takes only some linear predictors."""
    return any(math.isfinite(end) for end in link_range(record))


def unbounded_links(record: ResponseFamily) -> str:
    """Return the links of such a response that take every linear predictor, for a hint."""
    return "logit, probit or cloglog" if record.name in _EVENTS else "log"


def feasible(record: ResponseFamily, design: Design) -> np.ndarray:
    """Return coefficients (p,) of X at which eta is inside of the link's range in every row where there are such.

    They are those of the eta of the mean response, the same in every row: the intercept alone, where there is one.
    """
    low, high = link_range(record)
    trials = design.trials
    mean = np.full(len(design.y), design.y.sum() / (len(design.y) if trials is None else trials.sum()))
    whole = mean if trials is None else mean * trials
    eta = np.full(len(mean), float(np.median(record.start(whole, trials))))
    width = high - low if math.isfinite(high - low) else 1.0
    eta = np.clip(eta, low + _MARGIN * width, high - _MARGIN * width)
    wanted = eta if design.offset is None else eta - design.offset
    found: np.ndarray = np.linalg.lstsq(design.X, wanted, rcond=None)[0]
    return found
