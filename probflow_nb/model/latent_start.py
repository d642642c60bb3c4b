"""Latent start: a guess of the latent mode at any theta, from the modes of others: a quadratic regression on theta."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from .latent_design import LatentDesign

# Modes that the regression is made from, at most: numbers held.
_MOST = 20_000_000


@dataclass(frozen=True, eq=False)
class Starts:
    """A guess of the latent mode at any theta.

    first: (D,) a guess without knowledge, its effects 0. first_alone: the design of the first factor's levels. inside:
    (D,) the same for good: eta is in the range of the link there, whatever theta is.

    centre, spread: (d,) of the thetas learned from. coefficients: (D, features) or None before any.
    places: (D,) where in theta the log sd of each u stands, -1 for beta.
    """

    first: np.ndarray
    first_alone: LatentDesign
    inside: np.ndarray
    centre: np.ndarray | None = None
    spread: np.ndarray | None = None
    coefficients: np.ndarray | None = None
    places: np.ndarray | None = None

    def guess(self, theta: np.ndarray) -> np.ndarray:
        """Return (D, S) for theta (S, d); no further out than what was learned from."""
        if self.coefficients is None or self.centre is None or self.spread is None:
            return np.repeat(self.first[:, None], len(theta), axis=1)
        inside = np.clip((theta - self.centre) / self.spread, -3.0, 3.0)
        found = self.coefficients @ _features(inside).T
        if self.places is not None:
            # Beyond what was learned from, an effect stays what it was there: u shrinks as its sd grows.
            shrunk = np.exp(np.minimum(self.centre + self.spread * inside - theta, 0.0)).T
            of_effects = self.places >= 0
            found[of_effects] *= shrunk[self.places[of_effects]]
        return found

    def learned(self, theta: np.ndarray, modes: np.ndarray) -> Starts:
        """Return the regression of modes (D, S) on theta (S, d); the mean where there are few."""
        centre, spread = theta.mean(axis=0), np.maximum(theta.std(axis=0), 1e-6)
        features = _features(np.clip((theta - centre) / spread, -3.0, 3.0))
        if len(theta) < 2 * features.shape[1]:
            return replace(self, first=modes.mean(axis=1))
        found = np.linalg.lstsq(features, modes.T, rcond=None)[0].T
        return replace(self, centre=centre, spread=spread, coefficients=np.ascontiguousarray(found))

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What was learned, by name, as `remembering` takes it."""
        found = {"first": self.first, "centre": self.centre, "spread": self.spread, "coefficients": self.coefficients}
        return {name: value for name, value in found.items() if value is not None}

    def remembering(self, arrays: Mapping[str, np.ndarray]) -> Starts:
        """Return the guess that had learned these `arrays`; ValueError where they are of another design."""
        shapes = {name: arrays[name].shape for name in ("first", "centre", "spread", "coefficients") if name in arrays}
        D, d = self.first.shape, shapes.get("centre", (0,))
        regression = {"centre": d, "spread": d, "coefficients": (*D, *shapes.get("coefficients", (0, 0))[1:])}
        if shapes not in ({"first": D}, {"first": D, **regression}):
            raise ValueError(f"The arrays {shapes} are of another design.")
        return replace(self, **{name: arrays[name] for name in shapes})  # type: ignore[arg-type]

    def affordable(self, S: int) -> int:
        """Return from how many of S thetas to learn."""
        return max(1, min(S, 300, _MOST // max(1, len(self.first))))


def _features(x: np.ndarray) -> np.ndarray:
    """Return 1, x, the products of every two of them, and cubes, (S, features)."""
    d = x.shape[1]
    pairs = [x[:, i] * x[:, j] for i in range(d) for j in range(i + 1)]
    cubes = [x[:, i] ** 3 for i in range(d)]
    return np.stack([np.ones(len(x)), *x.T, *pairs, *cubes], axis=1)
