"""Laplace: the posterior of a multilevel model with a family, in about a second and without a compile step.

Theta is explored as Exact explores it, on the Laplace approximation of its marginal posterior. Then theta, beta and the
effects of all factors but the first are drawn together, the first factor's effects are integrated out level by level
by quadrature, and every draw is weighed by the exact density over that which it was drawn from. So the answer is
corrected, and khat of these weights says whether it can be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import EngineError
from ..model.latent_design import elimination_cost
from ..model.link_range import unbounded_links, walled
from ..model.model import Model
from ..posterior.draws import Effects, Origin
from . import exact, handover, importance
from .engine import Glimpse, Info, Posterior
from .exact import ExactState
from .gaussian import check_beta_priors, has_record, refuse_formulas
from .handover import Handover
from .importance import Cloud
from .laplace_answer import answer, seen
from .laplace_learning import Learning
from .laplace_round import Round
from .laplace_target import LaplaceTarget, laplace_target

_GOOD_KHAT = 0.5
# A first few draws are enough to go on with where so many of them are effective; else the proposal learns from them.
_GOOD_SHARE, _PILOT, _PILOTS = 0.7, 400, 3
# Of a border wider than this no covariance is learned.
_WIDEST = 60
_REFINEMENTS = 4
_EXPLORING = ("mode", "emulate", "adapt")
# Multiply-adds that all corrected draws may cost, and the fewest draws whatever they cost.
_AFFORDABLE = 1.5e10
_LEAST = 600
# and what the few may cost that answer for a run which was stopped while theta was explored.
_HURRIED = 1.5e9
_FEWEST = 60
# Multiply-adds of the dense part of one Newton step, at most: about half a second, some thousand times.
_WIDEST_STEP = 1e9
_MOST_DRAWS = 10_000_000


@dataclass(frozen=True)
class Laplace:
    """Laplace approximation of a multilevel model with a family, corrected by importance weights.

    draws: posterior draws in all. chains: into how many they are laid out. handover: whether NUTS goes on by itself
    where the correction cannot be trusted.
    """

    draws: int = field(
        default=4000, metadata={"help": "posterior draws in all", "least": 100, "most": _MOST_DRAWS, "step": 1000}
    )
    chains: int = field(
        default=4, metadata={"help": "chains that the draws are laid out in", "least": 1, "most": 256, "step": 1}
    )
    handover: bool = field(default=True, metadata={"help": "go on with NUTS where the correction cannot be trusted"})

    def __post_init__(self) -> None:
        for name in ("draws", "chains"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value > _MOST_DRAWS:
                raise EngineError(f"Laplace takes a whole number up to {_MOST_DRAWS:,} for {name}, not {value!r:.60}.")
        if self.draws < 100 or self.chains < 1 or self.draws % self.chains:
            chains = self.chains if self.chains > 0 else 4
            raise EngineError(
                f"At least 100 draws are needed, a multiple of the chains, not {self.draws} in {self.chains} chains.",
                hint=f"Write, for example, Laplace(draws={max(self.draws, 1000) // chains * chains}, chains={chains}).",
            )

    def check(self, model: Model) -> None:
        """Raise EngineError unless the model is a formula of a family that has a record, with Normal or Flat priors."""
        refuse_formulas(model, "laplace")
        if not has_record(model):
            family = getattr(getattr(model, "spec", None), "family", None)
            what = "this model" if family is None else f"{family.name} responses with link {family.link}"
            raise EngineError(
                f"The engine laplace does not fit {what}.", hint="Leave the engine out: the model decides."
            )
        check_beta_priors(model, "laplace")
        wall = at_wall(model)
        if wall:
            assert model.record is not None
            raise EngineError(
                f"The engine laplace does not fit this model, because {wall}.",
                hint=f"Take engine=NUTS(), or the link {unbounded_links(model.record)}.",
            )
        wide = too_wide(model)
        if wide:
            raise EngineError(
                f"The engine laplace takes too long where {wide}.", hint="Take engine=NUTS() or engine=VI()."
            )

    def init(self, model: Model, seed: int) -> LaplaceState:
        """Return the state before the climb: the best of a cloud of starting points."""
        target = laplace_target(model)
        marginal = target.collapsed
        costly = exact.is_costly(marginal, self.draws)
        total = int(min(self.draws, max(_LEAST, _AFFORDABLE / target.draw_cost)))
        return LaplaceState(target, seed, ExactState("mode", seed, costly, target.start(costly, seed)), total)

    def step(self, model: Model, state: LaplaceState) -> tuple[LaplaceState, Info]:
        """Do one step: of the exploration, of learning where modes lie, or a part of a round of corrected draws."""
        if state.handed is not None:
            handed, info = state.handed.step(model)
            return replace(state, handed=handed), info
        if state.learning is not None:
            return _learn(state, state.learning)
        if state.exploring:
            return _explore(self, state)
        state, info = _draw(state, state.round or _next_round(state))
        if state.phase == "done" and self.handover:
            assert state.cloud is not None
            khat, ess = info.figures["khat"], info.figures["ess"]
            if handover.needed(khat, ess, len(state.cloud.x)):
                begun = handover.begin(model, state, self.draws, self.chains, khat)
                return replace(state, handed=begun), replace(info, phase="handed over")
        return state, info

    def glimpse(self, model: Model, state: LaplaceState, most: int = 1000) -> Glimpse | None:
        """Return draws resampled from the corrected ones so far, or from the exploration while there are none."""
        found = None if state.handed is None else state.handed.glimpse(model, most)
        if found is not None:
            return found
        cloud = state.corrected
        return seen(state.target, state.explored.cloud if cloud is None else cloud, cloud is not None, state.seed, most)

    def extend(self, model: Model, state: LaplaceState, draws: int = 2000) -> tuple[Laplace, LaplaceState]:
        """Return the engine and the state that go on to so many draws more, from the proposal learned so far."""
        if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or not 1 <= draws <= _MOST_DRAWS:
            raise EngineError(
                f"Laplace goes on by a whole number of draws from 1 to {_MOST_DRAWS:,}, not {draws!r:.60}."
            )
        more = math.ceil(draws / self.chains) * self.chains
        engine = replace(self, draws=self.draws + more)
        if state.handed is not None and not state.handed.refused:
            return engine, replace(state, handed=state.handed.extended(model, more))
        total = state.total + more
        if state.done:
            assert state.cloud is not None
            total = len(state.cloud.x) + more
        phase = "sample" if state.done else state.phase
        return engine, replace(state, total=total, refined=0, phase=phase, handed=None)

    def redraw(self, model: Model, origin: Origin) -> tuple[Effects, ...]:
        """Return the effects of a fit again, by what they were drawn from; EngineError where it is of another model."""
        target = laplace_target(model)
        try:
            starts = target.collapsed.starts.remembering(origin.known)
        except ValueError:
            starts = None
        if starts is None or (origin.theta.shape[1], origin.common.shape[1]) != (
            target.collapsed.size,
            target.collapsed.design.m,
        ):
            raise EngineError("The group effects are of another model than this one.")
        target = replace(target, collapsed=replace(target.collapsed, starts=starts))
        return target.effects(origin.theta, origin.common, origin.seed)

    def result(self, model: Model, state: LaplaceState) -> Posterior:
        """Return the posterior: draws laid out in chains, the evidence and the verdict."""
        handed = state.handed
        if handed is not None and handed.state.ready:
            return handed.result(model)
        cloud = state.corrected or _hurried(state)
        found = answer(state.target, cloud, self.draws, self.chains, state.seed, state.done)
        return found if handed is None else handed.told(found)


@dataclass(frozen=True, eq=False)
class LaplaceState:
    """Where a fit stands.

    target: the model, with what is known of its latent modes. explored: the exploration of theta. total: corrected
    draws wanted. learning: modes that are being learned from. phase: "sample", "refine" or "done" after the
    exploration. cloud: corrected draws, their borders as means; round: those being made. refined: rounds. pilots:
    rounds that were drawn to shape the proposal. proposal: of theta, once it was shaped. handed: to NUTS, if it was.
    """

    target: LaplaceTarget
    seed: int
    explored: ExactState
    total: int
    learning: Learning | None = None
    phase: str = "sample"
    cloud: Cloud | None = None
    round: Round | None = None
    refined: int = 0
    pilots: int = 0
    proposal: importance.Proposal | None = None
    handed: Handover | None = None

    @property
    def exploring(self) -> bool:
        """Whether theta is still being explored."""
        return self.cloud is None and self.explored.phase in _EXPLORING

    @property
    def done(self) -> bool:
        """Whether all draws are made."""
        return self.phase == "done" and (self.handed is None or self.handed.done)

    @property
    def ready(self) -> bool:
        """Whether there are draws to answer with."""
        return self.explored.cloud is not None

    @property
    def corrected(self) -> Cloud | None:
        """All corrected draws so far, with those of a round that is not complete."""
        return self.cloud if self.round is None else self.round.joined(self.cloud)


def at_wall(model: Model) -> str:
    """Return why the posterior may end at a wall, in words that follow "because"; "" where it does not."""
    return "" if model.record is None else walled(model.record, model.design)


def too_wide(model: Model) -> str:
    """Return why block elimination leaves too much to do, in words that follow "because"; "" where it does not."""
    if elimination_cost(model.design) <= _WIDEST_STEP:
        return ""
    effects = {factor.name: len(factor.levels) * len(factor.columns) for factor in model.factors}
    first = max(effects, key=lambda name: effects[name])
    crossed = sum(effects.values()) - effects[first]
    return f"{crossed:,} effects are crossed with the {effects[first]:,} of {first}"


def _explore(engine: Laplace, state: LaplaceState) -> tuple[LaplaceState, Info]:
    before = state.explored
    explored, info = exact.advance(engine, state.target.collapsed, before)
    learning = None
    if before.phase == "mode" and explored.phase != "mode":
        # From here on every latent mode begins where those of its neighbours say.
        assert explored.mode is not None
        learning = state.target.learning(explored.mode, np.random.default_rng([state.seed, 4]))
    return replace(state, explored=explored, learning=learning), info


def _learn(state: LaplaceState, learning: Learning) -> tuple[LaplaceState, Info]:
    learning = learning.further(state.target.collapsed)
    info = Info(learning.made, len(learning.theta), "learning", float("nan"))
    if not learning.complete:
        return replace(state, learning=learning), info
    target = replace(state.target, collapsed=learning.learned(state.target.collapsed))
    return replace(state, target=target, learning=None), info


def _next_round(state: LaplaceState) -> Round:
    """Return the round that comes next, nothing of it done: of refinement, a first few draws, or all that are left."""
    assert state.explored.cloud is not None
    made = 100 * state.pilots
    if state.cloud is None:
        proposal = state.proposal or importance.refit(state.explored.cloud)
        size = min(_PILOT + 10 * state.target.collapsed.design.m, state.total)
    else:
        made += len(state.cloud.sizes)
        drawn = len(state.cloud.x)
        if state.phase == "refine":
            # Where the weights are largest, and once more everywhere, in turn.
            better = importance.refit if state.refined % 2 else importance.refine
            proposal, size = better(state.cloud), max(200, drawn // (2 * state.refined + 8))
        else:
            proposal, size = state.proposal or importance.refit(state.cloud), max(state.total - drawn, 1)
    return Round.begun(proposal, size, state.seed, made)


def _draw(state: LaplaceState, current: Round) -> tuple[LaplaceState, Info]:
    """Make a part of a round; at its end see what comes next."""
    current = current.further(state.target)
    cloud = current.joined(state.cloud)
    _, khat, ess = cloud.quality()
    figures = {"khat": khat, "ess": ess}
    refining = state.phase == "refine"
    if not current.complete:
        info = Info(len(cloud.x), state.total, "sampling", ess, figures)
        if refining:
            info = Info(state.refined + 1, _REFINEMENTS, "refining", ess, figures)
        return replace(state, round=current), info
    state = replace(state, round=None)
    if refining:
        rounds = state.refined + 1
        over = khat < _GOOD_KHAT or rounds >= _REFINEMENTS
        info = Info(rounds, _REFINEMENTS, "refining", ess, figures)
        return replace(state, cloud=cloud, refined=rounds, phase="done" if over else "refine"), info
    width = state.target.collapsed.design.m
    if state.cloud is None and state.pilots < _PILOTS and 0 < width <= _WIDEST and ess < _GOOD_SHARE * len(cloud.x):
        # The approximation is off: what these draws say of where and how wide the posterior is shapes the next ones.
        info = Info(state.pilots + 1, _PILOTS, "shaping", ess, figures)
        target, better = state.target.reshaped(cloud), importance.refit(cloud)
        return replace(state, target=target, proposal=better, pilots=state.pilots + 1), info
    info = Info(len(cloud.x), state.total, "sampling", ess, figures)
    following = "sample" if len(cloud.x) < state.total else "done" if khat < _GOOD_KHAT else "refine"
    return replace(state, cloud=cloud, phase=following), info


def _hurried(state: LaplaceState) -> Cloud:
    """Return a few corrected draws for a run that was stopped before it made any."""
    assert state.explored.cloud is not None
    size = int(np.clip(_HURRIED / state.target.draw_cost, _FEWEST, _LEAST))
    current = Round.begun(importance.refit(state.explored.cloud), size, state.seed, 0)
    while not current.complete:
        current = current.further(state.target)
    return current.joined(None)
