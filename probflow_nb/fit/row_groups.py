"""Row groups: the rows of a fit by the levels of a factor, for pictures with a panel a level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import FitError
from ..model.model import Model
from ..spec.suggestion import did_you_mean
from .group_curves import spread

# A numeric column of more values than this is no factor.
_MOST_VALUES = 24


@dataclass(frozen=True, eq=False)
class RowGroups:
    """name: of the factor, "" for all rows together. levels: J names. index: (n,) the level of each row."""

    name: str
    levels: tuple[str, ...]
    index: np.ndarray

    def sample(self, most: int) -> list[int]:
        """Return the places of at most so many levels that have rows, evenly spaced."""
        held = np.flatnonzero(np.bincount(self.index[self.index >= 0], minlength=len(self.levels)))
        return [int(i) for i in spread([str(i) for i in held], most)]

    def note(self, shown: int) -> str:
        """Say how many levels are shown; "" for all rows together."""
        if not self.name:
            return ""
        total = len(self.levels)
        of = f"{shown:,} of {total:,}" if shown < total else f"{total:,}"
        return f"{of} level{'' if total == 1 else 's'} of {self.name}"


def row_groups(model: Any, by: Any, n: int) -> RowGroups:
    """Return the rows by a factor: a grouping factor or a column that the model reads, or n labels of one's own.

    by: None for all rows together. Raises FitError for a name that is unknown, and for labels that do not fit.
    """
    if by is None:
        return RowGroups("", ("",), np.zeros(n, np.int64))
    if isinstance(by, str):
        return _named(model, by)
    import pandas as pd

    try:
        labels = pd.Series(np.asarray(by).ravel())
    except (TypeError, ValueError):
        raise FitError(f"by is the name of a factor or a label a row, not {by!r:.60}.") from None
    if len(labels) != n:
        raise FitError(
            f"by has {len(labels):,} labels, but the fit has {n:,} rows.",
            hint="Name a factor of the model, or give one label a row fitted.",
        )
    codes, levels = pd.factorize(labels, sort=True)
    return RowGroups(str(getattr(by, "name", None) or "by"), tuple(str(v) for v in levels), np.asarray(codes, np.int64))


def _named(model: Any, by: str) -> RowGroups:
    known = factors_of(model)
    if by in known:
        return known[by]
    hint = did_you_mean(f"{by:.60}", list(known), f"It has {', '.join(known)}." if known else "")
    own = 'Give one label a row fitted, such as by=data["column"].'
    raise FitError(f'There is no factor "{by:.60}" in this model.', hint=f"{hint} {own}".strip())


def factors_of(model: Any) -> dict[str, RowGroups]:
    """Return the factors of a formula by name: grouping factors first, then columns of few values."""
    if not isinstance(model, Model):
        return {}
    found: dict[str, RowGroups] = {}
    for block in model.design.groups:
        found.setdefault(block.factor, RowGroups(block.factor, block.levels, np.asarray(block.index, np.int64)))
    for name, column in model.design.encoding.columns.items():
        if name in found or name == model.design.response_name:
            continue
        if column.kind in ("factor", "boolean"):
            factor = column.factor()
            found[name] = RowGroups(name, tuple(map(str, factor.levels)), np.asarray(factor.codes, np.int64))
        else:
            values, codes = np.unique(column.numbers(), return_inverse=True)
            if len(values) <= _MOST_VALUES:
                found[name] = RowGroups(name, tuple(f"{v:g}" for v in values), codes.reshape(-1))
    return found
