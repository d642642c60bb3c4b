"""Program: the response of a model of one's own at its own inputs, or at new ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..errors import FitError, SpecError
from ..model.program import Program, inputs_of
from ..objects.distribution import Distribution
from .levels import Levels
from .values import Values

# Supports of responses that are whole numbers.
_WHOLE = ("binary", "count", "category")


@dataclass(frozen=True, eq=False)
class ProgramResponse:
    """What a person's model returns for inputs x (n rows), for S draws of its parameters.

    shape: of the response, (n,) or (n, m).
    """

    program: Program
    values: Values
    x: Any
    shape: tuple[int, ...]

    @property
    def n_draws(self) -> int:
        """S."""
        return self.values.n_draws

    @property
    def by_rows(self) -> bool:
        """Whether rows can be worked out apart: each comes from its own row of x."""
        return self.x is not None

    def at(self, rows: slice, draws: slice) -> ProgramSlab:
        """Return the response at some rows for some draws."""
        held = {name: value[draws] for name, value in self._draws.items()}
        shape = (draws.stop - draws.start, rows.stop - rows.start, *self.shape[1:])
        return ProgramSlab(self.program, held, _rows(self.x, rows), shape)

    def averaged(self) -> ProgramResponse:
        """Return this response: a person's mean may be anything."""
        return self

    @cached_property
    def _draws(self) -> Mapping[str, np.ndarray]:
        return dict(self.values)


@dataclass(frozen=True, eq=False)
class ProgramSlab:
    """The response at the m rows of x for s draws of the parameters; shape: (s, m) or (s, m, c)."""

    program: Program
    values: Mapping[str, np.ndarray]
    x: Any
    shape: tuple[int, ...]

    def mean(self) -> np.ndarray:
        """Return its mean."""
        return self._asked(lambda d: d.mean())

    def variance(self) -> np.ndarray:
        """Return its variance."""
        return self._asked(lambda d: d.variance())

    def sample(self, seed: int) -> np.ndarray:
        """Return one draw of the response for each draw of the parameters."""
        rng = np.random.default_rng(seed)
        return self._asked(lambda d: d.sample(rng))

    def log_prob(self, y: np.ndarray) -> np.ndarray:
        """Return the log density of the responses y, (s, m), or (s, m, c) for c separate columns."""
        seen = self.program.as_response(y)
        found = self.program.respond(self.values, lambda d: d.log_prob(seen), self.x)
        return found[..., 0] if found.ndim == 3 and len(self.shape) == 2 else found

    def cumulative(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return P(new y < y) and P(new y <= y) of the responses y; FitError where the model has no such function."""
        seen = np.asarray(self.program.as_response(y))
        try:
            high = self._asked(lambda d: d.cdf(seen))
            low = self._asked(lambda d: d.cdf(seen - 1.0) if d.support in _WHOLE else d.cdf(seen))
        except SpecError as error:
            raise FitError(error.message, hint="Its residuals are of the kinds response and pearson.") from None
        return low, high

    def quantiles(self, ends: tuple[float, float]) -> np.ndarray | None:
        """Return two quantiles of the first draw's response, or None where they are not known."""
        one = ProgramSlab(self.program, {name: v[:1] for name, v in self.values.items()}, self.x, (1, *self.shape[1:]))
        try:
            return np.stack([one._asked(lambda d, end=end: d.quantile(end))[0] for end in ends])  # type: ignore[misc]
        except SpecError:
            return None

    def at_scores(self, z: np.ndarray) -> None:
        """Return nothing: rows of a model of one's own may hang together, so that each has noise of its own."""
        return

    def _asked(self, what: Callable[[Distribution], Any]) -> np.ndarray:
        found = self.program.respond(self.values, what, self.x)
        if found.size != np.prod(self.shape, dtype=int):
            raise FitError(
                f"The model returned {found.size // max(1, len(found)):,} numbers for {self.shape[1]:,} rows.",
                hint="It must return one distribution for each row of x.",
            )
        return found.reshape(self.shape)


def response(program: Program, values: Values, x: Any) -> ProgramResponse:
    """Return the response at the inputs fitted (x None) or at new ones; DataError for inputs that do not fit."""
    fitted = np.shape(program.y)
    if x is None:
        return ProgramResponse(program, values, inputs_of(program.x), fitted)
    new = program.new_inputs(x)
    n = len(next(iter(new.values()))) if isinstance(new, Mapping) else len(new)
    return ProgramResponse(program, values, new, (n, *fitted[1:]))


def with_groups(program: Program, values: Values, levels: Levels) -> Values:
    """Return the values with the effects of groups that do not count at 0; only formulas say which those are."""
    if levels.fresh:
        raise FitError(
            "New groups are drawn for a single formula, and this model is not one.",
            hint='Take groups="all", which keeps the groups that were fitted.',
        )
    if levels.factors is None:
        return values
    left_out = {name for name, (factor, _) in program.formulas.effects.items() if not levels.counts(factor)}
    zeros = {name: partial(_zero, values, name) for name in left_out}
    return Values(values.quantities, values.n_draws, {**values.makers, **zeros})


def _zero(values: Values, name: str) -> np.ndarray:
    return np.zeros_like(values[name])


def _rows(x: Any, rows: slice) -> Any:
    if x is None:
        return None
    return {key: value[rows] for key, value in x.items()} if isinstance(x, Mapping) else x[rows]
