"""Verdict: whether an answer can be trusted, in one plain sentence, and what to do if not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .diagnostics import ess_bulk, ess_tail, rhat
from .draws import Draws

# With fewer effective draws than this the ends of a 95% interval are uncertain.
_FEW = 400
# An emulated log density that is off by this much, root mean square, is not trusted.
POOR = 0.3
# Effects of a factor that are judged; of more, every so many-th.
_LOOKED_AT = 400


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


@dataclass(frozen=True)
class Behaviour:
    """How the chains of NUTS went.

    divergences: paths whose energy ran away. cut: share of paths that were cut at the greatest depth. e_bfmi: the
    smallest of the chains. target: acceptance that the step size was tuned for. finished: not stopped early. wall: what
    to do where the posterior ends at a wall, at which paths end too; "" where it has none.
    """

    divergences: int
    cut: float
    e_bfmi: float
    target: float
    finished: bool
    wall: str = ""


def judge_nuts(draws: Draws, behaviour: Behaviour, notes: tuple[str, ...] = ()) -> Verdict:
    """Judge the chains of NUTS: what is worst decides, and what helps against it is said.

    rhat and effective sizes are those of the scalars and of the effects. Thresholds: rhat 1.01 and 1.05, 400 effective
    draws (Vehtari et al. 2021, Bayesian Analysis 16(2)), E-BFMI 0.3 (Betancourt 2016).
    """
    name, ratio, ess = _worst(draws)
    S = draws.n_chains * draws.n_draws
    figures = f"rhat {ratio:.3f}, {ess:,.0f} effective draws"
    notes = (*notes, *unresolved_sds(draws))
    if not ratio < 1.05:
        return Verdict(
            "bad",
            f"The chains disagree on {name} ({figures}).",
            "Draw more, fit.extend(draws=...), and if they still disagree give narrower priors or a simpler model.",
            notes,
        )
    share = behaviour.divergences / S
    if share > 0.0:
        count = "1 path" if behaviour.divergences == 1 else f"{behaviour.divergences:,} paths"
        return Verdict(
            "bad" if share > 0.01 else "caution",
            f"{count} of {S:,} diverged, so a part of the posterior may be missing ({figures}).",
            behaviour.wall
            or f"Take smaller steps, engine=NUTS(target_accept={_closer(behaviour.target):g}), or give narrower priors "
            "to standard deviations.",
            notes,
        )
    if behaviour.e_bfmi < 0.3:
        return Verdict(
            "caution",
            f"The chains are slow to reach the tails (E-BFMI {behaviour.e_bfmi:.2f}; {figures}).",
            "Give narrower priors to standard deviations, or draw more: fit.extend(draws=...).",
            notes,
        )
    if not ratio < 1.01 or not ess >= _FEW:
        return Verdict(
            "caution",
            f"The answer is usable but rough, above all {name} ({figures}).",
            f"Draw more: fit.extend(draws={_more(S, ess)}).",
            notes,
        )
    if not behaviour.finished:
        return Verdict(
            "caution",
            f"The run was stopped early; what there is rests on {S:,} draws ({figures}).",
            "Go on with fit.extend(draws=...) for figures to publish.",
            notes,
        )
    if behaviour.cut > 0.05:
        notes = (
            *notes,
            f"{behaviour.cut:.0%} of the paths were cut at the greatest depth: a larger max_depth may be faster.",
        )
    return Verdict("fine", f"The posterior can be trusted ({figures}).", "", notes)


def _worst(draws: Draws) -> tuple[str, float, float]:
    """Return the name of what is known worst, the largest rhat and the smallest effective size, tails counted too."""
    names = list(draws.names)
    rhats = [quality.rhat for quality in draws.qualities]
    sizes = [min(quality.ess_bulk, quality.ess_tail) for quality in draws.qualities]
    for effects in draws.effects:
        values = effects.first(effects.n_draws)
        chains = values.reshape(draws.n_chains, draws.n_draws, -1)
        step = max(1, chains.shape[-1] // _LOOKED_AT)
        chains = chains[..., ::step]
        names += [f"an effect of {effects.factor}"] * chains.shape[-1]
        rhats += list(rhat(chains))
        sizes += list(np.minimum(ess_bulk(chains), ess_tail(chains)))
    if not names:
        return "", 1.0, float(draws.n_chains * draws.n_draws)
    # What is not finite is worst.
    ratios, known = np.nan_to_num(rhats, nan=np.inf), np.nan_to_num(sizes, nan=0.0)
    place = int(np.argmax(ratios)) if ratios.max() >= 1.01 else int(np.argmin(known))
    return names[place], float(ratios.max()), float(known.min())


def _closer(target: float) -> float:
    """Return the next acceptance to try: 0.9, 0.95, 0.99."""
    return next((value for value in (0.9, 0.95, 0.99) if value > target + 1e-9), 0.995)


def _more(draws: int, ess: float) -> int:
    """Return how many draws more should make the effective draws enough, in thousands, at most nine times as many."""
    wanted = draws * min(9.0, 1.2 * _FEW / max(ess, 1.0) - 1.0)
    return int(max(1, np.ceil(wanted / 1000.0)) * 1000)


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
