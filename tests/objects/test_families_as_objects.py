"""Distributions called with nothing or with their link alone are families; with arguments they stay distributions."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb.inference import Point
from probflow_nb.spec.families import KINDS, Family, family_from

MEANT = {
    "pf.Binomial(link='probit')": "Binomial(link = probit)",
    "pf.Binomial()": "Binomial(link = logit)",
    "pf.Binomial": "Binomial(link = logit)",
    "pf.Bernoulli": "Bernoulli(link = logit)",
    "pf.Poisson(link='sqrt')": "Poisson(link = sqrt)",
    "pf.Gamma(link='inverse')": "Gamma(link = inverse)",
    "pf.Beta()": "Beta(link = logit)",
    "pf.StudentT": "StudentT(link = identity)",
    "pf.NegativeBinomial()": "NegativeBinomial(link = log)",
    "pf.LogNormal()": "LogNormal(link = identity)",
    "pf.Normal": "Gaussian(link = identity)",
    "pf.Normal()": "Gaussian(link = identity)",
    "pf.Normal(link='log')": "Gaussian(link = log)",
    "pf.Ordinal(link='cloglog')": "Ordinal(link = cloglog)",
    "pf.ZeroInflatedPoisson()": "ZeroInflatedPoisson(link = log)",
    "pf.ZeroInflatedNegativeBinomial": "ZeroInflatedNegativeBinomial(link = log)",
}


@pytest.mark.parametrize("code", MEANT)
def test_what_a_name_means_as_a_family(code):
    family = family_from(eval(code))
    assert family.label == MEANT[code]
    assert eval(f"pf.{family!r}", {"pf": pf}) in (family, pf.Normal())
    assert family_from(eval(f"pf.{family!r}", {"pf": pf})) == family


def test_every_family_has_a_name_in_python():
    assert {family_from(eval(code)).name for code in MEANT} == {kind.name for kind in KINDS}


def test_arguments_make_distributions_as_before():
    for made in (pf.Binomial(3, 0.5), pf.Gamma(2.0, 1.0), pf.Normal(), pf.LogNormal(), pf.Normal(0, 2)):
        assert isinstance(made, type(made))
        assert not isinstance(made, Family)
        for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
            assert (type(again), again.label, again.family) == (type(made), made.label, made.family)
    assert isinstance(pf.Binomial(3, 0.5), pf.Binomial)
    assert isinstance(pf.Laplace(0, 1), pf.Laplace)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: pf.Binomial(link="sqrt"), "The family Binomial has no link called `sqrt`."),
        (lambda: pf.Gamma(link="lgo"), "Did you mean log?"),
        (lambda: pf.Gamma(link=3), "The link of Gamma must be a name, not of type int."),
        (lambda: pf.Gamma(2.0, link="log"), "Gamma takes a link alone"),
        (lambda: family_from(pf.Normal(0, 3)), "not of type Normal"),
        (lambda: family_from(pf.HalfNormal), "not HalfNormal"),
        (lambda: family_from(Family("gamma", "probit", ("shape",))), "is not a family and link"),
    ],
)
def test_sentences(make, said):
    with pytest.raises(pf.SpecError) as caught:
        make()
    assert said in str(caught.value)


def test_a_fit_takes_them():
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=60), "g": np.repeat(list("abcdef"), 10), "y": rng.poisson(2.0, 60)}
    fits = [pf.lme("y ~ x + (1 | g)", data, family=f, engine=Point()) for f in ("poisson", pf.Poisson(link="log"))]
    assert fits[0].criterion == fits[1].criterion
