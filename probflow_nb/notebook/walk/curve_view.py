"""Fit tab: data and fitted curves with bands for chosen levels, or observed against fitted without a covariate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...display import escape
from ...errors import UsageError
from ...fit.curves import Curves
from ...fit.fit_picture import binned_events, observed_and_fitted
from ...fit.group_curves import GroupCurves, Grouping, group_curves, groupings, spread
from ...fit.scale_names import axis_name
from .naming import named, place, position
from .tabs import Answer

MULTIPLES = 12  # levels with a picture each
OVERLAID = 60  # levels whose lines are drawn into one picture
FOUND = 40  # levels that a search returns
_POINTS = 2400  # of the data, of all levels together


def answer(fit: Any, question: dict[str, Any]) -> Answer:
    """Return curves of some levels along a covariate, or the levels that a search finds.

    question: "covariate" and "factor" by position, "levels" by positions (a sample if left out), "overlaid", "search".
    Arrays are float64: x (m,), then mean, the ends of the mean's band, those of new responses (each (G, m)), then the
    data's x and y, all levels in one row.
    """
    curves: Curves = fit.curves
    names = [c.name for c in curves.movable.covariates]
    response = named(axis_name(fit.model, fit.facts.response))
    if not names:
        y, fitted = observed_and_fitted(curves)
        content = {"kind": "observed", "response": response, "rows": len(curves.model.y), "shown": len(y)}
        content["binned"] = binned_events(curves)
        return content, _buffers(y, fitted)
    factors = groupings(curves)
    chosen = factors[place(question, "factor", len(factors), 0)]
    if "search" in question:
        at = find(chosen.levels, question["search"], FOUND)
        return {"at": at, "names": [named(chosen.levels[i]) for i in at]}, []
    assert curves.default is not None
    which = place(question, "covariate", len(names), names.index(curves.default.name))
    at = _levels(question, chosen)
    most = max(10, _POINTS // len(at))
    found = group_curves(
        curves, curves.movable.covariates[which], chosen, [chosen.levels[i] for i in at], most_points=most
    )
    content = {
        "kind": "curves",
        "response": response,
        "covariates": [named(name) for name in names],
        "covariate": which,
        "factors": [{"name": named(g.name), "levels": len(g.levels)} for g in factors],
        "factor": factors.index(chosen),
        "at": at,
        "names": [named(chosen.levels[i]) for i in at],
        "counts": list(found.counts),
        "drawn": [len(x) for x in found.x],
        "exact": found.curve.mean_band is None,
        "events": curves.events,
        "binned": found.binned,
        "held": _held(curves, names, which),
        "percent": 100 * found.curve.probability,
    }
    return content, _curve_buffers(found)


def find(levels: Sequence[str], text: Any, most: int) -> list[int]:
    """Return positions of levels whose name holds a text, those that begin with it first; UsageError for no text."""
    if not isinstance(text, str):
        raise UsageError(f"A level is searched by a text, not {text!r:.40}.")
    wanted = text.casefold()
    starts: list[int] = []
    holds: list[int] = []
    for i, level in enumerate(levels):
        folded = level.casefold()
        # A long or odd name is also found by the words that are shown of it.
        if folded.startswith(wanted) or (len(level) > escape.LIMIT and named(level).casefold().startswith(wanted)):
            starts.append(i)
            if len(starts) == most:
                break
        elif len(holds) < most and wanted in folded:
            holds.append(i)
    return [*starts, *holds][:most]


def _levels(question: dict[str, Any], chosen: Grouping) -> list[int]:
    most = OVERLAID if question.get("overlaid") else MULTIPLES
    asked = question.get("levels")
    if asked is None:
        return [int(i) for i in spread([str(i) for i in range(len(chosen.levels))], most)]
    if not isinstance(asked, list) or not 0 < len(asked) <= most:
        raise UsageError(f"From 1 to {most} levels are shown at a time.")
    return [position(i, len(chosen.levels), f"level of {named(chosen.name)}") for i in _once(asked)]


def _once(asked: list[Any]) -> list[Any]:
    """Return what is asked without what comes a second time; anything may stand in the list."""
    return [value for i, value in enumerate(asked) if value not in asked[:i]]


def _held(curves: Curves, names: Sequence[str], which: int) -> str:
    """Say what is done with the columns that are not on an axis."""
    others = [name for i, name in enumerate(names) if i != which]
    if not others:
        return ""
    return f"{', '.join(named(name) for name in others[:6])}: held at each level's median."


def _curve_buffers(found: GroupCurves) -> list[bytes]:
    curve = found.curve
    bands = [] if curve.mean_band is None else [curve.mean_band[:, 0], curve.mean_band[:, 1]]
    empty = [np.empty(0)] * (2 - len(bands))
    new = [np.empty(0)] * 2 if curve.new_band is None else [curve.new_band[:, 0], curve.new_band[:, 1]]
    return _buffers(curve.x, curve.mean, *bands, *empty, *new, np.concatenate(found.x), np.concatenate(found.y))


def _buffers(*arrays: np.ndarray) -> list[bytes]:
    return [np.ascontiguousarray(array, dtype="<f8").tobytes() for array in arrays]
