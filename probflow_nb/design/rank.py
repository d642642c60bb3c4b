"""Rank: which columns of a model matrix the others already determine, and how, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .wording import figure

# A column is dependent if projecting out the earlier ones leaves less than this part of its length.
TOLERANCE = 1e-7
# Beside a constant, lengths are about the mean; a column whose spread is below this part of it is constant.
_CONSTANT = 1e-11
_TERMS = 3


def dependent_columns(X: np.ndarray, names: Sequence[str], *, constant: bool) -> dict[int, str]:
    """Return the columns that earlier ones determine, each with the combination in words.

    X: (n, p). names: p names. constant: whether column 0 is all ones.
    Columns are kept from the left, as in R's lm, so of two equal columns the second is named.
    """
    n, p = X.shape
    if p == 0 or n == 0 or _surely_full(X, constant):
        return {}
    largest = np.abs(X).max(axis=0)
    largest[largest == 0] = 1.0
    scaled = X / largest
    means = scaled.mean(axis=0) if constant else np.zeros(p)
    if constant:
        means[0] = 0.0
    centred = scaled - means
    lengths = np.sqrt(np.einsum("np,np->p", centred, centred))
    flat = lengths <= _CONSTANT * np.sqrt(lengths**2 + n * means**2)
    lengths[flat] = 1.0
    R = np.asarray(np.linalg.qr(np.where(flat, 0.0, centred / lengths), mode="r"))
    return _sweep(R, names, _Scales(means, lengths, largest, flat), constant)


@dataclass(frozen=True, eq=False)
class _Scales:
    """X = largest * (means + lengths * unit), column by column, each (p,); flat columns have unit 0."""

    means: np.ndarray
    lengths: np.ndarray
    largest: np.ndarray
    flat: np.ndarray


def _surely_full(X: np.ndarray, constant: bool) -> bool:
    """Return True if the columns are far from dependent, by one cheap product; False leaves it open."""
    with np.errstate(over="ignore", invalid="ignore"):
        G = X.T @ X
        if constant:
            raw = np.diag(G)[1:]
            G = G[1:, 1:] - np.outer(G[0, 1:], G[0, 1:]) / len(X)
            # Where the mean dwarfs the spread this difference has lost its digits.
            if not (np.diag(G) > 1e-6 * raw).all():
                return False
        sizes = np.diag(G)
        if not np.isfinite(G).all() or not (sizes > 1e-200).all():
            return False
    roots = np.sqrt(sizes)
    return len(G) == 0 or bool(np.linalg.eigvalsh(G / roots / roots[:, None])[0] > 1e-6)


def _sweep(R: np.ndarray, names: Sequence[str], scales: _Scales, constant: bool) -> dict[int, str]:
    """Project each column of R (q, p) on the kept ones before it."""
    found: dict[int, str] = {}
    kept: list[int] = []
    Q = np.empty((R.shape[0], 0))
    for j in range(R.shape[1]):
        rest = R[:, j] - Q @ (Q.T @ R[:, j])
        rest -= Q @ (Q.T @ rest)
        left = float(np.linalg.norm(rest))
        if not scales.flat[j] and left > TOLERANCE:
            kept.append(j)
            Q = np.column_stack([Q, rest / left])
            continue
        offset, slopes = _combination(R, kept, j, scales, constant)
        found[j] = _words(offset, {names[k]: slope for k, slope in slopes.items()})
    return found


def _combination(
    R: np.ndarray, kept: list[int], j: int, scales: _Scales, constant: bool
) -> tuple[float, dict[int, float]]:
    """Return column j as offset + sum of slope * column over the kept columns."""
    means, lengths, largest = scales.means, scales.lengths, scales.largest
    slopes: dict[int, float] = {}
    if kept and not scales.flat[j]:
        weights, *_ = np.linalg.lstsq(R[:, kept], R[:, j], rcond=None)
        slopes = {k: float(w * lengths[j] / lengths[k]) for k, w in zip(kept, weights) if abs(w) > 1e-7}
    offset = float(means[j]) - sum(slope * float(means[k]) for k, slope in slopes.items())
    size = abs(float(means[j])) + sum(abs(slope * float(means[k])) for k, slope in slopes.items())
    offset = 0.0 if abs(offset) <= 1e-9 * size else offset
    # Column 0 is the constant, so its slope and the offset are one thing.
    offset += slopes.pop(0, 0.0) if constant else 0.0
    unit = float(largest[j])
    return offset * unit, {k: slope * (unit / float(largest[k])) for k, slope in slopes.items()}


def _words(offset: float, slopes: dict[str, float]) -> str:
    if not slopes and offset == 0:
        return "0 in every row"
    if not slopes:
        return f"constant ({figure(offset)})"
    if len(slopes) + (offset != 0) > _TERMS:
        names = list(slopes)
        shown = ", ".join(names[:_TERMS])
        return f"a combination of {shown}{', ...' if len(names) > _TERMS else ''}"
    parts = [(offset, figure(abs(offset)))] if offset else []
    for name, slope in slopes.items():
        size = figure(abs(slope))
        parts.append((slope, name if size == "1" else f"{size} x {name}"))
    first, *others = parts
    text = ("-" if first[0] < 0 else "") + first[1]
    return text + "".join(f" {'-' if value < 0 else '+'} {part}" for value, part in others)
