"""Signatures: the distributions of explicit statements, their arguments, and the values that each can have."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SpecError
from ..lang.source import quoted
from ..lang.tree import Call, Name, Node
from .suggestion import did_you_mean, listed

DEFAULT = "Default"
"""The word for a default prior, which depends on the data; only the models of a formula have one."""


@dataclass(frozen=True)
class Argument:
    """One argument of a distribution.

    place: what it must be: "real", "positive", "probability", "correlation", "count" or
        "ordered", increasing cutpoints.
    required: whether it must be given. by_name: whether it can only be given as name = value.
    """

    name: str
    place: str = "real"
    required: bool = True
    by_name: bool = False

    @property
    def shown(self) -> str:
        """The argument as help shows it."""
        return f"{self.name} = ..." if self.by_name else self.name


@dataclass(frozen=True)
class Signature:
    """A distribution of the statements.

    support: of its values: "real", "positive", "interval", "probability", "simplex", "correlation", "count",
        "category" or "any".
    forms: the ways in which its arguments may be given, the first one the shortest.
    """

    name: str
    support: str
    forms: tuple[tuple[Argument, ...], ...]

    @property
    def arguments(self) -> dict[str, Argument]:
        """Every argument by its name."""
        return {argument.name: argument for form in self.forms for argument in form}

    @property
    def call(self) -> str:
        """The distribution as help shows it, such as `Bernoulli(p) or Bernoulli(logit = ...)`."""
        return " or ".join(f"{self.name}({', '.join(a.shown for a in form)})" for form in self.forms)


def _signature(name: str, support: str, *forms: str) -> Signature:
    """Read forms such as "trials:count logit=": a `:` gives the place, a `?` leaves out, a `=` asks for the name."""
    return Signature(name, support, tuple(tuple(map(_argument, form.split())) for form in forms))


def _argument(word: str) -> Argument:
    name, _, place = word.rstrip("?=").partition(":")
    return Argument(name, place or "real", "?" not in word, word.endswith("="))


_TAILS = "location? scale:positive?"
_PROBABILITY = ("logit", "probit", "cloglog", "cauchit", "log")

DISTRIBUTIONS: dict[str, Signature] = {
    s.name: s
    for s in (
        _signature("Normal", "real", "mean sd:positive", "log= sd:positive=", "inverse= sd:positive="),
        _signature("HalfNormal", "positive", "sd:positive"),
        _signature(
            "StudentT",
            "real",
            f"df:positive {_TAILS}",
            "df:positive log= scale:positive?=",
            "df:positive inverse= scale:positive?=",
        ),
        _signature("HalfStudentT", "positive", f"df:positive {_TAILS}"),
        _signature("Cauchy", "real", _TAILS),
        _signature("HalfCauchy", "positive", "scale:positive?"),
        _signature("Laplace", "real", _TAILS),
        _signature("Logistic", "real", _TAILS),
        _signature("Exponential", "positive", "rate:positive"),
        _signature(
            "Gamma",
            "positive",
            "shape:positive rate:positive",
            "shape:positive mean:positive=",
            "shape:positive log=",
            "shape:positive inverse=",
        ),
        _signature("InverseGamma", "positive", "shape:positive scale:positive"),
        _signature("LogNormal", "positive", "mean sd:positive"),
        _signature("Weibull", "positive", "shape:positive scale:positive?"),
        _signature("Uniform", "interval", "low high"),
        _signature(
            "Beta",
            "probability",
            "a:positive b:positive",
            "mean:probability= precision:positive=",
            "logit= precision:positive=",
            "probit= precision:positive=",
            "cloglog= precision:positive=",
        ),
        _signature("LKJ", "correlation", "eta:positive?"),
        _signature("Dirichlet", "simplex", "concentration:positive"),
        _signature("MultivariateNormal", "real", "mean sd:positive= cor:correlation="),
        _signature("Flat", "any", ""),
        _signature(DEFAULT, "any", ""),
        _signature("Bernoulli", "count", "p:probability", *(f"{link}=" for link in _PROBABILITY)),
        _signature(
            "Binomial", "count", "trials:count p:probability", *(f"trials:count {link}=" for link in _PROBABILITY)
        ),
        _signature("Poisson", "count", "rate:positive", "log=", "sqrt="),
        _signature(
            "NegativeBinomial",
            "count",
            "mean:positive shape:positive",
            "log= shape:positive=",
            "sqrt= shape:positive=",
        ),
        _signature("ZeroInflatedPoisson", "count", "rate:positive zero:probability", "log= zero:probability="),
        _signature(
            "ZeroInflatedNegativeBinomial",
            "count",
            "mean:positive shape:positive zero:probability",
            "log= shape:positive= zero:probability=",
        ),
        _signature("Ordinal", "category", "logit= cut:ordered=", "probit= cut:ordered=", "cloglog= cut:ordered="),
    )
}
"""Every distribution that a statement may have on its right side."""

VECTORS = ("LKJ", "Dirichlet", "MultivariateNormal")
"""Those of which one value is a vector or a matrix."""


def bound(node: Call) -> dict[str, Node]:
    """Return the arguments of a distribution by name.

    Raises SpecError for an unknown distribution, and for arguments that it does not take or lacks.
    """
    signature = DISTRIBUTIONS.get(node.function)
    if signature is None:
        hint = did_you_mean(node.function, DISTRIBUTIONS, f"The distributions are {listed(DISTRIBUTIONS)}.")
        message = f"There is no distribution called {quoted(node.function)}."
        raise SpecError(message, span=node.function_span, hint=hint)
    form = _form(node, signature)
    hint = f"Write {signature.call}."
    places = [a.name for a in form if not a.by_name]
    if len(node.arguments) > len(places):
        takes = {0: "no arguments", 1: "1 argument"}.get(len(places), f"{len(places)} arguments")
        message = f"{node.function} takes {takes} without a name, but {len(node.arguments)} are given."
        raise SpecError(message, span=node.arguments[len(places)].span, hint=hint)
    found = dict(zip(places, node.arguments))
    for name, value in node.keywords:
        if name in found:
            message = f"The argument `{name}` of {node.function} is given twice."
            raise SpecError(message, span=node.keyword_span(name))
        found[name] = value
    missing = [f"`{a.name}`" for a in form if a.required and a.name not in found]
    if missing:
        raise SpecError(f"{node.function} needs {listed(missing)}.", span=node.span, hint=hint)
    return found


def _form(node: Call, signature: Signature) -> tuple[Argument, ...]:
    """Return the way in which the arguments are given."""
    given = [name for name, _ in node.keywords]
    for name in given:
        if name not in signature.arguments:
            message = f"{node.function} has no argument called {quoted(name)}."
            raise SpecError(message, span=node.keyword_span(name), hint=f"Write {signature.call}.")
    forms = [form for form in signature.forms if {a.name for a in form} >= set(given)]
    if not forms:
        shown = listed(f"`{name}`" for name in given)
        message = f"{node.function} does not take {shown} together."
        raise SpecError(message, span=node.span, hint=f"Write {signature.call}.")
    count = len(node.arguments) + len(given)
    return next((form for form in forms if len(form) == count), forms[0])


def as_call(node: Node) -> Call | None:
    """Return the distribution on the right of a `~`; a bare name such as `Flat` is a call without arguments."""
    if isinstance(node, Call):
        return node
    if isinstance(node, Name) and not node.quoted and node.name in DISTRIBUTIONS:
        return Call(node.name, (), (), node.span, node.span)
    return None
