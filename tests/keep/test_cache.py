"""A folder of kept fits: the same contents have one name, files are whole, the folder stays within its bounds."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress
from probflow_nb.errors import KeepError
from probflow_nb.fit import Fit
from probflow_nb.fit.cached import fetch, store
from probflow_nb.inference.auto import Auto
from probflow_nb.keep import cache as cache_module
from probflow_nb.keep.cache import Cache, about, user_folder
from probflow_nb.keep.fingerprint import fingerprint

TEXT = "Reaction ~ Days + (1 | Subject)"
KEYS = tuple(f"{i:064x}" for i in range(10))


def sleep() -> pd.DataFrame:
    return pf.datasets.sleepstudy().iloc[:40]


@pytest.fixture(scope="module")
def fit() -> Fit:
    return pf.lme(TEXT, sleep(), engine=pf.Point(), seed=1, progress=NullProgress())


# The name of the contents --------------------------------------------------------------------------------------------


def changed_value(data: pd.DataFrame) -> pd.DataFrame:
    values = data["Reaction"].to_numpy().copy()
    values[7] = np.nextafter(values[7], np.inf)
    return data.assign(Reaction=values)


OTHERS: dict[str, dict[str, Any]] = {
    "another text": {"text": TEXT + "\nDays ~ Normal(0, 10)"},
    "another value": {"data": changed_value(sleep())},
    "a value that is missing": {"data": sleep().assign(Days=lambda d: d["Days"].where(d["Days"] != 3))},
    "rows in another order": {"data": sleep().iloc[::-1]},
    "fewer rows": {"data": sleep().iloc[:39]},
    "levels of other names": {"data": sleep().assign(Subject=lambda d: "s" + d["Subject"].astype(str))},
    "levels in another order": {
        "data": sleep().assign(Subject=lambda d: pd.Categorical(d["Subject"], list(d["Subject"].cat.categories)[::-1]))
    },
    "whole numbers": {"data": sleep().assign(Days=lambda d: d["Days"].astype("int8"))},
    "another engine": {"engine": pf.Exact()},
    "another option": {"engine": pf.Point(reml=False)},
    "an engine that is chosen": {"engine": Auto({"draws": 2000})},
    "another seed": {"seed": 2},
    "no seed": {"seed": None},
    "another family": {"family": "gamma"},
    "another device": {"device": "CPU:0"},
}


def key(**changes: Any) -> str:
    asked: dict[str, Any] = {"text": TEXT, "data": sleep(), "arrays": {}, "engine": pf.Point(), "seed": 1}
    return fingerprint(**(asked | changes))


def test_everything_that_a_fit_depends_on_changes_its_name() -> None:
    keys = {name: key(**changes) for name, changes in OTHERS.items()} | {"as it is": key()}
    assert len(set(keys.values())) == len(keys)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": sleep().assign(other=1.0)},
        {"data": sleep()[["Subject", "Days", "Reaction"]]},
        {"data": sleep().reset_index(drop=True)},
        {"text": f"\n{TEXT}\n  "},
        {"arrays": {"unused": np.zeros(3)}},
        {"data": {name: sleep()[name].to_numpy() for name in ("Reaction", "Days")} | {"Subject": sleep()["Subject"]}},
    ],
)
def test_what_a_fit_does_not_depend_on_leaves_its_name(changes: dict[str, Any]) -> None:
    assert key(**changes) == key()


def test_arrays_and_factors_between_brackets_count() -> None:
    text = "w ~ Normal(0, 1)\nu ~ Normal(0, 1)\nReaction ~ Normal(A @ w + u[Subject] + shift, 1)"
    arrays: dict[str, Any] = {"A": scipy.sparse.csr_matrix(np.eye(40)), "shift": 0.5}
    other = np.eye(40)
    other[3, 4] = 1.0
    keys = {
        key(text=text, arrays=arrays),
        key(text=text, arrays=arrays | {"A": scipy.sparse.csr_matrix(other)}),
        key(text=text, arrays=arrays | {"A": np.eye(40)}),
        key(text=text, arrays=arrays | {"shift": 0.25}),
        key(text=text, arrays=arrays, data=sleep().assign(Subject=np.arange(40) % 4)),
    }
    assert len(keys) == 5


def test_the_name_is_the_same_in_another_process() -> None:
    code = (
        "import probflow_nb as pf\n"
        "from probflow_nb.keep.fingerprint import fingerprint\n"
        "data = pf.datasets.sleepstudy().iloc[:40]\n"
        f"print(fingerprint({TEXT!r}, data, {{}}, pf.Point(), 1))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == key()


# The folder ----------------------------------------------------------------------------------------------------------


def test_a_fit_comes_back_with_another_name_and_says_when_it_was_made(fit: Fit, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "new" / "folder")
    assert fetch(cache, KEYS[0]) is None
    assert cache.entries() == ()
    store(cache, KEYS[0], fit)
    made = 1.6e9
    os.utime(cache.folder / f"{KEYS[0]}.fit", (made, made))
    back = fetch(cache, KEYS[0], "again")
    assert back is not None
    assert back.name == "again"
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(made))
    assert f"cache: fitted on {moment} and kept; nothing was run again" in repr(back)
    pd.testing.assert_frame_equal(back.summary(), fit.summary(), check_exact=True)
    (entry,) = cache.entries()
    assert entry.made == made
    assert entry.used > made
    found = about(entry.path)
    assert (found.text, found.engine, found.rows) == (TEXT, "point", 40)
    if os.name == "posix":
        assert cache.folder.stat().st_mode & 0o077 == 0


def test_what_was_not_used_for_longest_goes_first_and_nothing_else(fit: Fit, tmp_path: Path) -> None:
    size = fit.save(tmp_path / "a.fit").stat().st_size
    (tmp_path / "a.fit").rename(tmp_path / "mine.txt")
    cache = Cache(tmp_path, most=int(3.5 * size))
    for i in range(3):
        store(cache, KEYS[i], fit)
        os.utime(tmp_path / f"{KEYS[i]}.fit", (1e9 + i, 1e9))
    assert fetch(cache, KEYS[0]) is not None
    store(cache, KEYS[3], fit)
    assert {entry.path.stem for entry in cache.entries()} == {KEYS[0], KEYS[2], KEYS[3]}
    assert (tmp_path / "mine.txt").exists()
    assert cache.clear() == (3, 3 * size)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_fit_larger_than_the_bound_is_kept_alone(fit: Fit, tmp_path: Path) -> None:
    cache = Cache(tmp_path, most=1)
    for name in KEYS[:2]:
        store(cache, name, fit)
    assert [entry.path.stem for entry in cache.entries()] == [KEYS[1]]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"\x80\x04 a pickle"])
def test_a_file_that_cannot_be_read_is_told_once_and_gone(content: bytes, fit: Fit, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    store(cache, KEYS[0], fit)
    path = tmp_path / f"{KEYS[0]}.fit"
    path.write_bytes(content)
    with pytest.raises(KeepError):
        fetch(cache, KEYS[0])
    assert fetch(cache, KEYS[0]) is None
    store(cache, KEYS[0], fit)
    assert fetch(cache, KEYS[0]) is not None


def test_fragments_of_a_kernel_that_was_killed_are_swept_up(fit: Fit, tmp_path: Path) -> None:
    old, fresh = (tmp_path / f".{KEYS[0][:60]}.{c * 16}" for c in "ab")
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (1e9, 1e9))
    store(Cache(tmp_path), KEYS[1], fit)
    assert not old.exists()
    assert fresh.exists()


def test_a_name_that_is_no_fingerprint_reaches_no_file(fit: Fit, tmp_path: Path) -> None:
    for name in ("../outside", "a" * 63, "A" * 64, f"{KEYS[0]}/..", ""):
        with pytest.raises(KeepError, match="no fingerprint"):
            Cache(tmp_path / "in").get(name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(fit: Fit, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(KeepError, match=r"cannot be made.*\n.*LmeMagics\.cache"):
        store(Cache(tmp_path / "file" / "folder"), KEYS[0], fit)


def _write_and_read(folder: str, times: int) -> int:
    cache, seen = Cache(Path(folder), most=60_000), 0
    fit = pf.lme(TEXT, sleep(), engine=pf.Point(), seed=1, progress=NullProgress())
    for i in range(times):
        store(cache, KEYS[i % 4], replace(fit, seed=i))
        found = fetch(cache, KEYS[(i + 1) % 4])
        seen += found is not None and found.formula == TEXT
    return seen


@pytest.mark.slow
def test_kernels_that_use_one_folder_at_once_never_see_half_a_file(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        seen = pool.starmap(_write_and_read, [(str(tmp_path), 40)] * 2)
    assert min(seen) > 0
    assert all(len(path.stem) == 64 for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/there/cache"}, "/there/cache/probflow_nb/fits"),
        ("linux", {"XDG_CACHE_HOME": "not/absolute"}, "{home}/.cache/probflow_nb/fits"),
        ("darwin", {}, "{home}/Library/Caches/probflow_nb/fits"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/probflow_nb/fits"),
    ],
)
def test_the_folder_is_where_the_platform_keeps_such_things(
    platform: str, variables: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module.sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert user_folder() == Path(expected.format(home=tmp_path))
