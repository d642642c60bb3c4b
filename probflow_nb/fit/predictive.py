"""Predictive: fits compared by how well they predict what they have not seen, and the weights of their mixture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..display.escape import shorten
from ..errors import FitError
from ..inference.engine import Optimum, Posterior
from ..model.model import Model
from ..posterior.loo import BAD, difference
from ..posterior.stacking import stacking_weights
from .fit import Fit
from .leave_one_out import LeaveOneOut, Units, levels_left_out, quick, units_of
from .scale_names import bayesian
from .yardsticks import Column, Measured

# A smaller difference is no reason to prefer a model (Sivula, Magnusson, Matamoros and Vehtari 2020, arXiv 2008.10296).
_SMALL = 4.0


def predictive(
    names: Sequence[str], fits: Sequence[Fit], slopes: Sequence[np.ndarray], by: str | None, criterion: str | None
) -> Measured:
    """Compare by leave-one-out (PSIS-LOO or WAIC): elpd, differences from the best with their errors, p, weights, khat.

    The error of a difference is sqrt(n var_i(elpd_i - best_i)): rows that are hard for both models do not count
    (Vehtari, Gelman and Gabry 2017, eq. 24). slopes: log |dz/dy| of each row of each fit's response z. by: a factor
    whose levels are left out. criterion: "loo" or "waic"; None for LOO of the fits where it is quick. Raises FitError
    for a point fit that is asked for, and where levels cannot be left out.
    """
    asked = criterion is not None
    units = None if by is None else _units(fits, by)
    found: list[LeaveOneOut | None] = []
    slow = []
    for name, fit in zip(names, fits, strict=True):
        if not asked and (isinstance(fit.answer, Optimum) or not quick(fit)):
            found.append(None)
            slow += [name] if isinstance(fit.answer, Posterior) else []
            continue
        found.append(_one(name, fit, units, criterion or "loo"))
    notes = _too_slow(slow)
    if sum(one is not None for one in found) < 2:
        return Measured((), notes)
    return _table(names, fits, found, slopes, criterion or "loo", notes)


def _units(fits: Sequence[Fit], by: str) -> Units:
    """Return the levels of a factor that one of the fits has, at least; FitError if none has it."""
    for fit in fits:
        units = units_of(fit, by)
        if units is not None:
            return units
    known = {factor.name: None for fit in fits if isinstance(fit.model, Model) for factor in fit.model.factors}
    raise FitError(
        f"by names a grouping factor of one of the models, not {by!r:.60}.",
        hint=f"Their factors are {', '.join(known)}." if known else "They have none; leave by out.",
    )


def _one(name: str, fit: Fit, units: Units | None, criterion: str) -> LeaveOneOut:
    if isinstance(fit.answer, Optimum):
        raise FitError(
            f"{shorten(name)} is a point fit and has no draws to leave rows out of.",
            hint=f"Fit it with engine={bayesian(fit.model)}, or compare point fits by criterion='likelihood'.",
        )
    try:
        if criterion == "waic":
            return fit.waic()
        # A fit remembers the levels of its own factors.
        own = None if units is None else units_of(fit, units.name)
        if units is None or (own is not None and np.array_equal(own.index, units.index)):
            return fit.loo(None if units is None else units.name)
        return levels_left_out(fit, units)
    except FitError as error:
        raise FitError(f"{shorten(name)}: {error.message}", hint=error.hint) from None


def _table(
    names: Sequence[str],
    fits: Sequence[Fit],
    found: Sequence[LeaveOneOut | None],
    slopes: Sequence[np.ndarray],
    criterion: str,
    notes: tuple[str, ...],
) -> Measured:
    at = [i for i, one in enumerate(found) if one is not None]
    held = [one for one in found if one is not None]
    elpd = np.stack(
        [one.pointwise.elpd + _summed(slopes[i], held[0].index) for i, one in zip(at, held, strict=True)], axis=1
    )
    totals = elpd.sum(axis=0)
    best = 0 if np.isnan(totals).all() else int(np.nanargmax(totals))
    apart = [difference(elpd[:, k], elpd[:, best]) for k in range(len(at))]
    n = len(elpd)

    def column(name: str, head: str, values: Any, style: str = ",.1f") -> Column:
        full = np.full(len(fits), np.nan)
        full[at] = np.asarray(values, dtype=float)
        return Column(name, head, tuple(full.tolist()), style)

    errors = np.sqrt(n * elpd.var(axis=0, ddof=1)) if n > 1 else np.full(len(at), np.nan)
    spread = [np.nan if k == best else se for k, (_, se) in enumerate(apart)]
    columns = [
        column(f"elpd_{criterion}", f"elpd_{criterion}", totals),
        column(f"se_{criterion}", "±", errors),
        column("elpd_diff", "elpd_diff", [d for d, _ in apart]),
        column("elpd_diff_se", "±", spread),
    ]
    if not all(np.isnan(one.p) for one in held):
        columns.append(column(f"p_{criterion}", f"p_{criterion}", [one.p for one in held]))
    columns.append(column("weight", "weight", stacking_weights(elpd), ".2f"))
    if criterion == "loo":
        columns.append(column("khat_bad", "khat ≥ 0.7", [_bad(one) for one in held], ",.0f"))
    return Measured(tuple(columns), (*_said(names, at, held, apart, best), *notes))


def _summed(slope: np.ndarray, units: np.ndarray | None) -> np.ndarray | float:
    if not slope.any():
        return 0.0
    return slope if units is None else np.bincount(units, slope)


def _bad(one: LeaveOneOut) -> int:
    return int(np.sum(~(one.pointwise.khat < BAD)))


def _said(
    names: Sequence[str],
    at: Sequence[int],
    held: Sequence[LeaveOneOut],
    apart: Sequence[tuple[float, float]],
    best: int,
) -> tuple[str, ...]:
    """Return what the figures mean, how far they can be trusted, and what to do where not."""
    noun = held[0].noun
    criterion = "Leave-one-out" if held[0].criterion == "loo" else "WAIC"
    notes = [
        f"{criterion}: log density of {len(held[0].pointwise.elpd):,} {noun}, each predicted from the others; the "
        "higher the better. The weights are of the best average of the predictions (stacking)."
    ]
    close = [
        shorten(names[i])
        for k, i in enumerate(at)
        if k != best and not (abs(apart[k][0]) >= _SMALL and abs(apart[k][0]) > 2.0 * apart[k][1])
    ]
    if close:
        notes.append(
            f"Not told apart from {shorten(names[at[best]])} by their predictions: {', '.join(close)}, with a "
            "difference below 4 or below two standard errors."
        )
    return (*notes, *_trust(names, at, held))


def _trust(names: Sequence[str], at: Sequence[int], held: Sequence[LeaveOneOut]) -> list[str]:
    """Return one sentence for each advice, with the models that it is for."""
    wanted: dict[str, list[str]] = {}
    for i, one in zip(at, held, strict=True):
        if one.criterion == "waic" or _bad(one):
            for note in one.notes[:1]:
                wanted.setdefault(note, []).append(shorten(names[i]))
    return [f"{', '.join(models)}: {note}" for note, models in wanted.items()]


def _too_slow(slow: Sequence[str]) -> tuple[str, ...]:
    if not slow:
        return ()
    return (
        f"Leave-one-out of {', '.join(map(shorten, slow))} would take more than a second or two; "
        "criterion='loo' asks for it.",
    )
