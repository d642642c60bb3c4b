"""Cached: a fit fetched from a folder of kept fits, or put there."""

from __future__ import annotations

import time
from dataclasses import fields

from ..keep.cache import Cache
from ..keep.kept import Kept
from .fit import Fit


def fetch(cache: Cache, key: str, name: str = "") -> Fit | None:
    """Return the fit of a fingerprint, bound to a name, None where there is none; nothing is fitted or run.

    It says in its run lines when it was made. Raises KeepError for a file that cannot be read; the file is gone then.
    """
    found = cache.get(key)
    if found is None:
        return None
    kept, made = found
    parts = {own.name: getattr(kept, own.name) for own in fields(kept)} | {"name": name}
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(made))
    return Fit(**parts, cached=f"fitted on {moment} and kept; nothing was run again")


def store(cache: Cache, key: str, fit: Fit) -> None:
    """Keep a fit under its fingerprint; KeepError where it cannot be kept, such as a model that is code."""
    cache.put(key, Kept(**{own.name: getattr(fit, own.name) for own in fields(Kept)}))
