"""Line note: what a word behind `%%lme` and `%lme` means."""

from __future__ import annotations

import argparse
from typing import Any

from ...design.wording import counted, listed
from ...inference import ENGINES
from .. import flags, session
from . import vocabulary
from .line_completion import describe
from .note import Note
from .scene import Scene, resolved


def line_note(scene: Scene, parser: argparse.ArgumentParser) -> Note | None:
    """Return what is known of the word at the cursor.

    parser: that of the magic, which knows every flag.
    """
    before, word = _word(scene.cursor.line, scene.cursor.at)
    flag, given, value = word.partition("=")
    if given and flag.startswith("--"):
        before, word = flag, value
    if word.startswith("--"):
        help = describe(word, parser)
        return Note(word, "flag", advice=(_sentence(help),)) if help else None
    if before == "--engine" and word in ENGINES:
        return _engine_note(word)
    if before == "--family":
        return _family_note(word)
    if before == "--data":
        return _data_note(word, scene)
    return _fit_note(word, scene)


def _word(line: str, at: int) -> tuple[str, str]:
    """Return the word before that at an offset, and that word."""
    start = max(line.rfind(" ", 0, at), line.rfind("\t", 0, at)) + 1
    rest = line[start:].split()
    before = line[:start].split()
    return before[-1] if before else "", rest[0] if rest and not line[start : start + 1].isspace() else ""


def _engine_note(name: str) -> Note:
    cls = ENGINES[name]
    said = " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())
    facts = [(option.flag, option.help) for option in flags.options(ENGINES) if name in option.engines]
    return Note(name, "engine", tuple(facts), (said,))


def _family_note(name: str) -> Note | None:
    word = next((w for w in vocabulary.family_flags() if w.name == name.casefold()), None)
    return None if word is None else Note(name, "family", (("call", word.call),), (_sentence(word.help),))


def _data_note(name: str, scene: Scene) -> Note | None:
    frame = resolved(name, scene.namespace)
    if frame is None:
        return None
    shape = f"{counted(frame.n_rows, 'row')}, {counted(len(frame.columns), 'column')}"
    kind = "data frame" if name.partition(".")[0] in scene.namespace else "built-in data set"
    return Note(name, kind, (("shape", shape), ("columns", listed(frame.columns))))


def _fit_note(name: str, scene: Scene) -> Note | None:
    value: Any = dict(session.fits(scene.namespace)).get(name)
    if value is None:
        return None
    return Note(name, "model", (("formula", value.formula), ("verdict", value.verdict.sentence)))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "." if text else ""
