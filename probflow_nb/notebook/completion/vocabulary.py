"""Vocabulary: the words of the language with a line of help each, taken from the tables that define them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module

from ...spec.families import KINDS, Kind
from ...spec.priors import SIGNATURES
from ...spec.signatures import DEFAULT, DISTRIBUTIONS, Signature
from ...spec.statement_spec import PARTS
from ...spec.transforms import CONTRASTS, TRANSFORMS, TRUTH
from ...spec.value import ELEMENTWISE, LINKS, STATEFUL

_PART_HELP = {
    "design": ("design(terms)", "the columns of a formula's terms as a matrix; `by g` lets them vary by level"),
    "indicators": ("indicators(g)", "one column a level of a factor, 1 in the rows of that level"),
}
FORMULA_PARTS = {
    "offset": ("offset(x)", "a known part of the linear predictor, with no coefficient"),
    "weights": ("weights(w)", "precision weights of the rows"),
}
DEFINITIONS = {
    "family": ("family = Poisson(link = log)", "the distribution of the response, given its mean"),
    "weights": ("weights = w", "precision weights of the rows"),
}
PARAMETERS = {
    "Intercept": ("Intercept", "the linear predictor where every column is 0"),
    "centered": ("centered(Intercept)", "the linear predictor at the predictors' means"),
    "sd": ("sd(g) or sd(x | g)", "how much effects vary over the levels of a factor"),
    "cor": ("cor(g)", "the correlations of the effects of a factor"),
    "sigma": ("sigma", "the residual standard deviation; of a StudentT its scale, of a LogNormal that of log y"),
    "df": ("df", "the degrees of freedom of a StudentT: small ones mean heavy tails"),
    "shape": ("shape", "the shape of a Gamma or a NegativeBinomial: the larger, the less the spread"),
    "precision": ("precision", "the precision of a Beta: the larger, the less the spread"),
    "zero": ("zero", "the probability of a zero beyond those of the counts"),
    "cut": ("cut", "the cutpoints between the categories of an ordinal response, all of them"),
}
"""The words that name parameters left of a prior's `~` in the text of a formula."""

_LINK_HELP = "between the scale of a link and that of the response"

_SUPPORT_WORDS = {
    "real": "any numbers",
    "positive": "positive numbers",
    "interval": "numbers in an interval",
    "probability": "numbers between 0 and 1",
    "simplex": "positive numbers that sum to 1",
    "correlation": "correlation matrices",
    "count": "counts",
}


@dataclass(frozen=True)
class Word:
    """Something that can stand at the cursor.

    name: what a person types to find it. kind: "column", "transform", ... as the front end labels it.
    text: what is inserted. call: how it is written. help: one line.
    """

    name: str
    kind: str
    text: str = ""
    call: str = ""
    help: str = ""

    @property
    def inserted(self) -> str:
        """The text that takes the place of what was typed."""
        return self.text or self.name


def transforms(makes: Iterable[str] = ("number", "basis", "factor")) -> tuple[Word, ...]:
    """Return the functions of formulas that make such values, with their bracket."""
    kinds = frozenset(makes)
    return tuple(_called(t.name, "transform", t.signature, t.help) for t in TRANSFORMS.values() if t.makes in kinds)


def formula_parts() -> tuple[Word, ...]:
    """Return offset( and weights(."""
    return tuple(_called(name, "transform", *about) for name, about in FORMULA_PARTS.items())


def parts() -> tuple[Word, ...]:
    """Return design( and indicators(."""
    return tuple(_called(name, "transform", *_PART_HELP[name]) for name in PARTS)


def functions() -> tuple[Word, ...]:
    """Return the functions that statements know outside of design()."""
    known = [TRANSFORMS[name] for name in (*ELEMENTWISE, *STATEFUL)]
    found = [_called(t.name, "transform", t.signature, t.help) for t in known]
    return (*found, *(_called(name, "transform", f"{name}(x)", _LINK_HELP) for name in LINKS))


def distributions(support: str = "", *, priors: bool = False) -> tuple[Word, ...]:
    """Return the distributions, those of a support first.

    support: "real", "positive", "probability", "correlation" or "" for any order. priors: only those that a prior
    beside a formula may have, and of these only those whose values the parameter can take.
    """
    found = [s for s in DISTRIBUTIONS.values() if not priors or s.name in SIGNATURES or s.name == DEFAULT]
    able = {support, "any"} | ({"interval"} if support in ("real", "positive", "probability") else set())
    if support and priors:
        found = [s for s in found if s.support in able]
    return tuple(_distribution(s) for s in sorted(found, key=lambda s: _rank(s, support)))


