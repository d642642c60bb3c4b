"""Make loo_sleepstudy.json: the log predictive density of each row, and of each subject, of sleepstudy without it.

By brute force: the model is fitted again to the data without the row or the subject, 180 and 18 times, and the
density of what was left out, the subject's effects integrated out, is averaged over the draws of that fit. Priors are
written out, so that they do not move with the data. Run it from the root of the project:

    python tests/truth/reference/make_loo_reference.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress

TEXT = """Reaction ~ Days + (Days | Subject)
Intercept ~ Normal(250, 100)
Days ~ Normal(0, 50)
sd(Intercept | Subject) ~ HalfStudentT(3, 0, 100)
sd(Days | Subject) ~ HalfStudentT(3, 0, 30)
sigma ~ HalfStudentT(3, 0, 50)
"""
DRAWS = 16_000
PLACE = Path(__file__).with_name("loo_sleepstudy.json")


def refit(data: Any, left_out: np.ndarray, seed: int) -> pf.Fit:
    """Return the fit to the rows that are not left out."""
    return pf.lme(TEXT, data[~left_out], engine=pf.Exact(draws=DRAWS), seed=seed, progress=NullProgress())


def normal_density(x: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return log N(x; mean, covariance) of (S, m), (S,)."""
    L = np.linalg.cholesky(covariance)
    white = np.linalg.solve(L, (x - mean)[:, :, None])[:, :, 0]
    log_root = np.log(np.diagonal(L, axis1=1, axis2=2)).sum(axis=1)
    return -0.5 * (white**2).sum(axis=1) - log_root - 0.5 * x.shape[-1] * np.log(2 * np.pi)


def density(fit: pf.Fit, rows: Any) -> np.ndarray:
    """Return log p(rows of one subject | beta, sds, correlation, sigma) of every draw, its effects integrated out."""
    draws = fit.draws
    names = ("sd(Intercept | Subject)", "sd(Days | Subject)", "cor(Intercept, Days | Subject)", "sigma")
    s0, s1, r, sigma = (draws.flat(name)[:, None, None] for name in names)
    days, y = rows["Days"].to_numpy(float), rows["Reaction"].to_numpy(float)
    products, sums = np.multiply.outer(days, days), np.add.outer(days, days)
    covariance = s0**2 + r * s0 * s1 * sums + s1**2 * products + sigma**2 * np.eye(len(days))
    mean = draws.flat("Intercept")[:, None] + draws.flat("Days")[:, None] * days
    return normal_density(y, mean, covariance) if len(days) else np.zeros(len(mean))


def left_out_density(fit: pf.Fit, rows: Any, others: Any) -> float:
    """Return log p(rows | all others), the mean over draws; others: the rows of the same subject that were fitted."""
    both = density(fit, pd.concat([others, rows]))
    found = both - density(fit, others)
    return float(logsumexp(found) - np.log(len(found)))


def main() -> None:
    """Write the table."""
    data = pf.datasets.sleepstudy()
    rows = []
    for i in range(len(data)):
        left_out = np.arange(len(data)) == i
        own = (data["Subject"] == data["Subject"].iloc[i]).to_numpy()
        rows.append(left_out_density(refit(data, left_out, i), data[left_out], data[own & ~left_out]))
    subjects = {}
    for name in data["Subject"].unique():
        left_out = (data["Subject"] == name).to_numpy()
        subjects[str(name)] = left_out_density(refit(data, left_out, 1000 + len(subjects)), data[left_out], data[:0])
    PLACE.write_text(json.dumps({"text": TEXT, "rows": rows, "subjects": subjects}, indent=1) + "\n")


if __name__ == "__main__":
    main()
