"""Perturbation: many exact draws of the effects of large crossed factors for one Cholesky factor.

Effects given theta and beta have precision Q(theta) / sigma^2 with Q = Z'WZ + T, T the blocks (Delta Delta')^-1 of each
factor, and mean Q^-1 e with e = Z'W (y - X beta). If w ~ N(0, Q), then b = Q^-1 (e + sigma w) is a draw (Papandreou and
Yuille 2010, "Gaussian sampling by local perturbations", section 2): a draw costs a solve and no factor of its own. Here

    T = T_0 + (T - T_0),  T_0 below the T of every draw    w = Q_0^(1/2) z + (T - T_0)^(1/2) z',  so that w ~ N(0, Q)
    Q_0 = [B_0, E; E', C_0],  P = C_0 - E' B_0^-1 E = L L'  Q_0^(1/2) z = (B_0^(1/2) z_1, E' B_0^(-T/2) z_1 + L z_2)

so only the reference P, without the first factor, is factorised. Each draw's own system, the first factor eliminated
from it level by level, is solved by conjugate gradients for many draws at once. P preconditions it, with the draw's own
T in place of T_0 for factors of few levels, whose T may vary much (Woodbury). What is left differs from P by a few per
cent of the prior's part. The residual of every draw is looked at; a draw that is not solved is drawn by its own factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from . import covariance
from .conjugate_gradients import solve
from .dense_rest import DenseRest
from .effects import sample_effects
from .marginal import Marginal

# Draws that are solved together, with random numbers of their own: as many as the cache holds.
BLOCK = 250
# The first draws, from which the reference is taken, so that it is the same however many follow.
_FIRST = 64
# How far below the mean of log T the reference lies, in sds of its draws: few of them are below it.
_BELOW = 4.5
# Fewer effects than this have factors that are cheap enough.
_LEAST_SIZE = 300
# Factors of so many effects have their own T in the preconditioner.
_SMALL = 64
# Iterations that a draw is expected to take, for its cost.
_ITERATIONS = 7
# Residual norm over that of the right-hand side.
_TOLERANCE = 1e-9


def worthwhile(marginal: Marginal, S: int) -> bool:
    """Return whether S draws of the effects cost less by perturbation than by a factor each."""
    rest = marginal.constants.rest
    return isinstance(rest, DenseRest) and rest.size >= _LEAST_SIZE and S >= 2 * _FIRST


def draw_cost(marginal: Marginal) -> float:
    """Return the multiply-adds of one draw by perturbation, nearly all in products with the preconditioner."""
    return _ITERATIONS * float(marginal.moments.rest_gram.size) ** 2


@dataclass(frozen=True, eq=False)
class Perturbation:
    """The reference for draws of a model's effects; J levels of the first factor with k columns, r other effects.

    marginal: the model. prior: T_0 of every factor, (k, k) each.
    """

    marginal: Marginal
    prior: tuple[np.ndarray, ...]

    @cached_property
    def meeting(self) -> tuple[Any, ...]:
        """E by columns of the first factor, k sparse (J, r) matrices."""
        from scipy import sparse

        cells, first = self.marginal.moments.cells, self.marginal.moments.factors[0]
        shape = (first.n_levels, self.size)
        places = (cells.level, cells.column)
        return tuple(sparse.csr_matrix((cells.value[:, c], places), shape=shape) for c in range(first.n_columns))

    @cached_property
    def meeting_back(self) -> tuple[Any, ...]:
        """E' likewise."""
        return tuple(E.T.tocsr() for E in self.meeting)

    @cached_property
    def gram(self) -> Any:
        """Z'WZ of the rest, sparse (r, r)."""
        from scipy import sparse

        half = self.marginal.moments.rest_gram
        lower = sparse.csr_matrix((half.value, (half.row, half.column)), shape=(half.size, half.size))
        return (lower + sparse.tril(lower, -1).T).tocsr()

    @property
    def size(self) -> int:
        """r."""
        return self.marginal.moments.rest_gram.size

    @cached_property
    def first(self) -> np.ndarray:
        """B_0 = G_j + T_0 of the first factor, (J, k, k)."""
        return self.marginal.moments.first_gram + self.prior[0]

    @cached_property
    def first_inverse(self) -> np.ndarray:
        """B_0^-1, (J, k, k)."""
        return np.linalg.inv(self.first)

    @cached_property
    def factor(self) -> np.ndarray:
        """L with L L' = P, (r, r)."""
        P = self.gram.toarray() - _sandwich(self.meeting, self.first_inverse)
        for start, J, T in self.rest(self.prior):
            block, k = np.arange(start, start + J * len(T)).reshape(J, -1), len(T)
            P[block[:, :, None], block[:, None, :]] += np.broadcast_to(T, (J, k, k))
        return np.linalg.cholesky(P)

    @cached_property
    def inverse(self) -> np.ndarray:
        """P^-1, (r, r); it preconditions and needs no last digits."""
        from scipy.linalg import lapack

        lower, _ = lapack.dpotri(self.factor, lower=1)
        found: np.ndarray = np.tril(lower) + np.tril(lower, -1).T
        return found

    @cached_property
    def small(self) -> np.ndarray:
        """Places of the effects of factors of few levels, (m,)."""
        places = [np.arange(start, start + J * len(T)) for start, J, T in self.rest(self.prior)]
        return np.concatenate([p for p in places if len(p) <= _SMALL] or [np.zeros(0, int)])

    def rest(self, priors: tuple[np.ndarray, ...]) -> list[tuple[int, int, np.ndarray]]:
        """Return the first place, levels and T of every factor after the first."""
        found, start = [], 0
        for factor, T in zip(self.marginal.moments.factors[1:], priors[1:], strict=True):
            found.append((start, factor.n_levels, T))
            start += factor.n_levels * factor.n_columns
        return found

    def system(self, priors: tuple[np.ndarray, ...]) -> System:
        """Return the systems of S draws from T of every factor, (S, k, k) each."""
        return System(self, priors)


