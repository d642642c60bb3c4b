"""Cards made by hand: what the display floor is tested with; nothing here is fitted."""

from __future__ import annotations

import numpy as np

from probflow_nb.display.card import Card, Equation, GroupEquation, Marginal
from probflow_nb.posterior.summary import GroupEffects, Summary
from probflow_nb.posterior.verdict import Verdict

HOSTILE = (
    '<img src=x onerror="alert(1)">',
    "</style></div></details><script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    'it\'s "quoted" & <b>bold</b>',
    "x" * 10_000,
    "\u202egnp.exe\u2066",
    "line\nbreak\x00\x1b[31m\x7f",
    "lone \ud800 surrogate",
    "שלום עולם",
    "日本語の水準",
    "😀 emoji",
    "$x^{2$ and $\\frac{",
    "a|b`c*d_e[f](g)",
    "",
)
ROLES = ("common", "common", "variance", "variance", "correlation", "variance")
NAMES = (
    "Intercept",
    "Days",
    "sd(Intercept | Subject)",
    "sd(Days | Subject)",
    "cor(Intercept, Days | Subject)",
    "sigma",
)


def sleep_summary() -> Summary:
    nan = np.full(6, np.nan)
    return Summary(
        NAMES,
        (
            ("mean", np.array([251.41, 10.472, 26.12, 6.6104, 0.081, 25.894])),
            ("sd", np.array([7.43, 1.702, 6.91, 1.523, 0.301, 1.512])),
            ("median", np.array([251.38, 10.466, 25.48, 6.4851, 0.089, 25.851])),
            ("q2.5", np.array([236.71, 7.131, 14.69, 4.1122, -0.512, 23.112])),
            ("q97.5", np.array([266.08, 13.812, 41.61, 9.8902, 0.692, 29.013])),
            ("ess_bulk", np.array([3190.2, 3120.0, 2890.6, 2755.0, 2901.0, 3333.0])),
            ("ess_tail", np.array([2800.0, 2800.0, 2500.0, 2500.0, 2500.0, 3000.0])),
            ("rhat", nan),
            ("khat", np.full(6, 0.283)),
            ("mcse", np.array([0.131, 0.0305, 0.129, 0.029, 0.0056, 0.0262])),
        ),
    )


def point_summary() -> Summary:
    return Summary(
        NAMES,
        (
            ("estimate", np.array([251.405105, 10.467286, 24.740658, 5.922138, 0.065551, 25.591818])),
            ("se", np.array([6.824597, 1.545790, np.nan, np.nan, np.nan, np.nan])),
        ),
    )


def sleep_marginals(seed: int = 1) -> tuple[Marginal, ...]:
    draws = np.random.default_rng(seed)
    values = (
        draws.normal(251.4, 7.4, 4000),
        draws.normal(10.5, 1.7, 4000),
        draws.gamma(14, 26 / 14, 4000),
        draws.gamma(20, 6.6 / 20, 4000),
        np.tanh(draws.normal(0.08, 0.33, 4000)),
        draws.normal(25.9, 1.5, 4000),
    )
    return tuple(marginal(name, role, v) for name, role, v in zip(NAMES, ROLES, values))


def marginal(name: str, role: str, values: np.ndarray) -> Marginal:
    lower, upper = np.quantile(values, (0.025, 0.975))
    return Marginal(name, role, values, float(values.mean()), float(lower), float(upper))


def effects(levels: int, total: int | None = None, names: tuple[str, ...] | None = None) -> GroupEffects:
    mean = np.random.default_rng(levels).normal(0, 26, levels)
    shown = names or tuple(str(308 + 3 * i) for i in range(levels))
    return GroupEffects(
        "Subject", "Intercept", shown, total or levels, mean, np.full(levels, 9.0), mean - 18, mean + 18
    )


EQUATION = Equation("Reaction", ("Intercept", "Days"), (GroupEquation("Subject", ("Intercept", "Days")),))
FORMULA = "Reaction ~ Days + (Days | Subject)"
FINE = Verdict("fine", "4,000 draws, khat 0.28.", "", ("All chains agree.",))
RUN = (("engine", "Exact(draws=4000)"), ("seed", "1"))
PRIORS = (("Days", "Normal(0, 49)"), ("sigma", "HalfStudentT(3, 0, 140.8)"))


def sleep_card() -> Card:
    groups = (effects(18), effects(18))
    return Card(
        "sleep",
        FORMULA,
        EQUATION,
        FINE,
        sleep_summary(),
        sleep_marginals(),
        groups,
        RUN,
        PRIORS,
        ("180 rows.",),
    )


def point_card() -> Card:
    return Card("", FORMULA, EQUATION, FINE, point_summary(), groups=(effects(18),), run=RUN)


def unfitted_card() -> Card:
    verdict = Verdict("none", "Nothing has been run.", "Call fit().")
    return Card("sleep", FORMULA, EQUATION, verdict, Summary((), ()), priors=PRIORS)


def hostile_card(name: str) -> Card:
    """A card in which everything that can be a name is the same hostile text."""
    values = np.random.default_rng(2).normal(0, 1, 500)
    summary = Summary(
        (name, f"sd({name} | {name})"),
        (("mean", np.array([0.0, 1.0])), ("sd", np.array([1.0, 0.2])), ("mcse", np.array([0.02, 0.01]))),
    )
    effect = GroupEffects(
        name,
        name,
        (name, name + "2"),
        2,
        np.array([0.0, 1.0]),
        np.ones(2),
        np.array([-2.0, -1]),
        np.array([2.0, 3]),
    )
    return Card(
        name,
        name,
        Equation(name, ("Intercept", name), (GroupEquation(name, ("Intercept", name), False),), True, True),
        Verdict("bad", name, name, (name,)),
        summary,
        (marginal(name, "common", values), marginal(f"sd({name} | {name})", "variance", np.abs(values))),
        (effect,),
        ((name, name),),
        ((name, name),),
        (name,),
    )
