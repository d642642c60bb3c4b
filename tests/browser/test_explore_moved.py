"""Fitted curves and sliders in a real JupyterLab: what is moved, by mouse and by keyboard, equals what the fit says."""

from __future__ import annotations

import json
import re

SLEEP = """%load_ext probflow_nb
import probflow_nb as pf
sleep = pf.datasets.sleepstudy()
fit = pf.lme("Reaction ~ Days + (Days | Subject)", sleep, seed=1);"""
WALK = "from probflow_nb.notebook.walk.walk import Walk\nWalk(fit)"
# What the fit itself says of the point at which the sliders stand: the same three lines as the page.
SAID = """import json, pandas as pd
def said(**row):
    row = pd.DataFrame({name: [value] for name, value in row.items()})
    print(json.dumps([float(fit.predict(row).iloc[0]), *map(float, fit.epistemic_interval(row).iloc[0])]))
said(Days=7, Subject="308")
said(Days=3, Subject="337")"""
LARGE = """%load_ext probflow_nb
import numpy as np, pandas as pd, probflow_nb as pf
rng = np.random.default_rng(5)
d = pd.DataFrame({"x": rng.normal(size=9000), "age": rng.uniform(20, 70, 9000)})
d["g"] = np.repeat([f"level {i}" for i in range(3000)], 3)
d["y"] = 0.5 * d.x + 0.02 * d.age + np.repeat(rng.normal(size=3000), 3) + rng.normal(size=9000)
fit = pf.lme("y ~ x + age + (1 | g)", d, seed=1)
fit.explore()"""
HOSTILE = """%load_ext probflow_nb
import numpy as np, pandas as pd, probflow_nb as pf
evil = '<img src=x onerror="window.__owned=1">'
names = [evil, "</style><script>window.__owned=1</script>", "javascript:window.__owned=1", "\\u202edlrow", "z" * 10_000]
d = pd.DataFrame({evil: np.tile(np.arange(8.0), 5), "g</b>" : np.repeat(names, 8)})
d["<i>y</i>"] = np.random.default_rng(0).normal(size=40)
fit = pf.lme(f"`<i>y</i>` ~ `{evil}` + (1 | `g</b>`)", d, seed=1, name=evil)
fit.explore()"""
NUMBERS = ".pfnb-explore-numbers dd"


def shown(lab) -> list[float]:
    """Return the numbers below the pictures: the mean, then the ends of both intervals."""
    words = " ".join(lab.page.locator(NUMBERS).all_inner_texts())
    return [float(word.replace("−", "-").replace(",", "")) for word in re.findall(r"[−\d.,]*\d", words)]


def settled(lab, mean: float, off: float = 0.5) -> None:
    """Wait until the page shows a mean, rounded as it rounds it."""
    lab.until(
        """({mean, off}) => {
            const text = document.querySelector('.pfnb-explore-numbers dd')?.textContent.replace('−', '-');
            return text !== undefined && Math.abs(Number(text) - mean) <= off;
        }""",
        mean=mean,
        off=off,
    )


