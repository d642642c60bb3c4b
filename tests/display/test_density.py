from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from probflow_nb.display.density import density

RNG = np.random.default_rng(5)
NORMAL = RNG.normal(3, 2, 4000)


def mass(grid: np.ndarray, heights: np.ndarray) -> float:
    return float(heights.sum() * (grid[1] - grid[0]))


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (NORMAL, -np.inf, np.inf),
        (np.abs(NORMAL - 3), 0.0, np.inf),
        (np.abs(NORMAL - 3) * 1e-9, 0.0, np.inf),
        (np.tanh(NORMAL), -1.0, 1.0),
        (RNG.standard_cauchy(4000), -np.inf, np.inf),
        (np.where(RNG.random(4000) < 0.9, 1.0, NORMAL), -np.inf, np.inf),
        (np.array([0.0, 1.0]), 0.0, np.inf),
    ],
)
def test_integrates_to_the_share_inside_and_keeps_to_its_bounds(values: np.ndarray, low: float, high: float) -> None:
    grid, heights = density(values, low, high)
    half = (grid[1] - grid[0]) / 2
    air = half / 1000
    inside = np.mean((values >= grid[0] - half - air) & (values <= grid[-1] + half + air))
    assert mass(grid, heights) == pytest.approx(inside, abs=1e-9)
    assert inside > 0.997
    assert grid[0] - half >= low - air
    assert grid[-1] + half <= high + air
    assert (heights >= 0).all()


def test_is_the_normal_density() -> None:
    grid, heights = density(RNG.normal(3, 2, 100_000))
    assert np.abs(heights - stats.norm.pdf(grid, 3, 2)).max() < 0.03 * stats.norm.pdf(3, 3, 2)


def test_is_the_half_normal_density_up_to_its_bound() -> None:
    grid, heights = density(np.abs(RNG.normal(0, 2, 100_000)), low=0.0)
    truth = stats.halfnorm.pdf(grid, scale=2)
    assert np.abs(heights - truth).max() < 0.04 * truth[0]
    # Without the reflection the value at the bound would be half of this.
    assert heights[0] == pytest.approx(truth[0], rel=0.04)


def test_equals_the_direct_sum_of_kernels() -> None:
    values = RNG.normal(0, 1, 500)
    grid, heights = density(values)
    spread = min(values.std(), np.subtract(*np.quantile(values, (0.75, 0.25))) / 1.34)
    direct = stats.norm.pdf(grid[:, None], values, 1.2 * spread * 500**-0.2).mean(axis=1)
    assert np.abs(heights - direct).max() < 0.01 * direct.max()
