"""Families beside their peers on the same arrays and priors, in one run.

    python tests/benchmarks/families.py [case ...] [--peer-python PYTHON] [--peers NAME ...] [--repeats 5] [--limit 900]
    [--json FILE]

Ours: median CPU seconds of warm calls `pf.lme(text, frame, family=...)`, from the frame in memory to the posterior, and
of the first call of a process that has fitted another family. Bayesian peers (numpyro, nutpie, bambi with nutpie) draw
4 x 1,000 after 1,000 of warm-up of the very arrays and priors that our compiled model has; their figure is the whole
call to the result, compilation included, as a person waits for it, in a process that has fitted another model; "bare"
is sampling alone. glmer's is its median. ESS is the smallest bulk ESS of the scalars (ours from the weights). "off" is
the largest difference of a peer's posterior mean (or glmer's estimate) from ours in posterior sds. CPU seconds count
all threads. Without --peer-python only glmer is tried.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from clock import measure
from family_cases import CASES

HERE = Path(__file__).parent
PEERS = ("glmer", "numpyro", "nutpie", "bambi")
# What is known to take a Bayesian peer many minutes.
LARGE = ("crossed", "poisson-100k")
Row = dict[str, Any]


def arrays_of(model: Any) -> dict[str, np.ndarray]:
    """Return the arrays and priors of a compiled model, for the peers."""
    design, priors = model.design, model.priors
    # A peer's model is y ~ X with normal priors and one column of effects a factor, its sd half a Student t's.
    assert priors.intercept.name == "Normal"
    assert all(prior.name == "Normal" for prior in priors.coefficients)
    assert all(prior.name == "HalfStudentT" for term in priors.sds for prior in term)
    found = {
        "y": design.y,
        "X": design.X[:, 1:],
        "names": np.array(design.column_names[1:], dtype=str),
        "intercept": np.array(priors.intercept.arguments),
        "centred": np.array(priors.centered),
        "slopes": np.array([prior.arguments[1] for prior in priors.coefficients]),
        "sds": np.array([term[0].arguments for term in priors.sds]),
        "factors": np.array([group.factor for group in design.groups]),
    }
    found |= {f"index{i}": group.index for i, group in enumerate(design.groups)}
    return found | ({} if design.trials is None else {"trials": design.trials})


def ours(name: str, repeats: int, seed: int, path: str) -> Row:
    """Fit one case in this process; its arrays and priors go to a file."""
    sys.path.insert(0, str(HERE.parents[1]))
    import probflow_nb as pf

    other = CASES["epilepsy" if name == "cbpp" else "cbpp"]
    pf.lme(other.text, other.make(), family=other.family, seed=0)
    case = CASES[name]
    frame = case.make()
    seeds = iter(range(seed, seed + 100))
    cost, fit = measure(lambda: pf.lme(case.text, frame, family=case.family, seed=next(seeds)), repeats)
    summary = fit.summary()
    np.savez(path, **arrays_of(fit.model))
    return {
        "cpu": cost.cpu,
        "wall": cost.wall,
        "first_cpu": cost.first_cpu,
        "ess": float(summary["ess_bulk"].min()),
        "means": summary["mean"].tolist(),
        "sds": summary["sd"].tolist(),
        "engine": type(fit.engine).__name__,
        "verdict": fit.verdict.sentence,
    }


def run(command: list[str], limit: float) -> Row:
    """Run a child that ends with one line of JSON; a failure is a row that says so."""
    start = time.perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {"why": f"longer than {limit:.0f} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines or not lines[-1].startswith("{"):
        return {"why": (done.stderr.strip().splitlines() or ["no answer"])[-1][:90]}
    return json.loads(lines[-1]) | {"process": time.perf_counter() - start}


def off(row: Row, own: Row) -> float:
    """Return the largest difference from our posterior mean, in sds."""
    return float(np.max(np.abs(np.array(row["means"]) - own["means"]) / np.array(own["sds"])))


def describe(who: str, row: Row, own: Row) -> str:
    """Return one line of the table."""
    if "why" in row:
        return f"  {who:<12}{row['why']}"
    line = f"  {who:<12}{row['cpu']:>9.2f}{row['wall']:>9.2f}{row['first_cpu']:>9.2f}"
    if who == "probflow_nb":
        return line + f"{row['ess']:>8.0f}{row['ess'] / row['cpu']:>10.1f}   {row['engine']}: {row['verdict']}"
    if "ess" not in row:
        return line + f"{'':>18}   {row['cpu'] / own['cpu']:.2f} x our posterior's CPU, off {off(row, own):.2f} sd"
    rate = row["ess"] / row["cpu"]
    line += f"{row['ess']:>8.0f}{rate:>10.2f}   ours is {own['ess'] / own['cpu'] / rate:.0f} x its call,"
    bare = row["ess"] / row["bare"]
    return line + f" {own['ess'] / own['cpu'] / bare:.1f} x its bare sampling, off {off(row, own):.2f} sd"


def table(name: str, options: argparse.Namespace) -> dict[str, Row]:
    """Print one case's table and return its rows."""
    case = CASES[name]
    print(f"\n{name}: {case.text}, {case.family}")
    print(f"  {'':<12}{'CPU s':>9}{'wall s':>9}{'first':>9}{'ESS':>8}{'ESS/CPU-s':>10}")
    repeats = ["--repeats", str(options.repeats)]
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "arrays.npz")
        alone = [sys.executable, __file__, name, "--alone", path, "--seed", str(options.seed), *repeats]
        own = run(alone, options.limit)
        rows = {"probflow_nb": own}
        print(describe("probflow_nb", own, own), flush=True)
        for peer in options.peers if "why" not in own else ():
            if peer != "glmer" and name in LARGE and not options.large:
                continue
            python = options.peer_python or sys.executable
            rows[peer] = run([python, str(HERE / "family_peers.py"), peer, name, path, *repeats], options.limit)
            print(describe(peer, rows[peer], own), flush=True)
    rates = [row["ess"] / row["cpu"] for who, row in rows.items() if who != "probflow_nb" and "ess" in row]
    if rates:
        print(f"  {name}: {own['ess'] / own['cpu'] / max(rates):.0f} times the best Bayesian peer's ESS per CPU second")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--peer-python", default="", help="interpreter of the environment that holds the peers")
    parser.add_argument("--peers", nargs="*", help=", ".join(PEERS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=900.0, help="seconds that one row may take")
    parser.add_argument("--large", action="store_true", help="Bayesian peers on the two large cases too")
    parser.add_argument("--json", type=Path, help="file to write the rows to")
    parser.add_argument("--alone", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [name for name in options.cases if name not in CASES]
    if unknown:
        parser.error(f"there is no case {unknown[0]}; the cases are {', '.join(CASES)}")
    if options.alone:
        print(json.dumps(ours(options.cases[0], options.repeats, options.seed, options.alone)))
        return
    if options.peers is None:
        options.peers = PEERS if options.peer_python else PEERS[:1]
    rows = {name: table(name, options) for name in options.cases}
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
