"""Residual figure: quantile residuals along the fitted means and against the normal, and group effects against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import escape, labels
from .figures import ticks
from .fit_figure import rules, whole_range
from .panels import panels, surround
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_DOTS = 5000
_BINS = 20


@dataclass(frozen=True, eq=False)
class EffectsPanel:
    """A column of a factor's effects: its name, posterior means and sds, (J,) each."""

    name: str
    mean: np.ndarray
    sd: np.ndarray


def residual_figure(
    residuals: np.ndarray,
    along: np.ndarray,
    name: str,
    effects: Sequence[EffectsPanel],
    note: str,
    theme: Theme = LIGHT,
) -> Figure:
    """Return one Figure: residuals (n,), standard normal for a right model, along `along` (n,), called by the name, and
    in order against those of a normal sample with its 95% band; and so each column of group effects, at most 4.
    """
    titles = [f"residuals along {name}", "residuals, ordered", *(e.name for e in effects[:4])]
    held = panels(
        titles, theme, left=_left(effects, theme), apart=True, tall=2.2, columns=2 if len(titles) in (2, 4) else 3
    )
    kept = np.isfinite(residuals) & np.isfinite(along)
    _along(held.axes[0], residuals[kept], along[kept], held.wide, held.high, theme)
    _ordered(held.axes[1], residuals[kept], None, held.wide, held.high, theme)
    for ax, panel in zip(held.axes[2:], effects[:4], strict=True):
        _ordered(ax, panel.mean, panel.sd, held.wide, held.high, theme)
    surround(held.figure, "ordered: against ordered values of a normal sample", "quantile residuals", note, theme)
    return held.figure


def _left(effects: Sequence[EffectsPanel], theme: Theme) -> float:
    """Return the inches that the numbers beside the panels need."""
    ends = [f"{-float(f'{np.abs(e.mean).max() + 1.96 * e.sd.max():.1g}'):,.4g}" for e in effects[:4]]
    return max([0.44, *(0.2 + labels.extent(end, theme.small, theme.fonts) / 72 for end in ends)])


def _along(ax: Axes, residuals: np.ndarray, along: np.ndarray, wide: float, high: float, theme: Theme) -> None:
    span, across = whole_range([residuals, np.array([-3.0, 3.0])], 0.04), whole_range([along], 0.03)
    ax.set_ylim(*span)
    rules(ax, span, high, True, theme)
    for end in (-1.959964, 1.959964):
        ax.axhline(end, color=theme.muted, linewidth=0.8, linestyle=(0, (3, 2.5)), zorder=1)
    every = max(1, -(-len(residuals) // _MOST_DOTS))
    _dots(ax, along[::every], residuals[::every], theme)
    middle, low, high_end = _binned(along, residuals)
    if len(middle):
        ax.vlines(middle[:, 0], low, high_end, color=theme.variance, linewidth=1.6, zorder=4)
        ax.plot(middle[:, 0], middle[:, 1], "-o", color=theme.variance, linewidth=1.2, markersize=2.6, zorder=5)
    ticks(ax, *across, wide, theme)


def _binned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean of y with its 95% interval in bins of about as many neighbouring x."""
    bins = min(_BINS, len(x) // 15)
    if bins < 3 or not np.ptp(x) > 0:
        return np.zeros((0, 2)), np.zeros(0), np.zeros(0)
    edges = np.unique(np.quantile(x, np.linspace(0, 1, bins + 1)))
    place = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
    counts = np.bincount(place, minlength=len(edges) - 1)
    held = counts > 4
    centre, mean = (np.bincount(place, v, len(edges) - 1)[held] / counts[held] for v in (x, y))
    # The residuals of a right model have variance 1.
    error = 1.959964 / np.sqrt(counts[held])
    return np.stack([centre, mean], axis=1), mean - error, mean + error


def _ordered(ax: Axes, values: np.ndarray, sd: np.ndarray | None, wide: float, high: float, theme: Theme) -> None:
    """Draw ordered values against those of a normal sample: a standard one, or with sds one of the same mean and sd."""
    from scipy.special import ndtri
    from scipy.stats import beta

    order = np.argsort(values, kind="stable")
    y, n = values[order], len(values)
    at = (np.arange(1, n + 1) - 0.375) / (n + 0.25)
    x = ndtri(at)
    centre, scale = (0.0, 1.0) if sd is None else (float(np.mean(values)), float(np.std(values)))
    place = np.unique(np.linspace(0, n - 1, min(n, 400)).round().astype(int))
    low, top = (centre + scale * ndtri(beta.ppf(q, place + 1, n - place)) for q in (0.025, 0.975))
    ends: list[np.ndarray] = (
        [y, np.asarray(low), np.asarray(top)] if sd is None else [y - 1.96 * sd[order], y + 1.96 * sd[order]]
    )
    span = whole_range(ends, 0.04)
    ax.set_ylim(*span)
    rules(ax, span, high, True, theme)
    ax.fill_between(x[place], low, top, color=theme.muted, alpha=0.22, linewidth=0, zorder=1)
    ax.plot(
        x[[0, -1]], centre + scale * x[[0, -1]], color=theme.muted, linewidth=0.9, linestyle=(0, (3, 2.5)), zorder=2
    )
    shown = place if sd is not None else _thinned(n)
    if sd is not None:
        ax.vlines(
            x[shown], (y - 1.96 * sd[order])[shown], (y + 1.96 * sd[order])[shown], color=theme.common, alpha=0.35
        )
    _dots(ax, x[shown], y[shown], theme)
    ticks(ax, *whole_range([x], 0.04), wide, theme)


def _thinned(n: int) -> np.ndarray:
    """Return the places drawn of n ordered values: all at the ends, where they are rare."""
    if n <= _MOST_DOTS:
        return np.arange(n)
    middle = np.linspace(200, n - 201, _MOST_DOTS - 400).round().astype(int)
    return np.unique(np.concatenate([np.arange(200), middle, np.arange(n - 200, n)]))


def _dots(ax: Axes, x: np.ndarray, y: np.ndarray, theme: Theme) -> None:
    size, alpha = (3.2, 0.8) if len(x) <= 100 else (2.4, 0.5) if len(x) <= 1000 else (1.7, 0.25)
    ax.plot(x, y, "o", markersize=size, color=theme.common, alpha=alpha, markeredgewidth=0, zorder=3, clip_on=False)


def residual_words(residuals: np.ndarray, effects: Sequence[EffectsPanel], note: str) -> str:
    """Say mean and sd of the residuals, how many are beyond 3, and which group effects are farthest out."""
    kept = residuals[np.isfinite(residuals)]
    far = int(np.sum(np.abs(kept) > 3))
    words = f"Quantile residuals, {escape.plain(note, 400)}: mean {kept.mean():.2f}, sd {kept.std():.2f}, "
    words += f"{far:,} of {len(kept):,} beyond 3"
    for panel in effects[:4]:
        scale = float(np.std(panel.mean)) or 1.0
        worst = float(np.abs(panel.mean - panel.mean.mean()).max()) / scale
        words += f"; {escape.plain(panel.name)}: farthest effect {worst:.1f} sds from their mean"
    return words + "."
