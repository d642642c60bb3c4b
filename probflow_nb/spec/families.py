"""Families: the distribution of the response given its mean, and the links that each allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import SpecError
from ..lang.grammar import parse_expression
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Call, Name, Node, String
from .suggestion import did_you_mean, listed, nearest


@dataclass(frozen=True, repr=False)
class Family:
    """A response family and its link.

    name: lower-case name, such as "gaussian".
    link: "identity", "log", "logit", ...
    auxiliary: names of further parameters, such as ("sigma",).
    """

    name: str = "gaussian"
    link: str = "identity"
    auxiliary: tuple[str, ...] = ("sigma",)

    def __repr__(self) -> str:
        """Return the family as Python has it, such as `Poisson(link="log")`."""
        kind = _kind_named(self.name)
        shown = self.name if kind is None else "Normal" if kind.name == "gaussian" else kind.shown
        return f'{shown}(link="{self.link}")'

    @property
    def label(self) -> str:
        """The family as a model text has it, such as `Poisson(link = log)`."""
        shown = next((k.shown for k in KINDS if k.name == self.name), self.name)
        return f"{shown}(link = {self.link})"


GAUSSIAN = Family()


@dataclass(frozen=True)
class Kind:
    """What is known of one family.

    name: as in `Family`. shown: as in a model text. links: allowed, the default first.
    auxiliary: names of further parameters. aliases: other names for it.
    """

    name: str
    shown: str
    links: tuple[str, ...]
    auxiliary: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


_PROBABILITY = ("logit", "probit", "cloglog", "cauchit", "log", "identity")

KINDS: tuple[Kind, ...] = (
    Kind("gaussian", "Gaussian", ("identity", "log", "inverse"), ("sigma",), ("normal",)),
    Kind("student_t", "StudentT", ("identity", "log", "inverse"), ("sigma", "df"), ("student", "t")),
    Kind("bernoulli", "Bernoulli", _PROBABILITY),
    Kind("binomial", "Binomial", _PROBABILITY),
    Kind("beta", "Beta", ("logit", "probit", "cloglog"), ("precision",)),
    Kind("poisson", "Poisson", ("log", "identity", "sqrt")),
    Kind(
        "negative_binomial",
        "NegativeBinomial",
        ("log", "identity", "sqrt"),
        ("shape",),
        ("negbinomial", "negbin", "nbinom"),
    ),
    Kind("gamma", "Gamma", ("log", "inverse", "identity"), ("shape",)),
    Kind("log_normal", "LogNormal", ("identity",), ("sigma",)),
    Kind("ordinal", "Ordinal", ("logit", "probit", "cloglog"), ("cut",), ("cumulative",)),
    Kind("zero_inflated_poisson", "ZeroInflatedPoisson", ("log",), ("zero",), ("zip",)),
    Kind("zero_inflated_negative_binomial", "ZeroInflatedNegativeBinomial", ("log",), ("shape", "zero"), ("zinb",)),
)
"""Every family of the language."""


def read_family(node: Node) -> Family:
    """Return the family that an expression names: `poisson`, "poisson", Poisson(link = log), Poisson(log).

    Raises SpecError for an unknown family, link or argument.
    """
    name, given = _parts(node)
    kind = _kind(name)
    if kind is None:
        shown = [k.shown for k in KINDS]
        hint = did_you_mean(name, shown, f"The families are {listed(shown)}.")
        span = node.function_span if isinstance(node, Call) else node.span
        raise SpecError(f"There is no family called {quoted(name)}.", span=span, hint=hint)
    if given is None:
        return Family(kind.name, kind.links[0], kind.auxiliary)
    try:
        return _linked(kind, _word(given) or label(given))
    except SpecError as error:
        raise SpecError(error.message, span=given.span, hint=error.hint) from None


def family_of_name(name: str, link: Any = None) -> Family | None:
    """Return the family of a distribution's name in Python, such as "Binomial", with a link or its usual one.

    None for a name of no family. Raises SpecError for a link that it does not have.
    """
    kind = _kind_named("gaussian" if name == "Normal" else name)
    if kind is None:
        return None
    return _linked(kind, kind.links[0] if link is None else link)


def _linked(kind: Kind, link: Any) -> Family:
    """Return a family with a link; SpecError for one that it does not have."""
    if not isinstance(link, str):
        message = f"The link of {kind.shown} must be a name, not of type {type(link).__name__}."
        raise SpecError(message, hint=f"Its links are {listed(kind.links)}.")
    if link not in kind.links:
        hint = f"{'Its links are' if len(kind.links) > 1 else 'Its link is'} {listed(kind.links)}."
        # A link of other families is no slip of the pen.
        hint = hint if any(link in other.links for other in KINDS) else did_you_mean(link, kind.links, hint)
        raise SpecError(f"The family {kind.shown} has no link called {quoted(link)}.", hint=hint)
    return Family(kind.name, link, kind.auxiliary)


def _kind_named(name: str) -> Kind | None:
    return next((kind for kind in KINDS if name in (kind.name, kind.shown)), None)


def family_from(value: object) -> Family:
    """Return the family that a caller gives as text such as "poisson", as pf.Poisson, or as pf.Poisson(link="sqrt").

    Raises ParseError or SpecError, which show that text, and SpecError for any other type.
    """
    if isinstance(value, Family):
        kind = _kind(value.name)
        if kind is None or value.link not in kind.links:
            raise SpecError(f"{value.label} is not a family and link of this package.")
        return value
    if not isinstance(value, str):
        # Of a distribution of `objects`, a floor above this one.
        own = getattr(value, "family", None)
        if isinstance(own, Family):
            return own
        what = value.__name__ if isinstance(value, type) else f"of type {type(value).__name__}"
        message = f'The family must be a name such as "poisson", not {what}.'
        raise SpecError(message, hint='Write family="poisson", or family=pf.Poisson(link="log").')
    if not value.strip():
        raise SpecError("The family is empty.", hint=f"The families are {listed(k.shown for k in KINDS)}.")
    try:
        return read_family(parse_expression(value))
    except SpecError as error:
        error.within(value)
        raise


def _kind(name: str) -> Kind | None:
    """Find a family by its name, whatever its case, dots and underscores."""
    names = {spelling: k for k in KINDS for spelling in (k.name, *k.aliases)}
    found = nearest(name, names) or ""
    return names[found] if _folded(found) == _folded(name) and found else None


def _folded(name: str) -> str:
    return name.casefold().replace("_", "").replace(".", "").replace(" ", "")


def _parts(node: Node) -> tuple[str, Node | None]:
    """Return the family's name and the node of its link, if given."""
    if isinstance(node, (Name, String)):
        return _word(node), None
    if not isinstance(node, Call):
        message = f"{quoted(label(node))} does not name a family."
        raise SpecError(message, span=node.span, hint="Write family = Poisson(link = log).")
    wrong = next((name for name, _ in node.keywords if name != "link"), None)
    given = [*node.arguments, *(value for _, value in node.keywords)]
    if wrong is not None or len(given) > 1:
        span = node.keyword_span(wrong) if wrong else given[1].span
        message = f"The family {node.function} takes one argument, its link."
        raise SpecError(message, span=span, hint=f"Write {node.function}(link = ...).")
    return node.function, given[0] if given else None


def _word(node: Node) -> str:
    return node.name if isinstance(node, Name) else node.value if isinstance(node, String) else ""
