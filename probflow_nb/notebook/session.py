"""Session: what a notebook holds, read from its namespace, and what it forgets."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..design.table import read_table
from ..design.wording import counted, listed
from ..errors import DataError, UsageError
from ..lang.tree import Name

_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_IPYTHONS_OWN = re.compile(r"_{1,3}|_i{0,3}\d*|_[iods]h")
_FRAME_CLASSES = {"pandas": {"DataFrame"}, "polars": {"DataFrame"}, "pyarrow": {"Table", "RecordBatch"}}


@dataclass(frozen=True, eq=False)
class Frame:
    """A data frame of the notebook.

    name: the variable that holds it. columns: names of its columns. n_rows: n, its number of rows.
    value: the frame itself.
    """

    name: str
    columns: tuple[str, ...]
    n_rows: int
    value: Any

    def lacks(self, needed: Sequence[Name]) -> tuple[str, ...]:
        """Return those of the needed columns that this frame has not."""
        return tuple(name.name for name in needed if name.name not in self.columns)

    @property
    def label(self) -> str:
        """The name and the number of rows, such as "sleep (180 rows)"."""
        return f"{self.name} ({counted(self.n_rows, 'row')})"


def frames(namespace: Mapping[str, Any]) -> tuple[Frame, ...]:
    """Return the data frames of a notebook, in the order in which their names appeared.

    A frame with two names counts once, under its first. Names with a leading underscore are IPython's own.
    """
    found: list[Frame] = []
    for name, value in list(namespace.items()):
        if name.startswith("_") or not _is_frame(value) or any(value is frame.value for frame in found):
            continue
        try:
            table = read_table(value)
        except DataError:
            continue  # such as two levels of column names: no model can use it, so it is no candidate
        found.append(Frame(name, table.names, table.n_rows, value))
    return tuple(found)


def choose(candidates: Sequence[Frame], needed: Sequence[Name]) -> Frame:
    """Return the one frame that has all the needed columns.

    A single candidate that has some of them is taken too: the design floor then says, with carets, which is
    missing. Raises UsageError when no frame or more than one will do.
    """
    complete = [frame for frame in candidates if not frame.lacks(needed)]
    if len(complete) == 1:
        return complete[0]
    if complete:
        labels = [frame.label for frame in complete]
        raise UsageError(
            f"{len(complete)} data frames have all the columns of the model: {_and(labels)}.",
            hint=f"Say which one is meant: %%lme --data {complete[0].name}",
        )
    if len(candidates) == 1 and len(candidates[0].lacks(needed)) < len(needed):
        return candidates[0]
    columns = listed([name.name for name in needed])
    if not candidates:
        raise UsageError(
            f"The notebook holds no data frame; the model needs the columns {columns}.",
            hint="Load the data first, or name a built-in data set, such as %%lme --data sleepstudy",
        )
    closest = sorted(candidates, key=lambda frame: len(frame.lacks(needed)))
    lacking = "; ".join(f"{frame.name} lacks {listed(frame.lacks(needed))}" for frame in closest[:5])
    more = f"; and {len(closest) - 5} more frames" if len(closest) > 5 else ""
    raise UsageError(
        f"No data frame of the notebook has all the columns of the model ({columns}): {lacking}{more}.",
        hint="Mend the name in the text, or say which data are meant: %%lme --data NAME",
    )


def arrays(names: Sequence[Name], namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a notebook holds under the names that a text leaves open: arrays, frames, sparse matrices.

    Nothing else is taken, so that a loop variable or a text of the notebook never becomes part of a model.
    """
    held = {name.name: namespace[name.name] for name in names if name.name in namespace}
    return {name: value for name, value in held.items() if _is_array(value)}


def gather(
    needed: Sequence[Name], possible: Sequence[Name], namespace: Mapping[str, Any]
) -> tuple[Frame | None, dict[str, Any]]:
    """Return the frame that has the needed columns, and arrays for the names that it does not have.

    needed: names that can only be columns or arrays. possible: names that may be either, or a slip.
    A frame with every needed column is taken first; where arrays stand for some, one with the others, or none at all.
    Raises UsageError as `choose` does.
    """
    found = arrays((*needed, *possible), namespace)
    candidates = frames(namespace)
    whole = [frame for frame in candidates if not frame.lacks(needed)]
    strict = needed if whole and needed else [name for name in needed if name.name not in found]
    if not strict:
        return None, found
    wanted = [frame for frame in whole if not frame.lacks([n for n in possible if n.name not in found])]
    frame = choose(wanted if len(wanted) == 1 else candidates, strict)
    return frame, {name: value for name, value in found.items() if name not in frame.columns}


def resolve(path: str, namespace: Mapping[str, Any]) -> Frame:
    """Return the data that `--data` names: a variable, an attribute of one, or else a built-in data set.

    path: a name such as "sleep", or a dotted one such as "study.frame". Raises UsageError when there is none,
    or when it is not a name, and DataError when what it names is not a data frame.
    """
    if not _PATH.fullmatch(path):
        raise UsageError(
            f'--data takes the name of a data frame, and "{path}" is not a name.',
            hint="Give the data a name in a cell above, such as young = sleep[sleep.age < 40]",
        )
    first, *attributes = path.split(".")
    if first in namespace:
        value = namespace[first]
        for i, attribute in enumerate(attributes):
            if not hasattr(value, attribute):
                owner = ".".join([first, *attributes[:i]])
                raise UsageError(f'"{owner}" has no attribute "{attribute}".')
            value = getattr(value, attribute)
    else:
        value = _builtin(first, attributes, namespace)
    table = read_table(value)
    return Frame(path, table.names, table.n_rows, value)


