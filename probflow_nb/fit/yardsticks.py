"""Yardsticks: what fits of the same data can be compared by - log evidence, or deviance with its tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import FitError
from ..inference.engine import Optimum, Posterior
from ..model.model import Model
from .fit import Fit

# Columns of X that others explain up to this share of their length are in the span of those.
_IN_SPAN = 1e-7


@dataclass(frozen=True)
class Column:
    """One figure of every fit, NaN where a fit has none.

    name: in a data frame. head: as shown. values: one a fit. style: how they are written, as `format` reads it.
    """

    name: str
    head: str
    values: tuple[float, ...]
    style: str = ",.2f"


@dataclass(frozen=True)
class Measured:
    """What a yardstick says: columns for the table and sentences below it; nothing where it does not apply."""

    columns: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()


def evidence(names: Sequence[str], fits: Sequence[Fit], slopes: Sequence[np.ndarray]) -> Measured:
    """Compare by log evidence: its value and error, the difference from the highest with its own error, Bayes factors.

    slopes: log |dz/dy| of each row of each fit's response z, so that all evidence is of the same y.
    """
    found = [fit.answer.evidence if isinstance(fit.answer, Posterior) else None for fit in fits]
    values = np.array([np.nan if e is None else e.value + slope.sum() for e, slope in zip(found, slopes, strict=True)])
    errors = np.array([np.nan if e is None else e.error for e in found])
    if np.all(np.isnan(values)):
        return Measured()
    best = int(np.nanargmax(values))
    below = values - values[best]
    spread = np.hypot(errors, errors[best])
    spread[best] = np.nan
    columns = (
        Column("log_evidence", "log evidence", tuple(values.tolist())),
        Column("log_evidence_error", "±", tuple(errors.tolist())),
        Column("difference", "difference", tuple(below.tolist())),
        Column("difference_error", "±", tuple(spread.tolist())),
        Column("bayes_factor", "Bayes factor", tuple(_exp(below).tolist()), ".3g"),
    )
    if np.sum(~np.isnan(values)) < 2:
        return Measured(columns[:2])
    return Measured(
        columns,
        (
            "Log evidence: the higher the better. Its differences, and the Bayes factors against the best model, rest "
            "on the priors as well as on the data: with wider priors they are others.",
        ),
    )


def _exp(x: np.ndarray) -> np.ndarray:
    with np.errstate(under="ignore"):
        return np.exp(x)


def likelihood(names: Sequence[str], fits: Sequence[Fit], slopes: Sequence[np.ndarray]) -> Measured:
    """Compare point fits as lme4's anova() does: AIC, BIC, log likelihood, deviance, chi-square tests down the rows.

    A row is tested against the last one above that has figures, where it is nested in this one. slopes: as of
    `evidence`. Raises FitError where REML criteria stand beside deviances, or beside those of other common effects.
    """
    found = [fit.answer if isinstance(fit.answer, Optimum) else None for fit in fits]
    at = [i for i, answer in enumerate(found) if answer is not None]
    if not at:
        return Measured()
    _check_criteria([names[i] for i in at], [fits[i] for i in at])
    count = np.array([len(fit.model.scalar_names) for fit in fits], float)
    rows = np.array([len(fit.facts.y) for fit in fits], float)
    deviance = np.array([np.nan if answer is None else answer.criterion for answer in found])
    deviance = deviance - 2.0 * np.array([slope.sum() for slope in slopes])
    reml = any(answer is not None and answer.reml for answer in found)
    tests, notes = _tests([names[i] for i in at], [fits[i] for i in at], deviance[at], count[at])
    tested = np.full((3, len(fits)), np.nan)
    tested[:, at] = tests
    columns = [
        Column("aic", "AIC", tuple((deviance + 2.0 * count).tolist()), ",.1f"),
        Column("bic", "BIC", tuple((deviance + np.log(rows) * count).tolist()), ",.1f"),
        Column("log_lik", "log lik.", tuple((-0.5 * deviance).tolist())),
        Column("criterion" if reml else "deviance", "REML criterion" if reml else "deviance", tuple(deviance.tolist())),
    ]
    if len(at) > 1:
        columns += [
            Column("chisq", "χ²", tuple(tested[0].tolist())),
            Column("df", "df", tuple(tested[1].tolist()), ".0f"),
            Column("p_value", "p", tuple(tested[2].tolist()), ".3g"),
        ]
    return Measured(tuple(columns), tuple(notes))


def _check_criteria(names: Sequence[str], fits: Sequence[Fit]) -> None:
    kinds = {fit.answer.reml for fit in fits}  # type: ignore[union-attr]
    again = "Fit each by maximum likelihood, --engine point --no-reml in a cell or engine=Point(reml=False)."
    if kinds == {True, False}:
        reml = next(name for name, fit in zip(names, fits, strict=True) if fit.answer.reml)  # type: ignore[union-attr]
        ml = next(name for name, fit in zip(names, fits, strict=True) if not fit.answer.reml)  # type: ignore[union-attr]
        raise FitError(
            f"{reml} was fitted by REML and {ml} by maximum likelihood, and the two criteria do not compare.",
            hint=again,
        )
    if kinds == {True}:
        first = fits[0].model.design.X
        for name, fit in zip(names[1:], fits[1:], strict=True):
            if not (_spans(first, fit.model.design.X) and _spans(fit.model.design.X, first)):
                raise FitError(
                    f"{names[0]} and {name} were fitted by REML and have different common effects, so that their "
                    "criteria are of different data.",
                    hint=again,
                )


def _tests(
    names: Sequence[str], fits: Sequence[Fit], deviance: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, list[str]]:
    """Return chi-square, df and p (3, fits) of each fit against the one before it, and what must be known of them."""
    from scipy.special import chdtrc

    found = np.full((3, len(fits)), np.nan)
    apart, boundary = [], False
    for i in range(1, len(fits)):
        if count[i] > count[i - 1] and nested(fits[i - 1].model, fits[i].model):
            fall, df = max(0.0, deviance[i - 1] - deviance[i]), count[i] - count[i - 1]
            found[:, i] = fall, df, chdtrc(df, fall)
            boundary |= _variances(fits[i].model) > _variances(fits[i - 1].model)
        else:
            apart.append(f"{names[i - 1]} is not nested in {names[i]}")
    notes = [f"{', '.join(apart)}: AIC and BIC compare them, no test does."] if apart else []
    if boundary:
        notes.append("A p-value for a variance is too large rather than too small, because 0 is its smallest value.")
    return found, notes


def _variances(model: Model) -> int:
    return len(model.scalar_names) - len(model.design.column_names)


def nested(small: Model, large: Model) -> bool:
    """Whether every distribution that the smaller mixed model allows, the larger one allows too.

    Families that are limits of others, as Poisson is of NegativeBinomial, do not count: no chi-square holds there.
    """
    a, b = small.design, large.design
    if small.spec.family != large.spec.family:
        return False
    if not _same(a.y, b.y):
        return False
    if not (_same(a.offset, b.offset) and _same(a.weights, b.weights) and _spans(b.X, a.X)):
        return False
    return all(any(_holds(wide, term) for wide in b.groups) for term in a.groups if not _in_parts(term, b.groups))


def _holds(wide: Any, term: Any) -> bool:
    """Whether a group term has another's columns, and its correlations if that has any."""
    same = np.array_equal(wide.index, term.index)
    return same and _spans(wide.z, term.z) and (wide.correlated or not term.correlated or term.n_columns == 1)


