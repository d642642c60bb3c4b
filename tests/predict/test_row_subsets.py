"""Rows of a frame are predicted as they would be without the others, for every transform of the language."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress
from probflow_nb.spec.transforms import CONTRASTS, TRANSFORMS

N = 60
# Terms by transform, each beside a group term with the same transform where it makes a number.
TERMS: dict[str, str] = {
    "log": "log(x)",
    "log2": "log2(x)",
    "log10": "log10(x)",
    "log1p": "log1p(x)",
    "exp": "exp(x)",
    "expm1": "expm1(x)",
    "sqrt": "sqrt(x)",
    "abs": "abs(v)",
    "I": "I(x**2 + v)",
    "center": "center(x)",
    "scale": "scale(x)",
    "scale without centre": "scale(x, FALSE)",
    "standardize": "standardize(x)",
    "poly": "poly(x, 2)",
    "poly raw": "poly(x, 2, raw = TRUE)",
    "bs": "bs(x, df = 5)",
    "bs of degree 2": "bs(x, df = 4, degree = 2, intercept = FALSE)",
    "ns": "ns(x, df = 3)",
    "C": "C(f)",
    "C Treatment": 'C(f, Treatment(reference = "b"))',
    "C Sum": "C(f, Sum)",
    "C Helmert": "C(f, Helmert)",
    "C Poly": "C(f, Poly)",
    "factor": "factor(k)",
    "of one another": "log(x) + scale(exp(v)) + center(log1p(x)):f",
    "offset": "x + offset(log(x))",
    "interaction": "poly(x, 2) * f",
}


def data() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    x, v = rng.uniform(0.2, 2.0, N), rng.normal(size=N)
    f, k = rng.choice(list("abc"), N), rng.integers(1, 4, N)
    g = np.repeat([f"g{i}" for i in range(10)], N // 10)
    return pd.DataFrame({"x": x, "v": v, "f": f, "k": k, "g": g, "y": x + v + rng.normal(size=N)})


@cache
def fitted(case: str) -> tuple[pf.Fit, pd.DataFrame, pd.DataFrame]:
    """Return a fit, rows of which a third are of levels that it has not seen, and the answers for all of them."""
    term = TERMS[case]
    number = term if TRANSFORMS.get(case) is not None and TRANSFORMS[case].makes == "number" else "x"
    engine = pf.Exact(draws=100)
    fit = pf.lme(f"y ~ {term} + ({number} | g)", data(), engine=engine, seed=3, progress=NullProgress())
    # Other rows than those of the fit, within its range, so that nothing can be learned from them by accident.
    new = data().iloc[::-1].reset_index(drop=True).assign(x=lambda d: 0.9 * d.x + 0.05)
    new["g"] = np.where(np.arange(N) % 3 == 0, "new " + new["g"], new["g"])
    return fit, new, answers(fit, new)


def answers(fit: pf.Fit, rows: pd.DataFrame) -> pd.DataFrame:
    found = fit.predict(rows, interval=0.9)
    noisy = fit.predict(rows, kind="response", interval=0.9).drop(columns="mean").add_prefix("response ")
    return found.assign(population=fit.predict(rows, groups="none"), zero=fit.predict(rows, new_levels="zero"), **noisy)


def test_every_transform_is_among_them() -> None:
    assert set(TRANSFORMS) <= set(TERMS)
    assert all(f"C {contrast}" in TERMS for contrast in CONTRASTS)


@pytest.mark.parametrize("case", TERMS)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, N - 1), min_size=1, max_size=N))
def test_rows_are_predicted_apart(case: str, rows: list[int]) -> None:
    fit, new, everything = fitted(case)
    pd.testing.assert_frame_equal(answers(fit, new.iloc[rows]), everything.iloc[rows], rtol=1e-10)


@pytest.mark.parametrize("case", ["poly", "bs", "C Sum"])
@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, N - 1), st.integers(1, N))
def test_slices_of_rows(case: str, start: int, count: int) -> None:
    fit, new, everything = fitted(case)
    part = slice(start, start + count)
    pd.testing.assert_frame_equal(answers(fit, new[part]), everything[part], rtol=1e-10)
