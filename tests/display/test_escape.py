from __future__ import annotations

import re

import pytest
from display_cards import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from probflow_nb.display import escape


@pytest.mark.parametrize(
    ("name", "html"),
    [
        ("<b>", "&lt;b&gt;"),
        ("\"a\" & 'b'", "&quot;a&quot; &amp; &#x27;b&#x27;"),
        ("שלום", "<bdi>שלום</bdi>"),
        ("a\nb\x00", "a␊b␀"),
        ("\u202eabc", "\ufffdabc"),
        ("\ud800", "\ufffd"),
        ("日本語 😀", "日本語 😀"),
    ],
)
def test_html(name: str, html: str) -> None:
    assert escape.html(name) == html


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("a_b & 50% #1 $x$", r"a\_b \& 50\% \#1 \$x\$"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("x^2~<y>", r"x\textasciicircum{}2\textasciitilde{}\textless{}y\textgreater{}"),
        ("recipe[B]", "recipe{[}B{]}"),
    ],
)
def test_latex(name: str, latex: str) -> None:
    assert escape.latex(name) == latex


@pytest.mark.parametrize(
    ("name", "markdown"),
    [
        ("sd(Days | Subject)", r"sd(Days \| Subject)"),
        ("*a* _b_ `c` [d](e)", r"\*a\* \_b\_ \`c\` \[d\](e)"),
        ("<script>$x$", "&lt;script&gt;&#36;x&#36;"),
        ("http://a.b www.c.d", "http&#58;//a.b www&#46;c.d"),
    ],
)
def test_markdown(name: str, markdown: str) -> None:
    assert escape.markdown(name) == markdown


@pytest.mark.parametrize(
    ("name", "limit", "short"),
    [("abcdefghij", 10, "abcdefghij"), ("abcdefghijk", 10, "abcdef…ijk"), ("abc", 1, "…"), ("", 5, "")],
)
def test_shorten(name: str, limit: int, short: str) -> None:
    assert escape.shorten(name, limit) == short


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("", 0)])
def test_width(text: str, columns: int) -> None:
    assert escape.width(text) == columns


@given(st.text(st.characters(codec=None)) | st.sampled_from(HOSTILE))
def test_any_name_is_data(name: str) -> None:
    assert not re.search(r"[<>\"']", escape.attribute(name))
    assert not re.search(r"[<>\"']", escape.html(name).removeprefix("<bdi>").removesuffix("</bdi>"))
    assert not re.search(r"[<>$]", escape.markdown(name))
    assert "\n" not in escape.plain(name)
    for written in (escape.html(name), escape.latex(name), escape.markdown(name), escape.plain(name)):
        written.encode("utf-8")
        assert not re.search("[\x00-\x1f\u202a-\u202e]", written)
        assert len(written) <= 25 * escape.LIMIT
    assert len(escape.plain(name)) <= escape.LIMIT + 2
