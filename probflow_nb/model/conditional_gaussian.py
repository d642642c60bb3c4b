"""A program that is Gaussian in some of its parameters given the others, those integrated out in closed form.

theta (d numbers) holds the other parameters, unconstrained. With v = g - B g the innovations of g, independent from
parameter to parameter, v ~ N(m(theta), R(theta) R(theta)'), and A' = A (I - B)^-1,

    log p(y, theta) = log p(theta) + log Jacobian + log N(y | c + A' m, S + A' R R' A'')

by cross-products of A' and y where c and A are the same for any theta and the sds up to a factor, else by rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..backend.tensorflow import load
from ..objects.multivariate import MultivariateNormal
from ..objects.parameter import Parameter
from ..objects.value import tensor
from .affine import Affine, affine
from .collapsed import Evaluation
from .element_names import is_long
from .gaussian_integral import Quadratic, Solution, given_last, integrate, last
from .normal_response import Refused, Values
from .program import Program

# Numbers that one batch of theta may hold.
_AT_ONCE = 8_000_000
_RECOGNISED: WeakKeyDictionary[Program, ConditionalGaussian | str] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class CrossProducts:
    """Everything of the rows that does not depend on theta.

    A: (N, P) of the innovations, A (I - B)^-1. reference: (P,), v0 near the best fit. gram: (P, P), cross: (P,) and
    square: of A and of what v0 leaves of y, rows divided by their relative sds.
    """

    A: np.ndarray
    reference: np.ndarray
    gram: np.ndarray
    cross: np.ndarray
    square: float


@dataclass(frozen=True, eq=False)
class ConditionalGaussian:
    """The density of theta, and of the integrated parameters given theta.

    found: which parameters those are. n_common: p, the last elements of g, which stand in a table.
    """

    program: Program
    found: Affine
    n_common: int

    @property
    def size(self) -> int:
        """d, the length of theta."""
        return self.found.latent.size

    @property
    def log_sds(self) -> np.ndarray:
        """None is known to be one."""
        return np.zeros(0, int)

    @cached_property
    def cost(self) -> float:
        """Multiply-adds of one evaluation, about."""
        P, N = self.found.g.size, self.found.response.y.size
        rest = P - self.first
        by_rows = 0 if self._constant else N * P * (P if self._varying_gram else 1)
        return rest**3 / 3.0 + self.first * rest**2 + 2.0 * P**2 + by_rows

    @cached_property
    def _constant(self) -> bool:
        return self.found.fixed_offset and self.found.fixed_design and self.found.fixed_shape

    @cached_property
    def _varying_gram(self) -> bool:
        return not (self.found.fixed_design and self.found.fixed_shape)

    @cached_property
    def turned(self) -> np.ndarray:
        """(P, P), (I - B)^-1: g of innovations."""
        return np.linalg.inv(np.eye(self.found.g.size) - self.found.coupling)

    @cached_property
    def products(self) -> CrossProducts:
        """The cross-products, made at their first use."""
        A = self.found.A @ self.turned
        weighted = A / self.found.relative[:, None]
        left = (self.found.response.y - self.found.c) / self.found.relative
        gram = weighted.T @ weighted
        reference = self._near_best(gram, weighted, left)
        rest = left - weighted @ reference
        return CrossProducts(A, reference, gram, weighted.T @ rest, float(rest @ rest))

    def _near_best(self, gram: np.ndarray, weighted: np.ndarray, left: np.ndarray) -> np.ndarray:
        """Return the innovations' mode at theta = 0: any reference is right, one near the best fit keeps digits."""
        tf = load()
        g = self.found.g
        values, _ = self.found.latent.walk(tf.zeros([1, self.size], tf.float64))
        everything = {**values, **g.split(np.zeros((1, g.size)))}
        mean = g.means(everything, 1).numpy()[0]
        eye = tf.eye(g.size, batch_shape=[1], dtype=tf.float64)
        blocks = g.roots(everything, 1)
        root = tf.concat([block.apply(eye[:, block.start : block.stop]) for block in blocks], axis=1).numpy()[0]
        gain = np.eye(g.size) + root.T @ gram @ root
        return mean + root @ np.linalg.solve(gain, root.T @ (weighted.T @ (left - weighted @ mean)))

    @cached_property
    def first(self) -> int:
        """How many leading innovations have a diagonal gram and independent priors."""
        if self._varying_gram:
            return 0
        term = self.found.g.terms[0]
        part = self.found.g.slices[term.parameter]
        if part.stop > self.found.g.size - self.n_common or isinstance(term.prior, MultivariateNormal):
            return 0
        own = self.products.gram[part, part]
        diagonal = np.abs(own - np.diag(np.diag(own))).max() <= 1e-12 * np.abs(own).max()
        return int(part.stop) if diagonal else 0

    # The density of theta --------------------------------------------------------------------------------------------

    def log_prior(self, theta: Any) -> Any:
        """Return the log prior density of theta (S, d), Jacobians included."""
        return self.found.latent.walk(theta)[1]

    def log_priors(self, theta: np.ndarray) -> np.ndarray:
        """Return the log prior density of numpy theta (S, d), (S,)."""
        value: np.ndarray = self.log_prior(tensor(theta)).numpy()
        return value

    def log_density(self, theta: Any) -> Any:
        """Return log p(y, theta), (S,), differentiable in theta (S, d)."""
        values, log_prior = self.found.latent.walk(theta)
        return log_prior + integrate(self._quadratic(values, theta)).log_lik

    def log_densities(self, theta: np.ndarray) -> np.ndarray:
        """Return log p(y, theta) for numpy theta (S, d); minus infinity where it is not a number."""
        value = np.concatenate([self.log_density(tensor(theta[rows])).numpy() for rows in self.batches(len(theta))])
        return np.where(np.isfinite(value), value, -np.inf)

    def evaluate(self, theta: np.ndarray) -> Evaluation:
        """Return the log density and the conditional of the table's parameters for numpy theta (S, d)."""
        if not self.size and len(theta) > 1:
            one = self.evaluate(theta[:1])
            return Evaluation(*(np.repeat(part, len(theta), axis=0) for part in (one.log_density, one.mean, one.root)))
        pieces = [self._evaluated(tensor(theta[rows])) for rows in self.batches(len(theta))]
        value, mean, root = (np.concatenate([piece[k] for piece in pieces]) for k in range(3))
        return Evaluation(np.where(np.isfinite(value), value, -np.inf), mean, root)

    def _evaluated(self, theta: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values, log_prior = self.found.latent.walk(theta)
        quadratic = self._quadratic(values, theta)
        solution = integrate(quadratic)
        p, P = self.n_common, self.found.g.size
        mean, root = last(quadratic, solution, p)
        T = self.turned[P - p :, P - p :]
        v = mean.numpy() + self.products.reference[P - p :]
        value = log_prior + solution.log_lik
        return value.numpy(), v @ T.T, root.numpy() @ T.T

    def scatter(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Return points (size, d): a centre, draws of the prior, and points about the centre."""
        middle = np.zeros((1, self.size))
        drawn = self.found.latent.sample(size // 2, rng)
        drawn = np.clip(np.where(np.isfinite(drawn), drawn, 0.0), -20.0, 20.0)
        return np.concatenate([middle, drawn, 1.5 * rng.standard_normal((size - 1 - len(drawn), self.size))])

    def batches(self, S: int) -> list[slice]:
        """Return the slices in which S values of theta are worked on."""
        P, N = self.found.g.size, self.found.response.y.size
        by_rows = 0 if self._constant else N * (P + 1 if not self.found.fixed_design else 2)
        rest = P - self.first
        size = max(1, int(_AT_ONCE // (4 * rest * (rest + self.first) + by_rows + P + 1)))
        return [slice(start, min(start + size, S)) for start in range(0, S, size)]

    # Given theta -----------------------------------------------------------------------------------------------------

    def _quadratic(self, values: Values, theta: Any) -> Quadratic:
        """Return the likelihood as a quadratic in the innovations, and their prior, at values of the others."""
        tf = load()
        g, S = self.found.g, tf.shape(theta)[0]
        zero = g.split(tf.zeros(tf.stack([S, g.size]), tf.float64))
        everything = {**values, **zero}
        mean = g.means(everything, S) - self.products.reference
        gram, cross, square, precision, log_scale = self._of_rows(everything)
        blocks = g.roots(everything, S)
        return Quadratic(
            gram, cross, square, precision, log_scale, self.found.response.y.size, mean, blocks, self.first
        )

    def _of_rows(self, values: Values) -> tuple[Any, Any, Any, Any, Any]:
        """Return gram, cross, square, precision and the sum of log sds."""
        tf = load()
        products, response = self.products, self.found.response
        if self._constant:
            # One row tells the sds of all of them.
            sd = response.moments(values, first_row=True)[1][:, 0]
            logs = response.y.size * tf.math.log(sd) + np.log(self.found.relative).sum()
            return tensor(products.gram), tensor(products.cross), tensor(products.square), 1.0 / (sd * sd), logs
        c, sd = response.moments(values)
        A = tensor(products.A) if self.found.fixed_design else self._designs(values, c)
        fitted = tf.linalg.matvec(A, products.reference)
        rest = (response.y - c - fitted) / sd
        weighted = A / sd[:, :, None]
        if self._varying_gram:
            gram = tf.linalg.matmul(weighted, weighted, transpose_a=True)
            precision, scaled, left = tf.ones_like(sd[:, 0]), weighted, rest
            cross = tf.einsum("snp,sn->sp", scaled, left)
        else:
            gram = tensor(products.gram)
            precision = 1.0 / (sd[:, 0] * sd[:, 0])
            left = rest * sd[:, :1]
            cross = tf.linalg.matmul(left, products.A / self.found.relative[:, None])
        return gram, cross, tf.reduce_sum(left * left, axis=1), precision, tf.reduce_sum(tf.math.log(sd), axis=1)

    def _designs(self, values: Values, c: Any) -> Any:
        """Return A (I - B)^-1 (S, N, P), read off the mean at the unit vectors."""
        tf = load()
        P, S = self.found.g.size, tf.shape(c)[0]
        unit = self.found.g.split(tf.tile(tf.eye(P, dtype=tf.float64), tf.stack([S, 1])))
        many = {p: tf.repeat(value, P, axis=0) for p, value in values.items()}
        mean = self.found.response.moments({**many, **unit})[0]
        columns = tf.reshape(mean, tf.stack([S, P, self.found.response.y.size])) - c[:, None, :]
        return tf.einsum("spn,pq->snq", columns, tensor(self.turned))

    def sample(self, theta: np.ndarray, beta: np.ndarray, seed: int) -> dict[Parameter, np.ndarray]:
        """Return all integrated parameters (S, *shape) given theta (S, d) and those of the table (S, p).

        Draws depend on the seed and their position alone, so the first m of S draws are the same for any S.
        """
        P, p = self.found.g.size, self.n_common
        T = self.turned
        pieces = []
        for block, rows in enumerate(self.batches(len(theta))):
            rng = np.random.Generator(np.random.Philox(key=[seed & (2**64 - 1), block]))
            noise = rng.standard_normal((rows.stop - rows.start, P - p))
            at = tensor(theta[rows])
            quadratic = self._quadratic(self.found.latent.walk(at)[0], at)
            solution: Solution = integrate(quadratic)
            known = np.linalg.solve(T[P - p :, P - p :], beta[rows].T).T - self.products.reference[P - p :]
            d = given_last(quadratic, solution, tensor(known), tensor(noise)).numpy()
            pieces.append((d + self.products.reference) @ T.T)
        g = np.concatenate(pieces)
        return {q: g[:, part].reshape(-1, *q.shape) for q, part in self.found.g.slices.items()}


def recognise(program: Program) -> ConditionalGaussian | None:
    """Return the program as Exact fits it, or None where it is not Gaussian given a few parameters."""
    found = _recognised(program)
    return None if isinstance(found, str) else found


def refusal(program: Program) -> str:
    """Return why a program is not recognised, in words that go on from "because"; "" where it is."""
    found = _recognised(program)
    return found if isinstance(found, str) else ""


def _recognised(program: Program) -> ConditionalGaussian | str:
    if program not in _RECOGNISED:
        _RECOGNISED[program] = _look(program)
    return _RECOGNISED[program]


def _look(program: Program) -> ConditionalGaussian | str:
    try:
        found = affine(program)
    except Refused as refused:
        return str(refused)
    n_common = sum(term.parameter.size for term in found.g.terms if not is_long(term.parameter))
    long = found.g.size - n_common
    if np.any(found.coupling[long:, :long] != 0.0):
        return "the prior mean of a short parameter is made of a long one"
    return ConditionalGaussian(program, found, n_common)
