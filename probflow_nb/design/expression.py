"""Expression: what a node of the model text is worth on given rows; nothing is evaluated as Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import DataError, Span
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Binary, Call, Name, Node, Number, String, Unary
from .bases import Affine, Basis, Polynomial, Powers, Spline
from .column import Column, Factor, number_label
from .contrasts import Contrast, helmert, indicators, polynomial, summed, treatment
from .wording import counted, first_row, level_text, listed

# Squares of numbers between these, and sums of squares, neither overflow nor vanish.
LARGEST, SMALLEST = 1e100, 1e-100

_AFFINE = ("scale", "standardize", "center")
_BASES = ("poly", "bs", "ns")
_FACTORS = ("C", "factor")

_Function = Callable[[np.ndarray], np.ndarray]

# Each function with the condition that its argument must meet, in code and in words.
_FUNCTIONS: dict[str, tuple[_Function, _Function | None, str]] = {
    "log": (np.log, lambda x: x > 0, "above 0"),
    "log2": (np.log2, lambda x: x > 0, "above 0"),
    "log10": (np.log10, lambda x: x > 0, "above 0"),
    "log1p": (np.log1p, lambda x: x > -1, "above -1"),
    "sqrt": (np.sqrt, lambda x: x >= 0, "of at least 0"),
    "exp": (np.exp, None, ""),
    "expm1": (np.expm1, None, ""),
    "abs": (np.abs, None, ""),
    "I": (np.asarray, None, ""),
}

_OPERATORS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
    "^": np.power,
}


@dataclass(frozen=True)
class Coding:
    """The state of a factor: its levels, in order, and the name of its contrasts."""

    levels: tuple[str, ...]
    contrast: str = "Treatment"
    reference: int = 0

    def contrasts(self) -> Contrast:
        """Return the coding with one column fewer than levels."""
        if self.contrast == "Treatment":
            return treatment(self.levels, self.reference)
        return {"Sum": summed, "Helmert": helmert, "Poly": polynomial}[self.contrast](self.levels)


State = Coding | Basis


@dataclass(frozen=True, eq=False)
class Variable:
    """An expression on the rows at hand: either numbers or the levels of a factor.

    label: as shown. span: where it stands in the text.
    values: (n, q) numbers with q suffixes, or None for a factor.
    codes: (n,) levels of the coding, -1 where missing; None for numbers.
    """

    label: str
    span: Span
    values: np.ndarray | None = None
    suffixes: tuple[str, ...] = ("",)
    codes: np.ndarray | None = None
    coding: Coding | None = None

    def columns(self, *, full: bool) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return (n, q) and q names; `full` codes a factor by one indicator a level."""
        if self.values is not None:
            return self.values, tuple(self.label + suffix for suffix in self.suffixes)
        assert self.coding is not None
        assert self.codes is not None
        contrast = indicators(self.coding.levels) if full else self.coding.contrasts()
        return contrast.columns(self.codes), tuple(f"{self.label}[{name}]" for name in contrast.labels)


@dataclass(frozen=True, eq=False)
class Scope:
    """The rows at hand.

    n: how many. columns: the data's columns on these rows. rows: their places in the data, None if all.
    states: what each expression has learned; written while `learning`, read afterwards.
    """

    n: int
    columns: Mapping[str, Column]
    states: dict[Node, State]
    learning: bool
    rows: np.ndarray | None = None
    variables: dict[Node, Variable] = field(default_factory=dict)

    def state(self, node: Node, learn: Callable[[], State]) -> Any:
        """Return the state of a node, learned now if this is a fit; its errors point at the node."""
        if node not in self.states:
            if not self.learning:
                raise DataError(f"{quoted(label(node))} was not part of the fit.", span=node.span)
            try:
                self.states[node] = learn()
            except DataError as error:
                # A basis does not know its expression; an error from inside it already stands at its place.
                if error.span is None:
                    error.span = node.span
                    error.message = f"{quoted(label(node))}: {error.message}"
                raise
        return self.states[node]


def number(node: Node, scope: Scope) -> np.ndarray:
    """Return the (n,) float64 values of an arithmetic expression.

    Raises DataError if it needs a factor's numbers, or is not finite where its arguments are.
    """
    found = _number(node, scope)
    return np.broadcast_to(found, (scope.n,)) if found.ndim == 0 else found


