"""Density to draws: the engines and the one loop that pulls them; imports `model`, `posterior`."""

from __future__ import annotations

from .auto import ENGINES, Auto, choose, extendable, usable
from .exact import Exact
from .laplace import Laplace
from .nuts import NUTS
from .point import Point
from .run import Event, Run, resume, start
from .vi import VI

__all__ = [
    "ENGINES",
    "NUTS",
    "VI",
    "Auto",
    "Event",
    "Exact",
    "Laplace",
    "Point",
    "Run",
    "choose",
    "extendable",
    "resume",
    "start",
    "usable",
]
