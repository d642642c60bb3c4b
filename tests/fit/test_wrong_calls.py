"""Wrong questions to a fit and to the functions beside it: each is answered by a sentence and by what to do next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress
from probflow_nb.errors import ProbflowError

SLEEP = pf.datasets.sleepstudy()
TEXT = "Reaction ~ Days + (Days | Subject)"
WRONG: list[tuple[Callable[..., Any], str]] = [
    (lambda fit, _: fit.predict(interval=2), "An interval's probability lies between 0 and 1, not 2."),
    (lambda fit, _: fit.predict(kind="mean response"), "There is nothing to predict of the kind 'mean response'."),
    (lambda fit, _: fit.predict(groups="some"), 'The model has no grouping factor "some".'),
    (lambda fit, _: fit.predict(groups=["Class"]), 'The model has no grouping factor "Class".'),
    (lambda fit, _: fit.predict(new_levels="maybe"), "New levels cannot be 'maybe'."),
    (lambda fit, _: fit.predict(pd.DataFrame({"Days": [1.0]})), "There is no column `Subject` in the data."),
    (
        lambda fit, _: fit.predict(pd.DataFrame({"Days": ["one"], "Subject": ["308"]})),
        'The column `Days` holds text or categories, such as "one", where numbers are',
    ),
    (
        lambda fit, _: fit.predict(pd.DataFrame({"Days": [1.0], "Subject": ["new"]}), new_levels="error"),
        "The fit has not seen the level new of Subject, the first in row 0 (counted",
    ),
    (lambda fit, _: fit.predict({"Days": 1}), "The column `Days` is a single value; a column has one value a row."),
    (lambda fit, _: fit.predict(3), "The data are an int; a model needs a data frame or a dictionary of columns."),
    (
        lambda fit, _: fit.predict(scale="probability"),
        "A Gaussian(link = identity) response has no probability to predict.",
    ),
    (lambda fit, _: fit.predict(seed="x"), "seed is a whole number, not 'x'."),
    (lambda fit, _: fit.residuals(kind="deviant"), "There are no residuals of the kind 'deviant'."),
    (lambda fit, _: fit.simulate(0), "n is a whole number of at least 1, not 0."),
    (lambda fit, _: fit.simulate(2, groups="old"), 'The model has no grouping factor "old".'),
    (lambda fit, _: fit.loo(by="Class"), "by names a grouping factor of the model, not 'Class'."),
    (lambda fit, _: fit.loo(by=3), "by names a grouping factor of the model, not 3."),
    (lambda fit, point: point.loo(), "A point fit has no posterior to predict with."),
    (lambda fit, point: point.waic(), "A point fit has no posterior to predict with."),
    (lambda fit, _: fit.ppc("mad"), 'There is no statistic "mad".'),
    (lambda fit, _: fit.plot_ppc(kind="pie"), "There is no kind 'pie' of check."),
    (lambda fit, _: fit.plot_ppc(by="Nobody"), 'There is no factor "Nobody" in this model.'),
    (lambda fit, _: fit.influence(by="Class"), "by names a grouping factor of the model, or \"row\", not 'Class'."),
    (lambda fit, _: fit.prior_sensitivity("Dayz"), '"Dayz" has no prior of its own in this model.'),
    (lambda fit, _: fit.power_scaled(-1), "alpha is a power above 0, not -1."),
    (lambda fit, _: fit.means("service"), 'There is no column "service" among the common effects of this model.'),
    (
        lambda fit, _: fit.means("Days", at={"Subject": "308"}),
        "Subject is a grouping factor, whose effects vary about 0, so it has no value",
    ),
    (lambda fit, _: fit.contrasts("Subject"), "Subject is a grouping factor, whose effects vary about 0, so it has no"),
    (lambda fit, _: fit.slopes("Dais"), 'There is no column "Dais" among the common effects of this model.'),
    (
        lambda fit, _: fit.slopes("Subject"),
        "Subject is a grouping factor, whose effects vary about 0, so it has no slope.",
    ),
    (lambda fit, _: fit.hypothesis("Dais = 0"), 'There is no parameter "Dais" in this fit.'),
    (lambda fit, _: fit.hypothesis("Days ==== 3"), "A hypothesis has one sign of comparison, but this has a second."),
    (lambda fit, _: fit.hypothesis("__import__('os')"), 'There is no parameter "__import__("os")" in this fit.'),
    (lambda fit, _: fit.probability("Days = 0"), "The probability that two numbers are equal is 0 under a density."),
    (lambda fit, _: fit.probability("Days > Dais"), 'There is no parameter "Dais" in this fit.'),
    (lambda fit, _: fit.probability(""), "This is no comparison."),
    (lambda fit, _: fit.r2(interval=95), "An interval's probability lies between 0 and 1, not 95."),
    (lambda fit, _: fit.icc(interval=0), "An interval's probability lies between 0 and 1, not 0."),
    (
        lambda fit, _: fit.plot_shrinkage("Class"),
        "There is no group term with that factor and one or two such columns.",
    ),
    (
        lambda fit, _: fit.plot_shrinkage("Subject", columns=["Nights"]),
        "There is no group term with that factor and one or two such columns.",
    ),
    (lambda fit, _: fit.plot_trellis("Class"), 'There is no covariate "Class" in this model.'),
    (
        lambda fit, _: fit.save("/nowhere/at/all.fit"),
        "The fit cannot be written to '/nowhere/at/all.fit': No such file or directory.",
    ),
    (lambda fit, _: fit.update(SLEEP.drop(columns="Days")), "There is no column `Days` in the data."),
    (lambda fit, _: fit.update("more"), "The data are a text; a model needs a data frame or a dictionary of columns."),
    (lambda fit, _: fit.refit(". ~ . + Nights"), "There is no column `Nights` in the data."),
    (lambda fit, _: fit.extend(), "extend needs to be told how much more is wanted."),
    (lambda fit, _: fit.extend(steps=4), "Exact cannot be extended by steps."),
    (lambda fit, point: point.extend(draws=100), "A fit by Point cannot go on from where it ended."),
    (lambda fit, _: fit.posterior_sample("Dais"), "n is a whole number, not 'Dais'."),
    (lambda fit, _: fit.plot_posterior(["Dais"]), 'There is no parameter "Dais" in this fit.'),
    (lambda fit, _: fit.plot_ranef("Class"), "There are no effects of Class in this fit."),
    (lambda fit, _: pf.load("/nowhere.fit"), "There is no file '/nowhere.fit'."),
    (lambda *_: pf.load(3), "A file is named by a text or a path, not by 3."),
    (lambda fit, _: pf.compare(fit), "compare takes two fits or more."),
    (lambda fit, _: pf.compare(fit, 3), "compare takes fits, not 3 (int)."),
    (lambda fit, _: pf.compare(fit, fit, by="Class"), "by names a grouping factor of one of the models, not 'Class'."),
    (
        lambda fit, _: pf.compare(fit, fit, criterion="dic"),
        "criterion is 'loo', 'waic', 'evidence', 'likelihood' or 'none', not 'dic'.",
    ),
    (
        lambda *_: pf.simulate("y ~ x", {"x": 3}, {}),
        "There are 3 complete rows for 3 common coefficients; a model needs more rows.",
    ),
    (
        lambda *_: pf.simulate("y ~ x", pd.DataFrame({"x": [1.0, 2.0]}), {"Intercept": 0.0, "x": 1.0, "sigma": -1.0}),
        "There are 2 complete rows for 2 common coefficients; a model needs more rows.",
    ),
    (lambda fit, _: pf.power(TEXT, SLEEP, fit, "Dais > 0"), "The model has no coefficient Dais."),
    (lambda fit, _: pf.power(TEXT, SLEEP, fit, "Days > 0", n=0), "n is a whole number of at least 1, not 0."),
    (lambda fit, _: pf.power(TEXT, SLEEP, fit, "Days > 0", sizes={"Class": [3]}), "The design has no column Class."),
    (lambda *_: pf.calibrate(TEXT, SLEEP, n=1), "n is a whole number of at least 10, not 1."),
    (lambda *_: pf.calibrate(TEXT, SLEEP, engine="point"), "A point fit has no draws to rank among."),
    (lambda *_: pf.lme("y ~ x", None), "The data are None; a model needs a data frame or a dictionary of columns."),
    (lambda *_: pf.lme("y ~ x", SLEEP, family="poison"), "There is no family called `poison`."),
    (
        lambda *_: pf.lme("Reaction ~ Days", SLEEP, family=3),
        'The family must be a name such as "poisson", not of type int.',
    ),
    (lambda *_: pf.lme("Reaction ~ Days", SLEEP, engine="stan"), 'There is no engine called "stan".'),
    (lambda *_: pf.lme("Reaction ~ Days", SLEEP, seed=-1), "The seed is a whole number of at least 0, not -1."),
    (lambda *_: pf.lme("Reaction ~ Days", SLEEP, engine=pf.NUTS), "NUTS is the class of an engine, not an engine."),
    (
        lambda *_: pf.lme("Reaction ~ Days", SLEEP, family="poisson"),
        "Counts must be whole numbers, but 179 are not in `Reaction`, the first in row",
    ),
    (
        lambda *_: pf.lme("Reaction ~ Days", SLEEP, family="bernoulli"),
        "The response of a Bernoulli family must be 0 or 1, but 180 are not in",
    ),
    (lambda fit, _: fit.plot_residuals(along="Nights"), 'There is no numeric column "Nights" in this model.'),
    (lambda fit, _: fit.ratios(), "exp of a coefficient of Gaussian(link = identity) is no ratio."),
    (lambda fit, _: fit.standardized(interval=-1), "An interval's probability lies between 0 and 1, not -1."),
    (
        lambda fit, _: fit.log_prob(pd.DataFrame({"Days": [1.0], "Subject": ["308"]})),
        "There is no column `Reaction` in the data.",
    ),
]


@pytest.fixture(scope="module")
def fits() -> tuple[pf.Fit, pf.Fit]:
    return tuple(
        pf.lme(TEXT, SLEEP, engine=engine, seed=1, progress=NullProgress()) for engine in (pf.Exact(draws=400), "point")
    )


@pytest.mark.parametrize(("ask", "sentence"), WRONG, ids=[str(place) for place in range(len(WRONG))])
def test_a_wrong_call_is_answered_in_a_sentence(fits, ask, sentence):
    before = fits[0].summary()
    with pytest.raises(ProbflowError) as found:
        ask(*fits)
    assert found.value.message.startswith(sentence)
    assert found.value.message.endswith(".")
    assert "\n" not in found.value.message
    assert found.value.hint
    # Nothing that was computed is lost.
    pd.testing.assert_frame_equal(fits[0].summary(), before)
