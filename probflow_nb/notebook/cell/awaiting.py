"""Awaiting: a `%%lme` cell that waits for its fit while the notebook's event loop goes on.

IPython turns a cell magic into a call; `await` is put before that call, so that the kernel serves the panel's clicks
meanwhile and Run All still keeps its order. Whoever runs the magic in another way gets the fit by blocking.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import signal
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from . import leaving
from .training import Training

_CALL = "get_ipython().run_cell_magic('lme',"
_AWAITED: ContextVar[bool] = ContextVar("lme_is_awaited", default=False)


def await_lme(lines: list[str]) -> list[str]:
    """Put `await` before the call of `%%lme` where that is the cell itself, and a kernel asks for a person.

    lines: of Python, after IPython's own transformations.
    """
    itself = len(lines) > 0 and lines[0].startswith(_CALL)
    wanted = itself and _asked_by_kernel() and person_there(_shell())
    _AWAITED.set(wanted)
    return ["await " + lines[0], *lines[1:]] if wanted else lines


def is_awaited() -> bool:
    """Return whether the magic that is being called stands behind an `await`; true once."""
    awaited = _AWAITED.get()
    _AWAITED.set(False)
    return awaited


def person_there(shell: Any) -> bool:
    """Return whether a front end with a person runs this cell: a kernel's request that may ask for input.

    Programs that run notebooks forbid questions, and take no widgets either.
    """
    if getattr(shell, "kernel", None) is None:
        return False
    try:
        request = shell.get_parent()
    except (AttributeError, LookupError):
        return False
    return bool(request.get("content", {}).get("allow_stdin", False))


async def over(training: Training, seconds: float | None = None) -> None:
    """Wait until a run is over, or so many seconds; an interrupt stops the run, and what there is is kept.

    A second interrupt does not wait for the step that is being done either. Where the kernel is going home, the cell
    waits for ever: its answer would meet closed sockets.
    """
    await _over(training, seconds)
    if leaving.is_under_way():
        await asyncio.Event().wait()


async def _over(training: Training, seconds: float | None) -> None:
    try:
        await training.ended(seconds)
        return
    except asyncio.CancelledError:
        _go_on()
        training.stop()
    with _interrupts_stop(training):
        while training.active:
            try:
                await training.ended()
            except asyncio.CancelledError:
                _go_on()
                training.stop()


def _go_on() -> None:
    """Take back the cancellation of this task: it has been answered."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


@contextlib.contextmanager
def _interrupts_stop(training: Training) -> Iterator[None]:
    """Let each further interrupt stop the run again; the kernel's own handler hears only the first one of a cell."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    former = signal.signal(signal.SIGINT, lambda number, frame: loop.call_soon_threadsafe(training.stop))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _asked_by_kernel() -> bool:
    """Return whether the cell that is being transformed is the kernel's request itself.

    A cell within a cell, such as what stands under `%%time`, is run without an event loop of its own.
    """
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_name in ("_asked_by_kernel", "await_lme", "transform_cell"):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name == "do_execute"


def _shell() -> Any:
    from IPython.core.getipython import get_ipython

    return get_ipython()
