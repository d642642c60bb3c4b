"""Fit figure: data and fitted curves, a panel for each level, all on the same axes; or observed against fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import labels
from .figures import axes, blank_figure, tick_labels, ticks
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 24  # panels of one picture
_TOP, _BOTTOM, _LEFT, _EDGE = 0.28, 0.46, 0.62, 0.12
_GAP, _TITLE = 0.14, 0.2


@dataclass(frozen=True, eq=False)
class FittedPanel:
    """One level: its name, its data x and y (r,), and along `at` (m,) the mean and the ends of its bands (2, m).

    mean_band is None where nothing is known of the mean's error, new_band where the mean is a probability.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    at: np.ndarray
    mean: np.ndarray
    mean_band: np.ndarray | None
    new_band: np.ndarray | None


def fit_figure(
    panels: Sequence[FittedPanel],
    covariate: str,
    response: str,
    note: str = "",
    theme: Theme = LIGHT,
    root: bool = False,
) -> Figure:
    """Return one Figure with a panel a level: dots for the data, a line for the mean, a dark band for what is not known
    of it and a light one for new responses. At most 24 panels are drawn; all have the same axes.

    covariate, response: words of the axes. note: what is drawn, above the panels. root: whether the response, never
    below 0, is drawn on the scale of its square root, on which levels of few and of many counts are both seen.
    """
    shown = list(panels[:MOST])
    columns = _columns(len(shown))
    rows = max(1, math.ceil(len(shown) / columns))
    inner = theme.width - _LEFT - _EDGE
    wide = min((inner - (columns - 1) * _GAP) / columns, 4.2)
    high = 2.5 if len(shown) == 1 else (1.5 if columns <= 3 else 1.02)
    width = _LEFT + columns * wide + (columns - 1) * _GAP + _EDGE
    figure = blank_figure(max(width, 4.4), _TOP + rows * (high + _TITLE) + _BOTTOM, theme)
    x_range = whole_range([p.at for p in shown] + [p.x for p in shown], 0.03)
    y_range = whole_range([held_by_axis(p) for p in shown] + [p.y for p in shown], 0.05)
    for i, panel in enumerate(shown):
        row, column = divmod(i, columns)
        left = _LEFT + column * (wide + _GAP)
        bottom = figure.get_figheight() - _TOP - (row + 1) * (high + _TITLE)
        ax = axes(figure, (left, bottom, wide, high), theme)
        if root:
            root_axis(ax, y_range[1], high, column == 0, theme)
        else:
            ax.set_ylim(*y_range)
            rules(ax, y_range, high, column == 0, theme)
        draw_curve(ax, panel, theme)
        ticks(ax, *x_range, wide, theme)
        if i + columns < len(shown):
            ax.tick_params(axis="x", labelbottom=False)
        _title(ax, panel.name, wide, theme)
    _words(figure, covariate, response, note, theme)
    return figure


def observed_figure(
    observed: np.ndarray, fitted: np.ndarray, response: str, note: str = "", theme: Theme = LIGHT
) -> Figure:
    """Return one Figure of n responses against their fitted means, with the line on which both are alike."""
    side = 2.9
    figure = blank_figure(_LEFT + side + _EDGE + 0.3, _TOP + side + _BOTTOM, theme)
    ax = axes(figure, (_LEFT, _BOTTOM, side, side), theme)
    both = whole_range([observed, fitted], 0.04)
    ax.set_ylim(*both)
    rules(ax, both, side, True, theme)
    ax.plot(both, both, color=theme.muted, linewidth=0.9, linestyle=(0, (3, 2.5)), zorder=2)
    dots(ax, fitted, observed, theme)
    ticks(ax, *both, side, theme)
    _words(figure, f"fitted {response}", f"observed {response}", note, theme)
    return figure


def _columns(panels: int) -> int:
    if panels <= 4:
        return max(panels, 1)
    return 3 if panels in (5, 6) else 4 if panels <= 8 else 6


def held_by_axis(panel: FittedPanel) -> np.ndarray:
    """Return what the axis must hold: the mean and the band of new responses, or of the mean without them."""
    band = panel.mean_band if panel.new_band is None else panel.new_band
    return panel.mean if band is None else np.concatenate([panel.mean, band.ravel()])


def whole_range(lists: Sequence[np.ndarray], air: float) -> tuple[float, float]:
    """Return the range of all numbers that are finite, with a share of it as air at both ends."""
    values = np.concatenate([np.asarray(v, dtype=float).ravel() for v in lists]) if lists else np.empty(0)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    room = air * (high - low) or abs(low) / 10 or 1.0
    return low - room, high + room


