"""Printer: tree to text, with no bracket that is not needed; parse(print(tree)) == tree."""

from __future__ import annotations

import math
import unicodedata

from .grammar import BINDING, UNARY
from .source import is_plain_name
from .tree import (
    Binary,
    Block,
    Call,
    Definition,
    Name,
    Node,
    Number,
    Statement,
    String,
    Subscript,
    Tilde,
    Unary,
)

_TIGHT = (":", "**")


def print_block(block: Block) -> str:
    """Return the text of a block, one statement a line."""
    return "\n".join(print_statement(statement) for statement in block.statements)


def print_statement(statement: Statement) -> str:
    """Return the text of one statement."""
    match statement:
        case Tilde(left, right):
            start = print_node(left)
            # A line that begins with a sign would continue the line before it.
            start = f"({start})" if start[0] in "+-" else start
            return f"{start} ~ {print_node(right)}"
        case Definition(name, value):
            return f"{print_name(name)} = {print_node(value)}"


def print_node(node: Node) -> str:
    """Return the text of an expression, which reads back as the same tree; a bar term gets its brackets."""
    return _bracketed(node, _is_bar(node), quote=True)


def label(node: Node) -> str:
    """Return the text of an expression as it is shown: as `print_node` has it, names without backquotes."""
    return _bracketed(node, _is_bar(node), quote=False)


def print_name(name: str) -> str:
    """Return a name, in backquotes when it needs them."""
    return name if is_plain_name(name) else _quotation(name, "`")


def print_number(value: float) -> str:
    """Return the shortest text that reads back as the same number: 2, 0.1, 1e-20."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value))


def print_subscript(base: str, index: str) -> str:
    """Return a subscript of a base that is already text; the index is quoted when it cannot stand raw."""
    raw = index and index == index.strip() and index[0] not in "\"'" and "]" not in index
    if raw and not any(_needs_escape(c) for c in index):
        return f"{base}[{index}]"
    return f"{base}[{_quotation(index, chr(34))}]"


def _text(node: Node, quote: bool) -> str:
    match node:
        case Name(name):
            return print_name(name) if quote else name
        case Number(value):
            return print_number(value)
        case String(value):
            return _quotation(value, '"')
        case Unary(operator, operand):
            return operator + _bracketed(operand, _strength(operand, 0) < UNARY, quote)
        case Binary():
            return _binary(node, quote)
        case Call():
            return _call(node, quote)
        case Subscript(base, index):
            text = _text(base, quote)
            return print_subscript(text, index) if quote else f"{text}[{index}]"


def _binary(node: Binary, quote: bool) -> str:
    """Go down the left operands in a loop: a sum may have thousands of terms."""
    pieces: list[str] = []
    here: Node = node
    while True:
        if not isinstance(here, Binary):
            pieces.append(_text(here, quote))
            break
        left_power, right_power = BINDING[here.operator]
        loose = _strength(here.right, 0) < right_power or _is_bar(here.right)
        pieces.append(_bracketed(here.right, loose, quote))
        pieces.append(here.operator if here.operator in _TIGHT else f" {here.operator} ")
        if _strength(here.left, 1) <= left_power or _is_bar(here.left):
            pieces.append(_bracketed(here.left, True, quote))
            break
        here = here.left
    return "".join(reversed(pieces))


def _strength(node: Node, side: int) -> int:
    """How strongly a node holds together on a side: 0 when an operator stands before it, 1 when after it.

    A prefix sign needs no brackets after an operator, since nothing else can be meant there.
    """
    if isinstance(node, Binary):
        return BINDING[node.operator][side]
    negative = isinstance(node, Number) and math.copysign(1.0, node.value) < 0
    if isinstance(node, Unary) or negative:
        return UNARY if side == 1 else 100
    return 100


def _call(node: Call, quote: bool) -> str:
    arguments = [_text(argument, quote) for argument in node.arguments]
    arguments += [f"{name} = {_text(value, quote)}" for name, value in node.keywords]
    function = print_name(node.function) if quote else node.function
    return f"{function}({', '.join(arguments)})"


def _bracketed(node: Node, brackets: bool, quote: bool) -> str:
    text = _text(node, quote)
    return f"({text})" if brackets else text


def _is_bar(node: Node) -> bool:
    return isinstance(node, Binary) and node.operator in ("|", "||")


def _quotation(value: str, quote: str) -> str:
    """Return the value between quotes, with a backslash before what would end or hide it."""
    return quote + "".join(_escaped(c, quote) for c in value) + quote


def _escaped(character: str, quote: str) -> str:
    if character in ("\\", quote):
        return "\\" + character
    if character in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[character]
    return f"\\u{{{ord(character):x}}}" if _needs_escape(character) else character


def _needs_escape(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
