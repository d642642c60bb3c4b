"""The models of families.py on their data; needs numpy and pandas only, so that every peer can read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from data import labels

DATASETS = Path(__file__).parents[2] / "probflow_nb" / "datasets"


@dataclass(frozen=True)
class Case:
    """A model on its data.

    text, family: as this project reads them. glmer, bambi: the same formula for those. family_in_r: as R writes it.
    make: returns the frame, factors as categories whose first level is the base.
    """

    text: str
    family: str
    glmer: str
    bambi: str
    family_in_r: str
    make: Callable[[], pd.DataFrame]


def read(name: str, *factors: str) -> pd.DataFrame:
    frame = pd.read_csv(DATASETS / f"{name}.csv", dtype=dict.fromkeys(factors, str))
    return frame.astype(dict.fromkeys(factors, "category"))


def contraception() -> pd.DataFrame:
    frame = read("Contraception", "district", "livch", "urban")
    return frame.assign(use=(frame["use"] == "Y").astype(int))


def crossed() -> pd.DataFrame:
    """Return 7,500 events of persons and items: sds 1 and 0.7, one predictor."""
    rng = np.random.default_rng(4)
    n, persons, items = 7500, 316, 24
    s, t, x = rng.integers(0, persons, n), rng.integers(0, items, n), rng.standard_normal(n)
    s[:persons], t[:items] = np.arange(persons), np.arange(items)
    eta = 0.3 + 0.4 * x + rng.standard_normal(persons)[s] + 0.7 * rng.standard_normal(items)[t]
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int)
    return pd.DataFrame({"y": y, "x": x, "person": labels("p", s, persons), "item": labels("i", t, items)})


def large_counts() -> pd.DataFrame:
    """Return 100,000 counts in 5,000 groups: sd 0.6, one predictor."""
    rng = np.random.default_rng(5)
    n, groups = 100_000, 5000
    g, x = rng.integers(0, groups, n), rng.standard_normal(n)
    g[:groups] = np.arange(groups)
    y = rng.poisson(np.exp(0.5 + 0.3 * x + 0.6 * rng.standard_normal(groups)[g]))
    return pd.DataFrame({"y": y, "x": x, "g": labels("g", g, groups)})


EPILEPSY = "count ~ zAge + zBase * Trt + (1 | patient)"
CASES = {
    "cbpp": Case(
        "incidence / size ~ period + (1 | herd)", "binomial",
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", "p(incidence, size) ~ period + (1 | herd)",
        "binomial", lambda: read("cbpp", "herd", "period"),
    ),
    "epilepsy": Case(EPILEPSY, "poisson", EPILEPSY, EPILEPSY, "poisson", lambda: read("epilepsy", "patient", "Trt")),
    "Contraception": Case(
        "use ~ age + I(age**2) + livch + urban + (1 | district)", "bernoulli",
        "use ~ age + I(age^2) + livch + urban + (1 | district)",
        "use ~ age + I(age**2) + livch + urban + (1 | district)", "binomial", contraception,
    ),
    "crossed": Case(
        "y ~ x + (1 | person) + (1 | item)", "bernoulli", "y ~ x + (1 | person) + (1 | item)",
        "y ~ x + (1 | person) + (1 | item)", "binomial", crossed,
    ),
    "poisson-100k": Case(
        "y ~ x + (1 | g)", "poisson", "y ~ x + (1 | g)", "y ~ x + (1 | g)", "poisson", large_counts
    ),
}  # fmt: skip
