"""The tree of a model text: frozen nodes that keep their spans.

Two nodes are equal when they mean the same text; spans do not take part in comparison. A long sum is a deep
chain of left operands, so whatever walks a tree goes down that side in a loop, never by recursion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from ..errors import Span

_NOWHERE = Span(0, 0)


@dataclass(frozen=True)
class Name:
    """A column, parameter, function or family name; backquotes are already taken off.

    quoted: whether it stood in backquotes, which makes `sigma` a column and not the parameter.
    """

    name: str
    span: Span = field(default=_NOWHERE, compare=False, repr=False)
    quoted: bool = field(default=False, compare=False, repr=False)


@dataclass(frozen=True)
class Number:
    """A number; `value` is a float, printed back in its shortest form."""

    value: float
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class String:
    """A quoted string, quotes taken off."""

    value: str
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Unary:
    """A prefix operator: + or -."""

    operator: str
    operand: Node
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Binary:
    """An infix operator: one of + - * / : ** %in% | || @ by; `^` is read as `**`."""

    operator: str
    left: Node
    right: Node
    span: Span = field(default=_NOWHERE, compare=False, repr=False)

    def chain(self) -> tuple[Node, list[tuple[str, Node]]]:
        """Return the leftmost operand and the (operator, right operand) pairs that follow it."""
        pairs: list[tuple[str, Node]] = []
        node: Node = self
        while isinstance(node, Binary):
            pairs.append((node.operator, node.right))
            node = node.left
        return node, pairs[::-1]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Binary):
            return NotImplemented
        return self.chain() == other.chain()

    def __hash__(self) -> int:
        first, pairs = self.chain()
        return hash((first, *pairs))

    def __repr__(self) -> str:
        first, pairs = self.chain()
        opening = "".join(f"Binary({operator!r}, " for operator, _ in reversed(pairs))
        return opening + repr(first) + "".join(f", {right!r})" for _, right in pairs)


@dataclass(frozen=True)
class Call:
    """A call such as log(x), poly(x, 2), sd(Days | Subject), Normal(0, sd = 1).

    keywords: (name, value) pairs in the order written. keyword_spans: where those names stand, if known.
    """

    function: str
    arguments: tuple[Node, ...] = ()
    keywords: tuple[tuple[str, Node], ...] = ()
    span: Span = field(default=_NOWHERE, compare=False, repr=False)
    function_span: Span = field(default=_NOWHERE, compare=False, repr=False)
    keyword_spans: tuple[Span, ...] = field(default=(), compare=False, repr=False)

    def keyword_span(self, name: str) -> Span:
        """Return where an argument's name stands."""
        spans = dict(zip((keyword for keyword, _ in self.keywords), self.keyword_spans))
        return spans.get(name, self.span)


@dataclass(frozen=True)
class Subscript:
    """One column of an expression that has several, such as Machine[B] or poly(x, 2)[1].

    base: a Name or a Call. index: the text between the brackets, quotes taken off.
    """

    base: Node
    index: str
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


Node: TypeAlias = Name | Number | String | Unary | Binary | Call | Subscript


@dataclass(frozen=True)
class Tilde:
    """A statement `left ~ right`: a formula, a likelihood or a prior."""

    left: Node
    right: Node
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Definition:
    """A statement `name = value`."""

    name: str
    value: Node
    span: Span = field(default=_NOWHERE, compare=False, repr=False)
    name_span: Span = field(default=_NOWHERE, compare=False, repr=False)


Statement: TypeAlias = Tilde | Definition


@dataclass(frozen=True)
class Block:
    """A whole model text: its statements in order."""

    statements: tuple[Statement, ...]
    source: str = field(default="", compare=False, repr=False)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below, in the order of the text."""
    match node:
        case Unary():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Call():
            return (*node.arguments, *(value for _, value in node.keywords))
        case Subscript():
            return (node.base,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and every node below it, in the order of the text, without recursion."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        waiting.extend(reversed(children(here)))
