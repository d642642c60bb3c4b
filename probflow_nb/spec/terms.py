"""Terms: what the right side of a formula means, before any data are seen."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import Span
from ..lang.tree import Node

MOST_FACTORS = 50
"""The most factors that one interaction may join."""

_NOWHERE = Span(0, 0)


@dataclass(frozen=True)
class Term:
    """A product of one or more expressions, such as `Days` or `recipe:temp`.

    factors: the expressions in the order written; never empty.
    """

    factors: tuple[Node, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class GroupTerm:
    """Effects that vary over the levels of a grouping factor, such as `(Days | Subject)`.

    factor: the grouping expressions; more than one means their interaction, `(1 | a:b)`.
    terms: the varying terms, without the intercept.
    intercept: whether the intercept varies.
    correlated: False for `||`, where every column has its own independent sd.
    """

    factor: tuple[Node, ...]
    terms: tuple[Term, ...] = ()
    intercept: bool = True
    correlated: bool = True
    span: Span = field(default=_NOWHERE, compare=False, repr=False)
