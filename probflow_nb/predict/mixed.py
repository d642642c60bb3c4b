"""Mixed: the response of a compiled mixed model at its own rows, or at new ones, with all group terms or some."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..design.encoding import Encoding, GroupRows
from ..design.expression import Scope, data_names, number
from ..design.response import coded_levels, counts_of_trials
from ..design.table import read_table
from ..design.wording import first_row
from ..errors import DataError, FitError
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Node
from ..model.families import ResponseFamily
from ..model.model import Model
from .family_slab import FamilySlab
from .levels import FITTED, TYPICAL, Levels, Population, population

_LOG_2PI = math.log(2.0 * math.pi)
# Families of whole numbers: quantiles of their draws are draws.
_DISCRETE = (
    "bernoulli",
    "binomial",
    "poisson",
    "negative_binomial",
    "zero_inflated_poisson",
    "zero_inflated_negative_binomial",
    "ordinal",
)
_NAMED = 5  # levels named in a sentence
_THIN = 8  # columns of X


@dataclass(frozen=True, eq=False)
class GroupPart:
    """What one group term adds to the mean: z (n, k) times the effects of level index (n,), columns from `start`."""

    key: str
    index: np.ndarray
    z: np.ndarray
    start: int


@dataclass(frozen=True, eq=False)
class NewPart:
    """What one group term adds in rows of new levels, whose effects are drawn from their population.

    rows: (m,) places of those rows, ascending. index: (m,) their levels among the population's. z: (m, k).
    """

    population: Population
    rows: np.ndarray
    index: np.ndarray
    z: np.ndarray
    start: int

    def add(self, eta: np.ndarray, rows: slice, draws: slice) -> None:
        """Add z b to eta (rows, s), in place."""
        here = slice(*np.searchsorted(self.rows, [rows.start, rows.stop]))
        if here.start == here.stop:
            return
        wanted, place = np.unique(self.index[here], return_inverse=True)
        b = self.population.effects(wanted, draws)
        at = self.rows[here] - rows.start
        for c in range(self.z.shape[1]):
            eta[at] += b[:, :, self.start + c].T[place] * self.z[here, c, None]


@dataclass(frozen=True, eq=False)
class MixedResponse:
    """y ~ Normal(eta, sigma / sqrt(weights)), eta = X beta + Z b + offset, or a family of eta, at n rows for S draws.

    values: "beta" (S, p), "b[F]" (S, J, k), "sigma" (S,). X: (n, p). groups: the group terms. offset, root_weights:
    (n,), 0 and 1 where there are none. new: what group terms add for levels that were not fitted. A row with a missing
    value is NaN throughout.
    """

    values: Mapping[str, np.ndarray]
    X: np.ndarray
    groups: tuple[GroupPart, ...]
    offset: np.ndarray
    root_weights: np.ndarray
    by_rows: bool = True
    record: ResponseFamily | None = None
    trials: np.ndarray | None = None
    new: tuple[NewPart, ...] = ()
    draws: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """(n,)."""
        return (len(self.X),)

    @property
    def n_draws(self) -> int:
        """S."""
        return self.draws

    def eta(self, rows: slice, draws: slice) -> np.ndarray:
        """Return X beta + Z b + offset at some rows for some draws, (s, m); the draws of a row lie together."""
        eta = np.empty((rows.stop - rows.start, draws.stop - draws.start))
        eta[:] = self.offset[rows, None]
        if self.X.shape[1]:
            X, beta = self.X[rows], self.values["beta"][draws]
            # Products this thin are done before the threads of a library of matrices have met.
            eta += np.einsum("np,sp->ns", X, beta) if X.shape[1] <= _THIN else X @ beta.T
        for part in self.groups:
            by_level = self._by_level[part.key]
            for c in range(part.z.shape[1]):
                b = by_level[part.start + c][part.index[rows], draws]
                z = part.z[rows, c]
                if not (z == 1.0).all():
                    b *= z[:, None]
                eta += b
        for new in self.new:
            new.add(eta, rows, draws)
        return eta.T

    @cached_property
    def _by_level(self) -> dict[str, np.ndarray]:
        """The effects with their draws together, (k, J, S): the draws of a level are read in one go."""
        keys = dict.fromkeys(part.key for part in self.groups)
        return {key: np.ascontiguousarray(self.values[key].transpose(2, 1, 0)) for key in keys}

    def at(self, rows: slice, draws: slice) -> GaussianSlab | FamilySlab:
        """Return the response at some rows for some draws."""
        eta = self.eta(rows, draws)
        if self.record is not None:
            trials = None if self.trials is None else self.trials[rows]
            aux = tuple(self.values[auxiliary.name][draws, None] for auxiliary in self.record.auxiliary)
            return FamilySlab(self.record, eta, trials, self.root_weights[rows] ** 2, aux)
        return GaussianSlab(eta, self.values["sigma"][draws, None] / self.root_weights[rows])

    def averaged(self) -> MixedResponse:
        """Return the response at the mean parameters where its mean is linear in beta and b."""
        return self if self.record is not None else self.at_means()

    def at_means(self) -> MixedResponse:
        """Return the response at the means of the parameters; the effects of new levels have the mean 0."""
        means = {name: draws.mean(axis=0)[None] for name, draws in self.values.items()}
        return replace(self, values=means, new=(), draws=1)

    @property
    def discrete(self) -> bool:
        """Whether new responses are whole numbers."""
        return self.record is not None and self.record.name in _DISCRETE


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

    def cumulative(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return Phi((y - mu) / sd), twice: y is continuous."""
        from scipy.special import ndtr

        found = ndtr((y - self.mu) / self.sd)
        return found, found

    def quantiles(self, ends: tuple[float, float]) -> np.ndarray:
        """Return mu + sd times the normal quantiles, for the first draw."""
        from scipy.special import ndtri

        return self.mu[0] + self.sd[0] * ndtri(np.array(ends))[:, None]

    def at_scores(self, z: np.ndarray) -> np.ndarray:
        """Return mu + sd z."""
        # The draws of a row lie together in mu, and stay so.
        found: np.ndarray = (self.mu.T + np.broadcast_to(self.sd, self.mu.shape).T * z).T
        return found


