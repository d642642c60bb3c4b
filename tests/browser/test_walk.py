"""The walk through a result in a real JupyterLab: every tab opened, chosen in and read, by mouse and by keyboard."""

from __future__ import annotations

import json
import os
import re

import pytest
from laboratory import LOAD, THEMES, WIDTHS

TABS = ("Summary", "Posterior", "Groups", "Fit", "Checks", "Model")
# What a test reads in the kernel is printed as one line of JSON; TensorFlow's own words are not.
QUIET = "import json, sys; sys.stderr = open('/dev/null', 'w')\nimport numpy as np, pandas as pd, probflow_nb as pf\n"
pytestmark = pytest.mark.slow
# Numbers below a list of levels that are broken in two lines, as one near the right end would be.
BROKEN = """panel => [...panel.querySelectorAll('.pfnb-level-ticks span')]
    .filter(tick => getComputedStyle(tick).whiteSpace !== 'nowrap' || tick.offsetHeight > 18)
    .map(tick => tick.innerText)"""
SHOW = "from probflow_nb.notebook.walk.walk import Walk\n"
SLEEP = QUIET + SHOW + 'data = pf.datasets.sleepstudy()\ntext = "Reaction ~ Days + (Days | Subject)"\n'


def walk(lab, n):
    """Return the walk in the output of the n-th cell."""
    found = lab.output(n).locator(".pfnb-walk")
    found.wait_for(timeout=60_000)
    return found


def tab(found, name):
    return found.get_by_role("tab", name=name, exact=True)


def open_tab(found, name):
    """Open a tab and return its panel when it is drawn."""
    tab(found, name).click()
    panel = found.get_by_role("tabpanel", name=name, exact=True)
    panel.locator(".pfnb-tab-body > *").first.wait_for()
    return panel


def field(panel, label):
    return panel.get_by_label(label, exact=True)


def kernel(lab, n):
    """Return what the n-th cell printed as JSON."""
    lab.run(n)
    return json.loads(lab.text(n).strip().splitlines()[-1])


def names_of(panel):
    return panel.locator(".pfnb-level-name").all_inner_texts()


def look_at_every_tab(lab, found, label):
    """Open every tab, narrow and dark, or in every way where pictures are wanted; nothing may be cut or lack words."""
    wanted = "PROBFLOW_NB_PICTURES" in os.environ
    for theme in THEMES if wanted else THEMES[1:]:
        lab.theme(theme)
        for width in WIDTHS if wanted else WIDTHS[1:]:
            lab.page.set_viewport_size({"width": width, "height": 1500})
            for name in TABS:
                panel = open_tab(found, name)
                lab.page.wait_for_timeout(120)
                lab.look(f"{label}-{name.lower()}-{theme.split()[1].lower()}-{width}", found)
                assert panel.inner_text().strip()
                assert panel.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
                assert all(picture.get_attribute("aria-label") for picture in panel.locator("svg[role=img]").all())
                assert panel.evaluate(BROKEN) == []
            tab(found, TABS[-1]).click()
    lab.page.set_viewport_size({"width": 1280, "height": 900})


