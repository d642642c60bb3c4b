"""Longhand: a ModelSpec as explicit statements, every prior on a line of its own, in the letters of its person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import ProbflowError
from ..lang.grammar import parse
from ..lang.printer import label, print_name, print_node, print_subscript
from ..lang.source import is_plain_name
from ..lang.tree import Binary, Name, Node, walk
from .families import GAUSSIAN
from .further import INVERSES
from .likelihoods import likelihood_of
from .priors import Target
from .signatures import DEFAULT
from .statement_spec import INTERCEPT, GroupLetters, Letters
from .terms import GroupTerm, Term
from .text import distribution_text, model_text

if TYPE_CHECKING:
    from .model_spec import ModelSpec

_AT_MEANS = "  # the value at the predictors' means"
_SCALED = "  # scaled to the data"


def long_text(spec: ModelSpec) -> str:
    """Return the statements that mean the same model, or the short text where statements cannot say it."""
    from .formula import lower

    text = _statements(spec)
    if text is not None:
        try:
            if lower(parse(text)) == spec:
                return text
        except ProbflowError:
            pass  # such as a formula too deep for one more bracket
    return model_text(spec)


def _statements(spec: ModelSpec) -> str | None:
    letters = spec.letters or chosen_letters(spec)
    likelihood = _likelihood(spec, letters)
    if likelihood is None:
        return None
    definitions: list[str] = []
    priors: list[str] = []
    for part, own in [(spec, letters), *zip(spec.further, letters.formulas, strict=True)]:
        lines = _prior_lines(part, own)
        if lines is None:
            return None
        definitions += _definitions(part, own)
        priors += lines
    return "\n".join([*definitions, *priors, likelihood])


def _likelihood(spec: ModelSpec, letters: Letters) -> str | None:
    """Return the statement of the response, or None where there is none for the family."""
    likelihood = likelihood_of(spec.family)
    if likelihood is None:
        return None
    response, words = spec.response, {"eta": _eta(spec, letters), "trials": ""}
    for name, letter in letters.auxiliary(spec.family.auxiliary).items():
        words[name] = print_name(letter)
    for part, own in zip(spec.further, letters.formulas, strict=True):
        words[part.family.name] = f"{INVERSES[part.family.link]}({_eta(part, own)})"
    if spec.weights is not None:
        if spec.family != GAUSSIAN:
            return None
        words["sigma"] = f"{words['sigma']} / sqrt({print_node(spec.weights)})"
    if spec.family.name == "binomial":
        if not (isinstance(response, Binary) and response.operator == "/"):
            return None
        words["trials"], response = print_node(response.right), response.left
    return f"{print_node(response)} ~ {likelihood.call(spec.family.link, words)}"


def chosen_letters(spec: ModelSpec) -> Letters:
    """Return the letters that a formula gets: X, w, sigma, and Z, u, tau, R, with the factor where there are several.

    A letter that is a column of the model gets an underscore.
    """
    specs = (spec, *spec.further)
    taken = {name.name for one in specs for node in _nodes(one) for name in walk(node) if isinstance(name, Name)}

    def free(letter: str) -> str:
        while letter in taken:
            letter += "_"
        taken.add(letter)
        return letter

    def part(one: ModelSpec, end: str = "") -> Letters:
        common = one.intercept or bool(one.terms)
        matrix, coefficients = (free(f"X{end}"), free(f"w{end}")) if common else ("", "")
        groups = []
        for group in one.groups:
            last = f"{end}{_suffix(group) if len(one.groups) > 1 else ''}"
            cor = free(f"R{last}") if group.correlated and group.terms else ""
            groups.append(GroupLetters(free(f"Z{last}"), free(f"u{last}"), free(f"tau{last}"), cor))
        return Letters(matrix, coefficients, "", tuple(groups))

    found = part(spec)
    computed = [part.family.name for part in spec.further]
    own = {name: "" if name in computed else free(name) for name in spec.family.auxiliary}
    sigma, further = own.get("sigma", ""), tuple(letter for name, letter in own.items() if name != "sigma")
    formulas = tuple(part(one, f"_{one.family.name}") for one in spec.further)
    return replace(found, sigma=sigma, further=further, formulas=formulas)


def _suffix(group: GroupTerm) -> str:
    """Return `_plate_sample` for a factor, letters and digits of its columns alone."""
    name = "_".join(node.name for node in group.factor if isinstance(node, Name))
    plain = "".join(c if is_plain_name(f"a{c}") and c != "." else "_" for c in name)
    return f"_{plain}"


def _nodes(spec: ModelSpec) -> Iterator[Node]:
    yield spec.response
    for term in (*spec.terms, *(t for g in spec.groups for t in g.terms)):
        yield from term.factors
    for group in spec.groups:
        yield from group.factor
    yield from spec.offsets
    if spec.weights is not None:
        yield spec.weights


def _terms(intercept: bool, terms: Iterable[Term]) -> str:
    parts = ["1" if intercept else "0", *(":".join(print_node(factor) for factor in term.factors) for term in terms)]
    return " + ".join(parts)


def _definitions(spec: ModelSpec, letters: Letters) -> Iterator[str]:
    if letters.matrix:
        yield f"{print_name(letters.matrix)} = design({_terms(spec.intercept, spec.terms)})"
    for group, mine in zip(spec.groups, letters.groups):
        if mine.matrix:
            yield f"{print_name(mine.matrix)} = {_matrix(group)}"


def _matrix(group: GroupTerm) -> str:
    factor = ":".join(print_node(column) for column in group.factor)
    if not group.terms:
        return f"indicators({factor})"
    return f"design({_terms(group.intercept, group.terms)}) by {factor}"


def _eta(spec: ModelSpec, letters: Letters) -> str:
    parts = []
    if letters.coefficients:
        inline = f"design({_terms(spec.intercept, spec.terms)})"
        matrix = print_name(letters.matrix) if letters.matrix else inline
        parts.append(f"{matrix} @ {print_name(letters.coefficients)}")
    for group, mine in zip(spec.groups, letters.groups):
        if mine.matrix or group.terms:
            matrix = print_name(mine.matrix) if mine.matrix else f"({_matrix(group)})"
            parts.append(f"{matrix} @ {print_name(mine.effects)}")
        else:
            factor = ":".join(print_node(column) for column in group.factor)
            parts.append(print_subscript(print_name(mine.effects), factor))
    for offset in spec.offsets:
        text = print_node(offset)
        parts.append(f"({text})" if isinstance(offset, Binary) and offset.operator in ("+", "-") else text)
    return " + ".join(parts) or "0"


def _prior_lines(spec: ModelSpec, letters: Letters) -> list[str] | None:
    """Return the prior statements in the order of the spec, defaults and effects where they read best."""
    lines = _written(spec, letters)
    if lines is None:
        return None
    whole = {letter for letter, _, general in lines if general or spec.complete}
    if letters.coefficients and letters.coefficients not in whole and not spec.complete:
        lines.insert(0, _default(letters.coefficients))
    for group, mine in zip(spec.groups, letters.groups):
        for letter in filter(None, (mine.sd, mine.cor)):
            if letter not in whole:
                before = mine.cor if letter == mine.sd else ""
                lines.insert(_end(lines, {mine.sd}, before, letters.sigma), _default(letter))
        effects = (mine.effects, _effects(mine, bool(group.terms)), True)
        lines.insert(_end(lines, {mine.sd, mine.cor}, "", letters.sigma), effects)
    for letter in filter(None, letters.auxiliary(spec.family.auxiliary).values()):
        if letter not in whole:
            lines.append(_default(letter))
    return [text for _, text, _ in lines]


_Line = tuple[str, str, bool]


def _default(letter: str) -> _Line:
    return letter, f"{print_name(letter)} ~ {DEFAULT}(){_SCALED}", True


def _end(lines: Sequence[_Line], letters: set[str], *before: str) -> int:
    """Return the place after the last line of some letters; without any, before the first of others."""
    last = max((i + 1 for i, line in enumerate(lines) if line[0] in letters), default=None)
    if last is not None:
        return last
    return next((i for i, line in enumerate(lines) if line[0] and line[0] in before), len(lines))


def _effects(mine: GroupLetters, several: bool) -> str:
    """Return the prior of group effects; `several`: whether their columns may be correlated."""
    if several and mine.cor:
        call = f"MultivariateNormal(0, sd = {print_name(mine.sd)}, cor = {print_name(mine.cor)})"
    else:
        call = f"Normal(0, {print_name(mine.sd)})"
    return f"{print_name(mine.effects)} ~ {call}"


def _written(spec: ModelSpec, letters: Letters) -> list[_Line] | None:
    """Return for each prior its letter, its line, and whether it speaks of all that the letter stands for."""
    found: list[_Line] = []
    both = Target("coefficient", None)
    for position, prior in enumerate(spec.priors):
        following = spec.priors[position + 1] if position + 1 < len(spec.priors) else None
        same = following is not None and (following.target, following.distribution) == (both, prior.distribution)
        if prior.target.kind == "intercept" and same:
            continue  # one line says both
        left = _left(prior.target, spec, letters)
        if left is None:
            return None
        letter, element = left
        text = print_name(letter) if element is None else print_subscript(print_name(letter), element)
        comment = ""
        if prior.target.kind == "centered intercept":
            text, comment = f"centered({text})", _AT_MEANS
        line = f"{text} ~ {distribution_text(prior.distribution)}{comment}"
        found.append((letter, line, element is None))
    return found


def _left(target: Target, spec: ModelSpec, letters: Letters) -> tuple[str, str | None] | None:
    """Return the letter and the element of a target, or None where no statement can say it."""
    further = letters.auxiliary(spec.family.auxiliary)
    if target.kind in further:
        return further[target.kind], target.name
    if target.kind in ("intercept", "centered intercept"):
        return letters.coefficients, INTERCEPT
    if target.kind == "coefficient":
        return letters.coefficients, target.name
    named = [":".join(label(node) for node in group.factor) for group in spec.groups]
    own = [(g, mine) for g, mine, name in zip(spec.groups, letters.groups, named) if name == target.factor]
    if target.kind == "cor":
        return next(((mine.cor, None) for _, mine in own if mine.cor), None)
    if target.name is None:
        return (own[0][1].sd, None) if len(own) == 1 else None
    for group, mine in own:
        if target.name == INTERCEPT and group.intercept:
            return mine.sd, INTERCEPT if group.terms else None
    return next(((mine.sd, target.name) for group, mine in own if group.terms), None)
