"""Leave-one-out of a fit: how well each row, or each level of a factor, is predicted by the others, with its advice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from ..backend import devices
from ..display.sheet import Sheet
from ..errors import EngineError, FitError
from ..inference.engine import Posterior
from ..inference.leave_one_out import Integrated, leave_groups_out, leave_rows_out, usable
from ..model.model import Model
from ..posterior.loo import Pointwise, joined, loo_advice, psis_loo, waic, waic_advice
from ..predict.build import observed, row_labels
from ..predict.response import Response, over_rows
from .level_densities import level_densities, row_densities

if TYPE_CHECKING:
    import pandas as pd

# Rows times draws that are weighed in a second or two.
_QUICK = 2_000_000
_INTEGRATED = "effects integrated out in closed form, importance sampling of the variance parameters"
_OF_DRAWS = "importance sampling of the draws"
_WEIGHED = "each level's effects integrated out by quadrature, importance sampling of the draws"


@dataclass(frozen=True, eq=False, repr=False)
class LeaveOneOut:
    """The expected log predictive density of new data (elpd), from how each row or level is predicted by the others.

    criterion: "loo" or "waic". noun: what was left out, "rows" or "levels of Subject". labels: one each.
    pointwise: elpd, p and khat of each. method: how. notes: how far the figures can be trusted, and what to do.
    index: (n,) the level of each row, where levels were left out.
    """

    criterion: str
    noun: str
    labels: Any
    pointwise: Pointwise
    method: str
    notes: tuple[str, ...] = ()
    index: np.ndarray | None = None

    @property
    def elpd(self) -> float:
        """The sum over rows or levels of log p(y_i | all others); the higher the better."""
        return self.pointwise.total

    @property
    def se(self) -> float:
        """The standard error of elpd."""
        return self.pointwise.se

    @property
    def p(self) -> float:
        """The effective number of parameters; NaN for levels."""
        return self.pointwise.p_total

    def frame(self) -> pd.DataFrame:
        """Return one row a row or level: elpd, p and khat."""
        import pandas as pd

        figures = {"elpd": self.pointwise.elpd, "p": self.pointwise.p, "khat": self.pointwise.khat}
        return pd.DataFrame({name: v for name, v in figures.items() if not np.isnan(v).all()}, index=self.labels)

    def _sheet(self) -> Sheet:
        n = len(self.pointwise.elpd)
        rows = [(f"elpd_{self.criterion}", f"{self.elpd:,.1f}", f"{self.se:,.1f}")]
        if np.isfinite(self.p):
            spread = np.sqrt(n * self.pointwise.p.var(ddof=1)) if n > 1 else np.nan
            rows.append((f"p_{self.criterion}", f"{self.p:,.1f}", f"{spread:,.1f}"))
        rows.append((f"{self.criterion}ic", f"{-2 * self.elpd:,.1f}", f"{2 * self.se:,.1f}"))
        about = f"{n:,} {self.noun}, {self.method}."
        return Sheet((("", False), ("estimate", True), ("se", True)), tuple(rows), (about, *self.notes))

    def __repr__(self) -> str:
        return self._sheet().text()

    def _repr_html_(self) -> str:
        return self._sheet().html()


@dataclass(frozen=True, eq=False)
class Units:
    """What is left out at once: the factor's name, the level of each row (n,), and the levels' names."""

    name: str
    index: np.ndarray
    levels: tuple[str, ...]


def units_of(fit: Any, by: str) -> Units | None:
    """Return the levels of a grouping factor of a fit's formula; None where it has none of that name."""
    for factor in fit.model.factors if isinstance(fit.model, Model) else ():
        if factor.name == by:
            index = next(group.index for group in fit.model.design.groups if group.factor == by)
            return Units(by, np.asarray(index, dtype=np.int64), tuple(factor.levels))
    return None


def quick(fit: Any) -> bool:
    """Whether rows are left out of a fit in a second or two."""
    draws = fit.answer.draws
    return bool(fit.facts.n_rows * draws.n_chains * draws.n_draws <= _QUICK)


# What a fit has been asked already; fits never change.
_ASKED: WeakKeyDictionary[Any, dict[tuple[str | None, bool | None], LeaveOneOut]] = WeakKeyDictionary()


def leave_one_out(
    fit: Any, response_of: Callable[[], Response], by: str | None, integrated: bool | None
) -> LeaveOneOut:
    """Return the leave-one-out figures of rows, or of the levels of a factor; see `Fit.loo`.

    response_of: makes the response at the rows fitted, which needs all effects drawn, where it is needed.
    """
    if integrated not in (None, True, False):
        raise FitError(f"integrated is True, False or left out, not {integrated!r:.60}.")
    if not isinstance(by, str | None):
        raise FitError(f"by names a grouping factor of the model, not {by!r:.60}.", hint='Write its name, by="g".')
    known = _ASKED.setdefault(fit, {})
    if (by, integrated) not in known:
        known[by, integrated] = _left_out(fit, response_of, by, integrated)
    return known[by, integrated]


