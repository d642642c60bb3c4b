"""The joint density and the marginal say the same: log p(y, theta) = log joint - log p(beta, b | theta, y)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from probflow_nb import api, datasets
from probflow_nb.model import covariance
from probflow_nb.model.model import lkj_log_prob

CASES = {
    "slopes": ("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy),
    "uncorrelated": ("Reaction ~ Days + (Days || Subject)", datasets.sleepstudy),
    "crossed": ("diameter ~ 1 + (1 | plate) + (1 | sample)", datasets.Penicillin),
    "cubic": ("Reaction ~ Days + (poly(Days, 2) | Subject)", datasets.sleepstudy),
    "weights and offset": (
        "Reaction ~ Days + offset(20 * Days) + weights(1 + Days) + (1 | Subject)",
        datasets.sleepstudy,
    ),
    "priors": (
        "Reaction ~ Days + (Days | Subject)\nIntercept ~ Normal(250, 30)\nDays ~ Normal(5, 10)\n"
        "sd(Intercept | Subject) ~ Gamma(2, 0.1)\nsd(Days | Subject) ~ Exponential(0.2)\ncor(Subject) ~ LKJ(3)\n"
        "sigma ~ InverseGamma(3, 50)",
        datasets.sleepstudy,
    ),
}


def dense_design(model):
    """Return Z (n, m) with the factors side by side, level by level, column by column."""
    blocks = []
    for factor in model.factors:
        n, k, J = len(model.design.y), len(factor.columns), len(factor.levels)
        Z = np.zeros((n, J, k))
        Z[np.arange(n), factor.Z.index] = factor.Z.z
        blocks.append(Z.reshape(n, J * k))
    return np.concatenate(blocks, axis=1)


def natural(model, theta):
    """Return sds, correlations and sigma of one theta (d,), by name."""
    marginal = model.marginal
    values = {"sigma": np.exp(theta[marginal.layout.sigma]) * marginal.moments.scaling.y_scale}
    for factor in model.factors:
        sds, k = [], len(factor.columns)
        R, start = np.eye(k), 0
        for m in factor.members:
            term = marginal.layout.terms[m]
            sds.append(np.exp(theta[term.start : term.start + term.k]) * marginal.sd_units[m])
            R[start : start + term.k, start : start + term.k] = covariance.correlations(term, theta[None])[0]
            start += term.k
        values[f"sd[{factor.name}]"] = np.concatenate(sds)
        values[f"cor[{factor.name}]"] = R
    return values


def log_jacobian(model, theta, values):
    """Return log |d (sds, cors, sigma) / d theta|."""
    total = np.log(values["sigma"]) + sum(np.log(v).sum() for n, v in values.items() if n.startswith("sd["))
    for term in model.marginal.layout.terms:
        position = term.start + term.k
        for i in range(1, term.k if term.n_correlations else 0):
            for j in range(i):
                # dr/dz of the vine is (1 - z^2)^((k - 2 - j) / 2) over all entries; dz/dtheta is 1 - z^2.
                z2 = np.tanh(theta[position]) ** 2
                total += (1 + 0.5 * (term.k - 2 - j)) * np.log1p(-z2)
                position += 1
    return total


@pytest.mark.parametrize("name", CASES)
def test_marginal_is_joint_over_conditional(name: str) -> None:
    text, data = CASES[name]
    model = api.prepare(text, data()).model
    design, marginal = model.design, model.marginal
    rng = np.random.default_rng(4)
    Z, X, n = dense_design(model), design.X, len(design.y)
    p, m = X.shape[1], Z.shape[1]
    w = np.ones(n) if design.weights is None else design.weights
    y = design.y - (0.0 if design.offset is None else design.offset)
    prior_precision, prior_shift = beta_prior(model)
    for _ in range(3):
        theta = rng.normal(-0.5, 0.5, marginal.size)
        values = natural(model, theta)
        covariances = []
        for factor in model.factors:
            sd = values[f"sd[{factor.name}]"]
            covariances += [values[f"cor[{factor.name}]"] * np.outer(sd, sd)] * len(factor.levels)
        precision = np.zeros((p + m, p + m))
        F = np.concatenate([X, Z], axis=1)
        precision += (F * (w / values["sigma"] ** 2)[:, None]).T @ F
        precision[:p, :p] += prior_precision
        start = p
        for block in covariances:
            k = len(block)
            precision[start : start + k, start : start + k] += np.linalg.inv(block)
            start += k
        shift = F.T @ (w * y) / values["sigma"] ** 2
        shift[:p] += prior_shift
        mean = np.linalg.solve(precision, shift)
        point = mean + 0.1 * np.sqrt(np.diag(np.linalg.inv(precision))) * rng.normal(size=p + m)
        conditional = stats.multivariate_normal(mean, np.linalg.inv(precision), allow_singular=False).logpdf(point)
        values["beta"] = point[:p]
        start = p
        for factor in model.factors:
            J, k = len(factor.levels), len(factor.columns)
            values[f"b[{factor.name}]"] = point[start : start + J * k].reshape(J, k)
            start += J * k
        joint = float(model.log_joint(values)) + log_jacobian(model, theta, values)
        assert marginal.log_densities(theta[None])[0] == pytest.approx(joint - conditional, abs=2e-6)


def beta_prior(model):
    """Return precision and shift of beta's prior, read from the spec, on the data's scale."""
    design, p = model.design, model.design.X.shape[1]
    precision, shift = np.zeros((p, p)), np.zeros(p)
    for prior in model.spec.priors:
        v = np.zeros(p)
        if prior.target.kind == "coefficient":
            v[design.column_names.index(prior.target.name)] = 1.0
        elif prior.target.kind == "intercept":
            v[0] = 1.0
        elif prior.target.kind == "centered intercept":
            v = design.X.mean(axis=0)
        else:
            continue
        mean, sd = prior.distribution.arguments
        precision += np.outer(v, v) / sd**2
        shift += v * mean / sd**2
    return precision, shift


def test_joint_takes_a_batch_of_draws() -> None:
    fit = api.lme("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy(), seed=1)
    draws = fit.draws
    S = 5
    sd = np.stack([draws.flat("sd(Intercept | Subject)"), draws.flat("sd(Days | Subject)")], axis=1)[:S]
    r = draws.flat("cor(Intercept, Days | Subject)")[:S]
    R = np.stack([np.stack([np.ones(S), r], 1), np.stack([r, np.ones(S)], 1)], axis=1)
    values = {
        "beta": np.stack([draws.flat("Intercept"), draws.flat("Days")], axis=1)[:S],
        "sd[Subject]": sd,
        "cor[Subject]": R,
        "b[Subject]": draws.factor("Subject").first(S),
        "sigma": draws.flat("sigma")[:S],
    }
    together = fit.model.log_joint(values).numpy()
    one_by_one = [float(fit.model.log_joint({name: v[i] for name, v in values.items()})) for i in range(S)]
    np.testing.assert_allclose(together, one_by_one, rtol=1e-12)
    assert together.shape == (S,)


@pytest.mark.parametrize(("k", "eta"), [(2, 1.0), (2, 3.0), (3, 1.0), (3, 2.5)])
def test_lkj_density_integrates_to_one(k: int, eta: float) -> None:
    rng = np.random.default_rng(0)
    size = k * (k - 1) // 2
    r = rng.uniform(-1, 1, (400_000, size))
    R = np.tile(np.eye(k), (len(r), 1, 1))
    R[:, *np.tril_indices(k, -1)] = r
    R = R + np.transpose(np.tril(R, -1), (0, 2, 1))
    det = np.linalg.det(R)
    positive = (det > 0) & (np.linalg.eigvalsh(R).min(axis=1) > 0)
    density = np.where(positive, np.exp(lkj_log_prob(eta, k, np.log(np.where(positive, det, 1.0)))), 0.0)
    volume = 2.0**size
    error = volume * density.std() / np.sqrt(len(density))
    assert abs(volume * density.mean() - 1.0) < 4 * error + 1e-12
