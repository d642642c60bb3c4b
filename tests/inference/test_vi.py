"""VI against closed forms, quadrature and Exact: means, sds, the KL weight, minibatches, going on, seeds, words."""

from __future__ import annotations

import numpy as np
import pytest
from vi_models import Page, Regression, elements, page_data, page_posterior, regression_data, regression_posterior

import probflow_nb as pf
from probflow_nb import api
from probflow_nb.backend import programs
from probflow_nb.inference import start
from probflow_nb.inference.vi import VI


def fitted_gaussian(run) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of w under the fitted family itself, without the noise of draws."""
    ascent, q = run.state.ascent, run.state.trail.best

    def w(e: np.ndarray) -> np.ndarray:
        z = ascent.structure.sample(q, e)[0]
        return np.asarray(ascent.density.constrain(z, ascent.inputs)["w"])[..., 0]

    e = np.eye(ascent.structure.size)
    root = w(e) - w(0 * e)
    return w(0 * e)[0], root.T @ root


def gaussian_run(engine: VI, seed: int = 1, steer=None):
    x, y = regression_data()
    run = start(Regression(4).program(x, y), engine, seed)
    for event in run:
        if steer and event.step == 200:
            run.steer(**steer)
    return x, y, run


@pytest.mark.parametrize("kl_weight", [1.0, 0.1, 4.0])
@pytest.mark.parametrize("batch", [None, 25])
def test_full_rank_finds_a_gaussian_posterior_and_the_one_of_its_kl_weight(kl_weight, batch) -> None:
    # With minibatches the iterates keep noise: a few per cent of an sd for the means, more for what is tempered.
    exact = batch is None
    x, y, run = gaussian_run(VI(rank="full", kl_weight=kl_weight, batch=batch))
    mean, covariance = fitted_gaussian(run)
    true_mean, precision = regression_posterior(x, y, kl_weight)
    sds = np.sqrt(np.diag(np.linalg.inv(precision)))
    np.testing.assert_allclose((mean - true_mean) / sds, 0.0, atol=1e-4 if exact else 0.3)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)) / sds, 1.0, atol=1e-3 if exact else 0.12)
    if exact:
        np.testing.assert_allclose(covariance @ precision, np.eye(4), atol=2e-3)
        assert run.state.trail.met


def test_mean_field_sds_are_those_of_the_precision() -> None:
    x, y, run = gaussian_run(VI(rank="mean-field"))
    mean, covariance = fitted_gaussian(run)
    true_mean, precision = regression_posterior(x, y)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), 1 / np.sqrt(np.diag(precision)), rtol=0.035)
    np.testing.assert_allclose(mean, true_mean, atol=0.1 / np.sqrt(precision.max()))


@pytest.mark.parametrize("kl_weight", [0.1, 4.0])
def test_a_kl_weight_changed_while_it_runs_has_its_effect(kl_weight) -> None:
    x, y, run = gaussian_run(VI(rank="full"), steer={"kl_weight": kl_weight})
    sds = np.sqrt(np.diag(np.linalg.inv(regression_posterior(x, y, kl_weight)[1])))
    np.testing.assert_allclose(np.sqrt(np.diag(fitted_gaussian(run)[1])), sds, rtol=1e-3)
    verdict = run.finish().verdict
    assert verdict.level == "bad"
    assert f"weighted {kl_weight:g} instead of 1" in verdict.sentence


def test_a_learning_rate_changed_while_it_runs_has_its_effect_and_is_shown() -> None:
    x, y = regression_data()
    engine = VI(rank="full", learning_rate=0.1)
    model = Regression(4).program(x, y)
    moves = {}
    for rate in (0.1, 0.02):
        state = engine.steer(engine.init(model, 1), learning_rate=rate)
        while not state.ready:
            state, info = engine.step(model, state)
            assert info.figures["learning_rate"] == rate
        moves[rate] = np.abs(np.asarray(state.q["mean"])).max()
    assert moves[0.02] < 0.8 * moves[0.1]


@pytest.mark.parametrize(("levels", "rows", "learned"), [(18, 10, False), (50, 8, False), (18, 10, True)])
@pytest.mark.parametrize("rank", [None, "structured"])
def test_the_page_model_agrees_with_quadrature(levels, rows, learned, rank) -> None:
    if rank == "structured" and not learned:
        return
    x, y, _ = page_data(levels, rows, seed=5)
    truth = page_posterior(x, y, learned)
    fit = Page(2, levels, learned).fit(x, y, engine=VI(rank=rank), seed=2)
    drawn = np.column_stack([elements(fit, "w", 2), elements(fit, "u", levels)])
    scalars = {"sigma": truth.sigma, **({"tau": truth.tau} if learned else {})}
    np.testing.assert_allclose((drawn.mean(0) - truth.mean) / truth.sd, 0.0, atol=0.1)
    np.testing.assert_allclose(drawn.std(0) / truth.sd, 1.0, atol=0.06)
    for name, (mean, sd) in scalars.items():
        assert abs(fit.draws.flat(name).mean() - mean) < 0.1 * sd
        assert fit.draws.flat(name).std() == pytest.approx(sd, rel=0.06)


CASES = {
    "sleepstudy": ("Reaction ~ Days + (Days | Subject)", pf.datasets.sleepstudy),
    "Penicillin": ("diameter ~ 1 + (1 | plate) + (1 | sample)", pf.datasets.Penicillin),
}


@pytest.mark.parametrize("case", CASES)
def test_structured_fits_agree_with_exact(case) -> None:
    text, data = CASES[case]
    exact = pf.lme(text, data(), engine=pf.Exact(draws=20000), seed=1)
    fit = pf.lme(text, data(), engine=VI(), seed=2)
    assert "structured" in fit.answer.method
    assert "100% of levels centred" in fit.answer.method
    for name in fit.draws.names:
        a, b = fit.draws.flat(name), exact.draws.flat(name)
        assert abs(a.mean() - b.mean()) < 0.15 * b.std(), name
        # Correlations and sds of few levels have posteriors that the family follows less closely.
        assert a.std() / b.std() == pytest.approx(1.0, abs=0.1 if name in ("Intercept", "Days", "sigma") else 0.15)
    for own, other in zip(fit.draws.effects, exact.draws.effects):
        a, b = own.first(own.n_draws), other.first(other.n_draws)
        assert np.abs((a.mean(0) - b.mean(0)) / b.std(0)).max() < 0.12
        np.testing.assert_allclose(a.std(0) / b.std(0), 1.0, atol=0.1)


def test_correction_gives_the_evidence_and_the_moments_of_exact() -> None:
    text, data = CASES["Penicillin"]
    exact = pf.lme(text, data(), engine=pf.Exact(draws=20000), seed=1)
    plain = pf.lme(text, data(), engine=VI(), seed=2)
    corrected = pf.lme(text, data(), engine=VI(corrected=True), seed=2)
    assert plain.answer.evidence is None
    found, true = corrected.answer.evidence, exact.answer.evidence
    assert abs(found.value - true.value) < 4 * np.hypot(found.error, true.error) + 0.01
    for name in exact.draws.names:
        a, b = corrected.draws.flat(name), exact.draws.flat(name)
        assert a.std() / b.std() == pytest.approx(1.0, abs=0.08)


def test_seeds_agree_and_each_is_the_same_again() -> None:
    text, data = CASES["sleepstudy"]
    fits = [pf.lme(text, data(), engine=VI(), seed=seed) for seed in range(8)]
    table = np.array([[f.draws.flat(name).mean() for name in f.draws.names] for f in fits])
    sds = np.array([fits[0].draws.flat(name).std() for name in fits[0].draws.names])
    # 4,000 draws know a mean to 0.016 sds; the rule lets the family's be off by 0.05.
    assert np.all(table.std(axis=0, ddof=1) / sds < 0.05)
    again = pf.lme(text, data(), engine=VI(), seed=3)
    np.testing.assert_array_equal(again.draws.scalars, fits[3].draws.scalars)


def test_a_second_fit_of_the_shape_compiles_nothing_and_has_its_own_data() -> None:
    x, y = regression_data()
    Regression(4).fit(x, y, engine=VI(), seed=1)
    known = set(programs._KEPT)
    other = Regression(4).fit(x, y + 3.0 * x[:, 0], engine=VI(), seed=1)
    assert set(programs._KEPT) == known
    mean, precision = regression_posterior(x, y + 3.0 * x[:, 0])
    np.testing.assert_allclose(elements(other, "w", 4).mean(0), mean, atol=0.1 / np.sqrt(precision.diagonal().min()))


def test_an_interrupted_run_answers_and_says_so() -> None:
    model = api.prepare(*(lambda text, data: (text, data()))(*CASES["sleepstudy"])).model
    run = start(model, VI(), 1)
    while not run.ready:
        event = next(run)
    assert event.step == 25
    run.close()
    posterior = run.finish()
    assert posterior.verdict.level in ("caution", "bad")
    assert posterior.verdict.sentence.startswith("It was stopped at step 25, before its rule was met")


def test_a_cap_that_bites_is_said_and_more_steps_mend_it() -> None:
    x, y = regression_data()
    fit = Regression(4).fit(x, y, engine=VI(steps=60), seed=1)
    assert fit.verdict.sentence.startswith("The ascent ended at its cap of 60 steps")
    more = fit.extend(steps=1500)
    assert "1,560 steps" in more.answer.method
    assert more.verdict.level == "fine"
    sds = np.sqrt(np.diag(np.linalg.inv(regression_posterior(x, y)[1])))
    np.testing.assert_allclose(elements(more, "w", 4).std(0) / sds, 1.0, atol=0.06)


def test_more_draws_are_added_to_those_there_were() -> None:
    x, y = regression_data()
    fit = Regression(4).fit(x, y, engine=VI(draws=400), seed=1)
    more = fit.extend(draws=600)
    assert more.draws.n_chains * more.draws.n_draws == 1000


def test_mean_field_on_a_mixed_model_says_that_it_is_too_narrow() -> None:
    text, data = CASES["sleepstudy"]
    fit = pf.lme(text, data(), engine=VI(rank="mean-field", steps=2000), seed=1)
    assert "too narrow" in str(fit.verdict)
    assert 'VI(rank="structured")' in str(fit.verdict)
    assert fit.draws.flat("Intercept").std() < 0.7 * 7.5


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rank": "low"}, 'VI has no rank "low".'),
        ({"draws": 50}, "VI needs at least 100 draws"),
        ({"draws": 4001}, "a multiple of the chains"),
        ({"draws": 400.0}, "a whole number of at least 1 for draws, not 400.0"),
        ({"chains": 0}, "a whole number of at least 1 for chains, not 0"),
        ({"steps": 0}, "a whole number of at least 1 for steps, not 0"),
        ({"batch": -3}, "a whole number of at least 1 for batch, not -3"),
        ({"learning_rate": 0.0}, "a learning rate above 0 and at most 1, not 0.0"),
        ({"learning_rate": float("nan")}, "a learning rate above 0 and at most 1, not nan"),
        ({"kl_weight": 0.0}, "a KL weight above 0, not 0.0"),
        ({"kl_weight": "1"}, "a KL weight above 0, not '1'"),
    ],
)
def test_bad_options(options, sentence) -> None:
    with pytest.raises(pf.EngineError) as caught:
        VI(**options)
    assert sentence in str(caught.value)


def test_what_cannot_be_asked_of_a_model_or_a_fit() -> None:
    x, y = regression_data()
    with pytest.raises(pf.EngineError, match="no levels that could be independent"):
        Regression(4).fit(x, y, engine=VI(rank="structured"), seed=1)
    fit = Regression(4).fit(x, y, engine=VI(steps=30), seed=1)
    for more in ({}, {"steps": 0}, {"draws": 1.5}):
        with pytest.raises(pf.ProbflowError):
            fit.extend(**more)
    engine = VI()
    with pytest.raises(pf.EngineError, match="learning rate"):
        engine.steer(engine.init(fit.model, 1), learning_rate=2.0)


@pytest.mark.slow
def test_intervals_of_effects_cover() -> None:
    inside, total = 0, 0
    for seed in range(40):
        x, y, u = page_data(18, 10, seed=100 + seed)
        fit = Page(2, 18).fit(x, y, engine=VI(draws=2000), seed=seed)
        lower, upper = np.quantile(elements(fit, "u", 18), [0.025, 0.975], axis=0)
        inside += int(np.sum((lower < u) & (u < upper)))
        total += 18
    # Errors of one data set's effects go together through the intercept, so the count varies more than a binomial's.
    assert 0.92 < inside / total < 0.98
