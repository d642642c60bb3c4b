"""Trellis picture: which levels `plot_trellis` shows, their three lines, and what they say in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FitError
from ..model.model import Model
from .covariates import Covariate
from .curves import Curves
from .fit_picture import far_apart, of_counts
from .group_curves import Grouping, groupings
from .pooling import PooledCurves, Varying, pooled_curves, varying_by
from .predictions import whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..display.trellis_figure import TrellisPanel


def trellis_picture(
    fit: Any, response: str, covariate: str | None, groups: str | Sequence[str] | None, by: str | None, n: int
) -> Figure:
    """Return the figure of `Fit.plot_trellis`; FitError for what cannot be drawn so."""
    from ..display.drawn import described
    from ..display.trellis_figure import trellis_figure, trellis_words

    curves: Curves = _drawable(fit)
    along = None if covariate is None else curves.movable.covariate(covariate)
    if along is None and not curves.movable.covariates:
        raise FitError(
            "This model has no numeric covariate to draw lines along.",
            hint="fit.plot_shrinkage() shows what pooling does to each level's effects.",
        )
    chosen, varying = _factor(curves, groups, by)
    along = along or _within(curves, chosen, varying)
    levels = _spread(chosen, varying, n) if groups is None else _named(groups)
    found = pooled_curves(curves, fit.answer, along, chosen, varying, levels)
    panels = _panels(found)
    root = of_counts(curves) and far_apart(panels)
    note = _note(found, len(chosen.levels), groups is None, root)
    figure = trellis_figure(panels, along.name, response, ", ".join(varying.names), note, root)
    return described(figure, trellis_words(panels, along.name, response, ", ".join(varying.names), note))


def _drawable(fit: Any) -> Curves:
    """Return the curves of a fit that has group terms of a formula and one mean; FitError for any other."""
    if not isinstance(fit.model, Model):
        further = getattr(getattr(fit.model, "formulas", None), "parameters", ())
        what = f"a formula for {further[0]}" if further else "code of its own"
        raise FitError(
            f"Levels with and without pooling are drawn for formulas of the mean alone, and this model has {what}.",
            hint="fit.plot_fit() shows its levels." if further else "fit.predict(rows) answers for rows of new data.",
        )
    if not fit.model.design.groups:
        raise FitError("A trellis is of the levels of a group term, and this model has none.", hint="See plot_fit().")
    curves: Curves = fit.curves
    if curves.categories:
        raise FitError(
            "Ordered categories have no one line for a level.",
            hint="fit.plot_fit(groups=[...]) shows the probability of each category.",
        )
    return curves


def _factor(curves: Curves, groups: str | Sequence[str] | None, by: str | None) -> tuple[Grouping, Varying]:
    """Return the factor named, else the first that has the levels wanted, else the first; and what varies by it."""
    known = {g.name: varying_by(curves, g.name) for g in groupings(curves)}
    held = [(g, v) for g in groupings(curves) if (v := known[g.name]) is not None]
    names = [g.name for g, _ in held]
    if by is not None:
        found = next(((g, v) for g, v in held if g.name == by), None)
        if found is None:
            what = "has no effects that vary by its levels" if by in known else "is no factor of this model"
            raise FitError(f"{by!s:.60} {what}.", hint=f"This model has group terms of {', '.join(names)}.")
        return found
    wanted = _named(groups)[:1] if groups is not None else []
    return next(((g, v) for g, v in held if wanted and wanted[0] in g.levels), held[0])


def _within(curves: Curves, chosen: Grouping, varying: Varying) -> Covariate:
    """Return the covariate that lines run along at first: one whose effect varies by the factor, else the first of
    those that take several values in most levels.
    """
    covariates = curves.movable.covariates
    own = next((c for c in covariates if c.name in varying.names), None)
    if own is not None:
        return own
    J = len(chosen.levels)
    moving = []
    for covariate in covariates:
        values = curves.movable.columns[covariate.name].numbers()
        least, most = np.full(J, np.inf), np.full(J, -np.inf)
        np.minimum.at(least, chosen.index, values)
        np.maximum.at(most, chosen.index, values)
        moving.append(float(np.mean(most > least)))
    return covariates[int(np.argmax(np.array(moving) > max(0.5 * max(moving), 0.0)))]


def _named(groups: str | Sequence[str]) -> list[str]:
    from ..display.trellis_figure import MOST

    listed = [groups] if isinstance(groups, str) or not hasattr(groups, "__iter__") else list(groups)
    if not listed:
        raise FitError("No groups were given.", hint="Name some levels, or leave groups out to see some of all.")
    if len(listed) > MOST:
        raise FitError(f"{len(listed):,} groups were given, but a trellis has room for {MOST}.")
    return [str(level) for level in listed]


def _spread(chosen: Grouping, varying: Varying, n: int) -> list[str]:
    """Return n levels evenly spaced in the order of their estimates at the average row, both extremes among them."""
    from ..display.trellis_figure import MOST

    n = whole(n, "n")
    if n > MOST:
        raise FitError(f"A trellis has room for {MOST} levels, not for {n:,}.")
    ranked = np.argsort(varying.deviations, kind="stable")
    most = min(n, len(ranked))
    ends = (0, len(ranked) - 1) if most > 1 else (len(ranked) // 2,) * 2
    places = np.unique(np.linspace(*ends, most).round().astype(int))
    return [chosen.levels[int(i)] for i in ranked[places]]


def _panels(curves: PooledCurves) -> list[TrellisPanel]:
    from ..display.trellis_figure import TrellisPanel

    found, curve = curves.found, curves.found.curve
    return [
        TrellisPanel(
            level,
            found.x[i],
            found.y[i],
            curve.x,
            curve.mean[i],
            None if curve.mean_band is None else curve.mean_band[i],
            None,
            found.counts[i],
            curves.alone[i],
            curves.pooled[i],
        )
        for i, level in enumerate(found.levels)
    ]


def _note(curves: PooledCurves, total: int, spread: bool, root: bool) -> str:
    shown = len(curves.found.levels)
    of = f"{shown:,} of {total:,}" if shown < total else f"{shown:,}"
    parts = [f"{of} level{'' if total == 1 else 's'} of {curves.found.grouping.name}"]
    if spread and shown > 1:
        parts.append("spread over the estimates" if shown < total else "by estimate")
    parts += ["dots: shares of neighbouring rows"] if curves.found.binned else []
    parts += ["root scale"] if root else []
    return ", ".join(parts)
