"""Means, contrasts, slopes, shares of variance and hypotheses: against emmeans, performance and closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import probflow_nb as pf
from probflow_nb.errors import FitError
from probflow_nb.fit.claim_text import read_claim, read_claims
from probflow_nb.fit.contrast_kinds import differences
from probflow_nb.fit.savage_dickey import density_at_zero

REFERENCE = pd.read_csv(Path(__file__).parent / "reference" / "margins.csv")
DATA = pf.datasets
SLEEP = "Reaction ~ Days + (Days | Subject)"
_COLUMNS = ["estimate", "se", "lower", "upper"]


def told(case: str, question: str) -> pd.DataFrame:
    rows = REFERENCE[(REFERENCE.case == case) & (REFERENCE.question == question)]
    assert len(rows)
    return rows


@pytest.fixture(scope="module")
def points() -> dict[str, pf.Fit]:
    epilepsy = DATA.epilepsy().assign(Trt=lambda d: d.Trt.astype(str))
    return {
        "use": pf.lme(
            "use ~ age + I(age^2) + urban * livch + (1 | district)",
            DATA.Contraception(), family="binomial", engine=pf.Point(),
        ),
        "seizures": pf.lme(
            "count ~ log(Base) * Trt + log(Age) + (1 | patient)", epilepsy, family="poisson", engine=pf.Point()
        ),
        "radon": pf.lme(
            "log_radon ~ floor * log_uranium + (floor | county)", DATA.radon(), engine=pf.Point(reml=False)
        ),
        "sleep": pf.lme("Reaction ~ poly(Days, 2) + (Days | Subject)", DATA.sleepstudy(), engine=pf.Point(reml=True)),
        "age": pf.lme(
            "age ~ using * livch + urban + (1 | district)",
            DATA.Contraception().assign(using=lambda d: d.use), engine=pf.Point(reml=True),
        ),
        "sick": pf.lme("incidence / size ~ period + (1 | herd)", DATA.cbpp(), family="binomial", engine=pf.Point()),
        "linear": pf.lme(SLEEP, DATA.sleepstudy(), engine=pf.Point(reml=True)),
    }  # fmt: skip


@pytest.fixture(scope="module")
def sleep() -> pf.Fit:
    return pf.lme(SLEEP, DATA.sleepstudy(), seed=1)


# How near estimates and standard errors are, relative. Estimates of lmer agree to 1e-6, those of glmer with tolPwrss at
# the precision of numbers to 1e-5, or 5e-5 where one is near 0; its standard errors rest on a Hessian by finite
# differences of the deviance.
QUESTIONS: list[tuple[str, str, Callable[[pf.Fit], pd.DataFrame], float, float]] = [
    ("radon", "means floor", lambda f: f.means("floor"), 1e-6, 1e-6),
    ("radon", "means overall", lambda f: f.means(), 1e-6, 1e-6),
    ("radon", "slopes log_uranium by floor", lambda f: f.slopes("log_uranium", by="floor"), 2e-6, 1e-6),
    ("sleep", "means Days at 0 4.5 9", lambda f: f.means("Days", at={"Days": [0, 4.5, 9]}), 1e-6, 1e-6),
    ("age", "means livch", lambda f: f.means("livch"), 1e-6, 1e-6),
    ("age", "means livch proportional", lambda f: f.means("livch", weights="proportional"), 1e-6, 1e-6),
    ("age", "means using by livch", lambda f: f.means("using", by="livch"), 1e-6, 1e-6),
    ("age", "contrasts using by livch", lambda f: f.contrasts("using", by="livch"), 1e-6, 1e-6),
    ("age", "contrasts livch revpairwise", lambda f: f.contrasts("livch", kind="revpairwise"), 1e-6, 1e-6),
    ("age", "contrasts livch consecutive", lambda f: f.contrasts("livch", kind="consecutive"), 1e-6, 1e-6),
    ("use", "means livch by urban", lambda f: f.means("livch", by="urban"), 1e-5, 1e-3),
    ("use", "means livch by urban link", lambda f: f.means("livch", by="urban", scale="link"), 2e-5, 1e-3),
    ("use", "means livch", lambda f: f.means("livch"), 5e-6, 1e-3),
    ("use", "contrasts livch link", lambda f: f.contrasts("livch", scale="link"), 5e-5, 1e-3),
    ("use", "contrasts livch by urban ratio", lambda f: f.contrasts("livch", "urban", scale="ratio"), 2e-5, 1e-3),
    (
        "use", "contrasts livch sum-to-mean link",
        lambda f: f.contrasts("livch", kind="sum-to-mean", scale="link"), 1e-5, 1e-3,
    ),
    (
        "use", "contrasts livch treatment link",
        lambda f: f.contrasts("livch", kind="treatment", scale="link"), 1e-5, 1e-3,
    ),
    (
        "use", "slopes age at 5 and livch 2 by urban",
        lambda f: f.slopes("age", by="urban", at={"age": 5, "livch": "2"}), 5e-5, 1e-3,
    ),
    (
        "use", "slopes age at 5 by urban link",
        lambda f: f.slopes("age", by="urban", at={"age": 5}, scale="link"), 5e-5, 1e-3,
    ),
    ("sick", "means period link", lambda f: f.means("period", scale="link"), 1e-6, 5e-4),
    ("sick", "means period", lambda f: f.means("period"), 1e-6, 5e-4),
    ("sick", "contrasts period", lambda f: f.contrasts("period"), 1e-6, 5e-4),
    (
        "sick", "contrasts period ratio",
        lambda f: f.contrasts("period", kind="treatment", scale="ratio"), 1e-6, 5e-4,
    ),
    ("seizures", "means Trt", lambda f: f.means("Trt"), 1e-6, 1e-3),
    (
        "seizures", "slopes Base at 20 by Trt link",
        lambda f: f.slopes("Base", by="Trt", at={"Base": 20}, scale="link"), 2e-6, 1e-3,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("case", "question", "ask", "near", "near_se"), QUESTIONS, ids=[q[1] for q in QUESTIONS])
def test_point_fits_have_the_means_of_emmeans(points, case, question, ask, near, near_se):
    expected = told(case, question)
    found = ask(points[case])
    assert list(found.columns) == ["estimate", "se", "q2.5", "q97.5"]
    np.testing.assert_allclose(found["estimate"], expected.estimate, rtol=near)
    np.testing.assert_allclose(found["se"], expected.se, rtol=near_se)
    # An end is as near as the centre and twice the error are.
    room = near * expected.estimate.abs() + 2.5 * near_se * expected.se
    for mine, theirs in (("q2.5", "lower"), ("q97.5", "upper")):
        assert (np.abs(found[mine].to_numpy() - expected[theirs].to_numpy()) <= room.to_numpy()).all()


def test_a_posterior_with_flat_priors_has_the_mean_of_a_balanced_design():
    """Of a balanced design and flat priors E[y at Days 4.5] is the grand mean whatever the variances are, and its
    variance their posterior mean of Var = (a^2 + 2 * 4.5 r a b + 4.5^2 b^2 + sigma^2 / 10) / 18."""
    fit = pf.lme(f"{SLEEP}\nIntercept ~ Flat()\nDays ~ Flat()", DATA.sleepstudy(), seed=2)
    flat = {name: fit.draws.flat(name) for name in fit.draws.names}
    a, b, r = flat["sd(Intercept | Subject)"], flat["sd(Days | Subject)"], flat["cor(Intercept, Days | Subject)"]
    expected = math.sqrt(np.mean(a**2 + 9 * r * a * b + 20.25 * b**2 + flat["sigma"] ** 2 / 10) / 18)
    found = fit.means()
    assert abs(found["mean"].iloc[0] - DATA.sleepstudy().Reaction.mean()) < 4 * expected / math.sqrt(len(a))
    np.testing.assert_allclose(found["sd"], expected, rtol=4 / math.sqrt(2 * len(a)))
    drawn = fit.means("Days", at={"Days": [0, 9]}, draws=True).to_numpy()
    np.testing.assert_allclose(drawn[:, 1] - drawn[:, 0], 9 * flat["Days"])
    difference = fit.contrasts("Days", at={"Days": [0, 9]}, draws=True).to_numpy()[:, 0]
    np.testing.assert_allclose(difference, drawn[:, 0] - drawn[:, 1])


SHARES = [("linear", 1e-6), ("radon", 1e-6), ("age", 2e-6), ("use", 5e-6)]


@pytest.mark.parametrize(("case", "near"), SHARES)
def test_shares_of_variance_are_those_of_performance(points, case, near):
    fit = points[case]
    r2, icc, parts = fit.r2()["estimate"], fit.icc()["estimate"], fit.variance_partition()[("variance", "estimate")]
    for question, value in {
        "R2 marginal": r2["marginal"], "R2 conditional": r2["conditional"], "ICC adjusted": icc["adjusted"],
        "ICC unadjusted": icc["unadjusted"], "variance fixed": parts.iloc[0], "variance groups": parts.iloc[1],
        "variance residual": parts.iloc[-1],
    }.items():  # fmt: skip
        assert value == pytest.approx(told(case, question).estimate.iloc[0], rel=near), question


def test_shares_of_a_posterior_are_worked_out_draw_by_draw(sleep):
    """By hand: z = (1, Days) over Days 0..9 has E Days = 4.5 and E Days^2 = 28.5, var(Days) over 180 rows."""
    flat = {name: sleep.draws.flat(name) for name in sleep.draws.names}
    a, b, r = flat["sd(Intercept | Subject)"], flat["sd(Days | Subject)"], flat["cor(Intercept, Days | Subject)"]
    groups = a**2 + 2 * 4.5 * r * a * b + 28.5 * b**2
    fixed = flat["Days"] ** 2 * np.tile(np.arange(10), 18).var(ddof=1)
    all_of_it = fixed + groups + flat["sigma"] ** 2
    drawn = sleep.r2(draws=True)
    np.testing.assert_allclose(drawn["marginal"], fixed / all_of_it, rtol=1e-9)
    np.testing.assert_allclose(drawn["conditional"], (fixed + groups) / all_of_it, rtol=1e-9)
    np.testing.assert_allclose(sleep.icc(draws=True)["adjusted"], groups / (groups + flat["sigma"] ** 2), rtol=1e-9)
    shares = sleep.variance_partition()["share"]["mean"]
    assert shares.sum() == pytest.approx(1.0)


def test_the_variance_of_counts_is_that_of_their_lognormal_mean(points):
    """log(1 + 1 / m), m the mean of exp(eta + tau^2 / 2) over the rows (Nakagawa et al. 2017, eq. 5.8 and table 1)."""
    fit = points["seizures"]
    tau = fit.summary()["estimate"]["sd(Intercept | patient)"]
    m = np.exp(fit.model.design.X @ fit.fixef.to_numpy() + tau**2 / 2).mean()
    assert fit.variance_partition()[("variance", "estimate")].iloc[-1] == pytest.approx(math.log1p(1 / m), rel=1e-9)


def test_standardised_coefficients_are_those_of_standardised_columns():
    data = DATA.radon()
    plain = pf.lme("log_radon ~ floor + log_uranium + (1 | county)", data, engine=pf.Point(reml=False))
    scaled = data.assign(
        **{c: (data[c] - data[c].mean()) / data[c].std() for c in ("floor", "log_uranium", "log_radon")}
    )
    same = pf.lme("log_radon ~ floor + log_uranium + (1 | county)", scaled, engine=pf.Point(reml=False))
    found = plain.standardized()
    np.testing.assert_allclose(found["estimate"], same.fixef[1:], rtol=1e-4)
    np.testing.assert_allclose(found["se"], same.se[1:], rtol=1e-3)


def test_a_hypothesis_is_the_share_of_the_draws(sleep):
    days, sigma = sleep.draws.flat("Days"), sleep.draws.flat("sigma")
    found = sleep.hypothesis("2 * Days > sigma - 5")
    d = 2 * days - (sigma - 5)
    assert (found.estimate, found.sd, found.above) == pytest.approx((d.mean(), d.std(ddof=1), (d > 0).mean()))
    assert (found.lower, found.upper) == pytest.approx(tuple(np.quantile(d, [0.025, 0.975])))
    assert found.odds == pytest.approx((d > 0).mean() / (d <= 0).mean())
    assert sleep.probability("8 < Days <= 12 & sigma < 26") == ((days > 8) & (days <= 12) & (sigma < 26)).mean()
    assert sleep.probability("cor(Intercept,Days|Subject) > 0") == (sleep.draws.flat(sleep.draws.names[4]) > 0).mean()


def test_a_point_fit_tests_sums_of_coefficients(points):
    fit = points["linear"]
    c, V = np.array([1.0, 9.0]), fit.answer.covariance
    found = fit.hypothesis("Intercept + 9*Days = 350")
    assert found.estimate == pytest.approx(c @ fit.fixef.to_numpy() - 350)
    assert found.sd == pytest.approx(math.sqrt(c @ V @ c))
    assert found.above is None
    with pytest.raises(FitError, match="point fit"):
        fit.hypothesis("sigma > 20")
    with pytest.raises(FitError, match="point fit"):
        fit.probability("Days > 0")


def test_the_savage_dickey_ratio_is_the_bayes_factor_of_the_model_without_the_term():
    """A term with a prior that is independent of all others: BF = p(y | no term) / p(y | term)."""
    data = DATA.sleepstudy().assign(c=lambda d: d.Days - 4.5)
    rest = "Intercept ~ Normal(300, 100)\nc ~ Normal(0, 50)\n"
    wide = pf.lme(f"Reaction ~ c + I(c^2) + (c | Subject)\n{rest}I(c^2) ~ Normal(0, 1)", data, seed=3)
    none = pf.lme(f"Reaction ~ c + (c | Subject)\n{rest}", data, seed=3)
    expected = math.exp(none.log_evidence.value - wide.log_evidence.value)
    found = wide.hypothesis("I(c^2) = 0")
    error = math.hypot(found.error, none.log_evidence.error, wide.log_evidence.error)
    assert found.ratio is not None
    assert abs(math.log(found.ratio / expected)) < 0.02 + 4 * error


@pytest.mark.parametrize("centre", [0.0, 1.0, 2.0, 2.5])
def test_the_density_at_zero_of_normal_draws_is_theirs(centre):
    draws = np.random.default_rng(5).normal(centre, 1.0, 4000)
    value, error, _ = density_at_zero(draws)
    assert abs(value / stats.norm.pdf(centre) - 1) < 4 * error + 0.02


def test_the_density_of_scales_ends_at_zero():
    draws = np.abs(np.random.default_rng(5).normal(0.0, 2.0, 20_000))
    assert density_at_zero(draws, edge=True)[0] == pytest.approx(2 * stats.norm.pdf(0, 0, 2), rel=0.03)


@pytest.mark.parametrize(
    ("text", "said", "caret"),
    [
        ("Dayz = 0", "no parameter", "Dayz"),
        ("Days + nothing > 0", "no parameter", "nothing"),
        ("Days > 0 > 1", "second", ">"),
        ("Days >", "empty", None),
        ("", "empty", None),
        ("Days : sigma = 0", "arithmetic", "Days : sigma"),
        ("__import__('os') = 0", "no parameter", "__import__('os')"),
        ("Days = 2)", "closes nothing", ")"),
    ],
)
def test_a_claim_that_means_nothing_has_carets(sleep, text, said, caret):
    with pytest.raises(FitError) as caught:
        sleep.hypothesis(text)
    assert said in caught.value.message
    if caret is not None:
        span = caught.value.span
        assert text[span.start : span.stop] == caret


def test_claims_are_split_outside_of_brackets():
    one = read_claim("`a = b` + w[x > y] = poly(x, degree = 2)[1]")
    assert one.sign == "="
    assert [r.sign for r in read_claims("0 < a <= b & c > 1")] == ["<", "<=", ">"]


@pytest.mark.parametrize(
    ("kind", "rows", "first"),
    [
        ("pairwise", [[1, -1, 0], [1, 0, -1], [0, 1, -1]], "a - b"),
        ("revpairwise", [[-1, 1, 0], [-1, 0, 1], [0, -1, 1]], "b - a"),
        ("treatment", [[-1, 1, 0], [-1, 0, 1]], "b - a"),
        ("consecutive", [[-1, 1, 0], [0, -1, 1]], "b - a"),
        ("sum-to-mean", np.eye(3) - 1 / 3, "a - mean"),
    ],
)
def test_kinds_of_contrasts(kind, rows, first):
    C, words = differences(["a", "b", "c"], kind)
    np.testing.assert_allclose(C, rows)
    assert words[0] == first


def test_a_mean_that_no_rows_tell_is_not_a_number():
    """Without rows of (b, y) the interaction of that cell is left out: emmeans says nonEst, as of its margin."""
    rng = np.random.default_rng(4)
    cells = [("a", "x"), ("a", "y"), ("b", "x"), ("c", "x"), ("c", "y")]
    data = pd.DataFrame([(*cells[i % 5], f"g{i % 6}", rng.normal()) for i in range(120)], columns=["f", "h", "g", "y"])
    fit = pf.lme("y ~ f * h + (1 | g)", data, engine=pf.Point())
    means = fit.means("f", by="h")["estimate"]
    assert means.isna().sum() == 1
    assert np.isnan(means[("y", "b")])
    assert list(fit.means("f")["estimate"].isna()) == [False, True, False]
    observed = data.groupby(["h", "f"]).y.mean()
    np.testing.assert_allclose(means.dropna(), observed, atol=0.15)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda f: f.means("Subject"), "grouping factor"),
        (lambda f: f.means("Dayz"), "no column"),
        (lambda f: f.means("Days", at={"Days": "x"}), "number"),
        (lambda f: f.means("Days", scale="log"), "scale"),
        (lambda f: f.contrasts("Days"), "nothing to compare"),
        (lambda f: f.contrasts("Days", at={"Days": [0, 9]}, kind="all"), "kind"),
        (lambda f: f.contrasts("Days", at={"Days": [0, 9]}, scale="ratio"), "ratio"),
        (lambda f: f.slopes("Days", over="all"), "over"),
        (lambda f: f.means("Days", interval=2), "between 0 and 1"),
        (lambda f: f.means(3), "texts"),
    ],
)
def test_what_cannot_be_explained_is_said(sleep, ask, said):
    with pytest.raises(FitError, match=said):
        ask(sleep)


def test_the_average_slope_of_rows_is_a_difference_of_predictions(points):
    """By brute force: predictions of all rows moved by a little, group effects 0, for a family with a curved link."""
    fit = points["use"]
    found = fit.slopes("age", over="rows")["estimate"].iloc[0]
    X, beta = fit.model.design.X, fit.fixef
    eta = X @ beta.to_numpy()
    p = 1 / (1 + np.exp(-eta))
    age = X[:, list(beta.index).index("age")]
    expected = np.mean(p * (1 - p) * (beta["age"] + 2 * age * beta["I(age**2)"]))
    assert found == pytest.approx(expected, rel=1e-5)
