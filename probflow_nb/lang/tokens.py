"""Tokens: the words and signs of a model text, each with its span.

A newline ends a statement, except inside round brackets, after an operator, and before a line that begins
with one. A `#` begins a comment; a semicolon ends a statement as a newline does. Text in square brackets is
read raw, because a factor level may be anything: `Machine[B 2]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ParseError, Span
from .source import checked, continues_name, is_blank, quoted, starts_name

OPERATORS = ("%in%", "**", "||", "~", "=", ",", "(", ")", "+", "-", "*", "/", ":", "^", "|", "@")
"""Signs, the longest first; `^` becomes `**`."""

_CONTINUES_LINE = frozenset(OPERATORS) - {"(", ")"}
_DIGITS = frozenset("0123456789")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}

# What people type or paste by habit, and what to write here.
_FOREIGN = {
    "<-": "Write = for a definition and ~ for a formula or a prior.",
    "==": "Write = for a definition and ~ for a formula or a prior.",
    "$": "Write the column's name alone and give the data frame as data.",
    "\N{TILDE OPERATOR}": "Type the key ~ in its place.",
    "\N{SMALL TILDE}": "Type the key ~ in its place.",
    "\N{MINUS SIGN}": "Type the key - in its place.",
    "\N{EN DASH}": "Type the key - in its place.",
    "\N{EM DASH}": "Type the key - in its place.",
    "\N{MULTIPLICATION SIGN}": "Type the key * in its place.",
    "\N{LEFT DOUBLE QUOTATION MARK}": 'Type the key " in its place.',
    "\N{RIGHT DOUBLE QUOTATION MARK}": 'Type the key " in its place.',
    "%": "Of the operators between percent signs only %in% is known.",
}
_QUOTE_NAMES = "Put a name that holds spaces or signs in backquotes: `body mass`."


@dataclass(frozen=True)
class Token:
    """One word or sign.

    kind: "name", "quoted name", "number", "string", "level" (text in square brackets), "newline", "end", or
        the operator itself.
    value: the sign, the name without backquotes, the digits, the string without quotes.
    """

    kind: str
    value: str
    span: Span


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a model text; the last one is of kind "end".

    Raises ParseError for characters outside the language and for a quote that is never closed.
    """
    checked(text)
    return _tokens(text, _token)


def scan(text: str) -> list[Token]:
    """Return the tokens of a text that is still being written, of which nothing is refused; the last is of kind "end".

    A quote or square bracket that is not closed yet is of kind "open" and goes on to the end of its line; what is
    outside of the language is of kind "unknown".
    """
    return _tokens(text, _lenient_token)


def _tokens(text: str, read: Callable[[str, int], Token]) -> list[Token]:
    tokens: list[Token] = []
    depth = 0
    at = 0
    while at < len(text):
        character = text[at]
        if character == "\n" or character == ";":
            if depth == 0 or character == ";":
                tokens.append(Token("newline", character, Span(at, at + 1)))
            at += 1
        elif is_blank(character):
            at += 1
        elif character == "#":
            at = _line_end(text, at)
        else:
            token = read(text, at)
            depth = max(0, depth + (token.kind == "(") - (token.kind == ")"))
            tokens.append(token)
            at = token.span.stop
    return [*_joined_lines(tokens), Token("end", "", Span(len(text), len(text)))]


def _token(text: str, at: int) -> Token:
    """Read the one token that begins at an offset where there is no blank."""
    character = text[at]
    if character in "`\"'":
        value, stop = _quotation(text, at)
        return Token("quoted name" if character == "`" else "string", value, Span(at, stop))
    if character in _DIGITS or (character == "." and text[at + 1 : at + 2] in _DIGITS):
        return _number(text, at)
    if starts_name(character):
        stop = at + 1
        while stop < len(text) and continues_name(text[stop]):
            stop += 1
        return Token("name", text[at:stop], Span(at, stop))
    if character == "[":
        return _level(text, at)
    for sign in ("<-", "=="):
        if text.startswith(sign, at):
            raise _foreign(text, at, at + len(sign))
    for sign in OPERATORS:
        if text.startswith(sign, at):
            kind = "**" if sign == "^" else sign
            return Token(kind, kind, Span(at, at + len(sign)))
    raise _foreign(text, at, at + 1)


def _lenient_token(text: str, at: int) -> Token:
    try:
        return _token(text, at)
    except ParseError as error:
        if text[at] in "`\"'[":
            stop = _line_end(text, at)
            return Token("open", text[at:stop], Span(at, stop))
        stop = error.span.stop if error.span is not None else at + 1
        return Token("unknown", text[at:stop], Span(at, stop))


