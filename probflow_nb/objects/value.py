"""Value: what stands for numbers that are not known yet - a parameter, or arithmetic on parameters.

A model's code is written for one set of values; an engine sets many at once with `values_in_effect`, and what the code
reads then has a batch of draws in front.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..errors import SpecError


@dataclass(frozen=True, eq=False)
class Scope:
    """The values in effect: by parameter or by name, and the parameters that were read so far."""

    values: Mapping[Any, Any]
    reads: set[Any] = field(default_factory=set)

    def find(self, value: Value, name: str) -> Any:
        """Return the tensor in effect for a parameter, remembered as read; SpecError if there is none."""
        self.reads.add(value)
        found = self.values.get(value)
        if found is None and name:
            found = self.values.get(name)
        if found is None:
            raise SpecError(
                f"The model reads a parameter{' ' + name if name else ''} that is not part of it.",
                hint="Make it an attribute of the model, as in self.w = pf.Parameter().",
            )
        return tensor(found)


_SCOPE: ContextVar[Scope | None] = ContextVar("values in effect", default=None)


@contextmanager
def values_in_effect(values: Mapping[Any, Any]) -> Iterator[Scope]:
    """Let parameters have these values, (..., *shape) by parameter or by name, while the block runs.

    Yields the Scope, whose `reads` are the parameters that were read. Other threads and tasks see nothing of it.
    """
    scope = Scope(values)
    token = _SCOPE.set(scope)
    try:
        yield scope
    finally:
        _SCOPE.reset(token)


def scope_in_effect() -> Scope | None:
    """Return the innermost values in effect, or None outside of a fit."""
    return _SCOPE.get()


def tensor(value: Any) -> Any:
    """Return numbers, an array or a tensor as a float64 tensor."""
    tf = load()
    if isinstance(value, tf.Variable):
        value = value.read_value()
    if isinstance(value, tf.Tensor):
        return value if value.dtype == tf.float64 else tf.cast(value, tf.float64)
    return tf.constant(np.asarray(value, dtype=np.float64))


def aligned(value: Any, shape: tuple[int, ...], rank: int) -> Any:
    """Return a tensor (..., *shape) with axes of length 1 put behind its batch, so that its own part has `rank` axes.

    A single number of more axes than that is reshaped to fit.
    """
    tf = load()
    batch = len(value.shape) - len(shape)
    if len(shape) > rank:
        # Axes of length 1 in front may go: (1, 1) stands for a single number.
        extra = len(shape) - rank
        return tf.squeeze(value, axis=list(range(batch, batch + extra)))
    if len(shape) == rank or batch == 0:
        return value
    places = (slice(None),) * batch + (tf.newaxis,) * (rank - len(shape)) + (Ellipsis,)
    return value[places]


class Value:
    """Numbers that are known during a fit: `shape` of one value, `current()` with any batch of draws in front."""

    shape: tuple[int, ...]

    # Numpy arrays leave arithmetic with a Value to the Value.
    __array_ufunc__ = None

    def current(self) -> Any:
        """Return the value in effect, a float64 tensor (..., *shape)."""
        raise NotImplementedError

    @property
    def parents(self) -> tuple[Value, ...]:
        """What this value is made of."""
        return ()

    @property
    def label(self) -> str:
        """The value as shown."""
        return type(self).__name__

    def __add__(self, other: Any) -> Any:
        return _combined(operator.add, "+", self, other)

    def __radd__(self, other: Any) -> Any:
        return _combined(operator.add, "+", other, self)

    def __sub__(self, other: Any) -> Any:
        return _combined(operator.sub, "-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return _combined(operator.sub, "-", other, self)

    def __mul__(self, other: Any) -> Any:
        return _combined(operator.mul, "*", self, other)

    def __rmul__(self, other: Any) -> Any:
        return _combined(operator.mul, "*", other, self)

    def __truediv__(self, other: Any) -> Any:
        return _combined(operator.truediv, "/", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _combined(operator.truediv, "/", other, self)

    def __pow__(self, other: Any) -> Any:
        return _combined(operator.pow, "**", self, other)

    def __rpow__(self, other: Any) -> Any:
        return _combined(operator.pow, "**", other, self)

    def __neg__(self) -> Any:
        return -1.0 * self

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, Value):
            return _product(self, other)
        return _elsewhere(self, other, "@", operator.matmul, False)

    def __rmatmul__(self, other: Any) -> Any:
        if _is_tensor(other) and _SCOPE.get() is not None:
            return _elsewhere(self, other, "@", operator.matmul, True)
        return _product(np.asarray(other, dtype=np.float64), self)

    def __getitem__(self, index: Any) -> Derived:
        places = index if isinstance(index, tuple) else (index,)
        try:
            shape = np.broadcast_to(0.0, self.shape)[index].shape
        except (IndexError, TypeError):
            raise SpecError(f"{self.label} has shape {self.shape}, so [{index}] is not a part of it.") from None

        def part(value: Any) -> Any:
            batch = len(value.shape) - len(self.shape)
            return value[(slice(None),) * batch + places]

        return Derived(part, (self,), shape, lambda: f"{self.label}[{index}]")

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise SpecError(f"{self.label} is a single number and has no elements.")
        return (self[i] for i in range(self.shape[0]))

    def __len__(self) -> int:
        if not self.shape:
            raise SpecError(f"{self.label} is a single number and has no length.")
        return self.shape[0]

    def __bool__(self) -> bool:
        raise SpecError(f"{self.label} is not known yet, so nothing can be decided by it.")


class Derived(Value):
    """A value made from others: `function` of their current values (..., *shape), each with any batch in front.

    shape: of the result. text: the result as shown, such as "2 * tau", or what makes it when names are known.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        parents: tuple[Value, ...],
        shape: tuple[int, ...],
        text: str | Callable[[], str],
    ) -> None:
        self.function = function
        self.shape = tuple(shape)
        self._parents = parents
        self._text = text

    @property
    def parents(self) -> tuple[Value, ...]:
        """What this value is made of."""
        return self._parents

    @property
    def label(self) -> str:
        """The value as shown."""
        return self._text if isinstance(self._text, str) else self._text()

    def current(self) -> Any:
        """Return the value in effect, (..., *shape)."""
        return tensor(self.function(*(parent.current() for parent in self._parents)))

    def __repr__(self) -> str:
        return self.label


