"""Message: what a page sends to a widget, read as something that anybody may have written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..display import escape

_LONGEST = 64  # characters of an id; the pages count
_GREATEST = 2**53


def opened(content: Any) -> tuple[str, dict[str, Any]]:
    """Return the kind of a message and its fields; "" for what is no message of ours."""
    if not isinstance(content, Mapping):
        return "", {}
    kind = content.get("kind")
    return (kind, dict(content)) if isinstance(kind, str) else ("", {})


def identity(content: Mapping[str, Any]) -> int | str | None:
    """Return the number or short text by which the page knows its question again, None for anything else."""
    found = content.get("id")
    if isinstance(found, str) and len(found) <= _LONGEST:
        return found
    return found if isinstance(found, int) and abs(found) < _GREATEST else None


def text(value: Any, most: int = 40) -> str:
    """Return a value as words of a sentence, "" for none."""
    return "" if value is None else escape.shorten(escape.visible(str(value)[: 2 * most]), most)


def broken(error: Exception) -> str:
    """Return the sentence for what should not have happened; the notebook never sees more of it."""
    return f"This could not be done ({type(error).__name__}: {text(error, 200)})."
