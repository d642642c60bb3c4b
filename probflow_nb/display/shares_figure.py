"""Shares figure: the probability of each ordered category along a covariate, stacked, a panel for each level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import escape, labels
from .figures import axes, blank_figure, ticks
from .fit_figure import MOST, whole_range
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TOP, _BOTTOM, _LEFT, _EDGE, _KEY = 0.28, 0.46, 0.5, 0.12, 0.26
_GAP, _TITLE = 0.14, 0.2


@dataclass(frozen=True, eq=False)
class SharesPanel:
    """One level: its name and along `at` (m,) the probabilities of K ordered categories (m, K)."""

    name: str
    at: np.ndarray
    shares: np.ndarray


def shares_figure(
    panels: Sequence[SharesPanel],
    categories: Sequence[str],
    covariate: str,
    response: str,
    note: str = "",
    theme: Theme = LIGHT,
) -> Figure:
    """Return one Figure with a panel a level, at most 24: areas of the K categories, the lowest at the bottom and the
    lightest, that add to 1. A key below names them."""
    shown = list(panels[:MOST])
    columns = max(1, len(shown) if len(shown) <= 4 else 3 if len(shown) <= 6 else 4 if len(shown) <= 8 else 6)
    rows = max(1, math.ceil(len(shown) / columns))
    wide = min((theme.width - _LEFT - _EDGE - (columns - 1) * _GAP) / columns, 4.2)
    high = 2.5 if len(shown) == 1 else (1.5 if columns <= 3 else 1.02)
    width = max(_LEFT + columns * wide + (columns - 1) * _GAP + _EDGE, 4.4)
    figure = blank_figure(width, _TOP + rows * (high + _TITLE) + _BOTTOM + _KEY, theme)
    span = whole_range([panel.at for panel in shown], 0.0)
    for i, panel in enumerate(shown):
        row, column = divmod(i, columns)
        left = _LEFT + column * (wide + _GAP)
        bottom = figure.get_figheight() - _TOP - (row + 1) * (high + _TITLE)
        ax = axes(figure, (left, bottom, wide, high), theme)
        _areas(ax, panel, theme)
        ticks(ax, *span, wide, theme)
        if column == 0:
            _marks(ax, theme)
        if i + columns < len(shown):
            ax.tick_params(axis="x", labelbottom=False)
        _write(ax.transAxes, figure, 0.0, 1.03, panel.name, wide, theme, ("left", "bottom"), theme.small)
    tall = figure.get_figheight()
    inches = figure.dpi_scale_trans
    _write(inches, figure, 0.08, tall - 0.08, f"probability of {response}", 0.6 * width, theme, ("left", "top"))
    _write(inches, figure, width - _EDGE, tall - 0.08, note, 0.4 * width, theme, ("right", "top"), theme.small)
    _write(inches, figure, width - _EDGE, 0.06 + _KEY, covariate, width - 0.2, theme, ("right", "bottom"))
    _key(figure, categories, width, theme)
    return figure


def shades(count: int) -> list[float]:
    """Return the strength of the hue of each category, from light to full."""
    return [float(v) for v in np.linspace(0.14, 0.95, count)]


def _areas(ax: Axes, panel: SharesPanel, theme: Theme) -> None:
    total = np.concatenate([np.zeros((len(panel.at), 1)), np.cumsum(panel.shares, axis=1)], axis=1)
    for k, strength in enumerate(shades(panel.shares.shape[1])):
        ax.fill_between(panel.at, total[:, k], total[:, k + 1], color=theme.common, alpha=strength, linewidth=0)
        if k:
            ax.plot(panel.at, total[:, k], color=theme.background, linewidth=0.8)
    ax.set_ylim(0.0, 1.0)


def _marks(ax: Axes, theme: Theme) -> None:
    for mark in (0.0, 0.5, 1.0):
        text = ax.annotate(
            f"{mark:g}", (0, mark), xycoords=("axes fraction", "data"), xytext=(-4, 0), textcoords="offset points",
            ha="right", va="center", color=theme.muted, annotation_clip=False,
        )  # fmt: skip
        text.set_fontproperties(labels.font(theme.fonts, theme.small))


def _key(figure: Figure, categories: Sequence[str], width: float, theme: Theme) -> None:
    """Draw a patch and the name of each category, the lowest first."""
    from matplotlib.patches import Rectangle

    room = (width - _LEFT - _EDGE) / max(len(categories), 1)
    for k, (name, strength) in enumerate(zip(categories, shades(len(categories)), strict=True)):
        left = _LEFT + k * room
        box = Rectangle(
            (left, 0.09), 0.12, 0.12, color=theme.common, alpha=strength, linewidth=0, transform=figure.dpi_scale_trans
        )
        figure.add_artist(box)
        where = ("left", "bottom")
        _write(figure.dpi_scale_trans, figure, left + 0.17, 0.08, name, room - 0.22, theme, where, theme.small)


def _write(
    transform: object,
    figure: Figure,
    x: float,
    y: float,
    words: str,
    room: float,
    theme: Theme,
    where: tuple[str, str],
    size: float | None = None,
) -> None:
    """Write words in at most `room` inches at a place of a transform."""
    size = theme.size if size is None else size
    shown = labels.fit(words, room * 72, size, theme.fonts)
    ink = theme.ink
    text = figure.text(x, y, shown, transform=transform, color=ink, ha=where[0], va=where[1], parse_math=False)
    text.set_fontproperties(labels.font(theme.fonts, size, (shown,)))


def shares_words(
    panels: Sequence[SharesPanel], categories: Sequence[str], covariate: str, response: str, note: str
) -> str:
    """Say what stacked shares show: each panel's most probable category at both ends."""
    words = f"Probabilities of the categories of {escape.plain(response)} along {escape.plain(covariate)}"
    words += f", {escape.plain(note)}" if note else ""
    for panel in panels:
        ends = []
        for at in (0, -1):
            k = int(np.argmax(panel.shares[at]))
            ends.append(f"{escape.plain(categories[k])} with {panel.shares[at, k]:.2f}")
        words += f"; {escape.plain(panel.name)}: " if panel.name else ": "
        words += f"most probable {ends[0]} at the left end, {ends[1]} at the right"
    return words + "."
