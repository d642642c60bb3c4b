"""Run lines: how a fit was made, as (label, value) pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..backend.devices import described
from ..inference.engine import Posterior
from ..inference.exact import Exact
from ..inference.point import Point
from .facts import Facts

# A method of more characters than this gets a line of its own.
_SHORT = 60


def run_lines(fit: Any, facts: Facts) -> tuple[tuple[str, str], ...]:
    """Return engine, why it was chosen, method, data, draws, the sampler's figures, evidence, seed, device and time."""
    answer = fit.answer
    lines = _engine_lines(type(fit.engine).__name__, answer.method, fit.reason)
    lines.append(("data", facts.data))
    lines += _renewal_lines(fit)
    if isinstance(answer, Posterior):
        draws = answer.draws
        total = draws.n_chains * draws.n_draws
        lines.append(("draws", f"{draws.n_chains} chains of {draws.n_draws:,}"))
        used = min((e.affordable for e in draws.effects), default=total)
        if used < total:
            lines.append(("group effects", f"from the first {used:,} draws"))
        chains = getattr(fit.state, "sampling", None)
        if chains is not None and hasattr(chains, "figures"):
            lines += sampler_lines(chains.figures(draws.n_draws), fit.engine)
        if answer.evidence is not None:
            lines.append(("log evidence", f"{answer.evidence.value:.2f} ± {answer.evidence.error:.2f}"))
        lines.append(("seed", str(fit.seed)))
    else:
        lines.append(("REML criterion" if answer.reml else "deviance", f"{answer.criterion:.4f}"))
    if fit.device or not fit.cached:  # which device TensorFlow chose back then is not known
        lines.append(("device", described(fit.device)))
    lines.append(("time", f"{fit.seconds:.2f} s"))
    return (*lines, ("cache", fit.cached)) if fit.cached else tuple(lines)


def _renewal_lines(fit: Any) -> list[tuple[str, str]]:
    """Return how rows came to those of an earlier fit."""
    design, sources = getattr(fit.model, "design", None), getattr(fit.model, "sources", None)
    if getattr(design, "first", None) is None and getattr(sources, "first", None) is None:
        return []
    summed = design is not None and fit.model.record is None and isinstance(fit.engine, (Exact, Point))
    return [("rows added", "by their cross-products" if summed else "and the model fitted again to all")]


def _engine_lines(name: str, method: str, reason: str) -> list[tuple[str, str]]:
    because = f", chosen because {reason}" if reason else ""
    if len(method) <= _SHORT:
        return [("engine", f"{name} ({method}){because}")]
    return [("engine", name + because), ("method", method)]


def sampler_lines(figures: Mapping[str, np.ndarray], engine: Any) -> list[tuple[str, str]]:
    """Return divergences and tree depth of the draws; figures: (chain, draw) arrays by name."""
    diverged, depth = int(np.sum(figures["diverged"])), figures["depth"]
    most = getattr(engine, "max_depth", None)
    cut = "" if most is None else f"; {np.mean(depth >= most):.0%} at the limit of {most}"
    return [("divergences", f"{diverged:,}"), ("tree depth", f"{np.mean(depth):.1f} on average{cut}")]
