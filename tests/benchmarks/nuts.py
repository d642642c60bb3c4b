"""NUTS beside numpyro and nutpie on the same densities, in one run.

    python tests/benchmarks/nuts.py [case ...] [--peer-python PYTHON] [--peers NAME ...]
    [--repeats 3] [--seed 1] [--json FILE]

Every sampler draws 4 x 1,000. "first": CPU seconds from the call to the draws in a process that has already fitted a
model of another shape, compilation included. "sampling": CPU seconds of warm-up and draws of later runs, nothing left
to compile (median); ours counts what is shown while it runs. ESS is the smallest rank-normalised bulk ESS, of the
scalars and of everything, by this project's diagnostics (median). CPU seconds count all threads.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from clock import cpu_seconds

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))
CASES = ("sleepstudy", "radon", "schools")
PEERS = ("numpyro", "nutpie")
Row = dict[str, Any]
TEXTS = {
    "sleepstudy": """Reaction ~ Days + (Days | Subject)
Intercept ~ Normal(250, 100)
Days ~ Normal(0, 50)
sd(Subject) ~ HalfStudentT(3, 0, 50)
sd(Days | Subject) ~ HalfNormal(20)
cor(Subject) ~ LKJ(2)
sigma ~ HalfStudentT(3, 0, 50)""",
    "radon": """log_radon ~ floor + log_uranium + (floor | county)
Intercept ~ Normal(1, 2)
floor ~ Normal(0, 1)
log_uranium ~ Normal(0, 1)
sd(county) ~ HalfNormal(1)
cor(county) ~ LKJ(1)
sigma ~ HalfNormal(1)""",
}


def our_model(case: str) -> Any:
    """Return the compiled model of a case; eight schools as a class of one's own."""
    import probflow_nb as pf

    if case in TEXTS:
        return pf.prepare(TEXTS[case], getattr(pf.datasets, case)()).model
    frame = pf.datasets.eight_schools()

    class Schools(pf.Model):
        def __init__(self) -> None:
            self.mu = pf.Parameter([], prior=pf.Normal(0, 5))
            self.tau = pf.PositiveParameter([], prior=pf.HalfCauchy(5))
            self.theta = pf.Parameter([8], prior=pf.Normal(self.mu, self.tau))

        def __call__(self, x: Any) -> Any:
            return pf.Normal(self.theta(), x[:, 0])

    return Schools().program(frame[["sigma"]].to_numpy(float), frame["y"].to_numpy(float))


def our_run(model: Any, seed: int) -> tuple[Row, np.ndarray, np.ndarray]:
    """Fit once and return what it cost, the scalars' draws and all draws."""
    from probflow_nb.inference import NUTS, start

    begun, wall = cpu_seconds(), time.perf_counter()
    run = start(model, NUTS(draws=4000, chains=4), seed)
    spent = 0.0
    last = cpu_seconds()
    for event in run:
        now = cpu_seconds()
        spent += (now - last) * (event.phase in ("warm-up", "sampling"))
        last = now
    answer = run.finish()
    cost = {"first": cpu_seconds() - begun, "wall": time.perf_counter() - wall, "sampling": spent}
    figures = run.state.drawing.figures(1000)
    cost |= {"divergences": int(figures["diverged"].sum()), "leaves": float(figures["leaves"].mean())}
    draws = answer.draws
    every = [draws.scalars, *(draws[effects.name].reshape(4, 1000, -1) for effects in draws.effects)]
    return cost, draws.scalars, np.concatenate(every, axis=-1)


def ours(case: str, repeats: int, seed: int) -> Row:
    our_run(our_model("schools" if case != "schools" else "sleepstudy"), seed)
    costs, sizes = [], []
    for repeat in range(repeats + 1):
        # A new model each time: only the program may be kept.
        cost, scalars, every = our_run(our_model(case), seed + repeat)
        costs.append(cost)
        sizes.append(least(scalars, every))
    return row(costs, sizes)


def least(scalars: np.ndarray, every: np.ndarray) -> tuple[float, float]:
    from probflow_nb.posterior.diagnostics import ess_bulk

    return float(ess_bulk(scalars).min()), float(ess_bulk(every).min())


def row(costs: list[Row], sizes: list[tuple[float, float]]) -> Row:
    """Return medians: the first run for the time to the first result, the later ones for the rest."""
    later = slice(1, None) if len(costs) > 1 else slice(None)

    def median(name: str) -> float:
        return statistics.median(cost[name] for cost in costs[later])

    ess, every = (statistics.median(column) for column in zip(*sizes[later]))
    return {
        "first": costs[0]["first"],
        "sampling": median("sampling"),
        "ess": ess,
        "ess_all": every,
        "rate": ess / median("sampling"),
        "rate_all": every / median("sampling"),
        "divergences": median("divergences"),
        "leaves": median("leaves"),
    }


def peer(python: str, name: str, case: str, repeats: int, seed: int) -> Row:
    """Run a peer with its own interpreter; its draws come back in a file and are judged here."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python, str(HERE / "nuts_peers.py"), name, case, folder, str(repeats), str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        costs = json.loads(done.stdout.splitlines()[-1])
        files = [np.load(Path(folder) / f"{i}.npz") for i in range(len(costs))]
        sizes = [least(file["scalars"], file["every"]) for file in files]
    return row(costs, sizes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=CASES)
    parser.add_argument("--peer-python", default="")
    parser.add_argument("--peers", nargs="*", default=PEERS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", default="")
    parser.add_argument("--alone", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(ours(options.alone, options.repeats, options.seed)))
        return
    rows = []
    heads = ("first", "sampling", "ess", "ess_all", "rate", "rate_all", "divergences", "leaves")
    print(f"{'case':<12}{'sampler':<13}" + "".join(f"{head:>12}" for head in heads))
    for case in options.cases:
        best = 0.0
        for sampler in ("probflow_nb", *(options.peers if options.peer_python else ())):
            if sampler == "probflow_nb":
                # A process of its own, so that every case starts alike.
                command = [sys.executable, __file__, "--alone", case, "--repeats", str(options.repeats)]
                done = subprocess.run(
                    [*command, "--seed", str(options.seed)], capture_output=True, text=True, check=True
                )
                found = json.loads(done.stdout.splitlines()[-1])
                own = found
            else:
                found = peer(options.peer_python, sampler, case, options.repeats, options.seed)
                best = max(best, found["rate"])
            rows.append({"case": case, "sampler": sampler, **found})
            print(f"{case:<12}{sampler:<13}" + "".join(f"{found[head]:>12.4g}" for head in heads), flush=True)
        if best:
            print(f"{case}: {own['rate'] / best:.2f} times the better peer's ESS per CPU second")
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
