from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from display_cards import HOSTILE, hostile_card, point_card, sleep_card, unfitted_card

from probflow_nb.display import html, latex, markdown, text
from probflow_nb.display.bundle import mimebundle
from probflow_nb.display.card import Card
from probflow_nb.display.stylesheet import STYLE
from probflow_nb.display.theme import DARK

ELEMENTS = {"style", "div", "span", "b", "i", "sub", "bdi", "code", "img", "details", "summary"}
ELEMENTS |= {"table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"class", "style", "src", "alt", "width", "height", "scope", "colspan", "role", "aria-hidden"}
VOID = {"img"}


class Page(HTMLParser):
    """Collects elements, attributes and text, and checks that elements nest."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def check(source: str) -> Page:
    page = Page(source)
    for tag, attributes in page.elements:
        assert tag in ELEMENTS
        assert set(attributes) <= ATTRIBUTES
        if tag == "img":
            assert (attributes["src"] or "").startswith("data:image/png;base64,")
            assert len(attributes["alt"] or "") > 20
    assert sum(tag == "style" for tag, _ in page.elements) == 1
    return page


@pytest.mark.parametrize("make", [sleep_card, point_card, unfitted_card])
def test_html_is_a_plain_block(make: type[Card]) -> None:
    check(html.render(make()))


@pytest.fixture(scope="module")
def harmless() -> Page:
    return check(html.render(hostile_card("name")))


@pytest.mark.parametrize("name", [name for name in HOSTILE if name])
def test_html_with_hostile_names_has_the_structure_of_any_other(name: str, harmless: Page) -> None:
    page, other = check(html.render(hostile_card(name))), harmless
    assert [t for t, _ in page.elements if t != "bdi"] == [t for t, _ in other.elements]
    assert len("".join(page.words)) < 6000


@pytest.mark.parametrize("name", HOSTILE)
def test_other_forms_with_hostile_names(name: str) -> None:
    bundle = mimebundle(hostile_card(name), exclude={"text/html"})
    for source in bundle.values():
        source.encode("utf-8")
        assert len(source) < 12_000
        assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e]", source)
    assert not re.search(r"<\w", bundle["text/markdown"])
    tables = [line for line in bundle["text/markdown"].split("\n") if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in tables}) == 1


def test_html_says_everything_in_order() -> None:
    words = "".join(check(html.render(sleep_card())).words)
    order = [
        "sleep",
        "Reaction ~ Days",
        "Normal",
        "Fine.",
        "4,000 draws",
        "All chains",
        "180 rows.",
        "parameter",
    ]
    order += [
        "Common effects",
        "Intercept",
        "Residual",
        "How it was run",
        "Exact(draws=4000)",
        "Priors",
        "Normal(0, 49)",
    ]
    places = [words.find(word, 0) for word in order]
    assert -1 not in places
    assert places == sorted(places)


def test_html_keeps_its_size() -> None:
    assert len(html.render(sleep_card()).encode()) < 120_000


def test_pictures_are_there_and_say_what_they_show() -> None:
    alts = [a["alt"] or "" for t, a in check(html.render(sleep_card())).elements if t == "img"]
    assert len(alts) == 3
    assert "Days: mean 10.5, 95% interval 7." in alts[0]
    assert "18 levels sorted by mean; lowest " in alts[1]
    assert not [t for t, _ in check(html.render(unfitted_card())).elements if t in ("img", "table") and t == "img"]


def test_mathematics_in_names_is_left_alone_by_the_page() -> None:
    first = check(html.render(sleep_card())).elements[1]
    assert "mathjax_ignore" in (first[1]["class"] or "")
    assert "tex2jax_ignore" in (first[1]["class"] or "")


@pytest.mark.parametrize(
    ("level", "word"),
    [
        ("fine", "✓ Fine."),
        ("caution", "! Caution."),
        ("bad", "✕ Not to be trusted."),
        ("none", "○ Not fitted yet."),
    ],
)
def test_a_verdict_is_an_icon_and_a_word(level: str, word: str) -> None:
    card = sleep_card()
    shown = Card("", card.formula, card.equation, type(card.verdict)(level, "Sentence."), card.summary)
    assert word in "".join(Page(html.render(shown)).words).replace("\xa0", " ")
    assert f"{word} Sentence." in text.render(shown)
    assert f"{word[2:]}" in markdown.render(shown)
    assert f"\\textit{{{word[2:]}}}" in latex.render(shown)


def test_style_sheet_knows_every_dark() -> None:
    for selector in ('body[data-jp-theme-light="false"]', "body.vscode-dark", "(prefers-color-scheme:dark)"):
        assert selector in STYLE
    assert "<" not in STYLE
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    # Inverted white is the dark paper, so that a picture has no edge in the dark.
    assert DARK.background == "#" + f"{round(255 * (1 - 0.93)):02x}" * 3
    assert "invert(.93)" in STYLE


TEXT = """\
sleep: Reaction ~ Days + (Days | Subject)

  Reactionᵢ ~ Normal(μᵢ, σ)
  μᵢ = β₀ + β₁ Daysᵢ + b[Subject[i],0] + b[Subject[i],1] Daysᵢ
  b[Subject[j]] ~ Normal(0, Σ[Subject])

○ Not fitted yet. Nothing has been run. Call fit()."""


def test_text_of_an_unfitted_model() -> None:
    assert text.render(unfitted_card()) == TEXT


def test_markdown_of_an_unfitted_model() -> None:
    written = markdown.render(unfitted_card())
    assert written.startswith("**sleep** Reaction \\~ Days + (Days \\| Subject)\n\n$$\n\\begin{aligned}")
    assert written.endswith("**○ Not fitted yet.** Nothing has been run. **Call fit().**")


def test_bundle_renders_what_is_asked_for() -> None:
    card = unfitted_card()
    kinds = ["text/html", "text/plain", "text/latex", "text/markdown"]
    assert list(mimebundle(card)) == kinds
    assert list(mimebundle(card, include=["text/plain"])) == ["text/plain"]
    assert list(mimebundle(card, exclude=["text/html"])) == kinds[1:]
