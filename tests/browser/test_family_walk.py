"""Fits of families in a real JupyterLab: sliders say a probability, tabs show ratios and shares of rows."""

from __future__ import annotations

import json
import re

import pytest

CELLS = (
    """%load_ext probflow_nb
import json
import probflow_nb as pf
d = pf.datasets.Contraception()
fit = pf.lme("use ~ age + urban + (1 | district)", d, family="bernoulli", seed=1);""",
    "fit.explore(age=0)",
    "from probflow_nb.notebook.walk.walk import Walk\nWalk(fit)",
    """found = fit.curves.at({"age": 0})
print(json.dumps([found.mean, *found.mean_interval, *fit.ratios().loc["urban[Y]"]]))""",
)


@pytest.mark.slow
def test_a_probability_in_sliders_and_tabs(lab):
    lab.new(*CELLS)
    for i in (0, 1):
        lab.run(i)
    lab.page.wait_for_selector(".pfnb-explore-numbers dd")
    lab.run(3)
    mean, low, high, ratio, *_ = json.loads(lab.text(3))
    explore = lab.page.locator(".pfnb-explore")
    terms = explore.locator(".pfnb-explore-numbers dt").all_inner_texts()
    assert terms == ["probability", "95% of the probability"]
    said = explore.locator(".pfnb-explore-numbers dd").all_inner_texts()
    assert abs(float(said[0]) - mean) < 0.006
    assert [float(v) for v in said[1].split(" to ")] == pytest.approx([low, high], abs=0.006)
    curve = explore.locator(".pfnb-explore-curve svg[role=img]").get_attribute("aria-label")
    assert curve.startswith("P(use = Y) along age: age ")
    assert "NaN" not in curve
    assert "new response" not in curve
    lab.look_everywhere("explore-events", lambda: explore)

    lab.run(2)
    walk = lab.page.locator(".pfnb-walk")
    lab.click("Summary", "tab")
    lab.page.wait_for_selector(".pfnb-walk [aria-label='ratios with 95% intervals']")
    row = walk.locator("[aria-label='ratios with 95% intervals'] tr", has_text="urban[Y]").inner_text()
    assert abs(float(re.split(r"\s+", row)[1]) - ratio) < 0.006
    walk.get_by_label("interval", exact=True).select_option(label="50%")
    lab.page.wait_for_selector(".pfnb-walk [aria-label='ratios with 50% intervals']")
    lab.click("Fit", "tab")
    lab.until("() => document.querySelectorAll('.pfnb-multiple svg[role=img]').length === 12")
    label = walk.locator(".pfnb-multiple svg[role=img]").first.get_attribute("aria-label")
    assert "NaN" not in label
    assert "Line: the probability; band: 95% of it; dots: shares of neighbouring rows." in walk.inner_text()
    lab.look_everywhere("walk-events", lambda: walk)
