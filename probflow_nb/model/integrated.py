"""The parameters of a program that are integrated out: Normal given the others, side by side in g."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..backend.devices import by_device
from ..backend.tensorflow import load
from ..objects.multivariate import MultivariateNormal, root
from ..objects.parameter import Parameter
from ..objects.value import tensor, values_in_effect
from .gaussian_integral import Block
from .normal_response import Values
from .prior_term import PriorTerm


@dataclass(frozen=True, eq=False)
class Integrated:
    """The parameters that are integrated out, side by side in g (P,), those of a table last."""

    terms: tuple[PriorTerm, ...]

    @by_device
    def inputs(self) -> dict[str, Any]:
        """The plain numbers of their priors."""
        return {key: tensor(value) for term in self.terms for key, value in term.constants().items()}

    @cached_property
    def slices(self) -> dict[Parameter, slice]:
        """Where each parameter's elements lie in g."""
        found, start = {}, 0
        for term in self.terms:
            found[term.parameter] = slice(start, start + term.parameter.size)
            start += term.parameter.size
        return found

    @cached_property
    def size(self) -> int:
        """P."""
        return sum(term.parameter.size for term in self.terms)

    def split(self, g: Any) -> dict[Parameter, Any]:
        """Return g (S, P) as the parameters' values, (S, *shape) each."""
        tf = load()
        g = tensor(g)
        return {
            p: tf.reshape(g[:, part], tf.concat([tf.shape(g)[:1], np.array(p.shape, np.int32)], axis=0))
            for p, part in self.slices.items()
        }

    def means(self, values: Values, S: Any) -> Any:
        """Return the prior means side by side, (S, P), at values (S, *shape) of all that they are made of."""
        tf = load()
        with values_in_effect(values):
            pieces = [
                tf.reshape(self._whole(term, "mean", S), tf.stack([S, term.parameter.size])) for term in self.terms
            ]
        return tf.concat(pieces, axis=1)

    def roots(self, values: Values, S: Any) -> tuple[Block, ...]:
        """Return the root of each parameter's prior covariance."""
        tf = load()
        found = []
        with values_in_effect(values):
            for term in self.terms:
                part = self.slices[term.parameter]
                if isinstance(term.prior, MultivariateNormal):
                    found.append(Block(part.start, part.stop, None, self._row_root(term, S)))
                else:
                    sd = tf.reshape(self._whole(term, "sd", S), tf.stack([S, term.parameter.size]))
                    found.append(Block(part.start, part.stop, sd))
        return tuple(found)

    def _whole(self, term: PriorTerm, key: str, S: Any) -> Any:
        """Return an argument of a prior at the values in effect, broadcast to (S, *shape)."""
        tf = load()
        found, shape = tensor(term.current_prior(self.inputs).of(key)), term.slot.shape
        return tf.broadcast_to(found, tf.concat([[S], np.array(shape, np.int32)], axis=0))

    def _row_root(self, term: PriorTerm, S: Any) -> Any:
        """Return diag(sd) L (S, k, k), the root of the covariance of every row."""
        tf = load()
        prior, k = term.current_prior(self.inputs), term.slot.shape[-1]
        # Column j of L stands in row j.
        columns = tf.eye(k, batch_shape=[1], dtype=tf.float64)
        for key in ("cor", "cov"):
            if key in prior.arguments:
                columns = root(tf.reshape(prior.of(key), [-1, 1, k, k])).times(columns[0])
        if "sd" in prior.arguments:
            sd = tensor(prior.of("sd"))
            wide = sd.shape.rank > 0 and sd.shape[-1] == k
            columns *= tf.reshape(sd, [-1, 1, k if wide else 1])
        return tf.linalg.matrix_transpose(tf.broadcast_to(columns, tf.stack([S, k, k])))
