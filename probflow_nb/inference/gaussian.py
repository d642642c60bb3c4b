"""What Exact and Point ask of a model: a Gaussian response with an identity link, at least one free row."""

from __future__ import annotations

import numpy as np

from ..errors import EngineError
from ..model.conditional_gaussian import refusal
from ..model.criterion import Criterion
from ..model.model import Model
from ..model.program import Program
from ..spec.families import Family

# Below this share of the response's variance a residual variance is the rounding of cross-products.
SMALLEST_VARIANCE = 1e-11
BETA_PRIORS = ("Normal", "Flat")


def has_record(model: Model | Program) -> bool:
    """Return whether a model is a formula of a family that Laplace and Point fit."""
    return isinstance(model, Model) and model.record is not None


def check_family(model: Model | Program, engine: str) -> None:
    """Raise EngineError unless the response is Gaussian with an identity link."""
    refuse_formulas(model, engine)
    if isinstance(model, Program):
        raise EngineError(
            f"The engine {engine} fits mixed models that are written as a text, not a model of one's own.",
            hint="Take engine=NUTS(), which fits any model.",
        )
    family = model.spec.family
    if has_record(model):
        raise EngineError(
            f"The engine {engine} fits Gaussian responses with an identity link, not {family.label}.",
            hint="Leave the engine out: the model decides; engine=NUTS() and engine=VI() fit it too.",
        )
    check_response_family(model)


def refuse_formulas(model: Model | Program, engine: str) -> None:
    """Raise EngineError for a model in which a further parameter, such as sigma, has a formula of its own."""
    if isinstance(model, Program) and model.formulas.parameters:
        raise EngineError(
            f"The engine {engine} does not fit a model in which {model.formulas.parameters[0]} has a formula.",
            hint="Take engine=NUTS() or engine=VI().",
        )


def check_response_family(model: Model) -> None:
    """Raise EngineError unless the response is Gaussian with an identity link, or its family has a record."""
    family = model.spec.family
    if has_record(model) or (family.name == "gaussian" and family.link == "identity"):
        return
    raise EngineError(
        f"Formulas are not fitted with {family.label} yet.",
        hint=f"Write the model as statements, such as {_statement(family)}, which NUTS and VI fit.",
    )


def _statement(family: Family) -> str:
    """Return a likelihood of that family as statements have it; of Poisson where they have no such link."""
    likelihoods = {
        "bernoulli": "Bernoulli(logit = X @ w + Z @ u)",
        "binomial": "Binomial(size, logit = X @ w + Z @ u)",
        "negative_binomial": "NegativeBinomial(log = X @ w + Z @ u, shape = shape)",
    }
    return "y ~ " + likelihoods.get(family.name, "Poisson(log = X @ w + Z @ u)")


def check_gaussian(model: Model, engine: str) -> None:
    """Raise EngineError unless the response is Gaussian with an identity link and n > p."""
    check_family(model, engine)
    n, p = model.design.X.shape
    if n <= p:
        raise EngineError(f"There are {n} complete rows for {p} coefficients.", hint="Take fewer terms or more rows.")
    gram = model.moments.gram
    explained = gram[:p, p] @ np.linalg.solve(gram[:p, :p], gram[:p, p]) if p else 0.0
    if gram[p, p] - explained < SMALLEST_VARIANCE * n:
        raise no_residual(model, "common effects")
    if model.factors and Criterion(model.marginal, reml=False).least_residual() < SMALLEST_VARIANCE:
        raise no_residual(model, "group effects")


def no_residual(model: Model, cause: str) -> EngineError:
    """Return the error for a response that is explained to the last digit, so that sigma would be 0."""
    return EngineError(
        f"The {cause} explain {model.design.response_name} exactly: nothing is left for sigma.",
        text=model.spec.source or None,
        span=model.spec.response.span,
        hint="Leave out the term that the response was made from.",
    )


def check_beta_priors(model: Model, engine: str = "exact") -> None:
    """Raise EngineError unless every coefficient has a Normal or Flat prior, so that beta integrates out."""
    for prior in model.spec.priors:
        common = prior.target.kind in ("coefficient", "intercept", "centered intercept")
        if common and prior.distribution.name not in BETA_PRIORS:
            raise EngineError(
                f"The engine {engine} needs a Normal or Flat prior on {prior.target.label}, "
                f"not {prior.distribution.label}.",
                text=model.spec.source,
                span=prior.span if prior.span.stop else None,
                hint=f"Write, for example, {prior.target.label} ~ Normal(0, 10).",
            )


def check_program(program: Program) -> None:
    """Raise EngineError unless a model of one's own is Gaussian given a few of its parameters."""
    reason = refusal(program)
    if reason:
        raise EngineError(
            f"The engine exact does not fit this model, because {reason}.",
            hint="Take engine=NUTS(), which fits any model.",
        )
