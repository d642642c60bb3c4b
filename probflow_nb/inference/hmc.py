"""Hamiltonian Monte Carlo on theta, for the rare posteriors that importance sampling does not fit.

Sixteen chains move together in coordinates whitened by what importance sampling learned; the step size is set by dual
averaging (Hoffman and Gelman 2014, section 3.2), the coordinates are whitened again half-way through the warm-up, and
path lengths are jittered around a quarter of an orbit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..model.collapsed import Collapsed
from . import importance
from .importance import Cloud

_CHAINS = 16
_WARMUP = 200
_CHUNK = 20
# Draws a chain below which its figures of merit say nothing.
_LEAST = 50
_TARGET = 0.8
_LONGEST = 40


@dataclass(frozen=True, eq=False)
class Chains:
    """Where the chains stand.

    z: (C, d) whitened positions. value: (C,) log density. gradient: (C, d) in z. centre, root: theta = centre + root z.
    log_step, log_step_average, error: of dual averaging. draws: (kept, C, d) theta, of the warm-up until it is over.
    step of total. divergences: steps after the warm-up whose energy error exceeded 1000. accept: mean acceptance of
    the last chunk.
    """

    z: np.ndarray
    value: np.ndarray
    gradient: np.ndarray
    centre: np.ndarray
    root: np.ndarray
    log_step: float
    log_step_average: float
    error: float
    draws: np.ndarray
    step: int
    total: int
    divergences: int
    accept: float
    seed: int
    density: Callable[[Any], tuple[Any, Any]]

    @property
    def done(self) -> bool:
        """Whether all draws are made."""
        return self.step >= self.total

    @property
    def phase(self) -> str:
        """What a person is told is going on."""
        return "warm-up" if self.step <= _WARMUP else "sampling"


def start(marginal: Collapsed, cloud: Cloud, draws: int, seed: int) -> Chains:
    """Return chains at points drawn from the weighted cloud."""
    rng = np.random.default_rng([seed, 5])
    smooth, _, _ = cloud.quality()
    proposal = importance.refit(cloud)
    # Distinct starting points: the cloud may hold few of weight, so noise of the proposal's own size is added.
    theta = cloud.x[importance.resample(smooth, _CHAINS, rng)]
    z = np.linalg.solve(proposal.root, (theta - proposal.location).T).T
    z = z + 0.3 * rng.standard_normal(z.shape)
    density = _differentiable(marginal)
    value, gradient = _at(density, z, proposal.location, proposal.root)
    total = _WARMUP + max(_LEAST, math.ceil(draws / _CHAINS))
    empty = np.zeros((0, _CHAINS, marginal.size))
    return Chains(
        z, value, gradient, proposal.location, proposal.root, math.log(0.3), math.log(0.3), 0.0, empty, 0, total,
        0, float("nan"), seed, density,
    )  # fmt: skip


def longer(chains: Chains, draws: int) -> Chains:
    """Return chains that go on to so many draws more in all."""
    return replace(chains, total=chains.total + math.ceil(draws / _CHAINS))


def step(marginal: Collapsed, chains: Chains) -> Chains:
    """Move all chains by some iterations."""
    accepts = []
    for _ in range(min(_CHUNK, chains.total - chains.step)):
        chains, accept = _iterate(chains)
        accepts.append(accept)
        if chains.step == _WARMUP // 2:
            chains = _whiten(chains)
        elif chains.step == _WARMUP:
            chains = replace(chains, draws=chains.draws[:0])
    return replace(chains, accept=float(np.mean(accepts)))


def _differentiable(marginal: Collapsed) -> Callable[[Any], tuple[Any, Any]]:
    tf = load()

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def density(theta: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(theta)
            value = marginal.log_density(theta)
        return value, tape.gradient(value, theta)

    return density


def _at(
    density: Callable[[Any], tuple[Any, Any]], z: np.ndarray, centre: np.ndarray, root: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    value, gradient = density(load().constant(centre + z @ root.T))
    v, g = value.numpy(), gradient.numpy() @ root
    bad = ~(np.isfinite(v) & np.isfinite(g).all(axis=1))
    return np.where(bad, -np.inf, v), np.where(bad[:, None], 0.0, g)


def _iterate(chains: Chains) -> tuple[Chains, float]:
    rng = np.random.default_rng([chains.seed, 6, chains.step])
    warm = chains.step < _WARMUP
    size = math.exp(chains.log_step if warm else chains.log_step_average)
    count = int(np.clip(math.ceil(0.5 * math.pi * rng.uniform(0.6, 1.4) / size), 1, _LONGEST))
    p = rng.standard_normal(chains.z.shape)
    before = chains.value - 0.5 * (p * p).sum(axis=1)
    z, value, gradient = chains.z, chains.value, chains.gradient
    for _ in range(count):
        p = p + 0.5 * size * gradient
        z = z + size * p
        value, gradient = _at(chains.density, z, chains.centre, chains.root)
        p = p + 0.5 * size * gradient
    with np.errstate(invalid="ignore", over="ignore"):
        error = value - 0.5 * (p * p).sum(axis=1) - before
    error = np.where(np.isfinite(error), error, -np.inf)
    accept = np.exp(np.minimum(error, 0.0))
    taken = rng.uniform(size=len(accept)) < accept
    mean = float(accept.mean())
    moved = replace(
        chains,
        z=np.where(taken[:, None], z, chains.z),
        value=np.where(taken, value, chains.value),
        gradient=np.where(taken[:, None], gradient, chains.gradient),
        step=chains.step + 1,
    )
    theta = moved.centre + moved.z @ moved.root.T
    moved = replace(moved, draws=np.concatenate([moved.draws, theta[None]]))
    if warm:
        return _tuned(moved, mean), mean
    return replace(moved, divergences=moved.divergences + int((error < -1000.0).sum())), mean


def _tuned(chains: Chains, accept: float) -> Chains:
    """Return the chains with the step size moved by dual averaging: gamma 0.05, t0 10, kappa 0.75."""
    t = chains.step if chains.step <= _WARMUP // 2 else chains.step - _WARMUP // 2
    error = (1 - 1 / (t + 10)) * chains.error + (_TARGET - accept) / (t + 10)
    log_step = math.log(1.0) - math.sqrt(t) / 0.05 * error
    log_step = float(np.clip(log_step, math.log(1e-4), math.log(1.5)))
    share = t**-0.75
    average = share * log_step + (1 - share) * chains.log_step_average
    return replace(chains, error=error, log_step=log_step, log_step_average=average)


def _whiten(chains: Chains) -> Chains:
    """Return the chains in coordinates whitened by the second half of their trail, with tuning begun again."""
    theta = chains.centre + chains.z @ chains.root.T
    trail = chains.draws[len(chains.draws) // 2 :].reshape(-1, theta.shape[1])
    centre, spread = trail.mean(axis=0), np.atleast_2d(np.cov(trail.T))
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.maximum(values, 1e-12))
    z = np.linalg.solve(root, (theta - centre).T).T
    value, gradient = _at(chains.density, z, centre, root)
    return replace(
        chains, z=z, value=value, gradient=gradient, centre=centre, root=root, error=0.0,
        log_step_average=chains.log_step, draws=chains.draws[:0],
    )  # fmt: skip
