"""Background: the stand-in that a name holds while its fit is still being made."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import fields
from functools import cache
from typing import Any

from ...fit import Fit
from .awaiting import over
from .training import Training


class StandIn:
    """A fit that is not there yet; asking it anything waits for that, and lets a paused run go on.

    An interrupt of the waiting stops the run and keeps what there is. Raises what ended a run that has no fit.
    `training_of` asks a stand-in for its run without waiting.
    """

    __slots__ = ("__weakref__", "_found", "_name", "_training")

    def __init__(self, training: Training) -> None:
        self._training = training
        self._name = training.name
        self._found: Fit | None = None

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # so that isinstance(sleep, Fit) holds
        return Fit

    @property
    def name(self) -> str:
        """The fit's name in the notebook, known from the start."""
        return self._name

    def __getattr__(self, name: str) -> Any:
        # Who looks for a method that no fit has must not wait for the answer: displays and completions do.
        if name not in _known():
            raise AttributeError(f"'Fit' object has no attribute '{name}'")
        return getattr(_answer(self), name)

    def __repr__(self) -> str:
        return repr(_answer(self))

    def __dir__(self) -> list[str]:
        return sorted(_known())

    def __await__(self) -> Generator[Any, Any, Fit]:
        return _awaited(self).__await__()

    def __copy__(self) -> Fit:
        return _answer(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Fit:
        return _answer(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _answer(self).__reduce_ex__(protocol)


def training_of(value: Any) -> Training | None:
    """Return the run that a stand-in waits for, None for anything else and once its fit is there; waits for nothing."""
    if type(value) is not StandIn or value._found is not None:
        return None
    return value._training


def settle(stand_in: StandIn, fit: Fit) -> None:
    """Give a stand-in the fit that it stood for, once; a later run of the same model changes it no more."""
    if stand_in._found is None:
        stand_in._found = fit


def _answer(stand_in: StandIn) -> Fit:
    """Wait for the fit, blocking."""
    if stand_in._found is None:
        training = stand_in._training
        training.resume()
        while training.active:
            try:
                training.wait()
            except KeyboardInterrupt:
                training.stop()
    return stand_in._found or stand_in._training.answer()


async def _awaited(stand_in: StandIn) -> Fit:
    """Wait for the fit while the notebook's event loop goes on."""
    if stand_in._found is None:
        stand_in._training.resume()
        await over(stand_in._training)
    return stand_in._found or stand_in._training.answer()


@cache
def _known() -> frozenset[str]:
    return frozenset(dir(Fit)) | {field.name for field in fields(Fit)}
