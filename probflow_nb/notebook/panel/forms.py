"""Forms: an engine's options as the fields of a form, and the engine that a filled-in form means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ...errors import UsageError
from ...inference import ENGINES
from ..flags import Option, of_engine

_KINDS = {bool: "switch", int: "whole", float: "number", str: "text"}
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Field:
    """One field of an engine's form; `asdict` of it is fit for JSON.

    name: the engine's field, "max_depth". label: with spaces. kind: "whole", "number", "text", "choice" or "switch".
    default: its value when nothing is said, None where the engine decides. optional: whether it may be left empty.
    choices: of a choice. least, most, step: of a number, None where nothing is said; exclusive: whether it must be
    above `least`. unit: or "". help: what it is, in a line.
    """

    name: str
    label: str
    kind: str
    default: Any
    optional: bool
    choices: tuple[str, ...]
    least: float | None
    most: float | None
    step: float | None
    exclusive: bool
    unit: str
    help: str


def form(engine: str, at: Any = None) -> tuple[Field, ...]:
    """Return the form of an engine of that name.

    at: an engine whose own values the fields begin with, where it is one of that name.
    Raises UsageError for an unknown engine.
    """
    cls = _class(engine)
    held = at if isinstance(at, cls) else cls()
    return tuple(_field(option, getattr(held, option.field)) for option in of_engine(engine, cls))


def json_form(engine: str, at: Any = None) -> list[dict[str, Any]]:
    """Return `form` as dictionaries of plain values."""
    return [{**asdict(field), "choices": list(field.choices)} for field in form(engine, at)]


def from_form(engine: str, values: Mapping[str, Any]) -> Any:
    """Return the engine that a filled-in form means.

    values: by field, as typed or as JSON has them; "" and None where a field was left empty, which a field that must
    have a value takes for its default.
    Raises UsageError for an unknown engine or field or a value that is none, EngineError for one out of range.
    """
    cls = _class(engine)
    known = {option.field: option for option in of_engine(engine, cls)}
    for name in values:
        if name not in known:
            raise UsageError(f'The engine "{engine}" has no option "{name:.60}".', hint=f"It has {', '.join(known)}.")
    given = {name: _read(known[name], value) for name, value in values.items() if not _empty(value)}
    cleared = {name: None for name, value in values.items() if _empty(value) and known[name].optional}
    return cls(**given, **cleared)


def _class(engine: str) -> type:
    if engine not in ENGINES:
        raise UsageError(f'There is no engine called "{engine:.60}".', hint=f"The engines are {', '.join(ENGINES)}.")
    return ENGINES[engine]


def _field(option: Option, value: Any) -> Field:
    kind = "choice" if option.choices else _KINDS[option.kind]
    help, _, _ = option.help.partition(" [")
    return Field(
        option.field, option.field.replace("_", " "), kind, value, option.optional, option.choices, option.least,
        option.most, option.step, option.exclusive, option.unit, help,
    )  # fmt: skip


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _read(option: Option, value: Any) -> Any:
    """Return a value that a field can take, in the words of the form where it cannot."""
    label, text = option.field.replace("_", " "), str(value).strip()
    if option.kind is bool:
        if text.lower() not in (*_TRUE, *_FALSE):
            raise UsageError(f'{label.capitalize()} is on or off, not "{text:.60}".')
        return text.lower() in _TRUE
    if option.kind is str:
        return _chosen(option, label, text)
    try:
        number = float(text.replace(",", "").replace("_", ""))
    except ValueError:
        raise UsageError(f'{label.capitalize()} takes a number, and "{text:.60}" is none.') from None
    if option.kind is int and not number.is_integer():
        raise UsageError(f"{label.capitalize()} takes a whole number, not {text:.60}.")
    low = option.least is not None and (number <= option.least if option.exclusive else number < option.least)
    if low or (option.most is not None and number > option.most) or number != number:
        raise UsageError(f"{label.capitalize()} takes {_range(option)}, not {text:.60}.")
    return int(number) if option.kind is int else number


def _chosen(option: Option, label: str, text: str) -> str:
    if option.choices and text not in option.choices:
        raise UsageError(f'There is no {label} "{text:.60}".', hint=f"Choose one of {', '.join(option.choices)}.")
    return text


def _range(option: Option) -> str:
    least, most = option.least, option.most
    low = "" if least is None else f"above {least:,g}" if option.exclusive else f"at least {least:,g}"
    high = "" if most is None else f"at most {int(most) if float(most).is_integer() else most:,}"
    kind = "a whole number" if option.kind is int else "a number"
    bounds = " and ".join(part for part in (low, high) if part)
    return f"{kind} {bounds}".strip() or kind
