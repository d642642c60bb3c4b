"""PriorTerm: one parameter of a model of one's own, from its unconstrained numbers to its value and log density.

A parameter with a location-scale prior whose scale is a parameter is non-centred: z is standard, value = m + s z. Each
element (each row, for MultivariateNormal) is a unit that may be centred instead, z = value, which changes the
coordinates and not the density of the value.

Where the prior's scale is a number z counts in it, from the prior's location: value = m + s z, or value = s exp z for a
positive one; so engines begin where the prior is, whatever the units of the data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..errors import EngineError
from ..objects.distribution import Distribution
from ..objects.multivariate import MultivariateNormal
from ..objects.parameter import Parameter
from ..objects.transform import Positive, Real, flattened, unflattened
from ..objects.value import Value, tensor, values_in_effect
from .density import Slot

_LOG_2PI = math.log(2.0 * math.pi)
# A unit is centred when the data leave less than this share of its prior variance.
_STRONG = 0.5


@dataclass(frozen=True, eq=False)
class PriorTerm:
    """A parameter with the prior that is in effect, where its numbers lie in z, and the first of its units."""

    parameter: Parameter
    prior: Distribution
    slot: Slot
    first_unit: int

    @cached_property
    def hierarchical(self) -> bool:
        """Whether the scale of the prior is a parameter, so that the units may be centred or not."""
        if not isinstance(self.parameter.bijection, Real):
            return False
        if isinstance(self.prior, MultivariateNormal):
            keys: tuple[str, ...] = ("sd", "cor", "cov")
        else:
            keys = (self.prior.location_scale or ("", ""))[1:]
        return any(isinstance(self.prior.arguments.get(key), Value) for key in keys)

    @property
    def unit_shape(self) -> tuple[int, ...]:
        """The shape of the units: of the elements, or of the rows."""
        return self.slot.shape[: len(self.slot.shape) - self.prior.event_rank]

    @property
    def n_units(self) -> int:
        """Number of units; 0 unless hierarchical."""
        return math.prod(self.unit_shape) if self.hierarchical else 0

    def constants(self) -> dict[str, np.ndarray]:
        """Return the prior's arguments that are plain numbers, by the name of the input that holds them."""
        return {
            self._key(key): _trimmed(np.asarray(value, float), self._rank(key))
            for key, value in self.prior.arguments.items()
            if not isinstance(value, Value)
        }

    def _key(self, argument: str) -> str:
        return f"prior {argument} of {self.slot.name}"

    def _rank(self, argument: str) -> int:
        return len(self.slot.shape) - self.prior.event_rank + self.prior.argument_ranks.get(argument, 0)

    def current_prior(self, inputs: Mapping[str, Any]) -> Distribution:
        """Return the prior with the values in effect in the place of parameters, a batch in front."""
        given = {
            key: value if isinstance(value, Value) else inputs[self._key(key)]
            for key, value in self.prior.arguments.items()
        }
        return self.prior.with_arguments(given).resolved(len(self.slot.shape))

    def at(self, z: Any, inputs: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the value before its transform (..., *shape) and its log density with the Jacobian (...), at z."""
        tf = load()
        prior, shape = self.current_prior(inputs), self.slot.shape
        if not self.hierarchical:
            bijection = self.parameter.bijection
            location, scale = self._measure(prior)
            raw = location + scale * z
            value = bijection.forward(raw, shape)
            density = self._summed(prior.log_density(value), z)
            return value, density + bijection.log_det(raw, shape) + tf.reduce_sum(tf.math.log(scale), axis=-1)
        raw, centred = unflattened(z, shape), self._centred(inputs)
        if isinstance(prior, MultivariateNormal):
            rows = centred[..., None] > 0.5
            u = tf.where(rows, prior.whiten(raw), raw)
            value = tf.where(rows, raw, prior.colour(u))
            standard = -0.5 * tf.reduce_sum(u * u, axis=-1) - 0.5 * shape[-1] * _LOG_2PI
            return value, self._summed(standard - centred * prior.log_volume(shape[-1]), z)
        location, scale = self._location_scale(prior)
        u = tf.where(centred > 0.5, (raw - location) / scale, raw)
        value = tf.where(centred > 0.5, raw, location + scale * u)
        return value, self._summed(self._standard(prior).log_density(u) - centred * tf.math.log(scale), z)

    def back(self, value: Any, inputs: Mapping[str, Any]) -> Any:
        """Return z of a value before its transform (..., *shape): the inverse of `at`."""
        tf = load()
        shape = self.slot.shape
        if not self.hierarchical:
            location, scale = self._measure(self.current_prior(inputs))
            return (self.parameter.bijection.inverse(value, shape) - location) / scale
        prior, centred = self.current_prior(inputs), self._centred(inputs)
        if isinstance(prior, MultivariateNormal):
            return flattened(tf.where(centred[..., None] > 0.5, value, prior.whiten(value)), shape)
        location, scale = self._location_scale(prior)
        return flattened(tf.where(centred > 0.5, value, (value - location) / scale), shape)

    def log_prob(self, value: Any, inputs: Mapping[str, Any]) -> Any:
        """Return the log density of a value before its transform, without a Jacobian, shape (...)."""
        return self._summed(self.current_prior(inputs).log_prob(value), flattened(value, self.slot.shape))

    def strong(self, latent: np.ndarray, values: Mapping[Any, Any], inputs: Mapping[str, Any]) -> np.ndarray:
        """Return 1 for each unit (units,) whose variance over draws (S, *shape) is below half of its prior's."""
        with values_in_effect(values):
            prior = self.current_prior(inputs)
        left = latent.var(axis=0)
        if isinstance(prior, MultivariateNormal):
            square = np.asarray(prior.variance() if "cov" in prior.arguments else prior.scale() ** 2)
        else:
            square = np.asarray(self._location_scale(prior)[1]) ** 2
        before = np.broadcast_to(square, np.broadcast_shapes(square.shape, latent.shape)).mean(axis=0)
        share = left / before
        if self.prior.event_rank:
            share = share.mean(axis=-1)
        return (share < _STRONG).astype(float).reshape(-1)

    def _measure(self, prior: Distribution) -> tuple[Any, Any]:
        """Return m and s, (D,) each, with which z is (the bijection's own numbers - m) / s: 0 and 1 by default."""
        tf = load()
        size, shape = self.slot.stop - self.slot.start, self.slot.shape
        zero, one = tf.zeros([size], tf.float64), tf.ones([size], tf.float64)

        def number(key: str) -> Any:
            return flattened(tf.broadcast_to(tensor(prior.of(key)), shape), shape)

        def fixed(*keys: str) -> bool:
            return not any(isinstance(self.prior.arguments.get(key), Value) for key in keys)

        bijection, line = self.parameter.bijection, prior.location_scale
        if isinstance(bijection, Real) and line is not None and fixed(*line):
            return number(line[0]), number(line[1])
        width = next((key for key in ("sd", "scale") if key in self.prior.arguments), "")
        if isinstance(bijection, Positive) and prior.name.startswith("Half") and fixed(width):
            return tf.math.log(number(width)), one
        return zero, one

    def _location_scale(self, prior: Distribution) -> tuple[Any, Any]:
        assert prior.location_scale is not None
        return tensor(prior.of(prior.location_scale[0])), tensor(prior.of(prior.location_scale[1]))

    def _standard(self, prior: Distribution) -> Distribution:
        assert prior.location_scale is not None
        location, scale = prior.location_scale
        return prior.with_arguments({**prior.arguments, location: np.asarray(0.0), scale: np.asarray(1.0)})

    def _centred(self, inputs: Mapping[str, Any]) -> Any:
        part = inputs["centring"][self.first_unit : self.first_unit + self.n_units]
        return load().reshape(part, self.unit_shape)

    def _summed(self, density: Any, z: Any) -> Any:
        """Return a density (..., *units) summed over the units, with the batch of z (..., D)."""
        tf = load()
        rank = len(self.unit_shape)
        batch = len(z.shape) - 1
        if len(density.shape) < batch + rank:
            # Flat and the like know nothing of the batch.
            density = density + tf.zeros_like(unflattened(z[..., :1], (1,) * rank) if rank else z[..., 0])
        return tf.reduce_sum(density, axis=list(range(batch, batch + rank))) if rank else density

    def latent(self, value: Any) -> Any:
        """Return what the prior speaks of from the value after the transform; EngineError without an inverse."""
        if self.parameter.transform is None:
            return value
        if self.parameter.inverse_transform is None:
            raise EngineError(
                f"The transform of {self.slot.name} has no inverse, so its value cannot be traced back.",
                hint="Give a pair: transform=(function, inverse).",
            )
        return tensor(self.parameter.inverse_transform(value))


def _trimmed(array: np.ndarray, rank: int) -> np.ndarray:
    """Return an array without the axes of length 1 in front that it has more than rank."""
    return array.reshape(array.shape[max(0, array.ndim - rank) :])
