"""Variance shares: how much of the response's variance common effects, group effects and the rest explain.

On the scale of eta, for every draw:
    fixed     var(X beta) over the rows
    groups    mean over rows of z_i' Sigma z_i for each group term, Sigma the covariance of its effects
    residual  sigma^2 / w_i averaged; of a family what its distribution adds on the scale of the link
R2 marginal = fixed / all, R2 conditional = (fixed + groups) / all, ICC = groups / (groups + residual).
Nakagawa and Schielzeth (2013), Methods Ecol. Evol. 4:133-142, eqs. 26-30; Johnson (2014), ibid. 5:944-946, eq. 10, for
slopes that vary; Nakagawa, Johnson and Schielzeth (2017), J. R. Soc. Interface 14:20170213, table 1 and eq. 5.8, for
families: pi^2/3, 1 and pi^2/6 for thresholds of logit, probit and cloglog, log(1 + v / m^2) for a mean m with variance
v under the link log, and v h'(m)^2 by the delta method for any other link h.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import FitError
from ..inference.engine import Posterior
from ..model.model import Model
from .estimates import end_names, ends_of
from .margins import Explainer

_THRESHOLDS = {"logit": math.pi**2 / 3, "probit": 1.0, "cloglog": math.pi**2 / 6}
_AT_ONCE = 4_000_000  # draws times rows that a mean over rows is taken of


@dataclass(frozen=True, eq=False)
class Variances:
    """Each part of the variance, draw by draw.

    fixed, residual: (S,). groups: name of each group term and its (S,). known: whether they are draws of a posterior.
    """

    fixed: np.ndarray
    groups: tuple[tuple[str, np.ndarray], ...]
    residual: np.ndarray
    known: bool

    @property
    def grouped(self) -> np.ndarray:
        """(S,) the variance of all group effects."""
        return sum((part for _, part in self.groups), np.zeros_like(self.fixed))

    @property
    def total(self) -> np.ndarray:
        """(S,) all of it."""
        return self.fixed + self.grouped + self.residual


def variances(explainer: Explainer) -> Variances:
    """Return the parts of the variance of a formula's fit."""
    model, answer = explainer.model, explainer.answer
    table = answer.draws.table if isinstance(answer, Posterior) else answer.values[None]
    X = model.design.X
    covariance = np.cov(X, rowvar=False).reshape(X.shape[1], X.shape[1]) if len(X) > 1 else np.zeros((X.shape[1],) * 2)
    fixed = np.maximum(np.einsum("si,ij,sj->s", explainer.beta, covariance, explainer.beta), 0.0)
    sigmas = [_covariance(model, table, m) for m in range(len(model.design.groups))]
    groups = []
    for block, sigma in zip(model.design.groups, sigmas, strict=True):
        second = block.z.T @ block.z / len(block.z)
        groups.append((_term(block.column_names, block.factor), np.einsum("sij,ij->s", sigma, second)))
    return Variances(fixed, tuple(groups), _residual(explainer, sigmas), isinstance(answer, Posterior))


def r2_frame(found: Variances, interval: float) -> Any:
    """Return R2 marginal and conditional, a row each."""
    return _frame(_r2(found), found.known, interval)


def r2_draws(found: Variances) -> Any:
    """Return the draws of both R2, a column each."""
    return _drawn(_r2(found), found.known)


def _r2(found: Variances) -> dict[str, np.ndarray]:
    total = _positive(found.total)
    return {"marginal": found.fixed / total, "conditional": (found.fixed + found.grouped) / total}


def icc_table(found: Variances, interval: float, draws: bool) -> Any:
    """Return the intraclass correlation, adjusted for the common effects and not, then each term's adjusted share."""
    if not found.groups:
        raise FitError("The model has no group effects, so it has no intraclass correlation.", hint="Ask for r2().")
    within = _positive(found.grouped + found.residual)
    shares = {"adjusted": found.grouped / within, "unadjusted": found.grouped / _positive(found.total)}
    if len(found.groups) > 1:
        shares |= {name: part / within for name, part in found.groups}
    return _drawn(shares, found.known) if draws else _frame(shares, found.known, interval)


def partition_frame(found: Variances, interval: float) -> Any:
    """Return every part of the variance: its size and its share of all, each with its interval."""
    import pandas as pd

    parts = {"common effects": found.fixed, **dict(found.groups), "residual": found.residual}
    total = _positive(found.total)
    tables = {
        "variance": _frame(parts, found.known, interval),
        "share": _frame({name: part / total for name, part in parts.items()}, found.known, interval),
    }
    return pd.concat(tables, axis=1)


def _covariance(model: Model, table: np.ndarray, m: int) -> np.ndarray:
    """Return the covariance matrices (S, k, k) of one group term."""
    block, places = model.design.groups[m], {name: i for i, name in enumerate(model.scalar_names)}
    k = block.n_columns
    sd = table[:, [places[f"sd({column} | {block.factor})"] for column in block.column_names]]
    R = np.broadcast_to(np.eye(k), (len(table), k, k)).copy()
    for i in range(k):
        for j in range(i):
            at = places.get(f"cor({block.column_names[j]}, {block.column_names[i]} | {block.factor})")
            if at is not None and block.correlated:
                R[:, i, j] = R[:, j, i] = np.nan_to_num(table[:, at])
    return sd[:, :, None] * R * sd[:, None, :]


