"""Shrinkage figure: arrows from what each level says by itself to what the multilevel model says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import labels
from .figures import axes, blank_figure, ticks
from .fit_figure import rules, whole_range
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEFT, _TOP, _BOTTOM, _EDGE = 0.66, 0.52, 0.46, 0.16
_NAMED = 40  # levels that a list or a plane names one by one


def plane_figure(
    levels: Sequence[str], alone: np.ndarray, together: np.ndarray, centre: np.ndarray, words: tuple[str, str],
    note: str = "", theme: Theme = LIGHT,
) -> Figure:  # fmt: skip
    """Return one Figure of two columns of J levels: open circles (J, 2) alone, dots together, a cross at the centre.

    words: of the two axes.
    """
    wide, high = 4.6, 3.6
    figure = blank_figure(_LEFT + wide + _EDGE, _TOP + high + _BOTTOM, theme)
    ax = axes(figure, (_LEFT, _BOTTOM, wide, high), theme)
    x_range = whole_range([alone[:, 0], together[:, 0]], 0.06)
    y_range = whole_range([alone[:, 1], together[:, 1]], 0.06)
    ax.set_ylim(*y_range)
    rules(ax, y_range, high, True, theme)
    _arrows(ax, alone, together, theme)
    _marks(ax, alone, together, theme)
    ax.plot(
        [centre[0]], [centre[1]], marker="P", markersize=8, color=theme.ink, markeredgecolor=theme.background,
        linestyle="none", zorder=6,
    )  # fmt: skip
    ticks(ax, *x_range, wide, theme)
    if len(levels) <= _NAMED:
        _names(ax, levels, alone, together, wide, high, theme)
    _words(figure, words[0], words[1], note, theme, "plus: the population")
    return figure


def line_figure(
    levels: Sequence[str], alone: np.ndarray, together: np.ndarray, centre: float, word: str, counts: np.ndarray,
    note: str = "", theme: Theme = LIGHT,
) -> Figure:  # fmt: skip
    """Return one Figure of one column of J levels: a row a level where they are few, else along their numbers of rows,
    or in their order where all have as many.

    alone, together: (J,). A dashed line marks the centre.
    """
    few = len(levels) <= _NAMED
    order = np.argsort(np.where(np.isnan(alone), together, alone))
    left = _LEFT + (0.5 if few else 0.0)
    wide, high = (4.3, max(1.2, 0.19 * len(levels))) if few else (4.8, 3.2)
    figure = blank_figure(left + wide + _EDGE, _TOP + high + _BOTTOM, theme)
    ax = axes(figure, (left, _BOTTOM, wide, high), theme)
    values = whole_range([alone, together, np.array([centre])], 0.05)
    if few:
        place = np.empty(len(levels))
        place[order] = np.arange(len(levels))
        ax.set_ylim(-0.7, len(levels) - 0.3)
        first, second = np.stack([alone, place], axis=1), np.stack([together, place], axis=1)
        ax.axvline(centre, color=theme.muted, linewidth=0.9, linestyle=(0, (3, 2.5)), zorder=1)
        _levels(ax, levels, place, left, theme)
        _arrows(ax, first, second, theme)
        _marks(ax, first, second, theme)
        ticks(ax, *values, wide, theme)
        _words(figure, word, "", note, theme, "dashes: the population")
        return figure
    alike = bool((counts == counts[0]).all())
    at = np.log2(np.maximum(counts, 1)) if not alike else np.argsort(order).astype(float)
    jitter = np.zeros(len(at)) if alike else np.random.default_rng(0).uniform(-0.09, 0.09, len(at))
    first, second = np.stack([at + jitter, alone], axis=1), np.stack([at + jitter, together], axis=1)
    ax.set_ylim(*values)
    rules(ax, values, high, True, theme)
    ax.axhline(centre, color=theme.muted, linewidth=0.9, linestyle=(0, (3, 2.5)), zorder=1)
    _arrows(ax, first, second, theme)
    _marks(ax, first, second, theme)
    if alike:
        ax.set_xlim(-1, len(at))
        ax.set_xticks([])
    else:
        _doubling(ax, at, wide, theme)
    across = f"levels in order, {counts[0]:,} row{'' if counts[0] == 1 else 's'} each" if alike else "rows of the level"
    _words(figure, across, word, note, theme, "dashes: the population")
    return figure


def _arrows(ax: Axes, first: np.ndarray, second: np.ndarray, theme: Theme) -> None:
    """Draw a line from each first point to its second, with a head where they are few enough to be told apart."""
    from matplotlib.collections import LineCollection

    known = ~np.isnan(first).any(axis=1)
    many = known.sum() > 120
    if many:
        segments = np.stack([first[known], second[known]], axis=1)
        ax.add_collection(LineCollection(list(segments), colors=theme.muted, linewidths=0.5, alpha=0.45, zorder=2))
        return
    for a, b in zip(first[known], second[known], strict=True):
        ax.annotate(
            "", xy=(b[0], b[1]), xytext=(a[0], a[1]),
            arrowprops={
                "arrowstyle": "-|>,head_length=0.28,head_width=0.14", "color": theme.muted, "linewidth": 0.8,
                "shrinkA": 2.6, "shrinkB": 2.6,
            },
            zorder=2, annotation_clip=False,
        )  # fmt: skip


def _marks(ax: Axes, first: np.ndarray, second: np.ndarray, theme: Theme) -> None:
    size = 5.2 if len(first) <= 60 else 3.8 if len(first) <= 200 else 2.6
    ax.plot(
        first[:, 0], first[:, 1], marker="o", markersize=size, markerfacecolor=theme.background,
        markeredgecolor=theme.variance, markeredgewidth=1.1, linestyle="none", zorder=3, clip_on=False,
    )  # fmt: skip
    ax.plot(
        second[:, 0], second[:, 1], marker="o", markersize=size, color=theme.common, markeredgewidth=0,
        linestyle="none", zorder=4, clip_on=False,
    )  # fmt: skip


def _names(
    ax: Axes, levels: Sequence[str], alone: np.ndarray, together: np.ndarray, wide: float, tall: float, theme: Theme
) -> None:
    """Write each level's name beside its open circle, on the side away from where its arrow goes if it has room.

    A name that would stand on another is left out.
    """
    low, high = ax.get_xlim()
    bottom, top = ax.get_ylim()
    written: list[tuple[float, float, float]] = []
    for name, a, b in zip(levels, alone, together, strict=True):
        at, away = (b, 1) if np.isnan(a).any() else (a, 1 if a[0] >= b[0] else -1)
        text = labels.fit(name, 60, theme.small - 1, theme.fonts)
        place, room = 72 * wide * (at[0] - low) / (high - low), labels.extent(text, theme.small - 1, theme.fonts) + 5
        away = -1 if place + room > 72 * (wide + _EDGE) else 1 if place < room else away
        start, up = place + (5 if away > 0 else -room), 72 * tall * (at[1] - bottom) / (top - bottom)
        if any(start < right and left < start + room - 5 and abs(up - y) < theme.small for left, right, y in written):
            continue
        written.append((start, start + room - 5, up))
        found = ax.annotate(
            text, (at[0], at[1]), xytext=(5 * away, 0), textcoords="offset points",
            ha="left" if away > 0 else "right", va="center", color=theme.muted, annotation_clip=False, zorder=5,
        )  # fmt: skip
        found.set_parse_math(False)
        found.set_fontproperties(labels.font(theme.fonts, theme.small - 1, (text,)))


def _levels(ax: Axes, levels: Sequence[str], place: np.ndarray, room: float, theme: Theme) -> None:
    for name, y in zip(levels, place, strict=True):
        ax.axhline(y, color=theme.rule, linewidth=0.5, zorder=0)
        text = labels.fit(name, 72 * room - 12, theme.small, theme.fonts)
        found = ax.annotate(
            text, (0, y), xycoords=("axes fraction", "data"), xytext=(-5, 0), textcoords="offset points",
            ha="right", va="center", color=theme.ink, annotation_clip=False,
        )  # fmt: skip
        found.set_parse_math(False)
        found.set_fontproperties(labels.font(theme.fonts, theme.small, (text,)))


def _doubling(ax: Axes, at: np.ndarray, wide: float, theme: Theme) -> None:
    """Mark numbers of rows at powers of two."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    low, high = float(at.min()) - 0.25, float(at.max()) + 0.25
    ax.set_xlim(low, high)
    every = max(1, round((high - low) / 9))
    marks = [float(v) for v in range(int(np.ceil(low)), int(np.floor(high)) + 1, every)]
    ax.xaxis.set_major_locator(FixedLocator(marks))
    ax.xaxis.set_major_formatter(FixedFormatter([f"{2**v:,.0f}" for v in marks]))


