"""Simulation-based calibration of a model's engine, as `calibrate` makes it, for models that tests name.

Everything is what a user's call goes through but the reading of the frame: priors, sampler of the family, the engine
that the model chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import probflow_nb as pf
from probflow_nb.inference.auto import Auto
from probflow_nb.plan.calibration import Calibration, gathered
from probflow_nb.plan.ranks import ranked


@dataclass(frozen=True, eq=False)
class Case:
    """A model to calibrate: its text with narrow proper priors, its predictors, and a response that could be."""

    text: str
    family: str
    frame: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=lambda: {"draws": 1000})


def calibrate(case: Case, simulations: int, seed: int) -> Calibration:
    """Return the ranks of `simulations` data sets of a case."""
    model = pf.prepare(case.text, case.frame, family=case.family).model
    return gathered(case.text, list(ranked(model, simulations, Auto(case.options), seed)), simulations, seed)
