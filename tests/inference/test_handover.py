"""Laplace hands over to NUTS where its correction is too uneven, and says so; what NUTS then finds is the posterior."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.inference import Laplace, handover, resume, start

SEED = 1


def prepared():
    """Return a model of 150 answers of 40 people to 40 questions: less than four a person, with large differences.

    Whoever was helped answered 1.
    """
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 40, 150), rng.integers(0, 40, 150)
    x = rng.standard_normal(150)
    eta = 0.5 + 0.7 * x + 3.0 * rng.standard_normal(40)[a] + 3.0 * rng.standard_normal(40)[b]
    y = rng.binomial(1, 1 / (1 + np.exp(-eta)))
    helped = np.isin(np.arange(150), np.flatnonzero(y)[:5]).astype(int)
    frame = pd.DataFrame({"y": y, "x": x, "helped": helped, "a": [f"a{v}" for v in a], "b": [f"b{v}" for v in b]})
    return pf.prepare("y ~ x + helped + (1 | a) + (1 | b)", frame, family="bernoulli").model


@pytest.fixture(scope="module")
def held():
    """Return the model, a run to its end, its phases, its answer, and the state where NUTS had just taken over."""
    model = prepared()
    run = start(model, Laplace(draws=1000), SEED)
    phases, early = [], None
    for event in run:
        phases.append(event.phase)
        early = run.state if event.phase == "handed over" else early
    return model, run, phases, run.finish(), early


def test_it_is_done_where_it_must_be_and_said(held):
    _, run, phases, answer, _ = held
    assert "handed over" in phases
    assert phases[-1] == "handed over: sampling"
    assert answer.verdict.sentence.startswith(
        "Laplace handed over to NUTS, because its correction was too uneven (khat"
    )
    assert "rhat" in answer.verdict.sentence
    assert answer.method.startswith("handed over by Laplace; no-U-turn sampler, 4 chains of 250 draws after 300 of")
    assert answer.draws.scalars.shape[:2] == (4, 250)
    assert run.done


def test_that_the_data_do_not_bound_a_coefficient_is_said_still(held):
    _, _, _, answer, _ = held
    assert sum("do not bound helped:" in note for note in answer.verdict.notes) == 1


def test_it_goes_on_in_nuts(held):
    model, run, _, _, _ = held
    longer = resume(model, run.engine, run.state, SEED, draws=400)
    answer = longer.finish()
    assert answer.draws.scalars.shape[:2] == (4, 350)
    np.testing.assert_array_equal(answer.draws.scalars[:, :250], held[3].draws.scalars)


def test_a_run_that_is_stopped_before_nuts_has_draws_keeps_those_of_laplace(held):
    model, run, _, _, early = held
    assert early.ready
    answer = run.engine.result(model, early)
    assert answer.verdict.level == "bad"
    assert "was stopped before it had draws" in answer.verdict.sentence
    assert answer.draws.scalars.shape[:2] == (4, 250)
    assert run.engine.glimpse(model, early).values.shape[-1] == len(answer.draws.names)


def test_nuts_is_not_started_where_it_would_take_hours(held, monkeypatch):
    monkeypatch.setattr(handover, "_LONGEST", 0.0)
    model, early = held[0], held[4]
    assert "h on 150 rows" in handover.too_much(model, 4000)
    begun = handover.begin(model, early, 1000, 4, 1.3)
    assert begun.done
    told = begun.told(held[3])
    assert told.verdict.level == "bad"
    assert "NUTS was not asked to go on, because it would take about 1 h on 150 rows" in told.verdict.sentence


def test_it_can_be_switched_off(held):
    run = start(held[0], Laplace(draws=1000, handover=False), SEED)
    phases = [event.phase for event in run]
    assert not any("handed" in phase for phase in phases)
    assert run.finish().verdict.level == "bad"


@pytest.mark.parametrize(
    ("khat", "ess", "draws", "wanted"),
    [
        (0.71, 2000, 4000, True),
        (0.6, 900, 4000, True),
        (0.46, 453, 4000, True),
        (0.6, 1100, 4000, False),
        (0.3, 453, 4000, False),
    ],
)
def test_when_it_is_needed(khat, ess, draws, wanted):
    assert handover.needed(khat, ess, draws) is wanted
