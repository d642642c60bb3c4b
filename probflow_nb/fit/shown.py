"""Shown: what a fit and a model that is not fitted have in common."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

from ..display.bundle import mimebundle
from ..display.card import Card
from ..errors import FitError
from ..spec.model_spec import ModelSpec
from .facts import Facts, facts


class Shown:
    """A model, fitted or not, that shows itself."""

    model: Any
    name: str

    @property
    def card(self) -> Card:
        """Everything that is shown, as plain values."""
        raise TypeError(f"{type(self).__name__} shows nothing.")

    @cached_property
    def facts(self) -> Facts:
        """The model's mathematics, priors and data in words."""
        return facts(self.model)

    @property
    def spec(self) -> ModelSpec:
        """The model's meaning, with a prior for every parameter; `spec.text()` prints it."""
        spec = getattr(self.model, "spec", None)
        if spec is None:
            raise FitError(
                "A model of one's own has no formula with default priors.",
                hint="Its parameters and their priors are shown when it is displayed.",
            )
        return spec

    @property
    def formula(self) -> str:
        """The formula in one line."""
        return self.facts.formula

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        return mimebundle(self.card, include, exclude)

    def __repr__(self) -> str:
        return mimebundle(self.card, ["text/plain"])["text/plain"]
