"""Fit picture: what `plot_fit` shows, chosen and put in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import FitError
from .curves import Curves
from .group_curves import (
    BINNED,
    GroupCurves,
    Grouping,
    group_curves,
    grouping,
    groupings,
    shares_of,
    single_events,
    spread,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..display.fit_figure import FittedPanel

_MOST_DOTS = 5000
_MOST_BINS = 20
_FAR = 12.0  # times the median of the means that the axis reaches, from which counts are drawn on a root scale


def fit_picture(
    curves: Curves, response: str, covariate: str | None, groups: str | Sequence[str] | None, by: str | None
) -> Figure:
    """Return the figure of `Fit.plot_fit`; FitError for what is not in the model."""
    from ..display.drawn import described
    from ..display.fit_figure import MOST, fit_figure
    from ..display.picture import fit_words

    chosen = curves.default if covariate is None else curves.movable.covariate(covariate)
    if chosen is None:
        if groups is not None:
            raise FitError("This model has no numeric covariate, so there are no curves of groups to choose from.")
        return _observed(curves, response)
    factor = _grouping(curves, groups, by)
    wanted = [groups] if isinstance(groups, str) else groups
    levels = spread(factor.levels, MOST) if wanted is None else [str(level) for level in wanted][:MOST]
    found = group_curves(curves, chosen, factor, levels)
    total = len(factor.levels) if wanted is None else len(wanted)
    panels, note = _panels(found), _note(found, total)
    if found.curve.shares is not None:
        return _shares_picture(curves, found, total, chosen.name)
    root = of_counts(curves) and far_apart(panels)
    note += ", root scale" if root else ""
    figure = fit_figure(panels, chosen.name, response, note, root=root)
    return described(figure, fit_words(panels, chosen.name, response, note))


def _shares_picture(curves: Curves, found: GroupCurves, total: int, covariate: str) -> Figure:
    from ..display.drawn import described
    from ..display.shares_figure import SharesPanel, shares_figure, shares_words

    shares = found.curve.shares
    assert shares is not None
    panels = [SharesPanel(level, found.curve.x, shares[i]) for i, level in enumerate(found.levels)]
    note, response = _levels_note(found, total), curves.model.design.response_name
    figure = shares_figure(panels, curves.categories, covariate, response, note)
    return described(figure, shares_words(panels, curves.categories, covariate, response, note))


def of_counts(curves: Curves) -> bool:
    """Return whether the response is never below 0 and its mean is exp(eta)."""
    return getattr(getattr(curves.model, "record", None), "link", "") == "log" and float(curves.observed.min()) >= 0.0


def far_apart(panels: Sequence[FittedPanel]) -> bool:
    """Whether bands reach so far above most means that these would be flat lines."""
    from ..display.fit_figure import held_by_axis

    middle = float(np.median(np.concatenate([panel.mean for panel in panels])))
    return max(float(held_by_axis(panel).max()) for panel in panels) > _FAR * middle


def _grouping(curves: Curves, groups: str | Sequence[str] | None, by: str | None) -> Grouping:
    """Return the factor named, else the first that has the levels wanted, else the first."""
    if groups is not None and not isinstance(groups, str) and not len(groups):
        raise FitError("No groups were given.", hint="Name some levels, or leave groups out to see a sample of all.")
    if by is None and groups is not None:
        first = groups if isinstance(groups, str) else str(groups[0])
        return next((g for g in groupings(curves) if first in g.levels), grouping(curves, None))
    return grouping(curves, by)


def _panels(found: GroupCurves) -> list:
    from ..display.fit_figure import FittedPanel

    curve = found.curve
    return [
        FittedPanel(
            level,
            found.x[i],
            found.y[i],
            curve.x,
            curve.mean[i],
            None if curve.mean_band is None else curve.mean_band[i],
            None if curve.new_band is None else curve.new_band[i],
        )
        for i, level in enumerate(found.levels)
    ]


def _note(found: GroupCurves, total: int) -> str:
    mean = "the probability" if found.curve.new_band is None else "the mean"
    known = [] if found.curve.mean_band is None else [mean]
    known += [] if found.curve.new_band is None else ["new responses"]
    bands = f"{100 * found.curve.probability:g}% of {' and of '.join(known)}" if known else ""
    parts = (_levels_note(found, total), bands, "dots: shares of neighbouring rows" * found.binned)
    return ", ".join(part for part in parts if part)


def _levels_note(found: GroupCurves, total: int) -> str:
    shown, name = len(found.levels), found.grouping.name
    of = f"{shown:,} of {total:,}" if shown < total else f"{shown:,}"
    return f"{of} level{'' if total == 1 else 's'} of {name}" if name else ""


def observed_and_fitted(curves: Curves) -> tuple[np.ndarray, np.ndarray]:
    """Return the responses of the fit and their fitted means, of many rows at most 5,000, evenly spaced.

    Many rows of 0 and 1 become shares in bins of about as many neighbouring fitted probabilities.
    """
    y, fitted = curves.observed, curves.fitted
    if binned_events(curves):
        x, share = shares_of(fitted, y, _MOST_BINS)
        return share, x
    every = max(1, -(-len(y) // _MOST_DOTS))
    return y[::every], fitted[::every]


def binned_events(curves: Curves) -> bool:
    """Return whether observed and fitted are shown as shares in bins: for many rows of 0 and 1."""
    return single_events(curves) and len(curves.observed) >= BINNED


def observed_note(curves: Curves, shown: int) -> str:
    """Say how many rows, or bins of rows, are shown."""
    n = len(curves.observed)
    if binned_events(curves):
        return f"{n:,} rows in {shown:,} bin{'' if shown == 1 else 's'}"
    return f"{shown:,} of {n:,} rows" if shown < n else f"{n:,} rows"


def _observed(curves: Curves, response: str) -> Figure:
    from ..display.drawn import described
    from ..display.fit_figure import observed_figure
    from ..display.picture import observed_words

    y, fitted = observed_and_fitted(curves)
    note = observed_note(curves, len(y))
    return described(observed_figure(y, fitted, response, note), observed_words(y, fitted, response, note))
