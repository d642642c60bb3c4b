"""Families: one record a response family, which is its definition; Gaussian responses have their own closed forms."""

from __future__ import annotations

from collections.abc import Callable

from ...design.design import Design
from ...spec.families import Family
from .auxiliary import Auxiliary
from .beta import beta
from .binomial import Binomial
from .gamma import gamma
from .gaussian import gaussian
from .log_normal import log_normal
from .negative_binomial import negative_binomial
from .ordinal import ordinal
from .poisson import Poisson
from .record import Fault, ResponseFamily, Slopes, log_prob
from .student_t import student_t
from .zero_inflated import zero_inflated_negative_binomial, zero_inflated_poisson

# Every family with a record, by name: its links so far, and how a record is made for one of them and a design.
_OF_EVENTS = ("logit", "probit", "cloglog", "cauchit", "log", "identity")
RECORDS: dict[str, tuple[tuple[str, ...], Callable[[str, Design], ResponseFamily]]] = {
    "bernoulli": (_OF_EVENTS, lambda link, design: Binomial("bernoulli", link)),
    "binomial": (_OF_EVENTS, lambda link, design: Binomial("binomial", link)),
    "beta": (("logit", "probit", "cloglog"), lambda link, design: beta(link, design.y)),
    "gamma": (("log", "inverse", "identity"), lambda link, design: gamma(link, design.y)),
    "gaussian": (("log", "inverse"), lambda link, design: gaussian(link, design.y)),
    "log_normal": (("identity",), lambda link, design: log_normal(link, design.y)),
    "student_t": (("identity", "log", "inverse"), lambda link, design: student_t(link, design.y)),
    "negative_binomial": (("log", "sqrt", "identity"), lambda link, design: negative_binomial(link, design.y)),
    "ordinal": (
        ("logit", "probit", "cloglog"),
        lambda link, design: ordinal(link, design.response_levels, design.y, design.X),
    ),
    "zero_inflated_poisson": (("log",), lambda link, design: zero_inflated_poisson(design.y)),
    "zero_inflated_negative_binomial": (
        ("log",),
        lambda link, design: zero_inflated_negative_binomial(design.y),
    ),
    "poisson": (("log", "sqrt", "identity"), lambda link, design: Poisson(link=link)),
}


def has_record(family: Family) -> bool:
    """Return whether a family with its link has a record."""
    return family.name in RECORDS and family.link in RECORDS[family.name][0]


def record_of(family: Family, design: Design) -> ResponseFamily | None:
    """Return the record of a family with its link for the response of a design, or None where there is none."""
    return RECORDS[family.name][1](family.link, design) if has_record(family) else None


def auxiliary_names(family: Family, design: Design) -> tuple[str, ...]:
    """Return the names of a family's further parameters for the response of a design, in the order shown."""
    record = record_of(family, design)
    return family.auxiliary if record is None else tuple(one.name for one in record.auxiliary)


__all__ = [
    "RECORDS",
    "Auxiliary",
    "Fault",
    "ResponseFamily",
    "Slopes",
    "auxiliary_names",
    "has_record",
    "log_prob",
    "record_of",
]
