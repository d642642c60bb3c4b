"""Ends of predictive intervals against the quantiles of the mixture of normals that the draws make."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import ndtr

from probflow_nb.predict.mixed import MixedResponse
from probflow_nb.predict.response import epistemic, predictive


def response(S: int, n: int) -> MixedResponse:
    """Return n rows whose means and sd differ from draw to draw, by more and less than the noise."""
    rng = np.random.default_rng(2)
    beta, sigma = rng.standard_normal((S, 2)), np.exp(0.2 * rng.standard_normal(S))
    X = np.column_stack([np.ones(n), np.linspace(0.0, 4.0, n)])
    return MixedResponse({"beta": beta, "sigma": sigma}, X, (), np.zeros(n), np.sqrt(np.linspace(0.5, 2.0, n)), draws=S)


def ends(asked: MixedResponse, row: int) -> list[float]:
    """Return the 5% and 95% points of one row's mixture."""
    mu, sd = asked.X[row] @ asked.values["beta"].T, asked.values["sigma"] / asked.root_weights[row]
    return [brentq(lambda y, p=p: ndtr((y - mu) / sd).mean() - p, -60, 60) for p in (0.05, 0.95)]


def test_ends_are_those_of_the_mixture() -> None:
    # The quantile of 4,000 draws has the standard error sqrt(p (1 - p) / S) / density, here at most 0.06 sd; the error
    # of independent noise would be as large at every row, strata make the whole smaller: 2.5 of them hold for 60 ends.
    asked = response(4000, 30)
    found = predictive(asked, 0.9, 5)
    for row in range(30):
        known = ends(asked, row)
        mu, sd = asked.X[row] @ asked.values["beta"].T, asked.values["sigma"] / asked.root_weights[row]
        for end, value in zip(known, (found.lower[row], found.upper[row]), strict=True):
            density = np.mean(np.exp(-0.5 * ((end - mu) / sd) ** 2) / sd) / np.sqrt(2 * np.pi)
            assert abs(value - end) < 2.5 * np.sqrt(0.05 * 0.95 / 4000) / density


def test_noise_alone_is_nearly_exact() -> None:
    # With one mean and sd for all draws the strata are the quantiles of the noise.
    S = 1000
    still = MixedResponse({"sigma": np.ones(S)}, np.zeros((3, 0)), (), np.zeros(3), np.ones(3), draws=S)
    found = predictive(still, 0.9, 1)
    np.testing.assert_allclose(found.upper, 1.6448536, atol=0.006)
    np.testing.assert_allclose(found.lower, -1.6448536, atol=0.006)


@pytest.mark.parametrize("S", [7, 500, 3000])
def test_a_row_does_not_hang_on_the_others(S: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = response(S, 40)
    monkeypatch.setattr("probflow_nb.predict.response._AT_ONCE", 9 * S)
    whole = [predictive(asked, 0.8, 3), epistemic(asked, 0.8)]
    monkeypatch.undo()
    for rows in (slice(3, 4), slice(11, 30)):
        part = MixedResponse(
            asked.values, asked.X[rows], (), asked.offset[rows], asked.root_weights[rows], draws=asked.n_draws
        )
        for known, found in zip(whole, [predictive(part, 0.8, 3), epistemic(part, 0.8)], strict=True):
            np.testing.assert_allclose(found.lower, known.lower[rows], rtol=1e-12)
            np.testing.assert_allclose(found.upper, known.upper[rows], rtol=1e-12)
