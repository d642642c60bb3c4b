"""Time of what comes after a fit: leaving groups out, power, and keeping, each beside what it replaces.

    python tests/benchmarks/living.py [groups power keep] [--rscript Rscript]

Printed: CPU seconds (all threads) of the first call of each kind, which a person waits for.
groups  500 groups left out one at a time, beside as many refits, of which five are made and the others counted
power   1,000 simulated data sets of sleepstudy's design, beside lme4's simulate and refit of 100, counted tenfold
keep    a fit of InstEval, beside saving it, loading it, and the same cell with --cache
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clock import cpu_seconds
from data import CASES, random_slopes, sleepstudy

HERE = Path(__file__).parent
REFITS = 5
LEVELS = 500
TEXT = "Reaction ~ Days + (Days | Subject)"
POWER_IN_R = """
suppressMessages(library(lme4))
data <- read.csv(commandArgs(trailingOnly = TRUE)[1])
data$Subject <- factor(data$Subject)
fit <- lmer(Reaction ~ Days + (Days | Subject), data)
cost <- system.time({
  sets <- simulate(fit, 100, seed = 1)
  found <- sapply(sets, function(y) suppressMessages(suppressWarnings({
    one <- coef(summary(refit(fit, y)))["Days", ]
    (one["Estimate"] - 7) / one["Std. Error"] > 1.645
  })))
})
cat(sum(cost[c("user.self", "sys.self")]), mean(found), "\\n")
"""


def spent(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds of one call, and what it returned."""
    began = cpu_seconds()
    value = call()
    return cpu_seconds() - began, value


def groups(pf: Any, rscript: str | None) -> str:
    """Leave 500 groups out."""
    data = random_slopes(5000, LEVELS)
    text = "y ~ x + (x | g)"
    fit = pf.lme(text, data, seed=1)
    cost, left = spent(lambda: fit.loo(by="g"))

    def refit() -> None:
        for level in data["g"].cat.categories[:REFITS]:
            rest = data[data["g"] != level].assign(g=lambda d: d["g"].cat.remove_unused_categories())
            pf.lme(text, rest, seed=1)

    refits = spent(refit)[0] / REFITS * LEVELS
    return (
        f"{LEVELS} groups of {len(data):,} rows left out: {cost:.2f} CPU-s, elpd {left.elpd:.1f}; as many refits "
        f"{refits:.0f} CPU-s, {refits / cost:.0f} times ours"
    )


def power(pf: Any, rscript: str | None) -> str:
    """Simulate and fit 1,000 data sets."""
    data = pf.datasets.sleepstudy()
    fit = pf.lme(TEXT, data, engine="point")
    cost, found = spent(lambda: pf.power(TEXT, data, fit, "Days > 7", n=1000, seed=1))
    line = f"power of 1,000 sleepstudies: {cost:.2f} CPU-s, power {found.power:.3f}"
    if rscript is None:
        return line
    with tempfile.TemporaryDirectory() as folder:
        table, script = Path(folder) / "data.csv", Path(folder) / "power.R"
        sleepstudy().to_csv(table, index=False)
        script.write_text(POWER_IN_R, encoding="utf-8")
        done = subprocess.run([rscript, str(script), str(table)], capture_output=True, text=True)
    if done.returncode:
        return f"{line}; lme4 did not run"
    seconds, share = map(float, done.stdout.split())
    return f"{line}; lme4 {10 * seconds:.1f} CPU-s (power {share:.3f} of 100), {10 * seconds / cost:.1f} times ours"


def keep(pf: Any, rscript: str | None) -> str:
    """Save, load and keep a large fit."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    case = CASES["insteval"]
    data = case.make()
    with tempfile.TemporaryDirectory() as folder:
        fitting, fit = spent(lambda: pf.lme(case.formula, data, seed=1))
        path = Path(folder) / "a.fit"
        saving, _ = spent(lambda: fit.save(path))
        loading, loaded = spent(lambda: pf.load(path))
        reading, _ = spent(loaded.summary)
        shell = InteractiveShell.instance(config=Config({"LmeMagics": {"cache": folder}}))
        shell.run_line_magic("load_ext", "probflow_nb")
        shell.user_ns["data"] = data
        cell = ("lme", "m --data data --cache --seed 1", case.formula)
        first, _ = spent(lambda: shell.run_cell_magic(*cell))
        again, _ = spent(lambda: shell.run_cell_magic(*cell))
        size = path.stat().st_size / 1e6
    return (
        f"InstEval fitted {fitting:.2f} CPU-s; saved {saving:.2f} ({size:.1f} MB), loaded {loading:.2f}, its summary "
        f"{reading:.2f}; a cell with --cache {first:.2f}, the same cell again {again:.2f}, both shown: "
        f"{first / again:.1f} times"
    )


PARTS: dict[str, Callable[[Any, str | None], str]] = {"groups": groups, "power": power, "keep": keep}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--rscript", default=shutil.which("Rscript"))
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    for name in asked.parts:
        if asked.here:
            sys.path.insert(0, str(HERE.parents[1]))
            import probflow_nb as pf

            # The library and its compiler are started before the clock is.
            pf.lme(TEXT, pf.datasets.sleepstudy(), seed=1)
            sys.stdout.write("\n" + json.dumps(PARTS[name](pf, asked.rscript)) + "\n")
            continue
        command = [sys.executable, __file__, name, "--here"] + (["--rscript", asked.rscript] if asked.rscript else [])
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.stdout.write(f"{name} failed\n{done.stderr[-2000:]}\n")
            continue
        sys.stdout.write(json.loads(done.stdout.strip().splitlines()[-1]) + "\n")


if __name__ == "__main__":
    main()
