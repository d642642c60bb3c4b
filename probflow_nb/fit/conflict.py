"""Conflict: whether the priors and the scale of the data fit together.

A Normal(0, 1) prior on an intercept of 251 gives a posterior that the chains agree on and that is nonsense. Two checks
find it: the prior predictive against the data, and the posterior against the prior.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import ProbflowError
from ..inference.engine import Posterior
from ..model.letters import shown_names
from ..model.model import Model
from ..posterior.verdict import Verdict
from ..predict.build import response_at
from ..predict.prior import prior_values
from ..predict.response import Response
from ..predict.values import Values, values
from .facts import Facts, facts

# Prior standard deviations away from which a mean is in conflict.
_FAR = 5.0
# sd(y) this many times what the prior expects is in conflict; this much below, the prior is said to be vague.
_SPREAD, _VAGUE = 20.0, 200.0
# Priors that know log sd(y) better than this have said what they expect.
_SURE = 0.5
_DRAWS = 400
_ROWS = 400
_MOST_ELEMENTS = 20_000_000
_NAMED = 3

_ADVICE = 'Give wider priors, let the data scale them (prior="auto"), or centre and scale the data.'
_ADVICE_MIXED = "Give wider priors, or leave them out: the defaults are scaled to the data."


def with_conflicts(model: Any, answer: Posterior) -> Verdict:
    """Return the verdict, with a caution where the priors are in open conflict with the data."""
    verdict = answer.verdict
    if isinstance(model, Model) and not _written(model):
        return verdict
    try:
        prior = prior_values(model, _DRAWS, 0)
        hard, soft = conflicts(model, facts(model), prior, values(model, answer.draws, _DRAWS))
    except ProbflowError:
        # A flat prior expects nothing that the data could contradict.
        return verdict
    if not hard:
        return replace(verdict, notes=(*verdict.notes, *soft))
    advice = _ADVICE_MIXED if isinstance(model, Model) else _ADVICE
    if verdict.level == "bad":
        return replace(verdict, notes=(*hard, advice, *verdict.notes))
    sentence = "The priors and the scale of the data do not fit together."
    before = " ".join(part for part in (verdict.sentence, verdict.advice) if part)
    return Verdict("caution", sentence, advice, (*hard, before, *verdict.notes))


def conflicts(model: Any, about: Facts, prior: Values, posterior: Values) -> tuple[list[str], list[str]]:
    """Return sentences on open conflicts, and on a prior that is only vague."""
    if sum(q.size for q in prior.quantities) * _DRAWS > _MOST_ELEMENTS:
        return [], []
    hard, soft = _predictive(response_at(model, prior, None, noise=True), about)
    hard += _displaced(model, prior, posterior)
    return hard, soft


def _written(model: Model) -> set[str]:
    """Return the scalars whose prior a person wrote; those of the defaults have no place in a text."""
    return {prior.target.label for prior in model.spec.priors if prior.span.stop > 0}


def _predictive(response: Response, about: Facts) -> tuple[list[str], list[str]]:
    """Hold mean(y) and sd(y) against what draws of the prior expect of them."""
    n = response.shape[0]
    rows = slice(0, n)
    y = about.y
    if response.by_rows and n > _ROWS:
        # A block of rows may be one group: the means are taken over rows from everywhere.
        picked = np.linspace(0, n - 1, _ROWS).round().astype(int)
        means, spreads = _by_draw(response, [slice(i, i + 1) for i in picked])
    else:
        means, spreads = _by_draw(response, [rows])
    usable = np.isfinite(means) & np.isfinite(spreads)
    if usable.mean() < 0.9:
        return [], []
    expected, error, spread = means[usable].mean(), means[usable].std(), float(np.median(spreads[usable]))
    centre, scale, name = float(np.mean(y)), float(np.std(y)), about.response
    hard, soft = [], []
    if abs(centre - expected) > _FAR * error:
        hard.append(
            f"The priors expect a mean of {name} of {_short(expected)} ± {_short(error)}; the data have "
            f"{_short(centre)}."
        )
    continuous = bool(np.any(y != np.round(y)))
    if continuous and spread > 0 and scale > _SPREAD * spread:
        hard.append(f"The priors expect {name} to have an sd of {_short(spread)}; the data have {_short(scale)}.")
    if continuous and _surely_wider(spreads[usable], scale):
        hard.append(f"The priors expect {name} to have an sd of {_short(spread)}; the data have {_short(scale)}.")
    elif continuous and scale > 0 and scale * _VAGUE < spread:
        soft.append(f"The priors are vague: they expect {name} to have an sd of {_short(spread)}, not {_short(scale)}.")
    return hard, soft


def _surely_wider(spreads: np.ndarray, scale: float) -> bool:
    """Whether all that the priors allow is far wider than the data; a prior that is merely wide allows much."""
    if scale <= 0 or not (spreads > 0).all():
        return False
    logs = np.log(spreads / scale)
    return bool(logs.std() < _SURE and logs.mean() > max(np.log(_SPREAD), _FAR * logs.std()))


def _by_draw(response: Response, blocks: list[slice]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over rows of the response's mean, and the sd over rows of new responses, of every draw."""
    draws = slice(0, response.n_draws)
    slabs = [response.at(rows, draws) for rows in blocks]
    mu = np.concatenate([slab.mean().reshape(response.n_draws, -1) for slab in slabs], axis=1)
    new = np.concatenate([slab.sample(i).reshape(response.n_draws, -1) for i, slab in enumerate(slabs)], axis=1)
    return mu.mean(axis=1), new.std(axis=1)


