"""Truth: parameters of which data are drawn, by the names that a fit shows; group effects are drawn anew."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import FitError
from ..fit import Fit
from ..inference.engine import Posterior
from ..model.element_names import places, scalar_names
from ..model.letters import shown_names
from ..model.model import Model
from ..model.program import Program, drawn_from
from ..objects.module import prior_parents
from ..objects.value import tensor, values_in_effect
from ..predict.values import Values, mixed_quantities, program_quantities
from ..spec.suggestion import nearest

_NAMED = 12


def names_of(model: Any) -> tuple[str, ...]:
    """Return the scalars of a model in the order shown, a person's own letters where there are any."""
    if isinstance(model, Model):
        letters = shown_names(model)
        return tuple(letters.get(name, name) for name in model.scalar_names)
    return tuple(model.density.names)


def given_names(parameters: Any) -> tuple[str, ...]:
    """Return the names for which values are given."""
    if isinstance(parameters, Fit):
        return names_of(parameters.model)
    return tuple(parameters) if isinstance(parameters, Mapping) else ()


def table_of(model: Any, parameters: Any, n: int, values: str, rng: np.random.Generator) -> np.ndarray:
    """Return the scalars of n data sets, (n, scalars) in the order of `names_of`.

    parameters: a mapping by name, "sd(Subject)" and "cor(Subject)" standing for all of that factor; or a fit.
    values: of a fit, "means" for its posterior means in every data set, "draws" for a draw of its own in each.
    Raises FitError for names that the model does not have, for those missing, and for impossible values.
    """
    names = names_of(model)
    if isinstance(parameters, Fit):
        table = _of_fit(names, parameters, n, values, rng)
    else:
        row = _of_mapping(model, names, parameters)
        table = np.tile(row, (n, 1))
    _check(model, names, table)
    return table


def drawn_values(model: Any, table: np.ndarray, rng: np.random.Generator) -> Values:
    """Return every parameter of n data sets, (n, *shape): the scalars of a table, group effects from their priors."""
    return _mixed(model, table, rng) if isinstance(model, Model) else _program(model, table, rng)


# From names to a table ------------------------------------------------------------------------------------------------


def _of_mapping(model: Any, names: tuple[str, ...], parameters: Any) -> np.ndarray:
    if hasattr(parameters, "to_dict") and not isinstance(parameters, Mapping):
        parameters = parameters.to_dict()
    if not isinstance(parameters, Mapping):
        raise FitError(
            f"Parameters are a mapping from their names to numbers, or a fit, not {parameters!r:.60}.",
            hint=f"Such as {_start(names, {})}.",
        )
    known = {*names, *(model.scalar_names if isinstance(model, Model) else ())}
    aliases: dict[str, str] = dict(zip(model.scalar_names, names, strict=True)) if isinstance(model, Model) else {}
    found: dict[str, float] = {}
    for key, value in sorted(parameters.items(), key=lambda pair: pair[0] in known):
        own = [aliases.get(str(key), str(key))] if key in known else _of_factor(str(key), names)
        for name in own:
            found[name] = _number(str(key), value)
    missing = [name for name in names if name not in found]
    if missing:
        one = len(missing) == 1
        shown = ", ".join(missing[:_NAMED]) + (f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else "")
        raise FitError(
            f"The parameter{'' if one else 's'} {shown} {'is' if one else 'are'} not given.",
            hint=f"Start from parameters={_start(names, found)}.",
        )
    return np.array([found[name] for name in names])


def _of_factor(key: str, names: tuple[str, ...]) -> list[str]:
    """Return the names that "sd(Subject)" or "cor(Subject)" stands for; FitError for a name of nothing."""
    kind, bracket, rest = key.partition("(")
    if bracket and kind in ("sd", "cor") and rest.endswith(")"):
        factor = rest[:-1].split("|")[-1].strip()
        found = [name for name in names if name.startswith(f"{kind}(") and name.endswith(f"| {factor})")]
        if found and "|" not in rest:
            return found
    near = nearest(key, names)
    hint = f"Did you mean {near}? " if near else ""
    shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    raise FitError(f"The model has no parameter {key:.80}.", hint=f"{hint}Its parameters: {shown}.")


