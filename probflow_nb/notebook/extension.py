"""What `%load_ext probflow_nb` does: register the magics and begin to load TensorFlow in the background."""

from __future__ import annotations

import contextlib
import threading
from importlib import import_module
from typing import Any

from traitlets import TraitError
from traitlets.config import Config

from ..backend import tensorflow as backend
from ..display import figures
from ..display.interactive import explore_by
from ..display.progress import draw_progress_by
from ..display.theme import LIGHT
from .cell import leaving
from .cell.awaiting import await_lme
from .commands import say
from .completion import completion, inspection, meanwhile
from .magics import LmeMagics
from .progress import NotebookProgress

# What a cell shows itself, so that the display hook may have to pass over it; named, because loading them takes time.
_SHOWN = (("probflow_nb.fit.fit", "Fit"), ("probflow_nb.fit.unfitted", "Unfitted"))


def load_ipython_extension(ipython: Any) -> None:
    """Register `%%lme` and `%lme`, show progress as a bar, and start loading what the first fit needs.

    ipython: the running InteractiveShell. Loading twice replaces the magics.
    """
    magics = _magics(ipython)
    _withdraw(ipython)
    ipython.register_magics(magics)
    ipython.configurables.append(magics)
    completion.install(ipython)
    inspection.install(ipython)
    meanwhile.install(ipython)
    explore_by(_explore)
    if hasattr(ipython, "kernel"):
        draw_progress_by(NotebookProgress)
        ipython.input_transformers_post.append(await_lme)
        ipython.observe(leaving.announce, "exit_now")
    for home, name in _SHOWN:
        ipython.display_formatter.ipython_display_formatter.for_type_by_name(home, name, magics.once)
    if magics.preload:
        # Where every fit is kept, a notebook that is run again needs no TensorFlow.
        magics.loader = None if magics.always_cache else backend.preload()
        threading.Thread(target=_load_figures, name="probflow-figures", daemon=True).start()


def unload_ipython_extension(ipython: Any) -> None:
    """Take the magics away again; fits that the notebook holds stay.

    ipython: the running InteractiveShell.
    """
    _withdraw(ipython)
    draw_progress_by(None)
    explore_by(None)
    completion.remove(ipython)
    inspection.remove(ipython)
    meanwhile.remove(ipython)
    for kind in ("line", "cell"):
        ipython.magics_manager.magics[kind].pop("lme", None)


def _magics(ipython: Any) -> LmeMagics:
    """Return the magics; a setting that cannot be is said and left out, be it of the profile or typed before."""
    try:
        return LmeMagics(shell=ipython)
    except TraitError:
        settings = ipython.config.LmeMagics
    trial = LmeMagics(shell=ipython, config=Config())
    for name, value in list(settings.items()):
        try:
            setattr(trial, name, value)
        except TraitError as error:
            del settings[name]
            say(f"LmeMagics.{name} is left as it was. {error}")
    return LmeMagics(shell=ipython)


def _withdraw(ipython: Any) -> None:
    ipython.configurables[:] = [c for c in ipython.configurables if not isinstance(c, LmeMagics)]
    with contextlib.suppress(ValueError):  # nobody observes it yet
        ipython.unobserve(leaving.announce, "exit_now")
    ipython.input_transformers_post[:] = [t for t in ipython.input_transformers_post if t is not await_lme]
    for home, name in _SHOWN:
        ipython.display_formatter.ipython_display_formatter.pop(f"{home}.{name}", None)


def _explore(fit: Any, start: Any) -> Any:
    # Widgets are loaded when the first one is wanted.
    from .walk.explore import explore

    return explore(fit, start)


def _load_figures() -> None:
    # A fit without pictures raises the same error again, in a place where it can be read.
    with contextlib.suppress(ImportError):
        figures.blank_figure(1.0, 1.0, LIGHT)
    # The first panel would wait a quarter of a second for these.
    for module in ("anywidget", "ipywidgets"):
        with contextlib.suppress(ImportError):
            import_module(module)
