"""The verdict on a variational approximation: how far it is from the posterior, and whether its ascent was over."""

from __future__ import annotations

from dataclasses import dataclass

from .verdict import Verdict

# khat of the importance weights p / q (Vehtari et al. 2024; Yao, Vehtari, Simpson and Gelman 2018).
GOOD, USABLE = 0.5, 0.7
_BETTER = "engine=NUTS(), or engine=Exact() where it applies"


@dataclass(frozen=True)
class Approximation:
    """What is known of a variational fit.

    rank: "structured", "full" or "mean-field". levels: whether the model has group effects. khat: of the weights
    p / q, NaN where they were not worked out. ess: their effective number of draws. met: whether the stopping rule was
    met. figure, bound: the rule's divergence, in the last comparison, and its bound. steps: of the ascent. capped:
    whether `steps` ended it. kl_weight: of the objective. corrected: whether draws were resampled by the weights.
    """

    rank: str
    levels: bool
    khat: float
    ess: float
    met: bool
    figure: float
    bound: float
    steps: int
    capped: bool
    kl_weight: float
    corrected: bool

    @property
    def rule(self) -> str:
        """The stopping rule with its figure, in words."""
        rule = f"averages of the iterates at two learning rates agree ({self.comparison})"
        return rule if self.met else f"not met: {rule}"

    @property
    def comparison(self) -> str:
        """The last comparison of two averages, in words."""
        if self.figure == float("inf"):
            return "no two averages compared yet"
        return f"largest symmetrised KL of a coordinate {self.figure:.1g}, bound {self.bound:g}"


def judge_approximation(fit: Approximation, notes: tuple[str, ...] = ()) -> Verdict:
    """Judge a variational approximation; the first fault in this order gives the sentence, the others are notes."""
    faults = [found for found in (_tempered(fit), _unfinished(fit), _narrow(fit), _distance(fit)) if found]
    if not faults:
        return Verdict("fine", f"The approximation can be trusted ({_figures(fit)}).", "", notes)
    level = "bad" if any(level == "bad" for level, _, _ in faults) else "caution"
    _, sentence, advice = faults[0]
    others = tuple(f"{sentence} {advice}".strip() for _, sentence, advice in faults[1:])
    return Verdict(level, sentence, advice, (*others, *notes))


Fault = tuple[str, str, str]


def _figures(fit: Approximation) -> str:
    khat = "khat below 0" if fit.khat < 0 else f"khat {fit.khat:.2f}"
    return f"{fit.rank} variational fit, {khat}, converged in {fit.steps:,} steps"


def _tempered(fit: Approximation) -> Fault | None:
    if fit.kl_weight == 1.0:
        return None
    way = "narrow" if fit.kl_weight < 1.0 else "wide"
    return (
        "bad",
        f"The KL term was weighted {fit.kl_weight:g} instead of 1, so this is not the posterior: it is too {way}.",
        "Fit with kl_weight=1 for an answer.",
    )


def _unfinished(fit: Approximation) -> Fault | None:
    if fit.met:
        return None
    how = (
        f"The ascent ended at its cap of {fit.steps:,} steps" if fit.capped else f"It was stopped at step {fit.steps:,}"
    )
    return ("caution", f"{how}, before its rule was met ({fit.comparison}).", "Go on with fit.extend(steps=5000).")


def _narrow(fit: Approximation) -> Fault | None:
    if fit.rank != "mean-field" or not fit.levels:
        return None
    return (
        "bad" if fit.khat >= USABLE else "caution",
        "Mean-field intervals are too narrow: this family has no correlations between effects and what they share.",
        f'Use VI(rank="structured"), {_BETTER}.',
    )


def _distance(fit: Approximation) -> Fault | None:
    if fit.khat != fit.khat or fit.khat < GOOD:
        return None
    cure = f"Use {_BETTER}."
    if fit.khat >= USABLE:
        return ("bad", f"The {fit.rank} family does not match the posterior (khat {fit.khat:.2f}).", cure)
    if fit.corrected:
        return (
            "caution",
            f"The answer is usable but rough (khat {fit.khat:.2f}, {fit.ess:,.0f} effective draws).",
            cure,
        )
    return (
        "caution",
        f"The {fit.rank} family is near the posterior but not the same (khat {fit.khat:.2f}).",
        f"VI(corrected=True) corrects it by importance weights; else use {_BETTER}.",
    )
