"""A real IPython shell with the extension, and a pipeline that answers at once in place of the real one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from probflow_nb.posterior.verdict import Verdict


@dataclass
class QuickFit:
    """What the stand-in pipeline returns: it remembers what it was asked."""

    formula: str
    data: Any
    engine: Any
    seed: int | None
    family: str | None
    name: str
    arrays: dict[str, Any] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=lambda: Verdict("fine", "All is well."))

    @property
    def model(self) -> Any:
        return SimpleNamespace(design=SimpleNamespace(y=np.zeros(180)))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": f"fit of {self.formula}", "text/html": f"<p>fit of {self.formula}</p>"}


class QuickModel(QuickFit):
    """The stand-in for a model that is not fitted yet."""


@pytest.fixture
def ip(tmp_path, monkeypatch) -> Iterator[Any]:
    """A shell of its own with the extension loaded and nothing loading in the background."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    config = Config()
    config.LmeMagics.preload = False
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.extension_manager.load_extension("probflow_nb")
    yield shell
    shell.extension_manager.unload_extension("probflow_nb")
    InteractiveShell.clear_instance()


@pytest.fixture
def quick(monkeypatch) -> list[QuickFit]:
    """Replace the pipeline; the list holds every fit that was asked for."""
    import probflow_nb.api
    import probflow_nb.fit

    asked: list[QuickFit] = []

    def answer(kind: type) -> Any:
        def lme(
            text: str,
            data: Any,
            *,
            arrays: Any = None,
            engine: Any = None,
            seed: int | None = None,
            family: str | None = None,
            name: str = "",
            progress: Any = None,
            device: str = "",
        ) -> QuickFit:
            asked.append(kind(text.strip(), data, engine, seed, family, name, arrays=arrays or {}))
            return asked[-1]

        return lme

    monkeypatch.setattr(probflow_nb.api, "lme", answer(QuickFit))
    monkeypatch.setattr(probflow_nb.api, "prepare", answer(QuickModel))
    monkeypatch.setattr(probflow_nb.fit, "Unfitted", QuickModel)
    monkeypatch.setattr(probflow_nb.fit, "Fit", QuickFit)
    return asked
