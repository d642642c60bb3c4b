"""Expression: the checks that hold for every expression of columns, before there are data."""

from __future__ import annotations

from ..errors import SpecError
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Binary, Call, Name, Node, Number, String, Subscript, Unary, walk
from .suggestion import did_you_mean, listed, nearest
from .transforms import CONTRASTS, FOREIGN, TRANSFORMS, TRUTH, Parameter, Transform

ARITHMETIC = ("+", "-", "*", "/", "**")

DEEPEST = 100
"""The most operators that may stand inside each other in one arithmetic expression."""


def check_variable(node: Node) -> None:
    """Accept one factor of a term: a column, or a call of a transform.

    Raises SpecError for an unknown transform, for arguments it does not take, and for quoted text.
    """
    if isinstance(node, Name):
        _check_name(node)
    elif isinstance(node, Call):
        _check_call(node)
        _check_holds_column(node)
    elif isinstance(node, String):
        hint = "Put a column's name in backquotes when it holds spaces or signs."
        raise SpecError(f"The text {quoted(label(node))} is not a column.", span=node.span, hint=hint)
    elif isinstance(node, Subscript):
        message = f"{quoted(label(node))} is one coefficient, not a term of a formula."
        hint = f"Write {label(node.base)} for all its columns; subscripts are for priors."
        raise SpecError(message, span=node.span, hint=hint)
    else:
        raise SpecError(f"{quoted(label(node))} is not a term of a formula.", span=node.span)


def check_arithmetic(node: Node) -> None:
    """Accept an arithmetic expression of columns, numbers and transforms that make one column.

    Raises SpecError for anything else, and for an expression without a column.
    """
    _check_arithmetic(node, 0)
    _check_holds_column(node)


def _check_arithmetic(node: Node, depth: int) -> None:
    if depth > DEEPEST:
        message = f"The expression has more than {DEEPEST} operators inside each other."
        raise SpecError(message, span=node.span, hint="Make a column of it in the data first.")
    match node:
        case Name():
            _check_name(node)
        case Number():
            return
        case Unary():
            _check_arithmetic(node.operand, depth + 1)
        case Binary(operator) if operator in ARITHMETIC:
            _check_arithmetic(node.left, depth + 1)
            _check_arithmetic(node.right, depth + 1)
        case Binary(operator):
            message = f"`{operator}` has no meaning in arithmetic."
            raise SpecError(message, span=node.span, hint=f"Arithmetic has {listed(ARITHMETIC)}.")
        case Call():
            _check_call(node)
            if TRANSFORMS[node.function].makes != "number":
                message = f"{node.function}() is not one column of numbers, so it cannot be part of arithmetic."
                raise SpecError(message, span=node.span, hint="Use it as a term of its own.")
        case _:
            raise SpecError(f"{quoted(label(node))} is not a number.", span=node.span)


def _check_name(node: Name) -> None:
    if node.name == "." and not node.quoted:
        hint = "Name the columns, joined by +."
        raise SpecError("`.` for all other columns is not supported.", span=node.span, hint=hint)
    if node.name in TRUTH and not node.quoted:
        raise SpecError(f"`{node.name}` is a truth value, not a column.", span=node.span)


def _check_holds_column(node: Node) -> None:
    if not any(isinstance(part, Name) for part in walk(node)):
        raise SpecError(f"{quoted(label(node))} uses no column.", span=node.span)


def _check_call(node: Call) -> None:
    """Accept a call of a transform whose arguments fit its signature."""
    transform = TRANSFORMS.get(node.function)
    if transform is None:
        raise _unknown(node)
    for parameter, value in _bound(node, transform):
        _check_argument(node, parameter, value)


def _unknown(node: Call) -> SpecError:
    span = node.function_span
    bars = [a for a in node.arguments if isinstance(a, Binary) and a.operator in ("|", "||")]
    if bars and node.function not in ("sd", "cor"):
        hint = f"Is a + missing? {node.function} + ({label(bars[0])[1:-1]})"
        return SpecError(f"There is no transform called {quoted(node.function)}.", span=span, hint=hint)
    known = f"The transforms are {listed(TRANSFORMS)}."
    hint = FOREIGN.get(node.function) or did_you_mean(node.function, TRANSFORMS, known)
    return SpecError(f"There is no transform called {quoted(node.function)}.", span=span, hint=hint)


