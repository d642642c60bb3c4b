"""Place: what an argument of a distribution can be, and what the parameter that stands there may therefore be."""

from __future__ import annotations

from ..errors import SpecError
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Call, Name, Node
from .expression import fold
from .signatures import DEFAULT, DISTRIBUTIONS, bound
from .statement_spec import Declaration, StatementSpec, used_names

_HALVES = {"Normal": "HalfNormal", "StudentT": "HalfStudentT", "Cauchy": "HalfCauchy"}
_WORDS = {"positive": "must be positive", "probability": "must be between 0 and 1", "count": "must be a whole number"}


def check_places(spec: StatementSpec) -> None:
    """Refuse numbers and parameters that cannot stand where they do, such as an sd with a Normal prior."""
    for call in (spec.likelihood, *(d.prior for d in spec.declarations)):
        arguments = bound(call)
        for name, argument in DISTRIBUTIONS[call.function].arguments.items():
            if name in arguments:
                _check_argument(spec, call, name, argument.place, arguments[name])
        if call.function == "Uniform":
            low, high = fold(arguments["low"]), fold(arguments["high"])
            if low is not None and high is not None and not low < high:
                raise SpecError("The argument `low` of Uniform must be below `high`.", span=call.span)
        if DISTRIBUTIONS[call.function].support in ("simplex", "correlation"):
            _check_numbers(call, arguments)


def places(spec: StatementSpec, name: str) -> set[str]:
    """Return the places in which a parameter stands alone as an argument."""
    found = set()
    for call in (spec.likelihood, *(d.prior for d in spec.declarations)):
        arguments = bound(call)
        for argument in DISTRIBUTIONS[call.function].arguments.values():
            if arguments.get(argument.name) == Name(name):
                found.add(argument.place)
    return found


def _check_argument(spec: StatementSpec, call: Call, name: str, place: str, node: Node) -> None:
    where = f"The argument `{name}` of {call.function}"
    value = fold(node)
    if value is not None:
        bad = {"positive": value <= 0, "probability": not 0 <= value <= 1, "count": value < 0 or value != int(value)}
        if bad.get(place) or place in ("correlation", "simplex"):
            words = _WORDS.get(place, "must be a parameter with an LKJ prior")
            raise SpecError(f"{where} {words}, not {label(node)}.", span=node.span)
        return
    declared = [d for d in spec.declarations if isinstance(node, Name) and d.name == node.name]
    for declaration in declared:
        _check_parameter(declaration, place, where)
    if place == "correlation" and not declared:
        hint = "Write cor = R and R ~ LKJ(1)."
        raise SpecError(f"{where} must be a parameter with an LKJ prior.", span=node.span, hint=hint)
    if not declared:
        _check_matrices(spec, node)
    if place == "count" and declared:
        raise SpecError(f"{where} must be a column or a number, not a parameter.", span=node.span)


def _check_parameter(declaration: Declaration, place: str, where: str) -> None:
    prior = declaration.prior
    if prior.function == DEFAULT:
        return
    support = DISTRIBUTIONS[prior.function].support
    what = quoted(declaration.label)
    if (support == "correlation") != (place == "correlation"):
        message = f"{what} stands for a correlation matrix, but {prior.function} is no distribution of one."
        if support == "correlation":
            message = f"{what} is a correlation matrix, which cannot be {where[0].lower()}{where[1:]}."
        raise SpecError(message, span=declaration.span, hint="A correlation matrix R ~ LKJ(1) is used as cor = R.")
    if place not in ("positive", "probability") or support in ("any", place):
        return
    if place == "positive":
        if support in ("real", "count") or (support == "interval" and not _at_least_zero(prior)):
            message = f"{what} is {where[0].lower()}{where[1:]} and must be positive, but {prior.function} "
            half = _HALVES.get(prior.function)
            hint = f"Use {half}." if half else "Use HalfNormal, or let `low` be 0 or more."
            raise SpecError(f"{message}allows negative values.", span=prior.span, hint=hint)
    elif not (support == "interval" and _at_least_zero(prior) and (fold(bound(prior)["high"]) or 2.0) <= 1):
        message = f"{what} is {where[0].lower()}{where[1:]} and must be between 0 and 1, but {prior.function} "
        raise SpecError(f"{message}allows other values.", span=prior.span, hint="Use Beta or Uniform(0, 1).")


def _at_least_zero(prior: Call) -> bool:
    low = fold(bound(prior)["low"])
    return low is not None and low >= 0


def _check_matrices(spec: StatementSpec, node: Node) -> None:
    """Refuse a correlation matrix inside arithmetic."""
    matrices = {d.name for d in spec.declarations if d.prior.function == "LKJ"}
    for name in used_names(node):
        if name.name in matrices:
            message = f"{quoted(name.name)} is a correlation matrix, which cannot be a part of arithmetic."
            raise SpecError(message, span=name.span, hint="It is used as cor = R of MultivariateNormal.")


def _check_numbers(call: Call, arguments: dict[str, Node]) -> None:
    for name, node in arguments.items():
        if fold(node) is None:
            message = f"The argument `{name}` of {call.function} must be a number, not {quoted(label(node))}."
            raise SpecError(message, span=node.span)
