"""Model: a multilevel model compiled for its data - parameters, operators, and the joint log density."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..backend.devices import by_device
from ..backend.tensorflow import load
from ..design.design import Design
from ..design.moments import Moments, eliminated_factors, moments
from ..errors import EngineError
from ..objects.densities import log_prob
from ..spec.model_spec import ModelSpec
from .default_scale import eta_unit
from .density import Density
from .families import ResponseFamily, auxiliary_names, record_of
from .families.auxiliary import log_orderings
from .given import Given
from .linear_operator import GroupOperator
from .marginal import Marginal, marginal, sd_units
from .parameter import Parameter
from .priors import PriorTable, table

_LOG_2PI = math.log(2.0 * math.pi)


@dataclass(frozen=True, eq=False)
class ModelFactor:
    """A grouping factor with all its terms: what `b[Subject]` has for axes.

    name: the factor. levels: J names. columns: the k columns of all its terms, in the order of the text.
    members: positions of its terms in design.groups. Z: its linear operator.
    """

    name: str
    levels: tuple[str, ...]
    columns: tuple[str, ...]
    members: tuple[int, ...]
    Z: GroupOperator


@dataclass(frozen=True, eq=False)
class Model:
    """A compiled mixed model y ~ Normal(X @ beta + Z @ b + offset, sigma / sqrt(weights)), or of another family.

    spec: with a prior for every parameter. design: the arrays. factors: grouping factors in the order of the text.
    parameters: beta, then sd, cor and b of each factor, then sigma or the family's further parameters.
    cross_products: the moments where they are known already, such as sums of those of parts of the rows.
    given: the text and the data as they were given, for another model of them; None where only the design is left.
    """

    spec: ModelSpec
    design: Design
    factors: tuple[ModelFactor, ...]
    parameters: tuple[Parameter, ...]
    cross_products: Moments | None = field(default=None, repr=False)
    given: Given | None = field(default=None, repr=False)

    @property
    def priors(self) -> PriorTable:
        """The priors in the design's order."""
        return table(self.spec, self.design)

    @cached_property
    def moments(self) -> Moments:
        """The cross-products, made in one pass at their first use unless they are known."""
        return moments(self.design) if self.cross_products is None else self.cross_products

    @property
    def has_moments(self) -> bool:
        """Whether the cross-products are made already."""
        return self.cross_products is not None or "moments" in self.__dict__

    @by_device
    def marginal(self) -> Marginal:
        """The marginal posterior of theta; right only where beta has Normal or Flat priors."""
        return marginal(self.design, self.moments, self.priors)

    @cached_property
    def sd_units(self) -> tuple[np.ndarray, ...]:
        """For each group term (k,): what a scaled sd is multiplied by to be on the data's scale."""
        if self.record is None:
            return sd_units(self.design, self.moments.factors, self.moments.scaling.y_scale)
        return sd_units(self.design, eliminated_factors(self.design.groups), eta_unit(self.spec.family, self.design))

    @cached_property
    def density(self) -> Density:
        """The joint density over unconstrained numbers, for the general engines."""
        from .joint_density import JointDensity

        return JointDensity(self)

    @cached_property
    def x(self) -> np.ndarray:
        """Everything but the response as one array (n, c), as the class of `to_python` takes it."""
        from .python_source import Layout

        return Layout(self).x

    @property
    def y(self) -> np.ndarray:
        """The response, (n,)."""
        return self.design.y

    def to_python(self) -> str:
        """Return the source of a runnable class with the same log density, to be fitted to `x` and `y`."""
        from .python_source import to_python

        return to_python(self)

    @cached_property
    def record(self) -> ResponseFamily | None:
        """The record of the response's family, None for a Gaussian."""
        return record_of(self.spec.family, self.design)

    @cached_property
    def auxiliary(self) -> tuple[str, ...]:
        """The names of the family's further parameters, such as ("sigma",)."""
        return auxiliary_names(self.spec.family, self.design)

    @cached_property
    def scalar_names(self) -> tuple[str, ...]:
        """The scalars in the order shown: "Days", "sd(Days | Subject)", "cor(Intercept, Days | Subject)", "sigma"."""
        groups = self.design.groups
        sds = [f"sd({column} | {group.factor})" for group in groups for column in group.column_names]
        cors = [
            f"cor({group.column_names[j]}, {group.column_names[i]} | {group.factor})"
            for group in groups
            if group.correlated
            for i in range(group.n_columns)
            for j in range(i)
        ]
        return (*self.design.column_names, *sds, *cors, *self.auxiliary)

    def eta(self, values: Mapping[str, Any]) -> Any:
        """Return X @ beta + Z @ b + offset, (..., n)."""
        tf = load()
        total = tf.linalg.matvec(tf.constant(self.design.X), values["beta"])
        for factor in self.factors:
            total = total + factor.Z @ values[f"b[{factor.name}]"]
        return total if self.design.offset is None else total + self.design.offset

    def log_lik(self, values: Mapping[str, Any]) -> Any:
        """Return the log density of every row given the parameters, (..., n)."""
        tf = load()
        w = 1.0 if self.design.weights is None else self.design.weights
        if self.record is not None:
            aux = tuple(values[name][..., None] for name in self.auxiliary)
            y, trials = tf.constant(self.design.y), self.design.trials
            return w * self.record.tensor(y, None if trials is None else tf.constant(trials), self.eta(values), aux)
        sigma = values["sigma"][..., None]
        residual = (self.design.y - self.eta(values)) / sigma
        return -0.5 * w * residual**2 - tf.math.log(sigma) + 0.5 * np.log(w) - 0.5 * _LOG_2PI

    def log_joint(self, values: Mapping[str, Any]) -> Any:
        """Return log p(y, beta, sd, cor, b, sigma), shape (...), for float64 tensors with any batch in front.

        values: "beta" (..., p), "sd[F]" (..., k), "cor[F]" (..., k, k), "b[F]" (..., J, k), "sigma" (...), or the
        family's further parameters instead, each (...) by its name.
        The density is that of the parameters themselves (sds, correlation matrices), without any Jacobian.
        """
        tf = load()
        values = {name: tf.convert_to_tensor(value, tf.float64) for name, value in values.items()}
        missing = [p.name for p in self.parameters if p.name not in values and not p.name.startswith("cor[")]
        if missing:
            raise EngineError(f"The joint density needs a value of {', '.join(missing)}.")
        total = tf.reduce_sum(self.log_lik(values), axis=-1) + self._log_prior_common(values["beta"])
        for name, prior in zip(self.auxiliary, self.priors.auxiliary, strict=True):
            total = total + log_prob(prior, values[name])
        # Sorted cutpoints have every order of unsorted ones to themselves.
        total = total + log_orderings(() if self.record is None else self.record.auxiliary)
        for factor in self.factors:
            total = total + self._log_prior_factor(factor, values)
        return total

    def _log_prior_common(self, beta: Any) -> Any:
        tf = load()
        priors, start = self.priors, 1 if self.design.has_intercept else 0
        total = tf.zeros_like(beta[..., 0]) if beta.shape[-1] else 0.0
        if priors.intercept is not None:
            value = beta[..., 0]
            if priors.centered:
                value = value + tf.linalg.matvec(beta[..., None, 1:], self.design.X[:, 1:].mean(axis=0))[..., 0]
            total = total + log_prob(priors.intercept, value)
        for j, prior in enumerate(priors.coefficients):
            total = total + log_prob(prior, beta[..., start + j])
        return total

    def _log_prior_factor(self, factor: ModelFactor, values: Mapping[str, Any]) -> Any:
        """Return log p(b | sd, cor) + log p(sd) + log p(cor), term by term."""
        tf = load()
        total, start = 0.0, 0
        for m in factor.members:
            group = self.design.groups[m]
            columns = slice(start, start + group.n_columns)
            sd = values[f"sd[{factor.name}]"][..., columns]
            b = values[f"b[{factor.name}]"][..., columns] / sd[..., None, :]
            for c, prior in enumerate(self.priors.sds[m]):
                total = total + log_prob(prior, sd[..., c])
            # b / sd has the correlation matrix R = L L' for its covariance.
            total = total - group.n_levels * tf.reduce_sum(tf.math.log(sd), axis=-1)
            if group.correlated and group.n_columns > 1:
                R = values[f"cor[{factor.name}]"][..., columns, columns]
                L = tf.linalg.cholesky(R)
                log_det = 2.0 * tf.reduce_sum(tf.math.log(tf.linalg.diag_part(L)), axis=-1)
                b = tf.linalg.matrix_transpose(tf.linalg.triangular_solve(L, tf.linalg.matrix_transpose(b)))
                total = total - 0.5 * group.n_levels * log_det
                total = total + lkj_log_prob(self.priors.correlations[m], group.n_columns, log_det)
            total = total - 0.5 * tf.reduce_sum(b * b, axis=[-2, -1])
            total = total - 0.5 * group.n_levels * group.n_columns * _LOG_2PI
            start += group.n_columns
        return total


def lkj_log_prob(eta: float, k: int, log_det: Any) -> Any:
    """Return log p(R) = (eta - 1) log det R - log c, R a (k, k) correlation matrix, from its log determinant.

    The constant is the product of those of the canonical vine (Lewandowski, Kurowicka and Joe 2009, eq. 16).
    """
    log_c = 0.0
    for j in range(k - 1):
        b = eta + 0.5 * (k - 2 - j)
        log_c += (k - 1 - j) * ((2 * b - 1) * math.log(2.0) + 2 * math.lgamma(b) - math.lgamma(2 * b))
    return (eta - 1.0) * log_det - log_c
