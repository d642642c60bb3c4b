"""Cumulative: P(new y < y) and P(new y <= y) of every family, in closed form; the two differ where y is discrete."""

from __future__ import annotations

import numpy as np

from ..model.families import ResponseFamily

Ends = tuple[np.ndarray, np.ndarray]
_INFLATED = "zero_inflated_"


def cumulative(
    record: ResponseFamily, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: tuple[np.ndarray, ...]
) -> Ends:
    """Return P(Y < y) and P(Y <= y) given eta, both (s, m), for responses y (m,)."""
    if record.name.startswith(_INFLATED):
        return _inflated(record, y, trials, eta, aux)
    if record.name == "ordinal":
        p = record.probabilities(eta, aux)  # type: ignore[attr-defined]
        up_to = np.concatenate([np.zeros_like(p[..., :1]), np.cumsum(p, axis=-1)], axis=-1)
        place = np.broadcast_to(np.clip(y, 1, p.shape[-1]).astype(int), eta.shape)[..., None]
        low, high = (np.take_along_axis(up_to, place - back, axis=-1)[..., 0] for back in (1, 0))
        return low, high
    mean = record.mean(trials, eta, aux)
    of = {
        "bernoulli": _binomial,
        "binomial": _binomial,
        "poisson": _poisson,
        "negative_binomial": _negative_binomial,
    }.get(record.name)
    if of is not None:
        return of(y - 1.0, trials, mean, aux), of(y, trials, mean, aux)
    one = _continuous(record, y, mean, eta, aux)
    return one, one


def _inflated(
    record: ResponseFamily, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: tuple[np.ndarray, ...]
) -> Ends:
    """Return z + (1 - z) F(y) from 0 on, of the counts' own F."""
    z = aux[-1]
    low, high = cumulative(record.counts, y, trials, eta, aux[:-1])  # type: ignore[attr-defined]
    return np.where(y > 0, z + (1.0 - z) * low, 0.0), np.where(y >= 0, z + (1.0 - z) * high, 0.0)


def _binomial(y: np.ndarray, trials: np.ndarray | None, mean: np.ndarray, aux: tuple[np.ndarray, ...]) -> np.ndarray:
    from scipy.special import betaincc

    n = np.ones_like(y) if trials is None else trials
    p = np.clip(mean / np.where(n > 0, n, 1.0), 0.0, 1.0)
    inside = (y >= 0) & (y < n)
    # P(Y <= k) = 1 - I_p(k + 1, n - k)
    found = betaincc(np.where(inside, y + 1.0, 1.0), np.where(inside, n - y, 1.0), p)
    return np.where(inside, found, np.where(y < 0, 0.0, 1.0))


def _poisson(y: np.ndarray, trials: np.ndarray | None, mean: np.ndarray, aux: tuple[np.ndarray, ...]) -> np.ndarray:
    from scipy.special import pdtr

    return np.where(y < 0, 0.0, pdtr(np.maximum(y, 0.0), mean))


def _negative_binomial(
    y: np.ndarray, trials: np.ndarray | None, mean: np.ndarray, aux: tuple[np.ndarray, ...]
) -> np.ndarray:
    from scipy.special import betainc

    # Of the shape r: P(Y <= k) = I_q(r, k + 1), q = r / (r + mu)
    found = betainc(aux[0], np.maximum(y, 0.0) + 1.0, aux[0] / (aux[0] + mean))
    return np.where(y < 0, 0.0, found)


def _continuous(
    record: ResponseFamily, y: np.ndarray, mean: np.ndarray, eta: np.ndarray, aux: tuple[np.ndarray, ...]
) -> np.ndarray:
    from scipy import special

    if record.name == "gamma":
        found = special.gammainc(aux[0], aux[0] * y / mean)
    elif record.name == "beta":
        found = special.betainc(mean * aux[0], (1.0 - mean) * aux[0], y)
    elif record.name == "log_normal":
        found = special.ndtr((np.log(y) - eta) / aux[0])
    elif record.name == "student_t":
        found = special.stdtr(aux[1], (y - mean) / aux[0])
    else:
        assert record.name == "gaussian"
        found = special.ndtr((y - mean) / aux[0])
    return np.asarray(found)
