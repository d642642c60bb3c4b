"""The data of the benchmarks, simulated from a seed or read from a file; needs numpy and pandas only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Case:
    """A model on its data.

    formula: as lme4 reads it. response, x: column names; x is the one common predictor, or None. groups:
    (factor, whether x varies over it) pairs. make: returns the frame, group columns as text or categories.
    """

    formula: str
    response: str
    x: str | None
    groups: tuple[tuple[str, bool], ...]
    make: Callable[[], pd.DataFrame]


def labels(prefix: str, index: np.ndarray, count: int) -> pd.Categorical:
    """Return (n,) levels `prefix0`, `prefix1`, ... as a factor of `count` levels."""
    return pd.Categorical.from_codes(index, [f"{prefix}{i}" for i in range(count)])


def sleepstudy() -> pd.DataFrame:
    frame = pd.read_csv(ROOT / "probflow_nb" / "datasets" / "sleepstudy.csv", dtype={"Subject": str})
    return frame.astype({"Subject": "category"})


def random_slopes(n: int, levels: int, seed: int = 1) -> pd.DataFrame:
    """Return n rows of y ~ x + (x | g) over unbalanced groups; sds 1 and 0.5, correlation 0.3, sigma 1."""
    rng = np.random.default_rng(seed)
    g = rng.integers(0, levels, n)
    g[:levels] = np.arange(levels)
    x = rng.standard_normal(n)
    L = np.array([[1.0, 0.0], [0.15, np.sqrt(0.25 - 0.15**2)]])
    b = rng.standard_normal((levels, 2)) @ L.T
    y = 2.0 + 0.7 * x + b[g, 0] + b[g, 1] * x + rng.standard_normal(n)
    return pd.DataFrame({"y": y, "x": x, "g": labels("g", g, levels)})


def crossed(n: int, rows: int, columns: int, seed: int = 2) -> pd.DataFrame:
    """Return n rows of y ~ 1 + (1 | s) + (1 | t), s and t crossed at random; sds 1 and 0.5, sigma 1."""
    rng = np.random.default_rng(seed)
    s, t = rng.integers(0, rows, n), rng.integers(0, columns, n)
    s[:rows], t[:columns] = np.arange(rows), np.arange(columns)
    b, c = rng.standard_normal(rows), 0.5 * rng.standard_normal(columns)
    y = 3.0 + b[s] + c[t] + rng.standard_normal(n)
    return pd.DataFrame({"y": y, "s": labels("s", s, rows), "t": labels("t", t, columns)})


def insteval() -> pd.DataFrame:
    """Return lme4's InstEval from ../shared/data; FileNotFoundError where there is none."""
    frame = pd.read_csv(ROOT.parent / "shared" / "data" / "InstEval.csv")
    groups = {name: frame[name].astype(str).astype("category") for name in ("s", "d", "dept")}
    return frame.assign(**groups, service=frame["service"].astype(float))


CASES: dict[str, Case] = {
    "sleepstudy": Case("Reaction ~ Days + (Days | Subject)", "Reaction", "Days", (("Subject", True),), sleepstudy),
    "slopes-20k": Case("y ~ x + (x | g)", "y", "x", (("g", True),), lambda: random_slopes(20_000, 500)),
    "insteval": Case(
        "y ~ service + (1 | s) + (1 | d) + (1 | dept)",
        "y",
        "service",
        (("s", False), ("d", False), ("dept", False)),
        insteval,
    ),
    "slopes-1m": Case("y ~ x + (x | g)", "y", "x", (("g", True),), lambda: random_slopes(1_000_000, 10_000)),
    "crossed-100k": Case(
        "y ~ 1 + (1 | s) + (1 | t)",
        "y",
        None,
        (("s", False), ("t", False)),
        lambda: crossed(100_000, 2000, 1000),
    ),
}
