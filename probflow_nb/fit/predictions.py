"""Predictions: what a fit answers on its parameters, on its response, and on new rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FitError
from ..inference.engine import Optimum, Posterior
from ..predict import response as responses
from ..predict.build import at_mean, observed, response_at, row_labels
from ..predict.levels import Levels, checked_groups, checked_new_levels
from ..predict.response import Response
from ..predict.scale import checked_scale
from ..predict.values import Values
from . import estimates
from .leave_one_out import LeaveOneOut, information, leave_one_out
from .parameters import MOST_PRIOR_DRAWS, Parameters, whole
from .residual import residuals_of
from .scale_names import bayesian, scaled_name
from .simulation import simulated

if TYPE_CHECKING:
    import pandas as pd

# Numbers of a frame of draws: 1.6 GB.
MOST_NUMBERS = 200_000_000
KINDS = ("mean", "response")
# Log densities of draws and rows that are held at once: 400 MB.
_MOST_DENSITIES = 50_000_000
__all__ = ["KINDS", "MOST_NUMBERS", "MOST_PRIOR_DRAWS", "Asked", "Predictions", "point_values", "whole"]
_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked of a response: at rows x, its mean or new responses, on a scale, with which groups."""

    x: Any
    kind: str
    scale: str = "response"
    groups: Any = "all"
    new_levels: Any = None
    seed: Any = None


