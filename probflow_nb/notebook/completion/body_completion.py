"""Body completion: what can stand at the cursor in a model text, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ...lang.printer import print_name, print_subscript
from ...lang.source import is_plain_name
from ...lang.tree import Definition, Name, walk
from ...spec.model_spec import ModelSpec
from ...spec.signatures import DISTRIBUTIONS
from ...spec.transforms import CONTRASTS, TRANSFORMS
from . import prior_targets, vocabulary
from .column_roles import Roles, levels
from .completion_context import Context, Opening, context
from .scene import Scene
from .vocabulary import Word

MOST = 500
"""The most words that one answer holds, which are also the most that the completer shows."""

_SPREADS = ("sd", "cor", "centered")
_CORRELATION = "correlation"
_ORDERS = {"factor": ("factor", "either", "number"), "number": ("number", "either", "factor")}


@dataclass(frozen=True, eq=False)
class Text:
    """A model text with the cursor in it, in its notebook."""

    scene: Scene
    roles: Roles
    context: Context

    @cached_property
    def spec(self) -> ModelSpec | None:
        """The formula among the other statements."""
        return prior_targets.formula_of(self.context.statements)

    @cached_property
    def explicit(self) -> bool:
        """Whether the text is one of explicit statements."""
        return "@" in self.context.typed or prior_targets.is_explicit(self.context.statements)

    @cached_property
    def response(self) -> frozenset[str]:
        """The names on the left side of the formula or likelihood."""
        if self.context.sign == "~":
            return frozenset(token.value for token in self.context.left)
        if self.spec is not None:
            return frozenset(node.name for node in walk(self.spec.response) if isinstance(node, Name))
        return frozenset()

    @cached_property
    def own(self) -> tuple[str, ...]:
        """The names that the other statements declare or define, and those that still lack a prior."""
        statements = self.context.statements
        return (*prior_targets.undeclared(statements, self.data_names), *prior_targets.declared(statements))

    @cached_property
    def data_names(self) -> frozenset[str]:
        """The names of columns and arrays."""
        columns = {name for frame in self.scene.frames for name in frame.columns}
        return frozenset(columns | self.scene.arrays.keys())

    def columns(self, *, first: str = "") -> list[Word]:
        """Return the columns of the frames; those of a role first, the response last."""
        found: dict[str, str] = {}
        for frame in self.scene.frames:
            for name, role in self.roles.roles(frame, look=bool(first)).items():
                found.setdefault(name, role)
        order = _ORDERS.get(first, ())
        typed = self.context.fragment.lstrip("`").casefold()
        held = [name for name in found if name and typed in name.casefold()]

        def rank(name: str) -> tuple[bool, bool, int]:
            part = order.index(found[name]) if order else 0
            return not name.casefold().startswith(typed), name in self.response, part

        ordered = sorted(held, key=rank)
        quote = self.context.kind == "quoted name"
        return [_column(name, found[name], quote) for name in ordered[:MOST]]

    def parameters(self) -> list[Word]:
        """Return the person's own names, parameters before definitions."""
        defined = {s.name for s in self.context.statements if isinstance(s, Definition)}
        kinds = {name: "definition" if name in defined else "parameter" for name in self.own}
        product = self.context.previous is not None and self.context.previous.kind == "@"
        ordered = sorted(kinds, key=lambda name: product and name in defined)
        return [Word(name, kinds[name], print_name(name)) for name in ordered]

    def arrays(self) -> list[Word]:
        """Return the arrays of the notebook."""
        return [Word(name, "array") for name in self.scene.arrays]


def complete(scene: Scene, roles: Roles) -> tuple[str, list[Word]]:
    """Return the text before the cursor that is replaced, and the words that can replace it, the best first."""
    at = context(scene.cursor.body, scene.cursor.at)
    text = Text(scene, roles, at)
    if (not at.sign and at.kind == "name" and not at.openings) or _is_spread(at):
        targets = _targets(text)
        if targets:
            return at.typed, targets
    return at.fragment, matching(at.fragment, _words(text))


def matching(fragment: str, words: Iterable[Word]) -> list[Word]:
    """Return the words that begin with a fragment, whatever its case, or else those that hold it."""
    typed, held = fragment.lstrip("`"), list(words)
    folded = typed.casefold()
    begin = [word for word in held if word.name.casefold().startswith(folded)]
    found = sorted(begin, key=lambda word: not word.name.startswith(typed))
    return (found or [word for word in held if folded in word.name.casefold()])[:MOST]


def _is_spread(at: Context) -> bool:
    return not at.sign and bool(at.openings) and at.openings[0].function in _SPREADS


def _targets(text: Text) -> list[Word]:
    """Return the parameters of the formula that begin with all that is typed of the statement."""
    if text.spec is None:
        return []
    typed = _close(text.context.typed)
    every = [Word(name, "parameter") for name in prior_targets.targets(text.spec, text.scene.frame)]
    further = [*vocabulary.definitions()] if text.context.previous is None else []
    held = [word for word in (*every, *further) if _close(word.name).startswith(typed)]
    return held


def _close(text: str) -> str:
    return "".join(text.split()).replace("`", "").casefold()


def _words(text: Text) -> list[Word]:
    """Return everything that can stand at the cursor."""
    at = text.context
    if at.kind in ("nothing", "string"):
        return []
    if at.kind == "level":
        return _indices(text)
    if at.previous is not None and at.previous.kind == "name" and at.previous.value == "by":
        return _factors(text)
    if at.complete:
        return [Word("by", "keyword")] if text.explicit or "design" in at.typed else []
    if at.kind == "quoted name":
        return text.columns(first="factor" if at.opening and at.opening.bar else "")
    if not at.sign:
        return _left(text)
    return _defined(text) if at.sign == "=" else _right(text)


