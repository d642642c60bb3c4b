"""Calibration: whether an engine's posterior of a person's own model can be believed, by simulation.

Parameters are drawn from their priors, data from these, and each data set is fitted: the truth then ranks uniformly
among the draws if they come from the posterior (Talts, Betancourt, Simpson, Vehtari and Gelman 2018, arXiv:1804.06788,
theorem 1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..display.progress import Progress, new_progress
from ..display.sheet import Sheet
from ..errors import FitError, ProbflowError
from ..inference import Point
from ..inference.auto import Auto, named
from ..model.model import Model
from ..posterior.verdict import Verdict
from .planned import Planned, planned
from .power import Step
from .ranks import NARROWED, Ranked, ranked
from .simulation import checked_seed, whole
from .uniformity import LEVEL, RANKED, band, chances, scores, together

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_NAMED = 6
_FEWEST = 10


@dataclass(frozen=True, eq=False, repr=False)
class Calibration:
    """Ranks of the truth among L draws in N data sets.

    text: the model. ranks: by quantity, (N,). narrowed: the same after the draws were drawn together by 15%.
    engines: how often each answered. planned: data sets asked for. again: those drawn again because no fit would take
    them. seed: of all.
    """

    text: str
    ranks: Mapping[str, np.ndarray]
    narrowed: Mapping[str, np.ndarray]
    engines: Mapping[str, int]
    planned: int
    again: int
    seed: int

    @property
    def n(self) -> int:
        """N."""
        return len(next(iter(self.ranks.values())))

    @cached_property
    def chances(self) -> dict[str, np.ndarray]:
        """How likely uniform ranks are to be as extreme, by quantity: band, location, spread (3,)."""
        return {name: chances(ranks) for name, ranks in self.ranks.items()}

    @cached_property
    def verdict(self) -> Verdict:
        """Whether the posterior can be believed, in plain words; wrong for a right one once in a hundred times."""
        found = _faults(self.ranks)
        level = "bad" if found else "fine"
        by = " and ".join(sorted(self.engines))
        told = bool(_faults(self.narrowed))
        aside = (
            f"Draws {100 * (1 - NARROWED):.0f}% too narrow would have been told."
            if told
            else f"{self.n} data sets are too few to tell draws that are {100 * (1 - NARROWED):.0f}% too narrow."
        )
        notes = (*found, *(() if found else (aside,)), *self._reservations())
        if found:
            return Verdict(level, f"The draws of {by} are not those of the posterior.", notes=notes)
        many = f"{self.n:,} data sets drawn from the priors"
        if not told:
            return Verdict(
                "caution", f"Nothing speaks against the draws of {by}, but {many} say little.", "Take more.", notes
            )
        return Verdict(level, f"The draws of {by} rank the truth as they should, in {many}.", notes=notes)

    def _reservations(self) -> tuple[str, ...]:
        notes = []
        if self.n < self.planned:
            notes.append(f"Interrupted after {self.n:,} of {self.planned:,} data sets.")
        if self.again:
            notes.append(f"{self.again:,} data sets that no fit would take were drawn again.")
        return tuple(notes)

    def frame(self) -> pd.DataFrame:
        """Return one row a quantity: band, location and spread chances, the mean of z and the sd of draws over the
        right one, 1 / root mean square of z.
        """
        import pandas as pd

        rows = {}
        for name, ranks in self.ranks.items():
            p, z = self.chances[name], scores(ranks)
            rows[name] = {
                "band": p[0], "location": p[1], "spread": p[2], "mean_z": z.mean(),
                "width": 1 / math.sqrt(float(np.mean(z**2))),
            }  # fmt: skip
        found = pd.DataFrame.from_dict(rows, orient="index")
        found.index.name = "quantity"
        return found

    def plot(self) -> Figure:
        """Return the empirical distribution function of each quantity's ranks less the uniform one, with the band that
        holds 95% of uniform sets as a whole.
        """
        from ..display.drawn import described
        from ..display.rank_figure import rank_figure, rank_words

        panels = self._panels()
        return described(rank_figure(panels, self._title), rank_words(panels, self._title))

    @property
    def _title(self) -> str:
        return f"Ranks of the truth in {self.n:,} simulated data sets, less uniform ones; 95% bands"

    def _panels(self) -> tuple[Any, ...]:
        from ..display.rank_figure import RankPanel

        lower, upper = band(self.n)
        at = (np.arange(RANKED) + 1) / (RANKED + 1)
        panels = []
        for name, ranks in self.ranks.items():
            ecdf = np.cumsum(np.bincount(ranks, minlength=RANKED + 1))[:-1] / self.n
            panels.append(RankPanel(name, at, ecdf - at, lower - at, upper - at))
        return tuple(panels)

    def _sheet(self) -> Sheet:
        heads = (("quantity", False), ("mean z", True), ("width of draws", True), ("least chance", True))
        rows = tuple(
            (str(name), f"{row['mean_z']:+.2f}", f"{100 * row['width']:.0f}%", f"{self.chances[str(name)].min():.2g}")
            for name, row in self.frame().iterrows()
        )
        return Sheet(heads, rows, (str(self.verdict),))

    def __repr__(self) -> str:
        return self._sheet().text()

    def _repr_html_(self) -> str:
        return self._sheet().html()


def calibrate(
    text: str,
    design: Any,
    n: int = 100,
    engine: Any = None,
    *,
    seed: int | None = None,
    family: Any = None,
    arrays: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Return how the truth ranks among the draws of n data sets that are simulated from the priors and fitted.

    text, family, arrays: as for `lme`. design: data, or rows without a response as for `simulate`; then every prior
    that would be set from the response must be written. engine: as for `lme`, one with draws. progress: as for `lme`.
    An interrupt keeps what there is. Raises FitError for what cannot be calibrated.
    """
    count, seed = whole(n, "n", _FEWEST), checked_seed(seed)
    if isinstance(engine, Point) or (isinstance(engine, str) and engine.strip().casefold() == "point"):
        raise FitError("A point fit has no draws to rank among.", hint="Calibrate another engine, or leave it out.")
    engine = (named(engine) if isinstance(engine, str) else engine) or Auto()
    plan = planned(text, design, family=family, arrays=arrays)
    _check_priors(text, plan, family, arrays)
    shown = new_progress() if progress is None else progress
    done: list[Ranked] = []
    try:
        for one in ranked(plan.model, count, engine, seed):
            done.append(one)
            shown.show(Step(len(done), count, "simulating data and fitting them"))
    except KeyboardInterrupt:
        if len(done) < _FEWEST:
            raise
    finally:
        shown.close()
    return gathered(text, done, count, seed)


