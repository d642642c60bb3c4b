"""Warm-up of NUTS: step size, metric and centring from windows of draws, those of all chains together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..errors import EngineError, SpecError
from ..model.density import Density
from ..model.program_density import ProgramDensity
from . import metric
from .assembly import named_values
from .chains import Chains, evaluate, reasonable_step, seat
from .nuts_program import Loop, tuning
from .preconditioning import Preconditioner

# Trees of the first windows, far from the posterior and with no metric yet, are cut here.
_SHALLOW = 7
_TRIES = 20
# Draws of the prior that a chain's starting point is the best of.
_CANDIDATES = 64


@dataclass(frozen=True)
class Plan:
    """What happens when in a warm-up.

    ends: shares of its draws at which windows end: each ends in a new metric, the last in the step size alone. seen:
    how firmly each window begins with the step size of the one before, in trajectories; 0: it is searched anew.
    centring: after this window the centring is chosen, from its draws, and draws of earlier ones are forgotten.
    shallow: windows whose trees are cut. draws: a chain, unless a person says.
    """

    ends: tuple[float, ...]
    seen: tuple[float, ...]
    centring: int
    shallow: int
    draws: int


# From anywhere; from an approximation that is off; from one that is near, whose draws count as the posterior's.
FAR = Plan((0.05, 0.1, 0.2, 0.35, 0.6, 0.9, 1.0), (0.0, 0.0, 0.0, 0.0, 0.0, 10.0, 20.0), 3, 2, 500)
OFF = Plan((0.1, 0.25, 0.5, 0.85, 1.0), (0.0, 0.0, 0.0, 10.0, 20.0), 1, 0, 300)
NEAR = Plan((0.2, 0.6, 1.0), (0.0, 10.0, 20.0), -1, 0, 150)


@dataclass(frozen=True, eq=False)
class Warmup:
    """How far the warm-up is.

    window: the one that is going on. chains: where they stand. pilot: draws of earlier windows that still count for
    the metric, (S, D). centring: (E,) of 0 and 1, as chosen so far.
    """

    window: int
    chains: Chains
    pilot: np.ndarray
    centring: np.ndarray
    plan: Plan = FAR

    @property
    def last(self) -> bool:
        """Whether no window follows."""
        return self.window + 1 == len(self.plan.ends)

    def begun(self) -> float:
        """Return the share of the warm-up before the window."""
        return self.plan.ends[self.window - 1] if self.window else 0.0

    def goal(self, total: int) -> int:
        """Return how many draws of all chains together end the window; total: of the whole warm-up."""
        return max(2, round((self.plan.ends[self.window] - self.begun()) * total))

    def deepest(self, levels: int) -> int:
        """Return the doublings allowed in the window."""
        return min(levels, _SHALLOW) if self.window < self.plan.shallow else levels


def begin(density: Density, loop: Loop, seed: int) -> Warmup:
    """Return the warm-up at dispersed starting points; EngineError when the density is nowhere finite."""
    centring = np.zeros(len(density.centrings))
    inputs = density.inputs(centring)
    root = metric.unit(density.size, loop.shape.dense)
    chains = seat(loop, inputs, start(density, loop, inputs, root, seed), root, 0.1, seed)
    return Warmup(0, _stepped(chains), np.zeros((0, density.size)), centring)


def begin_near(density: Density, loop: Loop, known: Preconditioner, seed: int) -> Warmup | None:
    """Return the warm-up at draws of an approximation, with its metric; None where the density is not finite there."""
    inputs = density.inputs(known.centring)
    root = metric.root(known.z, loop.shape.dense)
    rng = np.random.Generator(np.random.SFC64([seed, 10]))
    chosen = rng.permutation(len(known.z))
    C = loop.shape.chains
    z = known.z[np.resize(chosen, C)]
    for attempt in range(1, _TRIES):
        bad = ~np.isfinite(evaluate(loop, inputs, z, root)[0])
        if not bad.any():
            break
        z = np.where(bad[:, None], known.z[np.resize(np.roll(chosen, -attempt * C), C)], z)
    else:
        return None
    chains = seat(loop, inputs, z, root, 0.1, seed)
    pilot = known.z if known.trusted else known.z[:0]
    return Warmup(0, _stepped(chains), pilot, known.centring, NEAR if known.trusted else OFF)


def start(density: Density, loop: Loop, inputs: Mapping[str, Any], root: np.ndarray, seed: int) -> np.ndarray:
    """Return starting points (C, D), uniform in (-2, 2), nearer to 0 where the density is not finite.

    A density may have an `origin` (D,) of its own instead of 0.
    """
    if isinstance(density, ProgramDensity) and density.program.formulas.parameters:
        found = _best_of_prior(density, loop, inputs, root, seed)
        if found is not None:
            return found
    rng = np.random.Generator(np.random.SFC64([seed, 10]))
    origin = getattr(density, "origin", 0.0)
    away = rng.uniform(-2.0, 2.0, (loop.shape.chains, density.size))
    for _ in range(_TRIES):
        bad = ~np.isfinite(evaluate(loop, inputs, origin + away, root)[0])
        if not bad.any():
            return np.asarray(origin + away)
        away = np.where(bad[:, None], 0.7 * rng.permuted(away, axis=1), away)
    raise nowhere_finite(density, inputs, (origin + away)[int(np.argmax(bad))])


def _best_of_prior(
    density: ProgramDensity, loop: Loop, inputs: Mapping[str, Any], root: np.ndarray, seed: int
) -> np.ndarray | None:
    """Return for each chain the likeliest of some draws of the prior, (C, D); None where it has none.

    Where the spread of rows has a formula, numbers near 0 may be so far from the data that chains stay where they are.
    """
    C = loop.shape.chains
    try:
        drawn = density.program.prior_sample(C * _CANDIDATES, seed)
    except SpecError:
        # A Flat prior has no draws.
        return None
    z = np.asarray(density.unconstrain(drawn, inputs))
    values = np.stack([evaluate(loop, inputs, z[i : i + C], root)[0] for i in range(0, len(z), C)])
    values = np.where(np.isfinite(values), values, -np.inf)
    if not np.isfinite(values.max(axis=0)).all():
        return None
    best = values.argmax(axis=0)
    return np.asarray(z.reshape(_CANDIDATES, C, -1)[best, np.arange(C)])


def advance(density: Density, warmup: Warmup) -> Warmup:
    """Return the next window, its chains seated with what this one taught."""
    chains, centring = warmup.chains, warmup.centring
    drawn, position, inputs = chains.pooled(), chains.position, chains.inputs
    pilot, plan = np.concatenate([warmup.pilot, drawn]), warmup.plan
    if warmup.window == plan.centring and len(centring):
        chosen = density.centring(_flat(named_values(density, drawn[None], inputs)))
        if not np.array_equal(chosen, centring):
            centring, others = chosen, density.inputs(chosen)
            pilot, position = (_moved(density, z, inputs, others) for z in (drawn, position))
            inputs = others
    elif warmup.window < plan.centring:
        # Early draws are still on their way to the posterior.
        pilot = drawn[len(drawn) // 4 :] if warmup.window == 0 else drawn
    # The last window settles the step size under the metric of the sampling: later draws would not change it much.
    window = warmup.window + 1
    root = metric.root(pilot, chains.loop.shape.dense)
    seen = plan.seen[window]
    seated = seat(
        chains.loop, inputs, position, root, chains.step_size(), chains.seed, chains.passes, chains.seats, seen
    )
    kept = pilot if warmup.window >= plan.centring else pilot[:0]
    return Warmup(window, seated if seen else _stepped(seated), kept, centring, plan)


def sampling(chains: Chains) -> Chains:
    """Return the chains with their step size settled, ready to draw."""
    return seat(
        chains.loop, chains.inputs, chains.position, chains.root, chains.step_size(), chains.seed, chains.passes,
        chains.seats,
    )  # fmt: skip


def _stepped(chains: Chains) -> Chains:
    """Return the chains, just seated, with a step size that is searched."""
    step = reasonable_step(chains)
    trees = chains.trees._replace(step=np.full(chains.loop.shape.chains, step))
    return replace(chains, trees=trees, tuned=tuning(step))


def _flat(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return draws without the axis of chains, (S, *shape)."""
    return {name: value.reshape(-1, *value.shape[2:]) for name, value in values.items()}


