"""Shift-Tab: what is said of a name in our cells, and what the kernel answers elsewhere."""

from __future__ import annotations

import re
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probflow_nb import datasets
from probflow_nb.inference import ENGINES
from probflow_nb.lang import parse
from probflow_nb.lang.tokens import OPERATORS, scan, tokenize
from probflow_nb.notebook.completion import inspection, vocabulary
from probflow_nb.notebook.completion.cursor import cursor
from probflow_nb.notebook.completion.scene import Scene
from probflow_nb.spec.families import KINDS
from probflow_nb.spec.formula import lower
from probflow_nb.spec.signatures import DEFAULT, DISTRIBUTIONS
from probflow_nb.spec.statement_spec import PARTS
from probflow_nb.spec.transforms import CONTRASTS, TRANSFORMS

CURSOR = "⎮"
FORMULA = "%%lme\nReaction ~ Days + (Days | Subject)\n"
STATEMENTS = "%%lme\nX = design(1 + Days)\nw ~ Normal(0, 1)\nReaction ~ Normal(X @ w + A @ v, sigma)"


@pytest.fixture
def held(ip) -> Any:
    ip.user_ns["sleep"] = datasets.sleepstudy()
    ip.user_ns["cows"] = datasets.cbpp()
    ip.user_ns["A"] = np.zeros((180, 2))
    ip.user_ns["odd"] = pd.DataFrame(
        {
            "few": [1.5, np.nan, 2.5],
            "none": [np.nan] * 3,
            "same": [2, 2, 2],
            "own": ["a", "b", "c"],
            "b": [True, False, True],
        }
    )
    return ip


def said(shell: Any, text: str) -> str | None:
    """Return the plain text of the note on the name at the cursor."""
    here = cursor(text.replace(CURSOR, ""), text.index(CURSOR))
    assert here is not None
    note = inspection.noted(Scene(here, shell.user_ns), shell)
    return None if note is None else note.plain


NOTES: list[tuple[str, list[str]]] = [
    (
        "%%lme\nReaction ~ Da⎮ys",
        ["column of sleep (180 rows)", "whole numbers (int64)", "0 to 9", "10 values", "after |"],
    ),
    ("%%lme\nReaction ~ (1 | Subject⎮)", ["308, 309", "18 in all", "missing  none", "18 levels: can stand after |"]),
    ("%%lme\nReac⎮tion ~ Days", ["194.332 to 466.353", "It is the response"]),
    ("%%lme --data odd\nsame ~ fe⎮w", ["missing  1 of 3 rows", "1.5 to 2.5"]),
    ("%%lme --data odd\nsame ~ non⎮e", ["Nothing but missing values"]),
    ("%%lme --data odd\nfew ~ sam⎮e", ["cannot be told from the intercept"]),
    ("%%lme --data odd\nfew ~ ow⎮n", ["one for every row"]),
    ("%%lme --data odd\nfew ~ ⎮b", ["True", "True"]),
    ("%%lme\nincidence ~ period[⎮2]", ["level of period", "14 rows"]),
    ("%%lme\nReaction ~ po⎮ly(Days, 2)", ["poly(x, degree, raw)", "rthogonal polynomials"]),
    ("%%lme\nReaction ~ poly(Days, ⎮)", ["poly(x, degree, raw)"]),
    ("%%lme\nReaction ~ C(Subject, Su⎮m)", ["mean of all levels"]),
    (FORMULA + "Days ~ Nor⎮mal(0, 1)", ["Normal(mean, sd)", "p(x) ="]),
    (FORMULA + "sig⎮ma ~ HalfNormal(1)", ["residual standard deviation", "HalfStudentT(3, 0, 140.8)", "HalfNormal(1)"]),
    (FORMULA + "sd(Da⎮ys | Subject) ~ HalfNormal(1)", ["sd(Days | Subject)", "HalfStudentT(3, 0, 48.89)"]),
    (FORMULA + "s⎮d(Subject) ~ HalfNormal(1)", ["sd(Intercept | Subject) ~ HalfStudentT(3, 0, 140.8)"]),
    (FORMULA + "Da⎮ys ~ Normal(0, 1)", ["coefficient of Days", "Days ~ Normal(0, 48.89)", "0 to 9"]),
    (FORMULA + "Inter⎮cept ~ Flat", ["centered(Intercept) ~ Normal(298.5, 140.8)"]),
    (FORMULA + "family = Gam⎮ma(link = log)", ["Gamma(link = log)", "links log, inverse, identity".capitalize()]),
    (STATEMENTS.replace("X @", "⎮X @"), ["definition", "X = design(1 + Days)"]),
    (STATEMENTS.replace("w +", "w⎮ +"), ["parameter", "w ~ Normal(0, 1)"]),
    (STATEMENTS.replace("A @", "A⎮ @"), ["ndarray of the notebook", "180 x 2", "float64"]),
    ("%%lme --eng⎮ine nuts", ["flag", "exact, laplace, nuts, vi, point"]),
    ("%%lme --engine nu⎮ts", ["no-U-turn", "--warmup", "by itself 150 to 500"]),
    ("%%lme --family pois⎮son", ["Poisson(link = log)"]),
    ("%%lme --data sle⎮ep", ["data frame", "180 rows, 3 columns", "Reaction, Days, Subject"]),
    ("%%lme --data=cb⎮pp", ["built-in data set"]),
]


