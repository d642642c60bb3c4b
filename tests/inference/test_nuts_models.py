"""NUTS of compiled mixed models against stored long runs, and its calibration over simulated data sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import probflow_nb as pf
from probflow_nb.inference.nuts import NUTS
from probflow_nb.posterior import diagnostics

TABLES = Path(__file__).parents[1] / "truth" / "reference"
QUANTILES = {"q2.5": 0.025, "q50": 0.5, "q97.5": 0.975}
CASES = [
    "sleepstudy",
    pytest.param("penicillin", marks=pytest.mark.slow),
    pytest.param("radon", marks=pytest.mark.slow),
]


def scalar(fit, name):
    """Return (chain, draw) values of a scalar or of one effect, named `b[factor][level, column]`."""
    if not name.startswith("b["):
        return np.asarray(fit.draws[name])
    array, place = name.removesuffix("]").split("][")
    level, column = place.split(", ")
    axes = fit.draws.coords(f"{array}]")
    return fit.draws[f"{array}]"][:, :, axes["level"].index(level), axes["column"].index(column)]


@pytest.mark.parametrize("case", CASES)
def test_the_posterior_is_that_of_the_long_run(case):
    table = json.loads((TABLES / f"{case}.json").read_text(encoding="utf-8"))
    data = getattr(pf.datasets, table["dataset"])()
    fit = pf.lme(table["text"], data, engine=NUTS(draws=20_000, target_accept=0.9), seed=5)
    wrong = []
    for name, row in table["parameters"].items():
        draws = scalar(fit, name)
        own = {
            "mean": (draws.mean(), diagnostics.mcse_mean(draws), row["mcse_mean"]),
            "sd": (draws.std(), diagnostics.mcse_sd(draws), row["mcse_sd"]),
        }
        for figure, p in QUANTILES.items():
            own[figure] = (np.quantile(draws, p), diagnostics.mcse_quantile(draws, p), row[f"mcse_{figure}"])
        for figure, (value, error, reference_error) in own.items():
            allowed = 0.01 * row["sd"] + 4.5 * float(np.hypot(error, reference_error))
            if abs(value - row[figure]) > allowed:
                wrong.append(f"{name} {figure}: {value:.6g}, not {row[figure]:.6g} +- {allowed:.2g}")
    assert wrong == []
    assert fit.verdict.level != "bad"


TEXT = """y ~ 1 + (1 | g)
Intercept ~ Normal(0, 1)
sd(g) ~ HalfNormal(1)
sigma ~ HalfNormal(1)"""


@pytest.mark.slow
def test_ranks_of_the_truth_among_the_draws_are_uniform():
    """Simulation-based calibration (Talts et al. 2018, arXiv:1804.06788): truth from the prior, data from the truth."""
    rng = np.random.default_rng(8)
    J, m, sets, L = 6, 5, 60, 50
    ranks = {"Intercept": [], "sd(Intercept | g)": [], "sigma": []}
    for _ in range(sets):
        truth = {
            "Intercept": rng.normal(),
            "sd(Intercept | g)": abs(rng.normal()),
            "sigma": abs(rng.normal()),
        }
        b = truth["sd(Intercept | g)"] * rng.standard_normal(J)
        g = np.repeat(np.arange(J), m)
        y = truth["Intercept"] + b[g] + truth["sigma"] * rng.standard_normal(J * m)
        frame = pd.DataFrame({"y": y, "g": [f"g{i}" for i in g]})
        fit = pf.lme(TEXT, frame, engine=NUTS(draws=2000, warmup=300, target_accept=0.9), seed=int(rng.integers(2**31)))
        for name, found in ranks.items():
            chains = np.asarray(fit.draws[name])
            # Thinned until independent, near enough, so that the ranks are uniform.
            thin = chains.reshape(-1)[:: chains.size // L][:L]
            found.append(int((thin < truth[name]).sum()))
    for name, found in ranks.items():
        counts = np.histogram(found, bins=np.arange(0, L + 2, (L + 1) / 4))[0]
        assert stats.chisquare(counts).pvalue > 1e-3, (name, counts)
