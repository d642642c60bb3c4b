"""Every DataError, as a person reads it: the whole message, carets included."""

# ruff: noqa: E501
# The sentences stand on one line, as they are shown.
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from probflow_nb.design import build
from probflow_nb.errors import DataError
from probflow_nb.lang import parse
from probflow_nb.spec import lower

BASE: dict[str, Any] = {
    "y": [1.0, 2, 4, 3, 5, 7, 6, 9],
    "x": [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4],
    "g": list("aabbccdd"),
    "f": list("uvuvuvuv"),
}
MANY = [str(i) for i in range(600)]


def _data(**columns: Any) -> dict[str, Any]:
    return {**BASE, **columns}


# model text, data, the lines of the message
TABLE: tuple[tuple[str, Callable[[], Any], tuple[str, ...]], ...] = (
    (
        "y ~ dayz + (1 | g)",
        lambda: _data(Days=BASE["x"]),
        (
            "There is no column `dayz` in the data.",
            "    y ~ dayz + (1 | g)",
            "        ^^^^",
            "Did you mean Days? The data have the columns y, x, g, f, Days.",
        ),
    ),
    (
        "y ~ q + (1 | g)",
        lambda: {**BASE, **{f"c{i}": BASE["x"] for i in range(20)}},
        (
            "There is no column `q` in the data.",
            "    y ~ q + (1 | g)",
            "        ^",
            "The data have the columns y, x, g, f, c0, c1, c2, c3 and 16 more.",
        ),
    ),
    (
        "y ~ q",
        lambda: {},
        (
            "There is no column `y` in the data.",
            "    y ~ q",
            "    ^",
            "The data have no columns.",
        ),
    ),
    (
        "y ~ g",
        lambda: pd.DataFrame(BASE).set_index("g"),
        (
            "There is no column `g` in the data.",
            "    y ~ g",
            "        ^",
            "`g` is the index of the data: call reset_index() to make it a column.",
        ),
    ),
    (
        "y ~ x",
        lambda: pd.DataFrame(np.ones((3, 3)), columns=["y", "x", "x"]),
        (
            "The data have 2 columns named `x`.",
            "    y ~ x",
            "        ^",
            "Rename all but one.",
        ),
    ),
    (
        "y ~ x",
        lambda: pd.DataFrame(np.ones((3, 2)), columns=pd.MultiIndex.from_tuples([("y", "a"), ("x", "b")])),
        (
            "The data have 2 levels of column names; a model needs one.",
            'Join them first, such as data.columns = ["_".join(map(str, c)) for c in data.columns].',
        ),
    ),
    (
        "y ~ x",
        lambda: None,
        (
            "The data are None; a model needs a data frame or a dictionary of columns.",
            "Give a pandas, polars or PyArrow table, or {name: values}.",
        ),
    ),
    (
        "y ~ x",
        lambda: "data.csv",
        (
            "The data are a text; a model needs a data frame or a dictionary of columns.",
            "Give a pandas, polars or PyArrow table, or {name: values}.",
        ),
    ),
    (
        "y ~ x",
        lambda: [1, 2],
        (
            "The data are a list; a model needs a data frame or a dictionary of columns.",
            "Give a pandas, polars or PyArrow table, or {name: values}.",
        ),
    ),
    (
        "y ~ x",
        lambda: np.ones((3, 2)),
        (
            "The data are a numpy array without column names; a model needs a data frame or a dictionary of columns.",
            "Give a pandas, polars or PyArrow table, or {name: values}.",
        ),
    ),
    (
        "y ~ x",
        lambda: {"y": [], "x": []},
        ("The data have no rows.",),
    ),
    (
        "y ~ x",
        lambda: _data(x=[1.0]),
        (
            "The column `x` has 1 value, but the first column has 8.",
            "    y ~ x",
            "        ^",
        ),
    ),
    (
        "y ~ x",
        lambda: _data(x=3.0),
        (
            "The column `x` is a single value; a column has one value a row.",
            "    y ~ x",
            "        ^",
            "Put it in brackets: one row has lists of one value.",
        ),
    ),
    (
        "y ~ x",
        lambda: _data(x=object()),
        (
            "The column `x` is an object; a column is a list, an array or a series.",
            "    y ~ x",
            "        ^",
        ),
    ),
    (
        "y ~ x",
        lambda: _data(x=np.ones((8, 3))),
        (
            "The column `x` is an array of shape 8 x 3; a column has one value a row.",
            "    y ~ x",
            "        ^",
        ),
    ),
    (
        "y ~ x",
        lambda: _data(x=[[1, 2]] * 8),
        (
            "The column `x` has a list in a cell, not one number or level.",
            "    y ~ x",
            "        ^",
        ),
    ),
    (
        "y ~ x",
        lambda: _data(x=np.arange(8) * 1j),
        (
            "The column `x` holds complex numbers, which no model can use.",
            "    y ~ x",
            "        ^",
        ),
    ),
    (
        "y ~ x",
        lambda: _data(x=pd.date_range("2020-01-01", periods=8)),
        (
            "The column `x` holds dates or times; a model needs numbers or levels.",
            "    y ~ x",
            "        ^",
            "Turn it into a number first, such as days since the first date.",
        ),
    ),
    (
        "y ~ x",
        lambda: _data(x=[dt.date(2020, 1, 1)] * 8),
        (
            "The column `x` holds dates or times; a model needs numbers or levels.",
            "    y ~ x",
            "        ^",
            "Turn it into a number first, such as days since the first date.",
        ),
    ),
    (
        "y ~ x",
        lambda: _data(x=[10**400] * 8),
        (
            "The column `x` has whole numbers too large to compute with.",
            "    y ~ x",
            "        ^",
        ),
    ),
    (
        "y ~ x",
        lambda: _data(x=pd.Categorical([1, "1"] * 4, categories=[1, "1"])),
        (
            'The column `x` has different levels that read alike: "1".',
            "    y ~ x",
            "        ^",
            "Make it all text or all numbers.",
        ),
    ),
    (
        "y ~ x + (1 | g)",
        lambda: _data(x=[None] * 8),
        (
            "Every value of the column `x` is missing.",
            "    y ~ x + (1 | g)",
            "        ^",
        ),
    ),
    (
        "y ~ x + (1 | g)",
        lambda: _data(x=[None] * 4 + [1.0, 2, 3, 4], y=[1.0, 2, 3, 4] + [np.nan] * 4),
        ("Every row has a missing value in one of the columns `y` (4), `x` (4).",),
    ),
    (
        "y ~ x",
        lambda: _data(x=[1, np.inf, 3, -np.inf, 5, 6, 7, 8]),
        (
            "The column `x` has 2 infinite values, the first in row 1 (counted from 0).",
            "    y ~ x",
            "        ^",
            "Correct them or mark them as missing, so that their rows are left out.",
        ),
    ),
    (
        "y ~ x",
        lambda: _data(y=[np.nan, 2, 4, 3, 5, 7, 6, 9], x=[1, 2.0, 3, np.inf, 5, 6, 7, 8]),
        (
            "The column `x` has 1 infinite value, the first in row 3 (counted from 0).",
            "    y ~ x",
            "        ^",
            "Correct them or mark them as missing, so that their rows are left out.",
        ),
    ),
    (
        "f ~ x + (1 | g)",
        lambda: BASE,
        (
            "The response `f` holds text or categories (u, v); it must hold numbers.",
            "    f ~ x + (1 | g)",
            "    ^",
            "Convert it to numbers first, such as 0 and 1.",
        ),
    ),
    (
        "log(f) ~ x + (1 | g)",
        lambda: BASE,
        (
            'The column `f` holds text or categories, such as "u", where numbers are needed.',
            "    log(f) ~ x + (1 | g)",
            "        ^",
            "Convert it to numbers first, or use it as a predictor or grouping factor as it is.",
        ),
    ),
    (
        "y ~ log(f)",
        lambda: BASE,
        (
            'The column `f` holds text or categories, such as "u", where numbers are needed.',
            "    y ~ log(f)",
            "            ^",
            "Convert it to numbers first, or use it as a predictor or grouping factor as it is.",
        ),
    ),
    (
        "y ~ x",
        lambda: _data(y=[3.0] * 8),
        (
            "The response is constant: `y` is 3 in all 8 rows.",
            "    y ~ x",
            "    ^",
        ),
    ),
    (
        "y ~ x",
        lambda: {"y": [1.0], "x": [2.0]},
        ("There is one complete row, which is too few for a model.",),
    ),
    (
        "y ~ x * f * g",
        lambda: BASE,
        (
            "There are 8 complete rows for 8 common coefficients; a model needs more rows.",
            "Leave terms out, or add data.",
        ),
    ),
    (
        "y ~ log(x)",
        lambda: _data(x=[1, 0, 2, -3, 4, 5, 6, 7.0]),
        (
            "log() needs numbers above 0, but `x` has 2 values that are not, the first in row 1 (counted from 0).",
            "    y ~ log(x)",
            "        ^^^^^^",
        ),
    ),
    (
        "y ~ sqrt(x)",
        lambda: _data(x=[1, 1, 2, -3, 4, 5, 6, 7.0]),
        (
            "sqrt() needs numbers of at least 0, but `x` has 1 value that is not, the first in row 3 (counted from 0).",
            "    y ~ sqrt(x)",
            "        ^^^^^^^",
        ),
    ),
    (
        "y ~ I(1 / x)",
        lambda: _data(x=[1, 0, 2, 3, 4, 5, 6, 7.0]),
        (
            "`1 / x` is not a finite number in 1 row, the first in row 1 (counted from 0).",
            "    y ~ I(1 / x)",
            "          ^^^^^",
        ),
    ),
    (
        "y ~ exp(x)",
        lambda: _data(x=[100000.0] * 8),
        (
            "`exp(x)` is not a finite number in every row.",
            "    y ~ exp(x)",
            "        ^^^^^^",
        ),
    ),
    (
        "y ~ scale(x)",
        lambda: _data(x=[2.0] * 8),
        (
            "`scale(x)`: all values are 2, so they cannot be scaled.",
            "    y ~ scale(x)",
            "        ^^^^^^^^",
            "Leave the predictor out.",
        ),
    ),
    (
        "y ~ poly(x, 3)",
        lambda: _data(x=[1, 2.0] * 4),
        (
            "`poly(x, 3)`: a polynomial of degree 3 needs more than 3 distinct values, but there are 2.",
            "    y ~ poly(x, 3)",
            "        ^^^^^^^^^^",
            "Use a degree of at most 1.",
        ),
    ),
    (
        "y ~ poly(x, 2)",
        lambda: _data(x=[2.0] * 8),
        (
            "`poly(x, 2)`: a polynomial of degree 2 needs more than 2 distinct values, but there is 1.",
            "    y ~ poly(x, 2)",
            "        ^^^^^^^^^^",
            "Leave the predictor out.",
        ),
    ),
    (
        "y ~ bs(x, df = 2)",
        lambda: BASE,
        (
            "`bs(x, df = 2)`: df must be at least 3, but it is 2.",
            "    y ~ bs(x, df = 2)",
            "        ^^^^^^^^^^^^^",
            "Use df = 3.",
        ),
    ),
    (
        "y ~ bs(x, df = 9)",
        lambda: _data(x=[1, 2.0] * 4),
        (
            "`bs(x, df = 9)`: a spline with 6 inner knots needs more distinct values than there are, 2.",
            "    y ~ bs(x, df = 9)",
            "        ^^^^^^^^^^^^^",
            "Use a smaller df, or the predictor as it is.",
        ),
    ),
    (
        'y ~ C(f, Treatment("z"))',
        lambda: BASE,
        (
            'There is no level "z" to refer to; the levels are u, v.',
            '    y ~ C(f, Treatment("z"))',
            "                       ^^^",
        ),
    ),
    (
        "y ~ f",
        lambda: _data(f=["u"] * 8),
        (
            '`f` has one level, "u", in the rows used, so it has no effect to estimate.',
            "    y ~ f",
            "        ^",
            "Leave it out of the model.",
        ),
    ),
    (
        "y ~ s",
        lambda: {"y": np.arange(600.0), "s": MANY},
        (
            "`s` has 600 levels, and each would be a common effect; at most 500 are allowed.",
            "    y ~ s",
            "        ^",
            "If its levels are a sample of many, write (1 | s).",
        ),
    ),
    (
        "y ~ s:t",
        lambda: {"y": np.arange(60.0), "s": MANY[:60], "t": MANY[:60]},
        (
            "The model has more than 2,000 common coefficients.",
            "    y ~ s:t",
            "        ^^^",
            "Turn factors with many levels into group terms, such as (1 | a:b).",
        ),
    ),
    (
        "y ~ x + (1 | f)",
        lambda: _data(f=["u"] * 8),
        (
            'The grouping factor `f` has one level, "u", in the rows used; it needs at least two.',
            "    y ~ x + (1 | f)",
            "                 ^",
            "Leave the term out.",
        ),
    ),
    (
        "y ~ x + (1 | h)",
        lambda: _data(h=list("abcdefgh")),
        (
            "The grouping factor `h` has one row for each of its 8 levels, so sd(h) and sigma cannot be told apart.",
            "    y ~ x + (1 | h)",
            "                 ^",
            "Leave the term out, or use a factor with several rows a level in place of h.",
        ),
    ),
    (
        "y ~ 1 + (1 | x)",
        lambda: BASE,
        (
            "The grouping factor `x` has one row for each of its 8 levels, so sd(x) and sigma cannot be told apart.",
            "    y ~ 1 + (1 | x)",
            "                 ^",
            "`x` holds numbers with fractions: is it a predictor, not a grouping factor?",
        ),
    ),
    (
        "y ~ x + (0 + f | h)",
        lambda: _data(h=list("abcdefgh")),
        (
            "The grouping factor `h` has one row for each of its 8 levels, so sd(h) and sigma cannot be told apart.",
            "    y ~ x + (0 + f | h)",
            "                     ^",
            "Leave the term out, or use a factor with several rows a level in place of h.",
        ),
    ),
    (
        "t ~ x",
        lambda: _data(t=["1.5", "2"] * 4),
        (
            "The response `t` holds text or categories (1.5, 2); it must hold numbers.",
            "    t ~ x",
            "    ^",
            "Convert it to numbers first.",
        ),
    ),
    (
        "y ~ x",
        lambda: np.ones((3, 2)),
        (
            "The data are a numpy array without column names; a model needs a data frame or a dictionary of columns.",
            "Give a pandas, polars or PyArrow table, or {name: values}.",
        ),
    ),
    (
        "y ~ x + (1 | g) + (1 | g:x)",
        lambda: BASE,
        (
            "The grouping factor `g:x` has one row for each of its 8 levels, so sd(g:x) and sigma cannot be told apart.",
            "    y ~ x + (1 | g) + (1 | g:x)",
            "                           ^^^",
            "Leave the term out, or use a factor with several rows a level in place of g:x.",
        ),
    ),
    (
        "y ~ x + weights(w)",
        lambda: _data(w=[1, 2, 0, 3, 4, 5, 6, -1.0]),
        (
            "Weights must be above 0, but 2 are not, the first in row 2 (counted from 0).",
            "    y ~ x + weights(w)",
            "                    ^",
            "Leave out rows of weight 0.",
        ),
    ),
    (
        "y ~ x * f",
        lambda: _data(x=[1e-200] * 7 + [0.0]),
        (
            "The values of `x` are up to 1e-200 in size, outside the range from 1e-100 to 1e+100.",
            "    y ~ x * f",
            "        ^",
            "Measure it in another unit.",
        ),
    ),
    (
        "y ~ poly(x, 4, raw = TRUE)",
        lambda: _data(x=[1e90, *BASE["x"][1:]]),
        (
            "`poly(x, 4, raw = TRUE)` is not a finite number in 1 row, the first in row 0 (counted from 0).",
            "    y ~ poly(x, 4, raw = TRUE)",
            "        ^^^^^^^^^^^^^^^^^^^^^^",
        ),
    ),
    (
        "y ~ I(x**2)",
        lambda: _data(x=[1.0] * 6 + [1e90, 1e91]),
        (
            "`x**2` is beyond 1e+100 in 2 rows, the first in row 6 (counted from 0).",
            "    y ~ I(x**2)",
            "          ^^^^",
        ),
    ),
    (
        "y ~ Intercept",
        lambda: {**BASE, "Intercept": BASE["x"]},
        (
            "Two parameters of the model would be called `Intercept`.",
            "    y ~ Intercept",
            "        ^^^^^^^^^",
            "Rename the column of the data that has this name.",
        ),
    ),
    (
        "y ~ sigma",
        lambda: {**BASE, "sigma": BASE["x"]},
        (
            "Two parameters of the model would be called `sigma`.",
            "    y ~ sigma",
            "        ^^^^^",
            "Rename the column of the data that has this name.",
        ),
    ),
    (
        "y ~ `<b>dose</b>`",
        lambda: BASE,
        (
            "There is no column `<b>dose</b>` in the data.",
            "    y ~ `<b>dose</b>`",
            "        ^^^^^^^^^^^^^",
            "The data have the columns y, x, g, f.",
        ),
    ),
    (
        "y ~ `dose mg`",
        lambda: {**BASE, "dose  mg": BASE["x"]},
        (
            "There is no column `dose mg` in the data.",
            "    y ~ `dose mg`",
            "        ^^^^^^^^^",
            "Did you mean dose  mg? The data have the columns y, x, g, f, dose mg.",
        ),
    ),
)


