"""Replicated picture: what `plot_ppc` shows and `ppc` tells, chosen by the response and put in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FitError
from ..predict.replicated import Checked, Statistic, checked, counted, replicates
from ..predict.response import Response
from .row_groups import RowGroups

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KINDS = ("density", "counts", "bars", "stat")
OVERLAID, REPLICATED = 50, 1000  # replicates of densities, and of what has an interval
_MOST_PANELS = 24
_MOST_BARS = 42  # whole numbers that have a bar each
_AT_MOST = 30_000_000  # responses that are drawn for a picture in about a second
_BEYOND = 3  # times the greatest count of the data that bars of the prior reach

STATISTICS: dict[str, Statistic] = {
    "mean": lambda y: y.mean(axis=1),
    "sd": lambda y: y.std(axis=1, ddof=1) if y.shape[1] > 1 else np.zeros(len(y)),
    "median": lambda y: np.median(y, axis=1),
    "min": lambda y: y.min(axis=1),
    "max": lambda y: y.max(axis=1),
    "zeros": lambda y: (y == 0).mean(axis=1),
    "skewness": lambda y: _skewness(y),
}


def affordable(rows: int) -> int:
    """Return how many replicates a picture shows of an interval: 1,000, and at least 200 of very many rows."""
    return max(200, min(REPLICATED, _AT_MOST // max(rows, 1)))


@dataclass(frozen=True, eq=False)
class Question:
    """What is checked: a response with as many draws as replicates are wanted, its data y, and their groups.

    name: of the response. categories: of an ordered or two-valued one. bounds: between which it lies.
    prior: whether the draws are the prior's. source: what they are drawn from, in words.
    """

    response: Response
    y: np.ndarray
    groups: RowGroups
    name: str
    categories: tuple[str, ...]
    bounds: tuple[float, float]
    discrete: bool
    prior: bool
    source: str
    seed: int

    @property
    def note(self) -> str:
        """How many replicates, from what."""
        return f"{self.response.n_draws:,} replicates from the {self.source}"

    def shown(self) -> tuple[list[str], list[np.ndarray]]:
        """Return names and places of the rows of the levels shown."""
        places = self.groups.sample(_MOST_PANELS)
        return [self.groups.levels[i] for i in places], [np.flatnonzero(self.groups.index == i) for i in places]

    def words(self, shown: int) -> str:
        """Return the note with how many levels are shown."""
        return ", ".join(part for part in (self.groups.note(shown), self.note) if part)


def kind_of(kind: Any, statistic: Any, y: np.ndarray, discrete: bool, categories: tuple[str, ...]) -> str:
    """Return the kind of a check, as suits the response unless given; FitError for what does not."""
    if kind is not None and kind not in KINDS:
        raise FitError(f"There is no kind {kind!r:.40} of check.", hint=f"It is one of {', '.join(KINDS)}.")
    if statistic is not None and kind not in (None, "stat"):
        raise FitError(f'A statistic is drawn by kind="stat", not by kind="{kind}".', hint="Leave out kind.")
    if statistic is not None or kind == "stat":
        return "stat"
    few = bool(categories) or (discrete and len(np.unique(y)) <= 2 and float(np.ptp(y)) <= 1)
    if kind in ("counts", "bars") and not discrete:
        raise FitError(
            f'kind="{kind}" is for whole numbers, and this response is continuous.', hint='Take kind="density".'
        )
    return kind or ("bars" if few else "counts" if discrete else "density")


def statistic_of(statistic: Any) -> tuple[str, Statistic]:
    """Return the name of a statistic and its function of replicates (d, r); FitError for what is none."""
    if statistic is None:
        statistic = "mean"
    if isinstance(statistic, str):
        if statistic not in STATISTICS:
            raise FitError(
                f'There is no statistic "{statistic:.60}".',
                hint=f"It is one of {', '.join(STATISTICS)}, or a function of the responses that returns a number.",
            )
        return statistic, STATISTICS[statistic]
    if not callable(statistic):
        raise FitError(f"statistic is a name or a function of the responses, not {statistic!r:.60}.")
    name = getattr(statistic, "__name__", type(statistic).__name__)
    return ("statistic" if name == "<lambda>" else name), _each(statistic, name)


def _each(function: Callable[[np.ndarray], Any], name: str) -> Statistic:
    def of(table: np.ndarray) -> np.ndarray:
        return np.array([_number(function, row, name) for row in table])

    return of


def _number(function: Callable[[np.ndarray], Any], y: np.ndarray, name: str) -> float:
    try:
        return float(function(y))
    except Exception as error:
        raise FitError(
            f"The statistic {name} failed: {type(error).__name__}: {error!s:.200}",
            hint="It is given the responses, an array (n,), and returns one number.",
        ) from error


def ppc_figure(question: Question, kind: str, statistic: Any) -> Figure:
    """Return the figure of a kind of check; see `Checks.plot_ppc`."""
    if kind == "density":
        return _overlaid(question)
    return _statistic(question, statistic) if kind == "stat" else _bars(question)


def _overlaid(question: Question) -> Figure:
    from ..display.drawn import described
    from ..display.replicated_figure import OverlaidPanel, overlaid_figure, overlaid_words

    names, rows = question.shown()
    drawn = np.concatenate([b.reshape(len(b), -1) for b in replicates(question.response, question.seed)])
    shown = [OverlaidPanel(name, question.y[at], drawn[:, at]) for name, at in zip(names, rows, strict=True)]
    note = f"dark: data, light: {question.words(len(shown))}"
    figure = overlaid_figure(shown, question.name, note, question.bounds, question.prior)
    return described(figure, overlaid_words(shown, question.name, note))


def _bars(question: Question) -> Figure:
    from ..display.drawn import described
    from ..display.replicated_figure import BarsPanel, bars_figure, bars_words

    names, rows = question.shown()
    edges, values = _bins(question)
    found = counted(question.response, question.y, rows, edges, question.seed)
    ends = np.quantile(found.replicated, (0.5, 0.025, 0.975), axis=0)
    # Groups of many and of few rows are alike in shares.
    sizes = [len(at) if len(rows) > 1 else 1 for at in rows]
    shown = [BarsPanel(name, found.observed[g] / sizes[g], ends[:, g] / sizes[g]) for g, name in enumerate(names)]
    note = f"bars: data, dots: {question.words(len(shown))}"
    up = "share of rows" if len(rows) > 1 else "rows"
    figure = bars_figure(shown, values, question.name, note, not question.categories, up)
    return described(figure, bars_words(shown, values, question.name, note))


def _bins(question: Question) -> tuple[np.ndarray, list[str]]:
    """Return the edges of bins of whole numbers and their names."""
    if question.categories:
        start = float(question.bounds[0])
        return start + np.arange(len(question.categories) + 1) - 0.5, list(question.categories)
    first = next(replicates(question.response, question.seed))
    first = first[np.isfinite(first)]
    low = int(min(question.y.min(), np.quantile(first, 0.001)))
    high = int(max(question.y.max(), np.quantile(first, 0.995)))
    if question.prior:
        # The counts of a wide prior may be millions of times the data's: the last bin holds all beyond.
        high = min(high, int(_BEYOND * max(question.y.max(), 1)))
    width = max(1, -(-(high - low + 1) // _MOST_BARS))
    # Whole decades and their halves are read more easily than bins of 7.
    width = next((f * 10**p for p in range(12) for f in (1, 2, 5) if f * 10**p >= width), width)
    low = (low // width) * width
    starts = np.arange(low, high + 1, width)
    names = [f"{s:,}" if width == 1 else f"{s:,}–{s + width - 1:,}" for s in starts]
    if len(first) and float(first.max()) >= starts[-1] + width:
        names[-1] = f"{starts[-1]:,}+"
    return np.append(starts, starts[-1] + width) - 0.5, names


def _statistic(question: Question, statistic: Any) -> Figure:
    from ..display.drawn import described
    from ..display.replicated_figure import StatisticPanel, statistic_figure, statistic_words

    name, function = statistic_of(statistic)
    names, rows = question.shown()
    found = _finite(checked(question.response, question.y, rows, function, question.seed), name)
    shown = [
        StatisticPanel(level, float(found.observed[g]), found.replicated[:, g], float(found.share[g]))
        for g, level in enumerate(names)
    ]
    note = f"line: data, {question.words(len(shown))}"
    title = f"{name} of {question.name}"
    return described(statistic_figure(shown, title, note), statistic_words(shown, title, note))


def _finite(found: Checked, name: str) -> Checked:
    if np.isfinite(found.observed).all() and np.isfinite(found.replicated).all():
        return found
    raise FitError(
        f"The statistic {name} is not a finite number everywhere.",
        hint="Every group needs enough rows for it, and the replicates must be finite.",
    )


def ppc_frame(question: Question, statistics: list[Any]) -> pd.DataFrame:
    """Return a row a statistic, or a group and statistic: observed, mean, sd, lower, upper, share."""
    import pandas as pd

    places = question.groups.sample(len(question.groups.levels))
    rows = [np.flatnonzero(question.groups.index == i) for i in places]
    parts = []
    for statistic in statistics:
        name, function = statistic_of(statistic)
        found = _finite(checked(question.response, question.y, rows, function, question.seed), name)
        lower, upper = np.quantile(found.replicated, (0.025, 0.975), axis=0)
        part = pd.DataFrame(
            {
                "observed": found.observed,
                "mean": found.replicated.mean(axis=0),
                "sd": found.replicated.std(axis=0, ddof=1) if len(found.replicated) > 1 else 0.0,
                "q2.5": lower,
                "q97.5": upper,
                "share": found.share,
            }
        )
        levels = [question.groups.levels[i] for i in places]
        if question.groups.name:
            part.index = pd.MultiIndex.from_product([[name], levels], names=["statistic", question.groups.name])
        else:
            part.index = pd.Index([name], name="statistic")
        parts.append(part)
    return pd.concat(parts)


def _skewness(y: np.ndarray) -> np.ndarray:
    centred = y - y.mean(axis=1, keepdims=True)
    sd = np.sqrt((centred**2).mean(axis=1))
    return np.where(sd > 0, (centred**3).mean(axis=1) / np.where(sd > 0, sd, 1.0) ** 3, 0.0)