def _number(node: Node, scope: Scope) -> np.ndarray:
    if isinstance(node, Number):
        return np.asarray(node.value, dtype=np.float64)
    if isinstance(node, Name):
        return _column_numbers(node, scope)
    if isinstance(node, Unary) and node.operator in ("+", "-"):
        inner = _number(node.operand, scope)
        return -inner if node.operator == "-" else inner
    if isinstance(node, Binary) and node.operator in _OPERATORS:
        left, right = _number(node.left, scope), _number(node.right, scope)
        with np.errstate(all="ignore"):
            found = np.asarray(_OPERATORS[node.operator](left, right))
        return _finite(found, np.isfinite(left) & np.isfinite(right), node, scope)
    if isinstance(node, Call) and node.arguments:
        if node.function in _FUNCTIONS:
            return _apply(node, _number(node.arguments[0], scope), scope)
        if node.function in _AFFINE:
            return _affine(node, scope).columns(number(node.arguments[0], scope))[:, 0]
        if node.function in (*_BASES, *_FACTORS):
            raise DataError(
                f"{quoted(label(node))} is not one column of numbers, so it cannot be part of arithmetic.",
                span=node.span,
                hint="Use it as a term of its own.",
            )
    raise DataError(f"{quoted(label(node))} cannot be computed.", span=node.span)


def _column_numbers(node: Name, scope: Scope) -> np.ndarray:
    column = scope.columns[node.name]
    if column.kind == "factor":
        raise DataError(
            f"The column {quoted(node.name)} holds text or categories, such as "
            f"{level_text(column.levels[0])}, where numbers are needed.",
            span=node.span,
            hint="Convert it to numbers first, or use it as a predictor or grouping factor as it is.",
        )
    if column.values is None:
        return np.full(scope.n, np.nan)
    return column.numbers()


def _apply(node: Call, x: np.ndarray, scope: Scope) -> np.ndarray:
    function, valid, words = _FUNCTIONS[node.function]
    if valid is not None:
        bad = np.atleast_1d(~valid(x) & ~np.isnan(x))
        if bad.any():
            raise DataError(
                f"{node.function}() needs numbers {words}, but {quoted(label(node.arguments[0]))} has "
                f"{counted(int(bad.sum()), 'value')} that {'is' if bad.sum() == 1 else 'are'} not, "
                f"{first_row(bad, scope.rows)}.",
                span=node.span,
            )
    with np.errstate(all="ignore"):
        return _finite(np.asarray(function(x)), np.isfinite(x), node, scope)


def _finite(found: np.ndarray, known: np.ndarray, node: Node, scope: Scope) -> np.ndarray:
    bad, fault = np.atleast_1d(~np.isfinite(found) & known), "not a finite number"
    if not bad.any():
        bad, fault = np.atleast_1d(np.abs(found) > LARGEST), f"beyond {LARGEST:g}"
    if bad.any():
        where = "every row"
        if not bad.all():
            where = f"{counted(int(bad.sum()), 'row')}, {first_row(bad, scope.rows)}"
        raise DataError(f"{quoted(label(node))} is {fault} in {where}.", span=node.span)
    return found


def _affine(node: Call, scope: Scope) -> Basis:
    options = _options(node)
    center = bool(options.get("center", options.get(1, 1.0)))
    scale = node.function != "center" and bool(options.get("scale", options.get(2, 1.0)))
    return scope.state(node, lambda: Affine.learn(number(node.arguments[0], scope), center=center, scale=scale))


def _options(node: Call) -> dict[str | int, Any]:
    """Return the arguments after the first, by place and by keyword, as plain values."""
    by_place: dict[str | int, Any] = {i: _constant(value) for i, value in enumerate(node.arguments) if i}
    return by_place | {key: _constant(value) for key, value in node.keywords}


def _constant(node: Node) -> Any:
    if isinstance(node, (Number, String)):
        return node.value
    if isinstance(node, Unary) and isinstance(node.operand, Number):
        return -node.operand.value if node.operator == "-" else node.operand.value
    if isinstance(node, Name):
        return {"True": True, "TRUE": True, "False": False, "FALSE": False}.get(node.name, node.name)
    return node


