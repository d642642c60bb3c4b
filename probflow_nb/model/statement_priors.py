"""Statement priors: a model that was written as statements has no parameter without a prior that stands in the text."""

from __future__ import annotations

from collections.abc import Sequence

from ..design.design import Design
from ..errors import SpecError
from ..lang.source import quoted
from ..spec.model_spec import ModelSpec
from ..spec.statement_spec import StatementSpec
from ..spec.suggestion import did_you_mean


def check_priors(spec: ModelSpec, design: Design) -> None:
    """Raise SpecError for an element of w or tau that no statement speaks of, and for one that there is not.

    A model that was written as a formula is not looked at: what it does not say has a default.
    """
    if spec.statements is None or spec.letters is None:
        return
    dropped = {column.name for column in design.dropped_columns}
    if spec.letters.coefficients:
        _check(spec.statements, spec.letters.coefficients, design.column_names, dropped)
    for letters, group in zip(spec.letters.groups, design.groups):
        _check(spec.statements, letters.sd, group.column_names, set())


def _check(statements: StatementSpec, letter: str, names: Sequence[str], dropped: set[str]) -> None:
    declared = {d.element: d for d in statements.declarations if d.name == letter}
    for element, declaration in declared.items():
        if element is not None and element not in names:
            hint = did_you_mean(element, names, f"Its elements are {', '.join(names[:12])}.")
            if element in dropped:
                hint = "This column of the design is left out, since the others determine it."
            message = f"{quoted(letter)} has no element {quoted(element)}."
            raise SpecError(message, text=statements.source, span=declaration.left, hint=hint)
    missing = [name for name in names if name not in declared]
    if missing and None not in declared:
        first = next(iter(declared.values()))
        message = f"{quoted(f'{letter}[{missing[0]}]')} has no prior."
        hint = f"Give it one, or all others together: {letter} ~ Normal(0, 10)."
        raise SpecError(message, text=statements.source, span=first.left, hint=hint)
