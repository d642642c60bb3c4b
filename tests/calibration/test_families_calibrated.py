"""Every family with the engine that its model chooses: parameters from the prior rank uniformly among the draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation import Case, calibrate

from probflow_nb.plan.uniformity import LEVEL, RANKED, chances, outside

SIMULATIONS = 200


def grouped(groups: int, rows: int, *columns: str) -> dict[str, np.ndarray]:
    """Return x, which varies within `groups` groups g of `rows`, and more factors, crossed with them."""
    index = np.repeat(np.arange(groups), rows)
    x = np.tile(np.linspace(-1.5, 1.5, rows), groups) + 0.1 * np.sin(np.arange(groups * rows))
    crossed = {name: np.array([f"{name}{i % rows}" for i in range(groups * rows)]) for name in columns}
    return {"x": x, "g": np.array([f"g{i}" for i in index])} | crossed


def events(groups: int, rows: int) -> dict[str, np.ndarray]:
    return grouped(groups, rows) | {"y": np.arange(groups * rows) % 2}


def trials(groups: int, rows: int) -> dict[str, np.ndarray]:
    index = np.arange(groups * rows)
    return grouped(groups, rows) | {"n": 1 + index % 7, "y": index % 2}


def counts(groups: int, rows: int, *columns: str) -> dict[str, np.ndarray]:
    frame = grouped(groups, rows, *columns)
    return frame | {"y": np.arange(groups * rows) % 3, "time": 1.0 + 0.5 * (np.arange(groups * rows) % 4)}


def ordered(groups: int, rows: int) -> dict[str, Any]:
    codes = np.arange(groups * rows) % 4
    return grouped(groups, rows) | {"y": pd.Categorical.from_codes(codes, ["a", "b", "c", "d"], ordered=True)}


def positive(groups: int, rows: int) -> dict[str, np.ndarray]:
    return grouped(groups, rows) | {"y": 1.0 + np.arange(groups * rows) % 5}


def proportions(groups: int, rows: int) -> dict[str, np.ndarray]:
    return grouped(groups, rows) | {"y": (1.0 + np.arange(groups * rows) % 5) / 7}


COMMON = "Intercept ~ Normal(0, 1)\nx ~ Normal(0, 1)\n"
CASES = {
    "gaussian": Case(
        "y ~ x + (x | g)\nIntercept ~ Normal(1, 2)\nx ~ Normal(0, 1)\nsd(g) ~ HalfNormal(1)\n"
        "sd(x | g) ~ HalfStudentT(3, 0, 0.5)\ncor(g) ~ LKJ(2)\nsigma ~ HalfNormal(1)",
        "gaussian",
        grouped(8, 7) | {"y": np.arange(56.0)},
    ),
    "bernoulli": Case("y ~ x + (1 | g)\n" + COMMON + "sd(g) ~ HalfNormal(1)", "bernoulli", events(10, 8)),
    "bernoulli pairs": Case("y ~ x + (1 | g)\n" + COMMON + "sd(g) ~ HalfNormal(1)", "bernoulli", events(40, 2)),
    "binomial": Case(
        "y / n ~ x + (x | g)\n" + COMMON + "sd(g) ~ HalfNormal(0.7)\ncor(g) ~ LKJ(2)", "binomial", trials(8, 6)
    ),
    "poisson": Case(
        "y ~ x + offset(log(time)) + (1 | g) + (1 | h)\n"
        "Intercept ~ Normal(0, 1)\nx ~ Normal(0, 0.5)\nsd(g) ~ HalfNormal(0.5)\nsd(h) ~ HalfNormal(0.5)",
        "poisson",
        counts(10, 6, "h"),
    ),
    "negative_binomial": Case(
        "y ~ x + (1 | g)\nIntercept ~ Normal(1, 1)\nx ~ Normal(0, 0.5)\nsd(g) ~ HalfNormal(0.7)\n"
        "shape ~ LogNormal(1, 0.7)",
        "negative_binomial",
        counts(10, 8),
    ),
    "zero_inflated_poisson": Case(
        "y ~ x + (1 | g)\nIntercept ~ Normal(1, 1)\nx ~ Normal(0, 0.5)\nsd(g) ~ HalfNormal(0.7)\nzero ~ Uniform(0, 1)",
        "zero_inflated_poisson",
        counts(10, 8),
    ),
    "zero_inflated_negative_binomial": Case(
        "y ~ x + (1 | g)\nIntercept ~ Normal(2, 0.7)\nx ~ Normal(0, 0.5)\nsd(g) ~ HalfNormal(0.5)\n"
        "shape ~ LogNormal(1, 0.5)\nzero ~ Beta(2, 5)",
        "zero_inflated_negative_binomial",
        counts(10, 10),
    ),
    "ordinal": Case(
        "y ~ x + (1 | g)\nx ~ Normal(0, 1)\nsd(g) ~ HalfNormal(1)\ncut ~ Normal(0, 1.5)", "ordinal", ordered(10, 8)
    ),
    "gamma": Case(
        "y ~ x + (1 | g)\n" + COMMON + "sd(g) ~ HalfNormal(0.7)\nshape ~ LogNormal(1, 0.7)",
        "Gamma(link = log)",
        positive(10, 8),
    ),
    "beta": Case(
        "y ~ x + (1 | g)\n" + COMMON + "sd(g) ~ HalfNormal(0.7)\nprecision ~ LogNormal(2, 0.7)",
        "beta",
        proportions(10, 8),
    ),
    "student_t": Case(
        "y ~ x + (1 | g)\n" + COMMON + "sd(g) ~ HalfNormal(1)\nsigma ~ HalfNormal(1)\ndf ~ LogNormal(1.5, 0.6)",
        "student_t",
        positive(10, 8),
    ),
    "log_normal": Case(
        "y ~ x + (1 | g)\n" + COMMON + "sd(g) ~ HalfNormal(0.7)\nsigma ~ HalfNormal(1)", "log_normal", positive(10, 8)
    ),
    "gaussian log": Case(
        "y ~ x + (1 | g)\n" + COMMON + "sd(g) ~ HalfNormal(0.5)\nsigma ~ HalfNormal(1)",
        "Gaussian(link = log)",
        positive(10, 8),
    ),
}


# Of these, 200 simulations have been seen to tell draws that are 15% too narrow; of the others they may not.
TELLING = ("gaussian", "bernoulli", "bernoulli pairs", "binomial", "poisson", "gamma")


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_family_is_calibrated(name: str) -> None:
    found = calibrate(CASES[name], SIMULATIONS, seed=2024)
    assert outside(found.ranks) == {}
    if name in TELLING:
        # The same draws, drawn together by 15%, are found out.
        assert outside(found.narrowed) != {}


@pytest.mark.parametrize(
    ("shape", "inside"), [((1, 1), True), ((1.5, 1.5), False), ((0.65, 0.65), False), ((1.45, 1), False)]
)
def test_the_statistics_see_posteriors_that_are_too_wide_too_narrow_or_moved(
    shape: tuple[float, float], inside: bool
) -> None:
    unit = np.random.default_rng(1).beta(*shape, SIMULATIONS)
    ranks = np.floor(unit * (RANKED + 1)).astype(int)
    assert (outside({"one": ranks}) == {}) == inside


def test_the_level_of_the_statistics_is_exact() -> None:
    rng = np.random.default_rng(3)
    found = np.array([chances(rng.integers(0, RANKED + 1, SIMULATIONS)) for _ in range(2000)])
    # Each statistic is below a twentieth once in twenty times, to four standard errors.
    assert np.abs((found < 0.05).mean(axis=0) - 0.05).max() < 4 * np.sqrt(0.05 * 0.95 / 2000)
    assert (found.min(axis=1) < LEVEL / 3).mean() < LEVEL + 4 * np.sqrt(LEVEL / 2000)
