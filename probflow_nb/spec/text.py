"""Text: a ModelSpec back to the model text, and the names under which its parts are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ProbflowError
from ..lang.grammar import parse_expression
from ..lang.printer import print_name, print_node, print_number, print_subscript
from .families import GAUSSIAN
from .further import outer_name
from .priors import Distribution, Target
from .targets import coefficient_name
from .terms import GroupTerm, Term

if TYPE_CHECKING:
    from .model_spec import ModelSpec

_CENTERED_COMMENT = "  # the value at the predictors' means"


def model_text(spec: ModelSpec) -> str:
    """Return the formula, then family and weights if they are not the default, then one line for each prior.

    The text means the same model: lower(parse(model_text(spec))) == spec.
    """
    lines = [formula_text(spec), *map(formula_text, spec.further)]
    if spec.family != GAUSSIAN:
        lines.append(f"family = {spec.family.label}")
    if spec.weights is not None:
        lines.append(f"weights = {print_node(spec.weights)}")
    lines += [prior_text(prior.target, prior.distribution) for prior in spec.priors]
    for part in spec.further:
        for prior in part.priors:
            left, comment, right = prior_text(prior.target, prior.distribution).partition(" ~ ")
            lines.append(f"{outer_name(part.family.name, left)}{comment}{right}")
    return "\n".join(lines)


def formula_text(spec: ModelSpec) -> str:
    """Return the formula in one line, such as `Reaction ~ Days + (Days | Subject)`."""
    parts = [_term_text(term) for term in spec.terms]
    if not spec.intercept:
        parts.insert(0, "0")
    elif not parts:
        parts = ["1"]
    parts += [group_text(group) for group in spec.groups]
    parts += [f"offset({print_node(offset)})" for offset in spec.offsets]
    return f"{print_node(spec.response)} ~ {' + '.join(parts)}"


def group_text(group: GroupTerm) -> str:
    """Return a group term as a text has it, such as `(0 + Machine | Worker)`."""
    parts = [_term_text(term) for term in group.terms]
    if not group.intercept:
        parts.insert(0, "0")
    elif not parts:
        parts = ["1"]
    bar = "|" if group.correlated else "||"
    return f"({' + '.join(parts)} {bar} {':'.join(print_node(column) for column in group.factor)})"


def prior_text(target: Target, distribution: Distribution) -> str:
    """Return one prior statement, with numbers that read back exactly."""
    comment = _CENTERED_COMMENT if target.kind == "centered intercept" else ""
    return f"{target_text(target)} ~ {distribution_text(distribution)}{comment}"


def distribution_text(distribution: Distribution) -> str:
    """Return a distribution with its numbers in their shortest exact form."""
    return f"{distribution.name}({', '.join(map(print_number, distribution.arguments))})"


def target_text(target: Target) -> str:
    """Return the left side of a prior statement; names that are not plain stand in backquotes."""
    match target.kind:
        case "coefficient":
            return _coefficient_text(target.name or "")
        case "sd" if target.name == "Intercept":
            return f"sd(Intercept | {_factor_text(target.factor or '')})"
        case "sd" if target.name is not None:
            return f"sd({_coefficient_text(target.name)} | {_factor_text(target.factor or '')})"
        case "sd" | "cor":
            return f"{target.kind}({_factor_text(target.factor or '')})"
        case "cut" if target.name is not None:
            return print_subscript("cut", target.name)
        case _:
            return target.label


def _term_text(term: Term) -> str:
    return ":".join(print_node(factor) for factor in term.factors)


def _coefficient_text(name: str) -> str:
    """Return a shown name as it is, if it reads back as itself; else in backquotes."""
    if name in ("Intercept", "sigma"):
        return f"`{name}`"
    candidates = (name, ":".join(map(_part_text, name.split(":"))))
    return next((text for text in candidates if _reads_as(text, name)), _backquoted(name))


def _reads_as(text: str, name: str) -> bool:
    try:
        return coefficient_name(parse_expression(text), ()) == name
    except ProbflowError:
        return False


def _part_text(part: str) -> str:
    """Return one factor of a shown name with its column in backquotes, the level as it is."""
    base, bracket, index = part.partition("[")
    return print_subscript(print_name(base), index[:-1]) if bracket and base else print_name(part)


def _factor_text(name: str) -> str:
    parts = name.split(":")
    return ":".join(map(print_name, parts)) if all(parts) else print_name(name)


def _backquoted(name: str) -> str:
    text = print_name(name)
    return text if text.startswith("`") else f"`{text}`"
