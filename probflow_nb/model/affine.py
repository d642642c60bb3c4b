"""Which parameters of a program its response is affine and Gaussian in - found by looking at values, not at code.

The likelihood is Normal(c + A g, s), g the elements of parameters whose priors are Normal or MultivariateNormal given
the others. A and c are read off the mean at g = 0 and at the unit vectors, and held to random points of everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..objects.continuous import Normal
from ..objects.multivariate import MultivariateNormal
from ..objects.parameter import Parameter
from ..objects.transform import Real
from ..objects.value import Value, roots, tensor
from .element_names import is_long
from .integrated import Integrated
from .latent import Latent, latent
from .normal_response import NormalResponse, Refused, Values
from .prior_term import PriorTerm
from .program import Program

# Elements that may be integrated out, other numbers that may be left, numbers in the matrix A.
MOST_INTEGRATED = 2000
MOST_LEFT = 12
MOST_ENTRIES = 50_000_000
_TOLERANCE = 1e-8
# Random points that what was read off is held to.
_POINTS = 3

Terms = tuple[PriorTerm, ...]


@dataclass(frozen=True, eq=False)
class Affine:
    """What a program's response is made of.

    g: what is integrated out. latent: the other parameters. response: the likelihood.
    A: (N, P), c: (N,), relative: (N,) sds up to a common factor, all at the first random point of theta.
    coupling: (P, P), B, for prior means B g + m(theta). fixed_offset, fixed_design, fixed_shape: whether c, A, and the
    sds up to a factor are the same for any theta.
    """

    g: Integrated
    latent: Latent
    response: NormalResponse
    A: np.ndarray
    c: np.ndarray
    relative: np.ndarray
    coupling: np.ndarray
    fixed_offset: bool
    fixed_design: bool
    fixed_shape: bool


@dataclass(frozen=True, eq=False)
class Search:
    """A program, tried at a few random points: which of its parameters can be integrated out.

    point: values of every parameter, (points, *shape).
    """

    program: Program
    response: NormalResponse
    point: Values

    @property
    def terms(self) -> Terms:
        """All parameters."""
        return self.program.density.terms

    def at(self, i: int, without: Terms = ()) -> dict[Parameter, Any]:
        """Return one of the points, (1, *shape), without what is integrated out."""
        gone = {term.parameter for term in without}
        return {p: value[i : i + 1] for p, value in self.point.items() if p not in gone}

    def means(self, g: Terms, numbers: np.ndarray, i: int = 0) -> np.ndarray:
        """Return the mean of the response (S, N) with numbers (S, P) for g, the others at a point."""
        mean: np.ndarray = self.response.in_pieces(_joined(self.at(i, g), g, numbers))[0]
        return mean

    def found(self) -> Terms:
        """Return the terms that can be integrated out; Refused where there is none."""
        g = self._closed(tuple(term for term in self.terms if _is_normal(term)))
        if not g:
            raise Refused("no parameter has a Normal prior that Exact can integrate out")
        sd = self.response.moments(self.at(0))[1].numpy()
        g = self._closed(tuple(term for term in g if np.allclose(self._moved_sd(term), sd, rtol=1e-12)))
        while g and not self._affine(g):
            without = [
                self._closed(tuple(term for term in g if term is not gone))
                for gone in sorted(g, key=lambda term: term.parameter.size)
            ]
            g = next((rest for rest in without if rest and self._affine(rest)), without[0])
        if not g:
            raise Refused("its mean is not affine in any parameter with a Normal prior")
        return g

    def _closed(self, g: Terms) -> Terms:
        """Return those of g that no sd of theirs, and no prior of the other parameters, is made of."""
        while True:
            used: set[Value] = set()
            for term in self.terms:
                for key, value in term.prior.arguments.items():
                    if term not in g or key != "mean":
                        used |= set(roots(value))
            kept = tuple(term for term in g if term.parameter not in used)
            if len(kept) == len(g):
                return kept
            g = kept

    def _moved_sd(self, term: PriorTerm) -> np.ndarray:
        here = self.at(0)
        sd: np.ndarray = self.response.moments({**here, term.parameter: here[term.parameter] + 1.0})[1].numpy()
        return sd

    def _affine(self, g: Terms) -> bool:
        """Whether the mean at a + b, 2 a and -3 b is what the means at 0, a and b say."""
        P = _size(g)
        a, b = np.random.default_rng(21).standard_normal((2, 1, P))
        numbers = np.concatenate([np.zeros((1, P)), a, b, a + b, 2.0 * a, -3.0 * b])
        zero, at_a, at_b, at_sum, at_double, at_minus = self.means(g, numbers)
        gaps = (at_sum - at_a - at_b + zero, at_double - 2 * at_a + zero, at_minus + 3 * at_b - 4 * zero)
        scale = max(np.abs(at_double).max(), np.abs(at_minus).max(), 1e-300)
        return all(bool(np.abs(gap).max() < _TOLERANCE * scale) for gap in gaps)

    def read(self, g: Terms, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return A (N, P), c (N,) and the sds (N,) at a point."""
        P = _size(g)
        numbers = np.concatenate([np.zeros((1, P)), np.eye(P)])
        mean = self.means(g, numbers, i)
        sd = self.response.moments(_joined(self.at(i, g), g, numbers[:1]))[1].numpy()
        return (mean[1:] - mean[0]).T, mean[0], sd[0]

    def coupling(self, g: Terms) -> np.ndarray:
        """Return B (P, P), how prior means depend on g; Refused where not affinely, or not the same for any theta."""
        P, integrated = _size(g), Integrated(g)
        own = {term.parameter for term in g}
        if not any(root in own for term in g for value in term.prior.arguments.values() for root in roots(value)):
            return np.zeros((P, P))
        a = np.random.default_rng(22).standard_normal((1, P))
        numbers = np.concatenate([np.zeros((1, P)), np.eye(P), a])
        found = []
        for i in range(_POINTS):
            means = integrated.means(_joined(self.at(i, g), g, numbers), len(numbers)).numpy()
            B = (means[1:-1] - means[0]).T
            if not np.allclose(means[-1], means[0] + B @ a[0], atol=_TOLERANCE * max(1.0, np.abs(means).max())):
                raise Refused("a prior's mean is not affine in the parameters that it is made of")
            found.append(B)
        if not all(np.allclose(B, found[0], atol=_TOLERANCE) for B in found):
            raise Refused("how a prior's mean depends on one parameter depends on others")
        return found[0]


