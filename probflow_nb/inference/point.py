"""Point: maximum likelihood and REML, by Newton's method on the profiled criterion; flat priors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from ..backend.devices import bound
from ..backend.tensorflow import load
from ..errors import EngineError
from ..model.criterion import Criterion, Profile
from ..model.effects import conditional, conditional_sds
from ..model.model import Model
from ..posterior.verdict import Verdict
from . import newton, point_latent
from .engine import Info, Optimum
from .gaussian import check_gaussian, has_record
from .newton import Mode
from .option_names import Optioned
from .point_latent import LatentPointState
from .screen import variance_shares

# Newton's decrement, in units of the criterion, below which the climb is over.
_TOLERANCE = 1e-5
_STEPS = 100
# A group sd below this share of sigma is shown as 0.
_ZERO = 1e-4


@dataclass(frozen=True)
class Point(metaclass=Optioned):
    """Point estimates as lme4 gives them: REML or maximum likelihood; priors play no part.

    reml: whether the REML criterion is minimised, or the deviance; a family that is not Gaussian has the deviance.
    nodes: of adaptive Gauss-Hermite quadrature for such a family, 1 for the Laplace approximation.
    """

    reml: bool = field(default=True, metadata={"help": "REML (true) or maximum likelihood (false)"})
    nodes: int = field(default=1, metadata={"help": "quadrature nodes of a family; 1 is Laplace"})

    def __post_init__(self) -> None:
        if isinstance(self.nodes, bool) or not isinstance(self.nodes, (int, np.integer)) or not 1 <= self.nodes <= 99:
            raise EngineError(f"Point takes a whole number from 1 to 99 for nodes, not {self.nodes!r:.60}.")
        if not isinstance(self.reml, bool):
            raise EngineError(f"Point takes True or False for reml, not {self.reml!r:.60}.")

    def check(self, model: Model) -> None:
        """Raise EngineError unless the model is Gaussian or its family has a record."""
        if has_record(model):
            point_latent.check(model, self.nodes)
            return
        check_gaussian(model, "point")
        if self.nodes > 1:
            raise EngineError(
                "A Gaussian response needs no quadrature: its likelihood is exact.", hint="Leave nodes out."
            )

    def init(self, model: Model, seed: int) -> PointState | LatentPointState:
        """Return the state before the climb; the criterion needs no random numbers."""
        if has_record(model):
            return point_latent.init(model, self.nodes)
        criterion = Criterion(model.marginal, self.reml)
        return PointState(criterion, _start(criterion))

    def step(self, model: Model, state: PointState | LatentPointState) -> tuple[PointState | LatentPointState, Info]:
        """Make one Newton step."""
        if isinstance(state, LatentPointState):
            return point_latent.step(state)

        def f(phi: np.ndarray) -> np.ndarray:
            return -state.criterion.values(phi)

        mode = newton.step(f, state.mode, _TOLERANCE) if state.mode else newton.start(f, state.phi, _TOLERANCE)
        done = mode.converged or mode.iteration >= _STEPS
        if mode.converged:
            mode = newton.polish(f, mode)
        info = Info(mode.iteration, 0, "maximising", -mode.value, {"decrement": mode.decrement})
        return replace(state, mode=mode, done=done), info

    def result(self, model: Model, state: PointState | LatentPointState) -> Optimum:
        """Return estimates, standard errors, conditional modes and the verdict."""
        if isinstance(state, LatentPointState):
            return point_latent.result(model, state)
        assert state.mode is not None
        criterion, phi = state.criterion, state.mode.x
        profile = criterion.profile(phi)
        relative = criterion.to_relative(phi)
        sds, cors = _variance_parameters(model, relative, profile.sigma)
        beta_se = np.sqrt(np.diag(profile.covariance))
        values = np.concatenate([profile.beta, sds, cors, [profile.sigma]])
        errors = np.concatenate([beta_se, np.full(len(values) - len(beta_se), np.nan)])
        verdict = _judge(state, model, relative, sds, profile.sigma)
        method = "REML" if self.reml else "maximum likelihood"
        return Optimum(
            profile.criterion, self.reml, model.scalar_names, values, errors, profile.covariance,
            bound(lambda: _effects(model, criterion, phi, profile)), relative, verdict, method,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class PointState:
    """Where a point fit stands: the criterion, the start phi (d,) and the climb's last point."""

    criterion: Criterion
    phi: np.ndarray
    mode: Mode | None = None
    done: bool = False

    @property
    def ready(self) -> bool:
        """Whether a first point is known."""
        return self.mode is not None


