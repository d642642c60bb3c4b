"""What a cell shows, in a real kernel: panel, walk and static form, each in its place, whatever runs later."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from kernel_session import LOAD, MODEL, SLOW, WIDGET, Session, session

from probflow_nb.notebook.cell.cell_output import ShownOnce

FIT = f"%%lme m --data sleepstudy --seed 1\n{MODEL}"


@pytest.fixture(scope="module")
def kernel() -> Iterator[Session]:
    with session(LOAD, SLOW, FIT, "from probflow_nb.notebook.cell import cell_output") as found:
        yield found


@pytest.fixture(autouse=True)
def usual(request) -> None:
    if "kernel" in request.fixturenames:
        found = request.getfixturevalue("kernel")
        found.run("Slow.steps, Slow.ready_at, Slow.seconds = 3, 1, 0.02\nget_ipython().user_ns.pop('m', None)")


def ended(kernel: Session) -> list[dict]:
    """Wait for the run of the newest panel; return what other cells' outputs were updated with."""
    reply = kernel.run("panel().training.wait(60)\nimport time; time.sleep(0.5)")
    assert reply.error == []
    return [m for m in (*reply.strays, *reply.outputs) if m["msg_type"] in ("display_data", "update_display_data")]


def test_a_quick_fit_shows_the_panel_with_one_line_and_the_static_form(kernel):
    reply = kernel.run(FIT)
    assert WIDGET in reply.forms(0)
    assert reply.plain(0).startswith("Exact · 4,000 draws · seed 1 · ")
    assert "need a running kernel" in reply.outputs[0]["content"]["data"]["text/html"]
    assert reply.forms(1) == {"text/html", "text/plain", "text/latex", "text/markdown"}
    assert reply.place(0) != reply.place(1)


def test_a_long_fit_shows_the_panel_while_it_runs(kernel):
    kernel.run("Slow.steps = 100")
    request = kernel.send(FIT)
    first = kernel.collect(request, "display_data")
    assert first.plain(0) == "m is being fitted."
    assert kernel.collect(request).forms(0) == {"text/html", "text/plain", "text/latex", "text/markdown"}


def test_a_model_that_is_not_fitted_starts_from_its_panel(kernel):
    reply = kernel.run(FIT.replace("--seed 1", "--no-fit"))
    assert reply.plain(0) == "m is not fitted yet."
    assert kernel.value("type(m).__name__, panel().training.snapshot.status") == "('Unfitted', 'idle')"
    kernel.run("panel().training.start()")
    (update,) = ended(kernel)
    assert update["content"]["transient"]["display_id"] == reply.place(1)
    assert kernel.value("type(m).__name__") == "'Fit'"


def test_more_changes_the_static_form_where_it_stands(kernel):
    reply = kernel.run(FIT)
    cell = reply.outputs[0]["parent_header"]["msg_id"]
    kernel.run("before = m\npanel().training.more(draws=2)")
    (update,) = ended(kernel)
    assert update["msg_type"] == "update_display_data"
    assert update["content"]["transient"]["display_id"] == reply.place(1)
    assert update["parent_header"]["msg_id"] == cell
    assert kernel.value("m is before, m.state.count, cell_output.of(m) is not None") == "(False, 5, True)"


def test_more_lets_the_older_fit_go(kernel):
    kernel.run(FIT)
    kernel.run("import gc, weakref\nformer = weakref.ref(m)\npanel().training.more(draws=2)")
    ended(kernel)
    assert kernel.value("m.state.count, gc.collect() < 0, former()") == "(5, False, None)"


def test_a_run_that_began_after_a_failure_shows_itself_in_its_cell(kernel):
    kernel.run("Slow.steps, Slow.ready_at = 3000, 3000")
    request = kernel.send(FIT)
    kernel.collect(request, "display_data")
    kernel.manager.interrupt_kernel()
    assert kernel.collect(request).kinds == ["error"]
    kernel.run("Slow.steps, Slow.ready_at = 3, 1\npanel().training.start()")
    (shown,) = ended(kernel)
    assert (shown["msg_type"], shown["parent_header"]["msg_id"]) == ("display_data", request)
    assert kernel.value("type(m).__name__") == "'Fit'"


def test_a_name_that_is_fitted_again_closes_the_older_panel(kernel):
    kernel.run(FIT)
    before = int(kernel.value("panels()"))
    kernel.run(FIT)
    assert int(kernel.value("panels()")) == before
    assert kernel.value("cell_output.close(m), panels()") == f"(1, {before - 1})"
    assert kernel.value("cell_output.close(m)") == "0"
    assert kernel.value("m.seed") == "1"


def test_closing_gives_up_a_run_in_the_background(kernel):
    kernel.run("Slow.steps = 100000")
    kernel.run(FIT.replace("--seed 1", "--background"))
    assert kernel.value("cell_output.close(m), panel is not None") == "(1, True)"
    assert kernel.run("m.seed").error[0] == "EngineError: The run was stopped before anything was known."


def test_the_display_hook_passes_over_one_value_of_one_cell():
    shell = SimpleNamespace(execution_count=3)
    once = ShownOnce(shell)
    value, other = object(), object()
    once.remember(value)
    with pytest.raises(NotImplementedError):
        once(other)
    assert once(value) is None
    with pytest.raises(NotImplementedError):
        once(value)
    once.remember(value)
    shell.execution_count = 4
    with pytest.raises(NotImplementedError):
        once(value)
