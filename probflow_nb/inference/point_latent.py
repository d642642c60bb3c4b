"""Point for families: the deviance of glmer, minimised over phi, beta and the family's own parameters together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import EngineError
from ..model import covariance
from ..model.default_scale import eta_unit
from ..model.families.auxiliary import Auxiliary, constrained, unconstrained
from ..model.latent_criterion import LatentCriterion
from ..model.latent_design import latent_design
from ..model.latent_scales import entries_of
from ..model.model import Model
from ..model.separation import separated
from ..posterior.verdict import Verdict
from . import newton
from .engine import Info, Optimum
from .newton import Mode

# Newton's decrement, in units of half the deviance, below which the climb is over.
_TOLERANCE = 1e-7
_STEPS = 100
# A free number so far from its start, where the decrement is as small as this, is on its way to the end of its range.
_FAR, _FLAT = 8.0, 1e-3
# A relative entry below this is shown as 0.
_ZERO = 1e-4


@dataclass(frozen=True, eq=False)
class LatentPointState:
    """Where a point fit of a family stands: the criterion, the start psi (d,), the climb's last point."""

    criterion: LatentCriterion
    psi: np.ndarray
    mode: Mode | None = None
    done: bool = False

    @property
    def ready(self) -> bool:
        """Whether a first point is known."""
        return self.mode is not None


def check(model: Model, nodes: int) -> None:
    """Raise EngineError for several nodes where they cannot be used."""
    groups = model.design.groups
    if nodes > 1 and (len(groups) != 1 or groups[0].n_columns != 1):
        raise EngineError(
            f"Point(nodes={nodes}) needs one grouping factor with one column, such as (1 | g).",
            hint="Leave nodes out for the Laplace approximation.",
        )


def init(model: Model, nodes: int) -> LatentPointState:
    """Return the state before the climb: beta at the joint mode for the best of a few sizes of Delta."""
    record = model.record
    assert record is not None
    design = latent_design(model.design, record, eta_unit(model.spec.family, model.design))
    layout = covariance.layout(tuple((g.n_columns, g.correlated and g.n_columns > 1) for g in model.design.groups))
    criterion = LatentCriterion(design, layout, nodes)
    y, trials = model.design.y, model.design.trials
    eta = record.start(y, trials) - (0.0 if model.design.offset is None else model.design.offset)
    start = np.linalg.lstsq(design.X, eta, rcond=None)[0]
    diagonal = np.zeros(criterion.n_phi)
    for term in layout.terms:
        diagonal[term.start : term.start + term.k] = 1.0
    sizes = np.array([0.1, 0.3, 0.7, 1.5])[:, None] if diagonal.size else np.ones((1, 1))
    phi = sizes * diagonal
    own = unconstrained(record.auxiliary, [one.start for one in record.auxiliary])
    psi = np.concatenate([phi, np.tile(np.concatenate([start, own]), (len(phi), 1))], axis=1)
    settled = criterion.common_at(psi)
    values = criterion.values(settled)
    if np.isfinite(values).any():
        psi = settled
    else:
        values = criterion.values(psi)
    return LatentPointState(criterion, psi[int(np.argmin(values))])


def step(state: LatentPointState) -> tuple[LatentPointState, Info]:
    """Make one Newton step."""

    def f(psi: np.ndarray) -> np.ndarray:
        return -0.5 * state.criterion.values(psi)

    mode = newton.step(f, state.mode, _TOLERANCE) if state.mode else newton.start(f, state.psi, _TOLERANCE)
    if mode.decrement < _FLAT and endless(state.criterion, mode.x).any():
        # Towards the end of a parameter's range the deviance falls ever more slowly, and there is no lowest point.
        mode = replace(mode, converged=True)
    elif mode.converged:
        mode = newton.polish(f, mode)
    done = mode.converged or mode.iteration >= _STEPS
    info = Info(mode.iteration, 0, "maximising", -2.0 * mode.value, {"decrement": mode.decrement})
    return LatentPointState(state.criterion, state.psi, mode, done), info


def endless(criterion: LatentCriterion, psi: np.ndarray) -> np.ndarray:
    """Return which of the family's own parameters went to the end of their range, (a,)."""
    own = criterion.design.record.auxiliary
    moved = psi[criterion.own] - unconstrained(own, [one.start for one in own])
    return np.array([one.transform in ("log", "logit") for one in own], bool) & (np.abs(moved) > _FAR)


def result(model: Model, state: LatentPointState) -> Optimum:
    """Return estimates, standard errors from the Hessian of the deviance, conditional modes and the verdict."""
    assert state.mode is not None
    criterion, psi = state.criterion, state.mode.x
    q, own = criterion.n_phi, criterion.own
    T, t = criterion.design.scaling.coefficients()
    beta = T @ psi[q : own.start] + t
    relative = _relative(model, criterion, psi)
    covariance_matrix = _covariance(state.mode, q, endless(criterion, psi))
    p = len(beta)
    spread = T @ covariance_matrix[:p, :p] @ T.T
    sds, cors = _variance_parameters(model, relative)
    lost = endless(criterion, psi)
    aux, aux_errors = _own(criterion.design.record.auxiliary, psi[own], covariance_matrix[p:, p:])
    values = np.concatenate([beta, sds, cors, aux])
    unknown = np.full(len(sds) + len(cors), np.nan)
    # Where there is no lowest point a variance may come out below 0: it is not known.
    variances = np.where(np.diag(spread) > 0.0, np.diag(spread), np.nan)
    errors = np.concatenate([np.sqrt(variances), unknown, np.where(lost, np.nan, aux_errors)])
    how = "Laplace" if criterion.nodes == 1 else f"Gauss-Hermite, {criterion.nodes} nodes"
    return Optimum(
        -2.0 * state.mode.value, False, model.scalar_names, values, errors, spread, lambda: _effects(model, state),
        relative, _judge(model, state, sds), f"maximum likelihood, {how}",
    )  # fmt: skip


