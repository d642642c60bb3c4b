"""Claim text: `2*Days = groupB` or `Days > 0 & sigma < 30`, read by the grammar of model texts; nothing is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import FitError, ParseError, Span
from ..lang.grammar import parse_expression
from ..lang.source import checked
from ..lang.tree import Node, Number

_RELATIONS = ("<=", ">=", "==", "≤", "≥", "=", "<", ">")
_SAME = {"==": "=", "≤": "<=", "≥": ">="}
_CLOSING = {"`": "`", '"': '"', "'": "'", "[": "]"}
LONGEST = 2000
_USAGE = 'Such as "Days > 0" or "2*Days = groupB".'


@dataclass(frozen=True)
class Relation:
    """left sign right, each side a tree with its spans in the whole text; sign one of = < > <= >=."""

    left: Node
    sign: str
    right: Node


def read_claim(text: str) -> Relation:
    """Return the one relation of a text; a text without a sign is compared with 0.

    Raises FitError or ParseError, with carets, for anything else.
    """
    parts = list(_parts(_checked(text), (*_RELATIONS,)))
    if len(parts) == 1:
        return Relation(_side(text, *parts[0][:2]), "=", Number(0.0))
    if len(parts) > 2:
        start, stop = parts[1][1], parts[2][0]
        raise FitError(
            "A hypothesis has one sign of comparison, but this has a second.",
            text=text, span=Span(start, stop), hint="Ask for probability(...), which takes several.",
        )  # fmt: skip
    return _relations(text, parts)[0]


def read_claims(text: str) -> tuple[Relation, ...]:
    """Return the relations of a text, joined by & or chained as in 0 < Days < 10.

    Raises FitError or ParseError, with carets, for a text without an inequality.
    """
    found: list[Relation] = []
    for start, stop, _ in _parts(_checked(text), ("&&", "&")):
        inner = text[:stop]
        parts = [(a, b, s) for a, b, s in _parts(inner, _RELATIONS, start)]
        if len(parts) < 2:
            raise FitError(
                "This is no comparison.", text=text, span=_trimmed(text, start, stop), hint='Such as "Days > 0".'
            )
        found += _relations(text, parts)
    for one in found:
        if one.sign == "=":
            raise FitError(
                "The probability that two numbers are equal is 0 under a density.",
                text=text, span=one.left.span | one.right.span,
                hint="Compare with < or >, or ask for hypothesis(...), which weighs an equality against the prior.",
            )  # fmt: skip
    return tuple(found)


def _checked(text: str) -> str:
    if not isinstance(text, str):
        raise FitError(f"A claim is a text, not {text!r:.60}.", hint=_USAGE)
    if len(text) > LONGEST:
        raise FitError(f"A claim has at most {LONGEST:,} characters, not {len(text):,}.", hint=_USAGE)
    try:
        return checked(text)
    except ParseError as error:
        raise FitError(error.message, text=error.text, span=error.span, hint=error.hint) from None


def _relations(text: str, parts: Sequence[tuple[int, int, str]]) -> list[Relation]:
    sides = [_side(text, start, stop) for start, stop, _ in parts]
    signs = [_SAME.get(sign, sign) for _, _, sign in parts[:-1]]
    return [Relation(a, sign, b) for a, sign, b in zip(sides[:-1], signs, sides[1:], strict=True)]


def _side(text: str, start: int, stop: int) -> Node:
    """Return the tree of a part of the text; blanks before it keep its spans those of the whole."""
    if not text[start:stop].strip():
        at = min(start, max(len(text) - 1, 0))
        raise FitError(
            "A side of the comparison is empty." if text.strip() else "The claim is empty.",
            text=text or " ", span=Span(at, max(stop, at + 1)), hint=_USAGE,
        )  # fmt: skip
    try:
        return parse_expression(" " * start + text[start:stop])
    except ParseError as error:
        raise FitError(error.message, text=text, span=error.span, hint=error.hint) from None


def _trimmed(text: str, start: int, stop: int) -> Span:
    inner = text[start:stop]
    first = start + len(inner) - len(inner.lstrip())
    return Span(first, max(first + 1, start + len(inner.rstrip())))


def _parts(text: str, signs: Sequence[str], start: int = 0) -> Iterator[tuple[int, int, str]]:
    """Yield (start, stop, sign after it) of the parts between signs outside of brackets and quotes."""
    at, first, depth, closing = start, start, 0, ""
    while at < len(text):
        c = text[at]
        if closing:
            closing = "" if c == closing else closing
        elif c in _CLOSING:
            closing = _CLOSING[c]
        elif c in "()":
            depth += 1 if c == "(" else -1
        elif depth <= 0:
            sign = next((s for s in signs if text.startswith(s, at)), "")
            if sign:
                yield first, at, sign
                at += len(sign)
                first = at
                continue
        at += 1
    yield first, len(text), ""
