"""Trellis figure: a panel a level with its data and three lines - no pooling, complete pooling, multilevel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import digits, escape, labels
from .figures import ticks
from .fit_figure import FittedPanel, draw_curve, held_by_axis, root_axis, rules, whole_range
from .panels import legend, panels, surround
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 24  # panels of one picture
_DASHES = {"alone": "--", "pooled": ":", "multilevel": "-"}
_NAMES = {"alone": "no pooling", "pooled": "complete pooling"}


@dataclass(frozen=True, eq=False)
class TrellisPanel(FittedPanel):
    """One level as `FittedPanel` has it, the multilevel mean with its band, and besides them:

    count: its rows. alone, pooled: (m,) along `at` without pooling and with complete pooling, NaN where not told.
    """

    count: int
    alone: np.ndarray
    pooled: np.ndarray


def trellis_figure(
    shown: Sequence[TrellisPanel],
    covariate: str,
    response: str,
    own: str,
    note: str = "",
    root: bool = False,
    theme: Theme = LIGHT,
) -> Figure:
    """Return one Figure with a panel a level, at most 24, all with the same axes, and a legend above them.

    own: which coefficients a level has of its own without pooling. root: whether the response, never below 0, is drawn
    on the scale of its square root. A band or a line without pooling may leave the panel.
    """
    shown = shown[:MOST]
    low, high = _range(shown)
    columns = _columns(len(shown))
    held = panels([""] * len(shown), theme, 0.62, tall=2.7, small=1.3, top=0.56, columns=columns, widest=5.6)
    across = whole_range([p.at for p in shown] + [p.x for p in shown], 0.03)
    for i, (ax, panel) in enumerate(zip(held.axes, shown, strict=True)):
        if root:
            root_axis(ax, high, held.high, held.first(i), theme)
        else:
            ax.set_ylim(low, high)
            rules(ax, (low, high), held.high, held.first(i), theme)
        draw_curve(ax, panel, theme)
        for name, line, hue in (("pooled", panel.pooled, theme.ink), ("alone", panel.alone, theme.variance)):
            ax.plot(panel.at, line, color=hue, linewidth=1.4, linestyle=_DASHES[name], zorder=5, label=_NAMES[name])
        ticks(ax, *across, held.wide, theme)
        ax.tick_params(axis="x", labelbottom=held.last(i))
        _title(ax, panel, held.wide, theme)
    surround(held.figure, covariate, response, note, theme)
    band = "multilevel" if shown[0].mean_band is None else "multilevel, 95% of the mean"
    room = 72 * (held.figure.get_figwidth() - 4.4)
    marks = [
        (f"no pooling: own {labels.fit(own, room, theme.small, theme.fonts)}", theme.variance, _DASHES["alone"]),
        (_NAMES["pooled"], theme.ink, _DASHES["pooled"]),
        (band, theme.common, _DASHES["multilevel"]),
    ]
    legend(held.figure, marks, 0.38, theme)
    return held.figure


def _columns(n: int) -> int:
    return min(max(n, 1), 3) if n <= 3 else 2 if n == 4 else 3 if n in (5, 6, 9) else 4 if n <= 12 else 6


def _range(shown: Sequence[TrellisPanel]) -> tuple[float, float]:
    """Return the range of data, multilevel and pooled means, somewhat wider for bands and lines without pooling,
    either of which may run far where there are no data.
    """
    low, high = whole_range([line for p in shown for line in (p.y, p.pooled, p.mean)], 0.05)
    least, most = low, high
    for lines, share in (([p.alone for p in shown], 0.25), ([held_by_axis(p) for p in shown], 0.6)):
        far, room = whole_range(lines, 0.03), share * (high - low)
        least, most = min(least, max(far[0], low - room)), max(most, min(far[1], high + room))
    return least, most


def _title(ax: Axes, panel: TrellisPanel, wide: float, theme: Theme) -> None:
    """Write the level's name above its panel, and how many rows it has."""
    rows = f"n = {panel.count:,}"
    room = 72 * wide - labels.extent(rows, theme.small, theme.fonts) - 6
    name = labels.fit(panel.name, room, theme.small, theme.fonts)
    for x, words, ink, where in ((0.0, name, theme.ink, "left"), (1.0, rows, theme.muted, "right")):
        text = ax.text(x, 1.03, words, transform=ax.transAxes, color=ink, va="bottom", ha=where, parse_math=False)
        text.set_fontproperties(labels.font(theme.fonts, theme.small, (words,)))


def trellis_words(shown: Sequence[TrellisPanel], covariate: str, response: str, own: str, note: str) -> str:
    """Say what a trellis shows: for each level the three lines at both ends of the covariate."""
    words = (
        f"Data of {escape.plain(response)} along {escape.plain(covariate)} with three lines, {escape.plain(note, 400)}"
    )
    words += f"; no pooling has {escape.plain(own)} of each level's own"
    for panel in shown[:MOST]:
        spread = float(np.ptp(held_by_axis(panel)))
        parts = [
            f"{name} {_ends(line, spread)}"
            for name, line in (("no pooling", panel.alone), ("complete", panel.pooled), ("multilevel", panel.mean))
        ]
        words += f"; {escape.plain(panel.name)}, {panel.count:,} row{'' if panel.count == 1 else 's'}: "
        words += ", ".join(parts)
    return words + "."


def _ends(line: np.ndarray, spread: float) -> str:
    if not np.isfinite(line).all():
        return "not told by its rows"
    places = digits.decimals(np.nan, spread / 4, float(np.abs(line).max()))
    low, high = digits.row([float(line[0]), float(line[-1])], places)
    return f"{low} to {high}"
