"""Influence figure: how far the answer moves without each level of a factor, the most influential first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import escape, labels
from .figures import axes, blank_figure, ticks
from .panels import surround
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LEVELS, MOST_COLUMNS = 24, 7
_TOP, _BOTTOM, _EDGE, _GAP, _ROW, _TITLE = 0.32, 0.5, 0.14, 0.16, 0.155, 0.24
_BAD = 0.7


def influence_figure(
    levels: Sequence[str],
    names: Sequence[str],
    shift: np.ndarray,
    cook: np.ndarray,
    khat: np.ndarray,
    note: str,
    theme: Theme = LIGHT,
) -> Figure:
    """Return one Figure with a row a level: Cook's distance, and how far each parameter moves without it.

    shift: (U, m) in posterior sds, names: m. cook, khat: (U,). The 24 levels that move the answer most are drawn, at
    most 6 parameters. An open dot is one whose khat is 0.7 or more.
    """
    rows = ranked(shift, cook)[:MOST_LEVELS]
    distances = np.isfinite(cook[rows]).any()
    kept = range(min(len(names), MOST_COLUMNS - int(distances)))
    size = theme.small
    shown = [labels.fit(levels[i], 100, size, theme.fonts) for i in rows]
    left = max((labels.extent(s, size, theme.fonts) for s in shown), default=0.0) / 72 + 0.2
    columns = len(kept) + int(distances)
    wide = min((theme.width - left - _EDGE - (columns - 1) * _GAP) / columns, 2.4)
    high = max(len(rows), 3) * _ROW
    width = max(left + columns * wide + (columns - 1) * _GAP + _EDGE, 4.4)
    above = _TITLE + (0.12 if any("\n" in _lines(names[k], wide * 72, size, theme) for k in kept) else 0.0)
    figure = blank_figure(width, _TOP + above + high + _BOTTOM, theme)
    reach = float(np.nanmax(np.abs(shift[rows][:, list(kept)]), initial=0.1)) * 1.12
    for place in range(columns):
        ax = axes(figure, (left + place * (wide + _GAP), _BOTTOM, wide, high), theme)
        if distances and place == 0:
            values, span, title = cook[rows], (0.0, float(np.nanmax(cook[rows], initial=0.01)) * 1.1), "Cook's distance"
        else:
            k = place - int(distances)
            values, span, title = shift[rows, k], (-reach, reach), names[k]
        _column(ax, values, khat[rows] < _BAD, theme.variance if place == 0 and distances else theme.common, theme)
        ticks(ax, *span, wide, theme)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        words = _lines(title, wide * 72, size, theme)
        text = ax.text(
            0, 1 + 0.05 / high, words, transform=ax.transAxes, color=theme.ink, va="bottom", parse_math=False
        )
        text.set_fontproperties(labels.font(theme.fonts, size, (words,)))
        if place == 0:
            _names(ax, shown, size, theme)
    surround(figure, "moved without it, in posterior sds", "", note, theme)
    return figure


def ranked(shift: np.ndarray, cook: np.ndarray) -> list[int]:
    """Return the levels, that which moves the answer most first: by the largest shift of any parameter."""
    worst = np.nanmax(np.nan_to_num(np.abs(shift), nan=np.inf), axis=1) if shift.shape[1] else cook
    return [int(i) for i in np.argsort(-worst, kind="stable")]


def _lines(title: str, room: float, size: float, theme: Theme) -> str:
    """Return a title in one line, or in two, cut at a space, comma or colon."""
    if labels.extent(title, size, theme.fonts) <= room:
        return title
    cuts = [i for i in range(1, len(title) - 1) if title[i] in "| " or title[i - 1] in ",:"]
    if not cuts:
        return labels.fit(title, room, size, theme.fonts)
    cut = min(cuts, key=lambda i: max(labels.extent(part, size, theme.fonts) for part in (title[:i], title[i:])))
    return "\n".join(labels.fit(part.strip(), room, size, theme.fonts) for part in (title[:cut], title[cut:]))


def _column(ax: Axes, values: np.ndarray, sure: np.ndarray, hue: str, theme: Theme) -> None:
    y = np.arange(len(values))
    ax.axvline(0, color=theme.muted, linewidth=0.8, zorder=1)
    ax.hlines(y, 0, values, color=hue, linewidth=1.2, alpha=0.6, zorder=2)
    for chosen, fill in ((sure, hue), (~sure, theme.background)):
        marks: dict[str, Any] = {"color": fill, "markeredgecolor": hue, "markeredgewidth": 1.0, "markersize": 4.2}
        ax.plot(values[chosen], y[chosen], "o", zorder=3, **marks)


def _names(ax: Axes, shown: Sequence[str], size: float, theme: Theme) -> None:
    font = labels.font(theme.fonts, size, list(shown))
    for y, name in enumerate(shown):
        ax.annotate(
            name, (0, y), xycoords=("axes fraction", "data"), xytext=(-5, 0), textcoords="offset points", ha="right",
            va="center", color=theme.ink, annotation_clip=False, fontproperties=font, parse_math=False,
        )  # fmt: skip


def influence_words(levels: Sequence[str], names: Sequence[str], shift: np.ndarray, cook: np.ndarray, note: str) -> str:
    """Say which levels move the answer most, and what of it."""
    parts = []
    for i in ranked(shift, cook)[:5]:
        k = int(np.nanargmax(np.abs(shift[i]))) if np.isfinite(shift[i]).any() else 0
        parts.append(f"without {escape.plain(levels[i])} {escape.plain(names[k])} moves {shift[i, k]:+.2f} sds")
    return f"Influence, {escape.plain(note, 400)}: {'; '.join(parts)}."
