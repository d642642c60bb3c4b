"""Exact as it treats costly models, its log density emulated, forced on small models of known posterior.

Each fit that calls itself trustworthy must be right; many seeds, because an emulator fails by chance, where
none of its evaluations happened to fall.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import probflow_nb as pf
from probflow_nb.inference import exact

TABLES = Path(__file__).parent / "reference"
SEEDS = {"sleepstudy": range(12), "penicillin": range(6), "radon": range(4)}
FIGURES = {"mean": "mean", "sd": "sd", "q2.5": "q2.5", "median": "q50", "q97.5": "q97.5"}


@pytest.mark.parametrize("case", SEEDS)
def test_an_emulated_posterior_is_right_or_says_that_it_is_not(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "_COSTLY", 0.0)
    table = json.loads((TABLES / f"{case}.json").read_text(encoding="utf-8"))
    data = getattr(pf.datasets, table["dataset"])()
    # Nor may it be replaced by exact evaluations, as a failed one is where those can be afforded.
    monkeypatch.setattr(exact, "_AFFORDABLE", 0.0)
    wrong, trusted = [], 0
    for seed in SEEDS[case]:
        fit = pf.lme(table["text"], data, engine=pf.Exact(draws=4000), seed=seed)
        assert "emulated" in fit.answer.method
        if fit.verdict.level != "fine":
            continue
        trusted += 1
        summary = fit.summary()
        for name in summary.index:
            row = table["parameters"][name]
            for ours, theirs in FIGURES.items():
                # The Monte Carlo error of 4,000 draws stays below 0.2 posterior sds even at the far quantiles.
                if (gap := abs(summary.loc[name, ours] - row[theirs]) / row["sd"]) > 0.3:
                    wrong.append(f"seed {seed}: {ours} of {name} is {gap:.2f} posterior sds off")
    assert wrong == []
    assert trusted >= 0.75 * len(SEEDS[case])
