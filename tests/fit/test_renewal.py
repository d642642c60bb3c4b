"""Renewal: fits of more rows against fits of all rows, and of changed formulas against those written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import probflow_nb as pf
from probflow_nb import datasets
from probflow_nb.errors import DataError, FitError, ParseError, ProbflowError, SpecError

SLEEP = "Reaction ~ Days + (Days | Subject)"
EXACT = pf.Exact(draws=400)


def pieces(d: pd.DataFrame, seed: int, count: int) -> list[pd.DataFrame]:
    """Return the rows in random order and in pieces, the first one with more than half of them."""
    order = np.random.default_rng(seed).permutation(len(d))
    ends = np.linspace(0.6 * len(d), len(d), count).astype(int)
    return [d.iloc[part] for part in np.split(order, ends[:-1])]


def same(one: pf.Fit, other: pf.Fit, tolerance: float = 1e-8) -> None:
    """Hold the draws of two fits to each other, in units of the posterior sd."""
    sd = other.draws.scalars.std(axis=(0, 1))
    assert np.abs((one.draws.scalars - other.draws.scalars) / sd).max() < tolerance
    for factor, effects in other.ranef.items():
        assert list(one.ranef[factor].index) == list(effects.index)
        assert (np.abs(one.ranef[factor] - effects) < tolerance * other.ranef_sd[factor]).all(axis=None)
    assert one.log_evidence.value == pytest.approx(other.log_evidence.value, abs=1e-8)


CASES = {
    "slopes": (SLEEP, datasets.sleepstudy),
    "crossed": ("diameter ~ 1 + (1 | plate) + (1 | sample)", datasets.Penicillin),
    "weights, offset, missing": (
        "Reaction ~ Days + x + offset(10 * x) + weights(w) + (1 + Days || Subject)",
        lambda: _with_more(datasets.sleepstudy()),
    ),
    "nested": ("y ~ x + (1 | a / b) + (x | t)", lambda: _nested()),
}


def _with_more(d: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    d = d.assign(x=rng.standard_normal(len(d)), w=0.5 + rng.random(len(d)))
    d.loc[rng.random(len(d)) < 0.1, "x"] = np.nan
    return d


def _nested() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    a, b, t = rng.integers(0, 7, 160), rng.integers(0, 3, 160), rng.integers(0, 9, 160)
    y = rng.standard_normal(7)[a] + rng.standard_normal((7, 3))[a, b] + rng.standard_normal(160)
    return pd.DataFrame({"y": y, "x": rng.standard_normal(160), "a": a, "b": b, "t": [f"t{i}" for i in t]})


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(CASES)), st.integers(0, 10_000), st.integers(2, 3))
def test_rows_in_pieces_give_the_posterior_of_all_rows(case, seed, count):
    text, data = CASES[case]
    first, *more = pieces(data(), seed, count)
    fit = pf.lme(text, first, engine=EXACT, seed=5)
    for rows in more:
        fit = fit.update(rows)
    whole = pd.concat([first, *more])
    # The default priors are those of the first rows, that of the intercept at the means of all.
    same(fit, pf.lme(fit.spec.short_text(), whole, engine=EXACT, seed=5))
    assert fit.facts.n_rows == len(whole.dropna())
    assert fit.engine == EXACT
    assert fit.seed == 5


@pytest.fixture(scope="module")
def sleep() -> pf.Fit:
    return pf.lme(SLEEP, datasets.sleepstudy(), engine=EXACT, seed=5, name="sleep")


def test_radon_with_county_predictor_and_point_estimates():
    d = datasets.radon()
    text = "log_radon ~ floor + (1 | county)"
    fit = pf.lme(text, d[:700], engine=pf.Point()).update(d[700:])
    whole = pf.lme(text, d, engine=pf.Point())
    assert fit.criterion == pytest.approx(whole.criterion, abs=1e-6)
    np.testing.assert_allclose(fit.fixef, whole.fixef, rtol=1e-6)
    np.testing.assert_allclose(fit.ranef_sd["county"], whole.ranef_sd["county"], rtol=1e-5)


def test_cross_products_are_added_and_the_rows_not_read_again(sleep, monkeypatch):
    assert sleep.model.has_moments
    monkeypatch.setattr("probflow_nb.model.model.moments", None)
    more = sleep.update(datasets.sleepstudy()[:20])
    assert more.facts.n_rows == 200
    assert "20 rows added to the 180 of an earlier fit" in str(more)
    assert "rows added: by their cross-products" in str(more)


def test_new_levels_extend_a_fit_that_predicts_plots_saves_extends_and_updates(sleep, tmp_path):
    rows = datasets.sleepstudy()[:10].assign(Subject=999)
    fit = sleep.update(rows)
    assert sleep.facts.n_rows == 180
    assert list(fit.ranef["Subject"].index)[-1] == "999"
    kept = pf.load(fit.save(tmp_path / "sleep.fit"))
    same(kept, fit)
    assert kept.spec.short_text() == fit.spec.short_text() == sleep.spec.short_text()
    np.testing.assert_allclose(kept.predict(rows), fit.predict(rows))
    same(kept.extend(draws=400), fit.extend(draws=400))
    same(kept.update(rows), fit.update(rows))
    assert len(fit.plot_fit(groups=["999"]).axes[0].lines) + len(fit.plot_fit(groups=["999"]).axes[0].collections)


def test_transforms_stay_those_of_the_first_rows_in_a_file_too(tmp_path):
    d = datasets.sleepstudy()
    fit = pf.lme("Reaction ~ scale(Days) + (1 | Subject)", d[d.Days < 6], engine=EXACT, seed=5).update(d[d.Days >= 6])
    means = fit.predict(d[8:10]).to_numpy()
    slope = (means[1] - means[0]) * d.Days[d.Days < 6].std(ddof=1)
    assert slope == pytest.approx(fit.fixef["scale(Days)"], rel=1e-6)
    same(pf.load(fit.save(tmp_path / "scaled.fit")), fit)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"Reaction": [1.0], "Days": [1.0]}, "There is no column `Subject`"),
        ({"Reaction": ["a"], "Days": [1.0], "Subject": ["308"]}, "holds text or categories in the new rows"),
        ({"Reaction": [], "Days": [], "Subject": []}, "The data have no rows"),
        ({"Reaction": [np.nan], "Days": [1.0], "Subject": ["308"]}, "Every value of the column `Reaction` is missing"),
        (3, "a model needs a data frame"),
    ],
)
def test_rows_that_cannot_be_added(sleep, rows, message):
    with pytest.raises(DataError, match=message):
        sleep.update(rows)


def test_a_new_level_of_a_common_factor_is_told_by_row():
    d = datasets.sleepstudy().assign(c=np.tile(["p", "q"], 90))
    fit = pf.lme("Reaction ~ c + (1 | Subject)", d, engine=EXACT, seed=1)
    with pytest.raises(DataError, match=r'has the level "new", the first in row 2 \(counted from 0\)'):
        fit.update(d[:4].assign(c=["p", "q", "new", "p"]))


def test_other_models_are_fitted_again_and_say_so():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(8), 10)
    d = pd.DataFrame({"y": rng.poisson(3.0, 80), "x": rng.standard_normal(80), "g": g})
    fit = pf.lme("y ~ x + (1 | g)", d[:60], family="poisson", engine=pf.Point()).update(d[60:])
    whole = pf.lme("y ~ x + (1 | g)", d, family="poisson", engine=pf.Point())
    assert fit.criterion == pytest.approx(whole.criterion, abs=1e-6)
    assert "rows added: and the model fitted again to all" in str(fit)
    two = pf.lme("y ~ x\nsigma ~ x", d[:60], engine=EXACT, seed=2)
    assert two.update(d[60:]).facts.notes == ("20 rows added to 60; transforms are those of the first rows",)


class Line(pf.Model):
    def __init__(self) -> None:
        self.w = pf.Parameter(prior=pf.Normal(0, 1))

    def __call__(self, x):
        return pf.Normal(x * self.w(), 1.0)


def test_code_and_statements_get_a_sentence():
    x = np.arange(20.0)
    fit = Line().fit(x, x, engine=EXACT, seed=1)
    for what in (lambda: fit.update({"x": x}), lambda: fit.refit(". ~ . + x")):
        with pytest.raises(FitError, match="is code"):
            what()
    text = "w ~ Normal(0, 1)\nsigma ~ HalfNormal(1)\ny ~ Normal(x * w, sigma)"
    fit = pf.lme(text, {"x": x / 10, "y": x / 20}, engine=EXACT, seed=1)
    with pytest.raises(FitError, match="statements, which have no formula"):
        fit.refit(". ~ . + x")


REVISIONS = (
    (". ~ . + x", "Reaction ~ Days + x + (Days | Subject)"),
    (". ~ . - Days", "Reaction ~ 1 + (Days | Subject)"),
    (". ~ . - (Days | Subject) + (1 | Subject)", "Reaction ~ Days + (1 | Subject)"),
    ("log(.) ~ .", "log(Reaction) ~ Days + (Days | Subject)"),
    (". ~ . * x", "Reaction ~ Days * x + (Days | Subject)"),
    (". ~ x", "Reaction ~ x"),
    (". ~ . + weights(w)", "Reaction ~ Days + (Days | Subject)\nweights = w"),
    (". ~ .\nDays ~ Normal(0, 1)", "Reaction ~ Days + (Days | Subject)\nDays ~ Normal(0, 1)"),
)


@pytest.mark.parametrize(("change", "text"), REVISIONS)
def test_a_changed_formula_is_the_one_written_out(change, text):
    d = _with_more(datasets.sleepstudy()).assign(z=1.0)
    first = pf.lme(SLEEP, d, engine=EXACT, seed=5)
    fit = first.refit(change)
    same(fit, pf.lme(text, d, engine=EXACT, seed=5), 1e-12)
    assert fit.formula == pf.prepare(text, d).formula


def test_rows_of_a_fit_are_kept_and_fewer_where_a_new_column_is_missing():
    d = _with_more(datasets.sleepstudy())
    d.loc[:3, "w"] = np.nan
    fit = pf.lme("Reaction ~ x + (1 | Subject)", d, engine=EXACT, seed=5)
    without, more = fit.refit(". ~ . - x"), fit.refit(". ~ . + w")
    np.testing.assert_array_equal(without.facts.rows, fit.facts.rows)
    np.testing.assert_array_equal(more.facts.rows, np.flatnonzero(d[["x", "w"]].notna().all(axis=1)))
    assert fit.refit(". ~ . - x", data=d).facts.n_rows == 180
    assert more.refit(". ~ . - w").facts.n_rows == more.facts.n_rows


def test_written_priors_stay_with_what_is_left_but_not_in_another_family():
    text = SLEEP + "\nDays ~ Normal(0, 7)\nIntercept ~ Normal(250, 30)"
    fit = pf.lme(text, datasets.sleepstudy(), engine=EXACT, seed=5)
    gone = fit.refit(". ~ . - Days").spec.short_text()
    assert "Intercept ~ Normal(250, 30)\n" in gone.replace("`", "")
    assert "Normal(0, 7)" not in gone
    assert "Normal(0, 7)" not in fit.refit("log(.) ~ .").spec.short_text()
    assert "Normal(0, 9)" in fit.refit(priors="Days ~ Normal(0, 9)").spec.short_text()


def test_family_engine_and_seed(sleep):
    assert sleep.refit(engine="point").criterion == pytest.approx(1743.6283, abs=1e-3)
    student = sleep.refit(family="student", engine=pf.Point())
    assert student.spec.family.name == "student_t"
    assert sleep.refit(seed=6).seed == 6
    same(sleep.refit(), sleep, 1e-12)
    assert sleep.refit().name == "sleep"


FAULTS = (
    (". ~ . + zz", DataError, "There is no column `zz`"),
    (". ~ . + (1 |", ParseError, "nothing on the right"),
    (". ~ . - zz", SpecError, "`zz` is not part of the formula"),
    (". ~ . - (1 | zz)", SpecError, r"`\(1 \| zz\)` is not part of the formula"),
    (". ~ (. | Subject)", SpecError, "cannot stand in a group term"),
    (". ~ 1 - .", SpecError, "cannot be taken away"),
    ("sigma ~ . + Days", SpecError, "has no formula yet"),
    ("a ~ b\nc ~ d", SpecError, "two formulas"),
    ("x", ParseError, "has no `~`"),
)


@pytest.mark.parametrize(("change", "kind", "message"), FAULTS)
def test_faults_of_a_change_show_their_place(sleep, change, kind, message):
    with pytest.raises(kind, match=message) as caught:
        sleep.refit(change)
    assert "^" in str(caught.value)


def test_data_that_have_changed_are_not_taken_for_those_of_the_fit(tmp_path):
    d = {"y": np.arange(12.0) % 5, "x": np.arange(12.0), "g": np.arange(12) % 3, "v": np.ones(12)}
    fit = pf.lme("y ~ x + (1 | g)", d, engine=EXACT, seed=1)
    kept = pf.load(fit.save(tmp_path / "one.fit"))
    d["x"][3] = 100.0
    with pytest.raises(FitError, match="changed since the fit: the column `x`"):
        fit.refit(". ~ . - x")
    # A file holds the columns that the model uses, and no other.
    assert kept.refit(". ~ . - x").facts.n_rows == 12
    with pytest.raises(ProbflowError, match="There is no column `v`"):
        kept.refit(". ~ . + v")
