"""The joint density of every family: the record's own density with priors and Jacobians, whatever the centring."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from scipy import stats

import probflow_nb as pf
from probflow_nb.model.density import log_density
from probflow_nb.model.families import log_prob


def frame(seed=0, n=60):
    rng = np.random.default_rng(seed)
    g, h = rng.integers(0, 6, n), rng.integers(0, 4, n)
    x = rng.standard_normal(n)
    eta = 0.3 + 0.5 * x + 0.6 * rng.standard_normal(6)[g]
    mu, p = np.exp(eta), 1 / (1 + np.exp(-eta))
    size = rng.integers(1, 9, n)
    levels = np.digitize(eta + rng.logistic(size=n), [-0.5, 1.0])
    return pd.DataFrame(
        {
            "g": [f"g{v}" for v in g],
            "h": [f"h{v}" for v in h],
            "x": x,
            "w": rng.uniform(0.5, 2.0, n),
            "e": rng.uniform(-0.5, 0.5, n),
            "yes": rng.binomial(1, p),
            "hits": rng.binomial(size, p),
            "size": size,
            "count": rng.poisson(mu),
            "gaps": np.where(rng.uniform(size=n) < 0.2, 0, rng.poisson(mu)),
            "amount": rng.gamma(2.0, mu / 2.0),
            "share": np.clip(rng.beta(4 * p, 4 * (1 - p)), 0.01, 0.99),
            "score": eta + rng.standard_t(4, n),
            "grade": pd.Categorical.from_codes(levels, ["low", "mid", "high"], ordered=True),
        }
    )


CASES = {
    "bernoulli": ("yes ~ x + (1 | g)", "bernoulli"),
    "slopes": ("yes ~ x + (1 + x | g)", "bernoulli(probit)"),
    "crossed": ("hits / size ~ x + (1 | g) + (1 | h)", "binomial"),
    "weights and offset": ("count ~ x + (1 + x || g) + offset(e) + weights(w)", "poisson"),
    "no intercept": ("count ~ 0 + x + (1 | g)", "poisson(sqrt)"),
    "no groups": ("count ~ x", "negative_binomial"),
    "negative binomial": ("count ~ x + (1 | g) + weights(w)", "negative_binomial"),
    "gamma": ("amount ~ x + (1 | g)", "gamma"),
    "beta": ("share ~ x + (1 | g)", "beta"),
    "student t": ("score ~ x + (1 + x | g)", "student_t"),
    "gaussian of a log": ("amount ~ x + (1 | g)", "gaussian(log)"),
    "lognormal": ("amount ~ x + (1 | g)", "log_normal"),
    "zero-inflated": ("gaps ~ x + (1 | g)", "zero_inflated_poisson"),
    "zero-inflated negative binomial": ("gaps ~ x + (1 | g)", "zero_inflated_negative_binomial"),
    "ordinal": ("grade ~ x + (1 | g)", "ordinal"),
}
PRIORS = {
    "Normal": lambda x, m, s: stats.norm.logpdf(x, m, s),
    "StudentT": lambda x, df, m, s: stats.t.logpdf(x, df, m, s),
    "HalfStudentT": lambda x, df, m, s: stats.t.logpdf(x, df, m, s) + np.log(2),
    "LogNormal": lambda x, m, s: stats.lognorm.logpdf(x, s, scale=np.exp(m)),
    "Gamma": lambda x, shape, rate: stats.gamma.logpdf(x, shape, scale=1 / rate),
    "Beta": lambda x, a, b: stats.beta.logpdf(x, a, b),
    "Uniform": lambda x, low, high: stats.uniform.logpdf(x, low, high - low),
}


def prepared(case):
    text, family = CASES[case]
    return pf.prepare(text, frame(), family=family).model


def density_of_values(model, values):
    """Return log p(y, values) of one point by numpy and scipy."""
    design, priors = model.design, model.priors
    eta = design.X @ values["beta"] + (0.0 if design.offset is None else design.offset)
    total = 0.0
    for factor in model.factors:
        b, sd = values[f"b[{factor.name}]"], values[f"sd[{factor.name}]"]
        eta = eta + (factor.Z.z * b[factor.Z.index]).sum(axis=1)
        R = values.get(f"cor[{factor.name}]", np.eye(len(sd)))
        total += stats.multivariate_normal.logpdf(b, np.zeros(len(sd)), sd[:, None] * R * sd).sum()
        # LKJ(1) of two columns is uniform.
        total += np.log(0.5) if f"cor[{factor.name}]" in values else 0.0
        own = [prior for m in factor.members for prior in priors.sds[m]]
        total += sum(PRIORS[p.name](v, *p.arguments) for p, v in zip(own, sd, strict=True))
    aux = tuple(values[name] for name in model.auxiliary)
    rows = log_prob(model.record, design.y, design.trials, eta, aux)
    total += np.sum(rows if design.weights is None else rows * design.weights)
    total += sum(PRIORS[p.name](v, *p.arguments) for p, v in zip(priors.auxiliary, aux, strict=True))
    cuts = sum(name.startswith("cut[") for name in model.auxiliary)
    total += np.log(np.arange(1, cuts + 1)).sum()
    beta, given = values["beta"], list(priors.coefficients)
    if priors.intercept is not None:
        at_means = beta[0] + design.X[:, 1:].mean(axis=0) @ beta[1:]
        beta, given = np.append(at_means, beta[1:]), [priors.intercept, *given]
    return total + sum(PRIORS[p.name](v, *p.arguments) for p, v in zip(given, beta, strict=True))


def log_jacobian(density, z, inputs, model):
    """Return log |d values / d z| by differences, values in free coordinates."""
    h, D = 1e-5, len(z)
    moved = density.constrain(tf.constant(np.concatenate([z + h * np.eye(D), z - h * np.eye(D)])), inputs)
    columns = [moved["beta"].numpy(), *(moved[name].numpy()[:, None] for name in model.auxiliary)]
    for factor in model.factors:
        columns += [moved[f"sd[{factor.name}]"].numpy(), moved[f"b[{factor.name}]"].numpy().reshape(2 * D, -1)]
        if f"cor[{factor.name}]" in moved:
            columns.append(moved[f"cor[{factor.name}]"].numpy()[:, 1, 0, None])
    free = np.concatenate(columns, axis=1)
    return np.linalg.slogdet((free[:D] - free[D:]) / (2 * h))[1]


@pytest.mark.parametrize("case", CASES)
def test_the_density_is_what_the_record_and_the_priors_say(case):
    model = prepared(case)
    density, rng = model.density, np.random.default_rng(3)
    inputs = density.inputs((rng.random(len(density.centrings)) < 0.5).astype(float))
    z = 0.4 * rng.standard_normal((2, density.size))
    z[:, density.d :] += 0.8 if case == "no intercept" else 0.0
    found = log_density(density, tf.constant(z), inputs).numpy()
    tensors = density.constrain(tf.constant(z), inputs)
    values = [{name: value.numpy()[s] for name, value in tensors.items()} for s in range(2)]
    wanted = [density_of_values(model, one) for one in values]
    np.testing.assert_allclose(model.log_joint(tensors).numpy(), wanted, rtol=1e-9)
    jacobian = [log_jacobian(density, point, inputs, model) for point in z]
    np.testing.assert_allclose(found, np.add(wanted, jacobian), rtol=1e-6)
    np.testing.assert_allclose(density.unconstrain(tensors, inputs).numpy(), z, atol=1e-8)
    scalars = dict(zip(density.names, density.scalars(values[0]), strict=True))
    assert {name: scalars[name] for name in model.auxiliary} == {name: values[0][name] for name in model.auxiliary}


@pytest.mark.parametrize("case", [case for case in CASES if case != "no intercept"])
def test_far_points_have_finite_gradients(case):
    density = prepared(case).density
    z = tf.constant(np.random.default_rng(4).uniform(-12.0, 12.0, (40, density.size)))
    with tf.GradientTape() as tape:
        tape.watch(z)
        value = log_density(density, z, density.inputs())
    gradient = tape.gradient(value, z).numpy()
    assert np.isfinite(value.numpy()).all()
    assert np.isfinite(gradient).all()


def test_rows_of_counts_add_up_to_the_likelihood():
    density = prepared("weights and offset").density
    inputs = density.inputs()
    z = tf.constant(0.3 * np.random.default_rng(4).standard_normal((2, density.size)))
    parts = [density.log_lik(z, inputs, tf.range(start, start + 20)).numpy() for start in (0, 20, 40)]
    np.testing.assert_allclose(sum(parts), density.log_lik(z, inputs).numpy(), rtol=1e-10)


def test_levels_with_many_rows_are_centred():
    model = prepared("weights and offset")
    density, rng = model.density, np.random.default_rng(5)
    values = {
        "beta": np.tile([0.0, 0.0], (50, 1)),
        "sd[g]": np.array([1.0, 1.0]) + 0.05 * rng.standard_normal((50, 2)),
        "b[g]": np.zeros((50, 6, 2)),
    }
    # Each level has some ten rows with information of about 1; with an sd of a tenth that is little.
    assert density.centring(values).all()
    assert not density.centring(values | {"sd[g]": 0.1 * values["sd[g]"]}).any()
