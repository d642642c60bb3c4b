"""Pooling: what three models say of a level along a covariate - no pooling, complete pooling and the multilevel one.

No pooling: the columns that vary by the factor have coefficients of the level's own, the maximum of the likelihood of
its rows, all else as the multilevel model has it; for `x + (x | g)` that is a separate regression of each level.
Complete pooling: the common effects fitted to all rows as if there were no groups.
Gelman and Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, sections 12.2 to 12.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.model import Model
from .covariates import Covariate
from .curves import Curves
from .group_curves import GroupCurves, Grouping, group_curves
from .no_pooling import alone


@dataclass(frozen=True, eq=False)
class Varying:
    """What varies by one factor.

    names: of its k columns. z: (n, k). index: (n,) levels. together: (J, k) the effects of the levels, the common ones
    of the same columns added. members: places of its group terms.
    """

    names: tuple[str, ...]
    z: np.ndarray
    index: np.ndarray
    together: np.ndarray
    members: tuple[int, ...]

    @property
    def deviations(self) -> np.ndarray:
        """How far each level lies from their mean at the average row, (J,)."""
        found: np.ndarray = (self.together - self.together.mean(axis=0)) @ self.z.mean(axis=0)
        return found


@dataclass(frozen=True, eq=False)
class PooledCurves:
    """Curves of G levels along a covariate, three times.

    found: the multilevel ones, with their data. alone: (G, m) without pooling, NaN for a level whose own rows do not
    tell it. pooled: (G, m) of complete pooling, NaN where all rows together do not tell it.
    """

    found: GroupCurves
    alone: np.ndarray
    pooled: np.ndarray


def varying_by(curves: Curves, factor: str) -> Varying | None:
    """Return what varies by a factor; None for one without group terms."""
    model: Model = curves.model
    for held in model.factors:
        if held.name == factor:
            groups = [model.design.groups[m] for m in held.members]
            names = tuple(name for group in groups for name in group.column_names)
            columns = model.design.column_names
            common = dict(zip(columns, curves.average("beta"), strict=True)) if columns else {}
            centre = np.array([common.get(name, 0.0) for name in names])
            z = np.concatenate([group.z for group in groups], axis=1)
            return Varying(names, z, groups[0].index, centre + curves.average(f"b[{factor}]"), tuple(held.members))
    return None


def pooled_curves(
    curves: Curves, answer: Any, covariate: Covariate, chosen: Grouping, varying: Varying, levels: Sequence[str]
) -> PooledCurves:
    """Return the three curves of each level; all else is held as `group_curves` holds it, and raises as it does."""
    design = curves.model.design
    found = group_curves(curves, covariate, chosen, levels)
    _, rows = curves.rows_along(covariate, found.settings)
    coded = design.encoding.rows(rows, groups=varying.members)
    z, index = np.concatenate([part.z for part in coded.groups], axis=1), coded.groups[0].index
    rest = curves.eta() - np.einsum("nk,nk->n", varying.z, varying.together[varying.index])
    own = alone(curves.model, answer, varying.z, varying.index, len(varying.together), rest)
    without = curves.eta(rows) + np.einsum("nk,nk->n", z, (own - varying.together)[index])
    whole = np.zeros(len(design.y)) if design.offset is None else design.offset
    common = alone(curves.model, answer, design.X, np.zeros(len(design.y), dtype=int), 1, whole)[0]
    pooled = coded.X @ common + (0.0 if coded.offset is None else coded.offset)
    both = _means(curves, np.stack([without, pooled])).reshape(2, len(levels), -1)
    return PooledCurves(found, both[0], both[1])


def _means(curves: Curves, eta: np.ndarray) -> np.ndarray:
    """Return the means of the response for eta (2, m), of events their probability; NaN stays NaN."""
    record = curves.model.record
    if record is None:
        return eta
    auxiliary = tuple(np.reshape(curves.average(name), (1, 1)) for name in curves.model.auxiliary)
    with np.errstate(over="ignore"):
        found = record.mean(None, np.nan_to_num(eta), auxiliary)
    return np.where(np.isnan(eta), np.nan, found)
