"""Training: one model whose runs are pulled on a worker thread, so that the notebook stays free meanwhile.

The waiting cell, the panel and a name that is not there yet all hold the same Training. It knows no screen: whoever
wants to see something watches it. Pausing is not pulling, stopping is closing the run, more is a run that goes on.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...display.progress import NullProgress
from ...errors import EngineError, ProbflowError
from ...fit import Fit, Unfitted, finish
from ...inference.engine import Glimpse
from ...inference.run import Event, Run
from . import leaving
from .pace import INTERVAL, Pace

__all__ = ["ACTIVE", "INTERVAL", "Snapshot", "Training"]

_LOG = logging.getLogger(__name__)
_AWAKE = 0.05  # seconds that the event loop sleeps at most while a cell awaits a run
_TRAIL = 400  # points of the objective's line at most
NOTHING_YET = "The run was stopped before anything was known."
ACTIVE = frozenset({"running", "pausing", "paused", "stopping"})


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a training looks like at one moment.

    status: "idle", "running", "pausing", "paused", "stopping", "done" or "failed". engine: its name, "VI".
    phase: in words. step, total: of the phase, total 0 if nobody knows. elapsed: seconds of work since the start,
    remaining: seconds left, None if nobody knows. figures: the engine's own, by name. trail: (m, 2) of step and
    objective since the start, thinned. glimpse: draws so far, None before there are any. message: why it failed.
    """

    status: str = "idle"
    engine: str = ""
    phase: str = ""
    step: int = 0
    total: int = 0
    elapsed: float = 0.0
    remaining: float | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    trail: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    glimpse: Glimpse | None = None
    message: str = ""

    @property
    def active(self) -> bool:
        """Whether there is a run that is not over."""
        return self.status in ACTIVE


