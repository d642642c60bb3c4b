"""Program checks: run a model's code once, find out how it takes its data, and say what is wrong before a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend.tensorflow import load
from ..errors import DataError, EngineError, ProbflowError, SpecError
from ..objects.distribution import SUPPORTS, Distribution
from ..objects.module import prior_parents
from ..objects.value import tensor, values_in_effect
from .call_fault import call_fault
from .element_names import is_long, scalar_names
from .prior_term import PriorTerm
from .program import inputs_of
from .program_density import NATIVE, ResponseFacts, over_batch, row_densities, terms_of, walk

if TYPE_CHECKING:
    from .program import Program

# Rows at which batches of draws are held against single ones.
_ROWS = 256
_POINTS = 8
# Operations that run Python.
_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


def check(program: Program) -> ResponseFacts:
    """Return what running the code showed.

    Raises SpecError for a parameter that is never used, EngineError for code that fails, returns no distribution or has
    no finite density to start from, and DataError for a response that does not fit the distribution.
    """
    _check_names(program)
    terms = terms_of(program)
    constants = _constants(terms)
    x = inputs_of(program.x)
    _check_lengths(program)
    start = _start(program, terms, constants)
    with values_in_effect(dict(zip(program.parameters, start, strict=True))) as scope:
        distribution = program.response(x).resolved()
        reads = set(scope.reads)
    _check_used(program, reads)
    shape = _response_shape(program, distribution)
    y = tensor(program.y.reshape(shape))
    _check_support(program, distribution)
    rank = len(shape)
    _check_finite(program, terms, constants, x, y, rank)
    z = _points(terms, 0.3)[: _batch_size([*(t.slot.shape for t in terms), *_shapes(x), shape], program.n_rows)]
    singles = [walk(terms, tensor(row), constants) for row in z]
    before = np.asarray(row_densities(program, singles[0][:-1], x, y, rank))
    prior_batching = _prior_batching(terms, constants, z, singles)
    by_rows, batching = _batching(program, [single[:-1] for single in singles], x, y, rank)
    _check_traced(program, start, x, y, rank)
    _check_repeats(program, before, np.asarray(row_densities(program, singles[0][:-1], x, y, rank)))
    return ResponseFacts(shape, distribution.event_rank, batching, prior_batching, by_rows)


def _constants(terms: tuple[PriorTerm, ...]) -> dict[str, Any]:
    tf = load()
    found = {key: tensor(value) for term in terms for key, value in term.constants().items()}
    return {**found, "centring": tf.zeros([sum(term.n_units for term in terms)], tf.float64)}


def _size(terms: tuple[PriorTerm, ...]) -> int:
    return terms[-1].slot.stop


def _check_names(program: Program) -> None:
    """Raise SpecError where an element of one parameter is called as another parameter or its element is."""
    owners: dict[str, str] = {}
    for name, parameter in zip(program.names, program.parameters, strict=True):
        elements = (name,) if is_long(parameter) else scalar_names(name, parameter, program.labels, program.columns)
        for element in elements:
            if element in owners:
                raise SpecError(
                    f"{owners[element]} and {name} both have an element named {element}.",
                    hint="Give one of them another name.",
                )
            owners[element] = name


def _check_lengths(program: Program) -> None:
    x = program.x if isinstance(program.x, Mapping) else {} if program.x is None else {"": program.x}
    for key, value in x.items():
        n = int(value.shape[0])
        if n != program.n_rows:
            name = f"x[{key!r}]" if key else "x"
            raise DataError(
                f"{name} has {n:,} rows, but {program.response_name} has {program.n_rows:,}.",
                hint="Each row of x belongs to one response.",
            )


def _start(program: Program, terms: tuple[PriorTerm, ...], constants: Mapping[str, Any]) -> list[Any]:
    """Return the values at z = 0; SpecError for a transform that changes the shape or a prior that is not finite."""
    tf = load()
    zero = tf.zeros([_size(terms)], tf.float64)
    try:
        *values, _ = walk(terms, zero, constants)
    except ProbflowError:
        raise
    except Exception as error:
        raise call_fault(error, "The code of a prior or a transform") from error
    for term, value in zip(terms, values, strict=True):
        if tuple(value.shape) != term.slot.shape:
            raise SpecError(
                f"The transform of {term.slot.name} turns shape {term.slot.shape} into {tuple(value.shape)}, "
                "but it must keep the shape."
            )
    return values


def _check_used(program: Program, reads: set[Any]) -> None:
    used = reads | {parent for p in program.parameters for parent in prior_parents(p)}
    for name, parameter in zip(program.names, program.parameters, strict=True):
        if parameter not in used:
            raise SpecError(
                f"The parameter {name} is never used: neither the model's code nor a prior reads it.",
                hint=f"Use {name}() in __call__, or leave the parameter out.",
            )


def _response_shape(program: Program, distribution: Distribution) -> tuple[int, ...]:
    """Return the distribution's shape when it stands for the rows of y one by one; DataError where it does not."""
    y = program.y
    found = tuple(int(n or 0) for n in distribution.shape)
    for allowed in {y.shape, (*y.shape, 1) if y.ndim == 1 else y.shape}:
        if found == allowed:
            return allowed
    name, n = program.response_name, len(y)
    said = f"The response {name} has shape {y.shape}, but the distribution that the model returns has shape {found}"
    if found == () or (n > 1 and all(size == 1 for size in found)):
        raise DataError(
            f"{said}: it is the same single number for all {n:,} rows.",
            hint="Give the mean one value for each row, for example x[:, :1] * 0 + self.mu().",
        )
    if len(found) > 1 and found[-2:] == (n, n):
        raise DataError(
            f"{said}: a column (n, 1) met a row (n,), which makes every row meet every other.",
            hint="Give mean and scale the same number of axes.",
        )
    sizes = ", ".join(f"{p_name} {p.shape}" for p_name, p in zip(program.names, program.parameters, strict=True))
    shape = getattr(program.x, "shape", None)
    inputs = f", x of shape {tuple(shape)}" if shape is not None else ""
    raise DataError(
        f"{said}.",
        hint=f"It must be {y.shape}{f' or {(*y.shape, 1)}' if y.ndim == 1 else ''}; it comes from {sizes}{inputs}.",
    )


