"""Small real data sets with their sources; imports nothing of this package.

Each function returns a fresh pandas data frame whose factors have R's levels in R's order.
"""

from __future__ import annotations

from .frames import (
    Contraception,
    Dyestuff,
    Dyestuff2,
    Penicillin,
    cbpp,
    eight_schools,
    epilepsy,
    names,
    radon,
    sleepstudy,
)

__all__ = [
    "Contraception",
    "Dyestuff",
    "Dyestuff2",
    "Penicillin",
    "cbpp",
    "eight_schools",
    "epilepsy",
    "names",
    "radon",
    "sleepstudy",
]
