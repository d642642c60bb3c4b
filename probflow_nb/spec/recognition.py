"""Recognition: statements that mean the multilevel model of a formula are lowered to its ModelSpec.

What is recognised: one design @ w, any number of group matrices @ effects, known columns as offsets; effects that are
Normal(0, tau) or MultivariateNormal(0, sd = tau, cor = R); every parameter used once; priors with numbers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from ..errors import ProbflowError, Span, SpecError
from ..lang.grammar import parse_expression
from ..lang.printer import label
from ..lang.tree import Binary, Call, Name, Node, Subscript, Unary
from .distributions import read_distribution
from .expansion import Expansion, expand
from .expression import check_arithmetic, fold
from .families import GAUSSIAN, KINDS, Family
from .grouping import interaction
from .model_spec import ModelSpec
from .priors import SIGNATURES, Prior, Target
from .signatures import DEFAULT, bound
from .statement_spec import INTERCEPT, Declaration, GroupLetters, Letters, StatementSpec, is_by, used_names
from .terms import GroupTerm

# The likelihoods of families other than the Gaussian: argument of eta, family, link, and the further parameter.
LIKELIHOODS: dict[str, tuple[str, str, str, str]] = {
    "Bernoulli": ("logit", "bernoulli", "logit", ""),
    "Binomial": ("logit", "binomial", "logit", ""),
    "Poisson": ("log", "poisson", "log", ""),
    "NegativeBinomial": ("log", "negative_binomial", "log", "shape"),
}


class _OtherError(Exception):
    """The statements mean something else than the model of a formula."""


@dataclass(frozen=True)
class _Outcome:
    """What the likelihood says: the family, its linear predictor, the letter of sigma, the weights."""

    family: Family
    eta: Node
    sigma: str = ""
    weights: Node | None = None
    further: str = ""


@dataclass(frozen=True)
class _Effects:
    """A group matrix with its effects: factor, columns (None: the constant alone), letters, place in the text."""

    factor: tuple[Node, ...]
    columns: Expansion | None
    matrix: str
    letter: str
    span: Span


def recognised(spec: StatementSpec) -> ModelSpec | None:
    """Return the ModelSpec of the formula that means the same, with the letters of the statements, or None.

    Raises SpecError for priors with numbers that they cannot have.
    """
    try:
        return replace(_lowered(spec), source=spec.source, statements=spec)
    except _OtherError:
        return None


def _lowered(spec: StatementSpec) -> ModelSpec:
    outcome = _outcome(spec)
    common, effects, offsets = _mean(spec, outcome.eta)
    letters = [_letters(spec, found) for found in effects]
    _check_single_use(spec, common, letters, outcome)
    groups = tuple(_term(spec, found, mine) for found, mine in zip(effects, letters))
    _check_columns(groups)
    design = common[2] if common else None
    intercept = design.intercept if design else False
    targets = _Targets(outcome, common[1] if common else "", intercept, groups, tuple(letters))
    response = spec.response
    if outcome.family.name == "binomial":
        response = Binary("/", response, bound(spec.likelihood)["trials"])
    return ModelSpec(
        response=response,
        intercept=intercept,
        terms=design.terms if design else (),
        groups=groups,
        offsets=tuple(offsets),
        weights=outcome.weights,
        family=outcome.family,
        priors=_priors(spec, targets),
        letters=Letters(
            common[0] if common else "", common[1] if common else "", outcome.sigma, tuple(letters), outcome.further
        ),
    )


def _declared(spec: StatementSpec, node: Node | None) -> str:
    """Return the name of a declared parameter."""
    if isinstance(node, Name) and node.name in spec.parameters:
        return node.name
    raise _OtherError


def _outcome(spec: StatementSpec) -> _Outcome:
    given = bound(spec.likelihood)
    if spec.likelihood.function == "Normal":
        sd, weights = given["sd"], None
        if isinstance(sd, Binary) and sd.operator == "/":
            weights = _weights(spec, sd.right)
            sd = sd.left
        return _Outcome(GAUSSIAN, given["mean"], _declared(spec, sd), weights)
    if spec.likelihood.function not in LIKELIHOODS:
        raise _OtherError
    argument, family, link, further = LIKELIHOODS[spec.likelihood.function]
    if argument not in given:
        raise _OtherError
    auxiliary = next(kind.auxiliary for kind in KINDS if kind.name == family)
    letter = _declared(spec, given[further]) if further else ""
    return _Outcome(Family(family, link, auxiliary), given[argument], "", None, letter)


def _weights(spec: StatementSpec, node: Node) -> Node:
    """Return w of sigma / sqrt(w)."""
    if not (isinstance(node, Call) and node.function == "sqrt"):
        raise _OtherError
    return _known(spec, node.arguments[0])


def _known(spec: StatementSpec, node: Node) -> Node:
    """Return an expression of columns alone."""
    closed = {*spec.parameters, *(d.name for d in spec.definitions)}
    names = used_names(node)
    if not names or any(name.name in closed for name in names):
        raise _OtherError
    try:
        check_arithmetic(node)
    except SpecError:
        raise _OtherError from None
    return node


def _resolved(spec: StatementSpec, node: Node) -> tuple[Node, str]:
    """Return what a name is defined as, with the last name on the way."""
    letter = ""
    while isinstance(node, Name) and (value := spec.definition(node.name)) is not None:
        letter, node = node.name, value
    return node, letter


def _mean(spec: StatementSpec, eta: Node) -> tuple[tuple[str, str, Expansion] | None, list[_Effects], list[Node]]:
    """Return the common part as (letter of the matrix, letter, columns), the effects and the offsets."""
    common: tuple[str, str, Expansion] | None = None
    effects: list[_Effects] = []
    offsets: list[Node] = []
    for sign, node in _addends(spec, eta):
        if not _has_parameter(spec, node):
            known = _known(spec, node)
            offsets.append(known if sign == "+" else Unary("-", known, known.span))
            continue
        if sign == "-":
            raise _OtherError
        found = _product(spec, node)
        if isinstance(found, _Effects):
            effects.append(found)
        elif common is None:
            common = found
        else:
            raise _OtherError
    if len(set(offsets)) < len(offsets):
        raise _OtherError
    return common, effects, offsets


def _addends(spec: StatementSpec, node: Node) -> list[tuple[str, Node]]:
    """Return the parts of a sum with their signs, definitions that are sums written out."""
    found: list[tuple[str, Node]] = []
    waiting = [("+", node)]
    while waiting:
        sign, here = waiting.pop()
        value = _resolved(spec, here)[0] if isinstance(here, Name) else here
        if not _has_parameter(spec, value):
            found.append((sign, value))
        elif isinstance(value, Binary) and value.operator in ("+", "-"):
            flip = {"+": "-", "-": "+"}
            right = sign if value.operator == "+" else flip[sign]
            waiting += [(right, value.right), (sign, value.left)]
        else:
            found.append((sign, value))
    return found


def _has_parameter(spec: StatementSpec, node: Node) -> bool:
    """Whether an expression uses a parameter, itself or through a definition."""
    waiting, seen = [node], set()
    while waiting:
        for name in used_names(waiting.pop()):
            value = spec.definition(name.name)
            if name.name in spec.parameters:
                return True
            if value is not None and name.name not in seen:
                seen.add(name.name)
                waiting.append(value)
    return False


def _product(spec: StatementSpec, node: Node) -> tuple[str, str, Expansion] | _Effects:
    """Return the meaning of `X @ w`, `Z @ u` or `u[g]`."""
    if isinstance(node, Subscript):
        letter = _declared(spec, node.base)
        try:
            factor = interaction(parse_expression(node.index))
        except ProbflowError:
            raise _OtherError from None
        return _Effects(factor, None, "", letter, node.span)
    if not (isinstance(node, Binary) and node.operator == "@"):
        raise _OtherError
    letter = _declared(spec, node.right)
    matrix, name = _resolved(spec, node.left)
    if isinstance(matrix, Call) and matrix.function == "design":
        return name, letter, expand(matrix.arguments[0])
    if isinstance(matrix, Call) and matrix.function == "indicators":
        return _Effects(interaction(matrix.arguments[0]), None, name, letter, matrix.span)
    if is_by(matrix) and isinstance(matrix, Binary) and isinstance(matrix.left, Call):
        columns = expand(matrix.left.arguments[0])
        return _Effects(interaction(matrix.right), columns, name, letter, matrix.span)
    raise _OtherError


def _only_prior(spec: StatementSpec, name: str) -> Call:
    found = [d for d in spec.declarations if d.name == name]
    if len(found) != 1 or found[0].element is not None:
        raise _OtherError
    return found[0].prior


def _letters(spec: StatementSpec, effects: _Effects) -> GroupLetters:
    """Return the letters of the effects, their sds and correlations."""
    prior = _only_prior(spec, effects.letter)
    if prior.function not in ("Normal", "MultivariateNormal"):
        raise _OtherError
    given = bound(prior)
    if fold(given["mean"]) != 0 or (prior.function != "Normal" and effects.columns is None):
        raise _OtherError
    sd = _declared(spec, given["sd"])
    cor = _declared(spec, given["cor"]) if prior.function == "MultivariateNormal" else ""
    if cor:
        _only_prior(spec, cor)
    return GroupLetters(effects.matrix, effects.letter, sd, cor)


def _check_single_use(
    spec: StatementSpec, common: tuple[str, str, Expansion] | None, letters: list[GroupLetters], outcome: _Outcome
) -> None:
    """Leave to others what uses a parameter twice, or one that has no part in a formula."""
    nodes: list[Node] = [outcome.eta, spec.likelihood, *(d.prior for d in spec.declarations)]
    uses = Counter(n.name for node in nodes[1:] for n in used_names(node))
    uses.update(n.name for d in spec.definitions for n in used_names(d.value))
    known = [common[1]] if common else []
    known += [letter for g in letters for letter in (g.effects, g.sd, g.cor) if letter]
    known += [letter for letter in (outcome.sigma, outcome.further) if letter]
    if Counter(known) != Counter(spec.parameters) or any(uses[name] != 1 for name in known):
        raise _OtherError
    # A definition that is used twice uses its parameters twice.
    for definition in spec.definitions:
        if uses[definition.name] != 1 and any(n.name in spec.parameters for n in used_names(definition.value)):
            raise _OtherError


def _term(spec: StatementSpec, effects: _Effects, letters: GroupLetters) -> GroupTerm:
    if effects.columns is None:
        return GroupTerm(effects.factor, (), True, True, effects.span)
    columns = effects.columns
    return GroupTerm(effects.factor, columns.terms, columns.intercept, bool(letters.cor), effects.span)


def _check_columns(groups: tuple[GroupTerm, ...]) -> None:
    seen = Counter(
        (frozenset(g.factor), column)
        for g in groups
        for column in [*([frozenset()] if g.intercept else []), *(frozenset(t.factors) for t in g.terms)]
    )
    if any(count > 1 for count in seen.values()):
        raise _OtherError


@dataclass(frozen=True)
class _Targets:
    """Which parameters of the formula each letter stands for."""

    outcome: _Outcome
    coefficients: str
    intercept: bool
    groups: tuple[GroupTerm, ...]
    letters: tuple[GroupLetters, ...]

    def of(self, declaration: Declaration, taken: set[str]) -> list[Target]:
        """Return the targets that a declaration speaks of; taken: elements of w that have priors of their own."""
        name, element = declaration.name, declaration.element
        if name == self.coefficients:
            return self._coefficients(declaration, taken)
        if name == self.outcome.sigma and element is None:
            return [Target("sigma")]
        if name == self.outcome.further and element is None and declaration.prior.function == DEFAULT:
            return []
        for group, letters in zip(self.groups, self.letters):
            factor = ":".join(label(node) for node in group.factor)
            if name == letters.cor and element is None:
                return [Target("cor", None, factor)]
            if name == letters.sd:
                return [self._sd(group, element, factor, declaration.prior.function == DEFAULT)]
        raise _OtherError

    def _coefficients(self, declaration: Declaration, taken: set[str]) -> list[Target]:
        if declaration.centered or declaration.element == INTERCEPT:
            if not self.intercept:
                raise _OtherError
            return [Target("centered intercept" if declaration.centered else "intercept")]
        if declaration.element is not None:
            return [Target("coefficient", declaration.element)]
        both = [Target("coefficient", None)]
        return [Target("intercept"), *both] if self.intercept and INTERCEPT not in taken else both

    def _sd(self, group: GroupTerm, element: str | None, factor: str, default: bool) -> Target:
        if not group.terms:
            if element not in (None, INTERCEPT):
                raise _OtherError
            return Target("sd", INTERCEPT, factor)
        same = [g for g in self.groups if set(g.factor) == set(group.factor)]
        # Beside other terms of its factor, a term without names of its columns cannot be spoken of as a whole.
        if element is None and len(same) > 1 and not default:
            raise _OtherError
        return Target("sd", element, factor)


def _priors(spec: StatementSpec, targets: _Targets) -> tuple[Prior, ...]:
    """Return the priors in the order written, those of effects and defaults left out."""
    taken = {d.element for d in spec.declarations if d.name == targets.coefficients and d.element is not None}
    effects = {letters.effects for letters in targets.letters}
    cors = {letters.cor for letters in targets.letters if letters.cor}
    found: list[Prior] = []
    for declaration in spec.declarations:
        if declaration.name in effects:
            continue
        speaks_of = targets.of(declaration, taken)
        prior = declaration.prior
        if prior.function == DEFAULT:
            continue
        if (prior.function == "LKJ") != (declaration.name in cors):
            raise _OtherError
        numbers = [fold(value) for value in bound(prior).values()]
        if prior.function not in SIGNATURES or any(number is None for number in numbers):
            raise _OtherError
        found += [Prior(target, read_distribution(prior, target), declaration.span) for target in speaks_of]
    if len({prior.target for prior in found}) < len(found):
        raise _OtherError
    return tuple(found)
