"""Preconditioning: what a quick look at a formula's posterior tells NUTS before it starts.

Laplace explores a family, Exact a Gaussian response, on theta alone and without a compile step. Draws of their answer
are where the chains start; their spread is the first metric, and they say which levels are to be centred.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..errors import EngineError
from ..model.joint_density import JointDensity
from ..model.model import Model
from ..posterior.diagnostics import importance_ess
from . import importance
from .engine import Info

# Corrected draws that the look is worth, and of them those that shape the metric.
_LOOK = 400
_DRAWS, _FEWEST = 400, 60
# Multiply-adds that draws of all group effects may cost.
_AFFORDABLE = 3e9
_TRUSTED = 0.7
_EXPLORING = ("mode", "emulate", "adapt")


@dataclass(frozen=True, eq=False)
class Preconditioner:
    """Draws z (S, D) of an approximate posterior in the coordinates of centring (E,).

    trusted: whether the approximation is near enough for the draws to count as the posterior's.
    """

    z: np.ndarray
    centring: np.ndarray
    source: str
    trusted: bool


@dataclass(frozen=True, eq=False)
class Exploration:
    """The quick look of another engine, as far as it is."""

    engine: Any
    state: Any

    @property
    def done(self) -> bool:
        """Whether there is enough to start from."""
        if hasattr(self.state, "target"):
            return self.state.done or (self.state.cloud is not None and self.state.phase != "sample")
        return self.state.phase not in _EXPLORING

    def step(self, model: Model) -> tuple[Exploration, Info]:
        """Return the exploration a step further."""
        state, info = self.engine.step(model, self.state)
        return replace(self, state=state), info


def begin(model: Any, seed: int) -> Exploration | None:
    """Return the look at a model that is to come; None where no engine can have one."""
    if not isinstance(model, Model):
        return None
    # Laplace hands over to NUTS in its turn: each knows of the other only while it runs.
    from .exact import Exact
    from .laplace import Laplace

    engine = Exact(draws=_LOOK) if model.record is None else Laplace(draws=_LOOK, handover=False)
    try:
        engine.check(model)
        return Exploration(engine, engine.init(model, seed))
    except EngineError:
        return None


def preconditioner(model: Model, exploration: Exploration, seed: int) -> Preconditioner | None:
    """Return what an exploration found, or None where that is nothing."""
    if model.record is None:
        return _of_exact(model, exploration.state, seed)
    return of_laplace(model, exploration.state, seed)


def of_laplace(model: Model, state: Any, seed: int) -> Preconditioner | None:
    """Return draws of a state of Laplace that has corrected ones."""
    cloud = state.corrected
    if cloud is None:
        return None
    target = state.target
    design = target.collapsed.design
    picked, khat = _picked(cloud, target.draw_cost, seed)
    theta, border = cloud.x[picked], cloud.points.mean[picked, : design.m]
    effects = [found.first(len(theta)) for found in target.effects(theta, border, seed)]
    return _gathered(model, theta, border[:, design.r :], effects, "Laplace", khat < _TRUSTED)


def _of_exact(model: Model, state: Any, seed: int) -> Preconditioner | None:
    from ..model.effects import sample_effects

    cloud, marginal = state.cloud, model.marginal
    if cloud is None:
        return None
    picked, khat = _picked(cloud, marginal.cost, seed)
    theta, rng = cloud.x[picked], np.random.default_rng([seed, 15])
    noise = rng.standard_normal((len(theta), marginal.n_common))
    beta = cloud.points.mean[picked] + np.einsum("sij,si->sj", cloud.points.root[picked], noise)
    effects: list[np.ndarray] = []
    if model.factors:
        T, t = marginal.moments.scaling.coefficients()
        drawn = sample_effects(marginal, theta, beta @ T.T + t, seed)
        place = {factor.members: i for i, factor in enumerate(marginal.moments.factors)}
        effects = [drawn[place[factor.members]] for factor in model.factors]
    return _gathered(model, theta, beta, effects, "Exact", khat < _TRUSTED)


def _picked(cloud: importance.Cloud, cost: float, seed: int) -> tuple[np.ndarray, float]:
    """Return positions of draws, resampled by weights that are tempered until enough draws count, and khat."""
    smooth, khat, _ = cloud.quality()
    most = int(np.clip(_AFFORDABLE / max(cost, 1.0), _FEWEST, _DRAWS))
    finite = np.isfinite(smooth)
    for power in (1.0, 0.5, 0.25, 0.1, 0.0):
        tempered = np.where(finite, power * np.where(finite, smooth, 0.0), -np.inf)
        ess = importance_ess(tempered)
        if ess >= _FEWEST:
            break
    size = int(np.clip(ess, _FEWEST, most))
    return importance.resample(tempered, size, np.random.default_rng([seed, 14])), khat


def _gathered(
    model: Model, theta: np.ndarray, beta: np.ndarray, effects: list[np.ndarray], source: str, trusted: bool
) -> Preconditioner | None:
    tf = load()
    density = model.density
    assert isinstance(density, JointDensity)
    first, second, rest = tf.constant(theta), tf.constant(beta), [tf.constant(b) for b in effects]
    inputs = density.inputs()
    z = density.gathered(first, second, rest, inputs)
    values = {name: value.numpy() for name, value in density.constrain(z, inputs).items()}
    centring = density.centring(values)
    if centring.any():
        z = density.gathered(first, second, rest, density.inputs(centring))
    found = z.numpy()
    found = found[np.isfinite(found).all(axis=1)]
    return Preconditioner(found, centring, source, trusted) if len(found) >= _FEWEST // 2 else None
