"""The engine Exact: its phases agree with each other, its draws with its figures, its seeds with themselves."""

from __future__ import annotations

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb import api
from probflow_nb.fit import finish
from probflow_nb.inference import Event, exact
from probflow_nb.posterior.diagnostics import ess_mean

SLEEP = "Reaction ~ Days + (Days | Subject)"
CROSSED = "diameter ~ 1 + (1 | plate) + (1 | sample)"


@pytest.fixture(scope="module")
def sleep() -> pf.Fit:
    return pf.lme(SLEEP, pf.datasets.sleepstudy(), seed=1)


def gap(a: pf.Fit, b: pf.Fit) -> np.ndarray:
    """Return the differences of means over their combined Monte Carlo errors."""
    x, y = a.summary(), b.summary()
    return ((x["mean"] - y["mean"]) / np.hypot(x["mcse"], y["mcse"])).to_numpy()


def test_same_seed_same_draws_other_seed_other_draws(sleep: pf.Fit) -> None:
    again = pf.lme(SLEEP, pf.datasets.sleepstudy(), seed=1)
    other = pf.lme(SLEEP, pf.datasets.sleepstudy(), seed=2)
    for name in sleep.draws:
        np.testing.assert_array_equal(sleep.draws[name], again.draws[name])
    assert not np.array_equal(sleep.draws["sigma"], other.draws["sigma"])
    assert np.abs(gap(sleep, other)).max() < 4


def test_without_a_seed_the_one_drawn_is_remembered() -> None:
    first = pf.lme(SLEEP, pf.datasets.sleepstudy())
    again = pf.lme(SLEEP, pf.datasets.sleepstudy(), seed=first.seed)
    np.testing.assert_array_equal(first.draws["sigma"], again.draws["sigma"])


def test_the_stated_error_is_the_spread_over_seeds() -> None:
    fits = [pf.lme(SLEEP, pf.datasets.sleepstudy(), engine=pf.Exact(draws=1000), seed=s) for s in range(40)]
    means = np.array([fit.summary()["mean"] for fit in fits])
    stated = np.sqrt(np.mean([fit.summary()["mcse"] ** 2 for fit in fits], axis=0))
    ratio = means.std(axis=0, ddof=1) / stated
    # With 40 seeds the spread itself is known to 11%.
    assert (ratio < 1.4).all()
    assert (ratio > 0.6).all()


def test_hamiltonian_monte_carlo_gives_the_same_posterior(monkeypatch: pytest.MonkeyPatch, sleep: pf.Fit) -> None:
    monkeypatch.setattr(exact, "_GOOD_KHAT", -np.inf)
    monkeypatch.setattr(exact, "_REFINEMENTS", 1)
    chains = pf.lme(SLEEP, pf.datasets.sleepstudy(), seed=3)
    assert chains.answer.method.startswith("Hamiltonian")
    assert "Hamiltonian Monte Carlo" in chains.verdict.sentence
    assert chains.draws.n_chains == 16
    s = chains.summary()
    assert (s["rhat"] < 1.03).all()
    assert np.isnan(s["khat"]).all()
    assert np.abs(gap(sleep, chains)).max() < 4.5
    np.testing.assert_allclose(s["sd"], sleep.summary()["sd"], rtol=0.1)


