"""Compiled programs: made once, whoever asks for them at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from probflow_nb import NUTS, VI, datasets
from probflow_nb.api import prepare
from probflow_nb.backend import programs
from probflow_nb.inference import nuts_program, variational_ascent
from probflow_nb.notebook.cell.training import Training


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch) -> Iterator[None]:
    programs.current()  # TensorFlow takes its time at first
    monkeypatch.setattr(programs, "_KEPT", programs.OrderedDict())
    monkeypatch.setattr(programs, "_MAKING", {})
    yield
    assert programs._MAKING == {}


class Making:
    """A program's making that goes on until it is let go; the first `failures` fail."""

    def __init__(self, failures: int = 0) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Event()
        self.count, self.failures = 0, failures

    def __call__(self) -> str:
        self.count += 1
        self.begun.release()
        assert self.go.wait(120)
        if self.count <= self.failures:
            raise ValueError("not this time")
        return f"program {self.count}"


def test_who_comes_while_it_is_made_gets_the_same_one():
    make, other = Making(), Making()
    other.go.set()
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(programs.kept, "a", make) for _ in range(3)]
        assert make.begun.acquire(timeout=120)
        # Another one is not held up meanwhile.
        assert threads.submit(programs.kept, "b", other).result(120) == "program 1"
        make.go.set()
        assert [a.result(120) for a in asked] == ["program 1"] * 3
    assert make.count == 1


def test_one_that_fails_leaves_the_next_to_try():
    make = Making(failures=1)
    make.go.set()
    with pytest.raises(ValueError, match="not this time"):
        programs.kept("a", make)
    assert programs.kept("a", make) == "program 2"
    assert programs.kept("a", make) == "program 2"


@pytest.mark.parametrize(
    ("engine", "module", "compiler", "programs_of_one"),
    [
        (NUTS(draws=100, chains=2, warmup=50, max_depth=3), nuts_program, "_compile", 1),
        (VI(rank="mean-field", steps=25, draws=100), variational_ascent, "_compiled", 2),
    ],
)
def test_two_trainings_of_one_shape_compile_once(monkeypatch, engine, module, compiler, programs_of_one):
    made: list[int] = []
    real = getattr(module, compiler)

    def counted(*given: Any) -> Any:
        made.append(threading.get_ident())
        return real(*given)

    monkeypatch.setattr(module, compiler, counted)
    data = datasets.sleepstudy()
    trainings = [Training(lambda: prepare("Reaction ~ 1 + (1 | Subject)", data), "", engine, seed) for seed in (1, 2)]
    for training in trainings:
        training.start()
    for training in trainings:
        assert training.wait(240)
        assert training.error is None
    assert len(made) == programs_of_one