def _check_support(program: Program, distribution: Distribution) -> None:
    inside = distribution.contains(tensor(program.y.reshape([int(n or 0) for n in distribution.shape])))
    if inside is None or bool(np.all(inside)):
        return
    row = int(np.argwhere(~np.asarray(inside))[0][0])
    shown = np.array2string(program.y[row], precision=6)
    raise DataError(
        f"Row {row} of {program.response_name} is {shown}, but {distribution.name} speaks of "
        f"{_support_words(distribution)}.",
        hint="Take another distribution, or leave out such rows.",
    )


def _support_words(distribution: Distribution) -> str:
    if distribution.name == "Binomial":
        return "whole numbers from 0 to the trials"
    if distribution.name == "Categorical":
        return f"categories 0 to {getattr(distribution, 'n_categories', 0) - 1}"
    return SUPPORTS[distribution.support]


def _points(terms: tuple[PriorTerm, ...], scale: float) -> np.ndarray:
    return scale * np.random.default_rng(1).standard_normal((_POINTS, _size(terms)))


def _check_finite(
    program: Program, terms: tuple[PriorTerm, ...], constants: Mapping[str, Any], x: Any, y: Any, rank: int
) -> None:
    """Raise EngineError when neither z = 0 nor any of some random points has a finite log density."""
    points = np.concatenate([np.zeros((1, _size(terms))), _points(terms, 0.5)])
    first: Any = None
    for z in points:
        *values, prior = walk(terms, tensor(z), constants)
        rows = row_densities(program, values, x, y, rank)
        if np.isfinite(float(prior)) and np.isfinite(np.asarray(rows)).all():
            return
        first = (values, rows) if first is None else first
    _explain(program, terms, constants, *first)


def _explain(
    program: Program, terms: tuple[PriorTerm, ...], constants: Mapping[str, Any], values: list[Any], rows: Any
) -> None:
    """Raise EngineError that names the parameter, or the row, whose log density is not finite."""
    with values_in_effect(dict(zip(program.parameters, values, strict=True))):
        for term, value in zip(terms, values, strict=True):
            if not np.isfinite(np.asarray(value)).all():
                raise EngineError(f"{term.slot.name} is not finite at the start.", hint="Look at its transform.")
            density = None if term.parameter.transform else float(term.log_prob(value, constants))
            if density is not None and not np.isfinite(density):
                raise EngineError(
                    f"The prior {term.prior.label} of {term.slot.name} has log density {density:g} at the start.",
                    hint="Look at the prior's arguments.",
                )
    bad = np.flatnonzero(~np.isfinite(np.asarray(rows)))
    if len(bad) == 0:
        raise EngineError("The log prior is not finite at the start.", hint="Look at the priors' arguments.")
    row = int(bad[0])
    shown = np.array2string(program.y[row], precision=6)
    raise EngineError(
        f"The log density of row {row} ({program.response_name} = {shown}) is "
        f"{float(np.asarray(rows)[row]):g} at the start; {len(bad):,} of {program.n_rows:,} rows are not finite.",
        hint="Look for logarithms of 0, overflow in exp, or priors that are far too wide.",
    )


