"""The unconstrained density: the joint density plus the Jacobian, whatever the centring; and back again."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from test_joint import CASES

from probflow_nb import api
from probflow_nb.model.density import log_density


def prepared(case):
    text, data = CASES[case]
    return api.prepare(text, data()).model


def numerical_log_jacobian(density, z, inputs, model):
    """Return log |d values / d z| by differences, values in free coordinates."""

    def free(points):
        values = {k: v.numpy() for k, v in density.constrain(tf.constant(points), inputs).items()}
        columns = [values["beta"], values["sigma"][:, None]]
        for factor in model.factors:
            columns.append(values[f"sd[{factor.name}]"])
            columns.append(values[f"b[{factor.name}]"].reshape(len(points), -1))
            start = 0
            for m in factor.members:
                k = density.layout.terms[m].k
                for i in range(k if density.layout.terms[m].n_correlations else 0):
                    for j in range(i):
                        columns.append(values[f"cor[{factor.name}]"][:, start + i, start + j, None])
                start += k
        return np.concatenate(columns, axis=1)

    h, D = 1e-5, len(z)
    steps = np.concatenate([z + h * np.eye(D), z - h * np.eye(D)])
    moved = free(steps)
    return np.linalg.slogdet((moved[:D] - moved[D:]) / (2 * h))[1]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("case", CASES)
def test_the_density_is_the_joint_with_its_jacobian(case, share):
    model = prepared(case)
    density = model.density
    rng = np.random.default_rng(3)
    inputs = density.inputs((rng.random(len(density.centrings)) < share).astype(float))
    z = 0.5 * rng.standard_normal((3, density.size))
    found = log_density(density, tf.constant(z), inputs).numpy()
    values = density.constrain(tf.constant(z), inputs)
    joint = model.log_joint(values).numpy()
    jacobian = [numerical_log_jacobian(density, point, inputs, model) for point in z]
    np.testing.assert_allclose(found, joint + jacobian, rtol=1e-6)
    np.testing.assert_allclose(density.unconstrain(values, inputs).numpy(), z, atol=1e-8)
    alone = log_density(density, tf.constant(z[0]), inputs).numpy()
    np.testing.assert_allclose(alone, found[0], rtol=1e-12)


def test_rows_add_up_to_the_likelihood():
    density = prepared("weights and offset").density
    inputs = density.inputs()
    z = tf.constant(np.random.default_rng(4).standard_normal((2, density.size)))
    parts = [density.log_lik(z, inputs, tf.range(start, start + 60)).numpy() for start in (0, 60, 120)]
    np.testing.assert_allclose(sum(parts), density.log_lik(z, inputs).numpy(), rtol=1e-10)


def test_scalars_stand_under_their_names():
    model = prepared("slopes")
    density = model.density
    z = tf.constant(0.3 * np.random.default_rng(5).standard_normal((4, density.size)))
    values = {name: value.numpy() for name, value in density.constrain(z, density.inputs()).items()}
    table = dict(zip(density.names, density.scalars(values).T, strict=True))
    np.testing.assert_array_equal(table["Days"], values["beta"][:, 1])
    np.testing.assert_array_equal(table["sd(Days | Subject)"], values["sd[Subject]"][:, 1])
    np.testing.assert_array_equal(table["cor(Intercept, Days | Subject)"], values["cor[Subject]"][:, 1, 0])
    np.testing.assert_array_equal(table["sigma"], values["sigma"])
