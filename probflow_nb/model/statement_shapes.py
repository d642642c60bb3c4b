"""Statement shapes: how many elements each declared parameter has, from its uses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..errors import DataError, Span
from ..lang.source import quoted
from ..lang.tree import Binary, Call, Name, Node, Subscript, children
from ..spec.signatures import bound
from ..spec.statement_spec import StatementSpec, used_names
from ..spec.suggestion import did_you_mean
from .statement_data import Sources
from .statement_values import Reader, Shape, misfit


@dataclass(eq=False)
class Shapes:
    """The shapes of the parameters of a text, and the matrix that gave a parameter its levels.

    found: by parameter. matrices: for effects, the expression of their matrix.
    """

    found: dict[str, Shape] = field(default_factory=dict)
    matrices: dict[str, Node] = field(default_factory=dict)


def infer_shapes(spec: StatementSpec, sources: Sources) -> Shapes:
    """Return the shape of every parameter: what `@` and u[g] say in the likelihood, then what the priors ask for.

    Where the prior of u (J, k) holds tau, tau has one element for each of the k columns, which all levels share; where
    that of w (p) or u (J) holds it, tau is one number.
    Raises DataError for uses that do not agree.
    """
    shapes = Shapes()
    reader = Reader(spec, sources, shapes.found)
    for argument in bound(spec.likelihood).values():
        _walk(argument, reader, shapes, products=True)
    # Whether w[x] is an element or u[g] the levels is known once `@` has given w its elements.
    for argument in bound(spec.likelihood).values():
        _walk(argument, reader, shapes, products=False)
    for argument in bound(spec.likelihood).values():
        for bare in _bare(argument, spec):
            shapes.found.setdefault(bare.name, Shape((), where="used as one number"))
    for name in in_order(spec):
        shapes.found.setdefault(name, Shape(()))
        own = shapes.found[name]
        for declaration in spec.declarations:
            if declaration.name == name:
                _of_prior(declaration.prior, own, declaration.element is not None, reader, shapes)
    for declaration in spec.declarations:
        _check_element(declaration.name, declaration.element, declaration.left, shapes.found[declaration.name])
    return shapes


def in_order(spec: StatementSpec) -> list[str]:
    """Return the parameters, each before those that its own prior uses."""
    users: dict[str, set[str]] = {name: set() for name in spec.parameters}
    for declaration in spec.declarations:
        for used in reached(spec, declaration.prior):
            users[used].add(declaration.name)
    done: list[str] = []
    while len(done) < len(users):
        done += [name for name in users if name not in done and users[name] <= set(done)]
    return done


def reached(spec: StatementSpec, node: Node) -> set[str]:
    """Return the parameters that an expression uses, also through definitions."""
    found: set[str] = set()
    waiting, seen = [node], set()
    while waiting:
        for name in used_names(waiting.pop()):
            value = spec.definition(name.name)
            if value is not None and name.name not in seen:
                seen.add(name.name)
                waiting.append(value)
            elif name.name in spec.parameters:
                found.add(name.name)
    return found


def _walk(node: Node, reader: Reader, shapes: Shapes, *, products: bool) -> None:
    """Note what every use of a parameter after `@`, or else before a bracket, says of its shape."""
    match node:
        case Binary("@", left, Name(name)) if name in reader.spec.parameters:
            if not products:
                return
            found = reader.matrix(left)
            shape = Shape(found.shape, found.labels, found.columns if found.kind == "group" else (), f"@ {found.where}")
            if name in shapes.found and shapes.found[name].shape != shape.shape:
                raise misfit(node, Name(name), shapes.found[name], found)
            shapes.found.setdefault(name, shape)
            if found.kind == "group":
                shapes.matrices.setdefault(name, left)
        case Subscript(Name(name)) if name in reader.spec.parameters:
            if products or not reader.is_level_index(node):
                return
            matrix = reader.indicators(node)
            found = reader.matrix(matrix)
            if name in shapes.found and shapes.found[name].shape != found.shape:
                raise misfit(node, Name(name), shapes.found[name], found)
            shapes.found.setdefault(name, Shape(found.shape, found.labels, (), found.where))
            shapes.matrices.setdefault(name, matrix)
        case Name(name):
            value = reader.spec.definition(name)
            if value is not None:
                _walk(value, reader, shapes, products=products)
        case Call(function) if function in ("design", "indicators"):
            return
        case Binary("by"):
            return
        case _:
            for child in children(node):
                _walk(child, reader, shapes, products=products)


def _of_prior(prior: Call, own: Shape, element: bool, reader: Reader, shapes: Shapes) -> None:
    """Note what the prior of a parameter asks of the parameters in it."""
    inner = Shape((), (), (), "")
    vector = prior.function == "MultivariateNormal"
    if (len(own.shape) == 2 or vector) and own.shape and not element:
        axis = own.columns if len(own.shape) == 2 else own.labels
        inner = Shape(own.shape[-1:], axis, (), f"one for each of {', '.join(axis[:4])}")
    for argument, node in bound(prior).items():
        if argument == "cor" and isinstance(node, Name):
            k = own.shape[-1] if own.shape else 1
            wanted = Shape((k, k), inner.labels, inner.labels, f"for {k} columns")
            _agree(node, wanted, shapes)
            continue
        _walk(node, reader, shapes, products=True)
        _walk(node, reader, shapes, products=False)
        # A location is one number unless its own uses say more: only scales have an element for each column.
        wanted = inner if argument in ("sd", "scale") else Shape(())
        for name in _bare(node, reader.spec):
            if name.name not in shapes.found:
                shapes.found[name.name] = wanted


def _agree(node: Name, wanted: Shape, shapes: Shapes) -> None:
    held = shapes.found.get(node.name)
    if held is not None and held.shape != wanted.shape:
        message = f"{quoted(node.name)} is a correlation matrix for {held.shape[0] if held.shape else 1} columns "
        message += f"and for {wanted.shape[0]}."
        raise DataError(message, span=node.span, hint="Declare one for each.")
    shapes.found[node.name] = replace(wanted)


def _bare(node: Node, spec: StatementSpec) -> list[Name]:
    """Return the parameters that stand as numbers in an expression: not after `@`, not before a bracket."""
    match node:
        case Binary("@"):
            return []
        case Subscript():
            return []
        case Name(name):
            if name in spec.parameters:
                return [node]
            value = spec.definition(name)
            return [] if value is None else _bare(value, spec)
        case Call(function) if function in ("design", "indicators"):
            return []
        case _:
            return [name for child in children(node) for name in _bare(child, spec)]


def _check_element(name: str, element: str | None, span: Span, shape: Shape) -> None:
    if element is None:
        return
    if len(shape.shape) != 1:
        size = "one number" if not shape.shape else f"{' x '.join(map(str, shape.shape))} elements"
        message = f"{quoted(name)} is {size}, so it has no element {quoted(element)} with a prior of its own."
        raise DataError(message, span=span, hint=f"Write {name} ~ ...")
    if element not in shape.labels:
        hint = did_you_mean(element, shape.labels, f"Its elements are {', '.join(shape.labels[:12])}.")
        raise DataError(f"{quoted(name)} has no element {quoted(element)}.", span=span, hint=hint)
