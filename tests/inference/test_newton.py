"""Newton's method from finite differences."""

from __future__ import annotations

import numpy as np

from probflow_nb.inference import newton


def climb(f, x, tolerance=1e-10, most=60):
    mode = newton.start(f, np.asarray(x, float), tolerance)
    while not mode.converged and mode.iteration < most:
        mode = newton.step(f, mode, tolerance)
    return mode


def test_finds_the_top_of_a_quadratic_in_one_step() -> None:
    A = np.array([[3.0, 1.0], [1.0, 2.0]])
    top = np.array([0.4, -1.2])
    mode = climb(lambda x: -0.5 * np.einsum("si,ij,sj->s", x - top, A, x - top), [0.0, 0.0], 1e-8)
    np.testing.assert_allclose(mode.x, top, atol=1e-5)
    np.testing.assert_allclose(mode.hessian, -A, atol=1e-4)
    assert mode.iteration <= 2


def test_climbs_out_of_a_convex_region() -> None:
    mode = climb(lambda x: -np.log1p((x * x).sum(axis=1)), [3.0, -4.0])
    np.testing.assert_allclose(mode.x, 0.0, atol=1e-4)
    assert mode.converged


def test_rosenbrock() -> None:
    def f(x):
        return -((1 - x[:, 0]) ** 2) - 100 * (x[:, 1] - x[:, 0] ** 2) ** 2

    # Differences of width 1e-3 see the valley's third derivative, some 2,400: hence no closer than this.
    np.testing.assert_allclose(climb(f, [-1.2, 1.0], 1e-12, 200).x, 1.0, atol=1e-3)


def test_polish_gains_what_the_last_iteration_left() -> None:
    def f(x):
        return -np.cosh(x[:, 0] - 0.3)

    rough = climb(f, [1.0], 1e-3)
    fine = newton.polish(f, rough)
    assert abs(fine.x[0] - 0.3) < 1e-3 < abs(rough.x[0] - 0.3) + 1e-3
    assert fine.value >= rough.value


def test_the_root_is_that_of_the_inverse_hessian() -> None:
    A = np.array([[3.0, 1.0], [1.0, 2.0]])
    mode = climb(lambda x: -0.5 * np.einsum("si,ij,sj->s", x, A, x), [1.0, 1.0])
    root = newton.covariance_root(mode)
    np.testing.assert_allclose(root @ root.T, np.linalg.inv(A), atol=1e-3)


def test_polish_is_free_of_the_third_derivative() -> None:
    def f(x):
        return x[:, 0] - np.exp(x[:, 0] - 0.3) + 8.0 * x[:, 0] ** 0

    rough = climb(lambda x: f(40.0 * x), [0.0], 1e-14, 200)
    # Differences of 1e-3 see 40 times as wide a step: h^2 f''' / (6 f'') = 1e-6 * 40 / 6.
    assert abs(rough.x[0] - 0.3 / 40) > 5e-6
    assert abs(newton.polish(lambda x: f(40.0 * x), rough).x[0] - 0.3 / 40) < 5e-8
