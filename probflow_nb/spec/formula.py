"""Formula: lower a model text to its meaning; one with a formula is read here, one of statements in `statements`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import ProbflowError, SpecError
from ..lang.printer import label, print_statement
from ..lang.source import quoted
from ..lang.tree import Binary, Block, Call, Definition, Name, Node, Number, Tilde, walk
from .distributions import names_distribution, read_distribution
from .expansion import Expansion, expand
from .expression import check_arithmetic
from .families import GAUSSIAN, Family, family_from, read_family
from .further import PARAMETERS, check_further, divided, in_order, is_further, owner, parameter_family
from .model_spec import ModelSpec
from .priors import SIGNATURES, Prior, Target
from .signatures import DEFAULT, DISTRIBUTIONS
from .statement_spec import StatementSpec, used_names
from .statements import has_matrices, lower_statements
from .suggestion import did_you_mean, listed
from .targets import INTERCEPT, read_target

_DEFINITIONS = ("family", "weights")
_EXAMPLE = "Write one, such as y ~ x + (1 | g)."
_PARAMETER_CALLS = ("sd", "cor", "centered")


def lower(block: Block, *, family: str | Family | None = None) -> ModelSpec | StatementSpec:
    """Return the model that a text means, whichever way it is written.

    One statement is the formula; every other `left ~ Distribution(...)` is a prior; `family = ...` and
    `weights = ...` may follow. A family given here and in the text must be the same.
    Without a formula the text is one of explicit statements; one that means the model of a formula is lowered to the
    same ModelSpec, any other to a StatementSpec.
    Raises SpecError, with the place, for a text that means no model, and ParseError for the text of a family.
    """
    if _means_statements(block):
        return lower_statements(block, family=family)
    try:
        return _lower(block, family)
    except ProbflowError as error:
        error.within(block.source)
        raise


def _lower(block: Block, family: str | Family | None) -> ModelSpec:
    if not block.statements:
        raise SpecError("The model text is empty.", hint=_EXAMPLE)
    tildes = [s for s in block.statements if isinstance(s, Tilde)]
    definitions = _definitions([s for s in block.statements if isinstance(s, Definition)])
    formula, others = _formula(tildes)
    _check_response(formula.left)
    chosen = _family(definitions, family)
    check_further(others, chosen)
    expansion = expand(formula.right)
    _check_predictors(formula.left, expansion)
    spec = ModelSpec(
        response=formula.left,
        intercept=expansion.intercept,
        terms=expansion.terms,
        groups=tuple(expansion.groups),
        offsets=tuple(expansion.offsets),
        weights=_weights(expansion, definitions),
        family=chosen,
        source=block.source,
        further=tuple(_further(statement, formula.left) for statement in in_order(others, chosen)),
    )
    return _with_priors([s for s in tildes if s is not formula and s not in others], spec)


def _further(statement: Tilde, response: Node) -> ModelSpec:
    """Return the spec of a further parameter's own formula."""
    assert isinstance(statement.left, Name)
    expansion = expand(statement.right)
    _check_predictors(response, expansion)
    if expansion.weights is not None:
        message = f"The formula of {quoted(statement.left.name)} has weights, which belong to the response."
        raise SpecError(message, span=expansion.weights.span, hint="Write them in the formula of the response.")
    return ModelSpec(
        response=statement.left,
        intercept=expansion.intercept,
        terms=expansion.terms,
        groups=tuple(expansion.groups),
        offsets=tuple(expansion.offsets),
        family=parameter_family(statement.left.name),
    )


def _with_priors(statements: Sequence[Tilde], spec: ModelSpec) -> ModelSpec:
    """Return the spec with every prior where it belongs: to the response's formula, or to a further one."""
    own: list[Tilde] = []
    inner: dict[str, list[Tilde]] = {part.family.name: [] for part in spec.further}
    for statement in statements:
        if isinstance(statement.left, Name) and statement.left.name in inner:
            message = f"{quoted(statement.left.name)} has a formula, so it has no prior of its own."
            hint = f"Write {statement.left.name}_Intercept ~ Normal(0, 1) for the intercept of its formula."
            raise SpecError(message, span=statement.span, hint=hint)
        found = owner(statement.left, spec)
        if found is None:
            own.append(statement)
        else:
            inner[found[0].family.name].append(replace(statement, left=found[1]))
    further = tuple(replace(part, priors=_priors(inner[part.family.name], part)) for part in spec.further)
    return replace(spec, priors=_priors(own, spec), further=further)


