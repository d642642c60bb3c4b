"""Completion: what is offered at the cursor, in which order, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.completer import provisionalcompleter

from probflow_nb import datasets
from probflow_nb.design.builder import build
from probflow_nb.errors import ProbflowError
from probflow_nb.lang import parse
from probflow_nb.lang.tree import Name, Tilde
from probflow_nb.model.priors import resolve
from probflow_nb.notebook.completion import column_roles, completion, prior_targets
from probflow_nb.notebook.completion.column_roles import Roles
from probflow_nb.notebook.completion.cursor import cursor
from probflow_nb.notebook.session import frames
from probflow_nb.spec.formula import lower

CURSOR = "⎮"
FORMULA = "%%lme\nReaction ~ Days + (Days | Subject)\n"
STATEMENTS = "X = design(1 + Days)\nZ = indicators(Subject)\n⎮\nReaction ~ Normal(X @ w + Z @ u, sigma)"


@pytest.fixture
def held(ip) -> Any:
    """The shell, with two data frames and an array."""
    ip.user_ns["sleep"] = datasets.sleepstudy()
    ip.user_ns["cows"] = datasets.cbpp().assign(**{"body mass": np.arange(56) / 2})
    ip.user_ns["A"] = np.zeros((3, 2))
    return ip


def asked(shell: Any, text: str) -> tuple[list[str], list[str], str]:
    """Return the completions at the cursor, what each is called, and the text that they replace."""
    at = text.index(CURSOR)
    cell = text.replace(CURSOR, "")
    with provisionalcompleter():
        found = list(shell.Completer.completions(cell, at))
    assert len({(c.start, c.end) for c in found}) <= 1
    replaced = cell[found[0].start : found[0].end] if found else ""
    return [c.text for c in found], [c.type for c in found], replaced


FIRST: list[tuple[str, list[str]]] = [
    # columns: of the frame that fits the other names, of the one that --data names, quoted where they must be
    ("%%lme\nReaction ~ ⎮", ["Days", "Subject", "Reaction", "log("]),
    ("%%lme\nincidence/size ~ per⎮", ["period"]),
    ("%%lme\nincidence/size ~ bod⎮", ["`body mass`"]),
    ("%%lme\nincidence/size ~ `bo⎮", ["`body mass`"]),
    ("%%lme\nincidence/size ~ `per⎮", ["`period`"]),
    ("%%lme\nincidence/size ~ `bo⎮`", ["`body mass"]),
    ("%%lme\nincidence/size ~ MASS⎮", ["`body mass`"]),
    ("%%lme --data radon\nlog_radon ~ ⎮", ["floor", "county", "log_uranium", "log_radon"]),
    ("%%lme --data=cows\n⎮", ["herd", "incidence", "size", "period", "`body mass`"]),
    ("%%lme\nReaction ~ Days +\n  Sub⎮", ["Subject"]),
    # factors first after the bar, the response last
    ("%%lme\nReaction ~ Days + (Days | ⎮", ["Subject", "Days", "Reaction"]),
    ("%%lme\nReaction ~ (1 || ⎮)", ["Subject", "Days", "Reaction"]),
    ("%%lme\nincidence/size ~ (1 | ⎮", ["herd", "period", "`body mass`", "incidence", "size"]),
    ("%%lme\nincidence/size ~ (1 | herd/⎮", ["herd", "period", "`body mass`"]),
    # inside calls
    ("%%lme\nReaction ~ log(⎮", ["Days", "Subject", "Reaction", "log("]),
    ("%%lme\nReaction ~ poly(Days, ⎮", ["degree = ", "raw = "]),
    ("%%lme\nReaction ~ poly(Days, degree = 2, ⎮", ["raw = "]),
    ("%%lme\nReaction ~ poly(Days, 2, raw = ⎮", ["True", "TRUE", "False", "FALSE"]),
    ("%%lme\nReaction ~ C(⎮", ["Subject", "Days", "Reaction"]),
    ("%%lme\nReaction ~ C(Subject, ⎮", ["Treatment", "Sum", "Helmert", "Poly", "contrast = "]),
    ("%%lme\nReaction ~ C(Subject, Treatment(⎮", ["reference = "]),
    ("%%lme\nReaction ~ po⎮(Days, 2)", ["poly"]),
    # priors of a formula
    (FORMULA + "⎮", ["Intercept", "Days", "sd(Subject)", "sd(Intercept | Subject)", "sd(Days | Subject)"]),
    (FORMULA + "s⎮", ["sd(Subject)", "sd(Intercept | Subject)", "sd(Days | Subject)", "sigma"]),
    (FORMULA + "sd(D⎮", ["sd(Days | Subject)"]),
    (FORMULA + "sd( Days|⎮", ["sd(Days | Subject)"]),
    (FORMULA + "cor(⎮", ["cor(Subject)"]),
    (FORMULA + "sigma ~ Flat\nsi⎮", ["sigma"]),
    (FORMULA + "fam⎮", ["family"]),
    ("%%lme\nincidence/size ~ period + (1 | herd)\np⎮", ["period[2]", "period[3]", "period[4]"]),
    ("%%lme\nincidence ~ `body mass` + (1 | herd)\nbody⎮", ["`body mass`"]),
    ("%%lme\nincidence ~ period + (1 | herd)\nperiod[⎮", ["1]", "2]", "3]", "4]"]),
    # distributions by what the parameter can be
    (FORMULA + "sigma ~ ⎮", ["HalfNormal(", "HalfStudentT(", "HalfCauchy(", "Exponential("]),
    (FORMULA + "Days ~ ⎮", ["Normal(", "StudentT(", "Cauchy(", "Uniform(", "Flat", "Default"]),
    (FORMULA + "cor(Subject) ~ ⎮", ["LKJ(", "Flat", "Default"]),
    (FORMULA + "Days ~ Normal(⎮", ["mean = ", "sd = "]),
    (FORMULA + "Days ~ Normal(0, sd = 1, ⎮", ["mean = "]),
    # family and links
    (FORMULA + "family = ⎮", ["Gaussian", "StudentT", "Bernoulli", "Binomial", "Beta", "Poisson"]),
    (FORMULA + "family = Poisson(⎮", ["link = ", "log", "identity", "sqrt"]),
    (FORMULA + "family = Poisson(link = ⎮", ["log", "identity", "sqrt"]),
    # explicit statements
    ("%%lme\n" + STATEMENTS, ["w", "u", "sigma"]),
    ("%%lme\n" + STATEMENTS.replace("⎮", "w[⎮"), ["Intercept]", "Days]"]),
    ("%%lme\n" + STATEMENTS.replace("⎮", "sigma ~ ⎮"), ["HalfNormal(", "HalfStudentT("]),
    ("%%lme\n" + STATEMENTS.replace("⎮", "w ~ ⎮"), ["Normal(", "StudentT("]),
    ("%%lme\nX = ⎮", ["design(", "indicators("]),
    ("%%lme\nX = design(1 + Days) ⎮", ["by"]),
    ("%%lme\nReaction ~ Days\nX = design(1 + Days) by ⎮", ["Subject", "Days"]),
    ("%%lme\nReaction ~ Days\nZ = indicators(⎮", ["Subject", "Days"]),
    ("%%lme\nX = design(1 + Days)\nReaction ~ Normal(X @ ⎮w, s)", ["X", "Days", "Subject", "Reaction", "log("]),
    ("%%lme\nX = design(1 + Days)\nw ~ Normal(0, 1)\nReaction ~ Normal(X @ ⎮", ["w", "X"]),
    ("%%lme\nX = design(1 + Days)\nReaction ~ Normal(⎮", ["X", "mean = ", "sd = ", "Days", "Subject"]),
    ("%%lme\nReaction ~ Normal(X @ w + A⎮", ["A"]),
    # the magic's own line
    ("%%lme ⎮", ["--data", "--engine", "--family", "--seed"]),
    ("%%lme --eng⎮", ["--engine"]),
    ("%%lme --engine ⎮", ["exact", "laplace", "nuts", "vi", "point"]),
    ("%%lme --engine=n⎮", ["nuts"]),
    ("%%lme --engine vi --rank ⎮", ["structured", "full", "mean-field"]),
    ("%%lme --engine point --reml ⎮", ["true", "false"]),
    ("%%lme --family neg⎮", ["negative_binomial"]),
    ("%%lme --data ⎮\nincidence ~ period", ["cows", "sleep", "cbpp"]),
    ("%%lme --data sl⎮", ["sleep", "sleepstudy"]),
    ("%lme ⎮", ["compare", "forget", "autoload"]),
    ("x = 1\n%lme autoload ⎮", ["on", "off"]),
    # where the cell begins late
    ("%%time\n%%lme\nReac⎮", ["Reaction"]),
    ("\n\n%%lme\nReac⎮", ["Reaction"]),
]


@pytest.mark.parametrize(("text", "first"), FIRST)
def test_what_is_offered_first(held, text, first):
    assert asked(held, text)[0][: len(first)] == first


EMPTY = [
    "%%lme\n# Reac⎮",
    "%%lme\nReaction ~ Days # so pri⎮",
    "%%lme\nReaction ~ prin⎮",
    "%%lme\nReaction ~ 1⎮",
    "%%lme\nReaction ~ Days ⎮",
    '%%lme\nReaction ~ C(Subject, Treatment(reference = "⎮',
    "%%lme\nimport o⎮",
    "%%lme --seed ⎮",
    "%%lme --data sleep.⎮",
    "%lme forget ⎮",
    "%lme autoload on ⎮",
]


@pytest.mark.parametrize("text", EMPTY)
def test_nothing_of_python_comes_into_our_cells(held, text):
    assert asked(held, text)[0] == []


@pytest.mark.parametrize(
    "text", ["prin⎮", "x = sle⎮", "sleep.⎮", "%lm⎮", "%%lm⎮", "%%timeit sle⎮", "%%bash\n%lme ⎮", "# %lme\nsle⎮"]
)
def test_other_cells_are_completed_as_before(held, text):
    held.Completer.use_jedi = False
    with_ours = asked(held, text)
    completion.remove(held)
    assert with_ours == asked(held, text)
    assert with_ours[0]


KINDS = [
    ("%%lme\nReaction ~ (1 | ⎮", {"Subject": "factor", "Days": "column"}),
    ("%%lme\nReaction ~ ⎮", {"log(": "transform", "Normal(": "distribution"}),
    (FORMULA + "⎮", {"sigma": "parameter", "family": "keyword"}),
    (FORMULA + "family = Poisson(⎮", {"link = ": "argument", "log": "link"}),
    (FORMULA + "family = ⎮", {"Poisson": "family"}),
    ("%%lme --⎮", {"--draws": "flag"}),
    ("%%lme --engine ⎮", {"nuts": "engine"}),
    ("%%lme --data ⎮", {"sleep": "data", "radon": "data set"}),
]


@pytest.mark.parametrize(("text", "kinds"), KINDS)
def test_each_word_says_what_it_is(held, text, kinds):
    words, types, _ = asked(held, text)
    assert kinds.items() <= dict(zip(words, types, strict=True)).items()


REPLACED = [
    ("%%lme\nReaction ~ Da⎮ + 1", "Da"),
    ("%%lme\nReaction ~ (1 | ⎮", ""),
    ("%%lme\r\nReaction ~ Da⎮\r\nsigma ~ Flat\r\n", "Da"),
    ("%%lme\n# 𝒳𝒴\nReaction ~ Da⎮", "Da"),
    ("%%lme\n𝒳 ~ bod⎮", "bod"),
    ("%%lme\nincidence ~ `body ⎮", "`body "),
    (FORMULA + "sd(Da⎮", "sd(Da"),
    ("%%lme --engine=nu⎮", "nu"),
    ("%%lme --da⎮ta", "--da"),
]


@pytest.mark.parametrize(("text", "replaced"), REPLACED)
def test_what_is_replaced(held, text, replaced):
    words, _, found = asked(held, text)
    assert words
    assert found == replaced


def test_the_frame_that_fits_the_text_is_the_one_completed(held):
    held.user_ns["wide"] = pd.DataFrame({"Days": [1.0], "other": [2.0]})
    assert "other" in asked(held, "%%lme\n⎮ ~ Days")[0]
    assert "other" not in asked(held, "%%lme\nReaction ~ Days + ⎮")[0]


def test_names_of_fits_are_offered_where_a_fit_is_meant(held, quick):
    held.run_cell("%%lme first --data sleep\nReaction ~ Days")
    held.run_cell("%%lme second --data sleep\nReaction ~ 1")
    assert asked(held, "%lme ⎮")[0][:2] == ["first", "second"]
    assert asked(held, "%lme compare first ⎮")[0] == ["second"]
    assert asked(held, "%lme forget s⎮")[0] == ["second"]
    assert asked(held, "%%lme f⎮")[0] == ["first"]
    assert asked(held, "%%lme first s⎮")[0] == []


def test_an_engine_on_the_line_leaves_its_own_flags(held):
    words = asked(held, "%%lme --engine nuts --⎮")[0]
    assert "--warmup" in words
    assert not {"--rank", "--reml", "--engine"} & set(words)
    every = {
        name for action in held.magics_manager.magics["cell"]["lme"].parser._actions for name in action.option_strings
    }
    assert set(asked(held, "%%lme --⎮")[0]) <= every


def test_attributes_of_a_name_are_offered_as_data_and_no_property_is_run(held):
    class Study:
        def __init__(self) -> None:
            self.frame = datasets.sleepstudy()
            self.number = 3

        @property
        def dangerous(self) -> Any:
            raise AssertionError("completion ran a property")

    held.user_ns["study"] = Study()
    assert asked(held, "%%lme --data study.⎮")[0] == ["study.frame"]
    assert asked(held, "%%lme --data study.frame\nReac⎮")[0] == ["Reaction"]
    assert asked(held, "%%lme --data study.dangerous\nReac⎮")[0] == []


def test_every_parameter_offered_is_one_that_a_prior_may_have():
    data = datasets.cbpp().assign(**{"body mass": np.arange(56.0), "a]b": ["x]", 'y"'] * 28})
    texts = (
        "incidence ~ period * `body mass` + `a]b` + (period | herd) + (1 || period)",
        "incidence ~ 0 + poly(`body mass`, 2) + log(size) + (log(size) | herd)",
    )
    for text in texts:
        spec = lower(parse(text))
        frame = frames({"data": data})[0]
        found = prior_targets.targets(spec, frame)
        assert len(found) > 7
        for target in found:
            distribution = "LKJ(1)" if target.startswith("cor") else "Flat"
            written = lower(parse(f"{text}\n{target} ~ {distribution}"))
            resolve(written, build(written, data))


@given(st.text(min_size=1, max_size=12))
def test_a_column_of_any_name_is_inserted_so_that_it_reads_back(name):
    namespace = {"data": pd.DataFrame({name: [1.0, 2.0], "y": [1.0, 2.0]})}
    shell = Shell(namespace)
    text = "%%lme --data data\ny ~ "
    _, words = completion._complete(cursor(text, len(text)), shell, Roles())
    inserted = [word.inserted for word in words if word.kind == "column" and word.name == name]
    assert len(inserted) == 1
    statement = parse(f"y ~ {inserted[0]}").statements[0]
    assert isinstance(statement, Tilde)
    assert isinstance(statement.right, Name)
    assert statement.right.name == name


class Shell:
    """As much of a shell as completion looks at."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        from probflow_nb.notebook.magics import LmeMagics

        self.user_ns = namespace
        self.magics_manager = self
        self.magics = {"cell": {"lme": LmeMagics.lme}}


