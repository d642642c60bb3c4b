"""Means figure: marginal means, contrasts or slopes as dots with intervals, or along a number as curves with bands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import digits, escape, labels
from .figures import axes, blank_figure, tick_labels, ticks
from .fit_figure import rules, whole_range
from .panels import columns_of, legend, panels, surround
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOGETHER = 4  # series told apart in one panel
MOST = 24  # panels of one picture
MOST_ROWS = 60  # dots below each other
_LEFT, _EDGE, _TOP, _LINE, _BOTTOM = 0.16, 0.14, 0.32, 0.2, 0.46
_MARKS = ("o", "s", "^", "D")
_DASHES = ("-", "--", ":", "-.")


@dataclass(frozen=True, eq=False)
class Series:
    """What is said for one level of what divides the picture: its name, "" where nothing does, and for each of m rows
    or places the centre (m,) and the ends of its interval (2, m), NaN where the rows fitted do not tell it.
    """

    name: str
    centre: np.ndarray
    ends: np.ndarray


@dataclass(frozen=True)
class Captions:
    """The words of a picture: up or across what is drawn, what the rows are, the note at the top right, the line below
    it, and a number that means no difference, None without one; ratio: whether that is a ratio of 1, on the scale of
    logarithms.
    """

    what: str
    rows: str
    note: str
    held: str = ""
    none: float | None = None
    ratio: bool = False


def rows_figure(rows: Sequence[str], shown: Sequence[Series], captions: Captions, theme: Theme = LIGHT) -> Figure:
    """Return one Figure with a row for each of the names, at most 60: a dot at the centre, a line over the interval.

    Up to 4 series stand beside each other in a row, told apart by hue and mark; more have a panel each, at most 24.
    """
    rows, shown = rows[:MOST_ROWS], shown[:MOST]
    together = len(shown) <= TOGETHER
    step = (0.24 if len(rows) <= 24 else 0.165) + (0.12 * (len(shown) - 1) if together else 0.0)
    names = [labels.fit(name, 150, theme.small, theme.fonts) for name in rows]
    left = _LEFT + max(labels.extent(name, theme.small, theme.fonts) for name in names) / 72
    columns = 1 if together else min(len(shown), 4)
    down = 1 if together else math.ceil(len(shown) / columns)
    wide = min((theme.width - left - _EDGE - (columns - 1) * 0.16) / columns, 4.4)
    high = max(0.3, step * len(rows))
    title = 0.0 if together else 0.22
    width = max(left + columns * wide + (columns - 1) * 0.16 + _EDGE, 4.6)
    top = _top(shown if together else [], captions, width, theme)
    figure = blank_figure(width, top + down * (high + title) + _BOTTOM, theme)
    span = _span([v for s in shown for v in (s.centre[: len(rows)], s.ends[:, : len(rows)])], captions)
    for k in range(1 if together else len(shown)):
        row, column = divmod(k, columns)
        bottom = figure.get_figheight() - top - (row + 1) * (high + title)
        ax = axes(figure, (left + column * (wide + 0.16), bottom, wide, high), theme)
        for place, one in enumerate(shown if together else shown[k : k + 1]):
            _dots(ax, one, len(rows), _offset(place, len(shown)) if together else 0.0, place, theme)
        _across(ax, span, wide, captions, theme)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.tick_params(axis="x", labelbottom=together or k + columns >= len(shown))
        _names(ax, names if column == 0 else [""] * len(names), theme)
        if not together:
            _title(ax, shown[k].name, wide, high, theme)
    _around(figure, captions.what, captions.rows, captions, [s.name for s in shown] if together else [], True, theme)
    return figure


def curves_figure(
    x: np.ndarray, shown: Sequence[Series], across: str, captions: Captions, theme: Theme = LIGHT
) -> Figure:
    """Return one Figure of curves with bands along x (m,), called `across`: up to 4 series in one panel, told apart by
    hue and dashes; more have a panel each, at most 24.
    """
    shown = shown[:MOST]
    together = len(shown) <= TOGETHER
    top = _top(shown if together else [], captions, 5.7, theme)
    titles = [""] if together else [s.name for s in shown]
    many = None if together else columns_of(len(shown))
    held = panels(titles, theme, 0.62, tall=2.7, small=1.3, top=top - 0.04, columns=many, widest=5.0)
    span = whole_range([v for s in shown for v in (s.centre, s.ends)], 0.04)
    for k, ax in enumerate(held.axes):
        ax.set_ylim(*span)
        rules(ax, span, held.high, held.first(k), theme)
        if captions.none is not None and span[0] < captions.none < span[1]:
            ax.axhline(captions.none, color=theme.muted, linewidth=0.9, linestyle=(0, (3, 2.5)), zorder=1)
        for place, one in enumerate(shown if together else shown[k : k + 1]):
            hue = _hue(place, theme)
            ax.fill_between(x, *one.ends, color=hue, alpha=0.2, linewidth=0, zorder=2)
            ax.plot(x, one.centre, color=hue, linewidth=1.5, zorder=3 + place, label=one.name or "mean")
            ax.lines[-1].set(linestyle=_DASHES[place])
        ticks(ax, *whole_range([x], 0.02), held.wide, theme)
        ax.tick_params(axis="x", labelbottom=held.last(k))
    _around(held.figure, across, captions.what, captions, [s.name for s in shown] if together else [], False, theme)
    return held.figure


def _top(shown: Sequence[Series], captions: Captions, width: float, theme: Theme) -> float:
    """Return the inches above the panels: for the note, what is held, and the rows of the legend."""
    named = [one.name for one in shown if one.name]
    wanted = sum(min(labels.extent(name, theme.small, theme.fonts), 34 * width) + 42 for name in named)
    rows = math.ceil(wanted / (72 * (width - 0.2))) if named else 0
    return _TOP + (_LINE if captions.held else 0.0) + _LINE * rows


def _hue(place: int, theme: Theme) -> str:
    return (theme.common, theme.variance, theme.correlation, theme.ink)[place]


def _offset(place: int, of: int) -> float:
    """Return how far below the middle of its row a series stands, in rows."""
    return (place - (of - 1) / 2) * 0.62 / of


def _dots(ax: Axes, one: Series, rows: int, down: float, place: int, theme: Theme) -> None:
    y, hue = np.arange(rows) + down, _hue(place, theme)
    centre, ends = one.centre[:rows], one.ends[:, :rows]
    ax.hlines(y, *ends, color=hue, linewidth=1.5, zorder=2)
    ax.plot(
        centre, y, linestyle="none", marker=_MARKS[place], markersize=4.8, color=hue, markeredgewidth=0, zorder=3,
        label=one.name or "centre",
    )  # fmt: skip
    for i in np.flatnonzero(~np.isfinite(centre)):
        text = ax.text(0.01, y[i], "no rows tell it", transform=ax.get_yaxis_transform(), color=hue, va="center")
        text.set_fontproperties(labels.font(theme.fonts, theme.small - 1, ()))


def _span(values: Sequence[np.ndarray], captions: Captions) -> tuple[float, float]:
    none = [] if captions.none is None else [np.array([captions.none])]
    if not captions.ratio:
        return whole_range([*values, *none], 0.05)
    low, high = whole_range([np.log(v) for v in (*values, *none)], 0.05)
    return math.exp(low), math.exp(high)


def _across(ax: Axes, span: tuple[float, float], wide: float, captions: Captions, theme: Theme) -> None:
    """Draw the axis, of ratios on the scale of logarithms, and a line at no difference."""
    if captions.none is not None:
        ax.axvline(captions.none, color=theme.muted, linewidth=0.9, linestyle=(0, (3, 2.5)), zorder=1)
    if not captions.ratio:
        ticks(ax, *span, wide, theme)
        return
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    ax.set_xscale("log")
    ax.set_xlim(*span)
    marks = _ratio_marks(span, wide, theme)
    ax.xaxis.set_major_locator(FixedLocator(marks))
    ax.xaxis.set_major_formatter(FixedFormatter([word for mark in marks for word in tick_labels([mark])]))
    ax.xaxis.set_minor_locator(NullLocator())


def _ratio_marks(span: tuple[float, float], wide: float, theme: Theme) -> list[float]:
    """Return round numbers within the span, as many as find room."""
    low, high = span
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    for steps in ((1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        marks = [s * 10.0**p for p in powers for s in steps if low <= s * 10.0**p <= high]
        if len(marks) < 2:
            continue
        at = [72 * wide * math.log(m / low) / math.log(high / low) for m in marks]
        half = [labels.extent(tick_labels([m])[0], theme.small, theme.fonts) / 2 for m in marks]
        if all(at[i + 1] - at[i] > half[i] + half[i + 1] + 6 for i in range(len(at) - 1)):
            return marks
    return [1.0] if low <= 1.0 <= high else []


def _names(ax: Axes, names: Sequence[str], theme: Theme) -> None:
    for y, name in enumerate(names):
        ax.axhline(y, color=theme.rule, linewidth=0.5, zorder=0)
        if name:
            text = ax.annotate(
                name, (0, y), xycoords=("axes fraction", "data"), xytext=(-5, 0), textcoords="offset points",
                ha="right", va="center", color=theme.ink, annotation_clip=False,
            )  # fmt: skip
            text.set_parse_math(False)
            text.set_fontproperties(labels.font(theme.fonts, theme.small, (name,)))


def _title(ax: Axes, name: str, wide: float, high: float, theme: Theme) -> None:
    words = labels.fit(name, 72 * wide, theme.small, theme.fonts)
    text = ax.text(0, 1 + 0.03 / high, words, transform=ax.transAxes, color=theme.ink, va="bottom", parse_math=False)
    text.set_fontproperties(labels.font(theme.fonts, theme.small, (words,)))


def _around(
    figure: Figure, across: str, up: str, captions: Captions, names: Sequence[str], dots: bool, theme: Theme
) -> None:
    """Write the words around the axes, and which series is which."""
    surround(figure, across, up, captions.note, theme)
    width, height = figure.get_size_inches()
    down = _TOP + 0.02
    if captions.held:
        words = labels.fit(captions.held, 72 * (width - 0.2), theme.small, theme.fonts)
        text = figure.text(0.08 / width, 1 - down / height, words, color=theme.muted, va="center", parse_math=False)
        text.set_fontproperties(labels.font(theme.fonts, theme.small, (words,)))
        down += _LINE
    if names and names[0]:
        room = 34 * width
        marks: list[tuple[str, str, Any]] = [
            (labels.fit(name, room, theme.small, theme.fonts), _hue(i, theme), _MARKS[i] if dots else _DASHES[i])
            for i, name in enumerate(names)
        ]
        legend(figure, marks, down, theme, dots)


def rows_words(rows: Sequence[str], shown: Sequence[Series], captions: Captions) -> str:
    """Say every centre with its interval."""
    words = [_said(captions) + (f", by {escape.plain(captions.rows)}" if captions.rows else "")]
    for one in shown[:MOST]:
        parts = [
            f"{escape.plain(name)}: {_interval(float(c), float(a), float(b))}"
            for name, c, a, b in zip(rows[:MOST_ROWS], one.centre, *one.ends, strict=False)
        ]
        words.append((f"({escape.plain(one.name)}) " if one.name else "") + ", ".join(parts))
    return "; ".join(words) + "."


def curves_words(x: np.ndarray, shown: Sequence[Series], across: str, captions: Captions) -> str:
    """Say the centre of every curve with its interval at both ends."""
    words = [f"{_said(captions)}, along {escape.plain(across)}"]
    for one in shown[:MOST]:
        first, last = (_interval(float(one.centre[i]), *(float(e) for e in one.ends[:, i])) for i in (0, -1))
        ends = f"{first} at {x[0]:.4g}, {last} at {x[-1]:.4g}"
        words.append((f"({escape.plain(one.name)}) " if one.name else "") + ends)
    return "; ".join(words) + "."


def _said(captions: Captions) -> str:
    held = f", {escape.plain(captions.held, 400)}" if captions.held else ""
    return f"{escape.plain(captions.what, 200)}, {escape.plain(captions.note, 400)}{held}"


def _interval(centre: float, low: float, high: float) -> str:
    if not math.isfinite(centre):
        return "not told by the rows"
    written = digits.row([centre, low, high], digits.decimals(math.nan, (high - low) / 4, abs(centre)))
    return f"{written[0]} ({written[1]} to {written[2]})"
