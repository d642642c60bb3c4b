"""Escaping: the one place where names of columns, levels, models and files become part of a page.

Names are data. Whatever they hold, the page's own structure, order of reading and width stay as they are.
"""

from __future__ import annotations

import html as _html
import re
import unicodedata

LIMIT = 60  # characters of a name that are shown

# Invisible characters that change the order or the joining of their neighbours.
_HIDDEN = re.compile("[\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
_UNPAIRED = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f]")
_CONTROL_C1 = re.compile("[\x7f-\x9f]")

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    # Square brackets would be read as an option after \\.
    "[": "{[}",
    "]": "{]}",
}
_MARKDOWN = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "$": "&#36;",
    "@": "&#64;",
    **{c: "\\" + c for c in "\\`*_{}[]|~#!"},
}


def visible(name: str) -> str:
    """Replace control, order-changing and unpaired characters by visible signs; other characters stay."""
    name = _CONTROL.sub(lambda m: chr(0x2400 + ord(m.group())), name)
    name = _CONTROL_C1.sub("\ufffd", name)
    return _UNPAIRED.sub("\ufffd", _HIDDEN.sub("\ufffd", name))


def shorten(name: str, limit: int = LIMIT) -> str:
    """Return the name in at most `limit` characters, an ellipsis in the middle for what is left out."""
    if len(name) <= limit:
        return name
    tail = (limit - 1) // 3
    return name[: limit - 1 - tail].rstrip() + "…" + (name[-tail:] if tail else "").lstrip()


def plain(name: str, limit: int = LIMIT) -> str:
    """Return a name for plain text: visible, shortened, a right-to-left name isolated from its neighbours."""
    shown = shorten(visible(name), limit)
    return f"\u2068{shown}\u2069" if _right_to_left(shown) else shown


def html(name: str, limit: int = LIMIT) -> str:
    """Return a name as HTML content: `&<>"'` escaped, a right-to-left name inside `<bdi>`."""
    shown = shorten(visible(name), limit)
    escaped = _html.escape(shown, quote=True)
    return f"<bdi>{escaped}</bdi>" if _right_to_left(shown) else escaped


def attribute(name: str, limit: int = LIMIT) -> str:
    """Return a name as the value, or a part of it, of a double-quoted HTML attribute."""
    return _html.escape(plain(name, limit), quote=True)


def latex(name: str, limit: int = LIMIT) -> str:
    """Return a name as LaTeX text, valid in text and inside `\\text{}` or `\\mathrm{}`."""
    return "".join(_LATEX.get(c, c) for c in shorten(visible(name), limit))


def markdown(name: str, limit: int = LIMIT) -> str:
    """Return a name as Markdown text that renders as itself, also inside a table cell."""
    escaped = "".join(_MARKDOWN.get(c, c) for c in shorten(visible(name), limit))
    # Bare web addresses become links without any mark-up around them.
    escaped = escaped.replace("://", "&#58;//")
    return re.sub(r"(?i)(www)\.", r"\1&#46;", escaped)


def _right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in text)


def width(text: str) -> int:
    """Return the columns that a text takes in a monospaced font: 2 for a wide character, 0 for a mark."""
    total = 0
    for c in text:
        if unicodedata.combining(c) or unicodedata.category(c) in ("Cf", "Mn", "Me"):
            continue
        total += 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1
    return total


def pad(text: str, columns: int, right: bool = False) -> str:
    """Fill a text with blanks to a number of monospaced columns, on its left when `right` is set."""
    blanks = " " * max(0, columns - width(text))
    return blanks + text if right else text + blanks
