"""Fit: the frozen result of a run, what it answers and what it shows."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..display.card import Card
from ..display.interactive import explorer
from ..display.progress import Progress
from ..errors import EngineError, FitError
from ..inference import Run, resume
from ..inference.engine import Engine, Optimum, Posterior
from ..inference.past import Past
from ..keep import Kept, read, write
from ..model.formula_names import FormulaNames
from ..model.model import Model
from ..posterior.draws import Draws, Evidence
from ..posterior.summarize import group_effects, summarize
from ..posterior.summary import GroupEffects, Summary
from ..posterior.varcorr import varcorr, varcorr_frame
from ..posterior.verdict import Verdict
from ..predict.letters import in_letters
from .checks import Checks
from .conflict import with_conflicts
from .covariates import Point
from .curves import Curves
from .explanations import Explanations
from .exports import Exports
from .fit_picture import fit_picture
from .loop import pull
from .predictions import Predictions
from .ratios import ratio_frame, ratios, shown_ratios
from .renewal import Renewal
from .run_lines import run_lines
from .scale_names import axis_name, bayesian, scale_of_effects
from .trellis_picture import trellis_picture
from .views import effect_tables, formula_effect_tables, marginals, point_effects, series

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Checks, Explanations, Exports, Renewal, Predictions):
    """A fitted multilevel model.

    model: what was fitted, a compiled mixed model or a model of one's own. answer: what the engine found.
    engine, seed, seconds: how. name: in the notebook, or "". stopped: whether the run was ended early.
    reason: why this engine, if it was chosen. state: where the engine ended, so that the fit can be extended.
    device: that was asked for, such as "GPU:0", or "". cached: when it was made, if it was not made now, or "".
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
    device: str = ""
    cached: str = ""

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
        further = self._further_formulas
        names = further.common if further else self._mixed("fixef").design.column_names
        found = dict(zip(self._summary.names, self._centres, strict=True)) if further else {}
        centres = np.array([found[name] for name in names]) if further else self._centres[: len(names)]
        return series(centres, names, "fixef")

    @cached_property
    def ranef(self) -> dict[str, pd.DataFrame]:
        """Group effects by factor, (J, k) levels by columns: posterior means, or conditional modes."""
        if self._further_formulas:
            return formula_effect_tables(self.draws, 0)
        return effect_tables(self._mixed("ranef"), self.answer, 0)

    @cached_property
    def ranef_sd(self) -> dict[str, pd.DataFrame]:
        """Standard deviations of the group effects by factor: posterior, or conditional as lme4's condVar."""
        if self._further_formulas:
            return formula_effect_tables(self.draws, 1)
        return effect_tables(self._mixed("ranef_sd"), self.answer, 1)

    @property
    def varcorr(self) -> pd.DataFrame:
        """Variances, sds and correlations as lme4 lists them: grp, var1, var2, vcov, sdcor, and 95% intervals."""
        further = self._further_formulas
        names = self._summary.names if further else self._mixed("varcorr").scalar_names
        found = dict(zip(names, self._centres, strict=True))
        bounds: dict[str, tuple[float, float]] = {}
        if "q2.5" in self._summary:
            pairs = zip(self._summary["q2.5"], self._summary["q97.5"], strict=True)
            bounds = dict(zip(names, ((float(a), float(b)) for a, b in pairs), strict=True))
        if further:
            return varcorr_frame(varcorr(further.groups, found, bounds))
        groups = tuple((g.factor, g.column_names, g.correlated) for g in self.model.design.groups)
        return varcorr_frame(varcorr(groups, found, bounds))

    def summary(self) -> pd.DataFrame:
        """Return one row a parameter: mean, sd, median, interval, figures of merit; estimate and se of a point fit."""
        return self._summary.frame()

    def ratios(self, interval: float = 0.95) -> pd.DataFrame:
        """Return exp of every common effect but the intercept, with a central interval, named by its kind.

        Odds ratios for the link logit, hazard ratios for cloglog, ratios of rates, risks or means for log: exp(median)
        of a posterior, exp(estimate) and exp(estimate ± z se) of a point fit. FitError where exp means nothing.
        """
        return ratio_frame(ratios(self.model, self.answer, self._summary.names, interval))

    def extend(self, *, progress: Progress | None = None, **more: Any) -> Fit:
        """Return a fit that goes on from where this one ended; this one stays as it is.

        more: of the engine's own options, draws=2000 in all for NUTS, steps=5000 for VI. progress: as in `lme`.
        An interrupt keeps what there is. Raises FitError for an engine that has nothing to go on with.
        """
        return finish(self.further(**more), self.name, progress)

    def further(self, **more: Any) -> Run:
        """Return a run that goes on from where this fit ended, nothing done yet; `extend` pulls it to its end."""
        if not self.goes_on and getattr(self.engine, "extend", None) is not None:
            raise FitError(
                "This fit does not remember where it ended.",
                hint=f"Fit it again with more draws; seed={self.seed} begins with the same random numbers.",
            )
        try:
            run = resume(self.model, self.engine, self.state, self.seed, self.device, **more)
        except EngineError as error:
            raise FitError(error.message, hint=error.hint) from None
        run.seconds += self.seconds
        run.reason = self.reason
        return run

    @property
    def goes_on(self) -> bool:
        """Whether the fit remembers where it ended, so that it can be extended."""
        return self.state is not None and not isinstance(self.state, Past)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the fit to one file, whole or not at all, and return its path; `pf.load(path)` reads it.

        The file holds the text, the data that the model uses and all numbers, and no code. Raises KeepError for a model
        of one's own class, which is code, and where the file cannot be written.
        """
        return write(Kept(**{own.name: getattr(self, own.name) for own in fields(Kept)}), path)

    def __copy__(self) -> Fit:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Fit:
        # Nothing in it ever changes, and compiled programs cannot be copied.
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise FitError(
            "A fit cannot be pickled, because it holds compiled programs.",
            hint="Write it to a file with fit.save(path); of a model of one's own class keep posterior_sample().",
        )

    def plot_posterior(self, names: Collection[str] | None = None) -> Figure:
        """Return a figure of the posterior densities of all scalars, or of those named."""
        from ..display.drawn import described
        from ..display.figures import posterior_figure
        from ..display.picture import posterior_words

        draws = self._posterior("posterior densities").draws
        names = [names] if isinstance(names, str) else names
        if names is not None and not isinstance(names, Collection):
            raise FitError(f"Parameters are asked for by a list of names, not by {names!r:.60}.")
        unknown = [name for name in names or () if name not in draws.names]
        if unknown:
            raise FitError(
                f'There is no parameter "{unknown[0]}" in this fit.', hint=f"It has {', '.join(draws.names)}."
            )
        shown = [m for m in marginals(draws, self._summary, self.facts) if names is None or m.name in names]
        return described(posterior_figure(shown), posterior_words(tuple(shown)))

    def plot_ranef(self, factor: str | None = None, column: str | None = None) -> Figure:
        """Return a sorted caterpillar of one column of one factor's effects; the first of each unless named."""
        from ..display.caterpillar import ranef_figure
        from ..display.drawn import described
        from ..display.picture import ranef_words

        for effects in self._group_effects:
            if factor in (None, effects.factor) and column in (None, effects.column):
                return described(ranef_figure(effects), ranef_words(effects))
        known = ", ".join(f"{e.column} of {e.factor}" for e in self._group_effects) or "no group effects"
        raise FitError(
            f"There are no effects{f' {column}' if column else ''}{f' of {factor}' if factor else ''} in this fit.",
            hint=f"It has {known}.",
        )

    @cached_property
    def curves(self) -> Curves:
        """What the fit says of its response along its covariates; FitError for a model whose inputs have no names.

        `curves.at({"Days": 3, "Subject": "308"})` is the distribution at a point, `curves.curve("Days")` a curve.
        """
        return Curves(self.model, self.answer, self.seed, self._values if isinstance(self.answer, Posterior) else None)

    def plot_fit(
        self, covariate: str | None = None, groups: str | Sequence[str] | None = None, by: str | None = None
    ) -> Figure:
        """Return a figure of data and fitted curves with 95% bands, a panel a level; observed against fitted without
        a numeric covariate. Of events it shows their probability, of ordered categories that of each.

        covariate: along which; the one whose effect varies by group unless named. groups: levels, at most 24; a sample
        of all unless given. by: the factor that they are of; the first. Raises FitError for what is not in the model.
        """
        return fit_picture(self.curves, axis_name(self.model, self.facts.response), covariate, groups, by)

    def plot_trellis(
        self,
        covariate: str | None = None,
        groups: str | Sequence[str] | None = None,
        by: str | None = None,
        n: int = 12,
    ) -> Figure:
        """Return a figure of levels with their data and three lines: no pooling, complete pooling, and the multilevel
        mean with its 95% band.

        Without pooling a level has coefficients of its own for the columns that vary by the factor, all else as the
        multilevel model has it: for `x + (x | g)` a separate regression. Complete pooling leaves out all groups.
        covariate: along which, as in `plot_fit`. groups: levels, at most 24; n of them, spread over the estimates at
        the average row, unless given. by: the factor; the first. Raises FitError for what cannot be drawn so.
        Gelman and Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, section 12.2.
        """
        return trellis_picture(self, axis_name(self.model, self.facts.response), covariate, groups, by, n)

    def explore(self, start: Point | None = None, /, **columns: float | str | None) -> Any:
        """Return sliders and menus of covariates and factors with the predicted distribution, in a notebook.

        start, columns: where they stand at first, by column; None for a typical level. Raises FitError for what cannot
        be moved there, and without the notebook extension.
        """
        make = explorer()
        if make is None:
            raise FitError("Sliders need the notebook extension.", hint="Run %load_ext probflow_nb in a cell first.")
        return make(self, {**(start or {}), **columns})

    def to_arviz(self) -> Any:
        """Return the draws as ArviZ's InferenceData; needs `pip install arviz`."""
        from .arviz import inference_data

        return inference_data(self.draws, self.facts, self.state, self._log_likelihood)

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
            ratios=shown_ratios(self.model, self.answer, self._summary.names),
        )

    # What the public answers are made of -------------------------------------------------------------------------

    def _posterior(self, what: str) -> Posterior:
        if isinstance(self.answer, Posterior):
            return self.answer
        raise FitError(
            f"A point fit has no {what}.", hint=f"Fit with engine={bayesian(self.model)} to have a posterior."
        )

    def _optimum(self, what: str) -> Optimum:
        if isinstance(self.answer, Optimum):
            return self.answer
        raise FitError(f"A posterior has no {what}.", hint="Fit with engine=Point() to have one.")

    @property
    def _further_formulas(self) -> FormulaNames | None:
        """The names of a model in which a further parameter, such as sigma, has a formula; None for any other."""
        found: FormulaNames | None = getattr(self.model, "formulas", None)
        return found if found is not None and found.parameters else None

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
            found = tuple(shown for e in self.answer.draws.effects for shown in group_effects(e))
        else:
            found = point_effects(self.model, self.answer)
        scale = scale_of_effects(self.model)
        return tuple(replace(effects, scale=scale) for effects in found) if scale else found


def load(path: str | os.PathLike[str]) -> Fit:
    """Return the fit that `Fit.save` has written to a file: the same numbers, and nothing is fitted again.

    Nothing in the file is run. Raises KeepError for a file that is missing, damaged, of another kind or of a newer
    format.
    """
    kept = read(path)
    return Fit(**{own.name: getattr(kept, own.name) for own in fields(kept)})


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
    return Fit(
        run.model, answer, run.engine, run.seed, run.seconds, name, run.stopped, run.reason, run.state, run.device
    )
