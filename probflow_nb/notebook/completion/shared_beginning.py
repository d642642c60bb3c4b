"""Shared beginning: what JupyterLab can list where all the words begin alike.

JupyterLab takes the longest common beginning of the words for what is typed, and then lists only those words that
hold it - in its own copy of them, where < and > are written as HTML writes them, and from where the first bracket on
everything is left out. So `sd(Subject)` and `sd(Days | Subject)` by themselves would hide each other.
"""

from __future__ import annotations

# What the copy of a word never holds.
_HIDDEN = frozenset("(<>\N{NO-BREAK SPACE}")


def listable(fragment: str, words: list[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
    """Return the text before the cursor that is replaced, and the words so that JupyterLab lists them.

    fragment: what would be replaced. words: (text, kind), the best first. Where the words share a beginning that
    would hide them, that is offered alone, as a shell does it; once it is typed, only what follows it is.
    """
    shared = _shared({text for text, _ in words})
    if _HIDDEN.isdisjoint(shared):
        return fragment, words
    if not fragment.startswith(shared):
        return fragment, [(shared, words[0][1])]
    start = len(shared)
    return fragment[start:], [(text[start:], kind) for text, kind in words if len(text) > start]


def _shared(texts: set[str]) -> str:
    """Return the longest common beginning of two texts or more, "" of fewer."""
    if len(texts) < 2:
        return ""
    first, last = min(texts), max(texts)  # whatever these two share, all between them share
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:same]
