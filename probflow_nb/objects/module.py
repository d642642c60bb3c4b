"""Module: a plain class whose parameters are found where it holds them, and named by the way there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import SpecError
from .distribution import Distribution
from .parameter import Parameter
from .value import roots

# Attributes that a model keeps for itself.
_OWN = "_probflow_"


class Module:
    """A part of a model: parameters and other modules in its attributes, lists, tuples and dictionaries."""

    def all_parameters(self) -> tuple[Parameter, ...]:
        """Return the parameters of this module and of all inside it, a prior's own parameters before it."""
        return discover(self).parameters


@dataclass(frozen=True)
class Discovery:
    """Parameters and their names, in step; a prior's own parameters come before it."""

    parameters: tuple[Parameter, ...]
    names: tuple[str, ...]


def discover(module: Module) -> Discovery:
    """Return all parameters of a module with their names: `w`, `layers[0].w`, `u.sd` for one that only a prior holds.

    A parameter found twice is one parameter. Raises SpecError for two parameters of one name and for cyclic priors.
    """
    found: dict[Parameter, str] = {}
    for path, parameter in _held(module, "", set()):
        found.setdefault(parameter, path)
    for parameter in list(found):
        _from_priors(parameter, found, ())
    # A parameter that another model holds too keeps the name under which it was first found.
    names = {parameter: parameter.name or path for parameter, path in found.items()}
    given = list(names.values())
    for parameter, path in found.items():
        if not parameter.explicit_name and given.count(names[parameter]) > 1:
            names[parameter] = path
    _check_names(names, found)
    for parameter, name in names.items():
        parameter.found_name = name
    ordered = in_order(names)
    return Discovery(ordered, tuple(names[p] for p in ordered))


def in_order(parameters: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Return parameters with those of a prior before it, else in the order given; SpecError if priors are cyclic."""
    done: dict[Parameter, None] = {}

    def visit(parameter: Parameter, above: tuple[Parameter, ...]) -> None:
        if parameter in done:
            return
        if parameter in above:
            cycle = " -> ".join(p.label for p in (*above[above.index(parameter) :], parameter))
            raise SpecError(f"The priors go round in a circle: {cycle}.")
        for parent in prior_parents(parameter):
            visit(parent, (*above, parameter))
        done[parameter] = None

    for parameter in parameters:
        visit(parameter, ())
    return tuple(done)


def prior_parents(parameter: Parameter) -> tuple[Parameter, ...]:
    """Return the parameters that a parameter's prior is made of."""
    found = [root for value in parameter.prior.arguments.values() for root in roots(value)]
    return tuple(dict.fromkeys(p for p in found if isinstance(p, Parameter)))


def _held(thing: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Parameter]]:
    """Yield (path, parameter) of everything that a thing holds, in order."""
    if isinstance(thing, Parameter):
        yield path, thing
        return
    if not isinstance(thing, (Module, list, tuple, Mapping)) or id(thing) in seen:
        return
    seen.add(id(thing))
    for key, value in _parts(thing):
        if isinstance(thing, Module):
            if key.startswith(_OWN):
                continue
            inside = f"{path}.{key}" if path else key
        else:
            inside = f"{path}[{key}]"
        yield from _held(value, inside, seen)


def _parts(thing: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(thing, Module):
        shared: dict[str, Any] = {}
        for kind in reversed(type(thing).__mro__):
            shared.update(
                {k: v for k, v in vars(kind).items() if isinstance(v, (Parameter, list, tuple, dict, Module))}
            )
        return {**shared, **vars(thing)}.items()
    if isinstance(thing, Mapping):
        return [(str(key), value) for key, value in thing.items()]
    return [(str(i), value) for i, value in enumerate(thing)]


def _from_priors(parameter: Parameter, found: dict[Parameter, str], above: tuple[Parameter, ...]) -> None:
    """Add the parameters that only a prior holds, named by the argument: `u.sd`."""
    if parameter in above:
        return
    prior: Distribution = parameter.prior
    for key, value in prior.arguments.items():
        inside = [root for root in roots(value) if isinstance(root, Parameter)]
        for place, root in enumerate(inside):
            path = f"{found[parameter]}.{key}" + (f"[{place}]" if len(inside) > 1 else "")
            found.setdefault(root, path)
            _from_priors(root, found, (*above, parameter))


def _check_names(names: Mapping[Parameter, str], paths: Mapping[Parameter, str]) -> None:
    taken: dict[str, Parameter] = {}
    for parameter, name in names.items():
        if name in taken:
            raise SpecError(
                f"Two parameters are named {name}: {paths[taken[name]]} and {paths[parameter]}.",
                hint="Leave out name=, or give each its own.",
            )
        taken[name] = parameter
