"""Densities whose truth is known, for tests of the sampler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from probflow_nb.model.density import Slot


@dataclass(frozen=True, eq=False)
class Simple:
    """A density of one parameter "x" (D,) with no data; `centrings` and rows as subclasses want."""

    size: int
    n_rows: int = 1
    effects: tuple[Any, ...] = ()
    centrings: tuple[str, ...] = ()

    @property
    def density(self) -> Simple:
        return self

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (Slot("x", (self.size,), 0, self.size),)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"x[{i}]" for i in range(self.size))

    def inputs(self, centring: np.ndarray | None = None) -> dict[str, Any]:
        return {}

    def log_lik(self, z: Any, inputs: Any, rows: Any = None) -> Any:
        return tf.zeros_like(z[..., 0])

    def constrain(self, z: Any, inputs: Any) -> dict[str, Any]:
        return {"x": z}

    def unconstrain(self, values: Any, inputs: Any) -> Any:
        return tf.convert_to_tensor(values["x"])

    def centring(self, values: Any) -> np.ndarray:
        return np.zeros(0)

    def scalars(self, values: Any) -> np.ndarray:
        return np.asarray(values["x"])


class StandardNormal(Simple):
    def log_prior(self, z: Any, inputs: Any) -> Any:
        return -0.5 * tf.reduce_sum(z * z, axis=-1)


@dataclass(frozen=True, eq=False)
class Correlated(Simple):
    """Normal with covariance S."""

    covariance: np.ndarray = None  # type: ignore[assignment]

    def log_prior(self, z: Any, inputs: Any) -> Any:
        precision = tf.constant(np.linalg.inv(self.covariance))
        return -0.5 * tf.reduce_sum(z * tf.linalg.matmul(z, precision), axis=-1)


class Heavy(Simple):
    """Student's t with 3 degrees of freedom, independent."""

    def log_prior(self, z: Any, inputs: Any) -> Any:
        return -2.0 * tf.reduce_sum(tf.math.log1p(z * z / 3.0), axis=-1)


@dataclass(frozen=True, eq=False)
class Funnel(Simple):
    """v ~ Normal(0, 3), x_i ~ Normal(0, exp(v / 2)); units x_i centred or not, as the inputs say. `strong`: says so."""

    strong: bool = False

    def inputs(self, centring: np.ndarray | None = None) -> dict[str, Any]:
        c = np.zeros(self.size - 1) if centring is None or not len(centring) else centring
        return {"c": tf.constant(np.asarray(c, float))}

    def log_prior(self, z: Any, inputs: Any) -> Any:
        v, rest = z[..., :1], z[..., 1:]
        width = tf.where(inputs["c"] > 0.5, tf.exp(0.5 * v), 1.0)
        inner = -0.5 * (rest / width) ** 2 - tf.math.log(width)
        return -0.5 * tf.reduce_sum((v / 3.0) ** 2, axis=-1) + tf.reduce_sum(inner, axis=-1)

    def constrain(self, z: Any, inputs: Any) -> dict[str, Any]:
        v, rest = z[..., :1], z[..., 1:]
        return {"x": tf.concat([v, rest * tf.where(inputs["c"] > 0.5, 1.0, tf.exp(0.5 * v))], axis=-1)}

    def unconstrain(self, values: Any, inputs: Any) -> Any:
        x = tf.convert_to_tensor(values["x"])
        v, rest = x[..., :1], x[..., 1:]
        return tf.concat([v, rest / tf.where(inputs["c"] > 0.5, 1.0, tf.exp(0.5 * v))], axis=-1)

    def centring(self, values: Any) -> np.ndarray:
        return np.full(self.size - 1, float(self.strong))


class Nowhere(Simple):
    """Finite nowhere: the second of three rows has no density."""

    def log_prior(self, z: Any, inputs: Any) -> Any:
        return -0.5 * tf.reduce_sum(z * z, axis=-1)

    def log_lik(self, z: Any, inputs: Any, rows: Any = None) -> Any:
        each = tf.constant([0.0, -np.inf, 0.0], tf.float64)
        return tf.reduce_sum(each if rows is None else tf.gather(each, rows)) + 0.0 * z[..., 0]
