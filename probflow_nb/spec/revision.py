"""Revision: a model text changed by another one, in which `.` stands for a side of the formula as it is.

As in R's update(): `. ~ . + x` adds a term, `. ~ . - x` takes one away, `log(.) ~ .` changes the response; group
terms, offsets and weights are taken away as they were added. In a product, `. * x`, the dot stands for common terms.
Lines beside the formula take the place of those of the same left side. Priors are inherited, but not by another family
or response, whose parameters are on another scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import ProbflowError, Span, SpecError
from ..lang.grammar import parse, parse_expression
from ..lang.printer import label, print_statement
from ..lang.source import quoted
from ..lang.tree import Binary, Block, Call, Definition, Name, Node, Number, Tilde, Unary, walk
from .expansion import Expansion, expand
from .families import Family
from .formula import formulas_of, lower
from .model_spec import ModelSpec
from .suggestion import listed
from .terms import GroupTerm
from .text import formula_text, group_text

_DOT = Name(".")
Signed = list[tuple[str, Node]]


@dataclass(frozen=True)
class Revision:
    """A text by its lines.

    lines: what was asked for, the formula first. inherited: priors of the old text, which may speak of parameters that
    the new model does not have. has_family: whether a line says the family.
    """

    lines: tuple[str, ...]
    inherited: tuple[str, ...]
    has_family: bool

    @property
    def text(self) -> str:
        """The whole text."""
        return "\n".join((*self.lines, *self.inherited))

    def without(self, offset: int) -> Revision | None:
        """Return it without the inherited prior that stands at an offset of the text, None where that is no such."""
        place = self.text[:offset].count("\n") - len(self.lines)
        if place < 0:
            return None
        return replace(self, inherited=self.inherited[:place] + self.inherited[place + 1 :])


def revised(change: str, text: str, family: str | Family | None = None) -> Revision:
    """Return a model text as another one changes it.

    change: a formula with dots, or a whole one, and further lines. text: of the model; it must have a formula.
    family: given beside the change, it takes the place of the text's own.
    Raises ProbflowError, with the place in `change`.
    """
    try:
        return _revised(parse(change), parse(text), family)
    except ProbflowError as error:
        raise error.within(change) from None


def _revised(change: Block, old: Block, family: str | Family | None) -> Revision:
    main, further, _ = formulas_of(old)
    new, others, priors = formulas_of(change, whole=False)
    if main is None:
        raise SpecError("The text of the model has no formula.", hint="Write the whole new text for pf.lme.")
    mine = [s for s in change.statements if isinstance(s, Definition)]
    held = [s for s in old.statements if isinstance(s, Definition) and s.name not in {d.name for d in mine}]
    held = [s for s in held if s.name != "family" or family is None]
    definitions = [*held, *mine]
    formula = main if new is None else _changed(new, main)
    parts = {label(s.left): s for s in further}
    for statement in others:
        before = parts.get(label(statement.left))
        if before is None and _dots(statement.right):
            message = f"{quoted(label(statement.left))} has no formula yet that `.` could stand for."
            raise SpecError(message, span=_dots(statement.right)[0].span, hint="Write 1 in its place.")
        parts[label(statement.left)] = statement if before is None else _changed(statement, before, left=False)
    said = {label(s.left) for s in priors}
    other_scale = family is not None or any(d.name == "family" for d in mine) or formula.left != main.left
    kept = [] if other_scale else [s for s in formulas_of(old)[2] if label(s.left) not in said]
    lines = _lines(formula, list(parts.values()), definitions, priors, change.source, family)
    has_family = any(d.name == "family" for d in definitions)
    known = [line for line in map(print_statement, kept) if _lowers("\n".join((*lines, line)), family)]
    return Revision(tuple(lines), tuple(known), has_family)


def _lines(
    formula: Tilde,
    further: Sequence[Tilde],
    definitions: Sequence[Definition],
    priors: Sequence[Tilde],
    source: str,
    family: str | Family | None,
) -> list[str]:
    """Return the statements as lines, the formulas as R would write them after the change."""
    spec = lower(Block((formula, *further, *definitions, *priors), source), family=family)
    if not isinstance(spec, ModelSpec):
        raise SpecError("The changed text has no formula.", hint="Write the whole new text for pf.lme.")
    lines = [formula_text(spec), *map(formula_text, spec.further)]
    own = [print_statement(d) for d in definitions]
    if spec.weights is not None and not any(d.name == "weights" for d in definitions):
        own.append(f"weights = {label_of(spec.weights)}")
    return [*lines, *own, *map(print_statement, priors)]


def label_of(node: Node) -> str:
    """Return an expression as a text has it, with backquotes."""
    return print_statement(Tilde(_DOT, node)).partition("~ ")[2]


def _lowers(text: str, family: str | Family | None) -> bool:
    try:
        lower(parse(text), family=family)
    except ProbflowError:
        return False
    return True


# The two sides -------------------------------------------------------------------------------------------------------


def _changed(new: Tilde, old: Tilde, left: bool = True) -> Tilde:
    """Return a formula with the dots of its sides replaced by those of another."""
    side = _with(new.left, old.left) if left else new.left
    items: Signed = []
    held = _flat(old.right)
    for sign, node in _flat(new.right):
        _add(items, sign, node, held)
    return Tilde(side, _sum(items, new.right.span), new.span)


def _add(items: Signed, sign: str, node: Node, old: Signed) -> None:
    """Take one summand of the new right side in, or away."""
    if _is_dot(node):
        if sign == "-":
            raise SpecError("`.` stands for the whole formula, which cannot be taken away.", span=node.span)
        items += [(s, _at(n, node.span)) for s, n in old]
    elif _dots(node):
        if isinstance(node, Binary) and node.operator in ("|", "||"):
            message = "`.` stands for the terms of the formula; it cannot stand in a group term."
            raise SpecError(message, span=_dots(node)[0].span, hint="Write the terms that vary: (1 + x | g).")
        common: Signed = [(s, n) for s, n in old if not _is_apart(n)]
        apart: Signed = [(s, n) for s, n in old if _is_apart(n)]
        items.append((sign, _with(node, _sum(common, node.span))))
        items += [(s, _at(n, node.span)) for s, n in apart if (s, n) not in items]
    elif sign == "+":
        items.append((sign, node))
    elif _is_apart(node):
        _take_apart(items, node)
    else:
        _check_there(items, node)
        items.append((sign, node))


def _take_apart(items: Signed, node: Node) -> None:
    """Take a group term, an offset or weights away again."""
    if (("+", node)) in items:
        items.remove(("+", node))
        return
    wanted = {_key(group) for group in _groups(node)}
    places = [(i, group) for i, (_, item) in enumerate(items) for group in _groups(item)]
    if not wanted or not wanted <= {_key(group) for _, group in places}:
        shown = [label(item) for _, item in items if _is_apart(item)]
        raise SpecError(
            f"{quoted(label(node))} is not part of the formula, so it cannot be taken away.",
            span=node.span,
            hint=f"It has {listed(shown)}." if shown else "It has no group term, offset or weights.",
        )
    for i in sorted({i for i, group in places if _key(group) in wanted}, reverse=True):
        left = [group for j, group in places if j == i and _key(group) not in wanted]
        items[i : i + 1] = [("+", _at(parse_expression(group_text(group)), node.span)) for group in left]


def _check_there(items: Signed, node: Node) -> None:
    """Raise SpecError where a term that is taken away is not there; R would say nothing."""
    if isinstance(node, Number):
        return
    there = {frozenset(term.factors) for term in expand(_sum(items, node.span)).terms}
    gone = [term for term in expand(node).terms if frozenset(term.factors) not in there]
    if gone:
        name = ":".join(label(factor) for factor in gone[0].factors)
        shown = [":".join(label(f) for f in term.factors) for term in expand(_sum(items, node.span)).terms]
        raise SpecError(
            f"{quoted(name)} is not part of the formula, so it cannot be taken away.",
            span=gone[0].span,
            hint=f"Its terms are {listed(shown)}." if shown else "It has no common terms.",
        )


def _groups(node: Node) -> list[GroupTerm]:
    if not (isinstance(node, Binary) and node.operator in ("|", "||")):
        return []
    found: Expansion = expand(node)
    return list(found.groups)


def _key(group: GroupTerm) -> tuple[object, ...]:
    terms = frozenset(frozenset(term.factors) for term in group.terms)
    return frozenset(group.factor), terms, group.intercept, group.correlated


def _flat(node: Node) -> Signed:
    """Return the summands of a right side with their signs."""
    found: Signed = []
    while isinstance(node, Binary) and node.operator in ("+", "-"):
        found.append((node.operator, node.right))
        node = node.left
    if isinstance(node, Unary):
        found.append((node.operator, node.operand))
    else:
        found.append(("+", node))
    return found[::-1]


def _sum(items: Signed, span: Span) -> Node:
    """Return summands as one tree."""
    if not items:
        return Number(1.0, span)
    whole: Node = Number(1.0, span)
    rest = items
    if items[0][0] == "+":
        whole, rest = items[0][1], items[1:]
    for sign, node in rest:
        whole = Binary(sign, whole, node, span)
    return whole


def _is_apart(node: Node) -> bool:
    bar = isinstance(node, Binary) and node.operator in ("|", "||")
    return bar or (isinstance(node, Call) and node.function in ("offset", "weights"))


def _is_dot(node: Node) -> bool:
    return isinstance(node, Name) and node.name == "." and not node.quoted


def _dots(node: Node) -> list[Node]:
    return [one for one in walk(node) if _is_dot(one)]


def _with(node: Node, value: Node) -> Node:
    """Return an expression with a value in the place of every dot."""
    if _is_dot(node):
        return _at(value, node.span)
    if isinstance(node, Unary):
        return replace(node, operand=_with(node.operand, value))
    if isinstance(node, Binary):
        return replace(node, left=_with(node.left, value), right=_with(node.right, value))
    if isinstance(node, Call):
        return replace(node, arguments=tuple(_with(argument, value) for argument in node.arguments))
    return node


def _at(node: Node, span: Span) -> Node:
    """Return an expression of the old text as if it stood at a place of the new one."""
    if isinstance(node, Unary):
        return replace(node, operand=_at(node.operand, span), span=span)
    if isinstance(node, Binary):
        first, pairs = node.chain()
        whole = _at(first, span)
        for operator, right in pairs:
            whole = Binary(operator, whole, _at(right, span), span)
        return whole
    if isinstance(node, Call):
        keywords = tuple((name, _at(value, span)) for name, value in node.keywords)
        arguments = tuple(_at(argument, span) for argument in node.arguments)
        return replace(node, arguments=arguments, keywords=keywords, span=span, function_span=span, keyword_spans=())
    return replace(node, span=span)
