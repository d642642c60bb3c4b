"""Shrinkage picture: partial pooling of one group term, level by level, with its words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..display.drawn import described
from ..errors import FitError
from ..model.model import Model
from .no_pooling import shrinkage
from .scale_names import scale_of_effects

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def shrinkage_picture(fit: Any, factor: str | None, columns: list[str] | None) -> Figure:
    """Return the figure of one group term with at most two columns; see `Fit.plot_shrinkage`."""
    from ..display.shrinkage_figure import line_figure, plane_figure

    further = getattr(getattr(fit.model, "formulas", None), "parameters", ())
    if further:
        raise FitError(
            f"Shrinkage is drawn for formulas of the mean alone, and this model has a formula for {further[0]}.",
            hint="fit.plot_ranef() shows its group effects.",
        )
    if not isinstance(fit.model, Model) or not fit.model.design.groups:
        raise FitError(
            "Shrinkage is of group effects, and this model has no group terms of a formula.",
            hint="Write a group term, such as (1 | g); fit.plot_posterior() shows the parameters of this model.",
        )
    m, places = _chosen(fit.model, factor, columns)
    found = shrinkage(fit.model, fit.answer, fit.ranef, fit.fixef, m, scale_of_effects(fit.model))
    named = [found.columns[c] + (f", {found.scale}" if found.scale else "") for c in places]
    note = f"{len(found.levels):,} levels of {found.factor}"
    if len(places) == 2:
        alone, together = found.alone[:, places], found.together[:, places]
        figure = plane_figure(found.levels, alone, together, found.centre[places], (named[0], named[1]), note)
    else:
        c = places[0]
        figure = line_figure(
            found.levels, found.alone[:, c], found.together[:, c], float(found.centre[c]), named[0], found.counts, note
        )
    return described(figure, _words(found, places, named))


def _chosen(model: Model, factor: str | None, columns: list[str] | None) -> tuple[int, list[int]]:
    """Return which group term, and which of its columns."""
    groups = model.design.groups
    known = "; ".join(f"{', '.join(g.column_names)} of {g.factor}" for g in groups)
    for m, group in enumerate(groups):
        names = list(group.column_names)
        if factor in (None, group.factor) and all(name in names for name in columns or ()):
            places = [names.index(name) for name in columns or names[:2]]
            if 1 <= len(places) <= 2:
                return m, places
    raise FitError("There is no group term with that factor and one or two such columns.", hint=f"It has {known}.")


def _words(found: Any, places: list[int], named: list[str]) -> str:
    """Return what the figure shows: how far levels spread by themselves, and how far with the others."""
    parts = [
        f"{name}: sd of {np.nanstd(found.alone[:, c]):.4g} without pooling, {found.together[:, c].std():.4g} with it"
        for name, c in zip(named, places, strict=True)
    ]
    untold = int(np.isnan(found.alone[:, places]).any(axis=1).sum())
    missing = f"; {untold:,} levels have too few rows to say anything by themselves" if untold else ""
    return f"Shrinkage of {len(found.levels):,} levels of {found.factor}. {'; '.join(parts)}{missing}."
