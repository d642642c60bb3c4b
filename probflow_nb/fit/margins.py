"""Margins: estimated marginal means, their contrasts, and slopes, of a posterior or of a point fit.

Each is C h(L beta + offset): L the averaged rows of a reference grid, h the mean of the response for eta (or eta
itself), C the differences asked for. A posterior has a value a draw; a point fit its estimate, a standard error by the
delta method, sqrt(diag(J V J')) with J = C diag(h') L, and a normal interval, whose ends for a mean are those of eta.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np

from ..errors import FitError
from ..inference.engine import Optimum, Posterior
from ..model.model import Model
from .contrast_kinds import differences
from .estimates import end_names, ends_of
from .ratios import ratio_kind
from .reference_grid import Grid, Reference

SCALES = ("response", "link")
_STEP = 1e-4  # of the range of a covariate: half the distance of the two points of a slope


@dataclass(frozen=True, eq=False)
class Margins:
    """q numbers that a fit says, each a row of a table.

    names: of the index. labels: a tuple a row. what: the column of the centre of a posterior, "mean" or "ratio".
    draws: (S, q), None for a point fit. estimate, error, lower, upper: (q,) of a point fit.
    """

    names: tuple[str, ...]
    labels: tuple[tuple[Any, ...], ...]
    probability: float
    draws: np.ndarray | None = None
    estimate: np.ndarray | None = None
    error: np.ndarray | None = None
    bounds: tuple[np.ndarray, np.ndarray] | None = None

    def frame(self) -> Any:
        """Return a row each: mean, sd, median and interval, or estimate, se and interval."""
        import pandas as pd

        ends = ends_of(self.probability)
        low, high = end_names(ends)
        if self.draws is not None:
            lower, median, upper = np.quantile(self.draws, [ends[0], 0.5, ends[1]], axis=0)
            columns = {"mean": self.draws.mean(axis=0), "sd": self.draws.std(axis=0, ddof=1), "median": median}
            columns |= {low: lower, high: upper}
        else:
            assert self.estimate is not None
            assert self.error is not None
            assert self.bounds is not None
            columns = {"estimate": self.estimate, "se": self.error, low: self.bounds[0], high: self.bounds[1]}
        return pd.DataFrame(columns, index=self._index())

    def sample(self) -> Any:
        """Return the draws, a row a draw and a column a number; FitError for a point fit."""
        import pandas as pd

        if self.draws is None:
            raise FitError("A point fit has no draws.", hint="Leave out draws, or fit a posterior.")
        return pd.DataFrame(self.draws, index=pd.RangeIndex(len(self.draws), name="draw"), columns=self._index())

    def _index(self) -> Any:
        import pandas as pd

        if not self.names:
            return pd.Index(["overall"] * len(self.labels))
        if len(self.names) == 1:
            return pd.Index([label[0] for label in self.labels], name=self.names[0])
        return pd.MultiIndex.from_tuples(self.labels, names=self.names)


class Explainer:
    """What a formula's fit says of its population: the coefficients and the scales of eta."""

    def __init__(self, model: Model, answer: Posterior | Optimum) -> None:
        self.model, self.answer = model, answer

    @cached_property
    def reference(self) -> Reference:
        """The columns of the common effects."""
        return Reference(self.model)

    @property
    def p(self) -> int:
        """The number of coefficients."""
        return len(self.model.design.column_names)

    @cached_property
    def beta(self) -> np.ndarray:
        """The draws of the coefficients, (S, p); of a point fit its estimates, (1, p)."""
        if isinstance(self.answer, Optimum):
            return self.answer.values[None, : self.p]
        return self.answer.draws.table[:, : self.p]

    @cached_property
    def auxiliary(self) -> tuple[np.ndarray, ...]:
        """The draws of the family's further parameters, (S, 1) each."""
        places = {name: i for i, name in enumerate(self.model.scalar_names)}
        table = self.answer.values[None] if isinstance(self.answer, Optimum) else self.answer.draws.table
        return tuple(table[:, places[name], None] for name in self.model.auxiliary)

    def mean(self, eta: np.ndarray, scale: str) -> np.ndarray:
        """Return h(eta), (S, m): the mean of the response, of events their probability; or eta."""
        record = self.model.record
        if scale == "link" or record is None:
            return eta
        known = np.where(np.isnan(eta), 0.0, eta)
        found: np.ndarray = np.where(np.isnan(eta), np.nan, record.mean(None, known, self.auxiliary))
        return found

    def slope(self, eta: np.ndarray, scale: str) -> np.ndarray:
        """Return h'(eta), by central differences where it is not 1."""
        if scale == "link" or self.model.record is None:
            return np.ones_like(eta)
        step = 1e-5
        return (self.mean(eta + step, scale) - self.mean(eta - step, scale)) / (2 * step)

    def scale(self, scale: str | None, extra: tuple[str, ...] = ()) -> str:
        """Return the scale asked for: that of the response, but the link for ordered categories."""
        ordinal = self.model.spec.family.name == "ordinal"
        if scale is None:
            return "link" if ordinal else "response"
        if scale not in (*SCALES, *extra):
            raise FitError(
                f"There is no scale {scale!r:.40} here.", hint=f"It is one of {', '.join((*SCALES, *extra))}."
            )
        if scale == "response" and ordinal:
            raise FitError(
                "Ordered categories have no one mean on the scale of the response.",
                hint='Ask on the scale "link", or predict(rows, scale="probability").',
            )
        return scale

    def margins(
        self, grid: Grid, C: np.ndarray | None, labels: Sequence[tuple[Any, ...]], names: Sequence[str],
        probability: float, scale: str,
    ) -> Margins:  # fmt: skip
        """Return C h(L beta + offset), or h itself without C; on the scale "ratio" exp(C (L beta + offset))."""
        ratio = scale == "ratio"
        h_scale = "link" if ratio else scale
        eta = self.beta @ grid.L.T + grid.offset
        value = self.mean(eta, h_scale)
        value = value if C is None else value @ C.T
        value = np.exp(value) if ratio else value
        if isinstance(self.answer, Posterior):
            return Margins(tuple(names), tuple(labels), probability, draws=value)
        V, z = self.answer.covariance, NormalDist().inv_cdf(0.5 + probability / 2)
        J = self.slope(eta, h_scale)[0][:, None] * grid.L
        J = J if C is None else C @ J
        error = np.sqrt(np.maximum(np.einsum("qi,ij,qj->q", J, V, J), 0.0))
        if ratio:
            bounds = (value[0] * np.exp(-z * error), value[0] * np.exp(z * error))
            error = value[0] * error
        elif C is None:
            spread = np.sqrt(np.maximum(np.einsum("mi,ij,mj->m", grid.L, V, grid.L), 0.0))
            ends = self.mean(np.stack([eta[0] - z * spread, eta[0] + z * spread]), h_scale)
            bounds = (ends.min(axis=0), ends.max(axis=0))
        else:
            bounds = (value[0] - z * error, value[0] + z * error)
        return Margins(tuple(names), tuple(labels), probability, None, value[0], error, bounds)