def _start(criterion: Criterion) -> np.ndarray:
    """Return the best of a few sizes of Delta, all columns alike; for a costly model, what a screen of it says."""
    marginal = criterion.marginal
    terms = criterion.layout.terms
    phi = np.zeros(criterion.size)
    if marginal.constants.cost > 1e6:
        shares, residual = variance_shares(marginal.moments)
        for members, share in zip(marginal.members, shares, strict=True):
            for m in members:
                phi[terms[m].start : terms[m].start + terms[m].k] = math.sqrt(share / residual)
        return phi
    for term in terms:
        phi[term.start : term.start + term.k] = 1.0
    points = np.array([0.05, 0.15, 0.5, 1.0, 2.5])[:, None] * phi
    return points[int(np.argmin(criterion.values(points)))] if phi.size else phi


def _variance_parameters(model: Model, relative: tuple[np.ndarray, ...], sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the sds of all terms and then the correlations, in the order of `Model.scalar_names`."""
    sds, cors = [], []
    for group, factor in zip(model.design.groups, relative, strict=True):
        covariance = factor @ factor.T
        sd = np.sqrt(np.diag(covariance))
        sds.append(np.where(sd < _ZERO, 0.0, sd) * sigma)
        if group.correlated and group.n_columns > 1:
            with np.errstate(divide="ignore", invalid="ignore"):
                R = covariance / np.outer(sd, sd)
            k = group.n_columns
            cors.append([R[i, j] for i in range(k) for j in range(i)])
    flat = [np.zeros(0), *sds]
    return np.concatenate(flat), np.array([c for row in cors for c in row])


def _effects(
    model: Model, criterion: Criterion, phi: np.ndarray, profile: Profile
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Return conditional modes and standard deviations of every factor, in the order of the text."""
    tf = load()
    marginal = criterion.marginal
    factors = criterion.factors(tf.constant(phi[None]))
    T, t = marginal.moments.scaling.coefficients()
    beta = np.linalg.solve(T, profile.beta - t) if profile.beta.size else profile.beta
    sigma = profile.sigma / marginal.moments.scaling.y_scale
    modes = conditional(marginal, factors, beta[None], np.array([sigma]), None)
    sds = conditional_sds(marginal, factors, sigma)
    place = {factor.members: i for i, factor in enumerate(marginal.moments.factors)}
    order = [place[factor.members] for factor in model.factors]
    return tuple(modes[i][0] for i in order), tuple(sds[i] for i in order)


def _judge(state: PointState, model: Model, relative: tuple[np.ndarray, ...], sds: np.ndarray, sigma: float) -> Verdict:
    assert state.mode is not None
    if not state.mode.converged:
        return Verdict(
            "bad",
            f"The optimum was not reached in {state.mode.iteration} steps "
            f"(the criterion could still fall by {2 * state.mode.decrement:.2g}).",
            "Run it on, or take engine=Exact(), which needs no optimum.",
        )
    names = [f"sd({column} | {g.factor})" for g in model.design.groups for column in g.column_names]
    notes = [
        f"The most likely value of {name} is 0; that is an estimate, not a fault. "
        "The posterior (engine=Exact()) says how large it may be."
        for name, sd in zip(names, sds, strict=True)
        if sd == 0.0
    ]
    for group, factor in zip(model.design.groups, relative, strict=True):
        sd = np.sqrt(np.diag(factor @ factor.T))
        singular = min(abs(np.diag(factor)) / np.maximum(sd, 1e-300)) < _ZERO if len(sd) > 1 else False
        if singular and not math.isclose(float(sd.min()), 0.0, abs_tol=_ZERO):
            notes.append(
                f"The effects of {group.factor} are perfectly correlated at the optimum: the data support fewer "
                "dimensions than the term has. The posterior (engine=Exact()) shows the range that they allow."
            )
    return Verdict("fine", "The optimum was found.", "", tuple(notes))
