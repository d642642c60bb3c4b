"""Run lines: how a fit was made, as (label, value) pairs."""

from __future__ import annotations

from typing import Any

from ..backend.tensorflow import device
from ..inference.engine import Posterior
from .facts import Facts


def run_lines(fit: Any, facts: Facts) -> tuple[tuple[str, str], ...]:
    """Return engine, data, draws, evidence, seed, device and time of a fit."""
    answer = fit.answer
    because = f", chosen because {fit.reason}" if fit.reason else ""
    lines = [("engine", f"{type(fit.engine).__name__} ({answer.method}){because}"), ("data", facts.data)]
    if isinstance(answer, Posterior):
        draws = answer.draws
        total = draws.n_chains * draws.n_draws
        lines.append(("draws", f"{draws.n_chains} chains of {draws.n_draws:,}"))
        used = min((e.affordable for e in draws.effects), default=total)
        if used < total:
            lines.append(("group effects", f"from the first {used:,} draws"))
        lines.extend((name.replace("_", " "), text) for name, text in getattr(answer, "figures", ()))
        if answer.evidence is not None:
            lines.append(("log evidence", f"{answer.evidence.value:.2f} ± {answer.evidence.error:.2f}"))
        lines.append(("seed", str(fit.seed)))
    else:
        lines.append(("REML criterion" if answer.reml else "deviance", f"{answer.criterion:.4f}"))
    return (*lines, ("device", device()), ("time", f"{fit.seconds:.2f} s"))
