"""A training that is asked everything by everybody at once ends, tells the truth and loses no fit."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from probflow_nb.errors import EngineError, ProbflowError
from probflow_nb.inference.engine import Info
from probflow_nb.inference.run import Run
from probflow_nb.notebook.cell import training
from probflow_nb.notebook.cell.training import ACTIVE, Snapshot, Training

LONG = 60.0  # seconds after which a test that waits has failed
STORMS = 25
PEOPLE = 4
DEEDS = 40  # of each


@dataclass(frozen=True)
class Steps:
    """How many steps are done, of how many."""

    count: int
    most: int
    ready_at: int
    rate: float = 1.0

    @property
    def done(self) -> bool:
        return self.count >= self.most

    @property
    def ready(self) -> bool:
        return self.count >= self.ready_at


@dataclass
class Moody:
    """An engine whose steps take a while or none, and sometimes break - in one of three ways, or the whole thread."""

    chance: random.Random
    breaks: float = 0.02

    def init(self, model: Any, seed: int) -> Steps:
        return Steps(0, self.chance.randint(1, 30), self.chance.randint(0, 5))

    def step(self, model: Any, state: Steps) -> tuple[Steps, Info]:
        if self.chance.random() < 0.3:
            time.sleep(0.002)
        if self.chance.random() < self.breaks:
            raise self.chance.choice([EngineError("It broke."), ZeroDivisionError(), MemoryError(), SystemExit(1)])
        state = replace(state, count=state.count + 1)
        return state, Info(state.count, state.most, "stepping", float(state.count), {"rate": state.rate})

    def steer(self, state: Steps, rate: float) -> Steps:
        return replace(state, rate=rate)

    def extend(self, model: Any, state: Steps, steps: int) -> tuple[Moody, Steps]:
        return self, replace(state, most=state.count + steps)


@dataclass(frozen=True, eq=False)
class Answer:
    """What is made of a run that is over."""

    state: Steps
    engine: Moody

    def further(self, **more: Any) -> Run:
        engine, state = self.engine.extend(None, self.state, **more)
        return Run(None, engine, 1, state=state)


@pytest.fixture(autouse=True)
def finish(monkeypatch):
    monkeypatch.setattr(training, "finish", lambda run, name, progress: Answer(run.state, run.engine))
    # A thread that ends with SystemExit is no news.
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)


def begun(chance: random.Random, settled: Any) -> Training:
    engine = Moody(chance)

    def prepare() -> Any:
        if chance.random() < 0.05:
            raise chance.choice([EngineError("No model."), KeyError("x"), SystemExit(2)])
        return SimpleNamespace(run=lambda engine, seed, device: Run(None, engine, 1))

    return Training(prepare, "m", engine=engine, settled=settled)


def ask(run: Training, chance: random.Random, heard: list[str]) -> None:
    """Ask one thing; what is refused is refused with an error of ours."""
    deeds = {
        "start": lambda: run.start(seed=chance.randint(0, 9)),
        "more": lambda: run.more(steps=chance.randint(1, 20)),
        "pause": run.pause,
        "resume": run.resume,
        "stop": run.stop,
        "steer": lambda: run.steer(rate=chance.random()),
        "unknown": lambda: run.steer(nothing=1.0),
        "drop": run.drop if chance.random() < 0.1 else run.resume,
        "watch": lambda: run.watch(lambda snapshot: heard.append(snapshot.status)),
        "say": lambda: run.say("thinking"),
        "answer": run.answer,
        "wait": lambda: run.wait(0.001),
        "await": lambda: asyncio.run(run.ended(0.001)),
    }
    try:
        deeds[chance.choice(list(deeds))]()
    except ProbflowError:
        pass
    except (ZeroDivisionError, MemoryError, SystemExit, KeyError):
        assert run.error is not None or run.active  # the answer of a run that broke


def calmed(run: Training) -> None:
    """Let what is under way end, as a person does: go on, or stop."""
    end = time.monotonic() + LONG
    while run.active and time.monotonic() < end:
        run.resume()
        run.wait(0.05)
        run.stop()
        run.wait(0.05)
    assert not run.active, run.snapshot


@pytest.mark.parametrize("seed", range(STORMS))
def test_whatever_is_asked_by_many_it_ends_and_keeps_its_fit(seed):
    chance, fits, heard = random.Random(seed), [], []
    run = begun(chance, fits.append)
    faults: list[BaseException] = []

    def person(own: random.Random) -> None:
        try:
            for _ in range(DEEDS):
                ask(run, own, heard)
                had = bool(fits)
                assert run.fit is not None or not had
                if own.random() < 0.3:
                    time.sleep(0.001)
        except BaseException as error:
            faults.append(error)

    people = [threading.Thread(target=person, args=(random.Random(f"{seed} {i}"),), daemon=True) for i in range(PEOPLE)]
    for one in people:
        one.start()
    for one in people:
        one.join(LONG)
    assert not any(one.is_alive() for one in people)
    assert faults == []
    calmed(run)
    assert run.snapshot.status in ("idle", "done", "failed")
    assert (run.snapshot.status == "failed") == (run.error is not None)
    assert run.fit is (fits[-1] if fits else None)
    heard.clear()
    # It is as good as new: the next run ends with a fit, and who watches hears of it.
    over = threading.Event()
    run.watch(lambda snapshot: over.set() if snapshot.status not in ACTIVE else None)
    run.engine = Moody(random.Random(0), breaks=0.0)
    while True:
        run.start()
        assert run.wait(LONG)
        if run.snapshot.status == "done":
            break
    assert over.wait(LONG)
    assert run.answer() is run.fit is fits[-1]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
@pytest.mark.parametrize("place", ["prepare", "step"])
def test_whatever_a_worker_meets_nobody_waits_for_ever(place, error):
    class Broken(Moody):
        def step(self, model: Any, state: Steps) -> tuple[Steps, Info]:
            raise error

    def prepare() -> Any:
        if place == "prepare":
            raise error
        return SimpleNamespace(run=lambda engine, seed, device: Run(None, engine, 1))

    seen: list[Snapshot] = []
    run = Training(prepare, "m", engine=Broken(random.Random(1)))
    run.watch(seen.append)
    run.start()
    assert run.wait(LONG)
    assert seen[-1].status == "failed"
    assert type(error).__name__ in seen[-1].message
    with pytest.raises(EngineError, match=type(error).__name__):
        run.answer()
