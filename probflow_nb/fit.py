"""Fit: the frozen result of a run, what it answers and what it shows."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .backend.tensorflow import device
from .display.bundle import mimebundle
from .display.card import Card, Equation, GroupEquation, Marginal
from .display.progress import Progress, TextProgress
from .errors import FitError
from .inference import Run, start
from .inference.engine import Engine, Optimum, Posterior
from .inference.exact import Exact
from .model.model import Model
from .posterior.draws import Draws, Evidence
from .posterior.summarize import group_effects, summarize
from .posterior.summary import GroupEffects, Summary
from .posterior.varcorr import varcorr, varcorr_frame
from .posterior.verdict import Verdict
from .spec.model_spec import ModelSpec

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_Z95 = 1.959964


class Shown:
    """What a fit and a model that is not fitted have in common: a spec, a formula, and that they show themselves."""

    model: Model
    name: str

    @property
    def card(self) -> Card:
        """Everything that is shown, as plain values."""
        raise TypeError(f"{type(self).__name__} shows nothing.")

    @property
    def spec(self) -> ModelSpec:
        """The model's meaning, with a prior for every parameter; `spec.text()` prints it."""
        return self.model.spec

    @property
    def formula(self) -> str:
        """The formula in one line."""
        return self.spec.formula

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        return mimebundle(self.card, include, exclude)

    def __repr__(self) -> str:
        return mimebundle(self.card, ["text/plain"])["text/plain"]


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Shown):
    """A fitted multilevel model.

    model: what was fitted. answer: what the engine found. engine, seed, seconds: how. name: in the notebook, or "".
    stopped: whether the run was ended early.
    """

    model: Model
    answer: Posterior | Optimum
    engine: Engine
    seed: int
    seconds: float
    name: str = ""
    stopped: bool = False

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
        if evidence is None:
            raise FitError(
                "The log evidence is not defined, because a prior is flat.",
                hint="Give every parameter a proper prior; the defaults are.",
            )
        return evidence

    @property
    def criterion(self) -> float:
        """The REML criterion, or the deviance (-2 log likelihood) of maximum likelihood; FitError for a posterior."""
        return self._optimum("criterion").criterion

    @property
    def se(self) -> pd.Series:
        """Standard errors of the common effects of a point fit, or their posterior sds."""
        p = len(self.model.design.column_names)
        column = self._summary["se" if "se" in self._summary else "sd"]
        return _series(column[:p], self.model.design.column_names, "se")

    @property
    def fixef(self) -> pd.Series:
        """Common effects: posterior means, or estimates of a point fit."""
        p = len(self.model.design.column_names)
        return _series(self._centres[:p], self.model.design.column_names, "fixef")

    @cached_property
    def ranef(self) -> dict[str, pd.DataFrame]:
        """Group effects by factor, (J, k) levels by columns: posterior means, or conditional modes."""
        return self._effect_tables(0)

    @cached_property
    def ranef_sd(self) -> dict[str, pd.DataFrame]:
        """Standard deviations of the group effects by factor: posterior, or conditional as lme4's condVar."""
        return self._effect_tables(1)

    @property
    def varcorr(self) -> pd.DataFrame:
        """Variances, sds and correlations as lme4 lists them: grp, var1, var2, vcov, sdcor, and 95% intervals."""
        values = dict(zip(self._summary.names, self._centres, strict=True))
        bounds: dict[str, tuple[float, float]] = {}
        if "q2.5" in self._summary:
            pairs = zip(self._summary["q2.5"], self._summary["q97.5"], strict=True)
            bounds = dict(zip(self._summary.names, ((float(a), float(b)) for a, b in pairs), strict=True))
        groups = tuple((g.factor, g.column_names, g.correlated) for g in self.model.design.groups)
        return varcorr_frame(varcorr(groups, values, bounds))

    def summary(self) -> pd.DataFrame:
        """Return one row a parameter: mean, sd, median, interval, figures of merit; estimate and se of a point fit."""
        return self._summary.frame()

    def plot_posterior(self, names: Collection[str] | None = None) -> Figure:
        """Return a figure of the posterior densities of all scalars, or of those named."""
        from .display.figures import posterior_figure

        marginals = self._marginals(self._posterior("posterior densities"))
        unknown = [name for name in names or () if name not in self.draws.names]
        if unknown:
            raise FitError(
                f'There is no parameter "{unknown[0]}" in this fit.', hint=f"It has {', '.join(self.draws.names)}."
            )
        return posterior_figure([m for m in marginals if names is None or m.name in names])

    def plot_ranef(self, factor: str | None = None, column: str | None = None) -> Figure:
        """Return a sorted caterpillar of one column of one factor's effects; the first of each unless named."""
        from .display.caterpillar import ranef_figure

        for effects in self._group_effects:
            if factor in (None, effects.factor) and column in (None, effects.column):
                return ranef_figure(effects)
        known = ", ".join(f"{e.column} of {e.factor}" for e in self._group_effects) or "no group effects"
        raise FitError(f"There are no effects {column or ''} of {factor or ''} in this fit.", hint=f"It has {known}.")

    def to_arviz(self) -> Any:
        """Return the draws as ArviZ's InferenceData; needs `pip install arviz`."""
        try:
            import arviz
        except ImportError:
            raise FitError("ArviZ is not installed.", hint="Install it: pip install arviz") from None
        posterior: dict[str, np.ndarray] = {name: self.draws[name] for name in self.draws}
        dims = {e.name: [f"{e.factor} level", f"{e.factor} column"] for e in self.draws.effects}
        coords: dict[str, list[Any]] = {}
        for e in self.draws.effects:
            coords[f"{e.factor} level"] = list(e.levels)
            coords[f"{e.factor} column"] = list(e.columns)
        observed = {self.model.design.response_name: self.model.design.y}
        if int(arviz.__version__.split(".")[0]) >= 1:
            groups = {"posterior": posterior, "observed_data": observed}
            return arviz.from_dict(groups, coords=coords, dims=dims)
        return arviz.from_dict(posterior=posterior, observed_data=observed, coords=coords, dims=dims)

    @cached_property
    def card(self) -> Card:
        """Everything that the fit shows, as plain values."""
        marginals = self._marginals(self.answer) if isinstance(self.answer, Posterior) else ()
        return Card(
            title=self.name,
            formula=self.formula,
            equation=equation(self.model),
            verdict=self.verdict,
            summary=self._summary,
            marginals=marginals,
            groups=self._group_effects,
            run=self._run_lines(),
            priors=prior_lines(self.model) if isinstance(self.answer, Posterior) else (),
            notes=data_notes(self.model),
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

    @cached_property
    def _summary(self) -> Summary:
        if isinstance(self.answer, Posterior):
            return summarize(self.answer.draws)
        return Summary(self.answer.names, (("estimate", self.answer.values), ("se", self.answer.errors)))

    @property
    def _centres(self) -> np.ndarray:
        return self._summary["mean" if "mean" in self._summary else "estimate"]

    def _marginals(self, posterior: Posterior) -> tuple[Marginal, ...]:
        s, common = self._summary, set(self.model.design.column_names)
        return tuple(
            Marginal(
                name,
                "common" if name in common else "correlation" if name.startswith("cor(") else "variance",
                posterior.draws.flat(name), float(s["mean"][i]), float(s["q2.5"][i]), float(s["q97.5"][i]),
            )
            for i, name in enumerate(s.names)
        )  # fmt: skip

    @cached_property
    def _group_effects(self) -> tuple[GroupEffects, ...]:
        if isinstance(self.answer, Posterior):
            return tuple(shown for e in self.answer.draws.effects for shown in group_effects(e))
        found = []
        for factor, mode, sd in zip(self.model.factors, *self._point_effects, strict=True):
            keep = _spread(mode[:, 0], 60)
            names = tuple(factor.levels[i] for i in keep)
            for c, column in enumerate(factor.columns):
                m, s = mode[keep, c], sd[keep, c]
                found.append(
                    GroupEffects(factor.name, column, names, len(factor.levels), m, s, m - _Z95 * s, m + _Z95 * s)
                )
        return tuple(found)

    @cached_property
    def _point_effects(self) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
        return self._optimum("conditional modes").effects()

    def _effect_tables(self, which: int) -> dict[str, pd.DataFrame]:
        import pandas as pd

        tables = {}
        for i, factor in enumerate(self.model.factors):
            if isinstance(self.answer, Posterior):
                sample = self.answer.draws.effects[i].affordable_sample()
                values = sample.mean(axis=0) if which == 0 else sample.std(axis=0, ddof=1)
            else:
                values = self._point_effects[which][i]
            index = pd.Index(factor.levels, name=factor.name)
            tables[factor.name] = pd.DataFrame(values, index=index, columns=list(factor.columns))
        return tables

    def _run_lines(self) -> tuple[tuple[str, str], ...]:
        design = self.model.design
        levels = ", ".join(f"{len(f.levels):,} levels of {f.name}" for f in self.model.factors)
        lines = [
            ("engine", f"{type(self.engine).__name__} ({self.answer.method})"),
            ("data", f"{len(design.y):,} rows{', ' + levels if levels else ''}"),
        ]
        if isinstance(self.answer, Posterior):
            draws = self.answer.draws
            lines.append(("draws", f"{draws.n_chains} chains of {draws.n_draws:,}"))
            used = min((e.affordable for e in draws.effects), default=draws.n_chains * draws.n_draws)
            if used < draws.n_chains * draws.n_draws:
                lines.append(("group effects", f"from the first {used:,} draws"))
            if self.answer.evidence is not None:
                e = self.answer.evidence
                lines.append(("log evidence", f"{e.value:.2f} ± {e.error:.2f}"))
            lines.append(("seed", str(self.seed)))
        else:
            lines.append(("REML criterion" if self.answer.reml else "deviance", f"{self.answer.criterion:.4f}"))
        return (*lines, ("device", device()), ("time", f"{self.seconds:.2f} s"))


@dataclass(frozen=True, eq=False, repr=False)
class Unfitted(Shown):
    """A compiled model that is not fitted yet; shows its mathematics and priors."""

    model: Model
    name: str = ""

    @property
    def verdict(self) -> Verdict:
        """That there is nothing to trust yet."""
        return Verdict("none", "Not fitted yet.")

    def run(self, engine: Engine | None = None, seed: int | None = None) -> Run:
        """Return a run, nothing done yet."""
        return start(self.model, auto(self.model) if engine is None else engine, seed)

    def fit(self, engine: Engine | None = None, seed: int | None = None, progress: Progress | None = None) -> Fit:
        """Fit the model; see `lme` for the arguments."""
        return finish(self.run(engine, seed), self.name, progress)

    @cached_property
    def card(self) -> Card:
        """What the model shows."""
        return Card(
            title=self.name,
            formula=self.formula,
            equation=equation(self.model),
            verdict=self.verdict,
            summary=Summary((), ()),
            priors=prior_lines(self.model),
            notes=data_notes(self.model),
        )


def finish(run: Run, name: str = "", progress: Progress | None = None) -> Fit:
    """Pull a run to its end, or until an interrupt, and return its fit.

    An interrupt keeps what there is; it is raised again if that is nothing.
    """
    shown = TextProgress(sys.stderr) if progress is None else progress
    try:
        for event in run:
            shown.show(event)
    except KeyboardInterrupt:
        run.close()
        if not run.ready:
            raise
    finally:
        shown.close()
    answer = run.finish()
    return Fit(run.model, answer, run.engine, run.seed, run.seconds, name, run.stopped)


def auto(model: Model) -> Engine:
    """Return the engine for a model: Exact, which fits every model of the language so far or says why not."""
    return Exact()


def equation(model: Model) -> Equation:
    """Return what the mathematics shows of a model."""
    design = model.design
    groups = tuple(GroupEquation(g.factor, g.column_names, g.correlated) for g in design.groups)
    return Equation(
        design.response_name, design.column_names, groups, design.offset is not None, design.weights is not None
    )


def prior_lines(model: Model) -> tuple[tuple[str, str], ...]:
    """Return (parameter, distribution) of every prior."""
    return tuple((prior.target.label, prior.distribution.label) for prior in model.spec.priors)


def data_notes(model: Model) -> tuple[str, ...]:
    """Return sentences on rows and columns that were left out."""
    design = model.design
    notes = []
    if design.n_missing:
        causes = ", ".join(f"{name} {count:,}" for name, count in design.missing_by_column)
        notes.append(f"{design.n_missing:,} of {design.n_rows:,} rows were left out for missing values ({causes}).")
    notes.extend(f"{column.name} = {column.reason}; dropped." for column in design.dropped_columns)
    return tuple(notes)


def _series(values: np.ndarray, names: tuple[str, ...], title: str) -> pd.Series:
    import pandas as pd

    return pd.Series(np.asarray(values), index=pd.Index(names), name=title)


def _spread(values: np.ndarray, limit: int) -> np.ndarray:
    """Return at most `limit` positions, evenly spaced in the order of the values."""
    if len(values) <= limit:
        return np.arange(len(values))
    order = np.argsort(values)
    return np.sort(order[np.linspace(0, len(order) - 1, limit).round().astype(int)])
