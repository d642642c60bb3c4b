"""Curves: the response of a fit along a covariate, for chosen levels, and its distribution at one point."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..errors import FitError
from ..inference.engine import Optimum, Posterior
from ..predict.build import response_at
from ..predict.response import Response
from ..predict.response import mean as mean_of
from ..predict.values import Values
from .covariates import Covariate, Movable, Point, movable
from .mixture import mixture
from .predictions import point_values
from .scale_names import observed_on_axis, of_events

GRID = 41  # points of a curve; 41 hit all of 0, 1, .. 10
_AT_ONCE = 200_000  # draws times rows whose quantiles are wanted at once
_MOST_DRAWS = 4000
_NEARER = "Move the covariates back towards the data."


@dataclass(frozen=True, eq=False)
class Curve:
    """The response along a covariate for G settings of the others.

    covariate: its name. x: (m,). mean: (G, m). mean_band, new_band: (G, 2, m) ends of the central intervals of the mean
    and of a new response; mean_band None for a point fit, which knows no error of its mean, new_band None where the
    response is an event and its mean a probability. probability: theirs. shares: (G, m, K) mean probabilities of
    ordered categories, None for any other response.
    """

    covariate: str
    x: np.ndarray
    mean: np.ndarray
    mean_band: np.ndarray | None
    new_band: np.ndarray | None
    probability: float
    shares: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Predicted:
    """The distribution of the response at one point.

    mean: of the response. mean_interval, new_interval: central intervals of the mean (None for a point fit) and of a
    new response (None for events). x, new: places (c,) and the density of a new response there, of events that of their
    probability. mean_x, mean_density: those of the mean.
    above: P(response > value) and `value`, None if none was asked for. n_draws: S. probability: of the intervals.
    """

    mean: float
    mean_interval: tuple[float, float] | None
    new_interval: tuple[float, float] | None
    x: np.ndarray
    new: np.ndarray
    mean_x: np.ndarray
    mean_density: np.ndarray
    probability: float
    n_draws: int
    value: float | None = None
    above: float | None = None


class Curves:
    """What a fit says of its response away from its rows; the same draws are used for every question.

    Of events, 0 and 1 or counts out of trials, it says the probability of one trial; their data are shares of trials.
    model, answer, seed: of the fit. values: its draws, or None for a point fit.
    """

    def __init__(self, model: Any, answer: Posterior | Optimum, seed: int, values: Values | None) -> None:
        self.model, self.seed = model, seed
        self.exact = isinstance(answer, Optimum)
        self._all = point_values(model, answer) if isinstance(answer, Optimum) else values
        self.movable: Movable = movable(model)
        self.events = of_events(model)
        shape = np.shape(model.y)
        if len(shape) != 1:
            raise FitError(
                f"The response has {shape[1]} columns, but a curve shows one number a row.",
                hint="Ask predict() for the rows you mean.",
            )

    @cached_property
    def reach(self) -> tuple[float, float]:
        """The least and the greatest response of the data; 0 and 1 for a probability."""
        y = self.observed
        return (0.0, 1.0) if self.events else (float(y.min()), float(y.max()))

    @cached_property
    def observed(self) -> np.ndarray:
        """The responses of the data, (n,), or their shares of the trials."""
        return observed_on_axis(self.model)

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of ordered categories, or nothing."""
        return tuple(getattr(getattr(self.model, "record", None), "categories", ()))

    @cached_property
    def default(self) -> Covariate | None:
        """The covariate that a curve runs along at first: one whose effect varies by group, else the first."""
        covariates = self.movable.covariates
        design = getattr(self.model, "design", None)
        varying = {name for group in getattr(design, "groups", ()) for name in group.column_names}
        further = getattr(getattr(self.model, "formulas", None), "groups", ())
        varying |= {name for _, columns, _ in further for name in columns}
        return next((c for c in covariates if c.name in varying), covariates[0] if covariates else None)

    @cached_property
    def fitted(self) -> np.ndarray:
        """The fitted mean of each row, (n,), as `predict()` has it; for events their probability."""
        assert self._all is not None
        scale = "probability" if self.events else "response"
        return mean_of(response_at(self.model, self._all, None, noise=False, scale=scale))

    def at(self, point: Point | None = None, probability: float = 0.95, value: float | None = None) -> Predicted:
        """Return the distribution of the response at a point, what is not given at its start.

        point: covariates by name to numbers, factors to levels, None for a typical one. value: whose excess is asked.
        Raises FitError for what cannot be moved there or has no finite prediction, DataError for a number that a
        transform does not allow.
        """
        rows = self._rows(self.movable.point(point), 1)
        ends = (0.5 - probability / 2, 0.5 + probability / 2)
        if self.events:
            return self._event(rows, ends, probability, value)
        with np.errstate(over="ignore", invalid="ignore"):  # far from the data; said in words below
            response = self._response(rows)
            centre = float(self._mean(rows)[0])
            made = mixture(response, self.seed)
            low, high = (float(end) for end in made.quantiles(ends)[:, 0])
            means = made.mean[:, 0]
            if not (np.isfinite([centre, low, high]).all() and np.ptp(means) < np.inf):
                raise FitError("So far from the data the model predicts no finite number.", hint=_NEARER)
        lower, upper = (float(end) for end in np.quantile(means, ends))
        x, new = made.density(0)
        mean_x, mean_density = (np.empty(0), np.empty(0)) if self.exact else _density(means)
        above = None if value is None else made.above(float(value))[0]
        return Predicted(
            centre, None if self.exact else (lower, upper), (low, high), x, new, mean_x, mean_density,
            probability, response.n_draws, value, above,
        )  # fmt: skip

    def _event(self, rows: Any, ends: tuple[float, float], probability: float, value: float | None) -> Predicted:
        """Return the distribution of the probability of an event."""
        response = self._response(rows)
        draws = response.at(slice(0, 1), slice(0, response.n_draws)).mean()[:, 0]
        lower, upper = (float(end) for end in np.quantile(draws, ends))
        x, heights = (np.empty(0), np.empty(0)) if self.exact else _density(draws, 0.0, 1.0)
        above = None if value is None else float(np.mean(draws > value))
        return Predicted(
            float(self._mean(rows)[0]), None if self.exact else (lower, upper), None, x, heights, np.empty(0),
            np.empty(0), probability, response.n_draws, value, above,
        )  # fmt: skip

    def curve(self, covariate: str, point: Point | None = None, probability: float = 0.95) -> Curve:
        """Return the mean and its bands along a covariate through a point, G = 1.

        Raises FitError and DataError as `at`.
        """
        chosen = self.movable.covariate(covariate)
        return self.through(chosen, [self._places(self.movable.point(point))], probability)

    def through(self, covariate: Covariate, settings: Sequence[Mapping[str, float]], probability: float) -> Curve:
        """Return curves along a covariate for G settings of all the columns: numbers, and places of levels."""
        x, rows = self.rows_along(covariate, settings)
        m, G = len(x), len(settings)
        ends = (0.5 - probability / 2, 0.5 + probability / 2)
        with np.errstate(over="ignore", invalid="ignore"):
            response = self._response(rows, m * G)
            if self.events:
                draws = response.at(slice(0, m * G), slice(0, response.n_draws)).mean()
            else:
                made = mixture(response, self.seed)
                draws = made.mean
            band = None if self.exact else _by_curve(np.quantile(draws, ends, axis=0), G)
            mean = self._mean(rows).reshape(G, m)
            new = None if self.events else _by_curve(made.quantiles(ends), G)
        if not (np.isfinite(mean).all() and (new is None or np.isfinite(new).all())):
            raise FitError("So far from the data the model predicts no finite number.", hint=_NEARER)
        shares = self._shares(rows).reshape(G, m, -1) if self.categories else None
        return Curve(covariate.name, x, mean, band, new, probability, shares)

    def rows_along(self, covariate: Covariate, settings: Sequence[Mapping[str, float]]) -> tuple[np.ndarray, Any]:
        """Return the numbers (m,) that a curve runs through, and the G m rows of G curves, a setting after another."""
        x = grid(covariate)
        values = {name: np.repeat([setting[name] for setting in settings], len(x)) for name in settings[0]}
        values[covariate.name] = np.tile(x, len(settings))
        return x, self.movable.rows(values)

    def eta(self, rows: Any = None) -> np.ndarray:
        """Return eta at the means of the parameters, (rows,): at rows of `rows_along`, else at the rows fitted."""
        return mean_of(response_at(self.model, self._averages, rows, noise=False, scale="link"))

    def average(self, name: str) -> np.ndarray:
        """Return the mean over all draws of a parameter of a formula, such as "beta" or "b[Subject]"."""
        found: np.ndarray = np.asarray(self._averages[name])[0]
        return found

    # What they are made of -------------------------------------------------------------------------------------------

    @cached_property
    def _values(self) -> Values:
        """All draws, at most 4,000 of them evenly spaced, held as arrays."""
        assert self._all is not None
        kept = np.linspace(0, self._all.n_draws - 1, min(self._all.n_draws, _MOST_DRAWS)).round().astype(int)
        whole = len(kept) == self._all.n_draws
        held = {name: array if whole else array[kept] for name, array in self._all.items()}
        return _held(self._all, held, len(kept))

    @cached_property
    def _averages(self) -> Values:
        assert self._all is not None
        return _held(self._all, {name: array.mean(axis=0)[None] for name, array in self._all.items()}, 1)

    def _response(self, rows: Any, n: int = 1) -> Response:
        """Return the response at n rows; of many rows for fewer draws, evenly spaced."""
        values = self._values
        every = max(1, math.ceil(values.n_draws / max(200, _AT_ONCE // n)))
        if every > 1:
            fewer = {name: array[::every] for name, array in values.items()}
            values = _held(values, fewer, math.ceil(values.n_draws / every))
        return response_at(self.model, values, rows, not self.events, scale=self._scale)

    @property
    def _scale(self) -> str:
        return "probability" if self.events else "response"

    def _mean(self, rows: Any) -> np.ndarray:
        """Return the mean as `predict` does: of all draws, by their averages where it is linear in them."""
        record = getattr(self.model, "record", None)
        linear = self.movable.frame and record is None
        held = self._averages if linear else self._values
        return mean_of(response_at(self.model, held, rows, noise=False, scale=self._scale))

    def _shares(self, rows: Any) -> np.ndarray:
        """Return the mean probability of every ordered category, (rows, K)."""
        return mean_of(response_at(self.model, self._values, rows, noise=False, scale="probability"))

    def _places(self, point: Point) -> dict[str, float]:
        """Return a point as numbers: a level by its place, a typical one by -1."""
        numbers = {c.name: float(point[c.name] or 0.0) for c in self.movable.covariates}
        for factor in self.movable.factors:
            level = point[factor.name]
            numbers[factor.name] = -1 if level is None else factor.places[str(level)]
        return numbers

    def _rows(self, point: Point, m: int) -> Any:
        return self.movable.rows({name: np.repeat(value, m) for name, value in self._places(point).items()})


def grid(covariate: Covariate) -> np.ndarray:
    """Return the numbers (m,) that a curve runs through; of whole numbers only those, all where they are few."""
    if covariate.whole and covariate.greatest - covariate.least < GRID:
        return np.arange(covariate.least, covariate.greatest + 0.5)
    found = np.linspace(covariate.least, covariate.greatest, GRID)
    return np.unique(found.round()) if covariate.whole else found


def _held(like: Values, arrays: Mapping[str, np.ndarray], n_draws: int) -> Values:
    return Values(like.quantities, n_draws, {name: partial(np.asarray, array) for name, array in arrays.items()})


def _by_curve(ends: np.ndarray, G: int) -> np.ndarray:
    return ends.reshape(2, G, -1).transpose(1, 0, 2)


def _density(values: np.ndarray, low: float = -math.inf, high: float = math.inf) -> tuple[np.ndarray, np.ndarray]:
    from ..display.density import density

    if np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())):
        return np.empty(0), np.empty(0)
    return density(values, low, high, points=120)
