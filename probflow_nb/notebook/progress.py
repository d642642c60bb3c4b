"""Progress in a notebook: one display, updated in place, that says phase and time when it is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..display.progress import Clockwork, RunEvent, line, progress_html


@dataclass(frozen=True)
class Waiting:
    """An event before the run has begun: what is being waited for, for a time that nobody knows."""

    phase: str
    step: int = 0
    total: int | None = None
    objective: float | None = None


class NotebookProgress:
    """A bar below the cell, at most five times a second; it stays, with phase and time, when the run is over.

    delay: seconds in which nothing is shown, so that a quick fit leaves no trace.
    clock: returns seconds.
    """

    def __init__(self, delay: float = 0.5, clock: Callable[[], float] = time.monotonic) -> None:
        self._clockwork = Clockwork(delay, clock=clock)
        self._handle: Any = None
        self._closed = False

    def show(self, event: RunEvent) -> None:
        """Draw the event if it is time to."""
        if self._clockwork.take(event) and not self._closed:
            self._publish(self._clockwork.fraction, self._clockwork.remaining)

    def close(self) -> None:
        """Leave the last phase and the whole time on the page; nothing if nothing was shown."""
        if self._handle is not None and not self._closed:
            self._publish(self._clockwork.fraction, None)
        self._closed = True

    def _publish(self, fraction: float | None, remaining: float | None) -> None:
        from IPython.display import display

        state = (self._clockwork.phase, fraction, self._clockwork.elapsed, remaining)
        bundle = {"text/html": progress_html(*state), "text/plain": line(*state)}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
