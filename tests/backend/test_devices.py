"""Devices by name, what is kept for each, and that a run is computed where it was asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import probflow_nb as pf
from probflow_nb import datasets
from probflow_nb.backend import devices, programs
from probflow_nb.errors import EngineError

HERE = Path(__file__).parent


def test_the_processor_is_a_device_with_memory() -> None:
    found = {device.name: device for device in devices.devices()}
    assert found["CPU:0"].memory is None or found["CPU:0"].memory > 2**28
    assert list(found)[-1].startswith("CPU")


@pytest.mark.parametrize("name", ["cpu", "CPU", "cpu:0", "CPU:0", "/cpu:0", "/device:CPU:0", " CPU:00 "])
def test_a_device_is_known_by_many_names(name: str) -> None:
    assert devices.checked(name) == "CPU:0"


@pytest.mark.parametrize("name", ["", "  "])
def test_no_name_leaves_the_choice_to_tensorflow(name: str) -> None:
    assert devices.checked(name) == ""


@pytest.mark.parametrize("name", ["CPU:7", "gpu:99", "abacus", "CPU:x", "CPU:0:1", "CPU:-1", ":", "CPU:²"])
def test_a_device_that_there_is_not_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(EngineError, match="There is no device") as caught:
        devices.checked(name)
    assert "CPU:0" in str(caught.value.hint)


@pytest.mark.parametrize("fit", [pf.lme, lambda text, data, device: pf.prepare(text, data).run(device=device)])
def test_a_fit_refuses_a_device_before_anything_runs(fit) -> None:
    with pytest.raises(EngineError, match='There is no device "CPU:9"'):
        fit("Reaction ~ Days", datasets.sleepstudy(), device="CPU:9")


def test_a_device_is_named_by_a_text() -> None:
    with pytest.raises(EngineError, match="A device is named by a text, not by 1"):
        devices.checked(1)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Held:
    """Something that holds what is made for a device."""

    made: list[str]

    @devices.by_device
    def where(self) -> str:
        """Where it was made."""
        self.made.append(devices.current())
        return devices.current()


def test_what_is_kept_is_made_once_for_each_device(monkeypatch: pytest.MonkeyPatch) -> None:
    held, other = Held([]), Held([])
    for name in ("CPU:0", "CPU:5", "CPU:0", "CPU:5"):
        token = devices._NAMED.set(name)
        assert (held.where, other.where) == (name, name)
        devices._NAMED.reset(token)
    assert held.made == other.made == ["CPU:0", "CPU:5"]


def test_a_program_is_kept_for_its_device_alone() -> None:
    found = []
    for name in ("CPU:0", "CPU:5", "CPU:0"):
        token = devices._NAMED.set(name)
        found.append(programs.kept("test of devices", object))
        devices._NAMED.reset(token)
    assert found[0] is found[2] is not found[1]


def test_a_bound_function_goes_back_to_its_device() -> None:
    with devices.on("CPU:0"):
        where = devices.bound(devices._NAMED.get)
    assert devices._NAMED.get() == ""
    assert where() == "CPU:0"


@pytest.mark.parametrize(
    ("engine", "own"),
    [
        ("Exact", False),
        ("Point", False),
        ("Exact", True),
        pytest.param("VI", False, marks=pytest.mark.slow),
        pytest.param("NUTS", False, marks=pytest.mark.slow),
        pytest.param("NUTS", True, marks=pytest.mark.slow),
    ],
)
def test_every_operation_of_a_run_is_on_its_device(engine: str, own: bool) -> None:
    home = str(HERE.parents[1])
    words = [sys.executable, str(HERE / "two_devices.py"), engine, *(["own"] if own else [])]
    environment = {**os.environ, "PYTHONPATH": home}
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=home, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    for device, seen in zip(("CPU:0", "CPU:1", "CPU:0"), found["ops"], strict=True):
        assert list(seen) == [device], found["ops"]
        assert seen[device] > 20
    assert found["same"] == [True, True, True]
    assert found["shown"] == "CPU:1"
