"""What the other browser tests stand on: cells run, are typed in, and the next test finds nothing of this one."""

from __future__ import annotations

import pytest

ON = "document.body.dataset.jpThemeLight"


@pytest.mark.parametrize("turn", [1, 2])
def test_a_notebook_of_its_own(turn, lab):
    lab.new("a = 1", "a + 41", "", "import time\ntime.sleep(0.5)\nprint('done')")
    assert lab.page.evaluate(ON) == "true"
    lab.run(0, 1)
    assert lab.text(1).split() == ["[2]:", "42"]
    lab.type(2, "a + 1\n'typed'")
    lab.run(2, 3)
    assert "typed" in lab.text(2)
    assert "done" in lab.text(3)
    lab.start(3)
    lab.finished(3)
    lab.save()
    assert lab.read().cells[1].outputs[0].data["text/plain"] == "42"
    lab.theme("JupyterLab Dark")
    assert lab.page.evaluate(ON) == "false"
    assert lab.look("dark").stat().st_size > 1000
    lab.reload()
    assert "42" in lab.text(1)
    lab.write(1, "a + 2")
    lab.run(1)
    assert "3" in lab.text(1)


def test_what_leaves_the_server_is_refused_and_noted(lab):
    lab.new("1")
    lab.page.evaluate(
        "() => { console.error('heard'); return fetch('http://192.0.2.1/x', {mode: 'no-cors'}).catch(() => null); }"
    )
    assert lab.outside == ["http://192.0.2.1/x"]
    assert "heard" in lab.errors[0]
    lab.outside.clear()
    lab.errors.clear()
