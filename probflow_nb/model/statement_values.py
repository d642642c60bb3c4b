"""Statement values: what an expression of statements is worth, as a function of the parameters' values and the rows.

Every value has a static axis: none (one number), the rows (n, or J where a prior is meant), or the elements of a
parameter. A batch of draws stands in front of everything that depends on parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..design.expression import number
from ..design.grouping import Grouping
from ..errors import DataError, ProbflowError
from ..lang.grammar import parse_expression
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Binary, Call, Name, Node, Number, Subscript, Unary
from ..spec.statement_spec import StatementSpec, used_names
from ..spec.transforms import TRANSFORMS
from ..spec.value import LINKS
from .statement_data import Sources, no_prior, unknown
from .statement_matrix import Matrix, is_matrix, matrix

Environment = tuple[Callable[[str], Any], Mapping[str, Any]]
"""What an expression reads: the value of a parameter by name, and the inputs."""


@dataclass(frozen=True, eq=False)
class Shape:
    """The shape of a parameter: its axes by their names, and where it is said."""

    shape: tuple[int, ...]
    labels: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, eq=False)
class Operand:
    """The value of an expression.

    axis: "" for one number, "rows", or the name of the parameter whose elements it has. size: of that axis.
    make: (..., size) or (...) in an environment. parameters: those that it reads.
    """

    axis: str
    size: int
    make: Callable[[Environment], Any]
    parameters: tuple[str, ...] = ()


@dataclass(eq=False)
class Reader:
    """Reads the expressions of one text; what it has read of the data stands in `inputs`, of matrices in `matrices`.

    shapes: of the parameters, as far as known. levels: (n,) the level of each row where the prior of group effects is
    read, with J, else None: rows are then levels.
    """

    spec: StatementSpec
    sources: Sources
    shapes: Mapping[str, Shape]
    groupings: dict[Node, Grouping] = field(default_factory=dict)
    inputs: dict[str, np.ndarray] = field(default_factory=dict)
    matrices: dict[Node, Matrix] = field(default_factory=dict)
    levels: tuple[np.ndarray, int, str] | None = None
    fixed: bool = False
    context: str = ""

    @property
    def n(self) -> int:
        """The length of the rows at hand: n, or J in the prior of group effects."""
        return self.sources.scope.n if self.levels is None else self.levels[1]

    def matrix(self, node: Node) -> Matrix:
        """Return the matrix of an expression, remembered."""
        if node not in self.matrices:
            self.matrices[node] = matrix(node, self.spec, self.sources, self.groupings)
        return self.matrices[node]

    def read(self, node: Node) -> Operand:
        """Return the value of an expression; raises DataError where shapes do not fit."""
        if self._is_data(node):
            return self._data(node)
        match node:
            case Number(value):
                return Operand("", 1, lambda _: load().constant(value, load().float64))
            case Name():
                return self._name(node)
            case Unary():
                inner = self.read(node.operand)
                if node.operator == "+":
                    return inner
                return Operand(inner.axis, inner.size, lambda e: -inner.make(e), inner.parameters)
            case Binary("@"):
                return self._product(node)
            case Binary():
                return self._combined(node)
            case Call():
                return self._call(node)
            case Subscript():
                return self._subscript(node)
        raise DataError(f"{quoted(label(node))} is not a number.", span=node.span)

    # ---- data ---------------------------------------------------------------------------------------------------

    def _is_data(self, node: Node) -> bool:
        """Whether an expression is one of columns alone, which is worked out once."""
        names = used_names(node)
        if not names or any(name.name not in self.sources.scope.columns for name in names):
            return False
        waiting = [node]
        while waiting:
            here = waiting.pop()
            match here:
                case Name() | Number():
                    continue
                case Unary():
                    waiting.append(here.operand)
                case Binary(operator) if operator in ("+", "-", "*", "/", "**"):
                    waiting += [here.left, here.right]
                case Call(function) if function in TRANSFORMS and TRANSFORMS[function].makes == "number":
                    waiting += here.arguments[:1]
                case _:
                    return False
        return True

    def _data(self, node: Node) -> Operand:
        values = number(node, self.sources.scope)
        if self.levels is not None:
            return self._level_values(np.asarray(values), node)
        return self._rows(label(node), np.asarray(values))

    def _rows(self, key: str, values: np.ndarray) -> Operand:
        if self.fixed:
            return Operand("rows", len(values), lambda _: load().constant(values, load().float64))
        self.inputs[key] = values
        return Operand("rows", len(values), lambda e: e[1][key])

    def _level_values(self, values: np.ndarray, node: Node) -> Operand:
        """Return a column as one value for each level; it must not vary within one."""
        assert self.levels is not None
        index, J, factor = self.levels
        first = np.zeros(J)
        first[index[::-1]] = values[::-1]
        if not np.allclose(first[index], values, rtol=1e-12, atol=0.0):
            row = int(np.argmax(~np.isclose(first[index], values, rtol=1e-12, atol=0.0)))
            message = f"{quoted(label(node))} varies within a level of {quoted(factor)}, the first in row {row}."
            raise DataError(message, span=node.span, hint="In the prior of group effects stand columns of the groups.")
        return Operand("rows", J, lambda _: load().constant(first, load().float64))

    # ---- names --------------------------------------------------------------------------------------------------

    def _name(self, node: Name) -> Operand:
        name = node.name
        value = self.spec.definition(name)
        if value is not None:
            if is_matrix(value, self.spec, self.sources):
                message = f"The matrix {quoted(name)} stands where one number a row is needed."
                raise DataError(message, span=node.span, hint=f"Write {name} @ w, with a parameter w.")
            return self.read(value)
        if name in self.spec.parameters:
            return self._parameter(node)
        if name in self.sources.numbers:
            constant = self.sources.numbers[name]
            return Operand("", 1, lambda _: load().constant(constant, load().float64))
        if name in self.sources.vectors:
            return self._vector(node, self.sources.vectors[name])
        if name in self.sources.matrices:
            message = f"The matrix {quoted(name)} stands where one number a row is needed."
            raise DataError(message, span=node.span, hint=f"Write {name} @ w, with a parameter w.")
        raise unknown(node, self.sources, self.spec)

    def _vector(self, node: Name, values: np.ndarray) -> Operand:
        if len(values) != self.n:
            what = "rows" if self.levels is None else f"levels of {quoted(self.levels[2])}"
            message = f"The array {quoted(node.name)} has {len(values):,} values, but there are {self.n:,} {what}."
            raise DataError(message, span=node.span)
        return Operand("rows", len(values), lambda _: load().constant(values, load().float64))

    def _parameter(self, node: Name) -> Operand:
        name = node.name
        shape = self.shapes.get(name, Shape(()))
        if not shape.shape:
            return Operand("", 1, lambda e: e[0](name), (name,))
        if len(shape.shape) > 1 or not self.fixed:
            size = " x ".join(map(str, shape.shape))
            message = f"{quoted(name)} has {size} elements{_from(shape)}, but here one number is needed."
            hint = f"Write X @ {name}, or an element of it, such as {name}[{_first(shape)}]."
            raise DataError(message, span=node.span, hint=hint)
        return Operand(name, shape.shape[0], lambda e: e[0](name), (name,))

    def _subscript(self, node: Subscript) -> Operand:
        base = node.base
        if not isinstance(base, Name) or base.name not in self.spec.parameters:
            message = f"{quoted(label(base))} is not a parameter, so it has no elements."
            raise (no_prior(base, base.span) if isinstance(base, Name) else DataError(message, span=node.span))
        name, shape = base.name, self.shapes.get(base.name, Shape(()))
        if node.index in shape.labels and len(shape.shape) == 1 and not self.is_level_index(node):
            place = shape.labels.index(node.index)
            return Operand("", 1, lambda e: e[0](name)[..., place], (name,))
        found = self.matrix(self.indicators(node))
        if shape.shape != found.shape:
            raise misfit(node, base, shape, found)
        self.inputs.update(found.arrays)
        return Operand("rows", self.n, lambda e: found.product(e[1], e[0](name)), (name,))

    def is_level_index(self, node: Subscript) -> bool:
        """Whether u[g] takes the element of each row's level, and not one element by its name."""
        base = node.base
        shape = self.shapes.get(base.name) if isinstance(base, Name) else None
        if shape is not None and shape.labels and node.index in shape.labels and shape.where.startswith("@"):
            return False
        try:
            names = used_names(parse_expression(node.index))
        except ProbflowError:
            return False
        return bool(names) and all(name.name in self.sources.scope.columns for name in names)

    def indicators(self, node: Subscript) -> Node:
        """Return u[g] as indicators(g), its span kept."""
        if not self.is_level_index(node):
            base = label(node.base)
            shape = self.shapes.get(base, Shape(()))
            message = f"{quoted(base)} has no element {quoted(node.index)}, and the data no column of this name."
            hint = f"Its elements are {', '.join(shape.labels[:8])}." if shape.labels else None
            raise DataError(message, span=node.span, hint=hint)
        factor = _spanned(parse_expression(node.index), node)
        return Call("indicators", (factor,), (), node.span, node.span)

    # ---- operators ----------------------------------------------------------------------------------------------

    def _product(self, node: Binary) -> Operand:
        found = self.matrix(node.left)
        right = node.right
        if isinstance(right, Name) and right.name in self.spec.parameters:
            shape = self.shapes.get(right.name, Shape(()))
            if shape.shape != found.shape:
                raise misfit(node, right, shape, found)
            name = right.name
            make: Callable[[Environment], Any] = lambda e: e[0](name)  # noqa: E731
            parameters: tuple[str, ...] = (name,)
        elif isinstance(right, Name) and self.spec.definition(right.name) is None and not self._known(right):
            raise no_prior(right, right.span)
        else:
            message = f"On the right of `@` stands {quoted(label(right))}, but it must be a parameter."
            raise DataError(message, span=right.span, hint="Write X @ w, with a prior for w.")
        if self.levels is not None:
            return self._level_product(found, make, parameters, node)
        self.inputs.update(found.arrays)
        return Operand("rows", self.n, lambda e: found.product(e[1], make(e)), parameters)

    def _level_product(
        self, found: Matrix, make: Callable[[Environment], Any], parameters: tuple[str, ...], node: Binary
    ) -> Operand:
        """Return V @ g in the prior of group effects, V with one row a level, given so or constant within levels."""
        assert self.levels is not None
        index, J, factor = self.levels
        arrays = dict(found.arrays)
        if any(len(a) != J for a in arrays.values()):
            rows = {len(a) for a in arrays.values()}
            if rows != {len(index)}:
                message = f"{quoted(label(node.left))} has {rows.pop():,} rows, but there are {J:,} levels of {factor}."
                raise DataError(message, span=node.left.span)
            for key, array in arrays.items():
                first = np.zeros((J, *array.shape[1:]))
                first[index[::-1]] = array[::-1]
                if not np.allclose(first[index], array, rtol=1e-12, atol=0.0):
                    message = f"{quoted(label(node.left))} varies within a level of {quoted(factor)}."
                    raise DataError(message, span=node.left.span)
                arrays[key] = first
        inputs = {key: load().constant(array, load().float64) for key, array in arrays.items()}
        return Operand("rows", J, lambda e: found.product(inputs, make(e)), parameters)

    def _known(self, node: Name) -> bool:
        s = self.sources
        return any(node.name in held for held in (s.scope.columns, s.matrices, s.vectors, s.numbers))

    def _combined(self, node: Binary) -> Operand:
        left, right = self.read(node.left), self.read(node.right)
        if left.axis and right.axis and (left.axis == "rows") != (right.axis == "rows"):
            message = f"{quoted(label(node.left))} and {quoted(label(node.right))} have different axes."
            raise DataError(message, span=node.span, hint="Numbers a row and the elements of a parameter do not add.")
        if left.axis and right.axis and left.size != right.size:
            message = (
                f"{quoted(label(node.left))} has {left.size:,} elements and {quoted(label(node.right))} "
                f"has {right.size:,}."
            )
            raise DataError(message, span=node.span)
        axis, size = (left.axis, left.size) if left.axis else (right.axis, right.size)
        operator = node.operator

        def make(e: Environment) -> Any:
            a, b = self.along(left, axis)(e), self.along(right, axis)(e)
            return _OPERATORS[operator](a, b)

        return Operand(axis, size, make, tuple(dict.fromkeys((*left.parameters, *right.parameters))))

    def along(self, operand: Operand, axis: str) -> Callable[[Environment], Any]:
        """Return a value with an axis of length 1 where it is one number and an axis is wanted."""
        if axis and not operand.axis:
            return lambda e: operand.make(e)[..., None]
        return operand.make

    def _call(self, node: Call) -> Operand:
        if node.function in ("design", "indicators"):
            message = f"The matrix {quoted(label(node))} stands where one number a row is needed."
            raise DataError(message, span=node.span, hint="Write it before `@` and a parameter after.")
        inner = self.read(node.arguments[0])
        function = _function(node.function)
        return Operand(inner.axis, inner.size, lambda e: function(inner.make(e)), inner.parameters)


