"""Make the reference posteriors of response families: long NUTS runs of the full joint density.

    python make_family_reference.py [case ...] [--draws 15000] [--chains 4] [--seed 1] [--accept 0.9]

Needs numpyro and arviz, which the project does not. Every likelihood and prior is written here by hand, so that nothing
of the project takes part in its own truth; simulated data are stored with their table. A table is written only when
every scalar has at least `LEAST` effective draws in its bulk and in both tails; see make_reference.py.
"""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd
from make_reference import DATA, HERE, LEAST, MOST_DIVERGENT, az, describe, half_student_t
from numpyro.infer import MCMC, NUTS

WARMUP = 2000
# Takes eta and gives the distribution of the response, or its log density at y; samples its own further parameters.
Likelihood = Callable[[jnp.ndarray], dist.Distribution | jnp.ndarray]


@dataclass(frozen=True, eq=False)
class Reference:
    """One posterior.

    text, family: as the project reads them. dataset: of the project, "" for a simulated frame. frame: the rows.
    y: (n,). columns: of X by name, without the intercept. factor: of the group effects. intercept: (mean, sd) of its
    normal prior, None where there is none; centred: whether it is the value at the predictors' means. slopes: sds of
    the coefficients' normal priors. sd: prior of the group effects' sd. likelihood: see `Likelihood`. centred_effects:
    how the sampler sees the effects.
    """

    text: str
    family: str
    dataset: str
    frame: pd.DataFrame
    y: np.ndarray
    columns: Mapping[str, np.ndarray]
    factor: str
    intercept: tuple[float, float] | None
    slopes: tuple[float, ...]
    sd: dist.Distribution
    likelihood: Likelihood
    centred: bool = False
    centred_effects: bool = True
    further: tuple[str, ...] = field(default=())


def model_of(case: Reference) -> tuple[Callable[[], None], np.ndarray]:
    """Return the numpyro model and the levels of its factor."""
    index, levels = pd.factorize(case.frame[case.factor], sort=True)
    X = np.stack(list(case.columns.values()), axis=1) if case.columns else np.zeros((len(case.y), 0))
    names, factor = list(case.columns), case.factor

    def model() -> None:
        beta = jnp.stack([numpyro.sample(name, dist.Normal(0.0, s)) for name, s in zip(names, case.slopes)] or [0.0])
        eta = X @ beta[: X.shape[1]]
        if case.intercept is not None:
            first = numpyro.sample("first", dist.Normal(*case.intercept))
            shift = X.mean(axis=0) @ beta[: X.shape[1]] if case.centred else 0.0
            eta = eta + numpyro.deterministic("Intercept", first - shift)
        sd = numpyro.sample(f"sd(Intercept | {factor})", case.sd)
        if case.centred_effects:
            b = numpyro.sample(f"b[{factor}]", dist.Normal(0.0, sd).expand([len(levels)]).to_event(1))
        else:
            raw = numpyro.sample("raw", dist.Normal().expand([len(levels)]).to_event(1))
            b = numpyro.deterministic(f"b[{factor}]", sd * raw)
        found = case.likelihood(eta + b[index])
        if isinstance(found, dist.Distribution):
            numpyro.sample("y", found, obs=case.y)
        else:
            numpyro.factor("y", found.sum())

    return model, levels.to_numpy().astype(str)


def dataset(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / f"{name}.csv")


