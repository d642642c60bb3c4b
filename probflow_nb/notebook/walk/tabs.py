"""Tabs: what the walk through a result consists of; each tab is a name, a Python answer and a JavaScript picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ...errors import ProbflowError, UsageError

# What a tab sends: a dictionary that JSON can hold, and arrays as bytes beside it.
Answer = tuple[dict[str, Any], list[bytes]]


@dataclass(frozen=True)
class Tab:
    """One tab of the walk.

    name: on the strip. module: of this folder, whose `answer(fit, question)` returns an Answer.
    render: the JavaScript function `(panel, ask) -> cleanup or nothing` that draws it.
    """

    name: str
    module: str
    render: str

    def answer(self, fit: Any, question: Mapping[str, Any]) -> Answer:
        """Return what this tab shows of a fit, or of what a question asks of it."""
        found: Answer = import_module(f".{self.module}", __package__).answer(fit, dict(question))
        return found


TABS = (
    Tab("Summary", "summary_tab", "renderSummary"),
    Tab("Posterior", "posterior_tab", "renderPosterior"),
    Tab("Groups", "group_tab", "renderGroups"),
    Tab("Fit", "curve_view", "renderFit"),
    Tab("Checks", "check_tab", "renderChecks"),
    Tab("Model", "model_tab", "renderModel"),
)


def answer(fit: Any, name: str, question: Mapping[str, Any]) -> Answer:
    """Return a tab's answer, a sentence under "fault" where there is none; never raises.

    "broken" says that the fault is not the fit's but ours.
    """
    try:
        tab = next((tab for tab in TABS if tab.name == name), None)
        if tab is None:
            raise UsageError(f"There is no tab {name!r:.60}.")
        return tab.answer(fit, question)
    except ProbflowError as error:
        return {"fault": " ".join(part for part in (error.message, error.hint) if part)}, []
    except Exception as error:  # a picture that fails must not leave the person without a word
        return {"fault": f"This could not be shown ({type(error).__name__}: {str(error)[:200]}).", "broken": True}, []
