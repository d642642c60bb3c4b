"""Savage-Dickey: the density of an expression at 0 after the data over that before them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.model import Model
from ..objects import bounded, continuous
from ..spec.priors import SUPPORT, Distribution

_PRIOR_DRAWS = 40_000
_FEW = 20  # draws that the estimate of a density should rest on


@dataclass(frozen=True)
class Linear:
    """constant + sum of terms: coefficient by parameter."""

    constant: float
    terms: Mapping[str, float]

    def times(self, factor: float) -> Linear:
        """Return it times a number."""
        return Linear(self.constant * factor, {name: c * factor for name, c in self.terms.items()})

    def plus(self, other: Linear) -> Linear:
        """Return the sum of both, without parameters that cancel."""
        names = dict.fromkeys([*self.terms, *other.terms])
        total = {name: self.terms.get(name, 0.0) + other.terms.get(name, 0.0) for name in names}
        return Linear(self.constant + other.constant, {name: c for name, c in total.items() if c})


@dataclass(frozen=True)
class Ratio:
    """p(d = 0 | y) / p(d = 0), its relative Monte Carlo error, and a sentence; None where it is not known."""

    value: float | None = None
    error: float | None = None
    note: str = ""


def savage_dickey(model: Any, line: Linear | None, draws: np.ndarray, seed: int) -> Ratio:
    """Return the ratio for d = 0 from posterior draws (S,) of d, a linear expression of parameters."""
    if line is None or not line.terms:
        return Ratio(note="The prior of this expression is not known, so there is no Savage-Dickey ratio.")
    if not isinstance(model, Model):
        return Ratio(note="The prior of an expression is known for formulas, so there is no Savage-Dickey ratio.")
    prior = _prior_density(model, line, seed)
    if isinstance(prior, str):
        return Ratio(note=f"{prior}, so there is no Savage-Dickey ratio.")
    if not prior > 0 or not math.isfinite(prior):
        return Ratio(note="The prior has no density above 0 there, so there is no Savage-Dickey ratio.")
    only = next(iter(line.terms)) if len(line.terms) == 1 else ""
    own = _priors(model).get(only)
    edge = bool(own is not None and SUPPORT.get(own.name) == "positive" and not line.constant)
    value, error, near = density_at_zero(draws, edge)
    if near < _FEW:
        most = _FEW / len(draws) / (4 * _width(draws)) / prior
        return Ratio(note=f"Fewer than {_FEW} draws lie near it: the Savage-Dickey ratio is below {most:.2g}.")
    return Ratio(value / prior, error, "A Savage-Dickey ratio above 1 speaks for the equality, against this prior.")


def _width(draws: np.ndarray) -> float:
    """Return the width of the kernel, by the rule for normal draws."""
    return 1.06 * float(draws.std(ddof=1)) * float(len(draws) ** -0.2)


def density_at_zero(draws: np.ndarray, edge: bool = False) -> tuple[float, float, int]:
    """Return the density of d at 0, its relative Monte Carlo error, and how many draws it rests on.

    A normal density with the mean and sd of the draws, corrected by the kernel estimate of what it misses,
    f(0) = phi(0) mean(K_h(d_s) / phi(d_s)) (Hjort and Glad 1995, Ann. Statist. 23:882-904, eq. 1.3), which has no bias
    where the draws are normal. edge: the draws lie above 0, where a kernel density mirrored at 0 is taken.
    """
    S, mean, sd = len(draws), float(draws.mean()), float(draws.std(ddof=1))
    h = _width(draws)
    near = int(np.sum(np.abs(draws) < 2 * h))
    kernel = np.exp(-0.5 * (draws / h) ** 2) / (h * math.sqrt(2 * math.pi))
    if edge:
        parts = 2.0 * kernel
    else:
        parts = kernel * np.exp(np.where(kernel > 0, 0.5 * ((draws - mean) ** 2 - mean**2) / sd**2, 0.0))
    value = float(parts.mean())
    error = float(parts.std(ddof=1) / math.sqrt(S) / value) if value > 0 else math.nan
    return value, error, near


def _prior_density(model: Model, line: Linear, seed: int) -> float | str:
    """Return the prior density of a linear expression at 0, or why it is not known."""
    priors = _priors(model)
    centred = model.priors.centered and model.design.has_intercept
    first = model.design.column_names[0] if centred else ""
    terms = dict(line.terms)
    constant = line.constant
    if first in terms:
        # The intercept at 0 is that at the means less the means' own effects, all independent before the data.
        c = terms[first]
        for name, average in zip(model.design.column_names[1:], model.design.X[:, 1:].mean(axis=0), strict=True):
            terms[name] = terms.get(name, 0.0) - c * float(average)
    if not set(terms) <= set(priors):
        return "The prior of a correlation or cutpoint is not independent of others"
    flat = next((name for name in terms if priors[name].name == "Flat"), None)
    if flat is not None:
        return f"The prior of {flat} is flat"
    if len(terms) == 1:
        ((name, c),) = terms.items()
        return float(_density(priors[name], -constant / c)) / abs(c)
    if all(priors[name].name == "Normal" for name in terms):
        mean = constant + sum(c * priors[name].arguments[0] for name, c in terms.items())
        sd = math.sqrt(sum((c * priors[name].arguments[1]) ** 2 for name, c in terms.items()))
        return math.exp(-0.5 * (mean / sd) ** 2) / (sd * math.sqrt(2 * math.pi))
    return _drawn(priors, terms, constant, seed)


def _drawn(priors: Mapping[str, Distribution], terms: Mapping[str, float], constant: float, seed: int) -> float:
    """Return the density of a sum at 0 as the mean density of one term given draws of the others."""
    rng = np.random.default_rng([seed, 77])
    # The widest term is the one left out: its density is the smoothest.
    spread = {
        name: abs(c) * float(np.ptp(_made(priors[name]).quantile(np.array([0.25, 0.75])))) for name, c in terms.items()
    }
    widest = max(spread, key=lambda name: spread[name])
    rest = np.full(_PRIOR_DRAWS, constant)
    for name, c in terms.items():
        if name != widest:
            rest += c * np.asarray(_made(priors[name]).draw(rng, (_PRIOR_DRAWS,)))
    c = terms[widest]
    return float(np.mean(_density(priors[widest], -rest / c))) / abs(c)


def _priors(model: Model) -> dict[str, Distribution]:
    """Return the priors of the scalars that are independent of all others; of a centred intercept that at the means."""
    table, design = model.priors, model.design
    names = design.column_names
    first = [table.intercept] if table.intercept is not None else []
    found = dict(zip(names, [*first, *table.coefficients], strict=True))
    for block, sds in zip(design.groups, table.sds, strict=True):
        found |= {f"sd({c} | {block.factor})": own for c, own in zip(block.column_names, sds, strict=True)}
    auxiliary = zip(model.auxiliary, table.auxiliary, strict=True)
    return found | {name: own for name, own in auxiliary if not name.startswith("cut[")}


def _made(prior: Distribution) -> Any:
    kind = getattr(continuous, prior.name, None) or getattr(bounded, prior.name)
    return kind(*prior.arguments)


def _density(prior: Distribution, x: Any) -> np.ndarray:
    """Return the density of a prior, 0 outside of its support; at its edge that of the inside."""
    made = _made(prior)
    x = np.asarray(x, float)
    inside = x >= 0 if made.support == "positive" else np.asarray(made.cdf(x) > 0) & np.asarray(made.cdf(x) < 1)
    if made.support == "real":
        inside = np.ones(x.shape, dtype=bool)
    middle = float(np.asarray(made.quantile(0.5)))
    held = np.where(inside, np.where((x == 0) & (made.support == "positive"), 1e-12 * middle, x), middle)
    found: np.ndarray = np.where(inside, np.exp(np.asarray(made.log_density(held))), 0.0)
    return found
