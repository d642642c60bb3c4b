"""Prior density: the log prior of each parameter at draws, apart from each other, as power-scaling weighs them.

Only priors that stand on numbers count. Those of group effects and of whatever else has another parameter in its prior
belong to the model of the data: scaling them would speak of another model (Kallioinen, Paananen, Buerkner and Vehtari
2024, Statistics and Computing 34:57).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..objects.densities import log_prob
from ..objects.value import Value, tensor, values_in_effect
from ..spec.priors import Distribution
from .element_prior import ElementPriors
from .model import Model, lkj_log_prob
from .program import Program
from .program_density import over_batch


def log_priors(model: Any, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the log prior density of every parameter whose prior stands on numbers, (S,) each, by its shown name.

    values: draws by name, (S, *shape). The densities are those of the parameters as they are written, no Jacobians.
    """
    return _of_model(model, values) if isinstance(model, Model) else _of_program(model, values)


def _of_model(model: Model, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    priors, design = model.priors, model.design
    beta = values["beta"] if design.column_names else np.zeros((1, 0))
    start = 1 if design.has_intercept else 0
    if priors.intercept is not None:
        centre = design.X[:, 1:].mean(axis=0) if priors.centered else np.zeros(beta.shape[1] - 1)
        found["Intercept"] = _log_prob(priors.intercept, beta[:, 0] + beta[:, 1:] @ centre)
    for j, prior in enumerate(priors.coefficients):
        found[design.column_names[start + j]] = _log_prob(prior, beta[:, start + j])
    for factor in model.factors:
        first = 0
        for m in factor.members:
            group = design.groups[m]
            for c, prior in enumerate(priors.sds[m]):
                name = f"sd({group.column_names[c]} | {factor.name})"
                found[name] = _log_prob(prior, values[f"sd[{factor.name}]"][:, first + c])
            if group.correlated and group.n_columns > 1:
                own = slice(first, first + group.n_columns)
                log_det = np.linalg.slogdet(values[f"cor[{factor.name}]"][:, own, own])[1]
                name = f"cor({factor.name})" if f"cor({factor.name})" not in found else f"cor({factor.name}, {m})"
                found[name] = np.asarray(lkj_log_prob(priors.correlations[m], group.n_columns, log_det), float)
            first += group.n_columns
    for name, prior in zip(model.auxiliary, priors.auxiliary, strict=True):
        found[name] = _log_prob(prior, values[name])
    return found


def _log_prob(prior: Distribution, value: np.ndarray) -> np.ndarray:
    found = np.asarray(log_prob(prior, load().constant(np.ascontiguousarray(value, float))), float)
    return np.broadcast_to(found, value.shape)


def _of_program(program: Program, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    density = program.density
    inputs = density.inputs()
    terms = density.terms
    fixed = [i for i, term in enumerate(terms) if _stands_on_numbers(term.prior)]
    if not fixed:
        return {}

    def priors(*single: Any) -> list[Any]:
        with values_in_effect(dict(zip(program.parameters, single, strict=True))):
            return [terms[i].log_prob(terms[i].latent(single[i]), inputs) for i in fixed]

    given = [tensor(values[term.slot.name]) for term in terms]
    S = len(given[0])
    found = over_batch(priors, given, density.facts.prior_batching)
    return {
        terms[i].slot.name: np.broadcast_to(np.asarray(one, float).reshape(-1), (S,))
        for i, one in zip(fixed, found, strict=True)
    }


def _stands_on_numbers(prior: Any) -> bool:
    parts = prior.parts if isinstance(prior, ElementPriors) else (prior,)
    return not any(isinstance(value, Value) for part in (prior, *parts) for value in part.arguments.values())
