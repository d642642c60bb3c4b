"""Predictions: what a fit answers on its parameters, on its response, and on new rows."""

from __future__ import annotations

import operator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FitError
from ..inference.engine import Optimum, Posterior
from ..predict import response as responses
from ..predict.build import at_mean, observed, response_at, row_labels
from ..predict.prior import prior_values
from ..predict.response import Response
from ..predict.values import Values, values
from . import estimates
from .shown import Shown

if TYPE_CHECKING:
    import pandas as pd

# More draws of a prior than this are surely a slip, and would not fit into memory.
MOST_PRIOR_DRAWS = 1_000_000
_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


class Predictions(Shown):
    """The answers of a fit; n rows, S draws.

    x is what the model was fitted to unless given: a frame for a formula, what the class was given for a class.
    seed: the fit's own unless given, so that the same question has the same answer.
    """

    model: Any
    answer: Posterior | Optimum
    seed: int

    @cached_property
    def _values(self) -> Values:
        assert isinstance(self.answer, Posterior)
        return values(self.model, self.answer.draws)

    # Parameters ------------------------------------------------------------------------------------------------------

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

    # The response ----------------------------------------------------------------------------------------------------

    def predict(self, x: Any = None) -> pd.Series | pd.DataFrame:
        """Return the posterior mean of the response's mean at each row; group effects included."""
        return self._framed(responses.mean(self._point_or_response(x)), x)

    def predictive_interval(self, x: Any = None, interval: float = 0.95, seed: int | None = None) -> pd.DataFrame:
        """Return the central interval of a new response at each row: parameters and noise together."""
        estimates.ends_of(interval)
        return self._bounds(responses.predictive(self._response(x, noise=True), interval, self._seed(seed)), x)

    def epistemic_interval(self, x: Any = None, interval: float = 0.95) -> pd.DataFrame:
        """Return the central interval of the response's mean at each row: what is not known of the parameters."""
        estimates.ends_of(interval)
        return self._bounds(responses.epistemic(self._response(x), interval), x)

    def aleatoric_interval(self, x: Any = None, interval: float = 0.95, seed: int | None = None) -> pd.DataFrame:
        """Return the central interval of a new response with the parameters at their means: the noise alone."""
        estimates.ends_of(interval)
        one = at_mean(self.model, self._parameter_values("aleatoric interval"))
        found = responses.noise(response_at(self.model, one, x, noise=True), interval, self._seed(seed))
        return self._bounds(found, x)

    def residuals(self, x: Any = None, y: Any = None) -> pd.Series | pd.DataFrame:
        """Return y minus the prediction at each row; y is taken from x where the model knows which column it is."""
        shown = self.predict(x)
        return self._framed(observed(self.model, x, y, np.shape(shown)) - np.asarray(shown), x)

    def log_prob(self, x: Any = None, y: Any = None, draws: bool = False) -> Any:
        """Return the log posterior predictive density of each row, log 1/S sum_s p(y_i | draw s).

        draws: return log p(y_i | draw s) instead, an (S, n) array with a row a draw.
        """
        response = self._response(x, noise=True)
        seen = observed(self.model, x, y, response.shape)
        if draws:
            return self._by_draw(responses.log_densities(response, seen), x)
        return self._framed(responses.log_predictive(response, seen), x)

    def r_squared(self, x: Any = None, draws: bool = False) -> Any:
        """Return the posterior mean of the Bayesian R2, or its S draws.

        The variance of the fitted means over itself plus the modelled residual variance (Gelman, Goodrich, Gabry and
        Vehtari 2019, R-squared for Bayesian regression models, eq. 3).
        """
        found = responses.bayes_r_squared(self._response(x, noise=True))
        return estimates.sample(estimates.Quantity("R2", ()), found) if draws else float(found.mean())

    def calibration_curve(self, x: Any = None, y: Any = None, seed: int | None = None) -> pd.DataFrame:
        """Return the share of rows inside their central predictive intervals: probability, coverage, error.

        error: the standard error of a share of n independent rows.
        """
        import pandas as pd

        response = self._response(x, noise=True)
        seen = observed(self.model, x, y, response.shape)
        levels = np.array(_LEVELS)
        error = np.sqrt(levels * (1 - levels) / max(1, int(np.isfinite(seen).sum())))
        inside = responses.coverage(response, seen, levels, self._seed(seed))
        return pd.DataFrame({"probability": levels, "coverage": inside, "error": error})

    # What they are made of -------------------------------------------------------------------------------------------

    def _parameter_values(self, what: str) -> Values:
        if isinstance(self.answer, Posterior):
            return self._values
        raise FitError(f"A point fit has no {what}.", hint="Fit with engine=Exact() to have a posterior.")

    def _estimate(self, name: str | None, of: Any) -> Any:
        found = self._parameter_values("posterior")
        return estimates.by_name(found, self.answer.draws, name, of)  # type: ignore[union-attr]

    def _response(self, x: Any, noise: bool = False) -> Response:
        return response_at(self.model, self._parameter_values("posterior to predict with"), x, noise)

    def _point_or_response(self, x: Any) -> Response:
        if isinstance(self.answer, Posterior):
            return response_at(self.model, self._values, x, noise=False)
        return response_at(self.model, point_values(self.model, self.answer), x, noise=False)

    def _seed(self, seed: int | None) -> int:
        return self.seed if seed is None else whole(seed, "seed", least=0)

    def _chosen(self, n: int | None, seed: int | None) -> np.ndarray:
        total = self._parameter_values("posterior").n_draws
        if n is None:
            return np.arange(total)
        if whole(n, "n") > total:
            raise FitError(f"The fit has {total:,} draws, not {n:,}.", hint="Ask for fewer, or fit with more draws.")
        return np.random.default_rng([self._seed(seed), 21]).choice(total, size=n, replace=False)

    def _framed(self, value: np.ndarray, x: Any) -> Any:
        import pandas as pd

        index, name = row_labels(self.facts.rows, x, len(value)), self.facts.response
        if value.ndim == 1:
            return pd.Series(value, index=index, name=name)
        return pd.DataFrame(value, index=index, columns=[f"{name}[{j}]" for j in range(value.shape[1])])

    def _bounds(self, bounds: responses.Bounds, x: Any) -> pd.DataFrame:
        import pandas as pd

        names = estimates.end_names(estimates.ends_of(bounds.probability))
        index = row_labels(self.facts.rows, x, len(bounds.lower))
        if bounds.lower.ndim == 1:
            return pd.DataFrame({names[0]: bounds.lower, names[1]: bounds.upper}, index=index)
        columns = pd.MultiIndex.from_product(
            [[f"{self.facts.response}[{j}]" for j in range(bounds.lower.shape[1])], names]
        )
        both = np.stack([bounds.lower, bounds.upper], axis=-1).reshape(len(bounds.lower), -1)
        return pd.DataFrame(both, index=index, columns=columns)

    def _by_draw(self, found: np.ndarray, x: Any) -> pd.DataFrame:
        import pandas as pd

        index = pd.RangeIndex(len(found), name="draw")
        rows = row_labels(self.facts.rows, x, found.shape[1])
        if found.ndim == 2:
            return pd.DataFrame(found, index=index, columns=rows)
        names = [f"{self.facts.response}[{j}]" for j in range(found.shape[2])]
        return pd.DataFrame(
            found.reshape(len(found), -1), index=index, columns=pd.MultiIndex.from_product([rows, names])
        )


def point_values(model: Any, answer: Optimum) -> Values:
    """Return the estimates and conditional modes of a point fit as one draw."""
    from ..predict.values import point

    return point(model, answer.values, answer.effects()[0])


def whole(value: Any, name: str, least: int = 1) -> int:
    """Return a whole number of at least `least`; FitError for anything else."""
    try:
        number = operator.index(value)
    except TypeError:
        raise FitError(f"{name} is a whole number, not {value!r:.60}.") from None
    if number < least:
        raise FitError(f"{name} is a whole number of at least {least}, not {number}.")
    return number
