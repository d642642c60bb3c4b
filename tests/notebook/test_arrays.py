"""Arrays, frames and sparse matrices of the notebook stand in a cell under their names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from probflow_nb.errors import UsageError
from probflow_nb.notebook.magics import LmeMagics

TEXT = "w ~ Normal(0, 1)\ns ~ HalfNormal(1)\ny ~ Normal(X @ w + k, s)"
FRAME = pd.DataFrame({"y": [1.0, 2.0, 4.0], "k": [0.0, 1.0, 0.0]})


def fit(ip, text: str, line: str = "") -> object:
    magics = next(c for c in ip.configurables if isinstance(c, LmeMagics))
    return magics.lme(line, text)


def test_columns_come_first_and_arrays_after_them(ip, quick, capsys):
    ip.user_ns |= {"study": FRAME, "X": np.ones((3, 2)), "k": np.zeros(3), "unused": np.zeros(3), "w": 3, "s": "text"}
    fit(ip, TEXT)
    assert quick[0].data is FRAME
    assert list(quick[0].arrays) == ["X"]
    assert "data: study (3 rows); from the notebook: X" in capsys.readouterr().out


def test_arrays_alone_suffice(ip, quick):
    ip.user_ns |= {"y": FRAME.y, "X": sp.csr_matrix(np.ones((3, 2))), "k": np.zeros(3)}
    fit(ip, TEXT)
    assert quick[0].data is None
    assert set(quick[0].arrays) == {"y", "X", "k"}


def test_with_a_named_frame_the_rest_is_looked_up(ip, quick):
    ip.user_ns |= {"study": FRAME, "other": FRAME, "X": pd.DataFrame(np.ones((3, 2)))}
    fit(ip, TEXT, "--data study")
    assert quick[0].data is FRAME
    assert list(quick[0].arrays) == ["X"]


def test_a_formula_finds_arrays_too(ip, quick):
    ip.user_ns |= {"study": FRAME, "z": np.zeros(3)}
    fit(ip, "y ~ z")
    assert quick[0].data is FRAME
    assert list(quick[0].arrays) == ["z"]


@pytest.mark.parametrize("value", [3, "text", [1.0, 2.0, 3.0], lambda: 1, np.zeros(()), {"a": [1]}])
def test_nothing_else_of_the_notebook_becomes_part_of_a_model(ip, quick, value):
    ip.user_ns |= {"y": value}
    with pytest.raises(UsageError, match=r"holds no data frame|No data frame"):
        fit(ip, "y ~ Normal(m, 1)\nm ~ Normal(0, 1)")
