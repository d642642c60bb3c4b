"""Fingerprint: one short name for all that decides what a fit says - text, data, engine, seed and versions.

Of the data only those columns count that the text names, so that a new column somewhere else changes nothing.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from ..design.column import Column
from ..design.table import read_table
from ..errors import KeepError
from ..lang import parse
from ..lang.tree import Name, Subscript, Tilde, walk
from .archive import FORMAT

# Their versions decide which numbers a fit has.
_PACKAGES = ("probflow_nb", "tensorflow", "numpy")
_WORD = re.compile(r"\w+")


def fingerprint(
    text: str,
    data: Any,
    arrays: Mapping[str, Any],
    engine: Any = None,
    seed: int | None = None,
    family: Any = None,
    device: str = "",
) -> str:
    """Return 64 hexadecimal digits, SHA-256, that differ as soon as anything differs which a fit depends on.

    The arguments are those of `lme`; seed None counts as such, whichever seed is drawn. Raises ProbflowError for a text
    or data that cannot be read, KeepError for an engine or an array whose contents are not plain.
    """
    names = _names(text)
    digest = hashlib.sha256()
    for part in (str(FORMAT), *_versions(), text.strip(), repr(seed), repr(family), device, *_engine(engine)):
        _add(digest, "word", part.encode("utf-8", "surrogatepass"))
    if data is not None:
        table = read_table(data)
        _add(digest, "rows", str(table.n_rows).encode())
        for name in sorted(names & set(table.names)):
            _add_column(digest, table.column(name))
    for name in sorted(names & set(arrays)):
        _add(digest, "array", name.encode("utf-8", "surrogatepass"))
        _add_value(digest, arrays[name])
    return digest.hexdigest()


def _names(text: str) -> set[str]:
    """Return every name of a text: those of columns and arrays are among them."""
    found: set[str] = set()
    for statement in parse(text).statements:
        parts = (statement.left, statement.right) if isinstance(statement, Tilde) else (statement.value,)
        for node in (node for part in parts for node in walk(part)):
            if isinstance(node, Name):
                found.add(node.name)
            elif isinstance(node, Subscript):  # the factor of u[g] stands there as text
                found |= {node.index, *_WORD.findall(node.index)}
    return found


@cache
def _versions() -> tuple[str, ...]:
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            module = sys.modules.get(name)
            found.append(f"{name} {getattr(module, '__version__', '')}")
    return tuple(found)


def _engine(engine: Any) -> Iterator[str]:
    """Yield the name and the options of an engine, which are its fields; KeepError for one without fields."""
    if engine is None or isinstance(engine, str):
        yield repr(engine)
        return
    if not is_dataclass(engine):
        raise KeepError(f"{type(engine).__name__} is no engine of this package.")
    yield f"{type(engine).__module__}.{type(engine).__qualname__}"
    for field in fields(engine):
        value = getattr(engine, field.name)
        yield f"{field.name}={sorted(value.items()) if isinstance(value, Mapping) else value!r}"


def _add(digest: Any, kind: str, content: bytes | memoryview) -> None:
    """Add one part with its kind and length, so that no two lists of parts read the same."""
    digest.update(f"{kind} {len(content)}\n".encode())
    digest.update(content)


def _add_array(digest: Any, array: np.ndarray) -> None:
    plain = np.ascontiguousarray(array)
    if plain.dtype.hasobject:
        raise KeepError("An array of objects has no plain contents.")
    _add(digest, f"{plain.dtype.str} {plain.shape}", plain.reshape(-1).view(np.uint8).data)


def _add_column(digest: Any, column: Column) -> None:
    head = (column.name, column.kind, str(column.ordered), str(column.declared), *column.levels)
    for word in head:
        _add(digest, "column", word.encode("utf-8", "surrogatepass"))
    for array in (column.values, column.codes, column.missing):
        if array is None:
            _add(digest, "none", b"")
        else:
            _add_array(digest, array)


def _add_value(digest: Any, value: Any) -> None:
    """Add an array of the notebook: a number, an array, a sparse matrix or a frame."""
    if isinstance(value, (bool, int, float)):
        _add(digest, "number", repr(value).encode())
    elif hasattr(value, "tocsr"):
        matrix = value.tocsr()
        _add(digest, "sparse", str(matrix.shape).encode())
        for array in (matrix.indptr, matrix.indices, matrix.data):
            _add_array(digest, np.asarray(array))
    elif hasattr(value, "columns"):
        table = read_table(value)
        for i in range(len(table.names)):
            _add_column(digest, table.read(i))
    else:
        _add_array(digest, np.asarray(value))
