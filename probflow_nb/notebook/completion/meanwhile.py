"""Meanwhile: completion and Shift-Tab in our cells are answered while another cell awaits its fit.

ipykernel lets every request wait until the running cell has ended, and only messages of widgets pass. The same way
past is opened here for questions about our cells; all others still wait, and cells still run one after the other.
Where a kernel has not that way, nothing is changed.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from contextvars import copy_context
from typing import Any

from .cursor import cursor

_QUESTIONS = ("complete_request", "inspect_request")
# What of ipykernel's own the way goes by; some of it is nobody's promise.
_NEEDED = (
    *("shell_main", "session", "dispatch_shell", "get_parent", "set_parent", "_publish_status"),
    *("_main_asyncio_lock", "_shell_parent_ident", "_get_shell_context_var"),
)
_LOG = logging.getLogger(__name__)


class Doorway:
    """Stands in for a kernel's `shell_main`, which receives the requests.

    kernel: the ipykernel. before: the method that it replaces.
    """

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.before = kernel.shell_main

    async def __call__(self, subshell_id: str | None, message: Any) -> None:
        """Answer a question about a cell of ours at once, and hand everything else on."""
        way = self._way(subshell_id, message)
        if way is None:
            await self.before(subshell_id, message)
        else:
            await self._answer(message, *way)

    def _way(self, subshell_id: str | None, message: Any) -> tuple[dict[str, Any], Any, Any] | None:
        """Return a question with the request and the identity that the waiting cell has; None where it has to wait."""
        kernel = self.kernel
        try:
            if subshell_id is not None or not kernel._main_asyncio_lock.locked():
                return None
            question = self._question(message)
            if question is None:
                return None
            return question, kernel.get_parent("shell"), kernel._get_shell_context_var(kernel._shell_parent_ident)
        except Exception:  # a kernel that is built in another way: a later answer is better than none
            _LOG.debug("no way past the waiting cell", exc_info=True)
            return None

    def _question(self, message: Any) -> dict[str, Any] | None:
        """Return a question about a cell of ours, its content left packed, None for any other message."""
        session = self.kernel.session
        try:
            _, frames = session.feed_identities(message, copy=False)
            # Without its content, so that the session does not take the message for a repeated one later.
            held = session.deserialize(frames, content=False, copy=False)
            if held["header"]["msg_type"] not in _QUESTIONS:
                return None
            content = session.unpack(held["content"])
            ours = cursor(content["code"], content["cursor_pos"]) is not None
        except (KeyError, TypeError, ValueError):
            return None
        return held if ours else None

    async def _answer(self, message: Any, question: dict[str, Any], parent: Any, ident: Any) -> None:
        kernel = self.kernel
        answer = kernel.dispatch_shell(message, subshell_id=None, concurrent=True)
        try:
            await asyncio.create_task(answer, context=copy_context())
        finally:
            kernel.set_parent(ident, parent, channel="shell")
        # A front end takes an answer for complete when the kernel has said "idle" to it; the cell goes on, though.
        kernel._publish_status("idle", "shell", parent=question)
        kernel._publish_status("busy", "shell", parent=parent)


def install(shell: Any) -> None:
    """Open the way in the kernel of a shell, if it has one that can."""
    remove(shell)
    kernel = getattr(shell, "kernel", None)
    if kernel is not None and not lacking(kernel):
        _receive(kernel, Doorway(kernel))


def remove(shell: Any) -> None:
    """Close the way again."""
    kernel = getattr(shell, "kernel", None)
    doorway = getattr(kernel, "shell_main", None)
    if isinstance(doorway, Doorway):
        _receive(kernel, doorway.before)
        del kernel.shell_main  # type: ignore[union-attr]


def lacking(kernel: Any) -> tuple[str, ...]:
    """Return what a kernel has not of all that the way goes by; where there is anything, requests wait as ever."""
    found = [name for name in _NEEDED if not hasattr(kernel, name)]
    manager = getattr(getattr(kernel, "shell_channel_thread", None), "manager", None)
    if not hasattr(manager, "set_on_recv_callback"):
        found.append("shell_channel_thread.manager.set_on_recv_callback")
    if "dispatch_shell" not in found and "concurrent" not in inspect.signature(kernel.dispatch_shell).parameters:
        found.append("dispatch_shell(concurrent=)")
    return tuple(found)


def _receive(kernel: Any, by: Any) -> None:
    """Let a kernel receive its requests by another function, from now on or from when it starts."""
    kernel.shell_main = by
    if hasattr(kernel, "io_loop"):
        kernel.shell_channel_thread.manager.set_on_recv_callback(by)
