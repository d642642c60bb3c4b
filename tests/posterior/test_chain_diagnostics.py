"""Chain diagnostics against ArviZ and against figures known by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from probflow_nb.posterior import diagnostics

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    az = pytest.importorskip("arviz")


def autoregression(rho: float, chains: int, draws: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((chains, draws))
    for t in range(1, draws):
        x[:, t] = rho * x[:, t - 1] + np.sqrt(1 - rho**2) * x[:, t]
    return x


PAIRS = {
    "rhat": (diagnostics.rhat, lambda x: az.rhat(x, method="rank")),
    "ess_bulk": (diagnostics.ess_bulk, lambda x: az.ess(x, method="bulk")),
    "ess_tail": (diagnostics.ess_tail, lambda x: az.ess(x, method="tail")),
    "ess_mean": (diagnostics.ess_mean, lambda x: az.ess(x, method="mean")),
    "ess_quantile": (
        lambda x: diagnostics.ess_quantile(x, 0.3),
        lambda x: az.ess(x, method="quantile", prob=0.3),
    ),
    "mcse_mean": (diagnostics.mcse_mean, lambda x: az.mcse(x, method="mean")),
    "mcse_sd": (diagnostics.mcse_sd, lambda x: az.mcse(x, method="sd")),
    "mcse_quantile": (
        lambda x: diagnostics.mcse_quantile(x, 0.975),
        lambda x: az.mcse(x, method="quantile", prob=0.975),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("shape", [(4, 1000), (2, 501), (3, 7), (4, 4), (8, 37)])
@pytest.mark.parametrize("rho", [-0.7, 0.0, 0.5, 0.97])
def test_agrees_with_arviz(name: str, shape: tuple[int, int], rho: float) -> None:
    ours, theirs = PAIRS[name]
    draws = autoregression(rho, *shape)
    assert float(ours(draws)) == pytest.approx(float(theirs(draws)), rel=1e-9)


@pytest.mark.parametrize("name", [name for name in PAIRS if name != "rhat"])
def test_one_chain_agrees_with_arviz(name: str) -> None:
    ours, theirs = PAIRS[name]
    draws = autoregression(0.6, 1, 333)
    assert float(ours(draws)) == pytest.approx(float(theirs(draws)), rel=1e-9)


@pytest.mark.parametrize("name", ["rhat", "ess_bulk", "ess_tail", "ess_mean"])
def test_ties_agree_with_arviz(name: str) -> None:
    ours, theirs = PAIRS[name]
    draws = np.round(autoregression(0.4, 4, 300))
    assert float(ours(draws)) == pytest.approx(float(theirs(draws)), rel=1e-9)


def test_chains_that_disagree_in_place_or_in_spread_are_seen() -> None:
    draws = autoregression(0.0, 4, 500)
    moved = draws + 2 * np.arange(4)[:, None]
    stretched = draws * np.array([1, 1, 1, 5])[:, None]
    assert diagnostics.rhat(draws) < 1.01
    assert diagnostics.rhat(moved) == pytest.approx(float(az.rhat(moved)), rel=1e-9)
    assert diagnostics.rhat(moved) > 1.5
    assert diagnostics.rhat(stretched) == pytest.approx(float(az.rhat(stretched)), rel=1e-9)
    assert diagnostics.rhat(stretched) > 1.1


def test_one_chain_is_compared_with_itself() -> None:
    still = autoregression(0.0, 1, 1000)
    drifting = still + np.linspace(0, 5, 1000)
    assert diagnostics.rhat(still) < 1.01
    assert diagnostics.rhat(drifting) > 1.5


@pytest.mark.parametrize("name", PAIRS)
def test_quantities_in_trailing_axes_are_judged_one_by_one(name: str) -> None:
    ours, _ = PAIRS[name]
    draws = np.stack([autoregression(rho, 3, 101, seed=7) for rho in (0.0, 0.5, 0.9)], axis=-1)
    draws = np.stack([draws, draws**3], axis=-1)
    together = ours(draws)
    assert together.shape == (3, 2)
    for i in range(3):
        for j in range(2):
            assert together[i, j] == pytest.approx(float(ours(draws[:, :, i, j])), rel=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["rhat", "ess_bulk", "ess_mean", "ess_tail"])
def test_a_draw_that_is_not_finite_makes_only_its_own_quantity_undefined(name: str, bad: float) -> None:
    ours, _ = PAIRS[name]
    draws = np.stack([autoregression(0.2, 2, 50, seed=s) for s in (1, 2)], axis=-1)
    draws[1, 7, 0] = bad
    answer = ours(draws)
    assert np.isnan(answer[0])
    assert answer[1] == pytest.approx(float(ours(draws[..., 1])))


@pytest.mark.parametrize("name", ["rhat", "ess_bulk", "ess_mean", "ess_tail"])
def test_fewer_than_four_draws_are_undefined(name: str) -> None:
    ours, _ = PAIRS[name]
    assert np.isnan(ours(np.zeros((4, 3))))


def test_equal_draws() -> None:
    draws = np.full((4, 100), 3.5)
    assert np.isnan(diagnostics.rhat(draws))
    assert diagnostics.ess_bulk(draws) == 400
    assert diagnostics.ess_tail(draws) == 400
    assert diagnostics.mcse_mean(draws) == 0
    assert diagnostics.mcse_sd(draws) == 0


def test_constant_chains_that_differ_have_infinite_rhat() -> None:
    assert diagnostics.rhat(np.repeat([[0.0], [1.0]], 50, axis=1)) == np.inf


def test_mcse_covers_the_error_of_the_mean() -> None:
    means, errors = [], []
    for seed in range(200):
        draws = autoregression(0.8, 2, 400, seed)
        means.append(draws.mean())
        errors.append(float(diagnostics.mcse_mean(draws)))
    # The spread of 200 means is known to 5%; the average claim must agree with it.
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.2)


def test_energy_fraction() -> None:
    rng = np.random.default_rng(1)
    fresh = rng.standard_normal((2, 4000))
    walk = np.cumsum(rng.standard_normal((1, 4000)), axis=1)
    answer = diagnostics.e_bfmi(fresh)
    assert answer.shape == (2,)
    assert answer == pytest.approx([2.0, 2.0], abs=0.15)
    assert answer == pytest.approx(az.bfmi(fresh), rel=1e-3)
    assert diagnostics.e_bfmi(walk)[0] < 0.05
    assert np.isnan(diagnostics.e_bfmi(np.ones((1, 10)))[0])
