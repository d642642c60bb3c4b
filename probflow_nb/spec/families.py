"""Families: the distribution of the response given its mean."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """A response family and its link.

    name: lower-case name, such as "gaussian".
    link: "identity", "log", "logit", ...
    auxiliary: names of further parameters, such as ("sigma",).
    """

    name: str = "gaussian"
    link: str = "identity"
    auxiliary: tuple[str, ...] = ("sigma",)


GAUSSIAN = Family()
