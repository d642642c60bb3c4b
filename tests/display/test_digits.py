from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probflow_nb.display import digits

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("error", "spread", "size", "places"),
    [
        (0.3, 7.4, 251.4, 1),
        (0.31, 7.4, 251.4, 0),
        (0.13, 7.4, 251.4, 1),
        (0.03, 1.7, 10.5, 2),
        (0.04, 1.7, 10.5, 1),
        (3.0, 80.0, 900.0, 0),
        (0.9, 0.4, 5.0, 1),  # the sd keeps one digit however bad the draws are
        (1e-6, 7.4, 251.4, 2),  # and three at most
        (NAN, 6.82, 251.4, 1),  # a point fit: two digits of the standard error
        (NAN, 1.55, 10.47, 1),
        (NAN, 0.0123, 0.5, 3),
        (NAN, NAN, 24.74, 1),
        (NAN, NAN, 5.922, 2),
        (NAN, NAN, 0.0, 1),
        (0.0, 0.0, 2.5, 2),
        (1e-11, 1e-9, 3e-9, 11),
    ],
)
def test_decimals(error: float, spread: float, size: float, places: int) -> None:
    assert digits.decimals(error, spread, size) == places


@pytest.mark.parametrize(
    ("values", "places", "written"),
    [
        ([251.41, 7.43, -0.04], 1, ["251.4", "7.4", "0.0"]),
        ([-0.512, NAN, INF, -INF], 2, ["-0.51", "—", "∞", "-∞"]),
        ([1234.5, 50.0], -1, ["1234", "50"]),
        ([123456.7, 50.0], 1, ["123,456.7", "50.0"]),
        ([3.2e-9, 1e-9, 0.0], 11, ["3.20e-9", "1.00e-9", "0"]),
        ([4.0012e12, 1e11], -9, ["4.001e12", "1.00e11"]),
        ([1e12 + 0.25, 1.0], 2, ["1,000,000,000,000.25", "1.00"]),
        ([0.0, 0.0], 9, ["0.000000", "0.000000"]),
    ],
)
def test_row(values: list[float], places: int, written: list[str]) -> None:
    assert digits.row(values, places) == written


@pytest.mark.parametrize(
    ("cells", "aligned"),
    [
        (["251.4", "10.47", "3"], ["251.4_", "10.47", "3.__"]),
        (["3,190", "28"], ["3,190", "28"]),
        (["0.28", "—", "3.2e-9"], ["0.28", "—.__", "3.2e-9"]),
        ([], []),
    ],
)
def test_align(cells: list[str], aligned: list[str]) -> None:
    assert digits.align(cells, "_", ".") == aligned


@given(st.lists(st.floats(width=64), min_size=1, max_size=5), st.floats(), st.floats(), st.floats())
def test_any_numbers_are_written(values: list[float], error: float, spread: float, size: float) -> None:
    places = digits.decimals(error, spread, abs(size))
    written = digits.row(values, places)
    assert len(written) == len(values)
    assert all(len(w) < 40 for w in written)
    for value, w in zip(values, written):
        if math.isfinite(value) and "e" not in w:
            shown = float(w.replace(",", ""))
            assert abs(shown - value) <= 0.51 * 10.0 ** -min(max(places, 0), 6) + 1e-9 * abs(value)
