"""Time and memory of fits, beside those of the peers that are installed.

    python tests/benchmarks/speed.py [case ...] [--peer-python PYTHON] [--peers NAME ...] [--repeats 5]
    [--json FILE]

Every figure is the median of warm calls `pf.lme(text, frame)`, from the frame in memory to the fit, one
process a row of the table. CPU seconds count all threads. Memory is the rise of the peak over what the
process holds before the fit, as a multiple of the design (y, X, z, index), and includes the draws. Without
--peer-python only lme4 is tried as a peer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from clock import measure
from data import CASES

HERE = Path(__file__).parent
OURS = ("Exact", "Point")
PYTHON_PEERS = ("lme-python", "mixedlm-rs", "mixedlm", "statsmodels", "numpyro", "nutpie")
Row = dict[str, Any]


class Peak:
    """The largest resident size of this process while the block runs, in bytes, above that at its start."""

    def __enter__(self) -> Peak:
        self.start = self.top = self._resident()
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._watch.join()

    @property
    def rise(self) -> int:
        return self.top - self.start

    @staticmethod
    def _resident() -> int:
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="ignore").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def _look(self) -> None:
        while not self._done.wait(0.005):
            self.top = max(self.top, self._resident())


def design_bytes(fit: Any) -> int:
    design = fit.model.design
    arrays = [design.y, design.X, *(a for g in design.groups for a in (g.z, g.index))]
    return sum(array.nbytes for array in arrays)


def ours(engine: str, name: str, repeats: int) -> Row:
    """Fit one case with one engine in this process and return its row."""
    sys.path.insert(0, str(HERE.parents[1]))
    import probflow_nb as pf

    warm_case = CASES["sleepstudy"]
    pf.lme(warm_case.formula, warm_case.make(), engine=getattr(pf, engine)(), seed=0)
    case = CASES[name]
    frame = case.make()
    chosen = pf.Exact(draws=4000) if engine == "Exact" else pf.Point()
    with Peak() as peak:
        pf.lme(case.formula, frame, engine=chosen, seed=0)
    seeds = iter(range(1, 100))
    cost, fit = measure(lambda: pf.lme(case.formula, frame, engine=chosen, seed=next(seeds)), repeats)
    summary = fit.summary()
    row: Row = {
        "cpu": cost.cpu,
        "wall": cost.wall,
        "first_cpu": cost.first_cpu,
        "repeats": cost.repeats,
        "memory": peak.rise / design_bytes(fit),
        "design_mb": design_bytes(fit) / 1e6,
        "method": fit.answer.method,
    }
    if engine == "Exact":
        return row | {
            "kind": "posterior",
            "ess": float(summary["ess_bulk"].min()),
            "khat": float(summary["khat"].max()),
            "sigma": float(summary.loc["sigma", "mean"]),
        }
    return row | {"kind": "point", "sigma": float(summary.loc["sigma", "estimate"])}


def run(command: list[str], limit: float) -> Row:
    """Run a child that ends with one line of JSON; a failure is a row that says so."""
    start = time.perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {"kind": "none", "why": f"longer than {limit:.0f} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines or not lines[-1].startswith("{"):
        return {"kind": "none", "why": (done.stderr.strip().splitlines() or ["no answer"])[-1][:70]}
    return json.loads(lines[-1]) | {"process": time.perf_counter() - start}


def describe(who: str, row: Row, own: dict[str, Row]) -> str:
    """Return one line of the table; ratios are of CPU seconds for points, of ESS a second for posteriors."""
    if row["kind"] == "none":
        return f"  {who:<12} {row['why']}"
    line = f"  {who:<12} {row['kind']:<10}{row['cpu']:>9.3f}{row['wall']:>9.3f}"
    line += f"{row['ess']:>8.0f}{row['ess'] / row['cpu']:>10.0f}" if "ess" in row else " " * 18
    mine = own.get("Exact" if row["kind"] == "posterior" else "Point")
    if who in OURS:
        line += f"   sigma {row['sigma']:.6g}, memory {row['memory']:.1f} x design"
        line += f" of {row['design_mb']:.3g} MB, {row['method']}"
        return line + (f", khat {row['khat']:.2f}" if "khat" in row else "")
    if mine and row["kind"] == "point":
        line += f"   {row['cpu'] / mine['cpu']:.2f} x our Point"
        line += f", {row['cpu'] / own['Exact']['cpu']:.2f} x our Exact" if "Exact" in own else ""
        return line + f", sigma {row['sigma']:.6g}"
    if mine:
        rate = mine["ess"] / mine["cpu"]
        line += f"   our ESS/s is {rate / (row['ess'] / row['cpu']):.0f} x its call,"
        line += f" {rate / (row['ess'] / row['sampling_cpu']):.0f} x its bare sampling"
        line += f" ({row['sampling_cpu']:.2f} CPU-s), rhat {row['rhat']:.3f}"
    return line


def table(name: str, options: argparse.Namespace) -> dict[str, Row]:
    """Print one case's table and return its rows."""
    print(f"\n{name}: {CASES[name].formula}")
    print(f"  {'':<12} {'':<10}{'CPU s':>9}{'wall s':>9}{'ESS':>8}{'ESS/CPU-s':>10}")
    rows: dict[str, Row] = {}
    repeats = ["--repeats", str(options.repeats)]
    for engine in OURS:
        rows[engine] = run([sys.executable, __file__, name, "--only", engine, *repeats], options.limit)
        print(describe(engine, rows[engine], rows), flush=True)
    own = {who: row for who, row in rows.items() if row["kind"] != "none"}
    for peer in options.peers:
        python = options.peer_python or sys.executable
        rows[peer] = run([python, str(HERE / "peers.py"), peer, name, *repeats], options.limit)
        print(describe(peer, rows[peer], own), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--peer-python", help="interpreter of the environment that holds the peers")
    parser.add_argument("--peers", nargs="*", help=f"lme4, {', '.join(PYTHON_PEERS)}")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that one row may take")
    parser.add_argument("--json", type=Path, help="file to write the rows to")
    parser.add_argument("--only", choices=OURS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [name for name in options.cases if name not in CASES]
    if unknown:
        parser.error(f"there is no case {unknown[0]}; the cases are {', '.join(CASES)}")
    if options.only:
        print(json.dumps(ours(options.only, options.cases[0], options.repeats)))
        return
    if options.peers is None:
        options.peers = ["lme4", *(PYTHON_PEERS if options.peer_python else ())]
    rows = {name: table(name, options) for name in options.cases}
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
