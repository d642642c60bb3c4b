"""Point against lme4: every Gaussian fit of the stored table, REML and ML.

The criterion may be lower than lme4's, which stops at a tolerance of its own; it may not be higher.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.model.criterion import Criterion

REFERENCE = Path(__file__).parent / "reference" / "lme4.json"
# Large data are no part of a clone; they lie beside it where the project is developed.
SHARED = Path(__file__).parents[3] / "shared" / "data"
FITS: list[dict[str, Any]] = json.loads(REFERENCE.read_text(encoding="utf-8"))["fits"]


def insteval() -> pd.DataFrame:
    path = SHARED / "InstEval.csv"
    if not path.exists():
        pytest.skip("InstEval.csv is not in ../shared/data")
    levels = json.loads((SHARED / "schema.json").read_text(encoding="utf-8"))["InstEval"]["columns"]
    frame = pd.read_csv(path, dtype=dict.fromkeys(("s", "d", "service", "dept"), str))
    for name in ("s", "d", "service", "dept"):
        frame[name] = pd.Categorical(frame[name], levels[name]["levels"])
    return frame


@pytest.fixture(scope="module", params=FITS, ids=[f"{f['dataset']}: {f['formula']} ({f['method']})" for f in FITS])
def both(request: pytest.FixtureRequest) -> tuple[pf.Fit, dict[str, Any]]:
    stored = request.param
    name = stored["dataset"]
    data = insteval() if name == "InstEval" else getattr(pf.datasets, name)()
    fit = pf.lme(stored["formula"], data, engine=pf.Point(reml=stored["method"] == "REML"))
    return fit, stored


def test_the_criterion(both: tuple[pf.Fit, dict[str, Any]]) -> None:
    fit, stored = both
    excess = fit.criterion - stored["criterion"]
    assert -1e-5 < excess / abs(stored["criterion"]) < 1e-6


def test_the_common_effects_and_their_errors(both: tuple[pf.Fit, dict[str, Any]]) -> None:
    fit, stored = both
    summary = fit.summary()
    assert list(summary.index) == [*stored["fixef"], *stored["varcorr"]]
    for name, se in stored["se"].items():
        assert summary.loc[name, "estimate"] == pytest.approx(stored["fixef"][name], abs=1e-4 * se), name
        assert summary.loc[name, "se"] == pytest.approx(se, rel=1e-3), name


def test_the_variance_components(both: tuple[pf.Fit, dict[str, Any]]) -> None:
    fit, stored = both
    estimates = fit.summary()["estimate"]
    sigma = stored["varcorr"]["sigma"]
    for name, value in stored["varcorr"].items():
        if name.startswith("cor("):
            assert estimates[name] == pytest.approx(value, abs=1e-3), name
        elif value == 0:
            assert 0 <= estimates[name] < 1e-3 * sigma, name
        else:
            assert estimates[name] == pytest.approx(value, rel=1e-3), name


def test_the_group_effects(both: tuple[pf.Fit, dict[str, Any]]) -> None:
    fit, stored = both
    if "ranef" not in stored:
        pytest.skip("no group effects are stored of this fit")
    sigma = stored["varcorr"]["sigma"]
    for factor, expected in stored["ranef"].items():
        for found, name in ((fit.ranef[factor], "values"), (fit.ranef_sd[factor], "sds")):
            assert list(found.index) == expected["levels"]
            assert list(found.columns) == expected["columns"]
            if name in expected:
                np.testing.assert_allclose(found.to_numpy(float), expected[name], rtol=0, atol=1e-4 * sigma)


def test_the_published_deviance_of_dyestuff() -> None:
    # At lme4's relative theta = 0.713, not at the optimum; MixedModels.jl pins the same number.
    model = pf.prepare("Yield ~ 1 + (1 | Batch)", pf.datasets.Dyestuff()).model
    criterion = Criterion(model.marginal, reml=False)
    phi = criterion.from_relative((np.array([[0.713]]),))
    assert criterion.values(phi[None])[0] == pytest.approx(327.34216280954615, abs=1e-9)
