"""Auto priors: scales of `prior="auto"` from the data and from how the mean of the response moves with a parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend.tensorflow import load
from ..errors import DataError, SpecError
from ..objects.continuous import HalfStudentT, Normal
from ..objects.distribution import Distribution
from ..objects.parameter import Parameter
from ..objects.value import tensor, values_in_effect
from .program import inputs_of

if TYPE_CHECKING:
    from .program import Program

# Wide, but not so wide as to allow what no data of this scale could mean.
_WIDTH = 2.5
# Numbers of a Jacobian that are held at once.
_MOST = 20_000_000
# Up to so many elements, one pass forward for each is faster than the reverse Jacobian.
_FORWARD = 16


def resolved_priors(program: Program) -> dict[str, Distribution]:
    """Return the prior of each parameter by name.

    "auto" is HalfStudentT(3, 0, 2.5 sd(y)) for a positive parameter. For element i of another it is
    Normal(0, 2.5 sd(y) / s_i), s_i the root mean square over rows of d mean / d element i where all such elements are
    0; the first element whose derivative d is the same in every row, an intercept, gets
    Normal((mean(y) - mean at 0) / d, 2.5 sd(y) / |d|). Raises SpecError for one that does not move the mean.
    """
    found = {name: p.prior for name, p in zip(program.names, program.parameters, strict=True)}
    auto = [p for p in program.parameters if p.auto]
    if not auto:
        return found
    spread = float(np.std(program.y))
    if spread == 0.0:
        raise DataError('The response is constant, so prior="auto" has no scale to go by.')
    names = dict(zip(program.parameters, program.names, strict=True))
    real = [p for p in auto if p.bijection.support == "real"]
    for parameter in auto:
        if parameter not in real:
            found[names[parameter]] = HalfStudentT(3.0, 0.0, _WIDTH * spread)
    intercept_free = True
    if real:
        means, slopes = _slopes(program, real)
        for parameter in real:
            prior, used = _normal(names[parameter], parameter, slopes[parameter], means, program.y, intercept_free)
            found[names[parameter]] = prior
            intercept_free = intercept_free and not used
    return found


def _normal(
    name: str, parameter: Parameter, slope: np.ndarray, means: np.ndarray, y: np.ndarray, intercept_free: bool
) -> tuple[Normal, bool]:
    """Return the prior of one parameter from slope (rows, elements), and whether it took the intercept's place."""
    size = np.sqrt(np.mean(slope**2, axis=0))
    if not np.all(np.isfinite(size)) or np.any(size == 0.0):
        raise SpecError(
            f'{name} has prior="auto", but its element {int(np.argmin(size))} does not move the mean of the response.',
            hint="Give it a prior of its own.",
        )
    location, scale = np.zeros(size.shape), _WIDTH * np.std(y) / size
    constant = np.flatnonzero(np.ptp(slope, axis=0) <= 1e-9 * size)
    used = bool(intercept_free and len(constant))
    if used:
        first = constant[0]
        location[first] = (np.mean(y) - np.mean(means)) / slope[0, first]
    return Normal(location.reshape(parameter.shape), scale.reshape(parameter.shape)), used


def _slopes(program: Program, real: list[Parameter]) -> tuple[np.ndarray, dict[Parameter, np.ndarray]]:
    """Return the mean of the response where the parameters are 0, and its derivative by each, (rows, elements)."""
    tf = load()
    values: dict[Any, Any] = {}
    with values_in_effect(values):
        for parameter in program.parameters:
            zero = parameter in real
            values[parameter] = tf.zeros(parameter.shape, tf.float64) if zero else tensor(parameter.prior_mean())
    sources = [values[p] for p in real]
    elements = sum(p.size for p in real)
    rows = _spaced(program.n_rows, max(1, _MOST // max(1, elements)))

    def mean_of(current: Mapping[Parameter, Any]) -> Any:
        with values_in_effect(current):
            mean = program.response(inputs_of(program.x)).mean()
        flat = tf.reshape(mean, [-1])
        if int(flat.shape[0]) != program.y.size:
            raise DataError(f"The response has {program.y.size} values, but the model's mean has {flat.shape[0]}.")
        return tf.gather(flat, _flat_places(rows, program.y))

    means = mean_of(values).numpy()
    if elements > _FORWARD:
        with tf.GradientTape() as tape:
            tape.watch(sources)
            chosen = mean_of(values)
        found = tape.jacobian(chosen, sources, unconnected_gradients="zero")
        return means, {p: np.asarray(s).reshape(len(means), -1) for p, s in zip(real, found, strict=True)}
    slopes = {}
    for parameter in real:
        columns = []
        for direction in np.eye(parameter.size):
            with tf.autodiff.ForwardAccumulator(values[parameter], tensor(direction.reshape(parameter.shape))) as along:
                chosen = mean_of(values)
            moved = along.jvp(chosen)
            columns.append(np.zeros(len(means)) if moved is None else moved.numpy())
        slopes[parameter] = np.stack(columns, axis=1)
    return means, slopes


def _spaced(n: int, most: int) -> np.ndarray:
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).round().astype(int)


def _flat_places(rows: np.ndarray, y: np.ndarray) -> np.ndarray:
    m = 1 if y.ndim == 1 else y.shape[1]
    return (rows[:, None] * m + np.arange(m)).reshape(-1)
