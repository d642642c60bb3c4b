"""The density of a model of one's own: against scipy, in every coordinate, natively and mapped, by rows, compiled."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import probflow_nb as pf
from probflow_nb.backend.tensorflow import load
from probflow_nb.model.density import log_density

tf = load()
J, N = 6, 40


def data(seed=0):
    rng = np.random.default_rng(seed)
    level = rng.integers(0, J, N)
    return np.column_stack([np.ones(N), rng.standard_normal(N), np.eye(J)[level]]), rng.standard_normal(N)


class Learned(pf.Model):
    """A learned scale, common effects before."""

    def __init__(self, prior="normal"):
        self.tau = pf.ScaleParameter(prior=pf.HalfNormal(2))
        self.mu = pf.Parameter(prior=pf.Normal(1, 2))
        kinds = {
            "normal": pf.Normal(self.mu, self.tau),
            "student": pf.StudentT(5, self.mu, 2 * self.tau),
            "laplace": pf.Laplace(self.mu, self.tau),
        }
        self.u = pf.Parameter([J, 1], prior=kinds[prior])
        self.w = pf.Parameter([2, 1], prior=pf.StudentT(4, 0, 2))
        self.sigma = pf.ScaleParameter([1, 1])

    def __call__(self, x):
        return pf.Normal(x[:, :2] @ self.w() + x[:, 2:] @ self.u(), self.sigma())


class Correlated(pf.Model):
    """Two correlated effects a level."""

    def __init__(self):
        self.tau = pf.ScaleParameter(2, prior=pf.HalfNormal(2))
        self.R = pf.CorrelationParameter(2, prior=pf.LKJ(2))
        self.b = pf.Parameter([J, 2], prior=pf.MultivariateNormal(0, sd=self.tau, cor=self.R))
        self.p = pf.SimplexParameter(3)
        self.rate = pf.BoundedParameter(1, 3)
        self.sigma = pf.PositiveParameter(prior=pf.Gamma(2, 1))

    def __call__(self, x):
        effects = x[:, 2:] @ self.b()
        mean = effects[..., 0] + effects[..., 1] * x[:, 1] + self.p()[..., 0, None] + self.rate()[..., None]
        return pf.Normal(mean, self.sigma()[..., None])


class OneByOne(pf.Model):
    """Code that is right for single values only."""

    def __init__(self):
        self.u = pf.Parameter(J)
        self.w = pf.Parameter(2, transform=lambda w: w - tf.reduce_mean(w))
        self.sigma = pf.ScaleParameter()

    def __call__(self, x):
        u = self.u() - tf.reduce_mean(self.u())
        return pf.Normal(tf.linalg.matvec(x[:, :2], self.w()) + tf.linalg.matvec(x[:, 2:], u), self.sigma())


MODELS = {
    "normal": lambda: Learned("normal"),
    "student": lambda: Learned("student"),
    "laplace": lambda: Learned("laplace"),
    "correlated": Correlated,
    "one by one": OneByOne,
}


def program(name, seed=0):
    return MODELS[name]().program(*data(seed))


def points(density, S=3, seed=1):
    return 0.7 * np.random.default_rng(seed).standard_normal((S, density.size))


def free(density, values):
    """Return the free coordinates of values, for a Jacobian by differences."""
    found = []
    for slot, parameter in zip(density.slots, density.program.parameters, strict=True):
        value = np.asarray(values[slot.name])
        kind = parameter.bijection.support
        if kind == "correlation":
            value = value[..., *np.tril_indices(value.shape[-1], -1)]
        elif kind == "simplex":
            value = value[..., :-1]
        found.append(value.reshape(len(value), -1))
    return np.concatenate(found, axis=1)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", ["normal", "student", "laplace", "correlated"])
def test_the_density_is_the_joint_with_its_jacobian_however_centred(name, share):
    model = program(name)
    density = model.density
    assert len(density.centrings) == J
    rng = np.random.default_rng(2)
    inputs = density.inputs((rng.random(J) < share).astype(float))
    z = points(density)
    found = log_density(density, tf.constant(z), inputs).numpy()
    values = density.constrain(tf.constant(z), inputs)
    # sigma's own prior is that of its precision, sigma^-2: a transform needs no Jacobian of its own.
    h, D = 1e-5, density.size
    for i, point in enumerate(z):
        steps = tf.constant(np.concatenate([point + h * np.eye(D), point - h * np.eye(D)]))
        moved = density.constrain(steps, inputs)
        if name != "correlated":
            moved["sigma"] = 1.0 / moved["sigma"] ** 2
        moved = free(density, moved)
        jacobian = np.linalg.slogdet((moved[:D] - moved[D:]) / (2 * h))[1]
        joint = float(model.log_joint({n: v[i] for n, v in values.items()}))
        np.testing.assert_allclose(found[i], joint + jacobian, rtol=1e-6)
    np.testing.assert_allclose(density.unconstrain(values, inputs), z, atol=1e-9)
    back = density.unconstrain({n: v[0] for n, v in values.items()}, inputs)
    np.testing.assert_allclose(back, z[0], atol=1e-9)


def test_the_joint_is_what_scipy_says():
    x, y = data()
    model = program("student")
    values = {n: v[0] for n, v in model.prior_sample(1, 3).items()}
    mu, tau, u, w, sigma = (values[n] for n in ("mu", "tau", "u", "w", "sigma"))
    expected = (
        stats.halfnorm(scale=2).logpdf(tau)
        + stats.norm(1, 2).logpdf(mu)
        + stats.t(5, mu, 2 * tau).logpdf(u).sum()
        + stats.t(4, 0, 2).logpdf(w).sum()
        + stats.gamma(5).logpdf(sigma.item() ** -2)
        + stats.norm(x @ np.concatenate([w, u])[:, 0], sigma.item()).logpdf(y).sum()
    )
    np.testing.assert_allclose(model.log_joint(values), expected, rtol=1e-12)
    batch = {n: np.stack([v, v]) for n, v in values.items()}
    np.testing.assert_allclose(model.log_joint(batch), [expected, expected], rtol=1e-12)


def test_correlated_effects_are_what_scipy_says():
    x, y = data()
    model = program("correlated")
    values = {n: v[0] for n, v in model.prior_sample(1, 4).items()}
    cov = values["tau"][:, None] * values["R"] * values["tau"]
    r = values["R"][0, 1]
    b = values["b"]
    effects = x[:, 2:] @ b
    mean = effects[:, 0] + effects[:, 1] * x[:, 1] + values["p"][0] + values["rate"]
    expected = (
        stats.halfnorm(scale=2).logpdf(values["tau"]).sum()
        + stats.beta(2, 2, -1, 2).logpdf(r)
        + stats.multivariate_normal(np.zeros(2), cov).logpdf(b).sum()
        + stats.dirichlet(np.ones(3)).logpdf(values["p"])
        + np.log(0.5)
        + stats.gamma(2).logpdf(values["sigma"])
        + stats.norm(mean, values["sigma"]).logpdf(y).sum()
    )
    np.testing.assert_allclose(model.log_joint(values), expected, rtol=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_batches_are_their_single_points_in_every_way_of_running(name):
    density = program(name).density
    wanted = "vectorized" if name == "one by one" else "native"
    assert (density.facts.batching, density.facts.prior_batching) == (wanted, wanted)
    inputs = density.inputs()
    z = points(density, 4)
    single = [log_density(density, tf.constant(point), inputs).numpy() for point in z]
    np.testing.assert_allclose(log_density(density, tf.constant(z), inputs), single, rtol=1e-11)
    folded = log_density(density, tf.constant(z.reshape(2, 2, -1)), inputs)
    np.testing.assert_allclose(folded, np.reshape(single, (2, 2)), rtol=1e-11)
    values = density.constrain(tf.constant(z.reshape(2, 2, -1)), inputs)
    assert {n: v.shape[2:] for n, v in values.items()} == {s.name: s.shape for s in density.slots}

    @tf.function(
        input_signature=[tf.TensorSpec([4, density.size], tf.float64)], jit_compile=name not in ("student", "laplace")
    )
    def compiled(at):
        with tf.GradientTape() as tape:
            tape.watch(at)
            found = log_density(density, at, inputs)
        return found, tape.gradient(found, at)

    found, gradient = compiled(tf.constant(z))
    np.testing.assert_allclose(found, single, rtol=1e-11)
    h = 1e-6
    step = h * np.random.default_rng(3).standard_normal(density.size)
    ahead, behind = (log_density(density, tf.constant(z + sign * step), inputs).numpy() for sign in (1.0, -1.0))
    np.testing.assert_allclose(gradient.numpy() @ step, (ahead - behind) / 2, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_rows_add_up(name):
    density = program(name).density
    assert density.facts.by_rows
    inputs = density.inputs()
    z = tf.constant(points(density, 2))
    parts = [density.log_lik(z, inputs, tf.constant(rows, tf.int32)).numpy() for rows in np.split(np.arange(N), 4)]
    np.testing.assert_allclose(sum(parts), density.log_lik(z, inputs), rtol=1e-11)
    rows = density.log_lik_rows(density.constrain(z, inputs), inputs).numpy()
    np.testing.assert_allclose(rows.sum(axis=1), density.log_lik(z, inputs), rtol=1e-11)


def test_code_that_needs_all_rows_is_known_and_not_given_some():
    x, y = data()

    class Closed(pf.Model):
        def __init__(self):
            self.w, self.sigma = pf.Parameter([2, 1]), pf.ScaleParameter([1, 1])

        def __call__(self, given):
            return pf.Normal(x[:, :2] @ self.w(), self.sigma())

    density = Closed().program(x, y).density
    assert not density.facts.by_rows
    with pytest.raises(pf.EngineError, match="needs all rows at once"):
        density.log_lik(tf.zeros([density.size], tf.float64), density.inputs(), tf.constant([0, 1]))


@pytest.mark.parametrize("how", ["vectorized", "loop"])
def test_mapping_over_draws_of_any_number(how):
    from probflow_nb.model.program_density import over_batch

    def function(a, b):
        assert a.shape == (3,)
        return [tf.reduce_sum(a) * b, a + b]

    a, b = np.arange(12.0).reshape(4, 3), np.arange(4.0)
    expected = [a.sum(axis=1) * b, a + b[:, None]]
    found = over_batch(function, [tf.constant(a), tf.constant(b)], how)
    unknown = tf.function(
        lambda a, b: over_batch(function, [a, b], how),
        input_signature=[tf.TensorSpec([None, 3], tf.float64), tf.TensorSpec([None], tf.float64)],
    )(tf.constant(a), tf.constant(b))
    for result in (found, unknown):
        for value, wanted in zip(result, expected, strict=True):
            np.testing.assert_allclose(value, wanted)


def test_scalars_and_levels_stand_under_their_names():
    model = program("correlated")
    density = model.density
    assert density.names == (
        *("tau[0]", "tau[1]", "R[1, 0]"),
        *(f"b[{j}, {c}]" for j in range(J) for c in range(2)),
        *("p[0]", "p[1]", "p[2]", "rate", "sigma"),
    )
    values = {n: v.numpy() for n, v in density.constrain(tf.constant(points(density, 4)), density.inputs()).items()}
    table = dict(zip(density.names, density.scalars(values).T, strict=True))
    np.testing.assert_array_equal(table["b[2, 1]"], values["b"][:, 2, 1])
    np.testing.assert_array_equal(table["R[1, 0]"], values["R"][:, 1, 0])
    np.testing.assert_array_equal(table["sigma"], values["sigma"])


def test_labels_and_long_parameters():
    from dataclasses import replace

    x, y = data()

    class Long(pf.Model):
        def __init__(self):
            self.a = pf.Parameter([7, 2])
            self.w, self.sigma = pf.Parameter([2, 1]), pf.ScaleParameter([1, 1])

        def __call__(self, given):
            return pf.Normal(
                given[:, :2] @ self.w() + 0.0 * tf.reduce_sum(self.a(), [-1, -2])[..., None, None], self.sigma()
            )

    plain = Long().program(x, y)
    levels = tuple("abcdefg")
    named = replace(plain, labels={"w": ("Intercept", "Days"), "a": levels}, columns={"a": ("one", "two")})
    assert named.density.names == ("w[Intercept]", "w[Days]", "sigma")
    (axes,) = named.density.effects
    assert (axes.name, axes.factor, axes.levels, axes.columns) == ("a", "a", levels, ("one", "two"))
    assert plain.density.effects[0].columns == ("0", "1")


def test_strong_data_are_centred_and_weak_ones_are_not():
    density = program("normal").density
    rng = np.random.default_rng(0)
    values = {n: v.copy() for n, v in density.program.prior_sample(500, 1).items()}
    values["tau"] = np.full(500, 1.0)
    spread = np.where(np.arange(J) < 2, 0.1, 0.95)
    values["u"] = rng.standard_normal((500, J, 1)) * spread[:, None]
    np.testing.assert_array_equal(density.centring(values), [1, 1, 0, 0, 0, 0])


def test_the_same_program_serves_data_and_priors_of_one_shape():
    def compiled(prior_sd, seed):
        class M(pf.Model):
            def __init__(self):
                self.w = pf.Parameter([2, 1], prior=pf.Normal(0, prior_sd))
                self.sigma = pf.ScaleParameter([1, 1])

            def __call__(self, x):
                return pf.Normal(x[:, :2] @ self.w(), self.sigma())

        return M().program(*data(seed)).density

    from probflow_nb.backend.programs import fingerprint

    texts = set()
    for sd, seed in ((1.0, 0), (3.0, 1)):
        density = compiled(sd, seed)
        arguments = (tf.zeros([density.size], tf.float64), density.inputs())
        texts.add(fingerprint((density.log_prior, density.log_lik), arguments))
    assert len(texts) == 1


def test_prior_draws_follow_their_parents():
    drawn = program("normal").prior_sample(4000, 0)
    assert drawn["u"].shape == (4000, J, 1)
    standard = (drawn["u"][..., 0] - drawn["mu"][:, None]) / drawn["tau"][:, None]
    assert stats.kstest(standard[:, 0], "norm").pvalue > 1e-3
    assert stats.kstest(drawn["sigma"].reshape(-1) ** -2, stats.gamma(5).cdf).pvalue > 1e-3
    again = program("normal").prior_sample(4000, 0)
    np.testing.assert_array_equal(again["u"], drawn["u"])


@pytest.mark.parametrize("name", MODELS)
def test_responses_of_many_draws(name):
    model = program(name)
    values = model.prior_sample(5, 0)
    x, y = data()
    means = model.respond(values, lambda d: d.mean())
    assert means.shape == (5, N)
    one = model.respond({n: v[2:3] for n, v in values.items()}, lambda d: d.mean(), model.new_inputs(x[:7]))
    np.testing.assert_allclose(one[0], means[2, :7], rtol=1e-12)
    rows = model.respond(values, lambda d: d.log_prob(model.as_response(y)))
    expected = model.density.log_lik_rows(values, model.density.inputs())
    np.testing.assert_allclose(rows, expected, rtol=1e-11)


def test_auto_priors_are_scaled_by_the_data():
    x, y = data()
    x, y = x * np.r_[1.0, 10.0, np.ones(J)], 50.0 + 5.0 * y

    class Auto(pf.Model):
        def __init__(self):
            self.w = pf.Parameter([2, 1], prior="auto")
            self.sigma = pf.ScaleParameter([1, 1], prior="auto")

        def __call__(self, given):
            return pf.Normal(given[:, :2] @ self.w(), self.sigma())

    priors = Auto().program(x, y).priors
    np.testing.assert_allclose(priors["w"].of("mean")[:, 0], [y.mean(), 0.0])
    rms = np.sqrt((x[:, 1] ** 2).mean())
    np.testing.assert_allclose(priors["w"].of("sd")[:, 0], [2.5 * y.std(), 2.5 * y.std() / rms])
    assert priors["sigma"].name == "HalfStudentT"
    np.testing.assert_allclose(priors["sigma"].of("scale"), 2.5 * y.std())


def test_auto_priors_of_many_elements_are_those_of_few():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 20)) * np.arange(1, 21)
    y = rng.standard_normal(50)

    class Wide(pf.Model):
        def __init__(self, p):
            self.w = pf.Parameter([p, 1], prior="auto")

        def __call__(self, given):
            return pf.Normal(given @ self.w(), 1.0)

    many = Wide(20).program(x, y).priors["w"].of("sd")
    few = Wide(5).program(x[:, :5], y).priors["w"].of("sd")
    np.testing.assert_allclose(many[:5], few, rtol=1e-12)
    np.testing.assert_allclose(many[:, 0], 2.5 * y.std() / np.sqrt((x**2).mean(axis=0)), rtol=1e-12)
