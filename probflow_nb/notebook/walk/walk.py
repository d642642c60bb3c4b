"""Walk: tabs between a fit's panel and its static form, whose contents are asked for when they are opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anywidget
import traitlets

from ...fit import Fit
from ..front import front, known
from ..message import identity, opened
from .naming import named
from .tabs import TABS, answer

_SCRIPTS = (
    "draw.js",
    "tables.js",
    "levels.js",
    "posterior.js",
    "groups.js",
    "checks.js",
    "model.js",
    "curves.js",
    "walk.js",
)
_STYLES = ("theme.css", "walk.css", "curves.css")


class Walk(anywidget.AnyWidget):
    """The tabs of a fit: Summary, Posterior, Groups, Fit, Checks, Model.

    The page asks for what a tab shows by a message of its own, {"kind": "ask", "id", "tab", "question"}, and is
    answered at once on the thread that heard it. version: goes up with every new fit, so that the page asks again.
    """

    _esm = front(*known(*_SCRIPTS))
    _css = front(*known(*_STYLES))
    version = traitlets.Int(0).tag(sync=True)
    name = traitlets.Unicode("").tag(sync=True)
    tabs = traitlets.List(traitlets.Unicode(), [tab.name for tab in TABS]).tag(sync=True)

    def __init__(self, fit: Fit) -> None:
        super().__init__(name=named(fit.name))
        self._fit = fit
        self.on_msg(self._heard)

    @property
    def fit(self) -> Fit:
        """The fit that is walked through."""
        return self._fit

    @fit.setter
    def fit(self, newer: Fit) -> None:
        self._fit = newer
        with self.hold_sync():
            self.name = named(newer.name)
            self.version += 1

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        kind, content = opened(content)
        if kind != "ask":
            return
        asked = content.get("question")
        version, fit = self.version, self._fit
        found, arrays = answer(fit, str(content.get("tab")), asked if isinstance(asked, Mapping) else {})
        self.send({"kind": "answer", "id": identity(content), "version": version, "content": found}, arrays)
