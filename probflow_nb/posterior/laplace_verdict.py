"""The verdict on a Laplace approximation that was corrected by importance weights."""

from __future__ import annotations

from .verdict import Verdict

_FEW = 400


def judge_laplace(khat: float, ess: float, finished: bool, notes: tuple[str, ...] = ()) -> Verdict:
    """Judge the corrected approximation by khat of its weights and its effective number of draws."""
    figures = f"khat {'below 0' if khat < 0 else format(khat, '.2f')}, {ess:,.0f} effective draws"
    if khat >= 0.7:
        return Verdict(
            "bad",
            f"The posterior is too far from its Laplace approximation for the correction to be trusted ({figures}).",
            "Take engine=NUTS(), which does not rest on the approximation.",
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
        return Verdict("caution", f"The answer is usable but rough ({figures}).", "Ask for more draws.", notes)
    sentence = f"The posterior can be trusted: its Laplace approximation was corrected and checked ({figures})."
    return Verdict("fine", sentence, "", notes)