def means(
    explainer: Explainer, specs: Sequence[str], by: Sequence[str], at: Mapping[str, Any], scale: str | None,
    interval: float, weights: str,
) -> Margins:  # fmt: skip
    """Return the estimated marginal means of every combination of `by` and `specs`."""
    ends_of(interval)
    scale = explainer.scale(scale)
    asked = [explainer.reference.known(name, "marginal means") for name in dict.fromkeys((*by, *specs))]
    grid = explainer.reference.grid(asked, at, weights)
    return explainer.margins(grid, None, grid.labels, grid.names, interval, scale)


def contrasts(
    explainer: Explainer, specs: Sequence[str], by: Sequence[str], kind: str, reference: Any, at: Mapping[str, Any],
    scale: str | None, interval: float, weights: str,
) -> Margins:  # fmt: skip
    """Return differences of the marginal means of `specs` within every combination of `by`."""
    ends_of(interval)
    scale = explainer.scale(scale, ("ratio",))
    if scale == "ratio" and not ratio_kind(explainer.model.spec.family):
        raise FitError(
            f"exp of a difference of {explainer.model.spec.family.label} is no ratio.",
            hint='Ask on the scale "response" or "link".',
        )
    shared = [name for name in specs if name in by]
    if shared:
        raise FitError(f"{shared[0]} is compared and held at once.", hint="Name each column once.")
    asked = [explainer.reference.known(name, "contrasts") for name in dict.fromkeys((*by, *specs))]
    grid = explainer.reference.grid(asked, at, weights)
    held = list(dict.fromkeys(label[: len(by)] for label in grid.labels))
    size = len(grid.labels) // len(held)
    C, labels = np.zeros((0, len(grid.labels))), []
    for i, group in enumerate(held):
        levels = [" ".join(map(_shown, label[len(by) :])) for label in grid.labels[i * size : (i + 1) * size]]
        rows, words = differences(levels, kind, reference, scale == "ratio")
        wide = np.zeros((len(rows), len(grid.labels)))
        wide[:, i * size : (i + 1) * size] = rows
        C = np.concatenate([C, wide])
        labels += [(*group, word) for word in words]
    return explainer.margins(grid, C, labels, (*by, "contrast"), interval, scale)


