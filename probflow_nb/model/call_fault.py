"""Call fault: what went wrong in a person's own code, in one sentence with the line of theirs that did it."""

from __future__ import annotations

import linecache
import re
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Any

from ..backend.tensorflow import load
from ..errors import EngineError, Span

_PACKAGE = str(Path(__file__).parent.parent)
_INSTALLED = tuple({sysconfig.get_paths()[kind] for kind in ("stdlib", "purelib", "platlib")})
# What TensorFlow writes around its own sentences.
_MARKS = re.compile(r"\{\{.*?\}\}\s*|\s*\[Op:.*?\]|\s*name:\s*\S*\s*$")
_DTYPES = ("double tensor", "float tensor", "float64", "float32", "int32", "int64")
_LONGEST = 200


def call_fault(error: Exception, where: str, x: Any = None) -> EngineError:
    """Return the error to raise for an exception in a person's code, with carets under their own expression.

    where: "M.__call__", "The transform of w". x: the inputs that the code got, None for none.
    """
    text, span = _own_line(error.__traceback__)
    shape = "" if x is None else f" on x of shape {tuple(x.shape)}" if hasattr(x, "shape") else " on x"
    said, hint = _said(error)
    return EngineError(f"{where} failed{shape}: {said}", text=text, span=span, hint=hint)


def _said(error: Exception) -> tuple[str, str | None]:
    """Return what an exception says, in one line, and what to do next where that is known."""
    tf = load()
    text = str(error)
    lines = _MARKS.sub("", text.strip()).split("\n")
    first = f"{type(error).__name__}: {lines[0].strip()[:_LONGEST]}".removesuffix(": ")
    symbolic = isinstance(error, (NotImplementedError, tf.errors.OperatorNotAllowedInGraphError))
    if symbolic or "SymbolicTensor" in text or "symbolic" in text:
        return (
            f"{type(error).__name__}: it asks for a number where the parameters are not known yet.",
            "Use TensorFlow's functions on the parameters, such as tf.exp in place of numpy's and tf.where for if.",
        )
    if "MatMul" in text and "ndims" in text:
        hint = "On both sides of @ stand matrices: make the parameter a column, pf.Parameter([p, 1])."
        return first, hint + " Or write tf.linalg.matvec(x, self.w())."
    if isinstance(error, RecursionError):
        return f"{first}.", "Something in it calls itself without end."
    if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], int):
        return first, "The keys of a dictionary x are texts."
    if any(word in text for word in _DTYPES):
        return (
            first,
            "Everything is float64 here: make constants so with tf.constant(..., tf.float64), indices with tf.cast.",
        )
    if any(kind in text for kind in ("Parameter", "Derived", "NoneType")):
        return first, "A parameter's value is self.w(), with brackets."
    return first, None


def _own_line(trace: TracebackType | None) -> tuple[str | None, Span | None]:
    """Return the innermost line of code that is neither ours nor installed, and the span of the faulty part."""
    found = None
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if not path.startswith((_PACKAGE, *_INSTALLED)):
            found = trace
        trace = trace.tb_next
    if found is None:
        return None, None
    code = found.tb_frame.f_code
    line = linecache.getline(code.co_filename, found.tb_lineno, found.tb_frame.f_globals).rstrip()
    if not line.strip():
        return None, None
    margin = len(line) - len(line.lstrip())
    start, stop = margin, len(line)
    place = list(code.co_positions())[found.tb_lasti // 2]
    if place[0] == place[1] == found.tb_lineno and place[2] is not None and place[3] is not None:
        # Columns are counted in bytes.
        counted = line.encode()
        start, stop = len(counted[: place[2]].decode()), len(counted[: place[3]].decode())
    return line.strip(), Span(start - margin, stop - margin)
