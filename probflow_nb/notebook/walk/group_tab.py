"""Groups tab: every level of a factor with its interval, and the difference of two levels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...display import digits, escape
from ...display.card import Marginal
from ...errors import UsageError
from ...inference.engine import Optimum
from ...posterior.contrast import Contrast, level_contrast, mode_contrast
from ...posterior.draws import Effects
from ...posterior.summarize import group_effects
from ...posterior.summary import GroupEffects
from .naming import named, place, position, told
from .posterior_tab import curve
from .tabs import Answer

MOST = 4_000  # levels of one message; more of them would not be seen apart
FOUND = 200  # levels that a search returns
_LETTERS = 90_000  # characters of all names of one message
_Z95 = 1.959964
_SURE = 0.999


def answer(fit: Any, question: dict[str, Any]) -> Answer:
    """Return all levels of one column of a factor, those that a search finds, or the difference of two."""
    factors = _factors(fit)
    if not factors:
        return {"words": "This model has no group effects: its text has no term such as (1 | Subject)."}, []
    which = place(question, "factor", len(factors), 0)
    name, columns, levels = factors[which]
    column = place(question, "term", len(columns), 0)
    if "compare" in question:
        return _compared(fit, which, column, question["compare"])
    if "search" in question:
        return _found(fit, which, column, levels, question["search"])
    effects = _effects(fit, which, column)
    keep = spread_of(np.asarray(effects.mean), MOST)
    shown, whole = _names(levels, keep)
    content = {
        "factors": [{"name": named(f), "terms": [named(c) for c in cs], "levels": len(ls)} for f, cs, ls in factors],
        "factor": which,
        "term": column,
        "own": name == columns[column],
        "names": shown,
        "at": None if len(keep) == len(levels) else keep.tolist(),
        "total": len(levels),
        "whole": whole,
        "places": _places(effects),
        "percent": 100 * effects.probability,
        "point": isinstance(fit.answer, Optimum),
        "words": _words(fit, which, len(keep), len(levels)),
    }
    return content, _buffers(*(np.asarray(v)[keep] for v in (effects.mean, effects.lower, effects.upper)))


def _buffers(*rows: np.ndarray) -> list[bytes]:
    return [np.asarray(row).astype("<f4").tobytes() for row in rows]


def spread_of(values: np.ndarray, most: int) -> np.ndarray:
    """Return positions, at most so many, evenly spaced in the order of the values, both ends among them."""
    if len(values) <= most:
        return np.arange(len(values))
    order = np.argsort(values, kind="stable")
    return np.sort(order[np.unique(np.linspace(0, len(order) - 1, most).round().astype(int))])


def _factors(fit: Any) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Return (factor, columns, levels) of all group effects, also of the long parameters of a class."""
    if isinstance(fit.answer, Optimum):
        return [(f.name, f.columns, f.levels) for f in fit.model.factors]
    return [(e.factor, e.columns, e.levels) for e in fit.draws.effects]


def _effects(fit: Any, which: int, column: int, some: np.ndarray | None = None) -> GroupEffects:
    """Return one column of a factor's effects, of all levels or of some."""
    if not isinstance(fit.answer, Optimum):
        effects = fit.draws.effects[which]
        at = np.arange(len(effects.levels)) if some is None else some

        def chosen(m: int) -> np.ndarray:
            sample = effects.first(m)[:, :, column : column + 1]
            return sample if some is None else sample[:, at]

        levels = tuple(effects.levels[i] for i in at)
        columns = (effects.columns[column],)
        one = Effects(effects.factor, levels, columns, effects.n_draws, chosen, effects.affordable)
        return group_effects(one, None)[0]
    factor, (modes, sds) = fit.model.factors[which], fit.answer.effects()
    at = np.arange(len(factor.levels)) if some is None else some
    m, s = modes[which][at, column], sds[which][at, column]
    levels = tuple(factor.levels[i] for i in at)
    lower, upper = m - _Z95 * s, m + _Z95 * s
    return GroupEffects(factor.name, factor.columns[column], levels, len(factor.levels), m, s, lower, upper)


