"""The tree of a model text: frozen nodes that keep their spans.

Two nodes are equal when they mean the same text; spans do not take part in comparison.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from ..errors import Span

_NOWHERE = Span(0, 0)


@dataclass(frozen=True)
class Name:
    """A column, parameter, function or family name; backquotes are already taken off."""

    name: str
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


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
    """An infix operator: one of + - * / : ** %in% | || @ == and so on."""

    operator: str
    left: Node
    right: Node
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Call:
    """A call such as log(x), poly(x, 2), sd(Days | Subject), Normal(0, sd = 1).

    keywords: (name, value) pairs in the order written.
    """

    function: str
    arguments: tuple[Node, ...] = ()
    keywords: tuple[tuple[str, Node], ...] = ()
    span: Span = field(default=_NOWHERE, compare=False, repr=False)
    function_span: Span = field(default=_NOWHERE, compare=False, repr=False)


Node: TypeAlias = Name | Number | String | Unary | Binary | Call


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
