"""Verdict: whether an answer can be trusted, in one plain sentence, and what to do if not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .draws import Draws

# With fewer effective draws than this the ends of a 95% interval are uncertain.
_FEW = 400
# An emulated log density that is off by this much, root mean square, is not trusted.
POOR = 0.3


@dataclass(frozen=True)
class Verdict:
    """The judgement on a fit.

    level: "fine", "caution", "bad", or "none" for a model that is not fitted.
    sentence: one plain sentence.
    advice: what to do next; empty when the level is "fine".
    notes: further sentences a reader should know, such as a variance that the data cannot tell from 0.
    """

    level: str
    sentence: str
    advice: str = ""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(part for part in (self.sentence, self.advice, *self.notes) if part)


def judge_importance(khat: float, ess: float, finished: bool, notes: tuple[str, ...] = ()) -> Verdict:
    """Judge importance sampling by khat of its weights and its effective number of draws."""
    figures = f"khat {'below 0' if khat < 0 else format(khat, '.2f')}, {ess:,.0f} effective draws"
    if khat >= 0.7:
        return Verdict(
            "bad",
            f"The importance weights are too uneven to trust the answer ({figures}).",
            "Run it to its end, so that Hamiltonian Monte Carlo can take over, or simplify the group terms.",
            notes,
        )
    if not finished:
        return Verdict(
            "caution",
            f"The run was stopped early; what there is rests on {ess:,.0f} effective draws.",
            "Run it to its end for figures to publish.",
            notes,
        )
    if khat >= 0.5 or ess < _FEW:
        return Verdict(
            "caution",
            f"The answer is usable but rough ({figures}).",
            "Ask for more draws, for example engine=Exact(draws=20000).",
            notes,
        )
    return Verdict("fine", f"The posterior can be trusted ({figures}).", "", notes)


def judge_emulated(error: float, khat: float, ess: float, finished: bool, notes: tuple[str, ...] = ()) -> Verdict:
    """Judge draws from an emulated density by how well it predicted exact evaluations (rms error, log units)."""
    figures = f"emulator error {error:.3f} in log density, {ess:,.0f} effective draws"
    if not error < POOR:
        return Verdict(
            "bad",
            f"The emulated density misses the exact one ({figures}).",
            "Simplify the group terms, or take engine=Point().",
            notes,
        )
    if error > 0.1 or khat >= 0.7 or ess < _FEW or not finished:
        return Verdict(
            "caution",
            f"The answer is usable but rough ({figures}).",
            "Take standard deviations and intervals as good to a few per cent.",
            notes,
        )
    return Verdict("fine", f"The posterior can be trusted ({figures}).", "", notes)


def judge_chains(rhat: float, ess: float, divergences: int, finished: bool, notes: tuple[str, ...] = ()) -> Verdict:
    """Judge chains by the largest rhat, the smallest bulk effective sample size and the divergences."""
    figures = f"Hamiltonian Monte Carlo, rhat {rhat:.3f}, {ess:,.0f} effective draws"
    if not rhat < 1.05 or divergences > 0:
        cause = f"{divergences} divergences" if divergences else "the chains disagree"
        return Verdict(
            "bad",
            f"The chains cannot be trusted: {cause} ({figures}).",
            "Give narrower priors to the group standard deviations, or take out a group term.",
            notes,
        )
    if not rhat < 1.01 or ess < _FEW or not finished:
        return Verdict(
            "caution",
            f"The answer is usable but rough ({figures}).",
            "Ask for more draws, for example engine=Exact(draws=20000).",
            notes,
        )
    return Verdict("fine", f"The posterior can be trusted ({figures}).", "", notes)


def unresolved_sds(draws: Draws) -> tuple[str, ...]:
    """Return a sentence for each group sd that the data cannot tell from 0.

    A posterior that is flat or falling at 0 has some 8 to 10% of its mass below a tenth of its 97.5% point; one that
    is well away from 0 has none.
    """
    found = []
    for name in draws.names:
        if not name.startswith("sd("):
            continue
        values = draws.flat(name)
        if np.mean(values < 0.1 * np.quantile(values, 0.975)) > 0.04:
            bound = np.quantile(values, 0.95)
            found.append(f"The data cannot tell {name} from 0: 95% below {bound:#.2g}.")
    return tuple(found)
