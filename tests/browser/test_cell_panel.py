"""The panel of a `%%lme` cell as its user has it: every phase is clicked through, and the result follows in place."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

import pytest
from laboratory import LOAD, Lab

pytestmark = pytest.mark.slow

# What every training tells is kept with its time, because no other cell can ask while one is awaited.
SETTING = f"""{LOAD}
import json, time
from probflow_nb.notebook.cell.training import Training
seen, made = [], Training.__init__
def recorded(self, *given, **named):
    made(self, *given, **named)
    self.watch(lambda s: seen.append((time.monotonic(), self.name, s.status, s.step, s.figures.get("learning_rate"))))
Training.__init__ = recorded
def paused(name):
    # Seconds of the pause, steps in it, and the rate of the first step after it.
    told = [one for one in seen if one[1] == name]
    at = next(i for i, one in enumerate(told) if one[2] == "paused")
    on = next(i for i, one in enumerate(told) if i > at and one[2] == "running")
    later = next((one for one in told[on:] if one[3] > told[at][3]), told[on])
    return told[on][0] - told[at][0], told[on][3] - told[at][3], later[4]
"""
MODEL = "Reaction ~ Days + (Days | Subject)"
# So low a rate settles long after everybody has clicked, and so high a one never does.
LOW, HIGH = 0.001, 0.8
YOUNG = f"%%lme young --data sleepstudy --engine vi --steps 1000000 --learning-rate {LOW} --seed 1 --panel\n{MODEL}"
CHAIN = f"%%lme chain --data sleepstudy --engine nuts --warmup 4000 --draws 2000000 --seed 1 --panel\n{MODEL}"
PLAN = "%%lme plan --data sleepstudy --no-fit --seed 1\nReaction ~ Days + (1 | Subject)"
# Names of controls and pictures that a person who cannot see would miss.
UNNAMED = """() => [...document.querySelectorAll('.pfnb-panel :is(button, input, select, svg)')]
    .filter(node => !(node.ariaLabel || node.labels?.length || node.textContent.trim())).length"""
# Whether a panel's contents lie over one another or beyond its frame.
SPILT = """panel => {
    const box = panel.getBoundingClientRect();
    const parts = [...panel.querySelectorAll('button, input, select, label, figcaption, p, svg.pfnb-picture')]
        .filter(node => node.getClientRects().length && !node.closest('label label, button button'));
    const inside = parts.every(node => {
        const part = node.getBoundingClientRect();
        return part.left >= box.left - 1 && part.right <= box.right + 1 && part.bottom <= box.bottom + 1;
    });
    return !inside || panel.scrollWidth > panel.clientWidth + 1;
}"""


def panel(lab: Lab, n: int) -> Any:
    return lab.output(n).locator(".pfnb-panel")


def status(lab: Lab, n: int, name: str, seconds: float = 120.0) -> None:
    lab.output(n).locator(f'.pfnb-panel[data-status="{name}"]').wait_for(timeout=seconds * 1000)


def said(lab: Lab, n: int, word: str) -> None:
    """Wait until the panel's line says a word."""
    panel(lab, n).get_by_role("status").filter(has_text=word).wait_for(timeout=180_000)


def sketched(lab: Lab, n: int) -> None:
    """Wait until there is a density of the residual sd that has a shape."""
    lab.output(n).locator("figure[data-parameter=sigma] svg").wait_for(timeout=120_000)


def look(lab: Lab, n: int, label: str) -> None:
    """Take pictures of a phase where they are wanted; nothing may spill, narrow or wide."""
    if "PROBFLOW_NB_PICTURES" in os.environ:
        lab.look_everywhere(label, lambda: panel(lab, n))
        lab.theme("JupyterLab Light")
    for width in (700, 1280):
        lab.page.set_viewport_size({"width": width, "height": 900})
        lab.page.wait_for_timeout(150)
        assert not panel(lab, n).evaluate(SPILT), f"{label} spills at {width}"
    assert lab.page.evaluate(UNNAMED) == 0


def asked(lab: Lab, n: int, code: str) -> Any:
    """Run a text in the n-th cell and return what it prints as JSON."""
    lab.write(n, f"print(json.dumps([{code}]))")
    lab.run(n)
    return json.loads(lab.text(n).strip().splitlines()[-1])


def static(lab: Lab, n: int) -> str:
    """Return the words of a cell's one static form."""
    found = lab.output(n).locator(".pfnb")
    assert found.count() == 1
    return str(found.inner_text())


