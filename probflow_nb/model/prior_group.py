"""Prior group: all priors of one distribution's name, evaluated together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..objects.densities import log_prob
from ..spec.priors import Distribution


@dataclass(frozen=True, eq=False)
class PriorGroup:
    """All priors of one distribution's name: where they lie and which inputs hold their arguments.

    name: of the distribution. key: prefix of its inputs. places: (m,) positions among the values they speak of.
    arguments: (m, a), numbers.
    """

    name: str
    key: str
    places: np.ndarray
    arguments: np.ndarray

    def log_prob(self, values: Sequence[Any], inputs: Mapping[str, Any]) -> Any:
        """Return the summed log density of values, all of them, each (...), at the group's places, shape (...)."""
        tf = load()
        a = inputs[self.key]
        arguments = tuple(a[:, i] for i in range(self.arguments.shape[1]))
        chosen = tf.stack([values[place] for place in self.places], axis=-1)
        return tf.reduce_sum(log_prob(Distribution(self.name, arguments), chosen), axis=-1)


def grouped(kind: str, priors: Sequence[Distribution]) -> tuple[PriorGroup, ...]:
    """Gather priors by the distribution's name, so that each name costs one set of ops; flat ones cost none."""
    found = []
    for name in dict.fromkeys(prior.name for prior in priors if prior.name != "Flat"):
        places = [i for i, prior in enumerate(priors) if prior.name == name]
        arguments = np.array([priors[i].arguments for i in places], float).reshape(len(places), -1)
        found.append(PriorGroup(name, f"{kind} {name}", np.array(places, np.int32), arguments))
    return tuple(found)
