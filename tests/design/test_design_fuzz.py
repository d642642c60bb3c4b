"""Whatever the frame, build ends in a finite Design or in one of our errors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probflow_nb.design import build
from probflow_nb.errors import ProbflowError
from probflow_nb.lang import parse
from probflow_nb.spec import lower

TEXTS = (
    "y ~ x + (1 | g)",
    "y ~ x * g",
    "y ~ 0 + g + x",
    "y ~ scale(x) + (x | g)",
    "y ~ poly(x, 2) + (1 | g:x)",
    "y ~ log(x) + (0 + x | g)",
    "y ~ bs(x, df = 4) + ns(x, df = 2)",
    "y ~ C(g, Sum):x + I(x**2 / 3)",
    "log(y) ~ factor(x) + (g | x)",
    "y ~ x + weights(x) + offset(y)",
    "y ~ center(x):g + (1 | g/x)",
    "y ~ C(x, Poly) + C(g, Helmert)",
)

CELLS = st.one_of(
    st.none(),
    st.just(pd.NA),
    st.just(pd.NaT),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(["a", "b", 1, 1.0, "1", True, [1], {}, (2,), b"z", 1j, dt.date(2020, 1, 1), object()]),
)
USUAL = st.one_of(
    st.lists(st.floats(-10, 10), min_size=6, max_size=6),
    st.lists(st.integers(0, 3), min_size=6, max_size=6),
    st.lists(st.sampled_from("abc"), min_size=6, max_size=6),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.lists(st.floats(), min_size=6, max_size=6),
    st.lists(st.sampled_from([1.0, 2.0, None, float("inf")]), min_size=6, max_size=6),
)
KINDS = ("list", "array", "pandas", "category", "string", "nullable", "float32", "polars", "series")


def _column(values: list[Any], kind: str) -> Any:
    try:
        match kind:
            case "array":
                return np.array(values)
            case "pandas":
                return pd.Series(values)
            case "category":
                return pd.Categorical(values)
            case "string":
                return pd.array([None if v is None else str(v) for v in values], dtype="string")
            case "nullable":
                return pd.Series(values).convert_dtypes()
            case "float32":
                return np.array(values, dtype=np.float32)
            case "polars":
                return pl.Series(values, strict=False)
    except Exception:  # what the library itself refuses is no input of ours
        return values
    return values


@st.composite
def _frames(draw: st.DrawFn) -> Any:
    usual = draw(st.booleans())
    size = draw(st.integers(0, 8))
    values = USUAL if usual else st.lists(CELLS, min_size=size, max_size=size)
    columns = {name: _column(draw(values), draw(st.sampled_from(KINDS))) for name in "xg"}
    # Mostly a response that can be modelled, so that most examples get past it.
    rows = 6 if usual else size
    response = st.lists(st.floats(-1, 50, width=16), min_size=rows, max_size=rows)
    columns["y"] = draw(response) if draw(st.integers(0, 4)) else _column(draw(values), draw(st.sampled_from(KINDS)))
    if draw(st.booleans()):
        try:
            return pd.DataFrame(columns)
        except Exception:  # columns that pandas cannot join stay a dictionary
            return columns
    return columns


def _built(make: Callable[[], Any]) -> Any:
    """Return what is made, or None if it ends in one of our errors, which must have a sentence."""
    try:
        return make()
    except ProbflowError as error:
        sentence = str(error)
    assert sentence
    return None


def _check_finite(text: str, data: Any) -> None:
    spec = lower(parse(text))
    design = _built(lambda: build(spec, data))
    if design is None:
        return
    n, p = design.X.shape
    assert design.y.shape == (n,)
    assert len(design.column_names) == p == len(set(design.column_names))
    assert design.n_rows == n + design.n_missing
    for array in (design.X, design.y, *(block.z for block in design.groups)):
        assert np.isfinite(array).all()
    for block in design.groups:
        assert sorted(set(block.index.tolist())) == list(range(block.n_levels))
        assert block.z.shape == (n, block.n_columns)
    # Rows that were dropped may hold values that a transform refuses, or levels that no other row has.
    rows = _built(lambda: design.encoding.rows(data))
    if rows is None:
        assert design.n_missing
        return
    used = slice(None) if design.rows is None else design.rows
    np.testing.assert_array_equal(rows.X[used], design.X)
    for block, new in zip(design.groups, rows.groups):
        np.testing.assert_array_equal(new.index[used], block.index)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.sampled_from(TEXTS), data=_frames())
def test_any_frame_ends_in_a_design_or_an_error(text: str, data: Any) -> None:
    _check_finite(text, data)


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=200, deadline=None)
@given(
    text=st.sampled_from(TEXTS),
    y=st.lists(FINITE, min_size=9, max_size=9),
    x=st.lists(st.one_of(FINITE, st.floats(0, 1e-300), st.floats(1e300, 1.7e308)), min_size=9, max_size=9),
)
def test_numbers_of_any_size(text: str, y: list[float], x: list[float]) -> None:
    _check_finite(text, {"y": y, "x": x, "g": list("abcabcabc")})


@settings(max_examples=60, deadline=None)
@given(
    data=st.one_of(
        CELLS, st.lists(CELLS, max_size=3), st.dictionaries(CELLS.filter(lambda c: isinstance(c, str)), CELLS)
    )
)
def test_what_is_no_frame_is_refused(data: Any) -> None:
    assert _built(lambda: build(lower(parse("y ~ x")), data)) is None
