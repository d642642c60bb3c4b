"""The colours of `%%lme` cells in a real JupyterLab, and the words that they rest on."""

from __future__ import annotations

import json
import random
import tomllib
from itertools import groupby
from pathlib import Path

import nbformat
import pytest

from probflow_nb.errors import ParseError
from probflow_nb.lang.tokens import tokenize
from probflow_nb.spec.families import KINDS
from probflow_nb.spec.signatures import DISTRIBUTIONS
from probflow_nb.spec.statement_spec import PARTS
from probflow_nb.spec.transforms import CONTRASTS, TRANSFORMS, TRUTH
from probflow_nb.spec.value import LINKS

REPOSITORY = Path(__file__).parents[2]
EXTENSION = REPOSITORY / "jupyter-config" / "labextension"
NAME = "probflow-nb"
THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")

SLEEP = """%%lme sleep --data "my frame" --draws=4000 --seed 1  # y ~ 1, on paper
log(Reaction) ~ Days * poly(age, 2, raw = TRUE) + offset(log(hours))
  + (Days || Subject) + (1 | class %in% school) - C(`body mass`, Sum)  # if Days in "x"
Days ~ Normal(0, 5e-1); Intercept ~ Flat
centered(Intercept) ~ StudentT(3, location = 250)
sd(Days | Subject) ~ HalfNormal(10)
cor(Subject) ~ LKJ(2)
sigma ~ Exponential(.1)
Machine[B 2]:age ~ Normal(0, 1)
weights = import
family = StudentT(link = log)"""

# Cells, and what is marked in them: the words of each kind but plain names, values and operators, in order.
MARKED: dict[str, dict[str, list[str]]] = {
    SLEEP: {
        "magic": ["%%lme"],
        "string": ['"my frame"'],
        "flag": ["--data", "--draws", "--seed"],
        "comment": ["# y ~ 1, on paper", '# if Days in "x"'],
        "response": ["Reaction"],
        "transform": ["log", "poly", "offset", "log", "C"],
        "bar": ["||", "|", "|"],
        "quoted": ["`body mass`"],
        "level": ["[B 2]"],
        "word": ["TRUE", "Sum", "log"],
        "distribution": ["Normal", "Flat", "StudentT", "HalfNormal", "LKJ", "Exponential", "Normal", "StudentT"],
        "parameter": ["Intercept", "centered", "Intercept", "sd", "cor", "sigma"],
        "number": ["2", "1", "0", "5e-1", "3", "250", "10", "2", ".1", "0", "1"],
        "definition": ["weights", "family"],
    },
    "%%lme": {"magic": ["%%lme"]},
    "%%lme m --engine nuts --background --panel --device=GPU:0\ny ~ x": {
        "magic": ["%%lme"],
        "flag": ["--engine", "--background", "--panel", "--device"],
        "response": ["y"],
    },
    "\n  %%lme m\ny ~ x": {"magic": ["%%lme"], "response": ["y"]},
    "%%lme\nX = design(1 + Days)\nZ = indicators(g) \nw[Days] ~ Normal(0, 100)\nw ~ Flat()\nu ~ Normal(0, tau)\n"
    "tau ~ HalfNormal(5)\nlog(y) ~ Bernoulli(logit = X @ w + Z @ u + exp(b[g]))\nb ~ Laplace(0, 1)": {
        "magic": ["%%lme"],
        "transform": ["design", "indicators", "log", "exp"],
        "level": ["[Days]", "[g]"],
        "distribution": ["Normal", "Flat", "Normal", "HalfNormal", "Bernoulli", "Laplace"],
        "number": ["1", "0", "100", "0", "5", "0", "1"],
        "response": ["y"],
    },
    # Names of parameters, distributions and contrasts are columns where a formula has them.
    "%%lme\nsigma ~ Normal + sd + Sum + Intercept + log + True": {"magic": ["%%lme"], "response": ["sigma"]},
    "%%lme\nNormal ~ sd(g)": {"magic": ["%%lme"], "response": ["Normal"]},
    "%%lme\ny ~ x\nsigma ~ Normla(1)": {
        "magic": ["%%lme"],
        "response": ["y"],
        "parameter": ["sigma"],
        "number": ["1"],
    },
    "%%lme\nincidence /\nsize ~ (1 |\n\nherd)\n`a b` ~ Normal(\n0, 1)": {
        "magic": ["%%lme"],
        "response": ["incidence", "size"],
        "number": ["1", "0", "1"],
        "bar": ["|"],
        "quoted": ["`a b`"],
        "distribution": ["Normal"],
    },
    # A quote and a bracket that are still being typed.
    '%%lme\ny ~ "half\n+ x[le\n+ `ha': {
        "magic": ["%%lme"],
        "response": ["y"],
        "string": ['"half'],
        "level": ["[le"],
        "quoted": ["`ha"],
    },
    "%%lmer\ny ~ (1 | g)": {},
    "%lme sleep --data x": {},
    "# %%lme\ny = log(1)": {},
    'text = """\n%%lme\ny ~ log(x)"""': {},
}
PYTHON = 'import numpy as np\n\ndef log(x):  # a ~ b\n    return np.exp(x) | 1 if x else "sigma"\n'

