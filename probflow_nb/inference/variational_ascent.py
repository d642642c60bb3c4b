"""Natural-gradient ascent of the evidence lower bound, a compiled chunk of steps at a time.

    ELBO = E_q[sum_i log p(y_i | z)] - kl_weight KL(q || prior)

A step draws z = mean + L x(e) for pairs of e and -e. With g = grad log p(z) and the entropy's part by the draw itself
("sticking the landing": Roeder, Wu and Duvenaud 2017), h = L' (g - grad log q(z)) is what the fit still misses in units
of q; where q is the posterior every h is 0, so there is no noise left. The step along E h and E h x' in the coordinates
of x is the natural gradient (Lin, Nielsen, Khan and Schmidt 2021, section 3): the same whatever the scales of z and
their correlations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.programs import fingerprint, kept
from ..backend.tensorflow import load
from ..model.density import Density
from . import variational_base as base
from .variational_family import Structure

# Longest part of a step: of the mean in sds, root mean square; of L in Frobenius norm.
_MEAN_BOUND = 3.0
_ROOT_BOUND = 2.0
_LOG_2PI = math.log(2.0 * math.pi)


@dataclass(frozen=True, eq=False)
class Ascent:
    """What a chunk of steps needs that does not change while a fit runs.

    density, inputs: the model. identity: what its programs are kept by. structure: the family. pairs: P, pairs of
    draws a step. steps: T, steps of a chunk. batch: rows of a batch, 0 for all.
    """

    density: Density
    inputs: Mapping[str, Any]
    identity: str
    structure: Structure
    pairs: int
    steps: int
    batch: int

    def noise(self, seed: int, chunk: int) -> np.ndarray:
        """Return e of one chunk, (T, P, D)."""
        rng = np.random.default_rng([seed, 11, chunk])
        return rng.standard_normal((self.steps, self.pairs, self.structure.size))

    def run(
        self, q: Mapping[str, Any], noise: np.ndarray, rows: np.ndarray | None, rate: float, kl_weight: float
    ) -> tuple[dict[str, Any], dict[str, np.ndarray], np.ndarray]:
        """Do the steps of one chunk.

        noise: (T, P, D), T at most `steps`. rows: (T, m) or None. Returns the Gaussian after the last step, the sums of
        all T of them, and (mean objective, share of draws with a finite density).
        """
        tf = load()
        count = len(noise)
        full = np.zeros((self.steps, *noise.shape[1:]))
        full[:count] = noise
        chosen = np.zeros((self.steps, max(self.batch, 1)), np.int32)
        if rows is not None:
            chosen[:count] = rows
        scale = self.density.n_rows / self.batch if self.batch else 1.0
        settings = tf.constant([rate, kl_weight, scale], tf.float64)
        last, total, figures = self._program(q, tf.constant(full), tf.constant(chosen), count, settings)
        return last, {name: value.numpy() for name, value in total.items()}, figures.numpy() / count

    def compile(self, q: Mapping[str, Any]) -> None:
        """Compile the program of a chunk, or find that it is; no step is done."""
        tf = load()
        noise = tf.zeros([self.steps, self.pairs, self.structure.size], tf.float64)
        rows = tf.zeros([self.steps, max(self.batch, 1)], tf.int32)
        self._program(q, noise, rows, 0, tf.ones([3], tf.float64))

    def _program(self, q: Any, noise: Any, rows: Any, count: int, settings: Any) -> Any:
        tf = load()
        arguments = (
            {name: tf.convert_to_tensor(value, tf.float64) for name, value in q.items()},
            noise, rows, tf.constant(count), settings, dict(self.inputs),
        )  # fmt: skip
        key = ("ascent", self.identity, self.structure.key, self.pairs, self.steps, self.batch)
        return kept(key, lambda: _compiled(_chunk(self.density, self.structure, self.batch > 0), arguments))(*arguments)


def identify(density: Density, inputs: Mapping[str, Any], batch: int) -> str:
    """Return what the programs of a density are kept by: the same for all data of one shape."""
    tf = load()
    z = tf.zeros([2, density.size], tf.float64)
    if not batch:
        return fingerprint((density.log_prior, density.log_lik), (z, dict(inputs)))
    rows = tf.zeros([batch], tf.int32)
    return fingerprint((lambda z, i, _: density.log_prior(z, i), density.log_lik), (z, dict(inputs), rows))


def log_densities(ascent: Ascent, z: np.ndarray, size: int) -> np.ndarray:
    """Return log p(data, parameters) + log |Jacobian| at draws z (S, D), `size` at a time."""
    tf = load()
    density, inputs = ascent.density, dict(ascent.inputs)

    def value(z: Any, inputs: Any) -> Any:
        return density.log_prior(z, inputs) + density.log_lik(z, inputs)

    filled = np.concatenate([z, np.repeat(z[-1:], -len(z) % size, axis=0)])
    pieces = [tf.constant(filled[i : i + size]) for i in range(0, len(filled), size)]
    key = ("log density", ascent.identity, size, ascent.batch)
    program = kept(key, lambda: _compiled(value, (pieces[0], inputs)))
    return np.concatenate([program(piece, inputs).numpy() for piece in pieces])[: len(z)]


def _compiled(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    return load().function(function, jit_compile=True, autograph=False).get_concrete_function(*arguments)


def _chunk(density: Density, structure: Structure, batched: bool) -> Callable[..., Any]:
    """Return the function of a chunk: (q, noise, rows, count, settings, inputs) -> (last, sums, figures)."""
    tf = load()

    def target(z: Any, rows: Any, settings: Any, inputs: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(z)
            prior = density.log_prior(z, inputs)
            lik = settings[2] * (density.log_lik(z, inputs, rows) if batched else density.log_lik(z, inputs))
            value = prior + lik / settings[1]
        return value, tape.gradient(value, z)

    def step(q: Any, e: Any, rows: Any, settings: Any, inputs: Any) -> tuple[Any, Any]:
        e = tf.concat([e, -e], axis=0)
        drawn = base.warp(q, e, structure.n_hyper)
        value, gradient = target(structure.forward(q, drawn.x), rows, settings, inputs)
        finite = tf.math.is_finite(value) & tf.reduce_all(tf.math.is_finite(gradient), axis=1)
        gradient = tf.where(finite[:, None], gradient, tf.zeros_like(gradient))
        # A draw without a density pulls L in.
        h = tf.where(finite[:, None], structure.pull_back(q, gradient) + drawn.score, -e)
        u = structure.clipped(structure.direction(h, drawn.x), _MEAN_BOUND, _ROOT_BOUND)
        P = e.shape[0] / 2
        # A batch's gradient varies n / m times as much as the posterior is wide; scales bear less of it than means.
        root_rate = settings[0] * (P / (P + structure.width)) / settings[2]
        following = structure.moved(q, u, settings[0] * tf.math.rsqrt(settings[2]), root_rate)
        following.update(base.moved(q, h, e, drawn.x, root_rate, structure.n_hyper))
        entropy = structure.log_determinant(q) + 0.5 * structure.size * (1.0 + _LOG_2PI)
        value += drawn.log_slope
        share = tf.reduce_mean(tf.cast(finite, tf.float64))
        seen = tf.reduce_sum(tf.where(finite, value, tf.zeros_like(value))) / (e.shape[0] * tf.maximum(share, 1e-9))
        return following, tf.stack([settings[1] * (seen + entropy), share])

    def chunk(q: Any, noise: Any, rows: Any, count: Any, settings: Any, inputs: Any) -> Any:
        def body(i: Any, q: Any, total: Any, figures: Any) -> Any:
            q, found = step(q, noise[i], rows[i], settings, inputs)
            return i + 1, q, {name: total[name] + q[name] for name in q}, figures + found

        zeros = {name: tf.zeros_like(value) for name, value in q.items()}
        start = (tf.constant(0), dict(q), zeros, tf.zeros([2], tf.float64))
        return tf.while_loop(lambda i, *_: i < count, body, start)[1:]

    return chunk
