"""The log density of a model of one's own over unconstrained numbers; see `model.density.Density` for each method.

z holds each parameter's unconstrained numbers in the order of the program's parameters. The prior is that of the value
before a `transform`, which therefore needs no Jacobian. A person's code is written for one set of values: where it
takes a batch of draws in front it is given one, else it is mapped over the draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend.devices import by_device
from ..backend.tensorflow import load
from ..errors import EngineError
from ..objects.value import tensor, values_in_effect
from .density import Axes, Slot
from .element_names import level_axes, places, scalar_names
from .prior_term import PriorTerm
from .program import inputs_of

if TYPE_CHECKING:
    from .program import Program


# A batch in front of every value, single numbers as (S,), (S, 1) or (S, 1, 1), whichever meets the code's other values.
NATIVE = ("native", "native, columns", "native, matrices")


@dataclass(frozen=True)
class ResponseFacts:
    """What was found out by running the code once.

    response_shape: of the distribution for one set of values, (n,), (n, 1) or (n, m). event_rank: axes of one response.
    batching: how the code takes a batch of draws, one of `NATIVE`, "vectorized" or "loop". prior_batching: the same for
    priors and transforms. by_rows: whether the code may be given some rows only.
    """

    response_shape: tuple[int, ...]
    event_rank: int
    batching: str
    prior_batching: str
    by_rows: bool

    @property
    def native(self) -> bool:
        """Whether the code takes a batch in front of every value, as `meeting` hands it over."""
        return self.batching in NATIVE


def terms_of(program: Program) -> tuple[PriorTerm, ...]:
    """Return the terms of all parameters, in the order of the program."""
    found: list[PriorTerm] = []
    start = units = 0
    for name, parameter in zip(program.names, program.parameters, strict=True):
        slot = Slot(name, parameter.shape, start, start + parameter.size)
        found.append(PriorTerm(parameter, program.priors[name], slot, units))
        start, units = slot.stop, units + found[-1].n_units
    return tuple(found)


@dataclass(frozen=True, eq=False)
class ProgramDensity:
    """The density of a program; facts: what was found out about its code."""

    program: Program
    facts: ResponseFacts

    @cached_property
    def terms(self) -> tuple[PriorTerm, ...]:
        """One a parameter, in the order of z."""
        return terms_of(self.program)

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """The parameters in the order of z."""
        return tuple(term.slot for term in self.terms)

    @property
    def size(self) -> int:
        """D."""
        return self.slots[-1].stop

    @property
    def n_rows(self) -> int:
        """n."""
        return self.program.n_rows

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The elements of all parameters that are not long."""
        program = self.program
        return tuple(
            program.formulas.scalars.get(label, label)
            for name, p in zip(program.names, program.parameters, strict=True)
            if not program.by_levels(name, p)
            for label in scalar_names(name, p, program.labels, program.columns)
        )

    @cached_property
    def effects(self) -> tuple[Axes, ...]:
        """The long parameters."""
        program = self.program
        found = []
        for name, p in zip(program.names, program.parameters, strict=True):
            if program.by_levels(name, p):
                axes = level_axes(name, p, program.labels, program.columns)
                factor, columns = program.formulas.effects.get(name, (axes.factor, axes.columns))
                found.append(Axes(name, factor, axes.levels, columns))
        return tuple(found)

    @cached_property
    def centrings(self) -> tuple[str, ...]:
        """The elements, or rows, of each parameter whose prior's scale is a parameter."""
        return tuple(
            f"{term.slot.name}[{', '.join(map(str, place))}]" if place else term.slot.name
            for term in self.terms
            if term.hierarchical
            for place in np.ndindex(*(n for n in term.unit_shape if n > 1))
        )

    # Inputs ----------------------------------------------------------------------------------------------------------

    def inputs(self, centring: np.ndarray | None = None) -> dict[str, Any]:
        """Return the tensors that every other method takes."""
        tf = load()
        centring = np.zeros(len(self.centrings)) if centring is None else np.asarray(centring, float)
        return {**self._constants, "centring": tf.constant(centring, tf.float64)}

    @by_device
    def _constants(self) -> dict[str, Any]:
        program = self.program
        found = {"y": tensor(program.y.reshape(self.facts.response_shape))}
        x = inputs_of(program.x)
        if isinstance(x, Mapping):
            found |= {f"x {key}": value for key, value in x.items()}
        elif x is not None:
            found["x"] = x
        for term in self.terms:
            found |= {key: tensor(value) for key, value in term.constants().items()}
        return found

    def _x(self, inputs: Mapping[str, Any], rows: Any) -> Any:
        tf = load()

        def part(value: Any) -> Any:
            return value if rows is None else tf.gather(value, rows)

        if isinstance(self.program.x, Mapping):
            return {key: part(inputs[f"x {key}"]) for key in self.program.x}
        return None if self.program.x is None else part(inputs["x"])

    # The density -----------------------------------------------------------------------------------------------------

    def log_prior(self, z: Any, inputs: Mapping[str, Any]) -> Any:
        """Return log p(parameters) + log |Jacobian|."""
        return self._walk(z, inputs)[-1]

    def log_lik(self, z: Any, inputs: Mapping[str, Any], rows: Any = None) -> Any:
        """Return the log density of the response summed over all rows, or over rows (m,)."""
        return self._likelihood(self._walk(z, inputs)[:-1], inputs, rows, len(z.shape) - 1)

    def log_lik_rows(self, values: Mapping[str, Any], inputs: Mapping[str, Any], rows: Any = None) -> Any:
        """Return the log density of each row's response, (..., n), at values by name (..., *shape)."""
        given = [tensor(values[slot.name]) for slot in self.slots]
        batch = len(given[0].shape) - len(self.slots[0].shape)
        return self._row_densities(given, inputs, rows, batch)

    def log_joint(self, z: Any, inputs: Mapping[str, Any]) -> Any:
        """Return log p(y, parameters) + log |Jacobian|: prior and likelihood share the way to the values."""
        *values, prior = self._walk(z, inputs)
        return prior + self._likelihood(values, inputs, None, len(z.shape) - 1)

    def log_prob(self, values: Mapping[str, Any]) -> Any:
        """Return log p(y, parameters) at values by name (..., *shape), without Jacobian, shape (...)."""
        tf = load()
        inputs = self.inputs()
        given = [tensor(values[slot.name]) for slot in self.slots]
        batch = len(given[0].shape) - len(self.slots[0].shape)

        def priors(*single: Any) -> Any:
            with values_in_effect(dict(zip(self.program.parameters, single, strict=True))):
                parts = [t.log_prob(t.latent(v), inputs) for t, v in zip(self.terms, single, strict=True)]
            return tf.add_n(parts)

        total = _over_batch(priors, given, batch, self.facts.prior_batching)
        return total + self._likelihood(given, inputs, None, batch)

    def _walk(self, z: Any, inputs: Mapping[str, Any]) -> list[Any]:
        """Return every parameter's value at z, and last the log prior with its Jacobian."""
        found: list[Any] = _over_batch(
            lambda one: self._walk_natively(one, inputs), [z], len(z.shape) - 1, self.facts.prior_batching
        )
        return found

    def _walk_natively(self, z: Any, inputs: Mapping[str, Any]) -> list[Any]:
        return walk(self.terms, z, inputs)

    def _likelihood(self, values: list[Any], inputs: Mapping[str, Any], rows: Any, batch: int) -> Any:
        """Return the sum of the row densities; where code is mapped over the batch its gradient is made inside the map.

        The gradient of a map asks XLA for constants that differ at each call, so that it would compile each time.
        """
        tf = load()
        how, native = self.facts.batching, self._native(inputs, rows)
        if batch == 0 or self.facts.native:
            return tf.reduce_sum(_over_batch(native, values, batch, how), axis=-1)

        def with_gradients(*given: Any) -> list[Any]:
            with tf.GradientTape() as tape:
                tape.watch(given)
                value = tf.reduce_sum(native(*given))
            return [value, *tape.gradient(value, given, unconnected_gradients=tf.UnconnectedGradients.ZERO)]

        fixed = [tf.stop_gradient(value) for value in values]
        total, *gradients = _over_batch(with_gradients, fixed, batch, how)
        total = tf.stop_gradient(total)
        for value, base, gradient in zip(values, fixed, gradients, strict=True):
            # Nothing in value, all of the gradient.
            gradient = tf.stop_gradient(tf.where(tf.math.is_finite(gradient), gradient, tf.zeros_like(gradient)))
            total += tf.reduce_sum(gradient * (value - base), axis=list(range(batch, len(value.shape))))
        return total

    def _row_densities(self, values: list[Any], inputs: Mapping[str, Any], rows: Any, batch: int) -> Any:
        return _over_batch(self._native(inputs, rows), values, batch, self.facts.batching)

    def _native(self, inputs: Mapping[str, Any], rows: Any) -> Callable[..., Any]:
        """Return the function from the parameters' values to the density of each row."""
        if rows is not None and not self.facts.by_rows:
            raise EngineError(
                "The model's code needs all rows at once, so it cannot be given some of them.",
                hint="Let __call__ depend on rows through x alone, or fit without batches of rows.",
            )
        x = self._x(inputs, rows)
        y = inputs["y"] if rows is None else load().gather(inputs["y"], rows)
        return lambda *given: row_densities(self.program, given, x, y, len(self.facts.response_shape))

    # Values by name --------------------------------------------------------------------------------------------------

    def constrain(self, z: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return every parameter's value by name, (..., *shape)."""
        return dict(zip(self.program.names, self._walk(z, inputs), strict=False))

    def unconstrain(self, values: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        """Return z of values by name; EngineError for a transform without an inverse."""
        tf = load()
        given = [tensor(values[slot.name]) for slot in self.slots]

        def back(*single: Any) -> Any:
            with values_in_effect(dict(zip(self.program.parameters, single, strict=True))):
                pieces = [t.back(t.latent(v), inputs) for t, v in zip(self.terms, single, strict=True)]
            return tf.concat(pieces, axis=-1)

        return _over_batch(back, given, len(given[0].shape) - len(self.slots[0].shape), self.facts.prior_batching)

    def centring(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return 1 for each unit whose posterior variance is below half of its prior's."""
        found, inputs = [], self.inputs()
        drawn = {term.parameter: tensor(values[term.slot.name]) for term in self.terms}
        for term in self.terms:
            if not term.hierarchical:
                continue
            if term.parameter.transform is not None and term.parameter.inverse_transform is None:
                found.append(np.zeros(term.n_units))
            else:
                found.append(term.strong(np.asarray(term.latent(drawn[term.parameter])), drawn, inputs))
        return np.concatenate(found) if found else np.zeros(0)

    def scalars(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the scalars (..., names)."""
        found: list[np.ndarray] = []
        for slot, parameter in zip(self.slots, self.program.parameters, strict=True):
            if not self.program.by_levels(slot.name, parameter):
                value: Any = np.asarray(values[slot.name])
                found += [value[(..., *place)] for place in places(parameter)]
        batch = np.shape(next(iter(values.values())))
        lead = batch[: len(batch) - len(self.program.parameter(next(iter(values))).shape)]
        return np.stack(found, axis=-1) if found else np.zeros((*lead, 0))


def walk(terms: tuple[PriorTerm, ...], z: Any, inputs: Mapping[str, Any]) -> list[Any]:
    """Return the value of each term at z (..., D), any batch in front, and last the log prior with its Jacobian."""
    tf = load()
    values: dict[Any, Any] = {}
    total = tf.zeros_like(z[..., 0])
    with values_in_effect(values):
        for term in terms:
            latent, density = term.at(z[..., term.slot.start : term.slot.stop], inputs)
            values[term.parameter] = term.parameter.transformed(latent)
            total += density
    return [*(values[term.parameter] for term in terms), total]


def row_densities(program: Program, values: Any, x: Any, y: Any, rank: int) -> Any:
    """Return the log density of each row (..., n) at values in the order of the parameters.

    y: in the shape of the distribution for one set of values, which has `rank` axes.
    """
    tf = load()
    with values_in_effect(dict(zip(program.parameters, values, strict=True))):
        distribution = program.response(x).resolved(rank)
    density = distribution.log_density(y)
    own = rank - distribution.event_rank
    # A row's own axes, beyond the first, are summed: (n, 1) and (n, m) become (n,).
    return tf.reduce_sum(density, axis=list(range(-own + 1, 0))) if own > 1 else density


def _over_batch(function: Callable[..., Any], arguments: list[Any], batch: int, how: str) -> Any:
    """Return a function of single values at a batch of them: arguments (*batch axes, ...), results likewise.

    how: `NATIVE` ones hand the batch over as it is, at most one axis of it; "vectorized" and "loop" map over it.
    """
    tf = load()
    if batch == 0:
        return function(*arguments)
    if batch > 1:
        # One axis for the batch: what is written for it is right for any.
        lead = tf.shape(arguments[0])[:batch]
        static = arguments[0].shape[:batch]
        flat = [tf.reshape(a, tf.concat([[-1], tf.shape(a)[batch:]], axis=0)) for a in arguments]
        flat = [
            tf.ensure_shape(f, [static.num_elements(), *a.shape[batch:]]) for f, a in zip(flat, arguments, strict=True)
        ]
        found = _over_batch(function, flat, 1, how)

        def unfold(value: Any) -> Any:
            whole = tf.reshape(value, tf.concat([lead, tf.shape(value)[1:]], axis=0))
            return tf.ensure_shape(whole, [*static, *value.shape[1:]])

        return tf.nest.map_structure(unfold, found)
    if how in NATIVE:
        return function(*(meeting(a, how) for a in arguments))
    if how == "vectorized":
        return tf.vectorized_map(lambda given: function(*given), tuple(arguments))
    S = arguments[0].shape[0]
    if S is not None and S <= 64:
        pieces = [function(*(a[s] for a in arguments)) for s in range(S)]
        return tf.nest.map_structure(lambda *same: tf.stack(same), *pieces)
    one = function(*(a[0] for a in arguments))
    signature = tf.nest.map_structure(lambda value: tf.TensorSpec(value.shape, value.dtype), one)
    return tf.map_fn(lambda given: function(*given), tuple(arguments), fn_output_signature=signature)


def meeting(value: Any, how: str) -> Any:
    """Return a batch of values (S, ...) as `how`, one of `NATIVE`, hands it over: single numbers get further axes."""
    if len(value.shape) != 1:
        return value
    return value[(slice(None), *[None] * NATIVE.index(how))]


def over_batch(function: Callable[..., Any], arguments: list[Any], how: str) -> Any:
    """Return a function of single values at values with one batch axis in front."""
    return _over_batch(function, arguments, 1, how)