class Predictions(Parameters):
    """The answers of a fit; n rows, S draws.

    x is what the model was fitted to unless given: a frame for a formula, what the class was given for a class.
    seed: the fit's own unless given, so that the same question has the same answer.
    """

    model: Any
    answer: Posterior | Optimum
    seed: int

    def predict(
        self,
        x: Any = None,
        kind: str = "mean",
        *,
        groups: str | Sequence[str] = "all",
        new_levels: str | None = None,
        interval: float | None = None,
        draws: bool = False,
        seed: int | None = None,
        scale: str = "response",
        newdata: Any = None,
    ) -> pd.Series | pd.DataFrame:
        """Return what the model says of each row: the posterior mean, with an interval or draw by draw.

        kind: "mean" of the response's mean mu_i = g^-1(eta_i); "response" of a new response y_i ~ p(y | mu_i), whose
        mean is the same and whose interval is wider; "link" of eta_i = x_i'beta + z_i'b + offset_i.
        groups: which group terms count in eta, "all", "none" (lme4's re.form = NA) or factors, ["Subject"].
        new_levels: what a level has that was not fitted: "sample" draws b_new ~ Normal(0, Sigma(draw)) from its
        population, the same for all its rows (default of a posterior); "zero" takes b_new = 0, as lme4's
        allow.new.levels = TRUE (default of a point fit); "error" raises FitError. A factor that is among the common
        effects must have the levels that were fitted.
        interval: 0.95 for a frame with mean, q2.5 and q97.5. draws: for a frame with a row a draw, a column a row.
        scale: "response", of `counts / trials` the mean counts, size p; "probability" for p of one trial; "link".
        newdata: another name of x. Ordered categories are predicted by the probability of each.

        A row with a missing value is NaN, and a warning says which. Raises FitError for what the model does not have,
        and for interval and draws of a point fit.
        """
        rows = _rows_given(x, newdata)
        asked = Asked(rows, *self._kind(kind, scale), groups, new_levels, seed)
        if interval is not None and draws:
            raise FitError(
                "A frame has intervals or draws, not both.", hint="Ask for interval=0.95, or for draws=True."
            )
        if draws:
            return self._drawn(asked)
        if interval is None:
            return self._framed(responses.mean(self._asked(asked)), rows, asked.scale)
        return self._with_mean(asked, interval)

    @property
    def fitted(self) -> pd.Series | pd.DataFrame:
        """The prediction at the rows that were fitted."""
        return self.predict()

    def predictive_interval(
        self,
        x: Any = None,
        interval: float = 0.95,
        seed: int | None = None,
        scale: str = "response",
        *,
        groups: str | Sequence[str] = "all",
        new_levels: str | None = None,
    ) -> pd.DataFrame:
        """Return the central interval of a new response at each row: parameters and noise together.

        Its ends are whole numbers for counts; scale="probability": of new shares of each row's trials.
        groups, new_levels: as in `predict`.
        """
        estimates.ends_of(interval)
        asked = Asked(x, "response", self._noisy(scale), groups, new_levels, seed)
        return self._bounds(responses.predictive(self._asked(asked), interval, self._seed(seed)), x)

    def predictive_sample(
        self,
        n: int = 1000,
        x: Any = None,
        seed: int | None = None,
        *,
        groups: str | Sequence[str] = "all",
        new_levels: str | None = None,
    ) -> pd.DataFrame:
        """Return n new responses of every row, each of a draw of its own: a frame with a row a draw, a column a row.

        groups, new_levels: as in `predict`.
        """
        response = self._asked(Asked(x, "response", "response", groups, new_levels, seed))
        found = responses.sample(response, self._chosen(n, seed), self._seed(seed))
        return self._by_draw(found, x)

    def epistemic_interval(
        self,
        x: Any = None,
        interval: float = 0.95,
        scale: str = "response",
        *,
        groups: str | Sequence[str] = "all",
        new_levels: str | None = None,
        seed: int | None = None,
    ) -> pd.DataFrame:
        """Return the central interval of the response's mean at each row: what is not known of the parameters.

        scale, groups, new_levels: as in `predict`.
        """
        estimates.ends_of(interval)
        asked = Asked(x, "mean", self._scale(scale), groups, new_levels, seed)
        return self._bounds(responses.epistemic(self._asked(asked, posterior=True), interval), x)

    def aleatoric_interval(self, x: Any = None, interval: float = 0.95, seed: int | None = None) -> pd.DataFrame:
        """Return the central interval of a new response with the parameters at their means: the noise alone."""
        estimates.ends_of(interval)
        one = at_mean(self.model, self._parameter_values("aleatoric interval"))
        levels = Levels(new="zero")
        found = responses.noise(response_at(self.model, one, x, True, levels), interval, self._seed(seed))
        return self._bounds(found, x)

    def residuals(
        self,
        x: Any = None,
        y: Any = None,
        kind: str = "response",
        *,
        groups: str | Sequence[str] = "all",
        new_levels: str | None = None,
        seed: int | None = None,
    ) -> pd.Series | pd.DataFrame:
        """Return the residual of each row; y is taken from x where the model knows which column it is.

        kind: "response", y - E y; "pearson", (y - E y) / sqrt(E var(y | draw)), of a point fit by lme4's
        residuals(type = "pearson", scaled = TRUE); "quantile", Phi^-1(u) with u = P(new y <= y), drawn evenly from
        P(new y < y) to P(new y <= y) where the response is discrete (Dunn and Smyth 1996, J. Comput. Graph. Stat. 5(3),
        sec. 2): standard normal where the model holds. groups, new_levels: as in `predict`.
        Raises FitError for another kind, and for ordered categories other than "quantile".
        """
        asked = Asked(x, "response", "response", groups, new_levels, seed)
        return self._framed(residuals_of(self, self._asked(asked, noise=kind != "response"), x, y, kind, seed), x)

    def simulate(
        self, n: int = 1, x: Any = None, *, groups: str | Sequence[str] = "all", seed: int | None = None
    ) -> list[pd.DataFrame]:
        """Return n new data sets like the one fitted, or like x, whose response is drawn from the fit.

        Each comes from a draw of its own of a posterior, or from the estimates of a point fit. groups: "all" keeps the
        levels that were fitted with their effects; "new" draws the effects of every level anew from its population, as
        lme4's simulate does; "none" or factors as in `predict`.
        Raises FitError where the response cannot be put back into its column, and for a model of one's own class.
        """
        return simulated(self, n, x, groups, self._seed(seed))

    def log_prob(
        self,
        x: Any = None,
        y: Any = None,
        draws: bool = False,
        *,
        groups: str | Sequence[str] = "all",
        new_levels: str | None = None,
        seed: int | None = None,
    ) -> Any:
        """Return the log posterior predictive density of each row, log 1/S sum_s p(y_i | draw s).

        draws: return log p(y_i | draw s) instead, an (S, n) array with a row a draw. groups, new_levels: as in
        `predict`; the effects of a new level are drawn with the draw, so that the mean integrates over them.
        """
        response = self._asked(Asked(x, "response", "response", groups, new_levels, seed))
        seen = observed(self.model, x, y, response.shape)
        if draws:
            return self._by_draw(responses.log_densities(response, seen), x)
        return self._framed(responses.log_predictive(response, seen), x)

    def _log_likelihood(self) -> np.ndarray | None:
        """Return log p(y_i | draw s) of every draw and row fitted, None where it is too large or draws are left out."""
        response = self._response(None, noise=True)
        draws = self.answer.draws  # type: ignore[union-attr]
        if response.n_draws != draws.n_chains * draws.n_draws or response.n_draws * response.shape[0] > _MOST_DENSITIES:
            return None
        return responses.log_densities(response, observed(self.model, None, None, response.shape))

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

    def loo(self, by: str | None = None, integrated: bool | None = None) -> LeaveOneOut:
        """Return how well each row is predicted by all others, log p(y_i | y_-i), without a refit.

        by: a grouping factor, to leave out all rows of a level at once, its effects integrated out: in closed form for
        Gaussian formulas fitted by Exact, else by quadrature for each draw.
        integrated: whether group effects are integrated out of p(y_i | y_-i) in closed form, so that only variance
        parameters are left to importance sampling; without it they are where they can be. Else PSIS-LOO of the draws.
        Raises FitError for a point fit and where rows or levels cannot be left out as asked.
        Vehtari, Gelman and Gabry (2017), Statistics and Computing 27:1413-1432, eq. 10.
        """
        self._parameter_values("posterior to predict with")
        return leave_one_out(self, lambda: self._response(None, noise=True), by, integrated)

    def waic(self) -> LeaveOneOut:
        """Return the widely applicable information criterion of every row, lppd_i - var_s log p(y_i | draw s).

        `loo` says how far it can be trusted, WAIC does not. Raises FitError for a point fit.
        """
        return information(self, self._response(None, noise=True))

    # What they are made of -------------------------------------------------------------------------------------------

    @property
    def _categories(self) -> tuple[str, ...]:
        """The names of ordered categories, or nothing."""
        return tuple(getattr(getattr(self.model, "record", None), "categories", ()))

    def _scale(self, scale: str) -> str:
        """Return the scale of a mean: ordered categories have no mean but their probabilities."""
        scale = checked_scale(self.model, scale)
        return "probability" if scale == "response" and self._categories else scale

    def _response(self, x: Any, noise: bool = False, scale: str = "response") -> Response:
        """Return the response with all group terms for every draw of a posterior."""
        return self._asked(Asked(x, "response" if noise else "mean", scale), posterior=True)

    def _asked(self, asked: Asked, posterior: bool | None = None, noise: bool | None = None) -> Response:
        """Return the response that is asked for; FitError for more than its mean where a point fit has no draws.

        noise: whether its spread is needed; by the kind unless given, and then also of the estimates of a point fit.
        """
        known = isinstance(self.answer, Posterior)
        levels = Levels(
            checked_groups(self.model, asked.groups),
            checked_new_levels(asked.new_levels, known, bayesian(self.model)),
            self._seed(asked.seed),
        )
        if known or posterior or (noise is None and asked.kind == "response" and posterior is not False):
            held = self._parameter_values("posterior to predict with")
        else:
            held = point_values(self.model, self.answer)  # type: ignore[arg-type]
        spread = asked.kind == "response" if noise is None else noise
        return response_at(self.model, held, asked.x, spread, levels, asked.scale)

    def _kind(self, kind: str, scale: str) -> tuple[str, str]:
        """Return the kind and the scale of what is asked for; a scale may be asked for as a kind."""
        if kind in ("link", "probability"):
            kind, scale = "mean", kind if scale in ("response", kind) else scale
        if kind not in KINDS:
            raise FitError(
                f"There is nothing to predict of the kind {kind!r:.40}.", hint='It is "mean", "response" or "link".'
            )
        return kind, self._noisy(scale) if kind == "response" else self._scale(scale)

    def _noisy(self, scale: str) -> str:
        """Return a scale on which new responses are known."""
        if scale != "response" and (checked_scale(self.model, scale) == "link" or self._categories):
            raise FitError(
                f"A new response is not known on the scale {scale!r}.",
                hint='Ask for its mean, kind="mean", or for epistemic_interval().',
            )
        return scale

    def _with_mean(self, asked: Asked, interval: float) -> pd.DataFrame:
        """Return mean and interval of each row; of several columns or categories the three of each."""
        import pandas as pd

        estimates.ends_of(interval)
        response = self._asked(asked, posterior=True)
        centre = responses.mean(response)
        if asked.kind == "mean":
            bounds = responses.epistemic(response, interval)
        else:
            bounds = responses.predictive(response, interval, self._seed(asked.seed))
        found = self._bounds(bounds, asked.x)
        if centre.ndim == 1:
            found.insert(0, "mean", centre)
            return found
        names = [*estimates.end_names(estimates.ends_of(interval))]
        columns = pd.MultiIndex.from_product([self._columns(centre.shape[1]), ["mean", *names]])
        three = np.stack([centre, bounds.lower, bounds.upper], axis=-1).reshape(len(centre), -1)
        return pd.DataFrame(three, index=found.index, columns=columns)

    def _drawn(self, asked: Asked) -> pd.DataFrame:
        """Return every draw of the mean, or a new response of every draw."""
        response = self._asked(asked, posterior=True)
        numbers = response.n_draws * int(np.prod(response.shape, dtype=int))
        if numbers > MOST_NUMBERS:
            raise FitError(
                f"{response.n_draws:,} draws of {response.shape[0]:,} rows are {numbers:,} numbers, "
                f"more than the {MOST_NUMBERS:,} that a frame may have.",
                hint="Ask for fewer rows, for interval=0.95, or for predictive_sample(n) of fewer draws.",
            )
        if asked.kind == "mean":
            return self._by_draw(responses.means(response), asked.x)
        return self._by_draw(responses.samples(response, self._seed(asked.seed)), asked.x)

    def _framed(self, value: np.ndarray, x: Any, scale: str = "response") -> Any:
        import pandas as pd

        index = row_labels(self.facts.rows, x, len(value))
        if value.ndim == 1:
            return pd.Series(value, index=index, name=scaled_name(self.model, self.facts.response, scale))
        return pd.DataFrame(value, index=index, columns=self._columns(value.shape[1]))

    def _columns(self, count: int) -> list[str]:
        """Return the names of the columns of a response: its categories, or their places."""
        if len(self._categories) == count:
            return list(self._categories)
        return [f"{self.facts.response}[{j}]" for j in range(count)]

    def _bounds(self, bounds: responses.Bounds, x: Any) -> pd.DataFrame:
        import pandas as pd

        names = estimates.end_names(estimates.ends_of(bounds.probability))
        index = row_labels(self.facts.rows, x, len(bounds.lower))
        if bounds.lower.ndim == 1:
            return pd.DataFrame({names[0]: bounds.lower, names[1]: bounds.upper}, index=index)
        columns = pd.MultiIndex.from_product([self._columns(bounds.lower.shape[1]), names])
        both = np.stack([bounds.lower, bounds.upper], axis=-1).reshape(len(bounds.lower), -1)
        return pd.DataFrame(both, index=index, columns=columns)

    def _by_draw(self, found: np.ndarray, x: Any) -> pd.DataFrame:
        import pandas as pd

        index = pd.RangeIndex(len(found), name="draw")
        rows = row_labels(self.facts.rows, x, found.shape[1])
        if found.ndim == 2:
            return pd.DataFrame(found, index=index, columns=rows)
        names = self._columns(found.shape[2])
        return pd.DataFrame(
            found.reshape(len(found), -1), index=index, columns=pd.MultiIndex.from_product([rows, names])
        )


def point_values(model: Any, answer: Optimum) -> Values:
    """Return the estimates and conditional modes of a point fit as one draw."""
    from ..predict.values import point

    return point(model, answer.values, answer.effects()[0])


def _rows_given(x: Any, newdata: Any) -> Any:
    if x is not None and newdata is not None:
        raise FitError("x and newdata are two names of the same rows.", hint="Give one of them.")
    return newdata if x is None else x
