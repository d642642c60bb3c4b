"""Mixed: the response of a compiled Gaussian mixed model at its own rows, or at new ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..design.encoding import Encoding, used_columns
from ..design.expression import Scope, number
from ..design.table import read_table
from ..errors import DataError, FitError
from ..model.model import Model

_LOG_2PI = math.log(2.0 * math.pi)
_NAMED = 5  # levels named in a sentence


@dataclass(frozen=True, eq=False)
class GroupPart:
    """What one group term adds to the mean: z (n, k) times the effects of level index (n,), columns from `start`."""

    key: str
    index: np.ndarray
    z: np.ndarray
    start: int


@dataclass(frozen=True, eq=False)
class MixedResponse:
    """y ~ Normal(X beta + Z b + offset, sigma / sqrt(weights)) at n rows for S draws.

    values: "beta" (S, p), "b[F]" (S, J, k), "sigma" (S,). X: (n, p). groups: the group terms. offset, root_weights:
    (n,), 0 and 1 where there are none. A row with a missing value is NaN throughout.
    """

    values: Mapping[str, np.ndarray]
    X: np.ndarray
    groups: tuple[GroupPart, ...]
    offset: np.ndarray
    root_weights: np.ndarray
    by_rows: bool = True

    @property
    def shape(self) -> tuple[int, ...]:
        """(n,)."""
        return (len(self.X),)

    @property
    def n_draws(self) -> int:
        """S."""
        return len(self.values["sigma"])

    def at(self, rows: slice, draws: slice) -> GaussianSlab:
        """Return the response at some rows for some draws."""
        eta = np.broadcast_to(self.offset[rows], (draws.stop - draws.start, rows.stop - rows.start))
        if self.X.shape[1]:
            eta = eta + self.values["beta"][draws] @ self.X[rows].T
        for part in self.groups:
            b = self.values[part.key][draws]
            for c in range(part.z.shape[1]):
                eta = eta + b[:, part.index[rows], part.start + c] * part.z[rows, c]
        return GaussianSlab(eta, self.values["sigma"][draws, None] / self.root_weights[rows])

    def averaged(self) -> MixedResponse:
        """Return the response at the mean parameters: the mean is linear in beta and b."""
        return replace(self, values={name: draws.mean(axis=0)[None] for name, draws in self.values.items()})


@dataclass(frozen=True, eq=False)
class GaussianSlab:
    """Normal(mu, sd), both (s, m)."""

    mu: np.ndarray
    sd: np.ndarray

    def mean(self) -> np.ndarray:
        """Return mu."""
        return self.mu

    def variance(self) -> np.ndarray:
        """Return sd^2."""
        return self.sd**2

    def sample(self, seed: int) -> np.ndarray:
        """Return mu + sd z."""
        return self.mu + self.sd * np.random.default_rng(seed).standard_normal(self.mu.shape)

    def log_prob(self, y: np.ndarray) -> np.ndarray:
        """Return the log density of y (m,)."""
        return -0.5 * ((y - self.mu) / self.sd) ** 2 - np.log(self.sd) - 0.5 * _LOG_2PI

    def quantiles(self, ends: tuple[float, float]) -> np.ndarray:
        """Return mu + sd times the normal quantiles, for the first draw."""
        from scipy.special import ndtri

        return self.mu[0] + self.sd[0] * ndtri(np.array(ends))[:, None]


def fitted_response(model: Model, values: Mapping[str, np.ndarray]) -> MixedResponse:
    """Return the response at the rows of the fit."""
    design = model.design
    parts = [GroupPart(key, design.groups[m].index, design.groups[m].z, start) for key, m, start in _places(model)]
    return _response(model, values, design.X, parts, design.offset, design.weights)


def new_response(model: Model, values: Mapping[str, np.ndarray], data: Any, weights: bool) -> MixedResponse:
    """Return the response at the rows of a new frame.

    weights: whether the noise is asked for, so that the column of the weights is needed.
    Raises FitError for a level that the fit has not seen, DataError for what cannot be coded.
    """
    rows = model.design.encoding.rows(data, weights=weights)
    parts = []
    for key, m, start in _places(model):
        new = rows.groups[m]
        unseen = (new.index < 0) & (new.level_codes >= 0)
        if unseen.any():
            raise _unseen(new.factor, list(dict.fromkeys(new.labels[unseen])))
        missing = new.index < 0
        parts.append(GroupPart(key, np.where(missing, 0, new.index), np.where(missing[:, None], np.nan, new.z), start))
    return _response(model, values, rows.X, parts, rows.offset, rows.weights)


def new_values(model: Model, data: Any) -> np.ndarray:
    """Return the response that a new frame holds, coded as the fit's, (n,)."""
    encoding: Encoding = model.design.encoding
    spec = model.spec
    table = read_table(data)
    try:
        names = used_columns(spec, response=True, groups=False, weights=False)
        columns = {name.name: table.column(name.name, name.span) for name in names}
        return number(spec.response, Scope(table.n_rows, columns, dict(encoding.states), learning=False))
    except DataError as error:
        if spec.source:
            error.within(spec.source)
        raise


def _places(model: Model) -> list[tuple[str, int, int]]:
    """Return for each group term its parameter, its place among the terms, and its first column in the parameter."""
    found = []
    for factor in model.factors:
        start = 0
        for m in factor.members:
            found.append((f"b[{factor.name}]", m, start))
            start += model.design.groups[m].n_columns
    return found


def _response(
    model: Model,
    values: Mapping[str, np.ndarray],
    X: np.ndarray,
    parts: list[GroupPart],
    offset: np.ndarray | None,
    weights: np.ndarray | None,
) -> MixedResponse:
    n = len(X)
    held = {key: values[key] for key in {"sigma", *(part.key for part in parts), *(["beta"] if X.shape[1] else [])}}
    return MixedResponse(
        held,
        X,
        tuple(parts),
        np.zeros(n) if offset is None else offset,
        np.ones(n) if weights is None else np.sqrt(weights),
    )


def _unseen(factor: str, levels: list[str]) -> FitError:
    shown = ", ".join(levels[:_NAMED]) + (f" and {len(levels) - _NAMED:,} more" if len(levels) > _NAMED else "")
    one = len(levels) == 1
    return FitError(
        f"The fit has not seen the level{'' if one else 's'} {shown} of {factor}, "
        f"so there {'is no effect' if one else 'are no effects'} to predict with.",
        hint="Predict for levels that were fitted.",
    )
