"""Values: every parameter's draws by name, (S, *shape), with names along its axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..errors import FitError
from ..model.model import Model
from ..posterior.draws import Draws


@dataclass(frozen=True)
class Quantity:
    """A parameter as a person asks for it.

    name: "beta", "sd[Subject]", "w". shape: of one value. labels: the names along each axis of more than one element.
    """

    name: str
    shape: tuple[int, ...]
    labels: tuple[tuple[str, ...], ...] = ()

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
            if quantity.name == name:
                return quantity
        raise FitError(
            f'There is no parameter "{name}" in this model.',
            hint=f"It has {', '.join(q.name for q in self.quantities)}.",
        )


def values(model: Any, draws: Draws) -> Values:
    """Return the draws of every parameter of a model, all chains in one row.

    Where group effects are costly, as many draws as summaries use, of every parameter alike.
    """
    if isinstance(model, Model):
        return _mixed_values(model, draws)
    return _program_values(model, draws)


def _mixed_values(model: Model, draws: Draws) -> Values:
    S = min((e.affordable for e in draws.effects), default=draws.n_chains * draws.n_draws)
    flat = draws.scalars.reshape(-1, len(draws.names))[:S]
    place = {name: i for i, name in enumerate(draws.names)}
    p = len(model.design.column_names)
    quantities = [Quantity("beta", (p,), (model.design.column_names,))] if p else []
    makers: dict[str, Callable[[], np.ndarray]] = {"beta": lambda: flat[:, :p]}
    for factor, effects in zip(model.factors, draws.effects, strict=True):
        columns, k = factor.columns, len(factor.columns)
        at = [place[f"sd({column} | {factor.name})"] for column in columns]
        quantities.append(Quantity(f"sd[{factor.name}]", (k,), (columns,)))
        makers[f"sd[{factor.name}]"] = partial(_columns, flat, tuple(at))
        if any(f"cor({a}, {b} | {factor.name})" in place for a in columns for b in columns):
            quantities.append(Quantity(f"cor[{factor.name}]", (k, k), (columns, columns)))
            makers[f"cor[{factor.name}]"] = partial(_correlations, flat, place, factor.name, columns)
        quantities.append(Quantity(f"b[{factor.name}]", (len(factor.levels), k), (factor.levels, columns)))
        makers[f"b[{factor.name}]"] = partial(effects.first, S)
    quantities.append(Quantity("sigma", ()))
    makers["sigma"] = lambda: flat[:, place["sigma"]]
    return Values(tuple(quantities), S, makers)


def point(model: Model, scalars: Mapping[str, float], modes: tuple[np.ndarray, ...]) -> Values:
    """Return a point fit as one draw: its scalars by name, and the (J, k) modes of each factor."""
    beta = np.array([[scalars[name] for name in model.design.column_names]])
    quantities = [Quantity("beta", beta.shape[1:], (model.design.column_names,))]
    makers: dict[str, Callable[[], np.ndarray]] = {"beta": lambda: beta}
    for factor, mode in zip(model.factors, modes, strict=True):
        quantities.append(Quantity(f"b[{factor.name}]", mode.shape, (factor.levels, factor.columns)))
        makers[f"b[{factor.name}]"] = partial(np.expand_dims, mode, 0)
    quantities.append(Quantity("sigma", ()))
    makers["sigma"] = lambda: np.array([scalars["sigma"]])
    return Values(tuple(quantities), 1, makers)


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


def _program_values(program: Any, draws: Draws) -> Values:
    raise NotImplementedError
