"""Make the reference posteriors of binary data that are hard for a Gaussian approximation: long NUTS runs of the joint.

    python make_hard_reference.py [case ...] [--draws 20000] [--chains 4] [--seed 1]

The likelihood and the priors are written here by hand; the simulated rows are stored with their table. Needs numpyro
and arviz; a table is written only when it is as good as make_reference.py asks.
"""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd
from make_reference import HERE, LEAST, MOST_DIVERGENT, az, describe
from numpyro.infer import MCMC, NUTS

WARMUP = 2000
PRIORS = "\nIntercept ~ Normal(0, 2)\nx ~ Normal(0, 1)"


def crossed(seed: int = 3) -> tuple[str, pd.DataFrame]:
    """150 answers of 25 people to 25 questions, both of sd 3 in log odds: six answers a level."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 25, 150), rng.integers(0, 25, 150)
    x = np.round(rng.standard_normal(150), 3)
    eta = 0.5 + 0.7 * x + 3.0 * rng.standard_normal(25)[a] + 3.0 * rng.standard_normal(25)[b]
    y = (rng.random(150) < 1 / (1 + np.exp(-eta))).astype(int)
    text = f"y ~ x + (1 | a) + (1 | b){PRIORS}\nsd(a) ~ HalfNormal(3)\nsd(b) ~ HalfNormal(3)"
    return text, pd.DataFrame({"y": y, "x": x, "a": [f"a{v:02d}" for v in a], "b": [f"b{v:02d}" for v in b]})


def twos(seed: int = 1) -> tuple[str, pd.DataFrame]:
    """500 groups of 2 events, sd 2.5 in log odds."""
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(500), 2), np.round(rng.standard_normal(1000), 3)
    eta = 0.2 + 0.5 * x + 2.5 * rng.standard_normal(500)[g]
    y = (rng.random(1000) < 1 / (1 + np.exp(-eta))).astype(int)
    text = f"y ~ x + (1 | g){PRIORS}\nsd(g) ~ HalfNormal(3)"
    return text, pd.DataFrame({"y": y, "x": x, "g": [f"g{v:03d}" for v in g]})


CASES: dict[str, tuple[Callable[[], tuple[str, pd.DataFrame]], tuple[str, ...]]] = {
    "crossed": (crossed, ("a", "b")),
    "twos": (twos, ("g",)),
}


def model_of(frame: pd.DataFrame, factors: tuple[str, ...]) -> tuple[Callable[[], None], dict[str, np.ndarray]]:
    """Return the numpyro model and the levels of its factors."""
    known = {name: pd.factorize(frame[name], sort=True) for name in factors}
    x, y = frame["x"].to_numpy(float), frame["y"].to_numpy(float)

    def model() -> None:
        eta = numpyro.sample("Intercept", dist.Normal(0.0, 2.0)) + numpyro.sample("x", dist.Normal(0.0, 1.0)) * x
        for name, (index, levels) in known.items():
            sd = numpyro.sample(f"sd(Intercept | {name})", dist.HalfNormal(3.0))
            raw = numpyro.sample(f"raw {name}", dist.Normal().expand([len(levels)]).to_event(1))
            eta = eta + numpyro.deterministic(f"b[{name}]", sd * raw)[index]
        numpyro.sample("y", dist.Bernoulli(logits=eta), obs=jnp.asarray(y))

    return model, {name: np.asarray(levels).astype(str) for name, (_, levels) in known.items()}


def make(case: str, chains: int, draws: int, seed: int) -> None:
    """Sample one case and write `hard_<case>.json` beside this file."""
    build, factors = CASES[case]
    text, frame = build()
    model, levels = model_of(frame, factors)
    start = time.perf_counter()
    kernel = NUTS(model, dense_mass=[("Intercept", "x", *(f"sd(Intercept | {name})" for name in factors))])
    run = MCMC(
        kernel, num_warmup=WARMUP, num_samples=draws, num_chains=chains, chain_method="sequential", progress_bar=False
    )
    run.run(jax.random.PRNGKey(seed), extra_fields=("diverging",))
    samples = {key: np.asarray(v) for key, v in run.get_samples(group_by_chain=True).items()}
    divergences = int(np.sum(run.get_extra_fields()["diverging"]))
    kept = {key: v for key, v in samples.items() if v.ndim == 2}
    for name in factors:
        for level in (0, len(levels[name]) // 2):
            kept[f"b[{name}][{levels[name][level]}, Intercept]"] = samples[f"b[{name}]"][:, :, level]
    table = {key: describe(v) for key, v in kept.items()}
    least = min(min(row["ess_bulk"], row["ess_tail"]) for row in table.values())
    worst = max(row["rhat"] for row in table.values())
    print(f"{case}: ess >= {least:.0f}, rhat <= {worst:.5f}, {divergences} divergences", flush=True)
    print(f"  {time.perf_counter() - start:.0f} s", flush=True)
    if least < LEAST or worst > 1.001 or divergences > MOST_DIVERGENT * chains * draws:
        print("  not written", flush=True)
        print(json.dumps(table, indent=1), flush=True)
        return
    answer = {
        "frame": {key: frame[key].tolist() for key in frame},
        "text": text,
        "family": "bernoulli",
        "how": f"NUTS of the full joint density, {chains} chains of {draws} draws after {WARMUP} of warmup",
        "versions": {"numpyro": numpyro.__version__, "jax": jax.__version__, "arviz": az.__version__},
        "seed": seed,
        "divergences": divergences,
        "least_ess": least,
        "parameters": table,
    }
    (HERE / f"hard_{case}.json").write_text(json.dumps(answer) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    numpyro.enable_x64()
    for case in options.cases:
        make(case, options.chains, options.draws, options.seed)


if __name__ == "__main__":
    main()
