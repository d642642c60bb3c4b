"""The verdict on chains: what is worst decides, and what to do next is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from probflow_nb.posterior import diagnostics
from probflow_nb.posterior.draws import Draws, Effects, Quality
from probflow_nb.posterior.verdict import Behaviour, judge_nuts

GOOD = Behaviour(divergences=0, cut=0.0, e_bfmi=1.0, target=0.8, finished=True)


def draws_of(scalars, effects=None):
    bulk, tail = diagnostics.ess_bulk(scalars), diagnostics.ess_tail(scalars)
    rhat, mcse = diagnostics.rhat(scalars), diagnostics.mcse_mean(scalars)
    qualities = tuple(Quality(bulk[i], tail[i], rhat[i], float("nan"), mcse[i]) for i in range(scalars.shape[-1]))
    found = ()
    if effects is not None:
        flat = effects.reshape(-1, *effects.shape[2:])
        levels = tuple(f"l{i}" for i in range(flat.shape[1]))
        found = (Effects("Subject", levels, ("Intercept",), len(flat), lambda m: flat[:m], len(flat)),)
    return Draws(tuple(f"x{i}" for i in range(scalars.shape[-1])), scalars, qualities, found)


def independent(chains=4, n=1000, k=2, seed=0):
    return np.random.default_rng(seed).standard_normal((chains, n, k))


def walk(n=1000, seed=1):
    steps = np.random.default_rng(seed).standard_normal((4, n, 1))
    x = np.zeros_like(steps)
    for t in range(1, n):
        x[:, t] = 0.97 * x[:, t - 1] + steps[:, t]
    return x


def apart():
    x = independent()
    x[0, :, 1] += 3.0
    return x


def effects_apart():
    b = independent(k=5)[..., None]
    b[0, :, 3] += 3.0
    return b


@pytest.mark.parametrize(
    ("draws", "behaviour", "level", "words"),
    [
        (draws_of(independent()), GOOD, "fine", "can be trusted"),
        (draws_of(apart()), GOOD, "bad", "disagree on x1"),
        (draws_of(independent(), effects_apart()), GOOD, "bad", "an effect of Subject"),
        (draws_of(walk()), GOOD, None, "fit.extend(draws="),
        (draws_of(independent(n=50)), GOOD, "caution", "fit.extend(draws=1000)"),
        (draws_of(independent()), replace(GOOD, divergences=1), "caution", "1 path of 4,000 diverged"),
        (draws_of(independent()), replace(GOOD, divergences=200), "bad", "target_accept=0.9"),
        (draws_of(independent()), replace(GOOD, divergences=9, target=0.95), "caution", "target_accept=0.99"),
        (draws_of(independent()), replace(GOOD, e_bfmi=0.1), "caution", "E-BFMI 0.10"),
        (draws_of(independent()), replace(GOOD, finished=False), "caution", "stopped early"),
        (draws_of(independent()), replace(GOOD, cut=0.5), "fine", "max_depth"),
        (draws_of(np.full((4, 100, 1), np.nan)), GOOD, "bad", "disagree"),
    ],
)
def test_what_is_worst_decides(draws, behaviour, level, words):
    verdict = judge_nuts(draws, behaviour)
    assert words in str(verdict)
    assert level is None or verdict.level == level
    assert (verdict.level == "fine") == (verdict.advice == "")