def fitted_response(model: Model, values: Mapping[str, np.ndarray], levels: Levels = FITTED) -> MixedResponse:
    """Return the response at the rows of the fit; levels: which group terms count, and whether levels are new ones."""
    design = model.design
    parts = _Parts(model, values, levels)
    for key, factor, m, start in _places(model, levels):
        group = design.groups[m]
        if levels.fresh:
            parts.draw(factor, group.levels, np.arange(len(group.index)), group.index, group.z, start)
        else:
            parts.known.append(GroupPart(key, group.index, group.z, start))
    return _response(model, values, design.X, parts, design.offset, design.weights, design.trials)


def new_response(
    model: Model,
    values: Mapping[str, np.ndarray],
    data: Any,
    weights: bool,
    levels: Levels = TYPICAL,
    single: bool = False,
) -> MixedResponse:
    """Return the response at the rows of a new frame.

    weights: whether the noise is asked for, so that the column of the weights is needed. levels: which group terms
    count, and what stands for levels that were not fitted. single: let counts be out of one trial, whatever the frame
    says, so that their mean is a probability.
    A row with a missing value is NaN, and a warning says so, unless missing levels stand for typical ones.
    Raises FitError for a level that the fit has not seen where that is asked for, DataError for what cannot be coded.
    """
    places = _places(model, levels)
    rows = model.design.encoding.rows(data, groups=[m for _, _, m, _ in places], weights=weights)
    coded = dict(zip(sorted(m for _, _, m, _ in places), rows.groups, strict=True))
    parts = _Parts(model, values, levels)
    for key, factor, m, start in places:
        parts.split(key, factor, coded[m], start)
    counted = model.design.trials is not None and not single
    trials = new_trials(model, data) if counted else None
    if not levels.missing_too:
        pair = counts_of_trials(model.spec)
        lost = {label(pair[1]): np.isnan(trials)} if pair is not None and trials is not None else {}
        tell_missing({**rows.missing, **lost})
    return _response(model, values, rows.X, parts, rows.offset, rows.weights, trials)


@dataclass
class _Parts:
    """The group terms of a response while they are put together: of known levels, and of new ones."""

    model: Model
    values: Mapping[str, np.ndarray]
    levels: Levels
    known: list[GroupPart] = field(default_factory=list)
    new: list[NewPart] = field(default_factory=list)
    populations: dict[str, Population] = field(default_factory=dict)

    def split(self, key: str, factor: str, rows: GroupRows, start: int) -> None:
        """Add a group term of new rows: the levels that were fitted, and those that were not."""
        unseen = (rows.level_codes >= 0) & ((rows.index < 0) | self.levels.fresh)
        if unseen.any() and self.levels.new == "error":
            raise _unseen(rows, unseen)
        lost = rows.level_codes < 0
        zero = 0.0 if self.levels.missing_too else np.nan
        z = np.where(unseen[:, None], np.where(np.isnan(rows.z), np.nan, 0.0), rows.z)
        z = np.where(lost[:, None], zero, z)
        self.known.append(GroupPart(key, np.where(lost | unseen, 0, rows.index), z, start))
        if unseen.any() and self.levels.new == "sample":
            at = np.flatnonzero(unseen)
            self.draw(factor, rows.level_names, at, rows.level_codes[at], rows.z[at], start)

    def draw(
        self, factor: str, names: tuple[str, ...], rows: np.ndarray, codes: np.ndarray, z: np.ndarray, start: int
    ) -> None:
        """Add a group term whose effects are drawn from their population in some rows; codes: of their levels."""
        if factor not in self.populations:
            self.populations[factor] = population(self.values, factor, names, self.levels.seed)
        self.new.append(NewPart(self.populations[factor], rows, codes, z, start))


