"""Inspection: Shift-Tab on a name inside our cells, answered through the kernel's own reply."""

from __future__ import annotations

import logging
from typing import Any

from .cursor import cursor
from .note import Note
from .scene import Scene

_LOG = logging.getLogger(__name__)


class Inspector:
    """Stands in for a kernel's `do_inspect`: our cells are answered here, all others as before.

    before: the method that it replaces.
    """

    def __init__(self, shell: Any, before: Any) -> None:
        self.shell = shell
        self.before = before

    def __call__(self, code: str, cursor_pos: int, *further: Any, **named: Any) -> Any:
        """Return the content of an inspect_reply."""
        here = cursor(code, cursor_pos)
        if here is None:
            return self.before(code, cursor_pos, *further, **named)
        note = noted(Scene(here, self.shell.user_ns), self.shell)
        data = {} if note is None else note.bundle
        return {"status": "ok", "found": note is not None, "data": data, "metadata": {}}


def install(shell: Any) -> None:
    """Answer for our cells in the kernel of a shell, if it has one."""
    remove(shell)
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        kernel.do_inspect = Inspector(shell, kernel.do_inspect)


def remove(shell: Any) -> None:
    """Give the kernel its own answers back."""
    kernel = getattr(shell, "kernel", None)
    if kernel is not None and isinstance(kernel.do_inspect, Inspector):
        del kernel.do_inspect


def noted(scene: Scene, shell: Any) -> Note | None:
    """Return what is known of the name at the cursor, or None.

    Whatever is wrong with the person's own objects, the answer is at worst None.
    """
    from .body_note import body_note
    from .line_note import line_note

    try:
        if scene.cursor.in_body:
            return body_note(scene)
        return line_note(scene, shell.magics_manager.magics["cell"]["lme"].parser)
    except Exception:
        _LOG.debug("no note", exc_info=True)
        return None
