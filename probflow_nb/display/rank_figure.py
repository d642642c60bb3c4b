"""Rank figure: how the ranks of the truth differ from uniform ones, a panel a quantity, with simultaneous bands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import escape, labels
from .figures import axes, blank_figure, ticks
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 24  # panels of one picture
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.46, 0.14, 0.34, 0.5
_GAP, _TITLE, _HIGH = 0.16, 0.24, 0.95


@dataclass(frozen=True, eq=False)
class RankPanel:
    """One quantity: at (L,) shares of ranks, the difference of the distribution functions and the band's ends, (L,)."""

    name: str
    at: np.ndarray
    difference: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    @property
    def inside(self) -> bool:
        """Whether the whole line lies in the band."""
        return bool(((self.difference >= self.lower - 1e-12) & (self.difference <= self.upper + 1e-12)).all())


def rank_figure(panels: Sequence[RankPanel], title: str, theme: Theme = LIGHT) -> Figure:
    """Return one Figure with a panel a quantity, at most 24: a line that should stay inside its band.

    A panel whose line leaves the band says so in its title and draws the line in another hue.
    """
    shown = list(panels[:MOST])
    columns = min(len(shown), 4)
    rows = max(1, math.ceil(len(shown) / max(columns, 1)))
    wide = (theme.width - _LEFT - _RIGHT - 3 * _GAP) / 4 if columns == 4 else 2.0
    width = _LEFT + columns * wide + (columns - 1) * _GAP + _RIGHT
    figure = blank_figure(max(width, 4.4), _TOP + rows * (_HIGH + _TITLE) + _BOTTOM, theme)
    most = 1.08 * max(float(np.abs([p.difference, p.lower, p.upper]).max()) for p in shown)
    for i, panel in enumerate(shown):
        row, column = divmod(i, columns)
        left = _LEFT + column * (wide + _GAP)
        bottom = figure.get_figheight() - _TOP - (row + 1) * (_HIGH + _TITLE)
        ax = axes(figure, (left, bottom, wide, _HIGH), theme)
        ax.set_ylim(-most, most)
        _draw(ax, panel, theme)
        _heights(ax, most, column == 0, theme)
        ticks(ax, 0.0, 1.0, wide, theme)
        if i + columns < len(shown):
            ax.tick_params(axis="x", labelbottom=False)
        _name(ax, panel, wide, theme)
    _words(figure, title, theme)
    return figure


def rank_words(panels: Sequence[RankPanel], title: str) -> str:
    """Say what rank panels show: which lines leave their band."""
    outside = [escape.plain(panel.name) for panel in panels if not panel.inside]
    words = f"{escape.plain(title, 200)}. {len(panels)} quantities"
    return f"{words}; outside their band: {', '.join(outside)}." if outside else f"{words}, all inside their bands."


def _draw(ax: Axes, panel: RankPanel, theme: Theme) -> None:
    at = np.concatenate([[0.0], panel.at, [1.0]])

    def ends(values: np.ndarray) -> np.ndarray:
        return np.concatenate([[0.0], values, [0.0]])

    ax.fill_between(at, ends(panel.lower), ends(panel.upper), color=theme.common, alpha=0.2, linewidth=0)
    ax.axhline(0, color=theme.muted, linewidth=0.7, zorder=1)
    hue = theme.ink if panel.inside else theme.variance
    ax.plot(at, ends(panel.difference), color=hue, linewidth=1.2 if panel.inside else 1.9, zorder=3)


def _heights(ax: Axes, most: float, words: bool, theme: Theme) -> None:
    step = next(s for s in (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.0) if s <= 0.9 * most)
    font = labels.font(theme.fonts, theme.small)
    for height in (-step, 0.0, step) if words else ():
        text = ax.annotate(
            "0" if height == 0 else f"{height:+g}".replace("-", "−"),
            (0, height),
            xycoords=("axes fraction", "data"),
            xytext=(-3, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            color=theme.muted,
        )
        text.set_fontproperties(font)


def _name(ax: Axes, panel: RankPanel, wide: float, theme: Theme) -> None:
    mark = "" if panel.inside else "✕ "
    name = mark + labels.fit(panel.name, 72 * wide - (12 if mark else 0), theme.small + 0.4, theme.fonts)
    text = ax.text(0, 1.03, name, transform=ax.transAxes, color=theme.ink, va="bottom", parse_math=False)
    text.set_fontproperties(labels.font(theme.fonts, theme.small + 0.4, (name,)))


def _words(figure: Figure, title: str, theme: Theme) -> None:
    width, height = figure.get_size_inches()
    title = labels.fit(title, 72 * (width - 0.2), theme.size, theme.fonts)
    below = "share of draws below the truth"
    for x, y, words, colour, top in (
        (0.1 / width, 1 - 0.08 / height, title, theme.ink, True),
        (0.5, 0.07 / height, below, theme.muted, False),
    ):
        text = figure.text(
            x, y, words, color=colour, ha="left" if top else "center", va="top" if top else "bottom", parse_math=False
        )
        text.set_fontproperties(labels.font(theme.fonts, theme.size, (words,)))
