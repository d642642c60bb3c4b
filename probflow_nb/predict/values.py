"""Values: every parameter's draws by name, (S, *shape), with names along its axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..errors import FitError
from ..model.element_names import places
from ..model.letters import shown_names
from ..model.model import Model
from ..model.program import Program
from ..objects.parameter import Parameter
from ..posterior.draws import Draws, Effects


@dataclass(frozen=True)
class Quantity:
    """A parameter as a person asks for it.

    name: "beta", "sd[Subject]", "w". shape: of one value. labels: the names along each axis of more than one element.
    letter: what the person calls it, "" for the same.
    """

    name: str
    shape: tuple[int, ...]
    labels: tuple[tuple[str, ...], ...] = ()
    letter: str = ""

    @property
    def shown(self) -> str:
        """The name as shown."""
        return self.letter or self.name

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, eq=False)
class Values(Mapping[str, np.ndarray]):
    """Draws of parameters by name, (S, *shape), made when they are asked for.

    quantities: the parameters. n_draws: S. makers: one a parameter.
    """

    quantities: tuple[Quantity, ...]
    n_draws: int
    makers: Mapping[str, Callable[[], np.ndarray]]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.makers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self.makers)

    def __len__(self) -> int:
        return len(self.makers)

    def quantity(self, name: str) -> Quantity:
        """Return a parameter; FitError if there is none of that name."""
        for quantity in self.quantities:
            if name in (quantity.name, quantity.shown):
                return quantity
        raise FitError(
            f'There is no parameter "{name}" in this model.',
            hint=f"It has {', '.join(q.shown for q in self.quantities)}.",
        )


def values(model: Any, draws: Draws, most: int | None = None) -> Values:
    """Return the draws of every parameter of a model, all chains in one row.

    Where group effects are costly, as many draws as summaries use, of every parameter alike. most: no more than these.
    """
    S = min((e.affordable for e in draws.effects), default=draws.n_chains * draws.n_draws)
    S = S if most is None else min(S, most)
    return _mixed_values(model, draws, S) if isinstance(model, Model) else _program_values(model, draws, S)


def _mixed_values(model: Model, draws: Draws, S: int) -> Values:
    flat = draws.table[:S]
    place = {name: i for i, name in enumerate(model.scalar_names)}
    p = len(model.design.column_names)
    makers: dict[str, Callable[[], np.ndarray]] = {"beta": lambda: flat[:, :p]}
    for factor in model.factors:
        effects = draws.factor(factor.name)
        columns = [model.scalar_names.index(f"sd({c} | {factor.name})") for c in factor.columns]
        makers[f"sd[{factor.name}]"] = partial(_columns, flat, tuple(columns))
        makers[f"cor[{factor.name}]"] = partial(_correlations, flat, place, factor.name, factor.columns)
        makers[f"b[{factor.name}]"] = partial(effects.first, S)
    for at, name in enumerate(reversed(model.auxiliary)):
        makers[name] = partial(_column, flat, -1 - at)
    quantities = mixed_quantities(model)
    return Values(quantities, S, {q.name: makers[q.name] for q in quantities})


def mixed_quantities(model: Model) -> tuple[Quantity, ...]:
    """Return beta, then sd, cor and b of each factor, then sigma."""
    names, letters = model.design.column_names, shown_names(model)
    found = [Quantity("beta", (len(names),), (names,))] if names else []
    for factor in model.factors:
        columns, k = factor.columns, len(factor.columns)
        found.append(Quantity(f"sd[{factor.name}]", (k,), (columns,)))
        if any(model.design.groups[m].correlated and model.design.groups[m].n_columns > 1 for m in factor.members):
            found.append(Quantity(f"cor[{factor.name}]", (k, k), (columns, columns)))
        found.append(Quantity(f"b[{factor.name}]", (len(factor.levels), k), (factor.levels, columns)))
    found += [Quantity(name, ()) for name in model.auxiliary]
    return tuple(replace(quantity, letter=letters.get(quantity.name, "")) for quantity in found)


def point(model: Model, estimates: np.ndarray, modes: tuple[np.ndarray, ...]) -> Values:
    """Return a point fit as one draw: its scalars in the model's order, and the (J, k) modes of each factor."""
    scalars = dict(zip(model.scalar_names, estimates, strict=True))
    beta = np.array([[scalars[name] for name in model.design.column_names]])
    quantities = [Quantity("beta", beta.shape[1:], (model.design.column_names,))]
    makers: dict[str, Callable[[], np.ndarray]] = {"beta": lambda: beta}
    for factor, mode in zip(model.factors, modes, strict=True):
        quantities.append(Quantity(f"b[{factor.name}]", mode.shape, (factor.levels, factor.columns)))
        makers[f"b[{factor.name}]"] = partial(np.expand_dims, mode, 0)
        columns, correlated = factor.columns, any(model.design.groups[m].correlated for m in factor.members)
        sd = np.array([[scalars[f"sd({column} | {factor.name})"] for column in columns]])
        quantities.append(Quantity(f"sd[{factor.name}]", sd.shape[1:], (columns,)))
        makers[f"sd[{factor.name}]"] = partial(np.asarray, sd)
        if correlated and len(columns) > 1:
            quantities.append(Quantity(f"cor[{factor.name}]", (len(columns),) * 2, (columns, columns)))
            place = {name: i for i, name in enumerate(scalars)}
            flat = np.array([list(scalars.values())], float)
            makers[f"cor[{factor.name}]"] = partial(_correlations, flat, place, factor.name, columns)
    for name in model.auxiliary:
        quantities.append(Quantity(name, ()))
        makers[name] = partial(np.atleast_1d, scalars[name])
    return Values(tuple(quantities), 1, makers)


