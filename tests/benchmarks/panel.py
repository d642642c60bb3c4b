"""What the panel costs: the same run by `lme(...)` in a plain cell, and by `%%lme` with its panel, in one kernel.

    python tests/benchmarks/panel.py [case ...] [--pairs 4]

A kernel of its own is driven as a front end drives it. After one run of each to compile, plain and panel take turns;
CPU seconds are the kernel's, wall seconds from the request to its end, both with the fit shown. The ratios are of the
medians, with the least and the largest of a pair. Messages: bytes of everything published during a panel's run, a
second, and the most in any one second.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import start_new_kernel

HERE = Path(__file__).parents[2]
CLOCK = "import resource as _r; _u = _r.getrusage(_r.RUSAGE_SELF); print(repr(_u.ru_utime + _u.ru_stime))"
BEGIN = f"""
import sys; sys.path.insert(0, {str(HERE)!r})
get_ipython().config.LmeMagics.preload = False
%load_ext probflow_nb
import numpy as np, pandas as pd, probflow_nb as pf
rng = np.random.default_rng(1)
g = rng.integers(0, 500, 20_000); x = rng.normal(size=20_000)
y = 1 + 0.5 * x + rng.normal(size=500)[g] + 0.3 * rng.normal(size=500)[g] * x + rng.normal(size=20_000)
large = pd.DataFrame(dict(y=y, x=x, g=g.astype(str)))
sleep = pf.datasets.sleepstudy()
"""


@dataclass(frozen=True)
class Case:
    """One model: data, text, engine in Python and as flags."""

    data: str
    text: str
    engine: str
    flags: str


CASES = {
    "nuts": Case("sleep", "Reaction ~ Days + (Days | Subject)", "pf.NUTS(draws=40000)", "--engine nuts --draws 40000"),
    "vi": Case("large", "y ~ x + (x | g)", "pf.VI(steps=1500)", "--engine vi --steps 1500"),
    "exact": Case("sleep", "Reaction ~ Days + (Days | Subject)", "pf.Exact()", "--engine exact"),
}


@dataclass(frozen=True)
class Turn:
    """One run: CPU and wall seconds, bytes published by whole second."""

    cpu: float
    wall: float
    sent: tuple[int, ...]


class Front:
    """A kernel, driven as by a notebook whose person could be asked for input."""

    def __init__(self) -> None:
        self.manager, self.client = start_new_kernel(kernel_name="python3", startup_timeout=60)
        self.run(BEGIN)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def run(self, code: str) -> tuple[str, float, tuple[int, ...]]:
        """Return what a cell prints, its wall seconds, and the bytes that it publishes by whole second."""
        began, text, sent = time.perf_counter(), "", [0]
        request = self.client.execute(code, allow_stdin=True)
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=600.0)
            except Empty:
                raise SystemExit(f"the kernel said nothing for ten minutes in {code!r}") from None
            second = int(time.perf_counter() - began)
            sent += [0] * (second + 1 - len(sent))
            sent[second] += size(message)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "error":
                raise SystemExit("\n".join(message["content"]["traceback"]))
            if message["msg_type"] == "stream":
                text += message["content"]["text"]
            if message["content"].get("execution_state") == "idle":
                return text, time.perf_counter() - began, tuple(sent)

    def turn(self, code: str) -> Turn:
        """Return what a run costs."""
        before = float(self.run(CLOCK)[0])
        _, wall, sent = self.run(code)
        return Turn(float(self.run(CLOCK)[0]) - before, wall, sent)


def size(message: dict[str, Any]) -> int:
    """Return the bytes of a message's content and buffers, as they go over the wire."""
    from jupyter_client.session import json_packer

    return len(json_packer(message["content"])) + sum(len(b) for b in message.get("buffers", ()))


def compare(front: Front, name: str, case: Case, pairs: int) -> None:
    """Print what the panel costs in one case."""
    plain = f'pf.lme("{case.text}", {case.data}, engine={case.engine}, seed=1)'
    panel = f"%%lme m --data {case.data} {case.flags} --seed 1 --panel\n{case.text}"
    front.run(plain)
    front.run(panel)
    found: dict[str, list[Turn]] = {plain: [], panel: []}
    for i in range(pairs):
        for code in (plain, panel) if i % 2 == 0 else (panel, plain):
            found[code].append(front.turn(code))
    words = []
    for measure in ("cpu", "wall"):
        a, b = ([getattr(turn, measure) for turn in found[code]] for code in (plain, panel))
        ratios = sorted(y / x for x, y in zip(a, b, strict=True))
        middle = statistics.median(b) / statistics.median(a)
        words.append(
            f"{measure} {statistics.median(a):6.2f} {statistics.median(b):6.2f} s"
            f"  x{middle:.3f} ({ratios[0]:.3f}-{ratios[-1]:.3f})"
        )
    each = statistics.median(sum(turn.sent) / turn.wall for turn in found[panel]) / 1e3
    most = max(max(turn.sent) for turn in found[panel]) / 1e3
    words.append(f"{each:.0f} kB/s, most {most:.0f} kB in a second")
    sys.stdout.write(f"{name:<8}" + "   ".join(words) + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--pairs", type=int, default=4)
    options = parser.parse_args()
    unknown = [name for name in options.cases if name not in CASES]
    if unknown:
        parser.error(f"there is no case {unknown[0]}; the cases are {', '.join(CASES)}")
    front = Front()
    try:
        for name in options.cases:
            compare(front, name, CASES[name], options.pairs)
    finally:
        front.close()


if __name__ == "__main__":
    main()
