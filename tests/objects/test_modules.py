"""Parameters: what they refuse, their arithmetic, where a module finds them, and their values."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from scipy import stats

import probflow_nb as pf
from probflow_nb.backend.tensorflow import load
from probflow_nb.errors import SpecError
from probflow_nb.objects.module import discover
from probflow_nb.objects.value import values_in_effect

tf = load()


class Layer(pf.Module):
    def __init__(self, size):
        self.w = pf.Parameter(size)


class Everything(pf.Module):
    shared = pf.Parameter()

    def __init__(self):
        # A prior's own parameters come first, whatever the order of attributes.
        self.tau = pf.ScaleParameter()
        self.u = pf.Parameter([4, 1], prior=pf.Normal(pf.Parameter(), 2 * self.tau))
        self.layers = [Layer(2), Layer(3)]
        self.parts = {"a": pf.Parameter(2), "b": (pf.Parameter(3), 7, "text", None)}
        self.inner = Layer(2)
        self.again = self.u
        self.named = pf.Parameter(name="theta")
        self.me = self


def test_parameters_are_found_everywhere_and_never_collide():
    found = discover(Everything())
    assert sorted(found.names) == sorted(
        [
            "shared",
            "tau",
            "u.mean",
            "u",
            "layers[0].w",
            "layers[1].w",
            "parts[a]",
            "parts[b][0]",
            "inner.w",
            "theta",
        ]
    )
    places = {name: i for i, name in enumerate(found.names)}
    assert places["tau"] < places["u"]
    assert places["u.mean"] < places["u"]
    assert [p.name for p in found.parameters] == list(found.names)
    assert discover(Everything()).names == found.names


def test_two_unnamed_parameters_have_two_names():
    class Two(pf.Module):
        def __init__(self):
            self.a, self.b = pf.Parameter(), pf.Parameter()

    assert discover(Two()).names == ("a", "b")


def test_an_explicit_name_that_collides_is_an_error():
    class Two(pf.Module):
        def __init__(self):
            self.a, self.b = pf.Parameter(), pf.Parameter(name="a")

    with pytest.raises(SpecError, match=r"Two parameters are named a: a and b\."):
        discover(Two())


def test_priors_may_not_go_round_in_a_circle():
    class Round(pf.Module):
        def __init__(self):
            self.a = pf.Parameter()
            self.b = pf.Parameter(prior=pf.Normal(self.a, 1))
            self.a.prior = pf.Normal(self.b, 1)

    with pytest.raises(SpecError, match=r"The priors go round in a circle: a -> b -> a\."):
        discover(Round())


REFUSED = {
    "zero": (lambda: pf.Parameter(0), "The shape of a Parameter is 0, but it must be whole numbers from 1."),
    "negative": (lambda: pf.Parameter([2, -1]), "The shape of a Parameter is [2, -1]"),
    "float": (lambda: pf.Parameter(2.5), "The shape of a Parameter is 2.5"),
    "text": (lambda: pf.Parameter("w"), "The shape of a Parameter is 'w'"),
    "none": (lambda: pf.Parameter(None), "The shape of a Parameter is None"),
    "boolean": (lambda: pf.Parameter([True]), "The shape of a Parameter is [True]"),
    "huge": (lambda: pf.Parameter([10**5, 10**5]), "has more than 10,000,000 elements."),
    "prior class": (lambda: pf.Parameter(prior=pf.Normal), "The prior of a Parameter is the class Normal itself."),
    "prior number": (lambda: pf.Parameter(prior=3), "The prior of a Parameter is of type int"),
    "prior text": (lambda: pf.Parameter(prior="wide"), "The prior of a parameter is 'wide'; as a text"),
    "half prior": (
        lambda: pf.Parameter(prior=pf.HalfNormal(1)),
        "The prior HalfNormal(1) speaks of positive numbers, but a Parameter can be any number.\nTake pf.Positive",
    ),
    "real prior": (
        lambda: pf.ScaleParameter(prior=pf.Normal(0, 1)),
        "The prior Normal(0, 1) speaks of any number, but a ScaleParameter can be positive numbers.",
    ),
    "discrete": (lambda: pf.Parameter(prior=pf.Poisson(2)), "Poisson(2) speaks of whole numbers from 0, but"),
    "matrix": (lambda: pf.Parameter(prior=pf.LKJ(2)), "LKJ(2) speaks of correlation matrices, but"),
    "bounds": (
        lambda: pf.BoundedParameter(0, 2, prior=pf.Uniform(0, 1)),
        "The prior Uniform(0, 1) has other bounds than the parameter, which can be numbers between 0 and 2.",
    ),
    "bounds order": (lambda: pf.BoundedParameter(2, 1), "The bounds of a BoundedParameter are 2 and 1, but low"),
    "one bound": (lambda: pf.BoundedParameter(0, np.inf), "A BoundedParameter with one bound needs a prior."),
    "bound shape": (lambda: pf.BoundedParameter([0, 0, 0], 1, shape=2), "does not fit a"),
    "auto bounds": (lambda: pf.BoundedParameter(0, 1, prior="auto"), "its bounds say what is known"),
    "argument shape": (
        lambda: pf.Parameter(3, prior=pf.Normal([0, 1], 1)),
        "The mean of the prior Normal([0, 1], 1) has shape (2,), which does not fit a Parameter of shape (3,).",
    ),
    "argument wider": (lambda: pf.Parameter((), prior=pf.Normal([0, 1], 1)), "has shape (2,), which does not fit"),
    "parameter shape": (
        lambda: pf.Parameter(3, prior=pf.Normal(0, pf.ScaleParameter(2, name="tau"))),
        "The sd of the prior Normal(0, tau) has shape (2,)",
    ),
    "rows": (
        lambda: pf.Parameter([5, 3], prior=pf.MultivariateNormal(0, cor=pf.CorrelationParameter(2))),
        "has shape (2, 2), which does not fit a Parameter of shape (5, 3).",
    ),
    "single of rows": (lambda: pf.Parameter((), prior=pf.MultivariateNormal(0)), "with 1 axes, but a Parameter has"),
    "correlation": (lambda: pf.CorrelationParameter(1), "A CorrelationParameter of 1 is not a matrix"),
    "simplex": (lambda: pf.SimplexParameter(1), "A SimplexParameter of 1 has no parts to share"),
    "transform": (lambda: pf.Parameter(transform=3), "A transform must be a function of a tensor, or a pair"),
    "name": (lambda: pf.Parameter(name=3), "The name of a parameter is 3, but it must be a text."),
    "truth": (lambda: bool(pf.Parameter(name="w")), "w is not known yet, so nothing can be decided by it."),
    "element": (lambda: pf.Parameter(2, name="w")[5], "w has shape (2,), so [5] is not a part of it."),
    "sum": (lambda: pf.Parameter(2, name="w") + pf.Parameter(3, name="v"), "w + v: the shapes (2,) and (3,) differ."),
    "product": (lambda: np.ones((4, 3)) @ pf.Parameter(2, name="w"), "array(4, 3) @ w: the shapes (4, 3) and (2,)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_every_refusal_has_its_sentence(name):
    make, sentence = REFUSED[name]
    with pytest.raises(SpecError) as caught:
        make()
    assert sentence in str(caught.value)


@pytest.mark.parametrize("shape", [3, [3], (3,), np.int64(3), np.array([3])])
def test_spellings_of_a_shape(shape):
    assert pf.Parameter(shape).shape == (3,)
    assert pf.Parameter().shape == pf.Parameter([]).shape == ()


def test_arithmetic_has_the_values_of_its_parts_with_any_batch_in_front():
    rng = np.random.default_rng(0)
    w, tau, A = pf.Parameter([3, 1]), pf.ScaleParameter(), rng.standard_normal((5, 3))
    V, v = rng.standard_normal((4, 3, 1)), rng.uniform(1, 2, 4)
    pieces = {
        "sum": (1 + w * tau - 2, lambda W, t: 1 + W * t - 2),
        "rest": (np.ones(3)[:, None] / w**2 + 2.0**tau, lambda W, t: 1 / W**2 + 2**t),
        "sign": (-w, lambda W, t: -W),
        "element": (w[1, 0], lambda W, t: W[1, 0]),
        "rows": (w[1:], lambda W, t: W[1:]),
        "product": (A @ w, lambda W, t: A @ W),
    }
    for derived, expected in pieces.values():
        with values_in_effect({w: V, tau: v}):
            batch = derived.current().numpy()
        for s in range(4):
            with values_in_effect({w: V[s], tau: v[s]}):
                single = derived.current().numpy()
            np.testing.assert_allclose(single, expected(V[s], v[s]), rtol=1e-12)
            np.testing.assert_allclose(batch[s], single, rtol=1e-12)
            assert single.shape == derived.shape


def test_values_in_effect_by_parameter_and_by_name_and_only_there():
    w, other = pf.Parameter(name="w"), pf.Parameter(name="other")
    seen = []
    with values_in_effect({"w": 3.0}) as scope:
        assert float(w()) == 3.0
        with values_in_effect({w: 4.0}):
            assert float(w()) == 4.0
        assert float(w()) == 3.0
        assert scope.reads == {w}
        thread = threading.Thread(target=lambda: seen.append(float(w())))
        thread.start()
        thread.join()
        with pytest.raises(SpecError, match="reads a parameter other that is not part of it"):
            other()
    assert seen == [0.0]
    assert float(w()) == 0.0


def test_outside_of_a_fit_a_parameter_is_its_priors_mean():
    assert float(pf.Parameter(prior=pf.Normal(3, 1))()) == 3.0
    np.testing.assert_allclose(pf.ScaleParameter(prior=pf.HalfNormal(2))(), stats.halfnorm(scale=2).mean())
    np.testing.assert_allclose(pf.ScaleParameter([2, 1])(), np.full((2, 1), 5**-0.5))
    # A Cauchy has no mean: the middle of what is possible.
    assert float(pf.Parameter(prior=pf.Cauchy(2, 1))()) == 0.0
    np.testing.assert_array_equal(pf.CorrelationParameter(3)(), np.eye(3))
    np.testing.assert_allclose(pf.SimplexParameter(4)(), 0.25)
    mu = pf.Parameter(prior=pf.Normal(2, 1))
    np.testing.assert_allclose(pf.Parameter([3, 1], prior=pf.Normal(mu, 1))(), np.full((3, 1), 2.0))
