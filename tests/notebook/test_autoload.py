"""The startup file: what it does in a new IPython, and what is never touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from probflow_nb.errors import UsageError
from probflow_nb.notebook import autoload

REPOSITORY = Path(__file__).parents[2]


def test_on_and_off_are_done_once_and_leave_nothing(tmp_path):
    folder = tmp_path / "startup"
    path = folder / autoload.NAME
    assert str(path) in autoload.switch(folder, True)
    written = path.read_text()
    assert autoload.switch(folder, True) == autoload.state(folder)
    assert path.read_text() == written
    assert "was removed" in autoload.switch(folder, False)
    assert list(folder.iterdir()) == []
    assert autoload.switch(folder, False) == autoload.state(folder)


@pytest.mark.parametrize("on", [True, False])
def test_a_file_of_another_is_left_alone(tmp_path, on):
    path = tmp_path / autoload.NAME
    path.write_text("mine = 1\n")
    with pytest.raises(UsageError, match="is not a file that `%lme autoload on` wrote") as found:
        autoload.switch(tmp_path, on)
    assert str(path) in found.value.message
    assert path.read_text() == "mine = 1\n"
    assert "only by %load_ext" in autoload.state(tmp_path)


@pytest.mark.parametrize("on", [True, False])
def test_a_folder_that_cannot_be_written_says_so(tmp_path, on, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    if not on:
        autoload.switch(tmp_path, True)
    monkeypatch.setattr(Path, "write_text", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    word = "written" if on else "removed"
    with pytest.raises(UsageError, match=f"could not be {word}: Permission denied"):
        autoload.switch(tmp_path, on)


STARTED = """
print("magic", get_ipython().find_cell_magic("lme") is not None)
print("names", [name for name in get_ipython().user_ns if "probflow" in name or name in ("path", "util")])
"""


@pytest.mark.parametrize("installed", [True, False])
def test_a_new_ipython_has_the_magic_and_no_new_names(tmp_path, installed):
    autoload.switch(tmp_path / "profile_default" / "startup", True)
    script = tmp_path / "look.ipy"
    script.write_text(STARTED)
    hidden = "" if installed else "import sys\nsys.modules['probflow_nb'] = None\n"
    (tmp_path / "profile_default" / "startup" / "00-first.py").write_text(hidden)
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY) if installed else "",
        "IPYTHONDIR": str(tmp_path),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    words = ["-I"] if not installed else []
    found = subprocess.run(
        [sys.executable, *words, "-m", "IPython", "--colors=NoColor", "--LmeMagics.preload=False", str(script)],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert f"magic {installed}" in found.stdout, found.stdout + found.stderr
    assert "names []" in found.stdout
    assert "Traceback" not in found.stdout + found.stderr


def test_a_file_that_may_not_be_read_is_said(tmp_path, monkeypatch):
    autoload.switch(tmp_path, True)

    def refuse(*words: object, **named: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(UsageError, match=r"50-probflow_nb\.py could not be read: Permission denied\.$"):
        autoload.state(tmp_path)
