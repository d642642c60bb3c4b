"""Distribution: what stands on the right of a `~`, as the likelihood of a response or the prior of a parameter.

Arguments are numbers, arrays, tensors or parameters, and broadcast against each other; a parameter stands for its
current value. Everything is float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

import numpy as np

from ..backend.tensorflow import load
from ..errors import SpecError
from ..spec.families import Family, family_of_name
from .families import FamilyName
from .value import Value, aligned, number_label, tensor

# A number, an array, a tensor or a parameter.
Number: TypeAlias = Any
Seed: TypeAlias = "int | Sequence[int] | np.random.Generator"

# What the numbers of an argument must be, in words, with a test.
_DOMAINS: dict[str, tuple[str, Callable[[np.ndarray], bool]]] = {
    "real": ("finite", lambda a: bool(np.isfinite(a).all())),
    "positive": ("positive and finite", lambda a: bool((np.isfinite(a) & (a > 0)).all())),
    "unit": ("between 0 and 1", lambda a: bool(((a >= 0) & (a <= 1)).all())),
    "count": ("a whole number, 0 or more", lambda a: bool((np.isfinite(a) & (a >= 0) & (a == np.floor(a))).all())),
    "bound": ("a number", lambda a: bool((~np.isnan(a)).all())),
}

# Supports of single numbers: in words, which numbers belong, one that does.
SUPPORTS: dict[str, str] = {
    "real": "any number",
    "any": "any number",
    "positive": "positive numbers",
    "interval": "numbers between two bounds",
    "unit": "numbers between 0 and 1",
    "binary": "0 and 1",
    "count": "whole numbers from 0",
    "category": "categories 0, 1, ...",
    "vector": "vectors",
    "simplex": "positive parts that add up to 1",
    "correlation": "correlation matrices",
}


class Distribution(metaclass=FamilyName):
    """The base of all distributions.

    support: the values it speaks of, a key of `SUPPORTS`. event_rank: axes of one value, 0 for single numbers.
    argument_ranks: axes that an argument has for one value, 0 unless named. domains: what numbers each may be.
    location_scale: the names of the arguments m, s for which value = m + s * standard, if there are such.
    """

    support: ClassVar[str] = "real"
    event_rank: ClassVar[int] = 0
    argument_ranks: ClassVar[Mapping[str, int]] = MappingProxyType({})
    domains: ClassVar[Mapping[str, str]] = MappingProxyType({})
    location_scale: ClassVar[tuple[str, str] | None] = None

    def __init__(self, **arguments: Number) -> None:
        name = type(self).__name__
        held = {key: _checked(name, key, value, self.domains.get(key, "real")) for key, value in arguments.items()}
        # A plain dictionary, so that models can be copied.
        self._arguments: dict[str, Any] = held

    @property
    def name(self) -> str:
        """The distribution's name, "Normal"."""
        return type(self).__name__

    @property
    def family(self) -> Family | None:
        """The family of this name where no argument was given, such as of Normal(); None for any other."""
        return family_of_name(self.name) if self.__dict__.get("_bare") else None

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments by name: float64 arrays, tensors or parameters; those not given are left out."""
        return MappingProxyType(self._arguments)

    @property
    def label(self) -> str:
        """The distribution as shown: `Normal(0, tau)`."""
        return f"{self.name}({', '.join(self._shown())})"

    def _shown(self) -> list[str]:
        return [number_label(value) for value in self._arguments.values()]

    def __repr__(self) -> str:
        return self.label

    def with_arguments(self, arguments: Mapping[str, Any]) -> Distribution:
        """Return the same distribution with other arguments, taken as they are."""
        found = object.__new__(type(self))
        found.__dict__.update(self.__dict__)
        found._arguments = dict(arguments)
        return found

    def resolved(self, rank: int | None = None) -> Distribution:
        """Return the distribution with the current values of its parameters in their place.

        rank: axes of the value it stands for; batches of draws are then put in front of that many axes.
        """
        found = {}
        for key, value in self._arguments.items():
            if isinstance(value, Value):
                current = value.current()
                if rank is not None:
                    own = rank - self.event_rank + self.argument_ranks.get(key, 0)
                    current = aligned(current, value.shape, own)
                value = current
            found[key] = value
        return self.with_arguments(found)

    def of(self, key: str) -> Any:
        """Return an argument as a float64 array or tensor; KeyError if it was not given."""
        value = self._arguments[key]
        return value.current() if isinstance(value, Value) else value

    def numbers(self) -> dict[str, np.ndarray]:
        """Return the arguments as numpy arrays."""
        return {key: np.asarray(self.of(key), dtype=np.float64) for key in self._arguments}

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape of the values it stands for as far as its arguments tell: batch, then rows, then one value."""
        tf = load()
        found = tf.TensorShape([])
        for key, value in self._arguments.items():
            own = tf.TensorShape(value.shape if isinstance(value, Value) else np.shape(value))
            spent = self.argument_ranks.get(key, 0)
            found = tf.broadcast_static_shape(found, own[: max(0, own.rank - spent)])
        return (*found.as_list(), *self.event_shape)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one value, () for single numbers."""
        return ()

    def log_prob(self, value: Any) -> Any:
        """Return log p(value), minus infinity outside of the support; value (..., *one value)."""
        tf = load()
        x = tensor(value)
        inside = self.contains(x)
        if inside is None:
            return self.log_density(x)
        found = self.log_density(tf.where(inside, x, tf.constant(self.inner, tf.float64)))
        return tf.where(inside, found, tf.constant(-math.inf, tf.float64))

    def log_density(self, x: Any) -> Any:
        """Return log p(x) for x in the support, which is not looked at."""
        raise NotImplementedError

    def contains(self, x: Any) -> Any:
        """Return whether each number is in the support; None where every number is."""
        return None

    @property
    def inner(self) -> float:
        """A number in the support."""
        return 1.0

    def mean(self) -> Any:
        """Return the mean, a tensor (..., *one value)."""
        raise NotImplementedError

    def variance(self) -> Any:
        """Return the variance of each number, a tensor (..., *one value)."""
        raise NotImplementedError

    def sd(self) -> Any:
        """Return the standard deviation of each number."""
        return load().sqrt(self.variance())

    def frozen(self) -> Any:
        """Return scipy's distribution with the current arguments; SpecError where there is none."""
        raise SpecError(f"{self.name} has no distribution function of single numbers.")

    def cdf(self, value: Any) -> np.ndarray:
        """Return P(Y <= value), a numpy array."""
        return np.asarray(self.frozen().cdf(np.asarray(value, dtype=np.float64)))

    def quantile(self, p: Any) -> np.ndarray:
        """Return the smallest value whose P(Y <= value) is at least p, a numpy array."""
        return np.asarray(self.frozen().ppf(np.asarray(p, dtype=np.float64)))

    def sample(self, seed: Seed, shape: Sequence[int] | int = ()) -> np.ndarray:
        """Return independent draws (*shape, *self.shape), a float64 numpy array; the same seed gives the same."""
        lead = (shape,) if isinstance(shape, int) else tuple(shape)
        return self.draw(np.random.default_rng(seed), (*lead, *np.asarray(self.shape, dtype=int)))

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Return draws of a whole shape, one value included, to which the arguments broadcast."""
        try:
            return np.asarray(self.frozen().rvs(size=size, random_state=rng), dtype=np.float64)
        except ValueError:
            raise SpecError(
                f"Nothing can be drawn from {self.name}, because some of its arguments cannot be, such as a scale of 0 "
                "or a probability above 1.",
                hint="Give the arguments a form that keeps them possible, such as logit= in place of p=.",
            ) from None

    def _full(self, value: Any) -> Any:
        """Return a tensor broadcast to the shape of all arguments together."""
        tf = load()
        x = tensor(value)
        if tuple(x.shape) == self.shape and None not in self.shape:
            return x
        whole = tf.shape(x)
        for key, other in self._arguments.items():
            if not self.argument_ranks.get(key, 0):
                whole = tf.broadcast_dynamic_shape(whole, tf.shape(self.of(key) if isinstance(other, Value) else other))
        return tf.broadcast_to(x, whole)


def _checked(name: str, key: str, value: Any, domain: str) -> Any:
    """Return an argument as a float64 array, a float64 tensor or a Value; SpecError for anything else."""
    if isinstance(value, Value):
        bijection = getattr(value, "bijection", None)
        unbounded = bijection is not None and bijection.support == "real" and getattr(value, "transform", None) is None
        if unbounded and domain in ("positive", "unit"):
            raise SpecError(
                f"The {key} of {name} must be {_DOMAINS[domain][0]}, but {value.label} can be any number.",
                hint=f"Take {'pf.ScaleParameter()' if domain == 'positive' else 'pf.BoundedParameter(0, 1)'} for it.",
            )
        return value
    tf = load() if type(value).__module__.split(".")[0] in ("tensorflow", "keras") else None
    if tf is not None and isinstance(value, (tf.Tensor, tf.Variable)):
        if not (value.dtype.is_floating or value.dtype.is_integer or value.dtype == tf.bool):
            raise SpecError(f"The {key} of {name} is a tensor of {value.dtype.name}, but it must hold numbers.")
        return tensor(value)
    words, holds = _DOMAINS[domain]
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf" and not _numeric_objects(array):
            raise TypeError
        array = array.astype(np.float64)
    except (TypeError, ValueError):
        shown = repr(value) if isinstance(value, str) or value is None else f"of type {type(value).__name__}"
        raise SpecError(
            f"The {key} of {name} is {shown}, but it must be a number, an array, a tensor or a parameter."
        ) from None
    if not holds(array):
        bad = array[~np.array([holds(a) for a in array.reshape(-1)], dtype=bool).reshape(array.shape)].reshape(-1)
        raise SpecError(f"The {key} of {name} is {bad[0]:.6g}, but it must be {words}.")
    return array


def _numeric_objects(array: np.ndarray) -> bool:
    return array.dtype.kind == "O" and all(isinstance(v, (int, float, np.number)) for v in array.reshape(-1))


def one_of(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one argument of several that was given; SpecError for none or more than one."""
    found = {key: value for key, value in given.items() if value is not None}
    if len(found) != 1:
        listed = " or ".join(f"{key}=" for key in given)
        count = "none" if not found else " and ".join(f"{key}=" for key in found)
        raise SpecError(f"{name} takes exactly one of {listed}, but {count} was given.")
    return found
