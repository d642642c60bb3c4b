"""Prior figure: the prior density of each parameter behind its posterior, and how much narrower the data made it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import escape
from .card import Marginal
from .density import density
from .figures import BOUNDS, ticks
from .panels import inside, panels, surround
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# An axis is at most this many times as wide as the posterior's, so that a wide prior leaves it to be seen.
_WIDEST = 8.0
_WIDTH = 1.0 - 2 * 0.1586553


@dataclass(frozen=True, eq=False)
class PriorPanel:
    """A scalar: its posterior draws with role and bounds, and draws of its prior, all NaN for a flat one."""

    marginal: Marginal
    prior: np.ndarray

    @property
    def flat(self) -> bool:
        """Whether the prior is flat."""
        return not np.isfinite(self.prior).any()

    @property
    def left(self) -> float:
        """The width of the posterior's central 68% over that of the prior's; NaN for a flat prior."""
        if self.flat:
            return math.nan
        ends = (0.5 - _WIDTH / 2, 0.5 + _WIDTH / 2)
        before = float(np.ptp(np.quantile(self.prior[np.isfinite(self.prior)], ends)))
        after = float(np.ptp(np.quantile(np.ravel(self.marginal.values), ends)))
        return after / before if before > 0 else math.nan


def prior_figure(shown: Sequence[PriorPanel], note: str, theme: Theme = LIGHT) -> Figure:
    """Return one Figure with a panel a parameter: the posterior, filled, over the prior, a dashed line.

    The heights are those of the densities where both can be seen; of a prior much wider than the posterior the part
    near it is drawn, at a tenth of the height at least. A word says how wide the posterior is, in shares of the prior.
    """
    held = panels([p.marginal.name for p in shown], theme, apart=True, columns=min(max(len(shown), 1), 3), widest=3.0)
    for ax, panel in zip(held.axes, shown, strict=True):
        _panel(ax, panel, held.wide, theme)
    surround(held.figure, "", "density", note, theme)
    return held.figure


def _panel(ax: Axes, panel: PriorPanel, wide: float, theme: Theme) -> None:
    own = panel.marginal
    hue = theme.hue(own.role)
    low, high = own.bounds or BOUNDS.get(own.role, (-math.inf, math.inf))
    after = _curve(np.ravel(own.values), low, high)
    before = None if panel.flat else _curve(panel.prior[np.isfinite(panel.prior)], low, high)
    span = _span(after, before, np.ravel(own.values))
    top = float(after[1].max()) if after is not None else 1.0
    if after is not None:
        ax.fill_between(*after, color=hue, alpha=0.3, linewidth=0, zorder=2)
        ax.plot(*after, color=hue, linewidth=1.4, zorder=3)
    else:
        ax.axvline(float(np.mean(own.values)), color=hue, linewidth=1.6)
    if panel.flat:
        ax.axhline(0.1 * top, color=theme.ink, linewidth=1.2, linestyle=(0, (4, 2)), zorder=4)
    elif before is not None:
        tall = float(np.interp(np.linspace(*span, 200), *before, left=0.0, right=0.0).max())
        # A wide prior would be a line on the floor.
        lifted = max(1.0, 0.1 * top / tall) if tall > 0 else 1.0
        top = max(top, min(tall, 2.5 * top))
        ax.plot(before[0], before[1] * lifted, color=theme.ink, linewidth=1.2, linestyle=(0, (4, 2)), zorder=4)
    ax.set_ylim(-0.02 * top, 1.25 * top)
    inside(ax, 1.0, 1.0, _said(panel), wide, theme, "right")
    ticks(ax, *span, wide, theme)


def _curve(values: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray] | None:
    values = values[np.isfinite(values)]
    if len(values) < 2 or np.ptp(values) <= 1e-12 * np.abs(values).max():
        return None
    # Far tails would make the cells wide: those of half-t priors reach a hundred times their scale.
    first, third = np.quantile(values, (0.02, 0.98))
    room = third - first
    kept = values[(values >= first - room) & (values <= third + room)]
    grid, height = density(kept, low, high)
    step = grid[1] - grid[0]
    start, stop = max(low, float(grid[0] - step / 2)), min(high, float(grid[-1] + step / 2))
    height = height * len(kept) / len(values)
    return np.concatenate([[start], grid, [stop]]), np.concatenate([height[:1], height, height[-1:]])


def _span(
    after: tuple[np.ndarray, np.ndarray] | None, before: tuple[np.ndarray, np.ndarray] | None, values: np.ndarray
) -> tuple[float, float]:
    if after is None:
        at = float(np.mean(values))
        return at - (abs(at) / 2 or 1.0), at + (abs(at) / 2 or 1.0)
    low, high = float(after[0][0]), float(after[0][-1])
    if before is not None:
        room = _WIDEST / 2 * (high - low)
        middle = (low + high) / 2
        low, high = (
            min(low, max(float(before[0][0]), middle - room)),
            max(high, min(float(before[0][-1]), middle + room)),
        )
    air = 0.02 * (high - low)
    return low - air, high + air


def _said(panel: PriorPanel) -> str:
    if panel.flat:
        return "flat prior"
    left = panel.left
    if not math.isfinite(left):
        return ""
    return f"width {100 * left:.0f}% of the prior" if left >= 0.1 else f"width {100 * left:.2g}% of the prior"


def prior_words(shown: Sequence[PriorPanel], note: str) -> str:
    """Say how wide each posterior is, in shares of its prior."""
    parts = []
    for panel in shown:
        said = _said(panel)
        mean = float(np.mean(panel.marginal.values))
        parts.append(f"{escape.plain(panel.marginal.name)}: posterior mean {mean:.4g}, {said}")
    return f"Priors and posteriors, {escape.plain(note, 400)}. " + "; ".join(parts) + "."
