"""VarCorr: variances and correlations of the group effects as lme4 lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class VarCorrRow:
    """One line: an sd (var2 None) or a correlation of two columns of a factor; grp "Residual" is sigma.

    sdcor: sd or correlation. vcov: variance or covariance. lower, upper: 95% interval of sdcor, NaN for a point fit.
    """

    grp: str
    var1: str | None
    var2: str | None
    vcov: float
    sdcor: float
    lower: float = float("nan")
    upper: float = float("nan")


def varcorr(
    groups: tuple[tuple[str, tuple[str, ...], bool], ...],
    values: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]],
) -> tuple[VarCorrRow, ...]:
    """Return the lines of all terms, given as (factor, columns, correlated), from scalars by name."""
    rows = []
    for factor, columns, correlated in groups:
        for column in columns:
            rows.append(_row(factor, column, None, f"sd({column} | {factor})", values, bounds))
        if not correlated:
            continue
        for i, second in enumerate(columns):
            for first in columns[:i]:
                name = f"cor({first}, {second} | {factor})"
                scale = values[f"sd({first} | {factor})"] * values[f"sd({second} | {factor})"]
                rows.append(_row(factor, first, second, name, values, bounds, scale))
    if "sigma" in values:
        rows.append(_row("Residual", None, None, "sigma", values, bounds))
    return tuple(rows)


def _row(
    grp: str,
    var1: str | None,
    var2: str | None,
    name: str,
    values: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]],
    scale: float | None = None,
) -> VarCorrRow:
    value = values[name]
    vcov = value**2 if scale is None else value * scale
    lower, upper = bounds.get(name, (float("nan"), float("nan")))
    return VarCorrRow(grp, var1, var2, vcov, value, lower, upper)


def varcorr_frame(rows: tuple[VarCorrRow, ...]) -> pd.DataFrame:
    """Return the lines as a data frame; the interval columns are left out when there are none."""
    import pandas as pd

    columns = ["grp", "var1", "var2", "vcov", "sdcor"]
    if any(np.isfinite(row.lower) for row in rows):
        columns += ["lower", "upper"]
    table = pd.DataFrame({name: [getattr(row, name) for row in rows] for name in columns})
    return table.rename(columns={"lower": "q2.5", "upper": "q97.5"})
