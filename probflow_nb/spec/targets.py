"""Targets: the left side of a prior statement, the parameter that it speaks of."""

from __future__ import annotations

from ..errors import SpecError
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Binary, Call, Name, Node, Number, Subscript
from .expression import check_variable
from .grouping import interaction
from .priors import Target
from .suggestion import did_you_mean, listed
from .terms import GroupTerm, Term

INTERCEPT = "Intercept"
_COEFFICIENTS = "A prior is for Intercept, a coefficient as shown, sd(g), sd(x | g), cor(g) or sigma."


def read_target(
    node: Node, terms: tuple[Term, ...], groups: tuple[GroupTerm, ...], further: tuple[str, ...] = ("sigma",)
) -> Target:
    """Return the parameter that the left side of a prior names; further: parameters of the family, which come first.

    The factors of an interaction may come in any order; the target has that of the formula's own term.
    Raises SpecError for what cannot name a parameter, and for a grouping factor that the formula has not.
    """
    match node:
        case Name(name) if not node.quoted and name == INTERCEPT:
            return Target("intercept")
        case Name(name) if not node.quoted and name == "sigma":
            return Target("sigma")
        case Name(name) if not node.quoted and name in further:
            return Target(name)
        case Subscript(Name("cut", quoted=False), index) if "cut" in further:
            return Target("cut", index)
        case Call("centered"):
            return _centered(node)
        case Call("sd"):
            return _sd(node, terms, groups)
        case Call("cor"):
            return _cor(node, groups)
        case Number(1.0):
            message = "`1` does not name a parameter."
            raise SpecError(message, span=node.span, hint="Write Intercept for the intercept.")
        case _:
            return Target("coefficient", coefficient_name(node, terms))


def coefficient_name(node: Node, terms: tuple[Term, ...]) -> str:
    """Return the shown name of a coefficient, such as `Machine[B]:temp`."""
    first, pairs = node.chain() if isinstance(node, Binary) else (node, [])
    if any(operator != ":" for operator, _ in pairs):
        raise SpecError(f"{quoted(label(node))} does not name a parameter.", span=node.span, hint=_COEFFICIENTS)
    parts = [first, *(right for _, right in pairs)]
    bases = [part.base if isinstance(part, Subscript) else part for part in parts]
    for base in bases:
        if not isinstance(base, (Name, Call)):
            message = f"{quoted(label(base))} does not name a parameter."
            raise SpecError(message, span=node.span, hint=_COEFFICIENTS)
        check_variable(base)
    order = next((t.factors for t in terms if len(bases) == len(t.factors) and set(t.factors) == set(bases)), None)
    if order is not None:
        parts = [parts[bases.index(factor)] for factor in order]
    return ":".join(label(part) for part in parts)


def _centered(node: Call) -> Target:
    if node.keywords or node.arguments != (Name(INTERCEPT),):
        message = f"{quoted(label(node))} does not name a parameter."
        raise SpecError(message, span=node.span, hint="Only centered(Intercept) has a prior of this kind.")
    return Target("centered intercept")


def _sd(node: Call, terms: tuple[Term, ...], groups: tuple[GroupTerm, ...]) -> Target:
    argument = _only_argument(node, "Write sd(g) for all columns of a group term, sd(x | g) for one.")
    if not (isinstance(argument, Binary) and argument.operator in ("|", "||")):
        factor = _factor(argument, groups)
        # Where the constant alone varies, its sd is the only one, and has one name.
        alone = [not g.terms for g in groups if _shown(g) == factor] == [True]
        return Target("sd", INTERCEPT if alone else None, factor)
    factor = _factor(argument.right, groups)
    column = argument.left
    if column == Number(1.0) or column == Name(INTERCEPT):
        return Target("sd", INTERCEPT, factor)
    inside = tuple(t for g in groups if _shown(g) == factor for t in g.terms)
    return Target("sd", coefficient_name(column, (*inside, *terms)), factor)


def _cor(node: Call, groups: tuple[GroupTerm, ...]) -> Target:
    argument = _only_argument(node, "Write cor(g) for all correlations of a group term.")
    factor = _factor(argument, groups)
    if not any(_shown(g) == factor and _may_correlate(g) for g in groups):
        message = f"{factor} has no correlations: none of its group terms has two correlated columns."
        raise SpecError(message, span=node.span)
    return Target("cor", None, factor)


def _may_correlate(group: GroupTerm) -> bool:
    return group.correlated and bool(group.terms)


def _only_argument(node: Call, hint: str) -> Node:
    if len(node.arguments) != 1 or node.keywords:
        raise SpecError(f"{node.function}() takes one argument.", span=node.span, hint=hint)
    return node.arguments[0]


def _factor(node: Node, groups: tuple[GroupTerm, ...]) -> str:
    """Return the shown name of the grouping factor that has these columns."""
    columns = interaction(node)
    shown = ":".join(label(column) for column in columns)
    for group in groups:
        if set(group.factor) == set(columns) or _shown(group) == shown:
            return _shown(group)
    known = list(dict.fromkeys(_shown(group) for group in groups))
    if not known:
        message = f"The formula has no group terms, so there is no {quoted(shown)} to vary over."
        raise SpecError(message, span=node.span, hint=f"Add one to the formula: (1 | {shown}).")
    hint = did_you_mean(shown, known, f"The grouping factors are {listed(known)}.")
    if len(known) == 1:
        hint = f"The grouping factor is {known[0]}."
    raise SpecError(f"No group term varies over {quoted(shown)}.", span=node.span, hint=hint)


def _shown(group: GroupTerm) -> str:
    return ":".join(label(column) for column in group.factor)
