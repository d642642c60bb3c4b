"""Model: the class that a person's own model derives from."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .backend import devices
from .display.bundle import mimebundle
from .display.card import Card, Statement, Statements
from .display.progress import Progress
from .errors import DataError, FitError, SpecError
from .fit import Fit, finish
from .fit.parameter_card import parameter_bundle, parameter_line
from .fit.predictions import MOST_PRIOR_DRAWS, whole
from .inference import Auto, start
from .inference.engine import Engine
from .model.call_text import response_text
from .model.program import Program
from .model.row_data import check_aligned, read_inputs, read_response
from .objects.distribution import Distribution
from .objects.module import Module, discover
from .objects.parameter import Parameter
from .posterior.summary import Summary
from .posterior.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Outline:
    """What is known of a model without data: title, the response in a line ("" if unknown), (name, prior, shape)."""

    title: str
    response: str
    parameters: tuple[tuple[str, str, tuple[int, ...]], ...]


class Model(Module):
    """A model of one's own: parameters as attributes, and `__call__(x)` that returns the distribution of y.

    x arrives as float64, (n, c) for an array or a frame, a dictionary for a dictionary. `self.w()` is a parameter's
    current value. The distribution's shape is (n,) or (n, 1), or (n, m) for a response of m columns.
    A model remembers its last fit and nothing else; `super().__init__()` need not be called.
    """

    def __call__(self, *inputs: Any) -> Distribution:
        """Return the distribution of the response; written by the person."""
        raise SpecError(
            f"{type(self).__name__} has no __call__, which must return the distribution of the response.",
            hint="Write def __call__(self, x): ... return pf.Normal(mean, self.sigma()).",
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter) and hasattr(Model, name):
            raise SpecError(
                f"A parameter cannot be called {name}, because that is something a model does.",
                hint="Give the attribute another name.",
            )
        super().__setattr__(name, value)

    # Fitting ---------------------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any,
        y: Any = None,
        engine: Engine | Auto | str | None = None,
        seed: int | None = None,
        progress: Progress | None = None,
        name: str = "",
        device: str = "",
    ) -> Fit:
        """Fit the model and return the result, which the model remembers.

        x: an array, a frame of numbers or a dictionary of arrays, n rows. y: (n,), (n, 1) or (n, m); fit(y) where the
        model has no inputs. engine: NUTS(), VI(), Exact(); without one the model decides. seed: same seed, same draws.
        progress: told of every step. name: shown as the title. device: where it is computed, such as "GPU:0"; without
        one TensorFlow decides.
        An interrupt ends the run and keeps what there is; it is raised again, and the model unchanged, if that is
        nothing. Raises ProbflowError for anything that a person can mend.
        """
        if not isinstance(self, Model):
            raise SpecError(
                "fit was called on the class of a model.", hint="Make a model first, as in Page(2).fit(x, y)."
            )
        device = devices.checked(device)
        with devices.on(device):
            program = self.program(x, y)
        fit = finish(start(program, engine, seed, device), name, progress)
        self._remember(program, fit)
        return fit

    def program(self, x: Any, y: Any = None) -> Program:
        """Return the model with data, checked, not fitted; see `fit` for x and y."""
        if y is None:
            x, y = None, x
        response, response_name = read_response(y)
        inputs = read_inputs(x)
        if inputs.n_rows is not None and inputs.n_rows != len(response):
            raise DataError(
                f"x has {inputs.n_rows:,} rows, but y has {len(response):,}.",
                hint="Each row of x belongs to one response.",
            )
        check_aligned(x, y)
        found = discover(self)
        outline = self.outline()
        said = f"{response_name} ~ {outline.response}" if outline.response else response_name
        program = Program(
            title=outline.title,
            formula=f"{outline.title}: {said}",
            parameters=found.parameters,
            call=self._called,
            x=inputs.value,
            y=response,
            response_name=response_name,
            x_names=inputs.names,
            names=found.names,
        )
        _ = program.density
        return program

    def _called(self, x: Any) -> Any:
        if x is None and not _takes_inputs(type(self).__call__):
            return self()
        return self(x)

    def _remember(self, program: Program, fit: Fit) -> None:
        self._probflow_fit = fit
        means: dict[str, Any] = {}
        if hasattr(fit.answer, "draws"):
            means = fit.posterior_mean()
        for name, parameter in zip(program.names, program.parameters, strict=True):
            parameter.last_fit = (fit, name)
            if name in means:
                parameter.fitted = np.asarray(means[name], dtype=np.float64).reshape(parameter.shape)

    @property
    def last_fit(self) -> Fit:
        """The last fit; FitError before there is one."""
        fit = vars(self).get("_probflow_fit")
        if fit is None:
            raise FitError(f"{type(self).__name__} is not fitted yet.", hint="Call fit(x, y) first.")
        assert isinstance(fit, Fit)
        return fit

    # What the last fit answers ---------------------------------------------------------------------------------------

    def posterior_mean(self, name: str | None = None) -> Any:
        """Return the posterior mean of a parameter, or a dictionary of all parameters'; see `Fit`."""
        return self.last_fit.posterior_mean(name)

    def posterior_sd(self, name: str | None = None) -> Any:
        """Return the posterior standard deviation of a parameter, or a dictionary of all parameters'."""
        return self.last_fit.posterior_sd(name)

    def posterior_interval(self, name: str | None = None, interval: float = 0.95) -> Any:
        """Return the central posterior interval of a parameter, or a dictionary of all parameters'."""
        return self.last_fit.posterior_interval(name, interval)

    def posterior_sample(self, n: int | None = None, name: str | None = None, seed: int | None = None) -> Any:
        """Return posterior draws of a parameter, or a dictionary of all parameters'."""
        return self.last_fit.posterior_sample(n, name, seed)

    def predict(self, x: Any = None) -> pd.Series | pd.DataFrame:
        """Return the posterior mean of the response's mean at each row of x, those fitted by default."""
        return self.last_fit.predict(x)

    def predictive_interval(self, x: Any = None, interval: float = 0.95, seed: int | None = None) -> pd.DataFrame:
        """Return the central interval of a new response at each row: parameters and noise together."""
        return self.last_fit.predictive_interval(x, interval, seed)

    def epistemic_interval(self, x: Any = None, interval: float = 0.95) -> pd.DataFrame:
        """Return the central interval of the response's mean at each row: what is not known of the parameters."""
        return self.last_fit.epistemic_interval(x, interval)

    def aleatoric_interval(self, x: Any = None, interval: float = 0.95, seed: int | None = None) -> pd.DataFrame:
        """Return the central interval of a new response with the parameters at their means: the noise alone."""
        return self.last_fit.aleatoric_interval(x, interval, seed)

    def residuals(self, x: Any = None, y: Any = None) -> pd.Series | pd.DataFrame:
        """Return y minus the prediction at each row."""
        return self.last_fit.residuals(x, y)

    def r_squared(self, x: Any = None, draws: bool = False) -> Any:
        """Return the Bayesian R2."""
        return self.last_fit.r_squared(x, draws)

    def calibration_curve(self, x: Any = None, y: Any = None, seed: int | None = None) -> pd.DataFrame:
        """Return the share of rows inside their central predictive intervals, at several probabilities."""
        return self.last_fit.calibration_curve(x, y, seed)

    def log_prob(self, x: Any = None, y: Any = None, values: Any = None) -> Any:
        """Return log densities.

        With values, a dictionary of every parameter by name (..., *shape): log p(y, parameters) given x, shape (...),
        a numpy array, for which no fit is needed. Without: the log posterior predictive density of each row.
        """
        if values is None:
            return self.last_fit.log_prob(x, y)
        program = self.program(x, y)
        return np.asarray(program.log_joint(_complete(program, values)))

    # What needs no fit -----------------------------------------------------------------------------------------------

    def prior_sample(self, n: int = 1000, seed: int = 0) -> dict[str, np.ndarray]:
        """Return n draws of every parameter from its prior, by name, (n, *shape); SpecError for a Flat prior.

        Before the first fit, a parameter with prior="auto" has no prior yet: SpecError.
        """
        fit = vars(self).get("_probflow_fit")
        if fit is not None:
            found: dict[str, np.ndarray] = fit.model.prior_sample(_count(n), whole(seed, "seed", least=0))
            return found
        parameters = discover(self)
        waiting = [p.label for p in parameters.parameters if p.auto]
        if waiting:
            raise SpecError(
                f'The prior of {waiting[0]} is "auto", which is worked out from the data.', hint="Fit the model first."
            )
        program = Program("", "", parameters.parameters, self._called, None, np.zeros(1), names=parameters.names)
        return program.prior_sample(_count(n), whole(seed, "seed", least=0))

    # Display ---------------------------------------------------------------------------------------------------------

    def outline(self) -> Outline:
        """Return what is known of the model without data."""
        found = discover(self)
        pairs = zip(found.names, found.parameters, strict=True)
        return Outline(
            type(self).__name__,
            response_text(type(self).__call__) if type(self).__call__ is not Model.__call__ else "",
            tuple((name, p.prior_label, p.shape) for name, p in pairs),
        )

    def _card(self) -> Card:
        outline = self.outline()
        lines = [Statement("y", "~", outline.response)] if outline.response else []
        found = discover(self)
        for name, parameter in zip(found.names, found.parameters, strict=True):
            lines.append(parameter_line(name, parameter))
        return Card(
            title=outline.title,
            formula=f"{outline.title}: y ~ {outline.response}" if outline.response else outline.title,
            equation=Statements(tuple(lines), tuple(name for name, *_ in outline.parameters)),
            verdict=Verdict("none", "Not fitted yet."),
            summary=Summary((), ()),
            priors=tuple((name, prior) for name, prior, _ in outline.parameters),
        )

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        fit = vars(self).get("_probflow_fit")
        if fit is not None:
            shown: dict[str, str] = fit._repr_mimebundle_(include, exclude)
            return shown
        return mimebundle(self._card(), include, exclude)

    def __repr__(self) -> str:
        try:
            outline = self.outline()
        except SpecError as error:
            return f"{type(self).__name__}: {error.message}"
        lines = [
            f"{name} ~ {prior}" + (f", shape {shape}" if shape else "") for name, prior, shape in outline.parameters
        ]
        return "\n".join([f"{outline.title}: y ~ {outline.response}" if outline.response else outline.title, *lines])


