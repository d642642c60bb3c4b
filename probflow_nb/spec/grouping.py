"""Grouping: the right of a bar, one factor or an interaction of factors for each group term it makes."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import SpecError
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Binary, Call, Name, Node
from .terms import MOST_FACTORS

_ALLOWED = "A grouping factor is a column g, an interaction a:b, or nested columns a/b."


def grouping_factors(node: Node) -> list[tuple[Node, ...]]:
    """Return the factors that the right of a bar stands for: `a/b` is a and a:b.

    Raises SpecError for numbers, calls and other operators.
    """
    inner: list[Node] = []
    outermost = node
    while isinstance(outermost, Binary) and outermost.operator == "/":
        inner.append(outermost.right)
        outermost = outermost.left
    factors = [interaction(outermost)]
    for nested in reversed(inner):
        factors.append(_checked(dict.fromkeys((*factors[-1], *interaction(nested))), node))
    return factors


def interaction(node: Node) -> tuple[Node, ...]:
    """Return the columns of a grouping factor such as `a:b`, each once, in the order written."""
    if isinstance(node, Name):
        if node.name == "." and not node.quoted:
            raise SpecError("`.` is not a grouping factor.", span=node.span, hint=_ALLOWED)
        return (node,)
    if isinstance(node, Binary) and node.operator == ":":
        first, pairs = node.chain()
        if all(operator == ":" for operator, _ in pairs):
            parts = (first, *(right for _, right in pairs))
            return _checked(dict.fromkeys(column for part in parts for column in interaction(part)), node)
    raise SpecError(f"{quoted(label(node))} is not a grouping factor.", span=node.span, hint=_advice(node))


def _checked(columns: Iterable[Node], node: Node) -> tuple[Node, ...]:
    found = tuple(columns)
    if len(found) > MOST_FACTORS:
        message = f"The grouping factor joins more than {MOST_FACTORS} columns."
        raise SpecError(message, span=node.span, hint="Make one column of them in the data first.")
    return found


def _advice(node: Node) -> str:
    if isinstance(node, Binary) and isinstance(node.left, Name) and isinstance(node.right, Name):
        a, b = label(node.left), label(node.right)
        if node.operator == "+":
            return f"Write one group term for each: (... | {a}) + (... | {b})."
        if node.operator == "*":
            return f"Write one group term for each: (... | {a}) + (... | {b}) + (... | {a}:{b})."
        if node.operator == "%in%":
            return f"Write {a}:{b}."
    if isinstance(node, Call) and node.function in ("factor", "as.factor") and len(node.arguments) == 1:
        return f"Write {label(node.arguments[0])} alone: every grouping column is read as a factor."
    return _ALLOWED