# Reads a cell: for each line its pieces, each with its kinds, and whether the mark is the innermost element.
READ = """
    const read = cell => [...cell.node.querySelectorAll('.cm-line')].map(line => {
        const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
        const pieces = [];
        while (walker.nextNode()) {
            const parent = walker.currentNode.parentElement;
            const mark = parent.closest('[class*="pfnb"]');
            const kinds = mark === null ? [] : [...mark.classList].filter(name => name.startsWith('cm-pfnb-'));
            pieces.push([walker.currentNode.data, kinds.map(name => name.slice(8)), mark === parent]);
        }
        return pieces;
    });
    const cells = window.jupyterapp.shell.currentWidget.content.widgets;
"""


def words() -> dict[str, list[str]]:
    """Return the lists of words that the extension knows."""
    script = (EXTENSION / "static" / "remoteEntry.js").read_text(encoding="utf-8")
    start = script.index("const WORDS = ") + len("const WORDS = ")
    return json.loads(script[start : script.index("};", start) + 1])


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        ("transforms", list(TRANSFORMS)),
        ("contrasts", list(CONTRASTS)),
        ("truth", list(TRUTH)),
        ("distributions", list(DISTRIBUTIONS)),
        ("matrices", list(PARTS)),
        ("functions", list(LINKS)),
        ("families", [name for kind in KINDS for name in (kind.name, *kind.aliases)]),
        ("links", list(dict.fromkeys(link for kind in KINDS for link in kind.links))),
    ],
)
def test_the_words_are_those_of_the_language(kind, known):
    assert sorted(words()[kind]) == sorted(known)


def test_the_wheel_carries_the_extension():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    shared = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert shared == {EXTENSION.relative_to(REPOSITORY).as_posix(): f"share/jupyter/labextensions/{NAME}"}
    package = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    assert package["name"] == NAME
    assert package["version"] == project["project"]["version"]
    build = package["jupyterlab"]["_build"]
    assert f'_JUPYTERLAB["{NAME}"]' in (EXTENSION / build["load"]).read_text(encoding="utf-8")


