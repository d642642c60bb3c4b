"""Panel: the controls of a training and its pictures while it runs, as a widget; one line once it is over.

Everything that it shows stands in traits, so that a reloaded page shows it again; everything that a person does comes
as a message. A message may arrive on any thread, and none of them waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import traitlets

from ...display import escape
from ...errors import ProbflowError
from .. import message
from ..cell.training import Snapshot, Training
from ..front import front
from . import engine_form, live, panel_words
from .engine_form import FormError

_SHARE = 0.02  # of the run's time that drawing may take
_LEAST = 0.19  # seconds between two drawings
_JUDGED = 1.0  # seconds between two looks for the scalar to be traced


class Panel(anywidget.AnyWidget):
    """The panel of a training.

    training: what it shows and steers. seen: whether a front end has shown it.
    """

    _esm = traitlets.Unicode(front("draw.js", "panel_form.js", "panel.js")).tag(sync=True)
    _css = traitlets.Unicode(front("theme.css", "panel.css")).tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    form = traitlets.Dict().tag(sync=True)
    faults = traitlets.Dict().tag(sync=True)
    pictures = traitlets.Dict().tag(sync=True)
    curves = traitlets.Bytes(b"").tag(sync=True)
    line = traitlets.Bytes(b"").tag(sync=True)

    def __init__(self, training: Training, **words: Any) -> None:
        self.training = training
        self.seen = False
        self._guard = threading.RLock()
        self._artist = Artist()
        self._closed = False
        self._steered: dict[str, float] = {}
        self._steered_at = -1
        super().__init__(**words)
        self.state = panel_words.state(training, training.snapshot)
        training.watch(self._show)
        self.on_msg(self._heard)
        if training.snapshot.status == "idle":
            self._offer()

    def close(self) -> None:
        """Take the widget away and look at the training no more."""
        with self._guard:
            known, self._closed = self._closed, True
        if not known:
            self.training.unwatch(self._show)
        super().close()

    # From the training to the page -----------------------------------------------------------------------------------

    def _show(self, snapshot: Snapshot) -> None:
        """Publish a snapshot, in one message; told by the training on any of its threads."""
        with self._guard:
            if self._closed:
                return
            if snapshot.step != self._steered_at:
                self._steered = {}
            drawn = self._artist.draw(snapshot, self.training)
            with self.hold_sync():
                self.state = panel_words.state(self.training, snapshot, self._steered)
                if drawn is not None:
                    self.pictures, self.curves, self.line = drawn

    def _offer(self) -> None:
        """Fill the form in beside the notebook: it has to load the back end, and to ask every engine."""
        threading.Thread(target=self._offered, name="probflow-form", daemon=True).start()

    def _offered(self) -> None:
        training = self.training
        model = training.model.model if training.model is not None else None
        found = engine_form.form(model, training.engine, training.seed, training.device)
        with self._guard:
            if not self._closed:
                self.form = found

    # From the page to the training -----------------------------------------------------------------------------------

    def _heard(self, widget: Any, content: Any, buffers: Any) -> None:
        """Do what a message asks for; what cannot be done is said beside the control."""
        kind, content = message.opened(content)
        deeds: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "hello": self._hello,
            "form": lambda content: self._offer(),
            "start": self._start,
            "more": self._more,
            "pause": lambda content: self.training.pause(),
            "resume": lambda content: self.training.resume(),
            "stop": lambda content: self.training.stop(),
            "steer": self._steer,
            "trace": self._trace,
        }
        if kind not in deeds:
            return
        try:
            deeds[kind](content)
        except FormError as found:
            self._blame(found.sentences)
        except ProbflowError as error:
            where = message.text(content.get("name")) if kind == "steer" else kind
            self._blame({where or kind: engine_form.sentence(error)})
        except Exception as error:  # the panel is there for the next click, whatever this one was
            self._blame({kind: message.broken(error)})

    def _hello(self, content: Mapping[str, Any]) -> None:
        self.seen = True

    def _start(self, content: Mapping[str, Any]) -> None:
        model = self.training.model.model if self.training.model is not None else None
        wanted = engine_form.order(content, model)
        self._blame({})
        self.training.start(engine=wanted.engine, seed=wanted.seed, device=wanted.device)

    def _more(self, content: Mapping[str, Any]) -> None:
        amount = panel_words.amount(content.get("amount"), str(content.get("unit") or "draws"))
        self._blame({})
        self.training.more(**amount)

    def _steer(self, content: Mapping[str, Any]) -> None:
        name = str(content.get("name", ""))
        value = panel_words.steered(self.training.run, name, content.get("value"))
        self._blame({})
        self.training.steer(**{name: value})
        with self._guard:  # the engine says it with its next step, which may be long in coming
            self._steered, self._steered_at = self._steered | {name: value}, self.training.snapshot.step
        self._show(self.training.snapshot)

    def _trace(self, content: Mapping[str, Any]) -> None:
        with self._guard:
            self._artist.choose(content.get("name"))
        self._show(self.training.snapshot)

    def _blame(self, sentences: Mapping[str, str]) -> None:
        with self._guard:
            self.faults = dict(sentences)


class Artist:
    """Draws snapshots, no more often than they cost little; remembers the axes, so that pictures stay still.

    chosen: name of the scalar to be traced as it is shown, "" for the one that mixes worst. due: when to draw next.
    """

    def __init__(self) -> None:
        self.chosen = ""
        self.due = 0.0
        self._axes: dict[str, live.Range] = {}
        self._phase = ""
        self._scalars: tuple[live.Scalar, ...] = ()
        self._worst = ""
        self._judged = 0.0
        self._glimpse: Any = None
        self._last: Any = None

    def choose(self, name: Any) -> None:
        """Trace the scalar of this name from now on, the one that mixes worst for any other."""
        known = any(name == escape.plain(scalar.name) for scalar in self._scalars)
        self.chosen, self.due = name if known else "", 0.0

    def draw(self, snapshot: Snapshot, training: Training) -> tuple[dict[str, Any], bytes, bytes] | None:
        """Return words, curves and line of a snapshot's pictures; None where it is too early or nothing is new."""
        began, worked = time.perf_counter(), time.thread_time()
        if snapshot.status == "running" and snapshot.glimpse is None and not len(snapshot.trail):
            return self._clear()
        settled = not snapshot.active or snapshot.status == "paused"
        if (
            snapshot.phase != self._phase or not snapshot.active
        ):  # what was shown before is another's range, or too wide
            self._phase, self._axes = snapshot.phase, {}
        fresh = (snapshot.glimpse, len(snapshot.trail), self.chosen, snapshot.active)
        if (began < self.due and not settled) or fresh == self._last:
            return None
        self._last = fresh
        curves = self._curves(snapshot, training)
        line = self._line(snapshot)
        words = {
            "scalars": [curve.words() for curve in curves],
            "hidden": max(0, len(snapshot.glimpse.names) - len(self._scalars)) if snapshot.glimpse else 0,
            "cells": live.CELLS,
            "line": line.words() if line else {},
            "traceable": [escape.plain(s.name) for s in self._scalars] if line and line.kind == "trace" else [],
            "chosen": self.chosen,
        }
        packed = (
            words,
            live.packed(*(curve.heights for curve in curves)),
            live.packed(line.x, line.values) if line else b"",
        )
        self.due = began + max(_LEAST, (time.thread_time() - worked) / _SHARE)
        return packed

    def _clear(self) -> tuple[dict[str, Any], bytes, bytes] | None:
        """Take the pictures of an earlier run away, once."""
        if self._last is None:
            return None
        chosen = self.chosen
        self.__init__()  # type: ignore[misc]
        self.chosen = chosen
        return {}, b"", b""

    def _curves(self, snapshot: Snapshot, training: Training) -> list[live.Curve]:
        glimpse = snapshot.glimpse
        if glimpse is None:
            return []
        if tuple(s.name for s in self._scalars) != glimpse.names[: live.MOST_SCALARS]:
            facts = training.model.facts if training.model is not None else None
            self._scalars, self._axes = live.scalars(glimpse.names, facts), {}
        found = []
        for i, scalar in enumerate(self._scalars):
            curve = live.curve(scalar, glimpse.values[:, :, i].ravel(), self._axes.get(scalar.name))
            if curve is not None:
                self._axes[scalar.name] = curve.axis
                found.append(curve)
        return found

    def _line(self, snapshot: Snapshot) -> live.Line | None:
        glimpse = snapshot.glimpse
        if glimpse is None or not glimpse.ordered or not self._scalars:
            return self._kept(live.objective(snapshot.trail, self._axes.get("\nobjective")), "\nobjective")
        now = time.perf_counter()
        if now >= self._judged:
            self._worst = live.worst(glimpse, self._worst)
            self._judged = now + _JUDGED
        shown = [escape.plain(s.name) for s in self._scalars]
        names = [s.name for s in self._scalars]
        at = shown.index(self.chosen) if self.chosen in shown else 0
        if self.chosen not in shown and self._worst in names:
            at = names.index(self._worst)
        key = f"\ntrace {at}"
        return self._kept(live.trace(self._scalars[at], glimpse.values[:, :, at], self._axes.get(key)), key)

    def _kept(self, line: live.Line | None, key: str) -> live.Line | None:
        if line is not None:
            self._axes[key] = line.axis
        return line
