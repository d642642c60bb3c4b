"""Distributions: the right side of a prior statement, a known name with numbers."""

from __future__ import annotations

from ..errors import Span, SpecError
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Call, Name, Node, Number
from .expression import fold
from .priors import SIGNATURES, SUPPORT, Distribution, Target
from .suggestion import did_you_mean, listed, nearest
from .transforms import TRANSFORMS

_POSITIVE = ("sd", "scale", "rate", "df", "shape", "eta", "a", "b")
_POSITIVE_TARGETS = ("sd", "sigma", "shape", "precision", "df")
_HALVES = {"Normal": "HalfNormal", "StudentT": "HalfStudentT", "Cauchy": "HalfCauchy"}


def names_distribution(node: Node) -> bool:
    """Whether the right side of a `~` is meant as a distribution, known or misspelt, and not as a formula."""
    if isinstance(node, Name):
        return not node.quoted and node.name in SIGNATURES
    if not isinstance(node, Call) or node.function in TRANSFORMS or node.function in ("offset", "weights"):
        return False
    if node.function in SIGNATURES or node.function[:1].isupper():
        return True
    meant = nearest(node.function, SIGNATURES)
    return meant is not None and len(meant) > 3 and meant.casefold() == node.function.casefold().replace("_", "")


def read_distribution(node: Node, target: Target) -> Distribution:
    """Return the distribution on the right side of a prior, with defaults filled in.

    Raises SpecError for an unknown distribution, for arguments that it does not take or whose values are
    impossible, and for a support that is not the target's.
    """
    if isinstance(node, Name) and node.name in SIGNATURES:
        node = Call(node.name, (), (), node.span, node.span)
    if not isinstance(node, Call) or node.function not in SIGNATURES:
        raise _unknown(node, target)
    given = _bound(node)
    arguments = []
    for name, default in SIGNATURES[node.function]:
        if name not in given and default is None:
            missing = [n for n, d in SIGNATURES[node.function] if d is None and n not in given]
            message = f"{node.function} needs {listed(f'`{n}`' for n in missing)}."
            raise SpecError(message, span=node.span, hint=f"Write {_call(node.function)}.")
        arguments.append(default if name not in given else _value(node.function, name, given[name]))
    distribution = Distribution(node.function, tuple(float(a) for a in arguments if a is not None))
    _check_values(distribution, node.span)
    _check_support(distribution, target, node.span)
    return distribution


def _unknown(node: Node, target: Target) -> SpecError:
    known = f"The distributions are {listed(SIGNATURES)}."
    if isinstance(node, Call):
        message = f"There is no distribution called {quoted(node.function)}."
        return SpecError(message, span=node.function_span, hint=did_you_mean(node.function, SIGNATURES, known))
    message = f"The prior of {target.label} must be a distribution, not {quoted(label(node))}."
    return SpecError(message, span=node.span, hint=known)


def _bound(node: Call) -> dict[str, Node]:
    """Return the arguments by name."""
    names = [name for name, _ in SIGNATURES[node.function]]
    hint = f"Write {_call(node.function)}."
    if len(node.arguments) > len(names):
        takes = {0: "no arguments", 1: "1 argument"}.get(len(names), f"{len(names)} arguments")
        message = f"{node.function} takes {takes}, but {len(node.arguments)} are given."
        raise SpecError(message, span=node.arguments[len(names)].span, hint=hint)
    bound = dict(zip(names, node.arguments))
    for name, value in node.keywords:
        if name not in names:
            message = f"{node.function} has no argument called {quoted(name)}."
            raise SpecError(message, span=node.keyword_span(name), hint=hint)
        if name in bound:
            message = f"The argument `{name}` of {node.function} is given twice."
            raise SpecError(message, span=node.keyword_span(name))
        bound[name] = value
    return bound


def _call(name: str) -> str:
    return f"{name}({', '.join(argument for argument, _ in SIGNATURES[name])})"


def _value(distribution: str, name: str, node: Node) -> float:
    value = fold(node)
    if value is None:
        message = f"The argument `{name}` of {distribution} must be a number, not {quoted(label(node))}."
        raise SpecError(message, span=node.span)
    if name in _POSITIVE and value <= 0:
        message = f"The argument `{name}` of {distribution} must be above 0, not {label(Number(value))}."
        raise SpecError(message, span=node.span)
    if name == "location" and distribution.startswith("Half") and value != 0:
        message = f"The argument `location` of {distribution} must be 0, not {label(Number(value))}."
        raise SpecError(message, span=node.span)
    return value


def _check_values(distribution: Distribution, span: Span) -> None:
    if distribution.name == "Uniform" and not distribution.arguments[0] < distribution.arguments[1]:
        raise SpecError("The argument `low` of Uniform must be below `high`.", span=span)


def _check_support(distribution: Distribution, target: Target, span: Span) -> None:
    """Refuse a distribution of values that the target cannot have."""
    name, support, what = distribution.name, SUPPORT[distribution.name], target.label
    if support == "any":
        return
    if target.kind == "cor":
        if support != "correlation":
            message = f"{what} is a correlation matrix, but {name} is a distribution of one number."
            raise SpecError(message, span=span, hint="Write LKJ(eta).")
    elif support == "correlation":
        message = f"{what} is one number, but LKJ is a distribution of correlation matrices."
        hint = "Use HalfNormal(sd)." if target.kind in _POSITIVE_TARGETS else "Use Normal(mean, sd)."
        raise SpecError(message, span=span, hint=hint)
    elif target.kind == "zero":
        inside = support == "interval" and 0 <= distribution.arguments[0] < distribution.arguments[1] <= 1
        if support != "probability" and not inside:
            message = f"{what} is a probability, but {name} allows values outside 0 and 1."
            raise SpecError(message, span=span, hint="Use Beta(a, b), such as Beta(1, 9) for a small one.")
    elif target.kind in _POSITIVE_TARGETS:
        if support == "real":
            message = f"{what} is positive, but {name} allows negative values."
            raise SpecError(message, span=span, hint=f"Use {_HALVES[name]}.")
        if support == "interval" and distribution.arguments[0] < 0:
            message = f"{what} is positive, but {distribution.label} allows negative values."
            raise SpecError(message, span=span, hint="Let `low` be 0 or more.")
    elif support == "probability":
        message = f"{what} may be any number, but {name} allows values between 0 and 1 only."
        raise SpecError(message, span=span, hint="Use Normal.")
    elif support == "positive":
        whole = {half: full for full, half in _HALVES.items()}.get(name, "Normal")
        message = f"{what} may be any number, but {name} allows positive values only."
        raise SpecError(message, span=span, hint=f"Use {whole}.")