CELLS = [
    '%%lme sleep --data "sleep" --draws=4000 --seed 1  # on paper\nlog(Reaction) ~ Days * poly(Days, 2, raw = TRUE)'
    ' + offset(log(Days))\n  + (Days || Subject) - C(`body mass`, Treatment(reference = "b"))  # if\n'
    "Days ~ Normal(0, 5e-1); Intercept ~ Flat\nsd(Days | Subject) ~ HalfNormal(10)\ncor(Subject) ~ LKJ(2)\n"
    "Subject[308]:Days ~ Normal(0, 1)\nfamily = StudentT(link = log)",
    "%%lme --engine vi --rank full\nX = design(1 + Days)\nZ = design(1 + Days) by Subject\nw ~ Normal(0, 100)\n"
    "w[Days] ~ Normal(0, sd = 1)\nR ~ LKJ(1)\nu ~ MultivariateNormal(0, sd = tau, cor = R)\n"
    "Reaction ~ Normal(X @ w + Z @ u + b[Subject], sigma)",
    "%lme compare a b",
]
NAMESPACE = {"sleep": datasets.sleepstudy(), "A": np.zeros((180, 2)), "x": 3, "d": {"y": [1, 2], "g": ["a", "b"]}}


@settings(max_examples=300)
@given(st.sampled_from(CELLS), st.data())
def test_typing_is_never_met_by_an_error(cell, data):
    at = data.draw(st.integers(6, len(cell)))
    junk = data.draw(st.text(alphabet=st.sampled_from(list('(|~=`"[]@,;#\n\r\\%+-:. xD𝒳<\u202e\x00')), max_size=4))
    behind = data.draw(st.booleans())
    text = cell[:at] + junk + (cell[at:] if behind else "")
    here = cursor(text, at + len(junk))
    if here is None:
        return
    fragment, words = completion._complete(here, Shell(NAMESPACE), Roles())
    assert text[: at + len(junk)].endswith(fragment)
    assert all(word.inserted for word in words)


