"""Digits: as many as the Monte Carlo error, or the standard error, lets a number deserve."""

from __future__ import annotations

import math
from collections.abc import Sequence

MISSING = "—"
_MOST = 6  # decimals before a row is written with an exponent
_LARGE = 1e7  # size from which a row is written with an exponent,
_FIGURES = 9  # unless it deserves so many figures that the exponent would not make it shorter


def decimals(error: float, spread: float, size: float) -> int:
    """Return how many decimals a number deserves; negative for places before the point.

    The last digit shown is the finest one that the Monte Carlo error `error` (mcse) moves by at most three
    units: mcse 0.3 gives one decimal, 0.04 one, 0.03 two. `spread`, the posterior sd, is always shown with at
    least one and never with more than three significant digits. Without an error the spread is given two
    significant digits; without a spread the number's own `size` is given three.
    """
    if _positive(spread):
        first = -math.floor(math.log10(spread))  # decimals at which the spread has one significant digit
        if not _positive(error):
            return first + 1
        return min(max(_places(error), first), first + 2)
    if _positive(error):
        return _places(error)
    return 2 - math.floor(math.log10(size)) if _positive(size) else 1


def _places(error: float) -> int:
    """Return the decimals of the finest digit that an error moves by at most three units."""
    return math.floor(math.log10(3) - math.log10(error) + 1e-9)


def _positive(x: float) -> bool:
    return math.isfinite(x) and x > 0


def row(values: Sequence[float], places: int) -> list[str]:
    """Write the numbers of one row alike: all to `places` decimals, or all with an exponent.

    An exponent is used when the largest is 1e7 or more, unless it deserves 10 to 15 figures, or when more
    than six decimals would be needed. NaN is written as a dash, an infinity with its sign.
    """
    size = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    exponent = math.floor(math.log10(size)) if size > 0 else 0
    large = size >= _LARGE and not (places >= 0 and _FIGURES <= places + exponent < 15)
    if large or (places > _MOST and size > 0):
        return [_word(v) or _scientific(v, places) for v in values]
    return [_word(v) or _fixed(v, places) for v in values]


def _word(value: float) -> str:
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return ""


def _fixed(value: float, places: int) -> str:
    # Places before the point are not rounded away: 1234 with error 50 reads better than 1230.
    written = f"{value:{',' if abs(value) >= 1e4 else ''}.{min(max(places, 0), _MOST)}f}"
    return written.lstrip("-") if float(written.replace(",", "")) == 0 else written


def _scientific(value: float, places: int) -> str:
    if value == 0:
        return "0"
    digits = min(max(places + math.floor(math.log10(abs(value))), 0), 15)
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def count(value: float) -> str:
    """Write a count, such as an effective sample size: no decimals, thousands apart."""
    return _word(value) or f"{value:,.0f}"


def fixed(value: float, places: int) -> str:
    """Write a number to a fixed number of decimals, such as rhat to two."""
    return _word(value) or _fixed(value, places)


def align(cells: Sequence[str], blank: str = " ", point: str = " ") -> list[str]:
    """Fill cells on the right so that, right-aligned, their decimal points stand in one line.

    `blank` stands for a missing digit, `point` for a missing decimal point. Numbers with an exponent stay as
    they are: their point says nothing about their size.
    """
    tails = [0 if "e" in cell or "." not in cell else len(cell) - cell.index(".") for cell in cells]
    longest = max(tails, default=0)
    filled = []
    for cell, tail in zip(cells, tails):
        if not longest or "e" in cell:
            filled.append(cell)
        else:
            filled.append(cell + (blank * (longest - tail) if tail else point + blank * (longest - 1)))
    return filled
