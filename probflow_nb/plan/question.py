"""Question: what a study is to find, such as "Days > 0", as a combination of coefficients and a side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..display.escape import shorten
from ..errors import FitError, ProbflowError
from ..lang import label, parse_expression
from ..lang.tree import Binary, Node, Number, Unary
from ..spec.suggestion import nearest

_SIDED = re.compile(r"^(?P<left>.*?)\s*(?P<sign><=|>=|!=|==|=|<|>)\s*(?P<right>[^<>=!]*)$", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Question:
    """weights' beta against a number.

    text: as asked. weights: (p,). null: the number. side: ">" or "<", or "" for a difference either way.
    """

    text: str
    weights: np.ndarray
    null: float
    side: str

    @property
    def words(self) -> str:
        """What is asked, in words: "Days above 0", "Days other than 0"."""
        left = _SIDED.match(self.text)
        name = (left["left"] if left else self.text).strip()
        how = {">": "above", "<": "below", "": "other than"}[self.side]
        return f"{name} {how} {self.null:g}"


def question(text: str, names: Sequence[str]) -> Question:
    """Return what a text asks of coefficients: "Days", "Days > 0", "2*Days - arm[drug] < 1".

    names: of the p coefficients. Raises FitError for a text that asks nothing, or of what the model does not have.
    """
    if not isinstance(text, str) or not text.strip():
        raise FitError(f"test is a text, not {text!r:.60}.", hint=f'Such as "{_example(names)} > 0".')
    whole = text.strip()
    found = None if whole in names else _SIDED.match(whole)
    left, sign, right = (found["left"], found["sign"], found["right"]) if found else (whole, "", "0")
    side = sign[:1] if sign[:1] in "<>" else ""
    weights, constant = _linear(left, names)
    other, number = _linear(right, names)
    if not (weights - other).any():
        raise FitError(f"{shorten(whole)} asks nothing of a coefficient.", hint=f'Ask such as "{_example(names)} > 0".')
    return Question(whole, weights - other, number - constant, side)


def _linear(text: str, names: Sequence[str]) -> tuple[np.ndarray, float]:
    """Return the weights and the constant of a sum of multiples of coefficients."""
    unit = np.eye(len(names))
    if text.strip() in names:
        return unit[list(names).index(text.strip())], 0.0
    try:
        node = parse_expression(text)
    except ProbflowError as error:
        raise FitError(f"{shorten(text)!r} cannot be read: {error.message}", hint=_known(names)) from None

    def read(node: Node) -> tuple[np.ndarray, float]:
        if label(node) in names:
            return unit[list(names).index(label(node))], 0.0
        if isinstance(node, Number):
            return np.zeros(len(names)), node.value
        if isinstance(node, Unary):
            w, c = read(node.operand)
            return (w, c) if node.operator == "+" else (-w, -c)
        if isinstance(node, Binary) and node.operator in "+-*/":
            return _joined(node, read(node.left), read(node.right))
        near = nearest(label(node), names)
        did = f"Did you mean {near}? " if near else ""
        raise FitError(f"The model has no coefficient {shorten(label(node))}.", hint=did + _known(names))

    return read(node)


def _joined(node: Binary, left: tuple[np.ndarray, float], right: tuple[np.ndarray, float]) -> tuple[np.ndarray, float]:
    (w, c), (v, d) = left, right
    if node.operator in "+-":
        sign = 1.0 if node.operator == "+" else -1.0
        return w + sign * v, c + sign * d
    if node.operator == "*" and not (w.any() and v.any()):
        return w * d + v * c, c * d
    if node.operator == "/" and not v.any() and d != 0:
        return w / d, c / d
    raise FitError(
        f"{shorten(label(node))} is not a sum of multiples of coefficients.", hint='Such as "2*Days - arm[drug] > 0".'
    )


def _known(names: Sequence[str]) -> str:
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"Its coefficients: {shown}."


def _example(names: Sequence[str]) -> str:
    return names[-1] if names else "x"
