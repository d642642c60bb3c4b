"""The engine Point: pinned objectives, singular optima, and what it refuses to answer."""

from __future__ import annotations

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb import api
from probflow_nb.model.criterion import Criterion


def criterion(text: str, data, reml: bool) -> Criterion:
    return Criterion(api.prepare(text, data).model.marginal, reml)


def test_the_pinned_objective_of_dyestuff() -> None:
    # Bates' value of the ML deviance at theta = 0.713 (MixedModels.jl's tests).
    c = criterion("Yield ~ 1 + (1 | Batch)", pf.datasets.Dyestuff(), reml=False)
    value = c.values(c.from_relative((np.array([[0.713]]),))[None])[0]
    assert value == pytest.approx(327.34216280954615, rel=1e-12)


def test_relative_factors_go_there_and_back() -> None:
    c = criterion("Reaction ~ Days + (Days | Subject)", pf.datasets.sleepstudy(), reml=True)
    factor = np.array([[0.9, 0.0], [0.1, 0.2]])
    np.testing.assert_allclose(c.to_relative(c.from_relative((factor,)))[0], factor, rtol=1e-14)


def test_a_variance_of_zero_is_found_as_zero_and_said_in_words() -> None:
    fit = pf.lme("Yield ~ 1 + (1 | Batch)", pf.datasets.Dyestuff2(), engine=pf.Point())
    assert fit.summary().loc["sd(Intercept | Batch)", "estimate"] == 0.0
    assert fit.verdict.level == "fine"
    assert fit.verdict.notes[0].startswith("The most likely value of sd(Intercept | Batch) is 0")
    assert (fit.ranef["Batch"].abs() < 1e-12).all(axis=None)


def test_a_point_fit_has_no_draws_and_a_posterior_no_criterion() -> None:
    point = pf.lme("Yield ~ 1 + (1 | Batch)", pf.datasets.Dyestuff(), engine=pf.Point())
    posterior = pf.lme("Yield ~ 1 + (1 | Batch)", pf.datasets.Dyestuff(), seed=1)
    for ask in (lambda: point.draws, lambda: point.log_evidence, lambda: posterior.criterion):
        with pytest.raises(pf.FitError):
            ask()


def test_the_criterion_does_not_depend_on_the_order_of_rows_or_units() -> None:
    d = pf.datasets.sleepstudy()
    text = "Reaction ~ Days + (Days | Subject)"
    base = pf.lme(text, d, engine=pf.Point(reml=False))
    shuffled = pf.lme(text, d.sample(frac=1, random_state=3), engine=pf.Point(reml=False))
    hours = pf.lme("Reaction ~ Hours + (Hours | Subject)", d.assign(Hours=24.0 * d.Days), engine=pf.Point(reml=False))
    assert shuffled.criterion == pytest.approx(base.criterion, rel=1e-12)
    assert hours.criterion == pytest.approx(base.criterion, rel=1e-9)
    assert 24 * hours.fixef["Hours"] == pytest.approx(base.fixef["Days"], rel=1e-6)


def test_weights_equal_repeated_rows_where_they_must() -> None:
    # A row of weight 2 says of beta and b what two rows of the same mean say.
    d = pf.datasets.Penicillin()
    doubled = pf.lme("diameter ~ 1 + (1 | plate)", d.assign(w=2.0), engine=pf.Point(reml=False))
    weighted = pf.lme("diameter ~ 1 + weights(w) + (1 | plate)", d.assign(w=2.0), engine=pf.Point(reml=False))
    # All weights alike only change the unit of sigma.
    assert weighted.criterion == pytest.approx(doubled.criterion, abs=1e-6)
    ratio = weighted.summary()["estimate"]["sigma"] / doubled.summary()["estimate"]["sigma"]
    assert ratio == pytest.approx(np.sqrt(2.0), rel=1e-6)