TABLES = {
    "dictionary": lambda: {"y": [1.5, 2.5, 3.5, 4.5], "i": [1, 1, 2, 2], "g": ["a", "b", "a", "b"]},
    "structured": lambda: np.array(
        [(1.5, 1, "a"), (2.5, 1, "b"), (3.5, 2, "a"), (4.5, 2, "b")], dtype=[("y", "f8"), ("i", "i8"), ("g", "U1")]
    ),
    "pandas": lambda: pd.DataFrame(TABLES["dictionary"]()),
    "polars": lambda: pytest.importorskip("polars").DataFrame(TABLES["dictionary"]()),
    "pyarrow": lambda: pytest.importorskip("pyarrow").table(TABLES["dictionary"]()),
}


@pytest.mark.parametrize("kind", TABLES)
def test_factors_are_found_in_every_kind_of_frame(ip, kind):
    ip.user_ns["data"] = TABLES[kind]()
    assert asked(ip, "%%lme --data data\ny ~ (1 | ⎮")[0] == ["g", "i", "y"]
    assert asked(ip, "%%lme --data data\ny ~ (1 | g)\ng[⎮")[0] == ["a]", "b]"]


@pytest.mark.parametrize("kind", TABLES)
def test_of_many_rows_a_sample_is_looked_at(kind, monkeypatch):
    monkeypatch.setattr(column_roles, "ROWS", 2)
    frame = frames({"data": TABLES[kind]()})[0]
    column = column_roles.sampled_column(frame, 0)
    assert column is not None
    assert column.numbers().tolist() == [1.5, 3.5]
    assert build(lower(parse("y ~ 1")), column_roles.sampled(frame, ["y"])).y.tolist() == [1.5, 3.5]


