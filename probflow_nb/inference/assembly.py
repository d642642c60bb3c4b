"""From unconstrained points to named draws with their figures of merit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..model.density import Density
from ..posterior import diagnostics
from ..posterior.draws import Draws, Effects, Quality

# Numbers that are constrained at once.
_AT_ONCE = 4_000_000


def named_values(density: Density, z: np.ndarray, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return every parameter's draws by name, (chain, draw, *shape), of z (chain, draw, D)."""
    tf = load()
    flat = z.reshape(-1, z.shape[-1])
    size = max(1, _AT_ONCE // max(1, z.shape[-1]))
    pieces = [density.constrain(tf.constant(flat[i : i + size]), inputs) for i in range(0, len(flat), size)]
    return {
        name: np.concatenate([piece[name].numpy() for piece in pieces]).reshape(
            *z.shape[:-1], *pieces[0][name].shape[1:]
        )
        for name in pieces[0]
    }


def chain_draws(density: Density, values: Mapping[str, np.ndarray], khat: float = float("nan")) -> Draws:
    """Return the draws of chains (chain, draw, *shape) with rank-normalised rhat, effective sizes and mcse.

    khat: of importance weights, for independent draws of a variational approximation, whose rhat is left out.
    """
    scalars = density.scalars(values)
    bulk, tail = diagnostics.ess_bulk(scalars), diagnostics.ess_tail(scalars)
    rhat, mcse = diagnostics.rhat(scalars), diagnostics.mcse_mean(scalars)
    qualities = tuple(
        Quality(
            float(bulk[i]), float(tail[i]), float(rhat[i]) if np.isnan(khat) else float("nan"), khat, float(mcse[i])
        )
        for i in range(scalars.shape[-1])
    )
    return Draws(density.names, scalars, qualities, _effects(density, values))


def _effects(density: Density, values: Mapping[str, np.ndarray]) -> tuple[Effects, ...]:
    found = []
    for axes in density.effects:
        draws = values[axes.name]
        S = draws.shape[0] * draws.shape[1]
        flat = draws.reshape(S, len(axes.levels), len(axes.columns))
        sample = partial(_first, flat)
        found.append(Effects(axes.factor, axes.levels, axes.columns, S, sample, S, key=axes.name))
    return tuple(found)


def _first(flat: np.ndarray, m: int) -> np.ndarray:
    return flat[:m]
