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
from .families import GAUSSIAN, Family
from .further import INVERSES, parameter_family
from .grouping import interaction
from .likelihoods import read_likelihood
from .model_spec import ModelSpec
from .priors import SIGNATURES, Prior, Target
from .signatures import DEFAULT, bound
from .statement_spec import INTERCEPT, Declaration, GroupLetters, Letters, StatementSpec, is_by, used_names
from .terms import GroupTerm


class _OtherError(Exception):
    """The statements mean something else than the model of a formula."""


@dataclass(frozen=True)
class _Outcome:
    """What the likelihood says: the family, its linear predictor, its further parameters, the weights.

    auxiliary: (parameter, letter), "" for one with a formula. formulas: (parameter, its linear predictor).
    """

    family: Family
    eta: Node
    auxiliary: tuple[tuple[str, str], ...] = ()
    formulas: tuple[tuple[str, Node], ...] = ()
    weights: Node | None = None


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
    main = _part(spec, outcome.eta, outcome.auxiliary)
    further = [_part(spec, eta, ()) for _, eta in outcome.formulas]
    _check_single_use(spec, [main, *further])
    response = spec.response
    if outcome.family.name == "binomial":
        response = Binary("/", response, bound(spec.likelihood)["trials"])
    priors = _priors(spec, [main, *further])
    parts = [
        _as_spec(part, Name(name), parameter_family(name), own)
        for part, (name, _), own in zip(further, outcome.formulas, priors[1:])
    ]
    letters = replace(main.own_letters, formulas=tuple(part.own_letters for part in further))
    found = _as_spec(main, response, outcome.family, priors[0])
    return replace(found, weights=outcome.weights, letters=letters, further=tuple(parts))


def _part(spec: StatementSpec, eta: Node, auxiliary: tuple[tuple[str, str], ...]) -> _Part:
    """Return what a linear predictor is made of; auxiliary: further parameters of the family, with their letters."""
    common, effects, offsets = _mean(spec, eta)
    letters = tuple(_letters(spec, found) for found in effects)
    groups = tuple(_term(spec, found, mine) for found, mine in zip(effects, letters))
    _check_columns(groups)
    return _Part(common, groups, letters, tuple(offsets), auxiliary)


def _as_spec(part: _Part, response: Node, family: Family, priors: tuple[Prior, ...]) -> ModelSpec:
    return ModelSpec(
        response=response,
        intercept=part.intercept,
        terms=part.common[2].terms if part.common else (),
        groups=part.groups,
        offsets=part.offsets,
        family=family,
        priors=priors,
    )


def _declared(spec: StatementSpec, node: Node | None) -> str:
    """Return the name of a declared parameter."""
    if isinstance(node, Name) and node.name in spec.parameters:
        return node.name
    raise _OtherError


def _outcome(spec: StatementSpec) -> _Outcome:
    given = bound(spec.likelihood)
    found = read_likelihood(spec.likelihood.function, given)
    if found is None:
        raise _OtherError
    likelihood, family, eta = found
    letters: list[tuple[str, str]] = []
    formulas: list[tuple[str, Node]] = []
    weights = None
    for argument, name in likelihood.further:
        node = given[argument]
        if family == GAUSSIAN and isinstance(node, Binary) and node.operator == "/":
            weights = _weights(spec, node.right)
            node = node.left
        inverse = INVERSES[parameter_family(name).link]
        node = _resolved(spec, node)[0]
        computed = isinstance(node, Call) and node.function == inverse and len(node.arguments) == 1
        if computed and isinstance(node, Call) and name != "cut":
            formulas.append((name, node.arguments[0]))
            letters.append((name, ""))
        else:
            letters.append((name, _declared(spec, node)))
    return _Outcome(family, eta, tuple(letters), tuple(formulas), weights)


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


def _check_single_use(spec: StatementSpec, parts: list[_Part]) -> None:
    """Leave to others what uses a parameter twice, or one that has no part in a formula."""
    nodes: list[Node] = [spec.likelihood, *(d.prior for d in spec.declarations)]
    uses = Counter(n.name for node in nodes for n in used_names(node))
    uses.update(n.name for d in spec.definitions for n in used_names(d.value))
    known = [name for part in parts for name in part.names]
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
class _Part:
    """One linear predictor, and which parameters of its formula each letter stands for.

    common: letter of the matrix, letter of the coefficients, columns. auxiliary: (parameter, letter).
    """

    common: tuple[str, str, Expansion] | None
    groups: tuple[GroupTerm, ...]
    letters: tuple[GroupLetters, ...]
    offsets: tuple[Node, ...]
    auxiliary: tuple[tuple[str, str], ...]

    @property
    def coefficients(self) -> str:
        """The letter of the coefficients, "" without any."""
        return self.common[1] if self.common else ""

    @property
    def intercept(self) -> bool:
        """Whether the common columns have the constant."""
        return self.common is not None and self.common[2].intercept

    @property
    def names(self) -> list[str]:
        """Every letter of a parameter."""
        found = [self.coefficients] if self.common else []
        found += [letter for g in self.letters for letter in (g.effects, g.sd, g.cor) if letter]
        return [*found, *(letter for _, letter in self.auxiliary if letter)]

    @property
    def own_letters(self) -> Letters:
        """The letters as a spec has them."""
        matrix = self.common[0] if self.common else ""
        sigma = dict(self.auxiliary).get("sigma", "")
        others = tuple(letter for name, letter in self.auxiliary if name != "sigma")
        return Letters(matrix, self.coefficients, sigma, self.letters, others)

    def of(self, declaration: Declaration, taken: set[str]) -> list[Target]:
        """Return the targets that a declaration speaks of; taken: elements of w that have priors of their own."""
        name, element = declaration.name, declaration.element
        if name == self.coefficients:
            return self._coefficients(declaration, taken)
        for kind, letter in self.auxiliary:
            if name == letter and (element is None or kind == "cut"):
                return [Target(kind, element)]
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


def _priors(spec: StatementSpec, parts: list[_Part]) -> list[tuple[Prior, ...]]:
    """Return the priors of each part in the order written, those of effects and defaults left out."""
    effects = {letters.effects for part in parts for letters in part.letters}
    cors = {letters.cor for part in parts for letters in part.letters if letters.cor}
    found: list[list[Prior]] = [[] for _ in parts]
    for declaration in spec.declarations:
        if declaration.name in effects:
            continue
        place = next((i for i, part in enumerate(parts) if declaration.name in part.names), None)
        if place is None:
            raise _OtherError
        coefficients = parts[place].coefficients
        taken = {d.element for d in spec.declarations if d.name == coefficients and d.element is not None}
        speaks_of = parts[place].of(declaration, taken)
        prior = declaration.prior
        if prior.function == DEFAULT:
            continue
        if (prior.function == "LKJ") != (declaration.name in cors):
            raise _OtherError
        numbers = [fold(value) for value in bound(prior).values()]
        if prior.function not in SIGNATURES or any(number is None for number in numbers):
            raise _OtherError
        found[place] += [Prior(target, read_distribution(prior, target), declaration.span) for target in speaks_of]
    if any(len({prior.target for prior in own}) < len(own) for own in found):
        raise _OtherError
    return [tuple(own) for own in found]
