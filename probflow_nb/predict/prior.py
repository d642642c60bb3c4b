"""Prior: draws of every parameter from its prior, those first that stand in the priors of others."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from ..errors import FitError
from ..model.model import Model
from ..objects import bounded, continuous
from ..objects.multivariate import LKJ
from ..spec.priors import Distribution
from .values import Quantity, Values, mixed_quantities, program_quantities


def prior_values(model: Any, n: int, seed: int) -> Values:
    """Return n draws of every parameter from its prior.

    Raises FitError for a Flat prior, from which nothing can be drawn.
    """
    rng = np.random.default_rng([seed, 31])
    if isinstance(model, Model):
        return _held(mixed_quantities(model), n, _mixed_prior(model, n, rng))
    return _held(program_quantities(model), n, model.prior_sample(n, seed))


def _held(quantities: tuple[Quantity, ...], n: int, drawn: Mapping[str, np.ndarray]) -> Values:
    return Values(quantities, n, {name: partial(np.asarray, value) for name, value in drawn.items()})


def _mixed_prior(model: Model, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    priors, design = model.priors, model.design
    drawn: dict[str, np.ndarray] = {}
    coefficients = [_draw(prior, name, n, rng) for prior, name in _common(model)]
    beta = np.stack(coefficients, axis=1) if coefficients else np.zeros((n, 0))
    if priors.intercept is not None and priors.centered:
        beta[:, 0] -= beta[:, 1:] @ design.X[:, 1:].mean(axis=0)
    drawn["beta"] = beta
    for factor in model.factors:
        sds: list[np.ndarray] = []
        correlated = False
        k = len(factor.columns)
        R = np.broadcast_to(np.eye(k), (n, k, k)).copy()
        for m in factor.members:
            start, group = len(sds), design.groups[m]
            sds += [
                _draw(prior, f"sd({column} | {factor.name})", n, rng)
                for prior, column in zip(priors.sds[m], group.column_names, strict=True)
            ]
            if group.correlated and group.n_columns > 1:
                size = (n, group.n_columns, group.n_columns)
                R[:, start : len(sds), start : len(sds)] = LKJ(priors.correlations[m]).draw(rng, size)
                correlated = True
        sd = np.stack(sds, axis=1)
        root = sd[:, :, None] * np.linalg.cholesky(R)
        drawn[f"sd[{factor.name}]"] = sd
        if correlated:
            drawn[f"cor[{factor.name}]"] = R
        z = rng.standard_normal((n, len(factor.levels), k))
        drawn[f"b[{factor.name}]"] = np.einsum("nij,nlj->nli", root, z)
    drawn |= _auxiliary(model, n, rng)
    return drawn


def _auxiliary(model: Model, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return draws of the family's further parameters; those of cutpoints are put in order."""
    found = {
        name: _draw(prior, name, n, rng) for name, prior in zip(model.auxiliary, model.priors.auxiliary, strict=True)
    }
    cuts = [name for name in found if name.startswith("cut[")]
    if cuts:
        found |= dict(zip(cuts, np.sort(np.stack([found[name] for name in cuts]), axis=0), strict=True))
    return found


def _common(model: Model) -> list[tuple[Distribution, str]]:
    priors, names = model.priors, model.design.column_names
    first = [priors.intercept] if priors.intercept is not None else []
    return list(zip([*first, *priors.coefficients], names, strict=True))


def _draw(prior: Distribution, name: str, n: int, rng: np.random.Generator) -> np.ndarray:
    if prior.name == "Flat":
        raise _no_draws(name)
    kind = getattr(continuous, prior.name, None) or getattr(bounded, prior.name)
    return np.asarray(kind(*prior.arguments).draw(rng, (n,)))


def _no_draws(name: str) -> FitError:
    return FitError(
        f"The prior of {name} is flat, so nothing can be drawn from it.", hint="Give it a proper prior, such as Normal."
    )