def _means_statements(block: Block) -> bool:
    """Whether a text is one of explicit statements: it has no formula, but a distribution of what it names.

    Raises SpecError for a text that is both.
    """
    tildes = [s for s in block.statements if isinstance(s, Tilde)]
    alone = len(tildes) == 1
    formulas = [s for s in tildes if not _is_prior(s, alone)]
    explicit = has_matrices(block)
    if formulas:
        others = [s for s in block.statements if s not in formulas and has_matrices(Block((s,)))]
        if others and not has_matrices(Block(tuple(formulas))):
            message = "The text holds a formula and explicit statements; it must be one or the other."
            formula = print_statement(formulas[0])
            hint = f"Take away {quoted(formula)}, or the statements beside it."
            raise SpecError(message, span=others[0].span, hint=hint).within(block.source)
        return False
    if any(_is_formula_prior(s) for s in tildes):
        return False
    named = [s for s in tildes if isinstance(s.right, Call) and used_names(s.right)]
    known = any(isinstance(s.right, Call) and s.right.function in DISTRIBUTIONS for s in named)
    # No prior of a formula has these, so they can only be meant as a likelihood.
    known |= any(isinstance(s.right, Call) and s.right.function in DISTRIBUTIONS.keys() - SIGNATURES for s in tildes)
    return explicit or known or (bool(named) and not alone)


def _is_formula_prior(statement: Tilde) -> bool:
    left = statement.left
    if not isinstance(left, Call) or left.function not in _PARAMETER_CALLS:
        return False
    return left.function != "centered" or left.arguments == (Name(INTERCEPT),)


def _definitions(statements: Sequence[Definition]) -> dict[str, Definition]:
    """Return the definitions by name; a formula knows `family` and `weights` only."""
    found: dict[str, Definition] = {}
    for statement in statements:
        name, span = statement.name, statement.name_span
        if name not in _DEFINITIONS:
            hint = did_you_mean(name, _DEFINITIONS, "Beside a formula, only family and weights are defined.")
            if any(isinstance(node, Binary) and node.operator in ("|", "||") for node in walk(statement.value)):
                hint = "Write ~ between the response and the terms of a formula."
            raise SpecError(f"{quoted(name)} is defined, but a formula does not use it.", span=span, hint=hint)
        if name in found:
            raise SpecError(f"{quoted(name)} is defined twice.", span=span, hint="Keep one of them.")
        found[name] = statement
    return found


def _formula(tildes: Sequence[Tilde]) -> tuple[Tilde, list[Tilde]]:
    """Return the one statement that is the formula of the response, and the formulas of further parameters."""
    alone = len(tildes) == 1
    formulas, further = divided([s for s in tildes if not _is_prior(s, alone)])
    if not formulas:
        # With no formula beside it, `y ~ Log(x)` is a misspelt transform, not a misspelt distribution.
        formulas = [s for s in tildes if not _is_parameter(s.left) and _is_unknown_call(s.right)][:1]
    if not formulas:
        what = "every `~` in it is a prior" if tildes else "nothing in it has a `~`"
        raise SpecError(f"The text has no formula: {what}.", hint=_EXAMPLE)
    if len(formulas) > 1:
        first, second = formulas[0], formulas[1]
        message = f"The text has two formulas, with the responses {quoted(label(first.left))} and "
        hint = "A model has one response; a prior has a distribution on its right, such as Normal(0, 10)."
        raise SpecError(message + f"{quoted(label(second.left))}.", span=second.span, hint=hint)
    return formulas[0], further


def _is_prior(statement: Tilde, alone: bool) -> bool:
    left, right = statement.left, statement.right
    if isinstance(left, Call) and _is_parameter(left):
        return True
    if not alone and is_further(statement):
        return False
    if not alone and (_is_parameter(left) or (isinstance(right, Number) and right.value not in (0, 1))):
        return True
    if isinstance(right, Name) and not right.quoted and right.name == DEFAULT:
        return not alone
    return names_distribution(right) and (isinstance(right, Call) or not alone)


def _is_parameter(node: Node) -> bool:
    """Whether a left side can only be that of a prior."""
    if isinstance(node, Call):
        return node.function in _PARAMETER_CALLS
    return isinstance(node, Name) and not node.quoted and node.name in (INTERCEPT, "sigma")


def _is_unknown_call(node: Node) -> bool:
    return isinstance(node, Call) and node.function not in SIGNATURES