def changed(lab: Lab, n: int, part: str, before: str) -> None:
    """Wait until a part of a cell's output says something else."""
    lab.until(
        """({ n, part, before }) => {
            const cell = document.querySelectorAll('.jp-Notebook .jp-Cell')[n];
            const found = cell.querySelector(part)?.innerText.trim();
            return found && found !== before.trim();
        }""",
        seconds=180,
        n=n,
        part=part,
        before=before,
    )


def mark(tab: Any) -> None:
    """Mark what an open tab shows; a few more steps need not change its numbers."""
    tab.get_by_role("row", name="sigma").wait_for()
    tab.locator(".pfnb-tab-body").evaluate("node => { node.dataset.former = ''; }")


def redrawn(tab: Any) -> None:
    """Wait until the open tab has been drawn anew."""
    tab.locator(".pfnb-tab-body:not([data-former])").get_by_role("row", name="sigma").wait_for(timeout=60_000)


def again(lab: Lab, n: int, engine: str, **options: str) -> None:
    """Fill in the form of the folded line, and start."""
    there = panel(lab, n)
    there.get_by_role("button", name=re.compile("(Run|Start) again")).click()
    there.get_by_role("combobox", name="engine").select_option(engine)
    for label, value in options.items():
        there.get_by_role("textbox", name=label.replace("_", " ")).fill(value)
    lab.click("Start", within=there)


def test_a_variational_cell_from_its_first_moment_to_another_engine(lab: Lab):
    lab.new(SETTING, YOUNG, "")
    lab.run(0)
    there = panel(lab, 1)
    lab.start(1)
    said(lab, 1, "compiling")
    look(lab, 1, "compiling")
    said(lab, 1, "climbing")
    sketched(lab, 1)
    look(lab, 1, "climbing")

    lab.click("Pause", within=there)
    status(lab, 1, "paused")
    look(lab, 1, "paused")
    lab.page.wait_for_timeout(1100)
    rate = there.get_by_role("textbox", name="learning rate")
    rate.fill(str(HIGH))
    rate.press("Enter")
    lab.click("Resume", within=there)
    said(lab, 1, "climbing")
    lab.page.wait_for_timeout(500)
    lab.click("Stop", within=there)
    lab.finished(1)
    status(lab, 1, "done")
    stopped, level, steps, pause = asked(
        lab, 2, "young.stopped, young.verdict.level, young.state.step, paused('young')"
    )
    assert stopped
    assert level in ("caution", "bad")
    assert pause[0] > 1
    assert pause[1] == 0
    assert pause[2] == HIGH
    first = static(lab, 1)
    assert "stopped" in first
    look(lab, 1, "folded")
    lab.click("Pictures", within=there)
    look(lab, 1, "pictures")
    lab.click("Pictures", within=there)

    # The longer fit takes the place of the shorter one: in the name, in the open tab, in the static form.
    walk = lab.output(1).locator(".pfnb-walk")
    walk.get_by_role("tab", name="Summary", exact=True).click()
    tab = walk.get_by_role("tabpanel", name="Summary")
    mark(tab)
    there.get_by_role("combobox", name="counted in").select_option("steps")
    amount = there.get_by_role("textbox", name="how many more")
    amount.fill("many")
    lab.click("More", within=there)
    there.get_by_role("alert").filter(has_text="whole number of steps").wait_for()
    amount.fill("250")
    lab.click("More", within=there)
    changed(lab, 1, ".pfnb", first)
    redrawn(tab)
    status(lab, 1, "done")
    assert asked(lab, 2, "young.stopped, young.state.step") == [False, steps + 250]
    second = static(lab, 1)

    mark(tab)
    again(lab, 1, "exact")
    changed(lab, 1, ".pfnb", second)
    redrawn(tab)
    status(lab, 1, "done")
    assert "Exact" in there.locator(".pfnb-made").inner_text()
    assert asked(lab, 2, "type(young.engine).__name__, young.stopped") == ["Exact", False]

    # What cannot be started, or comes to nothing, leaves the last result where it is.
    third = static(lab, 1)
    again(lab, 1, "vi", learning_rate="3")
    there.get_by_role("alert").filter(has_text="at most 1").wait_for()
    look(lab, 1, "form")
    lab.click("Cancel", within=there)
    again(lab, 1, "nuts", warmup="100000")  # so that nothing is known yet, however late the click
    status(lab, 1, "running")
    lab.click("Stop", within=there)
    status(lab, 1, "failed")
    assert "NUTS was stopped; this fit stays. The run was stopped before anything was known" in there.inner_text()
    assert "Exact" in there.locator(".pfnb-made").inner_text()
    look(lab, 1, "failed")
    assert static(lab, 1) == third
    assert walk.get_by_role("tab", name="Summary", exact=True).get_attribute("aria-selected") == "true"
    assert asked(lab, 2, "type(young.engine).__name__") == ["Exact"]


