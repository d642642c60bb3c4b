"""Response scale: densities of log(y), sqrt(y) or 10 * y made densities of y, so that models of each can be compared.

Of z = f(y), p(y) = p(z) |f'(y)|. A response that is made of one column by invertible functions is taken apart from the
outside in: y from z, and log |f'(y)| from the chain rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..lang.printer import label
from ..lang.tree import Binary, Call, Name, Node, Number, Unary

_LN2, _LN10 = math.log(2.0), math.log(10.0)
_Pair = tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]

# The inverse of each function, and log |slope| at x, the function's argument.
_INVERSES: dict[str, _Pair] = {
    "I": (np.asarray, np.zeros_like),
    "log": (np.exp, lambda x: -np.log(x)),
    "log2": (np.exp2, lambda x: -np.log(x * _LN2)),
    "log10": (lambda z: np.power(10.0, z), lambda x: -np.log(x * _LN10)),
    "log1p": (np.expm1, lambda x: -np.log1p(x)),
    "exp": (np.log, np.asarray),
    "expm1": (np.log1p, np.asarray),
    "sqrt": (np.square, lambda x: -np.log(2.0 * np.sqrt(x))),
}


@dataclass(frozen=True, eq=False)
class Base:
    """What a response is made of.

    name: of the column, or of what could not be taken apart. values: (n,) of it. log_slope: (n,) log |dz/dy|.
    """

    name: str
    values: np.ndarray
    log_slope: np.ndarray


def base(response: Node, z: np.ndarray) -> Base:
    """Return the column y that a response z (n,) is made of by invertible functions, with log |dz/dy| of each row."""
    values, log_slope = np.asarray(z, dtype=float), np.zeros(np.shape(z))
    with np.errstate(all="ignore"):
        while not isinstance(response, Name):
            outside = _outermost(response)
            if outside is None:
                break
            response, (inverse, slope) = outside
            values = inverse(values)
            log_slope = log_slope + slope(values)
    return Base(label(response), values, log_slope)


def _outermost(node: Node) -> tuple[Node, _Pair] | None:
    """Return the argument of the outermost function with its inverse and log |slope|; None where there is none."""
    match node:
        case Call(function=name, arguments=(argument,), keywords=()) if name in _INVERSES:
            return argument, _INVERSES[name]
        case Unary(operator="+", operand=argument):
            return argument, (np.asarray, np.zeros_like)
        case Unary(operator="-", operand=argument):
            return argument, (np.negative, np.zeros_like)
        case Binary(operator=sign, left=left, right=right):
            before, after = _constant(left), _constant(right)
            if after is not None:
                return _before_constant(sign, left, after)
            return None if before is None else _after_constant(sign, before, right)
    return None


def _constant(node: Node) -> float | None:
    match node:
        case Number(value=c):
            return c
        case Unary(operator="-", operand=Number(value=c)):
            return -c
    return None


def _after_constant(sign: str, c: float, node: Node) -> tuple[Node, _Pair] | None:
    """Return the argument, inverse and log |slope| of `c sign node`."""
    if sign in ("+", "*"):
        return _before_constant(sign, node, c)
    if sign == "-":
        return node, (lambda z: c - z, np.zeros_like)
    if sign == "/" and c:
        return node, (lambda z: c / z, lambda x: math.log(abs(c)) - 2.0 * np.log(np.abs(x)))
    return None


def _before_constant(sign: str, node: Node, c: float) -> tuple[Node, _Pair] | None:
    """Return the same for `node sign c`; of an even power the positive root."""
    if sign == "+":
        return node, (lambda z: z - c, np.zeros_like)
    if sign == "-":
        return node, (lambda z: z + c, np.zeros_like)
    if c == 0.0 or sign not in ("*", "/", "**"):
        return None
    if sign == "**":
        steep = math.log(abs(c))
        return node, (lambda z: np.power(z, 1.0 / c), lambda x: steep + (c - 1.0) * np.log(np.abs(x)))
    factor = c if sign == "*" else 1.0 / c
    steep = math.log(abs(factor))
    return node, (lambda z: z / factor, lambda x: np.full_like(x, steep))
