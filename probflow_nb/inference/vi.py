"""VI: the member of a Gaussian-like family that is nearest to the posterior, by natural-gradient ascent of the ELBO.

The family is structured (dense over the global numbers, with each level's effects given them), full or mean-field; the
ascent stops by the rule of `variational_stopping`; importance weights tell how far the family is from the posterior
(khat), and correct it on request.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import EngineError
from ..model.link_range import bounded, unbounded_links
from ..model.model import Model
from . import variational_stopping as stopping
from .assembly import named_values
from .engine import Glimpse, Info, Posterior
from .gaussian import check_gaussian, has_record
from .option_names import Optioned
from .row_stream import RowStream, stream
from .variational_answer import answer, prepare, seen
from .variational_ascent import Ascent, identify
from .variational_stopping import Trail
from .variational_structure import RANKS, choose_rank, structure_of

# Steps beyond which an ascent that does not settle is given up.
_LIMIT = 20_000
# A number above this is surely a slip: so many draws would not fit into memory.
_MOST = 10_000_000
_START = 0.1
# Whole windows before the centring is chosen by what the fit knows of each level.
_PILOT = 2
_PILOT_DRAWS = 1000
_MOMENT_DRAWS = 256
_PAIRS = 8
_MOST_PAIRS = 32
# Multiply-adds of one compiled chunk, roughly: about a tenth of a second.
_CHUNK_COST = 3e8
_CHUNK = 25


@dataclass(frozen=True)
class VI(metaclass=Optioned):
    """Variational inference: the nearest member of a family of distributions, with a verdict on how near that is.

    rank: "structured", "full", "mean-field", or None to let the model decide. steps: at most so many steps of the
    ascent; None for as many as its stopping rule takes. draws: posterior draws in all. batch: rows a step, None for
    all. learning_rate: of the natural gradient, above 0, at most 1. kl_weight: of the KL term; 1 is Bayes' rule.
    corrected: whether draws are resampled by importance weights, which also gives the evidence. chains: that draws are
    laid out in.
    """

    rank: str | None = field(
        default=None, metadata={"help": 'family: "structured", "full" or "mean-field"', "choices": RANKS}
    )
    steps: int | None = field(
        default=None, metadata={"help": "at most so many steps of the ascent", "least": 1, "most": _MOST, "step": 500}
    )
    draws: int = field(
        default=4000, metadata={"help": "posterior draws in all", "least": 100, "most": _MOST, "step": 1000}
    )
    batch: int | None = field(
        default=None,
        metadata={"help": "rows a step, for large data", "least": 1, "most": _MOST, "step": 100, "unit": "rows"},
    )
    learning_rate: float = field(
        default=0.2,
        metadata={"help": "of the ascent, above 0, at most 1", "least": 0.0, "above": True, "most": 1.0, "step": 0.05},
    )
    kl_weight: float = field(
        default=1.0,
        metadata={"help": "of the KL term; 1 is Bayes' rule", "least": 0.0, "above": True, "step": 0.1},
    )
    corrected: bool = field(default=False, metadata={"help": "resample the draws by importance weights"})
    chains: int = field(
        default=4, metadata={"help": "chains that the draws are laid out in", "least": 1, "most": 256, "step": 1}
    )

    def __post_init__(self) -> None:
        if self.rank is not None and self.rank not in RANKS:
            raise EngineError(
                f'VI has no rank "{self.rank}".',
                hint=f"The ranks are {', '.join(RANKS)}; without one the model decides.",
            )
        for name in ("draws", "chains", "steps", "batch"):
            value = getattr(self, name)
            optional = name in ("steps", "batch")
            if not (optional and value is None) and (not _whole(value) or value < 1):
                raise EngineError(f"VI takes a whole number of at least 1 for {name}, not {value!r}.")
            if value is not None and value > _MOST:
                raise EngineError(f"VI takes a whole number up to {_MOST:,} for {name}, not {value:,}.")
        if not isinstance(self.corrected, bool):
            raise EngineError(f"VI takes True or False for corrected, not {self.corrected!r:.60}.")
        if self.draws < 100 or self.draws % self.chains:
            raise EngineError(
                f"VI needs at least 100 draws, a multiple of the chains, not {self.draws} in {self.chains} chains.",
                hint=f"Write, for example, VI(draws={max(self.draws, 1000) // self.chains * self.chains}).",
            )
        _check_rates(self.learning_rate, self.kl_weight)

    def check(self, model: Model) -> None:
        """Raise EngineError if the model offers no density."""
        if isinstance(model, Model):
            if not has_record(model):
                check_gaussian(model, "vi")
            elif model.record is not None and bounded(model.record):
                raise EngineError(
                    f"VI draws every linear predictor, and the link {model.record.link} takes only some.",
                    hint=f"Take engine=NUTS(), or the link {unbounded_links(model.record)}.",
                )
        elif not hasattr(model, "density"):
            raise EngineError(f"VI fits models with a density, and a {type(model).__name__} has none.")

    def init(self, model: Model, seed: int) -> VIState:
        """Return the state before the first step: independent normals around 0.

        Raises EngineError where the density is not finite there.
        """
        density = model.density
        inputs = density.inputs()
        rank = choose_rank(density, self.rank)
        structure = structure_of(density, rank, inputs)
        batch = 0 if self.batch is None or self.batch >= density.n_rows else self.batch
        pairs = int(np.clip(structure.width // 2, _PAIRS, _MOST_PAIRS))
        cost = 2 * pairs * (20 * (batch or density.n_rows) + 10 * structure.n_numbers)
        size = int(np.clip(_CHUNK_COST / cost, 2, _CHUNK))
        ascent = Ascent(density, inputs, identify(density, inputs, batch), structure, pairs, size, batch)
        rows = stream(density.n_rows, batch, seed) if batch else None
        q = structure.start(_START)
        return VIState(seed, rank, ascent, q, rows, self.learning_rate, self.kl_weight)

    def step(self, model: Model, state: VIState) -> tuple[VIState, Info]:
        """Compile, or do one compiled chunk of steps."""
        if state.phase != "climbing":
            return self._compiled(state)
        ascent, trail = state.ascent, state.trail
        count = min(ascent.steps, (state.least or self.steps or _LIMIT) - state.step)
        noise = ascent.noise(state.seed, state.chunk)[:count]
        rows, following = (None, None) if state.rows is None else state.rows.take(count)
        rate = state.learning_rate * trail.rate
        q, total, figures = ascent.run(state.q, noise, rows, rate, state.kl_weight)
        if not figures[1] > 0.5:
            raise _no_density(state)
        state = replace(
            state, q=q, rows=following, step=state.step + count, chunk=state.chunk + 1,
            trail=stopping.add(trail, total, count), objectives=(*state.objectives, float(figures[0])),
        )  # fmt: skip
        if state.trail.count >= state.trail.length:
            state = _window(state)
        ended = state.step >= (state.least or self.steps or _LIMIT)
        met = state.trail.met and not state.least
        state = replace(state, done=ended or met, capped=ended and not state.trail.met)
        shown = {"learning_rate": rate, "kl_weight": state.kl_weight, "divergence": state.trail.figure}
        return state, Info(state.step, self.steps or 0, "climbing the ELBO", float(figures[0]), shown)

    def _compiled(self, state: VIState) -> tuple[VIState, Info]:
        """Say that it is going to compile, then do."""
        following = "climbing"
        if state.phase == "start":
            following = "compiling"
        else:
            prepare(state)
        shown = {"learning_rate": state.learning_rate, "kl_weight": state.kl_weight}
        return replace(state, phase=following), Info(state.step, self.steps or 0, "compiling", math.nan, shown)

    def glimpse(self, model: Model, state: VIState, most: int = 1000) -> Glimpse | None:
        """Return draws of the family as it is now; of the answer's when it is done."""
        return seen(model, state, min(most, self.draws)) if state.ready else None

    def result(self, model: Model, state: VIState) -> Posterior:
        """Return draws of the fitted family with khat, the verdict, and the evidence where it was asked for."""
        return answer(self, model, state)

    def steer(self, state: VIState, learning_rate: float | None = None, kl_weight: float | None = None) -> VIState:
        """Return the state with another learning rate or KL weight, from the next step on.

        Raises EngineError for a rate or weight that is out of range.
        """
        rate = state.learning_rate if learning_rate is None else learning_rate
        weight = state.kl_weight if kl_weight is None else kl_weight
        _check_rates(rate, weight)
        # What was averaged so far was another target's, or of a cut rate that no longer holds.
        return replace(state, learning_rate=float(rate), kl_weight=float(weight), trail=Trail(), done=False)

    def extend(
        self, model: Model, state: VIState, steps: int | None = None, draws: int | None = None
    ) -> tuple[VI, VIState]:
        """Return (engine, state) that go on for `steps` steps, or answer with `draws` more draws.

        Raises EngineError when neither is a whole number of at least 1.
        """
        given = {name: value for name, value in (("steps", steps), ("draws", draws)) if value is not None}
        if not given or any(not _whole(value) or value < 1 for value in given.values()):
            raise EngineError(
                "A variational fit is extended by a whole number of steps or of draws.",
                hint="Write, for example, fit.extend(steps=5000).",
            )
        engine = self
        if draws:
            engine = replace(engine, draws=self.draws + draws)
        if steps:
            last = state.step + steps
            state = replace(state, trail=stopping.again(state.trail), least=last, done=False)
            engine = replace(engine, steps=last)
        return engine, state


