"""The shape of Laplace's proposal: its density is that of its draws, and its moments are those asked for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from probflow_nb.model.laplace import Shape


@pytest.mark.parametrize("skew", [-0.8, -0.3, 0.0, 0.55])
def test_a_half_and_half_normal_has_the_moments_asked_for(skew):
    shape = Shape(np.array([1.5]), np.array([[2.0]]), np.array([skew]))
    left, right = (side[0] for side in shape.split)
    mode = 1.5 - 2.0 * np.sqrt(2 / np.pi) * (right - left)

    def density(x, power):
        z = (x - mode) / (2.0 * (right if x > mode else left))
        return np.exp(stats.norm.logpdf(z) - shape.log_volume) * ((x - 1.5) / 2.0) ** power

    moments = [integrate.quad(density, -40, 40, (k,), points=[mode], epsabs=1e-10)[0] for k in range(4)]
    np.testing.assert_allclose(moments, [1.0, 0.0, 1.0, skew], atol=1e-7)


def test_draws_have_that_density():
    shape = Shape(np.array([0.5, -1.0]), np.array([[1.5, 0.0], [0.7, 0.4]]), np.array([0.7, -0.5]))
    rng = np.random.default_rng(1)
    x = shape.shaped(rng.standard_normal((200_000, 2)), rng.random((200_000, 2)))
    left, right = shape.split
    apart = np.linalg.solve(shape.root, (x - shape.centre).T).T + np.sqrt(2 / np.pi) * (right - left)
    # The share to the right of the mode, and each half a half of a normal distribution.
    for k in range(2):
        above = apart[:, k] > 0
        assert abs(above.mean() - right[k] / (left[k] + right[k])) < 4 * 0.5 / 200_000**0.5
        assert stats.kstest(apart[above, k], stats.halfnorm(scale=right[k]).cdf).pvalue > 1e-4
        assert stats.kstest(-apart[~above, k], stats.halfnorm(scale=left[k]).cdf).pvalue > 1e-4


def test_beyond_what_halves_can_be_the_skewness_is_cut():
    far, most = (Shape(np.zeros(1), np.eye(1), np.array([s])) for s in (5.0, 0.8))
    assert far.split == most.split
    assert far.split[0] > 0
