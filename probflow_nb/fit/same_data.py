"""Same data: whether fits are of the same rows and the same response, and what makes densities of log(y) ones of y."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..display.escape import shorten
from ..errors import FitError
from ..model.model import Model
from ..predict.scale import EVENTS
from .fit import Fit
from .response_scale import Base, base
from .scale_names import COUNTS


def common_scale(named: Mapping[str, Fit]) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Return log |dz/dy| of each row of each fit's response z, all of the same y, and a sentence where it is not 0.

    Raises FitError for different rows, responses that are not made of the same y, and different trials.
    """
    (first, one), *others = named.items()
    for name, fit in others:
        if one.facts.n_rows != fit.facts.n_rows or not _same_rows(one.facts.rows, fit.facts.rows):
            raise _other_rows(first, one, name, fit)
    plain = {name: np.zeros(fit.facts.n_rows) for name, fit in named.items()}
    apart = next((name for name, fit in others if not _alike(one.facts.y, fit.facts.y)), None)
    if apart is None:
        for name, fit in others:
            _check_same_trials(first, one, name, fit)
        return plain, ()
    bases = {name: _base(fit) for name, fit in named.items()}
    for name, _ in others:
        mine, theirs = bases[first], bases[name]
        if not (_alike(mine.values, theirs.values) and np.isfinite(mine.log_slope + theirs.log_slope).all()):
            raise _other_response(first, one, apart, named[apart])
    moved = {fit.facts.response: None for name, fit in named.items() if bases[name].log_slope.any()}
    said = (
        f"All figures are of densities of {shorten(bases[first].name)}: to those of {', '.join(map(shorten, moved))} "
        "the log of the slope of the transformation was added (its Jacobian)."
    )
    return {name: found.log_slope for name, found in bases.items()}, (said,)


def _base(fit: Fit) -> Base:
    y = np.asarray(fit.facts.y, dtype=float)
    if isinstance(fit.model, Model) and y.ndim == 1 and not _discrete(fit):
        return base(fit.model.spec.response, y)
    return Base(fit.facts.response, y, np.zeros(len(y)))


def densities(named: Mapping[str, Fit]) -> tuple[str, ...]:
    """Return a sentence where some fits give the response a probability and others a density."""
    if not all(isinstance(fit.model, Model) for fit in named.values()):
        return ()
    counts = [shorten(name) for name, fit in named.items() if _discrete(fit)]
    measures = [shorten(name) for name, fit in named.items() if not _discrete(fit)]
    if not counts or not measures:
        return ()
    return (
        f"{', '.join(counts)} gives whole numbers a probability, {', '.join(measures)} a density: the figures compare "
        "only as far as the density over a step of 1 is that probability.",
    )


def _discrete(fit: Fit) -> bool:
    return isinstance(fit.model, Model) and fit.model.spec.family.name in (*EVENTS, *COUNTS, "ordinal")


def _other_rows(first: str, one: Fit, name: str, fit: Fit) -> FitError:
    return FitError(
        f"{shorten(first)} was fitted to {one.facts.n_rows:,} rows and {shorten(name)} to "
        f"{fit.facts.n_rows:,}, so that they are not of the same data."
        if one.facts.n_rows != fit.facts.n_rows
        else f"{shorten(first)} and {shorten(name)} were fitted to different rows.",
        hint="Fit them to the rows where no column of either model is missing, such as data.dropna().",
    )


def _other_response(first: str, one: Fit, name: str, fit: Fit) -> FitError:
    mine, theirs = shorten(one.facts.response), shorten(fit.facts.response)
    return FitError(
        f"{shorten(first)} and {shorten(name)} were fitted to different values of {mine}."
        if mine == theirs
        else f"{shorten(first)} is a model of {mine} and {shorten(name)} of {theirs}, and their values differ.",
        hint="Compare models of the same response in the same order of rows, or of log(y), sqrt(y) and the like of the "
        "same y.",
    )


def _check_same_trials(first: str, one: Fit, name: str, fit: Fit) -> None:
    mine, theirs = (getattr(getattr(f.model, "design", None), "trials", None) for f in (one, fit))
    same = mine is theirs if mine is None or theirs is None else np.array_equal(mine, theirs)
    if not same:
        raise FitError(
            f"{shorten(first)} and {shorten(name)} count the same events out of different trials.",
            hint="Compare models of the same counts out of the same trials.",
        )


def _same_rows(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is None or b is None or np.array_equal(a, b)


def _alike(a: np.ndarray, b: np.ndarray) -> bool:
    a, b = np.ravel(a), np.ravel(b)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-6, equal_nan=True))
