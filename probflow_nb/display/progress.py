"""Progress: a run while it runs, as one line of text or a themed bar; nothing for what ends at once."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

from . import escape
from .theme import DARK, LIGHT

_CELLS = 24
_INTERVAL = 0.2  # seconds between two drawings


class RunEvent(Protocol):
    """What a run reports: step of total, the phase in words, the objective."""

    @property
    def step(self) -> int:
        """How many steps of the phase are done."""

    @property
    def total(self) -> int | None:
        """How many there are; None or 0 when nobody knows."""

    @property
    def phase(self) -> str:
        """What is being done, such as "finding the mode"."""

    @property
    def objective(self) -> float | None:
        """The figure that the phase improves."""


class Progress(Protocol):
    """Something that shows a run: `show` for each event, `close` at the end, also after an interrupt."""

    def show(self, event: RunEvent) -> None:
        """Take notice of an event; may draw nothing."""

    def close(self) -> None:
        """Leave the last word on the screen; a second call does nothing."""


class NullProgress:
    """Shows nothing."""

    def show(self, event: RunEvent) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Clockwork:
    """When to draw, how far a phase is and how long it has left; shared by every kind of progress.

    delay: seconds before the first drawing. interval: seconds between two drawings.
    """

    def __init__(
        self, delay: float = 0.5, interval: float = _INTERVAL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._interval = interval
        self._start = clock()
        self._due = self._start + delay
        self._phase_start, self._phase_step = self._start, 0
        self.phase = ""
        self.fraction: float | None = None
        self.remaining: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start

    def take(self, event: RunEvent) -> bool:
        """Take an event in and return whether it is time to draw."""
        now = self._clock()
        step, total = event.step, event.total
        if event.phase != self.phase or step < self._phase_step:
            self.phase, self._phase_start, self._phase_step = event.phase, now, step
        self.fraction = min(max(step / total, 0.0), 1.0) if total else None
        self.remaining = None
        if total and step > self._phase_step:
            pace = (now - self._phase_start) / (step - self._phase_step)
            self.remaining = max(pace * (total - step), 0.0)
        if now < self._due:
            return False
        self._due = now + self._interval
        return True


class TextProgress:
    """One line of a text stream, written over and over: phase, bar, percent, time left.

    Nothing is written within the first `delay` seconds, nor ever for a run that ends before. `close` ends the
    line with the phase and the whole time. A stream that no longer takes text is left alone.
    """

    def __init__(self, stream: TextIO, delay: float = 0.5, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clockwork = Clockwork(delay, clock=clock)
        self._width = 0
        self._shown = self._closed = False

    def show(self, event: RunEvent) -> None:
        """Draw the event if it is time to."""
        if self._clockwork.take(event) and not self._closed:
            work = self._clockwork
            self._write(line(work.phase, work.fraction, work.elapsed, work.remaining))
            self._shown = True

    def close(self) -> None:
        """End the line with the phase and the whole time."""
        if self._shown and not self._closed:
            phase = escape.plain(self._clockwork.phase) or "done"
            self._write(f"{phase}: {duration(self._clockwork.elapsed)}", end="\n")
        self._closed = True

    def _write(self, text: str, end: str = "") -> None:
        width = escape.width(text)
        blanks = " " * max(0, self._width - width)
        self._width = width
        try:
            self._stream.write(f"\r{text}{blanks}{end}")
            self._stream.flush()
        except (OSError, ValueError):  # a closed pipe or stream must not end a fit
            self._closed = True


# What draws the progress of a fit that was not told how: a notebook that loaded the extension takes this over.
_DRAWN_BY: list[Callable[[], Progress]] = []


def new_progress() -> Progress:
    """Return what shows the progress of one fit: a bar where a notebook draws it, else a line on stderr."""
    return _DRAWN_BY[-1]() if _DRAWN_BY else TextProgress(sys.stderr)


def draw_progress_by(maker: Callable[[], Progress] | None) -> None:
    """Let `maker` make what shows the progress of every fit from now on; None: a line on stderr again."""
    _DRAWN_BY[:] = [] if maker is None else [maker]


def line(phase: str, fraction: float | None, elapsed: float, remaining: float | None) -> str:
    """Return a run's state as one line: phase, bar and percent where they are known, time."""
    parts = [escape.plain(phase)] if phase else []
    if fraction is not None:
        full = round(_CELLS * fraction)
        parts.append("[" + "=" * full + " " * (_CELLS - full) + f"] {percent(fraction)}%")
    parts.append(times(elapsed, remaining))
    return "  ".join(parts)


def percent(fraction: float) -> int:
    """Return a fraction as whole percent; 100 only when all is done."""
    return math.floor(100 * min(max(fraction, 0.0), 1.0) + 1e-9)


def times(elapsed: float, remaining: float | None) -> str:
    """Say how long a run has taken and has left, such as "3.2 s, about 12 s left"."""
    if remaining is None or not math.isfinite(remaining) or remaining < 0.05:
        return duration(elapsed)
    return f"{duration(elapsed)}, about {duration(max(1.0, remaining), 0)} left"


def duration(seconds: float, places: int = 1) -> str:
    """Write a time as a person says it: "0.8 s", "12 s", "3 min 20 s", "2 h 5 min".

    places: decimals of what is below ten seconds.
    """
    if seconds < 10 - 0.5 * 10**-places:
        return f"{seconds:.{places}f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def progress_html(phase: str, fraction: float | None, elapsed: float, remaining: float | None) -> str:
    """Return a run's state as HTML: a bar with role, value and label, and the same in words.

    fraction: from 0 to 1, or None when nobody knows; elapsed, remaining: seconds, None as well. The words are
    readable where a front end takes the style sheet or the bar away.
    """
    name = escape.html(phase)
    share = "" if fraction is None else f" {percent(fraction)}%"
    value = "" if fraction is None else f' aria-valuenow="{percent(fraction)}"'
    wide = 100.0 if fraction is None else 100 * min(max(fraction, 0.0), 1.0)
    state = " pfnb-unknown" if fraction is None else ""
    return (
        f'<style>{_STYLE}</style><div class="pfnb-progress{state}">'
        f'<div class="pfnb-bar" role="progressbar" aria-label="{escape.attribute(phase)}" aria-valuemin="0" '
        f'aria-valuemax="100"{value}><div class="pfnb-done" style="width:{wide:.1f}%"></div></div>'
        f'<span class="pfnb-words">{name}{share} · {times(elapsed, remaining)}</span></div>'
    )


# The front end's own colours where it says them, ours elsewhere.
_STYLE = (
    ".pfnb-progress{display:flex;align-items:center;gap:12px;max-width:760px;padding:2px 0;"
    "font:13px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-variant-numeric:tabular-nums;"
    f"color:var(--jp-content-font-color1,var(--vscode-foreground,{LIGHT.muted}))}}"
    f".pfnb-bar{{flex:0 0 220px;height:6px;border-radius:3px;overflow:hidden;background:#8c959f4d}}"
    f".pfnb-done{{height:100%;border-radius:3px;background:{LIGHT.common}}}"
    ".pfnb-unknown .pfnb-done{opacity:.35}"
    f'body[data-jp-theme-light="false"] .pfnb-done,body.vscode-dark .pfnb-done{{background:{DARK.common}}}'
    "@media (prefers-color-scheme:dark){body:not([data-jp-theme-light]):not([class*=vscode-]) "
    f".pfnb-progress{{color:{DARK.muted}}}}}"
)
