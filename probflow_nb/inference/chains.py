"""Chains: where the chains of NUTS stand, what they have drawn, and how they are moved on a bounded way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from .nuts_program import Limits, Loop, Tuning, block_noise, tuning
from .trajectory import RECORD, Trees, plant

# Step sizes are searched between these.
_STEPS = 1e-7, 4.0
_ENOUGH = 0.8


@dataclass(frozen=True, eq=False)
class Chains:
    """C chains of D numbers.

    loop: the compiled program. inputs: of the density. root: of the metric. trees, tuned: where they stand. seed.
    passes: made so far, which the random numbers depend on. seats: times that the chains were seated anew.
    z: draws since they were seated, pieces (m, D) a chain. records: pieces (m, 7) alike, see RECORD.
    """

    loop: Loop
    inputs: Mapping[str, Any]
    root: np.ndarray
    trees: Trees
    tuned: Tuning
    seed: int
    passes: int
    seats: int
    z: tuple[tuple[np.ndarray, ...], ...]
    records: tuple[tuple[np.ndarray, ...], ...]

    @property
    def counts(self) -> np.ndarray:
        """Draws of each chain, (C,)."""
        return np.array([sum(len(piece) for piece in pieces) for pieces in self.z])

    @property
    def position(self) -> np.ndarray:
        """The last draws, or the start, (C, D)."""
        return np.asarray(self.trees.draw_z)

    def step_size(self) -> float:
        """Return the size that the tuning has settled at."""
        return float(np.exp(self.tuned.log_average))

    def draws(self, each: int) -> np.ndarray:
        """Return the first draws, (C, each, D)."""
        return np.stack([np.concatenate(pieces)[:each] for pieces in self.z])

    def thinned(self, each: int, most: int) -> np.ndarray:
        """Return at most so many of the first draws of every chain, evenly spaced, (C, m, D)."""
        places = np.unique(np.linspace(0, each - 1, min(each, max(1, most))).astype(int))
        return np.stack([_picked(pieces, places) for pieces in self.z])

    def pooled(self) -> np.ndarray:
        """Return all draws of all chains, (S, D)."""
        return np.concatenate([piece for pieces in self.z for piece in pieces])

    def figures(self, each: int) -> dict[str, np.ndarray]:
        """Return the records of the first draws by name, each (C, each)."""
        table = np.stack([np.concatenate(pieces)[:each] for pieces in self.records])
        return {name: table[..., i] for i, name in enumerate(RECORD)}


def _picked(pieces: tuple[np.ndarray, ...], places: np.ndarray) -> np.ndarray:
    """Return the rows at ascending places of what the pieces (m, D) are together, without joining them."""
    ends = np.cumsum([len(piece) for piece in pieces])
    found = []
    for piece, start, end in zip(pieces, ends - [len(piece) for piece in pieces], ends, strict=True):
        first, last = np.searchsorted(places, [start, end])
        found.append(piece[places[first:last] - start])
    return np.concatenate(found)


def seat(
    loop: Loop, inputs: Mapping[str, Any], z: np.ndarray, root: np.ndarray, step: float, seed: int, passes: int = 0,
    seats: int = 0, seen: float = 0.0,
) -> Chains:  # fmt: skip
    """Return chains at z (C, D) that begin new trajectories with a metric and a step size, with no draws yet."""
    rng = np.random.Generator(np.random.SFC64([seed, 12, seats]))
    p = rng.standard_normal(z.shape)
    sign = np.where(rng.uniform(size=len(z)) < 0.5, -1.0, 1.0)
    value, g = evaluate(loop, inputs, z, root)
    none: tuple[tuple[np.ndarray, ...], ...] = ((),) * len(z)
    trees = plant(z, value, g, p, sign, step, loop.shape.levels)
    return Chains(loop, inputs, root, trees, tuning(step, seen), seed, passes, seats + 1, none, none)


def evaluate(loop: Loop, inputs: Mapping[str, Any], z: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the log density (C,) at z (C, D), minus infinity where it is none, and its whitened gradient (C, D)."""
    none = np.zeros_like(z)
    trees = plant(z, np.zeros(len(z)), none, none, np.ones(len(z)), 0.0, loop.shape.levels)
    # A pass of size 0 stays where it is: the leaf that it adds is the point itself.
    trees = trees._replace(half_value=np.full(len(z), -np.inf))
    after = _call(loop, inputs, trees, tuning(1.0), root, _one_pass(loop), _still(loop))[1]
    value, g = np.asarray(after.half_value), np.asarray(after.half_g)
    good = np.isfinite(value) & np.isfinite(g).all(axis=1)
    return np.where(good, value, -np.inf), np.where(good[:, None], g, 0.0)


