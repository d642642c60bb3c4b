"""NUTS against densities that are known in closed form, its cuts, its extension and its complaints."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from nuts_densities import Correlated, Funnel, Heavy, Nowhere, StandardNormal
from scipy import stats

from probflow_nb.backend import programs
from probflow_nb.errors import EngineError
from probflow_nb.inference import chains as chains_module
from probflow_nb.inference import nuts as nuts_module
from probflow_nb.inference import nuts_program, start
from probflow_nb.inference.nuts import NUTS
from probflow_nb.posterior import diagnostics


def fitted(model, seed=1, **options):
    run = start(model, NUTS(**options), seed)
    return run.finish(), run.state


def assert_moments(draws, mean, sd):
    """Means within 4 standard errors; standard deviations within 4 of theirs and 5% besides."""
    x = np.asarray(draws)
    error = np.abs(x.mean(axis=(0, 1)) - mean) / (np.asarray(sd) / np.sqrt(diagnostics.ess_mean(x)))
    assert error.max() < 4.5, error.max()
    gap = np.abs(x.std(axis=(0, 1)) - sd)
    assert (gap < 4.5 * diagnostics.mcse_sd(x) + 0.005 * np.asarray(sd)).all(), (gap / sd).max()


@pytest.mark.parametrize("size", [5, 50, 250])
def test_a_standard_normal_is_found_again(size):
    post, _ = fitted(StandardNormal(size))
    draws = post.draws.scalars
    assert_moments(draws, 0.0, np.ones(size))
    assert diagnostics.rhat(draws).max() < 1.02
    # All coordinates together: a bias of the energy would show in the mean of the squared length, D.
    length = (draws**2).sum(axis=-1)
    assert abs(length.mean() - size) < 4.5 * length.std() / np.sqrt(diagnostics.ess_mean(length))
    assert post.verdict.level == "fine"
    assert post.evidence is None


def test_the_distribution_is_right_and_not_only_its_moments():
    post, _ = fitted(Heavy(2), draws=8000)
    for i in range(2):
        x = post.draws.scalars[:, :, i]
        for p in (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99):
            share = (x <= stats.t(3).ppf(p)).astype(float)
            error = np.sqrt(p * (1 - p) / diagnostics.ess_mean(share))
            assert abs(share.mean() - p) < 4.5 * error, (i, p)


def test_a_correlated_normal_keeps_its_covariance_and_the_metric_learns_it():
    S = np.array([[4.0, 3.8, 0.0], [3.8, 4.0, 0.0], [0.0, 0.0, 1e-4]])
    post, state = fitted(Correlated(3, covariance=S))
    x = post.draws.scalars
    assert_moments(x, 0.0, np.sqrt(np.diag(S)))
    assert_moments(x[..., :1] + x[..., 1:2], 0.0, [np.sqrt(S[0, 0] + S[1, 1] + 2 * S[0, 1])])
    assert_moments(x[..., :1] - x[..., 1:2], 0.0, [np.sqrt(S[0, 0] + S[1, 1] - 2 * S[0, 1])])
    learned = state.drawing.root @ state.drawing.root.T
    assert learned[0, 1] / np.sqrt(learned[0, 0] * learned[1, 1]) == pytest.approx(0.95, abs=0.02)
    assert "dense metric" in post.method


def test_a_funnel_is_explored_without_its_neck_in_the_way():
    post, _ = fitted(Funnel(10, centrings=tuple(f"x[{i}]" for i in range(1, 10))), draws=8000)
    v = post.draws.scalars[:, :, :1]
    assert_moments(v, 0.0, [3.0])
    assert "x: 0 of 9 centred" in post.method


def test_what_the_density_calls_strong_is_centred_half_way_and_diverges_in_the_neck():
    model = Funnel(10, centrings=tuple(f"x[{i}]" for i in range(1, 10)), strong=True)
    post, state = fitted(model)
    assert "x: 9 of 9 centred" in post.method
    assert state.drawing.figures(1000)["diverged"].sum() > 0
    assert post.verdict.level in ("caution", "bad")
    assert "target_accept" in str(post.verdict) or "narrower priors" in str(post.verdict)


@pytest.mark.parametrize("passes", [1, 7, 100])
def test_draws_do_not_depend_on_how_the_run_is_cut(monkeypatch, passes):
    model, engine = Correlated(3, covariance=np.diag([1.0, 4.0, 9.0])), NUTS(draws=100, chains=2, warmup=50)
    whole = start(model, engine, 3).finish().draws.scalars
    move = chains_module.move

    def cut(*arguments):
        return move(*arguments[:-1], passes)

    monkeypatch.setattr(nuts_module, "move", cut)
    monkeypatch.setattr(nuts_module, "_CHUNK", 0.0)
    np.testing.assert_array_equal(start(model, engine, 3).finish().draws.scalars, whole)


def test_seeds_differ_and_chains_differ():
    model = StandardNormal(2)
    first, second = (fitted(model, seed, draws=200)[0].draws.scalars for seed in (1, 2))
    assert not np.isclose(first, second).any()
    assert not np.isclose(first[0], first[1]).any()


def test_an_extension_is_the_rest_of_the_longer_run():
    model = StandardNormal(3)
    long, _ = fitted(model, draws=1200)
    engine = NUTS(draws=400)
    run = start(model, engine, 1)
    short = run.finish()
    longer, state = engine.extend(model, run.state, draws=800)
    assert longer.draws == 1200
    while not state.done:
        state, _ = longer.step(model, state)
    np.testing.assert_array_equal(longer.result(model, state).draws.scalars, long.draws.scalars)
    np.testing.assert_array_equal(short.draws.scalars, long.draws.scalars[:, :100])


def test_a_run_that_was_stopped_goes_on_from_the_draws_it_has():
    engine = NUTS(draws=4_000_000)
    run = start(StandardNormal(3), engine, 1)
    while not run.ready:
        next(run)
    run.close()
    each = run.finish().draws.n_draws
    longer, state = engine.extend(run.model, run.state, draws=400)
    assert (longer.draws, state.each) == (4 * (each + 100), each + 100)


def test_a_second_model_of_the_same_shape_compiles_nothing(monkeypatch):
    first = Correlated(3, covariance=np.diag([1.0, 4.0, 9.0]))
    fitted(first, draws=100, warmup=50)
    made = []
    kept = programs.kept

    def counted(key, make):
        def noted():
            made.append(key)
            return make()

        return kept(key, noted)

    monkeypatch.setattr(nuts_program, "kept", counted)
    fitted(Correlated(3, covariance=np.diag([1.0, 4.0, 9.0])), draws=200, warmup=60)
    assert made == []
    # Another covariance is a number in the graph, so it is another program.
    fitted(Correlated(3, covariance=np.diag([1.0, 4.0, 16.0])), draws=100, warmup=50)
    assert len(made) == 1


def test_a_run_that_is_stopped_keeps_its_draws_and_says_so(monkeypatch):
    monkeypatch.setattr(nuts_module, "_CHUNK", 0.0)
    model = StandardNormal(3)
    run = start(model, NUTS(draws=100_000), 1)
    phases = []
    for event in run:
        phases.append(event.phase)
        if run.ready:
            run.close()
    post = run.finish()
    assert list(dict.fromkeys(phases)) == ["compiling", "warm-up", "sampling"]
    assert 20 <= post.draws.n_draws < 25_000
    assert "stopped early" in str(post.verdict) or "Draw more" in str(post.verdict)
    assert event.step < event.total == 4 * 25_500


def test_a_density_without_a_finite_value_names_the_row():
    with pytest.raises(EngineError, match="row 2 of the response"):
        fitted(Nowhere(2, n_rows=3))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"draws": 10}, "100 to 10,000,000 draws"),
        ({"draws": 1001}, "multiple of the chains"),
        ({"draws": 1000.0}, "100 to 10,000,000 draws"),
        ({"draws": 10**12}, "100 to 10,000,000 draws"),
        ({"chains": 0}, "for chains"),
        ({"warmup": 3}, "for warmup"),
        ({"max_depth": True}, "for max_depth"),
        ({"target_accept": 1.0}, "target_accept from 0.5 to 0.999"),
        ({"target_accept": "high"}, "target_accept from 0.5 to 0.999"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, words):
    with pytest.raises(EngineError, match=words):
        NUTS(**options)


def test_a_path_is_cut_at_the_greatest_depth():
    post, state = fitted(Correlated(2, covariance=np.diag([1.0, 1.0])), draws=400, max_depth=1)
    figures = state.drawing.figures(100)
    assert figures["leaves"].max() == 1
    assert (figures["depth"] <= 1).all()
    assert any("greatest depth" in note for note in post.verdict.notes) or post.verdict.level != "fine"


def test_the_step_size_aims_at_the_acceptance():
    model = StandardNormal(20)
    steps = {}
    for target in (0.7, 0.95):
        _, state = fitted(model, target_accept=target)
        accept = state.drawing.figures(1000)["accept"].mean()
        assert accept == pytest.approx(target, abs=0.06)
        steps[target] = state.step_size
    assert steps[0.95] < steps[0.7]


def test_the_tuning_is_frozen_while_sampling():
    model = StandardNormal(3)
    engine = NUTS(draws=400)
    run = start(model, engine, 1)
    run.finish()
    before = run.state.step_size
    _, state = engine.extend(model, run.state, draws=400)
    state, _ = replace(engine, draws=800).step(model, state)
    assert state.step_size == before
