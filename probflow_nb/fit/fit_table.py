"""Fit table: the regression table of a paper, of one fit or of several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..display import digits
from ..display.regression import Part, Regression
from ..errors import FitError
from ..inference.engine import Optimum, Posterior
from .fit import Fit
from .tidy import Scalars, scalars

if TYPE_CHECKING:
    import pandas as pd

# Kinds of scalars in the order of the table, and what stands above their rows.
_HEADINGS = {
    "common": "Common effects",
    "parameter": "Parameters",
    "cutpoint": "Cutpoints",
    "sd": "Group sds and correlations",
    "cor": "Group sds and correlations",
    "residual": "Residual",
    "scale": "Scales",
    "further": "Further parameters",
}
_SHOWN = ("interval", "sd", "none")


@dataclass(frozen=True, eq=False, repr=False)
class FitTable:
    """The table of a paper, which shows itself; `to_latex`, `to_markdown`, `to_html` and `to_frame` take it elsewhere.

    names: one a fit. found: the scalars of each. regression: the table as strings.
    """

    names: tuple[str, ...]
    found: tuple[Scalars, ...]
    regression: Regression

    def to_frame(self) -> pd.DataFrame:
        """Return the estimates and their errors, a row a term and a pair of columns a fit; NaN where a fit lacks it."""
        import pandas as pd

        columns = {
            (name, what): pd.Series(values, index=pd.Index(one.names, name="term"))
            for name, one in zip(self.names, self.found, strict=True)
            for what, values in (("estimate", one.estimate), ("sd", one.sd), ("lower", one.lower), ("upper", one.upper))
        }
        terms = [term for _, rows in _terms(self.found) for term in rows]
        return pd.DataFrame(columns, index=pd.Index(terms, name="term"))

    def to_latex(self, label: str = "") -> str:
        r"""Return a LaTeX `tabular` (booktabs), inside a `table` where there is a caption or a label for `\ref`."""
        return self.regression.latex(label)

    def to_markdown(self) -> str:
        """Return a Markdown table in the pipe form."""
        return self.regression.markdown()

    def to_html(self) -> str:
        """Return one static block of HTML without scripts."""
        return self.regression.html()

    def __repr__(self) -> str:
        return self.regression.text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        made = {
            "text/plain": self.regression.text,
            "text/html": self.regression.html,
            "text/latex": self.regression.latex,
            "text/markdown": self.regression.markdown,
        }
        wanted = [kind for kind in made if (include is None or kind in include) and kind not in (exclude or ())]
        return {kind: made[kind]() for kind in wanted}


def table(
    *fits: Fit | Mapping[str, Fit], interval: float = 0.95, show: str = "interval", caption: str = ""
) -> FitTable:
    """Return the regression table of one fit, or of several with a column each.

    fits: fits, by their names or else numbered; or dictionaries of fits by name. interval: its probability.
    show: what stands below each estimate where there are several: "interval", "sd" (the standard error of a point fit)
    or "none". caption: above the table. Raises FitError for what is no fit, or for other words.
    """
    named = _named(fits)
    if show not in _SHOWN:
        raise FitError(f'show is "interval", "sd" or "none", not {show!r:.60}.')
    found = tuple(scalars(fit.model, fit.answer, fit.facts, interval) for fit in named.values())
    several = list(named.values())
    if len(several) == 1:
        heads, parts = _one(several[0], found[0], interval)
    else:
        heads, parts = tuple(named), _side_by_side(found, show)
    foot = _foot(several) if len(several) > 1 else ()
    notes = _notes(named, interval, show)
    return FitTable(tuple(named), found, Regression(heads, parts, foot, notes, caption))


def _named(fits: Sequence[Any]) -> dict[str, Fit]:
    """Return the fits by name; two of one name are numbered."""
    pairs: list[tuple[str, Any]] = []
    for one in fits:
        pairs += list(one.items()) if isinstance(one, Mapping) else [(getattr(one, "name", ""), one)]
    wrong = next((one for _, one in pairs if not isinstance(one, Fit)), None)
    if wrong is not None or not pairs:
        what = "nothing" if not pairs else f"{type(wrong).__name__}"
        raise FitError(f"A table is made of fits, not of {what}.", hint='Write pf.table(a, b), or {"name": a, ...}.')
    found: dict[str, Fit] = {}
    for i, (name, fit) in enumerate(pairs, start=1):
        name = str(name)
        found[f"Model {i}" if not name else f"{name} ({i})" if name in found else name] = fit
    return found


def _terms(found: Sequence[Scalars]) -> list[tuple[str, list[str]]]:
    """Return the terms of all fits below their headings, in the order in which they stand first."""
    rows: dict[str, dict[str, None]] = {heading: {} for heading in _HEADINGS.values()}
    for one in found:
        for name, kind in zip(one.names, one.kinds, strict=True):
            heading = _HEADINGS[kind]
            if not any(name in others for others in rows.values()):
                rows[heading][name] = None
    return [(heading, list(names)) for heading, names in rows.items() if names]


def _written(one: Scalars) -> dict[str, tuple[str, str, str, str]]:
    """Return estimate, sd and both ends of each scalar, with the digits that they deserve."""
    found = {}
    for i, name in enumerate(one.names):
        figures = [float(column[i]) for column in (one.estimate, one.sd, one.lower, one.upper)]
        places = digits.decimals(float(one.error[i]), figures[1], abs(figures[0]))
        if one.kinds[i] == "cor" and not np.isfinite(figures[1]):
            places = 2
        estimate, sd, lower, upper = digits.row(figures, places)
        found[name] = (estimate, sd, lower, upper)
    return found


def _one(fit: Fit, one: Scalars, interval: float) -> tuple[tuple[str, ...], tuple[Part, ...]]:
    bayesian = isinstance(fit.answer, Posterior)
    heads = ("Mean" if bayesian else "Estimate", "SD" if bayesian else "SE", f"{100 * interval:g}% interval")
    cells = {
        name: (estimate, sd, _between(lower, upper)) for name, (estimate, sd, lower, upper) in _written(one).items()
    }
    return heads, tuple(Part(head, tuple((name, cells[name]) for name in names)) for head, names in _terms([one]))


def _between(lower: str, upper: str) -> str:
    return "" if digits.MISSING in (lower, upper) else f"[{lower}, {upper}]"


def _side_by_side(found: Sequence[Scalars], show: str) -> tuple[Part, ...]:
    written = [_written(one) for one in found]
    parts = []
    for heading, names in _terms(found):
        rows: list[tuple[str, tuple[str, ...]]] = []
        for name in names:
            rows.append((name, tuple(own[name][0] if name in own else "" for own in written)))
            below = tuple(_below(own.get(name), show) for own in written)
            rows += [("", below)] if any(below) else []
        parts.append(Part(heading, tuple(rows)))
    return tuple(parts)


def _below(cells: tuple[str, str, str, str] | None, show: str) -> str:
    if cells is None or show == "none":
        return ""
    _, sd, lower, upper = cells
    if show == "interval":
        return _between(lower, upper)
    return "" if sd == digits.MISSING else f"({sd})"


def _foot(fits: Sequence[Fit]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return rows on the data and on how each was fitted."""
    levels = [_levels(fit) for fit in fits]
    factors = list(dict.fromkeys(name for own in levels for name in own))
    rows = [("Rows", tuple(f"{fit.facts.n_rows:,}" for fit in fits))]
    rows += [(f"Levels of {f}", tuple(f"{own[f]:,}" if f in own else "" for own in levels)) for f in factors]
    rows.append(("Engine", tuple(type(fit.engine).__name__ for fit in fits)))
    return tuple(rows)


