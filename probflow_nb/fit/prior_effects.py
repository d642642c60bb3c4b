"""Prior effects: how far the priors decide a fit's answer, by power-scaling, and the priors beside the posterior."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FitError
from ..model.model import Model
from ..model.prior_density import log_priors
from ..posterior.draws import Draws
from ..posterior.loo import BAD
from ..posterior.power_scaling import Scaled, diagnosis, power_scaled, sensitivity
from ..predict.build import observed
from ..predict.prior import prior_values
from ..predict.response import Response, over_rows
from ..predict.values import Values
from ..spec.priors import Distribution

if TYPE_CHECKING:
    import pandas as pd

COMPONENTS = ("prior", "likelihood")
_PRIOR_DRAWS = 4000


def log_component(model: Any, values: Values, response: Response | None, priors: Any = None) -> np.ndarray:
    """Return the log density (S,) of the priors, or of the likelihood where a response is given.

    priors: the names of those that count, all for None. Raises FitError for a name that has no prior of its own.
    """
    if response is not None:
        y = observed(model, None, None, response.shape)
        return np.sum(over_rows(response, y, lambda table: table.sum(axis=1)), axis=0)
    found = log_priors(model, values)
    chosen = list(found) if priors is None else [priors] if isinstance(priors, str) else list(priors)
    unknown = [name for name in chosen if name not in found]
    if unknown or not chosen:
        raise FitError(
            f'"{unknown[0]!s:.60}" has no prior of its own in this model.' if unknown else "No priors were named.",
            hint=f"Those that have: {', '.join(found)}." if found else "",
        )
    return np.sum([found[name] for name in chosen], axis=0)


def scaled_frame(draws: Draws, table: np.ndarray, scaled: Scaled) -> pd.DataFrame:
    """Return mean and sd of every scalar under a power, and their move in posterior sds."""
    import pandas as pd

    mean, sd = scaled.mean(table), scaled.sd(table)
    spread = table.std(axis=0)
    moved = np.where(spread > 0, (mean - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0), 0.0)
    return pd.DataFrame({"mean": mean, "sd": sd, "moved": moved}, index=pd.Index(draws.names, name="parameter"))


def sensitivity_frame(draws: Draws, table: np.ndarray, prior: np.ndarray, likelihood: np.ndarray) -> pd.DataFrame:
    """Return a row a scalar: prior and likelihood sensitivity, a diagnosis in words, and khat of both."""
    import pandas as pd

    of_prior, khat_prior = sensitivity(table, prior)
    of_likelihood, khat_likelihood = sensitivity(table, likelihood)
    khat = max(khat_prior, khat_likelihood)
    words = [diagnosis(a, b) for a, b in zip(of_prior, of_likelihood, strict=True)]
    if not khat < BAD:
        words = ["khat is 0.7 or more: not to be trusted, fit with more draws"] * len(words)
    return pd.DataFrame(
        {"prior": of_prior, "likelihood": of_likelihood, "diagnosis": words, "khat": khat},
        index=pd.Index(draws.names, name="parameter"),
    )


def weighed(model: Any, values: Values, response: Response | None, alpha: float, priors: Any) -> Scaled:
    """Return the draws weighed as if the priors, or the likelihood, were raised to a power; FitError for no power."""
    if not (isinstance(alpha, int | float | np.number) and math.isfinite(alpha) and alpha > 0):
        raise FitError(f"alpha is a power above 0, not {alpha!r:.40}.", hint="1 changes nothing, 2 doubles the weight.")
    return power_scaled(log_component(model, values, response, priors), float(alpha))


def prior_scalars(model: Any, seed: int) -> tuple[np.ndarray, tuple[bool, ...]]:
    """Return draws (4,000, m) of every scalar from its prior, and which of them have a flat one, whose are NaN."""
    if not isinstance(model, Model):
        held = prior_values(model, _PRIOR_DRAWS, seed)
        table = model.density.scalars(held)
        return table, (False,) * table.shape[1]
    flat = {p.target.label for p in model.spec.priors if p.distribution.name == "Flat"}
    proper = model
    if flat:
        stand_in = Distribution("Normal", (0.0, 1.0))
        priors = tuple(
            replace(p, distribution=stand_in) if p.distribution.name == "Flat" else p for p in model.spec.priors
        )
        proper = replace(model, spec=replace(model.spec, priors=priors))
    table = np.array(model.density.scalars(prior_values(proper, _PRIOR_DRAWS, seed)))
    named = tuple(name in flat or f"centered({name})" in flat for name in model.scalar_names)
    if flat and model.priors.centered and model.design.has_intercept:
        # The intercept at 0 hangs on every slope.
        named = (any(named[: len(model.design.column_names)]), *named[1:])
    table[:, list(named)] = np.nan
    return table, named
