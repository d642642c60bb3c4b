"""Element priors: one distribution for each element of a vector, or for the intercept at the predictors' means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..errors import SpecError
from ..objects.distribution import Distribution
from ..objects.multivariate import MultivariateNormal
from ..objects.value import Value, tensor


class ElementPriors(Distribution):
    """Independent elements (p,), element i from the i-th distribution.

    shift: (p,) or None; with it the first element is not x[0] itself but x[0] + shift[1:] @ x[1:].
    """

    def __init__(self, parts: Sequence[Distribution], shift: np.ndarray | None = None) -> None:
        held = {f"{key} {i}": value for i, part in enumerate(parts) for key, value in part.arguments.items()}
        super().__init__(**held)
        self.parts = tuple(parts)
        self.shift = shift
        supports = {part.support for part in parts}
        if len(supports) > 1 and supports - {"any"}:
            supports -= {"any"}
        if len(supports) > 1:
            raise SpecError("The elements of one parameter have priors of different supports.")
        self.support = supports.pop()  # type: ignore[misc]

    @property
    def label(self) -> str:
        """The distinct distributions, as shown."""
        return ", ".join(dict.fromkeys(part.label for part in self.parts))

    @property
    def shape(self) -> tuple[int | None, ...]:
        """(p,)."""
        return (len(self.parts),)

    def _part(self, i: int) -> Distribution:
        part = self.parts[i]
        return part.with_arguments({key: self.of(f"{key} {i}") for key in part.arguments})

    def _moved(self, x: Any, sign: float) -> Any:
        """Return x with shift[1:] @ x[1:] added to its first element, or taken from it."""
        if self.shift is None:
            return x
        tf = load()
        first = x[..., :1] + sign * tf.reduce_sum(x[..., 1:] * self.shift[1:], axis=-1, keepdims=True)
        return tf.concat([first, x[..., 1:]], axis=-1)

    def log_density(self, x: Any) -> Any:
        """Return log p of each element, (..., p); their sum is the log density of x."""
        tf = load()
        x = self._moved(tensor(x), 1.0)
        found = [self._part(i).log_density(x[..., i : i + 1]) + tf.zeros_like(x[..., i : i + 1]) for i in self._places]
        return tf.concat(found, axis=-1)

    @property
    def _places(self) -> range:
        return range(len(self.parts))

    def contains(self, x: Any) -> Any:
        """Return whether each element is in the support."""
        return x > 0.0 if self.support == "positive" else None

    def mean(self) -> Any:
        """Return the means (p,)."""
        tf = load()
        found = tf.stack([tf.reshape(self._part(i).mean(), []) for i in self._places])
        return self._moved(found, -1.0)

    def variance(self) -> Any:
        """Return the variances (p,)."""
        tf = load()
        found = tf.stack([tf.reshape(self._part(i).variance(), []) for i in self._places])
        if self.shift is None:
            return found
        first = found[0] + tf.reduce_sum(found[1:] * self.shift[1:] ** 2)
        return tf.concat([first[None], found[1:]], axis=0)

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Return draws (..., p)."""
        columns = []
        for i in self._places:
            part = self._part(i)
            given = {key: _trimmed(value) for key, value in part.arguments.items()}
            columns.append(part.with_arguments(given).draw(rng, size[:-1]))
        return np.asarray(self._moved(tensor(np.stack(columns, axis=-1)), -1.0))


def _trimmed(value: Any) -> Any:
    array = np.asarray(value)
    return array[..., 0] if array.ndim else array


def joined(parts: Sequence[Distribution], shift: np.ndarray | None = None) -> Distribution:
    """Return one distribution of a vector (p,) from those of its elements: Normal where they all are.

    shift: (p,) of the columns' means when the first prior is that of the intercept at them.
    """
    name = parts[0].name
    plain = all(p.name == name and p.arguments.keys() == parts[0].arguments.keys() for p in parts)
    numbers = all(not isinstance(v, Value) and np.ndim(v) == 0 for p in parts for v in p.arguments.values())
    if plain and numbers and shift is None:
        return type(parts[0])(**_stacked([p.arguments for p in parts]))
    if plain and numbers and name == "Normal":
        given = _stacked([p.arguments for p in parts])
        A = np.eye(len(parts))
        A[0, 1:] = np.asarray(shift)[1:]
        back = np.linalg.inv(A)
        return MultivariateNormal(back @ given["mean"], cov=back @ np.diag(given["sd"] ** 2) @ back.T)
    return ElementPriors(parts, shift)


def _stacked(given: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    return {key: np.array([float(arguments[key]) for arguments in given]) for key in given[0]}