class Training:
    """A model in the notebook and the one run of it that is under way.

    prepare: makes the compiled model, on the worker thread. name: that the fit is bound to, or "".
    engine, seed, device: of the next start. settled: told of every new fit, on the worker thread.
    model: once it is prepared. fit: the last one. error: why the last run has no fit; an older fit stays.
    """

    # Two rules keep it from locking up, whoever calls what: nobody is told anything while the lock is held, and one
    # thread at a time tells; another leaves its snapshot in the queue and goes on.

    def __init__(
        self,
        prepare: Callable[[], Unfitted],
        name: str = "",
        engine: Any = None,
        seed: int | None = None,
        device: str = "",
        settled: Callable[[Fit], None] | None = None,
    ) -> None:
        self.name = name
        self.engine = engine
        self.seed = seed
        self.device = device
        self.model: Unfitted | None = None
        self.fit: Fit | None = None
        self.error: BaseException | None = None
        self.snapshot = Snapshot()
        self._prepare = prepare
        self._settled = settled
        self._watchers: list[Callable[[Snapshot], None]] = []
        self._news: deque[Snapshot] = deque()
        self._telling = False
        self._lock = threading.RLock()
        self._turn = threading.Condition(self._lock)
        self._ended = threading.Event()
        self._ended.set()
        self._asked = "run"
        self._changes: dict[str, float] = {}
        self._number = 0  # of the run; the thread of an abandoned one finds that it is no longer its own
        self._run: Run | None = None
        self._pace = Pace()

    # What may be asked of it, from any thread; nothing waits ---------------------------------------------------------

    def start(self, **options: Any) -> None:
        """Begin a run, with another engine, seed or device where they are given.

        Raises EngineError while a run is under way.
        """
        with self._lock:
            self._refuse_second()
            for name, value in options.items():
                setattr(self, name, value)
            begin = self._launch(self._first)
        self._go(begin)

    def more(self, **more: Any) -> None:
        """Go on from where the last fit ended, by so many draws or steps.

        Raises EngineError while a run is under way, FitError where there is nothing to go on with.
        """
        fit = self.fit
        if fit is None:
            raise EngineError("There is no fit yet that could go on.", hint="Start it first.")
        self._refuse_second()
        run = fit.further(**more)  # a mistake is told at once
        with self._lock:
            self._refuse_second()
            begin = self._launch(lambda: run)
        self._go(begin)

    def stand_at(self, fit: Fit) -> None:
        """Stand where a fit stands that was made elsewhere, before any run of its own."""
        self.model, self.fit = Unfitted(fit.model, fit.name), fit
        self.snapshot = Snapshot("done", type(fit.engine).__name__)

    def pause(self) -> None:
        """Pull no more after the step that is being done."""
        self._ask("pause", "pausing")

    def resume(self) -> None:
        """Go on pulling."""
        self._ask("run", "running")

    def stop(self) -> None:
        """Close the run and keep what there is; a run that has nothing yet is given up at once.

        A second stop does not wait for the step that is being done either: what stood before it is kept.
        """
        with self._lock:
            if not self.active:
                return
            number, run, again = self._number, self._run, self._asked == "stop"
            known = run is not None and run.ready
        if not known:
            self._end(number, error=_nothing())
        elif not again:
            self._ask("stop", "stopping")
        elif run is not None:
            with self._lock:
                if number != self._number:
                    return
                self._number += 1  # the run's own thread ends with its step, and nobody hears of it
                begin = (self._number, lambda: _as_it_stands(run))
            self._go(begin)

    def drop(self) -> None:
        """Give up a run that is under way, and what there is of it; its thread ends with its step."""
        with self._lock:
            number = self._number
        self._end(number, error=_nothing())

    def steer(self, **changes: float) -> None:
        """Change what may change while the engine runs, from the next step on; the figures say what it took."""
        with self._lock:
            if self.active:
                self._changes.update(changes)

    def watch(self, watcher: Callable[[Snapshot], None]) -> None:
        """Tell `watcher` every snapshot from now on: at most five a second, and every change of status at once.

        It is called on the worker's or the asking thread, one call at a time, and must return soon. An error of its
        own ends nothing.
        """
        with self._lock:
            self._watchers.append(watcher)

    def unwatch(self, watcher: Callable[[Snapshot], None]) -> None:
        """Tell `watcher` nothing more."""
        with self._lock, suppress(ValueError):
            self._watchers.remove(watcher)

    # Waiting for it --------------------------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether there is a run that is not over."""
        return not self._ended.is_set()

    @property
    def run(self) -> Run | None:
        """The run that is under way, or was the last."""
        return self._run

    def wait(self, seconds: float | None = None) -> bool:
        """Block until the run is over, or so many seconds; return whether it is."""
        return self._ended.wait(seconds)

    async def ended(self, seconds: float | None = None) -> None:
        """Wait until the run is over, or so many seconds, while the notebook's event loop goes on."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()

        def wake(_: Snapshot) -> None:
            if not self.active:
                with suppress(RuntimeError):  # the loop has gone before the run
                    loop.call_soon_threadsafe(over.set)

        self.watch(wake)
        end = None if seconds is None else loop.time() + seconds
        try:
            while self.active and (end is None or loop.time() < end):
                # A kernel's interrupt is heard by a loop that is awake, and a waiting one is not woken by it.
                left = _AWAKE if end is None else min(_AWAKE, end - loop.time())
                with suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), left)
        finally:
            self.unwatch(wake)

    def answer(self) -> Fit:
        """Return the last fit; raises what ended the last run if that has none."""
        if self.error is not None:
            raise self.error.with_traceback(None) if isinstance(self.error, ProbflowError) else self.error
        if self.fit is None:
            raise EngineError("This model is not fitted yet.", hint="Press Start in its panel, or run its cell.")
        return self.fit

    def say(self, phase: str) -> None:
        """Name what is done before there is a run, such as loading TensorFlow."""
        with self._lock:
            if self.active and self._run is None:
                self._show(replace(self.snapshot, phase=phase))
        self._tell()

    # The worker ------------------------------------------------------------------------------------------------------

    def _refuse_second(self) -> None:
        if self.active:
            raise EngineError("This model is being fitted already.", hint="Wait for it, or stop it first.")

    def _launch(self, begin: Callable[[], Run]) -> tuple[int, Callable[[], Run]]:
        self._number += 1
        self._asked, self._changes, self.error = "run", {}, None
        self._run, self._pace = None, Pace()
        self._ended.clear()
        engine = type(self.engine).__name__ if hasattr(self.engine, "init") else ""
        self._show(Snapshot("running", engine, phase="starting"))
        return self._number, begin

    def _go(self, begin: tuple[int, Callable[[], Run]]) -> None:
        self._tell()
        leaving.start(self._work, *begin, asked=self._leave)

    def _leave(self) -> None:
        with self._lock:
            self._watchers.clear()  # the notebook is going
        self.drop()

    def _first(self) -> Run:
        if self.model is None:
            self.model = self._prepare()
        return self.model.run(self.engine, self.seed, self.device)

    def _work(self, number: int, begin: Callable[[], Run]) -> None:
        try:
            run = begin()
            with self._lock:
                if number != self._number:
                    return
                self._run, pace = run, self._pace
            pace.working()
            for event in run:
                pace.worked()
                glimpse = pace.look(run)
                if not self._seen(number, run, event, glimpse) or not self._obey(number, run, pace):
                    return
                pace.working()
            self._end(number, fit=finish(run, self.name, NullProgress()))
        except Exception as error:  # whatever it is, the waiting cell raises it
            self._end(number, error=error)
        except BaseException as error:  # it ends this thread, and must end nobody else's
            self._end(number, error=_ended_by(error))

    def _seen(self, number: int, run: Run, event: Event, glimpse: Glimpse | None) -> bool:
        """Show an event; return whether the run is still the one that counts."""
        with self._lock:
            if number != self._number:
                return False
            trail = self.snapshot.trail
            if np.isfinite(event.objective):
                trail = np.vstack([trail, [event.step, event.objective]])
                trail = trail[::2] if len(trail) > 2 * _TRAIL else trail
            seen = Snapshot(
                self.snapshot.status, type(run.engine).__name__, event.phase, event.step, event.total,
                run.seconds, self._pace.remaining(event), event.info, trail, glimpse or self.snapshot.glimpse,
            )  # fmt: skip
            self._show(seen, quietly=not self._pace.due())
        self._tell()
        return True

    def _obey(self, number: int, run: Run, pace: Pace) -> bool:
        """Do between two steps what was asked meanwhile; return whether the run is still the one that counts."""
        while True:
            with self._turn:
                if number != self._number:
                    return False
                if self._asked != "pause" or run.done:
                    changes, self._changes = self._changes, {}
                    if self._asked == "stop":
                        run.close()
                    break
                if self.snapshot.status == "paused":
                    pace.rest(self._turn.wait)
                else:
                    self._show(replace(self.snapshot, status="paused"))
            self._tell()
        for name, value in changes.items():
            with suppress(EngineError):
                run.steer(**{name: value})
        return True

    def _ask(self, what: str, status: str) -> None:
        with self._turn:
            if not self.active or self._asked == "stop" or what == self._asked:
                return
            self._asked = what
            self._show(replace(self.snapshot, status=status))
            self._turn.notify_all()
        self._tell()

    def _end(self, number: int, fit: Fit | None = None, error: BaseException | None = None) -> None:
        with self._turn:
            if number != self._number or not self.active:
                return
            self._number += 1
            self._asked = "run"
            self.error = error
            if fit is not None:
                self.fit = fit
            self._turn.notify_all()
        if fit is not None and self._settled is not None:
            _guarded(self._settled, fit)
        with self._turn:
            message = "" if error is None else _said(error)
            self._show(replace(self.snapshot, status="failed" if error else "done", message=message))
            self._ended.set()
        self._tell()

    # Telling ---------------------------------------------------------------------------------------------------------

    def _show(self, snapshot: Snapshot, quietly: bool = False) -> None:
        """Take a snapshot for the present one; who watches hears of it when the lock is free."""
        self.snapshot = snapshot
        if not quietly:
            self._news.append(snapshot)

    def _tell(self) -> None:
        with self._lock:
            if self._telling:
                return
            self._telling = True
        try:
            while True:
                with self._lock:
                    if not self._news:
                        self._telling = False
                        return
                    snapshot, watchers = self._news.popleft(), tuple(self._watchers)
                for watcher in watchers:
                    _guarded(watcher, snapshot)
        except BaseException:  # an interrupt in the midst of it: the next one who tells goes on
            self._telling = False
            raise


def _guarded(told: Callable[[Any], None], what: Any) -> None:
    try:
        told(what)
    except Exception:
        if not leaving.is_under_way():
            _LOG.exception("What watches a run failed; the run goes on.")


def _as_it_stands(run: Run) -> Run:
    """Return a run that is closed where the last whole step left it."""
    left = copy.copy(run)
    left.close()
    return left


def _said(error: BaseException) -> str:
    return error.message if isinstance(error, ProbflowError) else str(error) or type(error).__name__


def _ended_by(error: BaseException) -> EngineError:
    return EngineError(f"The run was ended by {type(error).__name__}.", hint="Run it again.")


def _nothing() -> EngineError:
    return EngineError(NOTHING_YET, hint="Run it again and let it go on longer.")
