"""Every kind of frame and column reads as the same variable."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from probflow_nb.design import Design, build
from probflow_nb.design.table import read_table
from probflow_nb.lang import parse
from probflow_nb.spec import lower

Y = [1.0, 2.5, 2.0, 4.0, 3.0, 5.5, 4.5, 6.0]
X = [0.5, 1.0, 2.5, 3.0, 4.5, 5.0, 6.5, 7.0]
K = [3, 3, 10, 10, 3, 200, 200, 10]
F = ["b", "a", "c", "a", "b", "c", "a", "b"]
FLAG = [True, False, True, True, False, False, True, False]
PLAIN = {"y": Y, "x": X, "k": K, "f": F, "flag": FLAG}


def _structured() -> np.ndarray:
    kinds = [("y", "f8"), ("x", "f4"), ("k", "i2"), ("f", "U3"), ("flag", "?")]
    return np.array(list(zip(Y, X, K, F, FLAG)), dtype=kinds)


def _tricky() -> dict[str, Any]:
    return {
        "y": np.array(Y, dtype=object),
        "x": pd.Series(X, index=range(10, 18)),
        "k": tuple(K),
        "f": np.array(F),
        "flag": pl.Series(FLAG),
    }


FRAMES: dict[str, Callable[[], Any]] = {
    "dict of lists": lambda: PLAIN,
    "dict of mixed": _tricky,
    "pandas": lambda: pd.DataFrame(PLAIN),
    "pandas nullable": lambda: pd.DataFrame(PLAIN).convert_dtypes(),
    "pandas pyarrow": lambda: pd.DataFrame(PLAIN).convert_dtypes(dtype_backend="pyarrow"),
    "pandas object": lambda: pd.DataFrame(PLAIN, dtype=object),
    "pandas category": lambda: pd.DataFrame(PLAIN).astype({"f": "category"}),
    "pandas index": lambda: pd.DataFrame(PLAIN, index=list("hgfedcba")),
    "pandas float32, unsigned": lambda: pd.DataFrame(PLAIN).astype({"x": "float32", "k": "uint8"}),
    "pandas sparse": lambda: pd.DataFrame(PLAIN).astype({"x": pd.SparseDtype(float)}),
    "polars": lambda: pl.DataFrame(PLAIN),
    "polars categorical": lambda: pl.DataFrame(PLAIN).with_columns(pl.col("f").cast(pl.Categorical)),
    "polars decimal": lambda: pl.DataFrame(PLAIN).with_columns(pl.col("x").cast(pl.Decimal(10, 1))),
    "pyarrow": lambda: pa.table(PLAIN),
    "pyarrow chunks": lambda: pa.concat_tables([pa.table(PLAIN)[:3], pa.table(PLAIN)[3:]]),
    "pyarrow batch": lambda: pa.RecordBatch.from_pydict(PLAIN),
    "structured array": _structured,
    "decimals": lambda: {**PLAIN, "x": [Decimal(str(x)) for x in X]},
    "column vector": lambda: {**PLAIN, "x": np.array(X)[:, None]},
    "Fortran order": lambda: pd.DataFrame(np.asfortranarray(np.c_[Y, X]), columns=["y", "x"]).assign(
        k=K, f=F, flag=FLAG
    ),
}
SPEC = lower(parse("y ~ x + f + flag + (x | k) + (1 | f:flag)"))


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_agree(kind: str) -> None:
    design = build(SPEC, FRAMES[kind]())
    assert design.column_names == ("Intercept", "x", "f[b]", "f[c]", "flag[True]")
    expected = np.c_[np.ones(8), X, [f == "b" for f in F], [f == "c" for f in F], FLAG]
    np.testing.assert_array_equal(design.X, expected)
    np.testing.assert_array_equal(design.y, Y)
    first, second = design.groups
    assert (first.factor, first.levels, first.column_names) == ("k", ("3", "10", "200"), ("Intercept", "x"))
    assert first.index.tolist() == [0, 0, 1, 1, 0, 2, 2, 1]
    np.testing.assert_array_equal(first.z, np.c_[np.ones(8), X])
    assert second.factor == "f:flag"
    assert second.levels == ("a:False", "a:True", "b:False", "b:True", "c:False", "c:True")
    assert [second.levels[i] for i in second.index] == [f"{f}:{flag}" for f, flag in zip(F, FLAG)]
    assert first.index.dtype == second.index.dtype == np.int32
    assert design.X.dtype == first.z.dtype == design.y.dtype == np.float64
    assert (design.n_rows, design.n_missing, design.rows) == (8, 0, None)


LEVELS: dict[str, tuple[Any, tuple[str, ...], bool]] = {
    "text is sorted": (["b", "10", "9", "B"], ("10", "9", "B", "b"), False),
    "whole numbers by size": ([10, 9, 100], ("9", "10", "100"), False),
    "wide numbers": ([10**15, 5, -3], ("-3", "5", str(10**15)), False),
    "ids beyond a float's digits": ([2**53, 2**53 + 1], (str(2**53), str(2**53 + 1)), False),
    "fractions": ([0.5, 2.0, -1.0], ("-1", "0.5", "2"), False),
    "categories keep their order": (
        pd.Categorical(["lo", "hi"], categories=["lo", "mid", "hi"]),
        ("lo", "hi"),
        False,
    ),
    "ordered": (pd.Categorical(["lo", "hi"], categories=["lo", "hi"], ordered=True), ("lo", "hi"), True),
    "number categories": (pd.Categorical([2.0, 1.0], categories=[2.0, 1.0]), ("2", "1"), False),
    "interval categories": (pd.cut([1, 5], [0, 3, 6]), ("(0, 3]", "(3, 6]"), True),
    "polars Enum": (pl.Series(["z", "a"], dtype=pl.Enum(["z", "q", "a"])), ("z", "a"), False),
    "arrow dictionary": (pa.DictionaryArray.from_arrays([1, 0], ["z", "a"]), ("z", "a"), False),
    "mixed": ([1, "b", 2.5, True], ("1", "2.5", "True", "b"), False),
    "bytes": ([b"x", b"a"], ("a", "x"), False),
    "empty text is a level": (["", "a"], ("", "a"), False),
    "missing": (["b", None, np.nan, pd.NA, "a"], ("a", "b"), False),
    "missing numbers": ([3, None, 1], ("1", "3"), False),
    "masked": (np.ma.masked_array([5, 6, 7], [False, True, False]), ("5", "7"), False),
}


@pytest.mark.parametrize("case", LEVELS)
def test_levels(case: str) -> None:
    values, levels, ordered = LEVELS[case]
    if isinstance(values, pa.Array):
        data: Any = pa.table({"v": values})
    else:
        data = pl.DataFrame({"v": values}) if isinstance(values, pl.Series) else {"v": values}
    factor = read_table(data).column("v").factor()
    assert (factor.levels, factor.ordered) == (levels, ordered)
    assert set(factor.codes.tolist()) - {-1} == set(range(len(levels)))


def test_arrow_chunks_with_dictionaries_of_their_own() -> None:
    chunks = pa.chunked_array([pa.array(["b", "a"]).dictionary_encode(), pa.array(["c"]).dictionary_encode()])
    factor = read_table(pa.table({"v": chunks})).column("v").factor()
    assert [factor.levels[code] for code in factor.codes] == ["b", "a", "c"]


MISSING: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame({"y": [1.0, np.nan, 3, 4, 6], "g": ["a", "b", None, "b", "a"]}),
    "nullable": lambda: pd.DataFrame({"y": [1, None, 3, 4, 6], "g": ["a", "b", None, "b", "a"]}).convert_dtypes(),
    "category": lambda: pd.DataFrame({"y": [1.0, np.nan, 3, 4, 6], "g": pd.Categorical(["a", "b", None, "b", "a"])}),
    "polars": lambda: pl.DataFrame({"y": [1.0, None, 3, 4, 6], "g": ["a", "b", None, "b", "a"]}),
    "pyarrow": lambda: pa.table({"y": [1.0, None, 3, 4, 6], "g": ["a", "b", None, "b", "a"]}),
    "lists": lambda: {"y": [1, None, 3, 4, 6], "g": ["a", "b", None, "b", "a"]},
}


@pytest.mark.parametrize("kind", MISSING)
def test_rows_with_missing_values_are_dropped_and_counted(kind: str) -> None:
    data = MISSING[kind]()
    design = build(lower(parse("y ~ 1 + (1 | g)")), data)
    assert design.y.tolist() == [1, 4, 6]
    assert design.groups[0].index.tolist() == [0, 1, 0]
    assert (design.n_rows, design.n_missing) == (5, 2)
    assert design.missing_by_column == (("y", 1), ("g", 1))
    assert design.rows is not None
    assert design.rows.tolist() == [0, 3, 4]


def test_unused_columns_are_never_read() -> None:
    data = {**PLAIN, "bad": [[1, 2]] * 8, "worse": object(), "short": [1]}
    assert build(SPEC, data).y.tolist() == Y


def test_names_are_data() -> None:
    data = {"<b>y</b>": Y, "dose mg": X, "größe": K, "x.1": [7.0, 3, 2, 8, 1, 9, 4, 6], "`": F}
    text = "`<b>y</b>` ~ `dose mg` + größe + x.1 + (1 | `\\``)"
    design: Design = build(lower(parse(text)), data)
    assert design.response_name == "<b>y</b>"
    assert design.column_names == ("Intercept", "dose mg", "größe", "x.1")
    assert design.groups[0].factor == "`"
