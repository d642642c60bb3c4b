"""Laplace: the log marginal posterior of theta with (u, beta) integrated out by their Gaussian approximation.

With x = (u, beta), l(x) = log p(y | x, theta) - 1/2 u'u + log p(beta), x^ its mode and H minus its Hessian there:

    log p(y, theta) ~ l(x^) - 1/2 log det H + p/2 log(2 pi) + log p(theta)        (Tierney and Kadane 1986, eq. 2.2)

theta holds log sds and atanh partial correlations, then the free numbers of the family's own parameters. `joint` draws
the border (beta and the rest's effects) from a t distribution shaped by the approximation and returns the exact
log p(y, theta, border) less the log density of the draw, the first factor's effects integrated level by level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..design.design import Design
from .collapsed import Evaluation
from .covariance import Layout, layout
from .families import ResponseFamily
from .families.auxiliary import constrained, unconstrained
from .latent_blocks import Scales, scale_rest
from .latent_design import LatentDesign, latent_design
from .latent_mode import Modes, Problem, parts, solve
from .latent_quadrature import log_integrals
from .latent_scales import from_theta
from .latent_start import Starts
from .marginal import CommonPrior, common_prior
from .priors import PriorTable
from .small_products import outer
from .theta_prior import ThetaPrior, theta_prior

_LOG_2PI = math.log(2.0 * math.pi)
# Of 1/2 g'H^-1 g: for finite differences of the density; for its value; for the centre of a proposal, where the weights
# see to what is left, and for that of all levels' quadratures.
TIGHT, LOOSE, CENTRE = 1e-16, 1e-5, 0.02
# Degrees of freedom of the border's proposal, at least, and for each of its columns.
_DF, _DF_EACH = 10.0, 2.0
# and its largest skewness: that of one half alone is 0.995.
_SKEWEST = 0.8
# How often a scattered point that its prior forbids is drawn halfway to the centre of all.
_NEARER = 8


class JointDraws(NamedTuple):
    """Draws of the border given theta: log_density (S,), less that of the draw; border (S, m), whitened, rest first.

    standard: (S, m), the draws less the mode in units of the approximation's own spread.
    """

    log_density: np.ndarray
    border: np.ndarray
    standard: np.ndarray


@dataclass(frozen=True, eq=False)
class Shape:
    """How the border's distribution differs from the approximation, in its units: centre (m,), root (m, m) lower.

    skew: (m,), that of each coordinate of root^-1 (x - centre). `split` gives the two scales of a normal distribution
    of two halves with mean 0, variance 1 and that third moment (John 1982, Commun. Stat. A 11(8), section 2),

        sqrt(2 / pi) d (1 + (6 / pi - 2) d^2),    d = right - left,    left right = 1 - (1 - 2 / pi) d^2.
    """

    centre: np.ndarray
    root: np.ndarray
    skew: np.ndarray

    @cached_property
    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """The scales to the left and to the right of the mode, (m,) each."""
        wanted = np.clip(self.skew, -_SKEWEST, _SKEWEST)
        d = wanted * np.sqrt(0.5 * np.pi)
        for _ in range(16):
            d = wanted * np.sqrt(0.5 * np.pi) / (1.0 + (6.0 / np.pi - 2.0) * d * d)
        middle = np.sqrt(0.25 * d * d + 1.0 - (1.0 - 2.0 / np.pi) * d * d)
        return middle - 0.5 * d, middle + 0.5 * d

    def shaped(self, z: np.ndarray, chance: np.ndarray) -> np.ndarray:
        """Return draws of standard t (S, m) as draws of this shape, each on a side by chance, uniform (S, m)."""
        left, right = self.split
        size = np.abs(z)
        halves = np.where(chance * (left + right) < right, right * size, -left * size)
        mode = -np.sqrt(2.0 / np.pi) * (right - left)
        return np.asarray(self.centre + (mode + halves) @ self.root.T)

    @property
    def log_volume(self) -> float:
        """How much smaller the log density of such a draw is than that of the t draw it was made of."""
        left, right = self.split
        return float(np.log(np.diag(self.root)).sum() + np.log(0.5 * (left + right)).sum())


@dataclass(frozen=True, eq=False)
class LaplaceMarginal:
    """The approximate marginal posterior of theta of a model with a family; see `collapsed.Collapsed`.

    design: the arrays. layout: of the terms in theta. prior: of theta. common: of beta, scaled. starts: guesses modes.
    """

    design: LatentDesign
    layout: Layout
    sd_units: tuple[np.ndarray, ...]
    prior: ThetaPrior
    common: CommonPrior
    starts: Starts

    @property
    def size(self) -> int:
        """d, the length of theta."""
        return self.layout.sigma + len(self.design.record.auxiliary)

    @property
    def n_common(self) -> int:
        """p."""
        return self.design.p

    @property
    def cost(self) -> float:
        """Multiply-adds of one evaluation, about: two or three Newton steps."""
        return 3.0 * self.design.cost

    @property
    def log_sds(self) -> np.ndarray:
        """Places of the log sds of group effects in theta."""
        return np.concatenate([np.arange(t.start, t.start + t.k) for t in self.layout.terms] or [np.zeros(0, int)])

    def scatter(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Return points (size, d) scattered over what is plausible, the first at their centre."""
        centre, spread = np.zeros(self.size), np.full(self.size, 0.5)
        centre[self.log_sds], spread[self.log_sds] = -0.7, 0.7
        own = self.design.record.auxiliary
        centre[self.layout.sigma :] = unconstrained(own, [one.start for one in own])
        centre = self.prior.drawn_inside(centre)
        points = centre + spread * rng.standard_normal((size, self.size))
        points[0] = centre
        for _ in range(_NEARER):
            outside = self.prior.outside(points) > 0
            points[outside] = 0.5 * (points[outside] + centre)
        return points

    def log_priors(self, theta: np.ndarray) -> np.ndarray:
        """Return the log prior density of numpy theta (S, d), (S,)."""
        return self.prior.log_prob(theta)

    def log_density(self, theta: Any) -> Any:
        """Return log p(y, theta) of a tensor (S, d); it has no gradient."""
        from ..backend.tensorflow import load

        return load().constant(self.log_densities(theta.numpy()))

    def log_densities(self, theta: np.ndarray) -> np.ndarray:
        """Return log p(y, theta) for numpy theta (S, d); minus infinity where it is not a number."""
        found, start = np.empty(len(theta)), None
        for rows in self.batches(len(theta)):
            if start is None and len(theta) > 1:
                # Points of one call are neighbours: all start from the first one's mode.
                start = self.solved(theta[:1], None, LOOSE)[1].x
            found[rows] = self._value(self.solved(theta[rows], start, TIGHT)[1])
        return self._finite(found + self.log_priors(theta))

    def evaluate(self, theta: np.ndarray) -> Evaluation:
        """Return the log density and the Gaussian of beta for numpy theta (S, d)."""
        p, r = self.n_common, self.design.r
        value, mean, root = np.empty(len(theta)), np.empty((len(theta), p)), np.empty((len(theta), p, p))
        for rows in self.batches(len(theta)):
            _, modes = self.solved(theta[rows], None, LOOSE)
            value[rows] = self._value(modes)
            mean[rows] = modes.x[self.design.size - p :].T
            root[rows] = modes.factored.root[:, r:, r:]
        return Evaluation(self._finite(value + self.log_priors(theta)), mean, root)

    def solved(self, theta: np.ndarray, start: np.ndarray | None, tolerance: float) -> tuple[Problem, Modes]:
        """Return the problem and its modes for theta (S, d), from start (D, 1) or from a guess."""
        p = self.n_common
        linear = self.common.augmented[:p, p]
        problem = Problem(
            self.design, self.scales(theta), self.aux(theta), self.design.offset, self.common.augmented[:p, :p], linear,
            float(self.common.augmented[p, p]),
        )  # fmt: skip
        guess = self.starts.guess(theta) if start is None else np.repeat(start, len(theta), axis=1)
        return problem, solve(problem, guess, tolerance, self.starts.inside)

    def scales(self, theta: np.ndarray) -> Scales:
        """Return the relative factors of theta (S, d)."""
        return from_theta(self.design, self.layout, theta)

    def aux(self, theta: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the family's own parameters, (S,) each."""
        return constrained(self.design.record.auxiliary, list(theta[:, self.layout.sigma :].T))

    def batches(self, S: int) -> list[slice]:
        """Return the slices in which S values of theta are worked on."""
        size = self.design.batch
        return [slice(start, min(start + size, S)) for start in range(0, S, size)]

    def _value(self, modes: Modes) -> np.ndarray:
        constant = self.design.constant + self.common.log_norm + 0.5 * self.n_common * _LOG_2PI
        return modes.value - 0.5 * modes.factored.log_det + constant

    @staticmethod
    def _finite(value: np.ndarray) -> np.ndarray:
        return np.where(np.isfinite(value), value, -np.inf)

    # The exact density ---------------------------------------------------------------------------------------------

    def joint(self, theta: np.ndarray, rng: np.random.Generator, nodes: int, shape: Shape | None) -> JointDraws:
        """Return a draw of the border for each theta (S, d), with the exact log density less that of the draw.

        shape: what is known of where the approximation is wrong; None for nothing.
        """
        S, m = len(theta), self.design.m
        value, border, standard = np.empty(S), np.empty((S, m)), np.empty((S, m))
        volume = 0.0 if shape is None else shape.log_volume
        normal, chi = rng.standard_normal((S, m)), rng.chisquare(self._df, S)
        chance = None if shape is None else rng.random((S, m))
        for rows in self.batches(S):
            problem, modes = self.solved(theta[rows], None, CENTRE)
            z = normal[rows] * np.sqrt(self._df / chi[rows])[:, None]
            standard[rows] = z if shape is None or chance is None else shape.shaped(z, chance[rows])
            step = np.matmul(standard[rows][:, None, :], modes.factored.root)[:, 0]
            Jk = self.design.J * self.design.k
            border[rows] = modes.x[Jk:].T + step
            start = modes.x[:Jk]
            if Jk:
                t = np.einsum("sjm,sm->js", modes.factored.V, step).reshape(self.design.J, self.design.k, -1)
                start = start - modes.factored.back(t).reshape(Jk, -1)
            drawn = self._log_t(modes, z) - volume
            with np.errstate(over="ignore", invalid="ignore"):
                # Far out in theta there may be no mode to be found: such a draw has no weight.
                value[rows] = self._exact(problem, theta[rows], border[rows], start, nodes, rng) - drawn
        lost = ~np.isfinite(value)
        border[lost], standard[lost] = 0.0, 0.0
        return JointDraws(self._finite(value + self.log_priors(theta)), border, standard)

    @property
    def _df(self) -> float:
        return _DF + _DF_EACH * self.design.m

    def _log_t(self, modes: Modes, z: np.ndarray) -> np.ndarray:
        """Return the log density of the border's proposal at mode + root' z."""
        m, df = self.design.m, self._df
        constant = math.lgamma(0.5 * (df + m)) - math.lgamma(0.5 * df) - 0.5 * m * math.log(df * math.pi)
        volume = np.log(np.diagonal(modes.factored.root, axis1=1, axis2=2)).sum(axis=1)
        value: np.ndarray = constant - volume - 0.5 * (df + m) * np.log1p((z * z).sum(axis=1) / df)
        return value

    def levels(self, theta: np.ndarray, border: np.ndarray, start: np.ndarray) -> tuple[Problem, Modes]:
        """Return the problem of the first factor's levels given theta (S, d) and the border (S, m), and their modes."""
        design = self.design
        scales = self.scales(theta)
        rest, beta = border[:, : design.r], border[:, design.r :]
        offset = outer(design.X, np.ascontiguousarray(beta.T)) + design.offset
        if design.r:
            offset = offset + design.rest @ np.ascontiguousarray(scale_rest(design, scales, rest).T)
        alone = self._alone
        problem = Problem(alone, Scales(scales.first, ()), self.aux(theta), offset, np.zeros((0, 0)), np.zeros(0))
        return problem, solve(problem, start, CENTRE)

    @property
    def _alone(self) -> LatentDesign:
        return self.starts.first_alone

    def _exact(
        self,
        problem: Problem,
        theta: np.ndarray,
        border: np.ndarray,
        start: np.ndarray,
        nodes: int,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Return log p(y, border | theta), (S,), the first factor integrated out."""
        design, p = self.design, self.n_common
        rest, beta = border[:, : design.r], border[:, design.r :]
        P, h, c = self.common.augmented[:p, :p], self.common.augmented[:p, p], self.common.augmented[p, p]
        prior = self.common.log_norm - 0.5 * ((beta * (beta @ P - 2.0 * h)).sum(axis=1) + c)
        prior = prior - 0.5 * (rest * rest).sum(axis=1) - 0.5 * design.r * _LOG_2PI
        given, modes = self.levels(theta, border, start)
        if not design.J:
            return prior + modes.value + design.constant
        mode = parts(given.design, modes.x)[0]
        return prior + log_integrals(given, mode, modes.factored, nodes, rng) + design.constant


def laplace_marginal(design: Design, record: ResponseFamily, priors: PriorTable, unit: float) -> LaplaceMarginal:
    """Return the approximate marginal posterior of theta for a design, its family and its priors; unit: of eta."""
    latent = latent_design(design, record, unit)
    terms = layout(tuple((g.n_columns, g.correlated and g.n_columns > 1) for g in design.groups))
    units: list[np.ndarray] = [np.zeros(0)] * len(design.groups)
    for factor in latent.factors:
        starts = np.concatenate([[0], np.cumsum(factor.widths)])
        for place, member in enumerate(factor.members):
            units[member] = 1.0 / factor.scale[starts[place] : starts[place + 1]]
    first = np.concatenate([np.zeros(latent.size - latent.p), starting_common(latent)])
    return LaplaceMarginal(
        latent,
        terms,
        tuple(units),
        theta_prior(terms, priors, tuple(units), record.auxiliary),
        common_prior(design, latent.scaling, priors),
        Starts(first, latent.first_alone(), first, places=_places(latent, terms)),
    )


def starting_common(design: LatentDesign) -> np.ndarray:
    """Return beta (p,) by least squares of each row's own best eta, drawn to one eta for all as far as links ask for.

    A link such as identity for counts takes no eta below 0, which a steep line has in some rows.
    """
    record, y, trials = design.record, design.y, design.trials
    best = record.start(y, trials).reshape(-1, 1)
    eta = best.reshape(len(best)) - np.broadcast_to(np.asarray(design.offset, float).reshape(-1), (len(best),))
    steep = np.linalg.lstsq(design.X, eta, rcond=None)[0]
    aux = tuple(np.array([one.start]) for one in record.auxiliary)
    level = np.linalg.lstsq(design.X, np.full_like(eta, best.mean()), rcond=None)[0]
    for share in (1.0, 0.9, 0.7, 0.5, 0.3, 0.1, 0.0):
        beta = share * steep + (1.0 - share) * level
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            kernel = record.kernel(y, trials, (design.X @ beta)[:, None] + design.offset, aux)
        if np.isfinite(kernel).all():
            return beta
    return steep


def _places(design: LatentDesign, terms: Layout) -> np.ndarray:
    """Return for each latent number the place in theta of its log sd, -1 for beta."""
    found = []
    for factor in design.factors:
        columns = [terms.terms[m].start + c for m in factor.members for c in range(terms.terms[m].k)]
        found.append(np.tile(columns, factor.n_levels))
    return np.concatenate([*found, np.full(design.p, -1)]).astype(int)
