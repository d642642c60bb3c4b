"""Programs that are Gaussian given a few numbers: recognised by their values, integrated as dense matrices say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import probflow_nb as pf
from probflow_nb.model.conditional_gaussian import ConditionalGaussian, recognise, refusal
from probflow_nb.model.density import log_density
from probflow_nb.model.program import Program

N, J = 60, 14
RNG = np.random.default_rng(11)
X = np.c_[np.ones(N), RNG.standard_normal(N)]
LEVEL = np.tile(np.arange(J), N // J + 1)[:N]
Z = np.eye(J)[LEVEL]
K = RNG.uniform(0.5, 2.0, N)
W = RNG.standard_normal((J, 2))
Y = X @ [1.0, 0.5] + RNG.standard_normal(J)[LEVEL] + 0.5 * RNG.standard_normal(N) + 3.0


class Page(pf.Model):
    def __init__(self):
        self.w = pf.Parameter([2, 1])
        self.u = pf.Parameter([J, 1])
        self.sigma = pf.ScaleParameter([1, 1])

    def __call__(self, x):
        return pf.Normal(x[:, :2] @ self.w() + x[:, 2:] @ self.u(), self.sigma())


class Learned(Page):
    def __init__(self):
        super().__init__()
        self.tau = pf.ScaleParameter(prior=pf.HalfNormal(1.0))
        self.u = pf.Parameter([J, 1], prior=pf.Normal(0.3, self.tau))


class Weighted(Learned):
    def __call__(self, x):
        return pf.Normal(x[:, :2] @ self.w() + x[:, 2:] @ self.u(), self.sigma() * K[:, None])


class NonCentred(pf.Model):
    """By hand: the design depends on tau."""

    def __init__(self):
        self.w = pf.Parameter([2, 1], prior=pf.Normal([[2.0], [0.0]], [[3.0], [1.0]]))
        self.tau = pf.ScaleParameter(prior=pf.HalfNormal(1.0))
        self.u = pf.Parameter([J, 1])
        self.sigma = pf.ScaleParameter([1, 1], prior=pf.HalfNormal(2.0))

    def __call__(self, x):
        mean = x[:, :2] @ self.w() + (x[:, 2:] @ self.u()) * tf.reshape(self.tau(), [-1, 1, 1])
        return pf.Normal(mean if self.tau().shape.rank else mean[0], self.sigma())


class RobustSlope(pf.Model):
    """A coefficient that cannot be integrated out moves the mean."""

    def __init__(self):
        self.a = pf.Parameter([1, 1], prior=pf.StudentT(3.0, 0.0, 2.0))
        self.b = pf.Parameter([1, 1], prior=pf.Normal(0.0, 5.0))
        self.u = pf.Parameter([J, 1])
        self.sigma = pf.ScaleParameter([1, 1], prior=pf.HalfNormal(2.0))

    def __call__(self, x):
        return pf.Normal(x[:, :1] @ self.b() + x[:, 1:2] @ self.a() + x[:, 2:] @ self.u(), self.sigma())


class TwoSigmas(Learned):
    """The sds of rows differ by more than a factor."""

    def __init__(self):
        super().__init__()
        self.sigma = pf.ScaleParameter([2], prior=pf.HalfNormal(2.0))

    def __call__(self, x):
        scale = tf.gather(self.sigma(), np.arange(N) % 2, axis=-1)
        return pf.Normal(x[:, :2] @ self.w() + x[:, 2:] @ self.u(), scale[..., None])


class GroupMean(pf.Model):
    """The prior mean of u is a regression on what is known of the levels."""

    def __init__(self):
        self.gamma = pf.Parameter([2, 1], prior=pf.Normal(0.0, 2.0))
        self.tau = pf.ScaleParameter(prior=pf.HalfNormal(1.0))
        self.u = pf.Parameter([J, 1], prior=pf.Normal(W @ self.gamma, self.tau))
        self.sigma = pf.ScaleParameter([1, 1], prior=pf.HalfNormal(2.0))

    def __call__(self, x):
        return pf.Normal(x[:, 2:] @ self.u(), self.sigma())


class Slopes(pf.Model):
    def __init__(self):
        self.w = pf.Parameter([2, 1], prior=pf.Normal(0.0, 5.0))
        self.sd = pf.ScaleParameter([2], prior=pf.HalfNormal(1.0))
        self.cor = pf.CorrelationParameter(2, prior=pf.LKJ(2.0))
        self.u = pf.Parameter([J, 2], prior=pf.MultivariateNormal([0.1, -0.2], sd=self.sd, cor=self.cor))
        self.sigma = pf.ScaleParameter([1, 1], prior=pf.HalfNormal(2.0))

    def __call__(self, x):
        V = pf.indicators(LEVEL, z=X, levels=J)
        return pf.Normal(x[:, :2] @ self.w() + V @ self.u(), self.sigma())


CASES: dict[str, type[pf.Model]] = {
    kind.__name__: kind for kind in (Page, Learned, Weighted, NonCentred, RobustSlope, TwoSigmas, GroupMean, Slopes)
}


def program(kind: type[pf.Model]) -> Program:
    return kind().program(np.c_[X, Z], Y)


def recognised(kind: type[pf.Model]) -> ConditionalGaussian:
    made = program(kind)
    found = recognise(made)
    assert found is not None, refusal(made)
    return found


def number(value: Any) -> float:
    return float(np.asarray(value).reshape(-1)[0])


def gaussian(kind: str, v: Mapping[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """Return design, prior mean and prior covariance of everything integrated out, offset and sds, written by hand."""
    s = np.full(N, number(v["sigma"]))
    tau = number(v.get("tau", 1.0))
    D, zero = np.diag, np.zeros(N)
    if kind == "Page":
        return np.c_[Z, X], np.zeros(J + 2), np.eye(J + 2), zero, s
    if kind in ("Learned", "Weighted", "TwoSigmas"):
        s = s * K if kind == "Weighted" else np.ravel(v["sigma"])[np.arange(N) % 2] if kind == "TwoSigmas" else s
        return np.c_[Z, X], np.r_[np.full(J, 0.3), 0, 0], D(np.r_[np.full(J, tau**2), 1, 1]), zero, s
    if kind == "NonCentred":
        return np.c_[Z * tau, X], np.r_[np.zeros(J), 2, 0], D(np.r_[np.ones(J), 9, 1]), zero, s
    if kind == "RobustSlope":
        return np.c_[Z, X[:, :1]], np.zeros(J + 1), D(np.r_[np.ones(J), 25]), X[:, 1] * number(v["a"]), s
    if kind == "GroupMean":
        C = np.block([[tau**2 * np.eye(J) + 4 * W @ W.T, 4 * W], [4 * W.T, 4 * np.eye(2)]])
        return np.c_[Z, np.zeros((N, 2))], np.zeros(J + 2), C, zero, s
    sd, R = np.ravel(v["sd"]), np.asarray(v["cor"]).reshape(2, 2)
    design = np.zeros((N, J, 2))
    design[np.arange(N), LEVEL] = X
    C = np.zeros((2 * J + 2, 2 * J + 2))
    C[: 2 * J, : 2 * J] = np.kron(np.eye(J), R * np.outer(sd, sd))
    C[2 * J :, 2 * J :] = 25 * np.eye(2)
    return np.c_[design.reshape(N, -1), X], np.r_[np.tile([0.1, -0.2], J), 0, 0], C, zero, s


def values_of(found: ConditionalGaussian, theta: np.ndarray) -> dict[str, np.ndarray]:
    values, _ = found.found.latent.walk(tf.constant(theta))
    return {p.name: np.asarray(value)[0] for p, value in values.items()}


@pytest.mark.parametrize("case", CASES)
def test_the_density_of_theta_is_that_of_dense_matrices(case: str) -> None:
    found = recognised(CASES[case])
    rng = np.random.default_rng(5)
    theta = 0.6 * rng.standard_normal((4, found.size))
    evaluation = found.evaluate(theta)
    np.testing.assert_allclose(found.log_densities(theta), evaluation.log_density, rtol=1e-12)
    for i in range(len(theta)):
        A, m, C, c, s = gaussian(case, values_of(found, theta[i : i + 1]))
        marginal = stats.multivariate_normal(c + A @ m, np.diag(s**2) + A @ C @ A.T)
        prior = found.log_priors(theta[i : i + 1])[0]
        assert evaluation.log_density[i] == pytest.approx(marginal.logpdf(Y) + prior, abs=1e-7)
        gain = C @ A.T @ np.linalg.inv(np.diag(s**2) + A @ C @ A.T)
        p = found.n_common
        mean, covariance = m + gain @ (Y - c - A @ m), C - gain @ A @ C
        np.testing.assert_allclose(evaluation.mean[i], mean[len(mean) - p :], rtol=1e-7, atol=1e-9)
        own = evaluation.root[i].T @ evaluation.root[i]
        np.testing.assert_allclose(own, covariance[len(mean) - p :, len(mean) - p :], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("case", ["Learned", "NonCentred", "GroupMean", "Slopes", "TwoSigmas"])
def test_draws_given_theta_have_the_conditional_mean_and_covariance(case: str) -> None:
    found = recognised(CASES[case])
    theta = 0.4 * np.random.default_rng(6).standard_normal((1, found.size))
    S, p = 8_000, found.n_common
    evaluation = found.evaluate(theta)
    rng = np.random.default_rng(7)
    beta = evaluation.mean + rng.standard_normal((S, p)) @ evaluation.root[0]
    drawn = found.sample(np.repeat(theta, S, axis=0), beta, 3)
    g = np.concatenate([drawn[t.parameter].reshape(S, -1) for t in found.found.g.terms], axis=1)
    A, m, C, c, s = gaussian(case, values_of(found, theta))
    gain = C @ A.T @ np.linalg.inv(np.diag(s**2) + A @ C @ A.T)
    mean, covariance = m + gain @ (Y - c - A @ m), C - gain @ A @ C
    sd = np.sqrt(np.diag(covariance))
    assert np.abs((g.mean(axis=0) - mean) / sd).max() < 4.5 / np.sqrt(S)
    # A correlation of S draws is known to about 1 / sqrt(S).
    own = np.cov(g.T) / np.outer(sd, sd)
    assert np.abs(own - covariance / np.outer(sd, sd)).max() < 5 * np.sqrt(2 / S)
    few = found.sample(np.repeat(theta, 10, axis=0), beta[:10], 3)
    for parameter, value in few.items():
        np.testing.assert_allclose(value, drawn[parameter][:10], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", ["Learned", "Weighted", "Slopes"])
def test_it_is_the_joint_density_over_the_conditional(case: str) -> None:
    made = program(CASES[case])
    found = recognise(made)
    assert found is not None
    theta = 0.4 * np.random.default_rng(8).standard_normal((1, found.size))
    evaluation = found.evaluate(theta)
    draw = found.sample(theta, evaluation.mean, 1)
    values, _ = found.found.latent.walk(tf.constant(theta))
    everything = {p.name: np.asarray(v) for p, v in {**values, **draw}.items()}
    density = made.density
    joint = made.log_joint({name: tf.constant(v) for name, v in everything.items()}).numpy()[0]
    jacobian = 0.0
    for t in found.found.latent.terms:
        z = tf.constant(theta[:, t.slot.start : t.slot.stop])
        # d value / d theta = value for scales, whatever the unit that theta counts in.
        scale = t.parameter.bijection.support == "positive"
        bijection = t.parameter.bijection
        scale = bijection.support == "positive"
        jacobian += np.log(values[t.parameter]).sum() if scale else bijection.log_det(z, t.slot.shape).numpy()[0]
    A, m, C, c, s = gaussian(case, values_of(found, theta))
    gain = C @ A.T @ np.linalg.inv(np.diag(s**2) + A @ C @ A.T)
    g = np.concatenate([draw[t.parameter].reshape(-1) for t in found.found.g.terms])
    conditional = stats.multivariate_normal(m + gain @ (Y - c - A @ m), C - gain @ A @ C).logpdf(g)
    # Without a transform of their own the Jacobian is that of the bijections alone.
    if case == "Slopes":
        assert evaluation.log_density[0] == pytest.approx(joint + jacobian - conditional, abs=1e-6)
    inputs = density.inputs(np.ones(len(density.centrings)))
    z = density.unconstrain(everything, inputs)
    here, there = density.constrain(z, inputs), density.constrain(z + 1.0, inputs)
    # Integrated parameters are z times a constant, from a constant.
    slopes = [np.asarray(there[t.slot.name] - here[t.slot.name]) for t in found.found.g.terms]
    whole = log_density(density, z, inputs).numpy()[0] - sum(np.log(slope).sum() for slope in slopes)
    assert evaluation.log_density[0] == pytest.approx(whole - conditional, abs=1e-6)


@pytest.mark.parametrize("case", ["Learned", "TwoSigmas", "NonCentred", "Slopes"])
def test_the_gradient_is_that_of_differences(case: str) -> None:
    found = recognised(CASES[case])
    theta = tf.constant(0.3 * np.random.default_rng(9).standard_normal((2, found.size)))
    with tf.GradientTape() as tape:
        tape.watch(theta)
        value = found.log_density(theta)
    gradient = tape.gradient(value, theta).numpy()
    step = 1e-5
    for j in range(found.size):
        unit = step * np.eye(found.size)[j]
        slope = (found.log_densities(theta.numpy() + unit) - found.log_densities(theta.numpy() - unit)) / (2 * step)
        np.testing.assert_allclose(gradient[:, j], slope, rtol=2e-5, atol=1e-5)


def test_wide_priors_and_large_values_keep_their_digits() -> None:
    class Wide(pf.Model):
        def __init__(self):
            self.w = pf.Parameter([2, 1], prior=pf.Normal(0.0, 1e6))
            self.u = pf.Parameter([J, 1], prior=pf.Normal(0.0, 1e-6))
            self.sigma = pf.ScaleParameter([1, 1], prior=pf.HalfNormal(1.0))

        def __call__(self, x):
            return pf.Normal(x[:, :2] @ self.w() + x[:, 2:] @ self.u(), self.sigma())

    made = Wide().program(np.c_[X, Z], Y + 1e6)
    found = recognise(made)
    assert found is not None
    theta = np.array([[-0.5]])
    s = np.exp(-0.5)
    # By the matrix determinant lemma and least squares, sums of squares from residuals alone.
    W_ = np.linalg.inv(s**2 * np.eye(N) + 1e-12 * Z @ Z.T)
    G = X.T @ W_ @ X + 1e-12 * np.eye(2)
    fit = np.linalg.solve(G, X.T @ W_ @ (Y + 1e6))
    rest = Y + 1e6 - X @ fit
    expected = -0.5 * (rest @ W_ @ rest + 1e-12 * fit @ fit) - 0.5 * N * np.log(2 * np.pi)
    expected += 0.5 * np.linalg.slogdet(W_)[1] - 0.5 * np.linalg.slogdet(1e12 * G)[1]
    expected += found.log_priors(theta)[0]
    assert found.log_densities(theta)[0] == pytest.approx(expected, abs=1e-6)


def fails(change: Callable[[type[Page]], None]) -> str:
    """Return why a changed page is refused."""

    class Changed(Page):
        pass

    change(Changed)
    return refusal(program(Changed))


def test_each_refusal_says_why() -> None:
    def exponential(kind: type[Page]) -> None:
        kind.__call__ = (
            lambda self, x: pf.Normal(  # type: ignore[method-assign]
                tf.exp(x[:, :2] @ self.w() + x[:, 2:] @ self.u()), self.sigma()
            )
        )

    def students(kind: type[Page]) -> None:
        kind.__call__ = (
            lambda self, x: pf.StudentT(  # type: ignore[method-assign]
                4.0, x[:, :2] @ self.w() + x[:, 2:] @ self.u(), self.sigma()
            )
        )

    def other_priors(kind: type[Page]) -> None:
        def init(self) -> None:
            Page.__init__(self)
            self.w = pf.Parameter([2, 1], prior=pf.StudentT(3.0))
            self.u = pf.Parameter([J, 1], prior=pf.StudentT(3.0))

        kind.__init__ = init  # type: ignore[method-assign]

    def robust_u(kind: type[Page]) -> None:
        def init(self) -> None:
            Page.__init__(self)
            self.u = pf.Parameter([J, 1], prior=pf.StudentT(3.0))

        kind.__init__ = init  # type: ignore[method-assign]

    assert fails(exponential) == "its mean is not affine in any parameter with a Normal prior"
    assert fails(students) == "its likelihood is StudentT, not Normal"
    assert fails(other_priors) == "no parameter has a Normal prior that Exact can integrate out"
    assert fails(robust_u) == "15 numbers cannot be integrated out (u, sigma), and 12 are the most"


def test_a_parameter_that_another_prior_needs_is_not_integrated_out() -> None:
    class Needed(Page):
        def __init__(self):
            super().__init__()
            self.mu = pf.Parameter((), prior=pf.Normal(0.0, 1.0))
            self.w = pf.Parameter([2, 1], prior=pf.StudentT(3.0, self.mu, 1.0))

    found = recognised(Needed)
    assert {t.slot.name for t in found.found.g.terms} == {"u"}
    assert {t.slot.name for t in found.found.latent.terms} == {"mu", "w", "sigma"}


def test_without_theta_the_answer_is_a_closed_form() -> None:
    class Known(pf.Model):
        def __init__(self):
            self.w = pf.Parameter([2, 1])

        def __call__(self, x):
            return pf.Normal(x @ self.w(), 0.5)

    fit = Known().fit(X, Y, engine=pf.Exact(draws=20_000), seed=1)
    P = np.linalg.inv(np.eye(2) + X.T @ X / 0.25)
    sd = np.sqrt(np.diag(P))
    summary = fit.summary()
    assert np.abs((summary["mean"] - P @ X.T @ Y / 0.25) / sd).max() < 4 / np.sqrt(20_000)
    np.testing.assert_allclose(summary["sd"], sd, rtol=0.025)
    evidence = stats.multivariate_normal(np.zeros(N), 0.25 * np.eye(N) + X @ X.T).logpdf(Y)
    assert fit.log_evidence.value == pytest.approx(evidence, abs=1e-8)
    assert fit.log_evidence.error == 0.0
    assert fit.answer.method == "closed form"
    assert fit.verdict.level == "fine"


def test_exact_refuses_with_its_reason() -> None:
    class Exponential(Page):
        def __call__(self, x):
            return pf.Normal(tf.exp(x[:, :2] @ self.w() + x[:, 2:] @ self.u()), self.sigma())

    with pytest.raises(pf.EngineError) as caught:
        Exponential().fit(np.c_[X, Z], Y, engine=pf.Exact())
    assert str(caught.value) == (
        "The engine exact does not fit this model, because its mean is not affine in any parameter with a Normal "
        "prior.\nTake engine=NUTS(), which fits any model."
    )
