"""Posterior tab: a density a scalar, and the joint draws of two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...display import digits
from ...display.card import Marginal
from ...display.density import density
from ...errors import UsageError
from ...inference.engine import Posterior
from .naming import named, place, position, told
from .tabs import Answer

PAGE = 24  # densities of one message
_POINTS = 160
_DOTS = 1000  # joint draws that are shown
_BOUNDS = {"variance": (0.0, math.inf), "correlation": (-1.0, 1.0)}
_STRENGTHS = ((0.1, "next to none"), (0.3, "weak"), (0.6, "moderate"), (0.85, "strong"), (2.0, "very strong"))


def answer(fit: Any, question: dict[str, Any]) -> Answer:
    """Return densities from one scalar on, or the joint draws of a pair of scalars."""
    if not isinstance(fit.answer, Posterior):
        return {
            "words": "A point fit has estimates and no posterior: there are no densities to draw. "
            "Run it again with Exact, NUTS or VI to have them."
        }, []
    shown = fit.card.marginals
    if not shown:
        return {"words": "This model has no scalar parameters; what it has stands under Groups."}, []
    if "pair" in question:
        return _joint(shown, question["pair"])
    first = place(question, "from", len(shown), 0)
    pictures, buffers = [], []
    for marginal in shown[first : first + PAGE]:
        facts, heights = curve(marginal)
        pictures.append(facts)
        buffers.append(heights.astype("<f4").tobytes())
    names = [named(marginal.name) for marginal in shown]
    return {"names": names, "from": first, "pictures": pictures, "total": len(shown)}, buffers


def curve(marginal: Marginal) -> tuple[dict[str, Any], np.ndarray]:
    """Return what a density picture is made of, and its heights (m,) with a maximum of 1."""
    values = np.asarray(marginal.values, float)
    values = values[np.isfinite(values)]
    mean, low, high = (float(v) for v in (marginal.mean, marginal.lower, marginal.upper))
    facts = {
        "name": named(marginal.name),
        "role": marginal.role,
        "mean": _finite(mean),
        "low": _finite(low),
        "high": _finite(high),
        "places": digits.decimals(math.nan, (high - low) / 4, abs(mean)),
    }
    if len(values) < 2 or np.ptp(values) <= 1e-12 * np.abs(values).max():
        return {**facts, "start": facts["mean"], "step": 0.0}, np.ones(1)
    bounds = marginal.bounds or _BOUNDS.get(marginal.role, (-math.inf, math.inf))
    grid, heights = density(values, *bounds, points=_POINTS)
    return {**facts, "start": float(grid[0]), "step": float(grid[1] - grid[0])}, heights / heights.max()


def _joint(shown: tuple[Marginal, ...], pair: Any) -> Answer:
    if not isinstance(pair, list) or len(pair) != 2:
        raise UsageError(f"A pair is two parameters, not {pair!r:.40}.")
    two = [shown[position(i, len(shown), "parameter")] for i in pair]
    values = np.stack([np.asarray(m.values, float) for m in two])
    keep = np.unique(np.linspace(0, values.shape[1] - 1, _DOTS).round().astype(int))
    names = [named(m.name) for m in two]
    return {
        "pair": pair,
        "names": names,
        "total": values.shape[1],
        "words": correlation_words(values, [told(m.name) for m in two]),
        "places": [digits.decimals(math.nan, (m.upper - m.lower) / 4, abs(m.mean)) for m in two],
    }, [row[keep].astype("<f4").tobytes() for row in values]


def correlation_words(values: np.ndarray, names: list[str]) -> str:
    """Say how strongly two rows of draws (2, S) are correlated."""
    spread = values.std(axis=1)
    if not (np.isfinite(values).all() and (spread > 0).all()):
        return "One of the two does not vary: there is no correlation."
    r = float(np.corrcoef(values)[0, 1])
    strength = next(word for bound, word in _STRENGTHS if abs(r) < bound)
    sign = "" if strength == "next to none" else (", negative" if r < 0 else ", positive")
    written = f"{r:.2f}".replace("-", "−")
    return f"The correlation of {names[0]} and {names[1]} is {written}: {strength}{sign}."


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