def test_lme_cells_are_coloured(lab):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(text) for text in (*MARKED, PYTHON, "")]
    notebook.cells += [nbformat.v4.new_raw_cell("%%lme\ny ~ x"), nbformat.v4.new_markdown_cell("%%lme\ny ~ x")]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab.root / "colours.ipynb")
    lab.open("colours.ipynb")
    lab.page.wait_for_selector(".jp-Notebook .cm-pfnb-magic", timeout=20_000)
    lab.page.evaluate(f"() => {{ {READ} cells[cells.length - 1].rendered = false; }}")
    lab.page.wait_for_timeout(500)

    *marked, python, empty, raw, markdown = lab.page.evaluate(f"() => {{ {READ} return cells.map(read); }}")
    for (text, expected), lines in zip(MARKED.items(), marked, strict=True):
        assert found(lines) == expected, text
        assert_whole(text, lines)
    assert [found(cell) for cell in (python, empty, raw, markdown)] == [{}] * 4

    for texts in (list(MARKED), list(random_texts(200))):
        compare_with_tokens(lab, [text for text in texts if text.startswith("%%lme\n")])
    check_typing(lab)
    for theme in THEMES:
        lab.theme(theme)
        check_contrast(lab)
        lab.page.locator(".jp-Notebook .jp-Cell").first.scroll_into_view_if_needed()
        lab.page.wait_for_timeout(300)
        lab.look(theme.split(maxsplit=1)[1].replace(" ", "-").lower())


def found(lines) -> dict[str, list[str]]:
    """Return the marked words of each kind; a word may be in several pieces, which Python's own tokens cut."""
    kinds: dict[str, list[str]] = {}
    for line in lines:
        for names, pieces in groupby(line, key=lambda piece: piece[1]):
            word = "".join(piece[0] for piece in pieces)
            for name in names:
                kinds.setdefault(name, []).append(word)
    return {name: kinds[name] for name in kinds if name not in ("name", "value", "operator", "punctuation")}


def assert_whole(text, lines):
    """In a `%%lme` cell every word has a mark inside of Python's, so that no colour of Python is seen."""
    if "magic" not in found(lines):
        return
    for word, kinds, innermost in (piece for line in lines for piece in line):
        assert (kinds and innermost) or word in (";", "") or word.isspace(), (text, word)


def compare_with_tokens(lab, texts):
    """Show texts in the first cell and hold their marks to the tokens that the package itself reads."""
    read = lab.page.evaluate(
        f"""async texts => {{
            {READ}
            const found = [];
            for (const text of texts) {{
                cells[0].model.sharedModel.setSource(text);
                await new Promise(requestAnimationFrame);
                found.push(read(cells[0]));
            }}
            return found;
        }}""",
        texts,
    )
    compared = 0
    for text, lines in zip(texts, read, strict=True):
        body = text.split("\n", 1)[1]
        try:
            tokens = tokenize(body)
        except ParseError:
            continue
        compared += 1
        expected = [""] * len(body)
        for token in tokens:
            expected[token.span.start : token.span.stop] = [token.kind] * (token.span.stop - token.span.start)
        shown = [
            kinds[0] if kinds else ""
            for line in lines[1:]
            for word, kinds, _ in [*line, ["\n", [], True]]
            for _ in word
        ]
        for at, (character, kind, mark) in enumerate(zip(body, expected, shown)):
            assert agrees(character, kind, mark), (text, body[at:], kind, mark)
    assert compared > len(texts) / 4


NAMES = {"name", "transform", "distribution", "parameter", "word", "definition"}
OTHERS = {"magic", "flag", "value", "comment", "response", "operator", "punctuation", "bar"}
SAME = {"quoted name": "quoted", "number": "number", "string": "string", "level": "level"}


def agrees(character: str, kind: str, mark: str) -> bool:
    """Whether a mark is right for a character of a token of a kind; "" is no mark and no token."""
    if kind in ("", "newline"):
        return mark in ("", "comment")
    if kind in SAME:
        return mark == SAME[kind]
    if kind == "name":
        return mark in NAMES or (mark == "operator" and character in "by")
    return mark == ("bar" if kind in ("|", "||") else "punctuation" if kind in ("(", ")", ",") else "operator")


