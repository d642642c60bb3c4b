"""Checks tab: the verdict, figures of merit by parameter with the worst first, traces and ranks of chains."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...display import digits
from ...display.theme import said, sign
from ...inference.engine import Posterior
from ...posterior import diagnostics
from ...posterior.draws import Draws, Effects, Quality
from .naming import named, place, told
from .tabs import Answer

ROWS = 40  # parameters that the table lists, the worst of them
BINS = 20
_TRACE = 400  # draws of a chain that a trace shows
_LEVELS = 150  # effects of a factor that are judged
_FEW, _KHAT_ROUGH, _KHAT_BAD, _MCSE = 400.0, 0.5, 0.7, 0.1
_SERIOUS = ("fine", "caution", "bad")


@dataclass(frozen=True)
class Merit:
    """One line of the table: a name, its figures, mcse over sd, and what is said of it."""

    name: str
    quality: Quality
    ratio: float

    @property
    def faults(self) -> tuple[tuple[str, str], ...]:
        """Return (level, words) of everything that is amiss, the worst first."""
        q, found = self.quality, []
        ess = np.nanmin([q.ess_bulk, q.ess_tail]) if not _none(q.ess_bulk, q.ess_tail) else math.nan
        if q.rhat >= 1.05 or math.isinf(q.rhat):
            found.append(("bad", "chains disagree"))
        elif q.rhat >= 1.01:
            found.append(("caution", "chains not yet mixed"))
        if q.khat >= _KHAT_BAD:
            found.append(("bad", "weights too uneven"))
        elif q.khat >= _KHAT_ROUGH:
            found.append(("caution", "weights uneven"))
        if ess < 100:
            found.append(("bad", "very few effective draws"))
        elif ess < _FEW:
            found.append(("caution", "few effective draws"))
        if self.ratio > _MCSE:
            found.append(("caution", "mean known roughly"))
        return tuple(sorted(found, key=lambda fault: -_SERIOUS.index(fault[0])))

    @property
    def rank(self) -> tuple[int, float, float, float]:
        """What sorts the worst first: how serious, then the largest rhat, khat and the fewest effective draws."""
        q = self.quality
        serious = max((_SERIOUS.index(level) for level, _ in self.faults), default=0)
        least = -math.inf if _none(q.ess_bulk, q.ess_tail) else -float(np.nanmin([q.ess_bulk, q.ess_tail]))
        ratio, tail = (-math.inf if math.isnan(v) else v for v in (q.rhat, q.khat))
        return serious, ratio, tail, least


def answer(fit: Any, question: dict[str, Any]) -> Answer:
    """Return the verdict and the table, or the trace and the ranks of one parameter."""
    if not isinstance(fit.answer, Posterior):
        return {"verdict": _verdict(fit), "lines": _point_lines(fit), "words": _POINT_WORDS}, []
    if "trace" in question:
        return _trace(fit.draws, place(question, "trace", len(fit.draws.names)))
    draws = fit.draws
    merits = sorted(_merits(draws), key=lambda merit: merit.rank, reverse=True)
    chained = _chained(draws)
    columns = _columns(merits)
    rows = [_row(merit, columns) for merit in merits[:ROWS]]
    left = len(merits) - len(rows)
    return {
        "verdict": _verdict(fit),
        "headers": [header for header, _ in columns],
        "rows": rows,
        "left_out": f"{left:,} parameters that do better are not listed." if left > 0 else "",
        "lines": _sampler_lines(fit) if chained else _weight_lines(fit),
        "words": "",
        "names": [named(name) for name in draws.names] if chained else [],
        "first": _worst_scalar(merits, draws) if chained else None,
    }, []


_POINT_WORDS = "A point fit has no draws, so there are no chains and no weights to check."


def _verdict(fit: Any) -> dict[str, Any]:
    verdict = fit.verdict
    mark = sign(verdict.level)
    return {
        "level": verdict.level if verdict.level in _SERIOUS else "none",
        "icon": mark.icon,
        "word": mark.word,
        "sentence": named(said(verdict.level, verdict.sentence), 600),
        "advice": named(verdict.advice, 600),
        "notes": [named(note, 600) for note in (*verdict.notes, *fit.card.notes)],
    }


def _chained(draws: Draws) -> bool:
    """Whether the draws are chains, whose order means something; independent draws have no rhat."""
    return any(not math.isnan(quality.rhat) for quality in draws.qualities)


def _none(*values: float) -> bool:
    return all(math.isnan(v) for v in values)


def _merits(draws: Draws) -> list[Merit]:
    sds = draws.table.std(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.array([q.mcse for q in draws.qualities]) / sds
    found = [Merit(*row) for row in zip(draws.names, draws.qualities, map(float, ratios), strict=True)]
    if _chained(draws):
        found += [merit for effects in draws.effects for merit in _effect_merits(draws, effects)]
    return found


def _effect_merits(draws: Draws, effects: Effects) -> list[Merit]:
    """Return the worst of each column's effects, of levels evenly spaced in the factor where it has many."""
    values = effects.first(effects.n_draws)
    chains = values.reshape(draws.n_chains, draws.n_draws, *values.shape[1:])
    step = max(1, math.ceil(chains.shape[2] / max(1, _LEVELS // chains.shape[3])))
    some = chains[:, :, ::step]
    bulk, tail = diagnostics.ess_bulk(some), diagnostics.ess_tail(some)
    ratio, error = diagnostics.rhat(some), diagnostics.mcse_mean(some)
    sd = some.std(axis=(0, 1), ddof=1)
    found = []
    for c, column in enumerate(effects.columns):
        ending = "" if effects.factor == column else f", {column}"
        merits = []
        for j, level in enumerate(effects.levels[::step]):
            centre, tails, agreement, mcse = (float(v[j, c]) for v in (bulk, tail, ratio, error))
            quality = Quality(centre, tails, agreement, math.nan, mcse)
            share = mcse / float(sd[j, c]) if sd[j, c] > 0 else math.nan
            merits.append(Merit(f"{effects.name}: {level}{ending} (worst)", quality, share))
        found.append(max(merits, key=lambda merit: merit.rank))
    return found


def _columns(merits: list[Merit]) -> list[tuple[str, Any]]:
    """Return (header, writer) of the figures that at least one line has."""
    known = [
        ("rhat", lambda m: m.quality.rhat, lambda v: digits.fixed(v, 3)),
        ("ess bulk", lambda m: m.quality.ess_bulk, digits.count),
        ("ess tail", lambda m: m.quality.ess_tail, digits.count),
        ("mcse / sd", lambda m: m.ratio, lambda v: digits.fixed(v, 3)),
        ("khat", lambda m: m.quality.khat, lambda v: digits.fixed(v, 2)),
    ]
    return [
        (header, lambda m, of=of, write=write: write(of(m)).replace("-", "−"))
        for header, of, write in known
        if any(not math.isnan(of(m)) for m in merits)
    ]


def _row(merit: Merit, columns: list[tuple[str, Any]]) -> dict[str, Any]:
    faults = merit.faults
    return {
        "name": named(merit.name, 80),
        "cells": [write(merit) for _, write in columns],
        "level": faults[0][0] if faults else "fine",
        "words": ", ".join(words for _, words in faults) or "fine",
    }


def _worst_scalar(merits: list[Merit], draws: Draws) -> int:
    known = {name: i for i, name in enumerate(draws.names)}
    return next((known[merit.name] for merit in merits if merit.name in known), 0)


def _sampler_lines(fit: Any) -> list[str]:
    """Say how the sampler went: divergences, energy, depth and acceptance."""
    chains = getattr(fit.state, "sampling", None)
    draws = fit.draws
    lines = [f"{draws.n_chains} chains of {draws.n_draws:,} draws."]
    if chains is None or not hasattr(chains, "figures"):
        return lines
    figures = chains.figures(draws.n_draws)
    diverged = figures["diverged"].sum(axis=1).astype(int)
    if diverged.sum() == 0:
        lines.append("No path diverged.")
    else:
        by_chain = ", ".join(f"{n:,}" for n in diverged)
        lines.append(
            f"{diverged.sum():,} paths diverged (by chain: {by_chain}): a part of the posterior may be missing."
        )
    energy = float(np.min(diagnostics.e_bfmi(figures["energy"])))
    judged = "below 0.3: slow to reach the tails" if energy < 0.3 else "above 0.3: the tails are reached"
    lines.append(f"Energy (E-BFMI): at least {energy:.2f} in every chain, {judged}.")
    most, depth = getattr(fit.engine, "max_depth", None), figures["depth"]
    cut = "" if most is None else f"; {np.mean(depth >= most):.0%} were cut at the limit of {most} doublings"
    lines.append(f"Paths took {np.mean(depth):.1f} doublings on average{cut}.")
    lines.append(f"Proposals were accepted with probability {np.mean(figures['accept']):.2f} on average.")
    return lines


def _weight_lines(fit: Any) -> list[str]:
    """Say what khat means for draws that were weighted, or that nothing chains them."""
    khats = [q.khat for q in fit.draws.qualities if not math.isnan(q.khat)]
    lines = ["The draws are independent of each other: there are no chains to compare."]
    if khats:
        worst = max(khats)
        judged = (
            "below 0.5: the weights are even" if worst < _KHAT_ROUGH
            else "below 0.7: usable, but rough" if worst < _KHAT_BAD
            else "0.7 or more: not to be trusted"
        )  # fmt: skip
        lines.append(f"khat, the tail of the importance weights: {worst:.2f}, {judged}.".replace("-", "−"))
    return lines


def _point_lines(fit: Any) -> list[str]:
    mode = getattr(fit.state, "mode", None)
    lines = []
    if mode is not None:
        left = f"{2 * mode.decrement:.1g}".replace("e-0", "e-").replace("-", "−")
        reached = "reached" if mode.converged else "not reached"
        lines.append(
            f"The optimum was {reached} in {mode.iteration} steps; "
            f"by its gradient the criterion could still fall by {left}."
        )
    answered = fit.answer
    lines.append(f"The {'REML criterion' if answered.reml else 'deviance'} is {answered.criterion:.4f}.")
    sds = [(n, v) for n, v in zip(answered.names, answered.values) if n.startswith("sd(")]
    zeros = [told(n) for n, v in sds if v == 0.0]
    if zeros:
        lines.append(
            f"The fit is singular: {', '.join(zeros[:5])} {'is' if len(zeros) == 1 else 'are'} 0 at the optimum."
        )
    elif sds:
        lines.append("No group standard deviation is 0 at the optimum.")
    return lines


def _trace(draws: Draws, which: int) -> Answer:
    """Return the thinned draws of one scalar, chain by chain, and how often each chain's ranks fall into 20 bins."""
    values = draws.scalars[:, :, which]
    C, S = values.shape
    keep = np.unique(np.linspace(0, S - 1, min(S, _TRACE)).round().astype(int))
    ranks = np.argsort(np.argsort(values.reshape(-1), kind="stable"), kind="stable").reshape(C, S)
    bins = np.minimum(ranks * BINS // (C * S), BINS - 1)
    counts = np.stack([np.bincount(row, minlength=BINS) for row in bins])
    quality = draws.qualities[which]
    expected = S / BINS
    off = float(np.abs(counts / expected - 1).max()) if expected else 0.0
    return {
        "trace": which,
        "name": named(draws.names[which]),
        "chains": C,
        "draws": S,
        "shown": len(keep),
        "expected": expected,
        "rhat": digits.fixed(quality.rhat, 3),
        "ess": digits.count(quality.ess_bulk),
        "rank_words": f"ranks of {C} chains in {BINS} bins, each within {off:.0%} of the even share",
    }, [values[:, keep].astype("<f4").tobytes(), counts.astype("<f4").tobytes()]
