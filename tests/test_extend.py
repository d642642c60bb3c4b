"""Fits that go on, are stopped, are steered, and the engine that a model gets; with an engine made for the purpose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress
from probflow_nb.fit import Fit, finish
from probflow_nb.inference import choose, resume, start
from probflow_nb.inference.engine import Info, Posterior
from probflow_nb.posterior.draws import Draws, Quality
from probflow_nb.posterior.verdict import Verdict

TEXT = "Reaction ~ Days"


@dataclass(frozen=True)
class Counter:
    """Counts up to `draws`, ten a step; its draws are the counts."""

    draws: int = 100

    def check(self, model: Any) -> None:
        """Accept every model."""

    def init(self, model: Any, seed: int) -> CounterState:
        """Return nothing counted."""
        return CounterState(0, self.draws)

    def step(self, model: Any, state: CounterState) -> tuple[CounterState, Info]:
        """Count on by ten times the pace."""
        state = replace(state, count=min(state.count + int(10 * state.pace), state.goal))
        return state, Info(state.count, state.goal, "counting")

    def result(self, model: Any, state: CounterState) -> Posterior:
        """Return the counts, the same for every scalar."""
        names = model.scalar_names
        counts = np.arange(state.count, dtype=float)[None, :, None] * np.ones(len(names))
        quality = Quality(100.0, 100.0, 1.0, float("nan"), 0.1)
        return Posterior(Draws(names, counts, (quality,) * len(names)), Verdict("fine", "Counted."), None, "counting")

    def extend(self, model: Any, state: CounterState, draws: int = 0) -> tuple[Counter, CounterState]:
        """Return what counts on."""
        return replace(self, draws=self.draws + draws), replace(state, goal=state.goal + draws)

    def steer(self, state: CounterState, pace: float = 1.0) -> CounterState:
        """Return the state at another pace."""
        return replace(state, pace=pace)


@dataclass(frozen=True)
class CounterState:
    """How far it has counted."""

    count: int
    goal: int
    pace: float = 1.0

    @property
    def done(self) -> bool:
        """Whether the goal is reached."""
        return self.count >= self.goal

    @property
    def ready(self) -> bool:
        """Whether there is anything."""
        return self.count > 0


class Interrupts(NullProgress):
    """Interrupts at the given event."""

    def __init__(self, at: int) -> None:
        self.left = at

    def show(self, event: Any) -> None:
        """Count down."""
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def model() -> Any:
    return pf.prepare(TEXT, pf.datasets.sleepstudy())


def test_a_fit_goes_on_from_where_it_ended_and_the_old_one_stays(model: Any) -> None:
    fit = model.fit(Counter(100), seed=1)
    longer = fit.extend(draws=50)
    assert (fit.draws.n_draws, longer.draws.n_draws) == (100, 150)
    np.testing.assert_array_equal(longer.draws["Days"][:, :100], fit.draws["Days"])
    assert longer.engine == Counter(150)
    assert longer.seconds >= fit.seconds
    assert longer.seed == fit.seed
    assert longer.extend(draws=10).draws.n_draws == 160


def test_an_interrupt_while_extending_keeps_both(model: Any) -> None:
    fit = model.fit(Counter(100), seed=1)
    part = fit.extend(draws=1000, progress=Interrupts(3))
    assert part.stopped
    assert part.draws.n_draws == 130
    assert fit.draws.n_draws == 100
    assert part.extend(draws=10).draws.n_draws == 1110


def test_an_interrupt_before_there_is_anything_is_raised(model: Any) -> None:
    class Slow(Counter):
        def step(self, model: Any, state: CounterState) -> tuple[CounterState, Info]:
            return state, Info(0, 0, "waiting")

    with pytest.raises(KeyboardInterrupt):
        model.fit(Slow(100), seed=1, progress=Interrupts(1))


# what is asked -> the whole sentence
REFUSED = {
    "nothing": (
        lambda fit: fit.extend(),
        "extend needs to be told how much more is wanted.\nWrite, for example, extend(draws=2000).",
    ),
    "steps": (lambda fit: fit.extend(steps=5), "Counter cannot be extended by steps.\nIt takes draws."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_extend_cannot_do(model: Any, case: str) -> None:
    question, sentence = REFUSED[case]
    with pytest.raises(pf.FitError) as caught:
        question(model.fit(Counter(100), seed=1))
    assert str(caught.value) == sentence


def test_engines_that_cannot_go_on_say_what_to_do(model: Any) -> None:
    with pytest.raises(pf.FitError) as caught:
        model.fit(pf.Point(), seed=1).extend(draws=100)
    assert str(caught.value) == (
        "A fit by Point cannot go on from where it ended.\nPoint has nothing to add to: its answer is final."
    )


def test_a_run_is_steered_by_what_its_engine_knows(model: Any) -> None:
    run = start(model.model, Counter(100), 1)
    run.steer(pace=3.0)
    assert next(run).step == 30
    with pytest.raises(pf.EngineError, match="Counter cannot change rate while it runs"):
        run.steer(rate=1.0)
    with pytest.raises(pf.EngineError, match="Exact has nothing that can be changed while it runs"):
        start(model.model, pf.Exact(), 1).steer(pace=1.0)


def test_resume_keeps_the_state_of_the_run_before(model: Any) -> None:
    run = start(model.model, Counter(100), 1)
    list(run)
    again = resume(model.model, Counter(100), run.state, 1, draws=20)
    assert [event.step for event in again] == [110, 120]


def test_seeds_are_whole_numbers(model: Any) -> None:
    for seed in (1.5, "a", -1):
        with pytest.raises(pf.EngineError, match="The seed is a whole number"):
            start(model.model, Counter(100), seed)


def test_the_choice_of_the_engine_is_said(model: Any) -> None:
    assert choose(model.model).engine == pf.Exact()
    assert choose(model.model).reason == ""
    heavy = pf.prepare(TEXT + " + (1 | Subject)\nDays ~ StudentT(3, 0, 20)", pf.datasets.sleepstudy())
    phases: list[str] = []

    class Listener(NullProgress):
        def show(self, event: Any) -> None:
            phases.append(event.phase)

    run = heavy.run(seed=1)
    run.engine = Counter(100)
    fit = finish(run, progress=Listener())
    assert dict(fit.card.run)["engine"] == "Counter (counting), chosen because Days has a StudentT prior"
    assert set(phases) == {"Counter: counting"}
    chosen = choose(heavy.model)
    assert type(chosen.engine).__name__ == "NUTS"


def test_a_class_gets_exact_where_it_applies_and_else_nuts_with_the_reason() -> None:
    class Line(pf.Model):
        def __init__(self, kind: Any) -> None:
            self.w, self.sigma, self.kind = pf.Parameter([2]), pf.ScaleParameter(), kind

        def __call__(self, x: Any) -> Any:
            import tensorflow as tf

            return self.kind(tf.linalg.matvec(x, self.w()), self.sigma())

    x = np.column_stack([np.ones(20), np.linspace(-1, 1, 20)])
    y = x @ [0.5, 1.0] + np.random.default_rng(1).normal(size=20)
    assert choose(Line(pf.Normal).program(x, y)).engine == pf.Exact()
    heavy = choose(Line(pf.Laplace).program(x, y))
    assert heavy.engine == pf.NUTS()
    assert heavy.reason == "its likelihood is Laplace, not Normal"


def test_what_is_for_formulas_says_what_else_to_ask() -> None:
    class Mean(pf.Model):
        def __init__(self) -> None:
            self.mu, self.sigma = pf.Parameter([3]), pf.ScaleParameter()

        def __call__(self, x: Any) -> Any:
            import tensorflow as tf

            return pf.Normal(tf.linalg.matvec(x, self.mu()), self.sigma())

    rng = np.random.default_rng(2)
    x = rng.normal(size=(30, 3))
    fit: Fit = Mean().fit(x, x @ [1, 0, -1] + rng.normal(size=30) * 0.5, seed=1)
    for question in ("fixef", "ranef", "ranef_sd", "varcorr", "se"):
        with pytest.raises(pf.FitError) as caught:
            getattr(fit, question)
        assert caught.value.hint == 'Ask for posterior_mean("mu"), posterior_sd("mu") or draws.'
    with pytest.raises(pf.FitError, match="criterion"):
        _ = fit.criterion
    with pytest.raises(pf.FitError, match="no formula"):
        _ = fit.spec
