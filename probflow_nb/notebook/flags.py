"""Flags: the words on the magic's line; those of the engines come from the engines' own fields."""

from __future__ import annotations

import argparse
import re
import shlex
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from difflib import get_close_matches
from typing import Any, Union, get_args, get_origin, get_type_hints

from ..errors import UsageError
from ..inference.auto import Auto

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}
# Words of the magic itself; an engine's field of the same name gets no flag of its own.
RESERVED = frozenset({"name", "data", "engine", "family", "seed", "no_fit", "force"})


@dataclass(frozen=True)
class Option:
    """A flag that one or more engines understand.

    field: the engines' field, "max_rounds". kind: bool, int, float or str. engines: which engines have it.
    help: one line for `%%lme?`.
    """

    field: str
    kind: type
    engines: tuple[str, ...]
    help: str

    @property
    def flag(self) -> str:
        """The flag as typed, "--max-rounds"."""
        return "--" + self.field.replace("_", "-")


def options(engines: Mapping[str, type]) -> tuple[Option, ...]:
    """Return one Option for every field of the engines, in the order of the engines and their fields.

    engines: engine classes by name; each is a dataclass whose fields carry {"help": "..."}.
    Fields whose type a person cannot type on a line are left out.
    """
    found: dict[str, Option] = {}
    for engine, cls in engines.items():
        hints = get_type_hints(cls)
        for field in fields(cls):
            kind = _scalar(hints[field.name])
            if kind is None or not field.init or field.name in RESERVED:
                continue
            known = found.get(field.name)
            if known is None:
                help = f"{field.metadata.get('help', field.name)}{_default(field)}"
                found[field.name] = Option(field.name, kind, (engine,), help)
            else:
                found[field.name] = Option(field.name, known.kind, (*known.engines, engine), known.help)
    return tuple(found.values())


def arguments(available: tuple[Option, ...]) -> list[dict[str, Any]]:
    """Return the keywords of argparse's add_argument for every option; values stay text until `build`.

    available: the options. The key "names" of each entry holds the flag itself.
    """
    found: list[dict[str, Any]] = []
    for option in available:
        about = f"({', '.join(option.engines)}) {option.help}".replace("%", "%%")
        words: dict[str, Any] = {"names": [option.flag], "dest": option.field, "help": about}
        if option.kind is not bool:
            found.append({**words, "metavar": option.kind.__name__.upper()})
            continue
        no = {"names": ["--no-" + option.flag[2:]], "dest": option.field, "help": f"Not {option.flag}."}
        found.append({**words, "action": "store_const", "const": "true"})
        found.append({**no, "action": "store_const", "const": "false"})
    return found


def read(parser: argparse.ArgumentParser, line: str, available: tuple[Option, ...]) -> argparse.Namespace:
    """Return the words of a magic's line.

    parser: the magic's own parser. Raises UsageError for an unknown flag, a flag without its value, a second
    name, or a quote that is not closed.
    """
    from IPython.core.error import UsageError as ParserError

    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        raise UsageError("A quote on the %%lme line is not closed.") from None
    if "~" in line:
        raise UsageError("The model stands on the %%lme line.", hint="Put it on the next line, below %%lme.")
    _check_flags(parser, words)
    try:
        namespace, rest = parser.parse_known_args(_booleans(words, available))
    except ParserError as error:
        raise UsageError(_reason(str(error)), hint="%%lme? shows every flag.") from None
    if rest:
        raise UsageError(
            f'"{rest[0]}" is one word too many: a fit has one name.',
            hint="%%lme NAME --data DATA, with the model below.",
        )
    return namespace


