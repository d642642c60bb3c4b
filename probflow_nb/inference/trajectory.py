"""One pass of the no-U-turn sampler: every chain makes one leapfrog step of its own tree.

A trajectory doubles, forwards or backwards at random, until its ends turn towards each other; its draw is chosen with
the weight of its energy, new halves being preferred (Betancourt 2017, arXiv:1701.02434, appendix A). The tree is not
built by recursion but leaf by leaf, with one checkpoint a level (Phan, Pradhan and Jankowiak 2019, arXiv:1912.11554,
algorithm 2), so that chains at different places of their trees move together. A chain whose tree ends writes its draw
and begins the next trajectory in the same pass: none waits for another's deeper tree.

Momenta p and gradients g are whitened: positions move by L p, L the root of the metric, so that kinetic energy is
p'p / 2 and "turning" is a matter of dot products. C chains, D numbers, K levels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..backend.tensorflow import load

# An energy error beyond this is a divergence.
_DIVERGED = -1000.0
# What a pass writes down of each chain, in this order.
RECORD = ("ended", "value", "energy", "accept", "depth", "leaves", "diverged")


class Trees(NamedTuple):
    """Where the C chains stand in their trees; arrays (C,), (C, D) or (C, K, D).

    z, p, g, other_z, other_p, other_g: the edge that moves and the one that stays. sign, step: of the leapfrog steps.
    draw_*: the draw chosen from the tree so far; half_*: from the half that is being added, with the log of its weight
    and its sum of momenta. weight, total_p: of the tree without that half. depth, leaf: doublings so far, and leaves
    of the half so far. energy: at the beginning. accept, leaves: sum of acceptance over leaves, and their number.
    begun_p, before_sum, before_p: checkpoints, the momentum of a subtree's first leaf, the half's sum before it and
    the momentum of the leaf before it. count: draws made.
    """

    z: Any
    p: Any
    g: Any
    other_z: Any
    other_p: Any
    other_g: Any
    sign: Any
    step: Any
    draw_z: Any
    draw_g: Any
    draw_value: Any
    half_z: Any
    half_g: Any
    half_value: Any
    half_weight: Any
    half_p: Any
    weight: Any
    total_p: Any
    depth: Any
    leaf: Any
    energy: Any
    accept: Any
    leaves: Any
    begun_p: Any
    before_sum: Any
    before_p: Any
    count: Any


def plant(
    z: np.ndarray, value: np.ndarray, g: np.ndarray, p: np.ndarray, sign: np.ndarray, step: float, levels: int
) -> Trees:
    """Return trees of one leaf at z (C, D) with momenta p and whitened gradients g; levels: K, the deepest tree."""
    C, D = z.shape
    zero, empty = np.zeros(C), np.zeros((C, levels, D))
    energy = 0.5 * (p * p).sum(axis=1) - value
    none = np.zeros((C, D))
    return Trees(
        z, p, g, z, p, g, sign.astype(float), np.full(C, step), z, g, value, z, g, value, np.full(C, -np.inf), none,
        zero, p, np.zeros(C, np.int32), np.zeros(C, np.int32), energy, zero, zero, empty, empty, empty,
        np.zeros(C, np.int32),
    )  # fmt: skip


def advance(
    trees: Trees, density: Callable[[Any], tuple[Any, Any]], metric: Metric, noise: Any, chance: Any, step: Any,
    deepest: Any,
) -> tuple[Trees, Any]:  # fmt: skip
    """Return the trees after one leapfrog step of every chain, and its record (C, 7), see RECORD.

    density: z -> value (C,) and gradient (C, D), called once. noise: (C, D) normal, momenta of trajectories that
    begin. chance: (C, 3) uniform, for the choices of leaf, half and direction. step: size for those that begin.
    deepest: doublings at most.
    """
    tf = load()
    moved = _leapfrog(trees, density, metric)
    delta = trees.energy - (0.5 * _dot(moved.p, moved.p) - moved.value)
    delta = tf.where(tf.math.is_finite(delta), delta, -np.inf)
    diverged = delta < _DIVERGED
    half = _grow(trees, moved, delta, chance[:, 0])
    turned = _turned_within(half, moved.p)
    complete = half.leaf == tf.bitwise.left_shift(tf.ones_like(half.depth), half.depth)
    joined, turned_all = _join(half, moved.p, complete & ~turned & ~diverged, chance[:, 1])
    ended = diverged | turned | (complete & (turned_all | (joined.depth >= deepest)))
    record = tf.stack(
        [
            tf.cast(ended, tf.float64), joined.draw_value, joined.energy, joined.accept / joined.leaves,
            tf.cast(joined.depth, tf.float64), joined.leaves, tf.cast(diverged, tf.float64),
        ],
        axis=-1,
    )  # fmt: skip
    return _next(joined, moved, ended, complete, noise, chance[:, 2], step), record


class Metric(NamedTuple):
    """The root L of the metric: (D,) diagonal or (D, D) lower triangular."""

    root: Any

    def velocity(self, p: Any) -> Any:
        """Return L p, (C, D)."""
        return p * self.root if self.root.shape.rank == 1 else load().linalg.matmul(p, self.root, transpose_b=True)

    def whiten(self, gradient: Any) -> Any:
        """Return L' gradient, (C, D)."""
        return gradient * self.root if self.root.shape.rank == 1 else load().linalg.matmul(gradient, self.root)


