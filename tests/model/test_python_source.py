"""The class that a compiled model prints: executed, it has the model's log density; names of data are never code."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb import api
from probflow_nb.model.python_source import RESERVED, Layout

POINTS = 100


def nested() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    cask = np.repeat(np.arange(30), 2)
    return pd.DataFrame(
        {
            "strength": 60 + rng.standard_normal(60),
            "batch": [f"b{c // 3}" for c in cask],
            "cask": [f"c{c % 3}" for c in cask],
        }
    )


SLEEP = "Reaction ~ Days + (Days | Subject)"
CASES = {
    "slopes": (SLEEP, pf.datasets.sleepstudy),
    "uncorrelated": ("Reaction ~ Days + (Days || Subject)", pf.datasets.sleepstudy),
    "two terms of one factor": ("Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", pf.datasets.sleepstudy),
    "crossed": ("diameter ~ 1 + (1 | plate) + (1 | sample)", pf.datasets.Penicillin),
    "nested": ("strength ~ 1 + (1 | batch/cask)", lambda: nested()),
    "three columns": ("Reaction ~ Days + (poly(Days, 2) | Subject)\ncor(Subject) ~ LKJ(2.5)", pf.datasets.sleepstudy),
    "offset and weights": (
        "Reaction ~ Days + offset(20 * Days) + weights(1 + Days) + (1 | Subject)",
        pf.datasets.sleepstudy,
    ),
    "no intercept": ("Reaction ~ 0 + Days + (1 | Subject)", pf.datasets.sleepstudy),
    "no group": ("Reaction ~ Days", pf.datasets.sleepstudy),
    "no common": ("Reaction ~ 0 + (1 | Subject)", pf.datasets.sleepstudy),
    "an intercept where every column is 0": (f"{SLEEP}\nIntercept ~ Normal(250, 30)", pf.datasets.sleepstudy),
    "priors of many kinds": (
        f"{SLEEP}\nIntercept ~ Normal(250, 30)\nDays ~ StudentT(3, 5, 10)\nsd(Intercept | Subject) ~ Gamma(2, 0.1)\n"
        "sd(Days | Subject) ~ Exponential(0.2)\ncor(Subject) ~ LKJ(3)\nsigma ~ InverseGamma(3, 50)",
        pf.datasets.sleepstudy,
    ),
    "priors of many kinds, uncorrelated": (
        "Reaction ~ Days + (Days || Subject)\nDays ~ Flat\nsd(Intercept | Subject) ~ HalfCauchy(20)\n"
        "sd(Days | Subject) ~ LogNormal(2, 1)\nsigma ~ Uniform(1, 200)",
        pf.datasets.sleepstudy,
    ),
    "thirds": (f"{SLEEP}\nDays ~ Normal(1/3, 10/3)\nsigma ~ HalfNormal(100/3)", pf.datasets.sleepstudy),
}


def executed(model) -> pf.Model:
    """Return an instance of the class that a model prints."""
    source = model.to_python()
    space: dict[str, object] = {}
    exec(source, space)
    kinds = [v for v in space.values() if isinstance(v, type) and issubclass(v, pf.Model)]
    assert len(kinds) == 1
    return kinds[0]()


def random_values(model, rng) -> dict[str, np.ndarray]:
    """Return values of a compiled model's parameters by name, (POINTS, *shape), all of them possible."""
    values = {}
    for parameter in model.parameters:
        shape = (POINTS, *parameter.shape)
        if parameter.name.startswith("cor["):
            values[parameter.name] = np.tile(np.eye(parameter.shape[0]), (POINTS, 1, 1))
            for factor in model.factors:
                if parameter.name == f"cor[{factor.name}]":
                    place(values[parameter.name], model, factor, rng)
        elif parameter.name == "sigma" or parameter.name.startswith("sd["):
            values[parameter.name] = 20.0 * np.exp(0.5 * rng.standard_normal(shape))
        else:
            values[parameter.name] = 20.0 * rng.standard_normal(shape)
    return values


def place(R: np.ndarray, model, factor, rng) -> None:
    """Fill the blocks of correlated terms with random correlation matrices."""
    start = 0
    for m in factor.members:
        group = model.design.groups[m]
        stop = start + group.n_columns
        if group.correlated and group.n_columns > 1:
            A = rng.standard_normal((len(R), group.n_columns, group.n_columns + 2))
            C = A @ np.swapaxes(A, 1, 2)
            scale = np.sqrt(np.einsum("sii->si", C))
            R[:, start:stop, start:stop] = C / scale[:, :, None] / scale[:, None, :]
        start = stop


def as_written(model, values) -> dict[str, np.ndarray]:
    """Return the class's values by its own names, of a compiled model's."""
    layout = Layout(model)
    beta = values["beta"].copy()
    if layout.centre is not None:
        beta[:, 0] += beta @ layout.centre
    found = {part.name: beta[:, part.start : part.stop, None] for part in layout.common}
    found["sigma"] = values["sigma"][:, None, None]
    place_of = {m: (f, i) for f in model.factors for i, m in enumerate(f.members)}
    for term in layout.groups:
        factor, position = place_of[term.member]
        start = sum(model.design.groups[m].n_columns for m in factor.members[:position])
        columns = slice(start, start + model.design.groups[term.member].n_columns)
        sd = values[f"sd[{factor.name}]"][:, columns]
        priors = {prior.name for prior in model.priors.sds[term.member]}
        if len(priors) > 1:
            found |= {f"{term.sd}_{c + 1}": sd[:, c] for c in range(sd.shape[1])}
        else:
            found[term.sd] = sd if term.cor else sd[:, None, :]
        if term.cor:
            found[term.cor] = values[f"cor[{factor.name}]"][:, columns, columns]
        found[term.u] = values[f"b[{factor.name}]"][:, :, columns]
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_class_has_the_log_density_of_the_model(case: str) -> None:
    text, data = CASES[case]
    model = api.prepare(text, data()).model
    own = executed(model)
    values = random_values(model, np.random.default_rng(7))
    expected = model.log_joint(values).numpy()
    program = own.program(model.x, model.y)
    written = as_written(model, values)
    assert set(written) == set(program.names)
    found = np.asarray(program.log_joint(written))
    assert expected.std() > 1.0
    np.testing.assert_allclose(found, expected, rtol=1e-10)


