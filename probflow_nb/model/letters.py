"""Letters: the names that a person gave to the parameters of a mixed model by writing it as statements."""

from __future__ import annotations

from typing import Any

from .model import Model


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
    further = letters.auxiliary(model.spec.family.auxiliary)
    for name in model.auxiliary:
        kind, bracket, element = name.partition("[")
        found[name] = f"{further[kind]}{bracket}{element}" if kind in further else name
    return found


def _element(letter: str, labels: tuple[str, ...], size: int) -> str:
    return letter if size == 1 else f"{letter}[{', '.join(labels)}]"
