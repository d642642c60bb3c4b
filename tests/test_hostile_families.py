"""Inputs that no family can use end in one sentence at its place; extreme ones that it can use, in finite figures."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress

RNG = np.random.default_rng(5)
N = 40
COUNTS, EVENTS, POSITIVE = RNG.poisson(3, N), RNG.integers(0, 2, N), RNG.gamma(3.0, 1.0, N)
TEXT = "y ~ x + (1 | g)"
FRAME = pd.DataFrame({"x": RNG.normal(size=N), "g": np.repeat(list("abcdefgh"), 5), "n": 20})


def put(values, value, at=3):
    changed = np.array(values, float)
    changed[at] = value
    return changed


REFUSED = [
    ("y ~ x + offset(o) + (1 | g)", "poisson", {"y": COUNTS, "o": put(np.zeros(N), 1e3)}, "The offset runs from 0 to"),
    ("y ~ x + offset(o) + (1 | g)", "gamma", {"y": POSITIVE, "o": put(np.zeros(N), -1e3)}, "The offset runs from -1"),
    ("y ~ x + offset(o) + (1 | g)", "bernoulli", {"y": EVENTS, "o": put(np.zeros(N), 1e3)}, "link logit"),
    ("y ~ x + offset(o)", "poisson", {"y": COUNTS, "o": put(np.zeros(N), np.inf)}, "1 infinite value"),
    ("y ~ x + offset(log(o))", "poisson", {"y": COUNTS, "o": put(np.ones(N), 0)}, "log() needs numbers above 0"),
    ("y ~ x + weights(o)", "poisson", {"y": COUNTS, "o": put(np.ones(N), 0)}, "Weights must be above 0"),
    ("y ~ x + weights(o)", "gamma", {"y": POSITIVE, "o": put(np.ones(N), -1)}, "Weights must be above 0"),
    ("y ~ x + weights(o)", "gamma", {"y": POSITIVE, "o": put(np.ones(N), 1e12)}, "The weights run from 1 to"),
    ("y / o ~ x", "binomial", {"y": put(COUNTS, 0), "o": put(np.full(N, 20), 0)}, "Trials must be whole numbers"),
    ("y / o ~ x", "binomial", {"y": COUNTS, "o": ["20"] * N}, "holds text"),
    ("y ~ x", "binomial", {"y": COUNTS / 20}, "must be 0 or 1"),
    ("y ~ 0", "poisson", {"y": COUNTS}, "The model has no parameter"),
    ("y ~ 0", "bernoulli", {"y": EVENTS}, "The model has no parameter"),
    ("y ~ shape + (1 | g)", "gamma", {"y": POSITIVE, "shape": COUNTS}, "would be called `shape`"),
    ("y ~ x + Intercept", "poisson", {"y": COUNTS, "Intercept": POSITIVE}, "would be called `Intercept`"),
    ("y ~ x + (1 | g)", "poisson", {"y": COUNTS, "g": ["a"] * N}, "has one level"),
    ("y ~ x", "poisson", {"y": COUNTS.astype(str)}, "holds text or categories"),
    ("y ~ x", "ordinal", {"y": np.arange(N) * 100}, "no categories in a row"),
    ("y ~ x", "ordinal", {"y": np.where(EVENTS, "lo", "hi")}, "without an order"),
    ("y ~ x\ncut ~ Normal(0, x)", "ordinal", {"y": COUNTS}, ""),
    ("y ~ x\nshape ~ Uniform(-2, -1)", "gamma", {"y": POSITIVE}, "shape is positive"),
]


@pytest.mark.parametrize(("text", "family", "columns", "said"), REFUSED, ids=[f"{f}-{s}" for _, f, _, s in REFUSED])
def test_an_input_that_no_fit_can_use_is_refused_at_its_place(text, family, columns, said):
    with pytest.raises(pf.ProbflowError) as caught:
        pf.lme(text, FRAME.assign(**columns), family=family, seed=1, progress=NullProgress())
    assert said in caught.value.message
    assert "\n" not in caught.value.message
    assert "^" in str(caught.value)


@pytest.mark.parametrize("family", [3, ["poisson"], b"poisson", True, pf.Poisson(3.0), pf.NUTS(), "", np.nan])
def test_what_is_no_family_is_refused(family):
    with pytest.raises(pf.SpecError, match="The family"):
        pf.prepare(TEXT, FRAME.assign(y=COUNTS), family=family)


EXTREME = [
    ("poisson", TEXT, {"y": put(COUNTS, 1e9)}),
    ("poisson", "y ~ x + offset(o) + (1 | g)", {"y": COUNTS, "o": np.full(N, 1e3)}),
    ("poisson", TEXT, {"y": COUNTS, "x": put(FRAME.x, 1e8)}),
    ("poisson", TEXT, {"y": [Decimal(int(count)) for count in COUNTS]}),
    ("poisson", TEXT, {"y": pd.array([None, *COUNTS[1:]], dtype="Int64")}),
    ("poisson", TEXT, {"y": COUNTS.astype("uint8"), "g": np.arange(N)}),
    ("gamma", TEXT, {"y": put(POSITIVE, 1e-300)}),
    ("beta", TEXT, {"y": put(POSITIVE / 20, 1e-17)}),
    ("bernoulli", TEXT, {"y": np.where(FRAME.g == "a", 1, EVENTS)}),
    ("binomial", "y / n ~ x + (1 | g)", {"y": 4 * 10**8 + COUNTS, "n": 10**9}),
]


@pytest.mark.parametrize(
    ("family", "text", "columns"), EXTREME, ids=[f"{f}-{i}" for i, (f, _, _) in enumerate(EXTREME)]
)
def test_an_extreme_input_ends_in_finite_figures(family, text, columns):
    engine = pf.Laplace(draws=400, handover=False)
    fit = pf.lme(text, FRAME.assign(**columns), family=family, engine=engine, seed=1, progress=NullProgress())
    table = fit.summary()
    assert np.isfinite(table[["mean", "sd", "median"]]).all(axis=None)
    assert np.isfinite(np.asarray(fit.predict(), float)).all()


@pytest.mark.parametrize("nodes", [0, -1, 1000, 1.5, "3", None, True])
def test_nodes_that_cannot_be_are_refused(nodes):
    with pytest.raises(pf.EngineError, match="nodes"):
        pf.Point(nodes=nodes)


def test_nodes_are_refused_where_factors_are_crossed():
    frame = FRAME.assign(y=EVENTS, h=list("uvwxy") * 8)
    with pytest.raises(pf.EngineError, match="one grouping factor"):
        pf.lme("y ~ x + (1 | g) + (1 | h)", frame, family="bernoulli", engine=pf.Point(nodes=9))


class Interrupting(NullProgress):
    """Interrupts a run after so many steps."""

    def __init__(self, steps):
        self.left = steps

    def show(self, event):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("steps", "found"), [(1, False), (8, True), (20, True)])
def test_an_interrupt_of_laplace_keeps_what_there_is(steps, found):
    unfitted = pf.prepare(TEXT, FRAME.assign(y=EVENTS), family="bernoulli")
    if not found:
        with pytest.raises(KeyboardInterrupt):
            unfitted.fit(None, 1, Interrupting(steps))
        return
    fit = unfitted.fit(None, 1, Interrupting(steps))
    assert np.isfinite(fit.summary()["mean"]).all()
    assert fit._repr_mimebundle_()["text/html"]


def test_new_rows_without_trials_are_refused_by_name():
    data = FRAME.assign(y=COUNTS)
    engine = pf.Laplace(draws=400, handover=False)
    fit = pf.lme("y / n ~ x + (1 | g)", data, family="binomial", engine=engine, seed=1, progress=NullProgress())
    with pytest.raises(pf.ProbflowError, match="`n`"):
        fit.predict(data.drop(columns="n"))
    with pytest.raises(pf.ProbflowError):
        fit.predict(data.assign(n=np.where(np.arange(N) == 2, -1.0, 2.5)))
    with pytest.warns(UserWarning, match="missing in `n`, the first in row 3"):
        missing = np.asarray(fit.predict(data.assign(n=put(data.n, np.nan))), float)
    assert np.isnan(missing[3]).any()
    assert np.isfinite(np.delete(missing, 3, axis=0)).all()
