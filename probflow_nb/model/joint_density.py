"""The joint density of a linear mixed model over unconstrained numbers, for the general engines.

z = (theta, beta~, u of each factor): theta as the marginal has it (log sds, atanh partial correlations, log sigma, all
in scaled units), beta~ the coefficients of the scaled columns, and of each level either its whitened effects
(b = diag(sd) L u, non-centred) or its effects in scaled units (centred).

    log p = sum_i log Normal(y_i | eta_i, sigma / sqrt(w_i)) + log p(beta) + log p(theta) + sum_j log p(b_j) + Jacobian
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..backend.tensorflow import load
from ..objects.densities import lkj_partial_log_prob, log_prob
from ..spec.priors import Distribution
from . import covariance, residual_squares
from .covariance import Layout, Lower
from .density import Axes, Slot
from .model import Model, ModelFactor

_LOG_2PI = math.log(2.0 * math.pi)
# A level is centred when its rows have so many times the precision of its prior, at a low quantile of their ratio.
_STRONG, _LOW = 2.0, 0.05


class _Parts(NamedTuple):
    """A point taken apart: theta a list of (...), beta~ (..., p), each factor's effects (..., J, k) and log density."""

    theta: list[Any]
    beta: Any
    effects: list[Any]
    densities: list[Any]


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


