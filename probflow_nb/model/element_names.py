"""Element names: what the elements of a parameter are called in a table, and its levels in a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product

from ..objects.parameter import Parameter
from .density import Axes

# A parameter with more elements than this is shown by levels.
MOST_SCALARS = 12


def places(parameter: Parameter) -> tuple[tuple[int, ...], ...]:
    """Return the positions of the elements that differ: below the diagonal of a correlation matrix, else all."""
    if parameter.bijection.support == "correlation":
        k = parameter.shape[-1]
        return tuple((i, j) for i in range(1, k) for j in range(i))
    return tuple(product(*(range(n) for n in parameter.shape)))


def is_long(parameter: Parameter) -> bool:
    """Whether a parameter is shown by levels."""
    return len(places(parameter)) > MOST_SCALARS


def scalar_names(
    name: str, parameter: Parameter, labels: Mapping[str, tuple[str, ...]], columns: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Return the names of the elements of `places`: "sigma", "w[Days]", "u[3, 0]", "R[Days, Intercept]"."""
    found, shape = places(parameter), parameter.shape
    given, across = labels.get(name, ()), columns.get(name, ())
    if parameter.bijection.support == "correlation":
        axis = given if len(given) == shape[-1] else tuple(map(str, range(shape[-1])))
        return tuple(f"{name}[{axis[i]}, {axis[j]}]" for i, j in found)
    if len(found) == 1:
        return (name,)
    if len(given) == len(found):
        return tuple(f"{name}[{label}]" for label in given)
    axes = [tuple(map(str, range(n))) for n in shape]
    if len(given) == shape[0]:
        axes[0] = given
    if len(shape) > 1 and len(across) == shape[-1]:
        axes[-1] = across
    # Axes of one element say nothing.
    shown = [axis for axis, n in zip(axes, shape, strict=True) if n > 1]
    return tuple(f"{name}[{', '.join(place)}]" for place in product(*shown))


def level_axes(
    name: str, parameter: Parameter, labels: Mapping[str, tuple[str, ...]], columns: Mapping[str, tuple[str, ...]]
) -> Axes:
    """Return the names along a long parameter: its first axis of more than one element is the levels."""
    shape = tuple(n for n in parameter.shape if n > 1)
    J, k = shape[0], math.prod(shape[1:])
    given, across = labels.get(name, ()), columns.get(name, ())
    if k == 1:
        return Axes(name, name, given if len(given) == J else tuple(map(str, range(J))), (name,))
    if len(given) == J * k and len(given) != J:
        given = ()
    levels = given if len(given) == J else tuple(map(str, range(J)))
    if len(across) != k:
        across = tuple(", ".join(map(str, place)) for place in product(*(range(n) for n in shape[1:])))
    return Axes(name, name, levels, across)
