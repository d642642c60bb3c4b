"""Curves and predictions at a point against the fit's own predictions, and the sentences for what cannot be moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import probflow_nb as pf
from probflow_nb.display import interactive
from probflow_nb.fit.covariates import round_step
from probflow_nb.fit.curves import Curves
from probflow_nb.fit.group_curves import group_curves, grouping, groupings, spread
from probflow_nb.fit.mixture import DrawnMixture, NormalMixture


def data(seed: int = 3, n: int = 240) -> pd.DataFrame:
    """Return rows with every kind of column: numbers, whole numbers, levels, booleans, nested factors."""
    rng = np.random.default_rng(seed)
    d = pd.DataFrame(
        {
            "x": rng.uniform(0.31, 9.77, n),
            "dose": rng.integers(0, 6, n),
            "w": rng.uniform(0.5, 2.0, n),
            "known": rng.normal(size=n),
            "kind": rng.choice(["a", "b", "c"], n, p=[0.2, 0.5, 0.3]),
            "old": rng.random(n) < 0.3,
            "plate": rng.integers(1, 7, n),
        }
    )
    d["sample"] = [f"{p}-{s}" for p, s in zip(d["plate"], rng.integers(0, 3, n), strict=True)]
    group = rng.normal(0, 1.0, 7)[d["plate"]]
    d["y"] = 2 * np.log(d.x) + 0.3 * d.dose + (d.kind == "b") + group + rng.normal(0, 0.7, n) / np.sqrt(d.w)
    return d


MODELS = {
    "interaction and transforms": "y ~ log(x) * kind + dose + (1 | plate)",
    "offset, weights and polynomial": "y ~ poly(x, 2) + old + offset(known) + weights(w) + (x | plate)",
    "nested": "y ~ bs(x, df=4) + C(dose) + (1 | plate/sample)",
}


@pytest.fixture(scope="module", params=MODELS)
def fit(request: Any) -> pf.Fit:
    return pf.lme(MODELS[request.param], data(), seed=2)


@pytest.fixture(scope="module")
def sleep() -> pf.Fit:
    return pf.lme("Reaction ~ Days + (Days | Subject)", pf.datasets.sleepstudy(), seed=1)


@pytest.fixture(scope="module")
def spread_out() -> pf.Fit:
    return pf.lme("Reaction ~ Days + (1 | Subject)\nsigma ~ Days", pf.datasets.sleepstudy(), seed=1)


def test_curves_of_a_model_whose_sigma_has_a_formula_are_its_predictions(spread_out: pf.Fit) -> None:
    figure = spread_out.plot_fit(groups=["308", "335"])
    curves = spread_out.curves
    found = group_curves(curves, curves.default, grouping(curves, None), ["308", "335"])
    assert found.grouping.name == "Subject"
    for i, level in enumerate(("308", "335")):
        rows = pd.DataFrame({"Days": found.curve.x, "Subject": level})
        expected = spread_out.predict(rows, interval=0.95)
        np.testing.assert_allclose(found.curve.mean[i], expected["mean"])
        np.testing.assert_allclose(found.curve.mean_band[i].T, expected[["q2.5", "q97.5"]])
        new = spread_out.predictive_interval(rows)
        # The ends of new responses are of other random numbers, of 1,000 or more draws.
        np.testing.assert_allclose(
            found.curve.new_band[i].T, new, atol=0.15 * float(np.ptp(new.to_numpy(), axis=1).min())
        )
    widths = np.ptp(found.curve.new_band[0], axis=0)
    sigma = spread_out.draws.flat("sigma_Days")
    assert (widths[-1] > widths[4]) == (sigma.mean() > 0)
    assert "308: from" in figure.words


def known_point(fit: pf.Fit) -> dict[str, Any]:
    """Return a point whose levels are those of one row of the data."""
    row = data().iloc[17]
    curves = fit.curves
    return {f.name: str(row[f.name]) for f in curves.movable.factors} | {
        c.name: float(row[c.name]) for c in curves.movable.covariates
    }


def rows_of(fit: pf.Fit, point: dict[str, Any], m: int = 1) -> pd.DataFrame:
    row = data().iloc[17]
    frame = pd.DataFrame({name: [row[name]] * m for name in data().columns})
    for covariate in fit.curves.movable.covariates:
        frame[covariate.name] = point[covariate.name]
    return frame


def test_a_point_is_what_the_fit_predicts(fit: pf.Fit) -> None:
    point = known_point(fit)
    found, new = fit.curves.at(point, 0.9, value=3.0), rows_of(fit, point)
    assert found.mean == pytest.approx(fit.predict(new).iloc[0], rel=1e-12)
    assert found.mean_interval == pytest.approx(tuple(fit.epistemic_interval(new, 0.9).iloc[0]), rel=1e-12)
    low, high = fit.predictive_interval(new, 0.9).iloc[0]
    assert found.new_interval == pytest.approx((low, high), abs=0.1 * (high - low) / 3)
    assert found.above is not None
    assert 0 < found.above < 1


def test_a_curve_is_what_the_fit_predicts_along_it(fit: pf.Fit) -> None:
    point = known_point(fit)
    curve = fit.curves.curve("x", point)
    new = rows_of(fit, point, len(curve.x)).assign(x=curve.x)
    assert (curve.x[0], curve.x[-1]) == (data().x.min(), data().x.max())
    np.testing.assert_allclose(curve.mean[0], fit.predict(new), rtol=1e-12)
    assert curve.mean_band is not None
    np.testing.assert_allclose(curve.mean_band[0].T, fit.epistemic_interval(new), rtol=1e-12)
    wide = np.ptp(fit.predictive_interval(new).to_numpy(), axis=1)
    assert np.abs(curve.new_band[0].T - fit.predictive_interval(new).to_numpy()).max() < 0.12 * wide.max()


def test_the_interval_of_a_new_response_holds_its_probability_exactly(sleep: pf.Fit) -> None:
    found = sleep.curves.at({"Days": 7, "Subject": "337"}, 0.8, value=400.0)
    b = sleep.draws["b[Subject]"].reshape(4000, 18, 2)[:, list(sleep.ranef["Subject"].index).index("337")]
    mu = sleep.draws.flat("Intercept") + b[:, 0] + 7 * (sleep.draws.flat("Days") + b[:, 1])
    sigma = sleep.draws.flat("sigma")
    for end, probability in zip(found.new_interval, (0.1, 0.9), strict=True):
        assert stats.norm.cdf((end - mu) / sigma).mean() == pytest.approx(probability, abs=1e-9)
    assert found.above == pytest.approx(stats.norm.sf((400 - mu) / sigma).mean(), rel=1e-12)
    assert np.trapezoid(found.new, found.x) == pytest.approx(1.0, abs=2e-3)


def test_a_typical_level_has_no_group_effect(sleep: pf.Fit) -> None:
    found = sleep.curves.at({"Days": 3})
    assert found.mean == pytest.approx(sleep.fixef["Intercept"] + 3 * sleep.fixef["Days"], rel=1e-12)
    some = sleep.curves.at({"Days": 3, "Subject": "308"})
    assert abs(some.mean - found.mean) > 5


def test_a_combination_that_was_not_fitted_leaves_out_its_own_effect_alone() -> None:
    fit = pf.lme(MODELS["nested"], data(), seed=2)
    name = "plate:sample" if "plate:sample" in fit.ranef else "sample:plate"
    plate = fit.ranef["plate"].loc["2", "Intercept"]
    own = fit.curves.at({"plate": "2", "sample": "5-1"}).mean - fit.curves.at({"plate": None, "sample": None}).mean
    assert own == pytest.approx(plate, rel=1e-9)
    both = fit.curves.at({"plate": "2", "sample": "2-1"}).mean - fit.curves.at({"plate": "2"}).mean
    assert both == pytest.approx(fit.ranef[name].loc["2:2-1", "Intercept"], rel=1e-9)


def test_what_can_be_moved(fit: pf.Fit) -> None:
    movable, d = fit.curves.movable, data()
    for covariate in movable.covariates:
        values = d[covariate.name]
        assert values.min() <= covariate.low < covariate.high <= values.max()
        assert covariate.low <= covariate.start <= covariate.high
        assert abs(covariate.start - values.median()) <= covariate.step
        for end in (covariate.low, covariate.start, covariate.high):
            assert end / covariate.step == pytest.approx(round(end / covariate.step), abs=1e-6)
    for factor in movable.factors:
        assert factor.levels == tuple(sorted(map(str, d[factor.name].unique())))
        common = str(d[factor.name].value_counts().index[0])
        assert factor.start == (None if factor.typical else common)
        assert factor.typical == (factor.name in ("plate", "sample"))
    whole = {c.name for c in movable.covariates if c.whole}
    assert whole == ({"dose"} if any(c.name == "dose" for c in movable.covariates) else set())


@pytest.mark.parametrize(
    ("span", "step"), [(9.0, 0.05), (100.0, 1.0), (1.0, 0.01), (0.037, 0.0002), (4e6, 20_000.0), (0.0, 1.0)]
)
def test_a_round_step(span: float, step: float) -> None:
    assert round_step(span) == pytest.approx(step)


def test_start_values_move_what_is_asked(sleep: pf.Fit) -> None:
    assert sleep.curves.movable.start == {"Days": 4.0, "Subject": None}
    assert sleep.curves.movable.point({"Subject": "309"}) == {"Days": 4.0, "Subject": "309"}


REFUSED = {
    "a column": ({"Dais": 1.0}, 'There is no column to move "Dais" in this model.', "Did you mean Days?"),
    "text": ({"Days": "many"}, "Days is moved to a number, not to 'many'.", ""),
    "infinity": ({"Days": float("inf")}, "Days is moved to a number, not to inf.", ""),
    "too far": (
        {"Days": 1e308},
        "So far from the data the model predicts no finite number.",
        "Move the covariates back",
    ),
    "a list": ({"Subject": ["309"]}, "Subject has no level \"['309']\" in this fit.", ""),
    "a level": ({"Subject": "999"}, 'Subject has no level "999" in this fit.', ""),
}


def test_a_level_is_named_as_it_stands_in_the_data(sleep: pf.Fit) -> None:
    for level in (309, np.int64(309), "309"):
        assert sleep.curves.movable.point({"Subject": level})["Subject"] == "309"  # type: ignore[dict-item]


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_moved_gets_a_sentence(case: str, sleep: pf.Fit) -> None:
    point, message, hint = REFUSED[case]
    with pytest.raises(pf.FitError) as caught:
        sleep.curves.at(point)
    assert caught.value.message == message
    assert hint in (caught.value.hint or "")


def test_a_number_outside_a_transforms_domain_gets_its_sentence() -> None:
    fit = pf.lme(MODELS["interaction and transforms"], data(), seed=2)
    with pytest.raises(pf.DataError, match="needs numbers above 0"):
        fit.curves.at({"x": -1.0})
    fit.curves.curve("x")  # the curve itself stays where the data are


def test_curves_of_groups_follow_each_groups_own_rows(sleep: pf.Fit) -> None:
    curves, d = sleep.curves, pf.datasets.sleepstudy()
    found = group_curves(curves, curves.movable.covariates[0], grouping(curves, None), ["309", "337"])
    for i, level in enumerate(found.levels):
        own = d[d.Subject.astype(str) == level]
        np.testing.assert_array_equal(found.x[i], own.Days)
        np.testing.assert_array_equal(found.y[i], own.Reaction)
        np.testing.assert_allclose(found.curve.mean[i], sleep.predict(own.sort_values("Days")), rtol=1e-12)
    assert found.counts == (10, 10)
    with pytest.raises(pf.FitError, match='Subject has no level "1"'):
        group_curves(curves, curves.movable.covariates[0], grouping(curves, None), ["1"])


def test_curves_of_nested_groups_stay_in_their_parent() -> None:
    fit = pf.lme(MODELS["nested"], data(), seed=2)
    curves = fit.curves
    names = [g.name for g in groupings(curves)]
    assert names[0] == "plate"
    assert {"sample", "dose"} <= set(names)
    chosen = next(g for g in groupings(curves) if g.name == "sample")
    level = chosen.levels[4]
    found = group_curves(curves, curves.movable.covariate("x"), chosen, [level])
    rows = data()[data()["sample"] == level]
    # The plate is the one that all rows of the sample share; doses are at the most common one.
    dose = int(rows.dose.value_counts().sort_index().idxmax())
    new = pd.DataFrame({"x": found.curve.x, "dose": dose, "plate": rows.plate.iloc[0], "sample": level})
    np.testing.assert_allclose(found.curve.mean[0], fit.predict(new), rtol=1e-12)


def test_a_sample_of_levels_holds_both_ends() -> None:
    levels = [str(i) for i in range(100)]
    assert spread(levels, 5) == ["0", "25", "50", "74", "99"]
    assert spread(levels[:3], 5) == levels[:3]


def test_a_point_fit_knows_no_error_of_its_mean() -> None:
    d = pf.datasets.sleepstudy()
    fit = pf.lme("Reaction ~ Days + (Days | Subject)", d, engine=pf.Point())
    new = pd.DataFrame({"Days": [5.0], "Subject": ["308"]})
    found = fit.curves.at({"Days": 5, "Subject": "308"})
    assert found.mean_interval is None
    assert found.mean == pytest.approx(fit.predict(new).iloc[0], rel=1e-12)
    sigma = fit.summary().loc["sigma", "estimate"]
    assert found.new_interval == pytest.approx((found.mean - 1.959964 * sigma, found.mean + 1.959964 * sigma), rel=1e-6)
    assert fit.curves.curve("Days").mean_band is None


@pytest.mark.slow
def test_a_class_of_a_frame_is_moved_by_its_columns() -> None:
    class Line(pf.Model):
        def __init__(self) -> None:
            self.w = pf.Parameter([2, 1], prior=pf.Normal(0, 10))
            self.s = pf.ScaleParameter()

        def __call__(self, x: Any) -> Any:
            return pf.Normal(x @ self.w(), self.s())

    rng = np.random.default_rng(1)
    x = pd.DataFrame({"one": np.ones(60), "slope": rng.uniform(0, 5, 60)})
    y = 1 + 2 * x["slope"].to_numpy() + rng.normal(0, 0.5, 60)
    fit = Line().fit(x, y, engine=pf.VI(steps=400), seed=1)
    found = fit.curves.at({"one": 1.0, "slope": 3.0}, value=7.0)
    new = pd.DataFrame({"one": [1.0], "slope": [3.0]})
    assert found.mean == pytest.approx(float(fit.predict(new).iloc[0]), rel=1e-6)
    low, high = fit.predictive_interval(new).iloc[0]
    assert found.new_interval == pytest.approx((low, high), abs=0.15 * (high - low))


def test_a_class_of_arrays_says_that_its_inputs_have_no_names() -> None:
    class Level(pf.Model):
        def __init__(self) -> None:
            self.m = pf.Parameter(prior=pf.Normal(0, 10))

        def __call__(self, x: Any) -> Any:
            return pf.Normal(self.m() + 0.0 * x[:, :1], 1.0)

    fit = Level().fit(np.zeros((30, 1)), np.random.default_rng(0).normal(size=30), engine=pf.VI(steps=50), seed=1)
    with pytest.raises(pf.FitError, match="no covariates that can be moved one by one"):
        fit.plot_fit()


def test_bands_of_new_responses_hold_new_responses() -> None:
    """In a small simulation, 90% of fresh rows of known groups lie in the 90% band of new responses."""
    rng = np.random.default_rng(8)
    inside = []
    for repeat in range(4):
        x, g = rng.uniform(0, 4, 400), np.repeat(np.arange(10), 40)
        b = rng.normal(0, 1.0, 10)
        d = pd.DataFrame({"x": x, "g": g, "y": 1 + 0.8 * x + b[g] + rng.normal(0, 0.6, 400)})
        fit = pf.lme("y ~ x + (1 | g)", d, seed=repeat)
        for level in range(10):
            curve = fit.curves.curve("x", {"g": str(level)}, 0.9)
            fresh = rng.uniform(curve.x[0], curve.x[-1], 100)
            y = 1 + 0.8 * fresh + b[level] + rng.normal(0, 0.6, 100)
            low, high = (np.interp(fresh, curve.x, end) for end in curve.new_band[0])
            inside.append(np.mean((y > low) & (y < high)))
    assert np.mean(inside) == pytest.approx(0.9, abs=0.02)


def test_a_normal_mixture_far_from_normal_is_solved_too() -> None:
    mean = np.concatenate([np.full(500, -8.0), np.full(500, 5.0)])[:, None]
    made = NormalMixture(mean, np.full_like(mean, 0.5))
    low, high = made.quantiles((0.025, 0.975))[:, 0]
    assert low == pytest.approx(-8 + 0.5 * stats.norm.ppf(0.05), abs=1e-6)
    assert high == pytest.approx(5 + 0.5 * stats.norm.ppf(0.95), abs=1e-6)


def test_counts_are_shown_number_by_number() -> None:
    drawn = np.array([0.0, 1, 1, 3])[:, None]
    made = DrawnMixture(drawn, drawn)
    x, share = made.density(0)
    assert x.tolist() == [0, 1, 2, 3]
    assert share.tolist() == [0.25, 0.5, 0.0, 0.25]
    assert made.above(1.0).tolist() == [0.25]


# Figures ----------------------------------------------------------------------------------------------------------


def test_the_figure_has_a_panel_a_level(sleep: pf.Fit) -> None:
    figure = sleep.plot_fit()
    assert len(figure.axes) == 18
    words = {text.get_text() for text in figure.texts}
    assert {"Reaction", "Days", "18 levels of Subject, 95% of the mean and of new responses"} <= words
    line = figure.axes[0].lines[-2].get_ydata()
    np.testing.assert_allclose(line, sleep.curves.curve("Days", {"Subject": "308"}).mean[0])
    assert len(sleep.plot_fit(groups=["309", "337"]).axes) == 2
    assert len(sleep.plot_fit("Days", "309", by="Subject").axes) == 1


def test_large_factors_show_a_sample_and_say_so() -> None:
    rng = np.random.default_rng(0)
    d = pd.DataFrame({"g": np.repeat(np.arange(60), 4), "x": rng.normal(size=240)})
    d["y"] = d.x + rng.normal(0, 1, 60)[d.g] + rng.normal(size=240)
    figure = pf.lme("y ~ x + (1 | g)", d, seed=1).plot_fit()
    assert len(figure.axes) == 24
    assert "24 of 60 levels of g, 95% of the mean and of new responses" in {t.get_text() for t in figure.texts}


def test_without_a_covariate_observed_stands_against_fitted() -> None:
    fit = pf.lme("Yield ~ 1 + (1 | Batch)", pf.datasets.Dyestuff(), seed=1)
    axes = fit.plot_fit().axes[0]
    np.testing.assert_allclose(axes.lines[-1].get_xdata(), fit.predict())
    with pytest.raises(pf.FitError, match="no numeric covariate"):
        fit.plot_fit(groups=["A"])


def test_hostile_names_are_drawn_as_they_are() -> None:
    names = ["$x_1$ & <b>", "\u202egrün\x00", "a" * 10_000]
    d = pd.DataFrame({"x": np.tile(np.arange(8.0), 3), "g": np.repeat(names, 8)})
    d["y"] = d.x + np.random.default_rng(0).normal(size=24)
    figure = pf.lme("y ~ x + (1 | g)", d, seed=1).plot_fit()
    figure.canvas.draw()
    assert len(figure.axes) == 3
    shown = [axes.texts[-1].get_text() for axes in figure.axes]
    assert "$x_1$ & <b>" in shown
    assert all(len(text) < 100 for text in shown)


def test_sliders_need_the_notebook_extension(sleep: pf.Fit) -> None:
    interactive.explore_by(None)
    with pytest.raises(pf.FitError) as caught:
        sleep.explore()
    assert caught.value.hint == "Run %load_ext probflow_nb in a cell first."


def test_later_changes_of_the_data_change_nothing() -> None:
    d = {"x": np.arange(40.0), "g": np.repeat(["a", "b", "c", "d"], 10), "y": np.random.default_rng(0).normal(size=40)}
    fit = pf.lme("y ~ x + (1 | g)", d, seed=1)
    before = fit.curves.at({})
    d["x"][:] = -1.0
    again = Curves(fit.model, fit.answer, fit.seed, fit._values)
    assert again.movable.start == fit.curves.movable.start
    assert again.at({}).mean == before.mean
