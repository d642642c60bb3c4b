"""Density to draws: the engines and the one loop that pulls them; imports `model`, `posterior`."""

from __future__ import annotations

from .auto import Auto, choose
from .exact import Exact
from .nuts import NUTS
from .point import Point
from .run import Event, Run, resume, start
from .vi import VI

# Every engine by the name that `--engine` takes.
ENGINES: dict[str, type] = {"exact": Exact, "nuts": NUTS, "vi": VI, "point": Point}

__all__ = ["ENGINES", "NUTS", "VI", "Auto", "Event", "Exact", "Point", "Run", "choose", "resume", "start"]