def test_the_keyboard_alone_begins_pauses_stops_and_goes_on(lab: Lab):
    frames: list[int] = []
    lab.page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(len(frame))))
    lab.new(SETTING, PLAN, CHAIN, "")
    lab.run(0, 1)
    keyboard = lab.page.keyboard

    def focused() -> str:
        return str(
            lab.page.evaluate(
                """() => {
                    const node = document.activeElement;
                    return node.ariaLabel || node.labels?.[0]?.textContent || node.textContent;
                }"""
            )
        )

    def tab_to(name: str) -> None:
        for _ in range(40):
            if focused().startswith(name):
                return
            keyboard.press("Tab")
        raise AssertionError(f"{name} is not reached by the keyboard, but {focused()} is")

    plan = static(lab, 1)
    panel(lab, 1).locator(".pfnb-form:not([hidden])").wait_for()
    look(lab, 1, "idle")
    panel(lab, 1).get_by_role("combobox", name="engine").focus()
    tab_to("seed")
    keyboard.press("Control+A")
    keyboard.type("dd")  # no shortcut of the notebook
    keyboard.press("Enter")
    panel(lab, 1).get_by_role("alert").filter(has_text="dd").wait_for()
    status(lab, 1, "idle")
    keyboard.press("Control+A")
    keyboard.type("7")
    tab_to("Start")
    keyboard.press("Enter")
    changed(lab, 1, ".pfnb", plan)
    status(lab, 1, "done")
    assert asked(lab, 3, "type(plan).__name__, plan.seed") == ["Fit", 7]
    # The strip of tabs is one stop of the Tab key; the arrows go along it.
    panel(lab, 1).get_by_role("button", name="Run again").focus()
    tab_to("Summary")
    keyboard.press("ArrowRight")
    assert focused() == "Posterior"
    keyboard.press("Enter")
    lab.output(1).get_by_role("tabpanel", name="Posterior").locator("svg").first.wait_for()

    lab.start(2)
    panel(lab, 2).get_by_role("button", name="Pause").focus()
    said(lab, 2, "warm-up")
    sketched(lab, 2)
    look(lab, 2, "warm-up")
    # Enough draws to keep something of.
    panel(lab, 2).locator(".pfnb-figures").filter(has_text="ESS").wait_for(timeout=180_000)
    look(lab, 2, "sampling")
    before = sum(frames)
    lab.page.wait_for_timeout(2000)
    rate = (sum(frames) - before) / 2
    sys.stdout.write(f"{rate / 1000:.0f} kB/s\n")
    assert rate < 200_000
    assert focused() == "Pause"
    keyboard.press("Space")
    status(lab, 2, "paused")
    assert focused() == "Resume"
    lab.page.wait_for_timeout(1100)
    keyboard.press("Space")
    status(lab, 2, "running")
    assert focused() == "Pause"
    tab_to("trace of")
    keyboard.type("sigma")
    panel(lab, 2).get_by_role("img", name=re.compile("^trace of sigma: 4 chains")).wait_for()
    panel(lab, 2).get_by_role("button", name="Pause").focus()
    tab_to("Stop")
    keyboard.press("Enter")
    lab.finished(2)
    status(lab, 2, "done")
    lab.until("() => document.activeElement.textContent === 'Run again'")
    count = "chain.draws.n_chains * chain.draws.n_draws"
    stopped, draws, pause = asked(lab, 3, f"chain.stopped, {count}, paused('chain')")
    assert stopped
    assert pause[0] > 1
    assert pause[1] == 0

    first = static(lab, 2)
    panel(lab, 2).get_by_role("button", name="More").focus()
    tab_to("how many more")
    keyboard.press("Control+A")
    keyboard.type("400")
    keyboard.press("Enter")
    changed(lab, 2, ".pfnb", first)
    status(lab, 2, "done")
    assert asked(lab, 3, f"chain.stopped, {count} >= {draws} + 400") == [False, True]
    panel(lab, 2).get_by_role("button", name="More").focus()  # asking the kernel has taken the keyboard elsewhere
    tab_to("Pictures")
    keyboard.press("Enter")
    panel(lab, 2).locator("figure[data-parameter=sigma]").wait_for()


def test_a_panel_says_that_its_kernel_is_gone(lab: Lab):
    lab.new(SETTING, PLAN)
    lab.run(0, 1)
    there = panel(lab, 1)
    there.get_by_role("button", name="Start", exact=True).wait_for()
    lab.page.evaluate("async () => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    status(lab, 1, "gone")
    assert "Run the cell again" in there.inner_text()
    assert there.get_by_role("button").count() == 0
    look(lab, 1, "gone")