@pytest.mark.parametrize("text", [CROSSED, SLEEP])
def test_the_emulated_density_gives_the_same_posterior(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    data = pf.datasets.Penicillin() if text is CROSSED else pf.datasets.sleepstudy()
    plain = pf.lme(text, data, seed=1)
    monkeypatch.setattr(exact, "_COSTLY", 0.0)
    emulated = pf.lme(text, data, seed=2)
    assert "emulated" in emulated.answer.method
    assert "emulator error" in emulated.verdict.sentence
    x, y = plain.summary(), emulated.summary()
    # The emulator's own error comes on top of Monte Carlo's: a twentieth of a posterior sd.
    bound = 4 * np.hypot(x["mcse"], y["mcse"]) + 0.05 * x["sd"]
    assert ((x["mean"] - y["mean"]).abs() < bound).all()
    np.testing.assert_allclose(y["sd"], x["sd"], rtol=0.1)
    assert emulated.log_evidence.value == pytest.approx(plain.log_evidence.value, abs=0.1)


def test_a_failed_emulator_is_replaced_by_exact_evaluations(monkeypatch: pytest.MonkeyPatch, sleep: pf.Fit) -> None:
    monkeypatch.setattr(exact, "_COSTLY", 0.0)
    monkeypatch.setattr(exact, "POOR", -1.0)
    fit = pf.lme(SLEEP, pf.datasets.sleepstudy(), seed=2)
    assert fit.answer.method == "importance sampling"
    assert np.abs(gap(sleep, fit)).max() < 4


def test_group_effects_are_drawn_around_their_conditional_means(sleep: pf.Fit) -> None:
    b = sleep.draws["b[Subject]"]
    assert b.shape == (4, 1000, 18, 2)
    assert sleep.draws.coords("b[Subject]")["column"] == ("Intercept", "Days")
    # With theta and beta at their means the conditional modes of a point fit are close to the posterior means.
    modes = pf.lme(SLEEP, pf.datasets.sleepstudy(), engine=pf.Point()).ranef["Subject"]
    sd = sleep.ranef_sd["Subject"]
    assert ((sleep.ranef["Subject"] - modes).abs() < 0.25 * sd).all(axis=None)


def test_fewer_draws_of_effects_are_the_first_of_more(sleep: pf.Fit) -> None:
    effects = sleep.draws.factor("Subject")
    few = effects.sample(50)
    np.testing.assert_allclose(few, effects.sample(4000)[:50], rtol=1e-9, atol=1e-9)


def test_a_stopped_run_keeps_what_there_is() -> None:
    run = api.prepare(SLEEP, pf.datasets.sleepstudy()).run(pf.Exact(), seed=1)
    for event in run:
        if event.phase == "adapting":
            break
    run.close()
    fit = finish(run)
    assert fit.stopped
    assert fit.verdict.level == "caution"
    assert fit.verdict.sentence.startswith("The run was stopped early")
    full = pf.lme(SLEEP, pf.datasets.sleepstudy(), seed=2).summary()
    assert ((fit.summary()["mean"] - full["mean"]).abs() < 0.5 * full["sd"]).all()


def test_a_run_stopped_before_there_is_anything_says_so() -> None:
    run = api.prepare(SLEEP, pf.datasets.sleepstudy()).run(pf.Exact(), seed=1)
    next(run)
    run.close()
    with pytest.raises(pf.EngineError, match="stopped before there was anything"):
        run.finish()


def test_flat_priors_leave_the_evidence_undefined() -> None:
    fit = pf.lme("Reaction ~ Days + (1 | Subject)\nDays ~ Flat()", pf.datasets.sleepstudy(), seed=1)
    with pytest.raises(pf.FitError, match="log evidence is not defined"):
        _ = fit.log_evidence
    assert fit.summary().loc["Days", "mean"] == pytest.approx(10.467, abs=0.1)


def test_a_prior_that_beta_cannot_have() -> None:
    with pytest.raises(pf.EngineError) as caught:
        pf.lme(
            "Reaction ~ Days + (1 | Subject)\nDays ~ StudentT(3, 0, 10)", pf.datasets.sleepstudy(), engine=pf.Exact()
        )
    assert str(caught.value) == (
        "The engine exact needs a Normal or Flat prior on Days, not StudentT(3, 0, 10).\n"
        "    Days ~ StudentT(3, 0, 10)\n"
        "    ^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "Write, for example, Days ~ Normal(0, 10)."
    )


@pytest.mark.parametrize("options", [{"draws": 10}, {"draws": 1001}, {"chains": 0}])
def test_options_that_make_no_sense(options: dict[str, int]) -> None:
    with pytest.raises(pf.EngineError, match="multiple of the chains") as caught:
        pf.Exact(**options)
    # The advice is one that works.
    eval(caught.value.hint.removeprefix("Write, for example, ").removesuffix("."), {"Exact": pf.Exact})


def test_effective_sizes_are_not_more_than_the_draws(sleep: pf.Fit) -> None:
    s = sleep.summary()
    assert (s["ess_bulk"] <= 4000).all()
    assert (s["ess_bulk"] > 2000).all()
    # The chains are independent draws: none of their own autocorrelation says otherwise.
    assert ess_mean(sleep.draws["sigma"]) > 3000


def test_a_model_without_group_terms() -> None:
    d = pf.datasets.sleepstudy()
    fit = pf.lme("Reaction ~ Days", d, seed=1)
    slope, intercept = np.polyfit(d.Days, d.Reaction, 1)
    assert fit.fixef["Days"] == pytest.approx(slope, abs=0.15)
    assert fit.fixef["Intercept"] == pytest.approx(intercept, abs=0.8)
    assert fit.draws.effects == ()


def test_the_response_may_have_any_unit() -> None:
    d = pf.datasets.sleepstudy()
    base = pf.lme(SLEEP, d, seed=1).summary()
    for factor in (1e-9, 1e9):
        scaled = pf.lme(SLEEP, d.assign(Reaction=d.Reaction * factor), seed=1).summary()
        rows = [name for name in base.index if not name.startswith("cor")]
        np.testing.assert_allclose(scaled.loc[rows, "sd"] / factor, base.loc[rows, "sd"], rtol=0.01)


def test_a_predictor_far_from_zero_loses_no_digits() -> None:
    d = pf.datasets.sleepstudy()
    base = pf.lme("Reaction ~ Days + (1 | Subject)", d, seed=1).summary()
    moved = pf.lme("Reaction ~ Day + (1 | Subject)", d.assign(Day=d.Days + 1e6), seed=1).summary()
    assert moved.loc["Day", "mean"] == pytest.approx(base.loc["Days", "mean"], rel=1e-5)
    assert moved.loc["Day", "sd"] == pytest.approx(base.loc["Days", "sd"], rel=1e-4)


@pytest.mark.parametrize("engine", [pf.Exact(draws=400), pf.Point()])
@pytest.mark.parametrize(
    ("formula", "cause"), [("y ~ x + (1 | g)", "common effects"), ("s ~ 1 + (1 | g)", "group effects")]
)
def test_a_response_without_a_residual(formula: str, cause: str, engine: pf.Exact | pf.Point) -> None:
    x = np.arange(24.0)
    data = {"x": x, "y": 3 * x - 1, "g": x % 6, "s": np.sin(1.7 * (x % 6))}
    with pytest.raises(pf.EngineError) as caught:
        pf.lme(formula, data, engine=engine, seed=1)
    assert str(caught.value) == (
        f"The {cause} explain {formula[0]} exactly: nothing is left for sigma.\n"
        f"    {formula}\n"
        "    ^\n"
        "Leave out the term that the response was made from."
    )


class Impatient:
    """A person who presses stop at the first event of a phase."""

    def __init__(self, phase: str) -> None:
        self.phase = phase

    def show(self, event: Event) -> None:
        if event.phase == self.phase:
            raise KeyboardInterrupt

    def close(self) -> None:
        self.phase = ""


def test_an_interrupt_keeps_what_there_is() -> None:
    fit = pf.lme(SLEEP, pf.datasets.sleepstudy(), seed=1, progress=Impatient("adapting"))
    assert fit.stopped
    assert np.isfinite(fit.summary()["mean"]).all()


def test_an_interrupt_before_there_is_anything_is_raised() -> None:
    with pytest.raises(KeyboardInterrupt):
        pf.lme(SLEEP, pf.datasets.sleepstudy(), seed=1, progress=Impatient("finding the mode"))
