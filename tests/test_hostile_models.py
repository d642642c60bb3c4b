"""Careless and hostile models end in one sentence with the person's own line, and never in a silent wrong fit."""

from __future__ import annotations

import copy
import pickle
import random
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import probflow_nb as pf
from probflow_nb.backend.programs import fingerprint
from probflow_nb.display.progress import NullProgress
from probflow_nb.errors import Span, excerpt
from probflow_nb.inference import start
from probflow_nb.posterior import diagnostics

N = 8
X = np.column_stack([np.ones(N), np.arange(float(N))])
Y = 1 + 0.5 * X[:, 1] + 0.1 * np.sin(np.arange(N))


def model(call: Any, **attributes: Any) -> pf.Model:
    kind = type("Given", (pf.Model,), {"__call__": call})
    made = kind()
    held = {"w": pf.Parameter([2, 1]), "sigma": pf.ScaleParameter([1, 1]), **attributes}
    for name, value in held.items():
        setattr(made, name, value)
    return made


def line(self: Any, x: Any) -> pf.Normal:
    return pf.Normal(x @ self.w(), self.sigma())


def fitted(made: pf.Model, engine: Any = None) -> pf.Fit:
    engine = engine or pf.Exact(draws=200, chains=2)
    return made.fit(X, Y, engine=engine, seed=1, progress=NullProgress())


def missing_key(self, x):
    return pf.Normal(x @ {}["weights"], self.sigma())


def missing_column(self, x):
    return pf.Normal(x[:, 7:8] * self.w()[0] + x[:, 9], self.sigma())


def counts_its_calls(self, x):
    self.calls = getattr(self, "calls", 0) + 1
    return pf.Normal(x @ self.w() * self.calls, self.sigma())


def numpy_random(self, x):
    return pf.Normal(x @ self.w() + np.random.default_rng().normal(), self.sigma())


def python_random(self, x):
    return pf.Normal(x @ self.w() + random.random(), self.sigma())


def numpy_mean(self, x):
    return pf.Normal(x @ self.w() + float(np.mean(self.w().numpy())), self.sigma())


def without_end(self, x):
    return without_end(self, x)