def _relative(model: Model, criterion: LatentCriterion, psi: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return each term's factor (k, k) on the data's scale."""
    found: list[np.ndarray] = [np.zeros((0, 0))] * len(model.design.groups)
    for factor in criterion.design.factors:
        starts = np.concatenate([[0], np.cumsum(factor.widths)])
        for place, m in enumerate(factor.members):
            delta = entries_of(criterion.layout.terms[m], psi[None])[0]
            found[m] = delta / factor.scale[starts[place] : starts[place + 1]][:, None]
    return tuple(found)


def _own(auxiliary: tuple[Auxiliary, ...], free: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the family's own parameters and their standard errors from free numbers (a,) with covariance (a, a)."""
    if not auxiliary:
        return np.zeros(0), np.zeros(0)
    # Columns: the point, then one step up and down each.
    width = 1e-5
    steps = np.concatenate([np.zeros((1, free.size)), width * np.eye(free.size), -width * np.eye(free.size)])
    values = np.array(constrained(auxiliary, list((free + steps).T)))
    slopes = (values[:, 1 : free.size + 1] - values[:, free.size + 1 :]) / (2.0 * width)
    return values[:, 0], np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", slopes, spread, slopes), 0.0))


def _covariance(mode: Mode, q: int, lost: np.ndarray) -> np.ndarray:
    """Return the inverse of minus the Hessian but for phi, 0 for what nothing hangs on.

    Those are entries of phi that are 0, and the family's own parameters (a,) that are lost.
    """
    information = -mode.hessian
    known = np.ones(len(information), bool)
    known[:q] = np.abs(mode.x[:q]) > _ZERO
    known[len(known) - len(lost) :] &= ~lost
    found = np.zeros_like(information)
    found[np.ix_(known, known)] = np.linalg.pinv(information[np.ix_(known, known)], hermitian=True)
    return found[q:, q:]


def _variance_parameters(model: Model, relative: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the sds of all terms and then the correlations, in the order of `Model.scalar_names`."""
    sds, cors = [np.zeros(0)], []
    for group, delta in zip(model.design.groups, relative, strict=True):
        covariance_matrix = delta @ delta.T
        sd = np.sqrt(np.diag(covariance_matrix))
        sds.append(np.where(sd < _ZERO, 0.0, sd))
        if group.correlated and group.n_columns > 1:
            with np.errstate(divide="ignore", invalid="ignore"):
                R = covariance_matrix / np.outer(sd, sd)
            cors += [R[i, j] for i in range(group.n_columns) for j in range(i)]
    return np.concatenate(sds), np.array(cors)


def _effects(model: Model, state: LatentPointState) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Return conditional modes and standard deviations of every factor, in the order of the text."""
    assert state.mode is not None
    modes, sds = state.criterion.conditional(state.mode.x)
    place = {factor.members: i for i, factor in enumerate(state.criterion.design.factors)}
    order = [place[factor.members] for factor in model.factors]
    return tuple(modes[i] for i in order), tuple(sds[i] for i in order)


def _judge(model: Model, state: LatentPointState, sds: np.ndarray) -> Verdict:
    assert state.mode is not None
    far = separated(state.criterion.design.record, model.design)
    if far:
        return Verdict(
            "bad",
            f"The data alone do not bound {', '.join(far)}: a combination of predictors separates the responses.",
            "Leave the engine out to fit with priors, or leave out the predictor.",
        )
    if not state.mode.converged:
        return Verdict(
            "bad",
            f"The optimum was not reached in {state.mode.iteration} steps "
            f"(the deviance could still fall by {2 * state.mode.decrement:.2g}).",
            "Run it on, or take the posterior (leave the engine out), which needs no optimum.",
        )
    names = [f"sd({column} | {g.factor})" for g in model.design.groups for column in g.column_names]
    notes = [
        f"The most likely value of {name} is 0; that is an estimate, not a fault. "
        "The posterior (leave the engine out) says how large it may be."
        for name, sd in zip(names, sds, strict=True)
        if sd == 0.0
    ]
    psi, criterion = state.mode.x, state.criterion
    own = criterion.design.record.auxiliary
    for one, free, lost in zip(own, psi[criterion.own], endless(criterion, psi), strict=True):
        if lost:
            end = "0" if free < 0 else "1" if one.transform == "logit" else "without bound"
            notes.append(
                f"The most likely value of {one.name} is {end}: the data ask for a simpler family. "
                "The posterior (leave the engine out) says which values they allow."
            )
    return Verdict("fine", "The optimum was found.", "", tuple(notes))
