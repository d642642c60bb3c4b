"""Time of a call: CPU seconds of this process and its children, and wall seconds."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# A call slower than this is not repeated only to warm up: its own first run is nearly all work.
_SLOW = 20.0


@dataclass(frozen=True)
class Cost:
    """Medians over the repeats of a warm call, and the cost of the first, cold one, in seconds."""

    cpu: float
    wall: float
    first_cpu: float
    repeats: int


def cpu_seconds() -> float:
    """Return user and system seconds of this process and of the children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def measure(call: Callable[[], Any], repeats: int) -> tuple[Cost, Any]:
    """Return what a call costs, warm, and the last value that it returned."""
    costs: list[tuple[float, float]] = []
    value: Any = None
    for _ in range(repeats + 1):
        cpu, wall = cpu_seconds(), time.perf_counter()
        value = call()
        costs.append((cpu_seconds() - cpu, time.perf_counter() - wall))
        if costs[-1][1] > _SLOW:
            break
    warm = costs[1:] or costs
    cpu, wall = (statistics.median(column) for column in zip(*warm))
    return Cost(cpu, wall, costs[0][0], len(warm)), value
