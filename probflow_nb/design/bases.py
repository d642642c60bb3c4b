"""Bases: transforms of a number that learn from the rows of a fit and treat new rows the same way.

Each is a frozen value with `columns(x) -> (n, q)`, computed row by row, NaN where x is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..errors import DataError
from .wording import figure


class Basis(Protocol):
    """A transform with its state: columns(x) takes (n,) to (n, q)."""

    def columns(self, x: np.ndarray) -> np.ndarray:
        """Return (n, q)."""
        ...


@dataclass(frozen=True)
class Affine:
    """(x - location) / scale, the transform of `center` and `scale`."""

    location: float = 0.0
    scale: float = 1.0

    @staticmethod
    def learn(x: np.ndarray, *, center: bool = True, scale: bool = True) -> Affine:
        """Learn the mean, and the sd with n - 1; without centring, the root mean square with n - 1.

        x: (n,). Raises DataError if the scale would be 0 or cannot be told.
        """
        # Values near the largest float must not overflow in a sum.
        largest = float(np.abs(x).max()) or 1.0
        z = x / largest
        mean = float(z.mean()) if center else 0.0
        if not scale:
            return Affine(mean * largest)
        if len(x) < 2:
            raise DataError("one row has no spread, so it cannot be scaled.")
        spread = float(np.sqrt((z - mean) @ (z - mean) / (len(x) - 1)))
        if not spread > 1e-12:
            raise DataError(
                f"all values are {figure(x[0])}, so they cannot be scaled.", hint="Leave the predictor out."
            )
        return Affine(mean * largest, spread * largest)

    def columns(self, x: np.ndarray) -> np.ndarray:
        """Return (n, 1)."""
        return ((x - self.location) / self.scale)[:, None]


@dataclass(frozen=True, eq=False)
class Polynomial:
    """Polynomials orthonormal over the learned values: degrees 1..d, without the constant.

    location, scale: x is brought to z = (x - location) / scale first, which keeps high powers in range.
    alpha: (d,), norms: (d + 1,), of p[j+1] = (z - alpha[j]) p[j] - norms[j] / norms[j-1] p[j-1], p[0] = 1.
    Source: Forsythe (1957), Generation and use of orthogonal polynomials for data-fitting.
    """

    location: float
    scale: float
    alpha: np.ndarray
    norms: np.ndarray

    @staticmethod
    def learn(x: np.ndarray, degree: int) -> Polynomial:
        """Learn the recurrence; raises DataError unless x has more than `degree` distinct values."""
        distinct = len(np.unique(x))
        if degree >= distinct:
            raise DataError(
                f"a polynomial of degree {degree} needs more than {degree} distinct values, "
                f"but there {'is' if distinct == 1 else 'are'} {distinct}.",
                hint="Leave the predictor out." if distinct == 1 else f"Use a degree of at most {distinct - 1}.",
            )
        largest = float(np.abs(x).max())
        location = float((x / largest).mean()) * largest
        # Half of each, since the distance of two large floats may overflow.
        scale = min(2 * float(np.abs(x / 2 - location / 2).max()), 1e308)
        z = (x - location) / scale
        alpha, norms = np.empty(degree), np.empty(degree + 1)
        before, now = np.zeros_like(z), np.ones_like(z)
        for j in range(degree + 1):
            norms[j] = now @ now
            if j and not norms[j] > 1e-20 * norms[j - 1]:
                raise DataError(
                    f"the values are too close together for a polynomial of degree {degree}.",
                    hint=f"Use at most degree {j - 1}." if j > 1 else "Leave the predictor out.",
                )
            if j < degree:
                alpha[j] = (z * now) @ now / norms[j]
                back = norms[j] / norms[j - 1] if j else 0.0
                before, now = now, (z - alpha[j]) * now - back * before
        return Polynomial(location, scale, alpha, norms)

    def columns(self, x: np.ndarray) -> np.ndarray:
        """Return (n, d)."""
        z = (x - self.location) / self.scale
        found = np.empty((len(z), len(self.alpha)))
        before, now = np.zeros_like(z), np.ones_like(z)
        for j, alpha in enumerate(self.alpha):
            back = self.norms[j] / self.norms[j - 1] if j else 0.0
            before, now = now, (z - alpha) * now - back * before
            found[:, j] = now / np.sqrt(self.norms[j + 1])
        return found


@dataclass(frozen=True)
class Powers:
    """x, x^2, ..., x^degree: `poly(x, degree, raw)`."""

    degree: int

    def columns(self, x: np.ndarray) -> np.ndarray:
        """Return (n, degree)."""
        return x[:, None] ** np.arange(1, self.degree + 1)


@dataclass(frozen=True, eq=False)
class Spline:
    """B-splines of a degree over knots; with `natural`, straight lines beyond the boundary knots.

    knots: all knots, the boundary ones repeated degree + 1 times.
    intercept: whether the first B-spline is kept.
    rotation: (q0, q), for a natural spline: the combinations whose second derivative is 0 at both boundaries.
    Source: de Boor (1978), A Practical Guide to Splines.
    """

    knots: np.ndarray
    degree: int
    intercept: bool = False
    rotation: np.ndarray | None = field(default=None)

    @staticmethod
    def learn(
        x: np.ndarray, *, df: int | None, degree: int = 3, natural: bool = False, intercept: bool = False
    ) -> Spline:
        """Put df - (columns without inner knots) inner knots at quantiles of x, boundary knots at its range.

        Raises DataError if df is too small, or x has too few distinct values for its knots.
        """
        least = (1 if natural else degree) + int(intercept)
        inside = 0 if df is None else df - least
        if inside < 0:
            raise DataError(f"df must be at least {least}, but it is {df}.", hint=f"Use df = {least}.")
        low, high = float(x.min()), float(x.max())
        inner = np.quantile(x, np.linspace(0, 1, inside + 2)[1:-1])
        steps = np.concatenate([[low], inner, [high]])
        if not (np.diff(steps) > 0).all():
            raise DataError(
                f"a spline with {inside} inner knots needs more distinct values than there are, {len(np.unique(x))}.",
                hint="Use a smaller df, or the predictor as it is.",
            )
        knots = np.concatenate([[low] * degree, steps, [high] * degree])
        spline = Spline(knots, degree, intercept)
        return Spline(knots, degree, intercept, spline._null_space()) if natural else spline

    def _null_space(self) -> np.ndarray:
        bends = self._derivatives(2)
        # The full Q of the two constraints: its last columns span the splines that meet both.
        Q, _ = np.linalg.qr(bends.T, mode="complete")
        return Q[:, 2:]

    def _derivatives(self, order: int) -> np.ndarray:
        """Return (2, q0), the derivatives of each B-spline at the two boundary knots."""
        from scipy.interpolate import BSpline

        q0 = len(self.knots) - self.degree - 1
        at_ends = BSpline(self.knots, np.eye(q0), self.degree).derivative(order)(self.knots[[0, -1]])
        return at_ends if self.intercept else at_ends[:, 1:]

    def _splines(self, x: np.ndarray) -> np.ndarray:
        from scipy.interpolate import BSpline

        found = BSpline.design_matrix(x, self.knots, self.degree, extrapolate=True).toarray()
        return found if self.intercept else found[:, 1:]

    def columns(self, x: np.ndarray) -> np.ndarray:
        """Return (n, q)."""
        known = ~np.isnan(x)
        held = x[known]
        if self.rotation is None:
            values = self._splines(held)
        else:
            low, high = self.knots[0], self.knots[-1]
            values = self._splines(np.clip(held, low, high))
            slopes = self._derivatives(1)
            values += np.minimum(held - low, 0)[:, None] * slopes[0]
            values += np.maximum(held - high, 0)[:, None] * slopes[1]
            values = np.einsum("nq,qr->nr", values, self.rotation)
        if known.all():
            return values
        found = np.full((len(x), values.shape[1]), np.nan)
        found[known] = values
        return found