def variable(node: Node, scope: Scope) -> Variable:
    """Return the value of one factor of a term: numbers, several columns, or a factor with its coding."""
    if node not in scope.variables:
        scope.variables[node] = _variable(node, scope)
    return scope.variables[node]


def _variable(node: Node, scope: Scope) -> Variable:
    if isinstance(node, Name):
        state = scope.states.get(node)
        column = scope.columns[node.name]
        if isinstance(state, Coding) or (scope.learning and column.kind in ("factor", "boolean")):
            return _factor(node, node, {}, scope)
    elif isinstance(node, Call) and node.arguments and node.function in _FACTORS:
        return _factor(node, node.arguments[0], _options(node), scope)
    elif isinstance(node, Call) and node.arguments and node.function in _BASES:
        x = number(node.arguments[0], scope)
        with np.errstate(all="ignore"):
            values = scope.state(node, lambda: _learn_basis(node, x)).columns(x)
            _finite(np.abs(values).max(axis=1), np.isfinite(x), node, scope)
        suffixes = tuple(f"[{i + 1}]" for i in range(values.shape[1]))
        return Variable(label(node), node.span, values, suffixes)
    return Variable(label(node), node.span, number(node, scope)[:, None])


def _learn_basis(node: Call, x: np.ndarray) -> Basis:
    options = _options(node)
    if node.function == "poly":
        degree = int(options.get("degree", options.get(1, 1)))
        raw = bool(options.get("raw", options.get(2, False)))
        return Powers(degree) if raw else Polynomial.learn(x, degree)
    natural = node.function == "ns"
    df = options.get("df", options.get(1))
    degree = 3 if natural else int(options.get("degree", options.get(2, 3)))
    intercept = bool(options.get("intercept", False))
    return Spline.learn(x, df=None if df is None else int(df), degree=degree, natural=natural, intercept=intercept)


def _factor(node: Node, source: Node, options: dict[str | int, Any], scope: Scope) -> Variable:
    if not isinstance(source, Name):
        raise DataError(
            f"{quoted(label(node))} needs a column by its name; {quoted(label(source))} is computed.",
            span=source.span,
        )
    factor = scope.columns[source.name].factor()
    coding = scope.state(node, lambda: _learn_coding(factor, options.get(1, options.get("contrast"))))
    codes = factor.recode(coding.levels)
    unknown = (codes < 0) & (factor.codes >= 0)
    if unknown.any():
        raise DataError(
            f"The column {quoted(source.name)} has the level "
            f"{level_text(factor.levels[factor.codes[int(np.argmax(unknown))]])}, "
            f"{first_row(unknown, scope.rows)}, "
            f"which was not in the data of the fit; its levels were {listed(coding.levels)}.",
            span=source.span,
        )
    return Variable(label(node), node.span, codes=codes, coding=coding)


def _learn_coding(factor: Factor, contrast: Any) -> Coding:
    if contrast is None:
        return Coding(factor.levels, "Poly" if factor.ordered else "Treatment")
    if not isinstance(contrast, Call):
        return Coding(factor.levels, str(contrast))
    chosen = contrast.arguments[0] if contrast.arguments else dict(contrast.keywords).get("reference")
    if chosen is None:
        return Coding(factor.levels, contrast.function)
    value = _constant(chosen)
    reference = number_label(value) if isinstance(value, float) else str(value)
    if reference not in factor.levels:
        raise DataError(
            f"There is no level {level_text(reference)} to refer to; the levels are {listed(factor.levels)}.",
            span=chosen.span,
        )
    return Coding(factor.levels, contrast.function, factor.levels.index(reference))


def data_names(node: Node) -> list[Name]:
    """Return the names of data columns in an expression, in order, with their spans."""
    if isinstance(node, Name):
        return [node]
    if isinstance(node, Unary):
        return data_names(node.operand)
    if isinstance(node, Binary):
        return data_names(node.left) + data_names(node.right)
    if isinstance(node, Call):
        # Only a transform's first argument is data: the others choose a degree, contrasts, and so on.
        return [name for argument in node.arguments[:1] for name in data_names(argument)]
    return []
