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
    """Where the C chains stand in their trees; arrays (C,), or (C, D) where a D is said.

    z, p, g: (C, D), position, momentum and gradient of the edge that moves; other_z, other_p, other_g: of the one that
    stays. sign, step: of the leapfrog steps. draw_z, draw_g: (C, D), the draw chosen from the tree so far; half_z,
    half_g: from the half that is being added; draw_value, half_value: log densities there. half_weight, weight: logs
    of the weights of that half and of the tree without it; half_p, total_p: (C, D), sums of momenta alike. depth,
    leaf: doublings so far, and leaves of the half so far. energy: at the beginning. accept, leaves: sum of acceptance
    over leaves, and their number. marks: checkpoints (C (K + 1), 3, D), a row a level and one that is never read: the
    momentum of a subtree's first leaf, the half's sum before it and the momentum of the leaf before it. count: draws.
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
    marks: Any
    count: Any


def plant(
    z: np.ndarray, value: np.ndarray, g: np.ndarray, p: np.ndarray, sign: np.ndarray, step: float, levels: int
) -> Trees:
    """Return trees of one leaf at z (C, D) with momenta p and whitened gradients g; levels: K, the deepest tree."""
    C, D = z.shape
    zero, none = np.zeros(C), np.zeros(C, np.int32)
    energy = 0.5 * (p * p).sum(axis=1) - value
    return Trees(
        z, p, g, z, p, g, sign.astype(float), np.full(C, step), z, g, value, z, g, value, np.full(C, -np.inf),
        np.zeros((C, D)), zero, p, none, none, energy, zero, zero, np.zeros((C * (levels + 1), 3, D)), none,
    )  # fmt: skip


def advance(
    trees: Trees, density: Callable[[Any], tuple[Any, Any]], metric: Metric, fate: Fate, step: Any, deepest: Any
) -> tuple[Trees, Any]:
    """Return the trees after one leapfrog step of every chain, and its record (C, 7), see RECORD.

    density: z -> value (C,) and gradient (C, D), called once. step: size for trajectories that begin. deepest:
    doublings at most.
    """
    tf = load()
    moved = _leapfrog(trees, density, metric)
    marks, half_p = _marked(trees, moved.p), trees.half_p + moved.p
    over, kinetic = _over(trees, marks, half_p, moved.p, fate.ones)
    delta = trees.energy - (kinetic - moved.value)
    delta = tf.where(tf.math.is_finite(delta), delta, -np.inf)
    diverged = delta < _DIVERGED
    turned = _turned_within(trees, marks, half_p, moved.p, fate.ones)
    complete = trees.leaf + 1 == tf.bitwise.left_shift(tf.ones_like(trees.depth), trees.depth)
    whole = complete & ~turned & ~diverged
    half_weight = _log_add(trees.half_weight, delta)
    depth = trees.depth + tf.cast(whole, tf.int32)
    ended = diverged | turned | (complete & (over | (depth >= deepest)))
    logs = tf.math.log(fate.chance[:, :2])
    choice = _settled(
        leaf=logs[:, 0] < delta - half_weight,
        half=whole & (logs[:, 1] < half_weight - trees.weight),
        whole=whole,
        ended=ended,
        swap=complete & (fate.chance[:, 2] < 0.5),
        fresh=ended | complete,
    )
    accept, leaves = trees.accept + tf.exp(tf.minimum(delta, 0.0)), trees.leaves + 1.0
    grown = trees._replace(
        half_z=_where(choice.leaf, moved.z, trees.half_z),
        half_g=_where(choice.leaf, moved.g, trees.half_g),
        half_value=tf.where(choice.leaf, moved.value, trees.half_value),
        half_weight=half_weight, half_p=half_p, leaf=trees.leaf + 1, depth=depth, accept=accept, leaves=leaves,
        marks=marks,
    )  # fmt: skip
    joined = _join(grown, choice)
    record = tf.stack(
        [
            tf.cast(choice.ended, tf.float64), joined.draw_value, trees.energy, accept / leaves,
            tf.cast(depth, tf.float64), leaves, tf.cast(diverged, tf.float64),
        ],
        axis=-1,
    )  # fmt: skip
    return _next(joined, moved, choice, fate, step), record


class Fate(NamedTuple):
    """The random numbers of a pass.

    p, kinetic: (C, D) normal momenta of trajectories that begin, and their energies (C,). chance: (C, 3) uniform, for
    the choices of leaf, half and direction. ones: (D, 1), what sums are made with.
    """

    p: Any
    kinetic: Any
    chance: Any
    ones: Any


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


class _Choice(NamedTuple):
    """What happens to each chain in a pass, (C,).

    leaf: the newest leaf is drawn from its half. half: the half's draw becomes the tree's. whole: the half is
    complete and has not turned. ended: the trajectory is over. swap: the next half grows at the other edge. fresh: a
    half begins.
    """

    leaf: Any
    half: Any
    whole: Any
    ended: Any
    swap: Any
    fresh: Any


def _settled(**conditions: Any) -> _Choice:
    """Return the conditions as values.

    A product with the identity keeps XLA from working them out again for every number that they choose.
    """
    tf = load()
    table = tf.stack([tf.cast(condition, tf.float64) for condition in conditions.values()], axis=-1)
    settled = tf.linalg.matmul(table, tf.eye(len(conditions), dtype=tf.float64)) > 0.5
    return _Choice(**{name: settled[:, i] for i, name in enumerate(conditions)})


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


def _marked(trees: Trees, p: Any) -> Any:
    """Return the checkpoints with the newest leaf's, if its number is even and so begins subtrees."""
    tf = load()
    level = tf.where(trees.leaf % 2 == 0, _ones(trees.leaf // 2), _levels(trees))
    mark = tf.stack([p, trees.half_p, trees.p], axis=1)
    return tf.tensor_scatter_nd_update(trees.marks, _rows(trees, level)[:, None], mark)


def _turned_within(trees: Trees, marks: Any, newest: Any, p: Any, ones: Any) -> Any:
    """Return whether any subtree that ends with the newest leaf has turned, (C,).

    As many subtrees end with a leaf as its number ends in ones: of 2, 4, 8, ... leaves. The second half of one begins
    where the next smaller one does. newest: the half's sum of momenta up to that leaf.
    """
    tf = load()
    top = _ones(trees.leaf // 2)
    number = _ones(trees.leaf & ~(trees.leaf + 1))

    def going(i: Any, turned: Any, *_: Any) -> Any:
        return tf.reduce_any(~turned & (i < number))

    def one(i: Any, turned: Any, middle: Any, before: Any, ahead: Any) -> Any:
        row = tf.gather(marks, _rows(trees, tf.maximum(top - i, 0)))
        first, start, earlier = row[:, 0], row[:, 1], row[:, 2]
        ahead = tf.where(i == 0, first, ahead)
        found = _turns(_ways(first, p, before - start, newest - before, ahead, middle), ones)[0]
        return i + 1, turned | (found & (i < number)), first, start, earlier

    none = tf.zeros_like(number, tf.bool)
    return tf.while_loop(going, one, (0, none, p, newest - p, p))[1]


def _levels(trees: Trees) -> int:
    """Return K."""
    return int(trees.marks.shape[0] // trees.z.shape[0]) - 1


def _rows(trees: Trees, level: Any) -> Any:
    """Return where each chain's checkpoint of a level (C,) lies."""
    return load().range(trees.z.shape[0]) * (_levels(trees) + 1) + level


def _over(trees: Trees, marks: Any, newest: Any, p: Any, ones: Any) -> tuple[Any, Any]:
    """Return whether the tree with its new half turns, and the newest leaf's kinetic energy, (C,) each.

    newest: that half's sum of momenta.
    """
    tf = load()
    row = tf.gather(marks, _rows(trees, tf.zeros_like(trees.depth)))
    ways = _ways(trees.other_p, p, trees.total_p, newest, row[:, 2], row[:, 0])
    turned, dots = _turns([*ways, (p, p)], ones)
    return turned, 0.5 * dots[:, -1]


def _ways(first: Any, last: Any, left: Any, right: Any, inner_left: Any, inner_right: Any) -> list[tuple[Any, Any]]:
    """Return pairs of (C, D) whose products are positive while a tree of two halves goes straight on.

    It may turn as a whole, or one half with the other's nearest leaf. first, last: momenta of its ends; left, right:
    sums of the halves' momenta; inner_left, inner_right: where they meet. A sum of momenta less half of its ends' is
    the way between them.
    """
    pairs = []
    for a, b, total in (
        (first, last, left + right),
        (first, inner_right, left + inner_right),
        (inner_left, last, inner_left + right),
    ):
        way = total - 0.5 * (a + b)
        pairs += [(a, way), (b, way)]
    return pairs


def _turns(pairs: list[tuple[Any, Any]], ones: Any) -> tuple[Any, Any]:
    """Return whether any of the first six products is not positive, (C,), and all products (C, m).

    They are summed by a product with ones: XLA sums (C, m) vectors one by one, and long ones in pieces.
    """
    tf = load()
    product = tf.stack([a for a, _ in pairs], axis=1) * tf.stack([b for _, b in pairs], axis=1)
    C, m, D = product.shape
    dots = tf.reshape(tf.linalg.matmul(tf.reshape(product, [C * m, D]), ones), [C, m])
    return tf.reduce_any(dots[:, :6] <= 0.0, axis=-1), dots


def _join(trees: Trees, choice: _Choice) -> Trees:
    """Return the trees with the complete halves joined."""
    tf = load()
    return trees._replace(
        draw_z=_where(choice.half, trees.half_z, trees.draw_z),
        draw_g=_where(choice.half, trees.half_g, trees.draw_g),
        draw_value=tf.where(choice.half, trees.half_value, trees.draw_value),
        weight=tf.where(choice.whole, _log_add(trees.weight, trees.half_weight), trees.weight),
        total_p=_where(choice.whole, trees.total_p + trees.half_p, trees.total_p),
    )


def _next(trees: Trees, moved: _Leaf, choice: _Choice, fate: Fate, step: Any) -> Trees:
    """Return the trees ready for the next leaf: of a new trajectory, of a half in a random direction, or of this."""
    tf = load()
    ended, swap, fresh = choice.ended, choice.swap, choice.fresh
    zero = tf.zeros_like(trees.energy)
    begun = tf.where(fate.chance[:, 2] < 0.5, zero - 1.0, zero + 1.0)

    def edges(start: Any, here: Any, there: Any) -> tuple[Any, Any]:
        return (
            _where(ended, start, _where(swap, there, here)),
            _where(ended, start, _where(swap, here, there)),
        )

    z, other_z = edges(trees.draw_z, moved.z, trees.other_z)
    p, other_p = edges(fate.p, moved.p, trees.other_p)
    g, other_g = edges(trees.draw_g, moved.g, trees.other_g)
    return trees._replace(
        z=z, p=p, g=g, other_z=other_z, other_p=other_p, other_g=other_g,
        sign=tf.where(ended, begun, tf.where(swap, -trees.sign, trees.sign)),
        step=tf.where(ended, step, trees.step),
        half_weight=tf.where(fresh, zero - np.inf, trees.half_weight),
        half_p=_where(fresh, tf.zeros_like(trees.half_p), trees.half_p),
        weight=tf.where(ended, zero, trees.weight),
        total_p=_where(ended, fate.p, trees.total_p),
        depth=tf.where(ended, 0, trees.depth),
        leaf=tf.where(fresh, 0, trees.leaf),
        energy=tf.where(ended, fate.kinetic - trees.draw_value, trees.energy),
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
