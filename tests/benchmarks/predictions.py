"""Time and memory of predictions with intervals for every row of a large crossed fit, beside lme4's predict.

    python tests/benchmarks/predictions.py [case ...] [--rscript Rscript] [--repeats 3]

Each case runs in a fresh process. Printed: CPU seconds (all threads) of the group effects of as many draws as summaries
use; of predict(interval=0.95) at all rows, and of new responses; of showing the fit; and the peak resident size of the
process, the fit included. With R, lme4 predicts the same rows in the same run, without intervals, which it does not
have: "1,000 of lme4's" is what a thousand of its predictions would cost, one for each draw.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clock import cpu_seconds
from data import CASES

HERE = Path(__file__).parent
DEFAULT = ("insteval",)


def spent(call: Callable[[], Any]) -> float:
    """Return the CPU seconds of one call."""
    began = cpu_seconds()
    call()
    return cpu_seconds() - began


def ours(name: str, repeats: int) -> dict[str, float]:
    """Return the figures of one case; this process is used for nothing else."""
    sys.path.insert(0, str(HERE.parents[1]))
    import probflow_nb as pf

    case = CASES[name]
    fit = pf.lme(case.formula, case.make(), seed=1)
    effects = fit.draws.effects
    found = {"effects": spent(lambda: [e.affordable_sample() for e in effects])}
    # The first call is the one that a person waits for; what it leaves ready is not timed again.
    found["mean"] = spent(lambda: fit.predict(interval=0.95))
    found["response"] = spent(lambda: fit.predict(kind="response", interval=0.95))
    found["shown"] = spent(lambda: repr(fit))
    again = sorted(spent(lambda: fit.predict(interval=0.95)) for _ in range(repeats))
    found["again"] = again[len(again) // 2]
    found["draws"] = min(e.affordable for e in effects)
    found["rows"] = fit.facts.n_rows
    found["gigabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return found


def lme4(name: str, rscript: str, repeats: int) -> tuple[float, float] | None:
    """Return CPU seconds of lme4's predict at all rows and of one simulated response, None where it does not run."""
    case = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        case.make().to_csv(path, index=False)
        factors = ",".join(factor for factor, _ in case.groups)
        command = [rscript, str(HERE / "predictions.R"), str(path), case.formula, factors, str(repeats)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return None
    point, one = map(float, done.stdout.split())
    return point, one


def row(name: str, repeats: int, rscript: str | None) -> str:
    """Return the lines of one case."""
    command = [sys.executable, __file__, name, "--here", "--repeats", str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    f = json.loads(done.stdout.strip().splitlines()[-1])
    lines = [
        f"{name}: {f['rows']:,} rows, {f['draws']:,.0f} draws, peak {f['gigabytes']:.2f} GB",
        f"  group effects {f['effects']:.2f} CPU-s; means with intervals {f['mean']:.2f} (again {f['again']:.2f}); "
        f"new responses with intervals {f['response']:.2f}; shown {f['shown']:.2f}",
        f"  from the fit to the means with intervals: {f['effects'] + f['mean']:.2f} CPU-s",
    ]
    peer = lme4(name, rscript, repeats) if rscript else None
    if peer is not None:
        point, one = peer
        ratio = f["draws"] * point / (f["effects"] + f["mean"])
        lines.append(
            f"  lme4: predict {point:.2f} CPU-s without intervals, simulate {one:.2f} for one response; "
            f"{f['draws']:,.0f} of lme4's predictions cost {ratio:.0f} times ours"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=DEFAULT)
    parser.add_argument("--rscript", default=shutil.which("Rscript"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    for name in asked.cases:
        if asked.here:
            sys.stdout.write("\n" + json.dumps(ours(name, asked.repeats)) + "\n")
        else:
            sys.stdout.write(row(name, asked.repeats, asked.rscript) + "\n")


if __name__ == "__main__":
    main()
