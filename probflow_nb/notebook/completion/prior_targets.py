"""Prior targets: what may stand left of a prior's `~`, by what the rest of the text says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...design.builder import build
from ...design.encoding import used_columns
from ...errors import ProbflowError
from ...lang import parse
from ...lang.printer import label, print_node, print_subscript
from ...lang.tree import Binary, Block, Call, Definition, Name, Node, Statement, Subscript, Tilde, walk
from ...spec.distributions import names_distribution
from ...spec.formula import lower
from ...spec.model_spec import ModelSpec
from ...spec.signatures import DISTRIBUTIONS
from ...spec.statement_spec import PARTS, used_names
from ...spec.statements import has_matrices
from ...spec.targets import INTERCEPT, coefficient_name
from ...spec.terms import GroupTerm
from ..session import Frame
from .column_roles import sampled

_MOST = 300


def formula_of(statements: Sequence[Statement]) -> ModelSpec | None:
    """Return the model of the formula among some statements, or None if there is none that can be read.

    Priors and definitions that do not fit are left out, since one may be half written.
    """
    formulas = [s for s in statements if isinstance(s, Tilde) and not _is_prior(s)]
    for block in (tuple(statements), *((s,) for s in formulas)) if formulas else ():
        try:
            spec = lower(Block(block))
        except ProbflowError:
            continue
        if isinstance(spec, ModelSpec) and not has_matrices(Block(block)):
            return spec
    return None


def _is_prior(statement: Tilde) -> bool:
    """Whether a statement can only be a prior, which alone would be read as a formula."""
    return names_distribution(statement.right) or statement.left in (Name(INTERCEPT), Name("sigma"))


def is_explicit(statements: Sequence[Statement]) -> bool:
    """Return whether the text is one of explicit statements."""
    return has_matrices(Block(tuple(statements)))


def targets(spec: ModelSpec, frame: Frame | None) -> tuple[str, ...]:
    """Return the parameters of a formula as a prior names them, those first that have no prior yet.

    frame: the data, which say the names of coefficients; without it the terms are taken.
    """
    found = [INTERCEPT] if spec.intercept else []
    found += coefficients(spec, frame)
    for group in spec.groups:
        found += _spread(group, spec, frame)
    found += spec.family.auxiliary
    found += [f"centered({INTERCEPT})"] if spec.intercept else []
    written = {prior.target.label for prior in spec.priors}
    ordered = sorted(dict.fromkeys(found), key=lambda text: _shown(text) in written)
    return tuple(ordered)


def coefficients(spec: ModelSpec, frame: Frame | None) -> list[str]:
    """Return the coefficients of a formula as they are written in a text, without the intercept."""
    bare = replace(spec, groups=(), priors=(), offsets=(), weights=None)
    shown = _column_names(bare, frame)
    return [text for name in shown[:_MOST] if name != INTERCEPT and (text := _written(name, spec)) is not None]


def undeclared(statements: Sequence[Statement], known: frozenset[str]) -> tuple[str, ...]:
    """Return the names that explicit statements use and nothing declares: parameters that lack a prior.

    known: the columns and arrays that such a name may be.
    """
    declared = {s.name for s in statements if isinstance(s, Definition)}
    declared |= {_base(s.left) for s in statements if isinstance(s, Tilde)}
    right = [s.right if isinstance(s, Tilde) else s.value for s in statements]
    used = [name.name for node in right for name in used_names(node)]
    lacking = [name for name in dict.fromkeys(used) if name not in declared]
    return tuple(name for name in lacking if name not in known)


def declared(statements: Sequence[Statement]) -> tuple[str, ...]:
    """Return the names that statements declare by a prior or define, in the order written."""
    names = [s.name if isinstance(s, Definition) else _base(s.left) for s in statements]
    return tuple(dict.fromkeys(name for name in names if name))


def place(name: str, statements: Sequence[Statement]) -> str:
    """Return where a parameter stands as an argument: "positive", "probability", "correlation", or "real"."""
    for node in (s.right if isinstance(s, Tilde) else s.value for s in statements):
        for call in (part for part in walk(node) if isinstance(part, Call) and part.function in DISTRIBUTIONS):
            found = _argument_place(call, name)
            if found:
                return found
    return "real"


def elements(base: str, statements: Sequence[Statement]) -> tuple[str, ...]:
    """Return the elements of a vector of coefficients as the terms of the design that it multiplies name them."""
    designs = {s.name: s.value for s in statements if isinstance(s, Definition)}
    for node in (s.right if isinstance(s, Tilde) else s.value for s in statements):
        for product in (p for p in walk(node) if isinstance(p, Binary) and p.operator == "@"):
            if product.right == Name(base):
                left = product.left
                matrix = designs.get(left.name) if isinstance(left, Name) else left
                if isinstance(matrix, Call) and matrix.function == PARTS[0]:
                    return _terms(matrix)
    return ()


def _terms(design: Call) -> tuple[str, ...]:
    try:
        spec = lower(Block((Tilde(Name("_"), design.arguments[0]),)))
    except (ProbflowError, IndexError):
        return ()
    if not isinstance(spec, ModelSpec):
        return ()
    return (*([INTERCEPT] if spec.intercept else []), *_column_names(spec, None))


def _argument_place(call: Call, name: str) -> str:
    for form in DISTRIBUTIONS[call.function].forms:
        named = dict(call.keywords)
        for i, argument in enumerate(form):
            given = call.arguments[i] if i < len(call.arguments) else named.get(argument.name)
            if given == Name(name) and argument.place in ("positive", "probability", "correlation"):
                return argument.place
    return ""


def _column_names(spec: ModelSpec, frame: Frame | None) -> tuple[str, ...]:
    if frame is not None:
        try:
            used = [name.name for name in used_columns(spec, response=True, groups=True, weights=True)]
            return build(spec, sampled(frame, used)).column_names
        except ProbflowError:
            pass
    return tuple(":".join(label(factor) for factor in term.factors) for term in spec.terms)


def _written(name: str, spec: ModelSpec) -> str | None:
    """Return the text that a prior needs to speak of a coefficient of this shown name."""
    candidates = [name]
    for factor in dict.fromkeys(f for term in spec.terms for f in term.factors):
        shown, text = label(factor), print_node(factor)
        candidates.append(name.replace(shown, text))
        if name.startswith(f"{shown}[") and name.endswith("]"):
            candidates.append(print_subscript(text, name[len(shown) + 1 : -1]))
    return next((c for c in candidates if _names(c, name, spec)), None)


def _names(text: str, name: str, spec: ModelSpec) -> bool:
    try:
        statement = parse(f"{text} ~ Flat").statements[0]
        return isinstance(statement, Tilde) and coefficient_name(statement.left, spec.terms) == name
    except ProbflowError:
        return False


def _spread(group: GroupTerm, spec: ModelSpec, frame: Frame | None) -> list[str]:
    """Return the sds and correlations of a group term."""
    factor = ":".join(print_node(column) for column in group.factor)
    found = [f"sd({factor})"]
    if group.terms:
        inside = replace(
            spec, terms=group.terms, intercept=group.intercept, groups=(), priors=(), offsets=(), weights=None
        )
        columns = [INTERCEPT] if group.intercept else []
        columns += coefficients(inside, frame)
        found += [f"sd({column} | {factor})" for column in columns]
        found += [f"cor({factor})"] if group.correlated and len(columns) > 1 else []
    return found


def _shown(text: str) -> str:
    return text.replace("`", "")


def _base(left: Node) -> str:
    node = left
    if isinstance(node, Call) and node.function == "centered" and node.arguments:
        node = node.arguments[0]
    if isinstance(node, Subscript):
        node = node.base
    return node.name if isinstance(node, Name) else ""
