"""Binary data that are hard for a Gaussian approximation, against long runs; see reference/make_hard_reference.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.inference.auto import Auto

TABLES = Path(__file__).parent / "reference"
# What the engine that the model chooses says: whether it went on to NUTS.
HANDED = {"crossed": True, "twos": False}


def stored(case: str) -> dict[str, Any]:
    return json.loads((TABLES / f"hard_{case}.json").read_text(encoding="utf-8"))


def draws_of(fit: pf.Fit, name: str) -> np.ndarray:
    """Return the draws (S,) of a scalar or of one effect, named `b[factor][level, column]`."""
    if not name.startswith("b["):
        return fit.draws.flat(name)
    array, place = name.removesuffix("]").split("][")
    level, column = place.split(", ")
    axes = fit.draws.coords(f"{array}]")
    return fit.draws[f"{array}]"][:, :, axes["level"].index(level), axes["column"].index(column)].reshape(-1)


@pytest.mark.slow
@pytest.mark.parametrize("case", HANDED)
def test_what_a_hard_case_gets_is_the_posterior_of_the_long_run(case: str) -> None:
    table = stored(case)
    engine = Auto({"draws": 16000})
    fit = pf.lme(table["text"], pd.DataFrame(table["frame"]), family=table["family"], engine=engine, seed=5)
    assert fit.verdict.level == "fine"
    assert fit.verdict.sentence.startswith("Laplace handed over to NUTS") == HANDED[case]
    wrong = []
    for name, row in table["parameters"].items():
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


@pytest.mark.parametrize("case", HANDED)
def test_the_long_run_of_a_hard_case_is_long_enough(case: str) -> None:
    for name, row in stored(case)["parameters"].items():
        assert min(row["ess_bulk"], row["ess_tail"]) >= 20_000, name
        assert row["rhat"] < 1.001, name
