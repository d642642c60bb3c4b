"""Replicated figure: data against replicates of a model - densities, bars with intervals, or a statistic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import digits, escape, labels
from .density import density
from .figures import tick_labels, ticks
from .fit_figure import rules, whole_range
from .panels import inside, panels, surround
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class OverlaidPanel:
    """A group's name, its data (r,) and replicates (S, r)."""

    name: str
    observed: np.ndarray
    replicated: np.ndarray


@dataclass(frozen=True, eq=False)
class BarsPanel:
    """A group's name, how often its data have each of B values (B,), medians and 95% ends of replicates (3, B)."""

    name: str
    observed: np.ndarray
    replicated: np.ndarray


@dataclass(frozen=True, eq=False)
class StatisticPanel:
    """A group's name, a statistic of its data, of replicates (S,), and the share of those that reach it."""

    name: str
    observed: float
    replicated: np.ndarray
    share: float


def overlaid_figure(
    shown: Sequence[OverlaidPanel],
    response: str,
    note: str,
    bounds: tuple[float, float],
    prior: bool = False,
    theme: Theme = LIGHT,
) -> Figure:
    """Return one Figure with a panel a group: the density of the data, dark, over those of the replicates, light.

    bounds: between which responses lie. prior: whether the replicates are the prior's, which may be far wider.
    """
    held = panels([p.name for p in shown], theme)
    span = _span(shown, prior)
    span = (max(span[0], bounds[0]), min(span[1], bounds[1]))
    for i, (ax, panel) in enumerate(zip(held.axes, shown, strict=True)):
        lines = [_line(values, bounds) for values in panel.replicated]
        _overlay(ax, [line for line in lines if line is not None], _line(panel.observed, bounds), prior, theme)
        if _line(panel.observed, bounds) is None:
            ax.axvline(float(np.mean(panel.observed)), color=theme.ink, linewidth=1.7, zorder=4)
        ticks(ax, *span, held.wide, theme)
        ax.tick_params(axis="x", labelbottom=held.last(i))
    surround(held.figure, response, "density", note, theme)
    return held.figure


def _overlay(ax: Axes, lines: list[np.ndarray], observed: np.ndarray | None, prior: bool, theme: Theme) -> None:
    from matplotlib.collections import LineCollection

    alpha = float(np.clip(12 / max(len(lines), 1), 0.1, 0.6))
    ax.add_collection(LineCollection(lines, colors=theme.common, linewidths=0.8, alpha=alpha, zorder=2))
    peaks = np.array([line[:, 1].max() for line in lines] or [1.0])
    top = float(np.quantile(peaks, 0.98))
    if observed is not None:
        ax.plot(observed[:, 0], observed[:, 1], color=theme.ink, linewidth=1.7, zorder=4)
        tallest = float(observed[:, 1].max())
        # Of a wide prior only the foot of the data's density is drawn, or its own would be a line on the floor.
        top = max(top, min(tallest, 4 * top) if prior else tallest)
    ax.set_ylim(-0.02 * top, 1.08 * top)


def _line(values: np.ndarray, bounds: tuple[float, float]) -> np.ndarray | None:
    """Return a density as (points, 2), with feet on the floor; None where the values are all alike."""
    values = values[np.isfinite(values)]
    if len(values) < 2 or np.ptp(values) <= 1e-12 * np.abs(values).max():
        return None
    quarter = np.quantile(values, (0.25, 0.75))
    if quarter[0] == quarter[1] and np.quantile(values, 0.001) == np.quantile(values, 0.999):
        return None
    grid, height = density(values, *bounds)
    return np.stack([grid, height], axis=1)


def _span(shown: Sequence[OverlaidPanel], prior: bool) -> tuple[float, float]:
    """Return the range of the axis: all data, and what nearly all replicates reach, but no single far outlier."""
    observed = np.concatenate([p.observed for p in shown])
    drawn = np.concatenate([p.replicated.ravel() for p in shown])
    drawn = drawn[np.isfinite(drawn)]
    ends = np.quantile(drawn, (0.02, 0.98) if prior else (0.002, 0.998)) if len(drawn) else np.zeros(0)
    low, high = whole_range([observed, ends], 0.06)
    if not prior:
        width = np.ptp(observed) or 1.0
        low, high = max(low, float(observed.min() - 1.5 * width)), min(high, float(observed.max() + 1.5 * width))
    return low, high