def _levels(fit: Fit) -> dict[str, int]:
    if isinstance(fit.answer, Posterior):
        return {effects.factor: len(effects.levels) for effects in fit.answer.draws.effects}
    return {factor.name: len(factor.levels) for factor in fit.model.factors}


def _notes(named: Mapping[str, Fit], interval: float, show: str) -> tuple[str, ...]:
    """Return what the figures are, and what is wrong with a fit: a table in a paper has no card beside it."""
    fits = list(named.values())
    bayesian = [isinstance(fit.answer, Posterior) for fit in fits]
    centre = (
        "Posterior means" if all(bayesian) else "Estimates" if not any(bayesian) else "Posterior means or estimates"
    )
    errors = "posterior sds" if all(bayesian) else "standard errors" if not any(bayesian) else "sds or standard errors"
    below = {"interval": f" with {100 * interval:g}% intervals", "sd": f" with {errors} in brackets", "none": ""}
    if len(fits) == 1:
        fit = fits[0]
        by = type(fit.engine).__name__
        if isinstance(fit.answer, Optimum):
            by += ", REML" if fit.answer.reml else ", maximum likelihood"
        notes = [f"{fit.formula}; {fit.facts.data}. Fitted by {by}."]
    else:
        notes = [f"{centre}{below[show]}."]
    doubtful = [(name, fit) for name, fit in named.items() if fit.verdict.level in ("caution", "bad")]
    notes += [f"{name}: {fit.verdict.sentence}" if len(fits) > 1 else fit.verdict.sentence for name, fit in doubtful]
    return tuple(notes)
