"""GroupBlock: the rows of one group term, by level, never as a wide matrix."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import Span


@dataclass(frozen=True, eq=False)
class GroupBlock:
    """A group term of the design.

    factor: shown name of the grouping factor, "Subject" or "plate:sample".
    levels: the J level names, as text, in the factor's order; only levels that occur in the rows used.
    index: (n,) int32, the level of each row, 0..J-1.
    z: (n, k) float64, the varying columns.
    column_names: the k names, "Intercept", "Days", "recipe[B]".
    correlated: whether the k effects of a level share a covariance matrix or have sds only.
    span: where the term stands in the text.

    The effect of row i is sum_c z[i, c] * b[index[i], c].
    """

    factor: str
    levels: tuple[str, ...]
    index: np.ndarray
    z: np.ndarray
    column_names: tuple[str, ...]
    correlated: bool = True
    span: Span = field(default=Span(0, 0))

    @property
    def n_levels(self) -> int:
        """J, the number of levels."""
        return len(self.levels)

    @property
    def n_columns(self) -> int:
        """k, the number of varying columns."""
        return len(self.column_names)