def _moved(density: Density, z: np.ndarray, old: Mapping[str, Any], new: Mapping[str, Any]) -> np.ndarray:
    """Return the same parameters in the coordinates of other inputs."""
    return np.asarray(density.unconstrain(density.constrain(load().constant(z), old), new))


def nowhere_finite(density: Density, inputs: Mapping[str, Any], z: np.ndarray) -> EngineError:
    """Return the error for a density that is not finite at z (D,), with the parameter or the row that makes it so."""
    tf = load()
    point = tf.constant(z[None])
    values = {name: np.asarray(value) for name, value in density.constrain(point, inputs).items()}
    strange = [name for name, value in values.items() if not np.isfinite(value).all()]
    if strange:
        where = f"the value of {strange[0]} is not finite"
    elif not np.isfinite(np.asarray(density.log_prior(point, inputs))).all():
        where = f"the prior of {_guilty(density, inputs, z)} is not finite"
    else:
        where = f"the log density of row {_row(density, inputs, point) + 1} of the response is not finite"
    shown = ", ".join(f"{name} = {value.ravel()[0]:.3g}" for name, value in list(values.items())[:3])
    return EngineError(
        f"The model has no finite log density at any of {_TRIES} starting points: {where} (there, {shown}).",
        hint="Check that every prior's support holds its parameter and that the likelihood can produce such data.",
    )


def _guilty(density: Density, inputs: Mapping[str, Any], z: np.ndarray) -> str:
    """Return the parameter whose move to 0 makes the prior finite; all of them when none does alone."""
    tf = load()
    for slot in density.slots:
        moved = z.copy()
        moved[slot.start : slot.stop] = 0.0
        if np.isfinite(np.asarray(density.log_prior(tf.constant(moved[None]), inputs))).all():
            return slot.name
    return ", ".join(slot.name for slot in density.slots)


def _row(density: Density, inputs: Mapping[str, Any], point: Any) -> int:
    """Return the first row whose log density is not finite, by halving."""
    tf = load()
    low, high = 0, density.n_rows
    while high - low > 1:
        middle = (low + high) // 2
        part = np.asarray(density.log_lik(point, inputs, tf.range(low, middle)))
        low, high = (middle, high) if np.isfinite(part).all() else (low, middle)
    return low
