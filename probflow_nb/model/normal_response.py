"""The Normal likelihood of a program as mean and sd of every element of the response, for a batch of values at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..backend.devices import by_device
from ..backend.tensorflow import load
from ..objects.continuous import Normal
from ..objects.parameter import Parameter
from ..objects.value import tensor, values_in_effect
from .program import Program, inputs_of
from .program_density import over_batch

# Numbers that one evaluation may hold.
_AT_ONCE = 4_000_000

# Values of parameters, (S, *shape) each.
Values = Mapping[Parameter, Any]


class Refused(Exception):  # noqa: N818
    """Why a program is not conditionally Gaussian, in words that go on from "because"."""


@dataclass(frozen=True, eq=False)
class NormalResponse:
    """What the likelihood says of each of the N elements of y."""

    program: Program

    @cached_property
    def y(self) -> np.ndarray:
        """The response in one row, (N,)."""
        return np.asarray(self.program.y, dtype=np.float64).reshape(-1)

    @by_device
    def _x(self) -> Any:
        return inputs_of(self.program.x)

    def moments(self, values: Values, first_row: bool = False) -> tuple[Any, Any]:
        """Return mean and sd, (S, N) each, of all rows, or of the first row where the code may be given some rows."""
        tf = load()
        facts = self.program.density.facts
        part = first_row and facts.by_rows and self.program.x is not None
        x = tf.nest.map_structure(lambda value: value[:1], self._x) if part else self._x
        shape = (1, *facts.response_shape[1:]) if part else facts.response_shape
        names = list(values)
        native = facts.native
        others: list[str] = []

        def one(*given: Any) -> tuple[Any, Any]:
            with values_in_effect(dict(zip(names, given, strict=True))):
                found = self.program.response(x).resolved(len(shape))
            if not isinstance(found, Normal):
                others.append(found.name)
                raise Refused(found.name)
            lead = tf.shape(given[0])[:1] if native else np.zeros(0, np.int32)
            whole, flat = tf.concat([lead, shape], axis=0), tf.concat([lead, [-1]], axis=0)
            mean, sd = (tf.reshape(tf.broadcast_to(tensor(found.of(key)), whole), flat) for key in ("mean", "sd"))
            return mean, sd

        try:
            mean, sd = over_batch(one, list(values.values()), facts.batching)
        except Refused as refused:
            # Said here, because traced code puts its place in front of what is raised inside.
            raise Refused(f"its likelihood is {others[0]}, not Normal") from refused
        return mean, sd

    def in_pieces(self, values: Values) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and sd as numpy arrays, so many values at a time as memory is meant to hold."""
        S = len(next(iter(values.values())))
        size = max(1, _AT_ONCE // max(1, self.y.size))
        pairs = [self.moments({p: v[i : i + size] for p, v in values.items()}) for i in range(0, S, size)]
        return np.concatenate([m.numpy() for m, _ in pairs]), np.concatenate([s.numpy() for _, s in pairs])
