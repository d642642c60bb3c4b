"""Kept fits: what `%lme cache` lists, and the sentences of what it takes away."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..design.wording import counted
from ..display import escape
from ..display.sheet import Sheet
from ..errors import KeepError
from ..keep.cache import Cache, Entry, about

_HEADS = (("name", False), ("model", False), ("rows", True), ("engine", False), ("fitted", False), ("size", True))
_MOST = 40  # fits that a list shows


@dataclass(frozen=True)
class KeptFits:
    """The table that `%lme cache` shows.

    rows: (name, model, rows, engine, when it was fitted, size) of each fit, the one used last first. notes: on the
    folder, and on what is not shown.
    """

    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return Sheet(_HEADS, self.rows, self.notes).text() if self.rows else "\n".join(self.notes)

    def _repr_html_(self) -> str:
        if not self.rows:
            return "".join(f"<p>{escape.html(note, 600)}</p>" for note in self.notes)
        return Sheet(_HEADS, self.rows, self.notes).html()


def kept_fits(cache: Cache) -> KeptFits:
    """Return the table of a folder of kept fits."""
    entries = cache.entries()
    if not entries:
        return KeptFits((), (f"No fits are kept in {cache.folder}. %%lme NAME --cache keeps one.",))
    total = sum(entry.size for entry in entries)
    notes = [
        f"{counted(len(entries), 'fit')}, {_size(total)} of at most {_size(cache.most)}, in {cache.folder}. "
        "%lme cache clear takes them away."
    ]
    if len(entries) > _MOST:
        notes.append(f"{len(entries) - _MOST:,} more are not shown.")
    return KeptFits(tuple(_row(entry) for entry in entries[:_MOST]), tuple(notes))


def cleared(cache: Cache) -> str:
    """Take all kept fits away, and return the sentence that says so."""
    number, size = cache.clear()
    if not number:
        return f"No fits are kept in {cache.folder}."
    return f"{counted(number, 'kept fit')} ({_size(size)}) taken away from {cache.folder}."


def _row(entry: Entry) -> tuple[str, ...]:
    moment, size = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.made)), _size(entry.size)
    try:
        known = about(entry.path)
    except KeepError:
        return "", "cannot be read; it is fitted again", "", "", moment, size
    model = "; ".join(line.strip() for line in known.text.splitlines() if line.strip())
    return known.name, model, f"{known.rows:,}", known.engine, moment, size


def _size(number: int) -> str:
    return f"{number / 1e6:,.1f} MB" if number >= 1e5 else f"{number / 1e3:,.1f} kB"