def draw_curve(ax: Axes, panel: FittedPanel, theme: Theme) -> None:
    """Draw the bands, the mean and the data of one level."""
    hue = theme.common
    if panel.new_band is not None:
        ax.fill_between(panel.at, *panel.new_band, color=hue, alpha=0.12, linewidth=0, zorder=1)
    if panel.mean_band is not None:
        ax.fill_between(panel.at, *panel.mean_band, color=hue, alpha=0.26, linewidth=0, zorder=2)
    ax.plot(panel.at, panel.mean, color=hue, linewidth=1.3, zorder=3, label="mean")
    dots(ax, panel.x, panel.y, theme)


def dots(ax: Axes, x: np.ndarray, y: np.ndarray, theme: Theme) -> None:
    """Draw the data, smaller and lighter where they are many."""
    size, alpha = (2.9, 0.85) if len(x) <= 60 else (2.2, 0.5) if len(x) <= 500 else (1.7, 0.3)
    ax.plot(
        x,
        y,
        linestyle="none",
        marker="o",
        markersize=size,
        color=theme.ink,
        alpha=alpha,
        markeredgewidth=0,
        zorder=4,
        clip_on=False,
    )


def rules(ax: Axes, span: tuple[float, float], high: float, words: bool, theme: Theme) -> None:
    """Draw thin lines across at round numbers, with words left of the first column."""
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(nbins=5 if high > 2 else 3, steps=[1, 2, 2.5, 5, 10]).tick_values(*span)
    draw_rules(ax, [float(v) for v in found if span[0] <= v <= span[1]], words, theme)


def root_axis(ax: Axes, top: float, high: float, words: bool, theme: Theme) -> None:
    """Scale the axis by square roots, from a little below 0, with rules at numbers evenly apart on it."""
    ax.set_yscale("function", functions=(lambda v: np.sign(v) * np.sqrt(np.abs(v)), lambda v: np.sign(v) * v * v))
    ax.set_ylim(-0.004 * top, top)
    ax.tick_params(axis="y", which="both", left=False, labelleft=False)
    wanted = (np.linspace(0.0, math.sqrt(top), 5 if high > 2 else 4)[:-1]) ** 2
    marks = [0.0, *(_round(v) for v in wanted[1:])]
    draw_rules(ax, list(dict.fromkeys(marks)), words, theme)


def _round(value: float) -> float:
    """Return the number of 1, 2 or 5 times a power of ten that is nearest on the scale of logarithms."""
    power = 10.0 ** math.floor(math.log10(value))
    return min((f * power for f in (1.0, 2.0, 5.0, 10.0)), key=lambda v: abs(math.log(v / value)))


def draw_rules(ax: Axes, marks: Sequence[float], words: bool, theme: Theme) -> None:
    """Draw thin lines across at some numbers, with words left of the axes."""
    for mark, word in zip(marks, tick_labels(marks), strict=True):
        ax.axhline(mark, color=theme.rule, linewidth=0.6, zorder=0)
        if words:
            label = ax.annotate(
                word,
                (0, mark),
                xycoords=("axes fraction", "data"),
                xytext=(-4, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                color=theme.muted,
                annotation_clip=False,
            )
            label.set_parse_math(False)
            label.set_fontproperties(labels.font(theme.fonts, theme.small, (word,)))


def _title(ax: Axes, name: str, wide: float, theme: Theme) -> None:
    title = labels.fit(name, wide * 72, theme.small, theme.fonts)
    text = ax.text(0, 1.03, title, transform=ax.transAxes, color=theme.ink, va="bottom", parse_math=False)
    text.set_fontproperties(labels.font(theme.fonts, theme.small, (title,)))


def _words(figure: Figure, across: str, up: str, note: str, theme: Theme) -> None:
    """Write what the axes are: the response at the top left, the covariate below, the note at the top right."""
    width, height = figure.get_size_inches()
    room = (width - 0.2) * 72
    right = labels.fit(note, 0.6 * room, theme.small, theme.fonts)
    left = labels.fit(up, room - labels.extent(right, theme.small, theme.fonts) - 10, theme.size, theme.fonts)
    below = labels.fit(across, room, theme.size, theme.fonts)
    top = 1 - 0.08 / height
    for x, y, words, size, ink, where in (
        (0.08 / width, top, left, theme.size, theme.ink, ("left", "top")),
        (1 - _EDGE / width, top, right, theme.small, theme.muted, ("right", "top")),
        (1 - _EDGE / width, 0.06 / height, below, theme.size, theme.ink, ("right", "bottom")),
    ):
        text = figure.text(x, y, words, color=ink, ha=where[0], va=where[1], parse_math=False)
        text.set_fontproperties(labels.font(theme.fonts, size, (words,)))
