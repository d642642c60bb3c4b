"""Completion context: what a model text says around the cursor, also while it does not parse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ...errors import ProbflowError
from ...lang import parse
from ...lang.tokens import Token, scan
from ...lang.tree import Block, Statement

# Typed at the cursor, so that an empty word there is a token as well.
_MARK = "_"
_OPERANDS = ("name", "quoted name", "number", "string", "level", ")")


@dataclass(frozen=True)
class Opening:
    """A round bracket that is open at the cursor.

    function: the name before it, "" for none. keyword: the name of the argument that the cursor is in, "" for none.
    arguments: commas before the cursor. names: the keywords used before. bar: whether a group bar stands before it.
    """

    function: str
    keyword: str = ""
    arguments: int = 0
    names: tuple[str, ...] = ()
    bar: bool = False


@dataclass(frozen=True)
class Context:
    """The surroundings of the cursor in its statement.

    kind: "name", "quoted name", "level" (inside square brackets), "string", or "nothing" (a comment, a number).
    fragment: what is typed already of the word at the cursor. rest: the word's remainder behind it.
    left: the words left of the statement's `~` or `=`, or all so far. sign: "~", "=" or "" before there is one.
    openings: open brackets, the outermost first. previous: the token before the word, or None at the beginning.
    base: the name before the square bracket. typed: the statement so far. statements: those beside it.
    """

    kind: str
    fragment: str
    left: tuple[Token, ...] = ()
    sign: str = ""
    openings: tuple[Opening, ...] = ()
    previous: Token | None = None
    base: str = ""
    typed: str = ""
    following: str = ""
    statements: tuple[Statement, ...] = field(default=(), repr=False)

    @property
    def opening(self) -> Opening | None:
        """The innermost open bracket."""
        return self.openings[-1] if self.openings else None

    @property
    def complete(self) -> bool:
        """Whether an operator is due, not a name."""
        return self.previous is not None and self.previous.kind in _OPERANDS


def context(text: str, at: int) -> Context:
    """Return what surrounds an offset of a model text."""
    prefix = text[:at]
    tokens = scan(prefix + _MARK)[:-1]
    word = tokens[-1]
    if word.span.stop != at + 1:
        return Context("nothing", "")
    first = next((i for i in range(len(tokens) - 1, -1, -1) if tokens[i].kind == "newline"), -1) + 1
    before = tuple(tokens[first:-1])
    kind, fragment, base = _word(word, before, prefix)
    begin = before[0].span.start if before else word.span.start
    left, sign, openings = _walk(before)
    return Context(
        kind=kind,
        fragment=fragment,
        left=left,
        sign=sign,
        openings=openings,
        previous=before[-1] if before else None,
        base=base,
        typed=prefix[begin:],
        following=text[at:],
        statements=_others(text, tokens[:first], begin, at),
    )


def names(text: str) -> frozenset[str]:
    """Return the names that a text uses, functions and names of arguments left out."""
    tokens = scan(text)
    kept = set()
    for token, after in pairwise(tokens):
        called = after.kind == "(" and after.span.start == token.span.stop
        if token.kind == "quoted name" or (token.kind == "name" and not called):
            kept.add(token.value)
    return frozenset(kept)


def statements(text: str) -> tuple[Statement, ...]:
    """Return the statements of a text that parse, each by itself."""
    return _statements(text, scan(text))


def statement_at(text: str, at: int) -> Statement | None:
    """Return the statement that holds an offset, or None if it does not parse."""
    held = next((piece for piece in _pieces(text, scan(text)) if piece.start <= at <= piece.stop), None)
    found = () if held is None else _parsed(text[held]).statements
    return found[0] if found else None


def _word(word: Token, before: tuple[Token, ...], prefix: str) -> tuple[str, str, str]:
    """Return the kind of the word at the cursor, what of it is typed, and the name before a square bracket."""
    typed = prefix[word.span.start :]
    if word.kind == "name":
        return "name", typed, ""
    if word.kind != "open":
        return "nothing", "", ""
    if typed[0] == "[":
        base = before[-1].value if before and before[-1].kind in ("name", "quoted name") else ""
        return "level", typed[1:].lstrip(" \t"), base
    return ("quoted name", typed, "") if typed[0] == "`" else ("string", typed[1:], "")


def _walk(tokens: tuple[Token, ...]) -> tuple[tuple[Token, ...], str, tuple[Opening, ...]]:
    """Return the left side, the sign after it, and the brackets that stay open."""
    sign, left = "", tokens
    stack: list[Opening] = []
    for i, token in enumerate(tokens):
        before = tokens[i - 1] if i else None
        if token.kind == "(":
            called = before is not None and before.kind in ("name", "quoted name")
            stack.append(Opening(before.value if called and before is not None else ""))
        elif token.kind == ")":
            stack = stack[:-1]
        elif token.kind in ("~", "=") and not stack and not sign:
            sign, left = token.kind, tokens[:i]
        elif stack:
            stack[-1] = _inside(stack[-1], token, before)
    return left, sign, tuple(stack)


def _inside(opening: Opening, token: Token, before: Token | None) -> Opening:
    """Return the bracket after one more token."""
    if token.kind == ",":
        return Opening(opening.function, "", opening.arguments + 1, opening.names)
    if token.kind == "=" and before is not None and before.kind == "name":
        names = (*opening.names, before.value)
        return Opening(opening.function, before.value, opening.arguments, names, opening.bar)
    if token.kind in ("|", "||"):
        return Opening(opening.function, opening.keyword, opening.arguments, opening.names, True)
    return opening


def _others(text: str, before: list[Token], begin: int, at: int) -> tuple[Statement, ...]:
    """Return the other statements of the text, as far as each parses by itself."""
    ends = [t.span.stop for t in scan(_MARK + text[at:]) if t.kind == "newline"]
    rest = text[at + ends[0] - len(_MARK) :] if ends else ""
    return (*_statements(text[:begin], before), *_statements(rest, scan(rest)))


def _statements(text: str, tokens: Sequence[Token]) -> tuple[Statement, ...]:
    return tuple(statement for piece in _pieces(text, tokens) for statement in _parsed(text[piece]).statements)


def _pieces(text: str, tokens: Sequence[Token]) -> list[slice]:
    """Return where each statement stands in a text."""
    breaks = [token.span for token in tokens if token.kind == "newline"]
    starts = [0, *(span.stop for span in breaks)]
    return [slice(*ends) for ends in zip(starts, [*(span.start for span in breaks), len(text)], strict=True)]


def _parsed(text: str) -> Block:
    try:
        return parse(text)
    except ProbflowError:
        return Block(())
