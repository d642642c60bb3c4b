"""Which family a model gets: what is global, what belongs to levels, which coordinates are hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..errors import EngineError
from ..model.density import Axes, Density, Slot
from ..model.joint_density import JointDensity
from .variational_family import Structure

RANKS = ("structured", "full", "mean-field")
# Up to this many unconstrained numbers a model of one's own gets a full covariance, whatever its structure,
_FULL = 200
# and without levels that could be independent given the rest up to this many.
_FULL_WITHOUT_LEVELS = 500
# Small factors join the global coordinates up to this many of them,
_GLOBAL = 100
# and as long as the whole family has at most this many numbers.
_NUMBERS = 3_000_000
# More nonlinear coordinates than this are not hyperparameters but data.
_HYPER = 12


def choose_rank(density: Density, rank: str | None) -> str:
    """Return the rank that a model gets unless a person chose one.

    A compiled mixed model with group effects: structured. Others: full where they are small; else structured where
    levels have a prior of their own, else mean-field.
    """
    if rank is not None:
        return rank
    levels = bool(_levels(density))
    if isinstance(density, JointDensity) and levels:
        return "structured"
    if density.size <= (_FULL if levels else _FULL_WITHOUT_LEVELS):
        return "full"
    return "structured" if levels else "mean-field"


def structure_of(density: Density, rank: str, inputs: Mapping[str, Any]) -> Structure:
    """Return the family's structure.

    Raises EngineError for a structured family of a model without levels, or a full one that memory does not hold.
    """
    D = density.size
    if rank == "mean-field":
        return Structure(np.arange(D, dtype=np.int32), 0, ((D, 1),))
    local: list[Slot] = []
    if rank == "structured":
        local = _local(density)
        if not local:
            raise EngineError(
                "This model has no levels that could be independent given the rest, so VI has no structure to use.",
                hint='Write VI(rank="full"), or VI() to let the model decide.',
            )
    elif D * D > 2 * _NUMBERS:
        raise EngineError(
            f"A full covariance of {D:,} numbers is too large.",
            hint='Write VI(rank="structured") or VI(rank="mean-field").',
        )
    own = np.concatenate([np.zeros(0, int), *(np.arange(slot.start, slot.stop) for slot in local)])
    others = np.setdiff1d(np.arange(D), own)
    hyper = _hyperparameters(density, others, inputs)
    order = np.concatenate([hyper, np.setdiff1d(others, hyper), own]).astype(np.int32)
    return Structure(order, D - len(own), tuple(_shape(density, slot) for slot in local), len(hyper))


def _levels(density: Density) -> list[Slot]:
    """Return the slots whose levels have a prior of their own that depends on other parameters, largest first."""
    names = {axes.name for axes in density.effects if _hierarchical(density, axes)}
    found = [slot for slot in density.slots if slot.name in names and slot.stop - slot.start == _n(density, slot)]
    return sorted(found, key=lambda slot: slot.start - slot.stop)


def _hierarchical(density: Density, axes: Axes) -> bool:
    """Return whether the units of an effect are among those that may be centred."""
    return any(unit.startswith((f"{axes.name}[", f"{axes.factor} ")) for unit in density.centrings)


def _local(density: Density) -> list[Slot]:
    """Return the slots that stay by levels: the largest, and those too large to join the global coordinates."""
    slots = _levels(density)
    while len(slots) > 1:
        smallest = slots[-1]
        rest = sum(slot.stop - slot.start for slot in slots[:-1])
        G = density.size - rest
        columns = max(_shape(density, slot)[1] for slot in slots[:-1])
        if G > _GLOBAL or rest * (G + columns) > _NUMBERS:
            break
        slots.remove(smallest)
    return sorted(slots, key=lambda slot: slot.start)


def _shape(density: Density, slot: Slot) -> tuple[int, int]:
    """Return (J, k) of a slot by levels."""
    axes = next(axes for axes in density.effects if axes.name == slot.name)
    return len(axes.levels), len(axes.columns)


def _n(density: Density, slot: Slot) -> int:
    J, k = _shape(density, slot)
    return J * k


def _hyperparameters(density: Density, among: np.ndarray, inputs: Mapping[str, Any]) -> np.ndarray:
    """Return those of `among` whose value is not linear in z: scales, correlations; none if there are too many.

    A slot counts as a whole: with all else 0 its values at z, -z and 0 are v(z) + v(-z) = 2 v(0) where they are linear.
    One that has no value of its own name holds covariance parameters.
    """
    tf = load()
    z = np.zeros((2 * len(density.slots) + 1, density.size))
    for i, slot in enumerate(density.slots):
        z[2 * i + 1, slot.start : slot.stop] = 0.5 + 0.1 * np.sin(np.arange(slot.start, slot.stop))
        z[2 * i + 2] = -z[2 * i + 1]
    values = {name: value.numpy() for name, value in density.constrain(tf.constant(z), inputs).items()}
    found = [np.zeros(0, int)]
    for i, slot in enumerate(density.slots):
        v = values.get(slot.name)
        bent = np.inf if v is None else np.max(np.abs(v[2 * i + 1] + v[2 * i + 2] - 2 * v[0]), initial=0.0)
        if bent > 1e-8:
            found.append(np.arange(slot.start, slot.stop))
    hyper = np.intersect1d(np.concatenate(found), among)
    return hyper if len(hyper) <= _HYPER else np.zeros(0, int)