def _displaced(model: Any, prior: Values, posterior: Values) -> list[str]:
    """Return the parameters whose posterior mean is more than 5 prior sds from the prior mean, the worst first."""
    found = sorted(_distances(model, prior, posterior), reverse=True)
    sentences = [
        f"{name} is {_short(mean)} in the posterior, {distance:,.0f} prior sds from its prior mean {_short(expected)}."
        for distance, name, mean, expected in found[:_NAMED]
    ]
    if len(found) > _NAMED:
        sentences.append(f"So are {len(found) - _NAMED:,} more.")
    return sentences


def _distances(model: Any, prior: Values, posterior: Values) -> Iterator[tuple[float, str, float, float]]:
    written = _written(model) if isinstance(model, Model) else None
    letters = shown_names(model)
    for quantity in posterior.quantities:
        if written is not None and quantity.name.startswith(("b[", "cor[")):
            continue
        before, after = prior[quantity.name], posterior[quantity.name]
        expected, spread = before.mean(axis=0).reshape(-1), before.std(axis=0).reshape(-1)
        means = after.mean(axis=0).reshape(-1)
        names = _element_names(model, quantity)
        for i, name in enumerate(names):
            if written is not None and name not in written:
                continue
            distance = abs(means[i] - expected[i]) / spread[i] if spread[i] > 0 else 0.0
            if distance > _FAR and np.isfinite(distance):
                yield float(distance), letters.get(name, name), float(means[i]), float(expected[i])


def _element_names(model: Any, quantity: Any) -> list[str]:
    """Return a name an element: as a table has it for a mixed model, w[Days] for a model of one's own."""
    labels = [names for names in quantity.labels if len(names) > 1]
    if isinstance(model, Model):
        if quantity.name == "beta":
            return list(quantity.labels[0])
        if quantity.name.startswith("sd["):
            factor = quantity.name[3:-1]
            return [f"sd({column} | {factor})" for column in quantity.labels[0]]
        return [quantity.name] + [""] * (quantity.size - 1)
    if quantity.size == 1:
        return [quantity.name]
    if len(labels) == 1 and len(labels[0]) == quantity.size:
        return [f"{quantity.name}[{label}]" for label in labels[0]]
    return [f"{quantity.name}[{i}]" for i in range(quantity.size)]


def _short(value: float) -> str:
    return f"{value:,.3g}" if 1e-3 <= abs(value) < 1e6 or value == 0 else f"{value:.2e}"
