"""Power figure: the power of a study along its size, with what is not known of it after so many simulations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import escape, labels
from .figures import axes, blank_figure, tick_labels, ticks
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 5  # curves that are told apart
_USUAL = 0.8
_LEFT, _RIGHT, _BOTTOM, _TOP, _HIGH = 0.62, 0.3, 0.5, 0.34, 2.4
_MARKS = ("o", "s", "^", "D", "v")
_DASHES: tuple[tuple[float, ...], ...] = ((), (5, 2), (1.5, 1.5), (6, 2, 1.5, 2), (3, 1))


@dataclass(frozen=True, eq=False)
class PowerCurve:
    """One curve: its name, sizes `at` (m,), the power and the ends of its 95% interval, (m,) each."""

    name: str
    at: np.ndarray
    power: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def power_figure(curves: Sequence[PowerCurve], along: str, title: str, theme: Theme = LIGHT) -> Figure:
    """Return one Figure with a line and a band a curve, at most 5, and a dashed line at a power of 80%.

    along: what the sizes are of. title: what is found.
    """
    shown = list(curves[:MOST])
    legend = 1.35 if len(shown) > 1 else 0.0
    wide = 4.4
    figure = blank_figure(_LEFT + wide + legend + _RIGHT, _BOTTOM + _HIGH + _TOP, theme)
    ax = axes(figure, (_LEFT, _BOTTOM, wide, _HIGH), theme)
    at = np.concatenate([curve.at for curve in shown])
    low, high = float(at.min()), float(at.max())
    air = 0.05 * (high - low) or 0.5 * abs(high) or 0.5
    ax.set_ylim(0, 1.02)
    _rules(ax, theme)
    for i, curve in enumerate(shown):
        _draw(ax, curve, i, theme)
    ticks(ax, low - air, high + air, wide, theme)
    _sizes(ax, np.unique(at), wide, theme)
    if len(shown) > 1:
        _names(ax, shown, theme)
    _words(figure, along, title, theme)
    return figure


def _sizes(ax: Axes, sizes: np.ndarray, wide: float, theme: Theme) -> None:
    """Put the ticks at the sizes that were tried, of which there are no halves; of many at whole numbers."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    low, high = ax.get_xlim()
    places = 72 * wide * (sizes - low) / (high - low)
    half = np.array([labels.extent(word, theme.small, theme.fonts) / 2 for word in tick_labels([*map(float, sizes)])])
    if not (np.diff(places) > half[1:] + half[:-1] + 6).all():
        sizes = np.array([mark for mark in ax.get_xticks() if mark == round(mark)])
    marks = [float(size) for size in sizes]
    ax.xaxis.set_major_locator(FixedLocator(marks))
    ax.xaxis.set_major_formatter(FixedFormatter(tick_labels(marks)))


def power_words(curves: Sequence[PowerCurve], along: str, title: str) -> str:
    """Say what power curves show: the power at the ends of each."""
    words = f"{escape.plain(title, 200)}, along {escape.plain(along)}"
    for curve in curves[:MOST]:
        name = f"{escape.plain(curve.name)}: " if curve.name else ""
        parts = [f"{100 * curve.power[i]:.0f}% at {curve.at[i]:g}" for i in dict.fromkeys((0, len(curve.at) - 1))]
        words += f"; {name}{' to '.join(parts)}"
    return words + "."


def _hue(i: int, theme: Theme) -> str:
    return (theme.common, theme.variance, theme.correlation, theme.ink, theme.muted)[i]


def _draw(ax: Axes, curve: PowerCurve, i: int, theme: Theme) -> None:
    hue = _hue(i, theme)
    order = np.argsort(curve.at)
    at = curve.at[order]
    if len(at) > 1:
        ax.fill_between(at, curve.lower[order], curve.upper[order], color=hue, alpha=0.18, linewidth=0)
        ax.plot(at, curve.power[order], color=hue, linewidth=1.4, linestyle=(0, _DASHES[i]), zorder=3)
    ax.vlines(at, curve.lower[order], curve.upper[order], color=hue, linewidth=1.6, zorder=3)
    ax.plot(
        at,
        curve.power[order],
        linestyle="none",
        marker=_MARKS[i],
        markersize=5.4,
        color=hue,
        markeredgecolor=theme.background,
        markeredgewidth=1.0,
        clip_on=False,
        zorder=4,
    )


def _rules(ax: Axes, theme: Theme) -> None:
    """Draw a thin line and its percent at every fifth, the usual aim dashed."""
    font = labels.font(theme.fonts, theme.small)
    for height in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        if height == _USUAL:
            ax.axhline(height, color=theme.muted, linewidth=0.9, linestyle=(0, (4, 2.5)), zorder=1)
        elif height:
            ax.axhline(height, color=theme.rule, linewidth=0.6, zorder=0)
        text = ax.annotate(
            f"{100 * height:.0f}%",
            (0, height),
            xycoords=("axes fraction", "data"),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            color=theme.muted,
        )
        text.set_fontproperties(font)


def _names(ax: Axes, curves: Sequence[PowerCurve], theme: Theme) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=_hue(i, theme), linestyle=(0, _DASHES[i]), marker=_MARKS[i], markersize=5, linewidth=1.4)
        for i in range(len(curves))
    ]
    names = [labels.fit(curve.name, 80, theme.small, theme.fonts) for curve in curves]
    legend = ax.legend(
        handles, names, loc="upper left", bbox_to_anchor=(1.01, 1.02), frameon=False, borderaxespad=0, handlelength=2.6
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_fontproperties(labels.font(theme.fonts, theme.small, (name,)))
        text.set_color(theme.ink)
        text.set_parse_math(False)


def _words(figure: Figure, along: str, title: str, theme: Theme) -> None:
    width, height = figure.get_size_inches()
    title = labels.fit(title, 72 * (width - 0.2), theme.size, theme.fonts)
    along = labels.fit(along, 72 * 4.4, theme.size, theme.fonts)
    for x, y, words, colour, side in (
        (0.1 / width, 1 - 0.1 / height, title, theme.ink, "left"),
        ((_LEFT + 2.2) / width, 0.07 / height, along, theme.muted, "center"),
    ):
        top = side == "left"
        text = figure.text(x, y, words, color=colour, ha=side, va="top" if top else "bottom", parse_math=False)
        text.set_fontproperties(labels.font(theme.fonts, theme.size, (words,)))
