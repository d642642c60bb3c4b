"""A compiled mixed model as the source of a runnable class: `class ...(pf.Model)` that says X @ w + Z @ u.

Names of columns and levels are data: they stand in comments only, always by repr, so that nothing in them is code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from keyword import iskeyword
from typing import TYPE_CHECKING

import numpy as np

from ..errors import EngineError
from ..spec.families import GAUSSIAN
from ..spec.priors import Distribution
from ..spec.statement_spec import GroupLetters, Letters

if TYPE_CHECKING:
    from .model import Model

_LEVELS_NAMED = 6
# The mean goes on lines of its own beyond this many characters.
_WIDEST = 80
# The distribution of the response by family and link.
CALLS: dict[tuple[str, str], str] = {
    ("gaussian", "identity"): "pf.Normal({eta}, {sigma})",
    ("student_t", "identity"): "pf.StudentT({df}, {eta}, {sigma})",
    ("log_normal", "identity"): "pf.LogNormal({eta}, {sigma})",
    ("bernoulli", "logit"): "pf.Bernoulli(logit={eta})",
    ("binomial", "logit"): "pf.Binomial({trials}, logit={eta})",
    ("beta", "logit"): "pf.Beta(logit={eta}, precision={precision})",
    ("poisson", "log"): "pf.Poisson(log={eta})",
    ("poisson", "identity"): "pf.Poisson({eta})",
    ("negative_binomial", "log"): "pf.NegativeBinomial(log={eta}, shape={shape})",
    ("negative_binomial", "identity"): "pf.NegativeBinomial({eta}, {shape})",
    ("gamma", "log"): "pf.Gamma({shape}, log={eta})",
    ("gamma", "identity"): "pf.Gamma({shape}, mean={eta})",
    ("zero_inflated_poisson", "log"): "pf.ZeroInflatedPoisson(log={eta}, zero={zero})",
    ("zero_inflated_negative_binomial", "log"): (
        "pf.ZeroInflatedNegativeBinomial(log={eta}, shape={shape}, zero={zero})"
    ),
}
# Names that a class of one's own, or this source, has already.
RESERVED = frozenset(
    {
        "aleatoric_interval",
        "all_parameters",
        "calibration_curve",
        "centre",
        "epistemic_interval",
        "fit",
        "last_fit",
        "log_prob",
        "mean",
        "np",
        "outline",
        "parameters",
        "pf",
        "posterior_interval",
        "posterior_mean",
        "posterior_sample",
        "posterior_sd",
        "predict",
        "predictive_interval",
        "prior_sample",
        "program",
        "r_squared",
        "residuals",
        "self",
        "x",
    }
)


@dataclass(frozen=True)
class Common:
    """Consecutive columns of X whose priors share one distribution: their parameter and its columns."""

    name: str
    start: int
    stop: int
    priors: tuple[Distribution, ...]


@dataclass(frozen=True)
class GroupSource:
    """One group term as it stands in the class.

    member: its position in design.groups. Z: name of its matrix. u, sd, cor: of its parameters, cor "" without one.
    start, stop: where its varying columns stand in x. level: where the number of the level stands.
    """

    member: int
    Z: str
    u: str
    sd: str
    cor: str
    start: int
    stop: int
    level: int


@dataclass(frozen=True, eq=False)
class Layout:
    """What stands where in x, (n, c), and under which names in the class.

    Columns of x: X, varying columns that are not a run of X's, a level number for each factor, offset, weights.
    """

    model: Model

    @cached_property
    def letters(self) -> Letters:
        """The names in the class: those that the person wrote, where they can be, else w, u, sd, cor and sigma."""
        design = self.model.design
        ends = dict(zip([m for f in self.model.factors for m in f.members], self._ends(), strict=True))
        plain = [GroupLetters(*(f"{name}{ends[m]}" for name in ("Z", "u", "sd", "cor"))) for m in sorted(ends)]
        written = self.model.spec.letters
        if written is None or len(written.groups) != len(design.groups):
            return Letters(groups=tuple(plain))
        groups = tuple(
            GroupLetters(w.matrix or d.matrix, w.effects or d.effects, w.sd or d.sd, w.cor or d.cor)
            for w, d in zip(written.groups, plain, strict=True)
        )
        # Only a Gaussian response has a sigma at all, and not every model has common columns.
        parameters = [name for name in (written.coefficients, written.sigma) if name]
        parameters += [name for g in groups for name in (g.effects, g.sd, g.cor)]
        matrices = [written.matrix, *(g.matrix for g in groups)]
        if all(_usable(names) for names in (parameters, matrices)):
            return Letters(written.matrix, written.coefficients, written.sigma, groups)
        return Letters(groups=tuple(plain))

    def _ends(self) -> list[str]:
        design = self.model.design
        return _suffixes([design.groups[m].factor for f in self.model.factors for m in f.members])

    @cached_property
    def auxiliary(self) -> dict[str, str]:
        """The name in the class of each further parameter of the family."""
        model, letters = self.model, self.letters
        written = model.spec.letters
        own = dict.fromkeys(model.auxiliary, "")
        if written is not None and letters.coefficients == written.coefficients:
            own |= written.auxiliary(model.spec.family.auxiliary)
        taken = [letters.coefficients, *(n for g in letters.groups for n in (g.effects, g.sd, g.cor) if n)]
        found = {name: letter or name for name, letter in own.items()}
        return found if _usable([*taken, *found.values()]) else {name: f"the_{name}" for name in own}

    @cached_property
    def common(self) -> tuple[Common, ...]:
        """The runs of columns with priors of one distribution."""
        priors = self.model.priors
        given = (*([priors.intercept] if priors.intercept else []), *priors.coefficients)
        runs: list[list[int]] = []
        for position, prior in enumerate(given):
            if runs and given[runs[-1][-1]].name == prior.name:
                runs[-1].append(position)
            else:
                runs.append([position])
        w = self.letters.coefficients
        names = [w] if len(runs) == 1 else [f"{w}{i + 1}" for i in range(len(runs))]
        return tuple(
            Common(name, run[0], run[-1] + 1, tuple(given[i] for i in run))
            for name, run in zip(names, runs, strict=True)
        )

    @cached_property
    def _blocks(self) -> tuple[tuple[GroupSource, ...], list[np.ndarray], list[str]]:
        """The group terms, the columns of x and what each holds, in words."""
        design = self.model.design
        columns = list(design.X.T)
        words = [f"X: {name!r}" for name in design.column_names]
        runs: dict[int, int] = {}
        for m, group in enumerate(design.groups):
            found = _run(design.X, group.z)
            if found is None:
                found = len(columns)
                columns.extend(group.z.T)
                words.extend(f"varying by {group.factor!r}: {name!r}" for name in group.column_names)
            runs[m] = found
        terms: dict[int, GroupSource] = {}
        for factor in self.model.factors:
            for m in factor.members:
                group, names = design.groups[m], self.letters.groups[m]
                cor = names.cor if group.correlated and group.n_columns > 1 else ""
                stop = runs[m] + group.n_columns
                terms[m] = GroupSource(m, names.matrix, names.effects, names.sd, cor, runs[m], stop, len(columns))
            columns.append(np.asarray(factor.Z.index, float))
            words.append(f"level of {factor.name!r}, 0 to {len(factor.levels) - 1}: {_listed(factor.levels)}")
        for extra, name in ((design.offset, "offset"), (design.weights, "weights"), (design.trials, "trials")):
            if extra is not None:
                columns.append(np.asarray(extra, float))
                words.append(name)
        if not columns:
            columns, words = [np.zeros(len(design.y))], ["0, for lack of predictors"]
        return tuple(terms[m] for m in sorted(terms)), columns, words

    @property
    def groups(self) -> tuple[GroupSource, ...]:
        """The group terms in the order of the text."""
        return self._blocks[0]

    @property
    def words(self) -> tuple[str, ...]:
        """What each column of x holds."""
        return tuple(self._blocks[2])

    @cached_property
    def x(self) -> np.ndarray:
        """The columns side by side, (n, c)."""
        return np.stack(self._blocks[1], axis=1)

    @property
    def centre(self) -> np.ndarray | None:
        """(p,) what is taken off X's columns, where the intercept's prior speaks of their means."""
        design = self.model.design
        if not (self.model.priors.centered and design.X.shape[1] > 1):
            return None
        return np.append(0.0, design.X[:, 1:].mean(axis=0))


def to_python(model: Model) -> str:
    """Return the source of a class whose log density is the model's, parameter by parameter.

    y ~ Normal(X @ w + Z @ u + offset, sigma / sqrt(weights)); w[0] is the value at the predictors' means where the
    prior of the intercept is, and X is centred accordingly; u stands for b. `model.x` and `model.y` are its data.
    Of a family the response is its distribution, such as Poisson(log=X @ w + Z @ u), with its further parameters.
    Raises EngineError for a link that the family's class has no argument for, and for weights beside such a family.
    """
    _check_family(model)
    layout = Layout(model)
    lines = [
        "import numpy as np",
        "",
        "import probflow_nb as pf",
        "",
        "",
        f"class {_class_name(model.design.response_name)}(pf.Model):",
        *_comment(layout),
        "",
        "    def __init__(self):",
        *_parameters(layout),
        "",
        "    def __call__(self, x):",
        *_call(layout),
    ]
    if not any("np.array" in line for line in lines[1:] if not line.lstrip().startswith("#")):
        lines = lines[2:]
    return "\n".join(lines) + "\n"


def _check_family(model: Model) -> None:
    family = model.spec.family
    if (family.name, family.link) not in CALLS:
        raise EngineError(
            f"No class is written for {family.label}: none of its arguments is on this link.",
            hint="fit.model.spec.text() says the model in statements.",
        )
    if family != GAUSSIAN and model.design.weights is not None:
        raise EngineError(f"No class is written for {family.label} with weights.", hint="Leave the weights out.")


def _comment(layout: Layout) -> Iterator[str]:
    model = layout.model
    yield f"    # {model.spec.formula!r}"
    yield "    #"
    yield "    # Fit it by .fit(x, y); the compiled model holds these arrays as model.x and model.y."
    yield f"    # y: {model.design.response_name!r}; x has {len(layout.words)} columns:"
    for position, word in enumerate(layout.words):
        yield f"    #   x[:, {position}]  {word}"


def _parameters(layout: Layout) -> Iterator[str]:
    model, priors = layout.model, layout.model.priors
    if layout.centre is not None:
        yield f"        # The columns' means: {layout.common[0].name}[0] is the value of y there."
        yield f"        self.centre = np.array({_numbers(layout.centre)})"
    for part in layout.common:
        size = part.stop - part.start
        yield f"        self.{part.name} = pf.Parameter([{size}, 1], prior={_prior(part.priors, '[{}]')})"
    for term in layout.groups:
        group = model.design.groups[term.member]
        J, k = group.n_levels, group.n_columns
        yield from _sds(term, priors.sds[term.member])
        mixed = len({prior.name for prior in priors.sds[term.member]}) > 1
        sd = term.sd if mixed else f"self.{term.sd}"
        if term.cor:
            eta = priors.correlations[term.member]
            yield f"        self.{term.cor} = pf.CorrelationParameter({k}, prior=pf.LKJ({float(eta)!r}))"
            prior = f"pf.MultivariateNormal(0.0, sd={sd}, cor=self.{term.cor})"
        else:
            prior = f"pf.Normal(0.0, {sd})"
        yield f"        self.{term.u} = pf.Parameter([{J}, {k}], prior={prior})"
    for name, own in zip(model.auxiliary, priors.auxiliary, strict=True):
        yield f"        self.{layout.auxiliary[name]} = {_auxiliary(name, own)}"


def _sds(term: GroupSource, priors: Sequence[Distribution]) -> Iterator[str]:
    """Yield the sds of a term's columns: one parameter, or one for each run of columns with priors of one kind."""
    k = len(priors)
    shape, all_of = (f"[{k}]", "[{}]") if term.cor else (f"[1, {k}]", "[[{}]]")
    if len({prior.name for prior in priors}) == 1:
        yield f"        self.{term.sd} = {_scale(shape, priors, all_of)}"
        return
    pieces = []
    for c, prior in enumerate(priors):
        name = f"{term.sd}_{c + 1}"
        yield f"        self.{name} = {_scale('()', (prior,))}"
        unit = all_of.format(", ".join("1.0" if i == c else "0.0" for i in range(k)))
        pieces.append(f"self.{name} * np.array({unit})")
    yield f"        {term.sd} = {' + '.join(pieces)}"


