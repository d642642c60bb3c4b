"""Model tab: the model in mathematics, long-hand and as Python, its priors, its data and how it was run."""

from __future__ import annotations

from typing import Any

from ...display import escape, mathematics
from ...errors import ProbflowError
from .naming import named
from .tabs import Answer

_TEXT = 20_000  # characters of a text


def answer(fit: Any, question: dict[str, Any]) -> Answer:
    """Return mathematics, texts, priors, notes and the lines of the run."""
    card = fit.card
    text, text_words = _long_hand(fit)
    source, source_words = _source(fit)
    return {
        # Names in it were escaped on the display floor.
        "mathematics": mathematics.html(card.equation),
        "formula": named(card.formula, 2000),
        "text": text,
        "text_words": text_words,
        "python": source,
        "python_words": source_words,
        "priors": _pairs(fit.facts.priors),
        "notes": [named(note, 600) for note in card.notes],
        "run": _pairs(card.run),
    }, []


def _pairs(pairs: tuple[tuple[str, str], ...]) -> list[list[str]]:
    return [[named(label), named(value, 600)] for label, value in pairs]


def _long_hand(fit: Any) -> tuple[str, str]:
    try:
        return _whole(fit.spec.text()), ""
    except ProbflowError as error:
        return "", " ".join(part for part in (error.message, error.hint) if part)


def _source(fit: Any) -> tuple[str, str]:
    if not hasattr(fit.model, "to_python"):
        return "", "This model is a class of your own already."
    try:
        return _whole(fit.model.to_python()), ""
    except ProbflowError as error:
        return "", " ".join(part for part in (error.message, error.hint) if part)


def _whole(text: str) -> str:
    """Return a text of several lines, invisible characters made visible, cut where it is too long to read."""
    shown = "\n".join(escape.visible(line) for line in text.splitlines())
    return shown if len(shown) <= _TEXT else shown[:_TEXT] + "\n…"
