"""Explore figure: the predicted distribution at one point, beside it where the point lies on the curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import labels
from .figures import axes, blank_figure, ticks
from .fit_figure import FittedPanel, draw_curve, held_by_axis, rules, whole_range
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HIGH, _TOP, _BOTTOM, _EDGE = 1.9, 0.3, 0.44, 0.12


def explore_figure(
    density: tuple[np.ndarray, np.ndarray],
    mean: float,
    interval: tuple[float, float] | None,
    response: str,
    curve: FittedPanel | None = None,
    covariate: str = "",
    at: float = 0.0,
    theme: Theme = LIGHT,
) -> Figure:
    """Return one Figure: the density of a new response (places and heights, (c,)) with its mean and interval; beside it
    the curve along a covariate, if there is one, with a dot at the point."""
    width = theme.width if curve is not None else 0.46 * theme.width
    figure = blank_figure(width, _HIGH + _TOP + _BOTTOM, theme)
    wide = 0.4 * theme.width - _EDGE
    ax = axes(figure, (_EDGE, _BOTTOM, wide, _HIGH), theme)
    x, heights = density
    if len(x) > 1:
        low, high = interval or (-np.inf, np.inf)
        inside = (x >= low) & (x <= high)
        ax.fill_between(x, heights, color=theme.common, alpha=0.16, linewidth=0)
        ax.fill_between(x, heights, where=inside.tolist(), color=theme.common, alpha=0.22, linewidth=0)
        ax.plot(x, heights, color=theme.common, linewidth=1.3)
    top = float(heights.max()) if len(heights) else 1.0
    ax.plot([mean, mean], [0, top], color=theme.ink, linewidth=1.0)
    ax.set_ylim(0, 1.06 * top)
    first = float(x[0]) if len(x) else mean
    last = float(x[-1]) if len(x) > 1 else first + 1.0
    ticks(ax, first, last, wide, theme)
    _word(figure, _EDGE, 0.06, response, wide, theme)
    if curve is not None:
        left = _EDGE + wide + 0.78
        beside = axes(figure, (left, _BOTTOM, width - left - _EDGE, _HIGH), theme)
        span = whole_range([held_by_axis(curve), curve.y], 0.05)
        beside.set_ylim(*span)
        rules(beside, span, _HIGH, True, theme)
        draw_curve(beside, curve, theme)
        beside.plot([at], [mean], marker="o", markersize=6, color=theme.ink, zorder=6, clip_on=False)
        across = whole_range([curve.at], 0.03)
        ticks(beside, *across, width - left - _EDGE, theme)
        _word(figure, left, 0.06, covariate, width - left - _EDGE, theme)
    return figure


def _word(figure: Figure, left: float, bottom: float, words: str, room: float, theme: Theme) -> None:
    width, height = figure.get_size_inches()
    shown = labels.fit(words, room * 72, theme.size, theme.fonts)
    text = figure.text((left + room) / width, bottom / height, shown, color=theme.ink, ha="right", parse_math=False)
    text.set_fontproperties(labels.font(theme.fonts, theme.size, (shown,)))
