"""Exact: the posterior of a Gaussian multilevel model by integrating beta and b out in closed form.

Only theta is left (log sds, correlations, log sigma). Its mode is found by Newton's method; t proposals are adapted by
importance sampling until Pareto's khat is good; beta is drawn exactly given theta, b when asked for. Where khat stays
bad, theta is sampled by Hamiltonian Monte Carlo instead; where one evaluation costs much (large crossed factors), the
log density of theta is emulated from some hundred evaluations first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from ..errors import EngineError
from ..model.collapsed import Collapsed
from ..model.model import Model
from ..model.program import Program
from ..posterior.draws import Effects, Origin
from ..posterior.verdict import POOR
from . import hmc, importance, newton
from .answer import from_chains, from_cloud, seen_in_chains, seen_in_cloud
from .emulator import CHECKED, Emulator, check_emulator, fit_emulator
from .engine import Glimpse, Info, Posterior
from .gaussian import check_beta_priors, check_gaussian, check_program
from .importance import Cloud, Proposal
from .instalments import Instalments, Known, NotYet
from .newton import Mode
from .option_names import Optioned
from .rounding import on_grid
from .target import target

# khat above this is not trusted (Vehtari et al. 2024); the proposal is adapted, then HMC takes over.
_GOOD_KHAT = 0.5
# More draws than this are surely a slip, and would not fit into memory.
_MOST_DRAWS = 10_000_000
_ROUNDS = 6
_REFINEMENTS = 12
_MODE_TOLERANCE = 0.02
_MODE_STEPS = 60
# Multiply-adds for all draws above which the log density is emulated: about five seconds of two cores.
_COSTLY = 4e10
# and up to which a failed emulator is replaced by exact evaluations: some minutes.
_AFFORDABLE = 2e12
# Multiply-adds of one evaluation above which a step may take several turns.
_SLOW = 4e5


@dataclass(frozen=True)
class Exact(metaclass=Optioned):
    """Exact posterior of a Gaussian multilevel model, by integrating out all effects.

    draws: posterior draws in all. chains: into how many they are laid out.
    """

    draws: int = field(
        default=4000, metadata={"help": "posterior draws in all", "least": 100, "most": _MOST_DRAWS, "step": 1000}
    )
    chains: int = field(
        default=4, metadata={"help": "chains that the draws are laid out in", "least": 1, "most": 256, "step": 1}
    )

    def __post_init__(self) -> None:
        for name in ("draws", "chains"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value > _MOST_DRAWS:
                raise EngineError(f"Exact takes a whole number up to {_MOST_DRAWS:,} for {name}, not {value!r:.60}.")
        if self.draws < 100 or self.chains < 1 or self.draws % self.chains:
            chains = self.chains if self.chains > 0 else 4
            raise EngineError(
                f"Exact needs at least 100 draws, a multiple of the chains, not {self.draws} in {self.chains} chains.",
                hint=f"Write, for example, Exact(draws={max(self.draws, 1000) // chains * chains}, chains={chains}).",
            )

    def check(self, model: Model | Program) -> None:
        """Raise EngineError unless the model is Gaussian given a few numbers."""
        if isinstance(model, Program):
            check_program(model)
            return
        check_gaussian(model, "exact")
        check_beta_priors(model)

    def init(self, model: Model | Program, seed: int) -> ExactState:
        """Return the state before the climb: the best of a cloud of starting points."""
        fitted = target(model)
        marginal = fitted.collapsed
        costly = is_costly(marginal, self.draws)
        return ExactState("mode", seed, costly, fitted.start(costly, seed))

    def step(self, model: Model | Program, state: ExactState) -> tuple[ExactState, Info]:
        """Do one step of the phase that the state is in."""
        return advance(self, target(model).collapsed, state)

    def glimpse(self, model: Model | Program, state: ExactState, most: int = 1000) -> Glimpse | None:
        """Return draws resampled from the weighted cloud, or those of HMC where it took over."""
        if state.cloud is None:
            return None
        if state.chains is not None and state.chains.phase == "sampling" and len(state.chains.draws) >= 25:
            return seen_in_chains(target(model), state.chains, state.seed, most)
        return seen_in_cloud(target(model), state.cloud, state.seed, most)

    def extend(self, model: Model | Program, state: ExactState, draws: int = 2000) -> tuple[Exact, ExactState]:
        """Return the engine and the state that go on to so many draws more, from the proposal learned so far."""
        if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or not 1 <= draws <= _MOST_DRAWS:
            raise EngineError(f"Exact goes on by a whole number of draws from 1 to {_MOST_DRAWS:,}, not {draws!r:.60}.")
        more = math.ceil(draws / self.chains) * self.chains
        engine = replace(self, draws=self.draws + more)
        if not state.done:
            return engine, state
        if state.chains is not None:
            return engine, replace(state, phase="hmc", chains=hmc.longer(state.chains, more))
        assert state.cloud is not None
        made = len(state.cloud.sizes)
        return engine, replace(state, phase="sample", refined=0, sampled=self.draws, first=made)

    def redraw(self, model: Model | Program, origin: Origin) -> tuple[Effects, ...]:
        """Return the effects of a fit again, by what they were drawn from; EngineError where it is of another model."""
        fitted = target(model)
        if (origin.theta.shape[1], origin.common.shape[1]) != (fitted.collapsed.size, fitted.collapsed.n_common):
            raise EngineError("The group effects are of another model than this one.")
        return fitted.effects(origin.theta, origin.common, origin.seed)

    def result(self, model: Model | Program, state: ExactState) -> Posterior:
        """Return the posterior: draws laid out in chains, the evidence and the verdict."""
        assert state.cloud is not None
        if state.chains is not None and state.chains.phase == "sampling" and len(state.chains.draws) >= 25:
            return from_chains(target(model), state.chains, state.cloud, state.seed, state.phase != "done")
        return from_cloud(target(model), state.cloud, state.emulator, self.draws, self.chains, state.seed, state.done)


@dataclass(frozen=True, eq=False)
class ExactState:
    """Where an exact fit stands.

    phase: "mode", "emulate", "adapt", "sample", "refine", "check", "hmc" or "done". costly: whether the density is
    emulated. theta: (d,) the starting point. mode: of the climb. cloud: all weighted draws. rounds: how many rounds of
    it adapted the proposal. refined: rounds of refinement. best: the largest effective share of draws after a round.
    chains: of HMC, if it took over. sampled: draws of runs that this one goes on from, first: the round that it began
    with, 0 for neither. known: evaluations of a step that takes several turns. shown: what is shown meanwhile.
    """

    phase: str
    seed: int
    costly: bool
    theta: np.ndarray
    mode: Mode | None = None
    emulator: Emulator | None = None
    cloud: Cloud | None = None
    rounds: int = 0
    refined: int = 0
    best: float = 0.0
    chains: hmc.Chains | None = None
    sampled: int = 0
    first: int = 0
    known: Known = field(default_factory=dict)
    shown: Info = field(default_factory=lambda: Info(0, 0, "finding the mode"))

    @property
    def done(self) -> bool:
        """Whether all draws are made."""
        return self.phase == "done"

    @property
    def ready(self) -> bool:
        """Whether there are draws to answer with."""
        return self.cloud is not None


class Drawing(Protocol):
    """What the phases ask of an engine: how many draws."""

    @property
    def draws(self) -> int:
        """Posterior draws in all."""
        ...


def is_costly(collapsed: Collapsed, draws: int) -> bool:
    """Return whether the density is emulated: where so many draws of theta would take too long."""
    # An emulator of more dimensions takes more evaluations and is harder to trust.
    return collapsed.cost * (draws + 2000) > _COSTLY * 4.0 ** max(0, collapsed.size - 4)


def advance(engine: Drawing, collapsed: Collapsed, state: ExactState) -> tuple[ExactState, Info]:
    """Do one step of the phase that the exploration of a collapsed density is in."""
    if not state.costly and collapsed.cost < _SLOW:
        return _PHASES[state.phase](engine, collapsed, state)
    return _by_instalments(engine, collapsed, state)


def _by_instalments(engine: Drawing, collapsed: Collapsed, state: ExactState) -> tuple[ExactState, Info]:
    """Do a step of a costly density, or as much of it as fits into a turn; the next turn goes on with it."""
    turn = Instalments(collapsed, state.known)
    if state.emulator is not None:
        state = replace(state, emulator=replace(state.emulator, marginal=turn))
    try:
        following, info = _PHASES[state.phase](engine, turn, state)
    except NotYet:
        following, info = replace(state, known=turn.known), state.shown
    else:
        following = replace(following, known={})
    if following.emulator is not None:
        following = replace(following, emulator=replace(following.emulator, marginal=collapsed))
    return replace(following, shown=replace(info, phase=_DOING.get(following.phase, info.phase))), info


def _climb(engine: Drawing, marginal: Collapsed, state: ExactState) -> tuple[ExactState, Info]:
    f = marginal.log_densities
    if state.mode is None:
        mode = newton.start(f, state.theta, _MODE_TOLERANCE)
    else:
        mode = newton.step(f, state.mode, _MODE_TOLERANCE)
    found = mode.converged or mode.iteration >= _MODE_STEPS
    following = ("emulate" if state.costly else "adapt") if found else "mode"
    if found and not np.isfinite(mode.value):
        raise EngineError(
            "The posterior density is not finite anywhere that was tried.",
            hint="Check the priors and the scale of the response.",
        )
    info = Info(mode.iteration, 0, "finding the mode", mode.value, {"decrement": mode.decrement})
    return replace(state, phase=following, mode=on_grid(mode) if found else mode), info


def _emulate(engine: Drawing, marginal: Collapsed, state: ExactState) -> tuple[ExactState, Info]:
    assert state.mode is not None
    emulator = fit_emulator(marginal, state.mode, state.emulator, np.random.default_rng([state.seed, 2]))
    info = Info(len(emulator.theta), emulator.budget, "emulating", emulator.error, {"error": emulator.error})
    return replace(state, phase="adapt" if emulator.finished else "emulate", emulator=emulator), info


def _with_draws(marginal: Collapsed, state: ExactState, proposal: Proposal, size: int) -> Cloud:
    """Return the cloud with draws of one more proposal, evaluated."""
    made = 0 if state.cloud is None else len(state.cloud.sizes)
    x = proposal.sample(np.random.default_rng([state.seed, 3, made]), size)
    points = (state.emulator or marginal).evaluate(x)
    if state.cloud is None:
        return importance.begin(proposal, x, points)
    return importance.extend(state.cloud, proposal, x, points)


def _adapt(engine: Drawing, marginal: Collapsed, state: ExactState) -> tuple[ExactState, Info]:
    assert state.mode is not None
    if state.cloud is None:
        proposal = Proposal(state.mode.x, newton.covariance_root(state.mode))
    else:
        proposal = importance.refit(state.cloud)
    cloud = _with_draws(marginal, state, proposal, 200 + 100 * marginal.size)
    _, khat, ess = cloud.quality()
    share, rounds = ess / len(cloud.x), state.rounds + 1
    # Enough when the draws are good as they are, or a round no longer improves what all together are worth.
    settled = khat < _GOOD_KHAT and (share > 0.7 or (rounds > 1 and share < 1.15 * state.best))
    following = "sample" if settled or rounds >= _ROUNDS else "adapt"
    info = Info(rounds, _ROUNDS, "adapting", ess, {"khat": khat, "ess": ess})
    return replace(state, phase=following, cloud=cloud, rounds=rounds, best=max(share, state.best)), info


def _sample(engine: Drawing, marginal: Collapsed, state: ExactState) -> tuple[ExactState, Info]:
    """Draw from the adapted proposal, some thousands a step."""
    assert state.cloud is not None
    now, total = sum(state.cloud.sizes[state.first or state.rounds :]), engine.draws
    drawn = state.sampled + now
    size = min(total - drawn, max(1000, int(5e9 / max(marginal.cost, 1.0))))
    proposal = importance.refit(state.cloud) if now == 0 else state.cloud.proposals[-1]
    cloud = _with_draws(marginal, state, proposal, size)
    _, khat, ess = cloud.quality()
    info = Info(drawn + size, total, "sampling", ess, {"khat": khat, "ess": ess})
    complete = drawn + size >= total
    following = "sample" if not complete else _end(state) if khat < _GOOD_KHAT else "refine"
    return replace(state, phase=following, cloud=cloud), info


def _refine(engine: Drawing, marginal: Collapsed, state: ExactState) -> tuple[ExactState, Info]:
    """Add draws where the weights are largest, until they are even enough or HMC has to take over."""
    assert state.cloud is not None
    rounds = state.refined + 1
    cloud = _with_draws(marginal, state, importance.refine(state.cloud), max(500, engine.draws // 8))
    _, khat, ess = cloud.quality()
    following = "refine"
    if khat < _GOOD_KHAT:
        following = _end(state)
    elif rounds >= _REFINEMENTS:
        following = "hmc" if state.emulator is None else "check"
    info = Info(rounds, _REFINEMENTS, "refining", ess, {"khat": khat, "ess": ess})
    return replace(state, phase=following, cloud=cloud, refined=rounds), info


def _end(state: ExactState) -> str:
    return "done" if state.emulator is None else "check"


def _check(engine: Drawing, marginal: Collapsed, state: ExactState) -> tuple[ExactState, Info]:
    """Hold the emulator to exact evaluations at draws of the answer; begin again with them if it misses."""
    assert state.cloud is not None
    assert state.emulator is not None
    rng = np.random.default_rng([state.seed, 7, state.emulator.repairs])
    picked = importance.resample(state.cloud.quality()[0], CHECKED, rng)
    emulator = check_emulator(state.emulator, state.cloud.x[picked])
    info = Info(emulator.repairs, 0, "checking", emulator.error, {"error": emulator.error})
    again = replace(
        state, phase="adapt", emulator=emulator, cloud=None, rounds=0, refined=0, best=0.0, sampled=0, first=0
    )
    if not emulator.finished:
        return again, info
    if not emulator.error < POOR and marginal.cost * (engine.draws + 2000) < _AFFORDABLE:
        return replace(again, emulator=None), info
    return replace(state, phase="done", emulator=emulator), info


def _hmc(engine: Drawing, marginal: Collapsed, state: ExactState) -> tuple[ExactState, Info]:
    assert state.cloud is not None
    chains = state.chains or hmc.start(marginal, state.cloud, engine.draws, state.seed)
    chains = hmc.step(marginal, chains)
    info = Info(chains.step, chains.total, chains.phase, float(chains.value.mean()), {"accept": chains.accept})
    return replace(state, phase="done" if chains.done else "hmc", chains=chains), info


# What a person is told while the first step of a phase is not done.
_DOING = {
    "mode": "finding the mode",
    "emulate": "emulating",
    "adapt": "adapting",
    "sample": "sampling",
    "refine": "refining",
    "check": "checking",
}
_PHASES: dict[str, Callable[[Drawing, Collapsed, ExactState], tuple[ExactState, Info]]] = {
    "mode": _climb,
    "emulate": _emulate,
    "adapt": _adapt,
    "sample": _sample,
    "refine": _refine,
    "check": _check,
    "hmc": _hmc,
}