def test_every_tab_of_an_exact_fit(lab):
    lab.new(
        SLEEP + 'fit = pf.lme(text, data, seed=1, name="sleep")\nWalk(fit)',
        "effects = fit.draws.factor('Subject').affordable_sample()\n"
        "difference = effects[:, 0, 1] - effects[:, 5, 1]\n"
        "marginal = effects[:, 0, 1] - np.random.default_rng(0).permutation(effects[:, 5, 1])\n"
        "ends = [float(q) for q in np.quantile(difference, [0.025, 0.975])]\n"
        "q = [float(v) for v in np.quantile(fit.draws.flat('sigma'), [0.25, 0.75])]\n"
        "print(json.dumps([difference.mean(), *ends, (difference > 0).mean(), *q]))",
    )
    lab.run(0, seconds=180)
    found = walk(lab, 0)
    assert [t.inner_text() for t in found.get_by_role("tab").all()] == list(TABS)
    assert found.get_by_role("tablist").get_attribute("aria-label") == "result of sleep"
    assert found.get_by_role("tabpanel").count() == 0
    look_at_every_tab(lab, found, "exact")
    assert found.get_by_role("tabpanel").count() == 0
    assert found.locator("[id], [name], a").count() == 0
    mean, low, high, above, first, third = kernel(lab, 1)

    panel = open_tab(found, "Summary")
    field(panel, "interval").select_option("50")
    panel.get_by_role("columnheader", name="25%").wait_for()
    cells = [c.inner_text() for c in panel.get_by_role("row", name="sigma").get_by_role("cell").all()]
    assert float(cells[3]) == pytest.approx(first, abs=0.006)
    assert float(cells[4]) == pytest.approx(third, abs=0.006)

    panel = open_tab(found, "Groups")
    assert len(names_of(panel)) == 18
    field(panel, "term").select_option(label="Days")
    panel.get_by_role("listbox", name="levels of Subject, Days").wait_for()
    field(panel, "sort by").select_option("name")
    assert names_of(panel)[:3] == ["308", "309", "310"]
    field(panel, "search a level").fill("33")
    lab.until("() => document.querySelectorAll('.pfnb-level').length === 7")
    for label, level in (("compare", "308"), ("with", "332")):
        field(panel, label).fill(level)
        field(panel, label).press("Enter")
    words = panel.locator(".pfnb-difference")
    words.get_by_text("308 minus 332").wait_for()
    assert words.inner_text() == (
        f"308 minus 332: {mean:.1f}, 95% interval {low:.1f} to {high:.1f}. "
        f"The probability that 308 is above 332 is {above:.3f}."
    ).replace("-", "−")


def test_a_factor_of_three_thousand_levels_stays_fluid(lab):
    frames = []
    lab.page.on("websocket", lambda s: s.on("framereceived", lambda data: frames.append(len(data))))
    lab.new(
        QUIET + SHOW + "r = np.random.default_rng(0); g = np.repeat(np.arange(3000), 4)\n"
        "x = r.normal(size=g.size); y = 1 + x / 2 + r.normal(0, 2, 3000)[g] + r.normal(size=g.size)\n"
        'data = pd.DataFrame({"y": y, "x": x, "student": [f"student {i}" for i in g]})\n'
        'fit = pf.lme("y ~ x + (1 | student)", data, seed=1)\nWalk(fit)',
        "e = fit.draws.factor('student'); s = e.affordable_sample()[:, :, 0]; mean = s.mean(axis=0)\n"
        "i, j = e.levels.index('student 7'), e.levels.index('student 2999'); d = s[:, i] - s[:, j]\n"
        "print(json.dumps([e.levels[mean.argmax()], e.levels[mean.argmin()], float(d.mean()), float((d > 0).mean())]))",
    )
    lab.run(0, seconds=180)
    highest, lowest, mean, above = kernel(lab, 1)
    found = walk(lab, 0)
    frames.clear()
    panel = open_tab(found, "Groups")
    levels = panel.get_by_role("listbox", name="levels of student, Intercept")
    levels.wait_for()
    assert sum(frames) < 200_000
    assert names_of(panel)[0] == highest
    assert len(names_of(panel)) < 40
    levels.focus()
    lab.page.keyboard.press("End")
    panel.get_by_role("status").get_by_text(f"{lowest}: ").wait_for()
    panel.locator(".pfnb-level-name").get_by_text(lowest, exact=True).wait_for()
    assert len(names_of(panel)) < 40
    drawn = lab.page.evaluate(
        """async () => {
            const sort = document.querySelector('.pfnb-walk select[aria-label="sort by"]');
            const times = [];
            for (const value of ['name', 'estimate', 'name']) {
                const began = performance.now();
                sort.value = value;
                sort.dispatchEvent(new Event('change'));
                await new Promise(next => requestAnimationFrame(() => requestAnimationFrame(next)));
                times.push(performance.now() - began);
            }
            return times;
        }"""
    )
    # For who wants to know: how long a new order takes to be drawn, and what the tab has cost.
    lab.pictures.joinpath("figures.txt").write_text(f"drawn in ms: {drawn}, bytes: {sum(frames)}")
    assert names_of(panel)[:3] == ["student 0", "student 1", "student 2"]
    field(panel, "search a level").fill("student 299")
    lab.until("() => document.querySelectorAll('.pfnb-level').length === 11")
    field(panel, "search a level").fill("")
    field(panel, "compare").fill("student 7")
    assert panel.get_by_role("option", name="student 7", exact=True).count() == 1
    field(panel, "compare").press("Enter")
    field(panel, "with").fill("student 2999")
    field(panel, "with").press("Enter")
    words = panel.locator(".pfnb-difference")
    words.get_by_text("student 7 minus student 2999").wait_for()
    shown = words.inner_text().replace("−", "-")
    assert float(re.search(r"2999: (-?[\d.]+)", shown).group(1)) == pytest.approx(mean, abs=0.06)
    assert shown.endswith(f"is {above:.3f}." if 0.001 <= above <= 0.999 else "0.999." if above > 0.5 else "0.001.")
    look_at_every_tab(lab, found, "large")