@dataclass(frozen=True, eq=False)
class System:
    """Q of S draws after the elimination of the first factor; vectors are (r, S), or (J, k, S) for the first factor.

    priors: T of every factor, (S, k, k) each.
    """

    reference: Perturbation
    priors: tuple[np.ndarray, ...]

    @cached_property
    def first_inverse(self) -> np.ndarray:
        """(G_j + T)^-1, (J, k, k, S)."""
        G, T = self.reference.marginal.moments.first_gram, self.priors[0]
        if G.shape[1] == 1:
            return 1.0 / (G[..., None] + T[:, 0, 0])
        return np.ascontiguousarray(np.moveaxis(np.linalg.inv(G[:, None] + T), 1, -1))

    def by_first(self, v: np.ndarray) -> np.ndarray:
        """Return (G_j + T)^-1 v, (J, k, S)."""
        if v.shape[1] == 1:
            return self.first_inverse[:, 0] * v
        return np.einsum("jcds,jds->jcs", self.first_inverse, v)

    def meet(self, v: np.ndarray) -> np.ndarray:
        """Return E v, (J, k, S)."""
        return np.stack([E @ v for E in self.reference.meeting], axis=1)

    def meet_back(self, v: np.ndarray) -> np.ndarray:
        """Return E' v, (r, S)."""
        parts = [E @ np.ascontiguousarray(v[:, c]) for c, E in enumerate(self.reference.meeting_back)]
        total: np.ndarray = sum(parts[1:], parts[0])
        return total

    def apply(self, v: np.ndarray) -> np.ndarray:
        """Return (Z'WZ + T - E' (G + T)^-1 E) v."""
        total: np.ndarray = self.reference.gram @ v
        total -= self.meet_back(self.by_first(self.meet(v)))
        for start, J, T in self.reference.rest(self.priors):
            _add_blocks(total, v, start, J, T)
        return total

    def precondition(self, v: np.ndarray) -> np.ndarray:
        """Return (P + U (T - T_0) U')^-1 v, U the columns of factors of few levels."""
        found: np.ndarray = self.reference.inverse @ v
        places = self.reference.small
        if len(places):
            moved = np.einsum("smn,ns->ms", self._woodbury, found[places])
            found -= self.reference.inverse[:, places] @ moved
        return found

    @cached_property
    def _woodbury(self) -> np.ndarray:
        """(I + D C)^-1 D with C = U'P^-1 U and D = T - T_0, (S, m, m)."""
        places = self.reference.small
        C = self.reference.inverse[np.ix_(places, places)]
        D, at = np.zeros((len(self.priors[0]), len(places), len(places))), 0
        for (_, J, T), T0 in zip(self.reference.rest(self.priors), self.reference.prior[1:], strict=True):
            k = T.shape[1]
            if J * k > _SMALL:
                continue
            block = np.arange(at, at + J * k).reshape(J, k)
            D[:, block[:, :, None], block[:, None, :]] = (T - T0)[:, None]
            at += J * k
        found: np.ndarray = np.linalg.solve(np.eye(len(places)) + D @ C, D)
        return found

    def noise(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return w ~ N(0, Q) from 2 (J k + r) standard normals a draw, z (., S): the first factor's, then the rest's.

        The first factor is eliminated from the rest's: w_2 - E'(G + T)^-1 w_1.
        """
        ref, S = self.reference, z.shape[1]
        J, k = ref.first.shape[:2]
        own, more = z[: J * k].reshape(J, k, S), z[J * k : 2 * J * k].reshape(J, k, S)
        known = np.einsum("jcd,jds->jcs", np.linalg.cholesky(ref.first), own)
        whole = known.copy()
        _add_blocks(whole.reshape(J * k, S), more.reshape(J * k, S), 0, J, _roots(self.priors[0] - ref.prior[0]))
        rest = ref.factor @ z[2 * J * k : 2 * J * k + ref.size]
        rest += self.meet_back(np.einsum("jcd,jds->jcs", ref.first_inverse, known) - self.by_first(whole))
        apart = z[2 * J * k + ref.size :]
        for (start, levels, T), T0 in zip(ref.rest(self.priors), ref.prior[1:], strict=True):
            _add_blocks(rest, apart, start, levels, _roots(T - T0))
        return whole, rest


def perturbation(marginal: Marginal, theta: np.ndarray) -> Perturbation:
    """Return the reference for draws of theta (S, d), from the first of them."""
    found = []
    for T in precisions(marginal, theta[:_FIRST]):
        centre = T.mean(axis=0)
        root = np.linalg.inv(np.linalg.cholesky(centre))
        least = np.log(np.linalg.eigvalsh(root @ T @ root.T)[:, 0])
        found.append(centre * np.exp(least.mean() - _BELOW * least.std()))
    return Perturbation(marginal, tuple(found))


def precisions(marginal: Marginal, theta: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return T = (Delta Delta')^-1 of every factor, (S, k, k) each, for theta (S, d)."""
    deltas = [covariance.dense(delta).numpy() for delta in marginal.factors(load().constant(theta))]
    roots = [np.linalg.inv(delta) for delta in deltas]
    return tuple(root.transpose(0, 2, 1) @ root for root in roots)


def perturbed_effects(
    reference: Perturbation, theta: np.ndarray, beta: np.ndarray, seed: int | None
) -> list[np.ndarray]:
    """Return the effects of every eliminated factor, each (S, J, k), on the data's scale.

    theta: (S, d). beta: (S, p), on the data's scale. seed: None for conditional means instead of draws. Draws depend on
    the seed and their position alone, so the first m of S draws are the same for any S.
    """
    marginal, S = reference.marginal, len(theta)
    T, t = marginal.moments.scaling.coefficients()
    scaled = np.linalg.solve(T, (beta - t).T).T if beta.shape[1] else beta
    pieces: list[list[np.ndarray]] = []
    for block, start in enumerate(range(0, S, BLOCK)):
        rows = slice(start, min(start + BLOCK, S))
        # A block is always full, so that sums of its products have one order whatever S is.
        places = np.minimum(np.arange(start, start + BLOCK), S - 1)
        rng = None if seed is None else np.random.Generator(np.random.Philox(_stream(seed, block, 1)))
        found, solved = _block(reference, theta[places], scaled[places], rng)
        m = rows.stop - start
        again = np.flatnonzero(~solved[:m])
        effects = [b[:m] for b in found]
        for place in again:
            at = slice(start + place, start + place + 1)
            own_seed = None if seed is None else int(_stream(seed, start + int(place), 2).generate_state(1)[0])
            own = sample_effects(marginal, theta[at], beta[at], own_seed)
            for whole, one in zip(effects, own, strict=True):
                whole[place] = one[0]
        pieces.append(effects)
    return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]