def _call(layout: Layout) -> Iterator[str]:
    design = layout.model.design
    p = design.X.shape[1]
    terms = []
    if p:
        yield f"        {layout.letters.matrix} = x[:, :{p}]" + (" - self.centre" if layout.centre is not None else "")
    for part in layout.common:
        columns = layout.letters.matrix + ("" if len(layout.common) == 1 else f"[:, {part.start}:{part.stop}]")
        terms.append(f"{columns} @ self.{part.name}()")
    for term in layout.groups:
        group = design.groups[term.member]
        z = "" if np.all(group.z == 1.0) else f"z=x[:, {term.start}:{term.stop}], "
        yield f"        {term.Z} = pf.indicators(x[:, {term.level}], {z}levels={group.n_levels})"
        terms.append(f"{term.Z} @ self.{term.u}()")
    last = len(layout.words)
    words = {name: f"self.{letter}()" for name, letter in layout.auxiliary.items()}
    if design.trials is not None:
        last -= 1
        words["trials"] = f"x[:, {last}:{last + 1}]"
    if design.weights is not None:
        last -= 1
        words["sigma"] = f"{words['sigma']} / x[:, {last}:{last + 1}] ** 0.5"
    if design.offset is not None:
        last -= 1
        terms.append(f"x[:, {last}:{last + 1}]")
    if not terms:
        terms.append("0.0 * x[:, :1]")
    if len(" + ".join(terms)) < _WIDEST:
        yield f"        return {_response(layout.model, ' + '.join(terms), words)}"
        return
    yield f"        mean = {terms[0]}"
    yield from (f"        mean = mean + {term}" for term in terms[1:])
    yield f"        return {_response(layout.model, 'mean', words)}"


