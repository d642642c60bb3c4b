"""Models whose posteriors are known: a conjugate Gaussian regression, and the page's model with sigma by quadrature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import probflow_nb as pf

NOISE, PRIOR = 0.5, 2.0


class Regression(pf.Model):
    """y ~ Normal(x w, 0.5), w ~ Normal(0, 2)."""

    def __init__(self, size: int) -> None:
        self.w = pf.Parameter([size, 1], prior=pf.Normal(0, PRIOR))

    def __call__(self, x):
        return pf.Normal(x @ self.w(), NOISE)


class Page(pf.Model):
    """The page's model; `learned` puts a parameter in u's prior."""

    def __init__(self, common: int, levels: int, learned: bool = False) -> None:
        self.common = common
        self.w = pf.Parameter([common, 1])
        self.tau = pf.ScaleParameter([1, 1]) if learned else 1.0
        self.u = pf.Parameter([levels, 1], prior=pf.Normal(0, self.tau))
        self.sigma = pf.ScaleParameter([1, 1])

    def __call__(self, x):
        return pf.Normal(x[:, : self.common] @ self.w() + x[:, self.common :] @ self.u(), self.sigma())


def regression_data(n: int = 60, size: int = 4, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return x with columns that are strongly correlated, and y."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, size)) + 1.5 * rng.standard_normal((n, 1))
    return x, x @ np.linspace(-1.0, 1.0, size) + NOISE * rng.standard_normal(n)


def regression_posterior(x: np.ndarray, y: np.ndarray, kl_weight: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and precision of w; with a KL weight the likelihood is raised to its inverse."""
    precision = x.T @ x / NOISE**2 / kl_weight + np.eye(x.shape[1]) / PRIOR**2
    return np.linalg.solve(precision, x.T @ y / NOISE**2 / kl_weight), precision


def page_data(levels: int, rows: int, seed: int, tau: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y and the true u of the page's example: w = (1, 0.5), sigma = 0.5."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(levels), rows)
    X = np.column_stack([np.ones(len(g)), rng.standard_normal(len(g))])
    u = tau * rng.standard_normal(levels)
    y = X @ np.array([1.0, 0.5]) + u[g] + 0.5 * rng.standard_normal(len(g))
    return np.column_stack([X, np.eye(levels)[g]]), y, u


@dataclass(frozen=True)
class Moments:
    """Means and sds of w and u, of sigma, of tau (1, 0 where it is fixed)."""

    mean: np.ndarray
    sd: np.ndarray
    sigma: tuple[float, float]
    tau: tuple[float, float]


def page_posterior(x: np.ndarray, y: np.ndarray, learned: bool) -> Moments:
    """Return the exact moments: Gaussian in w and u given the scales, whose precisions have Gamma(5, 1) priors."""

    def log_prior(log_scale: float) -> float:
        return -10.0 * log_scale - np.exp(-2.0 * log_scale)

    gram, cross, square = x.T @ x, x.T @ y, y @ y
    logs, means, variances, sigmas, taus = [], [], [], [], []
    for t in np.linspace(-1.2, 1.0, 45) if learned else [0.0]:
        prior = np.append(np.ones(2), np.full(x.shape[1] - 2, np.exp(-2.0 * t)))
        for s in np.linspace(-1.2, 0.0, 60):
            precision = gram * np.exp(-2.0 * s) + np.diag(prior)
            mean = np.linalg.solve(precision, cross * np.exp(-2.0 * s))
            log = -len(y) * s - 0.5 * np.exp(-2.0 * s) * square + 0.5 * mean @ precision @ mean
            log += 0.5 * np.log(prior).sum() - 0.5 * np.linalg.slogdet(precision)[1] + log_prior(s)
            logs.append(log + (log_prior(t) if learned else 0.0))
            means.append(mean)
            variances.append(np.diag(np.linalg.inv(precision)))
            sigmas.append(np.exp(s))
            taus.append(np.exp(t))
    weights = np.exp(np.array(logs) - max(logs))
    weights /= weights.sum()
    # The grids hold the posterior: nothing is left at their ends.
    assert weights[0] < 1e-6
    assert weights[-1] < 1e-6
    M, V = np.array(means), np.array(variances)
    mean = weights @ M

    def moments(values: list[float]) -> tuple[float, float]:
        a = np.array(values)
        return float(weights @ a), float(np.sqrt(weights @ (a - weights @ a) ** 2))

    return Moments(mean, np.sqrt(weights @ (V + (M - mean) ** 2)), moments(sigmas), moments(taus))


def elements(fit: pf.Fit, name: str, size: int) -> np.ndarray:
    """Return the draws of a parameter's elements, (S, size), long or short."""
    draws = fit.draws
    if name in draws:
        return draws[name].reshape(-1, size)
    return np.column_stack([draws.flat(f"{name}[{i}]") for i in range(size)])
