"""Row likelihood: the density of the response given its linear predictor, for the joint density over z.

Gaussian   sum_i log Normal(y_i | eta_i, sigma / sqrt(w_i)), all in units of the response's spread
family     sum_i w_i log p(y_i | eta_i, further parameters), the response as it is, eta in its own unit
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from ..backend.tensorflow import load
from ..design.moments import Scaling
from . import residual_squares
from .families import ResponseFamily
from .families.auxiliary import Auxiliary
from .latent_design import column_scaling
from .model import Model

_LOG_2PI = math.log(2.0 * math.pi)


class RowLikelihood(Protocol):
    """What the joint density asks of the response.

    auxiliary: its further parameters. log_unit: the log of what exp(theta) of the first of them is multiplied by.
    """

    @property
    def auxiliary(self) -> tuple[Auxiliary, ...]:
        """The further parameters."""
        ...

    @property
    def log_unit(self) -> float:
        """What is added to the free numbers of the further parameters."""
        ...

    @property
    def scaling(self) -> Scaling:
        """Of X and of eta."""
        ...

    def arrays(self, X: np.ndarray, z: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Return what `log_lik` takes of scaled X (n, p) and z (n, k) of each factor."""
        ...

    def log_lik(
        self, beta: Any, effects: Sequence[Any], own: Sequence[Any], inputs: Mapping[str, Any], rows: Any
    ) -> Any:
        """Return the log likelihood (...) of all rows, or of rows (m,).

        beta: (..., p), effects: (..., J, k) of each factor, scaled. own: values of the further parameters, (...) each.
        """
        ...

    def information(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the information (n,) of each row on its eta, in units of 1 / noise^2, from draws (S, *shape)."""
        ...

    def noise(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the unit (S,) that sds are compared in."""
        ...


@dataclass(frozen=True, eq=False)
class NormalRows:
    """A Gaussian response with an identity link."""

    model: Model

    @property
    def auxiliary(self) -> tuple[Auxiliary, ...]:
        """Sigma."""
        return (Auxiliary("sigma", self.model.priors.sigma),)

    @property
    def log_unit(self) -> float:
        """Of the response's spread."""
        return math.log(self.scaling.y_scale)

    @property
    def scaling(self) -> Scaling:
        """That of the cross-products."""
        return self.model.moments.scaling

    def arrays(self, X: np.ndarray, z: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Return y, weights and, where they are small, cross-products."""
        model, design, scaling = self.model, self.model.design, self.scaling
        y = design.y if design.offset is None else design.y - design.offset
        w = np.ones(len(y)) if design.weights is None else design.weights
        found: dict[str, np.ndarray] = {"y": (y - scaling.y_center) / scaling.y_scale, "weights": w}
        if residual_squares.worthwhile([len(f.levels) * len(f.columns) for f in model.factors], len(y)):
            index = [factor.Z.index for factor in model.factors]
            levels = [len(factor.levels) for factor in model.factors]
            found |= residual_squares.products(found["y"], X, w, z, index, levels)
        return found

    def log_lik(
        self, beta: Any, effects: Sequence[Any], own: Sequence[Any], inputs: Mapping[str, Any], rows: Any
    ) -> Any:
        """Return the log likelihood (...)."""
        tf = load()
        w = _of("weights", inputs, rows)
        log_sigma = tf.math.log(own[0])
        n = tf.cast(tf.shape(w)[0], tf.float64)
        constant = 0.5 * tf.reduce_sum(tf.math.log(w)) - n * (0.5 * _LOG_2PI + log_sigma)
        relative = tf.exp(2.0 * (inputs["own_unit"] - log_sigma))
        if rows is None and "squares" in inputs:
            return constant - 0.5 * residual_squares.squares(beta, effects, inputs) * relative
        residual = _of("y", inputs, rows) - _predictor(beta, effects, inputs, rows)
        return constant - 0.5 * tf.reduce_sum(w * residual * residual, axis=-1) * relative

    def information(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the weights."""
        w = self.model.design.weights
        return np.ones(len(self.model.design.y)) if w is None else w

    def noise(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return sigma."""
        return values["sigma"]


@dataclass(frozen=True, eq=False)
class FamilyRows:
    """A response whose family has a record."""

    model: Model
    record: ResponseFamily

    @property
    def auxiliary(self) -> tuple[Auxiliary, ...]:
        """Those of the record."""
        return self.record.auxiliary

    @property
    def log_unit(self) -> float:
        """Nothing is scaled."""
        return 0.0

    @cached_property
    def scaling(self) -> Scaling:
        """That of the columns alone."""
        return column_scaling(self.model.design)

    def arrays(self, X: np.ndarray, z: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Return the response, with what of trials, weights and offset there is."""
        design = self.model.design
        found = {"y": design.y, "weights": design.weights, "offset": design.offset, "trials": design.trials}
        return {name: value for name, value in found.items() if value is not None}

    def log_lik(
        self, beta: Any, effects: Sequence[Any], own: Sequence[Any], inputs: Mapping[str, Any], rows: Any
    ) -> Any:
        """Return the log likelihood (...)."""
        eta = _predictor(beta, effects, inputs, rows)
        if "offset" in inputs:
            eta += _of("offset", inputs, rows)
        trials = _of("trials", inputs, rows) if "trials" in inputs else None
        aux = tuple(value[..., None] for value in own)
        value = self.record.tensor(_of("y", inputs, rows), trials, eta, aux)
        if "weights" in inputs:
            value *= _of("weights", inputs, rows)
        return load().reduce_sum(value, axis=-1)

    def information(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the expected information at the draws' mean."""
        design = self.model.design
        mean = {name: value.mean(axis=0) for name, value in values.items()}
        eta = design.X @ mean["beta"] + (0.0 if design.offset is None else design.offset)
        for factor in self.model.factors:
            eta = eta + (factor.Z.z * mean[f"b[{factor.name}]"][factor.Z.index]).sum(axis=1)
        found = self.record.expected(design.y, design.trials, eta, tuple(mean[name] for name in self.model.auxiliary))
        found = np.broadcast_to(found, eta.shape)
        return found if design.weights is None else found * design.weights

    def noise(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return ones."""
        return np.ones(len(values["beta"]))


def row_likelihood(model: Model) -> RowLikelihood:
    """Return the likelihood of a model's response."""
    return NormalRows(model) if model.record is None else FamilyRows(model, model.record)


def linear(x: Any, A: Any) -> Any:
    """Return A x for every x (..., p), A (m, p), also without a batch."""
    tf = load()
    if x.shape.rank > 1:
        return tf.linalg.matmul(x, A, transpose_b=True)
    return tf.linalg.matvec(A, x)


def small_linear(x: Any, A: Any) -> Any:
    """Return A x for every x (..., p), A (m, p) of few rows, as sums of products.

    XLA on a CPU adds the gradient of one small product to that of another inside a kernel that gives a wrong row for
    four chains of five columns (TensorFlow 2.21); sums are right.
    """
    return load().reduce_sum(x[..., None, :] * A, axis=-1)


def _of(name: str, inputs: Mapping[str, Any], rows: Any) -> Any:
    return inputs[name] if rows is None else load().gather(inputs[name], rows)


def _predictor(beta: Any, effects: Sequence[Any], inputs: Mapping[str, Any], rows: Any) -> Any:
    """Return X beta + Z b, (..., n) or (..., m)."""
    tf = load()
    eta = linear(beta, _of("X", inputs, rows))
    for position, b in enumerate(effects):
        at = _of(f"index{position}", inputs, rows)
        eta += tf.reduce_sum(tf.gather(b, at, axis=-2) * _of(f"z{position}", inputs, rows), axis=-1)
    return eta
