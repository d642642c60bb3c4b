"""Calibration figure: which share of rows lies in its predictive interval, against what the interval promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import escape
from .figures import ticks
from .fit_figure import rules
from .panels import panels, surround
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_Z95 = 1.959964


def calibration_figure(
    probability: np.ndarray, coverage: np.ndarray, error: np.ndarray, note: str, theme: Theme = LIGHT
) -> Figure:
    """Return one Figure of coverage against probability (m,), with the band in which a right model's share of that many
    independent rows lies 95 times in 100; error: (m,) its standard error.
    """
    held = panels([""], theme, left=0.5, tall=3.0, widest=3.2)
    ax = held.axes[0]
    ax.set_ylim(-0.02, 1.02)
    rules(ax, (0.0, 1.0), held.high, True, theme)
    at = np.concatenate([[0.0], probability, [1.0]])
    spread = _Z95 * np.concatenate([[0.0], error, [0.0]])
    ax.fill_between(at, at - spread, at + spread, color=theme.muted, alpha=0.22, linewidth=0, zorder=1)
    ax.plot([0, 1], [0, 1], color=theme.muted, linewidth=0.9, linestyle=(0, (3, 2.5)), zorder=2)
    ax.plot(probability, coverage, "-o", color=theme.common, linewidth=1.4, markersize=4.2, zorder=3)
    ticks(ax, -0.02, 1.02, held.wide, theme)
    surround(held.figure, "probability of the interval", "share of rows inside", note, theme)
    return held.figure


def calibration_words(probability: np.ndarray, coverage: np.ndarray, note: str) -> str:
    """Say the coverage of every interval."""
    pairs = ", ".join(f"{100 * c:.0f}% of {100 * p:.0f}%" for p, c in zip(probability, coverage, strict=True))
    return f"Shares of rows inside their predictive intervals, {escape.plain(note, 400)}: {pairs}."
