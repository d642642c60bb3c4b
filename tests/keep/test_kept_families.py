"""Kept fits of every family, of further formulas and of any small model: what comes back says the same."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress
from probflow_nb.fit import Fit

RNG = np.random.default_rng(11)
N = 48
X = RNG.normal(size=N)
G = np.arange(N) % 6
ETA = 0.4 * X + RNG.normal(size=6)[G] * 0.5
DATA = pd.DataFrame(
    {
        "x": X,
        "f": np.where(np.arange(N) % 5 < 2, "a", "b ⌀"),
        "g": [f"g{i}" for i in G],
        "count": RNG.poisson(np.exp(1.0 + ETA)),
        "event": (RNG.random(N) < 1 / (1 + np.exp(-ETA))).astype(int),
        "n": RNG.integers(3, 9, N),
        "positive": RNG.gamma(3.0, np.exp(ETA) / 3.0),
        "share": RNG.beta(2.0, 3.0, N),
        "real": 2.0 + ETA + RNG.normal(size=N),
        "grade": RNG.integers(1, 5, N),
    }
)
DATA["trials"] = RNG.binomial(DATA["n"], 1 / (1 + np.exp(-ETA)))
# Every family with the response that it has, and one of its further links for some.
FAMILIES = {
    "gaussian": "real",
    "poisson": "count",
    "bernoulli": "event",
    "Bernoulli(link = probit)": "event",
    "Bernoulli(link = cloglog)": "event",
    "binomial": "trials / n",
    "gamma": "positive",
    "beta": "share",
    "student_t": "real",
    "log_normal": "positive",
    "negative_binomial": "count",
    "ordinal": "grade",
    "Ordinal(link = probit)": "grade",
    "zero_inflated_poisson": "count",
    "zero_inflated_negative_binomial": "count",
}


def fitted(text: str, engine: Any, family: str | None = None, data: pd.DataFrame = DATA) -> Fit:
    return pf.lme(text, data, engine=engine, family=family, seed=7, progress=NullProgress())


def there_and_back(fit: Fit, path: Path) -> Fit:
    """Return what comes back of a fit, whose file is written the same again."""
    first = fit.save(path / "a.fit").read_bytes()
    back = pf.load(path / "a.fit")
    assert back.save(path / "a.fit").read_bytes() == first
    return back


def told(ask: Callable[[], Any]) -> Any:
    """Return what a question is answered, or the sentence that says why not."""
    try:
        return ask()
    except pf.ProbflowError as error:
        return str(error)


def same(a: Any, b: Any) -> None:
    """Assert that two answers are the same to the last digit."""
    assert type(a) is type(b)
    if isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b, check_exact=True)
    elif isinstance(a, pd.Series):
        pd.testing.assert_series_equal(a, b, check_exact=True)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for name in a:
            same(a[name], b[name])
    elif isinstance(a, np.ndarray):
        np.testing.assert_array_equal(a, b)
    else:
        assert a == b


def lines(figure: Any) -> list[np.ndarray]:
    return [np.asarray(line.get_xydata()) for axes in figure.axes for line in axes.lines]


def assert_same_fit(fit: Fit, back: Fit, new: pd.DataFrame) -> None:
    """Assert that a fit and what came back of it answer alike, pictures and the card among it."""
    questions: tuple[Callable[[Fit], Any], ...] = (
        lambda f: f.summary(),
        lambda f: f.verdict,
        lambda f: f.ranef,
        lambda f: f.ranef_sd,
        lambda f: f.fixef,
        lambda f: f.varcorr,
        lambda f: f.ratios(),
        lambda f: f.to_frame(),
        lambda f: f.to_latex(),
        lambda f: f.predict(),
        lambda f: f.predict(new),
        lambda f: f.predictive_interval(new),
        lambda f: lines(f.plot_fit()),
        lambda f: lines(f.plot_ranef()),
        lambda f: f._repr_mimebundle_(),
        lambda f: repr(f.draws),
        lambda f: {name: f.draws[name] for name in f.draws},
    )
    for ask in questions:
        first, second = told(lambda ask=ask: ask(fit)), told(lambda ask=ask: ask(back))
        if isinstance(first, list):
            assert len(first) == len(second)
            for a, b in zip(first, second, strict=True):
                np.testing.assert_array_equal(a, b)
        else:
            same(first, second)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_kept_fit_of_every_family_says_the_same(family: str, tmp_path: Path) -> None:
    engine = pf.Exact(draws=100) if family == "gaussian" else pf.Laplace(draws=100, handover=False)
    fit = fitted(f"{FAMILIES[family]} ~ x + f + (1 | g)", engine, family)
    assert_same_fit(fit, there_and_back(fit, tmp_path), DATA.iloc[5:17])


@pytest.mark.parametrize("family", ["gaussian", "gamma", "negative_binomial", "ordinal", "binomial"])
def test_a_kept_point_fit_of_a_family_says_the_same(family: str, tmp_path: Path) -> None:
    fit = fitted(f"{FAMILIES[family]} ~ x + (1 | g)", pf.Point(), family)
    assert_same_fit(fit, there_and_back(fit, tmp_path), DATA.iloc[5:17])


@pytest.mark.parametrize("family", ["poisson", "bernoulli", "ordinal", "gamma"])
def test_a_kept_laplace_fit_goes_on_to_the_same_draws(family: str, tmp_path: Path) -> None:
    fit = fitted(f"{FAMILIES[family]} ~ x + (1 | g)", pf.Laplace(draws=200, handover=False), family)
    back = there_and_back(fit, tmp_path)
    assert back.goes_on
    longer, again = (one.extend(draws=200, progress=NullProgress()) for one in (fit, back))
    assert longer.draws.n_draws == fit.draws.n_draws + 50
    assert longer.verdict == again.verdict
    same({name: longer.draws[name] for name in longer.draws}, {name: again.draws[name] for name in again.draws})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "family", "engine"),
    [
        ("real ~ x + (1 | g)\nsigma ~ f", None, pf.NUTS(draws=100, warmup=100, chains=2)),
        ("count ~ x + (1 | g)\nshape ~ x", "negative_binomial", pf.VI(draws=100)),
        ("share ~ x + (x | g)", "beta", pf.NUTS(draws=100, warmup=100, chains=2)),
        ("w ~ Normal(0, 2)\ntau ~ HalfNormal(1)\nu ~ Normal(0, tau)\ncount ~ Poisson(log = w * x + u[g])", None, None),
    ],
)
def test_chains_of_further_formulas_and_statements_are_kept(
    text: str, family: str | None, engine: Any, tmp_path: Path
) -> None:
    fit = fitted(text, engine or pf.NUTS(draws=100, warmup=100, chains=2), family)
    back = there_and_back(fit, tmp_path)
    assert_same_fit(fit, back, DATA.iloc[5:17])
    if not back.goes_on:
        with pytest.raises(pf.FitError, match="does not remember where it ended"):
            back.extend(draws=10)


TERMS = ["x", "f", "x:f", "offset(x)", "0", "poly(x, 2)", "scale(n)"]
GROUPS = ["(1 | g)", "(x | g)", "(x || g)", "(1 | g) + (1 | f)", "(1 | g/f)"]


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    family=st.sampled_from(sorted(FAMILIES)),
    terms=st.lists(st.sampled_from(TERMS), max_size=2),
    group=st.sampled_from(GROUPS),
    rows=st.sets(st.integers(0, N - 1), min_size=12),
    gaps=st.sets(st.integers(0, N - 1), max_size=3),
    point=st.booleans(),
)
def test_any_model_comes_back_as_it_was(
    family: str,
    terms: list[str],
    group: str,
    rows: set[int],
    gaps: set[int],
    point: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = DATA.assign(x=DATA["x"].where(~DATA.index.isin(sorted(gaps)))).iloc[sorted(rows)]
    text = f"{FAMILIES[family]} ~ {' + '.join([*terms, group])}"
    plain = pf.Exact(draws=100) if family == "gaussian" else pf.Laplace(draws=100, handover=False)
    try:
        fit = fitted(text, pf.Point() if point else plain, family, data)
    except pf.ProbflowError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same_fit(fit, there_and_back(fit, tmp_path_factory.mktemp("any")), DATA.iloc[3:9])
