"""X is R's model.matrix, bases are R's bases, contrasts are R's contrasts (made by model_matrix.R)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from probflow_nb.design import build
from probflow_nb.design.bases import Polynomial, Spline
from probflow_nb.design.coding import code_terms
from probflow_nb.design.contrasts import helmert, polynomial, summed
from probflow_nb.design.expression import Scope
from probflow_nb.design.rank import dependent_columns
from probflow_nb.design.table import read_table
from probflow_nb.lang import parse
from probflow_nb.spec import lower

MADE = json.loads((Path(__file__).parent / "model_matrix.json").read_text())
CASES: dict[str, Any] = {case["text"]: case for case in MADE["cases"]}

# R puts the factors of a term in the order in which the formula first names them; here they stand as written.
REORDERED = ("g + f:g", "f + g %in% f", "h + f:h + g:f", "o + f:o", "f:g + f:h + g:h")


def _by_value(matrix: np.ndarray) -> np.ndarray:
    return matrix[:, np.lexsort(matrix.round(9))]


def _frame() -> pd.DataFrame:
    def column(made: Any) -> Any:
        if isinstance(made, dict):
            return pd.Categorical(made["values"], categories=made["levels"], ordered=made["ordered"])
        return made

    frame = pd.DataFrame({name: column(made) for name, made in MADE["table"].items()})
    frame["y"] = np.random.default_rng(1).normal(size=len(frame))
    return frame


FRAME = _frame()


@pytest.mark.parametrize("text", CASES)
def test_columns_are_those_of_model_matrix(text: str) -> None:
    spec = lower(parse(f"y ~ {text}"))
    table = read_table(FRAME)
    scope = Scope(table.n_rows, {name: table.column(name) for name in table.names}, {}, learning=True)
    found = code_terms(spec.intercept, spec.terms, scope)
    expected = np.array(CASES[text]["rows"], dtype=float).reshape(len(FRAME), -1)
    assert found.values.shape == expected.shape
    if text in REORDERED:
        found_columns, expected_columns = map(_by_value, (found.values, expected))
        np.testing.assert_allclose(found_columns, expected_columns, atol=1e-12)
        return
    tolerance = 1e-8 if text.startswith(("bs(", "ns(")) else 1e-12
    np.testing.assert_allclose(found.values, expected, rtol=tolerance, atol=tolerance)
    dropped = dependent_columns(found.values, found.names, constant=spec.intercept)
    kept = [i + 1 for i in range(len(found.names)) if i not in dropped]
    assert kept == np.atleast_1d(CASES[text]["kept"]).tolist()


@pytest.mark.parametrize("text", CASES)
def test_new_rows_are_coded_as_in_the_fit(text: str) -> None:
    spec = lower(parse(f"y ~ {text}"))
    data = pd.concat([FRAME] * 4, ignore_index=True)  # enough rows for the widest of them
    data["y"] = np.random.default_rng(2).normal(size=len(data))
    design = build(spec, data)
    rows = design.encoding.rows(data.drop(columns="y"))
    np.testing.assert_array_equal(rows.X, design.X)
    for start, stop in ((0, 1), (3, 4), (5, 9)):
        np.testing.assert_allclose(design.encoding.rows(data[start:stop]).X, rows.X[start:stop], rtol=0, atol=1e-14)


def test_bases_beyond_the_data_are_those_of_predict() -> None:
    made = {name: np.array(values) for name, values in MADE["beyond"].items()}
    x, new = FRAME["x"].to_numpy(), made["x"]
    np.testing.assert_allclose(Polynomial.learn(x, 3).columns(new), made["poly"], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(Spline.learn(x, df=5).columns(new), made["bs"], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(Spline.learn(x, df=4, natural=True).columns(new), made["ns"], atol=1e-8)


@pytest.mark.parametrize("made", MADE["contrasts"], ids=lambda made: str(made["n"]))
def test_contrasts(made: dict[str, Any]) -> None:
    levels = [str(i) for i in range(made["n"])]
    for function, name in ((polynomial, "poly"), (helmert, "helmert"), (summed, "sum")):
        expected = np.array(made[name], dtype=float).reshape(len(levels), -1)
        # R loses digits in high degrees; the next test holds ours to the exact values.
        atol = 1e-12 if len(levels) <= 12 else 1e-10
        np.testing.assert_allclose(function(levels).matrix, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("n", [5, 20, 60])
def test_highest_polynomial_contrast_is_the_alternating_binomials(n: int) -> None:
    exact = np.array([(-1.0) ** (n - 1 - i) * math.comb(n - 1, i) for i in range(n)])
    found = polynomial([str(i) for i in range(n)]).matrix
    np.testing.assert_allclose(found[:, -1], exact / np.linalg.norm(exact), rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.T @ found, np.eye(n - 1), rtol=0, atol=1e-9)


NAMES = {
    "f * x": ("Intercept", "f[b]", "f[c]", "x", "f[b]:x", "f[c]:x"),
    "flag": ("Intercept", "flag[True]"),
    "0 + flag": ("flag[False]", "flag[True]"),
    "q": ("Intercept", "q[.L]", "q[.Q]", "q[.C]", "q[^4]"),
    "poly(x, 2)": ("Intercept", "poly(x, 2)[1]", "poly(x, 2)[2]"),
    "poly(x, 2, raw=TRUE)": ("Intercept", "poly(x, 2, raw = TRUE)[1]", "poly(x, 2, raw = TRUE)[2]"),
    "C(f, Sum)": ("Intercept", "C(f, Sum)[a]", "C(f, Sum)[b]"),
    "C(f, Helmert)": ("Intercept", "C(f, Helmert)[1]", "C(f, Helmert)[2]"),
    "C(f, Treatment(c))": ("Intercept", "C(f, Treatment(c))[a]", "C(f, Treatment(c))[b]"),
    "factor(k)": ("Intercept", "factor(k)[2]", "factor(k)[3]", "factor(k)[4]", "factor(k)[5]"),
    "log(w) + I(x**2)": ("Intercept", "log(w)", "I(x**2)"),
    "center(x):g": ("Intercept", "center(x):g[u]", "center(x):g[v]"),
}


@pytest.mark.parametrize("text", NAMES)
def test_names(text: str) -> None:
    assert build(lower(parse(f"y ~ {text}")), FRAME).column_names == NAMES[text]
