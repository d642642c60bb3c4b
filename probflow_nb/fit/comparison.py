"""Comparison: several fits of the same data in one table, by whatever they can be compared by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..display.escape import shorten
from ..display.sheet import Sheet
from ..errors import ProbflowError, UsageError
from ..inference import Exact, Laplace, Point
from ..inference.engine import Optimum
from ..model.model import Model
from ..spec.families import GAUSSIAN
from .fit import Fit
from .predictive import predictive
from .same_data import common_scale, densities
from .yardsticks import Column, Measured, evidence, likelihood, written

if TYPE_CHECKING:
    import pandas as pd

CRITERIA = ("loo", "waic", "evidence", "likelihood", "none")


@dataclass(frozen=True, repr=False)
class Comparison:
    """Fits side by side.

    names: one a fit. formulas, rows, engines, parameters: of each; parameters counts the scalars, not group effects.
    columns: what they are compared by. notes: sentences that a reader needs. families: one a fit, none where all
    are Gaussian.
    """

    names: tuple[str, ...]
    formulas: tuple[str, ...]
    rows: tuple[int, ...]
    engines: tuple[str, ...]
    parameters: tuple[int, ...]
    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()
    families: tuple[str, ...] = ()

    def frame(self) -> pd.DataFrame:
        """Return one row a fit, NaN where it has no such figure."""
        import pandas as pd

        known = {
            "formula": self.formulas,
            **({"family": self.families} if self.families else {}),
            "rows": self.rows,
            "engine": self.engines,
            "parameters": self.parameters,
            **{column.name: column.values for column in self.columns},
        }
        return pd.DataFrame(known, index=pd.Index(self.names, name="model"))

    def best_first(self) -> Comparison:
        """Return the same table with the best predicting model first, if all of them have an elpd_diff."""
        apart = next((column.values for column in self.columns if column.name == "elpd_diff"), ())
        if not apart or np.isnan(apart).any():
            return self
        order = sorted(range(len(apart)), key=lambda i: -apart[i])

        def sorted_(values: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(values[i] for i in order) if values else ()

        columns = tuple(replace(column, values=sorted_(column.values)) for column in self.columns)
        moved = {f.name: sorted_(getattr(self, f.name)) for f in fields(self) if f.name not in ("columns", "notes")}
        return replace(self, columns=columns, **moved)

    def _sheet(self) -> Sheet:
        known = [("family", False, self.families)] if self.families else []
        known += [("rows", True, tuple(f"{n:,}" for n in self.rows)), ("engine", False, self.engines)]
        # What all models share is said once, below the table: it is wide enough.
        shared = [one for one in known if len(set(one[2])) == 1]
        apart = [("formula", False, self.formulas), *(one for one in known if one not in shared)]
        apart.append(("parameters", True, tuple(map(str, self.parameters))))
        heads = [("model", False), *((head, right) for head, right, _ in apart)]
        heads += [(group[0].head, True) for group in _grouped(self.columns)]
        rows = [
            (name, *(values[i] for _, _, values in apart), *(_cell(group, i) for group in _grouped(self.columns)))
            for i, name in enumerate(self.names)
        ]
        return Sheet(tuple(heads), tuple(rows), (*_of_all(shared), *self.notes))

    def __repr__(self) -> str:
        return self._sheet().text()

    def _repr_html_(self) -> str:
        return self._sheet().html()


def _of_all(shared: list[tuple[str, bool, tuple[str, ...]]]) -> list[str]:
    """Return a sentence on what is the same of all models."""
    told = {head: values[0] for head, _, values in shared}
    parts = [f"{told['rows']} rows"] if "rows" in told else []
    parts += [f"{head} {told[head]}" for head in ("family", "engine") if head in told]
    return [f"All models: {', '.join(parts)}."] if parts else []


def _grouped(columns: tuple[Column, ...]) -> list[tuple[Column, ...]]:
    """Return the columns, each with that of its errors."""
    found: list[tuple[Column, ...]] = []
    for column in columns:
        found = [*found[:-1], (*found[-1], column)] if column.head == "±" else [*found, (column,)]
    return found


def _cell(group: tuple[Column, ...], i: int) -> str:
    return " ± ".join(text for text in (written(column.values[i], column.style) for column in group) if text)


def compare(*fits: Any, by: str | None = None, criterion: str | None = None) -> Comparison:
    """Return the fits in one table: leave-one-out, log evidence and Bayes factors, deviance, AIC, BIC and tests.

    fits: two fits or more, or one dict of them by name. by: a factor, all rows of whose levels are left out at once.
    criterion: "loo", "waic", "evidence" or "likelihood" alone, or "none"; without it all that each fit gives, and LOO
    where it takes no more than a second or two. Fits that are all left out come best first, point fits in the order of
    their parameters, as lme4's anova() lists them. A fit of log(y) is compared with one of y by its density of y.
    Raises UsageError for anything else, FitError for fits of different responses or rows, and for REML fits of
    different common effects. Vehtari, Gelman and Gabry (2017), Statistics and Computing 27:1413-1432, section 5.
    """
    named = _named(fits)
    _check_asked(by, criterion)
    slopes, corrected = common_scale(named)
    if all(isinstance(fit.answer, Optimum) for fit in named.values()):
        order = sorted(named, key=lambda name: _size(named[name]))
        named, slopes = {name: named[name] for name in order}, {name: slopes[name] for name in order}
    names, values = tuple(named), tuple(named.values())
    measured = _measured(names, values, tuple(slopes.values()), by, criterion)
    notes = [*(note for one in measured for note in one.notes), *corrected, *densities(named)]
    found = Comparison(
        names,
        tuple(fit.formula for fit in values),
        tuple(fit.facts.n_rows for fit in values),
        tuple(_engine(fit) for fit in values),
        tuple(_size(fit) for fit in values),
        tuple(column for one in measured for column in one.columns),
        (*notes, *(_left_over(named, measured) if criterion is None else ())),
        _families(values),
    )
    return found.best_first()


def _check_asked(by: Any, criterion: Any) -> None:
    if criterion not in (None, *CRITERIA):
        raise UsageError(
            f"criterion is {', '.join(map(repr, CRITERIA[:-1]))} or {CRITERIA[-1]!r}, not {criterion!r:.60}.",
            hint="Leave it out for all that the fits give.",
        )
    if by is not None and criterion not in (None, "loo"):
        raise UsageError(
            f"by names what is left out, which criterion={criterion!r} does not.", hint='Ask for criterion="loo".'
        )


def _measured(
    names: tuple[str, ...], fits: tuple[Fit, ...], slopes: tuple[np.ndarray, ...], by: str | None, criterion: str | None
) -> list[Measured]:
    """Return what is asked for; all that there is unless something is."""
    found = []
    if criterion in (None, "loo", "waic"):
        found.append(predictive(names, fits, slopes, by, criterion or (None if by is None else "loo")))
    if criterion in (None, "evidence"):
        found.append(evidence(names, fits, slopes))
    if criterion in (None, "likelihood"):
        found.append(likelihood(names, fits, slopes))
    return found


def _named(fits: tuple[Any, ...]) -> dict[str, Fit]:
    if len(fits) == 1 and isinstance(fits[0], Mapping):
        pairs = [(str(name), fit) for name, fit in fits[0].items()]
    else:
        pairs = [(getattr(fit, "name", "") or f"model {i}", fit) for i, fit in enumerate(fits, 1)]
    named: dict[str, Fit] = {}
    for name, fit in pairs:
        if not isinstance(fit, Fit):
            raise _not_a_fit(name, fit)
        again = 1 + sum(given == name or given.startswith(f"{name} (") for given in named)
        named[name if again == 1 else f"{name} ({again})"] = fit
    if len(named) < 2:
        raise UsageError("compare takes two fits or more.", hint='Such as compare(a, b), or compare({"a": a, "b": b}).')
    return named


def _not_a_fit(name: str, value: Any) -> UsageError:
    from .unfitted import Unfitted

    if isinstance(value, Unfitted):
        return UsageError(f"{shorten(name)} is not fitted yet.", hint="Fit it first, without --no-fit.")
    kind = type(value).__name__
    return UsageError(f"compare takes fits, not {value!r:.60} ({kind}).", hint="lme() and %%lme return fits.")


def _families(fits: tuple[Fit, ...]) -> tuple[str, ...]:
    """Return the family of each fit as a model text has it, nothing where all are Gaussian on their own scale."""
    found = [fit.model.spec.family if isinstance(fit.model, Model) else GAUSSIAN for fit in fits]
    return () if all(family == GAUSSIAN for family in found) else tuple(family.label for family in found)


def _size(fit: Fit) -> int:
    return len(fit.model.scalar_names if isinstance(fit.model, Model) else fit.model.density.names)


def _engine(fit: Fit) -> str:
    name = type(fit.engine).__name__
    if isinstance(fit.answer, Optimum):
        return f"{name} ({'REML' if fit.answer.reml else 'ML'})"
    return name


def _left_over(named: Mapping[str, Fit], measured: list[Measured]) -> list[str]:
    """Return a sentence on the fits that share no yardstick with another, and on what would help them."""
    shared = {
        name
        for i, name in enumerate(named)
        for one in measured
        for column in one.columns[:1]
        if not np.isnan(column.values[i]) and np.sum(~np.isnan(column.values)) > 1
    }
    alone = [name for name in named if name not in shared]
    if not alone:
        return []
    who = (
        "Nothing here compares" if not shared else f"Nothing here compares {', '.join(map(shorten, alone))} with others"
    )
    return [f"{who}: {_reason({name: named[name] for name in alone})} {_advice(named)}".rstrip()]


def _reason(alone: Mapping[str, Fit]) -> str:
    said = []
    for name, fit in alone.items():
        if isinstance(fit.answer, Optimum):
            said.append(f"{shorten(name)} has a {'REML criterion' if fit.answer.reml else 'deviance'}")
        elif fit.answer.evidence is not None:
            said.append(f"{shorten(name)} has a log evidence")
        else:
            said.append(f"{type(fit.engine).__name__} gives {shorten(name)} neither log evidence nor deviance")
    return f"{'; '.join(said)}."


def _advice(named: Mapping[str, Fit]) -> str:
    """Return which engine gives all of them a figure that compares."""
    if all(_takes(Exact(), fit) for fit in named.values()):
        return "Fit each with engine=Exact() and proper priors for its log evidence."
    if all(_takes(Exact(), fit) or _takes(Laplace(), fit) for fit in named.values()):
        return "Fit each with proper priors and without an engine, so that it takes Exact or Laplace: both give one."
    if all(_takes(Point(reml=False), fit) for fit in named.values()):
        return "Fit each with engine=Point(reml=False) for its deviance."
    return "No engine gives all of these models one; their predictions can be compared."


def _takes(engine: Any, fit: Fit) -> bool:
    try:
        engine.check(fit.model)
    except ProbflowError:
        return False
    return True
