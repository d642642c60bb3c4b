"""The panel alone, while TensorFlow computes: it is asked from other cells, and its page is loaded again in a pause."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

SETTING = """
import time
from probflow_nb import datasets, prepare
from probflow_nb import VI as Quick
from probflow_nb.notebook.panel.panel import Panel
from probflow_nb.notebook.cell.training import Training

class VI(Quick):
    # On so few rows it would have settled before anybody can click.
    def step(self, model, state):
        time.sleep(0.3)
        return super().step(model, state)

def panel(engine):
    global training, snapshots
    text, data = "Reaction ~ Days + (Days | Subject)", datasets.sleepstudy()
    training = Training(lambda: prepare(text, data), "sleep", engine, 1)
    snapshots = []
    training.watch(snapshots.append)
    shown = Panel(training)
    training.start()
    return shown
"""
STILL = """
before = [len(snapshots), training.snapshot.step, training.run.state]
time.sleep(1)
print("still" if before == [len(snapshots), training.snapshot.step, training.run.state] else "moved")
"""
# Click a button, and say after how many milliseconds the page showed something else, and the kernel's answer.
CLICK = """name => new Promise(resolve => {
    const panel = document.querySelector('.pfnb-panel');
    const word = panel.querySelector('[role=status]');
    const [before, said, began] = [panel.dataset.status, word.textContent, performance.now()];
    let shown = null;
    const look = () => {
        if (shown === null && word.textContent !== said) shown = performance.now() - began;
        if (panel.dataset.status !== before) {
            watch.disconnect();
            resolve([shown ?? performance.now() - began, performance.now() - began]);
        }
    };
    const watch = new MutationObserver(look);
    watch.observe(panel, { subtree: true, childList: true, characterData: true, attributes: true });
    [...panel.querySelectorAll('button')].find(button => button.textContent === name).click();
})"""
DENSITY = re.compile(r"^sigma: mean [\d.]+, 95% from [\d.]+ to [\d.]+$")


def status(lab: Any, name: str, seconds: float = 120.0) -> None:
    lab.page.wait_for_selector(f'.pfnb-panel[data-status="{name}"]', timeout=seconds * 1000)


def phase(lab: Any, word: str) -> None:
    lab.until(
        "({word}) => document.querySelector('.pfnb-panel [role=status]').textContent.includes(word)", 180, word=word
    )


def press(lab: Any, name: str) -> None:
    """Click a button and print how soon there was an effect."""
    shown, answered = lab.page.evaluate(CLICK, name)
    sys.stdout.write(f"{name}: seen after {shown:.0f} ms, answered after {answered:.0f} ms\n")


def said(lab: Any, code: str) -> str:
    """Run a text in the third cell and return what it printed."""
    lab.write(2, code)
    lab.run(2)
    return str(lab.output(2).inner_text()).strip()


@pytest.mark.slow
def test_a_paused_fit_is_there_again_when_its_page_is_loaded_again(lab):
    lab.new(SETTING, "panel(VI(steps=1_000_000))", "")
    lab.run(0, 1)
    phase(lab, "climbing")
    lab.page.wait_for_selector("figure[data-parameter=sigma] svg")
    press(lab, "Pause")
    status(lab, "paused")
    assert said(lab, STILL) == "still"
    rate = lab.page.get_by_role("textbox", name="learning rate")
    rate.fill("3")
    rate.press("Enter")
    lab.page.get_by_role("alert").filter(has_text="at most 1").wait_for()
    rate.fill("0.05")
    rate.press("Enter")
    lab.page.get_by_role("alert").filter(has_text="at most 1").wait_for(state="hidden")
    paused = int(said(lab, "print(training.snapshot.step)"))
    # The page shows all of it again when it is loaded again.
    lab.save()
    lab.reload()
    status(lab, "paused")
    assert rate.input_value() == "0.05"
    assert DENSITY.match(lab.page.get_by_role("img", name=re.compile("^sigma")).get_attribute("aria-label"))
    press(lab, "Resume")
    lab.page.wait_for_timeout(500)
    following = f"[s.figures['learning_rate'] for s in snapshots if s.step > {paused}][0]"
    assert float(said(lab, f"print({following})")) == 0.05
    press(lab, "Stop")
    status(lab, "done")
    fit = said(lab, "print(training.fit.stopped, training.fit.verdict.level, training.fit.state.step)").split()
    assert fit[0] == "True"
    assert fit[1] in ("caution", "bad")
