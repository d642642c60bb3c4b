"""Summary: one row a scalar parameter, digits decided by the Monte Carlo error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Summary:
    """A table of named columns, one row a parameter.

    names: the row names, such as "Days", "sd(Days | Subject)", "sigma".
    columns: (column name, (rows,) array) pairs in the order shown; for draws they are mean, sd, median, q2.5,
        q97.5, ess_bulk, ess_tail, rhat, khat, mcse; for a point fit they are estimate and se. NaN where a
        figure does not apply.
    """

    names: tuple[str, ...]
    columns: tuple[tuple[str, np.ndarray], ...]

    def __getitem__(self, column: str) -> np.ndarray:
        """Return one column by its name."""
        return dict(self.columns)[column]

    def __contains__(self, column: str) -> bool:
        return any(name == column for name, _ in self.columns)

    def frame(self) -> pd.DataFrame:
        """Return the table as a data frame, indexed by the parameter names."""
        import pandas as pd

        return pd.DataFrame(dict(self.columns), index=pd.Index(self.names, name="parameter"))


@dataclass(frozen=True, eq=False)
class GroupEffects:
    """Group effects of one column of one factor, for a picture and a table.

    factor: "Subject". column: "Intercept" or "Days".
    levels: the shown level names, m of them. n_levels: J, how many there are in all (m < J is a sample).
    mean, sd, lower, upper: (m,) on the data's scale; lower and upper bound the interval.
    probability: the interval's probability, such as 0.95.
    scale: what the effects add up to, such as "log odds"; "" for the response's own.
    """

    factor: str
    column: str
    levels: tuple[str, ...]
    n_levels: int
    mean: np.ndarray
    sd: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    probability: float = 0.95
    scale: str = ""