def _left_out(fit: Any, response_of: Callable[[], Response], by: str | None, integrated: bool | None) -> LeaveOneOut:
    if by is not None:
        return _by_levels(fit, by)
    origin = fit.answer.draws.origin if isinstance(fit.answer, Posterior) else None
    with devices.on(fit.device):
        left = None if integrated is False or origin is None or not _gaussian(fit.model) else usable(fit.model)
        if left is not None and origin is not None:
            found = leave_rows_out(left, origin.theta, fit.seed)
            return _shown(fit, found.pointwise, _INTEGRATED, _redrawn(found, "rows"))
    if integrated:
        raise FitError(
            "The group effects of this fit cannot be integrated out of its rows.",
            hint=_hint(fit),
        )
    response = response_of()
    y = observed(fit.model, None, None, response.shape)
    pointwise = joined(over_rows(response, y, psis_loo))
    return _shown(
        fit, pointwise, _OF_DRAWS, loo_advice(pointwise, "rows", _better(fit, integrated, origin is not None))
    )


def information(fit: Any, response: Response) -> LeaveOneOut:
    """Return WAIC and its parts; see `Fit.waic`."""
    pointwise = joined(over_rows(response, observed(fit.model, None, None, response.shape), waic))
    notes = waic_advice(pointwise, "rows")
    return LeaveOneOut("waic", "rows", _labels(fit, pointwise), pointwise, "variance over draws", notes)


def _by_levels(fit: Any, by: str) -> LeaveOneOut:
    units = units_of(fit, by)
    if units is None:
        known = [f.name for f in fit.model.factors] if isinstance(fit.model, Model) else []
        raise FitError(
            f"by names a grouping factor of the model, not {by!r:.60}.",
            hint=f"Its factors are {', '.join(known)}." if known else "This model has none; leave by out.",
        )
    return levels_left_out(fit, units)


def levels_left_out(fit: Any, units: Units) -> LeaveOneOut:
    """Return the leave-one-out figures of sets of rows, which need not be levels of a factor of the fit's own."""
    import pandas as pd

    if not isinstance(fit.model, Model):
        raise FitError(
            f"The levels of {units.name} cannot be left out of this model without a refit.",
            hint=f'loo("{units.name}") is for formulas of the mean alone; loo() leaves rows out.',
        )
    origin = fit.answer.draws.origin
    noun, labels = f"levels of {units.name}", pd.Index(units.levels, name=units.name)
    with devices.on(fit.device):
        left = None if origin is None or not _gaussian(fit.model) else usable(fit.model)
        if left is not None and origin is not None:
            factors = left.marginal.moments.factors
            first = bool(factors) and factors[0].name == units.name
            try:
                found = leave_groups_out(left, origin.theta, units.index, first, fit.seed)
                return LeaveOneOut(
                    "loo", noun, labels, found.pointwise, _INTEGRATED, _redrawn(found, noun), units.index
                )
            except EngineError:
                # Levels of too many rows for their covariance: weigh the draws instead.
                pass
        pointwise = psis_loo(_densities(fit, units))
    pointwise = replace(pointwise, p=np.full(len(units.levels), np.nan))
    return LeaveOneOut("loo", noun, labels, pointwise, _WEIGHED, loo_advice(pointwise, noun, ""), units.index)


def _densities(fit: Any, units: Units) -> np.ndarray:
    """Return log p(y_j | draw), (S, J); the effects of a level of the fit's own factor are integrated out."""
    values = fit._parameter_values("posterior to weigh")
    own = units_of(fit, units.name)
    if own is not None and np.array_equal(own.index, units.index):
        return level_densities(fit, units.name, values)[1]
    rows = row_densities(fit, values)
    order = np.argsort(units.index, kind="stable")
    found = np.zeros((len(rows), len(units.levels)))
    held, starts = np.unique(units.index[order], return_index=True)
    found[:, held] = np.add.reduceat(rows[:, order], starts, axis=1)
    return found


def _gaussian(model: Any) -> bool:
    return isinstance(model, Model) and model.record is None


def _hint(fit: Any) -> str:
    call = "loo(integrated=True)"
    if _gaussian(fit.model):
        return f"{call} is for fits by Exact whose factors, but the largest, have a few hundred effects at most."
    return f"{call} is for Gaussian formulas that are fitted by Exact."


def _better(fit: Any, integrated: bool | None, exact: bool) -> str:
    """Return how rows could be known better than from the draws; "" where there is no other way."""
    if not _gaussian(fit.model):
        return ""
    if not exact:
        return "Fit it with engine=Exact(), which integrates the effects out."
    return "Ask for loo() with the effects integrated out." if integrated is False else ""


def _redrawn(found: Integrated, noun: str) -> tuple[str, ...]:
    again = (f"For {found.redrawn:,} of them the variance parameters were drawn anew.",) if found.redrawn else ()
    return (*loo_advice(found.pointwise, noun, ""), *again)


def _shown(fit: Any, pointwise: Pointwise, method: str, notes: tuple[str, ...]) -> LeaveOneOut:
    return LeaveOneOut("loo", "rows", _labels(fit, pointwise), pointwise, method, notes)


def _labels(fit: Any, pointwise: Pointwise) -> Any:
    return row_labels(fit.facts.rows, None, len(pointwise.elpd))
