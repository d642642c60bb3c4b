"""Source: what a model text may hold at all, and how to quote what is found in it."""

from __future__ import annotations

import unicodedata

from ..errors import ParseError, Span

LONGEST = 100_000
"""The most characters that a model text may have."""


def checked(text: object) -> str:
    """Return the text itself when every character can be read and shown.

    Raises ParseError for anything but a str, for a text of more than `LONGEST` characters, and for control
    characters and lone surrogates, which no screen can show.
    """
    if not isinstance(text, str):
        raise ParseError(f"A model is written as text, but this is of type {type(text).__name__}.")
    if len(text) > LONGEST:
        raise ParseError(f"The model text has {len(text):,} characters, but at most {LONGEST:,} can be read.")
    for offset, character in enumerate(text):
        if _unreadable(character):
            # The excerpt goes to a screen, so it must not hold the character itself.
            shown = "".join("\N{REPLACEMENT CHARACTER}" if _unreadable(c) else c for c in text)
            raise ParseError(
                f"The text holds the unreadable character U+{ord(character):04X}.",
                text=shown,
                span=Span(offset, offset + 1),
                hint="Delete it and type the name or sign again.",
            )
    return text


def quoted(piece: str) -> str:
    """Return a piece of the text between backquotes for a message, shortened to 40 characters."""
    piece = " ".join(piece.split())
    return f"`{piece if len(piece) <= 40 else piece[:37] + '...'}`"


def is_blank(character: str) -> bool:
    """Whether the character only separates others; includes the invisible ones that come with copied text."""
    return character.isspace() or character in "\ufeff\u200b\u2060"


def starts_name(character: str) -> bool:
    """Whether a name may begin with the character without backquotes."""
    return character.isidentifier() or character == "."


def continues_name(character: str) -> bool:
    """Whether the character may stand inside a name without backquotes."""
    return character == "." or character.isalnum() or ("a" + character).isidentifier()


def is_plain_name(name: str) -> bool:
    """Whether a name can be written without backquotes: letters, digits, dots and underscores."""
    if not name or not starts_name(name[0]) or not all(map(continues_name, name)):
        return False
    # `.5` would be read as a number.
    return not (name[0] == "." and len(name) > 1 and name[1] in "0123456789")


def _unreadable(character: str) -> bool:
    return character not in "\t\n\r\f\v" and unicodedata.category(character) in ("Cc", "Cs")