def _stream(seed: int, place: int, use: int) -> np.random.SeedSequence:
    """Return what the random numbers of a block, or of a draw that is made by itself, start from."""
    return np.random.SeedSequence([seed & (2**64 - 1), place, use])


def _block(
    reference: Perturbation, theta: np.ndarray, beta: np.ndarray, rng: np.random.Generator | None
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the effects of a block of draws, (S, J, k) of each factor, and which of them are solved, (S,)."""
    marginal = reference.marginal
    priors = precisions(marginal, theta)
    # Below the reference there is no perturbation that leads to the draw's own T.
    within = np.ones(len(theta), bool)
    for T, T0 in zip(priors, reference.prior, strict=True):
        within &= np.isfinite(T).all(axis=(1, 2)) & (np.linalg.eigvalsh(np.nan_to_num(T - T0))[:, 0] >= 0.0)
    held = tuple(np.where(within[:, None, None], T, 2.0 * T0) for T, T0 in zip(priors, reference.prior, strict=True))
    system, S = reference.system(held), len(theta)
    J, k = reference.first.shape[:2]
    width = 2 * (J * k + reference.size)
    # Draw by draw, so that a draw's numbers do not hang on how many follow.
    z = np.zeros((width, S)) if rng is None else np.ascontiguousarray(rng.standard_normal((S, width)).T)
    c = np.concatenate([-beta, np.ones((S, 1))], axis=1).T
    sigma = np.exp(theta[:, marginal.layout.sigma])
    first, rest = system.noise(z)
    own = np.einsum("jkq,qs->jks", marginal.moments.first_cross, c)
    target = marginal.moments.rest_cross @ c - system.meet_back(system.by_first(own)) + sigma * rest
    solution, solved = solve(system.apply, system.precondition, target, _TOLERANCE)
    b = [system.by_first(own + sigma * first - system.meet(solution))]
    for factor, (start, levels, T) in zip(marginal.moments.factors[1:], reference.rest(held), strict=True):
        b.append(solution[start : start + levels * T.shape[1]].reshape(levels, factor.n_columns, S))
    units = [marginal.moments.scaling.y_scale / factor.scale for factor in marginal.moments.factors]
    found = [np.ascontiguousarray(values.transpose(2, 0, 1)) * unit for values, unit in zip(b, units, strict=True)]
    return found, solved & within


def _sandwich(meeting: tuple[Any, ...], A: np.ndarray) -> np.ndarray:
    """Return E' A E, (r, r), for A (J, k, k)."""
    total: Any = 0.0
    for c, left in enumerate(meeting):
        for d, right in enumerate(meeting):
            total = total + left.T @ right.multiply(A[:, c, d, None])
    found: np.ndarray = total.toarray()
    return found


def _add_blocks(total: np.ndarray, v: np.ndarray, start: int, J: int, T: np.ndarray) -> None:
    """Add T v of one factor to total (r, S), in place; T is (S, k, k), the same for each of J levels."""
    k = T.shape[1]
    part = slice(start, start + J * k)
    if k == 1:
        total[part] += T[:, 0, 0] * v[part]
    else:
        total[part] += np.einsum("scd,jds->jcs", T, v[part].reshape(J, k, -1)).reshape(J * k, -1)


def _roots(D: np.ndarray) -> np.ndarray:
    """Return R with R R' = D for positive semidefinite D (S, k, k)."""
    if D.shape[1] == 1:
        return np.sqrt(D)
    values, vectors = np.linalg.eigh(D)
    found: np.ndarray = vectors * np.sqrt(np.clip(values, 0.0, None))[:, None, :]
    return found
