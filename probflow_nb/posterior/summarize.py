"""From draws to tables: summaries of scalars and of group effects."""

from __future__ import annotations

import numpy as np

from .draws import Draws, Effects
from .summary import GroupEffects, Summary

# A factor with more levels than this is shown as a sample of them.
_SHOWN = 60
_ENOUGH_FOR_QUANTILES = 400


def summarize(draws: Draws) -> Summary:
    """Return mean, sd, median, q2.5, q97.5, ess_bulk, ess_tail, rhat, khat and mcse of every scalar."""
    flat = draws.table
    quantiles = np.quantile(flat, [0.5, 0.025, 0.975], axis=0)
    columns = [
        ("mean", flat.mean(axis=0)),
        ("sd", flat.std(axis=0, ddof=1)),
        ("median", quantiles[0]),
        ("q2.5", quantiles[1]),
        ("q97.5", quantiles[2]),
    ]
    for name in ("ess_bulk", "ess_tail", "rhat", "khat", "mcse"):
        columns.append((name, np.array([getattr(quality, name) for quality in draws.qualities])))
    return Summary(draws.names, tuple(columns))


def group_effects(effects: Effects, limit: int | None = _SHOWN) -> tuple[GroupEffects, ...]:
    """Return mean, sd and 95% interval of each level's effects, one table a column.

    limit: at most this many levels, evenly spaced in the order of the first column's means; None for all.
    """
    sample = effects.affordable_sample()
    mean, sd = sample.mean(axis=0), sample.std(axis=0, ddof=1)
    levels = np.arange(len(effects.levels))
    if limit is not None and len(levels) > limit:
        order = np.argsort(mean[:, 0])
        levels = np.sort(order[np.linspace(0, len(order) - 1, limit).round().astype(int)])
    if len(sample) < _ENOUGH_FOR_QUANTILES:
        # Given theta the effects are Gaussian; few draws know their sd better than their far quantiles.
        lower, upper = mean[levels] - 1.959964 * sd[levels], mean[levels] + 1.959964 * sd[levels]
    else:
        lower, upper = np.quantile(sample[:, levels], [0.025, 0.975], axis=0)
    names = tuple(effects.levels[i] for i in levels)
    return tuple(
        GroupEffects(
            effects.factor, column, names, len(effects.levels),
            mean[levels, c], sd[levels, c], lower[:, c], upper[:, c],
        )
        for c, column in enumerate(effects.columns)
    )  # fmt: skip
