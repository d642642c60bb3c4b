"""Priors: every parameter gets one, written or default, and the numbers that the density needs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from ..design.design import Design
from ..errors import SpecError
from ..spec.model_spec import ModelSpec
from ..spec.priors import Distribution, Prior, Target
from .default_scale import Default, family_default, spread_of
from .families import auxiliary_names
from .families.spread import WIDTH, rounded


@dataclass(frozen=True)
class PriorTable:
    """One distribution a parameter, in the design's order.

    intercept: of the intercept, None without one. centered: whether it speaks of the value at the predictors' means.
    coefficients: one a column of X, the intercept left out. sds: one a column of each group term.
    correlations: the LKJ parameter of each group term. sigma: of the residual sd, flat where the family has none.
    auxiliary: of the family's further parameters in the order shown, sigma among them.
    """

    intercept: Distribution | None
    centered: bool
    coefficients: tuple[Distribution, ...]
    sds: tuple[tuple[Distribution, ...], ...]
    correlations: tuple[float, ...]
    sigma: Distribution
    auxiliary: tuple[Distribution, ...] = ()


def targets(design: Design, auxiliary: tuple[str, ...] = ("sigma",)) -> tuple[Target, ...]:
    """Return the target of every parameter of a design, in the order shown; auxiliary: the family's own."""
    found: list[Target] = []
    for position, name in enumerate(design.column_names):
        is_intercept = design.has_intercept and position == 0
        found.append(Target("intercept") if is_intercept else Target("coefficient", name))
    for group in design.groups:
        found.extend(Target("sd", column, group.factor) for column in group.column_names)
    for group in design.groups:
        target = Target("cor", None, group.factor)
        if group.correlated and group.n_columns > 1 and target not in found:
            found.append(target)
    return (*found, *map(auxiliary_target, auxiliary))


def auxiliary_target(name: str) -> Target:
    """Return the target of a family's further parameter by its shown name, such as "shape" or "cut[low|high]"."""
    kind, _, element = name.partition("[")
    return Target(kind, element[:-1]) if element else Target(kind)


def resolve(spec: ModelSpec, design: Design, default: Default | None = None) -> ModelSpec:
    """Return the spec with one prior for every parameter: the one written, else the default, its family's unless given.

    The most particular statement wins: `sd(Days | Subject)` over `sd(Subject)`.
    Raises SpecError for a prior on a parameter that the model does not have.
    """
    wanted = targets(design, auxiliary_names(spec.family, design))
    default = default or family_default(spec.family, design) or _default
    _check(spec, design, wanted)
    written = {prior.target: prior for prior in spec.priors}
    priors = [_written(target, written) or Prior(*default(target, design)) for target in wanted]
    return dataclasses.replace(spec, priors=tuple(priors), complete=True)


def _written(target: Target, written: dict[Target, Prior]) -> Prior | None:
    general = {
        "intercept": Target("centered intercept"),
        "coefficient": Target("coefficient", None),
        "sd": Target("sd", None, target.factor),
        "cut": Target("cut"),
    }.get(target.kind, target)
    prior = written.get(target) or written.get(general)
    if prior is None or prior.target == target or target.kind == "intercept":
        return prior
    return dataclasses.replace(prior, target=target)


def _check(spec: ModelSpec, design: Design, wanted: tuple[Target, ...]) -> None:
    known = set(wanted) | {Target("sd", None, g.factor) for g in design.groups} | {Target("coefficient", None)}
    known |= {Target("cut")} if any(target.kind == "cut" for target in wanted) else set()
    if design.has_intercept:
        known.add(Target("centered intercept"))
    for prior in spec.priors:
        if prior.target in known:
            continue
        names = [target.label for target in wanted]
        close = get_close_matches(prior.target.label, names, n=1)
        hint = f'Did you mean "{close[0]}"? ' if close else ""
        raise SpecError(
            f'A prior is given for "{prior.target.label}", which this model does not have.',
            text=spec.source,
            span=prior.span,
            hint=f"{hint}Its parameters: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}.",
        )


def _default(target: Target, design: Design) -> tuple[Target, Distribution]:
    y = design.y if design.offset is None else design.y - design.offset
    spread = float(y.std(ddof=1)) if design.has_intercept else float(np.sqrt(np.mean(y * y)))
    spread = spread if spread > 0 else 1.0
    if target.kind == "intercept":
        sd = rounded(WIDTH * spread)
        return Target("centered intercept"), Distribution("Normal", (rounded(float(y.mean()), sd), sd))
    if target.kind == "coefficient":
        x = design.X[:, design.column_names.index(target.name or "")]
        return target, Distribution("Normal", (0.0, rounded(WIDTH * spread / spread_of(x, design.has_intercept))))
    if target.kind == "sd":
        group = next(g for g in design.groups if g.factor == target.factor and target.name in g.column_names)
        z = group.z[:, group.column_names.index(target.name or "")]
        constant = bool(np.all(z == z[0]))
        scale = WIDTH * float(y.std(ddof=1) or 1.0) / (1.0 if constant else spread_of(z, True))
        return target, Distribution("HalfStudentT", (3.0, 0.0, rounded(scale)))
    if target.kind == "cor":
        return target, Distribution("LKJ", (1.0,))
    return target, Distribution("HalfStudentT", (3.0, 0.0, rounded(WIDTH * float(y.std(ddof=1) or 1.0))))


def table(spec: ModelSpec, design: Design) -> PriorTable:
    """Return the priors of a resolved spec in the design's order."""
    by_target = {prior.target: prior.distribution for prior in spec.priors}
    centered = Target("centered intercept") in by_target
    intercept = by_target.get(Target("centered intercept" if centered else "intercept"))
    start = 1 if design.has_intercept else 0
    return PriorTable(
        intercept if design.has_intercept else None,
        centered,
        tuple(by_target[Target("coefficient", name)] for name in design.column_names[start:]),
        tuple(tuple(by_target[Target("sd", c, g.factor)] for c in g.column_names) for g in design.groups),
        tuple(_eta(by_target.get(Target("cor", None, g.factor))) for g in design.groups),
        by_target.get(Target("sigma"), Distribution("Flat")),
        tuple(by_target[auxiliary_target(name)] for name in auxiliary_names(spec.family, design)),
    )


def _eta(distribution: Distribution | None) -> float:
    return distribution.arguments[0] if distribution is not None and distribution.arguments else 1.0
