"""Checks: whether a fit describes its data, asked of the fit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FitError
from ..inference.engine import Optimum
from ..model.model import Model
from ..predict import response as responses
from ..predict.build import observed, response_at
from ..predict.prior import prior_values
from ..predict.replicated import picked
from ..predict.scale import EVENTS
from .influence import influence_frame, influence_picture
from .predictions import Predictions, point_values, whole
from .prior_effects import COMPONENTS, log_component, prior_scalars, scaled_frame, sensitivity_frame, weighed
from .replicated_picture import OVERLAID, REPLICATED, Question, affordable, kind_of, ppc_figure, ppc_frame
from .residual_picture import residual_picture
from .row_groups import RowGroups, row_groups
from .scale_names import COUNTS, scaled_name
from .views import marginals

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ..posterior.draws import Draws
    from ..posterior.summary import Summary
    from ..predict.values import Values

_BOUNDS = {"beta": (0.0, 1.0), "gamma": (0.0, math.inf), "log_normal": (0.0, math.inf)}


class Checks(Predictions):
    """What is asked of a fit to see whether its model describes the data; n rows, S draws."""

    if TYPE_CHECKING:

        @property
        def _summary(self) -> Summary: ...

    # Predictive checks -----------------------------------------------------------------------------------------------

    def plot_ppc(
        self,
        kind: str | None = None,
        statistic: Any = None,
        by: Any = None,
        draws: int | None = None,
        seed: int | None = None,
        prior: bool = False,
    ) -> Figure:
        """Return a figure of the data against data that the fitted model makes, new responses at the rows fitted.

        kind: "density" overlays densities, "counts" has bars on a root scale, "bars" one for each category, "stat" a
        histogram of a statistic; as suits the response unless given. statistic: "mean", "sd", "median", "min", "max",
        "zeros", "skewness", or a function of responses (n,) that returns a number; its share is of the replicates in
        which it is at least that of the data. by: a factor, or n labels, for a panel a level. draws: replicates, 50 of
        densities and 1,000 of all else, fewer of more than 30,000 rows, unless given. prior: draw parameters from the
        prior instead. Of a point fit they are held at their estimates. Raises FitError for what the response lacks.
        Gelman, Meng and Stern 1996, Statistica Sinica 6:733-807.
        """
        y, discrete, categories = self._checked_response()
        kind = kind_of(kind, statistic, y, discrete, categories)
        n = whole(draws, "draws") if draws is not None else OVERLAID if kind == "density" else affordable(y.size)
        return ppc_figure(self._question(by, n, seed, prior), kind, statistic)

    def ppc(
        self,
        statistic: Any = ("mean", "sd", "min", "max"),
        by: Any = None,
        draws: int = REPLICATED,
        seed: int | None = None,
        prior: bool = False,
    ) -> pd.DataFrame:
        """Return statistics of the data and of replicates: observed, mean, sd, q2.5, q97.5, share; a row a statistic.

        share: of the replicates in which the statistic is at least that of the data, near 0 or 1 where the model does
        not make such data. The arguments are those of `plot_ppc`; with by a row for each statistic and level.
        """
        wanted = list(statistic) if isinstance(statistic, list | tuple) else [statistic]
        return ppc_frame(self._question(by, whole(draws, "draws"), seed, prior), wanted)

    def prior_predictive(self, n: int = 1000, x: Any = None, seed: int | None = None) -> pd.DataFrame:
        """Return n new responses of every row, each of a draw from the prior: a row a draw, a column a row.

        Raises FitError for a Flat prior, from which nothing can be drawn.
        """
        held = prior_values(self.model, whole(n, "n"), self._seed(seed))
        found = responses.sample(response_at(self.model, held, x, noise=True), np.arange(n), self._seed(seed))
        return self._by_draw(found, x)

    def plot_calibration(self, x: Any = None, y: Any = None, seed: int | None = None) -> Figure:
        """Return a figure of `calibration_curve`: the share of rows inside their intervals against what they promise.

        The band holds the shares of independent rows of a right model 95 times in 100. FitError for a point fit.
        """
        from ..display.calibration_figure import calibration_figure, calibration_words
        from ..display.drawn import described

        found = self.calibration_curve(x, y, seed)
        probability, coverage, error = (found[name].to_numpy(float) for name in ("probability", "coverage", "error"))
        n = round(0.25 / error[probability == 0.5][0] ** 2)
        note = f"{n:,} {'fitted ' if x is None else ''}rows, band: 95% of a right model"
        figure = calibration_figure(probability, coverage, error, note)
        return described(figure, calibration_words(probability, coverage, note))

    def plot_residuals(self, along: Any = None, seed: int | None = None) -> Figure:
        """Return a figure of quantile residuals along the fitted means and ordered against the normal, and of the means
        of the group effects ordered so, with 95% bands of normal samples.

        Quantile residuals are standard normal where the model holds, whatever the family. along: a numeric column that
        the model reads, or n numbers, instead of the fitted means. Raises FitError for what cannot be drawn along.
        Dunn and Smyth 1996, J. Comput. Graph. Stat. 5(3):236-244.
        """
        return residual_picture(self, along, seed)

    # Influence -------------------------------------------------------------------------------------------------------

    def influence(self, by: str | None = None) -> pd.DataFrame:
        """Return how the answer moves when the rows of a level are taken away, without a refit; a row a level.

        A column a parameter: (mean without it - mean) / posterior sd; cook: Cook's distance d' C^-1 d / p of the common
        effects, d their move, C their posterior covariance; khat of the importance weights, up to 0.7 to be trusted.
        Of Gaussian formulas fitted by Exact the common effects are known in closed form given the variance parameters,
        which are drawn anew where their weights are uneven; else the draws are weighed by one over the level's
        likelihood, its own effects integrated out by quadrature. by: a grouping factor, the first unless named, or
        "row". Raises FitError for a point fit and for a model of one's own.
        Cook 1977, Technometrics 19:15-18; Vehtari, Gelman and Gabry 2017, Statistics and Computing 27:1413-1432.
        """
        return influence_frame(self, by, self._parameter_values("posterior to weigh"))

    def plot_influence(self, by: str | None = None) -> Figure:
        """Return a figure of `influence`: the 24 levels that move the answer most, a panel a parameter."""
        frame = self.influence(by)
        return influence_picture(frame, str(frame.index.name or "row"))

    # Priors ----------------------------------------------------------------------------------------------------------

    def prior_sensitivity(self, priors: Any = None) -> pd.DataFrame:
        """Return how far each parameter moves as the priors, or the likelihood, are raised to a power near 1.

        A row a parameter: prior and likelihood, the cumulative Jensen-Shannon distance per doubling of the power;
        diagnosis, in words, from 0.05 on; khat of the importance weights. Nothing is fitted again. priors: names of
        those to scale, such as ["sigma"]; all that stand on numbers unless given, those of group effects never.
        Raises FitError for a point fit and for a name that has no prior of its own.
        Kallioinen, Paananen, Buerkner and Vehtari 2024, Statistics and Computing 34:57.
        """
        draws, table = self._weighable()
        of_prior = log_component(self.model, self._values, None, priors)
        return sensitivity_frame(
            draws, table, of_prior, log_component(self.model, self._values, self._response(None, noise=True))
        )

    def power_scaled(self, alpha: float, component: str = "prior", priors: Any = None) -> pd.DataFrame:
        """Return mean and sd of every parameter were the priors, or the likelihood, raised to the power alpha.

        A row a parameter: mean, sd, and moved, in posterior sds; `attrs["khat"]` says whether the weights can bear it.
        A Normal prior raised to alpha is one with sd / sqrt(alpha). component: "prior" or "likelihood". priors: as in
        `prior_sensitivity`. Raises FitError for a point fit, an alpha that is no power, and an unknown component.
        """
        if component not in COMPONENTS:
            raise FitError(f"There is no component {component!r:.40}.", hint='It is "prior" or "likelihood".')
        draws, table = self._weighable()
        response = self._response(None, noise=True) if component == "likelihood" else None
        scaled = weighed(self.model, self._values, response, alpha, priors)
        found = scaled_frame(draws, table, scaled)
        found.attrs["khat"] = scaled.khat
        return found

    def plot_prior_posterior(self, names: Any = None, seed: int | None = None) -> Figure:
        """Return a figure of prior and posterior densities, a panel a parameter: how much did the data say.

        A word says how wide the posterior's central 68% is in shares of the prior's. names: of the scalars, at most 24.
        Raises FitError for a point fit and for an unknown name.
        """
        from ..display.drawn import described
        from ..display.prior_figure import PriorPanel, prior_figure, prior_words

        draws, _ = self._weighable()
        wanted = [names] if isinstance(names, str) else list(draws.names[:24] if names is None else names)
        unknown = [name for name in wanted if name not in draws.names]
        if unknown or not wanted:
            known = f"It has {', '.join(draws.names)}."
            raise FitError(f'There is no parameter "{unknown[0] if unknown else ""!s:.60}" in this fit.', hint=known)
        before = prior_scalars(self.model, self._seed(seed))[0]
        places = {name: i for i, name in enumerate(draws.names)}
        after = {m.name: m for m in marginals(draws, self._summary, self.facts)}
        shown = [PriorPanel(after[name], before[:, places[name]]) for name in wanted[:24]]
        note = "filled: posterior, dashed: prior, raised where it is far lower"
        return described(prior_figure(shown, note), prior_words(shown, note))

    def _weighable(self) -> tuple[Draws, np.ndarray]:
        """Return the draws, and those of all scalars that have effects beside them, (S, m)."""
        values = self._parameter_values("posterior to weigh")
        draws = self.answer.draws  # type: ignore[union-attr]
        return draws, draws.table[: values.n_draws]

    # What they are made of -------------------------------------------------------------------------------------------

    def _question(self, by: Any, n: int, seed: int | None, prior: bool) -> Question:
        y, discrete, categories = self._checked_response()
        groups = row_groups(self.model, by, len(y))
        response = response_at(self.model, self._replicated_values(n, seed, prior), None, noise=True)
        width = int(np.prod(response.shape[1:], dtype=int))
        if width > 1:
            # A response of several columns has a panel a column.
            if by is not None:
                raise FitError("A response of several columns is shown by its columns.", hint="Leave out by.")
            groups = RowGroups("column", tuple(self._columns(width)), np.tile(np.arange(width), len(y) // width))
        source = "prior" if prior else "estimates" if isinstance(self.answer, Optimum) else "posterior"
        name = scaled_name(self.model, self.facts.response, "response")
        bounds = _BOUNDS.get(self._family, (-math.inf, math.inf))
        bounds = (1.0 if self._family == "ordinal" else 0.0, math.inf) if discrete and y.min() >= 0 else bounds
        return Question(response, y, groups, name, categories, bounds, discrete, prior, source, self._seed(seed))

    def _replicated_values(self, n: int, seed: int | None, prior: bool) -> Values:
        if prior:
            return prior_values(self.model, n, self._seed(seed))
        if isinstance(self.answer, Optimum):
            return picked(point_values(self.model, self.answer), np.zeros(n, int))
        total = self._values.n_draws
        rng = np.random.default_rng([self._seed(seed), 23])
        return picked(self._values, rng.choice(total, size=n, replace=n > total))

    def _checked_response(self) -> tuple[np.ndarray, bool, tuple[str, ...]]:
        """Return y, flattened, whether it is of whole numbers, and the names of its categories if it has some."""
        y = np.asarray(self.model.y, float)
        y = observed(self.model, None, None, y.shape).ravel()
        if not isinstance(self.model, Model):
            numbers = bool((y == np.round(y)).all())
            if numbers:
                values = self._replicated_values(2, None, False)
                new = response_at(self.model, values, None, noise=True).at(slice(0, len(self.model.y)), slice(0, 2))
                drawn = new.sample(0)
                numbers = bool((drawn == np.round(drawn)).all())
            return y, numbers, ("0", "1") if numbers and set(np.unique(y)) <= {0.0, 1.0} else ()
        if self._categories:
            return y, True, self._categories
        discrete = self._family in (*COUNTS, *EVENTS, "ordinal")
        two = self._family in EVENTS and self.model.design.trials is None
        return y, discrete, (self.model.design.response_levels or ("0", "1")) if two else ()

    @property
    def _family(self) -> str:
        record = getattr(self.model, "record", None)
        return record.name if record is not None else ""
