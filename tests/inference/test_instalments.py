"""Costly densities evaluated a little at a time: the same answer, in steps that are short."""

from __future__ import annotations

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb import datasets
from probflow_nb.inference import exact, instalments
from probflow_nb.inference.instalments import Instalments, NotYet
from probflow_nb.model.marginal import Marginal


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch):
    """A model that is taken for a costly one, worked on eight values at a time."""
    monkeypatch.setattr(exact, "_COSTLY", 0.0)
    monkeypatch.setattr(Marginal, "batches", lambda _, S: [slice(i, min(i + 8, S)) for i in range(0, S, 8)])
    return pf.prepare("diameter ~ 1 + (1 | plate) + (1 | sample)", datasets.Penicillin())


def pulled(model, monkeypatch, turn: float):
    monkeypatch.setattr(instalments, "_TURN", turn)
    run = model.run(pf.Exact(draws=400), 1)
    events = list(run)
    return events, run


def test_short_turns_give_the_same_draws(model, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, long = pulled(model, monkeypatch, 1e9)
    parts, short = pulled(model, monkeypatch, -1.0)
    assert len(parts) > 1.5 * len(whole)
    assert np.array_equal(long.finish().draws.table, short.finish().draws.table)
    assert long.finish().evidence == short.finish().evidence
    assert short.state.known == {}
    assert not isinstance(short.state.emulator.marginal, Instalments)


def test_what_is_shown_meanwhile_belongs_to_the_phase(model, monkeypatch: pytest.MonkeyPatch) -> None:
    events, _ = pulled(model, monkeypatch, -1.0)
    phases = list(dict.fromkeys(event.phase for event in events))
    assert phases[:2] == ["finding the mode", "emulating"]
    assert {"adapting", "sampling", "checking"} <= set(phases)


def test_a_turn_makes_one_batch_at_least_and_no_more_than_its_time(model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instalments, "_TURN", -1.0)
    marginal = model.model.marginal
    theta = marginal.scatter(20, np.random.default_rng(1))
    known, turns = {}, 0
    while True:
        turn, turns = Instalments(marginal, known), turns + 1
        try:
            found = turn.evaluate(theta)
            break
        except NotYet:
            assert len(turn.known) == 8 * turns
            known = turn.known
    assert turns == 3
    wanted = marginal.evaluate(theta)
    assert np.array_equal(found.log_density, wanted.log_density)
    assert np.array_equal(found.mean, wanted.mean)
    assert np.array_equal(found.root, wanted.root)
    # Values alone are another question.
    with pytest.raises(NotYet):
        turn.log_densities(theta)
