"""One truth case a family: what scipy, or a formula written out, says of it; records are held to these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import ndtr

INVERSE: dict[str, Callable[[Any], Any]] = {
    "logit": lambda eta: 1 / (1 + np.exp(-eta)),
    "probit": ndtr,
    "cloglog": lambda eta: -np.expm1(-np.exp(eta)),
    "cauchit": lambda eta: 0.5 + np.arctan(eta) / np.pi,
    "log": np.exp,
    "sqrt": np.square,
    "inverse": lambda eta: 1 / eta,
    "identity": lambda eta: eta,
}


@dataclass(frozen=True)
class Truth:
    """What is true of a family.

    known: its distribution as scipy's of (link, eta, trials, values of further parameters).
    aux: values of further parameters to try, one tuple a try. values: a response (n,) of these quantiles in (0, 1).
    support: every value of a response that counts, for sums over them; None for a continuous one.
    between: for a link, the range of eta that is tried. trials: whether there are. levels: of ordered categories.
    """

    known: Callable[[str, Any, Any, tuple[float, ...]], Any]
    values: Callable[[np.ndarray], np.ndarray]
    aux: tuple[tuple[float, ...], ...] = ((),)
    support: np.ndarray | None = None
    between: dict[str, tuple[float, float]] = field(default_factory=dict)
    trials: bool = False
    levels: tuple[str, ...] = ()

    def rows(self, link: str, n: int = 40) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """Return a response (n,), trials (n,) or None, and eta (5, n) in the range of the link."""
        rng = np.random.default_rng(3)
        eta = rng.uniform(*self.range_of(link), (5, n))
        trials = rng.integers(1, 9, n).astype(float) if self.trials else None
        u = rng.uniform(0.02, 0.98, n)
        return np.floor(u * (trials + 1)) if trials is not None else self.values(u), trials, eta

    def range_of(self, link: str) -> tuple[float, float]:
        """Return the range of eta for a link."""
        return self.between.get(link, (0.3, 4.0) if link in ("sqrt", "identity", "inverse") else (-3.0, 2.2))

    def design(self) -> Any:
        """Return what a record may look at of a design."""
        y, trials, _ = self.rows("none")
        return SimpleNamespace(y=y, trials=trials, X=np.zeros((len(y), 0)), response_levels=self.levels)


@dataclass(frozen=True)
class Table:
    """A discrete distribution by its probabilities (m, ...) of the numbers from `first` on."""

    p: np.ndarray
    first: int = 0

    def logpmf(self, y: Any) -> np.ndarray:
        """Return log p(y)."""
        places = np.broadcast_to(np.asarray(y).astype(int) - self.first, self.p.shape[1:])
        return np.log(np.take_along_axis(self.p, places[None], axis=0)[0])

    def moment(self, power: int) -> np.ndarray:
        """Return E y^power."""
        return np.tensordot((self.first + np.arange(float(len(self.p)))) ** power, self.p, axes=1)

    def mean(self) -> np.ndarray:
        """Return E y."""
        return self.moment(1)

    def var(self) -> np.ndarray:
        """Return E y^2 - (E y)^2."""
        return self.moment(2) - self.moment(1) ** 2

    def std(self) -> np.ndarray:
        """Return the standard deviation."""
        return np.sqrt(self.var())


def _events(link: str, eta: Any, trials: Any, aux: tuple[float, ...]) -> Any:
    return stats.binom(1.0 if trials is None else trials, INVERSE[link](eta))


def _poisson(link: str, eta: Any, trials: Any, aux: tuple[float, ...]) -> Any:
    return stats.poisson(INVERSE[link](eta))


def _gamma(link: str, eta: Any, trials: Any, aux: tuple[float, ...]) -> Any:
    return stats.gamma(aux[0], scale=INVERSE[link](eta) / aux[0])


def _beta(link: str, eta: Any, trials: Any, aux: tuple[float, ...]) -> Any:
    mean = INVERSE[link](eta)
    return stats.beta(mean * aux[0], (1 - mean) * aux[0])


def _gaussian(link: str, eta: Any, trials: Any, aux: tuple[float, ...]) -> Any:
    return stats.norm(INVERSE[link](eta), aux[0])


def _student_t(link: str, eta: Any, trials: Any, aux: tuple[float, ...]) -> Any:
    return stats.t(aux[1], INVERSE[link](eta), aux[0])


def _log_normal(link: str, eta: Any, trials: Any, aux: tuple[float, ...]) -> Any:
    return stats.lognorm(aux[0], scale=np.exp(eta))


def _negative_binomial(link: str, eta: Any, trials: Any, aux: tuple[float, ...]) -> Any:
    return stats.nbinom(aux[0], aux[0] / (aux[0] + INVERSE[link](eta)))


def _inflated(counts: Any, zero: float) -> Table:
    p = (1 - zero) * counts.pmf(
        np.arange(900.0)[:, None, None] if counts.mean().ndim == 2 else np.arange(900.0)[:, None]
    )
    p[0] += zero
    return Table(p)


def _zero_inflated_poisson(link: str, eta: Any, trials: Any, aux: tuple[float, ...]) -> Any:
    return _inflated(_poisson(link, eta, trials, ()), aux[0])


def _zero_inflated_negative_binomial(link: str, eta: Any, trials: Any, aux: tuple[float, ...]) -> Any:
    return _inflated(_negative_binomial(link, eta, trials, aux), aux[1])


def _ordinal(link: str, eta: Any, trials: Any, aux: tuple[float, ...]) -> Any:
    above = {
        "logit": lambda x: INVERSE["logit"](-x),
        "probit": lambda x: ndtr(-x),
        "cloglog": lambda x: np.exp(-np.exp(x)),
    }
    none, all_of = np.zeros_like(eta), np.ones_like(eta)
    left = np.diff([none, *(INVERSE[link](cut - eta) for cut in aux), all_of], axis=0)
    right = -np.diff([all_of, *(above[link](cut - eta) for cut in aux), none], axis=0)
    # Of two differences the one of the smaller numbers keeps its digits.
    return Table(np.where(np.cumsum(left, axis=0) < 0.5, left, right), 1)


# What these links allow eta to be.
_PROBABILITY = {"identity": (0.05, 0.95), "log": (-3.0, -0.05)}


def _counts(u: np.ndarray) -> np.ndarray:
    return np.floor(13 * u * u)


TRUTH: dict[str, Truth] = {
    "bernoulli": Truth(_events, lambda u: np.floor(2 * u), ((),), np.arange(2.0), _PROBABILITY),
    "binomial": Truth(_events, lambda u: np.floor(9 * u), ((),), np.arange(6.0), _PROBABILITY, trials=True),
    "poisson": Truth(_poisson, lambda u: np.floor(13 * u), support=np.arange(80.0)),
    "gamma": Truth(_gamma, lambda u: stats.expon.ppf(u), ((2.5,), (0.4,), (60.0,))),
    # A mean nearer 1 puts much of the density where 1 - y has lost its digits.
    "beta": Truth(_beta, lambda u: u, ((4.0,), (2.5,), (150.0,)), None, {"probit": (-1.5, 1), "cloglog": (-2.5, 0.5)}),
    "gaussian": Truth(_gaussian, lambda u: 1.0 + stats.norm.ppf(u), ((0.7,), (3.0,))),
    "student_t": Truth(_student_t, lambda u: 1.0 + stats.t.ppf(u, 3), ((0.7, 4.5), (2.0, 90.0), (1.5, 5e4))),
    "log_normal": Truth(_log_normal, lambda u: np.exp(stats.norm.ppf(u)), ((0.6,), (1.3,))),
    "negative_binomial": Truth(_negative_binomial, _counts, ((1.5,), (0.8,), (70.0,), (3e4,)), np.arange(900.0)),
    "zero_inflated_poisson": Truth(_zero_inflated_poisson, _counts, ((0.3,), (0.9,), (0.01,)), np.arange(80.0)),
    "zero_inflated_negative_binomial": Truth(
        _zero_inflated_negative_binomial, _counts, ((1.5, 0.3), (0.8, 0.05), (60.0, 0.6)), np.arange(900.0)
    ),
    "ordinal": Truth(
        _ordinal,
        lambda u: 1 + np.floor(4 * u),
        ((-1.0, 0.3, 1.2), (-2.0, -1.9, 3.0), (-0.2, -0.19, 4.0)),
        np.arange(1.0, 5.0),
        dict.fromkeys(("logit", "probit", "cloglog"), (-2.0, 2.0)),
        levels=("none", "low", "mid", "high"),
    ),
}
"""Every family's truth case, by name."""
