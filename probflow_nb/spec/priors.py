"""Priors: distributions by name and numbers, and the parameters that they speak of."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import Span

_NOWHERE = Span(0, 0)


@dataclass(frozen=True)
class Distribution:
    """A distribution with numbers for its arguments, such as Normal(0, 10).

    name: as written in a model text: Normal, HalfNormal, StudentT, HalfStudentT, Cauchy, HalfCauchy,
        Exponential, Gamma, InverseGamma, LogNormal, Uniform, Beta, LKJ, Flat.
    arguments: in the order of `SIGNATURES`, defaults filled in.
    """

    name: str
    arguments: tuple[float, ...] = ()

    @property
    def label(self) -> str:
        """The distribution as shown, such as `Normal(0, 10)`, with at most 6 significant digits."""
        return f"{self.name}({', '.join(format(a, '.6g') for a in self.arguments)})"


# Argument names of each distribution, in order, with defaults (None: must be given).
# Half-distributions are those of |x|, x centred at `location` 0.
SIGNATURES: dict[str, tuple[tuple[str, float | None], ...]] = {
    "Normal": (("mean", None), ("sd", None)),
    "HalfNormal": (("sd", None),),
    "StudentT": (("df", None), ("location", 0.0), ("scale", 1.0)),
    "HalfStudentT": (("df", None), ("location", 0.0), ("scale", 1.0)),
    "Cauchy": (("location", 0.0), ("scale", 1.0)),
    "HalfCauchy": (("scale", 1.0),),
    "Exponential": (("rate", None),),
    "Gamma": (("shape", None), ("rate", None)),
    "InverseGamma": (("shape", None), ("scale", None)),
    "LogNormal": (("mean", None), ("sd", None)),
    "Uniform": (("low", None), ("high", None)),
    "Beta": (("a", None), ("b", None)),
    "LKJ": (("eta", 1.0),),
    "Flat": (),
}

# Support of each: the whole line, the positive half-line, a bounded interval, from 0 to 1, correlation matrices.
SUPPORT: dict[str, str] = {
    "Normal": "real",
    "StudentT": "real",
    "Cauchy": "real",
    "HalfNormal": "positive",
    "HalfStudentT": "positive",
    "HalfCauchy": "positive",
    "Exponential": "positive",
    "Gamma": "positive",
    "InverseGamma": "positive",
    "LogNormal": "positive",
    "Uniform": "interval",
    "Beta": "probability",
    "LKJ": "correlation",
    "Flat": "any",
}


@dataclass(frozen=True)
class Target:
    """The parameter, or parameters, that a prior speaks of.

    kind: "coefficient", "intercept", "centered intercept", "sd", "cor", or the name of a family's further parameter.
    name: the coefficient's shown name for "coefficient"; the column name for "sd", or None for every column; the
        categories on both sides for "cut", or None for all cutpoints.
    factor: the grouping factor's shown name ("Subject", "plate:sample") for "sd" and "cor"; None otherwise.

    "intercept" is the value where every column is 0; "centered intercept", written `centered(Intercept)`, is
    the value at the predictors' means and the place of the default prior.
    """

    kind: str
    name: str | None = None
    factor: str | None = None

    @property
    def label(self) -> str:
        """The parameter as shown, such as `Days`, `centered(Intercept)`, `sd(Days | Subject)`, `sigma`."""
        match self.kind:
            case "coefficient":
                return self.name or ""
            case "intercept":
                return "Intercept"
            case "centered intercept":
                return "centered(Intercept)"
            case "cut" if self.name is not None:
                return f"cut[{self.name}]"
            case "sd" if self.name is not None:
                return f"sd({self.name} | {self.factor})"
            case "sd" | "cor":
                return f"{self.kind}({self.factor})"
            case _:
                return self.kind


@dataclass(frozen=True)
class Prior:
    """One prior statement: a target and its distribution."""

    target: Target
    distribution: Distribution
    span: Span = field(default=_NOWHERE, compare=False, repr=False)
