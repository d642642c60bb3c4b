"""A cell that awaits its fit, in a real kernel: order, interrupts, and every way to run the magic that blocks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from kernel_session import LOAD, MODEL, SLOW, WIDGET, Session, session

from probflow_nb.notebook.cell import awaiting

FIT = f"%%lme m --data sleepstudy --seed 1\n{MODEL}"


@pytest.fixture(scope="module")
def kernel() -> Iterator[Session]:
    with session(LOAD, SLOW, FIT) as found:
        yield found


@pytest.fixture(autouse=True)
def usual(kernel) -> None:
    kernel.run("Slow.steps, Slow.ready_at, Slow.seconds = 3, 1, 0.02\nget_ipython().user_ns.pop('m', None)")


def test_the_event_loop_goes_on_and_the_next_cell_sees_the_name(kernel):
    kernel.run("import asyncio\nturns = []\nasync def count():\n    while True:\n        turns.append(1)\n"
               "        await asyncio.sleep(0.01)\ncounting = asyncio.ensure_future(count())")  # fmt: skip
    kernel.run("Slow.steps = 30\nbefore = len(turns)")
    first, second = kernel.send(FIT), kernel.send("print(m.seed, len(turns) - before > 5)\ncounting.cancel();")
    assert "error" not in kernel.collect(first).kinds
    assert kernel.collect(second).text == "1 True\n"


def test_the_value_is_the_fit_and_is_shown_once(kernel):
    reply = kernel.run(FIT)
    assert reply.kinds == ["display_data", "display_data"]
    assert kernel.value("_ is m, Out[max(Out)] is m") == "(True, True)"
    again = kernel.run("m")
    assert again.kinds == ["execute_result"]
    assert "m: Reaction" in again.plain(0)
    assert kernel.run("display(m)\nm").kinds == ["display_data", "execute_result"]


BLOCKING = {
    "time": "%%time\n" + FIT,
    "function": f"def f():\n    return get_ipython().run_cell_magic('lme', 'm --data sleepstudy', {MODEL!r})\nf()",
    "a cell within a cell": f"done = get_ipython().run_cell({FIT!r})",
    "comment first": "# a model\nget_ipython().run_cell_magic('lme', 'm --data sleepstudy', 'Reaction ~ Days')",
}


@pytest.mark.parametrize("way", BLOCKING)
def test_other_ways_to_run_it_block(kernel, way):
    reply = kernel.run(BLOCKING[way])
    assert reply.error == []
    assert not any(WIDGET in m["content"].get("data", {}) for m in reply.outputs)
    assert "m: Reaction" in reply.plain(-1)
    assert kernel.value("type(m).__name__") == "'Fit'"


def test_captured_and_without_autoawait(kernel):
    assert kernel.run("%%capture held\n" + FIT).kinds == []
    assert kernel.value("'m: Reaction' in str(held.outputs[-1].data), type(m).__name__") == "(True, 'Fit')"
    kernel.run("%autoawait off")
    try:
        reply = kernel.run(FIT)
        assert reply.kinds == ["execute_result"]
    finally:
        kernel.run("%autoawait on")


def test_a_program_that_runs_notebooks_gets_the_static_form_only(kernel):
    kernel.run("Slow.steps = 60")
    reply = kernel.collect(kernel.send(FIT, person=False))
    assert set(reply.kinds) == {"display_data", "update_display_data", "execute_result"}
    assert not any(WIDGET in m["content"]["data"] for m in reply.outputs)
    assert "waiting" in reply.plain(0)


FAULTS = {
    "%%lme m --data sleepstudy\nReaction ~ Days + (1 | Subject": "ParseError: The bracket `(` is never closed.",
    "%%lme m --data sleepstudy --panel\nReaction ~ Dais": "DataError: There is no column `Dais` in the data.",
    "%%lme m --data nowhere\nReaction ~ Days": 'UsageError: There are no data called "nowhere".',
    "%%lme m --data sleepstudy --device TPU:7\nReaction ~ Days": 'EngineError: There is no device "TPU:7".',
}


@pytest.mark.parametrize("cell", FAULTS)
def test_a_fault_is_told_before_any_panel(kernel, cell):
    reply = kernel.run(cell)
    assert reply.kinds == ["error"]
    assert reply.error[0] == FAULTS[cell]
    assert not any("Traceback" in line or "File " in line for line in reply.error)
    assert kernel.value("'m' in globals()") == "False"


def test_an_interrupt_keeps_what_there_is(kernel):
    kernel.run("Slow.steps = 3000")
    request = kernel.send(FIT)
    kernel.collect(request, "display_data")  # the panel is there
    kernel.manager.interrupt_kernel()
    reply = kernel.collect(request)
    assert reply.kinds == ["display_data"]
    assert "m: Reaction" in reply.plain(0)
    assert kernel.value("m.stopped, m.state.count < 3000") == "(True, True)"


def test_an_interrupt_before_anything_is_known_says_so(kernel):
    kernel.run("Slow.steps, Slow.ready_at = 3000, 3000")
    request = kernel.send(FIT)
    kernel.collect(request, "display_data")
    kernel.manager.interrupt_kernel()
    reply = kernel.collect(request)
    assert reply.error == [
        "EngineError: The run was stopped before anything was known.",
        "Run it again and let it go on longer.",
    ]
    assert kernel.run(FIT.replace("sleepstudy", "sleepstudy --engine exact")).error == []


def test_a_second_interrupt_does_not_wait_for_the_step(kernel):
    # Steps of a minute: the first stop waits for the one that is being done, the second does not.
    kernel.run("Slow.steps = 30\nstep = Slow.step\ndef minute(self, model, state):\n"
               "    Slow.seconds = 60 if state.count else 0.02\n    return step(self, model, state)\n"
               "Slow.step = minute")  # fmt: skip
    request = kernel.send(FIT)
    kernel.collect(request, "display_data")
    kernel.manager.interrupt_kernel()
    time.sleep(1.0)
    kernel.manager.interrupt_kernel()
    began = time.monotonic()
    reply = kernel.collect(request)
    assert time.monotonic() - began < 40  # a step is a minute
    assert reply.error == []
    assert kernel.value("m.stopped, m.state.count") == "(True, 1)"
    kernel.run("Slow.step = step")


def test_no_panel_where_it_is_never_wanted(kernel):
    kernel.run("%config LmeMagics.panel = 'never'\nSlow.steps = 40")
    try:
        reply = kernel.run(FIT)
        assert set(reply.kinds) == {"display_data", "update_display_data"}
        assert not any(WIDGET in m["content"]["data"] for m in reply.outputs)
        assert "m: Reaction" in reply.plain(-1)
    finally:
        kernel.run("%config LmeMagics.panel = 'auto'")


def test_a_plain_shell_is_no_kernel():
    shell = SimpleNamespace()
    assert not awaiting.person_there(shell)
    lines = ["get_ipython().run_cell_magic('lme', '', 'y ~ x')\n"]
    assert awaiting.await_lme(lines) == lines
    assert not awaiting.is_awaited()
