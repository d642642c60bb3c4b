"""Families, by the engine that their model chooses, against long runs; see reference/make_family_reference.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.inference.auto import Auto

# Ends that rest on few effective draws: 8,000 would hold them to two of their own standard errors only.
# Cut points, and a deviation whose lower end lies near zero, where importance sampling has few proposals.
DRAWS = {"ordinal": 16_000, "zero_inflated_negative_binomial": 32_000}
TABLES = Path(__file__).parent / "reference"
CASES = sorted(path.stem.removeprefix("family_") for path in TABLES.glob("family_*.json"))


def stored(case: str) -> dict[str, Any]:
    return json.loads((TABLES / f"family_{case}.json").read_text(encoding="utf-8"))


def fitted(table: dict[str, Any], draws: int = 8000) -> pf.Fit:
    data = getattr(pf.datasets, table["dataset"])() if table["dataset"] else pd.DataFrame(table["frame"])
    if table["family"] == "ordinal":
        data["y"] = pd.Categorical(data["y"], ordered=True)
    return pf.lme(table["text"], data, family=table["family"], engine=Auto({"draws": draws}), seed=5)


def draws_of(fit: pf.Fit, name: str) -> np.ndarray:
    """Return the draws (S,) of a scalar or of one effect, named `b[factor][level, column]`."""
    if not name.startswith("b["):
        return fit.draws.flat(name)
    array, place = name.removesuffix("]").split("][")
    level, column = place.split(", ")
    axes = fit.draws.coords(f"{array}]")
    return fit.draws[f"{array}]"][:, :, axes["level"].index(level), axes["column"].index(column)].reshape(-1)


@pytest.mark.parametrize("case", CASES)
def test_the_posterior_is_that_of_the_long_run(case: str) -> None:
    table = stored(case)
    fit = fitted(table, DRAWS.get(case, 8000))
    rows = table["parameters"]
    assert set(fit.summary().index) == {name for name in rows if not name.startswith("b[")}
    assert fit.verdict.level == "fine"
    wrong = []
    for name, row in rows.items():
        draws = draws_of(fit, name)
        ends = np.quantile(draws, (0.025, 0.975))
        found = {
            "mean": (draws.mean(), row["mean"], 0.05),
            "sd": (draws.std(), row["sd"], 0.05),
            "2.5%": (ends[0], row["q2.5"], 0.1),
            "97.5%": (ends[1], row["q97.5"], 0.1),
        }
        wrong += [
            f"{name} {figure}: {value:.5g}, not {known:.5g}"
            for figure, (value, known, share) in found.items()
            if abs(value - known) > share * row["sd"]
        ]
    assert wrong == []


@pytest.mark.parametrize("case", CASES)
def test_the_long_run_is_long_enough(case: str) -> None:
    for name, row in stored(case)["parameters"].items():
        assert min(row["ess_bulk"], row["ess_tail"]) >= 20_000, name
        assert row["rhat"] < 1.001, name