def test_chains_point_fits_and_classes_say_what_applies(lab):
    lab.new(
        SLEEP + "nuts = pf.lme(text, data, seed=1, engine=pf.NUTS(draws=400, warmup=200))\nw = Walk(nuts)\nw",
        "w.fit = pf.lme(text, data, engine=pf.Point())",
        "class Line(pf.Model):\n"
        "    def __init__(self):\n"
        "        self.w = pf.Parameter(prior=pf.Normal(0, 10))\n"
        "        self.s = pf.ScaleParameter()\n"
        "    def __call__(self, x):\n"
        "        return pf.Normal(x[:, 0] * self.w(), self.s())\n"
        "x = np.random.default_rng(0).normal(size=(60, 1))\n"
        "w.fit = Line().fit(x, 2 * x[:, 0] + 1, engine=pf.VI(steps=200), seed=1)",
    )
    lab.run(0, seconds=240)
    found = walk(lab, 0)
    panel = open_tab(found, "Checks")
    panel.get_by_role("img", name="Trace of ").wait_for()
    assert panel.get_by_role("columnheader", name="rhat").count() == 1
    for words in ("4 chains of 100 draws.", "diverged", "E-BFMI", "doublings"):
        assert panel.get_by_text(words).count() >= 1
    field(panel, "parameter").select_option(label="sigma")
    panel.get_by_role("img", name="Trace of sigma in 4 chains of 100 draws").wait_for()
    panel.get_by_role("img", name="Ranks of sigma").wait_for()
    look_at_every_tab(lab, found, "nuts")

    open_tab(found, "Posterior")
    lab.run(1)
    panel = found.get_by_role("tabpanel", name="Posterior")
    panel.get_by_text("A point fit has estimates and no posterior").wait_for()
    look_at_every_tab(lab, found, "point")
    assert open_tab(found, "Checks").get_by_text("The optimum was reached").count() == 1
    panel = open_tab(found, "Groups")
    panel.get_by_text("Conditional modes").wait_for()

    lab.run(2, seconds=120)
    found.get_by_text("This model has no group effects").wait_for()
    look_at_every_tab(lab, found, "class")
    assert open_tab(found, "Model").get_by_text("This model is a class of your own already.").count() == 1
    panel = open_tab(found, "Posterior")
    assert panel.locator('figure[data-parameter="s"] svg[role=img]').get_attribute("aria-label").startswith("s: mean")


