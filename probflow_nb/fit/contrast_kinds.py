"""Contrast kinds: which differences of m means are asked for, as rows of a (q, m) matrix that sum to 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import FitError
from ..spec.suggestion import did_you_mean

KINDS = ("pairwise", "revpairwise", "treatment", "sum-to-mean", "consecutive")


def differences(
    levels: Sequence[str], kind: str, reference: Any = None, ratio: bool = False
) -> tuple[np.ndarray, list[str]]:
    """Return the contrasts of some levels and their words, such as "A - B", or "A / B" of ratios.

    pairwise: every level less each later one; revpairwise: less each earlier one. treatment: each less the reference,
    the first unless given. sum-to-mean: each less the mean of all. consecutive: each less the one before.
    Raises FitError for another kind, fewer than two levels, and a reference that there is not.
    """
    if kind not in KINDS:
        raise FitError(f"There is no kind of contrast {kind!r:.40}.", hint=f"It is one of {', '.join(KINDS)}.")
    m = len(levels)
    if m < 2:
        raise FitError(
            "There is one mean, so there is nothing to compare.", hint="Name a factor, or give several values in at."
        )
    if reference is not None and kind != "treatment":
        raise FitError(f'A reference is for kind="treatment", not for "{kind}".')
    sign, eye = "/" if ratio else "-", np.eye(m)
    if kind == "sum-to-mean":
        return eye - 1.0 / m, [f"{level} {sign} mean" for level in levels]
    pairs = _pairs(levels, kind, reference)
    return np.array([eye[i] - eye[j] for i, j in pairs]), [f"{levels[i]} {sign} {levels[j]}" for i, j in pairs]


def _pairs(levels: Sequence[str], kind: str, reference: Any) -> list[tuple[int, int]]:
    m = len(levels)
    if kind == "consecutive":
        return [(i + 1, i) for i in range(m - 1)]
    if kind == "treatment":
        first = 0 if reference is None else _place(levels, reference)
        return [(i, first) for i in range(m) if i != first]
    if kind == "pairwise":
        return [(i, j) for i in range(m) for j in range(i + 1, m)]
    return [(i, j) for i in range(m) for j in range(i)]


def _place(levels: Sequence[str], reference: Any) -> int:
    text = f"{reference:g}" if isinstance(reference, (int, float)) else str(reference)
    if text not in levels:
        hint = did_you_mean(text, levels, f"They are {', '.join(levels[:8])}.")
        raise FitError(f'There is no level "{text:.60}" to compare with.', hint=hint)
    return list(levels).index(text)
