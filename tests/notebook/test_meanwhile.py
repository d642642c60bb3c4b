"""Questions about our cells are answered while another cell awaits; what that rests on in ipykernel is held here."""

from __future__ import annotations

import asyncio
import time
from queue import Empty
from types import SimpleNamespace
from typing import Any

import ipykernel
import pytest
from kernel_session import LOAD, Session, session

from probflow_nb.notebook.completion import meanwhile
from probflow_nb.notebook.completion.meanwhile import Doorway, lacking

CELL = "%%lme\nReaction ~ Days + (1 | Sub"
AWAITING = "import asyncio\nprint('before')\nfor _ in range(1200):\n    await asyncio.sleep(0.05)"


@pytest.fixture(scope="module")
def kernel() -> Any:
    with session(LOAD, "from probflow_nb import datasets\nsleep = datasets.sleepstudy()") as found:
        yield found


def test_ipykernel_is_still_built_as_this_needs_it(kernel: Session):
    module = "__import__('probflow_nb.notebook.completion.meanwhile', fromlist=['x'])"
    found = kernel.value(f"{module}.lacking(get_ipython().kernel)")
    assert found == "()", (
        f"ipykernel {ipykernel.__version__} has no more {found}: completion in a %%lme cell waits until the running "
        "cell has ended. Mend notebook/completion/meanwhile.py by what ipykernel has instead."
    )
    assert kernel.value(f"type(get_ipython().kernel.shell_main) is {module}.Doorway") == "True"


def replied(kernel: Session, request: str, seconds: float) -> dict[str, Any] | None:
    """Return the content of the reply to a request, None if there is none in so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            message = kernel.client.get_shell_msg(timeout=0.2)
        except Empty:
            continue
        if message["parent_header"].get("msg_id") == request:
            return dict(message["content"])
    return None


def test_a_question_is_answered_while_a_cell_awaits_and_the_cell_goes_on(kernel: Session):
    cell = kernel.send(AWAITING)
    kernel.collect(cell, until="stream")
    completed = replied(kernel, kernel.client.complete(CELL, len(CELL)), 30)
    inspected = replied(kernel, kernel.client.inspect(f"{CELL}ject", len(CELL)), 30)
    other = kernel.client.complete("pri", 3)
    assert completed is not None, "the completion waits for the cell"
    assert completed["matches"] == ["Subject"]
    assert inspected is not None
    assert "column of sleep" in inspected["data"]["text/plain"]
    assert replied(kernel, other, 1.0) is None  # what is not ours waits as ever
    kernel.manager.interrupt_kernel()
    reply = kernel.collect(cell)
    assert reply.error  # the interrupt was the cell's own
    late = replied(kernel, other, 30)
    assert late is not None
    assert "print" in late["matches"]


# A kernel that has all that is needed -----------------------------------------------------------------------------


class Complete:
    """A stand-in for ipykernel's kernel, whose cell is waiting."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.session = SimpleNamespace(feed_identities=None, deserialize=None, unpack=None)
        manager = SimpleNamespace(set_on_recv_callback=self.asked.append)
        self.shell_channel_thread: Any = SimpleNamespace(manager=manager)
        self._main_asyncio_lock: Any = SimpleNamespace(locked=lambda: True)
        self._shell_parent_ident = None

    async def shell_main(self, subshell_id: Any, message: Any) -> None:
        self.asked.append(("before", message))

    def dispatch_shell(self, message: Any, subshell_id: Any = None, concurrent: bool = False) -> None: ...

    def get_parent(self, channel: str) -> Any: ...

    def set_parent(self, ident: Any, parent: Any, channel: str) -> None: ...

    def _publish_status(self, status: str, channel: str, parent: Any = None) -> None: ...

    def _get_shell_context_var(self, variable: Any) -> Any: ...


class Hiding:
    """A kernel without one name."""

    def __init__(self, kernel: Complete, name: str) -> None:
        self.__dict__.update(_kernel=kernel, _name=name)

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            raise AttributeError(name)
        return getattr(self._kernel, name)


def test_nothing_is_lacking_where_all_is_there():
    assert lacking(Complete()) == ()


@pytest.mark.parametrize("name", [*meanwhile._NEEDED, "shell_channel_thread"])
def test_a_kernel_without_a_part_is_left_as_it_is(name):
    kernel = Hiding(Complete(), name)
    assert any(name in part for part in lacking(kernel))
    meanwhile.install(SimpleNamespace(kernel=kernel))
    assert kernel._kernel.asked == []
    assert "shell_main" not in vars(kernel)


def test_a_dispatch_of_another_kind_is_seen():
    kernel = Complete()
    kernel.dispatch_shell = lambda message: None  # type: ignore[method-assign,assignment,misc]
    assert lacking(kernel) == ("dispatch_shell(concurrent=)",)


@pytest.mark.parametrize("part", ["session", "_main_asyncio_lock", "_get_shell_context_var", "get_parent"])
def test_a_way_that_breaks_lets_the_request_wait(part):
    kernel = Complete()
    header = {"msg_type": "complete_request"}
    kernel.session.feed_identities = lambda message, copy: ([], message)
    kernel.session.deserialize = lambda frames, content, copy: {"header": header, "content": b""}
    kernel.session.unpack = lambda content: {"code": CELL, "cursor_pos": len(CELL)}
    assert Doorway(kernel)._way(None, "message") is not None
    setattr(kernel, part, None)
    asyncio.run(Doorway(kernel)(None, "message"))
    assert kernel.asked == [("before", "message")]
