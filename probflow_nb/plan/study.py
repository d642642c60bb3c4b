"""Study: the rows of an experiment that is not run yet, from how many there are of everything.

{"Subject": 18, "Days": range(10)}                                crossed: every subject on each of ten days
{"School": 10, "Class in School": 4, "Pupil in Class": 20}        nested: 4 classes of each school, 20 pupils each
{"Subject": 40, "arm of Subject": ["control", "drug"]}            between: each subject has one, in turn
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..display.escape import shorten
from ..errors import DataError

if TYPE_CHECKING:
    import pandas as pd

# More rows than this are surely a slip, and would not fit into memory.
_MOST_ROWS = 20_000_000


@dataclass(frozen=True)
class _Part:
    """One entry: a column, the column it is nested in or a property of, and its levels or their number."""

    name: str
    parent: str
    kind: str
    levels: int | tuple[Any, ...]

    @property
    def count(self) -> int:
        """How many levels it has, in each level of its parent if nested."""
        return self.levels if isinstance(self.levels, int) else len(self.levels)


def study(parts: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of a study as a frame: every combination of its crossed parts.

    parts: by column, how many levels a factor has (named by the column and a number, "Subject 1") or the values
    themselves, a range or a list. "Class in School": so many in each school, with names of their own. "arm of Subject":
    a list, one for each subject in turn. Rows are in the order of the parts, the last changing fastest.
    Raises DataError for anything else.
    """
    import pandas as pd

    read = _read(parts)
    own = [part for part in read if part.kind != "of"]
    n = int(np.prod([part.count for part in own], dtype=float))
    if n > _MOST_ROWS:
        raise DataError(f"The study would have {n:,} rows; at most {_MOST_ROWS:,} are made.")
    codes: dict[str, np.ndarray] = {}
    repeat = n
    for part in own:
        repeat //= part.count
        codes[part.name] = np.arange(n) // repeat % part.count
    columns: dict[str, Any] = {}
    for part in read:
        if part.kind == "of":
            place = codes[part.parent]
            columns[part.name] = np.asarray(part.levels)[place % part.count]
            codes[part.name] = place % part.count
            continue
        if part.kind == "in":
            # Levels of a nested factor are counted through, so that none of two parents is taken for the same.
            codes[part.name] = codes[part.parent] * part.count + codes[part.name]
        columns[part.name] = _named(part, codes[part.name])
    return pd.DataFrame(columns)


def is_study(design: Any) -> bool:
    """Whether a mapping says how many there are of everything, not what every row holds."""
    return isinstance(design, Mapping) and any(
        isinstance(value, int | np.integer) or " in " in str(key) or " of " in str(key) for key, value in design.items()
    )


def enlarged(design: Any, sizes: Mapping[str, int]) -> Any:
    """Return a design with other numbers of levels of some factors.

    Of a mapping for `study` the numbers are replaced; of a frame levels are taken in turn, each with its rows and a
    new name after the first time round. Raises DataError for a factor that the design does not have.
    """
    if is_study(design):
        return {**design, **{_key(design, name): size for name, size in sizes.items()}}
    frame = _frame(design)
    for name, size in sizes.items():
        frame = _taken(frame, name, size)
    return frame


def rows_of(design: Any) -> pd.DataFrame:
    """Return a design as a new frame: a study is made, a frame or a dictionary of columns is copied."""
    return study(design) if is_study(design) else _frame(design)


def _frame(design: Any) -> pd.DataFrame:
    import pandas as pd

    if isinstance(design, pd.DataFrame):
        return design.copy()
    if hasattr(design, "to_pandas"):
        return pd.DataFrame(design.to_pandas())
    if isinstance(design, Mapping):
        try:
            return pd.DataFrame(dict(design))
        except ValueError as error:
            raise DataError(
                f"The columns of the design do not make a frame: {error}.",
                hint='Name a number to cross them instead: {"Subject": 18, "Days": range(10)}.',
            ) from None
    raise DataError(
        f"A design is a frame or a mapping, not {design!r:.60}.",
        hint='Such as {"Subject": 18, "Days": range(10)}, every subject on every day.',
    )