class _Leaf(NamedTuple):
    z: Any
    p: Any
    g: Any
    value: Any


def _dot(a: Any, b: Any) -> Any:
    return load().reduce_sum(a * b, axis=-1)


def _where(chosen: Any, a: Any, b: Any) -> Any:
    """Select by chain, (C,), among (C, D)."""
    return load().where(chosen[:, None], a, b)


def _leapfrog(trees: Trees, density: Callable[[Any], tuple[Any, Any]], metric: Metric) -> _Leaf:
    size = (trees.sign * trees.step)[:, None]
    p = trees.p + 0.5 * size * trees.g
    z = trees.z + size * metric.velocity(p)
    value, gradient = density(z)
    g = metric.whiten(gradient)
    return _Leaf(z, p + 0.5 * size * g, g, value)


def _grow(trees: Trees, moved: _Leaf, delta: Any, chance: Any) -> Trees:
    """Return the trees with a leaf added to the half; each leaf of it is drawn with its weight."""
    tf = load()
    weight = _log_add(trees.half_weight, delta)
    taken = tf.math.log(chance) < delta - weight
    level = tf.where(trees.leaf % 2 == 0, _ones(trees.leaf // 2), -1)
    here = tf.one_hot(level, trees.begun_p.shape[1], on_value=True, off_value=False)[..., None]
    return trees._replace(
        half_z=_where(taken, moved.z, trees.half_z),
        half_g=_where(taken, moved.g, trees.half_g),
        half_value=tf.where(taken, moved.value, trees.half_value),
        half_weight=weight,
        half_p=trees.half_p + moved.p,
        accept=trees.accept + tf.exp(tf.minimum(delta, 0.0)),
        leaves=trees.leaves + 1.0,
        leaf=trees.leaf + 1,
        begun_p=tf.where(here, moved.p[:, None], trees.begun_p),
        before_sum=tf.where(here, trees.half_p[:, None], trees.before_sum),
        before_p=tf.where(here, trees.p[:, None], trees.before_p),
    )


def _turned_within(half: Trees, p: Any) -> Any:
    """Return whether any subtree that ends with the newest leaf has turned, (C,)."""
    tf = load()
    leaf = half.leaf - 1
    top = _ones(leaf // 2)
    # As many subtrees end with a leaf as its number ends in ones: of 2, 4, 8, ... leaves.
    bottom = top - _ones(leaf & ~(leaf + 1)) + 1
    levels = tf.range(half.begun_p.shape[1])[None]
    last = (levels == top[:, None])[..., None]
    # A subtree's second half begins where the next smaller subtree does; of two leaves, with the newest.
    p = p[:, None]
    newest = half.half_p[:, None]
    middle = tf.where(last, p, _following(half.begun_p))
    before = tf.where(last, newest - p, _following(half.before_sum))
    ahead = tf.where(last, half.begun_p, _following(half.before_p))
    turned = _turns(half.begun_p, p, before - half.before_sum, newest - before, ahead, middle)
    return tf.reduce_any(turned & (levels >= bottom[:, None]) & (levels <= top[:, None]), axis=-1)


def _following(levels: Any) -> Any:
    """Return (C, K, D) one level on; the last level is never asked for one."""
    return load().concat([levels[:, 1:], levels[:, -1:]], axis=1)


def _turns(first: Any, last: Any, left: Any, right: Any, inner_left: Any, inner_right: Any) -> Any:
    """Return whether a tree of two halves turns: as a whole, or one half with the other's nearest leaf.

    first, last: momenta of its ends; left, right: sums of the halves' momenta; inner_left, inner_right: where they
    meet. A sum of momenta less half of its ends' is the way between them.
    """
    whole = _turn(first, last, left + right)
    return whole | _turn(first, inner_right, left + inner_right) | _turn(inner_left, last, inner_left + right)


def _turn(first: Any, last: Any, total: Any) -> Any:
    way = total - 0.5 * (first + last)
    return (_dot(first, way) <= 0.0) | (_dot(last, way) <= 0.0)


def _join(trees: Trees, p: Any, complete: Any, chance: Any) -> tuple[Trees, Any]:
    """Return the trees with the complete halves joined, and whether the whole turns."""
    tf = load()
    taken = complete & (tf.math.log(chance) < trees.half_weight - trees.weight)
    begun, inner = trees.begun_p[:, 0], trees.before_p[:, 0]
    turned = _turns(trees.other_p, p, trees.total_p, trees.half_p, inner, begun)
    joined = trees._replace(
        draw_z=_where(taken, trees.half_z, trees.draw_z),
        draw_g=_where(taken, trees.half_g, trees.draw_g),
        draw_value=tf.where(taken, trees.half_value, trees.draw_value),
        weight=tf.where(complete, _log_add(trees.weight, trees.half_weight), trees.weight),
        total_p=_where(complete, trees.total_p + trees.half_p, trees.total_p),
        depth=trees.depth + tf.cast(complete, tf.int32),
    )
    return joined, turned


def _next(trees: Trees, moved: _Leaf, ended: Any, complete: Any, noise: Any, chance: Any, step: Any) -> Trees:
    """Return the trees ready for the next leaf: a new trajectory, a new half in a random direction, or the next leaf."""
    tf = load()
    swap = complete & (chance < 0.5)
    fresh = ended | complete
    zero = tf.zeros_like(trees.energy)

    def begin(at_draw: Any, here: Any, there: Any) -> tuple[Any, Any]:
        return (
            _where(ended, at_draw, _where(swap, there, here)),
            _where(ended, at_draw, _where(swap, here, there)),
        )

    z, other_z = begin(trees.draw_z, moved.z, trees.other_z)
    p, other_p = begin(noise, moved.p, trees.other_p)
    g, other_g = begin(trees.draw_g, moved.g, trees.other_g)
    flipped = tf.where(swap, -trees.sign, trees.sign)
    return trees._replace(
        z=z, p=p, g=g, other_z=other_z, other_p=other_p, other_g=other_g,
        sign=tf.where(ended, tf.where(chance < 0.5, -tf.ones_like(zero), tf.ones_like(zero)), flipped),
        step=tf.where(ended, step, trees.step),
        half_weight=tf.where(fresh, zero - np.inf, trees.half_weight),
        half_p=_where(fresh, tf.zeros_like(trees.half_p), trees.half_p),
        weight=tf.where(ended, zero, trees.weight),
        total_p=_where(ended, noise, trees.total_p),
        depth=tf.where(ended, 0, trees.depth),
        leaf=tf.where(fresh, 0, trees.leaf),
        energy=tf.where(ended, 0.5 * _dot(noise, noise) - trees.draw_value, trees.energy),
        accept=tf.where(ended, zero, trees.accept),
        leaves=tf.where(ended, zero, trees.leaves),
        count=trees.count + tf.cast(ended, tf.int32),
    )  # fmt: skip


def _log_add(a: Any, b: Any) -> Any:
    """Return log(exp a + exp b), also of minus infinities."""
    tf = load()
    top = tf.maximum(a, b)
    return tf.where(top > -np.inf, top + tf.math.log1p(tf.exp(-tf.abs(a - b))), top)


def _ones(number: Any) -> Any:
    """Return how many ones a non-negative int32 (C,) has in binary."""
    tf = load()
    return tf.reduce_sum(tf.bitwise.right_shift(number[:, None], tf.range(31)[None]) & 1, axis=-1)