def _number(name: str, value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise FitError(f"The value of {name} is a number, not {value!r:.60}.") from None
    if not math.isfinite(found):
        raise FitError(f"The value of {name} is a finite number, not {found}.")
    return found


def _start(names: Sequence[str], found: Mapping[str, float]) -> str:
    """Return a mapping with what is given and, for the rest, values to begin with, as a person types it."""
    cuts = [name for name in names if name.startswith("cut[")]
    shown = []
    for name in names[:_NAMED]:
        if name in found:
            value = found[name]
        elif name in cuts:
            value = cuts.index(name) - (len(cuts) - 1) / 2
        else:
            value = 0.0 if name in ("Intercept", "w[Intercept]") or name.startswith("cor(") or "_" in name else 1.0
            value = 0.1 if name == "zero" else value
        shown.append(f'"{name}": {value:g}')
    return "{" + ", ".join(shown) + (", ..." if len(names) > _NAMED else "") + "}"


def _of_fit(names: tuple[str, ...], fit: Fit, n: int, values: str, rng: np.random.Generator) -> np.ndarray:
    if values not in ("means", "draws"):
        raise FitError(f'values is "means" or "draws", not {values!r:.60}.')
    known = names_of(fit.model)
    missing = [name for name in names if name not in known]
    if missing:
        raise FitError(
            f"The fit has no parameter {missing[0]}, which the planned model has.",
            hint="Give the parameters as a mapping, or plan with the text and the levels of the fit.",
        )
    place = [known.index(name) for name in names]
    if isinstance(fit.answer, Posterior):
        table = fit.answer.draws.table
        if values == "means":
            return np.tile(table.mean(axis=0)[place], (n, 1))
        return table[rng.choice(len(table), n, replace=n > len(table))][:, place]
    if values == "draws":
        raise FitError("A point fit has no draws.", hint='Ask for values="means", its estimates.')
    return np.tile(fit.answer.values[place], (n, 1))


def _check(model: Any, names: tuple[str, ...], table: np.ndarray) -> None:
    """Raise FitError for values that no such parameter can have."""
    plain = model.scalar_names if isinstance(model, Model) else names
    auxiliary = model.auxiliary if isinstance(model, Model) else ()
    for j, (own, name) in enumerate(zip(plain, names, strict=True)):
        low, high = float(table[:, j].min()), float(table[:, j].max())
        if own.startswith("sd(") and low < 0:
            raise FitError(f"The value of {name} is a standard deviation, so at least 0, not {low:g}.")
        if own.startswith("cor(") and max(-low, high) > 1:
            raise FitError(f"The value of {name} is a correlation, from -1 to 1, not {low:g}.")
        if own == "zero" and not 0 <= low <= high <= 1:
            raise FitError(f"The value of {name} is a probability, from 0 to 1, not {low:g}.")
        if own in auxiliary and own != "zero" and not own.startswith("cut[") and low <= 0:
            raise FitError(f"The value of {name} is above 0, not {low:g}.")
    cuts = [j for j, own in enumerate(plain) if own.startswith("cut[")]
    if len(cuts) > 1 and (np.diff(table[:, cuts], axis=1) <= 0).any():
        raise FitError("The cutpoints do not rise from each to the next.", hint="Give them in increasing order.")


# From a table to values -----------------------------------------------------------------------------------------------


def _mixed(model: Model, table: np.ndarray, rng: np.random.Generator) -> Values:
    N, place = len(table), {name: j for j, name in enumerate(model.scalar_names)}
    drawn: dict[str, np.ndarray] = {"beta": table[:, : len(model.design.column_names)]}
    for factor in model.factors:
        columns, k = factor.columns, len(factor.columns)
        sd = np.stack([table[:, place[f"sd({column} | {factor.name})"]] for column in columns], axis=1)
        R = np.broadcast_to(np.eye(k), (N, k, k)).copy()
        for i in range(k):
            for j in range(i):
                at = place.get(f"cor({columns[j]}, {columns[i]} | {factor.name})")
                if at is not None:
                    R[:, i, j] = R[:, j, i] = table[:, at]
        root = sd[:, :, None] * _root(R, factor.name)
        z = rng.standard_normal((N, len(factor.levels), k))
        drawn |= {f"sd[{factor.name}]": sd, f"cor[{factor.name}]": R}
        drawn[f"b[{factor.name}]"] = np.einsum("nij,nlj->nli", root, z)
    drawn |= {name: table[:, place[name]] for name in model.auxiliary}
    return _held(mixed_quantities(model), N, drawn)


def _root(R: np.ndarray, factor: str) -> np.ndarray:
    """Return A (n, k, k) with A A' = R; FitError for correlations that cannot be together."""
    values, vectors = np.linalg.eigh(R)
    if values.min() < -1e-9:
        raise FitError(
            f"The correlations of {factor} cannot all be as given: no three variables correlate so.",
            hint="Bring them nearer to 0.",
        )
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :])


def _program(program: Program, table: np.ndarray, rng: np.random.Generator) -> Values:
    N, start = len(table), 0
    drawn: dict[Any, Any] = {}
    found: dict[str, np.ndarray] = {}
    for name, parameter in zip(program.names, program.parameters, strict=True):
        if program.by_levels(name, parameter):
            if not prior_parents(parameter) and name not in program.formulas.effects:
                raise FitError(
                    f"{name} has {math.prod(parameter.shape):,} elements and no population to be drawn from.",
                    hint="Write the model as a formula, whose parameters all have names.",
                )
            with values_in_effect(drawn):
                prior = program.priors[name].resolved(len(parameter.shape))
            value = np.asarray(parameter.transformed(tensor(drawn_from(prior, rng, (N, *parameter.shape)))))
        else:
            m = len(scalar_names(name, parameter, program.labels, program.columns))
            value = _filled(parameter, table[:, start : start + m])
            start += m
        drawn[parameter], found[name] = tensor(value), value
    return _held(program_quantities(program), N, found)


def _filled(parameter: Any, elements: np.ndarray) -> np.ndarray:
    """Return (n, *shape) from the elements of `places`."""
    if parameter.bijection.support != "correlation":
        return elements.reshape(len(elements), *parameter.shape)
    found = np.broadcast_to(np.eye(parameter.shape[-1]), (len(elements), *parameter.shape)).copy()
    for column, (i, j) in enumerate(places(parameter)):
        found[:, i, j] = found[:, j, i] = elements[:, column]
    return found


def _held(quantities: Any, n: int, drawn: Mapping[str, np.ndarray]) -> Values:
    makers: dict[str, Callable[[], np.ndarray]] = {name: partial(np.asarray, value) for name, value in drawn.items()}
    return Values(quantities, n, {q.name: makers[q.name] for q in quantities})
