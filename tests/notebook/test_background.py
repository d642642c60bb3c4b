"""Fits that are made in the background of a notebook, and the name that stands in for them."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from kernel_session import LOAD, MODEL, SLOW, Session, session

from probflow_nb.errors import EngineError
from probflow_nb.fit import Fit
from probflow_nb.notebook.cell import background
from probflow_nb.notebook.cell.background import StandIn, settle, training_of
from probflow_nb.notebook.cell.binding import Binding

FIT = f"%%lme m --data sleepstudy --seed 1\n{MODEL}"
LEFT = FIT.replace("--seed 1", "--seed 1 --background")


class Run:
    """A training that is over when the test says so."""

    name = "sleep"

    def __init__(self, fit: Any = None, error: Exception | None = None) -> None:
        self.fit, self.error = fit, error
        self.resumed = self.stopped = 0
        self.ending = threading.Event()
        self.interrupts = 0

    @property
    def active(self) -> bool:
        return not self.ending.is_set()

    def resume(self) -> None:
        self.resumed += 1
        if not self.interrupts:
            self.ending.set()

    def stop(self) -> None:
        self.stopped += 1
        self.ending.set()

    def wait(self, seconds: float | None = None) -> bool:
        if self.interrupts:
            self.interrupts -= 1
            raise KeyboardInterrupt
        return self.ending.wait(30)

    async def ended(self, seconds: float | None = None) -> None:
        assert self.ending.wait(30)

    def answer(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.fit


FOUND = SimpleNamespace(seed=7, name="sleep", __reduce_ex__=lambda protocol: "kept")


def test_a_stand_in_is_a_fit_and_waits_only_when_asked():
    run = Run(FOUND)
    left = StandIn(run)
    assert isinstance(left, Fit)
    assert left.name == "sleep"
    assert "summary" in dir(left)
    for nothing in ("_ipython_canary_method_should_not_exist_", "no_such_thing"):
        assert not hasattr(left, nothing)
    assert training_of(left) is run
    assert run.resumed == 0
    assert left.seed == 7
    assert run.resumed == 1


def test_once_settled_it_stays_what_it_is():
    run = Run(FOUND)
    left = StandIn(run)
    settle(left, FOUND)
    settle(left, SimpleNamespace(seed=8))
    assert (left.seed, training_of(left), training_of(FOUND), run.resumed) == (7, None, None, 0)
    assert copy.copy(left) is copy.deepcopy(left) is FOUND
    assert repr(left) == repr(FOUND)


def test_awaited_it_is_the_fit():
    run = Run(FOUND)

    async def waiting() -> Any:
        return await StandIn(run)

    assert asyncio.run(waiting()) is FOUND
    assert run.resumed == 1


def test_an_interrupt_of_the_waiting_stops_and_keeps():
    run = Run(FOUND)
    run.interrupts = 1
    assert StandIn(run).seed == 7
    assert run.stopped == 1


def test_what_failed_raises_each_time():
    left = StandIn(Run(error=EngineError("It broke.")))
    for _ in range(2):
        with pytest.raises(EngineError, match="broke"):
            left.summary()
    with pytest.raises(EngineError, match="broke"):
        repr(left)


def shell(**held: Any) -> SimpleNamespace:
    space = {"_oh": {}, **held}
    return SimpleNamespace(user_ns=space, user_ns_hidden={}, displayhook=SimpleNamespace(_=None, __=None, ___=None))


@pytest.mark.parametrize(("meanwhile", "kept"), [("mine", "mine"), (None, None)])
def test_what_a_person_put_there_stays(meanwhile, kept):
    notebook = shell(sleep="older")
    binding = Binding(notebook, "sleep")
    binding.put("first")
    assert notebook.user_ns["sleep"] == "first"
    binding.put("second")
    assert notebook.user_ns["sleep"] == "second"
    if meanwhile is None:
        del notebook.user_ns["sleep"]
    else:
        notebook.user_ns["sleep"] = meanwhile
    binding.put("third")
    assert notebook.user_ns.get("sleep") == kept


def test_what_ipython_remembers_follows():
    former, newer, other = object(), object(), object()
    notebook = shell(_=former, _3=former, __=other, alias=former)
    notebook.user_ns["_oh"][3] = notebook.user_ns_hidden["_"] = notebook.displayhook._ = former
    binding = Binding(notebook, "")
    binding.put(former)
    binding.put(newer)
    assert notebook.user_ns == {"_": newer, "_3": newer, "__": other, "alias": former, "_oh": {3: newer}}
    assert notebook.user_ns_hidden["_"] is notebook.displayhook._ is newer


# In a real kernel --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kernel() -> Iterator[Session]:
    with session(
        LOAD, SLOW, FIT, "import asyncio, time\nfrom probflow_nb.notebook.cell.background import training_of"
    ) as k:
        yield k


@pytest.fixture(autouse=True)
def usual(request) -> None:
    if "kernel" in request.fixturenames:
        found = request.getfixturevalue("kernel")
        found.run("Slow.steps, Slow.ready_at, Slow.seconds = 50, 1, 0.02\nget_ipython().user_ns.pop('m', None)")


def test_the_cell_returns_and_reading_waits(kernel):
    left = kernel.run(LEFT)
    assert left.kinds == ["display_data", "display_data"]
    assert left.plain(1) == "m is being fitted in the background."
    assert kernel.value("type(m).__name__, training_of(m).active") == "('StandIn', True)"
    reply = kernel.run("print(m.seed, type(m).__name__)")
    assert reply.text == "1 Fit\n"
    (update,) = [m for m in (*reply.strays, *reply.outputs) if m["msg_type"] == "update_display_data"]
    assert update["content"]["transient"]["display_id"] == left.place(1)
    assert "m: Reaction" in update["content"]["data"]["text/plain"]


def test_without_a_name_it_is_in_underscore(kernel):
    kernel.run(LEFT.replace(" m ", " "))
    assert kernel.run("held = _\nprint(type(_).__name__)\nfit = await _\nprint(type(fit).__name__, _ is fit)").text == (
        "StandIn\nFit True\n"
    )
    assert kernel.value("held.seed") == "1"


def test_reading_resumes_and_an_interrupt_keeps(kernel):
    kernel.run("Slow.steps = 100000")
    kernel.run(LEFT)
    kernel.run("t = training_of(m)\nwhile not (t.run and t.run.ready): time.sleep(0.01)\nt.pause()")
    request = kernel.send("print(t.snapshot.status in ('pausing', 'paused'))\nprint(m.stopped)")
    kernel.collect(request, "stream")
    kernel.manager.interrupt_kernel()
    reply = kernel.collect(request)
    assert reply.error == []
    assert kernel.value("m.stopped, type(m).__name__") == "(True, 'Fit')"


def test_two_side_by_side_and_what_the_person_put_there(kernel):
    kernel.run(LEFT)
    kernel.run(LEFT.replace(" m ", " other "))
    assert kernel.value("training_of(m).active and training_of(other).active") == "True"
    kernel.run("kept, m = m, 'mine'")
    assert kernel.run("print(other.seed, kept.seed, m)").text == "1 1 mine\n"


def test_a_failed_run_says_why_when_it_is_read(kernel):
    kernel.run(LEFT.replace("sleepstudy", "sleepstudy --device TPU:3"))
    for _ in range(2):
        assert kernel.run("m.seed").error[0] == 'EngineError: There is no device "TPU:3".'
    kernel.run(FIT)
    assert kernel.value("type(m).__name__") == "'Fit'"


def test_a_program_that_runs_notebooks_goes_on_too(kernel):
    left = kernel.collect(kernel.send(LEFT, person=False))
    assert left.kinds == ["display_data"]
    assert kernel.collect(kernel.send("1;", person=False)).kinds == []
    read = kernel.collect(kernel.send("print(m.seed)", person=False))
    assert (read.text, sorted(read.kinds)) == ("1\n", ["stream", "update_display_data"])
    # The program hears of the static form by the cell that it is waiting for, once.
    (shown,) = [n for n, kind in enumerate(read.kinds) if kind == "update_display_data"]
    assert read.place(shown) == left.place(0)
    assert "text/markdown" in read.forms(shown)
    assert kernel.collect(kernel.send("print(m.seed)", person=False)).kinds == ["stream"]


def test_in_a_plain_shell(ip, monkeypatch, capsys):
    """No kernel: the value is the stand-in, and reading it waits."""
    import probflow_nb.api

    release = threading.Event()

    def prepare(*words: Any, **more: Any) -> Any:
        assert release.wait(30)
        raise EngineError("It broke.")

    monkeypatch.setattr(probflow_nb.api, "prepare", prepare)
    outcome = ip.run_cell(LEFT)
    assert type(outcome.result) is StandIn
    assert "m is being fitted in the background." in capsys.readouterr().out
    assert background.training_of(ip.user_ns["m"]).active
    release.set()
    ip.run_cell("m.seed")
    assert "EngineError: It broke." in capsys.readouterr().out
