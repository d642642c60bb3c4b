"""Explore: sliders for covariates and menus for factors, with the predicted distribution moving along."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import anywidget
import numpy as np
import traitlets

from ...display import digits
from ...display.explored import Explored, explored_bundle
from ...errors import FitError, ProbflowError, UsageError
from ...fit import Fit
from ...fit.covariates import Point
from ...fit.curves import Curve, Predicted
from ...fit.group_curves import BINNED, shares_of, single_events
from ...fit.scale_names import axis_name
from ..front import front
from ..message import broken, identity, opened
from .curve_view import find
from .naming import named, place, position

LISTED = 60  # levels that a menu lists; of more, one is typed and found
FOUND = 40
_POINTS = 600  # of the data that the curve shows


class Explore(anywidget.AnyWidget):
    """What `fit.explore()` shows.

    The page sends {"kind": "at", "id", "numbers", "levels", "along", "value", "curve"}: numbers in the order of the
    covariates, levels by position (-1 for a typical one), the covariate of the curve, the value whose excess is asked
    (or None), whether the curve is wanted. It is answered at once on the thread that heard it.
    scene: what can be moved. point: where everything stands, so that a reloaded page shows it again.
    """

    _esm = front("draw.js", "tables.js", "levels.js", "curves.js", "explore.js")
    _css = front("theme.css", "curves.css", "explore.css")
    scene = traitlets.Dict().tag(sync=True)
    point = traitlets.Dict().tag(sync=True)

    def __init__(self, fit: Fit, start: Point | None = None) -> None:
        self._fit = fit
        self._curves = fit.curves
        movable = self._curves.movable
        if not movable.covariates and not movable.factors:
            raise FitError("This model has no covariates and no factors, so there is nothing to move.")
        begin = movable.point(start)
        super().__init__(scene=self._scene(), point=self._standing(begin))
        self.on_msg(self._heard)

    # What stands on the page -------------------------------------------------------------------------------------

    def _scene(self) -> dict[str, Any]:
        movable, (low, high) = self._curves.movable, self._curves.reach
        covariates = [
            {"name": named(c.name), "low": c.low, "high": c.high, "step": c.step, "digits": _digits(c.step)}
            for c in movable.covariates
        ]
        factors = [
            {
                "name": named(f.name),
                "count": len(f.levels),
                "typical": f.typical,
                "levels": [named(level) for level in f.levels] if len(f.levels) <= LISTED else [],
            }
            for f in movable.factors
        ]
        response = named(axis_name(self._curves.model, self._fit.facts.response))
        title = named(self._fit.name) if self._fit.name else ""
        return {
            "covariates": covariates,
            "factors": factors,
            "response": response,
            "title": title,
            "reach": [low, high],
            "percent": 95,
            "exact": self._curves.exact,
            "events": self._curves.events,
        }

    def _standing(self, begin: Mapping[str, Any]) -> dict[str, Any]:
        movable = self._curves.movable
        names = [c.name for c in movable.covariates]
        levels = [-1 if begin[f.name] is None else f.places[begin[f.name]] for f in movable.factors]
        return {
            "numbers": [float(begin[name]) for name in names],
            "levels": levels,
            "names": [_level_name(f.levels, at) for f, at in zip(movable.factors, levels, strict=True)],
            "along": names.index(self._curves.default.name) if self._curves.default else 0,
            "value": None,
        }

    # What is asked -----------------------------------------------------------------------------------------------

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        kind, question = opened(content)
        deed = {"at": self._at, "find": self._find}.get(kind)
        if deed is None:
            return
        try:
            found, arrays = deed(question)
        except ProbflowError as error:
            found, arrays = {"fault": " ".join(part for part in (error.message, error.hint) if part)}, []
        except Exception as error:  # the sliders are there for the next move, whatever this one was
            found, arrays = {"fault": broken(error)}, []
        self.send({"kind": "answer", "id": identity(question), "content": found}, arrays)

    def _find(self, question: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        factors = self._curves.movable.factors
        levels = factors[place(question, "factor", len(factors))].levels
        at = find(levels, question.get("text"), FOUND)
        return {"at": at, "names": [named(levels[i]) for i in at]}, []

    def _at(self, question: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        movable = self._curves.movable
        point, levels = self._asked(question)
        along = place(question, "along", len(movable.covariates), 0) if movable.covariates else 0
        value = _number(question.get("value"))
        found = self._curves.at(point, value=value)
        arrays = [found.x, found.new, found.mean_x, found.mean_density]
        curved = bool(question.get("curve")) and bool(movable.covariates)
        if curved:
            name = movable.covariates[along].name
            arrays += [*_curve_arrays(self._curves.curve(name, point)), *self._data(name, levels)]
        self.point = {
            "numbers": [point[c.name] for c in movable.covariates],
            "levels": levels,
            "names": [_level_name(f.levels, at) for f, at in zip(movable.factors, levels, strict=True)],
            "along": along,
            "value": value,
        }
        content = {
            "mean": found.mean,
            "meanInterval": found.mean_interval,
            "newInterval": found.new_interval,
            "above": found.above,
            "value": found.value,
            "draws": found.n_draws,
            "curve": curved,
        }
        return content, [np.ascontiguousarray(array, dtype="<f8").tobytes() for array in arrays]

    def _asked(self, question: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
        """Return the point of a question, by name, and its levels by position."""
        movable = self._curves.movable
        numbers, levels = question.get("numbers"), question.get("levels")
        if not isinstance(numbers, list) or len(numbers) != len(movable.covariates):
            raise UsageError(f"A point has {len(movable.covariates)} numbers.")
        if not isinstance(levels, list) or len(levels) != len(movable.factors):
            raise UsageError(f"A point has {len(movable.factors)} levels.")
        point: dict[str, Any] = {c.name: x for c, x in zip(movable.covariates, numbers, strict=True)}
        for factor, at in zip(movable.factors, levels, strict=True):
            typical = at == -1 and factor.typical
            found = None if typical else position(at, len(factor.levels), f"level of {named(factor.name)}")
            point[factor.name] = None if found is None else factor.levels[found]
        return movable.point(point), [int(at) for at in levels]

    def _data(self, covariate: str, levels: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of the rows that have all the levels chosen, at most 600 of them, evenly spaced; of many rows
        of 0 and 1 their shares."""
        movable = self._curves.movable
        y = self._curves.observed
        chosen = np.ones(len(y), dtype=bool)
        for factor, at in zip(movable.factors, levels, strict=True):
            if at >= 0:
                chosen &= movable.columns[factor.name].factor().codes == at
        rows = np.flatnonzero(chosen)
        x = movable.columns[covariate].numbers()
        if len(rows) >= BINNED and single_events(self._curves):
            return shares_of(x[rows], y[rows])
        rows = rows[:: max(1, -(-len(rows) // _POINTS))]
        return x[rows], y[rows]

    # How it is shown ---------------------------------------------------------------------------------------------

    def _ipython_display_(self) -> None:
        """Show the sliders where a front end can, and below them what a page without a kernel shows in their place."""
        from IPython import get_ipython
        from IPython.display import display

        from ..cell.awaiting import person_there

        static = self._static()
        if not person_there(get_ipython()):
            display(static, raw=True)
            return
        view = super()._repr_mimebundle_()
        bundle = dict(view[0] if isinstance(view, tuple) else view or {})
        display({**bundle, "text/html": "<div></div>", "text/plain": static["text/plain"]}, raw=True)
        display(static, raw=True)

    def _static(self) -> dict[str, str]:
        movable, standing = self._curves.movable, self.point
        point, _ = self._asked(dict(standing))
        found = self._curves.at(point)
        where = [(c.name, f"{point[c.name]:g}") for c in movable.covariates]
        where += [(f.name, "typical" if point[f.name] is None else str(point[f.name])) for f in movable.factors]
        along = movable.covariates[standing["along"]] if movable.covariates else None
        shown = Explored(
            response=axis_name(self._curves.model, self._fit.facts.response),
            where=tuple(where),
            numbers=in_words(found),
            density=(found.x, found.new),
            mean=found.mean,
            interval=found.new_interval or found.mean_interval,
            covariate=along.name if along else "",
            at=float(point[along.name]) if along else 0.0,
            curve=self._panel(along.name, point) if along else None,
        )
        return explored_bundle(shown)

    def _panel(self, covariate: str, point: Point) -> Any:
        from ...display.fit_figure import FittedPanel

        curve = self._curves.curve(covariate, point)
        x, y = self._data(covariate, list(self.point["levels"]))
        band = None if curve.mean_band is None else curve.mean_band[0]
        new = None if curve.new_band is None else curve.new_band[0]
        return FittedPanel("", x, y, curve.x, curve.mean[0], band, new)


def explore(fit: Fit, start: Point | None = None) -> Explore:
    """Return the sliders and menus of a fit; `fit.explore()` calls this where the extension is loaded."""
    return Explore(fit, start)


def in_words(found: Predicted) -> str:
    """Say a prediction in numbers: its mean, the interval of the mean, and that of a new response."""
    ends = found.mean_interval or (found.mean, found.mean)
    widest = found.new_interval or ends
    places = digits.decimals(float("nan"), (widest[1] - widest[0]) / 4, abs(found.mean))
    row = [v.replace("-", "−") for v in digits.row([found.mean, *ends, *widest], places)]
    if all(float(end).is_integer() for end in widest):
        # Ends of an interval of counts are counts.
        row[3:] = [f"{end:,.0f}".replace("-", "−") for end in widest]
    percent = f"{100 * found.probability:g}%"
    own = f", {percent} from {row[1]} to {row[2]}" if found.mean_interval else ""
    if found.new_interval is None:
        return f"Probability {row[0]}{own}."
    return f"Mean {row[0]}{own}; {percent} of a new response from {row[3]} to {row[4]}."


def _curve_arrays(curve: Curve) -> list[np.ndarray]:
    band = [np.empty(0)] * 2 if curve.mean_band is None else [curve.mean_band[0, 0], curve.mean_band[0, 1]]
    new = [np.empty(0)] * 2 if curve.new_band is None else [curve.new_band[0, 0], curve.new_band[0, 1]]
    return [curve.x, curve.mean[0], *band, *new]


def _number(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= sys.float_info.max else None


def _digits(step: float) -> int:
    """Return the decimals that tell the steps of a slider apart."""
    return max(0, -int(np.floor(np.log10(step) + 1e-9))) if step < 1 else 0


def _level_name(levels: tuple[str, ...], at: int) -> str:
    return "" if at < 0 else named(levels[at])