def fits(namespace: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return the (name, fit) pairs of a notebook, models that are not fitted yet among them."""
    return tuple(
        (name, value) for name, value in list(namespace.items()) if not name.startswith("_") and is_model(value)
    )


def kept(name: str, shell: Any) -> list[Any]:
    """Return the older models of a name that only the notebook's memory of its outputs holds.

    shell: the running InteractiveShell.
    """
    found = [value for key, value in list(shell.user_ns.items()) if key.startswith("_") and is_model(value)]
    found += [value for value in list(shell.user_ns.get("_oh", {}).values()) if is_model(value)]
    named = {id(value) for _, value in fits(shell.user_ns)}
    return [value for value in {id(v): v for v in found}.values() if value.name == name and id(value) not in named]


def forget(name: str, model: Any, shell: Any) -> None:
    """Take a model's name away, and what IPython remembers of it: `_`, `_7`, `Out[7]` and the last result.

    Other names that a person gave to the same model stay. shell: the running InteractiveShell.
    """
    namespace = shell.user_ns
    if namespace.get(name) is model:
        del namespace[name]
    if any(value is model for _, value in fits(namespace)):
        return
    for held in (*shell.all_ns_refs, namespace.get("_oh", {})):  # what is hidden from %who has copies too
        for key in [key for key, value in list(held.items()) if value is model]:
            del held[key]
    for under in ("_", "__", "___"):  # the hook keeps its own copies
        if getattr(shell.displayhook, under, None) is model:
            setattr(shell.displayhook, under, None)
    if getattr(shell.last_execution_result, "result", None) is model:
        shell.last_execution_result = None


def is_model(value: Any) -> bool:
    """Return whether a value is a fit, or a model that waits for its fit."""
    from ..fit import Fit, Unfitted

    return isinstance(value, Fit | Unfitted)


def check_name(name: str, namespace: Mapping[str, Any], force: bool = False) -> None:
    """Raise UsageError unless a fit may be bound to a name.

    It must be a Python name, and what it holds already must be a fit too, unless `force` is set.
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UsageError(
            f'"{name}" cannot be a variable, so the fit cannot be called that.',
            hint="Use letters, digits and _, such as %%lme sleep_model",
        )
    if force:
        return
    if _IPYTHONS_OWN.fullmatch(name):
        raise UsageError(
            f'"{name}" is where IPython keeps what was typed and answered, which the fit would hide.',
            hint="Choose another name, or add --force.",
        )
    if name in namespace and not is_model(namespace[name]):
        kind = type(namespace[name]).__name__
        raise UsageError(
            f'"{name}" already holds {_article(kind)} {kind}, which the fit would overwrite.',
            hint="Choose another name, or add --force.",
        )
    if name not in namespace and _is_builtin(name):
        raise UsageError(
            f'"{name}" is a function of Python, which the fit would hide.',
            hint="Choose another name, or add --force.",
        )


def _builtin(name: str, attributes: Sequence[str], namespace: Mapping[str, Any]) -> Any:
    from .. import datasets

    if attributes or name not in datasets.names():
        held = [frame.name for frame in frames(namespace)]
        have = f"The notebook holds {listed(held)}" if held else "The notebook holds no data frame"
        raise UsageError(
            f'There are no data called "{name}".',
            hint=f"{have}; the built-in data sets are {', '.join(datasets.names())}.",
        )
    return getattr(datasets, name)()


def _is_frame(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value) and all(isinstance(key, str) for key in value) and _even(list(value.values()))
    if isinstance(value, np.ndarray):
        return value.dtype.names is not None
    # Frames are known by their class, so that looking for them imports no data library.
    library = type(value).__module__.partition(".")[0]
    classes = {cls.__name__ for cls in type(value).__mro__}
    return bool(classes & _FRAME_CLASSES.get(library, set()))


def _is_array(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.names is None and value.ndim in (1, 2)
    library = type(value).__module__.partition(".")[0]
    classes = {cls.__name__ for cls in type(value).__mro__}
    if library == "scipy":
        return hasattr(value, "tocsr")
    if library == "tensorflow":
        return len(getattr(value, "shape", ())) in (1, 2)
    return bool(classes & {"Series", "ChunkedArray"}) or (_is_frame(value) and not isinstance(value, dict))


def _even(columns: Sequence[Any]) -> bool:
    """Return whether these are columns: arrays, series or lists, all of one length."""
    for column in columns:
        if isinstance(column, (str, bytes, Mapping)) or not hasattr(column, "__len__"):
            return False
        if not isinstance(column, (list, tuple)) and len(getattr(column, "shape", ())) != 1:
            return False
    return len({len(column) for column in columns}) == 1


def _is_builtin(name: str) -> bool:
    import builtins

    return hasattr(builtins, name)


def _article(noun: str) -> str:
    return "an" if noun[:1].lower() in "aeiou" else "a"


def _and(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
