"""Line completion: what can stand at the cursor behind `%%lme` and `%lme`, the likeliest first."""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from ...inference import ENGINES
from ...lang.source import is_plain_name
from .. import flags
from ..commands import COMMANDS
from . import vocabulary
from .body_completion import matching
from .scene import Scene, fit_names
from .vocabulary import Word

_WORD = re.compile(r"\S*\Z")
# What is left of the word that the cursor stands in.
_REST = re.compile(r"^\S+")


def complete(scene: Scene, parser: argparse.ArgumentParser) -> tuple[str, list[Word]]:
    """Return the text before the cursor that is replaced, and the words that can replace it, the best first.

    parser: that of the magic, which knows every flag.
    """
    line, at = scene.cursor.line, scene.cursor.at
    typed = line[:at]
    fragment = _WORD.search(typed)
    word = fragment[0] if fragment else ""
    before = typed[: len(typed) - len(word)].split()
    if scene.cursor.magic == "%lme":
        return word, matching(word, _commands(scene, before))
    flag, given, value = word.partition("=")
    if given and flag.startswith("--"):
        return value, matching(value, _values(flag, scene))
    if before and before[-1] in _valued(parser):
        return word, matching(word, _values(before[-1], scene, typed=word))
    if word.startswith("-"):
        return word, matching(word, _flags(parser, typed[: len(typed) - len(word)], _REST.sub("", line[at:])))
    held = _names(scene, before, parser)
    return word, matching(word, held if word else [*held, *_flags(parser, typed, line[at:])])


def describe(flag: str, parser: argparse.ArgumentParser) -> str:
    """Return the line of help of a flag, "" for an unknown one."""
    action = next((a for a in parser._actions if flag in a.option_strings), None)
    return "" if action is None or action.help is None else action.help.replace("%%", "%")


def _commands(scene: Scene, before: list[str]) -> list[Word]:
    """Return what can follow `%lme`."""
    fits = [Word(name, "fit") for name in fit_names(scene.namespace) if name not in before]
    if not before:
        return [*fits, *(Word(name, "command") for name in COMMANDS)]
    if before[0] == "autoload":
        return [Word("on", "value"), Word("off", "value")] if len(before) == 1 else []
    return fits if before[0] in COMMANDS else []


def _names(scene: Scene, before: list[str], parser: argparse.ArgumentParser) -> list[Word]:
    """Return the models that may be fitted again under their name, unless the line has a name already."""
    valued = _valued(parser)
    free = [w for i, w in enumerate(before) if not w.startswith("-") and (i == 0 or before[i - 1] not in valued)]
    return [] if free else [Word(name, "fit") for name in fit_names(scene.namespace)]


def _flags(parser: argparse.ArgumentParser, before: str, behind: str) -> list[Word]:
    """Return the flags that are not given yet and that the engine on the line understands."""
    line = f"{before} {behind}"
    given = {word.partition("=")[0] for word in line.split()}
    engine = re.search(r"--engine(?:\s+|=)(\w+)", line)
    found = []
    for action in parser._actions:
        names = [name for name in action.option_strings if name.startswith("--")]
        if not names or given.intersection(names) or action.dest == "help":
            continue
        if engine is not None and not _understands(action.dest, engine[1]):
            continue
        found += [Word(name, "flag", call=name, help=action.help or "") for name in names[:1]]
    return found


def _understands(field: str, engine: str) -> bool:
    option = next((o for o in flags.options(ENGINES) if o.field == field), None)
    return option is None or engine in option.engines or engine not in ENGINES


def _valued(parser: argparse.ArgumentParser) -> frozenset[str]:
    """Return the flags that take a value."""
    return frozenset(n for a in parser._actions if a.nargs != 0 for n in a.option_strings) | {
        option.flag for option in flags.options(ENGINES) if option.kind is bool
    }


def _values(flag: str, scene: Scene, typed: str = "") -> list[Word]:
    """Return the values that a flag can take."""
    if flag == "--data":
        return _data(scene, typed)
    if flag == "--engine":
        return [Word(name, "engine") for name in ENGINES]
    if flag == "--family":
        return list(vocabulary.family_flags())
    if flag == "--device":
        return _devices()
    option = next((o for o in flags.options(ENGINES) if o.flag == flag), None)
    if option is None:
        return []
    if option.kind is bool:
        return [Word(word, "value") for word in ("true", "false")]
    return [Word(choice, "value") for choice in option.choices]


def _data(scene: Scene, typed: str) -> list[Word]:
    """Return the frames of the notebook, those that fit the text first, then the built-in data sets."""
    from ... import datasets

    fitting = [frame.name for frame in scene.fitting()]
    held = [frame.name for frame in scene.held]
    names = [name for name in dict.fromkeys([*fitting, *held]) if is_plain_name(name)]
    found = [Word(name, "data") for name in names]
    found += [Word(name, "data set") for name in datasets.names() if name not in scene.namespace]
    return [*found, *_attributes(typed, scene.namespace)]


def _attributes(typed: str, namespace: Mapping[str, Any]) -> Iterable[Word]:
    """Return the frames that are attributes of what stands before the last dot; no property is run for it."""
    owner, dot, _ = typed.rpartition(".")
    first, *attributes = owner.split(".")
    if not dot or first not in namespace:
        return []
    value = namespace[first]
    for attribute in attributes:
        value = inspect.getattr_static(value, attribute, None)
    from ..session import frames

    held = {name: a for name, a in getattr(value, "__dict__", {}).items() if isinstance(name, str)}
    return [Word(f"{owner}.{frame.name}", "data") for frame in frames(held)]


def _devices() -> list[Word]:
    """Return the devices, which only TensorFlow knows; while it is not loaded, the one that is always there."""
    if "tensorflow" not in sys.modules or not hasattr(sys.modules["tensorflow"], "config"):
        return [Word("CPU:0", "device")]
    from ...backend.devices import devices

    return [Word(device.name, "device", help=device.label) for device in devices()]
