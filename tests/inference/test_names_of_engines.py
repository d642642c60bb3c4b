"""What a person calls an engine or a family: other spellings mean the same, an unknown option gets a sentence."""

from __future__ import annotations

import pytest

import probflow_nb as pf
from probflow_nb.inference.auto import _of_family
from probflow_nb.spec.families import KINDS, Family, family_from


@pytest.mark.parametrize("name", ["negbin", "nbinom", "negbinomial", "NegBin", "negative_binomial"])
def test_every_name_of_overdispersed_counts_is_one_family(name):
    assert family_from(name) == Family("negative_binomial", "log", ("shape",))


@pytest.mark.parametrize("options", [{"foo": 3}, {"foo": 3, "scale": 1.0}])
def test_an_option_that_laplace_lacks_is_named(options):
    with pytest.raises(pf.EngineError, match="Laplace has no option foo") as found:
        pf.Laplace(**options)
    assert "draws" in str(found.value)
    assert "a location and a scale" in str(found.value)


def test_laplace_is_still_a_distribution_and_an_engine():
    assert pf.Laplace(location=0.0, scale=2.0).of("scale") == 2.0
    assert pf.Laplace(draws=2000).draws == 2000


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_reason_for_an_engine_is_in_plain_words(kind):
    reason = _of_family(Family(kind.name, kind.links[0], kind.auxiliary))
    assert kind.links[0] in reason
    assert not reason.startswith(f"the response is {kind.name}")
    assert ("the mean of the response" in reason) == (kind.name == "gaussian")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: pf.NUTS(foo=3), "NUTS has no option foo."),
        (lambda: pf.Exact(drawz=1000), "Exact has no option drawz."),
        (lambda: pf.VI(lr=0.1), "VI has no option lr."),
        (lambda: pf.Point(REML=True), "Point has no option REML."),
        (lambda: pf.Point(True, 1, 2), "Point takes 2 options, not 3."),
        (lambda: pf.Exact(4000, draws=2000), "Exact is given draws twice."),
        (lambda: pf.Poisson(foo=3), "Poisson cannot be made of these arguments: got an unexpected keyword argument"),
        (lambda: pf.Binomial(p=0.3), "Binomial cannot be made of these arguments: missing a required argument"),
        (lambda: pf.Normal(0, 1, 2), "Normal cannot be made of these arguments: too many positional arguments"),
    ],
)
def test_an_engine_or_a_distribution_says_what_it_takes(call, sentence):
    with pytest.raises((pf.EngineError, pf.SpecError)) as found:
        call()
    assert found.value.message.startswith(sentence)
    assert found.value.hint


def test_a_misspelt_option_is_guessed():
    with pytest.raises(pf.EngineError) as found:
        pf.NUTS(warm_up=100)
    assert found.value.hint.startswith("Did you mean warmup?")
    assert pf.NUTS(warmup=100).warmup == 100
    assert isinstance(pf.NUTS(), pf.NUTS)
