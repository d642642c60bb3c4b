"""Kept: the parts of a fit, written to a file and read from one."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..backend import devices
from ..errors import EngineError, KeepError, ProbflowError
from ..inference.engine import Engine, Optimum, Posterior
from .answers import answer_page, read_answer
from .archive import FORMAT, KIND, damaged, open_archive, write_archive
from .models import model_page, read_model
from .record import Arrays, Record
from .states import engine_page, read_engine, read_state, state_page

# What a file that was made by hand can still make the pipeline raise.
_UNFIT = (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, AssertionError, RecursionError)


@dataclass(frozen=True, eq=False)
class Kept:
    """What a fit is made of; see `fit.Fit`."""

    model: Any
    answer: Posterior | Optimum
    engine: Engine
    seed: int
    seconds: float
    name: str = ""
    stopped: bool = False
    reason: str = ""
    state: Any = None
    device: str = ""


def write(kept: Kept, path: Any) -> Path:
    """Write a fit to a file, whole or not at all, and return its path.

    Raises KeepError for a model or an engine that is a person's own code, and where the file cannot be written.
    """
    place, arrays = _path(path), Arrays()
    draws = kept.answer.draws if isinstance(kept.answer, Posterior) else None
    page = {
        "kind": KIND,
        "format": FORMAT,
        "model": model_page(kept.model, arrays),
        "engine": engine_page(kept.engine),
        "run": {
            "seed": int(kept.seed),
            "seconds": float(kept.seconds),
            "name": kept.name,
            "stopped": bool(kept.stopped),
            "reason": kept.reason,
            "device": kept.device,
        },
        "answer": answer_page(kept.answer, arrays),
        "state": state_page(kept.state, draws, arrays),
    }
    write_archive(place, page, arrays.held)
    return place


def read(path: Any) -> Kept:
    """Return the fit that a file holds, with the same numbers; nothing is fitted, and nothing of the file is run.

    Raises KeepError for a file that is missing, damaged, of another kind or of a newer format.
    """
    with open_archive(_path(path)) as archive:
        try:
            return _kept(Record(archive.page, archive))
        except KeepError:
            raise
        except ProbflowError as error:
            raise damaged(f"text, data and numbers do not fit each other ({error.message.rstrip('.')})") from error
        except _UNFIT as error:
            raise damaged("text, data and numbers do not fit each other") from error


def _kept(page: Record) -> Kept:
    run = page.record("run")
    engine, device = read_engine(page.record("engine")), _here(run.text("device"))
    model = read_model(page.record("model"))
    answer = read_answer(page.record("answer"), model, engine, device)
    seconds = run.number("seconds")
    if not (math.isfinite(seconds) and seconds >= 0):
        raise damaged("its time is no time")
    return Kept(
        model,
        answer,
        engine,
        run.whole("seed", most=2**4000),
        seconds,
        run.text("name"),
        run.flag("stopped"),
        run.text("reason"),
        read_state(page.record("state"), model, engine) if page.has("state") else None,
        device,
    )


def _here(name: str) -> str:
    """Return the device of a fit where this machine has one of that name, else ""."""
    if name in ("", "CPU:0"):
        return name
    try:
        return devices.checked(name)
    except EngineError:
        return ""


def _path(path: Any) -> Path:
    try:
        found = os.fsdecode(os.fspath(path))
    except TypeError:
        raise KeepError(
            f"A file is named by a text or a path, not by {path!r:.60}.", hint='Write, for example, "sleep.fit".'
        ) from None
    if not found or "\0" in found:
        raise KeepError(f"{found!r:.60} is no name of a file.", hint='Write, for example, "sleep.fit".')
    return Path(found).expanduser()
