"""Compile: a spec and its design become a Model."""

from __future__ import annotations

import numpy as np

from ..design.design import Design
from ..spec.model_spec import ModelSpec
from ..spec.priors import Distribution
from .families import auxiliary_names
from .families.response import check_response
from .linear_operator import GroupOperator
from .model import Model, ModelFactor
from .parameter import Parameter
from .priors import PriorTable, resolve, table


def compile_model(spec: ModelSpec, design: Design) -> Model:
    """Return the Model of a spec on a design; every parameter gets its prior here.

    Raises SpecError for a prior on a parameter that the model does not have.
    """
    check_response(spec, design)
    resolved = resolve(spec, design)
    factors = _factors(design)
    priors = table(resolved, design)
    names = auxiliary_names(spec.family, design)
    further = (Parameter(name, (), (prior,)) for name, prior in zip(names, priors.auxiliary, strict=True))
    parameters = (*_parameters(design, factors, priors), *further)
    return Model(resolved, design, factors, parameters)


def _factors(design: Design) -> tuple[ModelFactor, ...]:
    members: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for position, group in enumerate(design.groups):
        members.setdefault((group.factor, group.levels), []).append(position)
    factors = []
    for (name, levels), positions in members.items():
        groups = [design.groups[m] for m in positions]
        columns = tuple(column for group in groups for column in group.column_names)
        z = groups[0].z if len(groups) == 1 else np.concatenate([group.z for group in groups], axis=1)
        operator = GroupOperator(groups[0].index, z, len(levels))
        factors.append(ModelFactor(name, levels, columns, tuple(positions), operator))
    return tuple(factors)


def _parameters(design: Design, factors: tuple[ModelFactor, ...], priors: PriorTable) -> tuple[Parameter, ...]:
    common = (*([priors.intercept] if priors.intercept is not None else []), *priors.coefficients)
    found = [Parameter("beta", (design.X.shape[1],), common, (design.column_names,))]
    for factor in factors:
        J, k = len(factor.levels), len(factor.columns)
        sds = tuple(prior for m in factor.members for prior in priors.sds[m])
        found.append(Parameter(f"sd[{factor.name}]", (k,), sds, (factor.columns,)))
        if any(design.groups[m].correlated and design.groups[m].n_columns > 1 for m in factor.members):
            lkj = Distribution("LKJ", (priors.correlations[factor.members[0]],))
            found.append(Parameter(f"cor[{factor.name}]", (k, k), (lkj,), (factor.columns, factor.columns)))
        found.append(Parameter(f"b[{factor.name}]", (J, k), (), (factor.levels, factor.columns)))
    return tuple(found)