@dataclass(frozen=True, eq=False)
class VIState:
    """Where a variational fit stands.

    phase: "start", "compiling" or "climbing". rank: of the family. ascent: the compiled steps. q: the family's numbers
    after the last step. rows: of minibatches. learning_rate, kl_weight: as they are now. step, chunk: how many are
    done. trail: of the stopping rule. windows: whole windows so far. centred: share of levels that are centred.
    objectives: the mean ELBO of each chunk. least: the step to go on to whatever the rule says, 0 for none. capped:
    whether a number of steps ended it.
    """

    seed: int
    rank: str
    ascent: Ascent
    q: Any
    rows: RowStream | None
    learning_rate: float
    kl_weight: float
    step: int = 0
    chunk: int = 0
    trail: Trail = field(default_factory=Trail)
    windows: int = 0
    centred: float = 0.0
    objectives: tuple[float, ...] = ()
    least: int = 0
    done: bool = False
    capped: bool = False
    phase: str = "start"

    @property
    def ready(self) -> bool:
        """Whether there is a family to answer with."""
        return self.step > 0


def _window(state: VIState) -> VIState:
    """Close a window of the stopping rule; after the pilot ones choose the centring."""
    assert state.trail.total is not None
    structure = state.ascent.structure
    average = stopping.mean(state.trail.total, state.trail.steps)
    windows = state.windows + 1
    if windows == _PILOT and state.ascent.density.centrings:
        return _centred(replace(state, windows=windows), average)
    half = np.random.default_rng([12, structure.size]).standard_normal((_MOMENT_DRAWS // 2, structure.size))
    moments = structure.moments(average, np.concatenate([half, -half]))
    return replace(state, windows=windows, trail=stopping.close(state.trail, moments))


def _centred(state: VIState, average: stopping.Arrays) -> VIState:
    """Return the state in the coordinates that suit what the pilot learned: centred where the data are strong."""
    ascent = state.ascent
    rng = np.random.default_rng([state.seed, 13])
    z, _ = ascent.structure.sample(average, rng.standard_normal((_PILOT_DRAWS, ascent.structure.size)))
    values = named_values(ascent.density, z[None], ascent.inputs)
    flat = {name: value[0] for name, value in values.items()}
    centring = ascent.density.centring(flat)
    if not centring.any():
        return replace(state, trail=Trail())
    inputs = ascent.density.inputs(centring)
    moved = ascent.density.unconstrain(flat, inputs).numpy()
    q = ascent.structure.from_draws(moved)
    return replace(state, ascent=replace(ascent, inputs=inputs), q=q, trail=Trail(), centred=float(np.mean(centring)))


def _no_density(state: VIState) -> EngineError:
    where = "at the start" if state.step == 0 else f"at step {state.step:,}"
    return EngineError(
        f"The log density is not finite {where}.",
        hint="Look for zero or infinite values in the data, and for priors whose support excludes 0 or 1.",
    )


def _check_rates(learning_rate: float, kl_weight: float) -> None:
    if not _number(learning_rate) or not 0 < learning_rate <= 1:
        raise EngineError(f"VI takes a learning rate above 0 and at most 1, not {learning_rate!r}.")
    if not _number(kl_weight) or not 0 < kl_weight < math.inf:
        raise EngineError(f"VI takes a KL weight above 0, not {kl_weight!r}.")


def _whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