@pytest.mark.parametrize(("text", "data", "lines"), TABLE, ids=range(len(TABLE)))
def test_sentence(text: str, data: Callable[[], Any], lines: tuple[str, ...]) -> None:
    with pytest.raises(DataError) as caught:
        build(lower(parse(text)), data())
    assert str(caught.value).split("\n") == list(lines)


# model text, data of the fit, new data, the first line of the message
NEW_ROWS = (
    (
        "y ~ f + (1 | g)",
        {"f": ["u", "w"], "g": ["a", "b"]},
        'The column `f` has the level "w", the first in row 1 (counted from 0), '
        "which was not in the data of the fit; its levels were u, v.",
    ),
    ("y ~ x + (1 | g)", {"g": ["a"]}, "There is no column `x` in the data."),
    ("y ~ x + (1 | g)", {"x": [1.0]}, "There is no column `g` in the data."),
    (
        "y ~ x",
        {"x": ["much"]},
        'The column `x` holds text or categories, such as "much", where numbers are needed.',
    ),
    (
        "y ~ log(x)",
        {"x": [1.0, -1.0]},
        "log() needs numbers above 0, but `x` has 1 value that is not, the first in row 1 (counted from 0).",
    ),
)


@pytest.mark.parametrize(("text", "new", "line"), NEW_ROWS)
def test_sentence_for_new_rows(text: str, new: dict[str, Any], line: str) -> None:
    design = build(lower(parse(text)), BASE)
    with pytest.raises(DataError) as caught:
        design.encoding.rows(new)
    assert caught.value.message == line
    assert "^" in str(caught.value)
