"""Ranks: parameters from their priors, data from these, and where the truth lies among the draws of a fit to them.

Data that no fit would accept (every response equal, an empty category) are drawn again with new parameters: a rule on
the data alone leaves ranks uniform. Everything is what a call of `lme` goes through but the reading of the frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..display.progress import NullProgress
from ..errors import FitError, ProbflowError
from ..fit import Fit
from ..inference.engine import Posterior
from ..model.element_names import places, scalar_names
from ..model.model import Model
from ..model.program import Program
from ..predict.build import response_at
from ..predict.mixed import fitted_response
from ..predict.prior import prior_values
from ..predict.values import Values, values
from .planned import refitted, unfitted
from .simulation import response_of
from .uniformity import RANKED

# Group effects that are ranked: of this many levels of every factor.
_LEVELS = 2
NARROWED = 0.85
# Data sets drawn again, for each that can be fitted, before the priors are said to draw nothing sensible.
_MOST_AGAIN = 20
_PATIENCE = 200

Quantities = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Ranked:
    """One data set: the rank of the truth among L draws by quantity, and the same after the draws were drawn together
    by 15%. engine: the class that answered. again: data sets drawn before this one that no fit would accept.
    """

    ranks: Mapping[str, int]
    narrowed: Mapping[str, int]
    engine: str
    again: int


def ranked(model: Any, n: int, engine: Any, seed: int) -> Iterator[Ranked]:
    """Yield the ranks of n data sets of a model; FitError where its priors draw hardly any that can be fitted."""
    made = done = again = 0
    while done < n:
        if again > _PATIENCE + _MOST_AGAIN * done:
            raise FitError(
                f"Of {made:,} data sets drawn from the priors, {again:,} could not be fitted.",
                hint="Write narrower priors, which draw data that could be.",
            )
        made += 1
        stream = np.random.SeedSequence([seed, made])
        data_seed, fit_seed, pick_seed = (int(word) for word in stream.generate_state(3))
        truth = prior_values(model, 1, data_seed)
        simulated = _simulated(model, truth, np.random.default_rng([data_seed, 41]))
        if simulated is None:
            again += 1
            continue
        try:
            fit = unfitted(simulated).fit(engine, fit_seed, NullProgress())
        except ProbflowError:
            if made == 1:
                raise
            again += 1
            continue
        if not isinstance(fit.answer, Posterior):
            raise FitError("A point fit has no draws to rank among.", hint="Calibrate another engine.")
        done += 1
        yield _ranked(simulated, truth, fit, np.random.default_rng(pick_seed), made - done)


def _ranked(model: Any, truth: Values, fit: Fit, rng: np.random.Generator, again: int) -> Ranked:
    own, drawn = quantities(model, truth), quantities(model, thinned(fit, rng))
    ranks, narrowed = {}, {}
    for name, draws in drawn.items():
        close = draws.mean() + NARROWED * (draws - draws.mean())
        ranks[name] = int((draws < own[name]).sum())
        narrowed[name] = int((close < own[name]).sum())
    return Ranked(ranks, narrowed, type(fit.engine).__name__, again)


def _simulated(model: Any, truth: Values, rng: np.random.Generator) -> Any:
    """Return the model with a response drawn from the truth, or None if no fit would accept it."""
    try:
        y = response_of(model, truth, rng)[0]
    except (ProbflowError, ValueError, FloatingPointError):
        return None
    if not np.isfinite(y).all():
        return None
    if isinstance(model, Model):
        fault = model.record is not None and model.record.fault(y, model.design.trials) is not None
        return None if fault or (np.ptp(y) == 0 and model.record is None) else refitted(model, y)
    return refitted(model, y)


def thinned(fit: Fit, rng: np.random.Generator) -> Values:
    """Return L nearly independent draws of every parameter; FitError for a fit of fewer."""
    model, draws = fit.model, fit.draws
    if draws.n_chains * draws.n_draws < RANKED:
        raise FitError(f"Ranks need {RANKED} draws or more.", hint="Let the engine draw more.")
    if all(np.isnan(quality.rhat) for quality in draws.qualities):
        # Independent draws lie in random order.
        return values(model, draws, RANKED)
    every = values(model, draws)
    chosen = rng.choice(every.n_draws, RANKED, replace=False)
    makers = {name: (lambda name=name: every[name][chosen]) for name in every}
    return Values(every.quantities, RANKED, makers)


def quantities(model: Any, held: Values) -> Quantities:
    """Return every scalar, some group effects and the joint log likelihood, (S,) each."""
    return _of_model(model, held) if isinstance(model, Model) else _of_program(model, held)


def _of_model(model: Model, held: Values) -> Quantities:
    design = model.design
    found: Quantities = dict(zip(design.column_names, held["beta"].T)) if design.column_names else {}
    for factor in model.factors:
        sd, b = held[f"sd[{factor.name}]"], held[f"b[{factor.name}]"]
        found |= {f"sd({column} | {factor.name})": sd[:, i] for i, column in enumerate(factor.columns)}
        if f"cor[{factor.name}]" in held:
            R = held[f"cor[{factor.name}]"]
            for i, column in enumerate(factor.columns):
                pairs = {f"cor({factor.columns[j]}, {column} | {factor.name})": R[:, i, j] for j in range(i)}
                found |= {name: value for name, value in pairs.items() if name in model.scalar_names}
        for level in range(_LEVELS):
            column_ = level % len(factor.columns)
            found[f"b[{factor.name}][{factor.levels[level]}, {factor.columns[column_]}]"] = b[:, level, column_]
    found |= {name: held[name] for name in model.auxiliary}
    everything = fitted_response(model, held).at(slice(0, len(design.y)), slice(0, held.n_draws))
    return found | {"log likelihood": everything.log_prob(design.y).sum(axis=1)}


def _of_program(program: Program, held: Values) -> Quantities:
    found: Quantities = {}
    shown = program.formulas.scalars
    for name, parameter in zip(program.names, program.parameters, strict=True):
        value = np.asarray(held[name])
        if program.by_levels(name, parameter):
            flat = value.reshape(len(value), -1)
            at = np.linspace(0, flat.shape[1] - 1, _LEVELS, dtype=int)
            found |= {f"{name}[{i}]": flat[:, i] for i in at}
            continue
        labels = scalar_names(name, parameter, program.labels, program.columns)
        for label, place in zip(labels, places(parameter), strict=True):
            found[shown.get(label, label)] = np.array([draw[place] for draw in value])
    response: Any = response_at(program, held, None, noise=True)
    slab = response.at(slice(0, response.shape[0]), slice(0, held.n_draws))
    log_prob = slab.log_prob(np.asarray(program.y, float))
    return found | {"log likelihood": log_prob.reshape(held.n_draws, -1).sum(axis=1)}
