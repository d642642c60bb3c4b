"""Further formulas: a further parameter of the family with a linear predictor of its own, such as `sigma ~ Days`.

Beside `Reaction ~ Days`, the line `sigma ~ Days + (1 | Subject)` says log(sigma) = X w + Z u; a probability is on the
logit scale. Its coefficients are called sigma_Intercept, sigma_Days, its sds sd(sigma_Intercept | Subject); together
they are sd(sigma | Subject), and their correlations cor(sigma | Subject).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import SpecError
from ..lang.source import quoted
from ..lang.tree import Binary, Call, Name, Node, Number, Subscript, Tilde
from .distributions import names_distribution
from .families import KINDS, Family
from .signatures import DEFAULT
from .suggestion import listed

if TYPE_CHECKING:
    from .model_spec import ModelSpec

PARAMETERS = tuple(dict.fromkeys(name for kind in KINDS for name in kind.auxiliary))
"""The further parameters of all families."""

INVERSES = {"log": "exp", "logit": "inv_logit"}
"""The function of statements that undoes the link of a further parameter."""

_PROBABILITIES = ("zero",)


def parameter_family(name: str) -> Family:
    """Return what stands for the family of a further parameter: its name, its own link, nothing further."""
    return Family(name, "logit" if name in _PROBABILITIES else "log", ())


def is_further(statement: Tilde) -> bool:
    """Whether a statement can be the formula of a further parameter: no distribution stands on its right."""
    left, right = statement.left, statement.right
    if not isinstance(left, Name) or left.quoted or left.name not in PARAMETERS or names_distribution(right):
        return False
    if isinstance(right, Name) and right.name == DEFAULT:
        return False
    return not isinstance(right, Number) or right.value in (0, 1)


def divided(formulas: Sequence[Tilde]) -> tuple[list[Tilde], list[Tilde]]:
    """Return the formulas of the response and those of further parameters; of a text with one formula it is the first.

    A text in which every left side is the name of such a parameter begins with its response.
    """
    if len(formulas) < 2:
        return list(formulas), []
    own = [s for s in formulas if not is_further(s)] or [formulas[0]]
    return own, [s for s in formulas if s not in own]


def check_further(statements: Sequence[Tilde], family: Family) -> None:
    """Raise SpecError for a formula of what the family does not have, and for two of one parameter."""
    seen: set[str] = set()
    for statement in statements:
        name = statement.left.name if isinstance(statement.left, Name) else ""
        shown, span = family.label.partition("(")[0], statement.left.span
        if name not in family.auxiliary:
            known = listed(map(quoted, family.auxiliary)) if family.auxiliary else ""
            hint = f"Its further parameters are {known}." if known else "It has no further parameters."
            raise SpecError(f"The family {shown} has no {quoted(name)}.", span=span, hint=hint)
        if name == "cut":
            message = "The cutpoints of an ordinal response have no formula of their own."
            raise SpecError(message, span=span, hint="Predictors move all of them together, in the response's formula.")
        if name in seen:
            raise SpecError(f"{quoted(name)} has two formulas.", span=statement.span, hint="Keep one of them.")
        seen.add(name)


def in_order(statements: Sequence[Tilde], family: Family) -> list[Tilde]:
    """Return the formulas in the order of the family's parameters."""
    names = [s.left.name if isinstance(s.left, Name) else "" for s in statements]
    return [statements[names.index(name)] for name in family.auxiliary if name in names]


def within(node: Node, name: str) -> Node | None:
    """Return the left side of a prior as the formula of a further parameter has it, or None if it is not of it.

    sigma_Days is Days, sd(sigma_Days | g) is sd(Days | g), sd(sigma | g) is sd(g), cor(sigma | g) is cor(g).
    """
    prefix = f"{name}_"
    match node:
        case Name(own) if own.startswith(prefix) and own != prefix:
            return replace(node, name=own.removeprefix(prefix))
        case Call("sd" | "cor", (Binary("|" | "||", Name(own), factor),), ()) if own == name:
            return replace(node, arguments=(factor,))
        case Call("sd", (Binary("|" | "||", left, _) as bar,), ()):
            inner = within(left, name)
            return None if inner is None else replace(node, arguments=(replace(bar, left=inner),))
        case Call("centered", (argument,), ()):
            inner = within(argument, name)
            return None if inner is None else replace(node, arguments=(inner,))
        case Call(function) if function.startswith(prefix):
            return replace(node, function=function.removeprefix(prefix))
        case Subscript(base):
            inner = within(base, name)
            return None if inner is None else replace(node, base=inner)
        case Binary(":", left):
            inner = within(left, name)
            return None if inner is None else replace(node, left=inner)
        case _:
            return None


def owner(node: Node, spec: ModelSpec) -> tuple[ModelSpec, Node] | None:
    """Return the further formula that a prior's left side speaks of, with the left side as it has it, or None.

    A term of the response's own formula comes first.
    """
    if any(term.factors == (node,) for term in spec.terms):
        return None
    for part in spec.further:
        name = part.family.name
        inner = within(node, name)
        if inner is not None:
            return part, inner
    return None


def outer_name(name: str, shown: str) -> str:
    """Return the shown name of a coefficient, sd or correlation of a further formula among all of the model.

    Days is sigma_Days, sd(Days | g) is sd(sigma_Days | g), sd(g) is sd(sigma | g), centered(Intercept) is
    centered(sigma_Intercept), cor(Intercept, Days | g) is cor(sigma_Intercept, sigma_Days | g).
    """
    for call in ("sd", "cor"):
        if shown.startswith(f"{call}(") and shown.endswith(")"):
            columns, bar, factor = shown[len(call) + 1 : -1].rpartition(" | ")
            if not bar:
                return f"{call}({name} | {factor})"
            if call == "sd":
                return f"sd({_prefixed(name, columns)} | {factor})"
            return f"cor({', '.join(_prefixed(name, column) for column in columns.split(', '))} | {factor})"
    if shown == "centered(Intercept)":
        return f"centered({name}_Intercept)"
    return _prefixed(name, shown)


def _prefixed(name: str, column: str) -> str:
    return f"`{name}_{column[1:]}" if column.startswith("`") else f"{name}_{column}"