def _taken(frame: pd.DataFrame, name: str, size: int) -> pd.DataFrame:
    import pandas as pd

    if name not in frame.columns:
        known = ", ".join(map(str, frame.columns))
        raise DataError(f"The design has no column {shorten(name)}.", hint=f"Its columns: {known}.")
    whole_number(size, name)
    levels = list(dict.fromkeys(frame[name].dropna()))
    if len(levels) == 0:
        raise DataError(f"Every value of {shorten(name)} is missing.")
    pieces = []
    for i in range(size):
        round_, place = divmod(i, len(levels))
        rows = frame[frame[name] == levels[place]].copy()
        label = levels[place] if round_ == 0 else f"{levels[place]} ({round_ + 1})"
        rows[name] = str(label)
        pieces.append(rows)
    return pd.concat(pieces, ignore_index=True)


def _key(design: Mapping[str, Any], name: str) -> str:
    for key in design:
        if name == key or str(key).startswith((f"{name} in ", f"{name} of ")):
            return key
    raise DataError(f"The design has no part {shorten(str(name))}.", hint=f"Its parts: {', '.join(map(str, design))}.")


def _read(parts: Mapping[str, Any]) -> list[_Part]:
    if not isinstance(parts, Mapping) or not parts:
        raise DataError(
            f"A study is a mapping of its parts, not {parts!r:.60}.", hint='Such as {"Subject": 18, "Days": range(10)}.'
        )
    read: list[_Part] = []
    for key, value in parts.items():
        part = _part(key, value)
        if part.name in {other.name for other in read}:
            raise DataError(f"The study has two parts called {shorten(part.name)}.")
        if part.kind and part.parent not in {other.name for other in read if other.kind != "of"}:
            raise DataError(
                f"{shorten(str(key))} is said of {shorten(part.parent)}, which no part before it is called.",
                hint=f"Say first how many there are of {shorten(part.parent)}.",
            )
        read.append(part)
    return read


def _part(key: Any, value: Any) -> _Part:
    if not isinstance(key, str) or not key.strip():
        raise DataError(f"A part of a study is named by a text, not {key!r:.60}.")
    kind = next((word for word in ("in", "of") if f" {word} " in key), "")
    name, _, parent = key.partition(f" {kind} ") if kind else (key, "", "")
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        levels: int | tuple[Any, ...] = whole_number(value, key)
    elif isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
        raise DataError(
            f"{shorten(key)} is a number of levels, a range or a list of values, not {value!r:.60}.",
            hint='Such as {"Subject": 18, "Days": range(10), "arm of Subject": ["control", "drug"]}.',
        )
    else:
        levels = tuple(value)
    if levels == ():
        raise DataError(f"{shorten(key)} has no values.")
    if kind == "in" and not isinstance(levels, int):
        raise DataError(f"{shorten(key)} is the number in each of {shorten(parent)}, not {value!r:.60}.")
    if kind == "of" and isinstance(levels, int):
        levels = tuple(f"{name.strip()} {i + 1}" for i in range(levels))
    return _Part(name.strip(), parent.strip(), kind, levels)


def whole_number(value: Any, name: str) -> int:
    """Return a number of levels; DataError unless it is a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise DataError(f"The number of {shorten(name)} is a whole number of at least 1, not {value!r:.60}.")
    return int(value)


def _named(part: _Part, place: np.ndarray) -> np.ndarray:
    if not isinstance(part.levels, int):
        return np.asarray(part.levels)[place]
    count = int(place.max()) + 1
    width = len(str(count))
    return np.array([f"{part.name} {i + 1:0{width}d}" for i in range(count)], dtype=object)[place]
