"""Past: what is left of the state of a run that cannot go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .newton import Mode


@dataclass(frozen=True, eq=False)
class Past:
    """What a state said of how the run went.

    records: a sampler's figures of every draw by name, (chain, draw). mode: the last point of a climb.
    """

    records: Mapping[str, np.ndarray] = field(default_factory=dict)
    mode: Mode | None = None

    @property
    def sampling(self) -> Past | None:
        """Itself where a sampler left figures, as the state of one has its chains."""
        return self if self.records else None

    def figures(self, each: int) -> dict[str, np.ndarray]:
        """Return the figures of the first draws by name, each (C, each)."""
        return {name: values[:, :each] for name, values in self.records.items()}
