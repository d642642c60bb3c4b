"""Estimates: posterior means, sds, intervals and samples of parameters, with names along every axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import FitError
from ..predict.values import Quantity, Values


def by_name(values: Values, scalars: Any, name: str | None, of: Callable[[Quantity, np.ndarray], Any]) -> Any:
    """Return `of` one parameter and its draws (S, *shape), or a dictionary of every parameter's.

    scalars: the Draws, whose scalars may be asked for by the names that a table shows.
    """
    if name is None:
        return {quantity.shown: of(quantity, values[quantity.name]) for quantity in values.quantities}
    if not isinstance(name, str):
        raise FitError(f"A parameter is asked for by its name, not by {name!r:.60}.")
    known = {own for quantity in values.quantities for own in (quantity.name, quantity.shown)}
    if name not in known and name in (*scalars.names, *scalars.aliases):
        return of(Quantity(name, ()), scalars.flat(name))
    quantity = values.quantity(name)
    return of(quantity, values[quantity.name])


def labelled(quantity: Quantity, value: np.ndarray) -> Any:
    """Return one value of a parameter with its names: a number, a Series, or a DataFrame for two axes."""
    import pandas as pd

    value = np.asarray(value, float)
    if quantity.size == 1:
        return float(value.reshape(()))
    axes = _axes(quantity)
    squeezed = value.reshape([len(labels) for labels in axes])
    if len(axes) == 1:
        return pd.Series(squeezed, index=pd.Index(axes[0]), name=quantity.shown)
    if len(axes) == 2:
        return pd.DataFrame(squeezed, index=pd.Index(axes[0]), columns=pd.Index(axes[1]))
    return pd.Series(squeezed.reshape(-1), index=pd.MultiIndex.from_product(axes), name=quantity.shown)


def interval(quantity: Quantity, draws: np.ndarray, probability: float) -> Any:
    """Return the central interval of every element: a Series of two bounds, or a frame with a row an element."""
    import pandas as pd

    ends = ends_of(probability)
    found = np.quantile(draws, ends, axis=0).reshape(2, -1)
    columns = end_names(ends)
    if quantity.size == 1:
        return pd.Series(found[:, 0], index=columns, name=quantity.shown)
    return pd.DataFrame(found.T, index=_index(quantity), columns=columns)


def sample(quantity: Quantity, draws: np.ndarray) -> Any:
    """Return draws (S, *shape) with a column an element, or as a Series for a single number."""
    import pandas as pd

    index = pd.RangeIndex(len(draws), name="draw")
    if quantity.size == 1:
        return pd.Series(draws.reshape(-1), index=index, name=quantity.shown)
    return pd.DataFrame(draws.reshape(len(draws), -1), index=index, columns=_index(quantity))


def ends_of(probability: Any) -> np.ndarray:
    """Return the two ends of a central interval as probabilities; FitError unless it lies between 0 and 1."""
    number = _number(probability)
    if not 0.0 < number < 1.0:
        raise FitError(
            f"An interval's probability lies between 0 and 1, not {probability!r:.40}.", hint="Write interval=0.95."
        )
    return np.array([0.5 - number / 2, 0.5 + number / 2])


def end_names(ends: np.ndarray) -> list[str]:
    """Return the ends as shown, such as "q2.5" and "q97.5"."""
    return [f"q{100 * end:.6g}" for end in ends]


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _axes(quantity: Quantity) -> list[tuple[str, ...]]:
    """Return the names along the axes of more than one element."""
    labels = [names for names in quantity.labels if len(names) > 1]
    shape = [size for size in quantity.shape if size > 1]
    if [len(names) for names in labels] == shape:
        return labels
    return [tuple(str(i) for i in range(size)) for size in shape]


def _index(quantity: Quantity) -> Any:
    import pandas as pd

    axes = _axes(quantity)
    return pd.Index(axes[0]) if len(axes) == 1 else pd.MultiIndex.from_product(axes)
