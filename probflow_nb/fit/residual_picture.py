"""Residual picture: what `plot_residuals` shows, chosen and put in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FitError
from ..inference.engine import Posterior

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..display.residual_figure import EffectsPanel

_MOST_EFFECTS = 4


def residual_picture(fit: Any, along: Any, seed: int | None) -> Figure:
    """Return the figure of quantile residuals along the fitted means, a column of the data, or n numbers."""
    from ..display.drawn import described
    from ..display.residual_figure import residual_figure, residual_words

    found = np.asarray(fit.residuals(kind="quantile", seed=seed), float)
    if found.ndim > 1 and found.shape[1] > 1:
        raise FitError(
            "The residuals of a response of several columns are not drawn.", hint='Ask for residuals(kind="quantile").'
        )
    found = found.ravel()
    name, x = _along(fit, along, len(found))
    effects = _effects(fit)
    note = f"{len(found):,} rows" + (", bars: means with 95%" if len(found) >= 45 else "")
    figure = residual_figure(found, x, name, effects, note)
    return described(figure, residual_words(found, effects, note))


def _along(fit: Any, along: Any, n: int) -> tuple[str, np.ndarray]:
    """Return the name of the first panel's axis and its values (n,)."""
    if along is None:
        if fit._categories:
            return "eta", np.asarray(fit.predict(scale="link"), float).ravel()
        if getattr(getattr(fit.model, "record", None), "link", "") == "log":
            # Means of counts lie too unevenly to be seen.
            return "log means", np.asarray(fit.predict(scale="link"), float).ravel()
        return "fitted means", np.asarray(fit.predict(), float).ravel()
    if isinstance(along, str):
        columns = getattr(getattr(getattr(fit.model, "design", None), "encoding", None), "columns", {})
        numeric = {k: c for k, c in columns.items() if c.kind not in ("factor", "boolean")}
        if along not in numeric:
            known = f"It has {', '.join(numeric)}." if numeric else "Give one number a row fitted."
            raise FitError(f'There is no numeric column "{along:.60}" in this model.', hint=known)
        return along, numeric[along].numbers()
    try:
        values = np.asarray(along, float).ravel()
    except (TypeError, ValueError):
        raise FitError(f"along is the name of a column or a number a row, not {along!r:.60}.") from None
    if len(values) != n:
        raise FitError(f"along has {len(values):,} numbers, but the fit has {n:,} rows.")
    return str(getattr(along, "name", None) or "along"), values


def _effects(fit: Any) -> list[EffectsPanel]:
    """Return means and sds of the columns of group effects, the factors in the order of the text."""
    from ..display.residual_figure import EffectsPanel

    found: list[EffectsPanel] = []
    if isinstance(fit.answer, Posterior):
        for own in fit.answer.draws.effects:
            sample = own.affordable_sample()
            for c, column in enumerate(own.columns):
                if len(own.levels) > 2 and len(found) < _MOST_EFFECTS:
                    title = own.factor if column == own.factor else f"{column} | {own.factor}"
                    found.append(EffectsPanel(title, sample[:, :, c].mean(axis=0), sample[:, :, c].std(axis=0)))
        return found
    for factor, mode, sd in zip(fit.model.factors, *fit.answer.effects(), strict=True):
        for c, column in enumerate(factor.columns):
            if len(factor.levels) > 2 and len(found) < _MOST_EFFECTS:
                found.append(EffectsPanel(f"{column} | {factor.name}", mode[:, c], sd[:, c]))
    return found
