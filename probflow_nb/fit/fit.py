"""Fit: the frozen result of a run, what it answers and what it shows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..display.card import Card
from ..display.progress import Progress
from ..errors import EngineError, FitError
from ..inference import Run, resume
from ..inference.engine import Engine, Optimum, Posterior
from ..model.model import Model
from ..posterior.draws import Draws, Evidence
from ..posterior.summarize import group_effects, summarize
from ..posterior.summary import GroupEffects, Summary
from ..posterior.varcorr import varcorr, varcorr_frame
from ..posterior.verdict import Verdict
from ..predict.letters import in_letters
from .conflict import with_conflicts
from .loop import pull
from .predictions import Predictions
from .run_lines import run_lines
from .views import effect_tables, marginals, point_effects, series

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Predictions):
    """A fitted multilevel model.

    model: what was fitted, a compiled mixed model or a model of one's own. answer: what the engine found.
    engine, seed, seconds: how. name: in the notebook, or "". stopped: whether the run was ended early.
    reason: why this engine, if it was chosen. state: where the engine ended, so that the fit can be extended.
    """

    model: Any
    answer: Posterior | Optimum
    engine: Engine
    seed: int
    seconds: float
    name: str = ""
    stopped: bool = False
    reason: str = ""
    state: Any = field(default=None, repr=False)

    @property
    def verdict(self) -> Verdict:
        """Whether the answer can be trusted, and what to do if not."""
        return self.answer.verdict

    @property
    def draws(self) -> Draws:
        """Posterior draws by name, (chain, draw, ...); FitError for a point fit."""
        return self._posterior("draws").draws

    @property
    def log_evidence(self) -> Evidence:
        """The log evidence log p(y) with its error; FitError for a point fit or flat priors."""
        evidence = self._posterior("log evidence").evidence
        if evidence is not None:
            return evidence
        spec = getattr(self.model, "spec", None)
        if spec is not None and any(prior.distribution.name == "Flat" for prior in spec.priors):
            raise FitError(
                "The log evidence is not defined, because a prior is flat.",
                hint="Give every parameter a proper prior; the defaults are.",
            )
        raise FitError(
            f"{type(self.engine).__name__} does not estimate the log evidence.",
            hint="Fit with engine=Exact(), where it applies, to have it.",
        )

    @property
    def criterion(self) -> float:
        """The REML criterion, or the deviance (-2 log likelihood) of maximum likelihood; FitError for a posterior."""
        return self._optimum("criterion").criterion

    @property
    def se(self) -> pd.Series:
        """Standard errors of the common effects of a point fit, or their posterior sds."""
        names = self._mixed("se").design.column_names
        column = self._summary["se" if "se" in self._summary else "sd"]
        return series(column[: len(names)], names, "se")

    @property
    def fixef(self) -> pd.Series:
        """Common effects: posterior means, or estimates of a point fit."""
        names = self._mixed("fixef").design.column_names
        return series(self._centres[: len(names)], names, "fixef")

    @cached_property
    def ranef(self) -> dict[str, pd.DataFrame]:
        """Group effects by factor, (J, k) levels by columns: posterior means, or conditional modes."""
        return effect_tables(self._mixed("ranef"), self.answer, 0)

    @cached_property
    def ranef_sd(self) -> dict[str, pd.DataFrame]:
        """Standard deviations of the group effects by factor: posterior, or conditional as lme4's condVar."""
        return effect_tables(self._mixed("ranef_sd"), self.answer, 1)

    @property
    def varcorr(self) -> pd.DataFrame:
        """Variances, sds and correlations as lme4 lists them: grp, var1, var2, vcov, sdcor, and 95% intervals."""
        design = self._mixed("varcorr").design
        names = self._mixed("varcorr").scalar_names
        found = dict(zip(names, self._centres, strict=True))
        bounds: dict[str, tuple[float, float]] = {}
        if "q2.5" in self._summary:
            pairs = zip(self._summary["q2.5"], self._summary["q97.5"], strict=True)
            bounds = dict(zip(names, ((float(a), float(b)) for a, b in pairs), strict=True))
        groups = tuple((g.factor, g.column_names, g.correlated) for g in design.groups)
        return varcorr_frame(varcorr(groups, found, bounds))

    def summary(self) -> pd.DataFrame:
        """Return one row a parameter: mean, sd, median, interval, figures of merit; estimate and se of a point fit."""
        return self._summary.frame()

    def extend(self, *, progress: Progress | None = None, **more: Any) -> Fit:
        """Return a fit that goes on from where this one ended; this one stays as it is.

        more: of the engine's own options, draws=2000 in all for NUTS, steps=5000 for VI. progress: as in `lme`.
        An interrupt keeps what there is. Raises FitError for an engine that has nothing to go on with.
        """
        if self.state is None:
            raise FitError("This fit does not remember where it ended.", hint="Fit it again with more draws.")
        try:
            run = resume(self.model, self.engine, self.state, self.seed, **more)
        except EngineError as error:
            raise FitError(error.message, hint=error.hint) from None
        run.seconds += self.seconds
        run.reason = self.reason
        return finish(run, self.name, progress)

    def __copy__(self) -> Fit:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Fit:
        # Nothing in it ever changes, and compiled programs cannot be copied.
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise FitError(
            "A fit cannot be pickled, because it holds compiled programs.",
            hint="Keep posterior_sample() or to_arviz(); pickle a model before its fit.",
        )

    def plot_posterior(self, names: Collection[str] | None = None) -> Figure:
        """Return a figure of the posterior densities of all scalars, or of those named."""
        from ..display.figures import posterior_figure

        draws = self._posterior("posterior densities").draws
        names = [names] if isinstance(names, str) else names
        if names is not None and not isinstance(names, Collection):
            raise FitError(f"Parameters are asked for by a list of names, not by {names!r:.60}.")
        unknown = [name for name in names or () if name not in draws.names]
        if unknown:
            raise FitError(
                f'There is no parameter "{unknown[0]}" in this fit.', hint=f"It has {', '.join(draws.names)}."
            )
        shown = marginals(draws, self._summary, self.facts)
        return posterior_figure([m for m in shown if names is None or m.name in names])

    def plot_ranef(self, factor: str | None = None, column: str | None = None) -> Figure:
        """Return a sorted caterpillar of one column of one factor's effects; the first of each unless named."""
        from ..display.caterpillar import ranef_figure

        for effects in self._group_effects:
            if factor in (None, effects.factor) and column in (None, effects.column):
                return ranef_figure(effects)
        known = ", ".join(f"{e.column} of {e.factor}" for e in self._group_effects) or "no group effects"
        raise FitError(
            f"There are no effects{f' {column}' if column else ''}{f' of {factor}' if factor else ''} in this fit.",
            hint=f"It has {known}.",
        )

    def to_arviz(self) -> Any:
        """Return the draws as ArviZ's InferenceData; needs `pip install arviz`."""
        from .arviz import inference_data

        return inference_data(self.draws, self.facts, self.state)

    @cached_property
    def card(self) -> Card:
        """Everything that the fit shows, as plain values."""
        bayesian, facts = isinstance(self.answer, Posterior), self.facts
        return Card(
            title=self.name,
            formula=self.formula,
            equation=facts.equation,
            verdict=self.verdict,
            summary=self._summary,
            marginals=marginals(self.draws, self._summary, facts) if bayesian else (),
            groups=self._group_effects,
            run=run_lines(self, facts),
            priors=facts.priors if bayesian else (),
            notes=facts.notes,
            roles=facts.roles,
        )

    # What the public answers are made of -------------------------------------------------------------------------

    def _posterior(self, what: str) -> Posterior:
        if isinstance(self.answer, Posterior):
            return self.answer
        raise FitError(f"A point fit has no {what}.", hint="Fit with engine=Exact() to have a posterior.")

    def _optimum(self, what: str) -> Optimum:
        if isinstance(self.answer, Optimum):
            return self.answer
        raise FitError(f"A posterior has no {what}.", hint="Fit with engine=Point() to have one.")

    def _mixed(self, what: str) -> Model:
        if isinstance(self.model, Model):
            return self.model
        longest = max(self._values.quantities, key=lambda q: q.size).name
        raise FitError(
            f"{what} is for formulas; a model of one's own has parameters by their own names.",
            hint=f'Ask for posterior_mean("{longest}"), posterior_sd("{longest}") or draws.',
        )

    @cached_property
    def _summary(self) -> Summary:
        if isinstance(self.answer, Posterior):
            return summarize(self.answer.draws)
        return Summary(self.answer.names, (("estimate", self.answer.values), ("se", self.answer.errors)))

    @property
    def _centres(self) -> np.ndarray:
        return self._summary["mean" if "mean" in self._summary else "estimate"]

    @cached_property
    def _group_effects(self) -> tuple[GroupEffects, ...]:
        if isinstance(self.answer, Posterior):
            return tuple(shown for e in self.answer.draws.effects for shown in group_effects(e))
        return point_effects(self.model, self.answer)


def finish(run: Run, name: str = "", progress: Progress | None = None) -> Fit:
    """Pull a run to its end, or until an interrupt, and return its fit.

    An interrupt keeps what there is; it is raised again if that is nothing.
    """
    if not isinstance(name, str):
        raise FitError(f"The name of a fit is a text, not {name!r:.60}.")
    pull(run, progress)
    answer = in_letters(run.model, run.finish())
    if isinstance(answer, Posterior):
        answer = replace(answer, verdict=with_conflicts(run.model, answer))
    return Fit(run.model, answer, run.engine, run.seed, run.seconds, name, run.stopped, run.reason, run.state)