def _response(model: Model, eta: str, words: dict[str, str]) -> str:
    """Return the distribution of the response; counts without trials are single events."""
    family = model.spec.family
    name = "bernoulli" if family.name == "binomial" and "trials" not in words else family.name
    return CALLS[name, family.link].format(eta=eta, **words)


def _auxiliary(name: str, prior: Distribution) -> str:
    if name == "zero":
        return f"pf.BoundedParameter(0.0, 1.0, [1, 1], prior={_prior((prior,))})"
    return _scale("[1, 1]", (prior,))


def _scale(shape: str, priors: Sequence[Distribution], all_of: str = "[{}]") -> str:
    """Return the parameter of sds: positive, or within the bounds of a Uniform prior."""
    prior = _prior(priors, all_of=all_of)
    if priors[0].name != "Uniform":
        return f"pf.ScaleParameter({shape}, prior={prior})"
    bounds = prior.removeprefix("pf.Uniform(").removesuffix(")")
    return f"pf.BoundedParameter({bounds}, {shape}, prior={prior})"


def _prior(priors: Sequence[Distribution], each: str = "{}", all_of: str = "[{}]") -> str:
    """Return the prior of several numbers as one call, arguments that differ as a list of the parameter's shape."""
    arguments = []
    for values in zip(*(prior.arguments for prior in priors), strict=True):
        if len(set(values)) == 1:
            arguments.append(_number(values[0]))
        else:
            arguments.append(all_of.format(", ".join(each.format(_number(value)) for value in values)))
    return f"pf.{priors[0].name}({', '.join(arguments)})"


