"""Transforms: the closed table of functions that a formula may use, and what each takes and makes.

Nothing in a model text is evaluated as Python: a call is looked up here or is an error. As in R, the signs
+ - * / ** are arithmetic only inside a call, such as I(x**2) or log(x + 1).
"""

from __future__ import annotations

from dataclasses import dataclass

CONTRASTS: dict[str, str] = {
    "Treatment": 'each level against a reference level; Treatment(reference = "b") chooses it',
    "Sum": "each level but the last against the mean of all levels",
    "Helmert": "each level but the first against the mean of those before it",
    "Poly": "linear, quadratic, cubic, ... trends over ordered levels",
}
"""The contrasts that C() takes, with a line of help each."""

TRUTH: dict[str, bool] = {"True": True, "TRUE": True, "False": False, "FALSE": False}
"""The words for true and false."""


@dataclass(frozen=True)
class Parameter:
    """One argument of a transform.

    kind: "numeric" (an arithmetic expression of columns), "factor" (a column's name), "whole" (a positive
        whole number), "boolean" or "contrast".
    required: whether it must be given. by_name: whether it can only be given as name = value.
    """

    name: str
    kind: str
    required: bool = False
    by_name: bool = False


@dataclass(frozen=True)
class Transform:
    """One function of the language.

    makes: "number" (one column, allowed inside arithmetic), "basis" (several columns) or "factor".
    stateful: whether it remembers something of the data of the fit for new rows, such as a mean.
    help: one line for completion.
    """

    name: str
    parameters: tuple[Parameter, ...]
    makes: str
    stateful: bool
    help: str

    @property
    def signature(self) -> str:
        """The call as help shows it, such as `poly(x, degree, raw)`."""
        shown = (f"{p.name} = ..." if p.by_name else p.name for p in self.parameters)
        return f"{self.name}({', '.join(shown)})"


_X = Parameter("x", "numeric", required=True)
_INTERCEPT = Parameter("intercept", "boolean", by_name=True)
_CENTER, _SCALE = Parameter("center", "boolean"), Parameter("scale", "boolean")
_DEGREE = Parameter("degree", "whole")


def _elementwise(name: str, help: str) -> Transform:
    return Transform(name, (_X,), "number", False, help)


TRANSFORMS: dict[str, Transform] = {
    t.name: t
    for t in (
        _elementwise("log", "natural logarithm"),
        _elementwise("log2", "logarithm to base 2"),
        _elementwise("log10", "logarithm to base 10"),
        _elementwise("log1p", "log(1 + x), exact for small x"),
        _elementwise("exp", "e to the power x"),
        _elementwise("expm1", "exp(x) - 1, exact for small x"),
        _elementwise("sqrt", "square root"),
        _elementwise("abs", "absolute value"),
        _elementwise("I", "arithmetic as written: I(x**2), I(a + b)"),
        Transform("center", (_X,), "number", True, "x minus its mean"),
        Transform("scale", (_X, _CENTER, _SCALE), "number", True, "x minus its mean, divided by its sd"),
        Transform("standardize", (_X, _CENTER, _SCALE), "number", True, "the same as scale"),
        Transform(
            "poly",
            (_X, _DEGREE, Parameter("raw", "boolean")),
            "basis",
            True,
            "orthogonal polynomials; raw = TRUE for plain powers",
        ),
        Transform(
            "bs",
            (_X, Parameter("df", "whole"), Parameter("degree", "whole", by_name=True), _INTERCEPT),
            "basis",
            True,
            "B-splines with inner knots at quantiles of x",
        ),
        Transform("ns", (_X, Parameter("df", "whole"), _INTERCEPT), "basis", True, "natural cubic splines"),
        Transform(
            "C",
            (Parameter("f", "factor", required=True), Parameter("contrast", "contrast")),
            "factor",
            True,
            "a factor with chosen contrasts: Treatment, Sum, Helmert or Poly",
        ),
        Transform("factor", (Parameter("f", "factor", required=True),), "factor", True, "numbers as levels"),
    )
}
"""Every transform by its name. `offset` and `weights` are not among them: they are parts of a formula."""

# Functions of other languages, and what says the same here.
FOREIGN: dict[str, str] = {
    "as.factor": "Write factor(x).",
    "as.numeric": "Convert the column in the data first.",
    "ln": "Write log(x), the natural logarithm.",
    "pow": "Write I(x**2).",
    "cbind": "Write successes / trials on the left side.",
    "np.log": "Write log(x).",
    "np.exp": "Write exp(x).",
    "s": "For a smooth curve write bs(x, df = 5) or ns(x, df = 5).",
    "cr": "For a smooth curve write ns(x, df = 5).",
    "contr.sum": "Write C(f, Sum).",
    "contr.treatment": "Write C(f, Treatment).",
    "contr.helmert": "Write C(f, Helmert).",
    "contr.poly": "Write C(f, Poly).",
}
