"""Bijections: there and back, into the support, and their Jacobians against differences."""

from __future__ import annotations

import numpy as np
import pytest

from probflow_nb.backend.tensorflow import load
from probflow_nb.objects.transform import CorrelationMatrix, Interval, Positive, Real, Simplex

tf = load()
INF = np.inf


def below(R):
    return R[..., *np.tril_indices(R.shape[-1], -1)]


# Bijection, shape, the free coordinates of its values.
CASES = {
    "real": (Real(), (2, 3), lambda v: v.reshape(len(v), -1)),
    "single": (Real(), (), lambda v: v.reshape(len(v), -1)),
    "positive": (Positive(), (4,), lambda v: v),
    "interval": (Interval(np.array(-1.0), np.array(3.0)), (3,), lambda v: v),
    "mixed bounds": (
        Interval(np.array([-1.0, 0.0, -INF, -INF]), np.array([3.0, INF, 2.0, INF])),
        (4,),
        lambda v: v,
    ),
    "correlation 2": (CorrelationMatrix(), (2, 2), below),
    "correlation 4": (CorrelationMatrix(), (4, 4), below),
    "simplex": (Simplex(), (4,), lambda v: v[:, :-1]),
    "simplexes": (Simplex(), (2, 3), lambda v: v[..., :-1].reshape(len(v), -1)),
}


@pytest.mark.parametrize("name", CASES)
def test_there_and_back_with_the_jacobian(name):
    bijection, shape, free = CASES[name]
    D = bijection.size(shape)
    z = np.random.default_rng(0).standard_normal((5, D))
    value = bijection.forward(tf.constant(z), shape)
    assert value.shape == (5, *shape)
    np.testing.assert_allclose(bijection.inverse(value, shape), z, atol=1e-9)
    found = bijection.log_det(tf.constant(z), shape).numpy()
    h = 1e-5
    for i, point in enumerate(z):
        steps = tf.constant(np.concatenate([point + h * np.eye(D), point - h * np.eye(D)]))
        moved = free(bijection.forward(steps, shape).numpy())
        expected = np.linalg.slogdet((moved[:D] - moved[D:]) / (2 * h))[1]
        np.testing.assert_allclose(found[i], expected, atol=1e-6)
    alone = bijection.forward(tf.constant(z[0]), shape).numpy()
    np.testing.assert_allclose(alone, value[0], rtol=1e-12)


def test_values_are_in_the_support_far_out():
    z = tf.constant(30.0 * np.random.default_rng(1).choice([-1.0, 1.0], (20, 6)))
    assert (Positive().forward(z, (6,)).numpy() > 0).all()
    parts = Simplex().forward(z, (7,)).numpy()
    np.testing.assert_allclose(parts.sum(axis=-1), 1.0, rtol=1e-12)
    R = CorrelationMatrix().forward(0.1 * z, (4, 4)).numpy()
    assert (np.linalg.eigvalsh(R) > 0).all()
    assert np.isfinite(CorrelationMatrix().log_det(z, (4, 4)).numpy()).all()
    np.testing.assert_allclose(np.diagonal(R, axis1=-2, axis2=-1), 1.0, rtol=1e-12)


def test_the_middle_is_even():
    np.testing.assert_allclose(Simplex().forward(tf.zeros([3], tf.float64), (4,)), 0.25)
    np.testing.assert_array_equal(CorrelationMatrix().forward(tf.zeros([3], tf.float64), (3, 3)), np.eye(3))


@pytest.mark.parametrize("name", CASES)
def test_inside_a_compiled_function_of_any_batch(name):
    bijection, shape, _ = CASES[name]
    z = np.random.default_rng(2).standard_normal((3, bijection.size(shape)))

    @tf.function(input_signature=[tf.TensorSpec([None, z.shape[1]], tf.float64)], jit_compile=True)
    def both(points):
        value = bijection.forward(points, shape)
        return value, bijection.inverse(value, shape), bijection.log_det(points, shape)

    value, back, log_det = both(tf.constant(z))
    np.testing.assert_allclose(value, bijection.forward(tf.constant(z), shape), rtol=1e-10)
    np.testing.assert_allclose(back, z, atol=1e-9)
    np.testing.assert_allclose(log_det, bijection.log_det(tf.constant(z), shape), rtol=1e-10)
