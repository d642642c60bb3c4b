"""Priors in open conflict with the data are said; priors that only inform are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf

TEXT = "Reaction ~ Days + (Days | Subject)"


class Page(pf.Model):
    """The page's class with its own priors."""

    def __init__(self, Nf: int, Nr: int, prior: Any = None) -> None:
        self.Nf = Nf
        self.w = pf.Parameter([Nf, 1], prior=prior)
        self.u = pf.Parameter([Nr, 1], prior=prior)
        self.sigma = pf.ScaleParameter([1, 1], prior=prior and "auto")

    def __call__(self, x: Any) -> Any:
        X = x[:, : self.Nf]
        Z = x[:, self.Nf :]
        return pf.Normal(X @ self.w() + Z @ self.u(), self.sigma())


@pytest.fixture(scope="module")
def sleep() -> pd.DataFrame:
    return pf.datasets.sleepstudy()


@pytest.fixture(scope="module")
def x(sleep: pd.DataFrame) -> np.ndarray:
    Z = pd.get_dummies(sleep.Subject.astype(str)).to_numpy(float)
    return np.column_stack([np.ones(180), sleep.Days, Z])


def test_the_page_on_raw_data_is_told_so(sleep: pd.DataFrame, x: np.ndarray) -> None:
    verdict = Page(2, 18).fit(x, sleep.Reaction, seed=1).verdict
    assert verdict.level == "caution"
    assert verdict.sentence == "The priors and the scale of the data do not fit together."
    assert 'prior="auto"' in verdict.advice
    notes = " ".join(verdict.notes)
    assert "The priors expect a mean of Reaction of" in notes
    assert "the data have 299." in notes
    assert "The priors expect Reaction to have an sd of" in notes
    assert "sigma is 28" in notes


def test_priors_scaled_by_the_data_are_not(sleep: pd.DataFrame, x: np.ndarray) -> None:
    assert Page(2, 18, "auto").fit(x, sleep.Reaction, seed=1).verdict.level == "fine"


def test_the_page_on_data_of_its_own_scale_is_not() -> None:
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(18), 10)
    x = np.column_stack([np.ones(180), rng.normal(size=180), np.eye(18)[g]])
    y = x @ np.concatenate([[1, 0.5], rng.normal(size=18)]) + 0.5 * rng.normal(size=180)
    assert Page(2, 18).fit(x, y, seed=1).verdict.level == "fine"


@pytest.mark.parametrize("shift", [0.0, 1e6])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_default_priors_of_a_formula_never_conflict(sleep: pd.DataFrame, shift: float, scale: float) -> None:
    d = sleep.assign(Reaction=(sleep.Reaction + shift) * scale)
    verdict = pf.lme("Reaction ~ Days + (1 | Subject)", d, seed=1).verdict
    assert "do not fit together" not in str(verdict)
    # Nor do they when they are written out.
    text = pf.prepare("Reaction ~ Days + (1 | Subject)", d).spec.text()
    assert "do not fit together" not in str(pf.lme(text, d, seed=1).verdict)


# prior written -> whether it is in conflict
WRITTEN = {
    "Days ~ Normal(0, 5)": False,
    "Days ~ Normal(1000, 5)": True,
    "sigma ~ HalfNormal(30)": False,
    "Intercept ~ Normal(250, 20)": False,
    "Intercept ~ Normal(0, 1)\nsd(Subject) ~ HalfNormal(1)\nDays ~ Normal(0, 1)\nsigma ~ HalfNormal(1)": True,
    "sigma ~ HalfNormal(0.5)": True,
    "Days ~ Flat()": False,
}


@pytest.mark.parametrize("prior", WRITTEN)
def test_written_priors(sleep: pd.DataFrame, prior: str) -> None:
    verdict = pf.lme(f"Reaction ~ Days + (1 | Subject)\n{prior}", sleep, seed=1).verdict
    assert ("do not fit together" in str(verdict)) == WRITTEN[prior]
    if WRITTEN[prior]:
        assert verdict.level == "caution"
        assert verdict.advice == "Give wider priors, or leave them out: the defaults are scaled to the data."


def test_a_vague_prior_is_only_noted(sleep: pd.DataFrame) -> None:
    verdict = pf.lme("Reaction ~ Days + (1 | Subject)\nDays ~ Normal(0, 100000)", sleep, seed=1).verdict
    assert verdict.level == "fine"
    assert any(note.startswith("The priors are vague") for note in verdict.notes)


def test_counts_far_from_what_the_prior_expects() -> None:
    class Counts(pf.Model):
        def __init__(self) -> None:
            self.a = pf.Parameter()

        def __call__(self, x: Any) -> Any:
            return pf.Poisson(log=self.a() + 0.0 * x[:, 0])

    rng = np.random.default_rng(1)
    x = np.zeros((50, 1))
    near = Counts().fit(x, rng.poisson(2.0, 50), engine=pf.NUTS(draws=400, warmup=100), seed=1).verdict
    far = Counts().fit(x, rng.poisson(5000.0, 50), engine=pf.NUTS(draws=400, warmup=100), seed=1).verdict
    assert "do not fit together" not in str(near)
    assert "do not fit together" in str(far)