def build(name: str, chosen: Mapping[str, str], engines: Mapping[str, type]) -> Any:
    """Return the engine of that name with the options chosen, or None to let the model decide.

    name: an engine's name, or "" for none. chosen: option values as typed, by field.
    Without a name the one engine that has all the options is taken; where several have them, Auto lets the model
    decide and passes them on. Raises UsageError for an unknown engine, an option that it does not have, or a value
    that the option cannot take.
    """
    available = {option.field: option for option in options(engines)}
    if name and name not in engines:
        near = get_close_matches(name, engines, n=1)
        did = f'Did you mean "{near[0]}"? ' if near else ""
        raise UsageError(f'There is no engine called "{name}".', hint=f"{did}The engines are {', '.join(engines)}.")
    if not name and not chosen:
        return None
    if not name:
        able = [e for e in engines if all(e in available[field].engines for field in chosen)]
        if not able:
            each = "; ".join(f"{available[f].flag}: {', '.join(available[f].engines)}" for f in chosen)
            raise UsageError(f"No engine has all these flags ({each}).", hint="%%lme? shows every flag.")
        if len(able) > 1:
            return Auto({field: _value(available[field], text) for field, text in chosen.items()})
        name = able[0]
    for field in chosen:
        option = available[field]
        if name not in option.engines:
            raise UsageError(
                f'The engine "{name}" has no {option.flag}.',
                hint=f"{option.flag} belongs to {', '.join(option.engines)}.",
            )
    return engines[name](**{field: _value(available[field], text) for field, text in chosen.items()})


def whole(flag: str, text: str) -> int:
    """Return a whole number of at least 0 from the text of a flag; raises UsageError."""
    try:
        number = int(text)
    except ValueError:
        raise UsageError(f'{flag} takes a whole number, and "{text}" is none.') from None
    if number < 0:
        raise UsageError(f"{flag} takes a whole number of at least 0, not {text}.")
    return number


def _value(option: Option, text: str) -> Any:
    if option.kind is bool:
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise UsageError(f'{option.flag} takes true or false, not "{text}".')
    if option.kind is int:
        return whole(option.flag, text)
    if option.kind is float:
        try:
            return float(text)
        except ValueError:
            raise UsageError(f'{option.flag} takes a number, and "{text}" is none.') from None
    return text


def _scalar(hint: Any) -> type | None:
    """Return bool, int, float or str for such a type, also when it may be None; None for any other type."""
    if get_origin(hint) in (Union, types.UnionType):
        parts = [part for part in get_args(hint) if part is not type(None)]
        return _scalar(parts[0]) if len(parts) == 1 else None
    return hint if hint in (bool, int, float, str) else None


def _default(field: Field[Any]) -> str:
    if field.default is MISSING or field.default is None:
        return ""
    return f" [{str(field.default).lower() if isinstance(field.default, bool) else field.default}]"


def _booleans(words: list[str], available: tuple[Option, ...]) -> list[str]:
    """Write `--reml false` and `--reml=false` as `--no-reml`, so that no name is taken for a flag's value."""
    switches = {option.flag for option in available if option.kind is bool}
    out: list[str] = []
    for word in words:
        flag, given, value = word.partition("=")
        if given and flag in switches:
            out.extend(_switch(flag, value))
        elif out and out[-1] in switches and word.lower() in _TRUE | _FALSE:
            out.extend(_switch(out.pop(), word))
        else:
            out.append(word)
    return out


def _switch(flag: str, value: str) -> list[str]:
    if value.lower() in _TRUE | _FALSE:
        return [flag] if value.lower() in _TRUE else ["--no-" + flag[2:]]
    raise UsageError(f'{flag} takes true or false, not "{value}".')


def _check_flags(parser: argparse.ArgumentParser, words: list[str]) -> None:
    known = [flag for action in parser._actions for flag in action.option_strings]
    for word in words:
        flag = word.partition("=")[0]
        if re.match(r"-+[^\W\d]", flag) and not any(name.startswith(flag) for name in known):
            near = get_close_matches(flag, known, n=1)
            did = f"Did you mean {near[0]}? " if near else ""
            raise UsageError(f"There is no flag {flag}.", hint=f"{did}%%lme? shows every flag.")


def _reason(message: str) -> str:
    """Turn a sentence of argparse into one of ours."""
    missing = re.match(r"argument (?:\S+, )*(--\S+): expected one argument", message)
    if missing:
        return f"{missing[1]} needs a value."
    unclear = re.match(r"ambiguous option: (\S+) could match (.+)", message)
    if unclear:
        return f"{unclear[1]} may mean any of {unclear[2]}."
    return message[:1].upper() + message[1:].rstrip(".") + "."