def _words(figure: Figure, across: str, up: str, note: str, theme: Theme, centre: str) -> None:
    """Write the axes, the note at the top right, and below them what each mark is."""
    width, height = figure.get_size_inches()
    for x, y, words, size, ink, where in (
        (0.08 / width, 1 - 0.07 / height, up, theme.size, theme.ink, ("left", "top")),
        (1 - _EDGE / width, 1 - 0.07 / height, note, theme.small, theme.muted, ("right", "top")),
        (1 - _EDGE / width, 0.06 / height, across, theme.size, theme.ink, ("right", "bottom")),
    ):
        _text(figure, x, y, labels.fit(words, 36 * width, size, theme.fonts), size, ink, where, theme)
    y, x = 1 - 0.34 / height, 0.08 / width
    for mark, words, ink in (
        ("○", " no pooling", theme.variance),
        ("●", " multilevel", theme.common),
        ("", centre, ""),
    ):
        _text(figure, x, y, mark + words, theme.small, ink or theme.muted, ("left", "center"), theme)
        x += (labels.extent(mark + words, theme.small, theme.fonts) + 14) / 72 / width


def _text(
    figure: Figure, x: float, y: float, words: str, size: float, ink: str, where: tuple[str, str], theme: Theme
) -> None:
    text = figure.text(x, y, words, color=ink, ha=where[0], va=where[1], parse_math=False)
    text.set_fontproperties(labels.font(theme.fonts, size, (words,)))