def families() -> tuple[Word, ...]:
    """Return the families as a model text names them."""
    return tuple(Word(k.shown, "family", call=_family_call(k), help=_family_help(k)) for k in KINDS)


def family_flags() -> tuple[Word, ...]:
    """Return the families as `--family` takes them."""
    return tuple(Word(k.name, "family", call=_family_call(k), help=_family_help(k)) for k in KINDS)


def links(function: str) -> tuple[Word, ...]:
    """Return the links of a family named as in a model text, none for another name."""
    kind = next((k for k in KINDS if function.casefold() in _spellings(k)), None)
    return () if kind is None else tuple(Word(link, "link", help=f"a link of {kind.shown}") for link in kind.links)


def contrasts() -> tuple[Word, ...]:
    """Return the contrasts that C() takes."""
    return tuple(Word(name, "contrast", call=name, help=help) for name, help in CONTRASTS.items())


def truths() -> tuple[Word, ...]:
    """Return the words for true and false."""
    return tuple(Word(word, "value") for word in TRUTH)


def definitions() -> tuple[Word, ...]:
    """Return what may be defined beside a formula."""
    return tuple(Word(name, "keyword", call=call, help=help) for name, (call, help) in DEFINITIONS.items())


def arguments(function: str, given: Sequence[str] = ()) -> tuple[Word, ...]:
    """Return the names of arguments that a transform or a distribution takes and that are not given yet."""
    if function in TRANSFORMS:
        known = [p.name for p in TRANSFORMS[function].parameters if not p.required]
    elif function in DISTRIBUTIONS:
        known = list(DISTRIBUTIONS[function].arguments)
    else:
        known = {"Treatment": ["reference"]}.get(function, [])
    return tuple(Word(name, "argument", f"{name} = ") for name in known if name not in given)


def usual_arguments(name: str) -> frozenset[str]:
    """Return the arguments of a distribution that come to mind first: its shortest form, and links of what is counted.

    The links of other distributions are for likelihoods alone; a prior has none.
    """
    signature = DISTRIBUTIONS[name]
    forms = signature.forms if signature.support in ("count", "category") else signature.forms[:1]
    return frozenset(argument.name for form in forms for argument in form)


def help_words() -> dict[str, Word]:
    """Return every function, distribution, family and parameter word of the language by its name."""
    named = [Word(name, "parameter", call=call, help=help) for name, (call, help) in PARAMETERS.items()]
    every = (*families(), *contrasts(), *functions(), *parts(), *transforms(), *formula_parts(), *definitions())
    return {word.name: word for word in (*every, *distributions(), *named)}


def _called(name: str, kind: str, call: str, help: str) -> Word:
    return Word(name, kind, f"{name}(", call, help)


def _distribution(signature: Signature) -> Word:
    bare = signature.forms == ((),)
    if signature.name == DEFAULT:
        return Word(signature.name, "distribution", call=DEFAULT, help="the default prior, scaled to the data")
    words = _SUPPORT_WORDS.get(signature.support)
    help = f"its values are {words}{_defaults(signature.name)}" if words else "the same density everywhere: improper"
    text = signature.name if bare else f"{signature.name}("
    return Word(signature.name, "distribution", text, signature.call, help)


def _defaults(name: str) -> str:
    """Return the arguments of a prior that may be left out, such as "; location = 0, scale = 1"."""
    held = [f"{argument} = {value:g}" for argument, value in SIGNATURES.get(name, ()) if value is not None]
    return f"; by default {', '.join(held)}" if held else ""


def definition_of(name: str) -> str:
    """Return what a distribution's own documentation says of it in one line, "" where there is none."""
    made = getattr(import_module(__package__.partition(".")[0]), name, None)
    return ((made.__doc__ or "").strip().splitlines() or [""])[0] if made is not None else ""


def _rank(signature: Signature, support: str) -> int:
    order = {"real": ["real"], "positive": ["positive"], "probability": ["probability", "interval"]}
    first = order.get(support, [support])
    if signature.support in first:
        return 0
    return 2 if signature.support in ("any", "count") else 1


def _spellings(kind: Kind) -> tuple[str, ...]:
    return (kind.name, kind.shown.casefold(), *kind.aliases)


def _family_call(kind: Kind) -> str:
    return f"{kind.shown}(link = {kind.links[0]})"


def _family_help(kind: Kind) -> str:
    further = f"; further parameters {', '.join(kind.auxiliary)}" if kind.auxiliary else ""
    return f"links {', '.join(kind.links)}{further}"
