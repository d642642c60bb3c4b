"""Draws so far as small curves: they hold what the draws say, and their axes keep still."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from probflow_nb.inference.engine import Glimpse
from probflow_nb.notebook.panel import live
from probflow_nb.notebook.panel.live import Scalar

RNG = np.random.default_rng(1)


KNOWN = SimpleNamespace(
    roles={"a": "common", "sd(a | g)": "variance", "cor(a, b | g)": "correlation"}, bounds={"p": (0.0, 1.0)}
)


def test_scalars_have_the_roles_and_bounds_of_the_model():
    found = live.scalars(("a", "sd(a | g)", "cor(a, b | g)", "p", "q"), KNOWN)
    assert [s.role for s in found] == ["common", "variance", "correlation", "", ""]
    assert [s.bounds for s in found[1:4]] == [(0.0, math.inf), (-1.0, 1.0), (0.0, 1.0)]
    assert live.scalars(("a",), None) == (Scalar("a"),)
    assert len(live.scalars(tuple(map(str, range(100))), None)) == live.MOST_SCALARS


def test_a_density_says_what_its_draws_say():
    draws = RNG.normal(5, 2, 4000)
    found = live.curve(Scalar("a"), draws)
    assert found.mean == pytest.approx(draws.mean())
    assert found.interval == pytest.approx(tuple(np.quantile(draws, (0.025, 0.975))))
    width = (found.span[1] - found.span[0]) / live.CELLS
    assert found.heights.sum() * width == pytest.approx(1, abs=0.01)
    assert found.axis[0] < found.span[0] < found.span[1] < found.axis[1]


def test_nothing_is_drawn_beyond_a_bound():
    found = live.curve(Scalar("sd", "variance", (0.0, math.inf)), np.abs(RNG.normal(0, 1, 2000)))
    assert found.span[0] == found.axis[0] == 0.0


@pytest.mark.parametrize(
    ("draws", "mean"),
    [([3.0, 3.0, 3.0], 3.0), ([0.0, 0.0], 0.0), ([1.0, math.nan, math.inf], 1.0), ([2.0], 2.0)],
)
def test_draws_without_spread_are_a_mean_without_a_curve(draws, mean):
    found = live.curve(Scalar("a"), np.array(draws))
    assert found.mean == mean
    assert not found.heights.any()
    assert found.axis[0] < mean < found.axis[1]


def test_nothing_finite_is_no_curve():
    assert live.curve(Scalar("a"), np.array([math.nan, math.inf])) is None


@pytest.mark.parametrize(
    ("before", "needed", "after"),
    [
        (None, (0, 10), (-0.8, 10.8)),
        ((-1, 11), (0, 10), (-1, 11)),  # as it was
        ((-1, 11), (0, 14), (-1, 15.12)),  # wider at once, on the one side
        ((-100, 100), (0, 10), (-100 + 0.3 * 99.2, 100 - 0.3 * 89.2)),  # narrower slowly
        ((50, 60), (0, 10), (-0.8, 10.8)),  # elsewhere
    ],
)
def test_an_axis_keeps_still_while_it_will_do(before, needed, after):
    assert live.settled(before, needed) == pytest.approx(after)


def test_an_axis_does_not_leave_the_bounds():
    assert live.settled(None, (0.0, 10.0), (0.0, math.inf))[0] == 0.0
    assert live.settled(None, (-1.0, 1.0), (-1.0, 1.0)) == (-1.0, 1.0)


def test_the_objective_shows_where_it_settles_and_not_how_deep_it_began():
    steps = np.arange(1000.0)
    trail = np.column_stack([steps, -800 - 1e6 * np.exp(-steps / 5)])
    line = live.objective(trail)
    shown = line.values[0] + line.centre
    assert np.isnan(shown[0])
    assert line.axis[0] > -2000
    assert shown[-1] == pytest.approx(-800)
    assert len(line.x) <= 300
    assert live.objective(trail[:1]) is None


def test_a_trace_of_large_numbers_keeps_its_small_differences():
    chains = 1e9 + RNG.normal(0, 1, (4, 500))
    line = live.trace(Scalar("a"), chains)
    packed = np.frombuffer(live.packed(line.x, line.values), "<f4").reshape(5, -1).astype(float)
    assert packed[1:] + line.centre == pytest.approx(chains[:, packed[0].astype(int)], abs=1e-2)


def test_the_trace_is_of_what_mixes_worst_and_does_not_waver():
    values = RNG.normal(0, 1, (4, 200, 3))
    values[:, :, 1] += np.arange(4)[:, None]
    glimpse = Glimpse(("a", "b", "c"), values, True)
    assert live.worst(glimpse) == "b"
    calm = Glimpse(("a", "b", "c"), RNG.normal(0, 1, (4, 200, 3)), True)
    assert live.worst(calm, "c") == "c"
    assert live.worst(Glimpse((), np.empty((4, 200, 0)))) == ""
