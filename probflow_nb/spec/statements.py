"""Statements: lower a text of explicit statements to the ModelSpec that it means, or else to a StatementSpec.

Without a formula in the text, every `left ~ Distribution(...)` whose left side another statement uses is the prior of a
parameter; the one that nothing uses is the likelihood, and its left side is the response.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import ProbflowError, Span, SpecError
from ..lang.printer import label
from ..lang.source import quoted
from ..lang.tree import Binary, Block, Call, Definition, Name, Node, Subscript, Tilde, walk
from .expression import check_arithmetic
from .model_spec import ModelSpec
from .place import check_places
from .recognition import recognised
from .signatures import DEFAULT, VECTORS, as_call, bound
from .statement_spec import INTERCEPT, PARTS, Declaration, StatementSpec, column_names, used_names
from .suggestion import did_you_mean, listed
from .value import check_value

_RESERVED = {
    "family": "The likelihood says the family: write y ~ Poisson(log = ...) without this line.",
    "weights": "Write the weights into the sd of the likelihood: Normal(mean, sigma / sqrt(w)).",
}


def lower_statements(block: Block, *, family: object = None) -> ModelSpec | StatementSpec:
    """Return the linear mixed model that the statements mean, or the statements themselves, checked.

    family: as given beside the text; statements say their own, so any is refused.
    Raises SpecError, with the place, for a text that means no model.
    """
    try:
        spec = read_statements(block)
        if family is not None:
            message = f"The text says the distribution of the response, {spec.likelihood.function}."
            raise SpecError(message, span=spec.likelihood.function_span, hint="Leave the family out.")
        return recognised(spec) or spec
    except ProbflowError as error:
        error.within(block.source)
        raise


def read_statements(block: Block) -> StatementSpec:
    """Return the statements of a text, checked as far as they can be without data."""
    definitions = _definitions([s for s in block.statements if isinstance(s, Definition)])
    tildes = [s for s in block.statements if isinstance(s, Tilde)]
    used = _uses(tildes, definitions)
    response = _likelihood(tildes, used)
    declarations = _declarations([t for t in tildes if t is not response])
    likelihood = _distribution(response)
    spec = StatementSpec(response.left, likelihood, declarations, tuple(definitions.values()), block.source)
    check_arithmetic(spec.response)
    _check_names(spec)
    _check_cycles(spec)
    for definition in spec.definitions:
        check_value(definition.value, whole=True)
    for call in (likelihood, *(d.prior for d in declarations)):
        for argument in bound(call).values():
            check_value(argument)
    check_places(spec)
    _check_response(spec)
    return spec


def _definitions(statements: Sequence[Definition]) -> dict[str, Definition]:
    found: dict[str, Definition] = {}
    for statement in statements:
        name, span = statement.name, statement.name_span
        if name in _RESERVED:
            raise SpecError(f"Explicit statements have no {quoted(name)}.", span=statement.span, hint=_RESERVED[name])
        if name in found:
            raise SpecError(f"{quoted(name)} is defined twice.", span=span, hint="Keep one of them.")
        found[name] = statement
    return found


def parameter_name(node: Node) -> tuple[str, str | None, bool] | None:
    """Return the parameter, element and centring that a left side names, or None for a response."""
    match node:
        case Name(name):
            return name, None, False
        case Subscript(Name(name), index):
            return name, index, False
        case Call("centered", (Subscript(Name(name), index),), ()):
            return name, index, True
        case _:
            return None


def _uses(tildes: Sequence[Tilde], definitions: Mapping[str, Definition]) -> dict[str, Name]:
    """Return the names that some right side uses, each where it stands first."""
    found: dict[str, Name] = {}
    for node in [*(d.value for d in definitions.values()), *(t.right for t in tildes)]:
        for name in used_names(node):
            found.setdefault(name.name, name)
    return found


def _likelihood(tildes: Sequence[Tilde], used: Mapping[str, Name]) -> Tilde:
    """Return the one statement whose left side nothing uses."""
    named = [(t, parameter_name(t.left)) for t in tildes]
    free = [t for t, name in named if name is None or (name[0] not in used and name[1] is None)]
    for tilde, own in named:
        if own is not None and own[1] is not None and own[0] not in used:
            message = f"{quoted(own[0])} has a prior, but no statement uses it."
            raise SpecError(message, span=tilde.span, hint="Use it in the likelihood, or take this line away.")
    if not free:
        return _no_likelihood(tildes, used)
    if len(free) > 1:
        raise _two(free)
    return free[0]


def _no_likelihood(tildes: Sequence[Tilde], used: Mapping[str, Name]) -> Tilde:
    if not tildes:
        raise SpecError("The text has no likelihood: nothing in it has a `~`.", hint="Write y ~ Normal(mean, sigma).")
    for tilde in tildes:
        own = parameter_name(tilde.left)
        if own is not None and any(name.name == own[0] for name in used_names(tilde.right)):
            message = f"{quoted(own[0])} stands on both sides of its own `~`."
            raise SpecError(message, span=tilde.span, hint="The likelihood's left side is the response alone.")
    message = "The text has no response: another statement uses the left side of every `~`."
    raise SpecError(message, span=tildes[-1].span, hint="Write the likelihood as response ~ Normal(mean, sigma).")


def _two(free: Sequence[Tilde]) -> SpecError:
    """Say which of two left sides that nothing uses is the odd one."""
    first, second = free[0], free[1]
    if first.left == second.left:
        message = f"{quoted(label(second.left))} has two likelihoods."
        return SpecError(message, span=second.span, hint="Keep one of them.")
    for tilde in free:
        call = as_call(tilde.right)
        if call is not None and not any(used_names(v) for v in (*call.arguments, *(v for _, v in call.keywords))):
            message = f"{quoted(label(tilde.left))} has a prior, but no statement uses it."
            hint = "Use it in the likelihood, or take this line away."
            return SpecError(message, span=tilde.span, hint=hint)
    shown = f"{quoted(label(first.left))} and {quoted(label(second.left))}"
    message = f"No statement uses {shown}, so both would be responses, but a model has one."
    hint = "A parameter must be used by another statement; two responses are two models."
    return SpecError(message, span=second.span, hint=hint)


def _distribution(tilde: Tilde) -> Call:
    call = as_call(tilde.right)
    if call is None:
        message = f"The right side of a `~` must be a distribution, not {quoted(label(tilde.right))}."
        hint = "Write = in place of ~ for a definition, or a distribution such as Normal(mean, sd)."
        raise SpecError(message, span=tilde.right.span, hint=hint)
    return call


def _declarations(tildes: Sequence[Tilde]) -> tuple[Declaration, ...]:
    found: dict[tuple[str, str | None], Declaration] = {}
    for tilde in tildes:
        name, element, centered = parameter_name(tilde.left) or ("", None, False)
        declaration = Declaration(name, element, centered, _distribution(tilde), tilde.span, tilde.left.span)
        if centered and element != INTERCEPT:
            message = f"{quoted(declaration.label)} does not name a parameter."
            raise SpecError(message, span=tilde.left.span, hint=f"Only centered({name}[{INTERCEPT}]) has such a prior.")
        if (name, element) in found:
            raise SpecError(f"{quoted(declaration.label)} has two priors.", span=tilde.span, hint="Keep one of them.")
        found[name, element] = declaration
    return tuple(found.values())


def _check_names(spec: StatementSpec) -> None:
    """Refuse a name that means two things, and a definition that nothing uses."""
    parameters = {d.name: d for d in reversed(spec.declarations)}
    nodes = [*(d.value for d in spec.definitions), spec.likelihood, *(d.prior for d in spec.declarations)]
    used = {name.name for node in nodes for name in used_names(node)}
    columns = {name.name: name for node in nodes for name in column_names(node)}
    for definition in spec.definitions:
        if definition.name in parameters:
            message = f"{quoted(definition.name)} is defined by = and has a prior."
            raise SpecError(message, span=parameters[definition.name].span, hint="Keep one of them.")
        if definition.name not in used:
            hint = did_you_mean(definition.name, sorted(used), "Use it, or take this line away.")
            message = f"{quoted(definition.name)} is defined, but no statement uses it."
            raise SpecError(message, span=definition.name_span, hint=hint)
    for parameter, declaration in parameters.items():
        if parameter in columns:
            message = f"{quoted(parameter)} is a parameter, so it cannot be a column of the data too."
            raise SpecError(message, span=declaration.left, hint="Give the parameter another name.")
    for name in used_names(spec.response):
        if name.name in used or name.name in columns:
            message = f"The response {quoted(name.name)} is among its own predictors."
            named = [n for node in nodes for n in (*used_names(node), *column_names(node))]
            where = next((n for n in named if n.name == name.name), name)
            raise SpecError(message, span=where.span, hint="Take it away from the right side.")


def _check_cycles(spec: StatementSpec) -> None:
    """Refuse a name that is reached from itself along definitions and priors."""
    below: dict[str, list[str]] = {d.name: [n.name for n in used_names(d.value)] for d in spec.definitions}
    for declaration in spec.declarations:
        below.setdefault(declaration.name, []).extend(n.name for n in used_names(declaration.prior))
    spans: dict[str, Span] = {d.name: d.left for d in reversed(spec.declarations)}
    spans |= {d.name: d.name_span for d in spec.definitions}
    done: set[str] = set()
    for start in below:
        path, waiting = [start], [iter(below[start])]
        while waiting:
            following = next(waiting[-1], None)
            if following is None:
                done.add(path.pop())
                waiting.pop()
            elif following in path:
                ring = " -> ".join([*path[path.index(following) :], following])
                message = f"{quoted(following)} depends on itself: {ring}."
                raise SpecError(message, span=spans[following], hint="Take one of these out of another.")
            elif following in below and following not in done:
                path.append(following)
                waiting.append(iter(below[following]))


def _check_response(spec: StatementSpec) -> None:
    if spec.likelihood.function in ("Flat", DEFAULT, *VECTORS):
        message = f"{spec.likelihood.function} is not a distribution of a response."
        hint = "Write one of single numbers, such as Normal(mean, sigma)."
        raise SpecError(message, span=spec.likelihood.function_span, hint=hint)
    if not spec.declarations:
        products = [node for node in walk(spec.likelihood) if isinstance(node, Binary) and node.operator == "@"]
        known = [*used_names(spec.response), *(node.left for node in products)]
        names = [name for name in spec.open_names if name not in known]
        message = "The model has no parameters: no statement gives one a prior."
        advice = "Write y ~ Normal(mu, sigma), and a prior for mu and for sigma."
        if names:
            advice = f"Give {listed(quoted(name.name) for name in names)} a prior, such as Normal(0, 10)."
        if names and not products:
            terms = " + ".join(label(name) for name in names)
            advice = f"{advice[:-1]}; if it is a column, write X @ w, X = design(1 + {terms}) and w ~ Normal(0, 10)."
        raise SpecError(message, span=spec.likelihood.span, hint=advice)


def has_matrices(block: Block) -> bool:
    """Whether a text has what only explicit statements have: design(), indicators(), `by` or `@`."""
    for statement in block.statements:
        right = statement.right if isinstance(statement, Tilde) else statement.value
        for node in walk(right):
            if isinstance(node, Call) and node.function in PARTS:
                return True
            if isinstance(node, Binary) and node.operator in ("@", "by"):
                return True
    return False
