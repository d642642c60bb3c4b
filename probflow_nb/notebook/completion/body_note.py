"""Body note: what the name at the cursor means in a model text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...design.builder import build
from ...design.encoding import used_columns
from ...design.wording import counted
from ...errors import ProbflowError
from ...lang.printer import print_statement
from ...lang.tokens import Token, scan
from ...lang.tree import Definition, Statement, Tilde
from ...model.priors import resolve
from ...spec.model_spec import ModelSpec
from ...spec.signatures import DISTRIBUTIONS
from ...spec.targets import read_target
from ..session import Frame
from . import prior_targets, vocabulary
from .column_note import column_note
from .column_roles import ROWS, sampled
from .completion_context import Context, context, statement_at, statements
from .note import Note
from .scene import Scene
from .vocabulary import Word

_NAMES = ("name", "quoted name")
_SPREADS = ("sd", "cor", "centered")
# The word of the language that explains a kind of parameter.
_WORDS = {"intercept": "Intercept", "centered intercept": "centered", "coefficient": ""}


def body_note(scene: Scene) -> Note | None:
    """Return what is known of the name at the cursor, or of the function whose brackets it stands in."""
    body, at = scene.cursor.body, scene.cursor.at
    tokens = scan(body)
    position = _token_at(tokens, at)
    if position is None:
        around = context(body, at)
        call = next((o.function for o in reversed(around.openings) if o.function), "")
        return _function_note(call, around) if call else None
    token, after = tokens[position], tokens[position + 1]
    here = context(body, token.span.start)
    if token.kind == "level":
        return _level_note(scene, tokens, position)
    called = after.kind == "(" and after.span.start == token.span.stop
    if _is_target(here, token) or (called and token.value in _SPREADS and not here.sign):
        found = _target_note(scene, tokens, position)
        if found is not None:
            return found
    if called or (token.kind == "name" and here.sign == "=" and _left_name(here) == "family"):
        return _function_note(token.value, here)
    return _name_note(scene, token, here)


def _token_at(tokens: Sequence[Token], at: int) -> int | None:
    """Return the place of the name or level that holds the offset, or else ends there."""
    kinds = (*_NAMES, "level")
    inside = [i for i, t in enumerate(tokens) if t.kind in kinds and t.span.start <= at < t.span.stop]
    ends = [i for i, t in enumerate(tokens) if t.kind in kinds and t.span.stop == at]
    return next(iter((*inside, *ends)), None)


def _left_name(here: Context) -> str:
    return here.left[0].value if here.left else ""


def _is_target(here: Context, token: Token) -> bool:
    """Whether a name stands left of a `~`, which may make it a parameter."""
    return not here.sign and token.kind in _NAMES


def _name_note(scene: Scene, token: Token, here: Context) -> Note | None:
    """Return the note of a name that is no function: a column, a name of the text, of the notebook or the language."""
    for frame in scene.frames:
        if token.value in frame.columns:
            note = column_note(frame, token.value)
            return note if here.sign else replace(note, advice=(*note.advice, "It is the response of this model."))
    for statement in statements(scene.cursor.body):
        if _declares(statement, token.value):
            kind = "definition" if isinstance(statement, Definition) else "parameter"
            return Note(token.value, kind, (("written", print_statement(statement)),))
    if token.value in scene.arrays:
        return _array_note(token.value, scene.arrays[token.value])
    word = vocabulary.help_words().get(token.value)
    if token.kind == "name" and word is not None:
        return _function_note(token.value, here)
    if token.value in prior_targets.undeclared(here.statements, frozenset()):
        return Note(token.value, "parameter", advice=(f"No prior yet: write {token.value} ~ Distribution(...).",))
    return None


def _declares(statement: Statement, name: str) -> bool:
    return prior_targets.declared((statement,)) == (name,)


def _function_note(name: str, here: Context) -> Note | None:
    """Return the line of help of a function, distribution, family or link."""
    in_family = here.sign == "=" and _left_name(here) == "family"
    if in_family:
        found = {w.name: w for w in vocabulary.families()}
        call = here.opening.function if here.opening is not None else ""
        found |= {w.name: w for w in vocabulary.links(call)}
    else:
        found = vocabulary.help_words()
    word = found.get(name)
    if word is None:
        return None
    facts: list[tuple[str, str]] = [("call", word.call)] if word.call else []
    if not in_family and name in DISTRIBUTIONS:
        meaning = vocabulary.definition_of(name)
        facts += [("means", meaning)] if meaning else []
    return Note(name, word.kind, tuple(facts), _sentence(word))


def _sentence(word: Word) -> tuple[str, ...]:
    return (word.help[:1].upper() + word.help[1:] + ".",) if word.help else ()


def _target_note(scene: Scene, tokens: Sequence[Token], position: int) -> Note | None:
    """Return what the prior on this line speaks of, its default, and what is written."""
    statement = statement_at(scene.cursor.body, tokens[position].span.start)
    spec = prior_targets.formula_of(statements(scene.cursor.body))
    if statement is None or spec is None or not isinstance(statement, Tilde) or statement.left == spec.response:
        return None
    try:
        target = read_target(statement.left, spec.terms, spec.groups, spec.family.auxiliary)
    except ProbflowError:
        return None
    default = _default(spec, scene.frame, target.label)
    facts = [("written", print_statement(statement)), *([("default", default)] if default else [])]
    word = vocabulary.help_words().get(_WORDS.get(target.kind, target.kind))
    if word is not None:
        return Note(target.label, "parameter", tuple(facts), _sentence(word))
    held = next((column_note(f, target.label) for f in scene.frames if target.label in f.columns), None)
    column = () if held is None else held.facts
    return Note(target.label, "parameter", (*facts, *column), (f"The coefficient of {target.label}.",))


def _default(spec: ModelSpec, frame: Frame | None, label: str) -> str:
    """Return the default prior of a parameter; with many rows from a sample of them, which is said."""
    if frame is None:
        return ""
    bare = replace(spec, priors=())
    try:
        used = [name.name for name in used_columns(bare, response=True, groups=True, weights=True)]
        resolved = resolve(bare, build(bare, sampled(frame, used)))
    except ProbflowError:
        return ""
    about = "" if frame.n_rows <= ROWS else ", about: from a sample of the rows"
    held = [(p.target.label, f"{p.target.label} ~ {p.distribution.label}{about}") for p in resolved.priors]
    same = [text for name, text in held if name in (label, f"centered({label})")]
    general = [text for name, text in held if label.startswith("sd(") and name.endswith(f"| {label[3:]}")]
    return "; ".join((same or general)[:3])


def _level_note(scene: Scene, tokens: Sequence[Token], position: int) -> Note | None:
    """Return how many rows have a level of a factor."""
    base = tokens[position - 1].value if position else ""
    level = tokens[position].value
    for frame in scene.frames:
        if base in frame.columns:
            factor = _column(frame, base)
            if factor is None or level not in factor.levels:
                return Note(level, f"no level of {base}")
            count = int((factor.codes == factor.levels.index(level)).sum())
            return Note(level, f"level of {base}", (("rows", counted(count, "row")),))
    return None


def _column(frame: Frame, name: str) -> Any:
    from ...design.table import read_table

    try:
        return read_table(frame.value).column(name).factor()
    except ProbflowError:
        return None


def _array_note(name: str, value: Any) -> Note:
    """Return the shape and type of an array, a frame or a matrix of the notebook."""
    shape = " x ".join(f"{size:,}" for size in getattr(value, "shape", ()))
    dtype = getattr(value, "dtype", None)
    facts = [("shape", shape)] if shape else []
    facts += [("type", str(dtype))] if dtype is not None else []
    return Note(name, f"{type(value).__name__} of the notebook", tuple(facts))