def dummies(column: pd.Series, name: str, levels: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return treatment contrasts of all levels but the first, the base."""
    return {f"{name}[{level}]": (column.astype(str) == level).to_numpy(float) for level in levels}


def cbpp() -> Reference:
    frame = dataset("cbpp")
    size = frame["size"].to_numpy(float)
    return Reference(
        "incidence / size ~ period + (1 | herd)", "binomial", "cbpp", frame, frame["incidence"].to_numpy(float),
        dummies(frame["period"], "period", ("2", "3", "4")), "herd", (0.0, 2.5), (5.722, 5.722, 5.868),
        half_student_t(3.0, 2.5), lambda eta: dist.Binomial(size, logits=eta), centred=True,
    )  # fmt: skip


def epilepsy(family: str, text: str, likelihood: Likelihood, further: tuple[str, ...] = ()) -> Reference:
    frame = dataset("epilepsy")
    age, base = frame["zAge"].to_numpy(float), frame["zBase"].to_numpy(float)
    treated = (frame["Trt"].astype(str) == "1").to_numpy(float)
    columns = {"zAge": age, "zBase": base, "Trt[1]": treated, "zBase:Trt[1]": base * treated}
    return Reference(
        "count ~ zAge + zBase * Trt + (1 | patient)" + text, family, "epilepsy", frame,
        frame["count"].to_numpy(float), columns, "patient", (2.111, 2.5), (2.5, 2.5, 4.996, 3.339),
        half_student_t(3.0, 2.5), likelihood, centred=True, further=further,
    )  # fmt: skip


def contraception() -> Reference:
    frame = dataset("Contraception")
    age = frame["age"].to_numpy(float)
    columns = {"age": age, "I(age**2)": age**2, **dummies(frame["livch"], "livch", ("1", "2", "3+"))}
    columns |= dummies(frame["urban"], "urban", ("Y",))
    return Reference(
        "use ~ age + I(age**2) + livch + urban + (1 | district)", "bernoulli", "Contraception", frame,
        (frame["use"] == "Y").to_numpy(float), columns, "district", (0.0, 2.5),
        (0.2774, 0.02811, 6.449, 6.858, 5.138, 5.505), half_student_t(3.0, 2.5),
        lambda eta: dist.Bernoulli(logits=eta), centred=True, centred_effects=False,
    )  # fmt: skip


def pairs() -> Reference:
    """500 groups of 2 events: the Laplace approximation alone is far off."""
    rng = np.random.default_rng(1)
    g, x = np.repeat(np.arange(500), 2), rng.standard_normal(1000)
    eta = 0.2 + 0.5 * x + 1.5 * rng.standard_normal(500)[g]
    y = (rng.random(1000) < 1 / (1 + np.exp(-eta))).astype(int)
    frame = pd.DataFrame({"y": y, "x": np.round(x, 4), "g": [f"g{i:03d}" for i in g]})
    return simulated(frame, "bernoulli", "", lambda eta: dist.Bernoulli(logits=eta), centred_effects=False)


PRIORS = "\nIntercept ~ Normal(0, 2)\nx ~ Normal(0, 1)\nsd(g) ~ HalfNormal(1)"


def simulated(
    frame: pd.DataFrame, family: str, text: str, likelihood: Likelihood, further: tuple[str, ...] = (), **options: Any
) -> Reference:
    """Return y ~ x + (1 | g) with the priors of PRIORS and those of `text`, for a frame that is stored."""
    intercept = options.pop("intercept", (0.0, 2.0))
    priors = PRIORS if intercept else PRIORS.replace("\nIntercept ~ Normal(0, 2)", "")
    return Reference(
        f"y ~ x + (1 | g){priors}{text}", family, "", frame, frame["y"].to_numpy(float),
        {"x": frame["x"].to_numpy(float)}, "g", intercept, (1.0,), dist.HalfNormal(1.0), likelihood,
        further=further, **options,
    )  # fmt: skip


def predictor(seed: int, groups: int = 14, rows: int = 8) -> tuple[np.random.Generator, pd.DataFrame, np.ndarray]:
    """Return a generator, a frame of g and x, and eta = 0.4 + 0.5 x + b, sd of b 0.6."""
    rng = np.random.default_rng(seed)
    index = np.repeat(np.arange(groups), rows)
    x = np.round(rng.standard_normal(groups * rows), 3)
    eta = 0.4 + 0.5 * x + 0.6 * rng.standard_normal(groups)[index]
    return rng, pd.DataFrame({"x": x, "g": [f"g{i:02d}" for i in index]}), eta


def gamma() -> Reference:
    rng, frame, eta = predictor(11)
    frame["y"] = np.round(rng.gamma(3.0, np.exp(eta) / 3.0), 5)

    def likelihood(eta: jnp.ndarray) -> dist.Distribution:
        shape = numpyro.sample("shape", dist.HalfNormal(10.0))
        return dist.Gamma(shape, shape / jnp.exp(eta))

    return simulated(frame, "Gamma(link = log)", "\nshape ~ HalfNormal(10)", likelihood, ("shape",))


def beta() -> Reference:
    rng, frame, eta = predictor(12)
    mean = 1 / (1 + np.exp(-eta))
    frame["y"] = np.clip(np.round(rng.beta(mean * 5.0, (1 - mean) * 5.0), 6), 1e-6, 1 - 1e-6)

    def likelihood(eta: jnp.ndarray) -> dist.Distribution:
        precision = numpyro.sample("precision", dist.HalfNormal(20.0))
        mean = jax.nn.sigmoid(eta)
        return dist.Beta(mean * precision, (1 - mean) * precision)

    return simulated(frame, "beta", "\nprecision ~ HalfNormal(20)", likelihood, ("precision",))


def student_t() -> Reference:
    rng, frame, eta = predictor(13)
    frame["y"] = np.round(eta + 0.5 * rng.standard_t(3.0, len(eta)), 5)

    def likelihood(eta: jnp.ndarray) -> dist.Distribution:
        sigma = numpyro.sample("sigma", dist.HalfNormal(1.0))
        return dist.StudentT(numpyro.sample("df", dist.Gamma(2.0, 0.1)), eta, sigma)

    text = "\nsigma ~ HalfNormal(1)\ndf ~ Gamma(2, 0.1)"
    return simulated(frame, "student_t", text, likelihood, ("sigma", "df"))


def log_normal() -> Reference:
    rng, frame, eta = predictor(14)
    frame["y"] = np.round(np.exp(eta + 0.7 * rng.standard_normal(len(eta))), 5)

    def likelihood(eta: jnp.ndarray) -> dist.Distribution:
        return dist.LogNormal(eta, numpyro.sample("sigma", dist.HalfNormal(1.0)))

    return simulated(frame, "log_normal", "\nsigma ~ HalfNormal(1)", likelihood, ("sigma",))


def ordinal() -> Reference:
    rng, frame, eta = predictor(15)
    cuts = np.array([-0.8, 0.5, 2.0])
    frame["y"] = ((eta + rng.logistic(size=len(eta)))[:, None] > cuts).sum(axis=1)

    at = frame["y"].to_numpy()

    def likelihood(eta: jnp.ndarray) -> jnp.ndarray:
        # The prior of sorted independent cutpoints: flat over ordered vectors times the normal density of each.
        cut = numpyro.sample("cut", dist.ImproperUniform(dist.constraints.ordered_vector, (), (3,)))
        numpyro.factor("cut prior", dist.Normal(0.0, 2.0).log_prob(cut).sum())
        for i in range(3):
            numpyro.deterministic(f"cut[{i}|{i + 1}]", cut[i])
        # p = s(a) - s(b) = s(a) s(-b) (1 - exp(b - a)) for the cutpoints a above and b below, s the logistic function.
        above = jnp.where(at < 3, cut[jnp.minimum(at, 2)] - eta, 40.0)
        below = jnp.where(at > 0, cut[jnp.maximum(at - 1, 0)] - eta, -40.0)
        return jax.nn.log_sigmoid(above) + jax.nn.log_sigmoid(-below) + jnp.log(-jnp.expm1(below - above))

    names = tuple(f"cut[{i}|{i + 1}]" for i in range(3))
    return simulated(frame, "ordinal", "\ncut ~ Normal(0, 2)", likelihood, names, intercept=None, centred_effects=False)


def inflated(gate: jnp.ndarray, counts: dist.Distribution, y: np.ndarray) -> jnp.ndarray:
    """Return the log density of y that is 0 with probability `gate` and else one of `counts`."""
    found = jnp.log1p(-gate) + counts.log_prob(y)
    return jnp.where(y == 0, jnp.logaddexp(jnp.log(gate), found), found)


def zero_inflated_poisson() -> Reference:
    rng, frame, eta = predictor(16)
    frame["y"] = rng.poisson(np.exp(eta)) * (rng.random(len(eta)) > 0.25)

    y = frame["y"].to_numpy(float)

    def likelihood(eta: jnp.ndarray) -> jnp.ndarray:
        return inflated(numpyro.sample("zero", dist.Uniform(0.0, 1.0)), dist.Poisson(jnp.exp(eta)), y)

    return simulated(
        frame, "zero_inflated_poisson", "\nzero ~ Uniform(0, 1)", likelihood, ("zero",), centred_effects=False
    )


def zero_inflated_negative_binomial() -> Reference:
    rng, frame, eta = predictor(17, groups=20, rows=10)
    mean = rng.gamma(2.0, np.exp(1.0 + eta) / 2.0)
    frame["y"] = rng.poisson(mean) * (rng.random(len(eta)) > 0.2)

    y = frame["y"].to_numpy(float)

    def likelihood(eta: jnp.ndarray) -> jnp.ndarray:
        shape = numpyro.sample("shape", dist.HalfNormal(5.0))
        gate = numpyro.sample("zero", dist.Uniform(0.0, 1.0))
        return inflated(gate, dist.NegativeBinomial2(jnp.exp(eta), shape), y)

    text = "\nshape ~ HalfNormal(5)\nzero ~ Uniform(0, 1)"
    return simulated(
        frame, "zero_inflated_negative_binomial", text, likelihood, ("shape", "zero"), centred_effects=False
    )


def negative_binomial() -> Reference:
    def likelihood(eta: jnp.ndarray) -> dist.Distribution:
        return dist.NegativeBinomial2(jnp.exp(eta), numpyro.sample("shape", dist.HalfNormal(10.0)))

    return epilepsy("negative_binomial", "\nshape ~ HalfNormal(10)", likelihood, ("shape",))


CASES: dict[str, Callable[[], Reference]] = {
    "cbpp": cbpp,
    "epilepsy": lambda: epilepsy("poisson", "", lambda eta: dist.Poisson(jnp.exp(eta))),
    "contraception": contraception,
    "pairs": pairs,
    "negative_binomial": negative_binomial,
    "gamma": gamma,
    "beta": beta,
    "student_t": student_t,
    "log_normal": log_normal,
    "ordinal": ordinal,
    "zero_inflated_poisson": zero_inflated_poisson,
    "zero_inflated_negative_binomial": zero_inflated_negative_binomial,
}


def scalars(case: Reference, draws: Mapping[str, np.ndarray], levels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the (chain, draw) arrays to store: every scalar and the effects of two levels."""
    first = ["Intercept"] if case.intercept is not None else []
    names = [*first, *case.columns, f"sd(Intercept | {case.factor})", *case.further]
    found = {name: draws[name] for name in names}
    for level in (0, len(levels) // 2):
        found[f"b[{case.factor}][{levels[level]}, Intercept]"] = draws[f"b[{case.factor}]"][:, :, level]
    return found


def make(name: str, chains: int, draws: int, seed: int, accept: float) -> None:
    """Sample one case and write `family_<case>.json` beside this file."""
    case = CASES[name]()
    model, levels = model_of(case)
    start = time.perf_counter()
    # One dense block for the few that are correlated, none for the effects of hundreds of levels.
    kernel = NUTS(
        model,
        init_strategy=numpyro.infer.init_to_median(num_samples=30),
        dense_mass=len(levels) < 100,
        target_accept_prob=accept,
    )
    run = MCMC(
        kernel, num_warmup=WARMUP, num_samples=draws, num_chains=chains, chain_method="sequential", progress_bar=False
    )
    run.run(jax.random.PRNGKey(seed), extra_fields=("diverging",))
    samples = {key: np.asarray(v) for key, v in run.get_samples(group_by_chain=True).items()}
    divergences = int(np.sum(run.get_extra_fields()["diverging"]))
    table = {key: describe(v) for key, v in scalars(case, samples, levels).items()}
    least = min(min(row["ess_bulk"], row["ess_tail"]) for row in table.values())
    worst = max(row["rhat"] for row in table.values())
    print(f"{name}: ess >= {least:.0f}, rhat <= {worst:.5f}, {divergences} divergences", flush=True)
    print(f"  {time.perf_counter() - start:.0f} s", flush=True)
    if least < LEAST or worst > 1.001 or divergences > MOST_DIVERGENT * chains * draws:
        print("  not written", flush=True)
        return
    answer = {
        "dataset": case.dataset,
        "frame": {} if case.dataset else {key: case.frame[key].tolist() for key in case.frame},
        "text": case.text,
        "family": case.family,
        "how": f"NUTS of the full joint density, {chains} chains of {draws} draws after {WARMUP} of warmup",
        "versions": {"numpyro": numpyro.__version__, "jax": jax.__version__, "arviz": az.__version__},
        "seed": seed,
        "accept": accept,
        "divergences": divergences,
        "least_ess": least,
        "parameters": table,
    }
    (HERE / f"family_{name}.json").write_text(json.dumps(answer) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--draws", type=int, default=15_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--accept", type=float, default=0.9, help="target acceptance; more where chains diverge")
    options = parser.parse_args()
    numpyro.enable_x64()
    for case in options.cases:
        make(case, options.chains, options.draws, options.seed, options.accept)


if __name__ == "__main__":
    main()
