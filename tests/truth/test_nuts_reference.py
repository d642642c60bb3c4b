"""Exact against stored tables of long NUTS runs of the full joint; see reference/make_reference.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb.posterior import diagnostics

TABLES = Path(__file__).parent / "reference"
CASES = ("sleepstudy", "penicillin", "radon")
QUANTILES = {"q2.5": 0.025, "q50": 0.5, "q97.5": 0.975}


def stored(case: str) -> dict[str, Any]:
    return json.loads((TABLES / f"{case}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=CASES)
def both(request: pytest.FixtureRequest) -> tuple[pf.Fit, dict[str, Any]]:
    table = stored(request.param)
    data = getattr(pf.datasets, table["dataset"])()
    return pf.lme(table["text"], data, engine=pf.Exact(draws=100_000), seed=7), table["parameters"]


def scalar(fit: pf.Fit, name: str) -> np.ndarray:
    """Return (chain, draw) values of a scalar or of one effect, named `b[factor][level, column]`."""
    if not name.startswith("b["):
        return np.asarray(fit.draws[name])
    array, place = name.removesuffix("]").split("][")
    level, column = place.split(", ")
    axes = fit.draws.coords(f"{array}]")
    return fit.draws[f"{array}]"][:, :, axes["level"].index(level), axes["column"].index(column)]


def test_every_scalar_of_the_fit_has_a_reference(both: tuple[pf.Fit, dict[str, Any]]) -> None:
    fit, table = both
    assert set(fit.summary().index) == {name for name in table if not name.startswith("b[")}


def test_the_posterior_is_that_of_the_long_run(both: tuple[pf.Fit, dict[str, Any]]) -> None:
    fit, table = both
    wrong = []
    for name, row in table.items():
        draws = scalar(fit, name)
        own = {
            "mean": (draws.mean(), diagnostics.mcse_mean(draws), row["mcse_mean"]),
            "sd": (draws.std(), diagnostics.mcse_sd(draws), row["mcse_sd"]),
        }
        for figure, p in QUANTILES.items():
            own[figure] = (
                np.quantile(draws, p),
                diagnostics.mcse_quantile(draws, p),
                row[f"mcse_{figure}"],
            )
        for figure, (value, error, reference_error) in own.items():
            allowed = 0.02 * row["sd"] + 4 * float(np.hypot(error, reference_error))
            if abs(value - row[figure]) > allowed:
                wrong.append(f"{name} {figure}: {value:.6g}, not {row[figure]:.6g} +- {allowed:.2g}")
    assert wrong == []


def test_the_draws_know_the_scalars_well_enough(both: tuple[pf.Fit, dict[str, Any]]) -> None:
    fit, table = both
    summary = fit.summary()
    for name in summary.index:
        assert summary.loc[name, "mcse"] < 0.01 * table[name]["sd"], name


@pytest.mark.parametrize("case", CASES)
def test_the_reference_is_good_enough(case: str) -> None:
    table = stored(case)
    for name, row in table["parameters"].items():
        assert min(row["ess_bulk"], row["ess_tail"]) >= 20_000, name
        assert row["rhat"] < 1.001, name
        assert row["mcse_mean"] < 0.01 * row["sd"], name
