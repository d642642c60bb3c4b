"""StatementSpec: the meaning of a text of explicit statements, without data, and the letters of a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import ProbflowError, Span
from ..lang.grammar import parse_expression
from ..lang.printer import print_node, print_statement, print_subscript
from ..lang.tree import Binary, Call, Definition, Name, Node, Subscript, Tilde, children, walk

_NOWHERE = Span(0, 0)

INTERCEPT = "Intercept"
PARTS = ("design", "indicators")
"""The calls that make matrices of columns; what stands inside them are columns of the data."""


@dataclass(frozen=True)
class GroupLetters:
    """The letters of one group term: of its matrix, effects, sds and correlations; empty where it has none."""

    matrix: str = ""
    effects: str = ""
    sd: str = ""
    cor: str = ""


@dataclass(frozen=True)
class Letters:
    """The letters with which a person wrote a linear mixed model.

    matrix: of the common design. coefficients: of beta. sigma: of the residual sd.
    groups: one entry a group term of the spec, in the same order. further: of the family's further parameters other
    than sigma, in its order; "" for one with a formula. formulas: the letters of each further formula of the spec.
    """

    matrix: str = "X"
    coefficients: str = "w"
    sigma: str = "sigma"
    groups: tuple[GroupLetters, ...] = ()
    further: tuple[str, ...] = ()
    formulas: tuple[Letters, ...] = ()

    def auxiliary(self, names: Sequence[str]) -> dict[str, str]:
        """Return the letter of each of a family's further parameters; names: those, in its order."""
        others = [name for name in names if name != "sigma"]
        found = dict(zip(others, self.further, strict=False))
        found = {"sigma": self.sigma, **found} if "sigma" in names else found
        return {name: letter for name, letter in found.items() if letter}


@dataclass(frozen=True)
class Declaration:
    """A prior statement: `w ~ Normal(0, 10)`, `w[Days] ~ ...` or `centered(w[Intercept]) ~ ...`.

    name: the parameter. element: one element by its label, or None for all that have no prior of their own.
    centered: whether it speaks of the intercept at the predictors' means.
    """

    name: str
    element: str | None
    centered: bool
    prior: Call
    span: Span = field(default=_NOWHERE, compare=False, repr=False)
    left: Span = field(default=_NOWHERE, compare=False, repr=False)

    @property
    def label(self) -> str:
        """The left side as shown, such as `centered(w[Intercept])`."""
        shown = self.name if self.element is None else f"{self.name}[{self.element}]"
        return f"centered({shown})" if self.centered else shown

    @property
    def text(self) -> str:
        """The statement as it is written."""
        left = print_node(Name(self.name))
        left = left if self.element is None else print_subscript(left, self.element)
        return f"{f'centered({left})' if self.centered else left} ~ {print_node(self.prior)}"


@dataclass(frozen=True)
class StatementSpec:
    """A model written as statements: definitions, declared parameters with priors, one likelihood.

    response: the left side of the likelihood, a column, an array or arithmetic of them. likelihood: its distribution.
    declarations: the priors in the order written. definitions: in the order written.
    source: the text that this came from, for error messages.
    """

    response: Node
    likelihood: Call
    declarations: tuple[Declaration, ...] = ()
    definitions: tuple[Definition, ...] = ()
    source: str = field(default="", compare=False, repr=False)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the declared parameters, in the order written."""
        return tuple(dict.fromkeys(d.name for d in self.declarations))

    @property
    def formula(self) -> str:
        """The likelihood in one line, such as `Reaction ~ Normal(X @ w + Z @ u, sigma)`."""
        return print_statement(Tilde(self.response, self.likelihood))

    def text(self) -> str:
        """Return the statements: definitions, priors, the likelihood; lower(parse(spec.text())) == spec."""
        lines = [print_statement(definition) for definition in self.definitions]
        lines += [declaration.text for declaration in self.declarations]
        return "\n".join([*lines, self.formula])

    def definition(self, name: str) -> Node | None:
        """Return the value of a definition, or None."""
        return next((d.value for d in self.definitions if d.name == name), None)

    @property
    def open_names(self) -> tuple[Name, ...]:
        """The names that the text leaves open, to be found among columns and arrays; each where it stands first."""
        closed = {*self.parameters, *(d.name for d in self.definitions)}
        nodes = [*(d.value for d in self.definitions), *(d.prior for d in self.declarations), self.likelihood]
        found: dict[str, Name] = {}
        for name in [n for node in (self.response, *nodes) for n in used_names(node)]:
            if name.name not in closed:
                found.setdefault(name.name, name)
        return tuple(found.values())

    @property
    def columns(self) -> tuple[Name, ...]:
        """The names inside design() and indicators() and after `by`, which can only be columns or arrays of rows."""
        found: dict[str, Name] = {}
        for node in (*(d.value for d in self.definitions), self.likelihood, *(d.prior for d in self.declarations)):
            for name in column_names(node):
                found.setdefault(name.name, name)
        return tuple(found.values())

    @property
    def rows(self) -> tuple[Name, ...]:
        """The names that can only be columns or arrays of rows: the response's, and those of `columns`."""
        found = {name.name: name for name in reversed((*used_names(self.response), *self.columns))}
        return tuple(reversed(found.values()))

    @property
    def indices(self) -> tuple[Name, ...]:
        """The names between square brackets, as in u[Subject], which are columns unless they are elements."""
        nodes = [*(d.value for d in self.definitions), self.likelihood, *(d.prior for d in self.declarations)]
        found: dict[str, Name] = {}
        for part in [part for node in nodes for part in walk(node) if isinstance(part, Subscript)]:
            for name in _index_names(part):
                found.setdefault(name.name, name)
        return tuple(found.values())


def _index_names(node: Subscript) -> list[Name]:
    try:
        names = [name for name in walk(parse_expression(node.index)) if isinstance(name, Name)]
    except ProbflowError:
        return []
    return [Name(name.name, node.span, name.quoted) for name in names]


def used_names(node: Node) -> list[Name]:
    """Return the names that an expression uses outside design(), indicators() and `by`."""
    found: list[Name] = []
    waiting = [node]
    while waiting:
        here = waiting.pop()
        match here:
            case Call(function) if function in PARTS:
                continue
            case Name():
                found.append(here)
            case _:
                waiting.extend(reversed(_below(here)))
    return found


def column_names(node: Node) -> list[Name]:
    """Return the names inside design() and indicators() and after `by`."""
    found: list[Name] = []
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Call) and here.function in PARTS:
            found += [name for argument in here.arguments for name in data_names(argument)]
            continue
        if isinstance(here, Binary) and here.operator == "by":
            found += [name for name in walk(here.right) if isinstance(name, Name)]
        waiting.extend(reversed(_below(here)))
    return found


def data_names(node: Node) -> list[Name]:
    """Return the names of columns in the terms of a formula: of a transform only its first argument is data."""
    found: list[Name] = []
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Name):
            found.append(here)
        elif isinstance(here, Call):
            waiting.extend(here.arguments[:1])
        else:
            waiting.extend(reversed(children(here)))
    return found


def is_by(node: Node) -> bool:
    """Whether a node is `design(...) by factor`."""
    return isinstance(node, Binary) and node.operator == "by"


def _below(node: Node) -> tuple[Node, ...]:
    """Return the children that hold values: not the factor after `by`."""
    return (children(node)[0],) if is_by(node) else children(node)
