"""A kernel as a front end sees it: requests, and what is published for each; and an engine that takes its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty
from typing import Any

from jupyter_client.manager import start_new_kernel

WIDGET = "application/vnd.jupyter.widget-view+json"
LOAD = "get_ipython().config.LmeMagics.preload = False\n%load_ext probflow_nb"
MODEL = "Reaction ~ Days + (Days | Subject)"
# Exact's answer after steps of a fiftieth of a second: `Slow.steps` of them, ready after `Slow.ready_at`.
SLOW = """
import time
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
import probflow_nb.inference.run as loop
from probflow_nb.inference import Exact
from probflow_nb.inference.engine import Info

@dataclass(frozen=True, eq=False)
class Steps:
    inner: Any
    count: int
    most: int
    ready_at: int
    @property
    def done(self):
        return self.count >= self.most
    @property
    def ready(self):
        return self.count >= self.ready_at

class Slow(Exact):
    steps, ready_at, seconds = 20, 1, 0.02
    def init(self, model, seed):
        exact = Exact()
        inner = exact.init(model, seed)
        while not inner.done:
            inner, _ = exact.step(model, inner)
        return Steps(inner, 0, Slow.steps, Slow.ready_at)
    def step(self, model, state):
        time.sleep(Slow.seconds)
        state = replace(state, count=state.count + 1)
        return state, Info(state.count, state.most, "waiting")
    def result(self, model, state):
        return Exact().result(model, state.inner)
    def extend(self, model, state, draws):
        return self, replace(state, most=state.count + draws)
    glimpse = None

Slow.__name__ = "Exact"
loop.choose = lambda model, auto: SimpleNamespace(engine=Slow(), reason="")

def panel(n=-1):
    from probflow_nb.notebook.panel.panel import Panel
    from ipywidgets import Widget
    from ipywidgets.widgets.widget import _instances
    return [w for w in _instances.values() if isinstance(w, Panel)][n]

def panels():
    from probflow_nb.notebook.panel.panel import Panel
    from ipywidgets.widgets.widget import _instances
    return sum(isinstance(w, Panel) for w in _instances.values())
"""


@dataclass
class Reply:
    """What a kernel published for one request, and what came meanwhile for others.

    outputs: display_data, update_display_data, execute_result, stream and error messages of this request, in order.
    strays: those of other requests.
    """

    outputs: list[dict[str, Any]] = field(default_factory=list)
    strays: list[dict[str, Any]] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        return [message["msg_type"] for message in self.outputs]

    @property
    def text(self) -> str:
        """The text of all streams."""
        return "".join(m["content"]["text"] for m in self.outputs if m["msg_type"] == "stream")

    @property
    def error(self) -> list[str]:
        """The lines of the error that ended the cell; empty without one."""
        return [line for m in self.outputs if m["msg_type"] == "error" for line in m["content"]["traceback"]]

    def plain(self, n: int) -> str:
        return str(self.outputs[n]["content"]["data"]["text/plain"])

    def forms(self, n: int) -> set[str]:
        return set(self.outputs[n]["content"]["data"])

    def place(self, n: int) -> str:
        """The display id of the n-th output."""
        return str(self.outputs[n]["content"]["transient"]["display_id"])


@dataclass
class Session:
    """A kernel and its client."""

    manager: Any
    client: Any

    def send(self, code: str, person: bool = True) -> str:
        """Ask for a cell and do not wait; person: whether the front end could ask somebody for input."""
        return str(self.client.execute(code, allow_stdin=person))

    def collect(self, request: str, until: str = "idle", seconds: float = 120.0) -> Reply:
        """Return what is published for a request until it is idle, or until a message of a kind."""
        reply, end = Reply(), time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                message = self.client.get_iopub_msg(timeout=1.0)
            except Empty:
                continue
            kind, own = message["msg_type"], message["parent_header"].get("msg_id") == request
            if own and message["content"].get("execution_state") == until:
                return reply
            if kind in ("display_data", "update_display_data", "execute_result", "stream", "error"):
                (reply.outputs if own else reply.strays).append(message)
                if kind == until:
                    return reply
        raise AssertionError(f"no {until}: {reply.kinds}")

    def run(self, code: str, person: bool = True) -> Reply:
        return self.collect(self.send(code, person))

    def value(self, expression: str) -> str:
        """Return the representation of a value of the kernel."""
        reply = self.run(f"print(repr(({expression})), end='')")
        assert reply.error == []
        return reply.text


@contextmanager
def session(*cells: str) -> Iterator[Session]:
    """Start a kernel and run some cells in it."""
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=60)
    try:
        found = Session(manager, client)
        for cell in cells:
            assert found.run(cell).error == []
        yield found
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
