"""Figures: the posterior densities of a fit's parameters, each in a small panel with its own axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from . import labels
from .card import Marginal
from .density import density
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 24  # panels of one picture
_PANEL = 1.12  # inches of height of a panel, its title and axis in it
_GAP, _EDGE = 0.3, 0.12  # inches between panels, and left and right of them
BOUNDS = {"variance": (0.0, math.inf), "correlation": (-1.0, 1.0)}


def posterior_figure(marginals: Sequence[Marginal], theme: Theme = LIGHT) -> Figure:
    """Return one Figure with the posterior density of each parameter.

    A panel a parameter, its own scale below it: the density of its S draws, darker inside the 95% interval,
    which a bar marks, and a dot at the mean. A dashed line marks zero where a common effect's panel holds it.
    The density of an sd ends at 0, that of a correlation at -1 and 1. At most 24 panels are drawn.
    """
    shown = marginals[:MOST]
    columns = _columns(len(shown))
    rows = max(1, math.ceil(len(shown) / columns))
    # One or two panels are as wide as three in a row would be.
    width = (theme.width - 2 * _EDGE + _GAP) / max(columns, 3) - _GAP
    figure = blank_figure(2 * _EDGE - _GAP + columns * (width + _GAP), rows * _PANEL + 0.1, theme)
    for i, marginal in enumerate(shown):
        row, column = divmod(i, columns)
        left = _EDGE + column * (width + _GAP)
        bottom = figure.get_figheight() - 0.05 - (row + 1) * _PANEL + 0.27
        _panel(figure, (left, bottom, width, _PANEL - 0.53), marginal, theme)
    return figure


def blank_figure(width: float, height: float, theme: Theme) -> Figure:
    """Return an empty Figure of a size in inches, on the theme's paper, drawn by Agg without pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from .drawn import drawn

    figure = drawn()(figsize=(width, height), dpi=100, facecolor=theme.background)
    FigureCanvasAgg(figure)
    return figure


def axes(figure: Figure, box: tuple[float, float, float, float], theme: Theme) -> Axes:
    """Return axes at (left, bottom, width, height) in inches: a thin line and ticks below, nothing else."""
    width, height = figure.get_size_inches()
    left, bottom, wide, high = box
    ax = figure.add_axes((left / width, bottom / height, wide / width, high / height))
    ax.set_facecolor("none")
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set(color=theme.rule, linewidth=0.8)
    ax.yaxis.set_visible(False)
    ax.tick_params(
        axis="x",
        length=2.5,
        width=0.8,
        pad=2,
        color=theme.rule,
        labelcolor=theme.muted,
        labelsize=theme.small,
        labelfontfamily=labels.families(theme.fonts)[0],
    )
    return ax


