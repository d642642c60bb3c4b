"""What `%load_ext probflow_nb` does: register the magics and begin to load TensorFlow in the background."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from ..backend import tensorflow as backend
from ..display import figures
from ..display.progress import draw_progress_by
from ..display.theme import LIGHT
from .magics import LmeMagics
from .progress import NotebookProgress


def load_ipython_extension(ipython: Any) -> None:
    """Register `%%lme` and `%lme`, show progress as a bar, and start loading what the first fit needs.

    ipython: the running InteractiveShell. Loading twice replaces the magics.
    """
    magics = LmeMagics(shell=ipython)
    _withdraw(ipython)
    ipython.register_magics(magics)
    ipython.configurables.append(magics)
    if hasattr(ipython, "kernel"):
        draw_progress_by(NotebookProgress)
    if magics.preload:
        magics.loader = backend.preload()
        threading.Thread(target=_load_figures, name="probflow-figures", daemon=True).start()


def unload_ipython_extension(ipython: Any) -> None:
    """Take the magics away again; fits that the notebook holds stay.

    ipython: the running InteractiveShell.
    """
    _withdraw(ipython)
    draw_progress_by(None)
    for kind in ("line", "cell"):
        ipython.magics_manager.magics[kind].pop("lme", None)


def _withdraw(ipython: Any) -> None:
    ipython.configurables[:] = [c for c in ipython.configurables if not isinstance(c, LmeMagics)]


def _load_figures() -> None:
    # A fit without pictures raises the same error again, in a place where it can be read.
    with contextlib.suppress(ImportError):
        figures.blank_figure(1.0, 1.0, LIGHT)
