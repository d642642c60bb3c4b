"""Tidy: every parameter of a fit as one row of a long table, as `broom.mixed` lays them out.

A scalar has its posterior mean, sd and central interval; of a point fit its estimate, standard error and the Wald
interval estimate ± z se. Group effects have a row a level and column.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from ..inference.engine import Optimum, Posterior
from ..model.letters import shown_names
from ..model.model import Model
from .estimates import ends_of
from .facts import Facts

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("term", "kind", "group", "level", "estimate", "sd", "lower", "upper", "ess", "rhat")
# What a scalar of a model of one's own is, by its role.
_OWN = {"common": "parameter", "variance": "scale", "correlation": "cor"}


@dataclass(frozen=True, eq=False)
class Scalars:
    """The m scalars of a fit with their figures, each (m,); NaN where a figure does not apply.

    kinds: "common", "cutpoint", "sd", "cor", "residual" or "further"; of a model of one's own "parameter", "scale" or
    "cor". groups: the factor of an sd or a correlation, else "". error: Monte Carlo error of the mean.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    groups: tuple[str, ...]
    estimate: np.ndarray
    sd: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    ess: np.ndarray
    rhat: np.ndarray
    error: np.ndarray


def scalars(model: Any, answer: Posterior | Optimum, facts: Facts, interval: float = 0.95) -> Scalars:
    """Return the scalars of an answer; FitError for an interval's probability outside of 0 to 1."""
    ends = ends_of(interval)
    if isinstance(answer, Optimum):
        names, centre, sd = answer.names, answer.values, answer.errors
        reach = NormalDist().inv_cdf(float(ends[1])) * sd
        none = np.full(len(names), np.nan)
        figures = (centre, sd, centre - reach, centre + reach, none, none, none)
    else:
        draws = answer.draws
        names, table = draws.names, draws.table
        lower, upper = np.quantile(table, ends, axis=0)
        told = np.array([[q.ess_bulk, q.rhat, q.mcse] for q in draws.qualities]).reshape(-1, 3).T
        figures = (table.mean(axis=0), table.std(axis=0, ddof=1), lower, upper, *told)
    factors = _factors(model)
    kinds = tuple(_kind(name, model, facts, factors) for name in names)
    return Scalars(tuple(names), kinds, tuple(factors.get(name, "") for name in names), *figures)


def tidy(
    model: Any, answer: Posterior | Optimum, facts: Facts, interval: float = 0.95, effects: bool = True
) -> pd.DataFrame:
    """Return a row a scalar, then a row a level and column of every factor, with the columns of `COLUMNS`.

    ess, rhat: NaN for a point fit and for group effects. Raises FitError for an interval outside of 0 to 1.
    """
    import pandas as pd

    found = scalars(model, answer, facts, interval)
    level = np.full(len(found.names), "", dtype=object)
    own = (
        found.names, found.kinds, found.groups, level, found.estimate, found.sd, found.lower, found.upper, found.ess,
        found.rhat,
    )  # fmt: skip
    frames = [pd.DataFrame(dict(zip(COLUMNS, own, strict=True)))]
    if effects:
        frames += _optimum_rows(model, answer, interval) if isinstance(answer, Optimum) else _rows(answer, interval)
    # An empty frame would say otherwise of which kinds the columns are.
    return pd.concat([frame for frame in frames if len(frame)] or frames, ignore_index=True)


def _rows(answer: Posterior, interval: float) -> list[pd.DataFrame]:
    found, ends = [], ends_of(interval)
    for effects in answer.draws.effects:
        sample = effects.affordable_sample()
        figures = (sample.mean(axis=0), sample.std(axis=0, ddof=1), *np.quantile(sample, ends, axis=0))
        found.append(_effect_rows(effects.factor, effects.levels, effects.columns, figures))
    return found


def _optimum_rows(model: Model, answer: Optimum, interval: float) -> list[pd.DataFrame]:
    z, found = NormalDist().inv_cdf(float(ends_of(interval)[1])), []
    for factor, mode, sd in zip(model.factors, *answer.effects(), strict=True):
        figures = (mode, sd, mode - z * sd, mode + z * sd)
        found.append(_effect_rows(factor.name, factor.levels, factor.columns, figures))
    return found


def _effect_rows(
    factor: str, levels: tuple[str, ...], columns: tuple[str, ...], figures: tuple[np.ndarray, ...]
) -> pd.DataFrame:
    """Return J k rows, level by level; figures: estimate, sd and both ends, each (J, k)."""
    import pandas as pd

    J, k = len(levels), len(columns)
    none = np.full(J * k, np.nan)
    words = (
        np.tile(np.array(columns, dtype=object), J),
        np.full(J * k, "effect", dtype=object),
        np.full(J * k, factor, dtype=object),
        np.repeat(np.array(levels, dtype=object), k),
    )
    numbers = (*(np.asarray(figure).reshape(-1) for figure in figures), none, none)
    return pd.DataFrame(dict(zip(COLUMNS, (*words, *numbers), strict=True)))


def _factors(model: Any) -> dict[str, str]:
    """Return the grouping factor of every sd and correlation of a model, by its shown name."""
    further = getattr(model, "formulas", None)
    if isinstance(model, Model):
        groups = tuple((g.factor, g.column_names) for g in model.design.groups)
    elif further is not None and further.parameters:
        groups = tuple((factor, columns) for factor, columns, _ in further.groups)
    else:
        return {}
    shown, found = shown_names(model), dict[str, str]()
    for factor, columns in groups:
        own = [f"sd({column} | {factor})" for column in columns]
        own += [f"cor({a}, {b} | {factor})" for i, b in enumerate(columns) for a in columns[:i]]
        found |= {shown.get(name, name): factor for name in own}
    return found


def _kind(name: str, model: Any, facts: Facts, factors: dict[str, str]) -> str:
    role = facts.roles.get(name, "common")
    if name in factors:
        return "cor" if role == "correlation" else "sd"
    further = getattr(model, "formulas", None)
    if not isinstance(model, Model) and not (further is not None and further.parameters):
        return _OWN[role]
    if name.startswith("cut["):
        return "cutpoint"
    if role == "common":
        return "common"
    sigma = shown_names(model).get("sigma", "sigma")
    return "residual" if name == sigma else "further"