def bars_figure(
    shown: Sequence[BarsPanel],
    values: Sequence[str],
    response: str,
    note: str,
    root: bool,
    up: str = "rows",
    theme: Theme = LIGHT,
) -> Figure:
    """Return one Figure with a panel a group: bars for how often the data have each value, dots and 95% intervals for
    replicates. root: whether heights are square roots, on which rare and common values are both seen. up: what the
    heights are.
    """
    highest = max(max(float(p.observed.max()), float(p.replicated.max())) for p in shown)
    top = np.sqrt(highest) if root else highest
    widest = "0.25" if highest <= 1 else tick_labels([10.0 ** np.ceil(np.log10(max(highest, 10)))])[0]
    left = 0.24 + labels.extent(widest, theme.small, theme.fonts) / 72
    held = panels([p.name for p in shown], theme, left)
    B = len(values)
    for i, (ax, panel) in enumerate(zip(held.axes, shown, strict=True)):
        ax.set_ylim(-0.01 * top, 1.07 * top)
        if root:
            _root_rules(ax, highest, held.high, held.first(i), theme)
        else:
            rules(ax, (0.0, 1.07 * top), held.high, held.first(i), theme)
        observed, drawn = (np.sqrt(v) if root else v for v in (panel.observed, panel.replicated))
        ax.bar(np.arange(B), observed, width=0.82, color=theme.muted, alpha=0.42, linewidth=0, zorder=2)
        ax.vlines(np.arange(B), drawn[1], drawn[2], color=theme.common, linewidth=1.5, zorder=3)
        size = float(np.clip(72 * held.wide / B * 0.45, 1.6, 4.6))
        ax.plot(np.arange(B), drawn[0], "o", markersize=size, color=theme.common, markeredgewidth=0, zorder=4)
        ax.set_xlim(-0.7, B - 0.3)
        _value_labels(ax, values, held.wide, held.last(i), theme)
    surround(held.figure, response, f"{up}{', root scale' if root else ''}", note, theme)
    return held.figure


def _root_rules(ax: Axes, highest: float, high: float, words: bool, theme: Theme) -> None:
    from .fit_figure import draw_rules

    wanted = np.linspace(0, np.sqrt(highest), 5 if high > 2 else 4)[1:] ** 2
    marks = list(dict.fromkeys([0.0, *(_round(float(w)) for w in wanted)]))
    marks = [m for m in marks if m <= 1.1 * highest]
    draw_rules(ax, [float(np.sqrt(m)) for m in marks], False, theme)
    for mark, word in zip(marks, tick_labels(marks), strict=True):
        if words:
            _beside(ax, float(np.sqrt(mark)), word, theme)


def _round(value: float) -> float:
    """Return the number of 1, 2 or 5 times a power of ten whose root is nearest."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(min((f * power for f in (1.0, 2.0, 5.0, 10.0)), key=lambda v: abs(np.sqrt(v) - np.sqrt(value))))


def _beside(ax: Axes, y: float, word: str, theme: Theme) -> None:
    label = ax.annotate(
        word, (0, y), xycoords=("axes fraction", "data"), xytext=(-4, 0), textcoords="offset points",
        ha="right", va="center", color=theme.muted, annotation_clip=False,
    )  # fmt: skip
    label.set_fontproperties(labels.font(theme.fonts, theme.small, (word,)))


def _value_labels(ax: Axes, values: Sequence[str], wide: float, words: bool, theme: Theme) -> None:
    """Name the values below the bars, as many as find room."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    B = len(values)
    each = 72 * wide / (B + 0.4)
    shown = [labels.fit(v, max(3.2 * each, 60.0), theme.small, theme.fonts) for v in values]
    widest = max(labels.extent(s, theme.small, theme.fonts) for s in shown)
    step = max(1, int(np.ceil((widest + 5) / each)))
    # Round steps, so that counts are named by tens or fives and not by sevens.
    step = next((s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if s >= step), step)
    half = [labels.extent(s, theme.small, theme.fonts) / 2 for s in shown]
    # A label may hang over the panel's edge by less than half the gap to the next panel.
    kept = [i for i in range(B) if half[i] <= (i + 0.7) * each + 5 and half[i] <= (B - 0.3 - i) * each + 5]
    places = [i for i in range(0, B, step) if i in kept]
    if len(places) < 2 and B > 1 and half[0] + half[-1] + 5 < (B - 1) * each:
        places = [0, B - 1]
    ax.xaxis.set_major_locator(FixedLocator(places))
    ax.xaxis.set_major_formatter(FixedFormatter([shown[i] for i in places] if words else [""] * len(places)))
    for label in ax.get_xticklabels():
        label.set_parse_math(False)


