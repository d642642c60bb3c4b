"""Views: an answer's group effects and densities, as tables and as what a picture needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..display.card import Marginal
from ..inference.engine import Optimum, Posterior
from ..model.model import Model
from ..posterior.draws import Draws
from ..posterior.summary import GroupEffects, Summary
from .facts import Facts

if TYPE_CHECKING:
    import pandas as pd

_Z95 = 1.959964
_SHOWN = 60


def series(values: np.ndarray, names: tuple[str, ...], title: str) -> pd.Series:
    """Return numbers with their names."""
    import pandas as pd

    return pd.Series(np.asarray(values), index=pd.Index(names), name=title)


def marginals(draws: Draws, summary: Summary, facts: Facts) -> tuple[Marginal, ...]:
    """Return every scalar's draws with its role, mean and interval."""
    return tuple(
        Marginal(
            name,
            facts.roles.get(name, "common"),
            draws.flat(name),
            float(summary["mean"][i]),
            float(summary["q2.5"][i]),
            float(summary["q97.5"][i]),
            facts.bounds.get(name),
        )
        for i, name in enumerate(summary.names)
    )


def point_effects(model: Model, answer: Optimum) -> tuple[GroupEffects, ...]:
    """Return the conditional modes of every column of every factor with their 95% intervals."""
    found = []
    for factor, mode, sd in zip(model.factors, *answer.effects(), strict=True):
        keep = _spread(mode[:, 0], _SHOWN)
        names = tuple(factor.levels[i] for i in keep)
        for c, column in enumerate(factor.columns):
            m, s = mode[keep, c], sd[keep, c]
            found.append(GroupEffects(factor.name, column, names, len(factor.levels), m, s, m - _Z95 * s, m + _Z95 * s))
    return tuple(found)


def effect_tables(model: Model, answer: Posterior | Optimum, which: int) -> dict[str, pd.DataFrame]:
    """Return a (J, k) table a factor: means or modes (which 0), or standard deviations (which 1)."""
    import pandas as pd

    tables = {}
    modes = answer.effects() if isinstance(answer, Optimum) else None
    for i, factor in enumerate(model.factors):
        if isinstance(answer, Posterior):
            sample = answer.draws.effects[i].affordable_sample()
            values = sample.mean(axis=0) if which == 0 else sample.std(axis=0, ddof=1)
        else:
            assert modes is not None
            values = modes[which][i]
        index = pd.Index(factor.levels, name=factor.name)
        tables[factor.name] = pd.DataFrame(values, index=index, columns=list(factor.columns))
    return tables


def formula_effect_tables(draws: Draws, which: int) -> dict[str, pd.DataFrame]:
    """Return the same where further parameters have formulas: the columns of all formulas side by side."""
    import pandas as pd

    tables: dict[str, pd.DataFrame] = {}
    for effects in draws.effects:
        sample = effects.affordable_sample()
        values = sample.mean(axis=0) if which == 0 else sample.std(axis=0, ddof=1)
        index = pd.Index(effects.levels, name=effects.factor)
        own = pd.DataFrame(values, index=index, columns=list(effects.columns))
        before = tables.get(effects.factor)
        tables[effects.factor] = own if before is None else pd.concat([before, own], axis=1)
    return tables


def _spread(values: np.ndarray, limit: int) -> np.ndarray:
    """Return at most `limit` positions, evenly spaced in the order of the values."""
    if len(values) <= limit:
        return np.arange(len(values))
    order = np.argsort(values)
    return np.sort(order[np.linspace(0, len(order) - 1, limit).round().astype(int)])