FAULTS = {
    "division": (lambda self, x: x / (1 // 0), "ZeroDivisionError: ", "1 // 0"),
    "key": (missing_key, "KeyError: 'weights'", '{}["weights"]'),
    "column": (missing_column, "slice index 9 of dimension 1 out of bounds", "x[:, 9]"),
    "attribute": (lambda self, x: pf.Normal(x @ self.v(), 1.0), "has no attribute 'v'", "self.v"),
    "columns": (lambda self, x: pf.Normal(x[:, :1] @ self.w(), 1.0), "Matrix size-incompatible", "x[:, :1] @ self.w()"),
    "vector": (lambda self, x: pf.Normal(x @ self.w()[:, 0], 1.0), "different ndims", "x @ self.w()[:, 0]"),
    "no end": (without_end, "RecursionError", "without_end(self, x)"),
    "numpy": (numpy_mean, "where the parameters are not known yet", "self.w().numpy"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_fails_in_a_model_is_shown_in_its_own_line(name: str) -> None:
    call, said, faulty = FAULTS[name]
    with pytest.raises(pf.EngineError) as caught:
        model(call).program(X, Y)
    error = caught.value
    assert said in error.message
    assert not any(mark in str(error) for mark in ("{{", "[Op:", "name: "))
    assert error.text is not None
    assert error.span is not None
    assert error.text[error.span.start : error.span.stop] == faulty


@pytest.mark.parametrize("call", [counts_its_calls, numpy_random, python_random])
def test_code_that_answers_otherwise_each_time_is_refused(call: Any) -> None:
    with pytest.raises(pf.EngineError, match="gives another answer each time it is called"):
        model(call).program(X, Y)


def test_a_transform_that_needs_numbers_is_a_sentence() -> None:
    with pytest.raises(pf.EngineError, match="A transform failed: NotImplementedError: it asks for a number"):
        model(line, w=pf.Parameter([2, 1], transform=np.exp)).program(X, Y)


RETURNS = {
    "class": (lambda self, x: pf.Normal, "returns the class Normal, but"),
    "array": (lambda self, x: np.ones(3), "returns an array of shape (3,), but"),
    "tuple": (lambda self, x: (line(self, x),), "returns a tuple, but"),
}


@pytest.mark.parametrize("name", RETURNS)
def test_what_is_no_distribution_is_named(name: str) -> None:
    call, said = RETURNS[name]
    with pytest.raises(pf.EngineError) as caught:
        model(call).program(X, Y)
    assert said in str(caught.value)


def test_elements_of_two_parameters_never_have_one_name() -> None:
    made = model(lambda self, x: pf.Normal(x @ self.w() + self.v(), self.sigma()), v=pf.Parameter(name="w[0]"))
    with pytest.raises(pf.SpecError, match=r"w and w\[0\] both have an element named w\[0\]"):
        made.program(X, Y)


def test_a_parameter_of_two_models_takes_no_name_of_another() -> None:
    one = model(line)
    fitted(one)
    other = model(lambda self, x: pf.Normal(x @ (self.v() + self.w()), self.sigma()), v=one.w, w=pf.Parameter([2, 1]))
    assert set(fitted(other).posterior_mean()) == {"v", "w", "sigma"}
    assert set(one.posterior_mean()) == {"w", "sigma"}


@pytest.mark.parametrize("made", [lambda t: pf.Normal(0, t), lambda t: pf.Poisson(t), lambda t: pf.Bernoulli(p=t)])
def test_an_argument_with_bounds_takes_no_unbounded_parameter(made: Any) -> None:
    with pytest.raises(pf.SpecError, match="but Parameter can be any number"):
        made(pf.Parameter())
    made(pf.BoundedParameter(0, 1))
    made(pf.Parameter(transform=tf.sigmoid))


@pytest.mark.parametrize("name", [" ", "a\nb", " w", 3, None])
def test_names_are_one_line_of_text(name: Any) -> None:
    with pytest.raises(pf.SpecError, match="The name of a parameter is"):
        pf.Parameter(name=name)


def test_copies_have_parameters_of_their_own_and_keep_the_answer() -> None:
    made = model(line)
    fitted(made)
    other = copy.deepcopy(made)
    assert other.w is not made.w
    np.testing.assert_array_equal(other.posterior_mean("w"), made.posterior_mean("w"))
    other.w = pf.Parameter([2, 1], prior=pf.Normal(0, 0.001))
    fitted(other)
    assert abs(np.asarray(other.posterior_mean("w"))).max() < 0.01 < np.asarray(made.posterior_mean("w")).max()


class Pickled(pf.Model):
    def __init__(self) -> None:
        self.tau = pf.ScaleParameter(prior=pf.HalfNormal(2))
        self.w = pf.Parameter([2, 1], prior=pf.Normal(0, 3))
        self.sigma = pf.ScaleParameter([1, 1])

    def __call__(self, x: Any) -> pf.Normal:
        return pf.Normal(x @ self.w() * self.tau(), self.sigma())


def test_a_model_can_be_pickled_before_its_fit_and_a_fit_says_that_it_cannot() -> None:
    again = pickle.loads(pickle.dumps(Pickled()))
    values = {"tau": 1.5, "w": np.ones((2, 1)), "sigma": np.full((1, 1), 2.0)}
    assert again.log_prob(X, Y, values) == Pickled().log_prob(X, Y, values)
    with pytest.raises(pf.FitError, match="cannot be pickled"):
        pickle.dumps(fitted(model(line)))


def test_a_model_of_long_parameters_alone_is_summarised_and_shown() -> None:
    wide = np.random.default_rng(0).standard_normal((N, 20))
    made = model(lambda self, x: pf.Normal(x @ self.w(), 1.0), w=pf.Parameter([20, 1]))
    del made.sigma
    fit = made.fit(wide, Y, engine=pf.Exact(draws=200, chains=2), seed=1, progress=NullProgress())
    precision = np.eye(20) + wide.T @ wide
    sd = np.sqrt(np.diag(np.linalg.inv(precision)))
    np.testing.assert_allclose(fit.posterior_sd("w").to_numpy().ravel(), sd, rtol=0.25)
    assert len(fit.summary()) == 0
    assert diagnostics.rhat(fit.draws.scalars).shape == (0,)
    assert diagnostics.ess_bulk(fit.draws.scalars).shape == (0,)
    assert diagnostics.ess_tail(fit.draws.scalars).shape == (0,)
    assert fit._repr_mimebundle_()["text/html"]


def test_programs_of_one_graph_with_other_names_are_kept_apart() -> None:
    def function(inputs: Any) -> Any:
        return tf.add_n(list(inputs.values()))

    one = tf.ones([2], tf.float64)
    assert fingerprint((function,), ({"a": one, "b": one},)) == fingerprint((function,), ({"a": 2 * one, "b": one},))
    assert fingerprint((function,), ({"a": one, "b": one},)) != fingerprint((function,), ({"a": one, "c": one},))


def test_two_models_that_differ_in_names_alone_are_both_fitted() -> None:
    engine = pf.VI(steps=2, draws=200, chains=2)
    for name in ("first", "second"):
        fit = fitted(model(line, w=pf.Parameter([2, 1], name=name)), engine)
        assert fit.draws.names[0] == f"{name}[0]"


def test_what_cannot_be_drawn_is_a_sentence_and_no_obstacle_to_a_fit() -> None:
    made = model(lambda self, x: pf.Bernoulli(p=0.5 + x[:, :1] * self.w()[0, 0]))
    del made.sigma
    made.w = pf.Parameter([1, 1])
    fit = made.fit(X[:, :1], (Y > 2) * 1.0, engine=pf.VI(steps=2, draws=200, chains=2), seed=1, progress=NullProgress())
    assert fit.verdict.level in ("caution", "bad")
    with pytest.raises(pf.SpecError, match="Nothing can be drawn from Bernoulli"):
        pf.Bernoulli(p=tf.constant(2.0, tf.float64)).sample(0, 3)


def a_parameter_called_fit() -> None:
    Pickled().fit = pf.Parameter()  # type: ignore[method-assign, assignment]


ASKED = {
    "a parameter called fit": a_parameter_called_fit,
    "the class": lambda: Pickled.fit(X, Y),
    "a name that is none": lambda: Pickled().fit(X, Y, engine=pf.VI(steps=2), name=3),
    "progress that is none": lambda: Pickled().fit(X, Y, engine=pf.VI(steps=2), progress=3),
    "point": lambda: Pickled().fit(X, Y, engine=pf.Point()),
    "values that are none": lambda: Pickled().log_prob(X, Y, {"tau": "a", "w": np.ones((2, 1)), "sigma": 1.0}),
    "ragged values": lambda: Pickled().log_prob(X, Y, {"tau": 1.0, "w": [[1], [1, 2]], "sigma": 1.0}),
    "a seed that is none": lambda: Pickled().prior_sample(3, seed="a"),
    "more draws than memory": lambda: Pickled().prior_sample(10**12),
    "exact draws": lambda: pf.Exact(draws=10**12),
    "exact fractions": lambda: pf.Exact(draws=400.0),
    "variational draws": lambda: pf.VI(draws=10**13),
    "corrected": lambda: pf.VI(corrected="yes"),
    "reml": lambda: pf.Point(reml="no"),
    "numbers that are too large": lambda: Pickled().program(X, [10**400] * N),
}


@pytest.mark.parametrize("name", ASKED)
def test_what_cannot_be_asked_is_one_of_our_errors(name: str) -> None:
    with pytest.raises(pf.ProbflowError) as caught:
        ASKED[name]()
    assert caught.value.message.endswith(".")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("start", [10, 150, 900, 1990])
def test_of_a_line_too_long_to_read_the_faulty_part_is_shown(start: int) -> None:
    text = "".join(chr(97 + i % 26) for i in range(2000))
    shown, carets = excerpt(text, Span(start, start + 5)).split("\n")
    assert len(shown) < 200
    place = carets.index("^")
    assert shown[place : place + 5] == text[start : start + 5]
    assert carets.strip() == "^^^^^"


def test_a_run_that_is_done_was_not_stopped() -> None:
    run = start(Pickled().program(X, Y), pf.VI(steps=2, draws=200, chains=2), seed=1)
    for _ in run:
        pass
    run.close()
    assert not run.stopped
    other = start(Pickled().program(X, Y), pf.VI(steps=60, draws=200, chains=2), seed=1)
    next(other)
    other.close()
    assert other.stopped
    assert list(other) == []
