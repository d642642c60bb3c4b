"""Detection: what counts as found in a data set, in words and in numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..display.progress import NullProgress
from ..errors import FitError, ProbflowError
from ..inference import Point
from ..inference.engine import Optimum
from ..model.covariance import Layout
from ..model.model import Model
from .planned import refitted, unfitted
from .question import Question
from .wald import Estimates, wald

# Data sets that are judged between two looks at the progress: all at once, or one fit after the other.
_TOGETHER, _SINGLY = 250, 1

Found = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Detection:
    """A rule. alpha: level of a test, or None. probability: that the posterior must reach, or None. engine: of fits."""

    alpha: float | None
    probability: float | None
    engine: Any

    def words(self, question: Question, gaussian: bool) -> str:
        """Return what counts as found, a clause that follows "in which"."""
        sided = "one-sided" if question.side else "two-sided"
        if self.probability is not None:
            if question.side:
                return f"the posterior probability of {question.words} exceeds {self.probability:g}"
            return f"the central {100 * self.probability:g}% posterior interval leaves {question.null:g} out"
        return f"a {sided} test at level {self.alpha:g} finds {question.words}: {self._statistic(gaussian)}"

    def _statistic(self, gaussian: bool) -> str:
        if gaussian:
            return "t of the REML estimate, with Satterthwaite's degrees of freedom"
        return "z of the maximum likelihood estimate"


@dataclass(frozen=True, eq=False)
class Judge:
    """What looks for an effect in responses (N, n) drawn of rows of a table of scalars: estimates, errors, found (N,).

    block: how many data sets it takes at once.
    """

    look: Callable[[np.ndarray, np.ndarray], Found]
    block: int

    def __call__(self, Y: np.ndarray, table: np.ndarray) -> Found:
        """Return estimates, errors and what was found."""
        return self.look(Y, table)


def detection(alpha: float | None, probability: float | None, engine: Any) -> Detection:
    """Return the rule that the arguments of `power` mean; FitError where they contradict each other."""
    if alpha is not None and probability is not None:
        raise FitError(
            "alpha and probability are two rules.", hint="Give alpha for a test, or probability for a posterior."
        )
    for name, value in (("alpha", alpha), ("probability", probability)):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < 1:
            raise FitError(f"{name} is a number between 0 and 1, not {value!r:.60}.")
    if probability is None and engine is not None and not _is_point(engine):
        probability, alpha = (0.95 if alpha is None else 1 - alpha), None
    if probability is not None and _is_point(engine):
        raise FitError("Point gives no posterior, so no probability.", hint="Give alpha, or another engine.")
    return Detection(0.05 if probability is None and alpha is None else alpha, probability, engine)


def judge_of(model: Any, question: Question, how: Detection, seed: int) -> Judge:
    """Return what looks for an effect in data sets of a model: all at once where it is Gaussian, else fit by fit."""
    if how.probability is not None:
        return Judge(lambda Y, table: _by_fits(model, Y, question, how, seed), _SINGLY)
    if not isinstance(model, Model):
        raise FitError(
            "A model with further formulas, or of statements of one's own, has no point fit to test with.",
            hint="Give probability=0.95 and a small n: each data set is then fitted by NUTS.",
        )
    if model.record is not None:
        Point().check(model)
        return Judge(lambda Y, table: _by_fits(model, Y, question, how, seed), _SINGLY)

    def look(Y: np.ndarray, table: np.ndarray) -> Found:
        truth = table.mean(axis=0)
        p = len(model.design.column_names)
        found = wald(model, Y, truth[:p], float(truth[-1]), _start(model, truth), question.weights)
        return found.value, found.error, _significant(found, question, how.alpha or 0.05)

    return Judge(look, _TOGETHER)


def _start(model: Model, truth: np.ndarray) -> np.ndarray:
    """Return the diagonal of the true relative factors, scaled, where the climb begins."""
    layout: Layout = model.marginal.layout
    phi = np.zeros(layout.sigma)
    place = {name: j for j, name in enumerate(model.scalar_names)}
    unit = model.moments.scaling.y_scale
    for group, term, units in zip(model.design.groups, layout.terms, model.sd_units, strict=True):
        sds = np.array([truth[place[f"sd({column} | {group.factor})"]] for column in group.column_names])
        phi[term.start : term.start + term.k] = sds / truth[-1] * unit / units
    return phi


def _significant(found: Estimates, question: Question, alpha: float) -> np.ndarray:
    from scipy.special import stdtr

    t = found.t(question.null)
    t = t if question.side == ">" else -t if question.side == "<" else np.abs(t)
    with np.errstate(invalid="ignore"):
        p = stdtr(found.df, -t) * (1.0 if question.side else 2.0)
        return np.asarray(p < alpha)


def _by_fits(model: Any, Y: np.ndarray, question: Question, how: Detection, seed: int) -> Found:
    estimates, errors = np.full(len(Y), np.nan), np.full(len(Y), np.nan)
    found = np.zeros(len(Y), bool)
    for i, y in enumerate(Y):
        if not np.isfinite(y).all() or _fault(model, y):
            continue
        engine = (how.engine or Point()) if how.probability is None else how.engine
        try:
            fit = unfitted(refitted(model, y)).fit(engine, seed, NullProgress())
        except ProbflowError:
            continue
        estimates[i], errors[i], found[i] = _judged(fit.answer, question, how)
    return estimates, errors, found


def _judged(answer: Any, question: Question, how: Detection) -> tuple[float, float, bool]:
    w = question.weights
    if isinstance(answer, Optimum):
        value = float(w @ answer.values[: len(w)])
        error = float(np.sqrt(w @ answer.covariance @ w))
        one = Estimates(np.array([value]), np.array([error]), np.array([1e9]))
        return value, error, bool(_significant(one, question, how.alpha or 0.05)[0])
    draws = answer.draws.table[:, : len(w)] @ w
    above = float(np.mean(draws > question.null))
    probability = how.probability or 0.95
    if question.side:
        is_found = (above if question.side == ">" else 1 - above) > probability
    else:
        is_found = max(above, 1 - above) > 0.5 + probability / 2
    return float(draws.mean()), float(draws.std(ddof=1)), bool(is_found)


def _fault(model: Any, y: np.ndarray) -> bool:
    record = getattr(model, "record", None)
    return record is not None and record.fault(y, model.design.trials) is not None


def _is_point(engine: Any) -> bool:
    return isinstance(engine, Point) or (isinstance(engine, str) and engine.strip().casefold() == "point")
