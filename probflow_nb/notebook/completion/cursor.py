"""Cursor: where in a cell a person is typing, if it is a cell of ours at all."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CELL = re.compile(r"[ \t]*%%lme(?=\s|$)")
_LINE = re.compile(r"[ \t]*(?:[^\W\d]\w*[ \t]*=[ \t]*)?%lme(?=\s|$)")
# Cell magics that run what stands below them, a magic of ours included.
_AROUND = re.compile(r"[ \t]*%%(time|timeit|capture|prun)\b")


@dataclass(frozen=True)
class Cursor:
    """A position in the words of a magic or in the model text below them.

    magic: "%%lme" or "%lme". line: the words after it. body: the text below, "" for "%lme".
    in_body: in which of the two the cursor is. at: its offset there, in characters. start: where that text begins
    in the cell.
    """

    magic: str
    line: str
    body: str
    in_body: bool
    at: int
    start: int


def cursor(cell: str, offset: int) -> Cursor | None:
    """Return where the cursor is, or None outside of our cells and lines and within the name of the magic.

    cell: the whole cell. offset: of the cursor, in characters from the cell's beginning.
    """
    start = 0
    for line in cell.split("\n"):
        if line.strip() and not _AROUND.match(line):
            break
        start += len(line) + 1
    found = _CELL.match(cell, start)
    if found is not None:
        return _in_cell(cell, found.end(), offset)
    if cell.lstrip().startswith("%%"):
        return None
    return _in_line(cell, offset)


def _in_cell(cell: str, words: int, offset: int) -> Cursor | None:
    if offset <= words:
        return None
    end = cell.find("\n", words)
    end = len(cell) if end < 0 else end
    line, body = cell[words:end], cell[end + 1 :]
    if offset <= end:
        return Cursor("%%lme", line, body, False, offset - words, words)
    return Cursor("%%lme", line, body, True, offset - end - 1, end + 1)


def _in_line(cell: str, offset: int) -> Cursor | None:
    begin = cell.rfind("\n", 0, offset) + 1
    found = _LINE.match(cell, begin)
    if found is None or offset <= found.end():
        return None
    end = cell.find("\n", begin)
    line = cell[found.end() : len(cell) if end < 0 else end]
    return Cursor("%lme", line, "", False, offset - found.end(), found.end())