def roots(value: Any) -> tuple[Value, ...]:
    """Return the values without parents, the parameters, that a value is made of, each once."""
    if not isinstance(value, Value):
        return ()
    if not isinstance(value, Derived):
        return (value,)
    return tuple(dict.fromkeys(root for parent in value.parents for root in roots(parent)))


def number_label(value: Any) -> str:
    """Return an argument as shown: a number with at most 6 digits, an array's shape, a parameter's name."""
    if isinstance(value, Value):
        return value.label
    if hasattr(value, "numpy"):
        value = value.numpy()
    array = np.asarray(value)
    if array.size == 1:
        return format(float(array.reshape(())), ".6g")
    if array.ndim == 1 and array.size <= 4:
        return f"[{', '.join(format(float(v), '.6g') for v in array)}]"
    return f"array{array.shape}".replace(",)", ")")


def _is_tensor(value: Any) -> bool:
    tf = load()
    return isinstance(value, (tf.Tensor, tf.Variable))


def _combined(operation: Callable[[Any, Any], Any], sign: str, left: Any, right: Any) -> Any:
    """Return left op right: a tensor inside of a model's code, else a Derived."""
    for one, other in ((left, right), (right, left)):
        if _is_tensor(other) and _SCOPE.get() is not None and isinstance(one, Value):
            return operation(_now(left), _now(right))
    shapes = [v.shape if isinstance(v, Value) else np.shape(v) for v in (left, right)]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise SpecError(
            f"{_text(left)} {sign} {_text(right)}: the shapes {shapes[0]} and {shapes[1]} differ."
        ) from None
    values = tuple(v for v in (left, right) if isinstance(v, Value))

    def result(*current: Any) -> Any:
        given = iter(current)
        sides = [
            aligned(next(given), v.shape, len(shape)) if isinstance(v, Value) else tensor(v) for v in (left, right)
        ]
        return operation(*sides)

    return Derived(result, values, shape, lambda: f"{_text(left)} {sign} {_text(right)}")


def _product(left: Any, right: Value) -> Derived:
    """Return left @ right, left a matrix or a Value (m, p), right (p,) or (p, q)."""
    shape_left = left.shape
    if len(shape_left) != 2 or len(right.shape) not in (1, 2) or shape_left[1] != right.shape[0]:
        raise SpecError(f"{_text(left)} @ {_text(right)}: the shapes {shape_left} and {right.shape} do not fit.")
    values = tuple(v for v in (left, right) if isinstance(v, Value))

    def result(*current: Any) -> Any:
        tf = load()
        matrix = current[0] if isinstance(left, Value) else tensor(left)
        if len(right.shape) == 1:
            return tf.linalg.matvec(matrix, current[-1])
        return tf.linalg.matmul(matrix, current[-1])

    return Derived(result, values, (shape_left[0], *right.shape[1:]), lambda: f"{_text(left)} @ {_text(right)}")


def _elsewhere(value: Value, other: Any, sign: str, operation: Callable[[Any, Any], Any], swapped: bool) -> Any:
    if _SCOPE.get() is None:
        raise SpecError(f"{value.label} {sign} an array is not known yet; it can stand on the right of {sign}.")
    return operation(other, value.current()) if swapped else operation(value.current(), other)


def _now(value: Any) -> Any:
    return value.current() if isinstance(value, Value) else value


def _text(value: Any) -> str:
    found = number_label(value)
    return f"({found})" if isinstance(value, Derived) and " " in found else found
