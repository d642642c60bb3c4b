"""Power: how often a study of some size would find an effect that is there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from ..display.progress import Progress, new_progress
from ..display.sheet import Sheet
from ..errors import FitError
from ..model.model import Model
from .detection import Judge, detection, judge_of
from .planned import Planned, planned
from .question import Question, question
from .simulation import checked_seed, responses, whole
from .study import enlarged, whole_number
from .truth import given_names, names_of, table_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class PowerRow:
    """What N data sets of one size gave.

    sizes: levels by factor. rows: of each data set. estimates, errors: (N,) of the combination asked for.
    found: (N,) whether each was found. planned: data sets that were asked for. unfitted: those no fit would take, which
    count as not found.
    """

    sizes: Mapping[str, int]
    rows: int
    estimates: np.ndarray
    errors: np.ndarray
    found: np.ndarray
    planned: int
    unfitted: int

    @property
    def n(self) -> int:
        """N."""
        return len(self.found)

    @property
    def power(self) -> float:
        """The share of data sets in which the effect was found."""
        return float(self.found.mean()) if self.n else math.nan

    @property
    def mcse(self) -> float:
        """The Monte Carlo standard error of the power, sqrt(p (1 - p) / N)."""
        return math.sqrt(self.power * (1 - self.power) / self.n) if self.n else math.nan

    def interval(self, probability: float = 0.95) -> tuple[float, float]:
        """Return the exact interval of the power (Clopper and Pearson 1934, Biometrika 26:404-413)."""
        from scipy.special import betaincinv

        k, n, tail = int(self.found.sum()), self.n, (1 - probability) / 2
        low = betaincinv(k, n - k + 1, tail) if k else 0.0
        high = betaincinv(k + 1, n - k, 1 - tail) if k < n else 1.0
        return float(low), float(high)


@dataclass(frozen=True, eq=False, repr=False)
class Power:
    """The power of a study, for one size or several.

    text: the model. question: what is asked. truth: the value of which data were drawn. rule: what counts as found, in
    words. rows: one a size. seed: of the data. notes: what a reader needs.
    """

    text: str
    question: str
    truth: float
    rule: str
    rows: tuple[PowerRow, ...]
    seed: int
    notes: tuple[str, ...] = field(default=())

    @property
    def power(self) -> float:
        """The power of the only size; FitError where there are several."""
        return self._only.power

    @property
    def mcse(self) -> float:
        """The Monte Carlo standard error of the power of the only size; FitError where there are several."""
        return self._only.mcse

    @property
    def _only(self) -> PowerRow:
        if len(self.rows) == 1:
            return self.rows[0]
        raise FitError(f"There are {len(self.rows)} sizes, each with its own power.", hint="Ask for frame().")

    def frame(self) -> pd.DataFrame:
        """Return one row a size: levels, rows, data sets, power, mcse, ends of its 95% interval, mean estimate.

        exaggeration: the mean size of the estimates that were found, over the true value (Gelman and Carlin 2014,
        Perspectives on Psychological Science 9:641-651); NaN where the truth is the value tested against.
        """
        import pandas as pd

        found = []
        for row in self.rows:
            low, high = row.interval() if row.n else (math.nan, math.nan)
            known = row.estimates[np.isfinite(row.estimates)]
            found.append(
                {
                    **row.sizes,
                    "rows": row.rows,
                    "data_sets": row.n,
                    "power": row.power,
                    "mcse": row.mcse,
                    "2.5%": low,
                    "97.5%": high,
                    "estimate": float(known.mean()) if known.size else math.nan,
                    "se": float(known.std(ddof=1)) if known.size > 1 else math.nan,
                    "exaggeration": self._exaggeration(row),
                }
            )
        return pd.DataFrame(found)

    def plot(self) -> Figure:
        """Return the power curve with its 95% band, a line a value of any second factor; a dashed line at 80%."""
        from ..display.drawn import described
        from ..display.power_figure import power_figure, power_words

        curves, name = self._curves()
        return described(power_figure(curves, name, self._title), power_words(curves, name, self._title))

    @property
    def _title(self) -> str:
        return f"Power to find {self.question}, true value {self.truth:.4g}"

    def _curves(self) -> tuple[tuple[Any, ...], str]:
        """Return one curve a combination of all sizes but the first, and the first one's name."""
        from ..display.power_figure import PowerCurve

        names = list(self.rows[0].sizes)
        along = names[0] if names else "rows"
        groups: dict[str, list[PowerRow]] = {}
        for row in self.rows:
            groups.setdefault(", ".join(f"{row.sizes[name]} {name}" for name in names[1:]), []).append(row)
        curves = []
        for name, rows in groups.items():
            known = [row for row in rows if row.n]
            ends = np.array([row.interval() for row in known]).reshape(-1, 2)
            at = np.array([row.sizes[along] if names else row.rows for row in known], float)
            curves.append(PowerCurve(name, at, np.array([row.power for row in known]), ends[:, 0], ends[:, 1]))
        return tuple(curves), along

    def _exaggeration(self, row: PowerRow) -> float:
        own = row.estimates[row.found]
        return float(np.abs(own).mean() / abs(self.truth)) if own.size and self.truth != 0 else math.nan

    def _sheet(self) -> Sheet:
        names = list(self.rows[0].sizes)
        heads = [*((name, True) for name in names), ("rows", True), ("data sets", True), ("power", True)]
        heads += [("MC se", True), ("95% interval", True), ("estimate", True), ("exaggeration", True)]
        if not names:
            heads = [("test", False), *heads]
        rows = []
        for row, (_, shown) in zip(self.rows, self.frame().iterrows(), strict=True):
            first = [f"{row.sizes[name]:,}" for name in names] or [self.question]
            ends = f"{100 * shown['2.5%']:.1f}% to {100 * shown['97.5%']:.1f}%"
            exaggeration = "" if math.isnan(shown["exaggeration"]) else f"{shown['exaggeration']:.2f}"
            rows.append(
                (*first, f"{row.rows:,}", f"{row.n:,}", f"{100 * row.power:.1f}%", f"{100 * row.mcse:.1f}%", ends,
                 f"{shown['estimate']:.4g}", exaggeration)
            )  # fmt: skip
        notes = (f"{self._title}: the share of data sets drawn from {self.text!r} in which {self.rule}.", *self.notes)
        return Sheet(tuple(heads), tuple(rows), notes)

    def __repr__(self) -> str:
        return self._sheet().text()

    def _repr_html_(self) -> str:
        return self._sheet().html()


