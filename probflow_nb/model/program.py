"""Program: a model of one's own with its data - parameters, and code that makes the distribution of the response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import EngineError, ProbflowError, SpecError
from ..objects.distribution import Distribution
from ..objects.module import in_order
from ..objects.parameter import Parameter
from ..objects.value import tensor, values_in_effect
from .call_fault import call_fault
from .element_names import is_long
from .formula_names import FormulaNames
from .given import Given
from .row_data import conform

if TYPE_CHECKING:
    from .program_density import ProgramDensity
    from .statement_data import Sources


@dataclass(frozen=True, eq=False)
class Program:
    """A model of one's own, complete with data.

    title: the class's name, or "". formula: one line for people. parameters: a prior's own before it, names unique.
    call: x -> the distribution of the response; it reads the parameters' current values.
    x: what call gets, a float64 array or tensor (n, c), or a dictionary of them; None for no inputs.
    y: (n,) or (n, m). response_name: of y. labels: names of a parameter's elements, or of its levels, its first axis.
    columns: names along the last axis of a parameter whose levels are labelled. x_names: the columns of a frame.
    source: the model text, if any. notes: on the data, such as rows left out.
    Raises SpecError for two parameters of one name and for priors that go round in a circle.
    """

    title: str
    formula: str
    parameters: tuple[Parameter, ...]
    call: Callable[[Any], Distribution]
    x: Any
    y: np.ndarray
    response_name: str = "y"
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str = ""
    notes: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    x_names: tuple[str, ...] = ()
    # Makes inputs of a data frame of new rows, where the code takes something else than its columns.
    encode: Callable[[Any], Any] | None = None
    # What the open names of its text stand for; None for a class.
    sources: Sources | None = None
    # The names when the program was made: a parameter that another model holds too may be called otherwise there.
    names: tuple[str, ...] = ()
    # What its elements are called where formulas say the same.
    formulas: FormulaNames = field(default_factory=FormulaNames)
    # The text and the data as they were given, for another model of them.
    given: Given | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        names = self.names or tuple(p.name for p in self.parameters)
        if len(names) != len(self.parameters) or "" in names:
            raise SpecError("A parameter has no name.", hint='Give it one: pf.Parameter(name="w").')
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise SpecError(f"Two parameters are named {twice[0]}.", hint="Give each its own name.")
        if not self.parameters:
            raise SpecError("The model has no parameters, so there is nothing to learn.")
        if in_order(self.parameters) != self.parameters:
            order = in_order(self.parameters)
            by_parameter = dict(zip(self.parameters, names, strict=True))
            if len(order) != len(self.parameters):
                lost = next(p for p in order if p not in by_parameter)
                raise SpecError(f"A prior is made of {lost.label}, which is not among the model's parameters.")
            object.__setattr__(self, "parameters", order)
            names = tuple(by_parameter[p] for p in order)
        object.__setattr__(self, "names", names)

    @cached_property
    def priors(self) -> Mapping[str, Distribution]:
        """The prior of each parameter by name, `prior="auto"` worked out from the data."""
        from .auto_priors import resolved_priors

        return resolved_priors(self)

    @cached_property
    def density(self) -> ProgramDensity:
        """The log density for the general engines; raises ProbflowError for a model that cannot be fitted."""
        from .program_checks import check
        from .program_density import ProgramDensity

        return ProgramDensity(self, check(self))

    @property
    def n_rows(self) -> int:
        """n."""
        return len(self.y)

    def by_levels(self, name: str, parameter: Parameter) -> bool:
        """Return whether a parameter is shown by levels: group effects of formulas, and any with many elements."""
        return name in self.formulas.effects or is_long(parameter)

    def parameter(self, name: str) -> Parameter:
        """Return a parameter by name; SpecError if there is none."""
        for own, parameter in zip(self.names, self.parameters, strict=True):
            if own == name:
                return parameter
        raise SpecError(f"There is no parameter {name}.", hint=f"The model has {', '.join(self.names)}.")

    def by_parameter(self, values: Mapping[str, Any]) -> dict[Parameter, Any]:
        """Return values by name as `values_in_effect` takes them, float64 tensors by parameter."""
        return {self.parameter(name): tensor(value) for name, value in values.items()}

    def response(self, x: Any) -> Distribution:
        """Return the distribution of the response at inputs x, under the values in effect.

        Raises EngineError when the model's code fails or returns something else.
        """
        try:
            found = self.call(x)
        except ProbflowError:
            raise
        except Exception as error:
            raise call_fault(error, self._code, x) from error
        if not isinstance(found, Distribution):
            raise EngineError(
                f"{self._code} returns {_kind(found)}, but it must return the distribution of the response.",
                hint="For example: return pf.Normal(mean, self.sigma()).",
            )
        return found

    @property
    def _code(self) -> str:
        return f"{self.title}.__call__" if self.title else "The model's code"

    def new_inputs(self, x: Any) -> Any:
        """Return new rows of x as the code takes them; DataError where they do not fit those that were fitted."""
        coded = isinstance(x, Mapping) and isinstance(self.x, Mapping) and set(self.x) <= set(x)
        if self.encode is not None and x is not None and not coded:
            return inputs_of(self.encode(x))
        return inputs_of(conform(x, self.x, self.x_names))

    def respond(self, values: Mapping[str, Any], what: Callable[[Distribution], Any], x: Any = None) -> np.ndarray:
        """Return `what` of the response's distribution for each draw of values, (S, n) or (S, n, m).

        values: every parameter by name, (S, *shape). what: its mean, its variance, a sample, log_prob of a response in
        the distribution's own shape; it is given one distribution for all draws where the code takes a batch in front,
        else one at a time. x: rows as `new_inputs` returns them, those fitted by default.
        """
        given = inputs_of(self.x) if x is None else x
        drawn = self.by_parameter(values)
        S = next(iter(drawn.values())).shape[0]
        facts = self.density.facts
        if facts.native:
            from .program_density import meeting

            with values_in_effect({p: meeting(v, facts.batching) for p, v in drawn.items()}):
                found = np.asarray(what(self.response(given).resolved(len(facts.response_shape))))
        else:
            pieces = []
            for s in range(S):
                with values_in_effect({p: v[s] for p, v in drawn.items()}):
                    pieces.append(np.asarray(what(self.response(given))))
            found = np.stack(pieces)
        rest = (self.y.shape[1:]) if self.y.ndim > 1 else ()
        return found.reshape(S, -1, *rest)

    def as_response(self, y: Any) -> Any:
        """Return a response (n,) or (n, m) in the shape of the model's distribution, a float64 tensor."""
        return tensor(np.asarray(y, float).reshape(-1, *self.density.facts.response_shape[1:]))

    def log_joint(self, values: Mapping[str, Any]) -> Any:
        """Return log p(y, parameters) at values by name (..., *shape), no Jacobian, shape (...).

        A parameter with a transform counts by the density of what its prior speaks of.
        """
        return self.density.log_prob({name: tensor(value) for name, value in values.items()})

    def prior_sample(self, n: int = 1, seed: int = 0) -> dict[str, np.ndarray]:
        """Return n draws of every parameter from its prior, by name, (n, *shape); SpecError for a Flat prior."""
        rng = np.random.default_rng(seed)
        drawn: dict[Parameter, Any] = {}
        found = {}
        for name, parameter in zip(self.names, self.parameters, strict=True):
            with values_in_effect(drawn):
                prior = self.priors[name].resolved(len(parameter.shape))
            latent = drawn_from(prior, rng, (n, *parameter.shape))
            drawn[parameter] = parameter.transformed(tensor(latent))
            found[name] = np.asarray(drawn[parameter])
        return found


def inputs_of(x: Any) -> Any:
    """Return x as float64 tensors."""
    if x is None:
        return None
    if isinstance(x, Mapping):
        return {key: tensor(value) for key, value in x.items()}
    return tensor(x)


def drawn_from(prior: Distribution, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Return draws of a parameter from its resolved prior, of one more axis in front than the parameter has."""
    trimmed = {}
    for key, value in prior.arguments.items():
        # A matrix of correlations has an axis more than the rows that it belongs to.
        rank = len(size) - prior.event_rank + prior.argument_ranks.get(key, 0)
        trimmed[key] = np.asarray(value).reshape(np.shape(value)[max(0, np.ndim(value) - rank) :])
    return prior.with_arguments(trimmed).draw(rng, size)


def _kind(found: Any) -> str:
    """Return what a thing is, for a sentence."""
    if isinstance(found, type):
        return f"the class {found.__name__}"
    if hasattr(found, "dtype") and hasattr(found, "shape"):
        return f"{'an array' if isinstance(found, np.ndarray) else 'a tensor'} of shape {tuple(found.shape)}"
    return "nothing" if found is None else f"a {type(found).__name__}"
