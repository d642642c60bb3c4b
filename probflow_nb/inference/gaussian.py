"""What Exact and Point ask of a model: a Gaussian response with an identity link, at least one free row."""

from __future__ import annotations

import numpy as np

from ..errors import EngineError
from ..model.conditional_gaussian import refusal
from ..model.criterion import Criterion
from ..model.model import Model
from ..model.program import Program

# Below this share of the response's variance a residual variance is the rounding of cross-products.
SMALLEST_VARIANCE = 1e-11
BETA_PRIORS = ("Normal", "Flat")


def check_family(model: Model | Program, engine: str) -> None:
    """Raise EngineError unless the response is Gaussian with an identity link."""
    if isinstance(model, Program):
        raise EngineError(
            f"The engine {engine} fits mixed models that are written as a text, not a model of one's own.",
            hint="Take engine=NUTS(), which fits any model.",
        )
    family = model.spec.family
    if family.name != "gaussian" or family.link != "identity":
        raise EngineError(
            f"The engine {engine} fits Gaussian responses with an identity link, not {family.name} "
            f"with link {family.link}.",
            hint="Write the model as statements, such as y ~ Poisson(log = X @ w + Z @ u), which NUTS and VI fit.",
        )


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


def check_beta_priors(model: Model) -> None:
    """Raise EngineError unless every coefficient has a Normal or Flat prior, so that beta integrates out."""
    for prior in model.spec.priors:
        common = prior.target.kind in ("coefficient", "intercept", "centered intercept")
        if common and prior.distribution.name not in BETA_PRIORS:
            raise EngineError(
                f"The engine exact needs a Normal or Flat prior on {prior.target.label}, "
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
