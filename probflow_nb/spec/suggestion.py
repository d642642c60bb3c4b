"""Suggestion: the name that a person probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like the one given, whatever its case, or None if none is like it."""
    from difflib import get_close_matches

    folded: dict[str, str] = {}
    for choice in known:
        folded.setdefault(_folded(choice), choice)
    found = get_close_matches(_folded(name), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return a hint that names the nearest known name, or the other hint if none is near."""
    found = nearest(name, known)
    return f"Did you mean {found}?" if found else otherwise


def listed(names: Iterable[str]) -> str:
    """Return the names as a sentence lists them: `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _folded(name: str) -> str:
    return "".join(c for c in name.casefold() if c not in "_. ")