def test_sliders_and_menus_move_the_prediction(lab):
    lab.new(SLEEP, SAID, "fit.explore()", WALK)
    lab.run(0, 1, 2)
    lab.page.wait_for_selector(NUMBERS)
    first, second = (json.loads(line) for line in lab.text(1).splitlines())
    explore = lab.page.locator(".pfnb-explore")
    slider, menu = explore.get_by_role("slider", name="Days"), explore.get_by_label("Subject", exact=True)
    # The static form below the sliders would only say the same again.
    assert lab.page.locator(".pfnb-explored").count() == 1
    assert not lab.page.locator(".pfnb-explored").is_visible()

    # By the keyboard: three steps to the right of day 4.
    slider.focus()
    for _ in range(3):
        lab.page.keyboard.press("ArrowRight")
    menu.select_option(label="308")
    settled(lab, first[0])
    assert slider.get_attribute("aria-valuetext") == "7"
    assert shown(lab)[:3] == [round(x) for x in first]
    curve = explore.locator(".pfnb-explore-curve svg[role=img]").get_attribute("aria-label")
    assert curve.startswith("Reaction along Days: Days 0: Reaction ")

    # By the mouse: a click at a third of the slider is day 3.
    box = slider.bounding_box()
    lab.page.mouse.move(box["x"] + box["width"] * 7 / 9, box["y"] + box["height"] / 2)
    lab.page.mouse.down()
    for day in (6, 5, 4, 3):
        lab.page.mouse.move(box["x"] + 8 + (box["width"] - 16) * day / 9, box["y"] + box["height"] / 2)
    lab.page.mouse.up()
    menu.select_option(label="337")
    settled(lab, second[0])
    assert shown(lab)[:3] == [round(x) for x in second]
    assert explore.get_by_role("spinbutton", name="exact value of Days").input_value() == "3"
    lab.until("() => document.querySelector('.pfnb-explore [role=status]').textContent.startsWith('Reaction: mean')")

    # The probability of more than the mean is one half.
    explore.get_by_role("spinbutton", name="value", exact=True).fill(str(second[0]))
    lab.until("() => /^= 0\\.(49|50)/.test(document.querySelector('.pfnb-above-share').textContent)")
    lab.look_everywhere("explore", lambda: explore)

    lab.run(3)
    walk_through_curves(lab)


def walk_through_curves(lab) -> None:
    """Open the Fit tab: twelve subjects, then two of them, then all lines in one picture."""
    lab.click("Fit", "tab")
    lab.until("() => document.querySelectorAll('.pfnb-multiple svg[role=img]').length === 12")
    lab.look_everywhere("fit", lambda: lab.page.locator(".pfnb-walk"))
    walk = lab.page.locator(".pfnb-walk")
    reading = walk.locator(".pfnb-curve-reading")
    picture = walk.locator("figure[data-level='308'] svg[role=img]")
    assert picture.get_attribute("aria-label").startswith("308: 10 observations. Days 0: Reaction ")
    picture.focus()
    lab.page.keyboard.press("Home")
    for _ in range(7):
        lab.page.keyboard.press("ArrowRight")
    first = json.loads(lab.text(1).splitlines()[0])
    said = re.match(r"308, Days 7: Reaction (\d+), 95% of the mean from (\d+) to (\d+)", reading.inner_text())
    assert said is not None
    assert int(said[1]) == round(first[0])
    # Bands of many rows at once are made of fewer draws.
    assert abs(int(said[2]) - first[1]) < 2
    assert abs(int(said[3]) - first[2]) < 2
    walk.get_by_label("show a level", exact=True).fill("309")
    lab.page.keyboard.press("Enter")
    lab.until("() => document.querySelectorAll('.pfnb-multiple').length === 1")
    walk.get_by_label("show a level", exact=True).fill("337")
    lab.page.keyboard.press("Enter")
    lab.until("() => document.querySelectorAll('.pfnb-multiple').length === 2")
    lab.look("two", walk)
    lab.click("do not show 309", within=walk)
    lab.until("() => document.querySelectorAll('.pfnb-multiple').length === 1")
    assert walk.locator(".pfnb-multiple figcaption").inner_text() == "337"
    walk.get_by_label("view", exact=True).select_option("overlaid")
    lab.page.wait_for_selector(".pfnb-overlaid svg[role=img]")
    walk.locator(".pfnb-overlaid svg").focus()
    lab.page.keyboard.press("ArrowUp")
    assert re.match(r"\d{3}, Days 5: Reaction \d{3}", reading.inner_text())
    lab.look("overlaid", walk)


