"""Parameters: what a fit answers on its parameters, posterior and prior, with names along every axis."""

from __future__ import annotations

import operator
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import FitError
from ..inference.engine import Optimum, Posterior
from ..predict.prior import prior_values
from ..predict.values import Values, values
from . import estimates
from .scale_names import bayesian
from .shown import Shown

# More draws of a prior than this are surely a slip, and would not fit into memory.
MOST_PRIOR_DRAWS = 1_000_000


class Parameters(Shown):
    """The answers of a fit on its parameters, S draws of each."""

    model: Any
    answer: Posterior | Optimum
    seed: int

    @cached_property
    def _values(self) -> Values:
        assert isinstance(self.answer, Posterior)
        return values(self.model, self.answer.draws)

    def posterior_mean(self, name: str | None = None) -> Any:
        """Return the posterior mean of a parameter, labelled, or a dictionary of all parameters'."""
        return self._estimate(name, lambda q, draws: estimates.labelled(q, draws.mean(axis=0)))

    def posterior_sd(self, name: str | None = None) -> Any:
        """Return the posterior standard deviation of a parameter, labelled, or a dictionary of all parameters'."""
        return self._estimate(name, lambda q, draws: estimates.labelled(q, draws.std(axis=0, ddof=1)))

    def posterior_interval(self, name: str | None = None, interval: float = 0.95) -> Any:
        """Return the central posterior interval of a parameter, a row an element, or a dictionary of all."""
        estimates.ends_of(interval)
        return self._estimate(name, lambda q, draws: estimates.interval(q, draws, interval))

    def posterior_sample(self, n: int | None = None, name: str | None = None, seed: int | None = None) -> Any:
        """Return n posterior draws of a parameter, drawn without replacement, or all draws in their order.

        A frame with a column an element; a dictionary of all parameters' without a name: row i of each is one draw.
        """
        rows = self._chosen(n, seed)
        return self._estimate(name, lambda q, draws: estimates.sample(q, draws[rows]))

    def prior_sample(self, n: int = 1000, seed: int | None = None) -> dict[str, Any]:
        """Return n draws of every parameter from its prior, parents before those whose priors they stand in."""
        if whole(n, "n") > MOST_PRIOR_DRAWS:
            raise FitError(f"n is a whole number from 1 to {MOST_PRIOR_DRAWS:,}, not {n:,}.")
        found = prior_values(self.model, n, self._seed(seed))
        return {q.shown: estimates.sample(q, found[q.name]) for q in found.quantities}

    def _parameter_values(self, what: str) -> Values:
        if isinstance(self.answer, Posterior):
            return self._values
        raise FitError(
            f"A point fit has no {what}.", hint=f"Fit with engine={bayesian(self.model)} to have a posterior."
        )

    def _estimate(self, name: str | None, of: Any) -> Any:
        found = self._parameter_values("posterior")
        return estimates.by_name(found, self.answer.draws, name, of)  # type: ignore[union-attr]

    def _seed(self, seed: int | None) -> int:
        return self.seed if seed is None else whole(seed, "seed", least=0)

    def _chosen(self, n: int | None, seed: int | None) -> np.ndarray:
        total = self._parameter_values("posterior").n_draws
        if n is None:
            return np.arange(total)
        if whole(n, "n") > total:
            raise FitError(f"The fit has {total:,} draws, not {n:,}.", hint="Ask for fewer, or fit with more draws.")
        return np.random.default_rng([self._seed(seed), 21]).choice(total, size=n, replace=False)


def whole(value: Any, name: str, least: int = 1) -> int:
    """Return a whole number of at least `least`; FitError for anything else."""
    try:
        number = operator.index(value)
    except TypeError:
        raise FitError(f"{name} is a whole number, not {value!r:.60}.", hint=f"Write {name}={max(least, 1)}.") from None
    if number < least:
        raise FitError(f"{name} is a whole number of at least {least}, not {number}.", hint=f"Write {name}={least}.")
    return number
