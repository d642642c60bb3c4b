"""Laplace as a run that is watched, stopped and extended, in short steps; its name, and where it is not taken."""

from __future__ import annotations

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb.inference import ENGINES, exact, instalments, laplace_learning, laplace_round
from probflow_nb.inference import Laplace as Engine
from probflow_nb.notebook.panel.engine_form import form, order
from probflow_nb.objects import bounded

CBPP = "incidence / size ~ period + (1 | herd)"


@pytest.fixture(scope="module")
def cbpp():
    return pf.prepare(CBPP, pf.datasets.cbpp(), family="binomial")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch):
    """Steps of a few evaluations each, as for a large model."""
    monkeypatch.setattr(exact, "_SLOW", 0.0)
    monkeypatch.setattr(instalments, "_TURN", -1.0)
    monkeypatch.setattr(laplace_learning, "_PART", 1e6)
    monkeypatch.setattr(laplace_round, "_PART", 5e6)


def test_one_name_is_the_distribution_and_the_engine():
    assert pf.Laplace() == Engine()
    assert pf.Laplace(draws=2000, chains=2) == Engine(2000, 2)
    for distribution in (pf.Laplace(0, 1), pf.Laplace(scale=2.0), pf.Laplace(location=1.0)):
        assert type(distribution) is bounded.Laplace
        assert isinstance(distribution, pf.Laplace)
    assert isinstance(pf.Laplace(), pf.Laplace)
    assert issubclass(bounded.Laplace, pf.Laplace)
    assert not isinstance(pf.Normal(0, 1), pf.Laplace)
    with pytest.raises(pf.EngineError, match="not draws with others"):
        pf.Laplace(draws=2000, scale=1.0)


def test_a_distribution_derived_from_it_is_made_as_usual():
    class Narrow(pf.Laplace):
        """A Laplace distribution of scale 0.1."""

        def __init__(self, location: float) -> None:
            super().__init__(location, 0.1)

    made = Narrow(2.0)
    assert isinstance(made, bounded.Laplace)
    assert made.frozen().std() == pytest.approx(0.1 * np.sqrt(2))
    assert not isinstance(pf.Laplace(2.0, 0.1), Narrow)


def test_an_engine_may_be_given_by_its_name(cbpp):
    for name, kind in ENGINES.items():
        if name != "exact":
            assert type(cbpp.run(name, 1).engine) is kind
    assert cbpp.run(" Laplace ", 1).engine == Engine()
    assert cbpp.run("auto", 1).reason == "the response is a count of events among trials (binomial, link logit)"
    with pytest.raises(pf.EngineError, match='no engine called "lapalce"') as wrong:
        pf.lme(CBPP, pf.datasets.cbpp(), family="binomial", engine="lapalce")
    assert 'Did you mean "laplace"?' in str(wrong.value)
    with pytest.raises(pf.EngineError, match="is the class of an engine"):
        cbpp.run(pf.Laplace, 1)
    with pytest.raises(pf.EngineError, match=r"not Laplace\(0, 1\)"):
        cbpp.run(pf.Laplace(0, 1), 1)


def test_what_is_seen_on_the_way_is_what_is_answered(cbpp, short):
    run = cbpp.run(pf.Laplace(), 3)
    assert run.glimpse() is None
    seen = []
    for event in run:
        glimpse = run.glimpse(400)
        assert (glimpse is None) == (not run.ready)
        if glimpse is not None:
            assert glimpse.values.shape == (1, 400, len(glimpse.names))
            seen.append((event.phase, glimpse.values[0]))
    draws = run.finish().draws
    assert run.glimpse().names == draws.names
    mean, sd = draws.table.mean(axis=0), draws.table.std(axis=0)
    first, last = seen[0], seen[-1]
    assert first[0] == "adapting"
    assert last[0] in ("sampling", "refining")
    assert np.max(np.abs(first[1].mean(axis=0) - mean) / sd) < 0.6
    assert np.max(np.abs(last[1].mean(axis=0) - mean) / sd) < 4.5 * np.sqrt(1 / 400 + 1 / 3000)
    assert np.max(np.abs(np.log(last[1].std(axis=0) / sd))) < 0.2


def test_a_look_and_short_turns_change_nothing(cbpp, monkeypatch):
    monkeypatch.setattr(laplace_round, "_PART", 5e6)
    once = cbpp.run(pf.Laplace(draws=400), 3)
    few = list(once)
    monkeypatch.setattr(exact, "_SLOW", 0.0)
    monkeypatch.setattr(instalments, "_TURN", -1.0)
    twice = cbpp.run(pf.Laplace(draws=400), 3)
    many = [(event, twice.glimpse(100))[0] for event in twice]
    assert len(many) >= len(few)
    np.testing.assert_array_equal(once.finish().draws.table, twice.finish().draws.table)


