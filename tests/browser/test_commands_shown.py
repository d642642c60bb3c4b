"""`%lme` in a real JupyterLab: running models are listed, one is shown again with its panel, a forgotten one goes."""

from __future__ import annotations

from laboratory import LOAD

TEXT = "Reaction ~ Days + (Days | Subject)"
SLOW = f"%%lme slow --data sleepstudy --engine vi --steps 400000 --seed 1 --background\n{TEXT}"
ALIVE = """
import gc, weakref
def alive():
    gc.collect()
    return kept() is not None
kept = weakref.ref(sleep)
"""

# The run of a forgotten fit ends with the step that it is in.
GONE = """
import threading
def working():
    return [thread for thread in threading.enumerate() if thread.name == "probflow-training"]
for thread in working():
    thread.join(60)
alive(), "sleep" in globals(), working()
"""


def test_models_are_listed_shown_again_compared_and_forgotten(lab):
    lab.new(
        LOAD,
        f"%%lme sleep --data sleepstudy --seed 1\n{TEXT}",
        f"%%lme small --data sleepstudy --seed 1\n{TEXT.replace('Days |', '1 |')}",
        f"%%lme plan --data sleepstudy --no-fit\n{TEXT}",
        SLOW,
        "%lme",
        "%lme slow",
        "%lme sleep",
        "%lme compare sleep small",
        ALIVE,
        "%lme forget slow sleep",
        GONE,
        "%lme",
    )
    lab.run(*range(6))
    lines = [line for line in lab.text(5).split("\n") if line]
    assert [line.split("\t")[0] for line in lines[-4:]] == ["sleep", "small", "plan", "slow"], lines
    assert "Not fitted yet" in lines[-2]
    assert "● running" in lines[-1]
    lab.run(6)
    assert "slow is running" in lab.text(6)

    first = lab.output(1).locator(".pfnb-panel")
    assert first.count() == 1
    lab.run(7)
    again = lab.output(7).locator(".pfnb-panel")
    again.wait_for()
    assert again.get_attribute("data-status") == "done"
    assert lab.output(7).locator(".pfnb-head").count() == 1
    assert first.count() == 0  # its panel has moved

    lab.run(8)
    assert "difference" in lab.text(8)
    lab.look_everywhere("compare", lambda: lab.output(8))
    lab.look("table", lab.output(5))
    lab.run(9, 10)
    assert "slow is forgotten" in lab.text(10)
    assert again.count() == 0
    lab.run(11)
    assert "(False, False, [])" in lab.text(11)
    lab.run(12)
    assert "sleep" not in lab.text(12)
