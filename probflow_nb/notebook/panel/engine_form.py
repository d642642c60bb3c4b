"""Engine form: engines, their options, seed and device as a form to fill in, and what was filled in read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import EngineError, ProbflowError, UsageError
from ..flags import whole
from ..message import text as shown
from . import forms

AUTO = "auto"


@dataclass(frozen=True)
class Order:
    """What a person asks for by the form: the engine (None: the model decides), the seed (None: any), the device."""

    engine: Any
    seed: int | None
    device: str


class FormError(Exception):
    """What is wrong in a form: sentences by the name of the field."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        super().__init__("; ".join(sentences.values()))
        self.sentences = dict(sentences)


def form(model: Any, engine: Any = None, seed: int | None = None, device: str = "") -> dict[str, Any]:
    """Return the form as plain values that a page can show; may take a moment, because it loads the back end.

    model: compiled, or None while there is none. engine, seed, device: what is filled in at first.
    """
    from ...backend.devices import devices
    from ...inference import ENGINES
    from ...inference.auto import Auto, usable

    reasons = {} if model is None else usable(model)
    automatic = _automatic(model)
    held = _made(automatic, engine.options) if isinstance(engine, Auto) and automatic else engine
    first = [_offer(AUTO, automatic, held, "", f"auto ({ENGINES[automatic].__name__})" if automatic else AUTO)]
    chosen = type(engine).__name__.lower()
    return {
        "engines": first
        + [_offer(name, name, engine, reasons.get(name, ""), cls.__name__) for name, cls in ENGINES.items()],
        "devices": [{"value": "", "text": "automatic"}]
        + [{"value": d.name, "text": _device_words(d)} for d in devices()],
        "chosen": {
            "engine": chosen if chosen in ENGINES else AUTO,
            "seed": "" if seed is None else str(seed),
            "device": device,
        },
    }


def order(filled: Mapping[str, Any], model: Any = None) -> Order:
    """Return what a filled form asks for.

    filled: "engine", "options" (texts by field; of auto those that were changed), "seed", "device".
    Raises FormError with a sentence for every field that is wrong.
    """
    faults: dict[str, str] = {}
    seed = engine = None
    try:
        text = str(filled.get("seed") or "").strip()
        seed = whole("The seed", text) if text else None
    except UsageError as error:
        faults["seed"] = sentence(error)
    options = filled.get("options") or {}
    try:
        if not isinstance(options, Mapping):
            raise FormError({"engine": f'An engine has options by name, and "{shown(options)}" is none.'})
        engine = _engine(str(filled.get("engine") or AUTO), dict(options), model)
    except FormError as found:
        faults |= found.sentences
    if faults:
        raise FormError(faults)
    return Order(engine, seed, str(filled.get("device") or ""))


def sentence(error: ProbflowError) -> str:
    """Return an error as one line for beside a control."""
    return f"{error.message} {error.hint}" if error.hint else error.message


def _engine(name: str, given: dict[str, Any], model: Any) -> Any:
    """Return the engine, or Auto with the options, or None; raises FormError."""
    from ...inference.auto import Auto

    automatic = _automatic(model)
    if name != AUTO:
        return _built(name, given)
    if not given or not automatic:
        return None
    built = _built(automatic, given)
    return Auto({field: getattr(built, field) for field in given})


def _built(name: str, given: dict[str, Any]) -> Any:
    """Return the engine; the fault of a value stands at its field, one of several together at the engine."""
    try:
        return forms.from_form(name, given)
    except (EngineError, UsageError) as error:
        together = sentence(error)
    alone: dict[str, str] = {}
    for field, value in given.items():
        try:
            forms.from_form(name, {field: value})
        except (EngineError, UsageError) as error:
            alone[field] = sentence(error)
    raise FormError({shown(field): said for field, said in alone.items()} or {"engine": together})


def _automatic(model: Any) -> str:
    """Return the name of the engine that the model would choose, "" where nobody knows yet."""
    from ...inference.auto import choose

    if model is None:
        return ""
    try:
        return type(choose(model).engine).__name__.lower()
    except EngineError:
        return ""


def _made(name: str, options: Mapping[str, Any]) -> Any:
    """Return an engine with some options, None where they do not fit."""
    try:
        return forms.from_form(name, options)
    except (EngineError, UsageError):
        return None


def _offer(value: str, engine: str, at: Any, reason: str, text: str) -> dict[str, Any]:
    fields = forms.json_form(engine, at) if engine else []
    for field in fields:
        field["label"] = field["label"].replace("kl ", "KL ")
        field["default"] = "" if field["default"] is None else _text(field["default"])
    return {"value": value, "text": text, "reason": reason, "fields": fields}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _device_words(device: Any) -> str:
    memory = "" if device.memory is None else f"{device.memory / 2**30:.1f} GiB"
    return " · ".join(part for part in (device.name, device.about, memory) if part)
