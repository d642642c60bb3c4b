"""Unfitted: a model that waits for its fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..display.card import Card
from ..display.progress import Progress
from ..inference import Auto, Run, start
from ..inference.engine import Engine
from ..posterior.summary import Summary
from ..posterior.verdict import Verdict
from .fit import Fit, finish
from .shown import Shown


@dataclass(frozen=True, eq=False, repr=False)
class Unfitted(Shown):
    """A compiled model that is not fitted yet; shows its mathematics and priors."""

    model: Any
    name: str = ""

    @property
    def verdict(self) -> Verdict:
        """That there is nothing to trust yet."""
        return Verdict("none", "Not fitted yet.")

    def run(self, engine: Engine | Auto | str | None = None, seed: int | None = None, device: str = "") -> Run:
        """Return a run, nothing done yet; without an engine the model decides."""
        return start(self.model, engine, seed, device)

    def fit(
        self,
        engine: Engine | Auto | str | None = None,
        seed: int | None = None,
        progress: Progress | None = None,
        device: str = "",
    ) -> Fit:
        """Fit the model; see `lme` for the arguments."""
        return finish(self.run(engine, seed, device), self.name, progress)

    @cached_property
    def card(self) -> Card:
        """What the model shows."""
        return Card(
            title=self.name,
            formula=self.formula,
            equation=self.facts.equation,
            verdict=self.verdict,
            summary=Summary((), ()),
            priors=self.facts.priors,
            notes=self.facts.notes,
            roles=self.facts.roles,
        )