def _column(flat: np.ndarray, at: int) -> np.ndarray:
    return flat[:, at]


def _columns(flat: np.ndarray, at: tuple[int, ...]) -> np.ndarray:
    return flat[:, list(at)]


def _correlations(flat: np.ndarray, place: Mapping[str, int], factor: str, columns: tuple[str, ...]) -> np.ndarray:
    k = len(columns)
    R = np.broadcast_to(np.eye(k), (len(flat), k, k)).copy()
    for i in range(k):
        for j in range(i):
            at = place.get(f"cor({columns[j]}, {columns[i]} | {factor})")
            if at is not None:
                R[:, i, j] = R[:, j, i] = flat[:, at]
    return R


def _program_values(program: Program, draws: Draws, S: int) -> Values:
    """Return the draws of a model of one's own: short parameters from the scalars, long ones from the effects."""
    flat = draws.table[:S]
    long = {effects.name: effects for effects in draws.effects}
    makers: dict[str, Callable[[], np.ndarray]] = {}
    quantities = program_quantities(program)
    start = 0
    for quantity, parameter in zip(quantities, program.parameters, strict=True):
        if quantity.name in long:
            makers[quantity.name] = partial(_long, long[quantity.name], S, quantity.shape)
        else:
            at = places(parameter)
            makers[quantity.name] = partial(_short, flat[:, start : start + len(at)], at, parameter)
            start += len(at)
    return Values(quantities, S, makers)


def program_quantities(program: Program) -> tuple[Quantity, ...]:
    """Return the parameters of a model of one's own with what is known of their elements' names."""
    named = zip(program.names, program.parameters, strict=True)
    return tuple(Quantity(name, p.shape, _axis_labels(program, name, p)) for name, p in named)


def _axis_labels(program: Program, name: str, parameter: Parameter) -> tuple[tuple[str, ...], ...]:
    """Return the names along the axes of more than one element, where the model knows them all."""
    known = tuple(program.labels.get(name, ()))
    across = tuple(program.columns.get(name, ()))
    sizes = [size for size in parameter.shape if size > 1]
    if len(sizes) == 1:
        return (known,) if len(known) == sizes[0] else ()
    if parameter.bijection.support == "correlation":
        return (known, known) if len(known) == sizes[0] else ()
    if len(sizes) == 2:
        rows = known if len(known) == sizes[0] else tuple(map(str, range(sizes[0])))
        columns = across if len(across) == sizes[1] else tuple(map(str, range(sizes[1])))
        return (rows, columns)
    return ()


def _long(effects: Effects, S: int, shape: tuple[int, ...]) -> np.ndarray:
    return effects.first(S).reshape(S, *shape)


def _short(elements: np.ndarray, at: tuple[tuple[int, ...], ...], parameter: Parameter) -> np.ndarray:
    """Return (S, *shape) from the elements of `places`, those below the diagonal for a correlation matrix."""
    shape = parameter.shape
    if parameter.bijection.support != "correlation":
        return elements.reshape(len(elements), *shape)
    found = np.broadcast_to(np.eye(shape[-1]), (len(elements), *shape)).copy()
    for column, (i, j) in enumerate(at):
        found[:, i, j] = found[:, j, i] = elements[:, column]
    return found