def test_the_keyboard_alone_walks(lab):
    lab.new(SLEEP + "fit = pf.lme(text, data, seed=1)\nWalk(fit)", "before = len(data)")
    lab.run(0, seconds=180)
    found = walk(lab, 0)
    keys = lab.page.keyboard
    tab(found, "Summary").focus()
    keys.press("ArrowRight")
    keys.press("Enter")
    panel = found.get_by_role("tabpanel", name="Posterior", exact=True)
    figure = panel.locator('figure[data-parameter="Days"]')
    figure.wait_for()
    keys.press("Tab")
    keys.press("Tab")
    keys.press("ArrowRight")
    assert figure.locator(".pfnb-reading").inner_text().endswith("above")
    tab(found, "Posterior").focus()
    keys.press("ArrowRight")
    keys.press(" ")
    panel = found.get_by_role("tabpanel", name="Groups", exact=True)
    levels = panel.get_by_role("listbox", name="levels of Subject, Intercept")
    levels.focus()
    names = names_of(panel)
    keys.press("ArrowDown")
    keys.press("Enter")
    keys.press("ArrowDown")
    keys.press("Enter")
    panel.locator(".pfnb-difference").get_by_text(f"{names[1]} minus {names[2]}").wait_for()
    field(panel, "compare").focus()
    keys.press("3")
    keys.press("ArrowDown")
    keys.press("Enter")
    panel.locator(".pfnb-difference").get_by_text(f"309 minus {names[2]}").wait_for()
    # Keys of the notebook stay quiet: the same cell is active, and none was made or removed.
    assert lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex") == 0
    assert lab.page.locator(".jp-Notebook .jp-Cell").count() == 2


def test_names_from_data_stay_text(lab):
    lab.new(
        QUIET + SHOW + "bad = ['<img src=x onerror=\"window.owned=1\">', '</style><script>window.owned=1</script>', "
        "'\\u202egnirts', 'x' * 10_000, '\\u05d0\\u05d1\\u05d2', '\\'\"&<b>']\n"
        "r = np.random.default_rng(0)\n"
        'data = pd.DataFrame({"y": r.normal(size=60), bad[0]: r.normal(size=60), bad[1]: np.repeat(bad, 10)})\n'
        'fit = pf.lme(f"y ~ `{bad[0]}` + (1 | `{bad[1]}`)", data, seed=1, name=bad[0])\nWalk(fit)'
    )
    lab.run(0, seconds=180)
    found = walk(lab, 0)
    look_at_every_tab(lab, found, "hostile")
    panel = open_tab(found, "Groups")
    assert len(names_of(panel)) == 6
    assert max(map(len, names_of(panel))) <= 60
    field(panel, "compare").fill("<img")
    field(panel, "compare").press("Enter")
    field(panel, "with").fill("xxx")
    field(panel, "with").press("Enter")
    panel.locator(".pfnb-difference").get_by_text("minus").wait_for()
    panel = open_tab(found, "Model")
    panel.get_by_role("button", name="Copy").first.click()
    panel.get_by_text(re.compile(r"^(Copied|Press Ctrl\+C)$")).wait_for()
    assert lab.page.evaluate("() => window.owned") is None
    assert found.locator("img, script, style, a").count() == 0


def test_the_walk_of_a_cell_outlives_a_busy_kernel_and_a_reload(lab):
    lab.new(
        LOAD + "\nimport probflow_nb as pf\ndata = pf.datasets.sleepstudy()",
        "%%lme sleep --data data --seed 1\nReaction ~ Days + (Days | Subject)",
        # Busy until the test says so.
        'import pathlib, time\nwhile not pathlib.Path("go").exists():\n    time.sleep(0.1)',
    )
    lab.run(0, 1, seconds=180)
    found = walk(lab, 1)
    assert found.get_by_role("tabpanel").count() == 0
    open_tab(found, "Summary")
    lab.start(2)
    panel = open_tab(found, "Checks")
    panel.get_by_text("The posterior can be trusted").wait_for()
    assert lab.page.evaluate("() => window.pfnbRuns[2]") is False
    (lab.root / "go").touch()
    lab.finished(2)
    lab.save()
    lab.reload()
    open_tab(walk(lab, 1), "Summary").get_by_role("row", name="sigma").wait_for()
    lab.shut_down()
    lab.page.get_by_text("Disconnected").first.wait_for(state="attached", timeout=120_000)
    panel = open_tab(walk(lab, 1), "Posterior")
    panel.get_by_text("There is no kernel that could be asked").wait_for()
    assert lab.output(1).locator(".pfnb .pfnb-table").count() == 1