def _in_parts(term: Any, groups: Sequence[Any]) -> bool:
    """Whether an uncorrelated term is spread over several terms of the same factor."""
    if term.correlated and term.n_columns > 1:
        return False
    found = [g for g in groups if np.array_equal(g.index, term.index)]
    return all(any(_column(g.z, term.z[:, c]) for g in found) for c in range(term.n_columns))


def _column(z: np.ndarray, column: np.ndarray) -> bool:
    return any(np.allclose(z[:, c], column) for c in range(z.shape[1]))


def _same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    if a is None or b is None:
        return a is b
    return bool(np.allclose(a, b))


def _spans(wide: np.ndarray, narrow: np.ndarray) -> bool:
    """Whether every column of (n, p) `narrow` is a linear combination of those of (n, q) `wide`."""
    if narrow.shape[1] == 0:
        return True
    if wide.shape[1] < np.linalg.matrix_rank(narrow):
        return False
    basis, _ = np.linalg.qr(wide)
    left = narrow - basis @ (basis.T @ narrow)
    return bool(np.all(np.linalg.norm(left, axis=0) <= _IN_SPAN * np.maximum(1.0, np.linalg.norm(narrow, axis=0))))


def written(value: float, style: str) -> str:
    """Return a figure as the table shows it, with a true minus; nothing for NaN."""
    if math.isnan(value):
        return ""
    return format(value + 0.0, style).replace("-", "−")
