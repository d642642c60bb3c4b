"""Caterpillar: the group effects of one column of a factor, sorted, with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..posterior.summary import GroupEffects
from . import labels
from .figures import axes, blank_figure, ticks
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 90  # levels that are all drawn
SAMPLE = 60  # levels drawn of a larger factor, evenly spaced in rank
_WIDTH = 3.54
_TOP, _BOTTOM, _EDGE = 0.34, 0.3, 0.1
_SCALE = 0.14  # inches below the axis that the name of its scale takes


def ranef_figure(effects: GroupEffects, theme: Theme = LIGHT) -> Figure:
    """Return one Figure with a row a level: a dot at the mean, a line over the interval, sorted by the mean.

    Intervals that hold zero are drawn lighter, with an open dot. Of more than 90 levels, 60 are drawn, evenly
    spaced in rank with both extremes among them, and the picture says so.
    """
    rows = order(effects)
    height = row_height(len(rows))
    size = min(theme.small, 72 * height * 0.82)
    shown = [labels.fit(effects.levels[i], 0.36 * _WIDTH * 72, size, theme.fonts) for i in rows]
    margin = max((labels.extent(s, size, theme.fonts) for s in shown), default=0.0) / 72 + 0.14
    bottom = _BOTTOM + (_SCALE if effects.scale else 0.0)
    figure = blank_figure(_WIDTH, len(rows) * height + _TOP + bottom, theme)
    box = (margin, bottom, _WIDTH - margin - _EDGE, len(rows) * height)
    ax = axes(figure, box, theme)
    _intervals(ax, effects, rows, height, theme)
    low, high = _limits(effects, rows)
    ticks(ax, low, high, box[2], theme)
    ax.set_ylim(-0.5, len(rows) - 0.5)
    _level_labels(ax, shown, size, theme)
    _heading(figure, effects, len(rows), theme)
    if effects.scale:
        middle = (margin + box[2] / 2) / _WIDTH
        words = figure.text(middle, 0.05 / figure.get_figheight(), effects.scale, color=theme.muted, ha="center")
        words.set_fontproperties(labels.font(theme.fonts, theme.small, (effects.scale,)))
    return figure


def order(effects: GroupEffects) -> list[int]:
    """Return the levels to draw, lowest mean first: all of them, or a sample evenly spaced in rank."""
    ranked = np.argsort(np.asarray(effects.mean, dtype=float), kind="stable")
    if len(ranked) > MOST:
        ranked = ranked[np.unique(np.linspace(0, len(ranked) - 1, SAMPLE).round().astype(int))]
    return [int(i) for i in ranked]


def row_height(rows: int) -> float:
    """Return the inches between two rows: roomy for few, dense but readable for many."""
    if rows <= 24:
        return 0.165
    return 0.135 if rows <= 45 else 0.115


def caption(effects: GroupEffects, shown: int) -> str:
    """Return how many levels are drawn, such as "18 levels" or "60 of 2,972 levels"."""
    kind = "element" if effects.column == effects.factor else "level"
    if shown < effects.n_levels:
        return f"{shown:,} of {effects.n_levels:,} {kind}s"
    return f"{shown:,} {kind}" + ("" if shown == 1 else "s")


def heading(effects: GroupEffects) -> str:
    """Return what is drawn: "Days | Subject", or the parameter's name for the elements of a long parameter."""
    return effects.factor if effects.column == effects.factor else f"{effects.column} | {effects.factor}"


def _intervals(ax: Axes, effects: GroupEffects, rows: list[int], height: float, theme: Theme) -> None:
    y = np.arange(len(rows))
    mean, lower, upper = (np.asarray(v, dtype=float)[rows] for v in (effects.mean, effects.lower, effects.upper))
    clear = (lower > 0) | (upper < 0)
    dot = min(5.0, 72 * height * 0.42)
    ax.axvline(0, color=theme.muted, linewidth=0.8, linestyle=(0, (3, 2.5)), zorder=1)
    for chosen, alpha, fill in ((clear, 1.0, theme.common), (~clear, 0.55, theme.background)):
        if not chosen.any():
            continue
        ax.hlines(y[chosen], lower[chosen], upper[chosen], color=theme.common, alpha=alpha, linewidth=1.3, zorder=2)
        ax.plot(
            mean[chosen],
            y[chosen],
            linestyle="none",
            marker="o",
            markersize=dot,
            color=fill,
            markeredgecolor=theme.common,
            markeredgewidth=1.0,
            zorder=3,
        )


def _limits(effects: GroupEffects, rows: list[int]) -> tuple[float, float]:
    ends = np.concatenate([np.asarray(v, dtype=float)[rows] for v in (effects.lower, effects.upper, effects.mean)])
    ends = np.append(ends[np.isfinite(ends)], 0.0)
    low, high = float(ends.min()), float(ends.max())
    air = 0.04 * (high - low) or 1.0
    return low - air, high + air


def _level_labels(ax: Axes, shown: list[str], size: float, theme: Theme) -> None:
    # Plain texts: ticks would be ten times slower, and tick labels read dollar signs as mathematics.
    font = labels.font(theme.fonts, size, shown)
    beside = ax.get_yaxis_transform()
    for y, label in enumerate(shown):
        ax.text(
            -4 / (72 * ax.bbox.width / ax.figure.dpi),
            y,
            label,
            transform=beside,
            ha="right",
            va="center_baseline",
            color=theme.ink,
            fontproperties=font,
            parse_math=False,
        )


def _heading(figure: Figure, effects: GroupEffects, shown: int, theme: Theme) -> None:
    top = 1 - 0.1 / figure.get_figheight()
    right = f"{caption(effects, shown)}, {100 * effects.probability:g}% intervals"
    room = (_WIDTH - 0.3) * 72 - labels.extent(right, theme.small, theme.fonts)
    title = labels.fit(heading(effects), room, theme.size, theme.fonts)
    left = figure.text(0.05 / _WIDTH, top, title, color=theme.ink, va="top", parse_math=False)
    left.set_fontproperties(labels.font(theme.fonts, theme.size, (title,)))
    note = figure.text(1 - _EDGE / _WIDTH, top, right, color=theme.muted, va="top", ha="right", parse_math=False)
    note.set_fontproperties(labels.font(theme.fonts, theme.small, ()))
