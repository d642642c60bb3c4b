"""Value: the checks that hold for every expression of statements before there are data.

Where the language of formulas reads + and * as sets of terms, here every sign is arithmetic, on numbers, columns,
arrays and parameters; `@` multiplies a matrix with a parameter, and u[g] takes for each row the element of its level.
"""

from __future__ import annotations

from ..errors import SpecError
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Binary, Call, Name, Node, Number, String, Subscript, Unary
from .expansion import expand
from .expression import DEEPEST, check_arithmetic
from .grouping import interaction
from .signatures import DISTRIBUTIONS
from .statement_spec import INTERCEPT, PARTS, is_by
from .suggestion import did_you_mean, listed
from .transforms import FOREIGN, TRANSFORMS, TRUTH

ELEMENTWISE = ("log", "log2", "log10", "log1p", "exp", "expm1", "sqrt", "abs", "I")
"""The functions of numbers that also take parameters."""

LINKS = ("logit", "inv_logit", "probit", "inv_probit", "inv_cloglog", "tanh", "softplus")
"""Further functions of numbers, between the scale of a link and that of the response."""

STATEFUL = ("center", "scale", "standardize")
"""Functions of columns alone, since they remember the data of the fit."""

_FUNCTIONS = (*ELEMENTWISE, *LINKS, *STATEFUL, *PARTS)
_SIGNS = ("+", "-", "*", "/", "**", "@")


def check_value(node: Node, *, whole: bool = False) -> None:
    """Accept an expression of numbers, columns, arrays, parameters and definitions.

    whole: whether it is the whole of a definition, where `design(...) by g` may stand.
    Raises SpecError for anything else.
    """
    _check(node, 0, whole)


def _check(node: Node, depth: int, whole: bool = False) -> None:
    if depth > DEEPEST:
        message = f"The expression has more than {DEEPEST} operators inside each other."
        raise SpecError(message, span=node.span, hint="Define a part of it on a line of its own.")
    match node:
        case Number():
            return
        case Name(name):
            if not node.quoted and (name in TRUTH or name == "."):
                raise SpecError(f"{quoted(name)} is not a number.", span=node.span)
        case Unary():
            _check(node.operand, depth + 1)
        case Binary("by"):
            _check_by(node)
        case Binary(operator) if operator in _SIGNS:
            _check(node.left, depth + 1)
            _check(node.right, depth + 1)
        case Binary(operator):
            message = f"`{operator}` has no meaning in arithmetic."
            hint = f"Statements have {listed(_SIGNS)}; terms of a formula stand inside design(...)."
            raise SpecError(message, span=node.span, hint=hint)
        case Call():
            _check_call(node, depth)
        case Subscript():
            _check_subscript(node)
        case String():
            raise SpecError(f"The text {quoted(label(node))} is not a number.", span=node.span)


def _check_by(node: Binary) -> None:
    if not (isinstance(node.left, Call) and node.left.function == "design"):
        message = f"{quoted(label(node.left))} cannot vary `by` a factor."
        raise SpecError(message, span=node.left.span, hint="Write design(1 + x) by g, or indicators(g).")
    _check_design(node.left)
    interaction(node.right)


def _check_call(node: Call, depth: int) -> None:
    if node.function == "design":
        _check_design(node)
    elif node.function == "indicators":
        interaction(_only(node, "the grouping factor: indicators(g) or indicators(a:b)"))
    elif node.function in STATEFUL:
        check_arithmetic(node)
    elif node.function in (*ELEMENTWISE, *LINKS):
        _check(_only(node, "a number, a column or a parameter"), depth + 1)
    else:
        raise _unknown(node)


def _only(node: Call, what: str) -> Node:
    if len(node.arguments) != 1 or node.keywords:
        raise SpecError(f"{node.function}() takes one argument, {what}.", span=node.span)
    return node.arguments[0]


def _check_design(node: Call) -> None:
    """Accept design(terms), whose terms are those of a formula without group terms."""
    expansion = expand(_only(node, "the terms of a formula: design(1 + x)"))
    if expansion.groups:
        message = "A group term stands inside design()."
        hint = "Write a matrix of its own: Z = indicators(g), or Z = design(1 + x) by g."
        raise SpecError(message, span=expansion.groups[0].span, hint=hint)
    if expansion.offsets or expansion.weights is not None:
        message = "offset() and weights() cannot stand inside design()."
        hint = "Add an offset to the mean; divide the sd by sqrt(weights)."
        raise SpecError(message, span=node.span, hint=hint)
    if not expansion.intercept and not expansion.terms:
        raise SpecError("The design has no columns.", span=node.span, hint="Write design(1) for an intercept alone.")


def _check_subscript(node: Subscript) -> None:
    if not isinstance(node.base, Name):
        message = f"{quoted(label(node))} takes an element of what is not a parameter."
        raise SpecError(message, span=node.span, hint="Write u[g] for the element of each row's level.")


def _unknown(node: Call) -> SpecError:
    span = node.function_span
    if node.function in DISTRIBUTIONS:
        message = f"The distribution {node.function} stands inside an expression."
        return SpecError(message, span=span, hint=f"Give it a line of its own: name ~ {node.function}(...).")
    if node.function in TRANSFORMS or node.function in ("offset", "weights"):
        message = f"{node.function}() stands outside design()."
        return SpecError(message, span=span, hint=f"Write X = design({label(node)}), then X @ w.")
    if node.function in ("sd", "cor", "centered"):
        message = f"{node.function}() is a part of formulas; in statements it has no meaning here."
        return SpecError(message, span=span, hint="Declare a parameter with a prior of its own and use its name.")
    known = f"The functions are {listed(_FUNCTIONS)}."
    hint = FOREIGN.get(node.function) or did_you_mean(node.function, (*_FUNCTIONS, *DISTRIBUTIONS), known)
    return SpecError(f"There is no function called {quoted(node.function)}.", span=span, hint=hint)


def has_intercept(design: Call) -> bool:
    """Whether a design has the constant column, whose coefficient is called Intercept."""
    return expand(design.arguments[0]).intercept


def matrix_label(node: Node) -> str:
    """Return a matrix as a sentence shows it, such as `design(1 + Days) by Subject`."""
    return label(node) if isinstance(node, Call) or is_by(node) else quoted(label(node))


__all__ = ["ELEMENTWISE", "INTERCEPT", "LINKS", "STATEFUL", "check_value", "has_intercept", "matrix_label"]
