"""The page's model, data for it, and its exact posterior by quadrature: nothing of the package is used for the truth.

Given sigma (and tau) w and u are jointly Gaussian; sigma = 1 / sqrt(g), g ~ Gamma(5, 1), and tau ~ HalfNormal(1) are
integrated over a grid of their logarithms, on which the trapezoidal rule is exact to many digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

import probflow_nb as pf

W, TAU, SIGMA = np.array([1.0, 0.5]), 1.0, 0.5


class LinearMixedEffectsModel(pf.Model):
    """As on the page."""

    def __init__(self, Nf, Nr):
        self.Nf = Nf
        self.w = pf.Parameter([Nf, 1])
        self.u = pf.Parameter([Nr, 1])
        self.sigma = pf.ScaleParameter([1, 1])

    def __call__(self, x):
        X = x[:, : self.Nf]
        Z = x[:, self.Nf :]
        return pf.Normal(X @ self.w() + Z @ self.u(), self.sigma())


class LearnedScale(LinearMixedEffectsModel):
    """The spread of the effects is learned too."""

    def __init__(self, Nf, Nr):
        super().__init__(Nf, Nr)
        self.tau = pf.ScaleParameter(prior=pf.HalfNormal(1.0))
        self.u = pf.Parameter([Nr, 1], prior=pf.Normal(0, self.tau))


KINDS: dict[str, type[LinearMixedEffectsModel]] = {"fixed": LinearMixedEffectsModel, "learned": LearnedScale}
SIZES = {"18 x 10": (18, 10), "50 x 8": (50, 8)}


@dataclass(frozen=True)
class Data:
    """x: (n, 2 + J), an intercept, a column and J indicators. y: (n,). u: (J,), the effects that made it."""

    x: np.ndarray
    y: np.ndarray
    u: np.ndarray


def simulated(groups: int, rows: int, seed: int, w: np.ndarray = W, sigma: float = SIGMA, tau: float = TAU) -> Data:
    """Return data of the page's model."""
    rng = np.random.default_rng(seed)
    n = groups * rows
    X = np.column_stack([np.ones(n), rng.standard_normal(n)])
    Z = np.kron(np.eye(groups), np.ones((rows, 1)))
    u = tau * rng.standard_normal(groups)
    return Data(np.hstack([X, Z]), X @ w + Z @ u + sigma * rng.standard_normal(n), u)


@dataclass(frozen=True)
class Truth:
    """Posterior means and sds: of w then u, (2 + J,), and of sigma and tau, tau NaN where it is fixed."""

    mean: np.ndarray
    sd: np.ndarray
    scale_mean: np.ndarray
    scale_sd: np.ndarray

    def table(self) -> dict[str, tuple[float, float]]:
        """Return (mean, sd) by the name of the scalar or effect."""
        names = ["w[0]", "w[1]", *(f"u{j}" for j in range(len(self.mean) - 2))]
        found = dict(zip(names, zip(self.mean.tolist(), self.sd.tolist(), strict=True), strict=True))
        found["sigma"] = (float(self.scale_mean[0]), float(self.scale_sd[0]))
        if np.isfinite(self.scale_mean[1]):
            found["tau"] = (float(self.scale_mean[1]), float(self.scale_sd[1]))
        return found


def truth(data: Data, learned: bool, points: int = 60) -> Truth:
    """Return the posterior by quadrature: over log sigma, and over log tau where it is learned."""
    log_sigma = np.log(SIGMA) + np.linspace(-0.8, 0.8, points)
    log_tau = np.linspace(-2.5, 2.0, points) if learned else np.zeros(1)
    s, t = (a.reshape(-1) for a in np.meshgrid(np.exp(log_sigma), np.exp(log_tau), indexing="ij"))
    log_p = stats.gamma(5.0).logpdf(s**-2.0) + np.log(2.0 * s**-2.0)
    if learned:
        log_p += stats.halfnorm.logpdf(t) + np.log(t)
    mean, variance = np.zeros((len(s), data.x.shape[1])), np.zeros((len(s), data.x.shape[1]))
    gram, cross, square = data.x.T @ data.x, data.x.T @ data.y, data.y @ data.y
    for i in range(len(s)):
        prior = np.r_[1.0, 1.0, np.full(len(data.u), t[i] ** 2)]
        L = np.linalg.cholesky(gram / s[i] ** 2 + np.diag(1.0 / prior))
        half = np.linalg.solve(L, cross / s[i] ** 2)
        inverse = np.linalg.inv(L)
        mean[i], variance[i] = inverse.T @ half, (inverse**2).sum(axis=0)
        log_p[i] += -len(data.y) * np.log(s[i]) - 0.5 * (square / s[i] ** 2 - half @ half)
        log_p[i] -= np.log(np.diag(L)).sum() + 0.5 * np.log(prior).sum()
    weight = np.exp(log_p - log_p.max())
    weight /= weight.sum()
    edge = weight.reshape(points, -1)
    assert max(edge[0].sum(), edge[-1].sum()) < 1e-6, "the grid of sigma is too narrow"
    assert not learned or max(edge[:, 0].sum(), edge[:, -1].sum()) < 1e-5, "the grid of tau is too narrow"
    centre = weight @ mean
    spread = weight @ (variance + (mean - centre) ** 2)
    scales = np.column_stack([s, t if learned else np.full(len(s), np.nan)])
    middle = weight @ scales
    return Truth(centre, np.sqrt(spread), middle, np.sqrt(weight @ (scales - middle) ** 2))


def draws_of(fit: pf.Fit) -> dict[str, np.ndarray]:
    """Return the draws (chain, draw) of every scalar and every effect by the names of `Truth.table`."""
    found = {name: fit.draws[name] for name in fit.draws.names}
    if "u[0]" in found:
        return {name.replace("u[", "u").removesuffix("]") if name[0] == "u" else name: v for name, v in found.items()}
    u = fit.draws["u"]
    return {**found, **{f"u{j}": u[:, :, j, 0] for j in range(u.shape[2])}}
