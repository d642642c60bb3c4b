"""Shelf: the place of one cell's fit among the kept ones; whatever goes wrong there, the cell is fitted as ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import KeepError, ProbflowError
from ...fit import Fit
from ...keep.cache import Cache
from ...keep.fingerprint import fingerprint


@dataclass(frozen=True)
class Shelf:
    """Where the fit of a cell is kept.

    cache: the folder. key: the fingerprint of all that the fit depends on.
    """

    cache: Cache
    key: str

    def find(self, name: str, say: Callable[[str], None]) -> Fit | None:
        """Return the kept fit, None where there is none; say: told of one that cannot be read."""
        from ...fit.cached import fetch

        try:
            return fetch(self.cache, self.key, name)
        except KeepError as error:
            say(f"The kept fit cannot be read, so the model is fitted again. {error.message}")
            return None

    def keep(self, fit: Fit) -> str:
        """Keep a fit that ran to its end; return a sentence where that failed, else ""."""
        from ...fit.cached import store

        if fit.stopped:
            return ""
        try:
            store(self.cache, self.key, fit)
        except KeepError as error:
            return f"The fit is not kept. {error.message}"
        return ""


def shelf(
    cache: Cache,
    text: str,
    data: Any,
    arrays: Mapping[str, Any],
    engine: Any,
    seed: int | None,
    family: Any,
    device: str,
    say: Callable[[str], None],
) -> Shelf | None:
    """Return the place of a cell's fit, None where it has none; say: told why, unless the fit will say it itself."""
    try:
        return Shelf(cache, fingerprint(text, data, arrays, engine, seed, family, device))
    except KeepError as error:
        say(f"The fit is not kept. {error.message}")
    except ProbflowError:  # a fault of the text or the data, told with its place when the model is made
        pass
    return None