def power(
    text: str,
    design: Any,
    parameters: Any,
    test: str,
    n: int = 1000,
    *,
    alpha: float | None = None,
    probability: float | None = None,
    sizes: Mapping[str, Sequence[int]] | None = None,
    engine: Any = None,
    seed: int | None = None,
    values: str = "means",
    family: Any = None,
    arrays: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Power:
    """Return how often a study would find what is asked, from n data sets of each size.

    text, design, parameters, values, family, arrays: as for `simulate`. test: "Days" for a difference from 0 either
    way, "Days > 0", "arm[drug] < -2", "2*Days - x > 1".
    alpha: of a test, 0.05 unless given: of a Gaussian formula the t test of REML estimates with Satterthwaite's degrees
    of freedom, all data sets at once; of another family Wald's z of its maximum likelihood fit, as glmer's.
    probability: instead of alpha, found is what has more than this posterior probability (its interval leaves the value
    out); a fit by `engine` for each data set. sizes: {"Subject": [10, 20, 40]}, numbers of levels to try, all
    combinations. progress: as for `lme`. An interrupt keeps the data sets done; it is raised again if there are none.
    Raises FitError for what cannot be asked, and what `lme` and `simulate` raise.
    """
    count, seed = whole(n, "n", 1), checked_seed(seed)
    how = detection(alpha, probability, engine)
    grid = _grid(sizes)
    names = given_names(parameters)
    plans = [planned(text, enlarged(design, size), family=family, arrays=arrays, names=names) for size in grid]
    asked = [_question(plan, test) for plan in plans]
    tables = [
        table_of(plan.model, parameters, count, values, np.random.default_rng([seed, 38, i]))
        for i, plan in enumerate(plans)
    ]
    judges = [judge_of(plan.model, ask, how, seed) for plan, ask in zip(plans, asked, strict=True)]
    shown = new_progress() if progress is None else progress
    rows: list[PowerRow] = []
    try:
        for i, (size, plan, table, judge) in enumerate(zip(grid, plans, tables, judges, strict=True)):
            done: list[Any] = []
            try:
                for block in _judged(plan, table, judge, np.random.default_rng([seed, 39, i])):
                    done.append(block)
                    made = sum(len(found) for _, _, found in done)
                    shown.show(Step(i * count + made, len(grid) * count, "simulating data and looking for the effect"))
            finally:
                if done or i == 0:
                    rows.append(_row(size, plan, done, count))
    except KeyboardInterrupt:
        if not any(row.n for row in rows):
            raise
    finally:
        shown.close()
    rows = [row for row in rows if row.n]
    truth = float(asked[0].weights @ tables[0][:, : len(asked[0].weights)].mean(axis=0))
    return Power(
        text,
        asked[0].words,
        truth,
        how.words(asked[0], _gaussian(plans[0].model)),
        tuple(rows),
        seed,
        _notes(rows, len(grid)),
    )


@dataclass(frozen=True)
class Step:
    """What a progress is told of."""

    step: int
    total: int
    phase: str
    objective: float | None = None


def _judged(
    plan: Planned, table: np.ndarray, judge: Judge, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield estimates, errors and what was found of one block of data sets after another."""
    for start in range(0, len(table), judge.block):
        part = table[start : start + judge.block]
        for rows, Y in responses(plan, part, rng):
            yield judge(Y, part[rows])


def _row(size: Mapping[str, int], plan: Planned, done: list[Any], count: int) -> PowerRow:
    parts = zip(*done, strict=True) if done else ([np.zeros(0)], [np.zeros(0)], [np.zeros(0, bool)])
    estimates, errors, found = (np.concatenate(list(part)) for part in parts)
    return PowerRow(size, len(plan.frame), estimates, errors, found, count, int(np.isnan(estimates).sum()))


def _grid(sizes: Any) -> list[dict[str, int]]:
    if sizes is None:
        return [{}]
    if not isinstance(sizes, Mapping) or not sizes:
        raise FitError(
            f"sizes is a mapping from factors to numbers of levels, not {sizes!r:.60}.",
            hint='Such as sizes={"Subject": [10, 20, 40]}.',
        )
    lists = []
    for name, counts in sizes.items():
        if isinstance(counts, str | Mapping) or not hasattr(counts, "__iter__"):
            counts = [counts]
        lists.append([whole_number(count, str(name)) for count in counts])
    if not all(lists):
        raise FitError("sizes has no numbers of levels.", hint='Such as sizes={"Subject": [10, 20, 40]}.')
    return [dict(zip(sizes, combination, strict=True)) for combination in product(*lists)]


def _question(plan: Planned, test: str) -> Question:
    model = plan.model
    names = getattr(getattr(model, "design", None), "column_names", None)
    if names is None:
        names = tuple(name for name in names_of(model) if not name.startswith(("sd(", "cor(")))
        return question(test, names)
    shown = names_of(model)[: len(names)]
    try:
        return question(test, shown)
    except FitError:
        if shown == names:
            raise
        return question(test, names)


def _gaussian(model: Any) -> bool:
    return isinstance(model, Model) and model.record is None


def _notes(rows: list[PowerRow], asked: int) -> tuple[str, ...]:
    notes = []
    lost = sum(row.unfitted for row in rows)
    if lost:
        one = "1 data set was" if lost == 1 else f"{lost:,} data sets were"
        notes.append(f"{one} such that no fit would take them; they count as not found.")
    short = [row for row in rows if row.n < row.planned]
    if short or len(rows) < asked:
        notes.append("Interrupted: what is shown rests on the data sets done until then.")
    return tuple(notes)
