"""Renewal: a fit of more rows, or of another formula on the same rows, made from a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .shown import Shown

if TYPE_CHECKING:
    from ..display.progress import Progress
    from ..inference.auto import Auto
    from ..inference.engine import Engine
    from ..spec.families import Family
    from .fit import Fit


class Renewal(Shown):
    """What makes a new fit of a fit."""

    engine: Any
    seed: int

    def update(
        self,
        data: Any,
        *,
        engine: Engine | Auto | str | None = None,
        seed: int | None = None,
        name: str | None = None,
        progress: Progress | None = None,
    ) -> Fit:
        """Return the fit of the rows of this one and of more rows; this one stays as it is.

        data: any frame with the columns of the model, m rows. For a Gaussian model their cross-products are added to
        those of the fit, [X y Z]'W[X y Z] of n + m rows = that of n + that of m, so the n rows are not read again; any
        other model is fitted again to all rows, and says so. Default priors, and what scale(), poly() and the like have
        learned, are those of the first rows; the default prior of the intercept is at the means of all rows. Grouping
        factors may have new levels.
        engine, seed: those of this fit unless given. name: shown as the title. progress: as in `lme`.
        Raises DataError, with the row, for a new level of a common factor and for anything that a fit would refuse;
        FitError for a model of one's own class, which is code.
        """
        from .renewing import updated

        return updated(self, data, engine, seed, name, progress)

    def refit(
        self,
        formula: str | None = None,
        data: Any = None,
        *,
        arrays: Mapping[str, Any] | None = None,
        family: str | Family | None = None,
        priors: str | None = None,
        engine: Engine | Auto | str | None = None,
        seed: int | None = None,
        name: str | None = None,
        progress: Progress | None = None,
    ) -> Fit:
        """Return the fit of a changed model, on the same rows unless data are given; this one stays as it is.

        formula: with `.` for the side of the formula as it is, ". ~ . + x", ". ~ . - (1 | g)", "log(.) ~ .", or a whole
        one; further lines are priors and definitions, which take the place of those of the same name. data, arrays: in
        place of those of the fit; without them the rows are those of this fit, fewer where a new column has missing
        values. family: of the response. priors: lines such as "Days ~ Normal(0, 5)". engine, seed: those of this fit
        unless given, the engine only where it can fit the new model. Written priors of what is left
        stay unless the family or the response is another; default ones are made anew.
        Raises ProbflowError, with the faulty part of the text, as `lme` does; FitError where the text has no formula.
        """
        from .renewing import refitted

        return refitted(self, (formula, priors), data, arrays, family, engine, seed, name, progress)
