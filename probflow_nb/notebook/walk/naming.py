"""Naming: names from data as a widget sends them; the page shows them as text and isolates their direction."""

from __future__ import annotations

from typing import Any

from ...display import escape
from ...errors import UsageError


def named(name: str, limit: int = escape.LIMIT) -> str:
    """Return a name without characters that hide or turn others, in at most `limit` characters."""
    return escape.shorten(escape.visible(name), limit)


def told(name: str, limit: int = escape.LIMIT) -> str:
    """Return a name as part of a sentence: as `named`, and one that is read from the right does not turn the rest."""
    return escape.plain(name, limit)


def place(question: dict[str, Any], key: str, count: int, default: int | None = None) -> int:
    """Return a position below `count` that a question asks for; UsageError for anything else."""
    return position(question.get(key, default), count, key)


def position(asked: Any, count: int, what: str) -> int:
    """Return a position below `count`; UsageError for anything else."""
    if isinstance(asked, bool) or not isinstance(asked, int) or not 0 <= asked < count:
        raise UsageError(f"There is no {what} {asked!r:.40}; this result has {count:,}.")
    return asked
