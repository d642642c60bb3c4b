"""The class that a model of a family prints has the model's log density, further parameters and all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb import api
from probflow_nb.errors import EngineError
from probflow_nb.model.python_source import CALLS, Layout
from probflow_nb.spec.families import KINDS

POINTS = 20


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = 40
    return pd.DataFrame(
        {
            "x": rng.standard_normal(n),
            "g": [f"g{i % 5}" for i in range(n)],
            "t": rng.uniform(1, 2, n),
            "y": rng.standard_normal(n),
            "pos": rng.gamma(3.0, 1.0, n),
            "share": rng.beta(2.0, 3.0, n),
            "count": rng.poisson(2.0, n) * (rng.random(n) < 0.7),
            "k": rng.integers(0, 5, n),
            "n": np.full(n, 5),
            "event": np.arange(n) % 2,
        }
    )


# The response of each family that a class is written for.
RESPONSES = {
    "gaussian": "y",
    "student_t": "y",
    "log_normal": "pos",
    "bernoulli": "event",
    "binomial": "k / n",
    "beta": "share",
    "poisson": "count",
    "negative_binomial": "count",
    "gamma": "pos",
    "zero_inflated_poisson": "count",
    "zero_inflated_negative_binomial": "count",
}


def executed(model) -> pf.Model:
    """Return an instance of the class that a model prints."""
    space: dict[str, object] = {}
    exec(model.to_python(), space)
    return next(v for v in space.values() if isinstance(v, type) and issubclass(v, pf.Model))()


@pytest.mark.parametrize(("family", "link"), CALLS, ids=str)
def test_the_class_has_the_log_density_of_the_model(family: str, link: str) -> None:
    shown = next(kind.shown for kind in KINDS if kind.name == family)
    text = f"{RESPONSES[family]} ~ x + (1 | g) + offset(t)\nfamily = {shown}({link})"
    model = api.prepare(text, frame()).model
    rng = np.random.default_rng(9)
    # Means that are parameters themselves stay positive: t is at least 1.
    values = {"beta": 0.1 * rng.uniform(-1, 1, (POINTS, 2)), "b[g]": 0.1 * rng.uniform(-1, 1, (POINTS, 5, 1))}
    values["sd[g]"] = np.exp(rng.standard_normal((POINTS, 1)))
    for name in model.auxiliary:
        values[name] = rng.uniform(0.1, 0.9, POINTS) if name == "zero" else np.exp(rng.standard_normal(POINTS))
    program = executed(model).program(model.x, model.y)
    layout = Layout(model)
    beta = values["beta"].copy()
    beta[:, 0] += beta @ layout.centre
    term = layout.groups[0]
    written = {layout.common[0].name: beta[:, :, None], term.sd: values["sd[g]"][:, None], term.u: values["b[g]"]}
    written |= {letter: values[name][:, None, None] for name, letter in layout.auxiliary.items()}
    assert set(written) == set(program.names)
    expected = model.log_joint(values).numpy()
    assert expected.std() > 0.5
    np.testing.assert_allclose(np.asarray(program.log_joint(written)), expected, rtol=1e-9)


def test_the_persons_letters_stay_in_the_class() -> None:
    text = "X = design(1 + x)\nw ~ Normal(0, 3)\na ~ Exponential(0.1)\npos ~ Gamma(shape = a, log = X @ w)"
    source = api.prepare(text, frame()).model.to_python()
    assert "return pf.Gamma(self.a(), log=X @ self.w())" in source


@pytest.mark.parametrize("family", ["Bernoulli(probit)", "Gamma(inverse)"])
def test_a_link_without_an_argument_is_refused(family: str) -> None:
    response = "event" if family.startswith("B") else "pos"
    model = api.prepare(f"{response} ~ x\nfamily = {family}", frame()).model
    with pytest.raises(EngineError, match="No class is written for"):
        model.to_python()
