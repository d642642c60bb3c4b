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
    predict      what a model says of its response, draw by draw         <- all of the above
    keep         a fit's parts to one file and back; runs no code        <- all of the above
    fit          the frozen result and what it answers                   <- all of the above
    api          lme(text, data, ...): the pipeline                      <- all of the above
    plan         studies not run yet: simulated data, power, calibration <- all of the above
    user_model   the class that a person's own model derives from        <- all of the above
    notebook     magics, progress bar: the only Jupyter floor            <- user_model
    datasets     small real data sets with their sources                 <- nothing
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import DataError, EngineError, FitError, KeepError, ParseError, ProbflowError, SpecError, UsageError

if TYPE_CHECKING:
    from . import datasets
    from .api import lme, prepare
    from .fit import Fit, load
    from .fit.comparison import compare
    from .fit.fit_table import table
    from .inference import NUTS, VI, Exact, Point
    from .inference.laplace_name import Laplace
    from .objects.bounded import Beta, Flat, Logistic, Uniform, Weibull
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
    from .objects.inflated import ZeroInflatedNegativeBinomial, ZeroInflatedPoisson
    from .objects.module import Module
    from .objects.multivariate import LKJ, Dirichlet, MultivariateNormal
    from .objects.ordinal import Ordinal
    from .objects.parameter import (
        BoundedParameter,
        CorrelationParameter,
        Parameter,
        PositiveParameter,
        ScaleParameter,
        SimplexParameter,
    )
    from .plan.calibration import calibrate
    from .plan.power import power
    from .plan.simulation import simulate
    from .plan.study import study
    from .user_model import Model

__version__ = "0.1.0"

# Everything public is loaded at its first use, so that `import probflow_nb` costs nothing.
_NAMES: dict[str, tuple[str, ...]] = {
    ".api": ("lme", "prepare"),
    ".fit": ("Fit", "load"),
    ".fit.comparison": ("compare",),
    ".fit.fit_table": ("table",),
    ".inference": (
        "Exact",
        "Point",
        "NUTS",
        "VI",
    ),
    ".inference.laplace_name": ("Laplace",),
    ".objects.bounded": (
        "Beta",
        "Flat",
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
    ".objects.inflated": ("ZeroInflatedNegativeBinomial", "ZeroInflatedPoisson"),
    ".objects.ordinal": ("Ordinal",),
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
    ".plan.calibration": ("calibrate",),
    ".plan.power": ("power",),
    ".plan.simulation": ("simulate",),
    ".plan.study": ("study",),
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
    "KeepError",
    "Laplace",
    "LogNormal",
    "Logistic",
    "Model",
    "Module",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "Ordinal",
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
    "ZeroInflatedNegativeBinomial",
    "ZeroInflatedPoisson",
    "calibrate",
    "compare",
    "datasets",
    "indicators",
    "lme",
    "load",
    "power",
    "prepare",
    "simulate",
    "study",
    "table",
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