def _left(text: Text) -> list[Word]:
    """Return what can begin a statement."""
    at = text.context
    if at.openings:
        return [*text.columns(), *vocabulary.transforms(("number",))]
    if text.spec is not None:
        return [] if at.previous is not None else [*vocabulary.definitions()]
    response = [*text.columns(), *vocabulary.transforms(("number",))]
    if at.previous is not None:
        return response
    lacking = prior_targets.undeclared(at.statements, text.data_names)
    own = [Word(name, "parameter", print_name(name)) for name in lacking]
    return [*own, *response, *([] if text.explicit else vocabulary.definitions())]


def _right(text: Text) -> list[Word]:
    """Return what can stand right of a `~`."""
    at = text.context
    call = next((opening for opening in reversed(at.openings) if opening.function), None)
    if at.opening is not None and at.opening.bar:
        return _factors(text)
    if call is not None:
        return _argument(text, call)
    alone = at.previous is not None and at.previous.kind == "~"
    support = _support(text)
    if support and alone:
        return list(vocabulary.distributions(support, priors=not text.explicit))
    terms = [*text.columns(), *vocabulary.transforms(), *vocabulary.formula_parts()]
    if not alone:
        return terms
    return [*vocabulary.distributions(), *terms] if text.explicit else [*terms, *vocabulary.distributions()]


def _support(text: Text) -> str:
    """Return what values the parameter left of the `~` has, "" where the left side is a response."""
    at = text.context
    left = [token.value for token in at.left]
    name = left[0] if left else ""
    if text.explicit and name not in _SPREADS:
        named = len(left) == 1 or at.left[1].kind == "level" if left else False
        return prior_targets.place(name, at.statements) if named and name in text.own else ""
    if name == "cor":
        return _CORRELATION
    further = () if text.spec is None else text.spec.family.auxiliary
    if name == "zero" and name in further:
        return "probability"
    if name in ("sd", "sigma") or (name in further and name != "cut"):
        return "positive"
    if name in ("Intercept", "centered"):
        return "real"
    return "real" if text.spec is not None else ""


def _argument(text: Text, call: Opening) -> list[Word]:
    """Return what can stand inside the brackets of a function or distribution."""
    if call.function in TRANSFORMS:
        return _transform_argument(text, call)
    if call.function in CONTRASTS:
        return _named(text, call)
    if call.function == "indicators":
        return _factors(text)
    if call.function == "design":
        return [*text.columns(), *vocabulary.transforms()]
    if call.function not in DISTRIBUTIONS:
        return [*text.columns(), *vocabulary.transforms(("number",))]
    named = _named(text, call)
    usual = vocabulary.usual_arguments(call.function)
    first = [word for word in named if word.name in usual]
    if text.spec is not None and not text.explicit:
        return first
    rest = [word for word in named if word.name not in usual]
    further = [*vocabulary.functions(), *vocabulary.parts(), *text.arrays()]
    return [*text.parameters(), *first, *text.columns(), *rest, *further]


def _transform_argument(text: Text, call: Opening) -> list[Word]:
    known = TRANSFORMS[call.function].parameters
    if call.keyword:
        kind = next((p.kind for p in known if p.name == call.keyword), "")
    else:
        kind = known[call.arguments].kind if call.arguments < len(known) and not call.names else ""
    further = _named(text, call)
    if kind == "numeric":
        return [*text.columns(first="number"), *vocabulary.transforms(("number",))]
    if kind == "factor":
        return _factors(text)
    values = {"contrast": vocabulary.contrasts(), "boolean": vocabulary.truths()}.get(kind, ())
    return [*values, *further]


def _named(text: Text, call: Opening) -> list[Word]:
    """Return the names of arguments, where an argument begins."""
    previous = text.context.previous
    begins = previous is not None and previous.kind in ("(", ",") and not call.keyword
    return list(vocabulary.arguments(call.function, call.names)) if begins else []


def _defined(text: Text) -> list[Word]:
    """Return what can stand right of a `=`."""
    at = text.context
    call = next((opening for opening in reversed(at.openings) if opening.function), None)
    name = at.left[0].value if at.left else ""
    if name == "family":
        if call is None:
            return list(vocabulary.families())
        given = [] if call.keyword else [Word("link", "argument", "link = ")]
        return [*given, *vocabulary.links(call.function)]
    if name == "weights":
        return text.columns(first="number")
    if call is not None and (call.function in TRANSFORMS or call.function in ("design", "indicators")):
        return _argument(text, call)
    whole = [] if call is not None else list(vocabulary.parts())
    return [*whole, *text.parameters(), *text.columns(), *vocabulary.functions(), *text.arrays()]


def _factors(text: Text) -> list[Word]:
    return text.columns(first="factor")


def _indices(text: Text) -> list[Word]:
    """Return what can stand in square brackets: levels of a factor, elements of a parameter, or columns."""
    at = text.context
    end = "" if at.following.lstrip(" \t").startswith("]") else "]"
    for frame in text.scene.frames:
        if at.base in frame.columns:
            held = [level for level in levels(frame, at.base) if at.fragment.casefold() in level.casefold()]
            return [Word(level, "level", print_subscript("", level)[1:-1] + end) for level in held[:MOST]]
    if at.sign:
        return [Word(w.name, w.kind, w.inserted + end) for w in _factors(text)]
    return [Word(e, "parameter", e + end) for e in prior_targets.elements(at.base, at.statements)]


def _column(name: str, role: str, quote: bool) -> Word:
    text = print_name(name)
    return Word(
        name, "factor" if role == "factor" else "column", f"`{text}`" if quote and is_plain_name(name) else text
    )
