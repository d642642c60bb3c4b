"""Letters: what the parameters of a mixed model are called by a person who wrote it as statements."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..inference.engine import Optimum, Posterior
from ..model.model import Model
from ..posterior.verdict import Verdict


def shown_names(model: Any) -> dict[str, str]:
    """Return the person's name of each scalar and parameter that has one: "Days" is w[Days], "sd[Subject]" is tau.

    Empty for a formula, and for a model of one's own, whose names are the person's anyway.
    """
    letters = model.spec.letters if isinstance(model, Model) else None
    if letters is None:
        return {}
    design, found = model.design, {}
    if letters.coefficients:
        found["beta"] = letters.coefficients
        found |= {
            name: _element(letters.coefficients, (name,), len(design.column_names)) for name in design.column_names
        }
    for group, own in zip(design.groups, letters.groups, strict=True):
        factor, columns = group.factor, group.column_names
        found |= {f"sd({c} | {factor})": _element(own.sd, (c,), len(columns)) for c in columns if own.sd}
        for i in range(len(columns) if own.cor else 0):
            for j in range(i):
                name = f"cor({columns[j]}, {columns[i]} | {factor})"
                found[name] = _element(own.cor, (columns[j], columns[i]), 2)
        if sum(other.factor == factor for other in design.groups) == 1:
            whole = {f"sd[{factor}]": own.sd, f"cor[{factor}]": own.cor, f"b[{factor}]": own.effects}
            found |= {name: letter for name, letter in whole.items() if letter}
    if letters.sigma:
        found["sigma"] = letters.sigma
    return found


def _element(letter: str, labels: tuple[str, ...], size: int) -> str:
    return letter if size == 1 else f"{letter}[{', '.join(labels)}]"


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
