"""Scene: what the notebook around a cell holds, as far as completion and inspection look at it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from ...errors import ProbflowError
from ...lang.source import is_plain_name
from ...lang.tree import Name
from .. import session
from ..session import Frame
from .completion_context import names
from .cursor import Cursor

_DATA = re.compile(r"--data(?:\s+|=)(\"[^\"]*\"|'[^']*'|\S+)")


@dataclass(frozen=True, eq=False)
class Scene:
    """The cell that a person writes and the notebook's names.

    cursor: where the person is. namespace: what the notebook holds by name.
    """

    cursor: Cursor
    namespace: Mapping[str, Any] = field(repr=False)

    @cached_property
    def held(self) -> tuple[Frame, ...]:
        """Every data frame of the notebook."""
        return session.frames(self.namespace)

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """The frames that the text may be about: the one of --data, or those that have most of its names."""
        given = _DATA.search(self.cursor.line)
        if given is not None:
            chosen = resolved(given[1].strip("\"'"), self.namespace)
            return () if chosen is None else (chosen,)
        return self.fitting()

    def fitting(self) -> tuple[Frame, ...]:
        """Return the frames that have most of the names in the text, all of them where they have none."""
        used = self.names
        shared = [len(used.intersection(frame.columns)) for frame in self.held]
        best = max(shared, default=0)
        return tuple(frame for frame, count in zip(self.held, shared, strict=True) if count == best)

    @property
    def frame(self) -> Frame | None:
        """The first of the frames."""
        return self.frames[0] if self.frames else None

    @cached_property
    def names(self) -> frozenset[str]:
        """The names in the text, the word at the cursor left out."""
        body, at = self.cursor.body, self.cursor.at
        if not self.cursor.in_body:
            return names(body)
        start = at
        while start > 0 and (body[start - 1].isalnum() or body[start - 1] in "._"):
            start -= 1
        return names(body[:start] + " " + body[at:])

    @cached_property
    def arrays(self) -> dict[str, Any]:
        """Arrays, frames and sparse matrices of the notebook by name, which statements can use."""
        known = [Name(n) for n in list(self.namespace) if not n.startswith("_") and is_plain_name(n)]
        return session.arrays(known, self.namespace)


def resolved(path: str, namespace: Mapping[str, Any]) -> Frame | None:
    """Return the data that --data names, or None; no property of the person's own objects is run for it."""
    first, *attributes = path.split(".")
    try:
        if first not in namespace:
            return _builtin(first) if not attributes else None
        value = namespace[first]
        for attribute in attributes:
            if isinstance(inspect.getattr_static(value, attribute, None), property):
                return None
            value = getattr(value, attribute)
        return session.resolve(path, namespace)
    except (ProbflowError, AttributeError):
        return None


@lru_cache(maxsize=16)
def _builtin(name: str) -> Frame | None:
    from ... import datasets

    return session.resolve(name, {}) if name in datasets.names() else None


def fit_names(namespace: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the notebook's models."""
    return tuple(name for name, _ in session.fits(namespace))
