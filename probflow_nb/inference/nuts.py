"""NUTS: Hamiltonian Monte Carlo whose paths end where they turn back, for any model.

The no-U-turn sampler with multinomial weights (Hoffman and Gelman 2014, JMLR 15; Betancourt 2017), all chains in one
compiled program. Effects begin non-centred; half-way through the warm-up those that the data know well are centred.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import EngineError
from ..model.density import Density
from ..model.link_range import unbounded_links, walled
from ..model.model import Model
from ..model.separation import unbounded
from ..posterior import diagnostics
from ..posterior.verdict import Behaviour, judge_nuts
from . import metric, preconditioning, warmup
from .assembly import chain_draws, named_values
from .chains import Chains, move
from .engine import Glimpse, Info, Posterior
from .gaussian import check_response_family
from .nuts_program import Shape, compiled
from .option_names import Optioned
from .preconditioning import Exploration, Preconditioner
from .warmup import FAR, NEAR, Warmup

# Seconds of work in a step.
_CHUNK = 0.2
# Passes before the pace is known.
_FIRST = 32
# Draws a chain below which there is nothing to show.
_LEAST = 20
# and below which a glimpse has nothing to show.
_SEEN = 10
_MOST_DRAWS = 10_000_000
# Share of the time that figures of merit may take while the chains run.
_WATCHING = 0.05


@dataclass(frozen=True)
class NUTS(metaclass=Optioned):
    """The no-U-turn sampler: draws of any model, with chains that tell whether they agree.

    draws: posterior draws in all. chains: into how many they are divided. warmup: draws a chain that are spent on step
    size, metric and centring; None for 150 where Laplace or Exact can say where the posterior lies, else 500.
    max_depth: doublings of a path at most. target_accept: acceptance that the step size is tuned for; nearer to 1
    makes smaller, safer steps.
    """

    draws: int = field(
        default=4000, metadata={"help": "posterior draws in all", "least": 100, "most": _MOST_DRAWS, "step": 1000}
    )
    chains: int = field(
        default=4, metadata={"help": "chains that the draws are divided into", "least": 1, "most": 256, "step": 1}
    )
    warmup: int | None = field(
        default=None,
        metadata={"help": "warm-up draws a chain; by itself 150 to 500", "least": 50, "most": 10**6, "step": 100},
    )
    max_depth: int = field(
        default=10, metadata={"help": "doublings of a path at most", "least": 1, "most": 15, "step": 1}
    )
    target_accept: float = field(
        default=0.8,
        metadata={"help": "acceptance that the step size is tuned for", "least": 0.5, "most": 0.999, "step": 0.05},
    )

    def __post_init__(self) -> None:
        for name, least, most in (("chains", 1, 256), ("warmup", 50, 10**6), ("max_depth", 1, 15)):
            value = getattr(self, name)
            if name == "warmup" and value is None:
                continue
            if not _is_whole(value) or not least <= value <= most:
                raise EngineError(f"NUTS takes a whole number from {least} to {most} for {name}, not {value!r}.")
        if not _is_whole(self.draws) or not 100 <= self.draws <= _MOST_DRAWS or self.draws % self.chains:
            raise EngineError(
                f"NUTS needs 100 to {_MOST_DRAWS:,} draws, a multiple of the chains, not {self.draws!r} in "
                f"{self.chains} chains.",
                hint=f"Write, for example, NUTS(draws={1000 * self.chains}, chains={self.chains}).",
            )
        target = self.target_accept
        if isinstance(target, bool) or not isinstance(target, (int, float)) or not 0.5 <= target <= 0.999:
            raise EngineError(f"NUTS takes a target_accept from 0.5 to 0.999, not {target!r}.")

    def check(self, model: Any) -> None:
        """Raise EngineError unless the model has a density with something to draw."""
        if not hasattr(model, "density"):
            raise EngineError("NUTS needs a model with a log density, and this one has none.")
        if isinstance(model, Model):
            check_response_family(model)
        if model.density.size == 0:
            raise EngineError("The model has no parameter: there is nothing to draw.")

    def init(self, model: Any, seed: int) -> NutsState:
        """Return the state before the program is compiled."""
        return NutsState(seed, self.draws // self.chains, self.warmup or FAR.draws)

    def step(self, model: Any, state: NutsState) -> tuple[NutsState, Info]:
        """Compile, or move the chains for about a fifth of a second."""
        if state.phase == "start":
            state = self._foreseen(model, state)
            return state, Info(0, self._total(state), state.phase)
        if state.phase == "exploring":
            return self._explored(model, state)
        if state.phase == "compiling":
            return self._compiled(model.density, state), Info(0, self._total(state), "compiling")
        began = time.perf_counter()
        while True:
            state = self._warmed(model.density, state) if state.phase == "warm-up" else self._drawn(state)
            if state.done or time.perf_counter() - began >= _CHUNK:
                break
        state = replace(state, seconds=state.seconds + time.perf_counter() - began)
        return self._watched(model.density, state)

    def result(self, model: Any, state: NutsState) -> Posterior:
        """Return the posterior: the draws that every chain has, their figures of merit and the verdict."""
        density: Density = model.density
        chains = state.drawing
        each = min(int(chains.counts.min()), state.each)
        figures = chains.figures(each)
        draws = chain_draws(density, named_values(density, chains.draws(each), chains.inputs))
        behaviour = Behaviour(
            divergences=int(figures["diverged"].sum()),
            cut=float(np.mean(figures["depth"] >= self.max_depth)),
            e_bfmi=float(np.min(diagnostics.e_bfmi(figures["energy"]))),
            target=self.target_accept,
            finished=state.done,
            wall=_wall(model),
        )
        verdict = judge_nuts(draws, behaviour)
        if isinstance(model, Model) and model.record is not None:
            verdict = replace(verdict, notes=(*verdict.notes, *unbounded(model.record, model.design)))
        return Posterior(draws, verdict, None, self._method(density, state, each))

    def extend(self, model: Any, state: NutsState, draws: int = 2000) -> tuple[NUTS, NutsState]:
        """Return the engine and the state that go on to so many draws more, without another warm-up."""
        if not _is_whole(draws) or draws < 1:
            raise EngineError(f"NUTS goes on by a positive whole number of draws, not {draws!r}.")
        # A run that was stopped goes on from the draws it has, not from those it was to have.
        have = state.each if state.sampling is None else min(int(state.sampling.counts.min()), state.each)
        each = have + math.ceil(draws / self.chains)
        return replace(self, draws=each * self.chains), replace(state, each=each)

    def glimpse(self, model: Any, state: NutsState, most: int = 1000) -> Glimpse | None:
        """Return draws so far in their order, during the warm-up those of its present window."""
        chains = state.sampling or (state.warming.chains if state.warming else None)
        each = 0 if chains is None else min(int(chains.counts.min()), state.each if state.sampling else 2**30)
        if chains is None or each < _SEEN:
            return None
        density: Density = model.density
        values = named_values(density, chains.thinned(each, most // self.chains), chains.inputs)
        return Glimpse(tuple(density.names), density.scalars(values), ordered=True)

    def _total(self, state: NutsState) -> int:
        return self.chains * (state.warmup + state.each)

    def _compiled(self, density: Density, state: NutsState) -> NutsState:
        shape = Shape(self.chains, density.size, self.max_depth, density.size <= metric.DENSE)
        loop = compiled(density, density.inputs(), shape)
        warming = None if state.known is None else warmup.begin_near(density, loop, state.known, state.seed)
        if warming is None:
            warming = warmup.begin(density, loop, state.seed)
        return replace(state, phase="warm-up", warming=warming, warmup=self.warmup or warming.plan.draws)

    def _foreseen(self, model: Any, state: NutsState) -> NutsState:
        """Return the state before a quick look at the posterior, or before compiling where nothing can look."""
        exploration = None if state.known is not None else preconditioning.begin(model, state.seed)
        if exploration is None:
            return replace(state, phase="compiling")
        return replace(state, phase="exploring", exploration=exploration, warmup=self.warmup or NEAR.draws)

    def _explored(self, model: Any, state: NutsState) -> tuple[NutsState, Info]:
        """Return the state after a step of the look; what it could not see is left to the warm-up."""
        assert state.exploration is not None
        try:
            exploration, seen = state.exploration.step(model)
            known = preconditioning.preconditioner(model, exploration, state.seed) if exploration.done else None
        except EngineError:
            exploration, seen, known = None, Info(0, 0, "exploring"), None
        ended = exploration is None or exploration.done
        state = replace(
            state, phase="compiling" if ended else "exploring", exploration=None if ended else exploration, known=known
        )
        return state, Info(0, self._total(state), "exploring", seen.objective)

    def _warmed(self, density: Density, state: NutsState) -> NutsState:
        warming = state.warming
        assert warming is not None
        goal = warming.goal(state.warmup * self.chains)
        deepest = warming.deepest(self.max_depth)
        chains, pace = _timed(warming.chains, state.pace, 2**30, goal, deepest, self.target_accept)
        warming, state = replace(warming, chains=chains), replace(state, pace=pace)
        if chains.counts.sum() < goal:
            return replace(state, warming=warming)
        if not warming.last:
            return replace(state, warming=warmup.advance(density, warming))
        return replace(state, warming=warming, phase="sampling", sampling=warmup.sampling(chains))

    def _drawn(self, state: NutsState) -> NutsState:
        chains, pace = _timed(state.drawing, state.pace, state.each, 2**30, self.max_depth, None)
        return replace(state, sampling=chains, pace=pace)

    def _watched(self, density: Density, state: NutsState) -> tuple[NutsState, Info]:
        """Return the state and what a person sees of it; rhat and ess only as often as they cost little."""
        chains = state.sampling or (state.warming.chains if state.warming else None)
        assert chains is not None
        each = min(int(chains.counts.min()), state.each)
        done = self._progress(state)
        figures: dict[str, float] = {"step size": chains.step_size() if state.sampling is None else state.step_size}
        objective = float("nan")
        if each:
            seen = chains.figures(each)
            recent = {name: value[:, -100:] for name, value in seen.items()}
            objective = float(recent["value"].mean())
            figures |= {"accept": float(recent["accept"].mean()), "depth": float(recent["depth"].mean())}
            if state.sampling is not None:
                figures["divergences"] = float(seen["diverged"].sum())
        if state.sampling is not None and each >= _LEAST:
            state = self._judged(density, state, chains, each)
            figures |= state.merit
        return state, Info(done, self._total(state), state.phase, objective, figures)

    def _judged(self, density: Density, state: NutsState, chains: Chains, each: int) -> NutsState:
        if state.merit and (state.done or state.watching > _WATCHING * state.seconds):
            return state
        began = time.perf_counter()
        scalars = density.scalars(named_values(density, chains.draws(each), chains.inputs))
        merit = {
            "rhat": float(np.max(diagnostics.rhat(scalars), initial=1.0)),
            "ess": float(np.min(diagnostics.ess_bulk(scalars), initial=each * self.chains)),
        }
        return replace(state, merit=merit, watching=state.watching + time.perf_counter() - began)

    def _progress(self, state: NutsState) -> int:
        if state.sampling is not None:
            return self.chains * state.warmup + int(np.minimum(state.sampling.counts, state.each).sum())
        if state.warming is None:
            return 0
        return round(state.warming.begun() * state.warmup * self.chains) + int(state.warming.chains.counts.sum())

    def _method(self, density: Density, state: NutsState, each: int) -> str:
        chains = state.drawing
        leaves = chains.figures(each)["leaves"].mean()
        text = (
            f"No-U-turn sampler, {self.chains} chains of {each:,} draws after {state.warmup:,} of warm-up"
            f"{'' if state.known is None else f' from draws of {state.known.source}'}, "
            f"{'dense' if chains.root.ndim == 2 else 'diagonal'} metric, step {state.step_size:.2g}, "
            f"{leaves:.1f} gradients a draw"
        )
        centred = _centred(density, state.warming)
        return f"{text}; {centred}" if centred else text


@dataclass(frozen=True, eq=False)
class NutsState:
    """What the next step needs.

    seed. each: draws wanted of each chain. warmup: draws a chain that it takes. phase: "start", "exploring",
    "compiling", "warm-up" or "sampling". exploration: a quick look at the posterior; known: what it found. warming:
    how far the warm-up is, or was. sampling: the chains that draw. seconds, watching: time spent on moves, and on
    merit, the last rhat and ess. pace: seconds a pass, 0 before one is known.
    """

    seed: int
    each: int
    warmup: int = FAR.draws
    phase: str = "start"
    exploration: Exploration | None = None
    known: Preconditioner | None = None
    warming: Warmup | None = None
    sampling: Chains | None = None
    seconds: float = 0.0
    watching: float = 0.0
    merit: Mapping[str, float] = field(default_factory=dict)
    pace: float = 0.0

    @property
    def drawing(self) -> Chains:
        """The chains that draw; only after the warm-up."""
        assert self.sampling is not None
        return self.sampling

    @property
    def step_size(self) -> float:
        """The step size of the draws."""
        return float(np.exp(self.drawing.tuned.log_step))

    @property
    def done(self) -> bool:
        """Whether every chain has its draws."""
        return self.sampling is not None and int(self.sampling.counts.min()) >= self.each

    @property
    def ready(self) -> bool:
        """Whether every chain has some draws."""
        return self.sampling is not None and int(self.sampling.counts.min()) >= min(_LEAST, self.each)


def _timed(
    chains: Chains, pace: float, each: int, together: int, deepest: int, target: float | None
) -> tuple[Chains, float]:
    """Return the chains after about as many passes as fit into a step, and the pace they made."""
    most = max(1, int(_CHUNK / pace)) if pace else _FIRST
    began = time.perf_counter()
    moved = move(chains, each, together, deepest, target, most)
    return moved, (time.perf_counter() - began) / max(1, moved.passes - chains.passes)


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _centred(density: Density, warming: Warmup | None) -> str:
    """Return how many units of each kind are centred, "Subject: 18 of 18 centred"; "" where nothing can be."""
    if warming is None or not density.centrings:
        return ""
    counts: dict[str, list[int]] = {}
    for name, centred in zip(density.centrings, warming.centring, strict=True):
        # Units are "factor level" of a compiled model, "name[i]" of a person's own.
        owner = name.split("[")[0] if " " not in name else name.split(" ")[0]
        found = counts.setdefault(owner, [0, 0])
        found[0] += int(centred > 0.5)
        found[1] += 1
    return ", ".join(f"{owner}: {a} of {b} centred" for owner, (a, b) in counts.items())


def _wall(model: Any) -> str:
    """Return what to do about paths that end where the range of the model's link does; "" where it does not end."""
    reason = walled(model.record, model.design) if isinstance(model, Model) and model.record is not None else ""
    if not reason:
        return ""
    return (
        f"The posterior ends at a wall, because {reason}; paths that reach it count as diverged. Take the link "
        f"{unbounded_links(model.record)}, which has none."
    )
