"""The deviance of a model with a family, as glmer defines it: -2 log likelihood with u integrated out, beta free.

    deviance(phi, beta) = -2 (l(u^) - 1/2 log det H(u^)),  l(u) = log p(y | u, beta) - 1/2 u'u,  u^ its mode

phi holds the entries of Delta, as in `criterion`; after beta come the free numbers of the family's own
parameters. With several nodes the effects of one factor with one column are integrated by adaptive Gauss-Hermite
quadrature instead (Bates et al. 2015; Pinheiro and Chao 2006).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .covariance import Layout
from .families.auxiliary import constrained
from .families.record import Aux
from .latent_blocks import scale_first, scale_rest
from .latent_design import LatentDesign
from .latent_mode import Modes, Problem, parts, solve
from .latent_quadrature import log_integrals
from .latent_scales import from_entries

_TIGHT = 1e-16


@dataclass(frozen=True, eq=False)
class LatentCriterion:
    """-2 log likelihood of a model with a family as a function of psi = (phi, scaled beta, free numbers of the family).

    design: with X. layout: of phi. nodes: of the quadrature, 1 for Laplace.
    """

    design: LatentDesign
    layout: Layout
    nodes: int = 1

    @property
    def n_phi(self) -> int:
        """Length of phi."""
        return self.layout.sigma

    @property
    def size(self) -> int:
        """Length of psi."""
        return self.n_phi + self.design.p + len(self.design.record.auxiliary)

    @property
    def own(self) -> slice:
        """Places of the family's own parameters in psi."""
        return slice(self.n_phi + self.design.p, self.size)

    def aux(self, psi: np.ndarray) -> Aux:
        """Return the family's own parameters at psi (S, d), (S,) each."""
        return constrained(self.design.record.auxiliary, list(psi[:, self.own].T))

    @cached_property
    def _inner(self) -> LatentDesign:
        return self.design.without_common()

    def values(self, psi: np.ndarray) -> np.ndarray:
        """Return the deviance at psi (S, d), (S,); infinity where it is not a number."""
        found, size = np.empty(len(psi)), self.design.batch
        start = None
        for begin in range(0, len(psi), size):
            rows = slice(begin, begin + size)
            problem = self._problem(psi[rows])
            if start is None:
                # The first of a batch is found from nothing, the others from it.
                start = solve(problem.take(np.arange(1)), np.zeros((self._inner.size, 1)), _TIGHT).x
            modes = solve(problem, np.repeat(start, len(psi[rows]), axis=1), _TIGHT)
            found[rows] = self._value(problem, modes)
        return np.where(np.isfinite(found), found, np.inf)

    def modes(self, psi: np.ndarray) -> tuple[Problem, Modes]:
        """Return the problem and the modes of u at one psi (d,)."""
        problem = self._problem(psi[None])
        return problem, solve(problem, np.zeros((self._inner.size, 1)), _TIGHT)

    def common_at(self, psi: np.ndarray) -> np.ndarray:
        """Return psi (S, d) with beta at the joint mode of (u, beta), found from the beta that psi holds."""
        design, S, p, q = self.design, len(psi), self.design.p, self.n_phi
        scales = from_entries(design, self.layout, psi[:, :q])
        problem = Problem(design, scales, self.aux(psi), design.offset, np.zeros((p, p)), np.zeros(p))
        x = np.zeros((design.size, S))
        x[design.size - p :] = psi[:, q : q + p].T
        found = psi.copy()
        found[:, q : q + p] = solve(problem, x, 1e-8).x[design.size - p :].T
        return found

    def _problem(self, psi: np.ndarray) -> Problem:
        offset = self.design.X @ psi[:, self.n_phi : self.own.start].T + self.design.offset
        scales = from_entries(self.design, self.layout, psi[:, : self.n_phi])
        return Problem(self._inner, scales, self.aux(psi), offset, np.zeros((0, 0)), np.zeros(0))

    def _value(self, problem: Problem, modes: Modes) -> np.ndarray:
        design = self.design
        if self.nodes == 1 or not design.J:
            return -2.0 * (modes.value + design.constant) + modes.factored.log_det
        mode = parts(self._inner, modes.x)[0]
        return -2.0 * (log_integrals(problem, mode, modes.factored, self.nodes) + design.constant)

    def conditional(self, psi: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return modes and conditional standard deviations (J, k) of every eliminated factor, on the data's scale."""
        problem, modes = self.modes(psi)
        design = problem.design
        if not design.J:
            return [], []
        u, rest, _ = parts(design, modes.x)
        b = scale_first(problem.scales, u)[:, :, 0]
        J, k = b.shape
        # T_j' = D L_j^-T: the covariance of b_j is T_j'T_j, and what the border adds.
        unit = np.repeat(np.eye(k)[:, :, None], 1, axis=2)
        T = np.stack([_scaled_back(problem, modes, np.broadcast_to(e[None], (J, k, 1))) for e in unit], axis=1)
        variance = (T * T).sum(axis=1)
        found_b, found_sd = [b], []
        if design.r:
            V = modes.factored.V[0].reshape(J, k, -1)
            W = np.einsum("jdc,jdm,nm->jcn", T, V, modes.factored.root[0])
            variance = variance + (W * W).sum(axis=2)
            root = scale_rest(design, problem.scales, modes.factored.root[:, :, : design.r])[0]
            rest_b = scale_rest(design, problem.scales, rest.T)[0]
            rest_sd = np.sqrt((root * root).sum(axis=0))
        found_sd.append(np.sqrt(variance))
        start = 0
        for factor in design.factors[1:]:
            stop = start + factor.n_levels * factor.n_columns
            found_b.append(rest_b[start:stop].reshape(factor.n_levels, -1))
            found_sd.append(rest_sd[start:stop].reshape(factor.n_levels, -1))
            start = stop
        scales = [factor.scale for factor in design.factors]
        return [b / s for b, s in zip(found_b, scales)], [sd / s for sd, s in zip(found_sd, scales)]


def _scaled_back(problem: Problem, modes: Modes, t: np.ndarray) -> np.ndarray:
    """Return D L_j^-T t, (J, k)."""
    found: np.ndarray = scale_first(problem.scales, modes.factored.back(np.ascontiguousarray(t)))[:, :, 0]
    return found
