"""Names that are HTML, script and worse, in a real browser: words in every part of the page, live and static."""

from __future__ import annotations

import json

import pytest
from laboratory import LOAD

# Each tries to run a script, to end the element that it is in, to be followed, to turn the line, or to fill the page.
PAYLOADS = {
    "image": '<img src=x onerror="window.__owned=1">',
    "style": "</style><script>window.__owned=2</script>",
    "script": "</script><svg onload=window.__owned=3>",
    "address": "javascript:window.__owned=4",
    "quotes": "\"'><iframe srcdoc='<script>parent.__owned=5</script>'>",
    "long": "<b>" + "W" * 10_000,
    "right to left": "\u202e\u05d0\u05d1 onload=window.__owned=6 \u2066",
    "control": "\x00\x1b[31m\x07$\\x$<math href=javascript:window.__owned=7>",
    "template": "${window.__owned=8}{{window.__owned=9}}<!--",
}
FRAME = f"""
import json
import numpy as np, pandas as pd
def hostile(value):
    name = "".join(c for c in value if c >= " ")
    rng = np.random.default_rng(1)
    data = pd.DataFrame({{
        "y" + name: rng.normal(size=60), name: np.linspace(-1, 1, 60),
        "g" + name: np.repeat([f"{{value}} {{i}}" for i in range(6)], 10),
        "kind" + name: ["a" + value, "b" + value] * 30,
    }})
    data.index = [value] * 60
    return data
frames = {{key: hostile(name) for key, name in json.loads({json.dumps(PAYLOADS)!r}).items()}}
"""


def quoted(name: str) -> str:
    """Return a column's name as a model writes it; a text holds no control characters, only values of data do."""
    name = "".join(c for c in name if c >= " ")
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def cell(key: str) -> str:
    """Return a model of all the columns that bear a name."""
    y, x, g, kind = (quoted(before + PAYLOADS[key]) for before in ("y", "", "g", "kind"))
    return f"%%lme fit --data data --seed 1 --panel\n{y} ~ {x} + {kind} + ({x} | {g})"


# What of the page is not ours, and whether a script of a name has run.
PAGE = """() => ({
    owned: window.__owned === undefined,
    title: document.title,
    frames: document.querySelectorAll('iframe').length,
    sheets: [...document.querySelectorAll('link[rel=stylesheet]')].length,
    scripts: document.scripts.length,
    wide: document.documentElement.scrollWidth > innerWidth + 1,
})"""
# What of ours a name has made: elements that we never make, attributes that run, addresses, and pieces that are cut.
OURS = """n => {
    const cell = window.jupyterapp.shell.currentWidget.content.widgets[n].node;
    const output = cell.querySelector('.jp-Cell-outputArea');
    const all = [...output.querySelectorAll('*')].filter(e => e.tagName !== 'STYLE');
    const shown = found => found.map(e => e.outerHTML.slice(0, 200));
    const never = ['SCRIPT', 'IFRAME', 'OBJECT', 'EMBED', 'A', 'LINK', 'MATH', 'BASE', 'META'];
    const acts = name => name.startsWith('on') || ['srcdoc', 'action', 'formaction', 'href'].includes(name);
    const runs = e => [...e.attributes].some(attribute => acts(attribute.name));
    return {
        strange: shown(all.filter(e => never.includes(e.tagName.toUpperCase()))),
        handlers: shown(all.filter(runs)),
        images: shown(all.filter(e => e.tagName === 'IMG' && !e.src.startsWith('data:image/'))),
        identities: all.filter(e => e.id && e.closest('.pfnb, .pfnb-panel, .pfnb-walk, .pfnb-explore')).map(e => e.id),
        wide: output.scrollWidth > output.clientWidth + 1,
        // A text that is there to be copied is whole; every other is cut.
        long: Math.max(0, ...all.filter(e => e.children.length === 0 && e.closest('pre') === null)
            .map(e => e.textContent.length)),
    };
}"""
CLEAN = {"strange": [], "handlers": [], "images": [], "identities": [], "wide": False}


TABS = ("Summary", "Posterior", "Groups", "Fit", "Checks", "Model")


def check(lab, n: int, before: dict) -> None:
    """Hold a cell's output, and the page around it, to being as they are with quiet names."""
    lab.page.wait_for_timeout(500)
    assert lab.page.evaluate(PAGE) == before
    found = lab.page.evaluate(OURS, n)
    assert found.pop("long") < 3_000
    assert found == CLEAN


@pytest.mark.slow
def test_a_name_is_a_word_wherever_it_is_shown(lab):
    cells = []
    for key in PAYLOADS:
        cells += [f"data = frames[{key!r}]", cell(key), "fit.explore()", "%lme"]
    lab.new(f"{LOAD}\n{FRAME}", *cells)
    lab.run(0, 1, 2, 3)
    lab.output(3).locator(".pfnb-explore").wait_for()
    before = lab.page.evaluate(PAGE)
    assert before["owned"]
    assert not before["wide"]
    for i, key in enumerate(PAYLOADS):
        n = 4 * i + 1
        lab.run(n, n + 1)
        walk = lab.output(n + 1).locator(".pfnb-walk")
        walk.wait_for()
        check(lab, n + 1, before)
        for tab in TABS:
            walk.get_by_role("tab", name=tab, exact=True).click()
            walk.get_by_role("tabpanel", name=tab, exact=True).wait_for()
            check(lab, n + 1, before)
            lab.look(f"{key}-{tab.lower()}", lab.output(n + 1))
        lab.run(n + 2, n + 3)
        lab.output(n + 2).locator(".pfnb-explore").wait_for()
        check(lab, n + 2, before)
        check(lab, n + 3, before)
        lab.look(f"{key}-explore", lab.output(n + 2))
