"""Letters: an answer in the names of the person who wrote a mixed model as statements."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..inference.engine import Optimum, Posterior
from ..model.letters import shown_names
from ..posterior.verdict import Verdict


def in_letters(model: Any, answer: Posterior | Optimum) -> Posterior | Optimum:
    """Return the answer with the person's names; draws are still found under the names of the formula."""
    names = shown_names(model)
    if not names:
        return answer
    if isinstance(answer, Optimum):
        return replace(answer, names=tuple(names.get(name, name) for name in answer.names))
    draws = answer.draws
    effects = tuple(replace(e, key=names.get(e.name, e.key)) for e in draws.effects)
    shown = tuple(names.get(name, name) for name in draws.names)
    renamed = replace(draws, names=shown, effects=effects, aliases=names)
    return replace(answer, draws=renamed, verdict=_renamed(answer.verdict, names))


def _renamed(verdict: Verdict, names: dict[str, str]) -> Verdict:
    """Return the verdict with the person's names of sds and correlations, which stand for nothing else in a text."""
    notes = verdict.notes
    for name, letter in names.items():
        if name.startswith(("sd(", "cor(")):
            notes = tuple(note.replace(name, letter) for note in notes)
    return replace(verdict, notes=notes)