@pytest.mark.parametrize(("text", "parts"), NOTES)
def test_what_is_said_of_a_name(held, text, parts):
    found = said(held, text)
    assert found is not None
    assert [part for part in parts if part not in found] == []


@pytest.mark.parametrize(
    "text", ["%%lme\nReaction ~ le⎮n(x)", "%%lme\nReaction ~ pri⎮nt", "%%lme\n# Da⎮ys", "%%lme --data noth⎮ing"]
)
def test_of_what_is_not_ours_nothing_is_said(held, text):
    assert said(held, text) is None


class Kernel:
    """As much of a kernel as inspection replaces."""

    def do_inspect(self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: tuple[str, ...] = ()) -> Any:
        return ("as before", code, cursor_pos, detail_level)


def test_the_kernel_answers_elsewhere_and_gets_its_own_answers_back(held):
    shell = SimpleNamespace(kernel=Kernel(), user_ns=held.user_ns, magics_manager=held.magics_manager)
    inspection.install(shell)
    inspection.install(shell)
    ours = shell.kernel.do_inspect("%%lme\nReaction ~ Days", 19)
    assert ours["found"] is True
    assert ours["data"].keys() == {"text/plain", "text/html"}
    assert shell.kernel.do_inspect("%%lme\nReaction ~ len", 20, detail_level=1)["found"] is False
    assert shell.kernel.do_inspect("len", 2, detail_level=1) == ("as before", "len", 2, 1)
    assert shell.kernel.do_inspect("%%lme", 3) == ("as before", "%%lme", 3, 0)
    inspection.remove(shell)
    assert "do_inspect" not in vars(shell.kernel)


def test_names_from_data_stay_text(held):
    name = '<img src=x onerror="alert(1)">\u202e</style>'
    held.user_ns["bad"] = pd.DataFrame({name: ["<script>1</script>", "b"], "y": [1.0, 2.0]})
    text = f"%%lme --data bad\ny ~ `{vocabulary_quote(name)}⎮`"
    here = cursor(text.replace(CURSOR, ""), text.index(CURSOR))
    assert here is not None
    note = inspection.noted(Scene(here, held.user_ns), held)
    assert note is not None
    tags = set(re.findall(r"<(/?\w+)", note.html))
    assert tags <= {
        "p",
        "/p",
        "strong",
        "/strong",
        "table",
        "/table",
        "tbody",
        "/tbody",
        "tr",
        "/tr",
        "th",
        "/th",
        "td",
        "/td",
    }
    assert "&lt;script&gt;" in note.html
    assert "\u202e" not in note.html + note.plain


def vocabulary_quote(name: str) -> str:
    from probflow_nb.lang.printer import print_name

    return print_name(name)[1:-1]


def test_every_word_of_the_language_has_help():
    words = vocabulary.help_words()
    every = {*TRANSFORMS, *DISTRIBUTIONS, *CONTRASTS, *PARTS, *vocabulary.FORMULA_PARTS, *vocabulary.PARAMETERS}
    assert every <= words.keys()
    assert [name for name in every if not words[name].help] == []
    assert {word.name for word in vocabulary.families()} == {kind.shown for kind in KINDS}
    assert [
        name for name in DISTRIBUTIONS if name != DEFAULT and not vocabulary.definition_of(name).endswith(".")
    ] == []
    assert vocabulary._PART_HELP.keys() == set(PARTS)


def test_the_words_without_a_table_are_those_of_the_language():
    lower(parse("y ~ x + offset(o) + weights(w)"))
    lower(parse("y ~ x + (x | g)\nfamily = Poisson(link = log)\nweights = w"))
    for text in ("Intercept ~ Flat", "centered(Intercept) ~ Flat", "sd(g) ~ Flat", "cor(g) ~ LKJ(1)", "sigma ~ Flat"):
        lower(parse(f"y ~ x + (x | g)\n{text}"))
        assert re.match(r"\w+", text)[0] in vocabulary.PARAMETERS


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_is_explained(held, engine):
    assert said(held, f"%%lme --engine {engine}⎮")


@settings(max_examples=200)
@given(st.integers(0, 200), st.text(alphabet=st.sampled_from(list('(|~=`"[]@,#\n\\%+ xD𝒳<')), max_size=3))
def test_no_text_stops_it(at, junk):
    from probflow_nb.notebook.completion.body_note import body_note
    from probflow_nb.notebook.completion.line_note import line_note
    from probflow_nb.notebook.magics import LmeMagics

    cell = FORMULA + "sd(Days | Subject) ~ HalfNormal(1)\n" + STATEMENTS[6:] + "\nfamily = Gamma(link = log)"
    at = min(at, len(cell))
    text = cell[:at] + junk + cell[at:]
    here = cursor(text, at + len(junk))
    if here is not None:
        scene = Scene(here, {"sleep": SLEEP})
        note = body_note(scene) if here.in_body else line_note(scene, LmeMagics.lme.parser)
        assert note is None or note.plain


SLEEP = datasets.sleepstudy()


@given(st.lists(st.sampled_from([*OPERATORS, "x", "`a b`", "[B 2]", "1.5", '"s"', "\n", " ", "#c\n"])).map(" ".join))
def test_a_whole_text_is_scanned_as_it_is_read(text):
    assert scan(text) == tokenize(text)


@given(st.text())
def test_any_text_is_scanned_to_its_end(text):
    tokens = scan(text)
    assert tokens[-1].kind == "end"
    assert all(a.span.stop <= b.span.start for a, b in pairwise(tokens))
