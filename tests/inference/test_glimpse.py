"""Glimpses: what a running engine shows of its draws, held to the answer that the same run gives."""

from __future__ import annotations

import numpy as np
import pytest
from nuts_densities import StandardNormal

import probflow_nb as pf
from probflow_nb import datasets
from probflow_nb.inference import start
from probflow_nb.inference.chains import _picked

TEXT = "Reaction ~ Days + (1 | Subject)"
STATEMENTS = """
X = design(1 + Days)
Z = indicators(Subject)
w ~ Normal(0, 300)
tau ~ HalfNormal(50)
u ~ Normal(0, tau)
sigma ~ HalfNormal(50)
Reaction ~ Normal(X @ w + Z @ u, sigma)
"""


@pytest.fixture(scope="module")
def unfitted():
    return pf.prepare(TEXT, datasets.sleepstudy())


def table(glimpse):
    return glimpse.values.reshape(-1, len(glimpse.names))


def test_nothing_is_seen_before_the_first_step(unfitted) -> None:
    for engine in (pf.Exact(), pf.VI(), pf.NUTS(), pf.Point()):
        assert unfitted.run(engine, 1).glimpse() is None


def test_exact_shows_what_it_will_answer(unfitted) -> None:
    run = unfitted.run(pf.Exact(draws=4000), 1)
    seen = []
    for _ in run:
        glimpse = run.glimpse(500)
        assert (glimpse is None) == (not run.ready)
        if glimpse is not None:
            assert glimpse.values.shape == (1, 500, len(glimpse.names))
            seen.append(glimpse)
    draws = run.finish().draws
    assert len(seen) > 1
    assert seen[-1].names == draws.names
    assert not seen[-1].ordered
    sd = draws.table.std(axis=0)
    gap = np.abs(table(seen[-1]).mean(axis=0) - draws.table.mean(axis=0)) / sd
    assert gap.max() < 4.5 * np.sqrt(1 / 500 + 1 / 4000)
    assert np.abs(np.log(table(seen[-1]).std(axis=0) / sd)).max() < 0.2


def test_a_look_changes_nothing(unfitted) -> None:
    engine = pf.Exact(draws=400)
    alone, watched = unfitted.run(engine, 3), unfitted.run(engine, 3)
    for _ in watched:
        watched.glimpse()
    assert np.array_equal(alone.finish().draws.table, watched.finish().draws.table)


def test_the_letters_of_statements_are_shown(unfitted) -> None:
    model = pf.prepare(STATEMENTS, datasets.sleepstudy())
    run = model.run(pf.Exact(draws=400), 1)
    for _ in run:
        pass
    assert run.glimpse().names == model.fit(pf.Exact(draws=400), 1).draws.names
    assert "tau" in run.glimpse().names


def test_nuts_shows_its_draws_in_their_order() -> None:
    run = start(StandardNormal(3), pf.NUTS(draws=400, chains=2, warmup=100), 1)
    warming = 0
    for event in run:
        glimpse = run.glimpse(400)
        if event.phase == "warm-up" and glimpse is not None:
            warming += 1
        assert glimpse is None or glimpse.ordered
    draws = run.finish().draws
    assert run.glimpse(400).names == draws.names
    assert np.array_equal(run.glimpse(400).values, draws.scalars)
    thin = run.glimpse(20).values
    assert thin.shape[:2] == (2, 10)
    assert np.array_equal(thin[:, [0, -1]], draws.scalars[:, [0, -1]])


def test_the_warm_up_is_seen_too(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = pf.NUTS(draws=200, chains=2, warmup=400)
    monkeypatch.setattr("probflow_nb.inference.nuts._CHUNK", 0.0)
    run = start(StandardNormal(3), engine, 1)
    seen = {event.phase: glimpse.values for event in run if (glimpse := run.glimpse()) is not None}
    assert set(seen) == {"warm-up", "sampling"}
    # The last look of the warm-up is at its last window, which is near the posterior already.
    assert np.abs(seen["warm-up"].mean(axis=(0, 1))).max() < 1.0


@pytest.mark.slow
def test_vi_shows_the_family_as_it_is_now(unfitted) -> None:
    run = unfitted.run(pf.VI(draws=1000), 1)
    widths = []
    for _ in run:
        glimpse = run.glimpse(400)
        assert (glimpse is None) == (not run.ready)
        widths.append(None if glimpse is None else table(glimpse).std(axis=0))
    draws = run.finish().draws
    last = run.glimpse(400)
    assert last.names == draws.names
    assert np.array_equal(table(last), draws.table[:400])
    # It moved: the first look was at another family than the last.
    first = next(width for width in widths if width is not None)
    assert np.abs(np.log(first / widths[-1])).max() > 0.15


@pytest.mark.parametrize("places", [[0], [0, 3, 6], [2, 3], [6], list(range(7))])
def test_rows_are_picked_from_pieces_as_from_the_whole(places: list[int]) -> None:
    pieces = tuple(np.arange(14.0).reshape(7, 2)[a:b] for a, b in ((0, 3), (3, 3), (3, 4), (4, 7)))
    assert np.array_equal(_picked(pieces, np.array(places)), np.concatenate(pieces)[places])
