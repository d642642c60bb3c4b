"""Time and truth of variational fits, beside Exact on the same data.

    python tests/benchmarks/vi.py [case ...] [--ranks structured full mean-field] [--repeats 3] [--large]

CPU seconds of the first fit of a shape (with compiling) and the median of warm ones; steps to the stopping rule;
khat; then, against Exact, the largest shift of a mean in posterior sds and the least and largest ratio of sds, over the
scalars and over all group effects. --large adds InstEval by batches of rows (needs ../shared/data).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from clock import cpu_seconds, measure
from data import CASES

sys.path.insert(0, str(Path(__file__).parents[2]))

import probflow_nb as pf

MODELS = {
    "sleepstudy": ("Reaction ~ Days + (Days | Subject)", pf.datasets.sleepstudy),
    "Penicillin": ("diameter ~ 1 + (1 | plate) + (1 | sample)", pf.datasets.Penicillin),
    "Dyestuff": ("Yield ~ 1 + (1 | Batch)", pf.datasets.Dyestuff),
    "radon": ("log_radon ~ floor + log_uranium + (floor | county)", pf.datasets.radon),
}


def against(fit: pf.Fit, exact: pf.Fit) -> str:
    """Return the largest shift of a mean and the range of sd ratios, of scalars and of effects."""
    pairs = [(fit.draws.flat(name)[:, None], exact.draws.flat(name)[:, None]) for name in fit.draws.names]
    parts = [describe(pairs)]
    effects = []
    for own, other in zip(fit.draws.effects, exact.draws.effects):
        m = min(own.affordable, other.affordable)
        effects.append((own.first(m).reshape(m, -1), other.first(m).reshape(m, -1)))
    return "   ".join([*parts, describe(effects)])


def describe(pairs: list[tuple[np.ndarray, np.ndarray]]) -> str:
    shift = max(float(np.abs((a.mean(0) - b.mean(0)) / b.std(0)).max()) for a, b in pairs)
    ratios = np.concatenate([a.std(0) / b.std(0) for a, b in pairs])
    return f"{shift:5.2f} {ratios.min():5.2f}-{ratios.max():4.2f}"


def row(name: str, text: str, data: object, engine: pf.VI, exact: pf.Fit, repeats: int) -> None:
    seeds = iter(range(1, 1000))
    cost, fit = measure(lambda: pf.lme(text, data, engine=engine, seed=next(seeds)), repeats)
    q = fit.draws.qualities[0]
    steps = fit.answer.method.split(", ")[1].split(" steps")[0]
    line = f"{name:<12}{engine.rank or 'default':<12}{cost.first_cpu:>8.2f}{cost.cpu:>8.2f}{steps:>8}{q.khat:>7.2f}   "
    print(line + against(fit, exact) + f"   {fit.verdict.level}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(MODELS), help=", ".join(MODELS))
    parser.add_argument("--ranks", nargs="*", default=["structured", "full", "mean-field"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    unknown = [name for name in options.cases if name not in MODELS]
    if unknown:
        parser.error(f"there is no case {unknown[0]}; the cases are {', '.join(MODELS)}")
    print(f"{'':<24}{'first':>8}{'warm':>8}{'steps':>8}{'khat':>7}   scalars: shift, sds   effects: shift, sds")
    for name in options.cases:
        text, make = MODELS[name]
        data = make()
        exact = pf.lme(text, data, engine=pf.Exact(draws=20000), seed=0)
        for rank in options.ranks:
            row(name, text, data, pf.VI(rank=rank), exact, options.repeats)
    if options.large:
        case = CASES["insteval"]
        data, began = case.make(), cpu_seconds()
        exact = pf.lme(case.formula, data, engine=pf.Exact(), seed=0)
        print(f"insteval: Exact took {cpu_seconds() - began:.0f} CPU-s")
        row("insteval", case.formula, data, pf.VI(batch=5000), exact, 0)


if __name__ == "__main__":
    main()