def _bound(node: Call, transform: Transform) -> list[tuple[Parameter, Node]]:
    """Return each argument with the parameter that it is for."""
    takes = f"It is called as {transform.signature}."
    places = [p for p in transform.parameters if not p.by_name]
    if len(node.arguments) > len(places):
        extra = node.arguments[len(places)]
        message = f"{node.function}() takes at most {_counted(len(places))} without a name."
        raise SpecError(message, span=extra.span, hint=takes)
    bound = list(zip(places, node.arguments))
    for name, value in node.keywords:
        parameter = next((p for p in transform.parameters if p.name == name), None)
        if parameter is None:
            message = f"{node.function}() has no argument called {quoted(name)}."
            raise SpecError(message, span=node.keyword_span(name), hint=takes)
        if any(p is parameter for p, _ in bound):
            message = f"The argument `{name}` of {node.function}() is given twice."
            raise SpecError(message, span=node.keyword_span(name))
        bound.append((parameter, value))
    # The design reads the column from the first place, so it cannot stand behind a name.
    missing = next((p for p in transform.parameters if p.required and len(node.arguments) == 0), None)
    if missing:
        message = f"{node.function}() needs a column as its first argument, without a name."
        raise SpecError(message, span=node.span, hint=takes)
    return bound


def _counted(count: int) -> str:
    return "1 argument" if count == 1 else f"{count} arguments"


def _check_argument(call: Call, parameter: Parameter, value: Node) -> None:
    where = f"The argument `{parameter.name}` of {call.function}()"
    match parameter.kind:
        case "numeric":
            _check_arithmetic(value, 0)
        case "factor":
            if not isinstance(value, Name):
                message = f"{where} must be the name of a column, not {quoted(label(value))}."
                raise SpecError(message, span=value.span)
            _check_name(value)
        case "whole":
            if not (isinstance(value, Number) and value.value == int(value.value) and 1 <= value.value <= 1000):
                message = f"{where} must be a whole number from 1 to 1000, not {quoted(label(value))}."
                raise SpecError(message, span=value.span)
        case "boolean":
            if not (isinstance(value, Name) and value.name in TRUTH):
                message = f"{where} must be TRUE or FALSE, not {quoted(label(value))}."
                raise SpecError(message, span=value.span)
        case "contrast":
            _check_contrast(value)


def _check_contrast(value: Node) -> None:
    name = value.name if isinstance(value, Name) else value.function if isinstance(value, Call) else ""
    if name not in CONTRASTS:
        meant = nearest(name.removeprefix("contr."), CONTRASTS)
        hint = f"Did you mean {meant}?" if meant else f"The contrasts are {listed(CONTRASTS)}."
        raise SpecError(f"{quoted(label(value))} names no contrasts.", span=value.span, hint=hint)
    if isinstance(value, Call):
        _check_reference(value)


def _check_reference(call: Call) -> None:
    """Accept Treatment(reference = "b"), Treatment("b") and any contrast without arguments."""
    given = [*call.arguments, *(v for _, v in call.keywords)]
    if call.function != "Treatment" and given:
        message = f"{call.function} contrasts take no arguments."
        raise SpecError(message, span=call.span, hint=f"Write {call.function} alone.")
    named = all(name == "reference" for name, _ in call.keywords)
    if len(given) > 1 or not named or any(not _is_level(value) for value in given):
        message = f"{quoted(label(call))} does not name a reference level."
        raise SpecError(message, span=call.span, hint='Write Treatment(reference = "level").')


def _is_level(node: Node) -> bool:
    return isinstance(node, (String, Number)) or (isinstance(node, Name) and node.name not in TRUTH)


def fold(node: Node) -> float | None:
    """Return the number that an expression of numbers is worth, or None if it holds anything else.

    Raises SpecError where the arithmetic has no finite real value.
    """
    match node:
        case Number(value):
            return value
        case Unary(operator, operand):
            inner = fold(operand)
            return None if inner is None else -inner if operator == "-" else inner
        case Binary():
            return _folded_chain(node)
        case _:
            return None


def _folded_chain(node: Binary) -> float | None:
    first, pairs = node.chain()
    value = fold(first)
    for operator, right in pairs:
        other = fold(right)
        if value is None or other is None or operator not in ARITHMETIC:
            return None
        value = _calculated(operator, value, other, node)
    return value


def _calculated(operator: str, left: float, right: float, node: Node) -> float:
    try:
        match operator:
            case "+":
                value = left + right
            case "-":
                value = left - right
            case "*":
                value = left * right
            case "/":
                value = left / right
            case _:
                value = left**right
    except (ZeroDivisionError, OverflowError):
        value = float("nan")
    if isinstance(value, complex) or not abs(value) < float("inf"):
        shown = label(Binary(operator, Number(left), Number(right)))
        raise SpecError(f"{quoted(shown)} has no finite value.", span=node.span)
    return value