def statistic_figure(shown: Sequence[StatisticPanel], name: str, note: str, theme: Theme = LIGHT) -> Figure:
    """Return one Figure with a panel a group: a histogram of the statistic over replicates, a line at that of the data,
    and the share of replicates that reach it.
    """
    held = panels([p.name for p in shown], theme, tall=1.9)
    ends = [np.quantile(p.replicated, (0.002, 0.998)) for p in shown]
    span = whole_range([*ends, np.array([p.observed for p in shown])], 0.06)
    for i, (ax, panel) in enumerate(zip(held.axes, shown, strict=True)):
        heights, edges = _histogram(panel.replicated, span)
        ax.stairs(heights, edges, fill=True, color=theme.common, alpha=0.4, linewidth=0, zorder=2)
        ax.axvline(panel.observed, ymax=0.86, color=theme.ink, linewidth=1.7, zorder=4)
        top = float(heights.max()) or 1.0
        ax.set_ylim(0, 1.3 * top)
        words = f"{tick_labels([float(f'{panel.observed:.4g}')])[0]}, share {panel.share:.2f}"
        right = panel.observed > sum(span) / 2
        inside(ax, 1.0 if right else 0.0, 0.99, words, held.wide, theme, "right" if right else "left")
        ticks(ax, *span, held.wide, theme)
        ax.tick_params(axis="x", labelbottom=held.last(i))
    surround(held.figure, name, "replicates", note, theme)
    return held.figure


def _histogram(values: np.ndarray, span: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    values = values[(values >= span[0]) & (values <= span[1])]
    distinct = np.unique(values)
    if 1 < len(distinct) <= 40:
        step = float(np.diff(distinct).min())
        edges = np.arange(distinct[0] - step / 2, distinct[-1] + step, step)
        if len(edges) <= 200:
            return np.histogram(values, edges)[0], edges
    edges = np.linspace(*span, 41)
    return np.histogram(values, edges)[0], edges


def overlaid_words(shown: Sequence[OverlaidPanel], response: str, note: str) -> str:
    """Say what overlaid densities show: mean and sd of the data and of the replicates."""
    words = f"Densities of {escape.plain(response)}, data over replicates, {escape.plain(note, 400)}"
    for p in shown:
        with np.errstate(invalid="ignore", over="ignore"):
            mean, sd = float(np.mean(p.replicated)), float(np.mean(np.std(p.replicated, axis=1)))
        own = f"data mean {p.observed.mean():.4g}, sd {p.observed.std():.4g}; replicates mean {mean:.4g}, sd {sd:.4g}"
        words += f"; {escape.plain(p.name)}: {own}" if p.name else f"; {own}"
    return words + "."


def bars_words(shown: Sequence[BarsPanel], values: Sequence[str], response: str, note: str) -> str:
    """Say what bars show: how many of them lie within the replicates' intervals, and which do not."""
    words = (
        f"How often {escape.plain(response)} has each value, data as bars over replicates, {escape.plain(note, 400)}"
    )
    for p in shown:
        out = [v for v, y, low, high in zip(values, p.observed, *p.replicated[1:], strict=True) if not low <= y <= high]
        own = f"{len(values) - len(out)} of {len(values)} bars within the intervals"
        own += f", outside {', '.join(escape.plain(v) for v in out[:5])}" if out else ""
        words += f"; {escape.plain(p.name)}: {own}" if p.name else f"; {own}"
    return words + "."


def statistic_words(shown: Sequence[StatisticPanel], name: str, note: str) -> str:
    """Say what a statistic shows: that of the data, the replicates' mean, and the share that reaches it."""
    words = f"{escape.plain(name)} of replicates, {escape.plain(note, 400)}"
    for p in shown:
        spread = float(np.std(p.replicated))
        own = digits.row([p.observed, float(np.mean(p.replicated))], digits.decimals(np.nan, spread, abs(p.observed)))
        said = f"data {own[0]}, replicates {own[1]} on average, share at least the data's {p.share:.2f}"
        words += f"; {escape.plain(p.name)}: {said}" if p.name else f"; {said}"
    return words + "."
