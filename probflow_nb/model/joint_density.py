"""The joint density of a mixed model over unconstrained numbers, for the general engines.

z = (theta, beta~, u of each factor): theta as the marginal has it (log sds in scaled units, atanh partial correlations,
the free numbers of sigma or of the family's further parameters), beta~ the coefficients of the scaled columns, and of
each level either its whitened effects (b = diag(sd) L u, non-centred) or its effects in scaled units (centred).

    log p = sum_i log p(y_i | eta_i, further parameters) + log p(beta) + log p(theta) + sum_j log p(b_j) + Jacobian
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..backend.devices import by_device
from ..backend.tensorflow import load
from ..objects.densities import lkj_partial_log_prob
from . import covariance, whitening
from .covariance import Layout, Lower
from .density import Axes, Slot
from .families.auxiliary import constrained, freed, log_jacobian, log_orderings
from .link_range import bounded, feasible
from .model import Model, ModelFactor
from .prior_group import PriorGroup, grouped
from .row_likelihood import RowLikelihood, linear, row_likelihood, small_linear

_LOG_2PI = math.log(2.0 * math.pi)
# A level is centred when its rows have so many times the precision of its prior, at a low quantile of their ratio.
_STRONG, _LOW = 2.0, 0.05


class _Parts(NamedTuple):
    """A point taken apart.

    theta: a list of (...). own: the free numbers of the further parameters, and their values: (...) each. beta: beta~
    (..., p). effects, densities: of each factor (..., J, k) and their log density (...).
    """

    theta: list[Any]
    free: list[Any]
    own: tuple[Any, ...]
    beta: Any
    effects: list[Any]
    densities: list[Any]


@dataclass(frozen=True, eq=False)
class JointDensity:
    """The density of a compiled model; see `model.density.Density` for what each method answers."""

    model: Model

    @cached_property
    def layout(self) -> Layout:
        """Where the variance parameters lie in theta."""
        groups = self.model.design.groups
        return covariance.layout(tuple((g.n_columns, g.correlated and g.n_columns > 1) for g in groups))

    @cached_property
    def rows(self) -> RowLikelihood:
        """The likelihood of the response."""
        return row_likelihood(self.model)

    @property
    def d(self) -> int:
        """Length of theta."""
        return self.layout.sigma + len(self.rows.auxiliary)

    @property
    def p(self) -> int:
        """Number of common columns."""
        return int(self.model.design.X.shape[1])

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """theta, beta and the effects of each factor; theta is one slot, "theta"."""
        d = self.d
        found = [Slot("theta", (d,), 0, d), Slot("beta", (self.p,), d, d + self.p)]
        for factor in self.model.factors:
            start, shape = found[-1].stop, (len(factor.levels), len(factor.columns))
            found.append(Slot(f"b[{factor.name}]", shape, start, start + shape[0] * shape[1]))
        return tuple(found)

    @property
    def size(self) -> int:
        """D."""
        return self.slots[-1].stop

    @property
    def n_rows(self) -> int:
        """n."""
        return len(self.model.design.y)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Coefficients, sds, correlations, further parameters."""
        return self.model.scalar_names

    @property
    def effects(self) -> tuple[Axes, ...]:
        """The group effects of every factor."""
        return tuple(Axes(f"b[{f.name}]", f.name, f.levels, f.columns) for f in self.model.factors)

    @cached_property
    def centrings(self) -> tuple[str, ...]:
        """Every level of every factor."""
        return tuple(f"{f.name} {level}" for f in self.model.factors for level in f.levels)

    # Inputs ----------------------------------------------------------------------------------------------------------

    def inputs(self, centring: np.ndarray | None = None) -> dict[str, Any]:
        """Return the tensors that every other method takes."""
        tf = load()
        centring = np.zeros(len(self.centrings)) if centring is None else np.asarray(centring, float)
        return {**self._constants, "centring": tf.constant(centring)}

    @by_device
    def _constants(self) -> dict[str, Any]:
        tf = load()
        model, design, scaling = self.model, self.model.design, self.rows.scaling
        T, t = scaling.coefficients()
        X = (design.X - scaling.x_center) / scaling.x_scale
        if design.has_intercept:
            X[:, 0] = 1.0
        z = [factor.Z.z * self._factor_units(factor) / scaling.y_scale for factor in model.factors]
        found = {
            "X": X,
            "T": T,
            "t": t,
            "x_mean": np.append(0.0, design.X[:, 1:].mean(axis=0)) if self.p else np.zeros(0),
            "units": self._units,
            "own_unit": np.array(self.rows.log_unit),
            **{f"z{position}": value for position, value in enumerate(z)},
            **self.rows.arrays(X, z),
        }
        held = {name: tf.constant(np.asarray(value, float)) for name, value in found.items()}
        for position, factor in enumerate(model.factors):
            held[f"index{position}"] = tf.constant(factor.Z.index, tf.int32)
        for group in (*self._scale_priors, *self._common_priors):
            held[group.key] = tf.constant(group.arguments)
        return held

    @cached_property
    def _units(self) -> np.ndarray:
        """What exp of each log sd is multiplied by to be an sd on the data's scale, term by term."""
        return np.concatenate([*self.model.sd_units, np.zeros(0)])

    def _factor_units(self, factor: ModelFactor) -> np.ndarray:
        return np.concatenate([self.model.sd_units[m] for m in factor.members])

    @cached_property
    def _scale_places(self) -> np.ndarray:
        """Positions in theta of all log sds."""
        return np.array([t.start + c for t in self.layout.terms for c in range(t.k)], np.int32)

    @cached_property
    def _scale_priors(self) -> tuple[PriorGroup, ...]:
        priors = self.model.priors
        return grouped("scale", [*(prior for sds in priors.sds for prior in sds), *priors.auxiliary])

    @cached_property
    def _common_priors(self) -> tuple[PriorGroup, ...]:
        priors = self.model.priors
        return grouped("common", [*([priors.intercept] if priors.intercept else []), *priors.coefficients])

    @cached_property
    def origin(self) -> np.ndarray:
        """A point z (D,) with a finite density, all effects 0: 0 but where the link takes only some eta."""
        z, record = np.zeros(self.size), self.model.record
        if record is not None and self.p and bounded(record):
            T, t = self.rows.scaling.coefficients()
            z[self.d : self.d + self.p] = np.linalg.solve(T, feasible(record, self.model.design) - t)
        return z

    # The density -----------------------------------------------------------------------------------------------------

    def log_prior(self, z: Any, inputs: Mapping[str, Any]) -> Any:
        """Return log p(theta, beta, b) with the Jacobian of every transform."""
        return self._log_prior(self._parts(z, inputs), inputs)

    def _log_prior(self, parts: _Parts, inputs: Mapping[str, Any]) -> Any:
        tf = load()
        columns, own = parts.theta, self.rows.auxiliary
        total = tf.zeros_like(columns[0]) if columns else tf.zeros_like(parts.beta[..., 0])
        scales: list[Any] = []
        if len(self._scale_places):
            logs = tf.stack([columns[i] for i in self._scale_places], axis=-1)
            sds = tf.exp(logs) * inputs["units"]
            # d sd / d theta = sd.
            total += tf.reduce_sum(tf.math.log(sds), axis=-1)
            scales = tf.unstack(sds, axis=-1)
        if own:
            total += sum(log_jacobian(own, parts.free, tf)) + log_orderings(own)
        for group in self._scale_priors:
            total += group.log_prob([*scales, *parts.own], inputs)
        for m, term in enumerate(self.layout.terms):
            if term.n_correlations:
                partial = covariance.partial_correlations(term, columns)
                total += lkj_partial_log_prob(self.model.priors.correlations[m], term.k, partial)
        beta = small_linear(parts.beta, inputs["T"]) + inputs["t"]
        if self.p:
            if self.model.priors.centered:
                first = beta[..., :1] + small_linear(beta, inputs["x_mean"][None])
                beta = tf.concat([first, beta[..., 1:]], axis=-1)
            for group in self._common_priors:
                total += group.log_prob(tf.unstack(beta, axis=-1), inputs)
            # T is triangular but for its first row: its determinant is the product of its diagonal.
            total += tf.reduce_sum(tf.math.log(tf.abs(tf.linalg.diag_part(inputs["T"]))))
        for density in parts.densities:
            total += density
        return total

    def log_lik(self, z: Any, inputs: Mapping[str, Any], rows: Any = None) -> Any:
        """Return the log likelihood of all rows, or of rows (m,)."""
        return self._log_lik(self._parts(z, inputs), inputs, rows)

    def log_joint(self, z: Any, inputs: Mapping[str, Any]) -> Any:
        """Return `log_prior` + `log_lik` of all rows with what they share worked out once."""
        parts = self._parts(z, inputs)
        return self._log_prior(parts, inputs) + self._log_lik(parts, inputs, None)

    def _log_lik(self, parts: _Parts, inputs: Mapping[str, Any], rows: Any) -> Any:
        return self.rows.log_lik(parts.beta, parts.effects, parts.own, inputs, rows)

    def _parts(self, z: Any, inputs: Mapping[str, Any]) -> _Parts:
        """Return the pieces of z (..., D); cut at once, so that the gradient is put together at once."""
        tf = load()
        theta, beta, *raw = tf.split(z, [slot.stop - slot.start for slot in self.slots], axis=-1)
        columns = tf.unstack(theta, axis=-1)
        free = [x + inputs["own_unit"] for x in columns[self.layout.sigma :]]
        own = constrained(self.rows.auxiliary, free, tf)
        found = [self._effects(position, columns, part, inputs) for position, part in enumerate(raw)]
        return _Parts(columns, free, own, beta, [b for b, _ in found], [density for _, density in found])

    def _factor(self, factor: ModelFactor, columns: list[Any]) -> Lower:
        """Return the lower triangular root of the covariance of a level's effects, in scaled units, entries (...)."""
        terms = [self.layout.terms[m] for m in factor.members]
        zero = load().zeros_like(columns[0])
        return covariance.block_diagonal(
            [covariance.relative_factor(t, columns, zero, covariance.partial_correlations(t, columns)) for t in terms]
        )

    def _effects(self, position: int, columns: list[Any], raw: Any, inputs: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the effects of one factor in scaled units, (..., J, k), and their log density with the Jacobian.

        raw: their part of z, (..., J k).
        """
        tf = load()
        factor = self.model.factors[position]
        J, k = self.slots[2 + position].shape
        raw = whitening.levels_apart(raw, J, k)
        root = self._factor(factor, columns)
        centred = self._centred(position, inputs)
        given = tf.unstack(raw, axis=-1)
        whitened, b = whitening.both(root, given, centred > 0.5)
        log_det = covariance.add([tf.math.log(root[c][c]) for c in range(k)])
        density = -0.5 * covariance.add([tf.reduce_sum(u * u, axis=-1) for u in whitened])
        density -= log_det * tf.reduce_sum(centred) + 0.5 * J * k * _LOG_2PI
        return tf.stack(b, axis=-1), density

    def _centred(self, position: int, inputs: Mapping[str, Any]) -> Any:
        start = sum(len(f.levels) for f in self.model.factors[:position])
        return inputs["centring"][start : start + len(self.model.factors[position].levels)]

    # Values by name --------------------------------------------------------------------------------------------------

    def constrain(self, z: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return beta, sd[F], cor[F] (of correlated factors), b[F] and further parameters on the data's scale."""
        tf = load()
        parts = self._parts(z, inputs)
        columns = parts.theta
        values = {"beta": small_linear(parts.beta, inputs["T"]) + inputs["t"]}
        for position, factor in enumerate(self.model.factors):
            units = tf.constant(self._factor_units(factor))
            root = self._factor(factor, columns)
            k = len(factor.columns)
            variance = covariance.product(root)
            sds = [tf.sqrt(variance[c][c]) for c in range(k)]
            values[f"sd[{factor.name}]"] = tf.stack(sds, axis=-1) * units
            if any(self.layout.terms[m].n_correlations for m in factor.members):
                zero = tf.zeros_like(sds[0])
                full = [[variance[max(i, j)][min(i, j)] for j in range(k)] for i in range(k)]
                R = [
                    [zero if v is None else v / (sds[i] * sds[j]) for j, v in enumerate(r)] for i, r in enumerate(full)
                ]
                values[f"cor[{factor.name}]"] = tf.stack([tf.stack(row, axis=-1) for row in R], axis=-2)
            values[f"b[{factor.name}]"] = parts.effects[position] * units
        return values | dict(zip(self.model.auxiliary, parts.own, strict=True))

    def unconstrain(self, values: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        """Return z of values by name, numpy or tensors with any batch in front."""
        tf = load()
        values = {name: tf.convert_to_tensor(value, tf.float64) for name, value in values.items()}
        columns: list[Any] = [None] * self.layout.sigma
        for factor in self.model.factors:
            sds, units, start = values[f"sd[{factor.name}]"], self._factor_units(factor), 0
            for m in factor.members:
                term = self.layout.terms[m]
                for c in range(term.k):
                    columns[term.start + c] = tf.math.log(sds[..., start + c] / units[start + c])
                if term.n_correlations:
                    R = values[f"cor[{factor.name}]"][..., start : start + term.k, start : start + term.k]
                    columns[term.start + term.k : term.stop] = covariance.atanh_partial_correlations(R)
                start += term.k
        own = freed(self.rows.auxiliary, [values[name] for name in self.model.auxiliary])
        columns += [x - inputs["own_unit"] for x in own]
        beta = linear(values["beta"] - inputs["t"], tf.linalg.inv(inputs["T"]))
        theta = tf.stack(columns, axis=-1) if columns else beta[..., :0]
        return self.gathered(theta, beta, [values[f"b[{factor.name}]"] for factor in self.model.factors], inputs)

    def gathered(self, theta: Any, beta: Any, effects: Sequence[Any], inputs: Mapping[str, Any]) -> Any:
        """Return z (..., D) of theta (..., d), beta~ (..., p) and the effects (..., J, k) on the data's scale."""
        tf = load()
        columns, pieces = tf.unstack(theta, axis=-1), [theta, beta]
        for position, (factor, value) in enumerate(zip(self.model.factors, effects, strict=True)):
            b = value / self._factor_units(factor)
            J, k = b.shape[-2], b.shape[-1]
            u = whitening.solve(self._factor(factor, columns), [b[..., c] for c in range(k)])
            centred = self._centred(position, inputs) > 0.5
            chosen = tf.stack([tf.where(centred, b[..., c], u[c]) for c in range(k)], axis=-1)
            pieces.append(tf.reshape(chosen, tf.concat([tf.shape(b)[:-2], [J * k]], axis=0)))
        return tf.concat(pieces, axis=-1)

    def centring(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return 1 for each level that the data know better than its prior does, in every column.

        Better: even where sd (sd / sigma of a Gaussian) is at its 5% point, the rows of the level, the other parameters
        given, have more than twice the precision of the prior. Where sd may be near 0 a centred level is a funnel.
        """
        found = []
        information = self.rows.information(values)
        for factor in self.model.factors:
            rows = np.zeros((len(factor.levels), len(factor.columns)))
            np.add.at(rows, factor.Z.index, factor.Z.z**2 * information[:, None])
            low = np.quantile(values[f"sd[{factor.name}]"] / self.rows.noise(values)[:, None], _LOW, axis=0)
            found.append((rows * low**2).min(axis=-1) > _STRONG)
        return np.concatenate(found).astype(float) if found else np.zeros(0)

    def scalars(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return coefficients, sds, correlations and further parameters, (..., names)."""
        columns = [values["beta"]]
        place = {
            m: (factor, sum(self.layout.terms[o].k for o in factor.members if o < m))
            for factor in self.model.factors
            for m in factor.members
        }
        for m, term in enumerate(self.layout.terms):
            factor, start = place[m]
            columns.append(values[f"sd[{factor.name}]"][..., start : start + term.k])
        for m, term in enumerate(self.layout.terms):
            factor, start = place[m]
            for i in range(term.k if term.n_correlations else 0):
                for j in range(i):
                    columns.append(values[f"cor[{factor.name}]"][..., start + i, start + j, None])
        return np.concatenate([*columns, *(values[name][..., None] for name in self.model.auxiliary)], axis=-1)
