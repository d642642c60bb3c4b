"""Influence: how a fit's answer moves when the rows of one level are taken away, without a refit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend import devices
from ..errors import EngineError, FitError
from ..inference.influence import Moved, moved
from ..inference.leave_one_out import usable
from ..model.model import Model
from ..posterior.loo import BAD
from ..posterior.pareto import pareto_smooth
from ..predict.build import row_labels
from ..predict.values import Values
from .level_densities import level_densities, row_densities

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_ROW = "row"


def influence_frame(fit: Any, by: str | None, values: Values) -> pd.DataFrame:
    """Return a row a level: the move of each parameter in posterior sds, Cook's distance and khat."""
    import pandas as pd

    factor, labels, units = _units(fit, by)
    with devices.on(fit.device):
        found = _moved(fit, factor, units, values)
    names = list(fit.answer.draws.names)
    frame = pd.DataFrame(found.shift, index=labels, columns=names)
    frame["cook"] = found.cook
    frame["khat"] = found.khat
    frame.attrs["redrawn"] = found.redrawn
    return frame


def _units(fit: Any, by: str | None) -> tuple[str, Any, list[np.ndarray]]:
    """Return the factor, "" for rows, the labels of its levels and their rows."""
    import pandas as pd

    model = fit.model
    known = [factor.name for factor in model.factors] if isinstance(model, Model) else []
    if not isinstance(model, Model):
        raise FitError(
            "The influence of groups is for formulas; a model of one's own does not say which rows belong together.",
            hint="fit.loo() says which rows the model predicts badly.",
        )
    by = by or (known[0] if known else _ROW)
    if by == _ROW and by not in known:
        labels = row_labels(fit.facts.rows, None, len(model.y))
        return "", labels, [np.array([i]) for i in range(len(model.y))]
    if by not in known:
        raise FitError(
            f'by names a grouping factor of the model, or "row", not {by!r:.60}.',
            hint=f"Its factors are {', '.join(known)}." if known else 'This model has none; take by="row".',
        )
    factor = next(f for f in model.factors if f.name == by)
    index = np.asarray(model.design.groups[factor.members[0]].index)
    order = np.argsort(index, kind="stable")
    starts = np.searchsorted(index, np.arange(len(factor.levels) + 1), sorter=order)
    units = [order[starts[j] : starts[j + 1]] for j in range(len(factor.levels))]
    return by, pd.Index(factor.levels, name=by), units


def _moved(fit: Any, factor: str, units: list[np.ndarray], values: Values) -> Moved:
    model, origin = fit.model, fit.answer.draws.origin
    left = usable(model) if model.record is None and origin is not None else None
    if left is not None and origin is not None:
        first = left.marginal.moments.factors[0].name if left.marginal.moments.factors else ""
        try:
            return moved(model, left, origin.theta, units, bool(factor) and factor == first, fit.seed)
        except EngineError:
            # Levels of too many rows for their covariance: weigh the draws instead.
            pass
    return weighed(fit, factor, units, values)


def weighed(fit: Any, factor: str, units: list[np.ndarray], values: Values) -> Moved:
    """Return how the draws move when they are weighed by one over each unit's likelihood.

    Of a level its own effects are integrated out; those of other factors stay as drawn.
    """
    table = fit.answer.draws.table[: values.n_draws]
    if factor:
        chosen, logs = level_densities(fit, factor, values)
        table = table[chosen]
    else:
        logs = row_densities(fit, values)
    mean, off = table.mean(axis=0), table - table.mean(axis=0)
    p = len(fit.model.design.column_names)
    means, sds, khat = np.empty((len(units), len(mean))), np.empty((len(units), len(mean))), np.empty(len(units))
    for j in range(len(units)):
        smooth, khat[j] = pareto_smooth(-logs[:, j])
        weights = np.exp(smooth)
        means[j] = weights @ table
        sds[j] = np.sqrt(np.maximum(weights @ (table - means[j]) ** 2, 0.0))
    return Moved(mean, table.std(axis=0), (off.T @ off)[:p, :p] / len(off), means, sds, khat)


def influence_picture(frame: pd.DataFrame, by: str) -> Figure:
    """Return the figure of an influence frame."""
    from ..display.drawn import described
    from ..display.influence_figure import MOST_LEVELS, influence_figure, influence_words

    names = [str(name) for name in frame.columns if name not in ("cook", "khat")]
    levels = [str(level) for level in frame.index]
    shift = frame[frame.columns[: len(names)]].to_numpy(float)
    cook, khat = frame["cook"].to_numpy(float), frame["khat"].to_numpy(float)
    of = f"{MOST_LEVELS} of {len(levels):,}" if len(levels) > MOST_LEVELS else f"{len(levels):,}"
    what = "rows" if by == _ROW else f"levels of {by}"
    note = f"{of} {what}" + (", open: khat 0.7 or more" if (khat >= BAD).any() else "")
    figure = influence_figure(levels, names, shift, cook, khat, note)
    return described(figure, influence_words(levels, names, shift, cook, note))
