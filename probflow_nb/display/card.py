"""Card: everything that a fit shows, as plain values; each renderer turns one Card into one string."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..posterior.summary import GroupEffects, Summary
from ..posterior.verdict import Verdict


@dataclass(frozen=True)
class GroupEquation:
    """One group term as mathematics shows it: its factor, columns and whether they are correlated."""

    factor: str
    columns: tuple[str, ...]
    correlated: bool = True


@dataclass(frozen=True)
class FamilyEquation:
    """The distribution of a response that is not Gaussian.

    distribution: its name, such as "Binomial". link: such as "logit". trials: of counts, as written, or "".
    further: names of its further parameters, such as ("shape",); of "Ordinal" the cutpoints.
    """

    distribution: str
    link: str
    trials: str = ""
    further: tuple[str, ...] = ()


@dataclass(frozen=True)
class Equation:
    """A linear mixed model as mathematics shows it.

    response: the response's name. columns: names of the common columns, "Intercept" among them.
    groups: the group terms. offset, weighted: whether there is an offset, whether rows have weights.
    family: of the response, None for a Gaussian one.
    """

    response: str
    columns: tuple[str, ...]
    groups: tuple[GroupEquation, ...] = ()
    offset: bool = False
    weighted: bool = False
    family: FamilyEquation | None = None


@dataclass(frozen=True)
class Statement:
    """One line of a model of one's own: left side, relation ("~" or "="), right side, as the person writes them.

    size: how many elements, or rows, the left side has that the line holds for; 1 for one number or one whole.
    """

    left: str
    relation: str
    right: str
    size: int = 1


@dataclass(frozen=True)
class Statements:
    """A model of one's own as mathematics shows it: the likelihood first, then a line a parameter.

    columns: the names of scalars that are no scales, as `Equation.columns` has those of common effects.
    """

    lines: tuple[Statement, ...]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Marginal:
    """The posterior draws of one scalar parameter, for a density picture.

    name: as in the summary. role: "common" or "variance" (sds and sigma) or "correlation".
    values: (S,) draws. lower, upper: the 95% interval; mean: the posterior mean.
    bounds: where the parameter ends, when its role does not say it.
    """

    name: str
    role: str
    values: np.ndarray
    mean: float
    lower: float
    upper: float
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Ratios:
    """exp of common effects, which multiplies odds, rates or means for each unit of a column.

    kind: such as "odds ratio". names: p of them, as in the summary. values, lower, upper: (p,).
    probability: of the intervals.
    """

    kind: str
    names: tuple[str, ...]
    values: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    probability: float = 0.95


@dataclass(frozen=True, eq=False)
class Card:
    """All that a fit shows, top to bottom.

    title: the fit's name, or "" when it has none. formula: one line of text.
    equation: for the mathematics. verdict: shown before any number.
    marginals: densities to draw; empty for a point fit.
    summary: the table. groups: the caterpillars, one a (factor, column).
    run: (label, value) pairs on how it was run. priors: (parameter, distribution) pairs.
    notes: sentences on the data, such as rows dropped.
    roles: of the scalars, as `Marginal.role`; for a model of one's own, whose names do not say it.
    ratios: exp of the common effects, None where that means nothing.
    """

    title: str
    formula: str
    equation: Equation | Statements
    verdict: Verdict
    summary: Summary
    marginals: tuple[Marginal, ...] = ()
    groups: tuple[GroupEffects, ...] = ()
    run: tuple[tuple[str, str], ...] = ()
    priors: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    ratios: Ratios | None = None

    @property
    def heading(self) -> str:
        """The title, unless the formula begins with it."""
        return "" if self.title and self.formula.startswith(f"{self.title}:") else self.title