HOSTILE = (
    '"""',
    "'''",
    'a"); import os; os.abort() #',
    "new\nline",
    "carriage\rreturn",
    "back\\slash\\",
    "para\u2029graph",
    "{braces} %s",
    "\x00\x1f",
    "self.w",
    "é ü 名",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_data_are_not_code(name: str) -> None:
    def source(name: str) -> str:
        rng = np.random.default_rng(3)
        levels = [f"{name}{i}" for i in range(4)]
        g, f = np.tile(levels, 10), np.repeat(levels, 10)
        frame = pd.DataFrame({"y": rng.standard_normal(40), "f": f, "g": g})
        model = api.prepare("y ~ f + (f | g)", frame).model
        model = replace(model, design=replace(model.design, response_name=name))
        assert len(executed(model).program(model.x, model.y).names) == 5
        return model.to_python()

    assert shape_of(source(name)) == shape_of(source("plain"))


def shape_of(source: str) -> str:
    """Return a source's tree with the class's name left out."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            node.name = "Model"
    return ast.dump(tree)


def test_the_class_reads_as_the_page_does() -> None:
    source = api.prepare(f"{SLEEP}\nDays ~ Normal(0, 10)", pf.datasets.sleepstudy()).model.to_python()
    for line in (
        "class ReactionModel(pf.Model):",
        "        self.w = pf.Parameter([2, 1], prior=pf.Normal([[298.5], [0.0]], [[140.8], [10.0]]))",
        "        self.cor = pf.CorrelationParameter(2, prior=pf.LKJ(1.0))",
        "        self.u = pf.Parameter([18, 2], prior=pf.MultivariateNormal(0.0, sd=self.sd, cor=self.cor))",
        "        Z = pf.indicators(x[:, 2], z=x[:, 0:2], levels=18)",
        "        return pf.Normal(X @ self.w() + Z @ self.u(), self.sigma())",
    ):
        assert line in source.split("\n")


STATEMENTS = """
M = design(1 + Days)
V = design(1 + Days) by Subject
coef ~ Normal(0, 300)
tau ~ HalfNormal(50)
Rho ~ LKJ(2)
u ~ MultivariateNormal(0, sd = tau, cor = Rho)
noise ~ HalfNormal(50)
Reaction ~ Normal(M @ coef + V @ u, noise)
"""


def test_the_letters_of_statements_stay() -> None:
    source = api.prepare(STATEMENTS, pf.datasets.sleepstudy()).model.to_python()
    assert "return pf.Normal(M @ self.coef() + V @ self.u(), self.noise())" in source
    assert "prior=pf.MultivariateNormal(0.0, sd=self.tau, cor=self.Rho)" in source


@pytest.mark.parametrize("letter", ["fit", "pf", "centre", "x"])
def test_letters_that_the_class_needs_itself_are_replaced(letter: str) -> None:
    model = api.prepare(re.sub(r"\btau\b", letter, STATEMENTS), pf.datasets.sleepstudy()).model
    assert model.spec.letters.groups[0].sd == letter
    assert "X @ self.w() + Z @ self.u(), self.sigma()" in model.to_python()


def test_no_letter_hides_what_a_model_answers() -> None:
    assert {name for name in dir(pf.Model) if not name.startswith("_")} <= RESERVED


def test_x_holds_what_the_comment_says() -> None:
    model = api.prepare(SLEEP, pf.datasets.sleepstudy()).model
    np.testing.assert_array_equal(model.x[:, :2], model.design.X)
    np.testing.assert_array_equal(model.x[:, 2], model.design.groups[0].index)
    np.testing.assert_array_equal(model.y, pf.datasets.sleepstudy()["Reaction"])


def test_a_wrong_level_is_a_sentence() -> None:
    with pytest.raises(pf.DataError, match="Row 1 has level 3, but levels are whole numbers from 0 to 2"):
        pf.indicators(np.array([0.0, 3.0]), levels=3)
    with pytest.raises(pf.DataError, match=r"level 0\.5"):
        pf.indicators(np.array([0.5, 1.0]), levels=3)
    with pytest.raises(pf.DataError, match="by row, but z of shape"):
        pf.indicators(np.array([0.0, 1.0]), levels=3, z=np.ones((3, 2)))
    with pytest.raises(pf.EngineError, match="Z has 3 levels of 1 column, but u has shape"):
        pf.indicators(np.array([0.0, 1.0]), levels=3) @ np.ones((4, 1))


def test_indicators_are_the_matrix_that_they_stand_for() -> None:
    rng = np.random.default_rng(1)
    level, z = rng.integers(0, 5, 30), rng.standard_normal((30, 2))
    dense = np.zeros((30, 5, 2))
    dense[np.arange(30), level] = z
    u = rng.standard_normal((3, 5, 2))
    Z = pf.indicators(level, levels=5, z=z)
    assert Z.shape == (30, 10)
    np.testing.assert_allclose((Z @ u)[..., 0], u.reshape(3, 10) @ dense.reshape(30, 10).T, rtol=1e-12)
    assert math.prod((Z @ u[0]).shape) == 30
