"""Report: the result of a fit in a paragraph of plain words; every number of it is one of the summary's."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from ..display import digits, escape
from ..display.stylesheet import STYLE
from ..inference.engine import Optimum
from ..model.model import Model
from .scale_names import scale_of_effects

MOST = 12  # common effects that a paragraph goes through


@dataclass(frozen=True, repr=False)
class Report:
    """A paragraph of sentences, as text and as HTML."""

    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """The paragraph."""
        return " ".join(self.sentences)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        import textwrap

        return textwrap.fill(escape.plain(self.text, 20_000), 100)

    def _repr_html_(self) -> str:
        body = " ".join(escape.html(sentence, 2000) for sentence in self.sentences)
        return f'<style>{STYLE}</style><div class="pfnb mathjax_ignore tex2jax_ignore"><p>{body}</p></div>'


def report(fit: Any) -> Report:
    """Return the paragraph of a fit: the model, the verdict, the common effects, the groups, the rest."""
    return Report(tuple(filter(None, [_opening(fit), *_effects(fit), *_spreads(fit), fit.verdict.sentence])))


def _opening(fit: Any) -> str:
    facts = fit.facts
    family = fit.model.spec.family if isinstance(fit.model, Model) else None
    kind = "multilevel model" if _spread_names(fit) else "model"
    gaussian = family is None or family.name == "gaussian"
    words = "" if gaussian or family is None else f" {family.name.replace('_', ' ')} ({family.link} link)"
    how = type(fit.engine).__name__
    if isinstance(fit.answer, Optimum):
        how = "restricted maximum likelihood" if fit.answer.reml else "maximum likelihood"
    else:
        how = f"Bayesian inference ({how})"
    return (
        f"A{words and 'n' * (words[1] in 'AEIOU')}{words} {kind}, {facts.formula}, was fitted to {facts.data} by {how}."
    )


def _effects(fit: Any) -> list[str]:
    roles = fit.facts.roles
    names = [name for name in fit._summary.names if roles.get(name) == "common"]
    unit = scale_of_effects(fit.model)
    found = []
    for name in names[:MOST]:
        centre, low, high, share = _figures(fit, name)
        size = f"{centre} {unit}" if unit else centre
        found.append(f"{_what(name)} is {size} ({_interval(fit, low, high)}){share}.")
    if len(names) > MOST:
        found.append(f"The summary has {len(names) - MOST} common effects more.")
    return found


def _what(name: str) -> str:
    if name == "Intercept":
        return "The intercept"
    if ":" in name:
        return f"The interaction {name}"
    if name.endswith("]") and "[" in name:
        factor, level = name[:-1].split("[", 1)
        return f"The effect of {factor} at {level}"
    return f"The effect of {name}"


def _figures(fit: Any, name: str) -> tuple[str, str, str, str]:
    """Return the centre, the ends of its interval, written alike, and which sign the posterior gives it."""
    i = fit._summary.names.index(name)
    if isinstance(fit.answer, Optimum):
        value, error = float(fit._summary["estimate"][i]), float(fit._summary["se"][i])
        if not math.isfinite(error):
            return digits.row([value], digits.decimals(math.nan, math.nan, abs(value)))[0], "", "", ""
        ends = [value - 1.959964 * error, value + 1.959964 * error]
        centre, se, low, high = digits.row([value, error, *ends], digits.decimals(math.nan, error, abs(value)))
        return centre, f"se {se}, {low}", high, ""
    columns = [float(fit._summary[c][i]) for c in ("mean", "q2.5", "q97.5")]
    spread, mcse = float(fit._summary["sd"][i]), float(fit._summary["mcse"][i])
    centre, low, high = digits.row(columns, digits.decimals(mcse, spread, abs(columns[0])))
    if columns[1] > 0 or columns[2] < 0:
        return centre, low, high, f", {'above' if columns[1] > 0 else 'below'} zero in all of its interval"
    return centre, low, high, ", so that its sign is not settled" if name != "Intercept" else ""


def _interval(fit: Any, low: str, high: str) -> str:
    if not high:
        return "no standard error"
    if low.startswith("se "):
        se, _, low = low.partition(", ")
        return f"{se}, 95% interval {low} to {high}"
    return f"95% interval {low} to {high}"


def _spread_names(fit: Any) -> list[str]:
    return [name for name in fit._summary.names if re.match(r"sd\(.+ \| .+\)$", name)]


def _spreads(fit: Any) -> list[str]:
    found = []
    for name in _spread_names(fit):
        column, _, factor = name[3:-1].rpartition(" | ")
        centre, low, high, _ = _figures(fit, name)
        what = (
            f"Levels of {factor} vary"
            if column == "Intercept"
            else f"The effect of {column} varies between levels of {factor}"
        )
        found.append(f"{what} with a standard deviation of {centre}{_bracketed(fit, low, high)}.")
    for name in fit._summary.names:
        if re.match(r"cor\(.+ \| .+\)$", name):
            inner, _, factor = name[4:-1].rpartition(" | ")
            centre, low, high, _ = _figures(fit, name)
            pair = " and ".join(inner.split(", ")) if inner.count(", ") == 1 else inner
            found.append(
                f"Between levels of {factor} the correlation of {pair} is {centre}{_bracketed(fit, low, high)}."
            )
    own = fit.model.auxiliary if isinstance(fit.model, Model) else ()
    for name in own:
        shown = name if name in fit._summary.names else fit.answer.draws.aliases.get(name, name)
        if shown in fit._summary.names:
            centre, low, high, _ = _figures(fit, shown)
            what = "The residual standard deviation" if name == "sigma" else f"The parameter {shown}"
            found.append(f"{what} is {centre}{_bracketed(fit, low, high)}.")
    return found


def _bracketed(fit: Any, low: str, high: str) -> str:
    return f" ({_interval(fit, low, high)})" if high else ""
