"""Prior: draws of every parameter from its prior."""

from __future__ import annotations

from typing import Any

from .values import Values


def prior_values(model: Any, n: int, seed: int) -> Values:
    """Return n draws of every parameter from its prior, parents first."""
    raise NotImplementedError
