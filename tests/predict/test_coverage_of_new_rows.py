"""Coverage: 95% intervals of new rows of known groups, of new groups and of population means, over 200 data sets.

Parameters are drawn from the priors that the model is fitted with, so that intervals cover exactly 95% on average.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress

SETS, GROUPS, ROWS = 200, 12, 6
TEXT = """y ~ x + (x | g)
Intercept ~ Normal(0, 2)
x ~ Normal(0, 1)
sd(g) ~ HalfNormal(1)
cor(g) ~ LKJ(1)
sigma ~ HalfNormal(1)
"""


def world(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Return a data set, new rows with their responses, and the population's mean at each new row."""
    beta = rng.normal(size=2) * [2, 1]
    sd, sigma = np.abs(rng.normal(size=2)), abs(rng.normal())
    rho = rng.uniform(-1, 1)
    z = rng.normal(size=(2 * GROUPS, 2))
    b = sd * np.column_stack([z[:, 0], rho * z[:, 0] + np.sqrt(1 - rho**2) * z[:, 1]])
    group = np.concatenate([np.repeat(np.arange(GROUPS), ROWS), np.arange(2 * GROUPS)])
    x = rng.normal(size=len(group))
    mean = beta[0] + beta[1] * x
    y = mean + b[group, 0] + b[group, 1] * x + sigma * rng.normal(size=len(group))
    every = pd.DataFrame({"y": y, "x": x, "g": [f"g{i}" for i in group]})
    n = GROUPS * ROWS
    return every.iloc[:n], every.iloc[n:], mean[n:]


@pytest.fixture(scope="module")
def shares() -> pd.DataFrame:
    """Return the share of rows covered in each data set, by question."""
    rng = np.random.default_rng(20)
    found = []
    for number in range(SETS):
        data, new, mean = world(rng)
        fit = pf.lme(TEXT, data, engine=pf.Exact(draws=1000), seed=number, progress=NullProgress())
        response = fit.predict(new, "response", interval=0.95)
        inside = (new.y >= response["q2.5"]) & (new.y <= response["q97.5"])
        population = fit.predict(new, groups="none", interval=0.95)
        held = (mean >= population["q2.5"]) & (mean <= population["q97.5"])
        found.append((inside[:GROUPS].mean(), inside[GROUPS:].mean(), held.mean()))
    return pd.DataFrame(found, columns=["known", "new", "population"])


@pytest.mark.slow
@pytest.mark.parametrize("question", ["known", "new", "population"])
def test_95_per_cent_intervals_cover_95_per_cent(shares: pd.DataFrame, question: str) -> None:
    covered = shares[question]
    # Rows of one data set hang together: the error is that of the 200 shares. Independent rows would have
    # sqrt(0.95 * 0.05 / 2400) = 0.0044, whole data sets 0.0154.
    error = covered.std() / np.sqrt(SETS)
    assert 0.004 < error < 0.0155
    assert 0.93 < covered.mean() < 0.97
    assert abs(covered.mean() - 0.95) < 2.6 * error
