"""Training: runs on a worker thread, asked by anybody, watched by anybody; engines that do nothing take the place."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from probflow_nb.errors import EngineError, FitError
from probflow_nb.inference.engine import Info
from probflow_nb.inference.run import Run
from probflow_nb.notebook.cell import leaving, training
from probflow_nb.notebook.cell.training import Snapshot, Training

LONG = 60.0  # seconds after which a test that waits has failed


@dataclass(frozen=True)
class Steps:
    """How many steps are done, of how many."""

    count: int = 0
    most: int = 5
    ready_at: int = 1
    rate: float = 1.0

    @property
    def done(self) -> bool:
        return self.count >= self.most

    @property
    def ready(self) -> bool:
        return self.count >= self.ready_at


@dataclass
class Stepper:
    """An engine whose steps wait until the test lets them go."""

    most: int = 5
    ready_at: int = 1
    breaks_at: int = -1
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def check(self, model: Any) -> None:
        pass

    def init(self, model: Any, seed: int) -> Steps:
        return Steps(most=self.most, ready_at=self.ready_at)

    def step(self, model: Any, state: Steps) -> tuple[Steps, Info]:
        self.begun.release()
        assert self.gate.acquire(timeout=LONG)
        if state.count == self.breaks_at:
            raise EngineError("The step broke.", hint="Mend it.")
        state = replace(state, count=state.count + 1)
        return state, Info(state.count, state.most, "stepping", float(state.count), {"rate": state.rate})

    def steer(self, state: Steps, rate: float) -> Steps:
        return replace(state, rate=rate)

    def extend(self, model: Any, state: Steps, steps: int) -> tuple[Stepper, Steps]:
        return self, replace(state, most=state.count + steps)

    def let(self, steps: int) -> None:
        self.gate.release(steps)

    def in_step(self) -> None:
        """Wait until a step has begun."""
        assert self.begun.acquire(timeout=LONG)


@dataclass(frozen=True, eq=False)
class Answer:
    """What is made of a run that is over."""

    count: int
    stopped: bool
    state: Steps
    engine: Stepper
    verdict: Any = None

    def further(self, **more: Any) -> Run:
        if not more:
            raise FitError("How much?")
        engine, state = self.engine.extend(None, self.state, **more)
        return Run(None, engine, 1, state=state)


@pytest.fixture(autouse=True)
def finish(monkeypatch):
    def made(run: Run, name: str, progress: Any) -> Answer:
        for _ in run:
            pass
        return Answer(run.state.count, run.stopped, run.state, run.engine)

    monkeypatch.setattr(training, "finish", made)


def trained(engine: Stepper, **words: Any) -> Training:
    model = SimpleNamespace(run=lambda engine, seed, device: Run(None, engine, 1))
    return Training(lambda: model, "m", engine=engine, **words)


def over(run: Training) -> None:
    assert run.wait(LONG)


def told(run: Training) -> tuple[list[str], threading.Condition]:
    """Note every status that a watcher hears."""
    heard: list[str] = []
    news = threading.Condition()

    def watcher(snapshot: Snapshot) -> None:
        with news:
            if heard[-1:] != [snapshot.status]:
                heard.append(snapshot.status)
            news.notify_all()

    run.watch(watcher)
    return heard, news


def until(news: threading.Condition, heard: list[str], status: str) -> None:
    with news:
        assert news.wait_for(lambda: heard[-1:] == [status], LONG), heard


def test_a_run_ends_with_its_fit_and_every_status_is_told():
    engine = Stepper()
    run = trained(engine)
    heard, news = told(run)
    engine.let(5)
    run.start()
    over(run)
    until(news, heard, "done")
    assert heard == ["running", "done"]
    assert (run.answer().count, run.answer().stopped, run.snapshot.step) == (5, False, 5)


def test_pause_pulls_no_more_and_counts_no_time(monkeypatch):
    engine = Stepper(most=9)
    run = trained(engine)
    heard, news = told(run)
    run.start()
    engine.in_step()
    run.pause()
    assert run.snapshot.status == "pausing"
    engine.let(1)
    until(news, heard, "paused")
    engine.let(8)
    assert not engine.begun.acquire(timeout=0.2)  # nobody pulls
    before = run.snapshot.elapsed
    run.resume()
    over(run)
    until(news, heard, "done")
    assert heard == ["running", "pausing", "paused", "running", "done"]
    assert run.snapshot.elapsed - before < 0.2  # the pause itself was longer
    assert run.answer().count == 9


@pytest.mark.parametrize("paused", [False, True])
def test_stop_keeps_what_there_is(paused):
    engine = Stepper(most=100)
    run = trained(engine)
    heard, news = told(run)
    run.start()
    engine.in_step()
    engine.let(1)
    engine.in_step()
    if paused:
        run.pause()
        engine.let(1)
        until(news, heard, "paused")
        run.stop()
    else:
        run.stop()
        assert run.snapshot.status == "stopping"
        engine.let(1)
    over(run)
    assert (run.answer().count, run.answer().stopped) == (2, True)


def test_a_second_stop_does_not_wait_for_the_step():
    engine = Stepper(most=100)
    run = trained(engine)
    run.start()
    engine.in_step()
    engine.let(1)
    engine.in_step()  # and this one never ends
    run.stop()
    run.stop()
    over(run)
    assert (run.answer().count, run.answer().stopped) == (1, True)
    engine.let(100)


@pytest.mark.parametrize("paused", [False, True])
def test_a_stop_before_anything_is_known_gives_up_at_once(paused):
    engine = Stepper(most=100, ready_at=50)
    run = trained(engine)
    heard, news = told(run)
    run.start()
    engine.in_step()
    if paused:
        run.pause()
        engine.let(1)
        until(news, heard, "paused")
    run.stop()
    over(run)
    until(news, heard, "failed")
    with pytest.raises(EngineError, match="before anything was known"):
        run.answer()
    # Its thread ends with its step, and a new run is not disturbed by it.
    again = Stepper(most=3)
    again.let(3)
    run.start(engine=again)
    engine.let(100)
    over(run)
    until(news, heard, "done")
    assert run.answer().count == 3
    assert run.snapshot.message == ""
    assert heard[-2:] == ["running", "done"]


def test_an_error_keeps_the_older_fit():
    engine = Stepper(most=2)
    run = trained(engine)
    engine.let(9)
    run.start()
    over(run)
    first = run.fit
    broken = Stepper(breaks_at=0)
    broken.let(1)
    run.start(engine=broken)
    over(run)
    assert run.fit is first
    assert (run.snapshot.status, run.snapshot.message) == ("failed", "The step broke.")
    with pytest.raises(EngineError, match="broke"):
        run.answer()


def test_more_goes_on_and_says_at_once_what_is_wrong():
    engine = Stepper(most=2)
    run = trained(engine)
    with pytest.raises(EngineError, match="no fit yet"):
        run.more(steps=1)
    run.start()
    engine.in_step()
    run.pause()
    engine.let(9)
    with pytest.raises(EngineError, match="no fit yet"):
        run.more(steps=1)
    run.resume()
    over(run)
    with pytest.raises(FitError, match="How much"):
        run.more()
    run.more(steps=3)
    over(run)
    assert run.answer().count == 5
    engine.gate = threading.Semaphore(0)
    run.more(steps=3)
    with pytest.raises(EngineError, match="being fitted already"):
        run.more(steps=3)
    with pytest.raises(EngineError, match="being fitted already"):
        run.start(engine=Stepper())
    assert run.engine is engine
    engine.let(3)
    over(run)


def test_what_is_steered_stands_in_the_next_event():
    engine = Stepper(most=3)
    run = trained(engine)
    seen: list[float] = []
    run.watch(lambda snapshot: seen.append(snapshot.figures.get("rate", 1.0)))
    run.start()
    engine.in_step()
    run.steer(rate=0.5, nothing=1.0)
    engine.let(3)
    over(run)
    assert run.snapshot.figures == {"rate": 0.5}


def test_a_watcher_that_raises_ends_nothing(caplog):
    engine = Stepper()
    run = trained(engine)

    def broken(snapshot: Snapshot) -> None:
        raise ValueError("no front end")

    run.watch(broken)
    heard, news = told(run)
    engine.let(5)
    run.start()
    over(run)
    until(news, heard, "done")
    assert run.answer().count == 5
    assert "no front end" in caplog.text


def test_settled_that_raises_loses_no_fit(caplog):
    def broken(fit: Any) -> None:
        raise ValueError("no room")

    engine = Stepper()
    run = trained(engine, settled=broken)
    engine.let(5)
    run.start()
    over(run)
    assert run.answer().count == 5
    assert "no room" in caplog.text


def test_a_watcher_may_ask_and_others_may_ask_meanwhile():
    """A watcher that steers the run while another thread asks it something: neither waits for the other."""
    engine = Stepper(most=50, ready_at=0)
    run = trained(engine)
    inside, leave = threading.Event(), threading.Event()

    def watcher(snapshot: Snapshot) -> None:
        if snapshot.status == "running" and snapshot.step == 1 and not leave.is_set():
            inside.set()
            run.pause()
            assert leave.wait(LONG)
            run.resume()

    run.watch(watcher)
    engine.let(1)
    run.start()
    assert inside.wait(LONG)  # the worker stands in the watcher
    asked = threading.Thread(target=lambda: (run.resume(), run.pause(), run.steer(rate=2.0), run.stop()))
    asked.start()
    asked.join(LONG)
    assert not asked.is_alive()
    leave.set()
    engine.let(49)
    over(run)
    assert run.answer().count < 50


def test_drop_forgets_a_run_and_an_unwatched_watcher_hears_no_more():
    engine = Stepper()
    run = trained(engine)
    heard, _ = told(run)
    deaf: list[Snapshot] = []
    run.watch(deaf.append)
    run.unwatch(deaf.append)
    run.unwatch(print)
    run.start()
    engine.in_step()
    run.drop()
    over(run)
    run.drop()
    assert run.fit is None
    assert deaf == []
    assert heard[-1] == "failed"
    engine.let(5)


def test_two_trainings_side_by_side():
    engines = Stepper(most=3), Stepper(most=4)
    runs = [trained(engine) for engine in engines]
    for run in runs:
        run.start()
    for engine in engines:
        engine.in_step()  # both are within a step now
    for engine in engines:
        engine.let(4)
    for run in runs:
        over(run)
    assert [run.answer().count for run in runs] == [3, 4]


def test_who_leaves_asks_the_workers_to_stop(monkeypatch):
    monkeypatch.setattr(leaving, "_LEAVING", threading.Event())
    engine = Stepper(most=100)
    run = trained(engine)
    heard, _ = told(run)
    run.start()
    engine.in_step()
    leaving.announce({"new": False})
    assert run.active
    leaving.announce({"new": True})
    assert not run.active
    assert heard == ["running"]  # nobody is left to be told
    engine.let(1)
    leaving.leave()
    assert [thread for thread in threading.enumerate() if thread.name == "probflow-training"] == []
