"""Expansion: the right side of a formula as R reads it, a set of terms, group terms and offsets.

Each operator takes sets of terms to a set of terms, where a term is a set of factors:

    a + b       union                      a - b       difference
    a:b         every pair joined          a * b       a + b + a:b
    a / b       a, and b inside all of a   a %in% b    a joined with all of b
    a ** n      a * a * ... without repeats

Terms are ordered by the number of factors, then as written; a term keeps the order of its factors as first
written (R reorders them by first appearance in the formula). A square of one variable, which R reads as the
variable itself, is an error here: `x**2` is never meant so. Bars follow lme4, except that `||` makes every
column of its term independent, also the columns of a factor, which lme4 keeps correlated.

Source: Wilkinson and Rogers (1973), Symbolic description of factorial models; Bates et al. (2015), Fitting
linear mixed-effects models using lme4, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import Span, SpecError
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Binary, Call, Name, Node, Number, Unary
from .expression import check_arithmetic, check_variable
from .grouping import grouping_factors
from .terms import MOST_FACTORS, GroupTerm, Term

MOST_TERMS = 5_000
"""The most terms that a formula may expand to."""

Terms = dict[frozenset[Node], Term]


@dataclass
class Expansion:
    """What has been read so far of one right side, or of the left of one bar.

    in_group: whether this is the left of a bar, where only terms are allowed.
    """

    in_group: bool = False
    intercept: bool = True
    terms: tuple[Term, ...] = ()
    groups: list[GroupTerm] = field(default_factory=list)
    offsets: list[Node] = field(default_factory=list)
    weights: Node | None = None


def expand(node: Node) -> Expansion:
    """Return the meaning of the right side of a formula.

    Raises SpecError for what is not a term, for group terms, offsets and weights that are not simply added,
    for more than `MOST_TERMS` terms and for more than `MOST_FACTORS` factors in one.
    """
    expansion = Expansion()
    _fill(expansion, node)
    _check_group_columns(expansion.groups)
    return expansion


def _fill(expansion: Expansion, node: Node) -> None:
    found = _terms(node, expansion, added=True, kept=True)
    expansion.terms = tuple(sorted(found.values(), key=lambda term: len(term.factors)))


def _terms(node: Node, into: Expansion, *, added: bool, kept: bool) -> Terms:
    """Return the terms of a node; intercept, group terms and offsets go into the expansion.

    added: whether the node is simply added to the formula. kept: False where a minus removes what is read.
    """
    match node:
        case Binary(operator) if operator in ("|", "||"):
            _add_groups(node, into, added)
            return {}
        case Binary():
            return _chain_terms(node, into, added, kept)
        case Unary("+", operand):
            return _terms(operand, into, added=added, kept=kept)
        case Unary(_, operand):
            _terms(operand, into, added=False, kept=not kept)
            return {}
        case Number(value):
            if value not in (0, 1):
                hint = "Write 1 for the intercept, 0 for none; a known number is added by offset(...)."
                raise SpecError(f"The number {quoted(label(node))} is not a term.", span=node.span, hint=hint)
            into.intercept = (value == 1) == kept
            return {}
        case Call("offset" | "weights"):
            _add_part(node, into, added)
            return {}
        case _:
            check_variable(node)
            return {frozenset((node,)): Term((node,), node.span)}


def _chain_terms(node: Binary, into: Expansion, added: bool, kept: bool) -> Terms:
    """Go along a chain of operators in a loop, since a formula may have thousands of terms."""
    links: list[Binary] = []
    first: Node = node
    while isinstance(first, Binary) and first.operator not in ("|", "||"):
        links.append(first)
        first = first.left
    links.reverse()
    # Only sums above a node leave it simply added.
    products = max((i for i, link in enumerate(links) if link.operator not in ("+", "-")), default=-1)
    terms = _terms(first, into, added=added and products < 0, kept=kept)
    for i, link in enumerate(links):
        plain = added and products < i
        if link.operator == "+":
            for key, term in _terms(link.right, into, added=plain, kept=kept).items():
                terms.setdefault(key, term)
        elif link.operator == "-":
            for key in _terms(link.right, into, added=False, kept=not kept):
                terms.pop(key, None)
        elif link.operator == "**":
            terms = _power(terms, link)
        else:
            _check_operands(link)
            terms = _joined(link, terms, _terms(link.right, into, added=False, kept=kept))
        if len(terms) > MOST_TERMS:
            raise _too_many(link.span)
    return terms


def _joined(link: Binary, left: Terms, right: Terms) -> Terms:
    """Apply one of `: * / %in%` to two sets of terms."""
    match link.operator:
        case ":":
            return _products(left, right, link.span)
        case "*":
            return left | {k: t for k, t in right.items() if k not in left} | _new(left, right, link.span)
        case "/":
            whole = _whole(left)
            return left | {k: t for k, t in _products(whole, right, link.span).items() if k not in left}
        case "%in%":
            return _products(left, _whole(right), link.span)
        case operator:
            message = f"`{operator}` has no meaning in a formula."
            raise SpecError(message, span=link.span, hint="A formula has + - * / : ** %in% and bars.")


def _new(left: Terms, right: Terms, span: Span) -> Terms:
    return {k: t for k, t in _products(left, right, span).items() if k not in left and k not in right}


def _products(left: Terms, right: Terms, span: Span) -> Terms:
    """Join every term on the left with every term on the right."""
    if len(left) * len(right) > MOST_TERMS:
        raise _too_many(span)
    terms: Terms = {}
    for first in left.values():
        for second in right.values():
            factors = tuple(dict.fromkeys((*first.factors, *second.factors)))
            if len(factors) > MOST_FACTORS:
                raise SpecError(f"A term joins more than {MOST_FACTORS} factors.", span=span)
            terms.setdefault(frozenset(factors), Term(factors, first.span | second.span))
    return terms


def _whole(terms: Terms) -> Terms:
    """Return one term that has all factors, or none if there are no terms."""
    if not terms:
        return {}
    factors = tuple(dict.fromkeys(factor for term in terms.values() for factor in term.factors))
    spans = [term.span for term in terms.values()]
    return {frozenset(factors): Term(factors, min(spans) | max(spans))}


def _power(terms: Terms, link: Binary) -> Terms:
    """Join the terms with themselves until the power is reached or nothing is new."""
    power = link.right.value if isinstance(link.right, Number) else 0.0
    if power != int(power) or power < 1:
        message = f"The power {quoted(label(link.right))} of a formula must be a whole number from 1."
        hint = f"Write I({label(link)}) for arithmetic." if not isinstance(link.left, Number) else None
        raise SpecError(message, span=link.right.span, hint=hint)
    if power > 1 and isinstance(link.left, (Name, Call)):
        message = f"In a formula {quoted(label(link))} means interactions, which one variable cannot have."
        raise SpecError(message, span=link.span, hint=f"Write I({label(link)}) for the power.")
    _check_operands(Binary("**", link.left, link.left, link.span))
    found = terms
    while power > 1:
        grown = found | _new(found, terms, link.span)
        if len(grown) > MOST_TERMS:
            raise _too_many(link.span)
        if len(grown) == len(found):
            break
        found, power = grown, power - 1
    return found


def _check_operands(link: Binary) -> None:
    """Refuse numbers and signs where only terms can stand; R would drop them silently."""
    for side in (link.left, link.right):
        if isinstance(side, Number):
            message = f"The number {quoted(label(side))} cannot take part in `{link.operator}` of a formula."
            raise SpecError(message, span=side.span, hint=f"Write I({label(link)}) for arithmetic.")
        if isinstance(side, Unary):
            message = f"`{side.operator}` cannot stand inside `{link.operator}` of a formula."
            raise SpecError(message, span=side.span, hint="A minus can only remove a whole term.")


def _too_many(span: Span) -> SpecError:
    return SpecError(f"The formula expands to more than {MOST_TERMS:,} terms.", span=span)


def _add_part(node: Call, into: Expansion, added: bool) -> None:
    """Take offset(...) or weights(...) out of the formula."""
    what = node.function
    if into.in_group or not added:
        message = f"{what}() can only be added to the formula with +."
        raise SpecError(message, span=node.span, hint=f"Write y ~ x + {label(node)}.")
    if len(node.arguments) != 1 or node.keywords:
        raise SpecError(f"{what}() takes one argument, a column or arithmetic of columns.", span=node.span)
    value = node.arguments[0]
    check_arithmetic(value)
    if value in into.offsets if what == "offset" else into.weights is not None:
        raise SpecError(f"{quoted(label(node))} gives the {what} a second time.", span=node.span)
    if what == "offset":
        into.offsets.append(value)
    else:
        into.weights = value


def _add_groups(node: Binary, into: Expansion, added: bool) -> None:
    """Take `(terms | factor)` out of the formula; a nested factor makes one group term for each depth."""
    if into.in_group:
        message = "A group term stands inside a group term."
        raise SpecError(message, span=node.span, hint="Add them: (1 | a) + (1 | b), or (1 | a:b).")
    if not added:
        message = f"The group term {quoted(label(node))} can only be added to the formula with +."
        raise SpecError(message, span=node.span)
    inner = Expansion(in_group=True)
    _fill(inner, node.left)
    if not inner.intercept and not inner.terms:
        message = f"Nothing varies in {quoted(label(node))}."
        raise SpecError(message, span=node.span, hint="Write (1 | g) or (0 + x | g).")
    correlated = node.operator == "|"
    for factor in grouping_factors(node.right):
        into.groups.append(GroupTerm(factor, inner.terms, inner.intercept, correlated, node.span))


def _check_group_columns(groups: list[GroupTerm]) -> None:
    """Refuse a column that varies twice over one factor: its two sds could not be told apart."""
    seen: set[tuple[frozenset[Node], frozenset[Node]]] = set()
    for group in groups:
        columns = [frozenset[Node]()] if group.intercept else []
        columns += [frozenset(term.factors) for term in group.terms]
        for column in columns:
            key = (frozenset(group.factor), column)
            if key in seen:
                raise _repeated(group, column)
            seen.add(key)


def _repeated(group: GroupTerm, column: frozenset[Node]) -> SpecError:
    term = next((t for t in group.terms if frozenset(t.factors) == column), None)
    name = ":".join(label(factor) for factor in term.factors) if term else "Intercept"
    factor = ":".join(label(part) for part in group.factor)
    rest = " + ".join(":".join(map(label, t.factors)) for t in group.terms)
    hint = f"Write (0 + {rest} | {factor}) without it." if term is None and rest else "Keep one of them."
    message = f"{name} varies over {factor} in two group terms."
    return SpecError(message, span=group.span, hint=hint)
