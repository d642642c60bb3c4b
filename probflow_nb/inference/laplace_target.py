"""Laplace target: a model with a family as its engine sees it, and how theta and the border become named numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..model import covariance
from ..model.collapsed import Evaluation
from ..model.default_scale import eta_unit
from ..model.laplace import LaplaceMarginal, Shape, laplace_marginal
from ..model.laplace_effects import sample_levels
from ..model.latent_quadrature import DRAWN
from ..model.model import Model
from ..posterior.draws import Effects
from . import newton
from .importance import Cloud
from .laplace_learning import Learning
from .newton import Mode
from .target_sizes import affordable, scattered

# An effect's draw is dear, and what is shown of effects needs fewer of them than other numbers.
_SHOWN = 3.0
# Quadrature nodes for levels with few, some and many rows on average.
_NODES = ((6.0, 9), (20.0, 7), (100.0, 5), (np.inf, 3))


@dataclass(frozen=True, eq=False)
class LaplaceTarget:
    """model: what is fitted. collapsed: its approximate marginal posterior. shape: of the border's proposal."""

    model: Model
    collapsed: LaplaceMarginal
    shape: Shape | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The scalars in the order shown."""
        return self.model.scalar_names

    @property
    def proper(self) -> bool:
        """Whether no prior is flat."""
        return all(prior.distribution.name != "Flat" for prior in self.model.spec.priors)

    @property
    def nodes(self) -> int:
        """Quadrature nodes a level."""
        design = self.collapsed.design
        rows = design.n / max(design.J, 1)
        return next(nodes for most, nodes in _NODES if rows < most)

    @property
    def draw_cost(self) -> float:
        """Multiply-adds of one corrected draw, about."""
        design = self.collapsed.design
        points = {1: self.nodes, 2: 25, 3: 19, 4: 25}.get(design.k, DRAWN)
        return 3.0 * design.cost + 20.0 * design.n * (2 + points)

    def start(self, costly: bool, seed: int) -> np.ndarray:
        """Return the best of a cloud of points, a small one where each costs much."""
        if not self.collapsed.size:
            return np.zeros(0)
        return scattered(self.collapsed, seed, 8 if costly else 24)

    def learning(self, mode: Mode, rng: np.random.Generator) -> Learning | None:
        """Return the thetas around the mode from which latent modes are to be learned; None for an empty theta."""
        d = mode.x.size
        if not d:
            return None
        size = self.collapsed.starts.affordable(6 * (1 + 2 * d + d * (d + 1) // 2))
        theta = mode.x + 1.5 * rng.standard_normal((size, d)) @ newton.covariance_root(mode, widest=1.5).T
        theta[0] = mode.x
        return Learning(theta)

    def corrected(self, theta: np.ndarray, rng: np.random.Generator) -> Evaluation:
        """Return the exact log density at theta (S, d) and a drawn border, less that of the draw.

        The mean (S, 2 m) holds the border, then its standardised draw.
        """
        found = self.collapsed.joint(theta, rng, self.nodes, self.shape)
        both = np.concatenate([found.border, found.standard], axis=1)
        return Evaluation(found.log_density, both, np.zeros((len(theta), 0, 0)))

    def reshaped(self, cloud: Cloud) -> LaplaceTarget:
        """Return the target with the border's proposal shaped by weighted draws, few ones trusted little."""
        m = self.collapsed.design.m
        smooth, _, ess = cloud.quality()
        weights, z = np.exp(smooth), cloud.points.mean[:, m:]
        trust = ess / (ess + 5.0 * m)
        centre = weights @ z
        spread = (z - centre).T @ ((z - centre) * weights[:, None])
        # A t proposal is wider than its scale says, on purpose.
        root = np.linalg.cholesky(trust * spread + (1 - trust) * np.eye(m))
        third = weights @ np.linalg.solve(root, (z - centre).T).T ** 3
        # Third moments need more draws than second ones.
        return replace(self, shape=Shape(trust * centre, root, ess / (ess + 50.0) * third))

    def common(self, mean: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return means (S, p) of the coefficients on the data's scale and roots with cov = root root', (S, p, p)."""
        T, t = self.collapsed.design.scaling.coefficients()
        return mean @ T.T + t, T @ np.swapaxes(root, 1, 2)

    def scalars(self, theta: np.ndarray, border: np.ndarray) -> np.ndarray:
        """Return the scalars (S, names) of theta (S, d) and the border (S, m)."""
        marginal = self.collapsed
        T, t = marginal.design.scaling.coefficients()
        columns = [border[:, marginal.design.r :] @ T.T + t]
        terms = marginal.layout.terms
        for term, units in zip(terms, marginal.sd_units, strict=True):
            columns.append(np.exp(theta[:, term.start : term.start + term.k]) * units)
        for term in terms:
            if term.n_correlations:
                R = covariance.correlations(term, theta)
                columns.append(np.stack([R[:, i, j] for i in range(term.k) for j in range(i)], axis=1))
        columns += [a[:, None] for a in marginal.aux(theta)]
        return np.concatenate(columns, axis=1)

    def effects(self, theta: np.ndarray, border: np.ndarray, seed: int) -> tuple[Effects, ...]:
        """Return the effects of every factor, drawn given theta (S, d) and the border (S, m) when asked for."""
        marginal, S = self.collapsed, len(theta)
        factors = marginal.design.factors
        if not factors:
            return ()
        place = {factor.members: i for i, factor in enumerate(factors)}
        held: dict[int, list[np.ndarray]] = {}

        def sample(m: int, position: int) -> np.ndarray:
            if m not in held:
                held.clear()
                held[m] = sample_levels(marginal, theta[:m], border[:m], self.nodes, seed)
            return held[m][position]

        size = sum(f.n_levels * f.n_columns for f in factors)
        count = affordable(S, _SHOWN * self.draw_cost, size)
        return tuple(
            Effects(f.name, f.levels, f.columns, S, partial(sample, position=place[f.members]), count)
            for f in self.model.factors
        )


def laplace_target(model: Model) -> LaplaceTarget:
    """Return the target of a model that Laplace's check has accepted."""
    assert model.record is not None
    unit = eta_unit(model.spec.family, model.design)
    return LaplaceTarget(model, laplace_marginal(model.design, model.record, model.priors, unit))
