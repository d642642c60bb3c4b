"""Formula names: what the elements of a program are called that was made of formulas, not written by a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..design.design import Design
from ..spec.further import outer_name
from ..spec.model_spec import ModelSpec
from ..spec.statement_spec import Letters


@dataclass(frozen=True)
class FormulaNames:
    """The names of a program's elements as its formulas have them.

    formula: all of them in one line. parameters: the further parameters that have one. priors: of every parameter.
    scalars: shown name by the program's own, "w_sigma[Days]" is "sigma_Days".
    effects: (factor, columns) by parameter. common: the coefficients. groups: (factor, columns, correlated) of each
    group term.
    """

    formula: str = ""
    parameters: tuple[str, ...] = ()
    priors: tuple[tuple[str, str], ...] = ()
    scalars: Mapping[str, str] = field(default_factory=dict)
    effects: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    common: tuple[str, ...] = ()
    groups: tuple[tuple[str, tuple[str, ...], bool], ...] = ()


def formula_names(spec: ModelSpec, letters: Letters, designs: tuple[Design, ...]) -> FormulaNames:
    """Return the names of a model with further formulas, all of whose priors it has.

    designs: of the response's formula, then of each further one.
    """
    scalars: dict[str, str] = {}
    effects: dict[str, tuple[str, tuple[str, ...]]] = {}
    common: list[str] = []
    groups: list[tuple[str, tuple[str, ...], bool]] = []
    parts = zip((spec, *spec.further), (letters, *letters.formulas), designs, strict=True)
    for place, (part, own, design) in enumerate(parts):

        def shown(name: str, parameter: str = part.family.name if place else "") -> str:
            return outer_name(parameter, name) if parameter else name

        for name in design.column_names:
            scalars[_element(own.coefficients, (name,), len(design.column_names))] = shown(name)
        common += map(shown, design.column_names)
        for group, mine in zip(design.groups, own.groups, strict=True):
            columns, factor = group.column_names, group.factor
            for i, column in enumerate(columns):
                scalars[_element(mine.sd, (column,), len(columns))] = shown(f"sd({column} | {factor})")
                for before in columns[:i] if mine.cor else ():
                    scalars[f"{mine.cor}[{column}, {before}]"] = shown(f"cor({before}, {column} | {factor})")
            outer = tuple(map(shown, columns))
            effects[mine.effects] = (factor, outer)
            groups.append((factor, outer, bool(mine.cor) and len(columns) > 1))
    line = "; ".join(one.formula for one in (spec, *spec.further))
    further = tuple(part.family.name for part in spec.further)
    priors = tuple((prior.target.label, prior.distribution.label) for prior in spec.priors)
    priors += tuple(
        (outer_name(part.family.name, prior.target.label), prior.distribution.label)
        for part in spec.further
        for prior in part.priors
    )
    return FormulaNames(line, further, priors, scalars, effects, tuple(common), tuple(groups))


def _element(letter: str, labels: tuple[str, ...], size: int) -> str:
    return letter if size == 1 else f"{letter}[{', '.join(labels)}]"
