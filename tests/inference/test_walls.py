"""Links that take only some linear predictors, with rows that do not keep away from where they end."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import probflow_nb as pf
from probflow_nb.backend.tensorflow import load
from probflow_nb.errors import EngineError
from probflow_nb.inference import Laplace
from probflow_nb.inference.auto import choose
from probflow_nb.model.density import log_density
from probflow_nb.model.link_range import at_wall, feasible

GROUPS = np.repeat(np.arange(8), 6)


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    x = np.round(rng.uniform(0, 1, 48), 3)
    return pd.DataFrame(
        {
            "x": x,
            "g": [f"g{i}" for i in GROUPS],
            "y": rng.poisson(0.6 + 0.8 * x),
            "many": 20 + rng.poisson(5 + 5 * x),
            "n": 5,
            "k": np.minimum(rng.binomial(5, 0.2 + 0.5 * x), 4),
            "z": rng.binomial(1, 0.2 + 0.5 * x),
        }
    )


WALLED = {
    "Poisson(link = identity)": "y",
    "Poisson(link = sqrt)": "y",
    "NegativeBinomial(link = identity)": "y",
    "NegativeBinomial(link = sqrt)": "y",
    "Binomial(link = identity)": "k / n",
    "Bernoulli(link = log)": "z",
    "Bernoulli(link = identity)": "z",
}
# No row has the response that stands at the end of the range, or the link takes everything.
OPEN = {
    "Poisson(link = identity)": "many",
    "NegativeBinomial(link = sqrt)": "many",
    "Gamma(link = identity)": "many",
    "Gamma(link = inverse)": "many",
    "Binomial(link = log)": "k / n",
    "Poisson(link = log)": "y",
}


@pytest.mark.parametrize("family", WALLED)
def test_a_wall_is_left_to_nuts_which_starts_inside(family: str) -> None:
    model = pf.prepare(f"{WALLED[family]} ~ x + (1 | g)", frame(), family=family).model
    choice = choose(model)
    assert type(choice.engine) is pf.NUTS
    assert "as likely as can be where the range of the link" in choice.reason
    with pytest.raises(EngineError, match="as likely as can be where the range of the link"):
        Laplace().check(model)
    with pytest.raises(EngineError, match="takes only some"):
        pf.VI().check(model)
    density = model.density
    assert np.isfinite(log_density(density, load().constant(density.origin[None]), density.inputs()).numpy()).all()
    eta = model.design.X @ feasible(model.record, model.design)
    np.testing.assert_allclose(eta, eta[0])


@pytest.mark.parametrize("family", OPEN)
def test_where_every_row_keeps_away_from_the_wall_laplace_fits(family: str) -> None:
    fitted = pf.prepare(f"{OPEN[family]} ~ x + (1 | g)", frame(), family=family)
    assert type(choose(fitted.model).engine) is Laplace
    assert not at_wall(fitted.model.record, fitted.model.design.y, fitted.model.design.trials).any()


def test_rows_at_the_wall_are_those_whose_density_stays_high_there() -> None:
    data = frame()
    poisson = pf.prepare("y ~ x", data, family="Poisson(link = identity)").model
    np.testing.assert_array_equal(at_wall(poisson.record, poisson.design.y, None), data["y"] == 0)
    events = pf.prepare(
        "k / n ~ x", data.assign(k=np.where(data["x"] > 0.9, 5, data["k"])), family="Binomial(link = log)"
    )
    held = events.model.design
    np.testing.assert_array_equal(at_wall(events.model.record, held.y, held.trials), held.y == held.trials)


def test_nuts_at_a_wall_finds_the_posterior_of_a_grid() -> None:
    data = frame()
    text = "y ~ x\nIntercept ~ Normal(0, 1)\nx ~ Normal(0, 1)"
    fit = pf.lme(text, data, family="Poisson(link = identity)", engine=pf.NUTS(draws=8000), seed=1)
    a, b = np.meshgrid(np.linspace(1e-4, 1.8, 400), np.linspace(-1.5, 3.0, 450), indexing="ij")
    eta = a[..., None] + b[..., None] * data["x"].to_numpy()
    with np.errstate(invalid="ignore"):
        rows = stats.poisson.logpmf(data["y"].to_numpy(), np.where(eta > 0, eta, np.nan)).sum(axis=-1)
    log = np.where((eta > 0).all(axis=-1), rows + stats.norm.logpdf(a) + stats.norm.logpdf(b), -np.inf)
    p = np.exp(log - log.max())
    p /= p.sum()
    for name, grid in (("Intercept", a), ("x", b)):
        mean = (p * grid).sum()
        sd = np.sqrt((p * (grid - mean) ** 2).sum())
        draws = fit.draws.flat(name)
        assert abs(draws.mean() - mean) < 0.08 * sd
        assert abs(draws.std() / sd - 1) < 0.06


def test_paths_that_reach_the_wall_are_not_advised_smaller_steps() -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 1, 60)
    data = pd.DataFrame({"x": x, "y": rng.poisson(0.05 + 1.5 * x)})
    verdict = pf.lme("y ~ x", data, family=pf.Poisson(link="identity"), seed=2).verdict
    assert "diverged" in verdict.sentence
    assert verdict.advice.startswith("The posterior ends at a wall, because ")
    assert verdict.advice.endswith("Take the link log, which has none.")
    assert "smaller steps" not in verdict.advice
