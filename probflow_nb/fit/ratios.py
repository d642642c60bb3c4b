"""Ratios: what exp of a common effect compares - odds, rates, risks or means - and its interval.

A coefficient beta_j of a link that is a logarithm at heart multiplies by exp(beta_j) for each unit of its column:
logit the odds, cloglog the hazard, log the mean. Quantiles go through exp unchanged, so the ratio shown is exp of the
posterior median (of the estimate of a point fit) and its interval exp of the coefficient's.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from ..display.card import Ratios
from ..errors import FitError
from ..inference.engine import Optimum, Posterior
from ..model.model import Model
from ..spec.families import Family
from .estimates import ends_of
from .scale_names import COUNTS, EVENTS


def ratio_kind(family: Family) -> str:
    """Return what exp(beta) is called, such as "odds ratio"; "" where it is no ratio.

    A cumulative model subtracts eta from its cutpoints, so that under cloglog exp(-beta), not exp(beta), is a hazard
    ratio; it has none here.
    """
    if family.link == "logit":
        return "odds ratio"
    if family.link == "cloglog":
        return "hazard ratio" if family.name in EVENTS else ""
    if family.link == "log":
        return "risk ratio" if family.name in EVENTS else "rate ratio" if family.name in COUNTS else "ratio of means"
    return "ratio of medians" if family.name == "log_normal" else ""


def ratios(model: Any, answer: Posterior | Optimum, names: Sequence[str], probability: float = 0.95) -> Ratios:
    """Return exp of every common effect but the intercept, with central intervals.

    names: of the scalars as shown. Raises FitError for a model whose coefficients have no such meaning, and for a
    probability outside of 0 to 1.
    """
    ends = ends_of(probability)
    if not isinstance(model, Model):
        further = getattr(getattr(model, "formulas", None), "parameters", ())
        raise FitError(
            f"Ratios are not known yet of a model in which {further[0]} has a formula."
            if further
            else "Ratios are for formulas; statements and classes do not say which of their numbers are effects.",
            hint='exp of its draws, fit.posterior_sample(name="..."), is one where the link is log or logit.',
        )
    family = model.spec.family
    kind = ratio_kind(family)
    if not kind:
        raise FitError(
            f"exp of a coefficient of {family.label} is no ratio.",
            hint="Odds ratios need the link logit, hazard ratios cloglog, ratios of rates or means log.",
        )
    first, p = int(model.design.has_intercept), len(model.design.column_names)
    if isinstance(answer, Optimum):
        value, error = answer.values[first:p], answer.errors[first:p]
        z = NormalDist().inv_cdf(float(ends[1]))
        found = np.stack([value, value - z * error, value + z * error])
    else:
        found = np.quantile(answer.draws.table[:, first:p], [0.5, *ends], axis=0)
    with np.errstate(over="ignore"):
        centre, lower, upper = np.exp(found)
    return Ratios(kind, tuple(names[first:p]), centre, lower, upper, probability)


def shown_ratios(model: Any, answer: Posterior | Optimum, names: Sequence[str]) -> Ratios | None:
    """Return the ratios that a card shows: with a 95% interval, None where there are none."""
    if not isinstance(model, Model) or not ratio_kind(model.spec.family):
        return None
    found = ratios(model, answer, names)
    return found if found.names else None


def ratio_frame(found: Ratios) -> Any:
    """Return the ratios as a data frame, a row a coefficient; its first column is named by its kind, "odds ratio"."""
    import pandas as pd

    columns = {found.kind: found.values, "lower": found.lower, "upper": found.upper}
    return pd.DataFrame(columns, index=pd.Index(found.names, name="parameter"))
