"""The difference of two levels: from joint draws, with its interval and the probability of its sign."""

from __future__ import annotations

import numpy as np
import pytest

from probflow_nb.posterior.contrast import level_contrast, mode_contrast
from probflow_nb.posterior.draws import Effects


def effects(values: np.ndarray) -> Effects:
    """Return effects whose sample is `values` (S, J, k)."""
    S, J, k = values.shape
    names = tuple(f"level {j}" for j in range(J)), tuple(f"column {c}" for c in range(k))
    return Effects("g", *names, S, lambda m: values[:m], S)


def drawn(S: int = 4000) -> np.ndarray:
    """Return draws of three levels and two columns; levels 0 and 1 of column 1 move together, one apart."""
    r = np.random.default_rng(3)
    values = r.normal(size=(S, 3, 2))
    values[:, 1, 1] = values[:, 0, 1] - 1 + 0.01 * r.normal(size=S)
    return values


def test_levels_that_move_together_differ_by_what_each_draw_says():
    found = level_contrast(effects(drawn()), 1, 0, 1)
    assert found.mean == pytest.approx(1.0, abs=1e-3)
    assert found.sd < 0.02  # 1.4 if the two were taken as independent
    assert 0.97 < found.lower < found.upper < 1.03
    assert found.above == 1.0
    back = level_contrast(effects(drawn()), 1, 1, 0)
    assert (back.mean, back.lower, back.upper) == (-found.mean, -found.upper, -found.lower)
    assert back.above == 0.0


def test_an_interval_holds_its_share_of_the_draws():
    values = drawn()
    for probability in (0.5, 0.95):
        found = level_contrast(effects(values), 0, 0, 2, probability)
        inside = np.mean((found.values >= found.lower) & (found.values <= found.upper))
        assert inside == pytest.approx(probability, abs=1e-3)
    assert found.above == np.mean(values[:, 0, 0] > values[:, 2, 0])


def test_few_draws_give_the_interval_of_their_sd():
    found = level_contrast(effects(drawn(100)), 0, 0, 2)
    assert found.upper - found.lower == pytest.approx(2 * 1.959964 * found.sd, rel=1e-6)


def test_no_more_draws_are_made_than_summaries_use():
    asked = []

    def sample(m: int) -> np.ndarray:
        asked.append(m)
        return drawn()[:m]

    one = Effects("g", ("a", "b", "c"), ("x", "z"), 4000, sample, 500)
    assert len(level_contrast(one, 0, 0, 1).values) == 500
    assert asked == [500]


def test_a_level_does_not_differ_from_itself():
    found = level_contrast(effects(drawn()), 0, 2, 2)
    assert (found.mean, found.sd, found.above) == (0.0, 0.0, 0.5)


def test_conditional_modes_say_nothing_of_a_probability():
    found = mode_contrast(np.array([3.0, 1.0]), np.array([0.3, 0.4]), 0, 1)
    assert found.mean == 2.0
    assert found.sd == pytest.approx(0.5)
    assert found.lower == pytest.approx(2 - 1.959964 * 0.5)
    assert np.isnan(found.above)
    assert mode_contrast(np.array([3.0, 1.0]), np.array([0.3, 0.4]), 1, 1).sd == 0.0
