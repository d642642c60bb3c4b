"""Draws say what they hold, not all of it."""

from __future__ import annotations

import numpy as np

from probflow_nb.posterior.draws import Draws, Effects, Quality


def test_draws_are_told_by_their_names_and_sizes() -> None:
    effects = Effects("g", ("a", "b", "c"), ("Intercept", "x"), 20, lambda m: np.zeros((m, 3, 2)), 20)
    quality = Quality(20.0, 20.0, 1.0, float("nan"), 0.1)
    draws = Draws(("Intercept", "sigma"), np.zeros((4, 5, 2)), (quality, quality), (effects,))
    assert repr(draws).splitlines() == [
        "Draws: 4 chains of 5, arrays (chain, draw, ...) by name",
        "  Intercept, sigma",
        "  b[g]: 3 levels x 2 columns",
    ]
