"""Planned: the model of rows whose response is not known yet, and frames with a response that was drawn for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..api import prepare
from ..design.response import TRUTH
from ..errors import FitError, ProbflowError
from ..fit import Unfitted
from ..lang import label, parse
from ..lang.tree import Binary, Call, Name, Node
from ..model.model import Model
from ..spec.formula import lower
from ..spec.model_spec import ModelSpec
from .study import rows_of

if TYPE_CHECKING:
    import pandas as pd

# What a response is made of when the text has an invertible function of the column, and how to come back.
_INVERSES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "log": np.exp,
    "log1p": np.expm1,
    "exp": np.log,
    "sqrt": np.square,
}
_COUNTS = (
    "bernoulli",
    "binomial",
    "poisson",
    "negative_binomial",
    "zero_inflated_poisson",
    "zero_inflated_negative_binomial",
)
_PLACEHOLDERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "gaussian": lambda i: 1.0 + i % 7 + 0.1 * np.sin(i),
    "counts": lambda i: i % 3,
    "events": lambda i: i % 2,
    "proportions": lambda i: (1.0 + i % 5) / 7,
}
_KINDS = {"bernoulli": "events", "binomial": "events", "beta": "proportions"} | dict.fromkeys(_COUNTS[2:], "counts")


@dataclass(frozen=True, eq=False)
class Planned:
    """A model of rows whose response is drawn, not observed.

    model: a Model or a Program whose response is a placeholder. frame: the rows, with that placeholder. column: where
    the response stands. inverse: what makes the column of the response that the text speaks of. observed: whether the
    design came with a response.
    """

    model: Any
    frame: pd.DataFrame
    column: str
    inverse: Callable[[np.ndarray], np.ndarray] | None
    observed: bool

    def with_response(self, y: np.ndarray) -> pd.DataFrame:
        """Return the rows with a drawn response (n,) in their column, in the kind of the column that was there."""
        import pandas as pd

        frame = self.frame.copy(deep=False)
        values = self._written(y if self.inverse is None else self.inverse(y))
        rows = getattr(getattr(self.model, "design", None), "rows", None)
        if rows is None and len(values) == len(frame):
            frame[self.column] = values
            return frame
        # Rows without a predictor have no response either.
        whole = pd.Series(values, index=frame.index[np.arange(len(frame)) if rows is None else rows])
        frame[self.column] = whole.reindex(frame.index)
        return frame

    def _written(self, y: np.ndarray) -> Any:
        """Return the response as a person writes it: levels by their names, counts as whole numbers."""
        import pandas as pd

        design = getattr(self.model, "design", None)
        levels = () if design is None else design.response_levels
        if levels == TRUTH:
            return y == 1.0
        if levels:
            first = 1 if self.model.spec.family.name == "ordinal" else 0
            codes = np.asarray(y, int) - first
            old = self.frame[self.column]
            if isinstance(old.dtype, pd.CategoricalDtype):
                kind = pd.CategoricalDtype(list(old.dtype.categories), ordered=bool(old.dtype.ordered))
                return pd.Categorical.from_codes(codes.tolist(), dtype=kind)
            if pd.api.types.is_numeric_dtype(old.dtype):
                return np.array([float(level) for level in levels])[codes].astype(old.dtype)
            return np.array(levels, dtype=object)[codes]
        discrete = isinstance(self.model, Model) and self.model.spec.family.name in _COUNTS
        return y.astype(np.int64) if discrete and np.isfinite(y).all() and np.abs(y).max(initial=0) < 2**62 else y


def planned(
    text: str,
    design: Any,
    *,
    family: Any = None,
    arrays: Mapping[str, Any] | None = None,
    names: Iterable[str] = (),
) -> Planned:
    """Return the compiled model of a text for rows that may lack their response.

    design: a frame, a dictionary of columns, or a mapping for `study`. names: of the parameters that will be given;
    those of cutpoints say the categories of an ordinal response. Raises ProbflowError as `lme` does.
    """
    _check_text(text)
    try:
        spec = lower(parse(text), family=family)
    except ProbflowError as error:
        raise error.within(text) from None
    frame = rows_of(design)
    column, inverse = _column(spec.response, text)
    observed = column in frame.columns and bool(frame[column].notna().any())
    if observed:
        frame[column] = _filled(frame[column])
        return Planned(prepare(text, frame, arrays=arrays, family=family).model, frame, column, inverse, True)
    first: ProbflowError | None = None
    for values in _placeholders(spec, frame, tuple(names)):
        frame[column] = values
        try:
            model = prepare(text, frame, arrays=arrays, family=family).model
            if not isinstance(model, Model):
                model.density  # noqa: B018  a model of one's own says here whether it takes the response
            return Planned(model, frame, column, inverse, False)
        except ProbflowError as error:
            first = first or error
    assert first is not None
    raise first


def refitted(model: Any, y: np.ndarray) -> Any:
    """Return a compiled model with another response (n,), its priors as they are."""
    if isinstance(model, Model):
        return replace(model, design=replace(model.design, y=y))
    return replace(model, y=y.reshape(np.shape(model.y)))


def unfitted(model: Any) -> Unfitted:
    """Return a compiled model ready to be fitted."""
    return Unfitted(model)


def _check_text(text: Any) -> None:
    if isinstance(text, str):
        return
    kind = "A model of one's own" if callable(text) or hasattr(text, "fit") else f"{text!r:.60}"
    raise FitError(
        f"{kind} has no model text, which studies are planned from.",
        hint="Write it as a formula or as statements; a class draws with prior_sample() and predictive_sample().",
    )


def _column(node: Node, text: str) -> tuple[str, Callable[[np.ndarray], np.ndarray] | None]:
    """Return the column that the response is drawn for, and what comes back from the response to the column."""
    if isinstance(node, Name):
        return node.name, None
    if isinstance(node, Binary) and node.operator == "/" and isinstance(node.left, Name):
        return node.left.name, None
    if isinstance(node, Call) and node.function in _INVERSES and len(node.arguments) == 1:
        inner = node.arguments[0]
        if isinstance(inner, Name) and not node.keywords:
            return inner.name, _INVERSES[node.function]
    raise FitError(
        f"The response {label(node)} cannot be turned back into a column of data.",
        text=text,
        span=node.span,
        hint="Simulate for a column, for counts / trials, or for log, log1p, sqrt or exp of a column.",
    )


def _filled(values: pd.Series) -> pd.Series:
    """Return a response without gaps, so that no row is left out for what will be drawn anyway."""
    if not values.isna().any():
        return values
    known = values.dropna()
    filled = known.iloc[np.arange(len(values)) % len(known)]
    filled.index = values.index
    return values.where(values.notna(), filled)


def _placeholders(spec: Any, frame: pd.DataFrame, names: tuple[str, ...]) -> list[Any]:
    i = np.arange(len(frame))
    if not isinstance(spec, ModelSpec):
        return [make(i) for make in _PLACEHOLDERS.values()]
    name = spec.family.name
    if name == "ordinal":
        return [_categories(i, names)]
    values = _PLACEHOLDERS[_KINDS.get(name, "gaussian")](i)
    node = spec.response
    if name == "binomial" and isinstance(node, Binary) and isinstance(node.right, Name):
        trials = frame.get(node.right.name)
        if trials is not None:
            values = np.minimum(values, np.nan_to_num(np.asarray(trials, float), nan=1.0))
    return [values]


def _categories(i: np.ndarray, names: tuple[str, ...]) -> Any:
    """Return ordered categories in turn, those that the names of the cutpoints stand between."""
    import pandas as pd

    pairs = [name[len("cut[") : -1].partition("|")[::2] for name in names if name.startswith("cut[")]
    categories = [*(low for low, _ in pairs[:1]), *(high for _, high in pairs)]
    if not pairs or any(a[1] != b[0] for a, b in pairwise(pairs)):
        raise FitError(
            "The categories of an ordinal response are not known.",
            hint='Give its cutpoints in order, such as {"cut[1|2]": -1, "cut[2|3]": 1}, or a design with the response.',
        )
    kind = pd.CategoricalDtype(categories, ordered=True)
    return pd.Categorical.from_codes((i % len(categories)).tolist(), dtype=kind)
