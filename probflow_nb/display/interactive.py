"""Interactive: what a fit can show only in a notebook, made by whoever can; the extension takes this over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_EXPLORED_BY: list[Callable[..., Any]] = []


def explore_by(maker: Callable[..., Any] | None) -> None:
    """Let `maker` make what `fit.explore()` shows, from the fit and its arguments; None: nothing can."""
    _EXPLORED_BY[:] = [] if maker is None else [maker]


def explorer() -> Callable[..., Any] | None:
    """Return what makes the explorer of a fit, None where no notebook has loaded the extension."""
    return _EXPLORED_BY[-1] if _EXPLORED_BY else None
