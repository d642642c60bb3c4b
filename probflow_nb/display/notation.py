"""Notation: the pieces that mathematics is made of, and statements in a person's own letters read into them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from .card import Statement, Statements

MOST_LINES = 16  # statements shown
# A blank that LaTeX does not swallow.
BETWEEN_WORDS = "\u00a0"
_MOST_PIECES = 90  # words and signs of one side

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ",
    "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[^\W\d]\w*(?:\.[^\W\d]\w*)*)|(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?)|(?P<sign>\*\*|.))"
)
_SIGNS = {
    "+": " + ", "-": " − ", "*": " · ", "@": " ", "/": " / ", "(": "(", ")": ")", "[": "[", "]": "]", ",": ", ",
    "=": " = ", "~": " ~ ", ":": ":", ".": ".",
}  # fmt: skip


@dataclass(frozen=True)
class Symbol:
    """A letter of mathematics or a name of the data, with what stands below and above it.

    text: the letter or the name. is_name: whether it is data, to be escaped and set upright.
    below, above: the pieces of the subscript and of the exponent.
    """

    text: str
    is_name: bool = False
    below: tuple[Piece, ...] = ()
    above: tuple[Piece, ...] = ()


Piece: TypeAlias = str | Symbol


@dataclass(frozen=True)
class Line:
    """One statement: left side, relation, right side."""

    left: tuple[Piece, ...]
    relation: str
    right: tuple[Piece, ...]


def statement_lines(statements: Statements) -> tuple[Line, ...]:
    """Return statements as pieces: letters and Greek names as such, other names upright, products by juxtaposition.

    Of more than 16 statements the rest is counted.
    """
    shown = statements.lines[:MOST_LINES]
    found = [_line(line) for line in shown]
    left_out = len(statements.lines) - len(shown)
    if left_out > 0:
        found.append(Line(("…",), " ", (Symbol(f"{left_out} more parameters", True),)))
    return tuple(found)


def _line(statement: Statement) -> Line:
    """Return one statement; a name of many elements gets the index j, and its range behind."""
    left, right = pieces(statement.left), pieces(statement.right)
    if statement.size > 1 and len(left) == 1 and isinstance(left[0], Symbol):
        one = left[0]
        below = (*one.below, ",", "j") if one.below else ("j",)
        left = (Symbol(one.text, one.is_name, below),)
        last = f" = 1, {'…, ' if statement.size > 2 else ''}{statement.size:,}"
        right = (*right, ",  ", "j", last)
    return Line(left, statement.relation, right)


def pieces(text: str) -> tuple[Piece, ...]:
    """Return the pieces of one side of a statement; nothing in it is trusted to be mathematics."""
    found: list[Piece] = []
    for piece in _read(text):
        if len(found) >= _MOST_PIECES:
            return (*found, "…")
        _append(found, piece)
        _subscript(found)
    return tuple(found)


def _subscript(found: list[Piece]) -> None:
    """Put what stands in brackets behind a name below it: w[Days]."""
    if found[-1] != "]" or "[" not in found:
        return
    start = len(found) - 1 - found[::-1].index("[")
    base, inside = found[start - 1] if start else "", tuple(found[start + 1 : -1])
    if isinstance(base, Symbol) and not base.below and inside:
        found[start - 1 :] = [Symbol(base.text, base.is_name, inside, base.above)]


def _read(text: str) -> Iterator[Piece]:
    for match in _TOKEN.finditer(text):
        if match["word"]:
            called = text[match.end() :].lstrip().startswith("(")
            yield Symbol(match["word"], True) if called else symbol(match["word"])
        elif match["number"]:
            yield match["number"]
        elif match["sign"] == "**":
            yield "**"
        elif match["sign"].strip():
            yield _SIGNS.get(match["sign"]) or Symbol(match["sign"], True)


def _append(found: list[Piece], piece: Piece) -> None:
    """Add a piece; a whole number after ** becomes an exponent, and a minus that begins something has no blanks."""
    if len(found) > 1 and found[-1] == "**":
        base = found[-2]
        if isinstance(piece, str) and piece.isdigit() and isinstance(base, Symbol):
            found[-2:] = [Symbol(base.text, base.is_name, base.below, (piece,))]
            return
        found[-1] = Symbol("**", True)
    if piece == " − " and (not found or found[-1] in ("(", ", ", "[", " = ", " + ", " − ", " · ", " / ")):
        piece = "−"
    if found and _is_word(piece) and (_is_word(found[-1]) or found[-1] in (")", "]")):
        found.append(BETWEEN_WORDS)
    found.append(piece)


def _is_word(piece: Piece) -> bool:
    return (isinstance(piece, Symbol) and piece.text[:1].isalnum()) or (isinstance(piece, str) and piece[:1].isdigit())


def symbol(name: str) -> Symbol:
    """Return a name as mathematics writes it: sigma_u a Greek letter with a subscript, w a letter, Days a word."""
    head, _, tail = name.partition("_")
    digits = re.fullmatch(r"([^\W\d]|" + "|".join(GREEK) + r")(\d+)", head)
    if digits and not tail:
        head, tail = digits[1], digits[2]
    if head in GREEK or len(head) == 1:
        return Symbol(GREEK.get(head, head), False, (_tail(tail),) if tail else ())
    return Symbol(name, True)


def _tail(tail: str) -> Piece:
    if tail.isdigit():
        return tail
    return Symbol(GREEK.get(tail, tail), tail not in GREEK and len(tail) > 1)
