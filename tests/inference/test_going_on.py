"""What a fit can go on by, which engines a model can take, and Exact that goes on from the proposal it has learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb import datasets
from probflow_nb.inference import ENGINES, extendable, start, usable

TEXT = "Reaction ~ Days + (1 | Subject)"


@pytest.fixture(scope="module")
def unfitted():
    return pf.prepare(TEXT, datasets.sleepstudy())


@pytest.fixture(scope="module")
def fit(unfitted):
    return unfitted.fit(pf.Exact(draws=1000), 1)


@pytest.mark.parametrize(("asked", "total"), [(1000, 2000), (1, 1004), (3001, 4004)])
def test_exact_goes_on_by_more_draws(fit, asked: int, total: int) -> None:
    more = fit.extend(draws=asked)
    draws = more.draws
    assert draws.n_chains * draws.n_draws == total == more.engine.draws
    assert more.verdict.level == "fine"
    gap = np.abs(draws.table.mean(axis=0) - fit.draws.table.mean(axis=0)) / fit.draws.table.std(axis=0)
    assert gap.max() < 4.5 * np.sqrt(1 / 1000 + 1 / total)
    # The draws that were there count on: nothing is thrown away.
    assert np.array_equal(more.state.cloud.x[: len(fit.state.cloud.x)], fit.state.cloud.x)
    assert len(more.state.cloud.x) == len(fit.state.cloud.x) + total - 1000


def test_more_draws_know_the_evidence_better(fit) -> None:
    more = fit.extend(draws=15_000)
    assert more.log_evidence.error < 0.6 * fit.log_evidence.error
    assert abs(more.log_evidence.value - fit.log_evidence.value) < 4 * fit.log_evidence.error


def test_the_same_pieces_give_the_same_draws(fit, unfitted) -> None:
    again = unfitted.fit(pf.Exact(draws=1000), 1)
    pieces = [f.extend(draws=400).extend(draws=600).draws.table for f in (fit, again)]
    assert np.array_equal(*pieces)
    assert fit.draws.n_draws == 250


def test_a_stopped_exact_goes_on_where_it_was(unfitted) -> None:
    run = unfitted.run(pf.Exact(draws=3000), 1)
    while not run.ready:
        next(run)
    run.close()
    run.finish()
    longer, state = run.engine.extend(run.model, run.state, draws=1000)
    assert longer.draws == 4000
    goes_on = pf.inference.Run(run.model, longer, 1, state=state)
    assert len(goes_on.finish().draws.table) == 4000
    assert sum(goes_on.state.cloud.sizes[goes_on.state.rounds :]) >= 4000


def test_chains_of_hmc_go_on(unfitted, monkeypatch: pytest.MonkeyPatch) -> None:
    # No weights are good enough: HMC takes over at once.
    monkeypatch.setattr("probflow_nb.inference.exact._GOOD_KHAT", -np.inf)
    monkeypatch.setattr("probflow_nb.inference.exact._REFINEMENTS", 1)
    fit = unfitted.fit(pf.Exact(draws=800), 1)
    more = fit.extend(draws=320)
    assert (fit.draws.n_draws, more.draws.n_draws) == (50, 70)
    assert np.array_equal(more.state.chains.draws[:50], fit.state.chains.draws)
    assert fit.further(draws=16).glimpse(160).values.shape[:2] == (16, 10)


@pytest.mark.parametrize("draws", [0, -5, 2.5, True, "many", 10**9])
def test_exact_refuses_to_go_on_by_nothing(fit, draws: object) -> None:
    with pytest.raises(pf.FitError, match="Exact goes on by a whole number of draws"):
        fit.extend(draws=draws)


def test_every_engine_says_what_it_goes_on_by() -> None:
    found = {name: extendable(kind()) for name, kind in ENGINES.items()}
    assert found == {
        "exact": ("draws",),
        "laplace": ("draws",),
        "nuts": ("draws",),
        "vi": ("steps", "draws"),
        "point": (),
    }


class Curved(pf.Model):
    """A response that is not Gaussian."""

    def __init__(self) -> None:
        self.b = pf.Parameter(prior=pf.Normal(0, 1))

    def __call__(self, x):
        return pf.StudentT(3.0, self.b() * x, 1.0)


def test_a_model_says_which_engines_can_fit_it(unfitted) -> None:
    found = usable(unfitted.model)
    assert found.pop("laplace") == "The engine laplace does not fit gaussian responses with link identity."
    assert found == dict.fromkeys(set(ENGINES) - {"laplace"}, "")
    x = np.linspace(-1.0, 1.0, 20)
    found = usable(Curved().program(x, x))
    assert (found["nuts"], found["vi"]) == ("", "")
    assert found["exact"].startswith("The engine exact does not fit this model, because ")
    assert found["point"].startswith("The engine point fits mixed models")


def test_vi_says_that_it_compiles_before_it_does(unfitted, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    monkeypatch.setattr("probflow_nb.inference.vi.prepare", lambda state: compiled.append(state.phase))
    run = start(unfitted.model, pf.VI(), 1)
    run.steer(learning_rate=0.125)
    first = next(run)
    assert (first.phase, first.step, compiled) == ("compiling", 0, [])
    second = next(run)
    assert (second.phase, second.step, compiled) == ("compiling", 0, ["compiling"])
    assert not run.ready
    assert first.info["learning_rate"] == second.info["learning_rate"] == 0.125
    run.steer(kl_weight=2.0)
    assert replace(run.state, phase="start").kl_weight == 2.0