def _check_traced(program: Program, values: list[Any], x: Any, y: Any, rank: int) -> None:
    """Raise EngineError for code that runs with numbers at hand but cannot be made a graph."""
    tf = load()

    def density(*given: Any) -> Any:
        made = [p.transformed(value) for p, value in zip(program.parameters, given, strict=True)]
        return row_densities(program, made, x, y, rank)

    try:
        traced = tf.function(density, autograph=False)
        signature = [tf.TensorSpec(value.shape, tf.float64) for value in values]
        graph = traced.get_concrete_function(*signature).graph.as_graph_def()
    except ProbflowError as error:
        hint = error.hint or "Use TensorFlow's functions on parameters and x, such as tf.exp in place of numpy's."
        said = f"The model's code cannot be compiled. {error.message}"
        raise EngineError(said, text=error.text, span=error.span, hint=hint) from error
    except Exception as error:
        raise call_fault(error, "The model's code cannot be compiled. A transform") from error
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    used = {node.op for node in nodes}
    if used & _PYTHON:
        raise EngineError(
            "The model's code calls Python from within TensorFlow (py_function or numpy_function), so it cannot be "
            "compiled.",
            hint="Use TensorFlow's own functions.",
        )
    if any("Random" in op for op in used):
        raise EngineError(
            "The model's code draws random numbers, but a log density must be the same each time.",
            hint="Make what is random a parameter.",
        )


def _check_repeats(program: Program, before: np.ndarray, after: np.ndarray) -> None:
    """Raise EngineError for code that answers otherwise when it is called again with the same values."""
    same = np.isclose(before, after, rtol=1e-9, atol=1e-9, equal_nan=True)
    if same.all():
        return
    row = int(np.flatnonzero(~same)[0])
    raise EngineError(
        f"The model's code gives another answer each time it is called: with the same values the log density of row "
        f"{row} was {before[row]:.6g} and then {after[row]:.6g}.",
        hint="Let it change nothing and draw no random numbers; make what is random a parameter.",
    )


def _prior_batching(
    terms: tuple[PriorTerm, ...], constants: Mapping[str, Any], z: np.ndarray, singles: list[list[Any]]
) -> str:
    wanted = [np.stack([np.asarray(single[i]) for single in singles]) for i in range(len(terms) + 1)]
    for how in ("native", "vectorized"):
        if _agrees(lambda one: walk(terms, one, constants), [tensor(z)], how, wanted):
            return how
    return "loop"


def _batching(program: Program, sets: list[list[Any]], x: Any, y: Any, rank: int) -> tuple[bool, str]:
    """Return whether the code may be given some rows only, and how it takes a batch of draws; sets: of values."""
    tf = load()
    n = program.n_rows
    rows = np.unique(np.linspace(0, n - 1, min(n, _ROWS)).round().astype(int))[::-1]
    if len(rows) == n and n > 1:
        rows = rows[: max(1, n - n // 3)]

    def part(value: Any) -> Any:
        return None if value is None else tf.gather(value, rows)

    x_part = {key: part(value) for key, value in x.items()} if isinstance(x, Mapping) else part(x)
    whole = np.asarray(row_densities(program, sets[0], x, y, rank))
    by_rows = _agrees(
        lambda *given: row_densities(program, given, x_part, part(y), rank), sets[0], "single", whole[rows]
    )
    if by_rows:
        x, y = x_part, part(y)
    wanted = np.stack([np.asarray(row_densities(program, given, x, y, rank)) for given in sets])
    batch = [tf.stack([given[i] for given in sets]) for i in range(len(sets[0]))]
    for how in (*NATIVE, "vectorized"):
        if _agrees(lambda *given: row_densities(program, given, x, y, rank), batch, how, wanted):
            return by_rows, how
    return by_rows, "loop"


def _shapes(x: Any) -> list[tuple[int, ...]]:
    if x is None:
        return []
    return [tuple(value.shape) for value in (x.values() if isinstance(x, Mapping) else [x])]


def _batch_size(shapes: list[tuple[int, ...]], n: int = 0) -> int:
    """Return a number of draws that is the length of no axis, so that nothing fits by chance."""
    # Rows may be a part of n when they are held against each other.
    taken = {size for shape in shapes for size in shape} | {n - n // 3, min(n, _ROWS)}
    return next((s for s in (3, 5, 7, 2, 4, 6) if s not in taken), _POINTS)


def _agrees(function: Any, arguments: list[Any], how: str, wanted: Any) -> bool:
    """Whether a function, given the batch in one way, runs and returns what single values gave."""
    try:
        found = function(*arguments) if how == "single" else over_batch(function, arguments, how)
    except Exception:
        return False
    pairs = zip(found, wanted, strict=True) if isinstance(found, list) else [(found, wanted)]
    return all(
        np.shape(a) == np.shape(b) and np.allclose(np.asarray(a), b, rtol=1e-9, atol=1e-9, equal_nan=True)
        for a, b in pairs
    )
