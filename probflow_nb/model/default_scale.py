"""Default scale: the size of default priors, on the scale of eta, as users of rstanarm and brms know them.

eta of a probability, or log mu    intercept Normal(0 or log mean(y), 2.5), coefficients Normal(0, 2.5 / sd(x))
eta = mu or sqrt(mu)               the same with the mean and sd of y, or of its square root, for 0 and 1
eta = 1 / mu                       the same with 1 / mean(y) and sd(y) / mean(y)^2
eta of a log-normal response       the same with the mean and sd of log y
eta of a Student t response        the same with the median of y and 1.4826 times its median absolute deviation
group sds                          HalfStudentT(3, 0, 2.5 [/ sd(x)]), in the same unit
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..design.design import Design
from ..spec.families import Family
from ..spec.priors import Distribution, Target
from .families import record_of
from .families.spread import WIDTH, logs_of, robust_spread, rounded, spread_of_response

Default = Callable[[Target, Design], tuple[Target, Distribution]]


def family_default(family: Family, design: Design) -> Default | None:
    """Return what makes the default prior of a target for a family that has a record; None for any other."""
    record = record_of(family, design)
    if record is None:
        return None
    own = {auxiliary.name: auxiliary.prior for auxiliary in record.auxiliary}

    def default(target: Target, design: Design) -> tuple[Target, Distribution]:
        location, spread = location_and_spread(family, design)
        scale = WIDTH * spread
        if target.kind == "intercept":
            return Target("centered intercept"), Distribution("Normal", (rounded(location, scale), rounded(scale)))
        if target.kind == "coefficient":
            x = design.X[:, design.column_names.index(target.name or "")]
            centered = design.has_intercept or family.name == "ordinal"
            return target, Distribution("Normal", (0.0, rounded(scale / spread_of(x, centered))))
        if target.kind == "sd":
            group = next(g for g in design.groups if g.factor == target.factor and target.name in g.column_names)
            z = group.z[:, group.column_names.index(target.name or "")]
            width = 1.0 if bool(np.all(z == z[0])) else spread_of(z, True)
            return target, Distribution("HalfStudentT", (3.0, 0.0, rounded(scale / width)))
        if target.kind == "cor":
            return target, Distribution("LKJ", (1.0,))
        return target, own[target.label]

    return default


def location_and_spread(family: Family, design: Design) -> tuple[float, float]:
    """Return where eta lies and how wide it is, from the response alone."""
    y, link = design.y if design.trials is None else design.y / design.trials, family.link
    shift = 0.0 if design.offset is None else float(design.offset.mean())
    middle = float(np.median(y) if family.name == "student_t" else y.mean())
    if link == "log":
        return float(np.log(max(middle, 1e-300))) - shift, 1.0
    if link == "inverse":
        # d(1 / y) = dy / y^2
        spread = robust_spread(y) if family.name == "student_t" else spread_of_response(y)
        return 1.0 / middle - shift, spread / middle**2
    if family.name == "student_t":
        values = y if design.offset is None else y - design.offset
        return float(np.median(values)), robust_spread(values)
    if family.name == "log_normal":
        values = logs_of(y) if design.offset is None else np.log(y) - design.offset
        return float(values.mean()), spread_of_response(values)
    if link in ("sqrt", "identity"):
        values = np.sqrt(y) if link == "sqrt" else y
        values = values if design.offset is None else values - design.offset
        return float(values.mean()), float(values.std(ddof=1)) or 1.0
    return 0.0, 1.0


def eta_unit(family: Family, design: Design) -> float:
    """Return the unit that sds of group effects are worked on in: 1, or the response's spread for its own scale."""
    return location_and_spread(family, design)[1]


def spread_of(x: np.ndarray, centered: bool) -> float:
    """Return the sd of a column, or its root mean square where there is no intercept; 1 for a constant."""
    spread = float(x.std(ddof=1)) if centered else float(np.sqrt(np.mean(x * x)))
    return spread if spread > 0 else 1.0
