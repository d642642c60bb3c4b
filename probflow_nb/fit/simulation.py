"""Simulation: new data sets like the one that was fitted, with a response that the fit has drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..design.column import Column
from ..design.response import counts_of_trials
from ..design.table import read_table
from ..errors import FitError
from ..inference.engine import Posterior
from ..lang.tree import Name, Node
from ..model.model import Model
from ..predict.build import response_at, row_labels
from ..predict.levels import Levels, checked_groups
from ..predict.replicated import picked
from .response_scale import base

if TYPE_CHECKING:
    import pandas as pd


def simulated(fit: Any, n: int, x: Any, groups: Any, seed: int) -> list[pd.DataFrame]:
    """Return n data sets whose response is drawn from a fit; see `Fit.simulate`."""
    from .predictions import point_values, whole

    count = whole(n, "n")
    columns = _columns(fit.model)
    fresh = isinstance(groups, str) and groups == "new"
    levels = Levels(None if fresh else checked_groups(fit.model, groups), "sample", seed, fresh)
    if isinstance(fit.answer, Posterior):
        held = fit._values
        chosen = np.random.default_rng([seed, 71]).choice(held.n_draws, size=count, replace=count > held.n_draws)
    else:
        held, chosen = point_values(fit.model, fit.answer), np.zeros(count, int)
    response = response_at(fit.model, picked(held, chosen), x, True, levels)
    frame = _frame(columns, row_labels(fit.facts.rows, None, fit.facts.n_rows)) if x is None else _given(x)
    every = slice(0, response.shape[0])
    found = []
    for i in range(count):
        # The seed of a data set is its own, whatever number of others follows.
        part = int(np.random.SeedSequence([seed, 73, i]).generate_state(1, np.uint64)[0] >> np.uint64(1))
        y = response.at(every, slice(i, i + 1)).sample(part)[0]
        found.append(_with_response(fit.model, frame, columns, np.asarray(y)))
    return found


def _columns(model: Any) -> Mapping[str, Column]:
    """Return what a model has read of its data, on the rows fitted."""
    if isinstance(model, Model):
        return model.design.encoding.columns
    sources = getattr(model, "sources", None)
    if sources is None or sources.matrices or sources.vectors:
        raise FitError(
            "The data of this model are no frame, so there are no new frames like it.",
            hint="predictive_sample() draws new responses for the same rows.",
        )
    found: Mapping[str, Column] = sources.scope.columns
    return found


def _with_response(model: Any, frame: pd.DataFrame, columns: Mapping[str, Column], y: np.ndarray) -> pd.DataFrame:
    """Return the frame with a new response in the column, and in the words, of the one that was fitted."""
    node = _response(model)
    if isinstance(model, Model) and model.design.response_levels and isinstance(node, Name):
        return frame.assign(**{node.name: _in_words(model, columns[node.name], y)})
    if model.spec.family.name == "ordinal" if isinstance(model, Model) else False:
        y = y - 1.0 + float(model.design.response_levels[0])
    found = base(node, y)
    if found.name not in columns:
        raise FitError(
            f"A new response cannot be put back into a column, because {found.name} cannot be undone.",
            hint="predictive_sample() draws it as it was fitted.",
        )
    old = columns[found.name].values
    whole = old is not None and old.dtype.kind in "iu" and bool(np.all(found.values == np.round(found.values)))
    return frame.assign(**{found.name: found.values.astype(np.int64) if whole else found.values})


def _response(model: Any) -> Node:
    """Return what stands on the left of a model, of counts out of trials the counts."""
    if not isinstance(model, Model):
        return Name(model.response_name)
    pair = counts_of_trials(model.spec)
    return model.spec.response if pair is None else pair[0]


def _in_words(model: Model, column: Column, y: np.ndarray) -> Any:
    """Return codes as the levels of the column that was fitted."""
    import pandas as pd

    levels = model.design.response_levels
    codes = np.asarray(y, int) - (model.spec.family.name == "ordinal")
    if column.codes is not None:
        return pd.Categorical.from_codes(codes, pd.Index(levels), ordered=column.ordered)
    if column.kind == "boolean":
        return codes == 1
    if model.spec.family.name == "ordinal":
        return codes + float(levels[0])
    return codes


def _frame(columns: Mapping[str, Column], index: Any) -> pd.DataFrame:
    """Return columns as a frame, factors as categories in their order."""
    import pandas as pd

    held: dict[str, Any] = {}
    for name, column in columns.items():
        if column.codes is not None:
            held[name] = pd.Categorical.from_codes(column.codes, pd.Index(column.levels), ordered=column.ordered)
        else:
            held[name] = column.values
    return pd.DataFrame(held, index=index)


def _given(x: Any) -> pd.DataFrame:
    """Return new rows as a frame of pandas."""
    import pandas as pd

    if isinstance(x, pd.DataFrame):
        return x
    table = read_table(x)
    return _frame({name: table.column(name) for name in table.names}, pd.RangeIndex(table.n_rows))
