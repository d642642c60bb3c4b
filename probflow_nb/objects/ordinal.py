"""Ordinal: one of K ordered categories, by where a latent number falls between K - 1 cutpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..backend.tensorflow import load
from .discrete import Discrete
from .distribution import Number, one_of
from .value import tensor

_LEAST = 1e-300


class Ordinal(Discrete):
    """Ordinal(logit=, cut=): P(y <= k) = F(cut_k - eta), k = 1 ... K - 1, of the categories 1, 2, ..., K.

    F is the logistic function of eta given as logit=, the normal one of probit=, 1 - exp(-exp x) of cloglog=. cut has
    its K - 1 increasing cutpoints along its last axis.
    """

    support = "category"
    argument_ranks: ClassVar[Mapping[str, int]] = {"cut": 1}

    def __init__(
        self,
        *,
        logit: Number | None = None,
        probit: Number | None = None,
        cloglog: Number | None = None,
        cut: Number | None = None,
    ) -> None:
        given = one_of("Ordinal", {"logit": logit, "probit": probit, "cloglog": cloglog})
        super().__init__(**given, **one_of("Ordinal", {"cut": cut}))

    @property
    def n_categories(self) -> int:
        """K."""
        return int(self.arguments["cut"].shape[-1]) + 1

    @property
    def inner(self) -> float:
        """A number in the support."""
        return 1.0

    def contains(self, x: Any) -> Any:
        """Return whether x is 1, 2, ... or K."""
        return (x >= 1.0) & (x == load().floor(x)) & (x <= float(self.n_categories))

    def _below(self) -> Any:
        """Return P(y <= k) for k = 0, ..., K along a last axis."""
        tf = load()
        link = next(key for key in self.arguments if key != "cut")
        x = tensor(self.of("cut")) - tensor(self.of(link))[..., None]
        if link == "logit":
            found = tf.sigmoid(x)
        elif link == "probit":
            found = 0.5 * tf.math.erfc(-x / np.sqrt(2.0))
        else:
            found = -tf.math.expm1(-tf.exp(x))
        return tf.concat([tf.zeros_like(found[..., :1]), found, tf.ones_like(found[..., :1])], axis=-1)

    def _p(self) -> Any:
        below = self._below()
        return below[..., 1:] - below[..., :-1]

    def log_density(self, x: Any) -> Any:
        """Return log P(x)."""
        tf = load()
        chosen = tf.one_hot(tf.cast(x, tf.int32) - 1, self.n_categories, dtype=tf.float64)
        return tf.math.log(tf.maximum(tf.reduce_sum(self._p() * chosen, axis=-1), _LEAST))

    def mean(self) -> Any:
        """Return the mean of the category's number."""
        return load().reduce_sum(self._p() * self._numbers, axis=-1)

    def variance(self) -> Any:
        """Return the variance of the category's number."""
        return load().reduce_sum(self._p() * self._numbers**2, axis=-1) - self.mean() ** 2

    @property
    def _numbers(self) -> np.ndarray:
        return np.arange(1.0, self.n_categories + 1.0)

    def cdf(self, value: Any) -> np.ndarray:
        """Return P(category <= value)."""
        k = np.clip(np.floor(np.asarray(value, dtype=np.float64)), 0, self.n_categories).astype(int)
        below = np.asarray(self._below())
        shape = np.broadcast_shapes(k.shape, below.shape[:-1])
        below = np.broadcast_to(below, (*shape, below.shape[-1]))
        return np.take_along_axis(below, np.broadcast_to(k, shape)[..., None], axis=-1)[..., 0]

    def quantile(self, p: Any) -> np.ndarray:
        """Return the smallest category whose P(category <= it) is at least p."""
        below = np.asarray(self._below())[..., 1:]
        return 1.0 + np.argmax(below >= np.asarray(p, dtype=np.float64)[..., None], axis=-1)

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Return draws of a whole shape."""
        return self.quantile(rng.random(size))
