"""Parameter card: one parameter of a model - its prior, and its posterior once the model is fitted."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..display.card import Card, Statement, Statements
from ..inference.engine import Posterior
from ..objects.module import prior_parents
from ..objects.parameter import Parameter
from ..posterior.summary import Summary
from ..posterior.verdict import Verdict
from .facts import precision_statement, repeats
from .fit import Fit


def parameter_card(parameter: Parameter, fit: Fit | None = None, name: str = "") -> Card:
    """Return what a parameter shows: its prior and those of the parameters in it, and what the last fit says of it.

    fit: the last fit of the model that holds it. name: of the parameter there.
    """
    shown = name or parameter.label
    lines = [parameter_line(shown, parameter), *(parameter_line(p.label, p) for p in prior_parents(parameter))]
    formula = f"{shown} ~ {parameter.prior_label}" + (f", shape {parameter.shape}" if parameter.shape else "")
    if fit is None or not isinstance(fit.answer, Posterior):
        verdict = Verdict("none", "Part of a model that is not fitted yet." if not fit else "The fit has no posterior.")
        return Card("", formula, Statements(tuple(lines)), verdict, Summary((), ()))
    card = fit.card
    rows = [i for i, scalar in enumerate(card.summary.names) if scalar == shown or scalar.startswith(f"{shown}[")]
    keep = {card.summary.names[i] for i in rows}
    return Card(
        title="",
        formula=formula,
        equation=Statements(tuple(lines), tuple(keep)),
        verdict=fit.verdict,
        summary=Summary(
            tuple(card.summary.names[i] for i in rows),
            tuple((column, np.asarray(values)[rows]) for column, values in card.summary.columns),
        ),
        marginals=tuple(m for m in card.marginals if m.name in keep),
        groups=tuple(g for g in card.groups if g.factor == shown),
        roles=card.roles,
    )


def parameter_line(name: str, parameter: Parameter) -> Statement:
    """Return a parameter's prior as one line of mathematics."""
    if getattr(parameter, "by_precision", False):
        return precision_statement(name, parameter)
    return Statement(name, "~", parameter.prior_label, repeats(parameter, parameter.prior))


def parameter_bundle(parameter: Any, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """Return a parameter in every form that a notebook may ask for."""
    from ..display.bundle import mimebundle

    fit, name = parameter.last_fit if parameter.last_fit is not None else (None, "")
    return mimebundle(parameter_card(parameter, fit, name), include, exclude)
