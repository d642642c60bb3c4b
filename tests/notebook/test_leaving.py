"""A kernel that goes home: what awaits a run there is not answered any more."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

import pytest

from probflow_nb.notebook.cell import leaving
from probflow_nb.notebook.cell.awaiting import over


async def at_once(seconds: float | None = None) -> None:
    """The end of a run that is over."""


@pytest.mark.parametrize("under_way", [False, True])
def test_a_cell_is_answered_unless_the_kernel_is_going(monkeypatch, under_way):
    monkeypatch.setattr(leaving, "_LEAVING", threading.Event())
    if under_way:
        leaving._LEAVING.set()
    training = SimpleNamespace(ended=at_once, active=False)

    async def answered() -> bool:
        done, _ = await asyncio.wait([task := asyncio.ensure_future(over(training))], timeout=0.2 if under_way else 60)
        task.cancel()
        return task in done

    assert asyncio.run(answered()) is not under_way