def test_three_thousand_levels_stay_fluid(lab):
    lab.new(LARGE, 'print(float(fit.predict(pd.DataFrame({"x": [0.5], "age": [30.0], "g": ["level 2999"]})).iloc[0]))')
    lab.run(0, 1)
    lab.page.wait_for_selector(NUMBERS)
    explore = lab.page.locator(".pfnb-explore")
    finder = explore.get_by_role("combobox", name="g", exact=True)
    finder.fill("2999")
    lab.page.get_by_role("option", name="level 2999").click()
    for name, value in (("x", "0.5"), ("age", "30")):
        explore.get_by_role("spinbutton", name=f"exact value of {name}").fill(value)
    mean = float(lab.text(1))
    settled(lab, mean, 0.051)
    # From the slider's event to the number on the page, twenty times.
    spent = explore.get_by_role("slider", name="age").evaluate(MEASURED)
    (lab.pictures / "times.txt").write_text(f"median {sorted(spent)[10]:.0f} ms, most {max(spent):.0f} ms")
    assert len(spent) == 20
    explore.get_by_label("curve along", exact=True).select_option("age")
    lab.until("() => document.querySelector('.pfnb-explore-curve figcaption').textContent === 'y along age'")
    explore.get_by_role("button", name="a typical g").click()
    lab.until("() => document.querySelector('.pfnb-finder input').value === ''")
    lab.look("large", explore)


MEASURED = """async slider => {
    const spent = [];
    const mean = () => document.querySelector('.pfnb-explore-density svg').getAttribute('aria-label');
    for (let i = 0; i < 20; i += 1) {
        const before = mean();
        // To and fro: the mean moves by more than the half unit that its label may hide.
        slider.value = i % 2 ? 68 - i / 2 : 22 + i / 2;
        const start = performance.now();
        slider.dispatchEvent(new Event('input'));
        while (mean() === before && performance.now() - start < 5000) await new Promise(requestAnimationFrame);
        if (mean() !== before) spent.push(performance.now() - start);
    }
    return spent;
}"""


def test_hostile_names_stay_text(lab):
    lab.new(HOSTILE, WALK)
    lab.run(0, 1)
    lab.page.wait_for_selector(NUMBERS)
    explore = lab.page.locator(".pfnb-explore")
    menu = explore.get_by_role("combobox").first
    for place in range(5):
        menu.select_option(index=place + 1)
        lab.page.wait_for_timeout(200)
    lab.click("Fit", "tab")
    lab.until("() => document.querySelectorAll('.pfnb-multiple').length === 5")
    lab.page.locator(".pfnb-multiple svg").first.hover()
    lab.page.wait_for_timeout(700)
    lab.look("hostile", explore)
    lab.look("hostile-fit", lab.page.locator(".pfnb-walk"))
    assert lab.page.evaluate("() => window.__owned === undefined")
    assert lab.page.locator(".pfnb-widget :is(img, script, a, iframe)").count() == 0
    for part in (".pfnb-explore", ".pfnb-walk"):
        assert lab.page.locator(part).evaluate("part => part.scrollWidth <= part.clientWidth + 1")


def test_a_page_without_a_kernel_shows_a_picture(lab):
    lab.new(SLEEP, 'fit.explore({"Subject": "308"}, Days=2)')
    lab.run(0, 1)
    lab.page.wait_for_selector(NUMBERS)
    assert lab.page.locator(".pfnb-explore").get_by_label("Subject", exact=True).input_value() == "0"
    lab.save()
    lab.shut_down()
    lab.errors.clear()  # of the kernel that is gone
    lab.open("notebook.ipynb", kernel=False)
    picture = lab.page.locator(".pfnb-explored")
    picture.wait_for(state="visible")
    assert picture.locator("img").evaluate("image => image.naturalWidth") > 600
    assert (
        not lab.page.get_by_text("Error displaying widget")
        .or_(lab.page.get_by_text("Loading widget"))
        .first.is_visible()
    )
    assert "at Days 2, Subject 308" in picture.inner_text()
    lab.look("static", picture)
