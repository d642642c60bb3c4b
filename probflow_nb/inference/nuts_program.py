"""The compiled loop of NUTS: passes of all chains, with the step size tuned as trajectories end.

One program for a density's shape: data, metric, random numbers and how far to go are its arguments. The random numbers
of pass i depend on the seed and on i alone, so that draws are the same however a run is cut into pieces.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..backend.programs import fingerprint, kept
from ..backend.tensorflow import load
from ..model.density import Density, log_density
from .trajectory import RECORD, Fate, Metric, Trees, advance

# Numbers in a block's buffer of draws, and passes in a block.
_MOST_NUMBERS = 1_000_000
_MOST_PASSES = 1024
# Of the step size's tuning: its first gain, trajectories until that falls, and how fast; how late ones weigh more.
_GAIN, _DELAY, _DECAY, _MEMORY = 2.0, 4.0, 0.7, 3.0


class Tuning(NamedTuple):
    """Stochastic approximation of the log step size (Robbins and Monro 1951), averaged; numbers.

    log_step: in use. log_average: what it settles at. seen: trajectories a chain so far.
    """

    log_step: Any
    log_average: Any
    seen: Any


class Limits(NamedTuple):
    """How far a call of the program goes, and how; numbers.

    start, stop: passes of the block, from start up to stop. each: stop when every chain has made so many draws. all:
    or when the chains together have. deepest: doublings at most. tune: 1.0 while the step size is tuned. target:
    acceptance that is aimed at.
    """

    start: int
    stop: int
    each: int
    all: int
    deepest: int
    tune: float
    target: float


@dataclass(frozen=True)
class Shape:
    """What a program is compiled for: C chains, D numbers, K levels, a dense metric or a diagonal one."""

    chains: int
    size: int
    levels: int
    dense: bool

    @property
    def block(self) -> int:
        """Passes of a block."""
        room = max(1, _MOST_NUMBERS // (self.chains * self.size))
        return int(max(8, min(_MOST_PASSES, 2 ** int(math.log2(room)))))


@dataclass(frozen=True, eq=False)
class Loop:
    """The compiled loop for one shape."""

    shape: Shape
    run: Callable[..., Any]


def tuning(step: float, seen: float = 0.0) -> Tuning:
    """Return the tuning that begins at a step size, as firmly as if so many trajectories had been seen."""
    return Tuning(math.log(step), math.log(step), seen)


def block_noise(shape: Shape, seed: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the random numbers of a block: (B, C, D) normal and (B, C, 3) uniform."""
    rng = np.random.Generator(np.random.SFC64([seed, 11, block]))
    return rng.standard_normal((shape.block, shape.chains, shape.size)), rng.uniform(
        size=(shape.block, shape.chains, 3)
    )


def compiled(density: Density, inputs: Mapping[str, Any], shape: Shape) -> Loop:
    """Return the program of a density's shape, compiled at its first use."""
    tf = load()
    z = tf.zeros([shape.chains, shape.size], tf.float64)
    key = ("nuts", shape, fingerprint((density.log_prior, density.log_lik), (z, dict(inputs))))
    return kept(key, lambda: Loop(shape, _compile(density, shape)))  # type: ignore[no-any-return]


def differentiated(density: Density, inputs: Mapping[str, Any]) -> Callable[[Any], tuple[Any, Any]]:
    """Return z (C, D) -> log density (C,) and gradient (C, D)."""
    tf = load()

    def both(z: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = log_density(density, z, inputs)
        return value, tape.gradient(value, z)

    return both


def _compile(density: Density, shape: Shape) -> Callable[..., Any]:
    tf = load()
    B, C, D = shape.block, shape.chains, shape.size

    @tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
    def run(
        trees: Trees, tuned: Tuning, limits: Limits, root: Any, noise: Any, chance: Any, inputs: dict[str, Any]
    ) -> Any:
        values = differentiated(density, inputs)
        kinetic = 0.5 * tf.reduce_sum(noise * noise, axis=-1)
        # Ones that the compiler does not know to be ones: it would undo the products.
        ones = tf.cast(noise[0, 0, :, None] < np.inf, tf.float64)

        def going(i: Any, trees: Trees, *_: Any) -> Any:
            short = tf.reduce_min(trees.count) < limits.each
            return (i < limits.stop) & short & (tf.reduce_sum(trees.count) < limits.all)

        def one(i: Any, trees: Trees, tuned: Tuning, draws: Any, records: Any) -> Any:
            fate = Fate(noise[i], kinetic[i], chance[i], ones)
            grown, record = advance(trees, values, Metric(root), fate, tf.exp(tuned.log_step), limits.deepest)
            draws, records = draws.write(i, grown.draw_z), records.write(i, record)
            return i + 1, grown, _tuned(tuned, record, limits), draws, records

        empty = (
            tf.TensorArray(tf.float64, B, element_shape=[C, D]),
            tf.TensorArray(tf.float64, B, element_shape=[C, len(RECORD)]),
        )
        i, trees, tuned, draws, records = tf.while_loop(going, one, (limits.start, trees, tuned, *empty))
        return i, trees, tuned, draws.stack(), records.stack()

    return run


def _tuned(tuned: Tuning, record: Any, limits: Limits) -> Tuning:
    """Return the step size after the trajectories that ended in a pass, all of them in one update.

    log step += gain (acceptance - target), by trajectory; the gain falls with their number a chain, so that chains
    whose long trajectories report late are not overtaken by one that rejects at once.
    """
    tf = load()
    ended = record[:, 0] * limits.tune
    share = tf.reduce_mean(ended)
    seen = tuned.seen + share
    gap = tf.reduce_mean(ended * (record[:, 3] - limits.target))
    log_step = tuned.log_step + _GAIN * tf.pow(1.0 + seen / _DELAY, -_DECAY) * gap
    weight = share * tf.minimum(_MEMORY / (1.0 + seen), 1.0)
    average = tuned.log_average + weight * (log_step - tuned.log_average)
    return Tuning(log_step, average, seen)
