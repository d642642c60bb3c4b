"""Cells that wait, stop and stay in the background, in a real JupyterLab."""

from __future__ import annotations

import pytest
from laboratory import LOAD, Lab

pytestmark = pytest.mark.slow

MODEL = "Reaction ~ Days + (Days | Subject)"
# Minutes of sampling, were it not stopped.
LONG = f"%%lme long --data sleepstudy --engine nuts --draws 400000 --seed 1\n{MODEL}"
# It is sampling, and the chains have enough draws to keep something of.
SAMPLING = "() => /ESS/.test(document.querySelector('.pfnb-panel .pfnb-figures')?.textContent)"


def test_run_all_keeps_the_order(lab: Lab):
    lab.new(
        LOAD,
        f"%%lme first --data sleepstudy --engine vi --seed 1\n{MODEL}",
        "print('after', type(first).__name__, first.seed)",
        f"%%lme second --data sleepstudy --seed 2\n{MODEL}",
        "print(first.seed, second.seed, 'end')",
    )
    lab.command("notebook:run-all-cells")
    lab.until("() => document.body.innerText.includes('1 2 end')", seconds=180)
    assert "after Fit 1" in lab.text(2)
    for n in (1, 3):
        assert lab.output(n).locator(".pfnb-panel").count() == 1
        assert lab.output(n).get_by_role("tablist").count() == 1
        assert lab.output(n).locator('.pfnb-panel[data-status="done"]').count() == 1
    lab.look("run-all")


def test_the_stop_button_keeps_what_there_is(lab: Lab):
    lab.new(LOAD, LONG, "print('stopped', long.stopped, long.draws.n_draws < 100000)")
    lab.run(0)
    lab.start(1)
    lab.page.wait_for_selector('.pfnb-panel[data-status="running"]', timeout=60_000)
    lab.until(SAMPLING, seconds=180)
    lab.command("notebook:interrupt-kernel")
    lab.finished(1)
    lab.run(2)
    assert "stopped True True" in lab.text(2)
    assert lab.output(1).get_by_role("tablist").count() == 1
    assert "CancelledError" not in lab.text(1)
    lab.look("stopped")


def test_a_cell_in_the_background_leaves_the_notebook_free(lab: Lab):
    lab.new(
        LOAD,
        f"%%lme far --data sleepstudy --engine nuts --seed 3 --background\n{MODEL}",
        "print('free', type(far).__name__)",
        "print('read', far.seed, type(far).__name__)",
    )
    lab.run(0, 1, 2)
    assert "free StandIn" in lab.text(2)
    assert lab.output(1).locator(".pfnb-panel").count() == 1
    assert "far is being fitted in the background." in lab.text(1)
    lab.run(3, seconds=240)
    assert "read 3 Fit" in lab.text(3)
    lab.page.wait_for_selector('.pfnb-panel[data-status="done"]', timeout=60_000)
    assert "far is being fitted in the background." not in lab.text(1)
    assert lab.output(1).get_by_role("tablist").count() == 1
    assert lab.output(1).locator("img").count() > 0
    lab.look("background")
