"""The tabs of the walk: what each sends of a fit, and how it answers what does not apply."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from importlib.resources import files
from types import SimpleNamespace

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb.notebook.front import front, known
from probflow_nb.notebook.walk import check_tab, group_tab, posterior_tab
from probflow_nb.notebook.walk.tabs import TABS, answer
from probflow_nb.posterior.draws import Effects, Quality

TEXT = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def fits():
    data = pf.datasets.sleepstudy()
    return {"exact": pf.lme(TEXT, data, seed=1), "point": pf.lme(TEXT, data, engine=pf.Point())}


def numbers(buffer: bytes) -> np.ndarray:
    return np.frombuffer(buffer, "<f4")


def weight(found) -> int:
    """Return the bytes of an answer."""
    return len(json.dumps(found[0], allow_nan=False)) + sum(map(len, found[1]))


@pytest.mark.parametrize("tab", [tab.name for tab in TABS])
@pytest.mark.parametrize("engine", ["exact", "point"])
def test_every_tab_answers_for_every_kind_of_fit(fits, engine, tab):
    found = answer(fits[engine], tab, {})
    assert "broken" not in found[0]
    assert weight(found) < 60_000


@pytest.mark.parametrize(
    ("tab", "question", "words"),
    [
        ("Nothing", {}, "There is no tab 'Nothing'."),
        ("Summary", {"interval": 51}, "An interval is one of 50%, 80%, 90%, 95%, 99%, not 51."),
        ("Posterior", {"pair": [0, 6]}, "There is no parameter 6; this result has 6."),
        ("Posterior", {"pair": "ab"}, "A pair is two parameters, not 'ab'."),
        ("Groups", {"factor": -1}, "There is no factor -1; this result has 1."),
        ("Groups", {"term": True}, "There is no term True; this result has 2."),
        ("Groups", {"compare": [0, 18]}, "There is no level of Subject 18; this result has 18."),
        ("Groups", {"search": 3}, "A level is searched by a text, not 3."),
        ("Checks", {"trace": "x"}, "There is no trace 'x'; this result has 6."),
    ],
)
def test_a_question_without_an_answer_gets_a_sentence(fits, tab, question, words):
    assert answer(fits["exact"], tab, question) == ({"fault": words}, [])


def test_what_breaks_is_said_and_marked():
    found, _ = answer(SimpleNamespace(), "Model", {})
    assert found["broken"]
    assert found["fault"].startswith("This could not be shown (AttributeError")


def test_the_summary_shows_the_interval_that_is_chosen(fits):
    fit = fits["exact"]
    found, _ = answer(fit, "Summary", {"interval": 80})
    assert found["headers"] == ["mean", "sd", "median", "10%", "90%", "ess"]
    name, *cells = found["sections"][0]["rows"][1]
    assert name == "Days"
    low, high = np.quantile(fit.draws.flat("Days"), [0.1, 0.9])
    assert [float(cells[3]), float(cells[4])] == pytest.approx([low, high], abs=0.006)


def test_a_point_fit_has_ends_where_it_has_standard_errors(fits):
    fit = fits["point"]
    found, _ = answer(fit, "Summary", {"interval": 95})
    rows = {row[0]: [cell.strip("\u2007\u2008") for cell in row[1:]] for s in found["sections"] for row in s["rows"]}
    estimate, se = fit.fixef["Days"], fit.se["Days"]
    assert float(rows["Days"][2]) == pytest.approx(estimate - 1.96 * se, abs=0.06)
    assert rows["sigma"][1:] == ["—", "—", "—"]


def test_densities_stand_where_the_draws_are(fits):
    found, buffers = answer(fits["exact"], "Posterior", {})
    assert found["total"] == len(buffers) == 6
    for facts, buffer in zip(found["pictures"], buffers, strict=True):
        heights = numbers(buffer)
        grid = facts["start"] + facts["step"] * np.arange(len(heights))
        assert heights.max() == pytest.approx(1.0)
        assert np.sum(grid * heights) / heights.sum() == pytest.approx(facts["mean"], rel=0.02, abs=0.02)
    assert answer(fits["exact"], "Posterior", {"from": 4})[0]["pictures"][0]["name"] == found["names"][4]


def test_a_pair_is_the_same_draws_of_both(fits):
    found, (x, y) = answer(fits["exact"], "Posterior", {"pair": [0, 1]})
    draws = fits["exact"].draws
    rows = {(np.float32(a), np.float32(b)) for a, b in zip(draws.flat("Intercept"), draws.flat("Days"), strict=True)}
    assert len(numbers(x)) == 1000
    assert set(zip(numbers(x), numbers(y), strict=True)) <= rows
    r = np.corrcoef(draws.flat("Intercept"), draws.flat("Days"))[0, 1]
    assert f"{r:.2f}".replace("-", "−") in found["words"]


@pytest.mark.parametrize(
    ("r", "words"),
    [
        (0.05, "next to none."),
        (-0.2, "weak, negative."),
        (0.5, "moderate, positive."),
        (0.999, "very strong, positive."),
    ],
)
def test_a_correlation_is_said_in_words(r, words):
    a, b = np.linalg.qr(np.random.default_rng(1).normal(size=(50, 3)) - 0.0)[0].T[:2]
    a, b = (a - a.mean()) / a.std(), b - b.mean()
    b = b - a * (a @ b) / (a @ a)
    b = b / b.std()
    values = np.stack([a, r * a + math.sqrt(1 - r * r) * b])
    assert posterior_tab.correlation_words(values, ["a", "b"]).endswith(words)
    assert "does not vary" in posterior_tab.correlation_words(values * [[1], [0]], ["a", "b"])


@pytest.mark.parametrize("engine", ["exact", "point"])
def test_levels_come_with_their_estimates(fits, engine):
    fit = fits[engine]
    found, (mean, low, high) = answer(fit, "Groups", {"term": 1})
    table = fit.ranef["Subject"]["Days"]
    assert found["names"] == list(table.index)
    assert numbers(mean) == pytest.approx(table.to_numpy(), rel=1e-6)
    assert ((numbers(low) < numbers(mean)) & (numbers(mean) < numbers(high))).all()


def test_two_levels_are_compared_in_the_same_draws(fits):
    fit = fits["exact"]
    found, _ = answer(fit, "Groups", {"term": 1, "compare": [0, 5]})
    sample = fit.draws.factor("Subject").affordable_sample()
    difference = sample[:, 0, 1] - sample[:, 5, 1]
    assert found["mean"] == difference.mean()
    assert found["above"] == np.mean(difference > 0)
    assert f"The probability that 308 is above 332 is {found['above']:.3f}." in found["words"]
    point, _ = answer(fits["point"], "Groups", {"term": 1, "compare": [0, 5]})
    assert point["above"] is None
    assert "fit a posterior" in point["words"]
    assert answer(fit, "Groups", {"compare": [3, 3]})[0]["words"] == "A level does not differ from itself: choose two."


def large(J: int, name: str) -> SimpleNamespace:
    """Return what the tab reads of a fit with J levels of long names."""
    values = np.random.default_rng(0).normal(size=(40, J, 1)) + np.linspace(0, 9, J)[None, :, None]
    effects = Effects("g", tuple(f"{name}{j}" for j in range(J)), ("Intercept",), 40, lambda m: values[:m], 40)
    return SimpleNamespace(answer=None, draws=SimpleNamespace(effects=(effects,), n_chains=4, n_draws=10))


@pytest.mark.parametrize(("J", "name"), [(3000, "level "), (3000, "x" * 10_000), (20_000, "a long name of a level ")])
def test_many_levels_fit_into_one_message(J, name):
    fit = large(J, name)
    found = answer(fit, "Groups", {})
    assert weight(found) < 200_000
    content, (mean, *_) = found
    assert content["whole"] == (J == 3000 and len(name) < 30)
    assert len(numbers(mean)) == len(content["names"]) == min(J, 4000)
    assert content["total"] == J
    # A name that ends so is found, though it is cut or was not sent.
    hits, (found_mean, *_) = answer(fit, "Groups", {"search": f"{name}2999"[-30:]})
    assert hits["at"][0] == 2999
    sample = fit.draws.effects[0].first(40)
    assert numbers(found_mean)[0] == pytest.approx(sample[:, 2999].mean(), rel=1e-5)


def test_levels_left_out_are_spread_over_the_ranks():
    values = np.random.default_rng(0).permutation(10_000).astype(float)
    keep = group_tab.spread_of(values, 100)
    assert len(keep) == 100
    assert {values[keep].min(), values[keep].max()} == {0.0, 9999.0}
    assert np.diff(np.sort(values[keep])).max() < 110


def test_levels_that_begin_with_a_text_are_found_first():
    found, _ = answer(large(200, ""), "Groups", {"search": "19"})
    names = found["names"]
    assert names[:11] == ["19", *(str(n) for n in range(190, 200))]
    assert names[11:] == ["119"]
    assert answer(large(5, "a"), "Groups", {"search": "b"})[0] == {"at": [], "names": [], "count": 0}


GOOD = Quality(4000.0, 3000.0, 1.0, math.nan, 0.01)


@pytest.mark.parametrize(
    ("changes", "ratio", "level", "words"),
    [
        ({}, 0.016, "fine", "fine"),
        ({"rhat": 1.02}, 0.016, "caution", "chains not yet mixed"),
        ({"rhat": 1.06}, 0.016, "bad", "chains disagree"),
        ({"rhat": math.inf}, 0.016, "bad", "chains disagree"),
        ({"ess_tail": 300.0}, 0.016, "caution", "few effective draws"),
        ({"ess_bulk": 50.0, "rhat": 1.02}, 0.016, "bad", "very few effective draws, chains not yet mixed"),
        ({"khat": 0.6, "rhat": math.nan}, 0.016, "caution", "weights uneven"),
        ({"khat": 0.8, "rhat": math.nan}, 0.016, "bad", "weights too uneven"),
        ({}, 0.2, "caution", "mean known roughly"),
    ],
)
def test_a_figure_of_merit_is_flagged_with_words(changes, ratio, level, words):
    merit = check_tab.Merit("x", replace(GOOD, **changes), ratio)
    row = check_tab._row(merit, check_tab._columns([merit]))
    assert (row["level"], row["words"]) == (level, words)


def test_the_worst_parameter_comes_first():
    qualities = {"fine": GOOD, "few": replace(GOOD, ess_bulk=200.0), "apart": replace(GOOD, rhat=1.2)}
    merits = [check_tab.Merit(name, quality, 0.01) for name, quality in qualities.items()]
    assert [m.name for m in sorted(merits, key=lambda m: m.rank, reverse=True)] == ["apart", "few", "fine"]


def chained(fits):
    """Return a fit whose draws count as chains, the last of them apart in sigma."""
    fit = fits["exact"]
    scalars = fit.draws.scalars.copy()
    scalars[3, :, -1] += 100.0
    qualities = (*(replace(q, rhat=1.0) for q in fit.draws.qualities[:-1]), replace(fit.draws.qualities[-1], rhat=2.0))
    draws = replace(fit.draws, scalars=scalars, qualities=qualities)
    return replace(fit, answer=replace(fit.answer, draws=draws))


def test_chains_have_a_trace_and_ranks(fits):
    fit = chained(fits)
    found, _ = answer(fit, "Checks", {})
    assert found["rows"][0]["name"] == "sigma"
    assert found["rows"][0]["level"] == "bad"
    assert found["first"] == 5
    assert any(row["name"].startswith("b[Subject]") for row in found["rows"])
    content, (values, counts) = answer(fit, "Checks", {"trace": 5})
    values, counts = numbers(values).reshape(4, -1), numbers(counts).reshape(4, 20)
    assert values.shape == (4, 400)
    assert values[3].min() > values[:3].max()
    assert counts.sum(axis=1).tolist() == [1000.0] * 4
    # The chain that is apart has all of the highest quarter of the ranks.
    assert counts[3, 15:].tolist() == [200.0] * 5
    assert content["expected"] == 50.0


def test_independent_draws_have_no_trace(fits):
    found, _ = answer(fits["exact"], "Checks", {})
    assert found["names"] == []
    assert "rhat" not in found["headers"]
    assert any("khat" in line for line in found["lines"])


def test_the_model_tab_tells_the_whole_model(fits):
    found, _ = answer(fits["exact"], "Model", {})
    assert found["text"] == fits["exact"].spec.text().rstrip("\n")
    assert "class ReactionModel(pf.Model)" in found["python"]
    assert ["sigma", "HalfStudentT(3, 0, 140.8)"] in found["priors"]


def test_the_page_draws_every_tab_and_no_name_is_taken_twice():
    from probflow_nb.notebook.walk.walk import _SCRIPTS, Walk

    script = Walk._esm
    for tab in TABS:
        assert f"{tab.name}: (" in script
        assert f"function {tab.render}(" in script
    # In the files an indent tells inner names from those that all the page's functions share.
    folder = files("probflow_nb.notebook") / "static"
    written = "\n".join((folder / name).read_text(encoding="utf-8") for name in known(*_SCRIPTS))
    names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", written, flags=re.MULTILINE)
    assert len(names) > 100
    assert sorted(names) == sorted(set(names))
    assert "innerHTML" not in script.replace("row.innerHTML = line;", "")
    assert script.endswith(front("walk.js"))


def test_the_widget_answers_and_passes_on_to_a_newer_fit(fits, monkeypatch):
    from probflow_nb.notebook.walk.walk import Walk

    walk = Walk(fits["exact"])
    sent = []
    monkeypatch.setattr(walk, "send", lambda content, buffers: sent.append((content, buffers)))
    ask = {"kind": "ask", "id": "a-1", "tab": "Posterior", "question": {}}
    for content in (ask, {"kind": "hello"}, "nonsense", {**ask, "id": "a-2", "question": [1]}):
        walk._handle_custom_msg(content, [])
    assert [content["id"] for content, _ in sent] == ["a-1", "a-2"]
    assert sent[0][0]["content"]["total"] == 6
    walk.fit = fits["point"]
    assert walk.version == 1
    assert walk.fit is fits["point"]
    walk._handle_custom_msg(ask, [])
    assert "A point fit has estimates" in sent[-1][0]["content"]["words"]
    walk.close()
