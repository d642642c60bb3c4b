"""Bernoulli and binomial: y of N trials, each with probability p = link^-1(eta).

p(y) = C(N, y) p^y (1 - p)^(N - y),  E y = N p,  Var y = N p (1 - p);  N = 1 for Bernoulli
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend.tensorflow import load
from .auxiliary import Auxiliary
from .probability import inside, link_of, logs, probability, softplus_and_p, tensor_logs
from .record import Aux, Fault, Slopes, whole


@dataclass(frozen=True)
class Binomial:
    """Counts out of trials; name "bernoulli" for a response of 0 and 1."""

    name: str = "binomial"
    link: str = "logit"
    auxiliary: tuple[Auxiliary, ...] = ()

    @property
    def log_concave(self) -> bool:
        """Whether log p and log (1 - p) are concave in eta: for every link but cauchit."""
        return self.link != "cauchit"

    def fault(self, y: np.ndarray, trials: np.ndarray | None) -> Fault | None:
        """Return what is wrong with counts (n,) and trials (n,), or None."""
        n = _trials(trials)
        if trials is None:
            bad = (y != 0) & (y != 1)
            hint = "Write successes / trials for counts." if self.name == "binomial" else "Code it as 0 and 1."
            if bad.any():
                return Fault("The response of a Bernoulli family must be 0 or 1", hint, bad)
        for bad, message, hint in (
            (~whole(n) | (n < 1), "Trials must be whole numbers of at least 1", "Leave out rows without a trial."),
            (y < 0, "Counts must be at least 0", "Correct them, or leave their rows out."),
            (~whole(y), "Counts must be whole numbers", "Write successes / trials, not a proportion."),
            (y > n, "Counts cannot be above their trials", "Write successes / trials, in this order."),
        ):
            mask = np.broadcast_to(bad, y.shape)
            if mask.any():
                return Fault(message, hint, mask)
        if (y == 0).all() or (y == n).all():
            what = "0" if (y == 0).all() else "1" if trials is None else "the number of trials"
            return Fault(f"The response is {what} in every row, so nothing can be learned from it", "", None)
        return None

    def start(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return the link of (y + 1/2) / (N + 1)."""
        return link_of(self.link, (y + 0.5) / (_trials(trials) + 1.0))

    def constant(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return log C(N, y)."""
        from scipy.special import gammaln

        if trials is None:
            return np.zeros_like(y, float)
        value: np.ndarray = gammaln(trials + 1.0) - gammaln(y + 1.0) - gammaln(trials - y + 1.0)
        return value

    def kernel(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return y log p + (N - y) log(1 - p)."""
        if self.link == "logit":
            # In place: this is where a quadrature spends its time.
            soft = np.abs(eta)
            np.negative(soft, out=soft)
            np.exp(soft, out=soft)
            soft += 1.0
            np.log(soft, out=soft)
            soft += np.maximum(eta, 0.0)
            if trials is not None:
                soft = trials * soft
            return y * eta - soft
        found = logs(self.link, eta)
        return self._within(eta, y * found.log_p + (_trials(trials) - y) * found.log_q)

    def slopes(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> Slopes:
        """Return the kernel with its derivatives by eta."""
        if self.link == "logit":
            soft, p = softplus_and_p(eta)
            if trials is None:
                return Slopes(y * eta - soft, y - p, p * (1.0 - p))
            mean = trials * p
            return Slopes(y * eta - trials * soft, y - mean, mean * (1.0 - p))
        found, rest = logs(self.link, eta), _trials(trials) - y
        return Slopes(
            self._within(eta, y * found.log_p + rest * found.log_q),
            y * found.first_p + rest * found.first_q,
            -(y * found.second_p + rest * found.second_q),
        )

    def tensor(self, y: Any, trials: Any, eta: Any, aux: tuple[Any, ...] = ()) -> Any:
        """Return the whole log density of tensors."""
        tf = load()
        log_p, log_q = tensor_logs(self.link, eta)
        if trials is None:
            value = y * log_p + (1.0 - y) * log_q
        else:
            choose = tf.math.lgamma(trials + 1.0) - tf.math.lgamma(y + 1.0) - tf.math.lgamma(trials - y + 1.0)
            value = choose + y * log_p + (trials - y) * log_q
        within = inside(self.link, eta)
        return value if within is None else tf.where(within, value, tf.constant(-np.inf, value.dtype))

    def expected(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return N (dp / d eta)^2 / (p (1 - p))."""
        found = logs(self.link, eta)
        # p q times the squares of d log p - d log q, which is (dp / d eta) / (p q).
        both = np.exp(found.log_p + found.log_q) * (found.first_p - found.first_q) ** 2
        return np.maximum(_trials(trials) * both, 1e-300)

    def mean(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return N p."""
        return _trials(trials) * probability(self.link, eta)

    def variance(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return N p (1 - p)."""
        if self.link in ("log", "identity"):
            p = probability(self.link, eta)
            return _trials(trials) * p * (1.0 - p)
        found = logs(self.link, eta)
        return _trials(trials) * np.exp(found.log_p + found.log_q)

    def deviance(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return 2 (y log(y / (N p)) + (N - y) log((N - y) / (N q)))."""
        from scipy.special import xlogy

        n = _trials(trials)
        best = xlogy(y, y / n) + xlogy(n - y, 1.0 - y / n)
        value: np.ndarray = 2.0 * (best - self.kernel(y, trials, eta))
        return value

    def sample(self, rng: np.random.Generator, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return counts."""
        p = np.clip(probability(self.link, eta), 0.0, 1.0)
        return rng.binomial(np.broadcast_to(_trials(trials), p.shape).astype(np.int64), p).astype(float)

    def _within(self, eta: np.ndarray, value: np.ndarray) -> np.ndarray:
        within = inside(self.link, eta)
        return value if within is None else np.where(within, value, -np.inf)


def _trials(trials: np.ndarray | None) -> np.ndarray:
    return np.ones(()) if trials is None else trials