@pytest.mark.parametrize("until", ["adapting", "sampling"])
def test_a_stopped_run_keeps_what_there_is(cbpp, short, until):
    run = cbpp.run(pf.Laplace(), 3)
    for event in run:
        if event.phase == until and run.ready:
            run.close()
    posterior = run.finish()
    assert posterior.verdict.level == "caution"
    assert "stopped early" in posterior.verdict.sentence
    whole = cbpp.fit(pf.Laplace(), 3).draws
    table = posterior.draws.table
    assert table.shape == whole.table.shape
    gap = np.abs(table.mean(axis=0) - whole.table.mean(axis=0)) / whole.table.std(axis=0)
    assert gap.max() < 0.35
    assert np.isfinite(posterior.draws.effects[0].sample(20)).all()


def test_a_fit_goes_on_to_more_draws(cbpp):
    fit = cbpp.fit(pf.Laplace(draws=1000), 5)
    more = fit.extend(draws=3000)
    assert more.engine == Engine(4000)
    assert more.draws.table.shape[0] == 4000
    assert more.verdict.level == "fine"
    assert more.draws.qualities[0].ess_bulk > 2 * fit.draws.qualities[0].ess_bulk
    assert more.summary()["mean"].to_numpy() == pytest.approx(fit.summary()["mean"].to_numpy(), abs=0.06)
    with pytest.raises(pf.FitError, match="goes on by a whole number"):
        fit.extend(draws=0.5)


def test_the_form_of_a_panel_offers_it(cbpp):
    offered = form(cbpp.model)
    assert offered["engines"][0]["text"] == "auto (Laplace)"
    held = next(one for one in offered["engines"] if one["value"] == "laplace")
    assert not held["reason"]
    assert [(f["name"], f["least"], f["step"]) for f in held["fields"][:2]] == [("draws", 100, 1000), ("chains", 1, 1)]
    made = order({"engine": "laplace", "options": {"draws": "2,000", "chains": "2"}, "seed": "4"}, cbpp.model)
    assert made.engine == Engine(2000, 2)


def test_a_large_crossed_rest_and_other_priors_go_to_nuts():
    rng = np.random.default_rng(0)
    frame = {"y": rng.poisson(2, 6000), "g": rng.integers(0, 3000, 6000).astype(str)}
    wide = pf.prepare("y ~ 1 + (1 | g) + (1 | h)", {**frame, "h": rng.integers(0, 2000, 6000).astype(str)},
                      family="poisson")  # fmt: skip
    with pytest.raises(pf.EngineError, match="effects are crossed with the") as refused:
        wide.run(pf.Laplace(), 1)
    assert "NUTS() or engine=VI()" in str(refused.value)
    chosen = wide.run(None, 1)
    assert type(chosen.engine) is pf.NUTS
    assert "are crossed with" in chosen.reason
    heavy = pf.prepare("y ~ 1 + (1 | g)\nIntercept ~ StudentT(3, 0, 1)", frame, family="poisson").run(None, 1)
    assert type(heavy.engine) is pf.NUTS
    assert heavy.reason == "Intercept has a StudentT prior"


SEPARATED = np.repeat(["a", "b", "c", "d"], 15)


@pytest.mark.parametrize("engine", [None, pf.Point()])
@pytest.mark.parametrize("family", ["poisson", "negative_binomial", "zero_inflated_poisson", "bernoulli"])
def test_a_level_without_a_single_event_is_finite_and_said(family, engine):
    rng = np.random.default_rng(4)
    y = rng.poisson(3.0, 60) * (SEPARATED != "b")
    y = np.minimum(y, 1) if family == "bernoulli" else y
    y[np.flatnonzero(SEPARATED != "b")[::4]] = 0
    frame = {"y": y, "kind": SEPARATED, "g": np.tile(list("uvwxyz"), 10)}
    fit = pf.lme("y ~ kind + (1 | g)", frame, family=family, engine=engine, seed=2)
    said = " ".join((fit.verdict.sentence, *fit.verdict.notes))
    assert "do not bound kind[b]" in said
    if engine is None:
        # Skewed as it is, the correction copes.
        assert fit.verdict.sentence.startswith("The posterior can be trusted")
        table = fit.summary()
        assert np.isfinite(table["mean"]).all()
        # As far down as the prior, 2.5 over the column's spread, lets it go.
        assert -25 < table.loc["kind[b]", "mean"] < -2