def test_only_some_columns_are_looked_into_for_one_answer(monkeypatch):
    data = pd.DataFrame(np.zeros((4, 500), np.int8), columns=[f"x{i}" for i in range(500)]).assign(f=1.5, g="a")
    frame = frames({"data": data})[0]
    looked: list[int] = []
    real = column_roles.sampled_column
    monkeypatch.setattr(column_roles, "sampled_column", lambda f, i: (looked.append(i), real(f, i))[1])
    roles = Roles()
    assert roles.roles(frame, look=False)["g"] == "factor"
    assert looked == []
    assert roles.roles(frame, look=True)["x0"] == "either"
    assert roles.roles(frame, look=True)["f"] == "number"
    assert looked == list(range(2 * column_roles._PATIENCE))


def test_unloading_takes_the_matcher_away(held):
    assert len(held.Completer.custom_matchers) == 1
    held.extension_manager.reload_extension("probflow_nb")
    assert len(held.Completer.custom_matchers) == 1
    held.extension_manager.unload_extension("probflow_nb")
    assert held.Completer.custom_matchers == []
    held.extension_manager.load_extension("probflow_nb")


def test_an_object_that_fails_when_looked_at_costs_no_word(held):
    class Broken(dict):
        def values(self) -> Any:
            raise RuntimeError

    held.user_ns["broken"] = Broken(a=[1])
    assert asked(held, "%%lme --⎮")[0]
    assert asked(held, "%%lme\nReac⎮")[0] in ([], ["Reaction"])


def test_the_names_of_parsed_statements_are_those_of_the_language():
    with pytest.raises(ProbflowError):
        lower(parse("y ~ x\nz ~ w"))
    statements = parse("X = design(1 + x)\nw ~ Normal(0, 1)\ny ~ Normal(X @ w + u[g], s)").statements
    assert prior_targets.declared(statements) == ("X", "w", "y")
    assert prior_targets.undeclared(statements, frozenset({"y"})) == ("u", "s")
    assert prior_targets.place("s", statements) == "positive"
    assert prior_targets.elements("w", statements) == ("Intercept", "x")
