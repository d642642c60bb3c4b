"""sleepstudy as a formula, as statements and as a class of one's own: one posterior by every engine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb.posterior import diagnostics

FORMULA = """
Reaction ~ Days + (Days | Subject)
Intercept ~ Normal(250, 100)
Days ~ Normal(0, 20)
sd(Intercept | Subject) ~ HalfNormal(50)
sd(Days | Subject) ~ HalfNormal(10)
cor(Subject) ~ LKJ(2)
sigma ~ HalfNormal(50)
"""

STATEMENTS = """
X = design(1 + Days)
Z = design(1 + Days) by Subject
w[Intercept] ~ Normal(250, 100)
w[Days] ~ Normal(0, 20)
tau[Intercept] ~ HalfNormal(50)
tau[Days] ~ HalfNormal(10)
R ~ LKJ(2)
u ~ MultivariateNormal(0, sd = tau, cor = R)
sigma ~ HalfNormal(50)
Reaction ~ Normal(X @ w + Z @ u, sigma)
"""


class Sleep(pf.Model):
    """The same, written by hand."""

    def __init__(self):
        self.w = pf.Parameter([2, 1], prior=pf.Normal([[250.0], [0.0]], [[100.0], [20.0]]))
        self.tau = pf.ScaleParameter([2], prior=pf.HalfNormal([50.0, 10.0]))
        self.R = pf.CorrelationParameter(2, prior=pf.LKJ(2.0))
        self.u = pf.Parameter([18, 2], prior=pf.MultivariateNormal(0.0, sd=self.tau, cor=self.R))
        self.sigma = pf.ScaleParameter([1, 1], prior=pf.HalfNormal(50.0))

    def __call__(self, x):
        Z = pf.indicators(x[:, 2], z=x[:, :2], levels=18)
        return pf.Normal(x[:, :2] @ self.w() + Z @ self.u(), self.sigma())


# What each spelling calls the scalars.
NAMES = {
    "formula": (
        "Intercept",
        "Days",
        "sd(Intercept | Subject)",
        "sd(Days | Subject)",
        "cor(Intercept, Days | Subject)",
        "sigma",
    ),
    "statements": ("w[Intercept]", "w[Days]", "tau[Intercept]", "tau[Days]", "R[Intercept, Days]", "sigma"),
    "class": ("w[0]", "w[1]", "tau[0]", "tau[1]", "R[1, 0]", "sigma"),
}


def by_text(text: str) -> Callable[[object, int], pf.Fit]:
    def fit(engine: object, seed: int) -> pf.Fit:
        return pf.lme(text, pf.datasets.sleepstudy(), engine=engine, seed=seed)

    return fit


def by_class(engine: object, seed: int) -> pf.Fit:
    data = pf.datasets.sleepstudy()
    days = np.asarray(data["Days"], float)
    subject = np.unique(np.asarray(data["Subject"]), return_inverse=True)[1]
    x = np.column_stack([np.ones(len(days)), days, subject])
    return Sleep().fit(x, data["Reaction"], engine=engine, seed=seed)


SPELLINGS: dict[str, Callable[[object, int], pf.Fit]] = {
    "formula": by_text(FORMULA),
    "statements": by_text(STATEMENTS),
    "class": by_class,
}


def draws_of(spelling: str, engine: object, seed: int) -> dict[str, np.ndarray]:
    """Return the draws (chain, draw) of every scalar and effect, under the formula's names."""
    fit = SPELLINGS[spelling](engine, seed)
    own = NAMES[spelling]
    known = {name: fit.draws[name] for name in fit.draws.names}
    found = {name: known[mine] for name, mine in zip(NAMES["formula"], own, strict=True)}
    assert len(known) == len(own)
    effects = fit.draws.effects[0]
    b = fit.draws[effects.name]
    return {**found, **{f"b[{j}, {c}]": b[:, :, j, c] for j in range(18) for c in range(2)}}


def apart(one: dict[str, np.ndarray], other: dict[str, np.ndarray], errors: float, rtol: float) -> list[str]:
    """Return the scalars whose means differ by more than Monte Carlo error, or whose sds by more than rtol."""
    wrong = []
    for name in one:
        a, b = one[name], other[name]
        error = np.hypot(diagnostics.mcse_mean(a), diagnostics.mcse_mean(b))
        gap, ratio = abs(a.mean() - b.mean()) / error, a.std() / b.std()
        if gap > errors or abs(ratio - 1) > rtol:
            wrong.append(f"{name}: means {gap:.1f} errors apart, sds {ratio:.3f}")
    return wrong


def test_the_statements_are_the_formula_to_the_last_digit() -> None:
    one, other = (draws_of(name, pf.Exact(draws=1000), 3) for name in ("formula", "statements"))
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_the_class_has_the_posterior_of_the_formula_by_exact() -> None:
    one, other = draws_of("formula", pf.Exact(draws=20_000), 1), draws_of("class", pf.Exact(draws=20_000), 2)
    assert apart(one, other, 4.5, 0.04) == []


def test_the_evidence_is_the_same() -> None:
    one, other = (SPELLINGS[name](pf.Exact(draws=4000), 4).log_evidence for name in ("formula", "class"))
    assert abs(one.value - other.value) < 4.5 * np.hypot(one.error, other.error)


@pytest.mark.slow
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_nuts_gives_the_posterior_of_exact(spelling: str) -> None:
    exact = draws_of("formula", pf.Exact(draws=20_000), 1)
    assert apart(draws_of(spelling, pf.NUTS(draws=12_000), 1), exact, 4.5, 0.06) == []


@pytest.mark.slow
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_structured_vi_gives_the_posterior_of_exact(spelling: str) -> None:
    exact = draws_of("formula", pf.Exact(draws=20_000), 1)
    own = draws_of(spelling, pf.VI(rank="structured", draws=20_000, corrected=True), 1)
    wrong = []
    for name, truth in exact.items():
        gap, ratio = (own[name].mean() - truth.mean()) / truth.std(), own[name].std() / truth.std()
        if abs(gap) > 0.1 or abs(ratio - 1) > 0.1:
            wrong.append(f"{name}: mean off by {gap:.2f} sd, sd {ratio:.3f} of what it is")
    assert wrong == []