def _foreign(text: str, start: int, stop: int) -> ParseError:
    sign = text[start:stop]
    return ParseError(
        f"{quoted(sign)} is not part of the language.",
        text=text,
        span=Span(start, stop),
        hint=_FOREIGN.get(sign, _QUOTE_NAMES),
    )


def _number(text: str, at: int) -> Token:
    """Read digits, an optional fraction and an optional exponent."""
    stop = _digits(text, at)
    if text[stop : stop + 1] == ".":
        stop = _digits(text, stop + 1)
    if text[stop : stop + 1] in ("e", "E"):
        sign = stop + 1 + (text[stop + 1 : stop + 2] in ("+", "-"))
        if text[sign : sign + 1] in _DIGITS:
            stop = _digits(text, sign)
    after = stop
    while after < len(text) and continues_name(text[after]):
        after += 1
    span = Span(at, after)
    if after > stop:
        message = f"{quoted(text[at:after])} begins like a number and goes on like a name."
        raise ParseError(message, text=text, span=span, hint="Put it in backquotes if it is a column's name.")
    if float(text[at:stop]) == float("inf"):
        raise ParseError(f"The number {quoted(text[at:stop])} is too large.", text=text, span=span)
    return Token("number", text[at:stop], span)


def _digits(text: str, at: int) -> int:
    while at < len(text) and text[at] in _DIGITS:
        at += 1
    return at


def _quotation(text: str, at: int) -> tuple[str, int]:
    """Return what stands between two equal quotes, escapes undone, and the offset after the second."""
    quote = text[at]
    value: list[str] = []
    here = at + 1
    while here < len(text) and text[here] not in (quote, "\n"):
        if text[here] == "\\":
            character, here = _escape(text, here)
            value.append(character)
        else:
            value.append(text[here])
            here += 1
    if here >= len(text) or text[here] != quote:
        what = "backquote" if quote == "`" else "quote"
        raise ParseError(f"The {what} is never closed.", text=text, span=Span(at, at + 1))
    if quote == "`" and not value:
        raise ParseError("The name between the backquotes is empty.", text=text, span=Span(at, here + 1))
    return "".join(value), here + 1


def _escape(text: str, at: int) -> tuple[str, int]:
    """Return the character that a backslash stands for, and the offset after it."""
    character = text[at + 1 : at + 2]
    if character in _ESCAPES:
        return _ESCAPES[character], at + 2
    if character and character in "\\`\"'":
        return character, at + 2
    if character == "u" and text[at + 2 : at + 3] == "{":
        close = text.find("}", at, at + 11)
        digits = text[at + 3 : close] if close > 0 else ""
        if digits and all(c in "0123456789abcdefABCDEF" for c in digits) and int(digits, 16) < 0x110000:
            return chr(int(digits, 16)), close + 1
    raise ParseError(
        f"The backslash before {quoted(character)} has no meaning."
        if character.strip()
        else "The backslash has no meaning.",
        text=text,
        span=Span(at, at + 1),
        hint="Write two backslashes for one.",
    )


def _level(text: str, at: int) -> Token:
    """Read square brackets; what they hold is raw, or quoted when it has a `]` or outer blanks."""
    here = at + 1
    while here < len(text) and text[here] in " \t":
        here += 1
    if text[here : here + 1] in ('"', "'"):
        value, here = _quotation(text, here)
        while here < len(text) and text[here] in " \t":
            here += 1
        close = here if text[here : here + 1] == "]" else -1
    else:
        close = text.find("]", here, _line_end(text, here))
        value = text[here:close].strip()
    if close < 0:
        raise ParseError("The bracket `[` is never closed.", text=text, span=Span(at, at + 1))
    if not value and close == here:
        raise ParseError("The square brackets are empty.", text=text, span=Span(at, close + 1))
    return Token("level", value, Span(at, close + 1))


def _line_end(text: str, at: int) -> int:
    stop = text.find("\n", at)
    return len(text) if stop < 0 else stop


def _joined_lines(tokens: list[Token]) -> list[Token]:
    """Drop the newlines that an operator before or after them overrules."""
    kept: list[Token] = []
    waiting: Token | None = None
    for token in tokens:
        if token.kind == "newline" and token.value == "\n":
            waiting = waiting or token
            continue
        before = kept[-1].kind if kept else "newline"
        if waiting and not {before, token.kind} & (_CONTINUES_LINE | {"newline"}):
            kept.append(waiting)
        waiting = None
        kept.append(token)
    return kept
