"""What is wrong with a model or its data is said in one sentence before a fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

import probflow_nb as pf
from probflow_nb.backend.tensorflow import load
from probflow_nb.errors import ProbflowError
from probflow_nb.model.row_data import conform, read_inputs, read_response

tf = load()
N = 12
X = np.column_stack([np.ones(N), np.arange(N, dtype=float)])
Y = np.linspace(-1, 1, N)


def model(call, **parameters):
    """Return a model with the parameters given and w (2, 1) and sigma."""

    class Given(pf.Model):
        def __init__(self):
            self.w = pf.Parameter([2, 1])
            self.sigma = pf.ScaleParameter()
            for name, parameter in parameters.items():
                setattr(self, name, parameter)

        def __call__(self, x):
            return call(self, x)

    return Given()


def normal(self, x):
    return pf.Normal(x @ self.w(), self.sigma())


def count(self, x):
    return pf.Poisson(log=(x @ self.w())[..., 0] + 0.0 * self.sigma())


CASES = {
    "nothing": (lambda self, x: None, Y, "Given.__call__ returns nothing, but it must return the distribution"),
    "a tensor": (
        lambda self, x: x @ self.w(),
        Y,
        "Given.__call__ returns a tensor of shape (12, 1), but it must return",
    ),
    "broadcast": (
        lambda self, x: pf.Normal(x @ self.w(), self.sigma() * tf.ones(N, tf.float64)),
        Y,
        "The response y has shape (12,), but the distribution that the model returns has shape (12, 12): a column "
        "(n, 1) met a row (n,)",
    ),
    "one number": (
        lambda self, x: pf.Normal(tf.reduce_sum(self.w()), self.sigma()),
        Y,
        "has shape (): it is the same single number for all 12 rows.",
    ),
    "one row": (
        lambda self, x: pf.Normal(tf.reduce_sum(self.w(), axis=[0], keepdims=True), self.sigma()),
        Y,
        "has shape (1, 1): it is the same single number for all 12 rows.",
    ),
    "transposed": (
        lambda self, x: pf.Normal(tf.transpose(x @ self.w()), self.sigma()),
        Y,
        "has shape (1, 12).\nIt must be (12,) or (12, 1); it comes from w (2, 1), sigma (), x of shape (12, 2).",
    ),
    "never used": (
        lambda self, x: pf.Normal(x @ self.w(), 1.0),
        Y,
        "The parameter sigma is never used: neither the model's code nor a prior reads it.",
    ),
    "matrix product": (
        lambda self, x: pf.Normal(x[:, :1] @ self.w(), self.sigma()),
        Y,
        "Given.__call__ failed on x of shape (12, 2): InvalidArgumentError",
    ),
    "types": (
        lambda self, x: pf.Normal(x @ self.w() + tf.constant(1.0), self.sigma()),
        Y,
        "Everything is float64 here",
    ),
    "eager only": (
        lambda self, x: pf.Normal(np.asarray(x) @ np.asarray(self.w()) * 1.0, self.sigma()),
        Y,
        "The model's code cannot be compiled.",
    ),
    "python": (
        lambda self, x: pf.Normal(tf.py_function(lambda m: m, [x @ self.w()], tf.float64), self.sigma()),
        Y,
        "The model's code calls Python from within TensorFlow (py_function or numpy_function)",
    ),
    "random": (
        lambda self, x: pf.Normal(x @ self.w() + 0.0 * tf.random.normal([N, 1], dtype=tf.float64), self.sigma()),
        Y,
        "The model's code draws random numbers, but a log density must be the same each time.",
    ),
    "local parameter": (
        lambda self, x: pf.Normal(x @ self.w(), self.sigma() + pf.ScaleParameter(name="tau")()),
        Y,
        "The model reads a parameter tau that is not part of it.",
    ),
    "support": (count, Y, "Row 0 of y is -1., but Poisson speaks of whole numbers from 0."),
    "categories": (
        lambda self, x: pf.Categorical(logits=x @ self.w() * [1.0, 0.0] + 0.0 * self.sigma()),
        np.arange(N) % 3,
        "Row 2 of y is 2., but Categorical speaks of categories 0 to 1.",
    ),
    "trials": (
        lambda self, x: pf.Binomial(2, logit=(x @ self.w())[..., 0] + 0.0 * self.sigma()),
        np.arange(N),
        "Row 3 of y is 3., but Binomial speaks of whole numbers from 0 to the trials.",
    ),
    "bad row": (
        lambda self, x: pf.Normal(x @ self.w() + tf.math.log(x[:, 1:]), self.sigma()),
        Y,
        "The log density of row 0 (y = -1.) is -inf at the start; 1 of 12 rows are not finite.",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_faulty_model_gets_its_sentence(name):
    call, y, sentence = CASES[name]
    with pytest.raises(ProbflowError) as caught:
        model(call).program(X, y)
    assert sentence in str(caught.value)


def test_parameters_that_spoil_the_start():
    with pytest.raises(ProbflowError, match="v is not finite at the start"):
        model(
            lambda self, x: pf.Normal(x @ self.w() + self.v(), self.sigma()),
            v=pf.Parameter(transform=lambda v: tf.math.log(v * 0.0)),
        ).program(X, Y)
    with pytest.raises(ProbflowError, match=r"The transform of v turns shape \(2,\) into \(1,\)"):
        model(
            lambda self, x: pf.Normal(x @ self.w() + self.v(), self.sigma()),
            v=pf.Parameter(2, transform=lambda v: v[..., :1]),
        ).program(X, Y)
    with pytest.raises(ProbflowError, match="does not move the mean of the response"):
        model(
            lambda self, x: pf.Normal(x @ self.w(), self.sigma() * tf.exp(self.v())), v=pf.Parameter(prior="auto")
        ).program(X, Y)
    with pytest.raises(ProbflowError, match="The response is constant"):
        model(lambda self, x: pf.Normal(x @ self.w() + self.v(), self.sigma()), v=pf.Parameter(prior="auto")).program(
            X, np.ones(N)
        )


def test_a_model_without_code_or_parameters():
    class Nothing(pf.Model):
        pass

    class Empty(pf.Model):
        def __call__(self, x):
            return pf.Normal(x[:, 0], 1)

    with pytest.raises(pf.SpecError, match="The model has no parameters"):
        Empty().program(X, Y)
    with pytest.raises(pf.SpecError, match="The model has no parameters"):
        Nothing().program(X, Y)


@pytest.mark.parametrize("column", [False, True])
def test_either_form_of_the_response_is_one_density(column):
    def call(self, x):
        mean = x @ self.w()
        return pf.Normal(
            mean if column else mean[..., 0], self.sigma()[..., None, None] if column else self.sigma()[..., None]
        )

    z = 0.3 * np.arange(3.0)
    found = {}
    for name, y in {
        "vector": Y,
        "column": Y[:, None],
        "list": list(Y),
        "series": pd.Series(Y, name="score"),
        "frame": pd.DataFrame({"score": Y}),
        "polars": pl.Series("score", Y),
        "float32": Y.astype(np.float32),
    }.items():
        program = model(call).program(X, y)
        assert program.y.shape == (N,)
        assert program.response_name == ("score" if name in ("series", "frame", "polars") else "y")
        density = program.density
        found[name] = float(density.log_lik(tf.constant(z), density.inputs()))
    np.testing.assert_allclose(list(found.values()), found["vector"], rtol=1e-6)


def test_several_responses_and_vectors_of_responses():
    Y2 = np.column_stack([Y, -Y])
    program = model(lambda self, x: pf.Normal(x @ self.w() * [1.0, -1.0], self.sigma())).program(X, Y2)
    assert program.density.facts.response_shape == (N, 2)
    vectors = model(
        lambda self, x: pf.MultivariateNormal(x @ self.w() * [1.0, -1.0], sd=[1.0, 2.0], cor=self.R()),
        R=pf.CorrelationParameter(2),
        sigma=None,
    ).program(X, Y2)
    assert vectors.density.facts.response_shape == (N, 2)
    assert vectors.density.facts.event_rank == 1
    inputs = vectors.density.inputs()
    rows = vectors.density.log_lik_rows(vectors.prior_sample(3, 0), inputs)
    assert rows.shape == (3, N)
    values = vectors.prior_sample(3, 0)
    from scipy import stats

    for s in range(3):
        R, mean = values["R"][s], X @ values["w"][s] * [1.0, -1.0]
        cov = R * np.outer([1, 2], [1, 2])
        expected = [stats.multivariate_normal(m, cov).logpdf(y) for m, y in zip(mean, Y2, strict=True)]
        np.testing.assert_allclose(rows[s], expected, rtol=1e-9)


SPELLINGS = {
    "float32": X.astype(np.float32),
    "int": X.astype(int),
    "list": X.tolist(),
    "frame": pd.DataFrame(X, columns=["one", "day"]),
    "polars": pl.DataFrame({"one": X[:, 0], "day": X[:, 1].astype(int)}),
    "sparse": sparse.csr_matrix(X),
    "tensor": tf.constant(X),
    "fortran": np.asfortranarray(X),
    "booleans and integers": pd.DataFrame({"one": np.ones(N, bool), "day": np.arange(N)}),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_x_are_one_array(name):
    found = read_inputs(SPELLINGS[name])
    assert found.value.dtype == np.float64
    np.testing.assert_array_equal(found.value, X)
    assert found.n_rows == N


def bad(row, value):
    x = X.copy()
    x[row, 1] = value
    return x


BAD_INPUTS = {
    "text column": (pd.DataFrame({"day": [1, 2], "g": ["a", "b"]}), "The column g of x holds text or categories, but"),
    "missing": (bad(3, np.nan), "Row 3, column 1 of x is missing."),
    "infinite": (bad(4, np.inf), "Row 4, column 1 of x is infinite."),
    "missing in a frame": (pd.DataFrame(bad(5, np.nan), columns=["one", "day"]), "Row 5 of x has a missing day."),
    "text": (np.array(["a", "b"]), "x holds text, but it must be numbers."),
    "mixed": ([1, "b"], "x holds text"),
    "object": (np.array([[1.0], ["b"]], dtype=object), "x must be numbers, but row 1 is 'b'."),
    "none": ([1.0, None], "Row 1 of x is missing."),
    "ragged": ([[1.0, 2.0], [1.0]], "x is a ragged list"),
    "complex": (np.array([1j]), "x holds complex numbers."),
    "number": (3.0, "x is a single number"),
    "empty": ({}, "x is an empty dictionary."),
    "lengths": ({"a": [1, 2], "b": [1]}, "The parts of x have different numbers of rows: a has 2, b has 1."),
    "dates": (np.array(["2020-01-01"], dtype="datetime64[D]"), "x holds datetime64[D], but it must be numbers."),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_inputs_get_their_sentence(name):
    given, sentence = BAD_INPUTS[name]
    with pytest.raises(pf.DataError) as caught:
        read_inputs(given)
    assert sentence in str(caught.value)


BAD_RESPONSES = {
    "none": (None, "There is no response y."),
    "empty": ([], "y has no rows"),
    "cube": (np.zeros((2, 2, 2)), "y has shape (2, 2, 2), but it must have one row"),
    "missing": ([1.0, np.nan], "Row 1 of y is missing."),
    "text": (["a", "b"], "y holds text, but it must be numbers."),
    "number": (3.0, "y has no rows: its shape is ()."),
    "dictionary": ({"y": [1.0]}, "y is a dictionary, but it must be one response."),
}


@pytest.mark.parametrize("name", BAD_RESPONSES)
def test_bad_responses_get_their_sentence(name):
    given, sentence = BAD_RESPONSES[name]
    with pytest.raises(pf.DataError) as caught:
        read_response(given)
    assert sentence in str(caught.value)


def test_lengths_differ():
    with pytest.raises(pf.DataError, match=r"x has 12 rows, but y has 11\."):
        model(normal).program(X, Y[:-1])


def test_new_rows_are_held_to_those_fitted():
    frame = pd.DataFrame(X, columns=["one", "day"])
    fitted = read_inputs(frame)
    turned = frame[["day", "one"]].assign(more="text")
    np.testing.assert_array_equal(conform(turned, fitted.value, fitted.names), X)
    refused = [
        (frame[["one"]], fitted, "The new data have no column day."),
        (X[:, :1], fitted, "The new x has 1 columns, but the model was fitted to 2."),
        (X[:, 0], fitted, "The new x has shape (12,), but the model was fitted to rows of shape (2,)."),
        ({"a": X}, fitted, "so new inputs must be that too."),
        (None, fitted, "The model needs new inputs x."),
        (X, read_inputs(None), "The model was fitted without inputs"),
        ({"a": [1.0]}, read_inputs({"a": [1.0], "b": [1.0]}), "The new inputs have no b."),
        ({"a": [[1.0]], "b": [1.0]}, read_inputs({"a": [1.0], "b": [1.0]}), "The new x['a'] has shape (1, 1)"),
    ]
    for given, before, sentence in refused:
        with pytest.raises(pf.DataError) as caught:
            conform(given, before.value, before.names)
        assert sentence in str(caught.value)