def _check_response(node: Node) -> None:
    """Accept a column or arithmetic of columns; on the left, signs are arithmetic as in R."""
    if isinstance(node, Call) and node.function == "cbind":
        message = "The response cannot be two columns."
        raise SpecError(message, span=node.span, hint="Write successes / trials for binomial counts.")
    check_arithmetic(node)


def _check_predictors(response: Node, expansion: Expansion) -> None:
    for term in (*expansion.terms, *(term for group in expansion.groups for term in group.terms)):
        if response in term.factors:
            message = f"The response {quoted(label(response))} is among its own predictors."
            raise SpecError(message, span=term.span, hint="Take it away from the right side.")
    for group in expansion.groups:
        if response in group.factor:
            message = f"The response {quoted(label(response))} is its own grouping factor."
            raise SpecError(message, span=group.span, hint="Name another column after the bar.")


def _weights(expansion: Expansion, definitions: dict[str, Definition]) -> Node | None:
    statement = definitions.get("weights")
    if statement is None:
        return expansion.weights
    if expansion.weights is not None:
        message = "The weights are given twice, in the formula and in a line of their own."
        raise SpecError(message, span=statement.span, hint="Keep one of them.")
    check_arithmetic(statement.value)
    return statement.value


def _family(definitions: dict[str, Definition], given: str | Family | None) -> Family:
    statement = definitions.get("family")
    written = read_family(statement.value) if statement else None
    chosen = family_from(given) if given is not None else None
    if statement and written and chosen and written != chosen:
        message = f"The text says {written.label}, but {chosen.label} is given as the family."
        raise SpecError(message, span=statement.span, hint="Keep one of them.")
    return written or chosen or GAUSSIAN


def _priors(statements: Sequence[Tilde], spec: ModelSpec) -> tuple[Prior, ...]:
    """Return the prior statements in the order written, one for each target."""
    priors: dict[object, Prior] = {}
    for statement in statements:
        target = read_target(statement.left, spec.terms, spec.groups, spec.family.auxiliary)
        _check_target(statement, target, spec)
        # The intercept has one prior, at zero or at the predictors' means.
        key = "intercept" if target.kind.endswith("intercept") else target
        if key in priors:
            message = f"{target.label} has a prior already, that of {priors[key].target.label}."
            if priors[key].target == target:
                message = f"{target.label} has two priors."
            raise SpecError(message, span=statement.span, hint="Keep one of them.")
        distribution = read_distribution(statement.right, target)
        priors[key] = Prior(target, distribution, statement.span)
    return tuple(priors.values())


def _check_target(statement: Tilde, target: Target, spec: ModelSpec) -> None:
    """Refuse parameters that the formula or family rules out; other coefficients are checked against the data."""
    kind, span = target.kind, statement.left.span
    if kind.endswith("intercept") and not spec.intercept:
        message = f"The formula has no intercept, so {INTERCEPT} has no prior."
        raise SpecError(message, span=span, hint="Take the 0 or -1 out of the formula, or this line.")
    name = "cut" if (target.name or "").startswith("cut[") else target.name
    meant = kind if kind == "sigma" else name if kind == "coefficient" and name in PARAMETERS else None
    if meant is None or meant in spec.family.auxiliary or any(term.factors == (Name(meant),) for term in spec.terms):
        return
    own = spec.family.auxiliary
    hint = f"Its further parameters: {listed(own)}." if own else "Take this line away."
    raise SpecError(f"The family {spec.family.label} has no {meant}.", span=span, hint=hint)


def formulas_of(block: Block, whole: bool = True) -> tuple[Tilde | None, list[Tilde], list[Tilde]]:
    """Return the formula of the response, those of further parameters, and the priors of a text.

    whole: whether it is a model, or lines that change one, which need no formula of the response.
    Raises SpecError for a text with two formulas of the response.
    """
    tildes = [s for s in block.statements if isinstance(s, Tilde)]
    if whole:
        main, further = _formula(tildes)
        return main, further, [s for s in tildes if s is not main and s not in further]
    formulas = [s for s in tildes if not _is_prior(s, False)]
    own = [s for s in formulas if not is_further(s)]
    if len(own) > 1:
        message = f"The change has two formulas, with the left sides {quoted(label(own[0].left))} and "
        message += f"{quoted(label(own[1].left))}."
        raise SpecError(message, span=own[1].span, hint="A model has one response.")
    further = [s for s in formulas if s not in own]
    return (own[0] if own else None), further, [s for s in tildes if s not in formulas]
