"""The models of families.py by others: `python family_peers.py PEER CASE ARRAYS [--repeats R]` prints one line of JSON.

ARRAYS is the file of our compiled model's arrays and priors. Run by the interpreter of an environment that has the
peer; glmer runs in R. Effects are non-centred but in bambi, which chooses that too. Means are the intercept (where
every column is 0), the coefficients, then the sds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

# Threads of tiny products cost more than they save.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy as np
from clock import cpu_seconds
from family_cases import CASES, Case

CHAINS, WARMUP, DRAWS = 4, 1000, 1000
Answer = dict[str, Any]
Arrays = Mapping[str, np.ndarray]


def glmer(case: Case, arrays: Arrays, repeats: int) -> Answer:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        frame = case.make()
        frame.to_csv(path, index=False)
        factors = ",".join(name for name in frame if str(frame[name].dtype) == "category")
        script = Path(__file__).with_name("glmer.R")
        terms = ",".join(arrays["factors"])
        command = ["Rscript", "--vanilla", str(script), str(path), case.glmer, case.family_in_r, factors, terms]
        done = subprocess.run([*command, str(repeats)], capture_output=True, text=True, check=True)
    first, cpu, wall, *estimates = (float(word) for word in done.stdout.split())
    return {"cpu": cpu, "wall": wall, "first_cpu": first, "means": estimates}


def answer(call: float, bare: float, wall: float, draws: list[np.ndarray]) -> Answer:
    """Judge scalars (chain, draw) in the order of the means."""
    import arviz as az

    return {
        "cpu": call,
        "wall": wall,
        "first_cpu": call,
        "bare": bare,
        "ess": min(float(az.ess(one, method="bulk")) for one in draws),
        "means": [float(one.mean()) for one in draws],
    }


def shifted(first: np.ndarray, beta: np.ndarray, arrays: Arrays) -> np.ndarray:
    """Return the intercept where every column is 0."""
    return first - beta @ arrays["X"].mean(axis=0) if arrays["centred"] else first


def numpyro_model(case: Case, arrays: Arrays) -> Callable[[], None]:
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    X = arrays["X"] - arrays["X"].mean(axis=0) if arrays["centred"] else arrays["X"]

    def model() -> None:
        eta = numpyro.sample("first", dist.Normal(*arrays["intercept"])) + jnp.zeros(len(X))
        if X.shape[1]:
            eta = eta + X @ numpyro.sample("beta", dist.Normal(0.0, jnp.asarray(arrays["slopes"])).to_event(1))
        for i, (df, _, scale) in enumerate(arrays["sds"]):
            sd = numpyro.sample(f"sd{i}", dist.FoldedDistribution(dist.StudentT(df, 0.0, scale)))
            index = arrays[f"index{i}"]
            raw = numpyro.sample(f"raw{i}", dist.Normal().expand([int(index.max()) + 1]).to_event(1))
            eta = eta + sd * raw[index]
        if case.family == "poisson":
            numpyro.sample("y", dist.Poisson(jnp.exp(eta)), obs=arrays["y"])
        else:
            trials = arrays.get("trials", 1)
            numpyro.sample("y", dist.Binomial(trials, logits=eta), obs=arrays["y"])

    return model


def numpyro(case: Case, arrays: Arrays, repeats: int) -> Answer:
    import jax
    from numpyro.infer import MCMC, NUTS

    costs = []
    start, wall = cpu_seconds(), time.perf_counter()
    run = MCMC(
        NUTS(numpyro_model(case, arrays)), num_warmup=WARMUP, num_samples=DRAWS, num_chains=CHAINS,
        chain_method="sequential", progress_bar=False,
    )  # fmt: skip
    for seed in range(2):
        # The second run finds its code compiled: bare sampling.
        run.run(jax.random.PRNGKey(seed))
        draws = {name: np.asarray(value) for name, value in run.get_samples(group_by_chain=True).items()}
        costs.append((cpu_seconds() - start, time.perf_counter() - wall))
        if costs[0][1] > 120:
            break
        start, wall = cpu_seconds(), time.perf_counter()
    return answer(costs[0][0], costs[-1][0], costs[0][1], scalars(draws, arrays))


def scalars(draws: Mapping[str, np.ndarray], arrays: Arrays) -> list[np.ndarray]:
    beta = draws["beta"] if "beta" in draws else np.zeros((*draws["first"].shape, 0))
    sds = [draws[f"sd{i}"] for i in range(len(arrays["sds"]))]
    return [shifted(draws["first"], beta, arrays), *np.moveaxis(beta, -1, 0), *sds]


def pymc_model(case: Case, arrays: Arrays) -> Any:
    import pymc as pm

    X = arrays["X"] - arrays["X"].mean(axis=0) if arrays["centred"] else arrays["X"]
    with pm.Model() as model:
        mean, sd = arrays["intercept"]
        eta = pm.Normal("first", mean, sd) + np.zeros(len(X))
        if X.shape[1]:
            eta = eta + X @ pm.Normal("beta", 0.0, arrays["slopes"], shape=X.shape[1])
        for i, (df, _, scale) in enumerate(arrays["sds"]):
            index = arrays[f"index{i}"]
            raw = pm.Normal(f"raw{i}", 0.0, 1.0, shape=int(index.max()) + 1)
            eta = eta + pm.HalfStudentT(f"sd{i}", nu=df, sigma=scale) * raw[index]
        if case.family == "poisson":
            pm.Poisson("y", mu=pm.math.exp(eta), observed=arrays["y"])
        else:
            trials = arrays.get("trials", 1)
            pm.Binomial("y", n=trials, logit_p=eta, observed=arrays["y"])
    return model


def nutpie(case: Case, arrays: Arrays, repeats: int) -> Answer:
    import nutpie as sampler

    start, wall = cpu_seconds(), time.perf_counter()
    compiled = sampler.compile_pymc_model(pymc_model(case, arrays))
    before = cpu_seconds()
    data = sampler.sample(compiled, draws=DRAWS, tune=WARMUP, chains=CHAINS, cores=2, seed=1, progress_bar=False)
    end, seconds = cpu_seconds(), time.perf_counter() - wall
    draws = {name: np.asarray(value) for name, value in data.posterior.data_vars.items()}
    return answer(end - start, end - before, seconds, scalars(draws, arrays))


def bambi(case: Case, arrays: Arrays, repeats: int) -> Answer:
    """Bambi's own model of the formula with our priors, by its nutpie sampler."""
    import bambi as package

    prior = package.Prior
    mean, sd = (float(number) for number in arrays["intercept"])
    priors = {"Intercept": prior("Normal", mu=mean, sigma=sd)}
    for factor, (df, _, scale) in zip(arrays["factors"], arrays["sds"]):
        hyper = prior("HalfStudentT", nu=float(df), sigma=float(scale))
        priors[f"1|{factor}"] = prior("Normal", mu=0, sigma=hyper)
    frame = case.make()
    start, wall = cpu_seconds(), time.perf_counter()
    family = "binomial" if "trials" in arrays else case.family
    model = package.Model(case.bambi, frame, family=family)
    # A term of several columns takes one sd each, in their order.
    slopes = list(arrays["slopes"])
    for term in model.components[model.family.likelihood.parent].common_terms.values():
        data = np.asarray(term.data)
        width = data.shape[1] if data.ndim > 1 else 1
        own, slopes = slopes[:width], slopes[width:]
        priors[term.name] = prior("Normal", mu=0, sigma=np.array(own) if data.ndim > 1 else float(own[0]))
    model.set_priors(priors=priors)
    model.build()
    before = cpu_seconds()
    data = model.fit(
        draws=DRAWS, tune=WARMUP, chains=CHAINS, cores=2, random_seed=1, inference_method="nutpie", progressbar=False
    )
    end, seconds = cpu_seconds(), time.perf_counter() - wall
    posterior = data.posterior
    found = [np.asarray(posterior["Intercept"])]
    for name in priors:
        values = np.asarray(posterior[name]) if name in posterior and "|" not in name and name != "Intercept" else None
        if values is not None:
            found += list(np.moveaxis(values.reshape(*values.shape[:2], -1), -1, 0))
    found += [np.asarray(posterior[f"1|{factor}_sigma"]) for factor in arrays["factors"]]
    return answer(end - start, end - before, seconds, found)


PEERS: dict[str, Callable[[Case, Arrays, int], Answer]] = {
    "glmer": glmer,
    "numpyro": numpyro,
    "nutpie": nutpie,
    "bambi": bambi,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=list(PEERS))
    parser.add_argument("case", choices=list(CASES))
    parser.add_argument("arrays", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with warnings.catch_warnings(), np.load(options.arrays) as arrays:
        warnings.simplefilter("ignore")
        print(json.dumps(PEERS[options.peer](CASES[options.case], dict(arrays), options.repeats)))


if __name__ == "__main__":
    main()