def _residual(explainer: Explainer, sigmas: list[np.ndarray]) -> np.ndarray:
    """Return what the distribution adds on the scale of eta, (S,)."""
    model, S = explainer.model, len(explainer.beta)
    family, record = model.spec.family, model.record
    weights = model.design.weights
    if family.name in ("bernoulli", "binomial", "ordinal") and family.link in _THRESHOLDS:
        return np.full(S, _THRESHOLDS[family.link])
    if record is None or family.name in ("student_t", "log_normal"):
        sigma = explainer.auxiliary[model.auxiliary.index("sigma")][:, 0]
        found = sigma**2 * (1.0 if weights is None else float(np.mean(1.0 / weights)))
        if family.name == "student_t":
            df = explainer.auxiliary[model.auxiliary.index("df")][:, 0] if "df" in model.auxiliary else np.inf
            found = np.where(df > 2, found * df / np.maximum(df - 2, 1e-300), np.inf)
        return found
    eta = _expected(explainer, sigmas)[:, None]
    variance = record.variance(None, eta, explainer.auxiliary)[:, 0]
    if family.link == "log":
        level = record.mean(None, eta, explainer.auxiliary)[:, 0]
        return np.log1p(variance / level**2)
    slope = explainer.slope(eta, "response")[:, 0]
    return np.asarray(variance / slope**2)


def _expected(explainer: Explainer, sigmas: list[np.ndarray]) -> np.ndarray:
    """Return eta at which the mean is taken, (S,): of the link log log E exp(eta), else the mean of eta.

    E exp(X_i beta + z_i b) = exp(X_i beta + z_i' Sigma z_i / 2), averaged over at most so many rows, evenly spaced.
    """
    design, S = explainer.model.design, len(explainer.beta)
    every = max(1, -(-len(design.y) * S // _AT_ONCE))
    rows = slice(None, None, every)
    eta = explainer.beta @ design.X[rows].T + (0.0 if design.offset is None else design.offset[rows])
    if explainer.model.spec.family.link != "log":
        found: np.ndarray = eta.mean(axis=1)
        return found
    for block, sigma in zip(design.groups, sigmas, strict=True):
        z = block.z[rows]
        eta = eta + 0.5 * np.einsum("sij,ni,nj->sn", sigma, z, z, optimize=True)
    top = eta.max(axis=1, keepdims=True)
    found = (top + np.log(np.exp(eta - top).mean(axis=1, keepdims=True)))[:, 0]
    return found


def _term(columns: tuple[str, ...], factor: str) -> str:
    return (
        factor
        if columns == ("Intercept",)
        else f"{' + '.join('1' if c == 'Intercept' else c for c in columns)} | {factor}"
    )


def _positive(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, np.nan)


def _frame(parts: dict[str, np.ndarray], known: bool, interval: float) -> Any:
    import pandas as pd

    ends = ends_of(interval)
    if not known:
        return pd.DataFrame({"estimate": [float(part[0]) for part in parts.values()]}, index=list(parts))
    table = np.stack(list(parts.values()), axis=1)
    low, high = end_names(ends)
    lower, median, upper = np.quantile(table, [ends[0], 0.5, ends[1]], axis=0)
    columns = {"mean": table.mean(axis=0), "sd": table.std(axis=0, ddof=1), "median": median, low: lower, high: upper}
    return pd.DataFrame(columns, index=list(parts))


def _drawn(parts: dict[str, np.ndarray], known: bool) -> Any:
    import pandas as pd

    if not known:
        raise FitError("A point fit has no draws.", hint="Leave out draws, or fit a posterior.")
    return pd.DataFrame(parts).rename_axis("draw")


def standardized(explainer: Explainer, interval: float) -> Any:
    """Return every coefficient but the intercept in standard deviations: beta_j sd(x_j) / sd(y), or beta_j sd(x_j).

    Of a Gaussian on its own scale both are in units of sd; of a family the effect stays on the scale of eta.
    """
    import pandas as pd

    ends = ends_of(interval)
    model = explainer.model
    first = int(model.design.has_intercept)
    names = model.design.column_names[first:]
    if not names:
        raise FitError(
            "The model has no coefficients beside its intercept, so there are none to standardise.",
            hint='fit.refit(". ~ . + x") adds one; fit.icc() and fit.variance_partition() say how the groups differ.',
        )
    spread = model.design.X[:, first:].std(axis=0, ddof=1)
    gaussian = model.record is None
    factor = spread / model.design.y.std(ddof=1) if gaussian else spread
    low, high = end_names(ends)
    if isinstance(explainer.answer, Posterior):
        found = _frame(dict(zip(names, (explainer.beta[:, first:] * factor).T, strict=True)), True, interval)
        return found.rename_axis("parameter")
    from statistics import NormalDist

    z = NormalDist().inv_cdf(float(ends[1]))
    value = explainer.answer.values[first : explainer.p] * factor
    error = explainer.answer.errors[first : explainer.p] * factor
    columns = {"estimate": value, "se": error, low: value - z * error, high: value + z * error}
    return pd.DataFrame(columns, index=pd.Index(names, name="parameter"))
