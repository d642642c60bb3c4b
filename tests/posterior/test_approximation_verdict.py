"""What the verdict says of a variational approximation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from probflow_nb.posterior.approximation import Approximation, judge_approximation

GOOD = Approximation("structured", True, 0.2, 3000.0, True, 0.001, 0.0025, 900, False, 1.0, False)


@pytest.mark.parametrize(
    ("change", "level", "words"),
    [
        (
            {},
            "fine",
            "The approximation can be trusted (structured variational fit, khat 0.20, converged in 900 steps).",
        ),
        ({"khat": 0.6}, "caution", "near the posterior but not the same (khat 0.60). VI(corrected=True)"),
        ({"khat": 0.6, "corrected": True}, "caution", "usable but rough (khat 0.60, 3,000 effective draws)"),
        ({"khat": 0.8}, "bad", "The structured family does not match the posterior (khat 0.80). Use engine=NUTS()"),
        ({"rank": "mean-field"}, "caution", "too narrow: this family has no correlations between effects"),
        ({"rank": "mean-field", "khat": 0.9}, "bad", 'Use VI(rank="structured")'),
        ({"rank": "mean-field", "levels": False}, "fine", "mean-field variational fit"),
        ({"kl_weight": 0.1}, "bad", "weighted 0.1 instead of 1, so this is not the posterior: it is too narrow"),
        ({"kl_weight": 3.0}, "bad", "it is too wide"),
        ({"met": False, "steps": 40}, "caution", "It was stopped at step 40, before its rule was met"),
        ({"met": False, "capped": True}, "caution", "ended at its cap of 900 steps, before its rule was met"),
        ({"met": False, "figure": float("inf")}, "caution", "no two averages compared yet"),
    ],
)
def test_sentences(change, level, words) -> None:
    verdict = judge_approximation(replace(GOOD, **change))
    assert verdict.level == level
    assert words in str(verdict)


def test_no_fault_hides_another() -> None:
    verdict = judge_approximation(replace(GOOD, rank="mean-field", khat=1.2, met=False, kl_weight=0.5), ("A note.",))
    assert verdict.level == "bad"
    for words in ("weighted 0.5", "before its rule was met", "too narrow", "khat 1.20", "A note."):
        assert words in str(verdict)
