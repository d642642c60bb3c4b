"""Claims: what the posterior says of an expression of parameters, such as `2*Days - groupB`, against 0.

For a relation left = right the difference d = left - right is worked out draw by draw. An equality is weighed by the
ratio of Savage and Dickey, p(d = 0 | y) / p(d = 0), the Bayes factor for it against the model as fitted, where the
prior of d is known (Dickey 1971, Ann. Math. Statist. 42:204-223; Wagenmakers et al. 2010, Cogn. Psychol. 60:158-189);
an inequality by its posterior probability and its odds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from ..display import digits
from ..display.sheet import Sheet
from ..errors import FitError, ParseError
from ..inference.engine import Optimum
from ..lang.grammar import parse_expression
from ..lang.printer import label
from ..lang.tree import Binary, Call, Name, Node, Number, Unary
from ..spec.suggestion import did_you_mean
from .claim_text import Relation, read_claim, read_claims
from .estimates import end_names, ends_of
from .savage_dickey import Linear, Ratio, savage_dickey

if TYPE_CHECKING:
    import pandas as pd

_FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "inv_logit": lambda x: 1.0 / (1.0 + np.exp(-x)),
}
_OPERATORS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
}
_SIGNS: dict[str, Any] = {
    "<": np.less,
    ">": np.greater,
    "<=": np.less_equal,
    ">=": np.greater_equal,
}


@dataclass(frozen=True, eq=False, repr=False)
class Hypothesis:
    """What the fit says of left - right.

    text: as written. sign: the comparison. estimate, sd: mean and sd of the difference; of a point fit its estimate and
    standard error. lower, upper: of the central interval. above: P(difference > 0 | y), None for a point fit.
    claim: P(left < right | y) of an inequality. odds: of it. ratio: of Savage and Dickey for an equality, above 1 for
    it; error: its relative Monte Carlo error. draws: (S,) of the difference. notes: what a reader should know.
    """

    text: str
    sign: str
    estimate: float
    sd: float
    lower: float
    upper: float
    interval: float
    above: float | None = None
    claim: float | None = None
    odds: float | None = None
    ratio: float | None = None
    error: float | None = None
    draws: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    def frame(self) -> pd.DataFrame:
        """Return one row: estimate, sd, interval, and of the rest what there is."""
        import pandas as pd

        low, high = end_names(ends_of(self.interval))
        row = {"estimate": self.estimate, "sd": self.sd, low: self.lower, high: self.upper}
        more = {"P(> 0)": self.above, "P(claim)": self.claim, "odds": self.odds, "savage-dickey": self.ratio}
        row |= {name: value for name, value in more.items() if value is not None}
        return pd.DataFrame(row, index=pd.Index([self.text], name="hypothesis"))

    def _sheet(self) -> Sheet:
        places = digits.decimals(math.nan, self.sd, abs(self.estimate))
        shown = digits.row([self.estimate, self.sd, self.lower, self.upper], places)
        low, high = end_names(ends_of(self.interval))
        heads = ["hypothesis", "estimate", "sd" if self.draws is not None else "se", low, high]
        cells = [self.text, *shown]
        for name, value, written in (
            ("P(> 0)", self.above, "{:.3f}"),
            ("P(claim)", self.claim, "{:.3f}"),
            ("odds", self.odds, "{:.3g}"),
            ("Savage-Dickey", self.ratio, "{:.3g}"),
        ):
            if value is not None:
                heads.append(name)
                cells.append(written.format(value))
        return Sheet(tuple((head, i > 0) for i, head in enumerate(heads)), (tuple(cells),), self.notes)

    def __repr__(self) -> str:
        return self._sheet().text()

    def _repr_html_(self) -> str:
        return self._sheet().html()


class Parameters:
    """The scalars of a fit by the names that a person reads, and expressions of them."""

    def __init__(self, names: tuple[str, ...], aliases: Mapping[str, str], values: Callable[[str], np.ndarray]) -> None:
        self.names, self.values = names, values
        self.by_label = {_written(name): name for name in names}
        self.by_label |= {
            _written(alias): name for alias, name in aliases.items() if _written(alias) not in self.by_label
        }
        self.by_label |= {name: name for name in names}

    def named(self, node: Node) -> str | None:
        """Return the parameter that a node names."""
        return self.by_label.get(node.name if isinstance(node, Name) else label(node))

    def value(self, node: Node, text: str) -> np.ndarray:
        """Return the draws of an expression, (S,) or (); FitError with carets under a name that there is not."""
        name = self.named(node)
        if name is not None:
            return self.values(name)
        match node:
            case Number(number):
                return np.asarray(number)
            case Unary(sign, operand) if sign in ("+", "-"):
                inner = self.value(operand, text)
                return -inner if sign == "-" else inner
            case Binary(operator, left, right) if operator in _OPERATORS:
                with np.errstate(all="ignore"):
                    return np.asarray(_OPERATORS[operator](self.value(left, text), self.value(right, text)))
            case Call(function, (argument,), ()) if function in _FUNCTIONS:
                with np.errstate(all="ignore"):
                    return np.asarray(_FUNCTIONS[function](self.value(argument, text)))
        raise self.unknown(node, text)

    def unknown(self, node: Node, text: str) -> FitError:
        """Return the error for what is no parameter and no arithmetic of them."""
        shown = label(node)
        few = ", ".join(self.names[:12]) + (", ..." if len(self.names) > 12 else "")
        what = f'There is no parameter "{shown:.60}" in this fit.'
        if isinstance(node, Binary):
            what = f'A claim is arithmetic of parameters, so "{node.operator}" has no meaning here.'
        hint = did_you_mean(shown, [*self.by_label], f"It has {few}.")
        return FitError(what, text=text, span=node.span, hint=hint)

    def linear(self, node: Node) -> Linear | None:
        """Return an expression as constant + sum of coefficient times parameter; None where it is not one."""
        name = self.named(node)
        if name is not None:
            return Linear(0.0, {name: 1.0})
        match node:
            case Number(number):
                return Linear(number, {})
            case Unary(sign, operand) if sign in ("+", "-"):
                inner = self.linear(operand)
                return None if inner is None else inner.times(-1.0 if sign == "-" else 1.0)
            case Binary(operator, left, right):
                a, b = self.linear(left), self.linear(right)
                if a is None or b is None:
                    return None
                if operator in ("+", "-"):
                    return a.plus(b.times(-1.0 if operator == "-" else 1.0))
                if operator == "*" and not (a.terms and b.terms):
                    return a.times(b.constant) if not b.terms else b.times(a.constant)
                if operator == "/" and not b.terms and b.constant:
                    return a.times(1.0 / b.constant)
        return None


def hypothesis(fit: Any, text: str, interval: float, seed: int) -> Hypothesis:
    """Return what a fit says of one relation of its parameters; see `Fit.hypothesis`."""
    ends = ends_of(interval)
    relation, known = read_claim(text), parameters(fit)
    line = known.linear(Binary("-", relation.left, relation.right))
    if isinstance(fit.answer, Optimum):
        return _of_optimum(fit.answer, relation, known, line, text, interval)
    d = _difference(relation, known, text)
    if not d.ndim or np.ptp(d) == 0:
        raise FitError("This holds no parameter, so there is nothing to ask the fit.", hint='Such as "Days = 0".')
    lower, upper = (float(end) for end in np.quantile(d, ends))
    above, notes, claim, odds, ratio = float(np.mean(d > 0)), [], None, None, Ratio()
    if relation.sign == "=":
        ratio = savage_dickey(fit.model, line, d, seed)
        notes.append(ratio.note)
    else:
        claim = float(np.mean(_SIGNS[relation.sign](d, 0.0)))
        odds = math.inf if claim == 1.0 else claim / (1.0 - claim)
        if claim in (0.0, 1.0):
            notes.append(f"{'All' if claim else 'None'} of {len(d):,} draws hold it.")
    return Hypothesis(
        text.strip(), relation.sign, float(d.mean()), float(d.std(ddof=1)), lower, upper, interval, above, claim, odds,
        ratio.value, ratio.error, d, tuple(filter(None, notes)),
    )  # fmt: skip


def probability(fit: Any, text: str) -> float:
    """Return the share of the draws that hold every relation of a text; see `Fit.probability`."""
    relations = read_claims(text)
    if isinstance(fit.answer, Optimum):
        fit._posterior("posterior probability")
    known = parameters(fit)
    held: Any = True
    for one in relations:
        held = held & _SIGNS[one.sign](_difference(one, known, text), 0.0)
    return float(np.mean(held))


def parameters(fit: Any) -> Parameters:
    """Return the scalars of a fit."""
    if isinstance(fit.answer, Optimum):
        values = dict(zip(fit.answer.names, fit.answer.values, strict=True))
        return Parameters(fit.answer.names, {}, lambda name: np.asarray(values[name]))
    draws = fit.answer.draws
    return Parameters(draws.names, draws.aliases, draws.flat)


def _difference(relation: Relation, known: Parameters, text: str) -> np.ndarray:
    found = np.asarray(known.value(relation.left, text) - known.value(relation.right, text))
    if not np.isfinite(found).all():
        raise FitError(
            f"{relation_words(relation)} is no finite number in {np.mean(~np.isfinite(found)):.1%} of the draws.",
            text=text, span=relation.left.span,
            hint="A logarithm or root needs numbers above 0, a quotient one that is not 0.",
        )  # fmt: skip
    return found


def relation_words(relation: Relation) -> str:
    """Return the difference as a person reads it."""
    right = label(relation.right)
    return label(relation.left) if right == "0" else f"{label(relation.left)} - ({right})"


def _of_optimum(
    answer: Optimum, relation: Relation, known: Parameters, line: Linear | None, text: str, interval: float
) -> Hypothesis:
    """Return the estimate of a point fit with the standard error of a linear combination of coefficients."""
    d = float(_difference(relation, known, text))
    p = len(answer.covariance)
    common = set(answer.names[:p])
    if line is None or not line.terms or not set(line.terms) <= common:
        what = "holds no parameter" if line is not None and not line.terms else "is no sum of common effects"
        raise FitError(
            f"A point fit knows the standard error of sums of common effects, and this {what}.",
            text=text, span=relation.left.span,
            hint="Fit with a posterior, such as engine=Exact(), to ask for any expression.",
        )  # fmt: skip
    c = np.array([line.terms.get(name, 0.0) for name in answer.names[:p]])
    se = float(np.sqrt(max(c @ answer.covariance @ c, 0.0)))
    z = NormalDist().inv_cdf(0.5 + interval / 2)
    note = f"By the normal approximation, z = {d / se:.2f}." if se > 0 else ""
    return Hypothesis(
        text.strip(), relation.sign, d, se, d - z * se, d + z * se, interval, notes=tuple(filter(None, [note]))
    )


def _written(name: str) -> str:
    """Return a shown name as the grammar would print it again, so that blanks and quotes do not matter."""
    try:
        return label(parse_expression(name))
    except ParseError:
        return name