def misfit(node: Node, parameter: Name, shape: Shape, found: Matrix) -> DataError:
    """Return the error for `X @ w` whose sizes do not fit, with the sizes and where they come from."""
    has = " x ".join(map(str, shape.shape)) + " elements" if shape.shape else "one number"
    message = (
        f"{quoted(label(node))} does not fit: it needs {' x '.join(map(str, found.shape))} elements ({found.where}), "
        f"but {quoted(parameter.name)} is {has}{_from(shape)}."
    )
    return DataError(message, span=node.span, hint=f"Use {parameter.name} once, or declare a second parameter.")


def _from(shape: Shape) -> str:
    return f" ({shape.where.removeprefix('@ ')})" if shape.where else ""


def _first(shape: Shape) -> str:
    return shape.labels[0] if shape.labels else "0"


def _spanned(node: Node, where: Subscript) -> Node:
    """Return the columns of an index with the span of the whole, since the text between brackets is read apart."""
    if isinstance(node, Name):
        return Name(node.name, where.span, node.quoted)
    if isinstance(node, Binary):
        return Binary(node.operator, _spanned(node.left, where), _spanned(node.right, where), where.span)
    return node


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}


def _function(name: str) -> Callable[[Any], Any]:
    tf = load()
    half = 0.5**0.5
    table: dict[str, Callable[[Any], Any]] = {
        "log": tf.math.log,
        "log2": lambda x: tf.math.log(x) / np.log(2.0),
        "log10": lambda x: tf.math.log(x) / np.log(10.0),
        "log1p": tf.math.log1p,
        "exp": tf.exp,
        "expm1": tf.math.expm1,
        "sqrt": tf.sqrt,
        "abs": tf.abs,
        "I": lambda x: x,
        "logit": lambda x: tf.math.log(x) - tf.math.log1p(-x),
        "inv_logit": tf.sigmoid,
        "probit": tf.math.ndtri,
        "inv_probit": lambda x: 0.5 * tf.math.erfc(-half * x),
        "inv_cloglog": lambda x: -tf.math.expm1(-tf.exp(x)),
        "tanh": tf.tanh,
        "softplus": tf.math.softplus,
    }
    assert set(LINKS) <= set(table)
    return table[name]
