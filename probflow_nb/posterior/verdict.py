"""Verdict: whether an answer can be trusted, in one plain sentence, and what to do if not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """The judgement on a fit.

    level: "fine", "caution" or "bad".
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
