"""Explanations: how large an effect is, in words and figures that a paper can print, asked of the fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import FitError
from ..model.model import Model
from . import claims, margins, means_picture, variance_shares
from .claims import Hypothesis
from .margins import Explainer, Margins
from .means_picture import Asked
from .predictions import Predictions
from .report import Report, report
from .shrinkage_picture import shrinkage_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Explanations(Predictions):
    """What is asked of a fit to explain its result; S draws.

    Tables are frames: mean, sd, median and interval of a posterior; estimate, se and interval of a point fit.
    """

    def means(
        self,
        specs: str | Sequence[str] = (),
        by: str | Sequence[str] | None = None,
        *,
        at: Mapping[str, Any] | None = None,
        scale: str | None = None,
        interval: float = 0.95,
        weights: str = "equal",
        draws: bool = False,
    ) -> Any:
        """Return estimated marginal means, mean of eta = X beta + offset over a reference grid, as emmeans has them.

        specs, by: columns of the common effects, a row each combination. Other factors are averaged with equal weights
        (weights="proportional": by their rows), other numbers held at their mean, or at={"Days": 3}. Group effects
        are 0. scale: "response" takes the mean of eta through the inverse link, of events their probability; "link".
        draws: return (S, rows) instead. A mean that the rows fitted do not tell is NaN.
        Raises FitError for what is not among the common effects.
        Searle, Speed and Milliken (1980), The American Statistician 34(4):216-221.
        """
        found = margins.means(self._explainer, _names(specs), _names(by), at or {}, scale, interval, weights)
        return _table(found, draws)

    def contrasts(
        self,
        specs: str | Sequence[str],
        by: str | Sequence[str] | None = None,
        kind: str = "pairwise",
        *,
        reference: Any = None,
        at: Mapping[str, Any] | None = None,
        scale: str | None = None,
        interval: float = 0.95,
        weights: str = "equal",
        draws: bool = False,
    ) -> Any:
        """Return differences of marginal means within each level of `by`.

        kind: "pairwise" every level less each later one, "revpairwise", "treatment" each less `reference` (the first),
        "sum-to-mean" each less their mean, "consecutive". scale: "response" differences of means, of events of
        probabilities; "link" of eta; "ratio" exp of those of eta: odds, rate or hazard ratios. The rest as `means`.
        """
        found = margins.contrasts(
            self._explainer, _names(specs), _names(by), kind, reference, at or {}, scale, interval, weights
        )
        return _table(found, draws)

    def slopes(
        self,
        covariate: str,
        by: str | Sequence[str] | None = None,
        *,
        at: Mapping[str, Any] | None = None,
        scale: str | None = None,
        over: str = "grid",
        interval: float = 0.95,
        weights: str = "equal",
        draws: bool = False,
    ) -> Any:
        """Return the slope d E[y] / dx of a covariate, group effects 0, for each level of `by`.

        over: "grid" at the reference grid of `means`, as emtrends has it; "rows" the average of the slopes at the rows
        fitted, the average marginal effect. scale: "response" or "link". Raises FitError as `means`.
        """
        found = margins.slopes(self._explainer, covariate, _names(by), at or {}, scale, interval, over, weights)
        return _table(found, draws)

    def plot_means(
        self,
        specs: str | Sequence[str] = (),
        by: str | Sequence[str] | None = None,
        *,
        at: Mapping[str, Any] | None = None,
        scale: str | None = None,
        interval: float = 0.95,
        weights: str = "equal",
    ) -> Figure:
        """Return a figure of `means`: dots with intervals for factors, a curve with its band along a number.

        specs: columns of the common effects, the first of them unless named; a number that comes first, and is not held
        in `at`, becomes a curve along its range. by: columns that tell the dots or curves apart, a number at its mean
        and one sd to either side. The rest, and what is raised, as `means`.
        """
        asked = self._margins_asked(at, scale, interval, weights)
        return means_picture.means_picture(asked, _names(specs), _names(by))

    def plot_contrasts(
        self,
        specs: str | Sequence[str],
        by: str | Sequence[str] | None = None,
        kind: str = "pairwise",
        *,
        reference: Any = None,
        at: Mapping[str, Any] | None = None,
        scale: str | None = None,
        interval: float = 0.95,
        weights: str = "equal",
    ) -> Figure:
        """Return a figure of `contrasts`: dots with intervals, a dashed line at no difference; ratios on a log axis."""
        asked = self._margins_asked(at, scale, interval, weights)
        return means_picture.contrasts_picture(asked, _names(specs), _names(by), kind, reference)

    def plot_slopes(
        self,
        covariate: str,
        by: str | Sequence[str] | None = None,
        along: str | None = None,
        *,
        at: Mapping[str, Any] | None = None,
        scale: str | None = None,
        interval: float = 0.95,
        weights: str = "equal",
    ) -> Figure:
        """Return a figure of `slopes`: dots with intervals for each level of `by`, or a curve along a number.

        along: the number that the slope is drawn along, of an interaction the other one; the covariate itself unless
        `by` or `along` is named. The rest, and what is raised, as `slopes`.
        """
        asked = self._margins_asked(at, scale, interval, weights)
        return means_picture.slopes_picture(asked, covariate, _names(by), along)

    def hypothesis(self, text: str, interval: float = 0.95) -> Hypothesis:
        """Return what the fit says of one relation of parameters, such as "2*Days = groupB" or "Days > 10".

        text: arithmetic of the names that the summary shows, with exp, log, sqrt, abs and inv_logit; read by the
        grammar of model texts, never run. Of left - right: mean, sd, interval and the share of the posterior above 0;
        of an inequality its probability and odds; of an equality the Savage-Dickey ratio, the Bayes factor for it
        against the model fitted, where its prior is known. A point fit answers for sums of common effects.
        Raises FitError with carets under what is no parameter. Dickey (1971), Ann. Math. Statist. 42:204-223.
        """
        return claims.hypothesis(self, text, interval, self.seed)

    def probability(self, text: str) -> float:
        """Return the posterior probability of inequalities, such as "Days > 0", "0 < Days < 10" or "a > b & b > 0".

        The share of the S draws that hold them all. Raises FitError as `hypothesis`, and for a point fit.
        """
        return claims.probability(self, text)

    def r2(self, interval: float = 0.95, draws: bool = False) -> Any:
        """Return R2 marginal, of the common effects, and conditional, of group effects too, on the scale of eta.

        var(X beta) / V and (var(X beta) + sum of mean z' Sigma z) / V, V both and the residual variance, in each draw.
        Nakagawa and Schielzeth (2013), eqs. 29-30; Johnson (2014) for slopes; Nakagawa, Johnson and Schielzeth (2017)
        for families. `r_squared` is the Bayesian R2 of the fitted rows.
        """
        found = variance_shares.variances(self._explainer)
        return variance_shares.r2_draws(found) if draws else variance_shares.r2_frame(found, interval)

    def icc(self, interval: float = 0.95, draws: bool = False) -> Any:
        """Return the intraclass correlation, the share of variance between groups: adjusted for the common effects
        (left out of all variance) and unadjusted; with several group terms each one's adjusted share.

        Slopes that vary count with the mean of z' Sigma z over the rows. Sources as `r2`. FitError without groups.
        """
        return variance_shares.icc_table(variance_shares.variances(self._explainer), interval, draws)

    def variance_partition(self, interval: float = 0.95) -> Any:
        """Return the variance of common effects, of each group term and of the rest, and their shares of all."""
        return variance_shares.partition_frame(variance_shares.variances(self._explainer), interval)

    def standardized(self, interval: float = 0.95) -> Any:
        """Return every coefficient but the intercept as beta_j sd(x_j) / sd(y); of a family beta_j sd(x_j) on eta.

        x_j is a column of X over the n rows fitted, so that a factor's contrast has the sd of its indicator.
        """
        return variance_shares.standardized(self._explainer, interval)

    def report(self) -> Report:
        """Return the result in a paragraph of plain words; every number of it is one of the summary's."""
        return report(self)

    def plot_shrinkage(self, factor: str | None = None, columns: Sequence[str] | None = None) -> Figure:
        """Return a figure of partial pooling: arrows from what each level says by itself to what the model says of it.

        factor: the first unless named. columns: one or two of its columns; the first two unless named. By itself a
        level is fitted by least squares, or by the likelihood of the family, all else held at its estimate. Raises
        FitError for a model without group effects, and for a factor or a column that it does not have.
        """
        return shrinkage_picture(self, factor, None if columns is None else _names(columns))

    def _margins_asked(self, at: Mapping[str, Any] | None, scale: str | None, interval: float, weights: str) -> Asked:
        return Asked(self._explainer, self.facts.response, at or {}, scale, interval, weights)

    @cached_property
    def _explainer(self) -> Explainer:
        if isinstance(self.model, Model):
            return Explainer(self.model, self.answer)
        further = getattr(getattr(self.model, "formulas", None), "parameters", ())
        if further:
            raise FitError(
                f"Means and shares of variance are not known yet of a model in which {further[0]} has a formula.",
                hint='fit.hypothesis("...") and fit.predict(rows) answer for it.',
            )
        raise FitError(
            "Means and shares of variance are for formulas; a model of one's own does not name its columns.",
            hint='fit.hypothesis("..."), fit.probability("... > 0") and fit.predict(rows) answer for it.',
        )


def _names(given: str | Sequence[str] | None) -> list[str]:
    if given is None:
        return []
    if isinstance(given, str):
        return [given]
    try:
        return list(given)
    except TypeError:
        raise FitError(f"Columns are named by a text or a list of texts, not by {given!r:.60}.") from None


def _table(found: Margins, draws: bool) -> Any:
    return found.sample() if draws else found.frame()
