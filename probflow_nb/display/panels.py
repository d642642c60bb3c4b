"""Panels: small multiples of one look - their places, titles, and the words around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import labels
from .figures import axes, blank_figure
from .theme import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 24  # panels of one picture
_TOP, _BOTTOM, _EDGE = 0.28, 0.46, 0.12
_GAP, _TITLE = 0.16, 0.2


@dataclass(frozen=True)
class Panels:
    """A figure and its axes in reading order; wide, high: inches of one panel. columns: panels a row."""

    figure: Figure
    axes: tuple[Axes, ...]
    wide: float
    high: float
    columns: int

    def first(self, i: int) -> bool:
        """Whether panel i stands first in its row."""
        return i % self.columns == 0

    def last(self, i: int) -> bool:
        """Whether nothing stands below panel i."""
        return i + self.columns >= len(self.axes)


def panels(
    titles: Sequence[str],
    theme: Theme,
    left: float = 0.2,
    apart: bool = False,
    tall: float = 2.3,
    columns: int | None = None,
    widest: float = 4.2,
    small: float = 1.02,
    top: float = _TOP,
) -> Panels:
    """Return a figure with an empty panel a title, at most 24.

    left: inches for numbers left of each row. apart: whether each panel has axes of its own, which need room beside
    and below it. tall, small: inches of a panel that stands alone, and of one of many. columns: panels a row, as suits
    their number unless given. top: inches above them for words.
    """
    n = max(1, len(titles))
    columns = columns or columns_of(n)
    rows = math.ceil(n / columns)
    gap = left if apart else _GAP
    below = 0.3 if apart and rows > 1 else 0.0
    wide = min((theme.width - left - _EDGE - (columns - 1) * gap) / columns, widest)
    high = tall if n == 1 else (min(1.5, tall) if columns <= 3 else small)
    width = max(left + columns * wide + (columns - 1) * gap + _EDGE, 4.4)
    figure = blank_figure(width, top + rows * (high + _TITLE) + (rows - 1) * below + _BOTTOM, theme)
    found = []
    for i, name in enumerate(titles):
        row, column = divmod(i, columns)
        bottom = figure.get_figheight() - top - (row + 1) * (high + _TITLE) - row * below
        ax = axes(figure, (left + column * (wide + gap), bottom, wide, high), theme)
        shown = labels.fit(name, wide * 72, theme.small, theme.fonts)
        text = ax.text(0, 1.03, shown, transform=ax.transAxes, color=theme.ink, va="bottom", parse_math=False)
        text.set_fontproperties(labels.font(theme.fonts, theme.small, (shown,)))
        found.append(ax)
    return Panels(figure, tuple(found), wide, high, columns)


def columns_of(n: int) -> int:
    """Return how many of n panels stand in a row."""
    if n <= 4:
        return max(n, 1)
    return 3 if n in (5, 6, 9) else 4 if n <= 12 else 6


def surround(figure: Figure, across: str, up: str, note: str, theme: Theme) -> None:
    """Write what is drawn at the top left, the note at the top right, the name of the x axis below."""
    width, height = figure.get_size_inches()
    room = (width - 0.2) * 72
    right = labels.fit(note, 0.68 * room, theme.small, theme.fonts)
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


def legend(
    figure: Figure, marks: Sequence[tuple[str, str, str]], down: float, theme: Theme, dots: bool = False
) -> None:
    """Write what lines are, a sample of each before its words, in rows from `down` inches below the top.

    marks: (words, colour, dashes) of each, the dashes as matplotlib names them, or with dots the marker of each.
    """
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches()
    x, y = 0.08, height - down
    for words, hue, dashes in marks:
        wide = labels.extent(words, theme.small, theme.fonts) / 72 + 0.34
        if x > 0.08 and x + wide > width - 0.08:
            x, y = 0.08, y - 0.18
        line = Line2D([x / width, (x + 0.27) / width], [y / height] * 2, color=hue, linewidth=1.5)
        line.set(**({"marker": dashes, "markersize": 4.8, "markeredgewidth": 0} if dots else {"linestyle": dashes}))
        if dots:
            line.set_data([(x + 0.18) / width], [y / height])
        figure.add_artist(line)
        text = figure.text(
            (x + 0.34) / width, y / height, words, color=theme.ink, ha="left", va="center_baseline", parse_math=False
        )
        text.set_fontproperties(labels.font(theme.fonts, theme.small, (words,)))
        x += wide + 0.24


def inside(ax: Axes, x: float, y: float, words: str, room: float, theme: Theme, where: str = "left") -> None:
    """Write small words inside a panel, at (x, y) of its box, in at most `room` inches."""
    shown = labels.fit(words, room * 72, theme.small, theme.fonts)
    text = ax.text(x, y, shown, transform=ax.transAxes, color=theme.muted, ha=where, va="top", parse_math=False)
    text.set_fontproperties(labels.font(theme.fonts, theme.small, (shown,)))
