"""Programs of statements: their log densities against scipy, their shapes and names, and faults with their places."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import special, stats

from probflow_nb import api, datasets
from probflow_nb.errors import ProbflowError
from probflow_nb.lang import parse
from probflow_nb.model.program import Program
from probflow_nb.model.statements import program
from probflow_nb.spec import lower
from probflow_nb.spec.statements import read_statements

RNG = np.random.default_rng(3)
N = 40
FRAME = pd.DataFrame(
    {
        "x": RNG.normal(size=N),
        "g": RNG.permutation(np.repeat(["a", "b", "c", "d"], N // 4)),
        "k": RNG.integers(0, 4, N),
        "n": RNG.integers(4, 9, N),
        "b01": RNG.integers(0, 2, N),
        "pos": RNG.gamma(3.0, size=N),
        "unit": RNG.beta(2.0, 3.0, size=N),
        "y": RNG.normal(size=N),
    }
)
FRAME["area"] = FRAME.g.map({"a": 0.1, "b": -1.0, "c": 2.0, "d": 0.4})
X = np.column_stack([np.ones(N), FRAME.x])
LEVEL = pd.Categorical(FRAME.g).codes


def make(text: str, data: object = FRAME, **arrays: object) -> Program:
    """Return the program of statements, also of those that mean a formula."""
    return program(read_statements(parse(text)), data, arrays)


def log_joint(model: Program, values: dict[str, object]) -> float:
    return float(model.log_joint({name: np.asarray(value, dtype=float) for name, value in values.items()}))


W, S, U = np.array([0.3, -0.7]), 0.8, np.array([0.5, -0.2, 0.1, -0.9])
ETA = X @ W
GROUPED = ETA + U[LEVEL]
HEAD = "X = design(1 + x)\nw ~ Normal(0, 2)\n"
PRIOR_W = stats.norm(0, 2).logpdf(W).sum()
Y = {name: FRAME[name].to_numpy() for name in FRAME if name != "g"}


def nb(y: np.ndarray, mean: np.ndarray, shape: float) -> float:
    return stats.nbinom(shape, shape / (shape + mean)).logpmf(y).sum()


def beta(y: np.ndarray, mean: np.ndarray, precision: float) -> float:
    return stats.beta(mean * precision, (1 - mean) * precision).logpdf(y).sum()


LIKELIHOODS = {
    "y ~ Normal(X @ w, s)": stats.norm(ETA, S).logpdf(Y["y"]).sum(),
    "y ~ Normal(X @ w, s * exp(x / 2))": stats.norm(ETA, S * np.exp(Y["x"] / 2)).logpdf(Y["y"]).sum(),
    "y ~ Normal(mean = w[x] * x + 2 * w[Intercept], sd = s)": stats.norm(W[1] * Y["x"] + 2 * W[0], S)
    .logpdf(Y["y"])
    .sum(),
    "y ~ StudentT(4, X @ w, s)": stats.t(4, ETA, S).logpdf(Y["y"]).sum(),
    "y ~ Cauchy(X @ w, s)": stats.cauchy(ETA, S).logpdf(Y["y"]).sum(),
    "y ~ Laplace(X @ w, s)": stats.laplace(ETA, S).logpdf(Y["y"]).sum(),
    "y ~ Logistic(X @ w, s)": stats.logistic(ETA, S).logpdf(Y["y"]).sum(),
    "log(pos) ~ Normal(X @ w, s)": stats.norm(ETA, S).logpdf(np.log(Y["pos"])).sum(),
    "pos ~ LogNormal(X @ w, s)": stats.lognorm(S, scale=np.exp(ETA)).logpdf(Y["pos"]).sum(),
    "pos ~ Gamma(s, log = X @ w)": stats.gamma(S, scale=np.exp(ETA) / S).logpdf(Y["pos"]).sum(),
    "pos ~ Gamma(s, exp(X @ w))": stats.gamma(S, scale=np.exp(-ETA)).logpdf(Y["pos"]).sum(),
    "pos ~ Exponential(s * exp(X @ w))": stats.expon(scale=np.exp(-ETA) / S).logpdf(Y["pos"]).sum(),
    "pos ~ Weibull(s, exp(X @ w))": stats.weibull_min(S, scale=np.exp(ETA)).logpdf(Y["pos"]).sum(),
    "pos ~ InverseGamma(s, exp(X @ w))": stats.invgamma(S, scale=np.exp(ETA)).logpdf(Y["pos"]).sum(),
    "pos ~ HalfNormal(s * exp(X @ w))": stats.halfnorm(scale=S * np.exp(ETA)).logpdf(Y["pos"]).sum(),
    "b01 ~ Bernoulli(logit = s * (X @ w))": stats.bernoulli(special.expit(S * ETA)).logpmf(Y["b01"]).sum(),
    "b01 ~ Bernoulli(inv_probit(s * (X @ w)))": stats.bernoulli(stats.norm.cdf(S * ETA)).logpmf(Y["b01"]).sum(),
    "b01 ~ Bernoulli(p = inv_cloglog(s * (X @ w)))": stats.bernoulli(-np.expm1(-np.exp(S * ETA)))
    .logpmf(Y["b01"])
    .sum(),
    "k ~ Binomial(n, logit = s * (X @ w))": stats.binom(Y["n"], special.expit(S * ETA)).logpmf(Y["k"]).sum(),
    "k ~ Poisson(log = X @ w + log(n) + s)": stats.poisson(Y["n"] * np.exp(ETA + S)).logpmf(Y["k"]).sum(),
    "k ~ Poisson(s + softplus(X @ w))": stats.poisson(S + np.logaddexp(0, ETA)).logpmf(Y["k"]).sum(),
    "k ~ NegativeBinomial(log = X @ w, shape = s)": nb(Y["k"], np.exp(ETA), S),
    "unit ~ Beta(logit = X @ w, precision = s)": beta(Y["unit"], special.expit(ETA), S),
    "unit ~ Beta(exp(X @ w), s)": stats.beta(np.exp(ETA), S).logpdf(Y["unit"]).sum(),
}


@pytest.mark.parametrize("text", LIKELIHOODS)
def test_the_log_density_is_that_of_scipy(text):
    expected = LIKELIHOODS[text] + PRIOR_W + stats.halfnorm(scale=3).logpdf(S)
    # w must be used after `@` to have its two elements.
    text = text.replace("2 * w[Intercept]", "2 * w[Intercept] + 0 * (X @ w)")
    model = make(f"{HEAD}s ~ HalfNormal(3)\n{text}")
    assert math.isclose(log_joint(model, {"w": W, "s": S}), expected, rel_tol=1e-10)


TAU2, COR = np.array([0.6, 1.4]), np.array([[1.0, 0.35], [0.35, 1.0]])
B = RNG.normal(size=(4, 2))
BY = ETA + B[LEVEL, 0] + B[LEVEL, 1] * Y["x"]
LKJ2 = math.log((1 - 0.35**2) / (4 / 3))  # eta = 2, k = 2: (1 - r^2) / (4 / 3)
S_PRIOR = stats.halfnorm(scale=3).logpdf(S)
COUNTY = np.array([0.1, -1.0, 2.0, 0.4])
HIERARCHIES = {
    "effects by index": (
        "y ~ Normal(X @ w + u[g], s)\nu ~ Normal(0, tau)\ntau ~ Exponential(2)",
        {"u": U, "tau": 0.6},
        stats.norm(GROUPED, S).logpdf(Y["y"]).sum()
        + stats.norm(0, 0.6).logpdf(U).sum()
        + stats.expon(scale=0.5).logpdf(0.6),
    ),
    "effects of heavy tails": (
        "Z = indicators(g)\ny ~ Normal(X @ w + Z @ u, s)\nu ~ StudentT(4, m, tau)\nm ~ Normal(1, 2)\n"
        "tau ~ Uniform(0, 5)",
        {"u": U, "tau": 0.6, "m": 0.2},
        stats.norm(GROUPED, S).logpdf(Y["y"]).sum()
        + stats.t(4, 0.2, 0.6).logpdf(U).sum()
        - math.log(5)
        + stats.norm(1, 2).logpdf(0.2),
    ),
    "columns of their own": (
        "Z = design(1 + x) by g\ny ~ StudentT(5, X @ w + Z @ u, s)\nu ~ Normal(0, tau)\ntau ~ HalfNormal(1)\n"
        "tau[x] ~ HalfCauchy(2)",
        {"u": B, "tau": TAU2},
        stats.t(5, BY, S).logpdf(Y["y"]).sum()
        + stats.norm(0, TAU2).logpdf(B).sum()
        + stats.halfnorm.logpdf(TAU2[0])
        + stats.halfcauchy(scale=2).logpdf(TAU2[1]),
    ),
    "correlated": (
        "Z = design(1 + x) by g\ny ~ StudentT(5, X @ w + Z @ u, s)\nu ~ MultivariateNormal(0, sd = tau, cor = R)\n"
        "tau ~ HalfNormal(1)\nR ~ LKJ(2)",
        {"u": B, "tau": TAU2, "R": COR},
        stats.t(5, BY, S).logpdf(Y["y"]).sum()
        + stats.halfnorm.logpdf(TAU2).sum()
        + LKJ2
        + stats.multivariate_normal(np.zeros(2), np.diag(TAU2) @ COR @ np.diag(TAU2)).logpdf(B).sum(),
    ),
    "a column of the groups": (
        "y ~ Normal(X @ w + u[g], s)\nu ~ Normal(m + c * area, exp(t))\nm ~ Flat\nc ~ Normal(0, 1)\nt ~ Normal(0, 1)",
        {"u": U, "m": 0.3, "c": -0.4, "t": 0.2},
        stats.norm(GROUPED, S).logpdf(Y["y"]).sum()
        + stats.norm(0.3 - 0.4 * COUNTY, math.exp(0.2)).logpdf(U).sum()
        + stats.norm.logpdf([-0.4, 0.2]).sum(),
    ),
    "a design of the groups": (
        "y ~ Normal(X @ w + u[g], s)\nu ~ Normal(design(1 + area) @ c, tau)\ntau ~ HalfNormal(1)\nc ~ Normal(0, 1)",
        {"u": U, "tau": 0.6, "c": W},
        stats.norm(GROUPED, S).logpdf(Y["y"]).sum()
        + stats.norm(W[0] + W[1] * COUNTY, 0.6).logpdf(U).sum()
        + stats.halfnorm.logpdf(0.6)
        + stats.norm.logpdf(W).sum(),
    ),
}


@pytest.mark.parametrize("name", HIERARCHIES)
def test_hierarchical_priors_are_those_of_scipy(name):
    text, values, expected = HIERARCHIES[name]
    model = make(f"{HEAD}s ~ HalfNormal(3)\n{text}")
    assert math.isclose(log_joint(model, {"w": W, "s": S, **values}), expected + PRIOR_W + S_PRIOR, rel_tol=1e-10)


ELEMENTS = {
    "w ~ Normal(0, 2)\nw[x] ~ Normal(1, 3)": stats.norm([0, 1], [2, 3]).logpdf(W).sum(),
    "w ~ Normal(0, 2)\nw[x] ~ StudentT(4)": stats.norm(0, 2).logpdf(W[0]) + stats.t(4).logpdf(W[1]),
    "centered(w[Intercept]) ~ Normal(1, 2)\nw[x] ~ Normal(1, 3)": (
        stats.norm(1, 2).logpdf(W[0] + W[1] * Y["x"].mean()) + stats.norm(1, 3).logpdf(W[1])
    ),
    "centered(w[Intercept]) ~ Cauchy(1, 2)\nw ~ Normal(1, 3)": (
        stats.cauchy(1, 2).logpdf(W[0] + W[1] * Y["x"].mean()) + stats.norm(1, 3).logpdf(W[1])
    ),
}


@pytest.mark.parametrize("text", ELEMENTS)
def test_elements_may_have_priors_of_their_own(text):
    model = make(f"X = design(x)\n{text}\ns ~ HalfNormal(3)\ny ~ Cauchy(X @ w, s)")
    expected = ELEMENTS[text] + S_PRIOR + stats.cauchy(ETA, S).logpdf(Y["y"]).sum()
    assert math.isclose(log_joint(model, {"w": W, "s": S}), expected, rel_tol=1e-10)
    draws = model.prior_sample(4000, seed=1)["w"]
    assert draws.shape == (4000, 2)
    if "Cauchy(1" not in text and "StudentT" not in text:
        at_means = draws[:, 0] + draws[:, 1] * Y["x"].mean() if "centered" in text else draws[:, 0]
        assert abs(at_means.std() / 2 - 1) < 0.05
        assert abs(draws[:, 1].std() / 3 - 1) < 0.05


def test_names_of_elements_and_levels():
    model = make(
        f"{HEAD}Z = design(1 + x) by g\ny ~ Cauchy(X @ w + Z @ u, s)\nu ~ Normal(0, tau)\ntau ~ Flat\ns ~ Flat"
    )
    assert model.density.names == ("w[Intercept]", "w[x]", "tau[Intercept]", "tau[x]", *model.density.names[4:])
    assert "s" in model.density.names
    assert model.labels["u"] == ("a", "b", "c", "d")
    assert model.columns["u"] == ("Intercept", "x")


def test_arrays_frames_and_sparse_matrices_stand_for_their_columns():
    y, values = Y["y"], {"w": W, "s": S, "u": U}
    text = "y ~ Cauchy(X @ w + Z @ u, s)\nw ~ Normal(0, 2)\nu ~ Normal(0, 1)\ns ~ HalfNormal(3)"
    expected = log_joint(make(f"X = design(x)\nZ = indicators(g)\n{text}"), values)
    Z = pd.get_dummies(FRAME.g).astype(float)
    many = np.zeros((N, 9))
    many[:, [0, 2, 4, 6]] = Z
    wide = {**values, "u": np.insert(np.zeros(5), [0, 1, 2, 3], U)}
    for matrix, point in [
        (Z, values),
        (Z.to_numpy(), values),
        (sp.csr_matrix(Z.to_numpy()), values),
        (sp.coo_array(many), wide),
    ]:
        model = make(text, None, X=X, Z=matrix, y=FRAME.y)
        extra = 5 * stats.norm.logpdf(0) if matrix.shape[1] == 9 else 0.0
        assert math.isclose(log_joint(model, point), expected + extra, rel_tol=1e-10)
    assert make(text, None, X=X, Z=Z, y=y).labels["u"] == ("a", "b", "c", "d")


def test_the_same_model_through_the_compiled_model_and_the_program():
    text = (
        "X = design(1 + Days)\nZ = design(1 + Days) by Subject\nw ~ Normal(0, 100)\ntau ~ HalfNormal(50)\n"
        "R ~ LKJ(2)\nu ~ MultivariateNormal(0, sd = tau, cor = R)\nsigma ~ HalfNormal(50)\n"
        "Reaction ~ Normal(X @ w + Z @ u, sigma)"
    )
    frame = datasets.sleepstudy()
    compiled, general = api.prepare(text, frame).model, program(read_statements(parse(text)), frame)
    rng = np.random.default_rng(0)
    for _ in range(3):
        w, u, tau, sigma = rng.normal(size=2), rng.normal(size=(18, 2)), rng.gamma(2.0, size=2), rng.gamma(2.0)
        cor = np.array([[1.0, 0.4], [0.4, 1.0]])
        one = compiled.log_joint({"beta": w, "b[Subject]": u, "sd[Subject]": tau, "cor[Subject]": cor, "sigma": sigma})
        other = log_joint(general, {"w": w, "u": u, "tau": tau, "R": cor, "sigma": sigma})
        assert math.isclose(float(one), other, rel_tol=1e-10)


def test_rows_with_missing_values_are_left_out_and_said():
    frame = FRAME.assign(x=FRAME.x.where(FRAME.index != 3))
    model = make(f"{HEAD}y ~ Cauchy(X @ w + A, 1)", frame, A=np.arange(N) * 0.1)
    assert model.n_rows == N - 1
    assert model.notes == ("1 row with missing values left out",)
    assert np.allclose(model.x["A"], np.delete(np.arange(N) * 0.1, 3))


def test_new_rows_are_coded_as_those_of_the_fit():
    model = make("X = design(scale(x) + g)\nw ~ Normal(0, 2)\ny ~ Cauchy(X @ w + u[g] + n, 1)\nu ~ Normal(0, 1)")
    new = model.new_inputs(FRAME.iloc[5:9].drop(columns="y"))
    assert all(np.allclose(new[key], model.x[key][5:9]) for key in model.x)
    with pytest.raises(ProbflowError, match="has the level"):
        model.new_inputs(FRAME.iloc[:2].assign(g="zz"))


TEXT = f"{HEAD}s ~ HalfNormal(3)\n"
FAULTS = {
    TEXT + "y ~ Normal(X @ w + Z @ u, s)": ("There is no `Z`: no column, no array and no parameter of this name.", "Z"),
    TEXT + "y ~ Cauchy(X @ w + X @ u, s)": ("`u` has no prior.", "u"),
    TEXT + "y ~ Cauchy(X @ w + b * x, s)": ("There is no `b`: no column, no array and no parameter of this name.", "b"),
    TEXT + "yy ~ Cauchy(X @ w, s)": ("There is no `yy` in the data, so it cannot be the response.", "yy"),
    TEXT + "y ~ Cauchy(X @ w + design(x + pos) @ w, s)": (
        "`design(x + pos) @ w` does not fit: it needs 3 elements (40 x 3 from design(x + pos)), but `w` is 2 elements "
        "(40 x 2 from design(1 + x)).",
        "design(x + pos) @ w",
    ),
    TEXT + "y ~ Cauchy(X @ w + w, s)": (
        "`w` has 2 elements (40 x 2 from design(1 + x)), but here one number is needed.",
        "w",
    ),
    TEXT + "y ~ Cauchy(X + X @ w, s)": ("The matrix `X` stands where one number a row is needed.", "X"),
    TEXT + "y ~ Cauchy(x @ w, s + X @ w)": ("`x` is one column, not a matrix.", "x"),
    TEXT + "y ~ Cauchy(s @ w + X @ w, s)": (
        "The parameter `s` stands on the left of `@`, which is the place of a matrix.",
        "s",
    ),
    TEXT + "y ~ Cauchy(X @ w + g, s)": (
        'The column `g` holds text or categories, such as "a", where numbers are needed.',
        "g",
    ),
    TEXT + "y ~ Cauchy(X @ w + w[z], s)": ("`w` has no element `z`, and the data no column of this name.", "w[z]"),
    TEXT + "w[z] ~ Flat\ny ~ Cauchy(X @ w, s)": ("`w` has no element `z`.", "w[z]"),
    TEXT + "s[z] ~ Flat\ny ~ Cauchy(X @ w, s)": (
        "`s` is one number, so it has no element `z` with a prior of its own.",
        "s[z]",
    ),
    TEXT + "y ~ Cauchy(X @ w + u[pos], s)\nu ~ Flat": (
        "`pos` holds 40 different numbers, which are no levels of a factor.",
        "u[pos]",
    ),
    TEXT + "y ~ Cauchy(X @ w + u[g], s)\nu ~ Normal(pos, 1)": (
        "`pos` varies within a level of `indicators(g)`, the first in row ",
        "pos",
    ),
    TEXT + "y ~ Cauchy(X @ w + A @ v, s)\nv ~ Flat": ("The array `A` has 7 rows, but the data have 40 rows.", "A"),
    TEXT + "y ~ Cauchy(X @ w + T @ v, s)\nv ~ Flat": ("The array `T` must hold numbers, but it holds text.", None),
    TEXT + "y ~ Cauchy(X @ w + V, s)": ("The array `V` has 7 rows, but the data have 40 rows.", "V"),
    TEXT + "y ~ Cauchy(X @ w + n, s)\nn ~ Flat": ("`n` is a parameter of the text and a column of the data.", "n"),
    TEXT + "n = 3\ny ~ Cauchy(X @ w + n, s)": ("`n` is defined in the text and a column of the data.", "n"),
    TEXT + "k ~ Bernoulli(logit = s * (X @ w))": ("Bernoulli needs a response of 0 or 1, but `k` is ", "k"),
    TEXT + "n ~ Binomial(k, logit = s * (X @ w))": (
        "Binomial needs a response of at most the trials `k`, but `n` is ",
        "n",
    ),
    TEXT + "y ~ Gamma(s, log = 2 * (X @ w))": ("Gamma needs a response of above 0, but `y` is ", "y"),
    TEXT + "g ~ Cauchy(X @ w, s)": ("The response `g` holds text or categories; it must hold numbers.", "g"),
    TEXT + "y ~ Cauchy(X @ w, s)\nw[x] ~ Default()": (
        "`w[x]` has no default prior: only models of a formula have them.",
        "Default()",
    ),
    TEXT.replace("w ~", "w[x] ~") + "y ~ Cauchy(X @ w, s)": ("`w[Intercept]` has no prior.", "w[x]"),
    TEXT.replace("w ~", "w[x] ~") + "y ~ Normal(X @ w, s)": ("`w[Intercept]` has no prior.", "w[x]"),
    TEXT + "w[z] ~ Flat\ny ~ Normal(X @ w, s)": ("`w` has no element `z`.", "w[z]"),
}


@pytest.mark.parametrize("text", FAULTS)
def test_every_fault_has_its_sentence_and_its_place(text):
    sentence, under = FAULTS[text]
    arrays = {"A": np.ones((7, 2)), "T": np.array([["a", "b"]] * N), "V": np.ones(7)}
    with pytest.raises(ProbflowError) as caught:
        api.prepare(text, FRAME, arrays=arrays)
    error = caught.value
    assert error.message.startswith(sentence)
    if under is not None:
        assert error.span is not None
        assert text[error.span.start : error.span.stop] == under


def test_arrays_must_be_a_dictionary():
    with pytest.raises(ProbflowError, match="must be a dictionary of arrays"):
        api.prepare("y ~ x", FRAME, arrays=[1])


def test_a_formula_finds_arrays_too():
    model = api.prepare("y ~ z + (1 | h)", FRAME[["y"]], arrays={"z": Y["x"], "h": FRAME.g.to_numpy(), "y": None}).model
    assert model.design.column_names == ("Intercept", "z")
    assert model.design.groups[0].levels == ("a", "b", "c", "d")


PIECES = ["X @ w", "Z @ u", "x", "b * x", "u[g]", "w[x]", "A @ v", "exp(b)", "2", "log(pos)", "D @ w", "scale(x)", "q"]
LIKELY = {"w": "Normal(0, 2)", "u": "Normal(0, t)", "b": "Normal(0, 1)", "v": "Normal(0, 1)", "s": "HalfNormal(1)"}
LIKELY |= {"t": "HalfNormal(1)", "R": "LKJ(1)"}
PRIORS = ["Normal(0, t)", "Flat()", "Normal(b, t)", "Gamma(2, 1)", "MultivariateNormal(0, sd = t, cor = R)"]
PRIORS += ["Uniform(0, 1)", "Normal(area, 1)", "Dirichlet(1)", "Beta(1, 1)", "Normal(X @ w, 1)", "Normal(0, t[x])"]
MATRICES = {"X": "design(x)", "Z": "design(x) by g", "D": "indicators(g)"}
OUTCOMES = ["y ~ Cauchy({}, s)", "k ~ Poisson(log = {})", "b01 ~ Bernoulli(logit = {})", "y ~ Normal({}, t)"]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Return statements that declare what they use, mostly by priors that suit."""
    mean = " + ".join(draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3, unique=True)))
    lines = [draw(st.sampled_from(OUTCOMES)).format(mean)]
    for _ in range(4):
        used = set(re.findall(r"[A-Za-z]\w*", "\n".join(lines)))
        declared = {line.split(" ")[0] for line in lines}
        for name in sorted(used - declared):
            if name in MATRICES:
                lines.append(f"{name} = {MATRICES[name]}")
            elif name in LIKELY:
                odd = draw(st.integers(0, 3)) == 0
                lines.append(f"{name} ~ {draw(st.sampled_from(PRIORS)) if odd else LIKELY[name]}")
    return "\n".join(lines)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(texts())
def test_any_statements_over_data_end_in_a_density_or_a_sentence(text: str) -> None:
    try:
        spec = lower(parse(text))
        model = api.prepare(text, FRAME, arrays={"A": X}).model
    except ProbflowError as error:
        fault = error
    else:
        assert spec.text()
        if isinstance(model, Program):
            assert model.formula
        return
    assert fault.message.endswith(".")