def tell_missing(missing: Mapping[str, np.ndarray]) -> None:
    """Warn which rows cannot be predicted because a value is missing, by column."""
    import sys
    import warnings

    found = [(name, mask) for name, mask in missing.items() if mask.any()]
    if not found:
        return
    every = np.logical_or.reduce([mask for _, mask in found])
    listed = ", ".join(quoted(name) for name, _ in found)
    count, depth, frame = int(every.sum()), 1, sys._getframe()
    package = __name__.partition(".")[0]
    # The warning belongs to the line of the person who asked.
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        depth, frame = depth + 1, frame.f_back
    warnings.warn(
        f"{'1 row has' if count == 1 else f'{count:,} rows have'} no prediction, because a value is missing in "
        f"{listed}, {first_row(every, None)}.",
        UserWarning,
        stacklevel=depth,
    )


def new_values(model: Model, data: Any) -> np.ndarray:
    """Return the response that a new frame holds, coded as the fit's, (n,)."""
    pair = counts_of_trials(model.spec)
    if pair is not None:
        return _number(model, data, pair[0])
    if model.design.response_levels:
        return coded_levels(model.spec, read_table(data), model.design.response_levels)
    return _number(model, data, model.spec.response)


def new_trials(model: Model, data: Any) -> np.ndarray:
    """Return the trials that a new frame holds, (n,), NaN where missing; DataError for what no binomial can have."""
    pair = counts_of_trials(model.spec)
    assert pair is not None
    trials = _number(model, data, pair[1])
    bad = (trials < 0) | (trials != np.round(trials)) & ~np.isnan(trials) | np.isinf(trials)
    if bad.any():
        raise DataError(
            f"Trials must be whole numbers of at least 0, but {'1 is' if bad.sum() == 1 else f'{bad.sum():,} are'} "
            f"not in {quoted(label(pair[1]))}, {first_row(bad, None)}.",
            text=model.spec.source or None,
            span=pair[1].span,
            hint='Correct them in the new rows, or predict on the scale "link", which needs no trials.',
        )
    return trials


def _number(model: Model, data: Any, node: Node) -> np.ndarray:
    """Return a part of the response of a new frame, (n,)."""
    encoding: Encoding = model.design.encoding
    table = read_table(data)
    try:
        columns = {name.name: table.column(name.name, name.span) for name in data_names(node)}
        found: np.ndarray = number(node, Scope(table.n_rows, columns, dict(encoding.states), learning=False))
        return found
    except DataError as error:
        if model.spec.source:
            error.within(model.spec.source)
        raise


def _places(model: Model, levels: Levels) -> list[tuple[str, str, int, int]]:
    """Return the parameter and factor of each group term that counts, its place, and its first column in them."""
    found = []
    for factor in model.factors:
        start = 0
        for m in factor.members:
            if levels.counts(factor.name):
                found.append((f"b[{factor.name}]", factor.name, m, start))
            start += model.design.groups[m].n_columns
    return found


def _response(
    model: Model,
    values: Mapping[str, np.ndarray],
    X: np.ndarray,
    parts: _Parts,
    offset: np.ndarray | None,
    weights: np.ndarray | None,
    trials: np.ndarray | None,
) -> MixedResponse:
    n = len(X)
    keys = [*model.auxiliary, *(part.key for part in parts.known), *(["beta"] if X.shape[1] else [])]
    held = {key: values[key] for key in dict.fromkeys(keys)}
    S = len(next(iter(held.values()))) if held else values.n_draws  # type: ignore[attr-defined]
    return MixedResponse(
        held,
        X,
        tuple(parts.known),
        np.zeros(n) if offset is None else offset,
        np.ones(n) if weights is None else np.sqrt(weights),
        record=model.record,
        trials=trials,
        new=tuple(parts.new),
        draws=S,
    )


def _unseen(rows: GroupRows, unseen: np.ndarray) -> FitError:
    levels = list(dict.fromkeys(rows.labels[unseen]))
    shown = ", ".join(levels[:_NAMED]) + (f" and {len(levels) - _NAMED:,} more" if len(levels) > _NAMED else "")
    one = len(levels) == 1
    return FitError(
        f"The fit has not seen the level{'' if one else 's'} {shown} of {rows.factor}, {first_row(unseen, None)}.",
        hint='new_levels="sample" draws the effects of new levels from their population, "zero" takes its centre.',
    )
