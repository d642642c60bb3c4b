"""Panel words: a training's snapshot as plain values that the panel shows, and a person's numbers read back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from ...display.digits import count
from ...display.progress import duration
from ...display.theme import sign
from ...errors import EngineError
from ...inference.auto import extendable
from ...inference.engine import Posterior
from ..cell.training import NOTHING_YET, Snapshot, Training
from ..message import text as shown

# Figures of an engine that have a control of their own.
STEERED = {"learning_rate": "learning rate", "kl_weight": "KL weight"}
_WORDS = {
    "rhat": ("rhat", 3),
    "ess": ("ESS", 0),
    "divergences": ("divergences", 0),
    "accept": ("acceptance", 2),
    "depth": ("tree depth", 1),
    "divergence": ("last change", 4),
}
_SIGNIFICANT = 3
_LONGEST = 15  # digits of a number that anybody could mean


def state(training: Training, snapshot: Snapshot, steered: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return everything that the panel's line and controls need; steered: what no step has been made with yet."""
    found: dict[str, Any] = {
        "status": snapshot.status,
        "name": training.name,
        "engine": snapshot.engine,
        "phase": snapshot.phase,
        "fraction": _fraction(snapshot),
        "elapsed": snapshot.elapsed,
        "remaining": snapshot.remaining,
        "figures": figures(snapshot.figures),
        "objective": _objective(snapshot),
        "steering": _steering({**snapshot.figures, **(steered or {})}),
        "message": snapshot.message,
        "hint": "",
        "halted": getattr(training.error, "message", "") == NOTHING_YET,
        "over": {},
    }
    if snapshot.status == "failed":
        found["hint"] = getattr(training.error, "hint", None) or ""
    if not snapshot.active and training.fit is not None:
        found["over"] = over(training)
    return found


def figures(known: Mapping[str, float]) -> list[list[str]]:
    """Return an engine's own figures as pairs of name and number, those that a person knows first."""
    known = {key: value for key, value in known.items() if math.isfinite(value)}
    found = [[word, _number(known[key], places)] for key, (word, places) in _WORDS.items() if key in known]
    for key, value in known.items():
        if key not in _WORDS and key not in STEERED:
            found.append([key.replace("_", " "), _number(value)])
    return found


def over(training: Training) -> dict[str, Any]:
    """Return what the folded line says of the last fit: verdict, how it was made, what more it takes."""
    fit = training.fit
    assert fit is not None
    mark = sign(fit.verdict.level)
    # What is cut where the line is narrow stands last.
    words = [type(fit.engine).__name__, *(["stopped"] if fit.stopped else [])]
    draws = fit.answer.draws if isinstance(fit.answer, Posterior) else None
    if draws is not None:
        words.append(f"{count(draws.n_chains * draws.n_draws)} draws")
    words.append(duration(fit.seconds))
    if fit.device:
        words.append(fit.device)
    if draws is not None:
        words.append(f"seed {fit.seed}")
    units = extendable(fit.engine) if fit.goes_on else ()
    return {
        "level": fit.verdict.level,
        "icon": mark.icon,
        "word": mark.word,
        "sentence": fit.verdict.sentence,
        "words": words,
        "units": [[unit, _usual(fit.engine, unit)] for unit in units],
        "stopped": fit.stopped,
        "final": "" if units else f"{type(fit.engine).__name__} has nothing to add",
    }


def amount(value: Any, unit: str) -> dict[str, int]:
    """Return how much more is asked for, as words of `Fit.further`; raises EngineError unless it is a whole number."""
    text = str(value if value is not None else "").replace(",", "").strip()
    if unit not in ("draws", "steps"):
        raise EngineError(f'More takes draws or steps, not "{shown(unit)}".')
    if not text.isdecimal() or len(text) > _LONGEST or int(text) < 1:
        raise EngineError(f'More takes a whole number of {unit} of at least 1, not "{shown(text)}".')
    return {unit: int(text)}


def steered(run: Any, name: str, value: Any) -> float:
    """Return a number that the running engine may be steered by; raises EngineError for any other."""
    label = STEERED.get(name) or shown(name)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise EngineError(f'The {label} is a number, not "{shown(value)}".') from None
    if not math.isfinite(number):
        raise EngineError(f"The {label} is a finite number.")
    engine = getattr(run, "engine", None)
    if engine is not None and name in {field.name for field in fields(engine)}:
        replace(engine, **{name: number})  # the engine's own sentence for what is out of range
    return number


def _fraction(snapshot: Snapshot) -> float | None:
    if not snapshot.total or not snapshot.step:  # nothing to measure a share by, as while compiling
        return None
    return min(max(snapshot.step / snapshot.total, 0.0), 1.0)


def _objective(snapshot: Snapshot) -> float | None:
    return float(snapshot.trail[-1, 1]) if len(snapshot.trail) else None


def _steering(known: Mapping[str, float]) -> list[list[Any]]:
    return [[name, label, float(known[name])] for name, label in STEERED.items() if name in known]


def _usual(engine: Any, unit: str) -> int:
    """Return the amount that stands in the field at first."""
    return 5000 if unit == "steps" else int(min(getattr(engine, "draws", 2000), 4000))


def _number(value: float, places: int | None = None) -> str:
    if places is not None:
        return f"{value:,.{places}f}".replace("-", "−")
    return f"{value:.{_SIGNIFICANT}g}".replace("-", "−")
