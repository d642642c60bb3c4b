"""Statements: a text of explicit statements and its data become a Program."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..design.expression import number
from ..design.wording import counted, first_row
from ..errors import DataError, ProbflowError, SpecError
from ..lang.printer import label, print_node
from ..lang.source import quoted
from ..lang.tree import Name, Node
from ..objects import bounded, continuous, discrete, inflated, multivariate
from ..objects.distribution import Distribution
from ..objects.parameter import (
    BoundedParameter,
    CorrelationParameter,
    Parameter,
    PositiveParameter,
    SimplexParameter,
)
from ..objects.value import Derived, Value
from ..spec.expression import fold
from ..spec.likelihoods import LIKELIHOODS
from ..spec.place import places
from ..spec.signatures import DEFAULT, DISTRIBUTIONS, bound
from ..spec.statement_spec import INTERCEPT, Declaration, StatementSpec, used_names
from .element_prior import joined
from .program import Program
from .statement_data import Sources, read_sources, split_rows
from .statement_matrix import is_matrix
from .statement_shapes import Shapes, in_order, infer_shapes, reached
from .statement_values import Operand, Reader, Shape


def program(spec: StatementSpec, data: Any = None, arrays: Mapping[str, Any] | None = None, title: str = "") -> Program:
    """Return the program of statements on data.

    data: any frame, or None where the arrays suffice. arrays: arrays, frames, sparse matrices and numbers by name;
    a column of the data comes before an array of its name. title: shown above.
    Raises ProbflowError, with the faulty part of the text, for names, shapes and values that do not fit.
    """
    try:
        _check_priors(spec)
        return _Builder(spec, read_sources(spec, data, dict(arrays or {}))).program(title)
    except ProbflowError as error:
        raise error.within(spec.source) from None


def program_of(spec: StatementSpec, sources: Sources, title: str = "") -> Program:
    """Return the program of statements on what their open names stand for; see `program`."""
    try:
        _check_priors(spec)
        return _Builder(spec, sources).program(title)
    except ProbflowError as error:
        raise error.within(spec.source) from None


def _check_priors(spec: StatementSpec) -> None:
    for declaration in spec.declarations:
        if declaration.prior.function == DEFAULT:
            message = f"{quoted(declaration.label)} has no default prior: only models of a formula have them."
            raise SpecError(message, span=declaration.prior.span, hint="Write a distribution, such as Normal(0, 10).")


@dataclass(eq=False)
class _Builder:
    """What is known of one text and its data while its program is made."""

    spec: StatementSpec
    sources: Sources

    def program(self, title: str) -> Program:
        spec, sources = self.spec, self.sources
        if spec.likelihood.function == "Ordinal":
            message = "An ordinal response is fitted as a mixed model only: with design(...) @ w and group effects."
            hint = "Write y ~ Ordinal(logit = X @ w + Z @ u, cut = cut), X = design(...), Z = indicators(g)."
            raise SpecError(message, span=spec.likelihood.span, hint=hint)
        _check_names(spec, sources)
        self.shapes = shapes = infer_shapes(spec, sources)
        self.reader = reader = Reader(spec, sources, shapes.found)
        y = _response(spec, sources)
        read = {key: reader.read(node) for key, node in bound(spec.likelihood).items()}
        _check_likelihood(spec, sources, y, reader)
        self.parameters: dict[str, Parameter] = {}
        for name in _parents_first(spec, in_order(spec)):
            self.parameters[name] = self._parameter(name)
        notes: tuple[str, ...] = ()
        if sources.n_missing:
            notes = (f"{counted(sources.n_missing, 'row')} with missing values left out",)
        return Program(
            title=title,
            formula=spec.formula,
            parameters=tuple(self.parameters.values()),
            call=_likelihood(spec.likelihood.function, read, self.parameters, sources.scope.n),
            x=dict(reader.inputs) or None,
            y=y,
            response_name=label(spec.response),
            labels={name: s.labels for name, s in shapes.found.items() if s.labels},
            columns={name: s.columns for name, s in shapes.found.items() if s.columns},
            source=spec.source,
            notes=notes,
            encode=self._encode if reader.inputs else None,
            sources=sources.copied(),
        )

    def _encode(self, data: Any) -> dict[str, np.ndarray]:
        """Return the inputs of new rows, coded as those of the fit; arrays stand in a dictionary beside the columns.

        Raises DataError for columns that are missing, and for levels that the fit has not seen.
        """
        spec, states = self.spec, dict(self.sources.scope.states)
        given = split_rows(data)
        try:
            sources = read_sources(spec, *given, states=states, response=False)
            # Single numbers are those of the fit.
            sources = replace(sources, numbers={**self.sources.numbers, **sources.numbers})
            reader = Reader(spec, sources, self.shapes.found, dict(self.reader.groupings))
            for node in bound(spec.likelihood).values():
                reader.read(node)
        except ProbflowError as error:
            raise error.within(spec.source) from None
        return reader.inputs

    # ---- parameters ---------------------------------------------------------------------------------------------

    def _parameter(self, name: str) -> Parameter:
        declared = [d for d in self.spec.declarations if d.name == name]
        shape = self.shapes.found[name]
        whole = next((d for d in declared if d.element is None), None)
        elements = {d.element: d for d in declared if d.element is not None}
        try:
            if elements:
                prior = self._by_element(name, shape, whole, elements)
            else:
                assert whole is not None
                prior = self._distribution(whole, shape)
            return self._kind(name, shape, prior, declared[0])
        except SpecError as error:
            if error.span is None:
                error.span = declared[0].span
            raise

    def _kind(self, name: str, shape: Shape, prior: Distribution, declaration: Declaration) -> Parameter:
        """Return the kind of parameter that has the values of its prior."""
        support, size = prior.support, shape.shape
        if support == "correlation":
            if size[:1] < (2,):
                message = f"{quoted(name)} is for one column, which has no correlations."
                raise SpecError(message, span=declaration.span, hint="Write u ~ Normal(0, tau) in place of it.")
            return CorrelationParameter(size[0], prior, name)
        if support == "simplex":
            if size[:1] < (2,):
                message = f"{quoted(name)} is one number, but a Dirichlet is a distribution of parts."
                raise SpecError(message, span=declaration.span, hint="Use it as X @ p.")
            return SimplexParameter(size, prior, name)
        if support == "positive" or (support == "any" and "positive" in places(self.spec, name)):
            return PositiveParameter(size, prior, None, name)
        if support == "unit" or (support == "any" and "probability" in places(self.spec, name)):
            return BoundedParameter(0.0, 1.0, size, prior, None, name)
        if support == "interval":
            bounds = [prior.arguments[key] for key in ("low", "high")]
            if any(isinstance(b, Value) for b in bounds):
                message = f"The bounds of {quoted(name)} must be numbers, not parameters."
                raise SpecError(message, span=declaration.prior.span)
            return BoundedParameter(bounds[0], bounds[1], size, prior, None, name)
        if support in ("binary", "count", "category"):
            message = f"{quoted(name)} cannot have the prior {prior.name}: it speaks of whole numbers."
            hint = "A parameter has a continuous prior, such as Normal(0, 10)."
            raise SpecError(message, span=declaration.prior.span, hint=hint)
        return Parameter(size, prior, None, name)

    def _by_element(
        self, name: str, shape: Shape, whole: Declaration | None, elements: Mapping[str, Declaration]
    ) -> Distribution:
        missing = [element for element in shape.labels if element not in elements]
        if missing and whole is None:
            first = next(iter(elements.values()))
            message = f"{quoted(f'{name}[{missing[0]}]')} has no prior."
            hint = f"Give it one, or all others together: {name} ~ Normal(0, 10)."
            raise SpecError(message, span=first.left, hint=hint)
        parts = [self._distribution(elements.get(e) or whole, Shape(())) for e in shape.labels]  # type: ignore[arg-type]
        centered = any(d.centered for d in elements.values())
        return joined(parts, self._means(name) if centered else None)

    def _means(self, name: str) -> np.ndarray:
        """Return the means of the columns that a parameter multiplies."""
        for found in self.reader.matrices.values():
            if (
                found.kind == "dense"
                and found.columns == self.shapes.found[name].labels
                and INTERCEPT in found.columns[:1]
            ):
                return found.arrays[found.key].mean(axis=0)
        raise SpecError(f"{quoted(name)} has no {INTERCEPT} that could be centered.")

    def _distribution(self, declaration: Declaration, shape: Shape) -> Distribution:
        prior = declaration.prior
        arguments: dict[str, Any] = {}
        for key, node in bound(prior).items():
            value = fold(node)
            arguments[key] = value if value is not None else self._argument(node, declaration.name, key, shape)
        if prior.function == "Dirichlet" and isinstance(arguments.get("concentration"), float) and shape.shape:
            arguments["concentration"] = np.full(shape.shape[-1], arguments["concentration"])
        return distribution(prior.function)(**arguments)

    def _argument(self, node: Node, name: str, key: str, shape: Shape) -> Any:
        """Return an argument of a prior: a parameter, arithmetic on parameters, or an array."""
        if isinstance(node, Name) and node.name in self.parameters:
            self._check_fit(node, self.shapes.found[node.name], name, shape, key)
            return self.parameters[node.name]
        levels = None
        held = self.shapes.matrices.get(name)
        if held is not None and shape.shape:
            found = self.reader.matrix(held)
            index = found.arrays[f"{found.key} level"].astype(int)
            levels = (index, len(found.levels), label(held))
        groupings = self.reader.groupings
        reader = Reader(self.spec, self.sources, self.shapes.found, groupings, {}, {}, levels, fixed=True)
        operand = reader.read(node)
        return self._value(operand, node, shape, key)

    def _check_fit(self, node: Name, inner: Shape, name: str, shape: Shape, key: str) -> None:
        if key == "cor":
            return
        whole = shape.shape
        if inner.shape in ((), whole, whole[-1:]):
            return
        sizes = " x ".join(map(str, inner.shape))
        message = f"{quoted(node.name)} has {sizes} elements, which do not fit {quoted(name)} of "
        message += " x ".join(map(str, whole)) if whole else "one number"
        raise DataError(f"{message}.", span=node.span, hint="Declare one for each.")

    def _value(self, operand: Operand, node: Node, shape: Shape, key: str) -> Any:
        if operand.axis == "rows" and shape.shape[:1] != (operand.size,):
            message = f"{quoted(label(node))} has {operand.size:,} values, but stands in the prior of "
            message += f"{' x '.join(map(str, shape.shape))} elements." if shape.shape else "one number."
            raise DataError(message, span=node.span, hint="Columns of rows stand in the likelihood.")
        parents = tuple(self.parameters[name] for name in operand.parameters)
        across = operand.axis == "rows" and len(shape.shape) == 2
        own = () if not operand.axis else (operand.size, 1) if across else (operand.size,)

        def current(*values: Any) -> Any:
            held = dict(zip(operand.parameters, values))
            found = operand.make((held.__getitem__, {}))
            return found[..., None] if across else found

        if not parents:
            return np.asarray(current())
        return Derived(current, parents, own, print_node(node))


def _parents_first(spec: StatementSpec, users_first: list[str]) -> list[str]:
    """Return the parameters in the order written, but what a prior uses before it."""
    done: list[str] = []

    def add(name: str) -> None:
        if name in done:
            return
        used = {p for d in spec.declarations if d.name == name for p in reached(spec, d.prior)}
        for parent in [p for p in spec.parameters if p in used]:
            add(parent)
        done.append(name)

    # From below, so that no call goes deeper than one step.
    ready = {name: i for i, name in enumerate(reversed(users_first))}
    for name in sorted(spec.parameters, key=ready.__getitem__) if len(spec.parameters) > 200 else spec.parameters:
        add(name)
    return done


def distribution(name: str) -> Callable[..., Distribution]:
    """Return the class of a distribution by its name."""
    for module in (continuous, discrete, inflated, bounded, multivariate):
        found = getattr(module, name, None)
        if isinstance(found, type) and issubclass(found, Distribution):
            return found
    raise SpecError(f"There is no distribution called {quoted(name)}.")


def _likelihood(
    name: str, read: Mapping[str, Operand], parameters: Mapping[str, Parameter], n: int
) -> Callable[[Any], Distribution]:
    make = distribution(name)
    # A link that the class has no argument for is undone before it.
    own = inspect.signature(make.__init__).parameters

    def call(x: Any) -> Distribution:
        tf = load()
        environment = (lambda key: parameters[key](), x or {})
        arguments = {}
        for key, operand in read.items():
            value = operand.make(environment)
            if key not in own and key in _INVERSES:
                key, value = LIKELIHOODS[name].mean, _INVERSES[key](value)
            # One number for all rows, with a batch in front, gets an axis for the rows.
            arguments[key] = value if operand.axis else value[..., None]
        if not any(operand.axis for operand in read.values()):
            # Nothing else tells how many rows there are.
            first = next(iter(arguments))
            arguments[first] = arguments[first] + tf.zeros([n], tf.float64)
        return make(**arguments)

    return call


_INVERSES: dict[str, Callable[[Any], Any]] = {
    "log": lambda x: load().exp(x),
    "inverse": lambda x: 1.0 / x,
    "sqrt": lambda x: x * x,
    "probit": lambda x: 0.5 * load().math.erfc(-(0.5**0.5) * x),
    "cloglog": lambda x: -load().math.expm1(-load().exp(x)),
    "cauchit": lambda x: 0.5 + load().atan(x) / np.pi,
}


def _response(spec: StatementSpec, sources: Sources) -> np.ndarray:
    for name in used_names(spec.response):
        if name.name not in sources.scope.columns:
            from .statement_data import unknown

            if name.name in sources.matrices:
                message = f"The response {quoted(name.name)} is a matrix; a model has one response."
                raise DataError(message, span=name.span)
            error = unknown(name, sources, spec, factor=True)
            error.message = f"There is no {quoted(name.name)} in the data, so it cannot be the response."
            if not used_elsewhere(spec):
                error.hint = error.hint or "If it is a parameter, the likelihood must use it."
            raise error
        column = sources.scope.columns[name.name]
        if column.kind == "factor":
            message = f"The response {quoted(name.name)} holds text or categories; it must hold numbers."
            raise DataError(message, span=name.span, hint="Convert it to numbers first, such as 0 and 1.")
    return np.array(number(spec.response, sources.scope), dtype=np.float64)


def used_elsewhere(spec: StatementSpec) -> bool:
    """Whether the likelihood uses any parameter."""
    return any(name.name in spec.parameters for name in used_names(spec.likelihood))


def _check_names(spec: StatementSpec, sources: Sources) -> None:
    """Refuse a parameter or a definition of numbers that is also a column."""
    taken = set(sources.column_names)
    for declaration in spec.declarations:
        if declaration.name in taken:
            where = "a column of the data" if declaration.name not in sources.matrices else "an array"
            message = f"{quoted(declaration.name)} is a parameter of the text and {where}."
            raise DataError(message, span=declaration.left, hint="Give the parameter another name.")
    for definition in spec.definitions:
        if definition.name in taken and not is_matrix(definition.value, spec, sources):
            message = f"{quoted(definition.name)} is defined in the text and a column of the data."
            raise DataError(message, span=definition.name_span, hint="Give the definition another name.")


def _check_likelihood(spec: StatementSpec, sources: Sources, y: np.ndarray, reader: Reader) -> None:
    """Refuse a response that the likelihood cannot have, with its first row."""
    name, support = spec.likelihood.function, DISTRIBUTIONS[spec.likelihood.function].support
    good, words = np.ones(len(y), dtype=bool), ""
    if name == "Bernoulli":
        good, words = (y == 0) | (y == 1), "0 or 1"
    elif support == "count":
        good, words = (y >= 0) & (y == np.floor(y)), "a whole number of at least 0"
        trials = bound(spec.likelihood).get("trials")
        if good.all() and trials is not None:
            operand = reader.read(trials)
            most = np.broadcast_to(np.asarray(operand.make((lambda _: None, reader.inputs))), y.shape)
            good, words = y <= most, f"at most the trials {quoted(label(trials))}"
    elif support == "positive":
        good, words = y > 0, "above 0"
    elif support == "probability":
        good, words = (y > 0) & (y < 1), "between 0 and 1"
    if not good.all():
        bad = ~good
        message = f"{name} needs a response of {words}, but {quoted(label(spec.response))} is {y[bad][0]:g}, "
        raise DataError(f"{message}{first_row(bad, sources.scope.rows)}.", span=spec.response.span)


__all__ = ["Shapes", "distribution", "program", "program_of"]