def ticks(ax: Axes, low: float, high: float, room: float, theme: Theme) -> None:
    """Give the x axis from `low` to `high` as many round ticks as find `room` inches without touching."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    ax.set_xlim(low, high)
    best = _round_ticks(low, high, room, theme)
    ax.xaxis.set_major_locator(FixedLocator(best))
    ax.xaxis.set_major_formatter(FixedFormatter(tick_labels(best)))


def _round_ticks(low: float, high: float, room: float, theme: Theme) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    dense: list[float] = []
    for most in range(min(max(round(2.2 * room) + 1, 5), 8), 0, -1):
        found = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        fitting, clear = _room([float(v) for v in found if low <= v <= high], low, high, 72 * room, theme)
        if clear and len(fitting) > 1:
            return fitting
        dense = fitting if len(fitting) > len(dense) else dense
    # Long labels: the two outermost, or the middle one.
    ends = [dense[0], dense[-1]] if len(dense) > 1 else dense
    return ends if _room(ends, low, high, 72 * room, theme)[1] else [dense[len(dense) // 2]]


def _room(values: list[float], low: float, high: float, points: float, theme: Theme) -> tuple[list[float], bool]:
    """Return the ticks whose labels stay on the panel and whether no two of them touch."""
    places = [points * (v - low) / (high - low) for v in values]
    halves = [labels.extent(w, theme.small, theme.fonts) / 2 for w in tick_labels(values)]
    # A label may hang over the panel's edge by less than half the gap to the next panel.
    inside = [i for i, (x, half) in enumerate(zip(places, halves)) if half - 8 < x < points + 8 - half]
    clear = all(places[b] - places[a] > halves[a] + halves[b] + 7 for a, b in pairwise(inside))
    return [values[i] for i in inside], clear


def tick_labels(values: Sequence[float]) -> list[str]:
    """Write the ticks of one axis alike and as short as keeps them apart, with true minus signs."""
    size = max((abs(v) for v in values), default=0.0)
    if 1e-4 <= size < 1e6:
        written = [f"{v:,.10g}" if abs(v) >= 1e4 else f"{v:.10g}" for v in values]
    else:
        written = [_exponent(v) for v in values]
        if not np.allclose([float(w) for w in written], values, rtol=1e-13, atol=0):
            written = [f"{v:,.15g}" for v in values]
    return ["0" if v == 0 else w.replace("-", "−") for v, w in zip(values, written)]


def _exponent(value: float) -> str:
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def _columns(panels: int) -> int:
    if panels <= 3:
        return max(panels, 1)
    return 4 if panels in (4, 7, 8) or panels > 9 else 3


def _panel(figure: Figure, box: tuple[float, float, float, float], marginal: Marginal, theme: Theme) -> None:
    ax = axes(figure, box, theme)
    hue = theme.hue(marginal.role)
    values = np.asarray(marginal.values, dtype=float).ravel()
    values = values[np.isfinite(values)]
    low, high = _draw_density(ax, values, marginal, hue)
    if marginal.role == "common" and low < 0 < high:
        ax.axvline(0, color=theme.muted, linewidth=0.8, linestyle=(0, (3, 2.5)), zorder=3)
    ax.plot([marginal.lower, marginal.upper], [0, 0], color=hue, linewidth=3.2, solid_capstyle="butt", zorder=4)
    ax.plot(
        [marginal.mean],
        [0],
        marker="o",
        markersize=5.6,
        color=hue,
        markeredgecolor=theme.background,
        markeredgewidth=1.1,
        clip_on=False,
        zorder=5,
    )
    ax.set_ylim(-0.09, 1.03)
    ticks(ax, low, high, box[2], theme)
    title = labels.fit(marginal.name, box[2] * 72 + 6, theme.size, theme.fonts)
    text = ax.text(0, 1.1, title, transform=ax.transAxes, color=theme.ink, va="bottom", parse_math=False)
    text.set_fontproperties(labels.font(theme.fonts, theme.size, (title,)))


def _draw_density(ax: Axes, values: np.ndarray, marginal: Marginal, hue: str) -> tuple[float, float]:
    """Draw the density, scaled to a height of 1, and return the range of the axis."""
    low, high = marginal.bounds or BOUNDS.get(marginal.role, (-math.inf, math.inf))
    if len(values) < 2 or np.ptp(values) <= 1e-12 * np.abs(values).max():
        at = float(values[0]) if len(values) else marginal.mean
        at = at if math.isfinite(at) else 0.0
        ax.plot([at, at], [0, 1], color=hue, linewidth=1.6)
        margin = 0.5 * abs(at) or 1.0
        return max(low, at - margin), min(high, at + margin)
    grid, heights = density(values, low, high)
    step = grid[1] - grid[0]
    first, last = max(low, float(grid[0] - step / 2)), min(high, float(grid[-1] + step / 2))
    grid = np.concatenate(([first], grid, [last]))
    heights = np.concatenate((heights[:1], heights, heights[-1:])) / heights.max()
    inside = (grid >= marginal.lower) & (grid <= marginal.upper)
    ax.fill_between(grid, heights, color=hue, alpha=0.16, linewidth=0)
    ax.fill_between(grid, heights, where=inside.tolist(), color=hue, alpha=0.3, linewidth=0)
    ax.plot(grid, heights, color=hue, linewidth=1.3)
    # A hair of air beside a bound keeps the dot and the bar from being cut.
    air = 0.02 * (last - first)
    return first - air, last + air
