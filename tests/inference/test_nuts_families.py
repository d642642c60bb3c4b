"""NUTS and VI on formulas with a family: the posterior of a long run and of Laplace, standard deviations too."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb.inference import Laplace, start

TABLE = Path(__file__).parents[1] / "truth" / "reference" / "family_negative_binomial.json"
CBPP = "incidence / size ~ period + (1 | herd)"


def distances(fit, truth):
    """Return by how many standard errors of Monte Carlo each mean and each log sd is off; truth: name -> mean, sd."""
    found = []
    draws = fit.draws
    for name, (mean, sd) in truth.items():
        quality, values = draws.qualities[draws.names.index(name)], draws[name].ravel()
        found.append((values.mean() - mean) / sd * np.sqrt(quality.ess_bulk))
        # The variance of a heavy-tailed sample varies more than a normal one's.
        kurtosis = np.mean((values - values.mean()) ** 4) / values.var() ** 2
        found.append(np.log(values.std() / sd) / np.sqrt((kurtosis - 1.0) / 4.0 / quality.ess_tail))
    return np.array(found)


def of_laplace(text, frame, family):
    fit = pf.lme(text, frame, family=family, engine=Laplace(draws=16000), seed=3)
    assert fit.verdict.level == "fine"
    return {name: (fit.draws[name].mean(), fit.draws[name].std()) for name in fit.draws.names}


@pytest.fixture(scope="module")
def cbpp():
    return of_laplace(CBPP, pf.datasets.cbpp(), "binomial")


def test_nuts_of_counts_of_trials_is_what_laplace_says(cbpp):
    model = pf.prepare(CBPP, pf.datasets.cbpp(), family="binomial").model
    answer = start(model, pf.NUTS(draws=8000), 1).finish()
    assert answer.verdict.level == "fine"
    assert "after 150 of warm-up from draws of Laplace" in answer.method
    assert np.abs(distances(answer, cbpp)).max() < 4.0


def test_vi_with_its_correction_is_what_laplace_says(cbpp):
    fit = pf.lme(CBPP, pf.datasets.cbpp(), family="binomial", engine=pf.VI(corrected=True), seed=1)
    assert fit.verdict.level == "fine"
    for name, (mean, sd) in cbpp.items():
        assert abs(fit.draws[name].mean() - mean) < 0.1 * sd
        assert abs(np.log(fit.draws[name].std() / sd)) < 0.1


@pytest.mark.slow
def test_nuts_of_counts_with_a_shape_is_a_long_run():
    held = json.loads(TABLE.read_text(encoding="utf-8"))
    fit = pf.lme(held["text"], pf.datasets.epilepsy(), family="negative_binomial", engine=pf.NUTS(draws=8000), seed=2)
    assert fit.verdict.level == "fine"
    scalars = set(fit.model.scalar_names)
    truth = {name: (known["mean"], known["sd"]) for name, known in held["parameters"].items() if name in scalars}
    assert set(truth) == scalars
    assert np.abs(distances(fit, truth)).max() < 4.0


def test_a_model_that_laplace_cannot_look_at_is_warmed_up_at_length():
    text = "count ~ zAge + (1 | patient)\nzAge ~ StudentT(3, 0, 1)"
    run = start(pf.prepare(text, pf.datasets.epilepsy(), family="poisson").model, pf.NUTS(), 1)
    next(run)
    assert (run.state.phase, run.state.warmup) == ("compiling", 500)


def test_a_formula_is_looked_at_before_it_is_compiled():
    run = start(pf.prepare(CBPP, pf.datasets.cbpp(), family="binomial").model, pf.NUTS(warmup=80), 1)
    phases = []
    while not phases or phases[-1] == "exploring":
        phases.append(next(run).phase)
    known = run.state.known
    assert run.state.warmup == 80
    assert known.z.shape[1] == run.model.density.size
    assert known.trusted
    # The last 15 numbers are whitened effects, where they are not centred.
    assert np.abs(known.z[:, -15:][:, known.centring < 0.5].std(axis=0) - 0.7).max() < 0.5