def gathered(text: str, done: list[Ranked], count: int, seed: int) -> Calibration:
    """Return the ranks of all data sets by quantity."""
    names = tuple(done[0].ranks)
    engines: dict[str, int] = {}
    for one in done:
        engines[one.engine] = engines.get(one.engine, 0) + 1
    return Calibration(
        text,
        {name: np.array([one.ranks[name] for one in done]) for name in names},
        {name: np.array([one.narrowed[name] for one in done]) for name in names},
        engines,
        count,
        done[-1].again,
        seed,
    )


def _faults(ranks: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Return sentences on what is not as uniform ranks are; each half of `LEVEL` goes to one way of looking."""
    said = []
    shift, chance = together(ranks)
    if chance < LEVEL / 2:
        z = np.mean([np.mean(scores(own) ** 2) for own in ranks.values()])
        said.append(f"Taken together the draws are too {'narrow' if shift > 0 else 'wide'}, {_by(float(z))}.")
    level = LEVEL / 2 / (3 * len(ranks))
    found = [(name, own, p) for name, own in ranks.items() if (p := chances(own)).min() < level]
    for name, own, p in sorted(found, key=lambda one: one[2].min())[:_NAMED]:
        said.append(f"{name}: {_fault(own, p, level)}.")
    if len(found) > _NAMED:
        said.append(f"{len(found) - _NAMED} more quantities are as wrong.")
    return tuple(said)


def _fault(ranks: np.ndarray, p: np.ndarray, level: float) -> str:
    z = scores(ranks)
    said = []
    if p[1] < level:
        said.append(f"the draws lie too {'low' if z.mean() > 0 else 'high'}, by about {abs(z.mean()):.1f} of their sd")
    if p[2] < level:
        square = float(np.mean(z**2))
        said.append(f"the draws are too {'narrow' if square > 1 else 'wide'}, {_by(square)}")
    return " and ".join(said) or "the draws are not shaped as the posterior is"


def _by(square: float) -> str:
    width = 100 / math.sqrt(square)
    return f"by about {abs(100 - width):.0f}%"


def _check_priors(text: str, plan: Planned, family: Any, arrays: Any) -> None:
    """Raise FitError for priors that would be set from a response that is not there."""
    if plan.observed:
        return
    borrowed = _borrowed(text, plan, family, arrays)
    if borrowed:
        one = len(borrowed) == 1
        raise FitError(
            f"The prior{'' if one else 's'} of {', '.join(borrowed[:12])} {'is' if one else 'are'} set from the "
            "response, which the design does not have.",
            hint=f"Write {'it' if one else 'them'} in the text, such as {borrowed[0]} ~ ..., or give data.",
        )


def _borrowed(text: str, plan: Planned, family: Any, arrays: Any) -> tuple[str, ...]:
    """Return the parameters whose prior changes with the response."""
    other = plan.frame.copy(deep=False)
    try:
        other[plan.column] = 3 * other[plan.column] + 1
        model = planned(text, other, family=family, arrays=arrays).model
    except (ProbflowError, TypeError):
        # Events, proportions and categories have no scale that priors could be set by.
        return ()
    before, after = _priors(plan.model), _priors(model)
    changed = [name for name, prior in before.items() if after.get(name) != prior]
    return tuple(name.removeprefix("centered(").removesuffix(")") if "centered" in name else name for name in changed)


def _priors(model: Any) -> dict[str, str]:
    if isinstance(model, Model):
        return {prior.target.label: prior.distribution.label for prior in model.spec.priors}
    return dict(model.formulas.priors)
