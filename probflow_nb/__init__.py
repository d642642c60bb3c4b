"""Multilevel models in the notebook: from a line of text to a posterior.

The floors, bottom to top; a floor imports from those named after the arrow, never upward
(`tests/test_layers.py` holds this):

    errors       messages with carets under the fault                    <- nothing
    lang         text -> tree: source, tokens, grammar, printer          <- errors
    spec         tree -> meaning, without data: ModelSpec                <- lang
    design       meaning + data -> arrays: y, X, group blocks, moments   <- spec
    backend      the tensor library behind one small contract            <- errors
    posterior    numbers: draws, diagnostics, summary, verdict           <- errors
    objects      what a model is written in: distributions, parameters   <- spec backend
    model        arrays -> density: covariance, joint, marginal, program <- spec design objects
    inference    density -> draws: engines and the loop that pulls them  <- model posterior
    display      numbers -> strings and figures                          <- posterior
    predict, fit the frozen result and what it answers                   <- all of the above
    api          lme(text, data, ...): the pipeline                      <- all of the above
    user_model   the class that a person's own model derives from        <- all of the above
    notebook     magics, progress bar: the only Jupyter floor            <- user_model
    datasets     small real data sets with their sources                 <- nothing
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import DataError, EngineError, FitError, ParseError, ProbflowError, SpecError, UsageError

if TYPE_CHECKING:
    from . import datasets
    from .api import lme, prepare
    from .fit import Fit
    from .inference import NUTS, VI, Exact, Point
    from .objects.bounded import Beta, Flat, Laplace, Logistic, Uniform, Weibull
    from .objects.continuous import (
        Cauchy,
        Exponential,
        Gamma,
        HalfCauchy,
        HalfNormal,
        HalfStudentT,
        InverseGamma,
        LogNormal,
        Normal,
        StudentT,
    )
    from .objects.discrete import Bernoulli, Binomial, Categorical, NegativeBinomial, Poisson
    from .objects.indicators import indicators
    from .objects.module import Module
    from .objects.multivariate import LKJ, Dirichlet, MultivariateNormal
    from .objects.parameter import (
        BoundedParameter,
        CorrelationParameter,
        Parameter,
        PositiveParameter,
        ScaleParameter,
        SimplexParameter,
    )
    from .user_model import Model

__version__ = "0.1.0"

# Everything public is loaded at its first use, so that `import probflow_nb` costs nothing.
_NAMES: dict[str, tuple[str, ...]] = {
    ".api": ("lme", "prepare"),
    ".fit": ("Fit",),
    ".inference": (
        "Exact",
        "Point",
        "NUTS",
        "VI",
    ),
    ".objects.bounded": (
        "Beta",
        "Flat",
        "Laplace",
        "Logistic",
        "Uniform",
        "Weibull",
    ),
    ".objects.continuous": (
        "Cauchy",
        "Exponential",
        "Gamma",
        "HalfCauchy",
        "HalfNormal",
        "HalfStudentT",
        "InverseGamma",
        "LogNormal",
        "Normal",
        "StudentT",
    ),
    ".objects.discrete": (
        "Bernoulli",
        "Binomial",
        "Categorical",
        "NegativeBinomial",
        "Poisson",
    ),
    ".objects.indicators": ("indicators",),
    ".objects.module": ("Module",),
    ".objects.multivariate": (
        "LKJ",
        "Dirichlet",
        "MultivariateNormal",
    ),
    ".objects.parameter": (
        "BoundedParameter",
        "CorrelationParameter",
        "Parameter",
        "PositiveParameter",
        "ScaleParameter",
        "SimplexParameter",
    ),
    ".user_model": ("Model",),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}

__all__ = [
    "LKJ",
    "NUTS",
    "VI",
    "Bernoulli",
    "Beta",
    "Binomial",
    "BoundedParameter",
    "Categorical",
    "Cauchy",
    "CorrelationParameter",
    "DataError",
    "Dirichlet",
    "EngineError",
    "Exact",
    "Exponential",
    "Fit",
    "FitError",
    "Flat",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "InverseGamma",
    "Laplace",
    "LogNormal",
    "Logistic",
    "Model",
    "Module",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "Parameter",
    "ParseError",
    "Point",
    "Poisson",
    "PositiveParameter",
    "ProbflowError",
    "ScaleParameter",
    "SimplexParameter",
    "SpecError",
    "StudentT",
    "Uniform",
    "UsageError",
    "Weibull",
    "datasets",
    "indicators",
    "lme",
    "prepare",
]


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module(".datasets", __name__)
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(ipython: Any) -> None:
    """Register `%%lme` with IPython; called by `%load_ext probflow_nb`."""
    from .notebook.extension import load_ipython_extension as load

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Take `%%lme` away again; called by `%unload_ext probflow_nb`."""
    from .notebook.extension import unload_ipython_extension as unload

    unload(ipython)
