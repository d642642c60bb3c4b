"""Make the reference posteriors: long NUTS runs of the full joint density, nothing integrated out.

    python make_reference.py [case ...] [--draws 60000] [--chains 4] [--seed 1]

Needs numpyro and arviz, which the project does not. Every model is written here by hand from its own text,
so that nothing of the project takes part in its own truth. A table is written only when every scalar has at
least `LEAST` effective draws in its bulk and in both tails, rhat below 1.001 and at most one divergence in
100,000 draws.
"""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd
from numpyro.infer import MCMC, NUTS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import arviz as az

az.Numba.disable_numba()


HERE = Path(__file__).parent
DATA = HERE.parents[2] / "probflow_nb" / "datasets"
LEAST = 20_000
MOST_DIVERGENT = 1e-5
QUANTILES = (0.025, 0.5, 0.975)


def half_student_t(df: float, scale: float) -> dist.Distribution:
    return dist.FoldedDistribution(dist.StudentT(df, 0.0, scale))


def covary(sds: jnp.ndarray, rho: jnp.ndarray, raw: jnp.ndarray) -> jnp.ndarray:
    """Return (J, 2) effects of covariance diag(sds) R(rho) diag(sds) from (J, 2) standard normal ones."""
    second = rho * raw[:, 0] + jnp.sqrt(1 - rho**2) * raw[:, 1]
    return jnp.stack([sds[0] * raw[:, 0], sds[1] * second], axis=1)


def lkj_correlation(eta: float) -> jnp.ndarray:
    """Sample rho of a 2 x 2 correlation matrix under LKJ(eta), of density prop. to (1 - rho^2)^(eta - 1)."""
    unit = numpyro.sample("rho_unit", dist.Beta(eta, eta))
    return 2 * unit - 1


def sleepstudy(frame: pd.DataFrame) -> tuple[Callable[[], None], dict[str, np.ndarray]]:
    index, levels = pd.factorize(frame["Subject"], sort=True)
    days, y = frame["Days"].to_numpy(float), frame["Reaction"].to_numpy(float)

    def model() -> None:
        beta0 = numpyro.sample("Intercept", dist.Normal(250.0, 100.0))
        beta1 = numpyro.sample("Days", dist.Normal(0.0, 50.0))
        tau0 = numpyro.sample("sd(Intercept | Subject)", half_student_t(3.0, 50.0))
        tau1 = numpyro.sample("sd(Days | Subject)", dist.HalfNormal(20.0))
        rho = numpyro.deterministic("cor(Intercept, Days | Subject)", lkj_correlation(2.0))
        sigma = numpyro.sample("sigma", half_student_t(3.0, 50.0))
        # Ten rows a subject say more of its effects than their prior does: centred mixes best.
        tau1_given_0 = tau1 * jnp.sqrt(1 - rho**2)
        b0 = numpyro.sample("b0", dist.Normal(0.0, tau0).expand([len(levels)]).to_event(1))
        b1 = numpyro.sample("b1", dist.Normal(rho * tau1 / tau0 * b0, tau1_given_0).to_event(1))
        b = numpyro.deterministic("b[Subject]", jnp.stack([b0, b1], axis=1))
        mu = beta0 + beta1 * days + b[index, 0] + b[index, 1] * days
        numpyro.sample("y", dist.Normal(mu, sigma), obs=y)

    return model, {"Subject": levels.to_numpy()}


def penicillin(frame: pd.DataFrame) -> tuple[Callable[[], None], dict[str, np.ndarray]]:
    plate, plates = pd.factorize(frame["plate"], sort=True)
    sample, samples = pd.factorize(frame["sample"], sort=True)
    y = frame["diameter"].to_numpy(float)

    def model() -> None:
        beta0 = numpyro.sample("Intercept", dist.Normal(23.0, 5.0))
        tau_plate = numpyro.sample("sd(Intercept | plate)", dist.HalfNormal(2.0))
        tau_sample = numpyro.sample("sd(Intercept | sample)", half_student_t(3.0, 3.0))
        sigma = numpyro.sample("sigma", dist.HalfNormal(2.0))
        b_plate = numpyro.sample("b[plate]", dist.Normal(0.0, tau_plate).expand([len(plates), 1]).to_event(2))
        b_sample = numpyro.sample("b[sample]", dist.Normal(0.0, tau_sample).expand([len(samples), 1]).to_event(2))
        mu = beta0 + b_plate[plate, 0] + b_sample[sample, 0]
        numpyro.sample("y", dist.Normal(mu, sigma), obs=y)

    return model, {"plate": plates.to_numpy(), "sample": samples.to_numpy()}


def radon(frame: pd.DataFrame) -> tuple[Callable[[], None], dict[str, np.ndarray]]:
    index, levels = pd.factorize(frame["county"], sort=True)
    floor, uranium = frame["floor"].to_numpy(float), frame["log_uranium"].to_numpy(float)
    y = frame["log_radon"].to_numpy(float)

    def model() -> None:
        beta0 = numpyro.sample("Intercept", dist.Normal(1.0, 2.0))
        beta1 = numpyro.sample("floor", dist.Normal(0.0, 1.0))
        beta2 = numpyro.sample("log_uranium", dist.Normal(0.0, 1.0))
        taus = jnp.stack(
            [numpyro.sample(f"sd({column} | county)", dist.HalfNormal(1.0)) for column in ("Intercept", "floor")]
        )
        rho = numpyro.deterministic("cor(Intercept, floor | county)", lkj_correlation(1.0))
        sigma = numpyro.sample("sigma", dist.HalfNormal(1.0))
        raw = numpyro.sample("raw", dist.Normal().expand([len(levels), 2]).to_event(2))
        b = numpyro.deterministic("b[county]", covary(taus, rho, raw))
        mu = beta0 + beta1 * floor + beta2 * uranium + b[index, 0] + b[index, 1] * floor
        numpyro.sample("y", dist.Normal(mu, sigma), obs=y)

    return model, {"county": levels.to_numpy()}