def affine(program: Program) -> Affine:
    """Return what the response is made of; Refused, with the reason, where it is not conditionally Gaussian."""
    if program.density.facts.prior_batching != "native":
        raise Refused("its priors cannot be worked out for several draws at once")
    rng = np.random.default_rng(20)
    point: dict[Parameter, Any] = {}
    for term in program.density.terms:
        p = term.parameter
        z = tensor(0.5 * rng.standard_normal((_POINTS, p.size)))
        point[p] = p.transformed(p.bijection.forward(z, p.shape))
    search = Search(program, NormalResponse(program), point)
    # The longest first: it is the one that may be eliminated cheaply; those of a table last.
    g = tuple(sorted(search.found(), key=lambda term: (not is_long(term.parameter), -term.parameter.size)))
    rest = latent([term for term in search.terms if term not in g], program.density.facts.prior_batching)
    _check_size(search, g, rest)
    (A, c, sd), *others = (search.read(g, i) for i in range(_POINTS))
    size_A, size_c = np.abs(A).max(), max(1.0, np.abs(c).max())
    return Affine(
        Integrated(g),
        rest,
        search.response,
        A,
        c,
        sd / sd[0],
        search.coupling(g),
        all(np.allclose(other[1], c, rtol=1e-9, atol=_TOLERANCE * size_c) for other in others),
        all(np.allclose(other[0], A, rtol=1e-9, atol=_TOLERANCE * size_A) for other in others),
        all(np.allclose(other[2] / other[2][0], sd / sd[0], rtol=1e-9) for other in others),
    )


def _is_normal(term: PriorTerm) -> bool:
    if term.parameter.transform is not None or not isinstance(term.parameter.bijection, Real):
        return False
    if isinstance(term.prior, MultivariateNormal):
        # Every row shares one covariance.
        ranks = {"mean": np.inf, "sd": 1, "cor": 2, "cov": 2}
        return all(len(value.shape) <= ranks[key] for key, value in term.prior.arguments.items())
    return isinstance(term.prior, Normal)


def _size(g: Terms) -> int:
    return sum(term.parameter.size for term in g)


def _joined(others: Values, g: Terms, numbers: np.ndarray) -> dict[Parameter, Any]:
    """Return values (S, *shape) of all: others (1, *shape) repeated, and numbers (S, P) for g."""
    tf = load()
    return {
        **{p: tf.repeat(value, len(numbers), axis=0) for p, value in others.items()},
        **Integrated(g).split(numbers),
    }


def _check_size(search: Search, g: Terms, rest: Latent) -> None:
    P, N = _size(g), search.response.y.size
    if rest.size > MOST_LEFT:
        names = ", ".join(term.slot.name for term in rest.terms)
        raise Refused(f"{rest.size} numbers cannot be integrated out ({names}), and {MOST_LEFT} are the most")
    if P > MOST_INTEGRATED:
        raise Refused(f"{P:,} elements would be integrated out, and {MOST_INTEGRATED:,} are the most")
    if N * P > MOST_ENTRIES:
        raise Refused(f"{N:,} rows by {P:,} elements are too many to hold")
