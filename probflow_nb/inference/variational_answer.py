"""From a fitted variational family to the answer: draws, khat of the weights p / q, evidence, verdict."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..model.density import Density
from ..model.model import Model
from ..objects.bounded import Flat
from ..posterior import diagnostics
from ..posterior.approximation import Approximation, judge_approximation
from ..posterior.draws import Draws, Evidence, Quality
from ..posterior.pareto import pareto_smooth
from ..posterior.verdict import unresolved_sds
from . import importance
from .assembly import chain_draws, named_values
from .engine import Glimpse, Posterior
from .variational_ascent import log_densities
from .variational_stopping import BOUND

if TYPE_CHECKING:
    from .vi import VI, VIState

# Draws that are weighed, as a multiple of those asked for: khat of few draws is uncertain.
_POOL = 4
# Rows times draws that weights may cost; fewer draws are weighed where they cost more, but no fewer than the least.
_AFFORDABLE = 1e8
_LEAST = 400
_AT_ONCE = 500
_HELD = 2e7
# Numbers that a glimpse may make, but no fewer draws than these.
_NUMBERS_SEEN = 4e5
_FEW_SEEN = 200


def answer(engine: VI, model: Any, state: VIState) -> Posterior:
    """Return the draws of the averaged family, or those resampled by their importance weights."""
    ascent, structure = state.ascent, state.ascent.structure
    density = ascent.density
    q = state.trail.best or state.q
    draws = engine.draws
    most = max(draws if engine.corrected else _LEAST, _AFFORDABLE / (density.n_rows + density.size))
    weighed = int(min(_POOL * draws, most))
    # Numbers are made row by row, so that the draws are the same however many are weighed.
    e = np.random.default_rng([state.seed, 14]).standard_normal((max(draws, weighed), structure.size))
    z, log_q = structure.sample(q, e)
    logs = log_densities(ascent, z[:weighed], _at_once(density)) - log_q[:weighed]
    logs = np.where(np.isnan(logs), -np.inf, logs)
    smooth, khat = pareto_smooth(logs)
    ess = float(np.exp(-_log_sum(2 * smooth))) if np.isfinite(smooth).any() else 0.0
    usable = engine.corrected and ess > 0
    if usable:
        picked = importance.resample(smooth, draws, np.random.default_rng([state.seed, 15]))
        kept = z[:weighed][picked]
    else:
        kept = z[:draws]
    values = named_values(density, kept.reshape(engine.chains, draws // engine.chains, -1), ascent.inputs)
    result = chain_draws(density, values, khat)
    if usable:
        result = _weighted(result, density, ascent.inputs, z[:weighed], np.exp(smooth), khat)
    fit = Approximation(
        rank=state.rank,
        levels=bool(density.centrings or density.effects),
        khat=khat,
        ess=ess,
        met=state.trail.met,
        figure=state.trail.figure,
        bound=BOUND,
        steps=state.step,
        capped=state.capped,
        kl_weight=state.kl_weight,
        corrected=engine.corrected,
    )
    evidence = _evidence(logs, ess) if usable and state.kl_weight == 1.0 and _proper(model) else None
    return Posterior(result, judge_approximation(fit, unresolved_sds(result)), evidence, _method(state, fit, logs))


def prepare(state: VIState) -> None:
    """Compile what the ascent and its answer run, so that neither a step nor a click on Stop waits for it."""
    ascent, structure = state.ascent, state.ascent.structure
    ascent.compile(state.q)
    e = np.random.default_rng([state.seed, 14]).standard_normal((2, structure.size))
    z, _ = structure.sample(state.q, e)
    log_densities(ascent, z, _at_once(ascent.density))
    named_values(ascent.density, z[None], ascent.inputs)


def seen(model: Any, state: VIState, most: int) -> Glimpse:
    """Return draws of the family after the last step; when it is done of that which answers."""
    ascent = state.ascent
    q = (state.trail.best or state.q) if state.done else state.q
    size = min(most, max(_FEW_SEEN, int(_NUMBERS_SEEN / ascent.density.size)))
    e = np.random.default_rng([state.seed, 14]).standard_normal((size, ascent.structure.size))
    z, _ = ascent.structure.sample(q, e)
    values = named_values(ascent.density, z[None], ascent.inputs)
    return Glimpse(tuple(ascent.density.names), ascent.density.scalars(values))


def _at_once(density: Density) -> int:
    return int(np.clip(_HELD / (density.n_rows + density.size), 10, _AT_ONCE))


def _method(state: VIState, fit: Approximation, logs: np.ndarray) -> str:
    finite = logs[np.isfinite(logs)]
    elbo = float(finite.mean()) if len(finite) else float("nan")
    parts = [f"{fit.rank} variational approximation, {fit.steps:,} steps", f"ELBO {elbo:.2f}"]
    if state.ascent.density.centrings:
        parts.append(f"{100 * state.centred:.0f}% of levels centred")
    if state.ascent.batch:
        parts.append(f"batches of {state.ascent.batch:,} rows")
    if fit.corrected:
        parts.append("corrected by importance weights")
    return "; ".join([*parts, f"stopping rule: {fit.rule}"])


def _weighted(draws: Draws, density: Any, inputs: Any, z: np.ndarray, weights: np.ndarray, khat: float) -> Draws:
    """Return the draws with the figures of merit of the weighted points that they were resampled from."""
    values = density.scalars({name: v[0] for name, v in named_values(density, z[None], inputs).items()})
    bulk, tail = diagnostics.weighted_ess(values, weights), diagnostics.weighted_tail_ess(values, weights)
    S = draws.n_chains * draws.n_draws
    variance = diagnostics.weighted_sd(values, weights) ** 2
    # Resampling adds its own error to that of the weights.
    error = np.sqrt(diagnostics.weighted_mcse(values, weights) ** 2 + variance / S)
    qualities = tuple(
        Quality(min(float(bulk[i]), S), min(float(tail[i]), S), float("nan"), khat, float(error[i]))
        for i in range(values.shape[1])
    )
    return Draws(draws.names, draws.scalars, qualities, draws.effects)


def _evidence(logs: np.ndarray, ess: float) -> Evidence:
    """Return log mean of the weights p / q, with the error of the mean carried to its log."""
    S = len(logs)
    return Evidence(_log_sum(logs) - math.log(S), math.sqrt(max(1.0 / ess - 1.0 / S, 0.0)))


def _proper(model: Any) -> bool:
    """Return whether all priors are proper, of a compiled mixed model or of a program."""
    if isinstance(model, Model):
        return not any(prior.distribution.name == "Flat" for prior in model.spec.priors)
    return not any(isinstance(prior, Flat) for prior in model.priors.values())


def _log_sum(logs: np.ndarray) -> float:
    top = float(np.max(logs))
    return top + math.log(float(np.sum(np.exp(logs - top))))
