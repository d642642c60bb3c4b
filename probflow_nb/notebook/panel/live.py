"""Live pictures: draws so far as small curves that a page can draw, a few kilobytes each time.

A curve's axis grows at once with what it must hold and shrinks slowly, so that a picture does not jump.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...display import escape
from ...display.density import density
from ...inference.engine import Glimpse
from ...posterior.diagnostics import rhat

CELLS = 64  # of a density
MOST_SCALARS = 48  # that are drawn while the engine runs
_MOST_POINTS = 300  # of a line
_MOST_CHAINS = 8
_AIR = 0.08  # of its width that an axis has left beyond what it must hold
_SHRINK = 0.3  # of the way that a far too wide axis goes at each drawing
_CLEARLY = 0.02  # rhat by which another scalar must be worse to be traced instead
_BOUNDS = {"variance": (0.0, math.inf), "correlation": (-1.0, 1.0)}

Range = tuple[float, float]


@dataclass(frozen=True)
class Scalar:
    """What is known of a scalar before its draws: its name and role, and where it may be."""

    name: str
    role: str = ""
    bounds: Range = (-math.inf, math.inf)


@dataclass(frozen=True, eq=False)
class Curve:
    """A density taking shape: heights (CELLS,) over equal cells of `span`, mean, 95% interval; axis: what is shown."""

    scalar: Scalar
    span: Range
    heights: np.ndarray
    mean: float
    interval: Range
    axis: Range

    def words(self) -> dict[str, Any]:
        """Return what the page needs besides the heights; names are shortened as everywhere."""
        return {
            "name": escape.plain(self.scalar.name),
            "role": self.scalar.role,
            "span": self.span,
            "mean": self.mean,
            "interval": self.interval,
            "axis": self.axis,
        }


@dataclass(frozen=True, eq=False)
class Line:
    """Lines over one x: kind "objective" or "trace", of which scalar, values (lines, m) less `centre`, x (m,)."""

    kind: str
    name: str
    x: np.ndarray
    values: np.ndarray
    centre: float
    axis: Range

    def words(self) -> dict[str, Any]:
        """Return what the page needs besides the numbers."""
        return {
            "kind": self.kind,
            "name": escape.plain(self.name),
            "centre": self.centre,
            "axis": self.axis,
            "lines": len(self.values),
        }


def scalars(names: tuple[str, ...], facts: Any) -> tuple[Scalar, ...]:
    """Return the scalars that are drawn, at most MOST_SCALARS; facts: the model's, or None."""
    roles: Mapping[str, str] = facts.roles if facts is not None else {}
    bounds: Mapping[str, Range] = facts.bounds if facts is not None else {}
    found = []
    for name in names[:MOST_SCALARS]:
        role = roles.get(name, "")
        found.append(Scalar(name, role, bounds.get(name) or _BOUNDS.get(role, (-math.inf, math.inf))))
    return tuple(found)


def curve(scalar: Scalar, draws: np.ndarray, before: Range | None = None) -> Curve | None:
    """Return the density of a scalar's draws (S,), its axis settled by the one before; None without finite draws."""
    draws = draws[np.isfinite(draws)]
    if not len(draws):
        return None
    mean = float(draws.mean())
    low, high = (float(q) for q in np.quantile(draws, (0.025, 0.975)))
    bottom, top = scalar.bounds
    inside = draws[(draws >= bottom) & (draws <= top)]
    spread = float(np.quantile(inside, 0.75) - np.quantile(inside, 0.25)) if len(inside) > 1 else 0.0
    if spread <= 1e-9 * max(abs(mean), 1e-300):  # all the same: a picture of nothing but the mean
        half = 0.5 * abs(mean) or 1.0
        span = (max(bottom, mean - half), min(top, mean + half))
        return Curve(scalar, span, np.zeros(CELLS), mean, (low, high), settled(before, span, scalar.bounds))
    centres, heights = density(inside, bottom, top, CELLS)
    half = (centres[1] - centres[0]) / 2
    span = (float(centres[0] - half), float(centres[-1] + half))
    return Curve(scalar, span, heights, mean, (low, high), settled(before, span, scalar.bounds))


def settled(before: Range | None, needed: Range, bounds: Range = (-math.inf, math.inf)) -> Range:
    """Return an axis that holds `needed`: the one before where it will do, wider at once, narrower slowly."""
    low, high = needed
    air = _AIR * (high - low)
    wanted = (max(low - air, min(bounds[0], low)), min(high + air, max(bounds[1], high)))
    if before is None or before[1] < low or before[0] > high:
        return wanted
    start = before[0] if before[0] <= low else wanted[0]
    stop = before[1] if before[1] >= high else wanted[1]
    if stop - start > 1.6 * (wanted[1] - wanted[0]):
        start, stop = start + _SHRINK * (wanted[0] - start), stop + _SHRINK * (wanted[1] - stop)
    return start, stop


def objective(trail: np.ndarray, before: Range | None = None) -> Line | None:
    """Return the objective's line from its trail (m, 2); the first climb may begin below the picture."""
    if len(trail) < 2:
        return None
    trail = trail[np.linspace(0, len(trail) - 1, min(len(trail), _MOST_POINTS)).astype(int)]
    x, y = trail[:, 0], trail[:, 1]
    late = y[len(y) // 4 :]
    low, high = float(np.min(late)), float(np.max(y))
    if high <= low:
        low, high = low - 0.5, high + 0.5
    axis = settled(before, (low, high))
    return _centred("objective", "", x, np.where(y < axis[0], np.nan, y)[None], axis)


def trace(scalar: Scalar, chains: np.ndarray, before: Range | None = None) -> Line | None:
    """Return the trace of a scalar from its draws (chain, draw), thinned."""
    chains = chains[:_MOST_CHAINS]
    if chains.shape[1] < 2 or not np.isfinite(chains).any():
        return None
    kept = np.linspace(0, chains.shape[1] - 1, min(chains.shape[1], _MOST_POINTS)).astype(int)
    finite = chains[np.isfinite(chains)]
    low, high = float(finite.min()), float(finite.max())
    if high <= low:
        low, high = low - 0.5, high + 0.5
    return _centred("trace", scalar.name, kept, chains[:, kept], settled(before, (low, high)))


def worst(glimpse: Glimpse, before: str = "") -> str:
    """Return the name of the scalar whose chains agree least; the one before unless another is clearly worse."""
    if glimpse.values.shape[1] < 8 or not glimpse.names:
        return before or (glimpse.names[0] if glimpse.names else "")
    found = np.nan_to_num(rhat(glimpse.values), nan=1.0, posinf=1e9)
    most = int(np.argmax(found))
    if before in glimpse.names and found[most] - found[glimpse.names.index(before)] < _CLEARLY:
        return before
    return glimpse.names[most]


def packed(*arrays: np.ndarray) -> bytes:
    """Return arrays one after the other as 32-bit floats."""
    return b"".join(np.ascontiguousarray(array, dtype="<f4").tobytes() for array in arrays)


def _centred(kind: str, name: str, x: np.ndarray, values: np.ndarray, axis: Range) -> Line:
    centre = (axis[0] + axis[1]) / 2  # 32-bit floats hold what is left of a large number exactly enough
    return Line(kind, name, x, values - centre, centre, axis)