@dataclass(frozen=True, eq=False)
class JointDensity:
    """The density of a compiled Gaussian model; see `model.density.Density` for what each method answers."""

    model: Model

    @cached_property
    def layout(self) -> Layout:
        """Where the variance parameters lie in theta."""
        groups = self.model.design.groups
        return covariance.layout(tuple((g.n_columns, g.correlated and g.n_columns > 1) for g in groups))

    @property
    def p(self) -> int:
        """Number of common columns."""
        return int(self.model.design.X.shape[1])

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """theta, beta and the effects of each factor; theta is one slot, "theta"."""
        d = self.layout.size
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
        """Coefficients, sds, correlations, sigma."""
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

    @cached_property
    def _constants(self) -> dict[str, Any]:
        tf = load()
        model, design = self.model, self.model.design
        scaling = model.moments.scaling
        T, t = scaling.coefficients()
        y = design.y if design.offset is None else design.y - design.offset
        w = np.ones(len(y)) if design.weights is None else design.weights
        X = (design.X - scaling.x_center) / scaling.x_scale
        if design.has_intercept:
            X[:, 0] = 1.0
        found = {
            "y": (y - scaling.y_center) / scaling.y_scale,
            "X": X,
            "weights": w,
            "T": T,
            "t": t,
            "x_mean": np.append(0.0, design.X[:, 1:].mean(axis=0)) if self.p else np.zeros(0),
            "log_y_scale": np.log(scaling.y_scale),
            "units": self._units,
        }
        for position, factor in enumerate(model.factors):
            found[f"z{position}"] = factor.Z.z * self._factor_units(factor) / scaling.y_scale
        if residual_squares.worthwhile([len(f.levels) * len(f.columns) for f in model.factors], len(y)):
            z = [found[f"z{position}"] for position in range(len(model.factors))]
            index = [factor.Z.index for factor in model.factors]
            levels = [len(factor.levels) for factor in model.factors]
            found |= residual_squares.products(found["y"], X, w, z, index, levels)
        held = {name: tf.constant(np.asarray(value, float)) for name, value in found.items()}
        for position, factor in enumerate(model.factors):
            held[f"index{position}"] = tf.constant(factor.Z.index, tf.int32)
        for group in (*self._scale_priors, *self._common_priors):
            held[group.key] = tf.constant(group.arguments)
        return held

    @cached_property
    def _units(self) -> np.ndarray:
        """(d,): what exp(theta) is multiplied by to be an sd on the data's scale; 1 for correlations."""
        units = np.ones(self.layout.size)
        for term, scale in zip(self.layout.terms, self.model.sd_units, strict=True):
            units[term.start : term.start + term.k] = scale
        units[self.layout.sigma] = self.model.moments.scaling.y_scale
        return units

    def _factor_units(self, factor: ModelFactor) -> np.ndarray:
        return np.concatenate([self.model.sd_units[m] for m in factor.members])

    @cached_property
    def _scale_places(self) -> np.ndarray:
        """Positions in theta of all log sds and of log sigma."""
        return np.array([t.start + c for t in self.layout.terms for c in range(t.k)] + [self.layout.sigma], np.int32)

    @cached_property
    def _scale_priors(self) -> tuple[PriorGroup, ...]:
        priors = self.model.priors
        return _grouped("scale", [*(prior for sds in priors.sds for prior in sds), priors.sigma])

    @cached_property
    def _common_priors(self) -> tuple[PriorGroup, ...]:
        priors = self.model.priors
        return _grouped("common", [*([priors.intercept] if priors.intercept else []), *priors.coefficients])

    # The density -----------------------------------------------------------------------------------------------------

    def log_prior(self, z: Any, inputs: Mapping[str, Any]) -> Any:
        """Return log p(theta, beta, b) with the Jacobian of every transform."""
        return self._log_prior(self._parts(z, inputs), inputs)

    def _log_prior(self, parts: _Parts, inputs: Mapping[str, Any]) -> Any:
        tf = load()
        columns = parts.theta
        logs = tf.stack([columns[i] for i in self._scale_places], axis=-1)
        scales = tf.exp(logs) * tf.gather(inputs["units"], self._scale_places)
        # d sd / d theta = sd.
        total = tf.reduce_sum(tf.math.log(scales), axis=-1)
        for group in self._scale_priors:
            total += group.log_prob(tf.unstack(scales, axis=-1), inputs)
        for m, term in enumerate(self.layout.terms):
            if term.n_correlations:
                partial = covariance.partial_correlations(term, columns)
                total += lkj_partial_log_prob(self.model.priors.correlations[m], term.k, partial)
        beta = _linear(parts.beta, inputs["T"]) + inputs["t"]
        if self.p:
            if self.model.priors.centered:
                first = beta[..., :1] + _linear(beta, inputs["x_mean"][None])
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
        tf = load()

        def of(name: str) -> Any:
            return inputs[name] if rows is None else tf.gather(inputs[name], rows)

        beta, effects = parts.beta, parts.effects
        log_sigma = parts.theta[self.layout.sigma]
        w = of("weights")
        n = tf.cast(tf.shape(w)[0], tf.float64)
        constant = 0.5 * tf.reduce_sum(tf.math.log(w)) - n * (0.5 * _LOG_2PI + inputs["log_y_scale"])
        if rows is None and "squares" in inputs:
            square = residual_squares.squares(beta, effects, inputs)
            return constant - n * log_sigma - 0.5 * square * tf.exp(-2.0 * log_sigma)
        eta = _linear(beta, of("X"))
        for position, b in enumerate(effects):
            eta += tf.reduce_sum(tf.gather(b, of(f"index{position}"), axis=-2) * of(f"z{position}"), axis=-1)
        residual = of("y") - eta
        square = tf.reduce_sum(w * residual * residual, axis=-1) * tf.exp(-2.0 * log_sigma)
        return constant - n * log_sigma - 0.5 * square

    def _parts(self, z: Any, inputs: Mapping[str, Any]) -> _Parts:
        """Return the pieces of z (..., D); cut at once, so that the gradient is put together at once."""
        tf = load()
        theta, beta, *raw = tf.split(z, [slot.stop - slot.start for slot in self.slots], axis=-1)
        columns = tf.unstack(theta, axis=-1)
        found = [self._effects(position, columns, part, inputs) for position, part in enumerate(raw)]
        return _Parts(columns, beta, [b for b, _ in found], [density for _, density in found])

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
        raw = _levels_apart(raw, J, k)
        root = self._factor(factor, columns)
        centred = self._centred(position, inputs)
        given = tf.unstack(raw, axis=-1)
        whitened, b = _both(root, given, centred > 0.5)
        log_det = covariance.add([tf.math.log(root[c][c]) for c in range(k)])
        density = -0.5 * covariance.add([tf.reduce_sum(u * u, axis=-1) for u in whitened])
        density -= log_det * tf.reduce_sum(centred) + 0.5 * J * k * _LOG_2PI
        return tf.stack(b, axis=-1), density

    def _centred(self, position: int, inputs: Mapping[str, Any]) -> Any:
        start = sum(len(f.levels) for f in self.model.factors[:position])
        return inputs["centring"][start : start + len(self.model.factors[position].levels)]

    # Values by name --------------------------------------------------------------------------------------------------

    def constrain(self, z: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return beta, sd[F], cor[F] (of correlated factors), b[F] and sigma on the data's scale."""
        tf = load()
        parts = self._parts(z, inputs)
        columns = parts.theta
        values = {"beta": _linear(parts.beta, inputs["T"]) + inputs["t"]}
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
        values["sigma"] = tf.exp(columns[self.layout.sigma]) * inputs["units"][self.layout.sigma]
        return values

    def unconstrain(self, values: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        """Return z of values by name, numpy or tensors with any batch in front."""
        tf = load()
        values = {name: tf.convert_to_tensor(value, tf.float64) for name, value in values.items()}
        columns: list[Any] = [None] * self.layout.size
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
        columns[self.layout.sigma] = tf.math.log(values["sigma"] / inputs["units"][self.layout.sigma])
        T, t = inputs["T"], inputs["t"]
        pieces = [tf.stack(columns, axis=-1)]
        pieces.append(_linear(values["beta"] - t, tf.linalg.inv(T)))
        for position, factor in enumerate(self.model.factors):
            b = values[f"b[{factor.name}]"] / self._factor_units(factor)
            J, k = b.shape[-2], b.shape[-1]
            u = _solve(self._factor(factor, columns), [b[..., c] for c in range(k)])
            centred = self._centred(position, inputs) > 0.5
            chosen = tf.stack([tf.where(centred, b[..., c], u[c]) for c in range(k)], axis=-1)
            pieces.append(tf.reshape(chosen, tf.concat([tf.shape(b)[:-2], [J * k]], axis=0)))
        return tf.concat(pieces, axis=-1)

    def centring(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return 1 for each level that the data know better than its prior does, in every column.

        Better: even where sd / sigma is at its 5% point, the rows of the level, the other parameters given, have more
        than twice the precision of the prior. Where sd may be near 0 a centred level is a funnel.
        """
        found = []
        w = self.model.design.weights
        for factor in self.model.factors:
            weighted = factor.Z.z**2 if w is None else factor.Z.z**2 * w[:, None]
            rows = np.zeros((len(factor.levels), len(factor.columns)))
            np.add.at(rows, factor.Z.index, weighted)
            ratio = values[f"sd[{factor.name}]"] / values["sigma"][:, None]
            found.append((rows * np.quantile(ratio, _LOW, axis=0) ** 2).min(axis=-1) > _STRONG)
        return np.concatenate(found).astype(float) if found else np.zeros(0)

    def scalars(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return coefficients, sds, correlations and sigma, (..., names)."""
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
        return np.concatenate([*columns, values["sigma"][..., None]], axis=-1)


def _grouped(kind: str, priors: list[Distribution]) -> tuple[PriorGroup, ...]:
    """Gather priors by the distribution's name, so that each name costs one set of ops; flat ones cost none."""
    found = []
    for name in dict.fromkeys(prior.name for prior in priors if prior.name != "Flat"):
        places = [i for i, prior in enumerate(priors) if prior.name == name]
        arguments = np.array([priors[i].arguments for i in places], float).reshape(len(places), -1)
        found.append(PriorGroup(name, f"{kind} {name}", np.array(places, np.int32), arguments))
    return tuple(found)


def _both(root: Lower, given: list[Any], centred: Any) -> tuple[list[Any], list[Any]]:
    """Return whitened effects u and effects b = root u, each a list of k columns (..., J).

    given: holds b where centred, u elsewhere; row by row, u_c = (b_c - sum_{m<c} root_cm u_m) / root_cc.
    """
    tf = load()
    whitened: list[Any] = []
    b: list[Any] = []
    for c, value in enumerate(given):
        before = covariance.add([covariance.times(_level(root[c][m]), whitened[m]) for m in range(c)])
        diagonal = _level(root[c][c])
        u = tf.where(centred, (value - before) / diagonal if before is not None else value / diagonal, value)
        whitened.append(u)
        product = diagonal * u
        b.append(product if before is None else before + product)
    return whitened, b


def _solve(root: Lower, b: list[Any]) -> list[Any]:
    """Return u = root^-1 b, columns (..., J)."""
    return _both(root, b, load().constant(True))[0]


def _linear(x: Any, A: Any) -> Any:
    """Return A x for every x (..., p), A (m, p), also without a batch."""
    tf = load()
    if x.shape.rank > 1:
        return tf.linalg.matmul(x, A, transpose_b=True)
    return tf.linalg.matvec(A, x)


def _levels_apart(flat: Any, J: int, k: int) -> Any:
    """Return (..., J k) as (..., J, k), with as much of the shape known as can be."""
    tf = load()
    if flat.shape[:-1].is_fully_defined():
        return tf.reshape(flat, [*flat.shape[:-1], J, k])
    apart = tf.reshape(flat, tf.concat([tf.shape(flat)[:-1], [J, k]], axis=0))
    return tf.ensure_shape(apart, [*flat.shape[:-1], J, k])


def _level(entry: Any) -> Any:
    """Return an entry (...) with an axis for the levels."""
    return None if entry is None else entry[..., None]
