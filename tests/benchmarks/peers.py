"""The same models by other libraries: `python peers.py PEER CASE [--repeats R]` prints one line of JSON.

Run by the interpreter of an environment that has the peer; `speed.py --peer-python` starts it. lme4 runs in
R.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from clock import Cost, cpu_seconds, measure
from data import CASES, Case

Answer = dict[str, Any]
CHAINS, WARMUP, DRAWS = 4, 1000, 1000


def point(cost: Cost, sigma: float) -> Answer:
    return {"kind": "point", **asdict(cost), "sigma": float(sigma)}


def lme4(case: Case, frame: pd.DataFrame, repeats: int) -> Answer:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        frame.to_csv(path, index=False)
        factors = ",".join(factor for factor, _ in case.groups)
        script = Path(__file__).with_name("lme4.R")
        command = ["Rscript", "--vanilla", str(script), str(path), case.formula, factors, str(repeats)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    first, cpu, wall, sigma = (float(word) for word in done.stdout.split()[-4:])
    return point(Cost(cpu, wall, first, repeats), sigma)


def one_factor(case: Case) -> str:
    if len(case.groups) != 1:
        raise NotImplementedError("one grouping factor only")
    return case.groups[0][0]


def statsmodels(case: Case, frame: pd.DataFrame, repeats: int) -> Answer:
    import statsmodels.formula.api as smf

    factor = one_factor(case)
    plain = frame.assign(**{factor: frame[factor].astype(str)})
    formula = f"~{case.x}"

    def call() -> Any:
        text = f"{case.response} ~ {case.x}"
        return smf.mixedlm(text, plain, groups=plain[factor], re_formula=formula).fit()

    cost, found = measure(call, repeats)
    return point(cost, np.sqrt(found.scale))


def mixedlm_rs(case: Case, frame: pd.DataFrame, repeats: int) -> Answer:
    import mixedlm_rs as package

    factor = one_factor(case)
    plain = frame.assign(**{factor: frame[factor].astype(str)})

    def call() -> Any:
        text = f"{case.response} ~ {case.x}"
        return package.MixedLM.from_formula(text, plain, groups=factor, re_formula=f"~{case.x}").fit()

    cost, found = measure(call, repeats)
    return point(cost, np.sqrt(found.scale))


def mixedlm(case: Case, frame: pd.DataFrame, repeats: int) -> Answer:
    import mixedlm as package

    plain = frame.assign(**{factor: frame[factor].astype(str) for factor, _ in case.groups})
    cost, found = measure(lambda: package.lmer(case.formula, plain), repeats)
    return point(cost, found.sigma() if callable(found.sigma) else found.sigma)


def lme_python(case: Case, frame: pd.DataFrame, repeats: int) -> Answer:
    import lme_python as package
    import polars

    plain = polars.from_pandas(frame.assign(**{f: frame[f].astype(str) for f, _ in case.groups}))
    cost, found = measure(lambda: package.lmer(case.formula, plain), repeats)
    sigma2 = found.sigma2() if callable(found.sigma2) else found.sigma2
    return point(cost, np.sqrt(sigma2))


def draws_answer(call_cpu: float, sampling_cpu: float, wall: float, data: Any) -> Answer:
    """Judge InferenceData by the scalars alone, as a summary of the model shows them."""
    import arviz as az

    scalars = [name for name, v in data.posterior.data_vars.items() if v.ndim == 2]
    summary = az.summary(data, var_names=scalars)
    return {
        "kind": "posterior",
        "cpu": call_cpu,
        "wall": wall,
        "sampling_cpu": sampling_cpu,
        "ess": float(summary["ess_bulk"].min()),
        "rhat": float(summary["r_hat"].max()),
        "repeats": 1,
    }


def numpyro_model(case: Case, frame: pd.DataFrame) -> Callable[[], None]:
    """Return the non-centred model with priors scaled to the data, as its users write it."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    y = frame[case.response].to_numpy(float)
    x = frame[case.x].to_numpy(float) if case.x else np.zeros(len(y))
    codes = {f: frame[f].astype("category").cat.codes.to_numpy() for f, _ in case.groups}
    spread, centre = y.std(), y.mean()
    slope = spread / x.std() if case.x else 1.0

    def model() -> None:
        mu = numpyro.sample("Intercept", dist.Normal(centre, 2.5 * spread)) + 0.0 * x
        if case.x:
            mu = mu + numpyro.sample(case.x, dist.Normal(0.0, 2.5 * slope)) * x
        for factor, varies in case.groups:
            J = int(codes[factor].max()) + 1
            sd = numpyro.sample(f"sd_{factor}", dist.HalfNormal(2.5 * spread))
            raw = numpyro.sample(f"raw_{factor}", dist.Normal().expand([J, 1 + varies]).to_event(2))
            mu = mu + sd * raw[codes[factor], 0]
            if varies:
                sd_x = numpyro.sample(f"sd_x_{factor}", dist.HalfNormal(2.5 * slope))
                rho = 2 * numpyro.sample(f"rho_{factor}", dist.Beta(1.0, 1.0)) - 1
                both = rho * raw[:, 0] + jnp.sqrt(1 - rho**2) * raw[:, 1]
                mu = mu + sd_x * both[codes[factor]] * x
        sigma = numpyro.sample("sigma", dist.HalfNormal(2.5 * spread))
        numpyro.sample("y", dist.Normal(mu, sigma), obs=y)

    return model


def numpyro(case: Case, frame: pd.DataFrame, repeats: int) -> Answer:
    import arviz as az
    import jax
    from numpyro.infer import MCMC, NUTS

    kernel = NUTS(numpyro_model(case, frame))
    run = MCMC(
        kernel,
        num_warmup=WARMUP,
        num_samples=DRAWS,
        num_chains=CHAINS,
        chain_method="sequential",
        progress_bar=False,
    )
    costs = []
    for seed in range(2):
        # The second run finds its code compiled: bare sampling.
        cost, _ = measure(partial(run.run, jax.random.PRNGKey(seed)), 0)
        costs.append(cost)
        if cost.wall > 60:
            break
    return draws_answer(costs[0].cpu, costs[-1].cpu, costs[0].wall, az.from_numpyro(run))


def nutpie(case: Case, frame: pd.DataFrame, repeats: int) -> Answer:
    """Bambi's model of the formula with its default priors, sampled by nutpie."""
    import time

    import bambi
    import nutpie as sampler

    start, wall = cpu_seconds(), time.perf_counter()
    model = bambi.Model(case.formula, frame)
    model.build()
    compiled = sampler.compile_pymc_model(model.backend.model)
    before = cpu_seconds()
    data = sampler.sample(compiled, draws=DRAWS, tune=WARMUP, chains=CHAINS, cores=2, seed=1, progress_bar=False)
    end = cpu_seconds()
    return draws_answer(end - start, end - before, time.perf_counter() - wall, data)


PEERS: dict[str, Callable[[Case, pd.DataFrame, int], Answer]] = {
    "lme4": lme4,
    "lme-python": lme_python,
    "mixedlm-rs": mixedlm_rs,
    "mixedlm": mixedlm,
    "statsmodels": statsmodels,
    "numpyro": numpyro,
    "nutpie": nutpie,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=list(PEERS))
    parser.add_argument("case", choices=list(CASES))
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    case = CASES[options.case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = PEERS[options.peer](case, case.make(), options.repeats)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
