"""Warm-up of NUTS: step size, metric and centring from windows of draws, those of all chains together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..errors import EngineError
from ..model.density import Density
from . import metric
from .assembly import named_values
from .chains import Chains, evaluate, reasonable_step, seat
from .nuts_program import Loop, tuning

# Shares of the warm-up's draws at which windows end: each ends in a new metric, the last in the step size alone.
ENDS = (0.05, 0.1, 0.2, 0.35, 0.6, 0.9, 1.0)
# How firmly each window begins with the step size of the one before, in trajectories; 0: it is searched anew.
_SEEN = (0.0, 0.0, 0.0, 0.0, 0.0, 10.0, 20.0)
# After this window the centring is chosen, from its draws.
_CENTRING = 3
# Trees of the first windows, far from the posterior and with no metric yet, are cut here.
_SHALLOW = 7
_TRIES = 20


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

    def goal(self, total: int) -> int:
        """Return how many draws of all chains together end the window; total: of the whole warm-up."""
        begun = ENDS[self.window - 1] if self.window else 0.0
        return max(2, round((ENDS[self.window] - begun) * total))

    def deepest(self, levels: int) -> int:
        """Return the doublings allowed in the window."""
        return min(levels, _SHALLOW) if self.window < 2 else levels


def begin(density: Density, loop: Loop, seed: int) -> Warmup:
    """Return the warm-up at dispersed starting points; EngineError when the density is nowhere finite."""
    centring = np.zeros(len(density.centrings))
    inputs = density.inputs(centring)
    root = metric.unit(density.size, loop.shape.dense)
    chains = seat(loop, inputs, start(density, loop, inputs, root, seed), root, 0.1, seed)
    return Warmup(0, _stepped(chains), np.zeros((0, density.size)), centring)


def start(density: Density, loop: Loop, inputs: Mapping[str, Any], root: np.ndarray, seed: int) -> np.ndarray:
    """Return starting points (C, D), uniform in (-2, 2), nearer to 0 where the density is not finite."""
    rng = np.random.Generator(np.random.SFC64([seed, 10]))
    z = rng.uniform(-2.0, 2.0, (loop.shape.chains, density.size))
    for _ in range(_TRIES):
        bad = ~np.isfinite(evaluate(loop, inputs, z, root)[0])
        if not bad.any():
            return z
        z = np.where(bad[:, None], 0.7 * rng.permuted(z, axis=1), z)
    raise nowhere_finite(density, inputs, z[int(np.argmax(bad))])


def advance(density: Density, warmup: Warmup) -> Warmup:
    """Return the next window, its chains seated with what this one taught."""
    chains, centring = warmup.chains, warmup.centring
    drawn, position, inputs = chains.pooled(), chains.position, chains.inputs
    pilot = np.concatenate([warmup.pilot, drawn])
    if warmup.window == _CENTRING and len(centring):
        chosen = density.centring(_flat(named_values(density, drawn[None], inputs)))
        if not np.array_equal(chosen, centring):
            centring, others = chosen, density.inputs(chosen)
            pilot, position = (_moved(density, z, inputs, others) for z in (drawn, position))
            inputs = others
    elif warmup.window < _CENTRING:
        # Early draws are still on their way to the posterior.
        pilot = drawn[len(drawn) // 4 :] if warmup.window == 0 else drawn
    # The last window settles the step size under the metric of the sampling: later draws would not change it much.
    window = warmup.window + 1
    root = metric.root(pilot, chains.loop.shape.dense)
    seated = seat(
        chains.loop, inputs, position, root, chains.step_size(), chains.seed, chains.passes, chains.seats, _SEEN[window]
    )
    kept = pilot if warmup.window >= _CENTRING else pilot[:0]
    return Warmup(window, seated if _SEEN[window] else _stepped(seated), kept, centring)


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
