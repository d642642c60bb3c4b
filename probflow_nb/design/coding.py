"""Coding: terms to the columns of a model matrix, with R's rule for which factors get contrasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from ..lang.source import quoted
from ..lang.tree import Node
from ..spec.terms import Term
from .expression import Scope, Variable, variable
from .wording import level_text

INTERCEPT = "Intercept"
MOST_LEVELS = 500
MOST_COLUMNS = 2000


@dataclass(frozen=True, eq=False)
class Matrix:
    """A model matrix: values (n, p) and the p column names."""

    values: np.ndarray
    names: tuple[str, ...]


def code_terms(intercept: bool, terms: Sequence[Term], scope: Scope) -> Matrix:
    """Return the model matrix of an intercept and terms, columns in the order of R's model.matrix.

    Raises DataError for a factor without contrasts (one level), or with too many levels for common effects.
    Source: Chambers and Hastie (1992), Statistical Models in S, section 2.3.2, for the coding of factors.
    """
    held = [{node: variable(node, scope) for node in term.factors} for term in terms]
    blocks: list[np.ndarray] = [np.ones((scope.n, 1))] if intercept else []
    names: list[str] = [INTERCEPT] if intercept else []
    full = _full_codings(intercept, terms, held)
    _check_width(terms, held, full, int(intercept))
    for i, variables in enumerate(held):
        first, *others = (value.columns(full=(i, node) in full) for node, value in variables.items())
        values, shown = first
        for columns, labels in others:
            # The first factor varies fastest, as in R.
            values = (columns[:, :, None] * values[:, None, :]).reshape(scope.n, -1)
            shown = tuple(f"{earlier}:{later}" for later in labels for earlier in shown)
        blocks.append(values)
        names.extend(shown)
    if not blocks:
        return Matrix(np.empty((scope.n, 0)), ())
    values = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)
    return Matrix(np.ascontiguousarray(values), tuple(names))


def _full_codings(
    intercept: bool, terms: Sequence[Term], held: Sequence[dict[Node, Variable]]
) -> set[tuple[int, Node]]:
    """Return the (term, factor) pairs that get one indicator a level.

    A factor in a term gets contrasts if the term without it is part of an earlier term (or is empty).
    Without an intercept the first factor of the first term that has one gets indicators.
    """
    full: set[tuple[int, Node]] = set()
    for i, variables in enumerate(held):
        for node in variables:
            margin = set(variables) - {node}
            if margin and not any(margin <= set(earlier.factors) for earlier in terms[:i]):
                full.add((i, node))
    if not intercept:
        factors = ((i, n) for i, vs in enumerate(held) for n, v in vs.items() if v.codes is not None)
        full.update([*factors][:1])
    return full


def _check_width(
    terms: Sequence[Term], held: Sequence[dict[Node, Variable]], full: set[tuple[int, Node]], width: int
) -> None:
    for i, variables in enumerate(held):
        columns = 1
        for node, value in variables.items():
            if value.coding is None:
                columns *= len(value.suffixes)
                continue
            levels, all_levels = len(value.coding.levels), (i, node) in full
            if levels > MOST_LEVELS:
                raise DataError(
                    f"{quoted(value.label)} has {levels:,} levels, and each would be a common effect; "
                    f"at most {MOST_LEVELS} are allowed.",
                    span=value.span,
                    hint=f"If its levels are a sample of many, write (1 | {value.label}).",
                )
            if levels < 2 and not all_levels:
                found = f"one level, {level_text(value.coding.levels[0])}," if levels else "no levels"
                raise DataError(
                    f"{quoted(value.label)} has {found} in the rows used, so it has no effect to estimate.",
                    span=value.span,
                    hint="Leave it out of the model.",
                )
            columns *= levels - (not all_levels)
        width += columns
        if width > MOST_COLUMNS:
            raise DataError(
                f"The model has more than {MOST_COLUMNS:,} common coefficients.",
                span=terms[i].span,
                hint="Turn factors with many levels into group terms, such as (1 | a:b).",
            )