def random_texts(count: int):
    """Yield cells of random pieces of the language, and of what only looks like it."""
    pieces = (
        *("y", "~", " ", " ", "\n", "log(", ")", "(1 | g)", "||", "|", "#", " # a `b\n", '"a # b"', "'\\''", "`x y`"),
        *(
            "`a\\`b`",
            "[B 2]",
            '[ "a]b" ]',
            "[#]",
            "1",
            ".5",
            "1.e-3",
            "1e",
            "2x",
            "a.b",
            ".x",
            "_",
            "x²",
            "größe",
            "名前",
        ),
        *(
            "%in%",
            "**",
            "^",
            "*",
            "@",
            ";",
            "=",
            ",",
            "-",
            "Normal(0, 1)",
            "sd(",
            "sigma",
            " by ",
            "\t",
            "e\u0301",
            "\u200b",
        ),
    )
    chance = random.Random(1)
    for _ in range(count):
        yield "%%lme\n" + "".join(chance.choices(pieces, k=chance.randint(1, 7)))


def check_typing(lab):
    """Marks come while a model is typed and go with its first line; Python's own colours are then as ever."""
    empty = len(MARKED) + 1
    lab.page.locator(".jp-Notebook .jp-Cell").nth(empty).locator(".cm-content").click()
    lab.page.keyboard.type("%%lm")
    assert found(show(lab, empty)) == {}
    lab.page.keyboard.type("e --seed 1")
    lab.page.keyboard.press("Enter")
    lab.page.keyboard.type("y ~ (x | g)")
    assert found(show(lab, empty)) == {"magic": ["%%lme"], "flag": ["--seed"], "response": ["y"], "bar": ["|"]}
    lab.page.evaluate(f"text => {{ {READ} cells[{empty}].model.sharedModel.setSource(text); }}", PYTHON)
    lab.page.wait_for_timeout(500)
    html = "([...cells[at].node.querySelectorAll('.cm-line')].map(line => line.innerHTML))"
    before, after = (lab.page.evaluate(f"at => {{ {READ} return {html}; }}", at) for at in (empty - 1, empty))
    assert after == before
    assert "<span" in before[0]


def show(lab, at: int):
    """Return the lines of a cell once the page has drawn them."""
    lab.page.wait_for_timeout(200)
    return lab.page.evaluate(f"at => {{ {READ} return read(cells[at]); }}", at)


def check_contrast(lab):
    """Every kind of word reads well on the paper of a cell, whether or not the cell is being edited."""
    lab.page.evaluate(f"text => {{ {READ} cells[0].model.sharedModel.setSource(text); }}", SLEEP + '\nx ~ "a"')
    lab.page.wait_for_timeout(200)
    colours = lab.page.evaluate(
        """() => {
            const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
            const probe = document.body.appendChild(document.createElement('div'));
            const paint = (...layers) => {
                for (const layer of layers) { pen.fillStyle = layer; pen.fillRect(0, 0, 1, 1); }
                return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
            };
            const found = {};
            for (const name of ['--jp-cell-editor-background', '--jp-cell-editor-active-background']) {
                probe.style.background = `var(${name})`;
                const paper = getComputedStyle(probe).backgroundColor;
                for (const word of document.querySelectorAll('.jp-Cell [class*="cm-pfnb"]')) {
                    const ink = getComputedStyle(word).color;
                    found[`${word.className} on ${name}`] = [paint(paper, ink), paint(paper)];
                }
            }
            probe.remove();
            return found;
        }"""
    )
    shown = {name.removeprefix("cm-pfnb-") for line in colours for name in line.split(" on ")[0].split()[1:]}
    assert shown == NAMES | set(SAME.values()) | OTHERS
    faint = {name: pair for name, pair in colours.items() if contrast(*pair) < 4.5}
    assert faint == {}


def contrast(ink, paper) -> float:
    """Return the contrast ratio of two colours as the accessibility guidelines (WCAG 2) define it."""
    bright, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour) -> float:
    parts = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
