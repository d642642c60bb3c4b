"""The page's own class, verbatim, and what a model remembers and answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import probflow_nb as pf
from probflow_nb.backend.tensorflow import load
from probflow_nb.model.call_text import response_text
from probflow_nb.model.density import log_density

tf = load()
J, REPEATS = 6, 5
N = J * REPEATS


class LinearMixedEffectsModel(pf.Model):
    def __init__(self, Nf, Nr):
        self.Nf = Nf
        self.w = pf.Parameter([Nf, 1])
        self.u = pf.Parameter([Nr, 1])
        self.sigma = pf.ScaleParameter([1, 1])

    def __call__(self, x):
        X = x[:, : self.Nf]
        Z = x[:, self.Nf :]
        return pf.Normal(X @ self.w() + Z @ self.u(), self.sigma())


class Learned(LinearMixedEffectsModel):
    def __init__(self, Nf, Nr):
        super().__init__(Nf, Nr)
        self.tau = pf.ScaleParameter(prior=pf.HalfNormal(1))
        self.u = pf.Parameter([Nr, 1], prior=pf.Normal(0, self.tau))


def data(days=None):
    rng = np.random.default_rng(0)
    days = rng.standard_normal(N) if days is None else days
    x = np.column_stack([np.ones(N), days, np.eye(J)[np.repeat(np.arange(J), REPEATS)]])
    return x, x @ np.r_[1.0, 0.5, rng.standard_normal(J)] + 0.5 * rng.standard_normal(N)


def quick():
    return pf.NUTS(draws=400, chains=2)


@pytest.fixture(scope="module")
def fitted():
    model = LinearMixedEffectsModel(2, J)
    fit = model.fit(*data(), engine=quick(), seed=1)
    return model, fit


def test_the_pages_class_has_the_pages_density_in_every_spelling():
    x, y = data(np.arange(N) % 5)
    w, u, sigma = np.array([[0.3], [0.2]]), np.linspace(-1, 1, J)[:, None], np.array([[0.8]])
    mean = x @ np.concatenate([w, u])
    expected = (
        stats.norm(0, 1).logpdf(w).sum()
        + stats.norm(0, 1).logpdf(u).sum()
        + stats.gamma(5).logpdf(0.8**-2)
        + stats.norm(mean[:, 0], 0.8).logpdf(y).sum()
    )
    xs = {
        "float64": x,
        "float32": x.astype(np.float32),
        "int": x.astype(int),
        "frame": pd.DataFrame(x, columns=["one", "days", *(f"g{j}" for j in range(J))]),
        "mixed frame": pd.DataFrame(x).astype({0: bool, 1: np.int8}),
    }
    ys = {"vector": y, "column": y[:, None], "series": pd.Series(y), "frame": pd.DataFrame({"y": y}), "list": list(y)}
    model = LinearMixedEffectsModel(2, J)
    for given in xs.values():
        for response in ys.values():
            found = model.log_prob(given, response, {"w": w, "u": u, "sigma": sigma})
            np.testing.assert_allclose(found, expected, rtol=1e-12)
    batch = model.log_prob(x, y, {"w": np.stack([w, w]), "u": np.stack([u, u]), "sigma": np.stack([sigma, sigma])})
    np.testing.assert_allclose(batch, [expected, expected], rtol=1e-12)


def test_the_page_class_fits_and_remembers(fitted):
    model, fit = fitted
    x, y = data()
    assert fit.formula == "LinearMixedEffectsModel: y ~ Normal(X @ w + Z @ u, sigma)"
    assert model.last_fit is fit
    assert model.posterior_mean("w") is not None
    draws = fit.posterior_sample(name="w").to_numpy()
    np.testing.assert_allclose(model.w().numpy()[:, 0], draws.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(np.ravel(model.posterior_sd("w")), draws.std(axis=0, ddof=1), rtol=1e-9)
    assert model.w().shape == (2, 1)
    np.testing.assert_allclose(np.asarray(model.predict()), np.asarray(model.predict(x)), rtol=1e-9)
    inside = model.predictive_interval()
    share = np.mean((y > inside.iloc[:, 0]) & (y < inside.iloc[:, 1]))
    assert share > 0.8
    for interval in (model.epistemic_interval(), model.aleatoric_interval(), model.posterior_interval("u")):
        assert (np.asarray(interval)[:, 0] < np.asarray(interval)[:, 1]).all()
    np.testing.assert_allclose(np.asarray(model.residuals()), y - np.asarray(model.predict()), rtol=1e-9)
    assert 0.3 < model.r_squared() < 1.0
    assert model.log_prob().shape == (N,)
    assert len(model.calibration_curve()) > 3
    assert len(model.posterior_sample(10, "sigma")) == 10
    assert "text/html" in model._repr_mimebundle_()


def test_the_code_can_be_called_after_a_fit(fitted):
    model, _ = fitted
    x, _ = data()
    mean = np.asarray(model(tf.constant(x)).mean())
    np.testing.assert_allclose(mean[:, 0], x @ np.r_[np.ravel(model.w()), np.ravel(model.u())], rtol=1e-9)


def test_two_models_of_one_class_have_nothing_in_common(fitted):
    model, _ = fitted
    other = LinearMixedEffectsModel(2, J)
    assert float(other.w()[0, 0]) == 0.0
    with pytest.raises(pf.FitError, match="LinearMixedEffectsModel is not fitted yet"):
        other.posterior_mean("w")
    assert float(model.w()[0, 0]) != 0.0


class Interrupts:
    """Progress that interrupts at a step, as a person does."""

    def __init__(self, at):
        self.at, self.seen = at, 0

    def show(self, event):
        self.seen += 1
        if self.seen >= self.at:
            raise KeyboardInterrupt

    def close(self):
        pass


def test_an_interrupt_leaves_the_model_usable():
    model = LinearMixedEffectsModel(2, J)
    before = model.log_prob(*data(), values={"w": np.zeros((2, 1)), "u": np.zeros((J, 1)), "sigma": np.ones((1, 1))})
    with pytest.raises(KeyboardInterrupt):
        model.fit(*data(), engine=quick(), seed=1, progress=Interrupts(1))
    with pytest.raises(pf.FitError, match="not fitted yet"):
        model.predict()
    assert float(model.w()[0, 0]) == 0.0
    after = model.log_prob(*data(), values={"w": np.zeros((2, 1)), "u": np.zeros((J, 1)), "sigma": np.ones((1, 1))})
    assert before == after
    whole = model.fit(*data(), engine=quick(), seed=1)
    again = LinearMixedEffectsModel(2, J).fit(*data(), engine=quick(), seed=1)
    np.testing.assert_array_equal(whole.draws["w[0]"], again.draws["w[0]"])


BEFORE = ["posterior_mean", "posterior_sd", "posterior_sample", "posterior_interval", "predict", "r_squared"]
BEFORE += ["predictive_interval", "epistemic_interval", "aleatoric_interval", "residuals", "log_prob"]
BEFORE += ["calibration_curve"]


@pytest.mark.parametrize("name", BEFORE)
def test_before_a_fit_there_is_a_sentence(name):
    with pytest.raises(pf.FitError, match="LinearMixedEffectsModel is not fitted yet"):
        getattr(LinearMixedEffectsModel(2, J), name)()


def test_priors_can_be_drawn_without_a_fit():
    drawn = Learned(2, J).prior_sample(3000, seed=0)
    assert {name: value.shape for name, value in drawn.items()} == {
        "w": (3000, 2, 1),
        "tau": (3000,),
        "u": (3000, J, 1),
        "sigma": (3000, 1, 1),
    }
    assert stats.kstest(drawn["u"][:, 0, 0] / drawn["tau"], "norm").pvalue > 1e-3
    with pytest.raises(pf.FitError, match="n is a whole number from 1 to"):
        Learned(2, J).prior_sample(0)

    class Auto(pf.Model):
        def __init__(self):
            self.w = pf.Parameter(prior="auto")

        def __call__(self, x):
            return pf.Normal(x[:, 0] * self.w()[..., None], 1.0)

    with pytest.raises(pf.SpecError, match='The prior of w is "auto", which is worked out from'):
        Auto().prior_sample(3)


def test_a_model_without_inputs():
    class Location(pf.Model):
        def __init__(self):
            self.mu, self.sigma = pf.Parameter(5), pf.ScaleParameter()

        def __call__(self):
            return pf.Normal(self.mu(), self.sigma()[..., None])

    y = np.arange(5.0)
    density = Location().program(y).density
    assert density.n_rows == 5
    z = tf.constant(np.zeros((2, 6)))
    assert log_density(density, z, density.inputs()).shape == (2,)


def test_a_dictionary_of_inputs():
    x, y = data()

    class Named(pf.Model):
        def __init__(self):
            self.w, self.sigma = pf.Parameter([2, 1]), pf.ScaleParameter([1, 1])
            self.u = pf.Parameter([J, 1])

        def __call__(self, x):
            Z = pf.indicators(x["group"], levels=J)
            return pf.Normal(x["X"] @ self.w() + Z @ self.u(), self.sigma())

    given = {"X": x[:, :2], "group": np.repeat(np.arange(J), REPEATS)}
    values = {name: value[0] for name, value in Named().prior_sample(1, 0).items()}
    found = Named().log_prob(given, y, values)
    np.testing.assert_allclose(found, LinearMixedEffectsModel(2, J).log_prob(x, y, values), rtol=1e-12)


WRONG_VALUES = [
    ({"w": np.zeros((2, 1))}, "The dictionary of values lacks u."),
    ({"v": 1.0}, "The dictionary of values has v, which the model has not."),
    (3, "values is a dictionary"),
    ({"w": np.zeros(2), "u": np.zeros((J, 1)), "sigma": np.ones((1, 1))}, "The value of w has shape (2,), but"),
    ({"w": np.zeros((4, 2, 1)), "u": np.zeros((J, 1)), "sigma": np.ones((1, 1))}, "have different batches"),
]


@pytest.mark.parametrize(("values", "sentence"), WRONG_VALUES)
def test_wrong_values_get_their_sentence(values, sentence):
    with pytest.raises(pf.FitError) as caught:
        LinearMixedEffectsModel(2, J).log_prob(*data(), values=values)
    assert sentence in str(caught.value)


def test_a_model_shows_itself_before_a_fit():
    model = Learned(2, J)
    assert repr(model).split("\n") == [
        "Learned: y ~ Normal(X @ w + Z @ u, sigma)",
        "w ~ Normal(0, 1), shape (2, 1)",
        "tau ~ HalfNormal(1)",
        f"u ~ Normal(0, tau), shape ({J}, 1)",
        "sigma ~ 1 / sqrt(Gamma(5, 1)), shape (1, 1)",
    ]
    shown = model._repr_mimebundle_()
    assert {"text/html", "text/plain", "text/latex", "text/markdown"} <= set(shown)
    assert "Normal" in shown["text/html"]


def local(self, x):
    return pf.Normal(self.f(x, 2) @ self.w(), tf.exp(self.s()))


def branches(self, x):
    if x is None:
        return pf.Normal(0, 1)
    return pf.Normal(1, 1)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (LinearMixedEffectsModel.__call__, "Normal(X @ w + Z @ u, sigma)"),
        (local, "Normal(f(x, 2) @ w, tf.exp(s))"),
        (branches, ""),
        (len, ""),
    ],
)
def test_the_line_that_people_read(call, text):
    assert response_text(call) == text


def test_a_second_fit_of_one_shape_hashes_alike_and_a_changed_number_does_not():
    from probflow_nb.backend.programs import fingerprint

    class Shifted(pf.Model):
        def __init__(self, shift):
            self.shift = shift
            self.w, self.sigma = pf.Parameter([2, 1]), pf.ScaleParameter([1, 1])

        def __call__(self, x):
            return pf.Normal(x[:, :2] @ self.w() + self.shift, self.sigma())

    x, y = data()
    texts = []
    for shift, response in ((0.0, y), (0.0, 2 * y), (1.0, y)):
        density = Shifted(shift).program(x, response).density
        texts.append(fingerprint((density.log_lik,), (tf.zeros([1, density.size], tf.float64), density.inputs())))
    assert texts[0] == texts[1] != texts[2]


def test_rows_are_not_paired_by_position_against_their_labels():
    x, y = data()
    frame, model = pd.DataFrame(x), LinearMixedEffectsModel(2, J)
    with pytest.raises(pf.DataError, match="same row labels in another order"):
        model.program(frame, pd.Series(y)[::-1])
    for labels in (frame.index, frame.index + 1000):
        assert np.array_equal(model.program(frame, pd.Series(y, index=labels)).y, y)
