"""Option names: an engine that is called with an option it lacks says in a sentence which ones it has."""

from __future__ import annotations

from dataclasses import fields
from difflib import get_close_matches
from typing import Any, cast

from ..errors import EngineError


class Optioned(type):
    """The type of engines, which are frozen values of their options."""

    def __call__(cls, *values: Any, **named: Any) -> Any:
        """Return the engine; raises EngineError for an unknown option, one given twice, and too many values."""
        known = [field.name for field in fields(cast("Any", cls))]
        unknown = [name for name in named if name not in known]
        twice = [name for name in known[: len(values)] if name in named]
        has = f"Its options are {', '.join(known)}."
        if unknown:
            near = get_close_matches(unknown[0], known, n=1)
            raise EngineError(
                f"{cls.__name__} has no option {unknown[0]:.60}.",
                hint=f"Did you mean {near[0]}? {has}" if near else has,
            )
        if twice:
            raise EngineError(f"{cls.__name__} is given {twice[0]} twice.", hint="Name every option once.")
        if len(values) > len(known):
            raise EngineError(f"{cls.__name__} takes {len(known)} options, not {len(values)}.", hint=has)
        return super().__call__(*values, **named)
