"""Parameters: what a model does not know - a shape, a prior, and the values that are possible at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from ..backend.tensorflow import load
from ..errors import SpecError
from .bounded import Uniform, bounds_of
from .continuous import Gamma, HalfNormal, Normal
from .distribution import SUPPORTS, Distribution
from .multivariate import LKJ, Dirichlet
from .transform import Bijection, CorrelationMatrix, Interval, Positive, Real, Simplex
from .value import Value, scope_in_effect, tensor, values_in_effect

__all__ = [
    "BoundedParameter",
    "CorrelationParameter",
    "Parameter",
    "PositiveParameter",
    "ScaleParameter",
    "SimplexParameter",
    "values_in_effect",
]

# More elements than this in one parameter are surely a slip.
_MOST = 10_000_000

Transform = Callable[[Any], Any]


class Parameter(Value):
    """Any real numbers; prior Normal(0, 1) unless another is given.

    shape: an integer, a list or a tuple; () is a single number.
    prior: a distribution, whose arguments may be parameters themselves; Normal, StudentT and other priors with a
        location and a scale for each element, MultivariateNormal for each row (k) of (k) or (J, k); or "auto":
        element i gets Normal(0, 2.5 sd(y) / rms over the rows of d mean / d element i), or Normal(mean(y), 2.5 sd(y))
        where that derivative is the same in every row, both at the start.
    transform: a function of a tensor that keeps its shape, or a pair of it and its inverse; the prior is then that of
        the number before it.
    name: by default the attribute that holds the parameter.

    Called, it gives its current value (..., *shape), with any batch of draws in front; outside of a fit its posterior
    mean once it was fitted, before that its prior's mean. Raises SpecError for a shape or a prior that cannot be.
    """

    bijection: Bijection = Real()
    # How a notebook shows a parameter; set by the floor that can draw.
    renderer: ClassVar[Callable[..., dict[str, str]] | None] = None
    # Priors by their support that this kind may have, and what to take for the others.
    accepts: ClassVar[tuple[str, ...]] = ("real", "vector", "any")

    def __init__(
        self,
        shape: int | Sequence[int] = (),
        prior: Distribution | str | None = None,
        transform: Transform | tuple[Transform, Transform] | None = None,
        name: str = "",
    ) -> None:
        self.shape = _shape(shape, self._kind)
        self.explicit_name = _name(name)
        self.found_name = ""
        self.auto = isinstance(prior, str)
        if isinstance(prior, str) and prior != "auto":
            raise SpecError(f'The prior of a parameter is {prior!r}; as a text it can only be "auto".')
        self.transform, self.inverse_transform = _transforms(transform)
        given = self._default_prior() if prior is None or isinstance(prior, str) else prior
        self.prior: Distribution = self._checked_prior(given)
        # The posterior mean of the last fit, and that fit with the parameter's name in it, set by the model.
        self.fitted: np.ndarray | None = None
        self.last_fit: tuple[Any, str] | None = None

    @property
    def _kind(self) -> str:
        return type(self).__name__

    @property
    def name(self) -> str:
        """The name given, or the attribute under which a model holds it, or ""."""
        return self.explicit_name or self.found_name

    @property
    def label(self) -> str:
        """The name, or the kind of a parameter without one."""
        return self.name or self._kind

    @property
    def prior_label(self) -> str:
        """The prior as shown: `Normal(0, 1)`."""
        return "auto" if self.auto else self.prior.label

    def _default_prior(self) -> Distribution:
        return Normal(0.0, 1.0)

    def __call__(self) -> Any:
        """Return the current value, a float64 tensor (..., *shape)."""
        return self.current()

    def current(self) -> Any:
        """Return the current value, a float64 tensor (..., *shape)."""
        scope = scope_in_effect()
        if scope is not None:
            return scope.find(self, self.name)
        return tensor(self.fitted) if self.fitted is not None else self.prior_mean()

    @property
    def size(self) -> int:
        """D, how many unconstrained numbers it has."""
        return self.bijection.size(self.shape)

    def transformed(self, latent: Any) -> Any:
        """Return the value of what the prior speaks of."""
        return latent if self.transform is None else tensor(self.transform(latent))

    def prior_mean(self) -> Any:
        """Return the mean of the prior; where there is none, the middle of what is possible."""
        tf = load()
        middle = self.bijection.forward(tf.zeros([self.size], tf.float64), self.shape)
        if self.prior.support in ("correlation", "simplex"):
            return self.transformed(middle)
        mean = tf.broadcast_to(_fitting(self.prior.mean(), self.shape), self.shape)
        return self.transformed(tf.where(tf.math.is_finite(mean), mean, middle))

    def _checked_prior(self, prior: Any) -> Distribution:
        if isinstance(prior, type) and issubclass(prior, Distribution):
            raise SpecError(
                f"The prior of a {self._kind} is the class {prior.__name__} itself.",
                hint=f"Give it its arguments, as in pf.{prior.__name__}(...).",
            )
        if not isinstance(prior, Distribution):
            raise SpecError(
                f"The prior of a {self._kind} is of type {type(prior).__name__}, but it must be a distribution.",
                hint="For example pf.Normal(0, 1).",
            )
        if prior.support not in self.accepts:
            raise SpecError(
                f"The prior {prior.label} speaks of {SUPPORTS[prior.support]}, "
                f"but a {self._kind} can be {self._possible()}.",
                hint=_advice(prior.support),
            )
        self._check_bounds(prior)
        _check_shapes(self._kind, self.shape, prior)
        return prior

    def _check_bounds(self, prior: Distribution) -> None:
        """Raise SpecError where the prior has other bounds than the parameter."""

    def _possible(self) -> str:
        return SUPPORTS[self.bijection.support]

    def __repr__(self) -> str:
        shape = f", shape {self.shape}" if self.shape else ""
        return f"{self.label} ~ {self.prior_label}{shape}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if Parameter.renderer is None:
            return {"text/plain": repr(self)}
        return Parameter.renderer(self, include, exclude)


class PositiveParameter(Parameter):
    """Numbers above 0; prior HalfNormal(1) unless another is given. `prior="auto"`: HalfStudentT(3, 0, 2.5 sd(y))."""

    bijection = Positive()
    accepts = ("positive", "any")

    def _default_prior(self) -> Distribution:
        return HalfNormal(1.0)


class ScaleParameter(PositiveParameter):
    """A standard deviation; by default its precision g is Gamma(5, 1), sigma = 1 / sqrt(g).

    With a prior, `ScaleParameter(prior=HalfNormal(50))`, sigma itself has that prior. `prior="auto"`:
    HalfStudentT(3, 0, 2.5 sd(y)).
    """

    def __init__(
        self,
        shape: int | Sequence[int] = (),
        prior: Distribution | str | None = None,
        transform: Transform | tuple[Transform, Transform] | None = None,
        name: str = "",
    ) -> None:
        if prior is None and transform is None:
            super().__init__(shape, Gamma(5.0, 1.0), (_inverse_sqrt, _inverse_square), name)
            self.by_precision = True
        else:
            super().__init__(shape, prior, transform, name)
            self.by_precision = False

    @property
    def prior_label(self) -> str:
        """The prior as shown."""
        return "1 / sqrt(Gamma(5, 1))" if self.by_precision else super().prior_label


class BoundedParameter(Parameter):
    """Numbers between low and high; prior Uniform(low, high) unless another is given.

    low, high: numbers or arrays that broadcast to the shape; one of them may be infinite. A bound alone needs a prior.
    """

    accepts = ("interval", "unit", "positive", "any")

    def __init__(
        self,
        low: Any = 0.0,
        high: Any = 1.0,
        shape: int | Sequence[int] = (),
        prior: Distribution | str | None = None,
        transform: Transform | tuple[Transform, Transform] | None = None,
        name: str = "",
    ) -> None:
        try:
            self.low, self.high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
        except (TypeError, ValueError):
            raise SpecError("The bounds of a BoundedParameter must be numbers.") from None
        if np.isnan(self.low).any() or np.isnan(self.high).any() or not np.all(self.low < self.high):
            raise SpecError(f"The bounds of a BoundedParameter are {low} and {high}, but low must be below high.")
        self.bijection = Interval(self.low, self.high)
        if prior == "auto":
            raise SpecError('A BoundedParameter has no prior="auto": its bounds say what is known.')
        super().__init__(shape, prior, transform, name)
        for bound in (self.low, self.high):
            if np.broadcast_shapes(bound.shape, self.shape) != self.shape:
                raise SpecError(f"A bound of shape {bound.shape} does not fit a parameter of shape {self.shape}.")

    def _default_prior(self) -> Distribution:
        if not (np.isfinite(self.low).all() and np.isfinite(self.high).all()):
            raise SpecError(
                "A BoundedParameter with one bound needs a prior.", hint="Such as prior=pf.HalfNormal(1) above 0."
            )
        return Uniform(self.low, self.high)

    def _possible(self) -> str:
        if self.low.size == self.high.size == 1:
            return f"numbers between {self.low.item():g} and {self.high.item():g}"
        return SUPPORTS["interval"]

    def _check_bounds(self, prior: Distribution) -> None:
        low, high = {"unit": (0.0, 1.0), "positive": (0.0, math.inf)}.get(prior.support, (-math.inf, math.inf))
        bounds: tuple[Any, Any] | None = (low, high)
        if isinstance(prior, Uniform):
            bounds = bounds_of(prior)
        if prior.support == "any" or bounds is None:
            return
        if not (np.all(bounds[0] == self.low) and np.all(bounds[1] == self.high)):
            raise SpecError(
                f"The prior {prior.label} has other bounds than the parameter, which can be {self._possible()}.",
                hint="Give both the same bounds.",
            )


class CorrelationParameter(Parameter):
    """A correlation matrix (k, k); prior LKJ(1) unless another is given."""

    bijection = CorrelationMatrix()
    accepts = ("correlation", "any")

    def __init__(self, k: int, prior: Distribution | None = None, name: str = "") -> None:
        size = _shape(k, self._kind)
        if len(size) != 1 or size[0] < 2:
            raise SpecError(f"A CorrelationParameter of {k!r} is not a matrix; give its number of columns, 2 or more.")
        super().__init__((size[0], size[0]), prior, None, name)

    def _default_prior(self) -> Distribution:
        return LKJ(1.0)


class SimplexParameter(Parameter):
    """Positive parts that add up to 1 along the last axis; prior Dirichlet(1) unless another is given."""

    bijection = Simplex()
    accepts = ("simplex", "any")

    def __init__(self, k: int | Sequence[int], prior: Distribution | None = None, name: str = "") -> None:
        shape = _shape(k, self._kind)
        if not shape or shape[-1] < 2:
            raise SpecError(f"A SimplexParameter of {k!r} has no parts to share; give 2 or more.")
        super().__init__(shape, prior, None, name)

    def _default_prior(self) -> Distribution:
        return Dirichlet(1.0)


def _shape(given: Any, kind: str) -> tuple[int, ...]:
    sizes = [given] if isinstance(given, (int, np.integer)) else given
    if isinstance(sizes, np.ndarray):
        sizes = sizes.tolist()
    if not isinstance(sizes, (list, tuple)) or not all(
        isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n > 0 for n in sizes
    ):
        raise SpecError(
            f"The shape of a {kind} is {given!r}, but it must be whole numbers from 1.",
            hint="For example 3, [3, 1] or () for a single number.",
        )
    shape = tuple(int(n) for n in sizes)
    if math.prod(shape) > _MOST:
        raise SpecError(f"A {kind} of shape {shape} has more than {_MOST:,} elements.")
    return shape


def _name(given: Any) -> str:
    if not isinstance(given, str):
        raise SpecError(f"The name of a parameter is {given!r}, but it must be a text.")
    if given and (not given.isprintable() or given != given.strip()):
        raise SpecError(f"The name of a parameter is {given!r}, but it must be one line without spaces around it.")
    return given


def _transforms(given: Any) -> tuple[Transform | None, Transform | None]:
    if given is None:
        return None, None
    if callable(given):
        return given, getattr(given, "inverse", None)
    if isinstance(given, tuple) and len(given) == 2 and all(callable(part) for part in given):
        return given
    raise SpecError("A transform must be a function of a tensor, or a pair of it and its inverse.")


def _inverse_sqrt(precision: Any) -> Any:
    return load().math.rsqrt(precision)


def _inverse_square(sigma: Any) -> Any:
    return 1.0 / load().square(sigma)


def _check_shapes(kind: str, shape: tuple[int, ...], prior: Distribution) -> None:
    """Raise SpecError where an argument of the prior does not broadcast to the parameter's shape."""
    if len(shape) < prior.event_rank:
        raise SpecError(
            f"The prior {prior.label} speaks of values with {prior.event_rank} axes, but a {kind} has shape {shape}."
        )
    for key, value in prior.arguments.items():
        given = tuple(value.shape)
        own = prior.argument_ranks.get(key, 0)
        # A matrix of a row's k elements is held against (k, k).
        whole = (*shape[: len(shape) - prior.event_rank], *((shape[-1:] * own) if own else ()))
        slack = len(given) - len(whole)
        trimmed = given[slack:] if slack > 0 and all(n == 1 for n in given[:slack]) else given
        try:
            fits = np.broadcast_shapes(trimmed, whole) == whole
        except ValueError:
            fits = False
        if not fits or (own == 2 and given[-1] != shape[-1]):
            raise SpecError(
                f"The {key} of the prior {prior.label} has shape {given}, which does not fit a {kind} of shape {shape}."
            )


def _fitting(value: Any, shape: tuple[int, ...]) -> Any:
    """Return a tensor without the axes of length 1 that it has more than the shape."""
    tf = load()
    extra = len(value.shape) - len(shape)
    return tf.squeeze(value, axis=list(range(extra))) if extra > 0 else value


def _advice(support: str) -> str:
    kinds = {
        "positive": "Take pf.PositiveParameter or pf.ScaleParameter for it.",
        "interval": "Take pf.BoundedParameter(low, high) for it.",
        "unit": "Take pf.BoundedParameter(0, 1) for it.",
        "correlation": "Take pf.CorrelationParameter(k) for it.",
        "simplex": "Take pf.SimplexParameter(k) for it.",
        "vector": "MultivariateNormal is a prior of a pf.Parameter.",
        "real": "Take pf.Parameter for it, or a prior of the parameter's own values, such as pf.HalfNormal(1).",
    }
    return kinds.get(support, "A prior of a parameter is continuous.")