def _number(value: float) -> str:
    return repr(float(value))


def _numbers(values: np.ndarray) -> str:
    return "[" + ", ".join(_number(value) for value in values) + "]"


def _run(X: np.ndarray, z: np.ndarray) -> int | None:
    """Return where the columns z stand side by side in X, or None."""
    k = z.shape[1]
    starts = range(X.shape[1] - k + 1)
    return next((start for start in starts if np.array_equal(X[:, start : start + k], z)), None)


def _suffixes(factors: Sequence[str]) -> list[str]:
    """Return what is put behind u, sd and cor for each term: nothing for a single one, else a name that is free."""
    if len(factors) == 1:
        return [""]
    found: list[str] = []
    for factor in factors:
        stem = "_" + re.sub(r"[^0-9A-Za-z]+", "_", factor).strip("_")
        name, count = stem, 1
        while name in found or name == "_":
            count += 1
            name = f"{stem.rstrip('_')}_{count}"
        found.append(name)
    return found


def _usable(names: Sequence[str]) -> bool:
    """Whether names differ and may stand in the class."""
    plain = all(name.isascii() and name.isidentifier() and not iskeyword(name) for name in names)
    return plain and len(set(names)) == len(names) and not RESERVED & set(names) and not any(n[0] == "_" for n in names)


def _listed(levels: Sequence[str]) -> str:
    shown = ", ".join(repr(level) for level in levels[:_LEVELS_NAMED])
    return shown + (", ..." if len(levels) > _LEVELS_NAMED else "")


def _class_name(response: str) -> str:
    words = re.findall(r"[0-9A-Za-z]+", response)
    stem = "".join(word[0].upper() + word[1:] for word in words)
    return f"{stem if stem[:1].isalpha() else f'Mixed{stem}'}Model"