def slopes(
    explainer: Explainer, covariate: str, by: Sequence[str], at: Mapping[str, Any], scale: str | None, interval: float,
    over: str, weights: str,
) -> Margins:  # fmt: skip
    """Return d h(eta) / dx of a covariate at the reference grid, or its average over the rows fitted.

    By central differences of 1e-4 of the covariate's range. Over rows h' is that of each row, group effects 0.
    """
    ends_of(interval)
    scale = explainer.scale(scale)
    reference = explainer.reference
    name = reference.known(covariate, "slope")
    if name not in reference.numbers:
        raise FitError(f"{name} is a factor, so it has no slope.", hint=f'Ask for contrasts("{name}").')
    if name in by:
        raise FitError(f"{name} is moved and held at once.", hint="Leave it out of by.")
    if over not in ("grid", "rows"):
        raise FitError(f'over is "grid" or "rows", not {over!r:.40}.')
    asked = [reference.known(one, "slopes") for one in dict.fromkeys(by)]
    step = _STEP * (float(np.ptp(reference.numbers[name])) or 1.0)
    if over == "rows":
        return _over_rows(explainer, name, asked, at, step, interval, scale)
    centre = reference.axis(name, at).values if name in at else np.array([reference.numbers[name].mean()])
    if len(centre) > 1:
        raise FitError(f"A slope of {name} is at one value of it.", hint="Give at one number.")
    pair = [reference.grid(asked, {**at, name: float(centre[0] + s)}, weights) for s in (-step, step)]
    m = len(pair[0].labels)
    both = Grid(
        pair[0].names, pair[0].labels, np.concatenate([g.L for g in pair]), np.concatenate([g.offset for g in pair])
    )
    C = np.concatenate([-np.eye(m), np.eye(m)], axis=1) / (2 * step)
    return explainer.margins(both, C, pair[0].labels, pair[0].names, interval, scale)


def _over_rows(
    explainer: Explainer, name: str, by: Sequence[str], at: Mapping[str, Any], step: float, interval: float, scale: str
) -> Margins:
    """Return the average of each row's slope, within every combination of `by` that occurs."""
    reference = explainer.reference
    if at:
        raise FitError("Over the rows of the data nothing is held elsewhere.", hint='Leave out at, or over="rows".')
    values = {one: reference._data(one) for one in reference.names}
    keys = np.stack([values[one] for one in by], axis=1) if by else np.zeros((len(explainer.model.design.y), 1))
    cells, index = np.unique(keys, axis=0, return_inverse=True)
    index = np.asarray(index).reshape(-1)
    rows = [reference.rows({**values, name: values[name] + s}) for s in (-step, step)]
    counts = np.bincount(index, minlength=len(cells))
    n, S = len(index), len(explainer.beta)
    found, J = np.zeros((S, len(cells))), np.zeros((len(cells), explainer.p))
    block = max(1, 4_000_000 // S)
    for start in range(0, n, block):
        here = slice(start, min(start + block, n))
        for sign, (X, offset) in zip((-1.0, 1.0), rows, strict=True):
            eta = explainer.beta @ X[here].T + offset[here]
            part = sign * explainer.mean(eta, scale) / (2 * step)
            share = np.eye(len(cells))[index[here]] / counts
            found += part @ share
            J += (share * (sign * explainer.slope(eta, scale)[0] / (2 * step))[:, None]).T @ X[here]
    labels = [
        tuple(reference.factors[one].levels[int(v)] if one in reference.factors else float(v)
              for one, v in zip(by, cell, strict=True))
        for cell in (cells if by else np.zeros((1, 0)))
    ]  # fmt: skip
    if isinstance(explainer.answer, Posterior):
        return Margins(tuple(by), tuple(labels), interval, draws=found)
    z = NormalDist().inv_cdf(0.5 + interval / 2)
    error = np.sqrt(np.maximum(np.einsum("qi,ij,qj->q", J, explainer.answer.covariance, J), 0.0))
    return Margins(
        tuple(by), tuple(labels), interval, None, found[0], error, (found[0] - z * error, found[0] + z * error)
    )


def _shown(level: Any) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)
