"""Leaving: worker threads that a Python which goes home does not trip over.

A daemon thread inside native code is torn down in the midst of it when the interpreter ends, which aborts the process
with a message. So who leaves asks the workers to stop first, and gives them a moment.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

PATIENCE = 1.5  # seconds that a kernel waits for its workers; a front end kills it after some more

_AT_WORK: dict[threading.Thread, Callable[[], None]] = {}
_LOCK = threading.Lock()
_LEAVING = threading.Event()


def start(work: Callable[..., None], *arguments: Any, asked: Callable[[], None]) -> threading.Thread:
    """Run `work` on a daemon thread; `asked` is called when the interpreter ends before it, and must not wait."""

    def counted() -> None:
        try:
            work(*arguments)
        finally:
            with _LOCK:
                _AT_WORK.pop(threading.current_thread(), None)

    thread = threading.Thread(target=counted, name="probflow-training", daemon=True)
    with _LOCK:
        _AT_WORK[thread] = asked
    thread.start()
    return thread


def is_under_way() -> bool:
    """Return whether this Python is going home, so that nobody is left to be told anything."""
    return _LEAVING.is_set()


def announce(change: Any = None) -> None:
    """Ask every worker to stop; nothing waits.

    change: of a shell's `exit_now`, by which a kernel says so before its sockets are closed.
    """
    if change is not None and not change["new"]:
        return
    _LEAVING.set()
    with _LOCK:
        asked = list(_AT_WORK.values())
    for ask in asked:
        ask()


@atexit.register
def leave() -> None:
    """Ask every worker to stop, and wait for the end of their steps.

    A kernel does not wait for a step that takes long, such as compiling: it ends without tearing it down.
    """
    announce()
    with _LOCK:
        workers = list(_AT_WORK)
    shell = _kernel_shell()
    end = time.monotonic() + PATIENCE
    for thread in workers:
        thread.join(None if shell is None else max(0.0, end - time.monotonic()))
    if any(thread.is_alive() for thread in workers):
        with suppress(Exception):
            shell.atexit_operations()
        for stream in (sys.__stdout__, sys.__stderr__):
            with suppress(AttributeError, OSError, ValueError):
                stream.flush()  # type: ignore[union-attr]
        os._exit(0)


def _kernel_shell() -> Any:
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell if hasattr(shell, "kernel") else None