def _names(levels: tuple[str, ...], keep: np.ndarray) -> tuple[list[str], bool]:
    """Return the names of some levels, all of a length that one message can hold, and whether that is all of them."""
    limit = max(12, min(escape.LIMIT, _LETTERS // max(1, len(keep))))
    names = [named(levels[i], limit) for i in keep]
    return names, len(keep) == len(levels) and all(name == levels[i] for name, i in zip(names, keep))


def _found(fit: Any, which: int, column: int, levels: tuple[str, ...], text: Any) -> Answer:
    """Return the levels whose name holds a text, those that begin with it first."""
    if not isinstance(text, str):
        raise UsageError(f"A level is searched by a text, not {text!r:.40}.")
    wanted = text.casefold()
    starts, holds = [], []
    for i, level in enumerate(levels):
        folded = level.casefold()
        if folded.startswith(wanted) or named(level).casefold().startswith(wanted):
            starts.append(i)
        elif wanted in folded:
            holds.append(i)
    every = [*starts, *holds]
    found = every[:FOUND]
    content = {"at": found, "names": [named(levels[i]) for i in found], "count": len(every)}
    if not found:
        return content, []
    effects = _effects(fit, which, column, np.array(found))
    return content, _buffers(effects.mean, effects.lower, effects.upper)


def _places(effects: GroupEffects) -> int:
    spread = float(np.median(np.asarray(effects.upper) - np.asarray(effects.lower))) / 4
    return min(max(digits.decimals(float("nan"), spread, float(np.max(np.abs(effects.mean)))), 0), 6)


def _words(fit: Any, which: int, shown: int, total: int) -> str:
    words = []
    if shown < total:
        words.append(
            f"{shown:,} of {total:,} levels are drawn, evenly spaced in rank; the search finds every one of them."
        )
    if isinstance(fit.answer, Optimum):
        words.append("Conditional modes with their conditional 95% intervals, the estimated variances taken as known.")
    else:
        used, all_of_them = fit.draws.effects[which].affordable, fit.draws.n_chains * fit.draws.n_draws
        if used < all_of_them:
            words.append(f"From the first {used:,} of {all_of_them:,} draws.")
    return " ".join(words)


def _compared(fit: Any, which: int, column: int, pair: Any) -> Answer:
    name, _, levels = _factors(fit)[which]
    if not isinstance(pair, list) or len(pair) != 2:
        raise UsageError(f"Two levels are compared, not {pair!r:.40}.")
    first, second = (position(i, len(levels), f"level of {told(name)}") for i in pair)
    if isinstance(fit.answer, Optimum):
        modes, sds = fit.answer.effects()
        contrast = mode_contrast(modes[which][:, column], sds[which][:, column], first, second)
    else:
        contrast = level_contrast(fit.draws.effects[which], column, first, second)
    labels = told(levels[first]), told(levels[second])
    content: dict[str, Any] = {
        "compare": [first, second],
        "names": [named(levels[first]), named(levels[second])],
        "mean": contrast.mean,
        "low": contrast.lower,
        "high": contrast.upper,
        "above": None if np.isnan(contrast.above) else contrast.above,
        "places": digits.decimals(float("nan"), (contrast.upper - contrast.lower) / 4, abs(contrast.mean)),
        "words": difference_words(contrast, labels),
    }
    if first == second or not len(contrast.values):
        return content, []
    facts, heights = curve(
        Marginal("difference", "common", contrast.values, contrast.mean, contrast.lower, contrast.upper)
    )
    return {**content, "curve": facts}, [heights.astype("<f4").tobytes()]


def difference_words(contrast: Contrast, names: tuple[str, str]) -> str:
    """Say how two levels differ: the difference, its interval, and how probable it is that the first is above."""
    if contrast.sd == 0.0 and contrast.mean == 0.0:
        return "A level does not differ from itself: choose two."
    places = digits.decimals(float("nan"), (contrast.upper - contrast.lower) / 4, abs(contrast.mean))
    mean, low, high = (v.replace("-", "−") for v in digits.row([contrast.mean, contrast.lower, contrast.upper], places))
    words = f"{names[0]} minus {names[1]}: {mean}, 95% interval {low} to {high}."
    if np.isnan(contrast.above):
        return (
            f"{words} Of conditional modes, the estimated variances taken as known and the two levels as independent; "
            "for a probability fit a posterior, for example with Exact."
        )
    return f"{words} The probability that {names[0]} is above {names[1]} is {_probability(contrast.above)}."


def _probability(p: float) -> str:
    if p > _SURE:
        return f"more than {_SURE}"
    return f"less than {1 - _SURE:.3f}" if p < 1 - _SURE else f"{p:.3f}"
