"""Cells whose fits are kept: the second run shows the first one's fit, and no trouble with the folder is a person's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import probflow_nb.api
from probflow_nb.fit import Fit

CELL = "Reaction ~ Days + (1 | Subject)"
LINE = "sleep --data sleepstudy --engine point --cache"


@pytest.fixture
def fitted(ip: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keep fits in a folder of the test's own; the list holds the text of every fit that was really made."""
    made: list[str] = []
    real = probflow_nb.api.lme

    def counted(text: str, *arguments: Any, **more: Any) -> Fit:
        made.append(text.strip())
        return real(text, *arguments, **more)

    monkeypatch.setattr(probflow_nb.api, "lme", counted)
    ip.run_line_magic("config", f'LmeMagics.cache = "{tmp_path / "kept"}"')
    return made


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "kept").glob("*.fit"))


def test_the_second_run_fits_nothing_and_says_so(ip: Any, fitted: list[str], tmp_path: Path) -> None:
    first = ip.run_cell_magic("lme", LINE, CELL)
    second = ip.run_cell_magic("lme", LINE, f"\n{CELL}\n")
    other = ip.run_cell_magic("lme", LINE.replace("sleep ", "again "), CELL)
    assert fitted == [CELL]
    assert len(files(tmp_path)) == 1
    assert first.cached == ""
    assert "kept; nothing was run again" in dict(second.card.run)["cache"]
    assert "device" not in dict(second.card.run)
    assert (second.name, other.name) == ("sleep", "again")
    assert ip.user_ns["again"] is other
    pd.testing.assert_frame_equal(first.summary(), second.summary(), check_exact=True)
    new = probflow_nb.datasets.sleepstudy().iloc[:3]
    np.testing.assert_array_equal(first.predict(new), second.predict(new))


@pytest.mark.parametrize(
    ("line", "cell"),
    [
        (LINE, CELL.replace("1 |", "Days |")),
        (f"{LINE} --no-reml", CELL),
        (f"{LINE} --seed 2", CELL),
        (LINE.replace("sleepstudy", "young"), CELL),
    ],
)
def test_whatever_changes_is_fitted_anew(line: str, cell: str, ip: Any, fitted: list[str]) -> None:
    ip.user_ns["young"] = probflow_nb.datasets.sleepstudy().iloc[:100]
    ip.run_cell_magic("lme", LINE, CELL)
    ip.run_cell_magic("lme", line, cell)
    assert len(fitted) == 2


def test_only_who_asks_has_fits_kept(ip: Any, fitted: list[str], tmp_path: Path) -> None:
    plain = LINE.replace(" --cache", "")
    ip.run_cell_magic("lme", plain, CELL)
    assert files(tmp_path) == []
    ip.run_line_magic("config", "LmeMagics.always_cache = True")
    for line in (plain, plain, f"{plain} --no-cache"):
        ip.run_cell_magic("lme", line, CELL)
    assert len(fitted) == 3
    assert len(files(tmp_path)) == 1


def test_a_model_that_is_not_fitted_is_not_kept(ip: Any, fitted: list[str], tmp_path: Path) -> None:
    model = ip.run_cell_magic("lme", f"{LINE} --no-fit", CELL)
    assert type(model).__name__ == "Unfitted"
    assert files(tmp_path) == []


def test_a_damaged_file_is_passed_over_with_a_word(
    ip: Any, fitted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ip.run_cell_magic("lme", LINE, CELL)
    files(tmp_path)[0].write_bytes(b"nothing of the kind")
    fit = ip.run_cell_magic("lme", LINE, CELL)
    assert len(fitted) == 2
    assert (
        "The kept fit cannot be read, so the model is fitted again. The file holds no kept fit"
        in capsys.readouterr().out
    )
    assert fit.cached == ""
    ip.run_cell_magic("lme", LINE, CELL)
    assert len(fitted) == 2


def test_a_folder_that_cannot_be_written_is_said_and_the_fit_is_there(
    ip: Any, fitted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").write_text("a file, not a folder")
    fit = ip.run_cell_magic("lme", LINE, CELL)
    assert fit.fixef["Days"] == pytest.approx(10.4673, abs=1e-3)
    assert "The fit is not kept. The folder" in capsys.readouterr().out


def test_a_fault_of_the_text_or_the_data_is_told_as_ever(ip: Any, fitted: list[str]) -> None:
    for cell in ("Reaction ~ Dayz + (1 | Subject)", "Reaction ~ Days +"):
        with pytest.raises(probflow_nb.ProbflowError) as found:
            ip.run_cell_magic("lme", LINE, cell)
        assert "^" in str(found.value)


def test_what_is_kept_is_listed_and_cleared(
    ip: Any, fitted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "No fits are kept in" in repr(ip.run_line_magic("lme", "cache"))
    ip.run_cell_magic("lme", LINE, CELL)
    ip.run_cell_magic("lme", f"{LINE} --seed 4", f"{CELL}\nDays ~ Normal(0, 10)")
    files(tmp_path)[1].write_bytes(b"PK")
    listed = ip.run_line_magic("lme", "cache")
    shown = repr(listed)
    assert shown.count("point") + shown.count("cannot be read; it is fitted again") == 2
    assert "2 fits" in shown
    assert str(tmp_path / "kept") in shown
    assert "<table" in listed._repr_html_()
    capsys.readouterr()
    ip.run_line_magic("lme", "cache clear")
    assert "2 kept fits" in capsys.readouterr().out
    assert files(tmp_path) == []
    with pytest.raises(probflow_nb.UsageError, match="cache takes clear"):
        ip.run_line_magic("lme", "cache everything")