def reasonable_step(chains: Chains) -> float:
    """Return a step size whose single steps keep the energy roughly, by halving or doubling (Hoffman, Gelman 2014)."""
    size, last = 0.5, 0
    while _STEPS[0] < size < _STEPS[1]:
        trees = chains.trees._replace(step=np.full(len(chains.trees.step), size))
        record = _call(
            chains.loop, chains.inputs, trees, chains.tuned, chains.root, _one_pass(chains.loop), _still(chains.loop)
        )[4]
        way = 1 if float(np.mean(np.asarray(record)[0, :, RECORD.index("accept")])) > _ENOUGH else -1
        if last and way != last:
            break
        size, last = size * 2.0**way, way
    return float(np.clip(size, *_STEPS))


def move(
    chains: Chains, each: int, together: int, deepest: int, target: float | None, most: int | None = None
) -> Chains:
    """Return the chains after a block's passes, or fewer.

    each, together: stop when every chain, or all of them, have so many draws. target: acceptance to tune for, None
    to keep the step size. most: passes at most.
    """
    B = chains.loop.shape.block
    block, start = divmod(chains.passes, B)
    stop = B if most is None else min(B, start + most)
    limits = Limits(start, stop, each, together, deepest, float(target is not None), target or 0.0)
    noise = block_noise(chains.loop.shape, chains.seed, block)
    end, trees, tuned, draws, records = _call(
        chains.loop, chains.inputs, chains.trees, chains.tuned, chains.root, limits, noise
    )
    end = int(end)
    made, noted = np.asarray(draws)[start:end], np.asarray(records)[start:end]
    ended = noted[:, :, 0] > 0.5
    C = noted.shape[1]
    return replace(
        chains,
        trees=trees,
        tuned=Tuning(*(float(value) for value in tuned)),
        passes=block * B + end,
        z=tuple((*chains.z[c], made[ended[:, c], c]) for c in range(C)),
        records=tuple((*chains.records[c], noted[ended[:, c], c]) for c in range(C)),
    )


def _one_pass(loop: Loop) -> Limits:
    most = np.iinfo(np.int32).max
    return Limits(0, 1, most, most, loop.shape.levels, 0.0, 0.0)


def _still(loop: Loop) -> tuple[np.ndarray, np.ndarray]:
    shape = loop.shape
    return np.zeros((shape.block, shape.chains, shape.size)), np.full((shape.block, shape.chains, 3), 0.5)


def _call(
    loop: Loop, inputs: Mapping[str, Any], trees: Trees, tuned: Tuning, root: np.ndarray, limits: Limits,
    noise: tuple[np.ndarray, np.ndarray],
) -> Any:  # fmt: skip
    tf = load()
    return loop.run(
        Trees(*(tf.convert_to_tensor(x) for x in trees)),
        Tuning(*(tf.constant(x, tf.float64) for x in tuned)),
        Limits(
            *(tf.constant(x, tf.int32) for x in limits[:5]), *(tf.constant(x, tf.float64) for x in limits[5:])
        ),
        tf.constant(root),
        *(tf.constant(x) for x in noise),
        dict(inputs),
    )  # fmt: skip
