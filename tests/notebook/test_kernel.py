"""Under a real ipykernel: what a notebook's outputs hold, and what the stop button leaves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from queue import Empty
from typing import Any

import nbformat
import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

# A pipeline in the kernel that takes its time: 20 steps of a twentieth of a second.
SLOW = """
import time
from types import SimpleNamespace
import pandas as pd
import probflow_nb.api

def slow(text, data, *, progress, **options):
    done = 0
    try:
        for done in range(1, 21):
            progress.show(SimpleNamespace(step=done, total=20, phase="drawing", objective=None))
            time.sleep(0.05)
    except KeyboardInterrupt:
        pass
    return done

probflow_nb.api.lme = slow
sleep = pd.DataFrame({"y": [1.0, 2.0], "g": ["a", "b"]})
"""
# Nothing loads in the background: only what the cells themselves publish is looked at.
LOAD = "get_ipython().config.LmeMagics.preload = False\n%load_ext probflow_nb"
FIT = "%%lme\ny ~ 1 + (1 | g)"


def executed(*cells: str) -> list[Any]:
    """Run cells in a fresh kernel as a notebook does, going on after an error; return the executed cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
    return notebook.cells


@pytest.fixture(scope="module")
def cells() -> list[Any]:
    wrong = "%%lme\ny ~ 1 + (1 | g"
    return executed(LOAD, SLOW, FIT, wrong, "%%lme --data nowhere\ny ~ 1 + (1 | g)", "%%lme\n# nothing yet\n")


def kinds(cell: Any) -> list[str]:
    return [output.output_type for output in cell.outputs]


def test_loading_is_silent(cells):
    assert cells[0].outputs == []


def test_a_slow_fit_shows_one_bar_that_ends_with_phase_and_time(cells):
    said, bar, value = cells[2].outputs
    assert said.data["text/plain"] == "data: sleep (2 rows)"
    assert bar.output_type == "display_data"
    assert 'role="progressbar"' in bar.data["text/html"]
    assert "drawing" in bar.data["text/html"]
    assert 'aria-valuenow="100"' in bar.data["text/html"]
    assert bar.data["text/plain"].endswith(" s")
    assert value.output_type == "execute_result"
    assert value.data["text/plain"] == "20"


def test_an_error_holds_only_our_lines(cells):
    said, error = cells[3].outputs[-1], cells[4].outputs[-1]
    for output in (said, error):
        assert output.output_type == "error"
        assert not any("Traceback" in line or "File " in line for line in output.traceback)
    assert said.ename == "ParseError"
    assert "y ~ 1 + (1 | g" in said.traceback[1] or "y ~ 1 + (1 | g" in said.traceback[0]
    assert any("^" in line for line in said.traceback)
    assert error.traceback[0].startswith('UsageError: There are no data called "nowhere".')


def test_an_empty_text_is_said_to_be_one(cells):
    (error,) = cells[5].outputs
    assert error.ename in ("SpecError", "ParseError")
    assert len(error.traceback) <= 4


@pytest.fixture
def client() -> Iterator[tuple[Any, BlockingKernelClient]]:
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=60)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def messages(client: BlockingKernelClient, request: str, until: str, seconds: float = 60.0) -> list[dict]:
    """Collect what the kernel publishes for a request, until a message type or "idle" comes."""
    found: list[dict] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            message = client.get_iopub_msg(timeout=1.0)
        except Empty:
            continue
        if message["parent_header"].get("msg_id") != request:
            continue
        found.append(message)
        if message["msg_type"] == until or message["content"].get("execution_state") == until:
            return found
    raise AssertionError(f"no {until} within {seconds} s: {[m['msg_type'] for m in found]}")


def test_the_stop_button_keeps_what_there_is(client):
    manager, kernel = client
    for cell in (LOAD, SLOW):
        messages(kernel, kernel.execute(cell), "idle")
    request = kernel.execute(FIT.replace("%%lme", "%%lme m --data sleep"), allow_stdin=False)
    messages(kernel, request, "display_data")
    manager.interrupt_kernel()
    shown = messages(kernel, request, "idle")
    assert not [m for m in shown if m["msg_type"] == "error"]
    (value,) = [m for m in shown if m["msg_type"] == "execute_result"]
    assert 0 < int(value["content"]["data"]["text/plain"]) < 20
    request = kernel.execute("m")
    (again,) = [m for m in messages(kernel, request, "idle") if m["msg_type"] == "execute_result"]
    assert again["content"]["data"] == value["content"]["data"]