# Each case: its data, its text as the project reads it, the model above, the columns and levels of b kept.
CASES = {
    "sleepstudy": (
        "sleepstudy",
        (
            "Reaction ~ Days + (Days | Subject)",
            "Intercept ~ Normal(250, 100)",
            "Days ~ Normal(0, 50)",
            "sd(Subject) ~ HalfStudentT(3, 0, 50)",
            "sd(Days | Subject) ~ HalfNormal(20)",
            "cor(Subject) ~ LKJ(2)",
            "sigma ~ HalfStudentT(3, 0, 50)",
        ),
        sleepstudy,
        {"Subject": (("Intercept", "Days"), ("308", "309", "335"))},
    ),
    "penicillin": (
        "Penicillin",
        (
            "diameter ~ 1 + (1 | plate) + (1 | sample)",
            "Intercept ~ Normal(23, 5)",
            "sd(plate) ~ HalfNormal(2)",
            "sd(sample) ~ HalfStudentT(3, 0, 3)",
            "sigma ~ HalfNormal(2)",
        ),
        penicillin,
        {"plate": (("Intercept",), ("a", "m")), "sample": (("Intercept",), ("A", "F"))},
    ),
    "radon": (
        "radon",
        (
            "log_radon ~ floor + log_uranium + (floor | county)",
            "Intercept ~ Normal(1, 2)",
            "floor ~ Normal(0, 1)",
            "log_uranium ~ Normal(0, 1)",
            "sd(county) ~ HalfNormal(1)",
            "cor(county) ~ LKJ(1)",
            "sigma ~ HalfNormal(1)",
        ),
        radon,
        {"county": (("Intercept", "floor"), ("AITKIN", "STLOUIS", "WASHINGTON"))},
    ),
}


def describe(draws: np.ndarray) -> dict[str, float]:
    """Return what is stored of one scalar, (chain, draw) -> figures with their Monte Carlo errors."""
    values = np.asarray(draws, dtype=float)
    row = {
        "mean": values.mean(),
        "sd": values.std(ddof=1),
        "mcse_mean": az.mcse(values, method="mean"),
        "mcse_sd": az.mcse(values, method="sd"),
        "ess_bulk": az.ess(values, method="bulk"),
        "ess_tail": min(az.ess(values, method="quantile", prob=p) for p in (0.025, 0.05, 0.95, 0.975)),
        "rhat": az.rhat(values, method="rank"),
    }
    for p in QUANTILES:
        row[f"q{100 * p:g}"] = np.quantile(values, p)
        row[f"mcse_q{100 * p:g}"] = az.mcse(values, method="quantile", prob=p)
    return {name: float(f"{float(value):.8g}") for name, value in row.items()}


def scalars(draws: dict, levels: dict, kept: dict) -> dict[str, np.ndarray]:
    """Return the (chain, draw) arrays to store, effects named `b[factor][level, column]`."""
    found = {n: v for n, v in draws.items() if v.ndim == 2 and n != "rho_unit"}
    for factor, (columns, chosen) in kept.items():
        for level in chosen:
            row = int(np.flatnonzero(levels[factor].astype(str) == level)[0])
            for c, column in enumerate(columns):
                found[f"b[{factor}][{level}, {column}]"] = draws[f"b[{factor}]"][:, :, row, c]
    return found


def make(case: str, data: Path, chains: int, draws: int, seed: int) -> None:
    """Sample one case and write `<case>.json` beside this file."""
    dataset, text, build, kept = CASES[case]
    model, levels = build(pd.read_csv(data / f"{dataset}.csv"))
    start = time.perf_counter()
    kernel = NUTS(model, dense_mass=True, target_accept_prob=0.95)
    run = MCMC(
        kernel,
        num_warmup=3000,
        num_samples=draws,
        num_chains=chains,
        chain_method="sequential",
        progress_bar=False,
    )
    run.run(jax.random.PRNGKey(seed), extra_fields=("diverging",))
    samples = {name: np.asarray(v) for name, v in run.get_samples(group_by_chain=True).items()}
    divergences = int(np.sum(run.get_extra_fields()["diverging"]))
    table = {name: describe(v) for name, v in scalars(samples, levels, kept).items()}
    least = min(min(row["ess_bulk"], row["ess_tail"]) for row in table.values())
    worst = max(row["rhat"] for row in table.values())
    print(f"{case}: ess >= {least:.0f}, rhat <= {worst:.5f}, {divergences} divergences")
    print(f"  {time.perf_counter() - start:.0f} s")
    if least < LEAST or worst > 1.001 or divergences > MOST_DIVERGENT * chains * draws:
        print("  not written")
        return
    answer = {
        "dataset": dataset,
        "text": "\n".join(text),
        "how": f"NUTS of the full joint density, {chains} chains of {draws} draws after 3000 of warmup",
        "versions": {"numpyro": numpyro.__version__, "jax": jax.__version__, "arviz": az.__version__},
        "seed": seed,
        "divergences": divergences,
        "least_ess": least,
        "parameters": table,
    }
    (HERE / f"{case}.json").write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the csv files")
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--draws", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    numpyro.enable_x64()
    for case in options.cases:
        make(case, options.data, options.chains, options.draws, options.seed)


if __name__ == "__main__":
    main()
