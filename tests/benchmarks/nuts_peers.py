"""The densities of nuts.py by numpyro and nutpie: `python nuts_peers.py PEER CASE FOLDER REPEATS SEED`.

Run by the interpreter of an environment that has them; writes the draws into the folder and prints what each run cost.
All models are non-centred; priors are those of nuts.py.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Threads of tiny products cost more than they save.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy as np
import pandas as pd
from clock import cpu_seconds

DATA = Path(__file__).parents[2] / "probflow_nb" / "datasets"
CHAINS, WARMUP, DRAWS = 4, 1000, 1000
Draws = dict[str, np.ndarray]
# The numbers of a mixed model's case: response, predictor that varies, other common predictor, factor; (mean, sd) of
# the intercept, sds of the slopes, the eta of the correlation.
MIXED: dict[str, dict[str, Any]] = {
    "sleepstudy": {"y": "Reaction", "x": "Days", "more": None, "g": "Subject", "at": (250.0, 100.0), "slope": 50.0},
    "radon": {"y": "log_radon", "x": "floor", "more": "log_uranium", "g": "county", "at": (1.0, 2.0), "slope": 1.0},
}
SCALARS = ("beta", "slope", "more", "sd0", "sd1", "rho", "sigma", "mu", "tau")


def frame_of(case: str) -> pd.DataFrame:
    return pd.read_csv(DATA / ("eight_schools.csv" if case == "schools" else f"{case}.csv"))


def numpyro_model(case: str) -> Callable[[], None]:
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    frame = frame_of(case)

    def half_t(scale: float) -> Any:
        return dist.FoldedDistribution(dist.StudentT(3.0, 0.0, scale))

    def schools() -> None:
        mu = numpyro.sample("mu", dist.Normal(0.0, 5.0))
        tau = numpyro.sample("tau", dist.HalfCauchy(5.0))
        raw = numpyro.sample("raw", dist.Normal().expand([8]).to_event(1))
        theta = numpyro.deterministic("theta", mu + tau * raw)
        numpyro.sample("y", dist.Normal(theta, frame["sigma"].to_numpy(float)), obs=frame["y"].to_numpy(float))

    if case == "schools":
        return schools
    c = MIXED[case]
    index, levels = pd.factorize(frame[c["g"]], sort=True)
    x, y = frame[c["x"]].to_numpy(float), frame[c["y"]].to_numpy(float)
    sleep = case == "sleepstudy"

    def mixed() -> None:
        mu = numpyro.sample("beta", dist.Normal(*c["at"])) + numpyro.sample("slope", dist.Normal(0.0, c["slope"])) * x
        if c["more"]:
            mu = mu + numpyro.sample("more", dist.Normal(0.0, 1.0)) * frame[c["more"]].to_numpy(float)
        sd0 = numpyro.sample("sd0", half_t(50.0) if sleep else dist.HalfNormal(1.0))
        sd1 = numpyro.sample("sd1", dist.HalfNormal(20.0 if sleep else 1.0))
        eta = 2.0 if sleep else 1.0
        rho = numpyro.deterministic("rho", 2 * numpyro.sample("unit", dist.Beta(eta, eta)) - 1)
        raw = numpyro.sample("raw", dist.Normal().expand([2, len(levels)]).to_event(2))
        b0 = numpyro.deterministic("b0", sd0 * raw[0])
        b1 = numpyro.deterministic("b1", sd1 * (rho * raw[0] + jnp.sqrt(1 - rho**2) * raw[1]))
        sigma = numpyro.sample("sigma", half_t(50.0) if sleep else dist.HalfNormal(1.0))
        numpyro.sample("y", dist.Normal(mu + b0[index] + b1[index] * x, sigma), obs=y)

    return mixed


def pymc_model(case: str) -> Any:
    import pymc as pm

    frame = frame_of(case)
    with pm.Model() as model:
        if case == "schools":
            mu, tau = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5)
            theta = pm.Deterministic("theta", mu + tau * pm.Normal("raw", 0, 1, shape=8))
            pm.Normal("y", theta, frame["sigma"].to_numpy(float), observed=frame["y"].to_numpy(float))
            return model
        c = MIXED[case]
        index, levels = pd.factorize(frame[c["g"]], sort=True)
        x, y = frame[c["x"]].to_numpy(float), frame[c["y"]].to_numpy(float)
        sleep = case == "sleepstudy"
        mean = pm.Normal("beta", *c["at"]) + pm.Normal("slope", 0, c["slope"]) * x
        if c["more"]:
            mean = mean + pm.Normal("more", 0, 1) * frame[c["more"]].to_numpy(float)
        sd0 = pm.HalfStudentT("sd0", nu=3.0, sigma=50.0) if sleep else pm.HalfNormal("sd0", 1)
        sd1 = pm.HalfNormal("sd1", 20 if sleep else 1)
        eta = 2.0 if sleep else 1.0
        rho = pm.Deterministic("rho", 2 * pm.Beta("unit", eta, eta) - 1)
        raw = pm.Normal("raw", 0, 1, shape=(2, len(levels)))
        b0 = pm.Deterministic("b0", sd0 * raw[0])
        b1 = pm.Deterministic("b1", sd1 * (rho * raw[0] + (1 - rho**2) ** 0.5 * raw[1]))
        sigma = pm.HalfStudentT("sigma", nu=3.0, sigma=50.0) if sleep else pm.HalfNormal("sigma", 1)
        pm.Normal("y", mean + b0[index] + b1[index] * x, sigma, observed=y)
    return model


class Numpyro:
    """Compiles at its first run; later ones of the same object find their code compiled."""

    def __init__(self, case: str) -> None:
        from numpyro.infer import MCMC, NUTS

        self.run = MCMC(
            NUTS(numpyro_model(case)), num_warmup=WARMUP, num_samples=DRAWS, num_chains=CHAINS,
            chain_method="sequential", progress_bar=False,
        )  # fmt: skip

    def draw(self, seed: int) -> tuple[Draws, int, float]:
        import jax

        self.run.run(jax.random.PRNGKey(seed), extra_fields=("diverging", "num_steps"))
        draws = {name: np.asarray(value) for name, value in self.run.get_samples(group_by_chain=True).items()}
        extra = self.run.get_extra_fields()
        return draws, int(np.sum(extra["diverging"])), float(np.mean(extra["num_steps"]))


class Nutpie:
    """Compiles when it is made."""

    def __init__(self, case: str) -> None:
        import nutpie

        self.compiled = nutpie.compile_pymc_model(pymc_model(case))

    def draw(self, seed: int) -> tuple[Draws, int, float]:
        import nutpie

        data = nutpie.sample(
            self.compiled, draws=DRAWS, tune=WARMUP, chains=CHAINS, cores=2, seed=seed, progress_bar=False
        )
        draws = {name: np.asarray(value) for name, value in data.posterior.data_vars.items()}
        stats = data.sample_stats
        return draws, int(np.sum(np.asarray(stats["diverging"]))), float(np.mean(np.asarray(stats["n_steps"])))


def stacked(draws: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Return the scalars' draws and all draws that a person looks at, (C, S, ...)."""
    scalars = np.stack([draws[name] for name in SCALARS if name in draws], axis=-1)
    effects = [draws[name] for name in ("b0", "b1", "theta") if name in draws]
    return scalars, np.concatenate([scalars, *effects], axis=-1)


def main() -> None:
    name, case, folder, repeats, seed = sys.argv[1:]
    peer = {"numpyro": Numpyro, "nutpie": Nutpie}[name]
    peer("schools" if case != "schools" else "sleepstudy").draw(int(seed))
    costs = []
    begun = cpu_seconds()
    sampler = peer(case)
    for repeat in range(int(repeats) + 1):
        start = cpu_seconds()
        draws, divergences, leaves = sampler.draw(int(seed) + repeat)
        end = cpu_seconds()
        costs.append({"first": end - begun, "sampling": end - start, "divergences": divergences, "leaves": leaves})
        scalars, every = stacked(draws)
        np.savez(Path(folder) / f"{repeat}.npz", scalars=scalars, every=every)
    print(json.dumps(costs))


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
