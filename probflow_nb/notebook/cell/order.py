"""Order: what one `%%lme` cell asks for, read and checked as far as that goes without computing anything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...design.builder import build
from ...errors import ProbflowError
from ...fit import Fit, Unfitted
from ...inference.auto import Auto
from ...inference.engine import Engine
from ...model.statement_data import read_sources, with_arrays
from ...spec.model_spec import ModelSpec
from ...spec.statement_spec import StatementSpec
from .shelf import Shelf


@dataclass(frozen=True, eq=False)
class Order:
    """A model to be fitted.

    text: as written; spec: what it means. data, arrays, family, engine, seed, device: as `lme` takes them.
    name: that the fit is to be bound to, or "". loader: imports TensorFlow, or None where nobody does. shelf: where the
    fit is kept, or None.
    """

    text: str
    spec: ModelSpec | StatementSpec
    data: Any
    arrays: Mapping[str, Any]
    family: str | None = None
    engine: Engine | Auto | None = None
    seed: int | None = None
    device: str = ""
    name: str = ""
    loader: threading.Thread | None = None
    shelf: Shelf | None = None

    def prepare(self, say: Callable[[str], None]) -> Unfitted:
        """Return the compiled model.

        say: told what is waited for. Raises ProbflowError, a fault of the data at once.
        """
        from ... import api

        self.await_backend(say)
        return api.prepare(self.text, self.data, arrays=self.arrays, family=self.family, name=self.name)

    def fit(self, progress: Any) -> Fit:
        """Return the fit, blocking; progress: as in `lme`."""
        from ... import api

        return api.lme(
            self.text,
            self.data,
            arrays=self.arrays,
            engine=self.engine,
            seed=self.seed,
            family=self.family,
            name=self.name,
            progress=progress,
            device=self.device,
        )

    def await_backend(self, say: Callable[[str], None]) -> None:
        """Wait while TensorFlow is still being loaded; a fault in the data is said at once, without it."""
        if self.loader is None or not self.loader.is_alive():
            return
        try:
            if isinstance(self.spec, ModelSpec):
                build(self.spec, with_arrays(self.spec, self.data, self.arrays))
            else:
                read_sources(self.spec, self.data, self.arrays)
        except ProbflowError as error:
            raise error.within(self.spec.source) from None
        while self.loader.is_alive():
            say("loading TensorFlow")
            self.loader.join(0.1)
