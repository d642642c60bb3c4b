"""The page's class against its exact posterior, by every engine: means, sds, coverage, seeds, spellings of data."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest
from page import KINDS, SIZES, Data, LinearMixedEffectsModel, Truth, draws_of, simulated, truth

import probflow_nb as pf
from probflow_nb.posterior import diagnostics

CASES = [(kind, size) for kind in KINDS for size in SIZES]


@cache
def case(kind: str, size: str) -> tuple[Data, Truth]:
    data = simulated(*SIZES[size], seed=20)
    return data, truth(data, kind == "learned")


def fitted(kind: str, size: str, engine: object, seed: int = 1) -> tuple[dict[str, np.ndarray], dict, pf.Fit]:
    data, expected = case(kind, size)
    fit = KINDS[kind](2, len(data.u)).fit(data.x, data.y, engine=engine, seed=seed)
    return draws_of(fit), expected.table(), fit


def misses(
    draws: dict[str, np.ndarray], table: dict[str, tuple[float, float]], errors: float, rtol: float
) -> list[str]:
    """Return what is off: means by more than `errors` of their own standard errors, sds by more than `rtol`."""
    assert set(draws) == set(table)
    wrong = []
    for name, (mean, sd) in table.items():
        gap = abs(draws[name].mean() - mean) / diagnostics.mcse_mean(draws[name])
        ratio = draws[name].std() / sd
        if gap > errors or abs(ratio - 1) > rtol:
            wrong.append(f"{name}: mean off by {gap:.1f} mcse, sd {ratio:.3f} of what it is")
    return wrong


@pytest.mark.parametrize(("kind", "size"), CASES)
def test_exact_gives_the_exact_posterior(kind: str, size: str) -> None:
    draws, table, fit = fitted(kind, size, pf.Exact(draws=20_000))
    assert misses(draws, table, 4.0, 0.025) == []
    assert fit.verdict.level == "fine"


def test_the_engine_that_is_chosen_is_exact() -> None:
    data, _ = case("fixed", "18 x 10")
    fit = LinearMixedEffectsModel(2, 18).fit(data.x, data.y, seed=1)
    assert isinstance(fit.engine, pf.Exact)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "size"), CASES)
def test_nuts_gives_the_exact_posterior(kind: str, size: str) -> None:
    draws, table, fit = fitted(kind, size, pf.NUTS(draws=12_000))
    assert misses(draws, table, 4.0, 0.05) == []
    assert fit.verdict.level == "fine"


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "size"), CASES)
def test_vi_gives_the_exact_posterior(kind: str, size: str) -> None:
    draws, table, _ = fitted(kind, size, pf.VI(draws=20_000))
    wrong = [
        f"{name}: mean off by {(draws[name].mean() - mean) / sd:.2f} sd, sd {draws[name].std() / sd:.3f} of what it is"
        for name, (mean, sd) in table.items()
        if abs(draws[name].mean() - mean) > 0.1 * sd or abs(draws[name].std() / sd - 1) > 0.1
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_eight_seeds_of_exact_agree(kind: str) -> None:
    agree(kind, lambda: pf.Exact(draws=2000))


@pytest.mark.slow
@pytest.mark.parametrize("engine", [lambda: pf.NUTS(draws=2000), lambda: pf.VI(draws=4000)], ids=["NUTS", "VI"])
def test_eight_seeds_of_the_general_engines_agree(engine: Callable[[], object]) -> None:
    agree("learned", engine)


def agree(kind: str, engine: Callable[[], object]) -> None:
    """Hold eight seeds to each other: their spread is what their own standard errors say, for every scalar.

    The sum of squared gaps, in standard errors, is chi-squared with 7 degrees of freedom: above 26.0 once in 2,000.
    """
    found = [fitted(kind, "18 x 10", engine(), seed)[0] for seed in range(8)]
    wrong = []
    for name in found[0]:
        means = np.array([draws[name].mean() for draws in found])
        errors = np.array([diagnostics.mcse_mean(draws[name]) for draws in found])
        # A variational fit carries an error of its own, small beside the posterior, that draws cannot show.
        slack = 0.0 if not isinstance(engine(), pf.VI) else 0.03 * found[0][name].std()
        square = float(np.sum((means - means.mean()) ** 2 / (errors**2 + slack**2)))
        if square > 26.0:
            wrong.append(f"{name}: {square:.1f}")
    assert wrong == []


def covered(engine: Callable[[], object], sets: int, kind: str = "fixed") -> float:
    """Return the share of all u that their 95% intervals hold, over data sets whose w, u and sigma vary."""
    inside = []
    for seed in range(sets):
        rng = np.random.default_rng([4, seed])
        w, sigma = rng.standard_normal(2), float(rng.gamma(5.0) ** -0.5)
        tau = abs(rng.standard_normal()) if kind == "learned" else 1.0
        data = simulated(18, 10, 1000 + seed, w, sigma, tau)
        fit = KINDS[kind](2, 18).fit(data.x, data.y, engine=engine(), seed=seed)
        low, high = np.quantile(fit.draws["u"][..., 0].reshape(-1, 18), [0.025, 0.975], axis=0)
        inside.append((low <= data.u) & (data.u <= high))
    return float(np.mean(inside))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_intervals_of_exact_cover(kind: str) -> None:
    assert 0.92 <= covered(lambda: pf.Exact(draws=1000), 100, kind) <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine", [lambda: pf.NUTS(draws=1000, warmup=300), lambda: pf.VI(draws=1000)], ids=["NUTS", "VI"]
)
def test_intervals_of_the_general_engines_cover(engine: Callable[[], object]) -> None:
    # u of one data set move together with the intercept, so few sets leave a wider band.
    assert 0.90 <= covered(engine, 20) <= 0.99


SPELLINGS: dict[str, Callable[[np.ndarray, np.ndarray], tuple[object, object]]] = {
    "float64": lambda x, y: (x, y),
    "float32": lambda x, y: (x.astype(np.float32), y.astype(np.float32)),
    "integers": lambda x, y: (x.astype(int), y.astype(int)),
    "frame": lambda x, y: (pd.DataFrame(x), pd.Series(y)),
    "frame of integers": lambda x, y: (pd.DataFrame(x.astype(int)), pd.Series(y, index=np.arange(len(y)) + 1000)),
    "column": lambda x, y: (x, y[:, None]),
    "lists": lambda x, y: (x.tolist(), y.tolist()),
    "column of a frame": lambda x, y: (x, pd.DataFrame({"y": y})),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_the_data_means_the_same(spelling: str) -> None:
    # Whole numbers, so that float32 and integers hold them all.
    rng = np.random.default_rng(5)
    x = np.hstack([np.ones((60, 1)), rng.integers(-3, 4, (60, 1)), np.kron(np.eye(6), np.ones((10, 1)))])
    y = np.round(3 * (x[:, 1] + rng.standard_normal(60)))
    plain = LinearMixedEffectsModel(2, 6).fit(x, y, engine=pf.Exact(draws=400), seed=1)
    other = LinearMixedEffectsModel(2, 6).fit(*SPELLINGS[spelling](x, y), engine=pf.Exact(draws=400), seed=1)
    # The same seed gives the same draws, so nothing but rounding may differ.
    np.testing.assert_allclose(other.draws.scalars, plain.draws.scalars, rtol=1e-10)
