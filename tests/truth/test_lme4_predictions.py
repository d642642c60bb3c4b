"""Predictions of Point fits against lme4's predict: all group terms, none, some of them, and new levels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress

REFERENCE = Path(__file__).parent / "reference" / "predict_lme4.json"
# Large data are no part of a clone; they lie beside it where the project is developed.
SHARED = Path(__file__).parents[3] / "shared" / "data"
CASES: list[dict[str, Any]] = json.loads(REFERENCE.read_text(encoding="utf-8"))
# 1e-6 of the response's own scale, whatever its zero.
EXACT = 1e-6


def insteval() -> pd.DataFrame:
    path = SHARED / "InstEval.csv"
    if not path.exists():
        pytest.skip("InstEval.csv is not in ../shared/data")
    frame = pd.read_csv(path, dtype=dict.fromkeys(("s", "d", "service", "dept"), str))
    return frame.astype(dict.fromkeys(("s", "d", "service", "dept"), "category"))


@pytest.fixture(scope="module", params=CASES, ids=[case["dataset"] for case in CASES])
def both(request: pytest.FixtureRequest) -> tuple[pf.Fit, pd.DataFrame, dict[str, Any]]:
    stored = request.param
    name = stored["dataset"]
    data = insteval() if name == "InstEval" else getattr(pf.datasets, name)()
    fit = pf.lme(stored["formula"], data, engine=pf.Point(reml=stored["reml"]), progress=NullProgress())
    return fit, data.iloc[stored["rows"]], stored


def assert_same(found: Any, stored: list[float]) -> None:
    assert len(found) == len(stored)
    np.testing.assert_allclose(np.asarray(found, float), stored, rtol=EXACT, atol=0)


def test_all_and_no_group_terms(both: tuple[pf.Fit, pd.DataFrame, dict[str, Any]]) -> None:
    fit, rows, stored = both
    assert_same(fit.predict().iloc[stored["rows"]], stored["all"])
    assert_same(fit.predict(rows), stored["all"])
    assert_same(fit.predict(groups="none").iloc[stored["rows"]], stored["none"])
    # Nothing but the common effects is asked of rows without groups.
    common = [name for name in ("Days", "service") if name in rows]
    if common:
        assert_same(fit.predict(rows[common], groups="none"), stored["none"])


def test_some_group_terms(both: tuple[pf.Fit, pd.DataFrame, dict[str, Any]]) -> None:
    fit, rows, stored = both
    for names, expected in stored["subset"].items():
        assert_same(fit.predict(rows, groups=names.split(",")), expected)
        assert_same(fit.predict(groups=set(names.split(","))).iloc[stored["rows"]], expected)


def test_new_levels_have_no_effect_in_a_point_fit(both: tuple[pf.Fit, pd.DataFrame, dict[str, Any]]) -> None:
    fit, _, stored = both
    assert_same(fit.predict(newdata=pd.DataFrame(stored["new"])), stored["new_levels"])
    with pytest.raises(pf.FitError, match="A point fit has no draws of the population"):
        fit.predict(pd.DataFrame(stored["new"]), new_levels="sample")


def test_pearson_residuals(both: tuple[pf.Fit, pd.DataFrame, dict[str, Any]]) -> None:
    fit, rows, stored = both
    found = fit.residuals(kind="pearson").iloc[stored["rows"]]
    # A difference of two near numbers: an error of the mean, over sigma, and of sigma itself.
    np.testing.assert_allclose(found, stored["pearson"], rtol=2e-5, atol=EXACT * np.abs(stored["all"]).max())
    np.testing.assert_allclose(fit.residuals(rows, kind="pearson"), found, rtol=1e-9)