def _takes_inputs(call: Any) -> bool:
    """Whether a method takes more than the model itself."""
    kinds = [p.kind for p in inspect.signature(call).parameters.values()]
    many = inspect.Parameter.VAR_POSITIONAL in kinds
    return many or len([k for k in kinds if k in (inspect.Parameter.POSITIONAL_OR_KEYWORD, 0)]) > 1


def _complete(program: Program, values: Any) -> dict[str, Any]:
    """Return values by name in the parameters' shapes; FitError for one that is missing, unknown or misshapen."""
    if not isinstance(values, dict):
        raise FitError("values is a dictionary of every parameter's value by name.")
    unknown = [name for name in values if name not in program.names]
    missing = [name for name in program.names if name not in values]
    if unknown or missing:
        what = f"has {unknown[0]}, which the model has not" if unknown else f"lacks {missing[0]}"
        raise FitError(f"The dictionary of values {what}.", hint=f"The model has {', '.join(program.names)}.")
    found = {}
    for name, parameter in zip(program.names, program.parameters, strict=True):
        try:
            array = np.asarray(values[name], dtype=np.float64)
        except (TypeError, ValueError):
            raise FitError(f"The value of {name} must be numbers in the parameter's shape {parameter.shape}.") from None
        shape = parameter.shape
        if array.shape[array.ndim - len(shape) :] != shape:
            raise FitError(f"The value of {name} has shape {array.shape}, but the parameter has {shape}.")
        found[name] = array
    batches = {array.shape[: array.ndim - len(program.parameter(name).shape)] for name, array in found.items()}
    if len(batches) > 1:
        raise FitError(f"The values have different batches of draws in front: {sorted(batches)}.")
    return found


def _count(n: Any) -> int:
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 1 <= n <= MOST_PRIOR_DRAWS:
        raise FitError(f"n is a whole number from 1 to {MOST_PRIOR_DRAWS:,}, not {n!r:.60}.")
    return int(n)


Parameter.renderer = staticmethod(parameter_bundle)

__all__ = ["Model", "Outline", "Parameter"]
