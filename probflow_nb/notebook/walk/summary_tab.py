"""Summary tab: the table of scalars, with the interval that a person chooses."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np

from ...display import digits
from ...display.ratio_table import ratio_table
from ...display.table import Table, card_table
from ...errors import UsageError
from ...fit.ratios import ratios
from ...inference.engine import Posterior
from ...posterior.summary import Summary
from .naming import named
from .tabs import Answer

INTERVALS = (50, 80, 90, 95, 99)
_FIGURE_SPACE, _POINT_SPACE = "\u2007", "\u2008"


def answer(fit: Any, question: dict[str, Any]) -> Answer:
    """Return headers, sections of rows and the interval that they show."""
    percent = question.get("interval", 95)
    if percent not in INTERVALS:
        raise UsageError(f"An interval is one of {', '.join(f'{i}%' for i in INTERVALS)}, not {percent!r:.40}.")
    if not fit.card.summary.names:
        return {"words": "This model has no scalar parameters; what it has stands under Groups."}, []
    bayesian = isinstance(fit.answer, Posterior)
    table, headers = (_posterior if bayesian else _point)(fit, percent)
    return {
        **_shown(table, headers),
        "ratios": _ratios(fit, percent),
        "intervals": list(INTERVALS),
        "interval": percent,
        "words": _words(fit, table, bayesian),
    }, []


def _shown(table: Table, headers: dict[str, str]) -> dict[str, Any]:
    """Return headers and sections of a table, as a page shows them."""
    columns = table.aligned(_FIGURE_SPACE, _POINT_SPACE)
    sections = [
        {
            "heading": section.heading,
            "rows": [
                [named(table.names[i]), *(cells[i].replace("-", "−") for _, cells in columns)] for i in section.rows
            ],
        }
        for section in table.sections
    ]
    return {"headers": [headers.get(header, header) for header, _ in columns], "sections": sections}


def _ratios(fit: Any, percent: int) -> dict[str, Any] | None:
    """Return odds, hazard or rate ratios with the interval chosen, None where there are none."""
    if fit.card.ratios is None:
        return None
    found = ratios(fit.model, fit.answer, fit.card.summary.names, percent / 100)
    return _shown(ratio_table(found), {})


def _posterior(fit: Any, percent: int) -> tuple[Table, dict[str, str]]:
    """Return the table with the ends of another interval, and what its headers are called."""
    tail = (100 - percent) / 2
    ends = np.quantile(fit.draws.table, [tail / 100, 1 - tail / 100], axis=0)
    bounds = {"q2.5": ends[0], "q97.5": ends[1]}
    summary = fit.card.summary
    changed = Summary(summary.names, tuple((name, bounds.get(name, values)) for name, values in summary.columns))
    headers = {"2.5%": f"{tail:g}%", "97.5%": f"{100 - tail:g}%"}
    return card_table(replace(fit.card, summary=changed)), headers


def _point(fit: Any, percent: int) -> tuple[Table, dict[str, str]]:
    """Return the table of a point fit with the ends of estimate ± z se, where there is a standard error."""
    table = card_table(fit.card)
    summary, z = fit.card.summary, NormalDist().inv_cdf(0.5 + percent / 200)
    at = {name: i for i, name in enumerate(summary.names)}
    lower, upper = [], []
    for name in table.names:
        value, error = float(summary["estimate"][at[name]]), float(summary["se"][at[name]])
        written = digits.row([value - z * error, value + z * error], digits.decimals(float("nan"), error, abs(value)))
        lower.append(written[0])
        upper.append(written[1])
    tail = (100 - percent) / 2
    ends = ((f"{tail:g}%", tuple(lower)), (f"{100 - tail:g}%", tuple(upper)))
    return replace(table, columns=(*table.columns, *ends)), {}


def _words(fit: Any, table: Table, bayesian: bool) -> str:
    words = "" if bayesian else "Ends are estimate ± z standard errors; variances have none, a posterior gives them. "
    if table.left_out:
        words += f"{table.left_out:,} more {table.rest} are in fit.summary()."
    return words.strip()
