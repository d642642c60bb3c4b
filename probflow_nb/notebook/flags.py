"""Flags: the words on the magic's line; those of the engines come from the engines' own fields."""

from __future__ import annotations

import argparse
import re
import shlex
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Union, get_args, get_origin, get_type_hints

from ..display import escape
from ..errors import UsageError
from ..inference.auto import Auto

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}
# Words of the magic itself; an engine's field of the same name gets no flag of its own.
RESERVED = frozenset(
    {"name", "data", "engine", "family", "seed", "device", "panel", "background", "no_fit", "cache", "force"}
)


@dataclass(frozen=True)
class Option:
    """A flag that one or more engines understand.

    field: the engines' field, "max_rounds". kind: bool, int, float or str. engines: which engines have it.
    help: one line for `%%lme?`. default, optional: of the first engine, and whether None is allowed. choices: the only
    values of a text, () for any. least, most, step: of a number, None where nothing is said; exclusive: whether it must
    be above `least`. unit: of a number, or "".
    """

    field: str
    kind: type
    engines: tuple[str, ...]
    help: str
    default: Any = None
    optional: bool = False
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    step: float | None = None
    exclusive: bool = False
    unit: str = ""

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
        for option in of_engine(engine, cls):
            known = found.get(option.field)
            found[option.field] = option if known is None else replace(known, engines=(*known.engines, engine))
    return tuple(found.values())


def of_engine(engine: str, cls: type) -> tuple[Option, ...]:
    """Return one Option for every field of one engine's class that a person can type."""
    hints = get_type_hints(cls)
    return tuple(
        _option(engine, field, kind, hints[field.name])
        for field in fields(cls)
        if (kind := _scalar(hints[field.name])) is not None and field.init and field.name not in RESERVED
    )


def _option(engine: str, field: Field[Any], kind: type, hint: Any) -> Option:
    about = field.metadata
    return Option(
        field=field.name,
        kind=kind,
        engines=(engine,),
        help=f"{about.get('help', field.name)}{_default(field)}",
        default=None if field.default is MISSING else field.default,
        optional=type(None) in get_args(hint),
        choices=tuple(about.get("choices", ())),
        least=about.get("least"),
        most=about.get("most"),
        step=about.get("step"),
        exclusive=bool(about.get("above", False)),
        unit=about.get("unit", ""),
    )


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
            return Auto({field: value_of(available[field], text) for field, text in chosen.items()})
        name = able[0]
    for field in chosen:
        option = available[field]
        if name not in option.engines:
            raise UsageError(
                f'The engine "{name}" has no {option.flag}.',
                hint=f"{option.flag} belongs to {', '.join(option.engines)}.",
            )
    return engines[name](**{field: value_of(available[field], text) for field, text in chosen.items()})


def whole(flag: str, text: str) -> int:
    """Return a whole number of at least 0 from the text of a flag; raises UsageError."""
    try:
        number = int(text)
    except ValueError:
        raise UsageError(f'{flag} takes a whole number, and "{escape.shorten(text, 60)}" is none.') from None
    if number < 0:
        raise UsageError(f"{flag} takes a whole number of at least 0, not {text:.60}.")
    return number


def value_of(option: Option, text: str) -> Any:
    """Return the value that a text gives an option; raises UsageError for one that it cannot take."""
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
    valued = re.match(r"argument (?:\S+, )*(--\S+): ignored explicit argument", message)
    if valued:
        return f"{valued[1]} takes no value: it is written or left out."
    unclear = re.match(r"ambiguous option: (\S+) could match (.+)", message)
    if unclear:
        return f"{unclear[1]} may mean any of {unclear[2]}."
    return message[:1].upper() + message[1:].rstrip(".") + "."
