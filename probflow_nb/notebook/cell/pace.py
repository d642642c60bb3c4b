"""Pace: how fast a run goes, and how often it may be looked at; a pause counts no time."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...display.progress import Clockwork
from ...inference.engine import Glimpse
from ...inference.run import Event, Run

INTERVAL = 0.2  # seconds between two snapshots
_SHARE = 0.02  # of the run's time that looking at it may take


class Pace:
    """The clock of one run."""

    def __init__(self) -> None:
        self._rest = self._worked = self._looked = self._due = 0.0
        self._is_due = False
        self._began = time.perf_counter()
        self._clockwork = Clockwork(0.0, clock=lambda: time.monotonic() - self._rest)

    def working(self) -> None:
        """A step begins."""
        self._began = time.perf_counter()

    def worked(self) -> None:
        """A step has ended; a snapshot is due when the last one is old enough."""
        now = time.perf_counter()
        self._worked += now - self._began
        self._is_due = now >= self._due
        if self._is_due:
            self._due = now + INTERVAL

    def rest(self, wait: Callable[[], object]) -> None:
        """Wait; the time of it does not count."""
        began = time.monotonic()
        wait()
        self._rest += time.monotonic() - began

    def due(self) -> bool:
        """Whether the step that has just ended is one to show."""
        return self._is_due

    def look(self, run: Run) -> Glimpse | None:
        """Return the draws so far where it is time for it and looking has not cost too much yet.

        Once more at the end of a run that was looked at before, so that the last picture is of all draws.
        """
        last = run.done and self._looked > 0
        if not last and (not self._is_due or self._looked > _SHARE * self._worked):
            return None
        began = time.perf_counter()
        glimpse = run.glimpse()
        self._looked += time.perf_counter() - began
        return glimpse

    def remaining(self, event: Event) -> float | None:
        """Take an event in; return the seconds left, None if nobody knows."""
        self._clockwork.take(event)
        return self._clockwork.remaining
