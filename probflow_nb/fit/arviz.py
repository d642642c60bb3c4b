"""ArviZ: the draws as its InferenceData."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import FitError
from ..posterior.draws import Draws
from .facts import Facts

# Names of figures, here and in ArviZ.
_STATS = {
    "diverged": "diverging",
    "depth": "tree_depth",
    "energy": "energy",
    "accept": "acceptance_rate",
    "leaves": "n_steps",
    "value": "lp",
}


def inference_data(draws: Draws, facts: Facts, state: Any, log_lik: Callable[[], np.ndarray | None]) -> Any:
    """Return the draws as ArviZ's InferenceData, with the response, its log density and the sampler's own figures.

    log_lik: makes log p(y_i | draw), (S, n), or None where it is too large to hold.
    state: the engine's last; chains of NUTS have figures of every draw, which become `sample_stats`.
    Raises FitError where ArviZ is not installed.
    """
    try:
        import arviz
    except ImportError:
        raise FitError("ArviZ is not installed.", hint="Install it: pip install arviz") from None
    posterior: dict[str, np.ndarray] = {name: draws[name] for name in draws}
    dims = {e.name: [f"{e.factor} level", f"{e.factor} column"] for e in draws.effects}
    coords: dict[str, list[Any]] = {}
    for e in draws.effects:
        coords[f"{e.factor} level"] = list(e.levels)
        coords[f"{e.factor} column"] = list(e.columns)
    groups: dict[str, Any] = {"posterior": posterior, "observed_data": {facts.response: facts.y}}
    density = log_lik()
    if density is not None:
        laid = density.reshape(draws.n_chains, draws.n_draws, *density.shape[1:])
        groups["log_likelihood"] = {facts.response: laid}
    stats = _sample_stats(state, draws)
    if stats:
        groups["sample_stats"] = stats
    if int(arviz.__version__.split(".")[0]) >= 1:
        return arviz.from_dict(groups, coords=coords, dims=dims)
    return arviz.from_dict(**groups, coords=coords, dims=dims)


def _sample_stats(state: Any, draws: Draws) -> dict[str, np.ndarray]:
    """Return the sampler's figures of every draw, (chain, draw), under ArviZ's names; none for other engines."""
    chains = getattr(state, "sampling", None)
    if chains is None or not hasattr(chains, "figures"):
        return {}
    figures = chains.figures(draws.n_draws)
    found = {_STATS[name]: value for name, value in figures.items() if name in _STATS}
    found["diverging"] = found["diverging"] > 0.5
    return found
