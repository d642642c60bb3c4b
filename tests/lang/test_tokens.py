"""Texts and their tokens, with the lines that continue and those that do not."""

import pytest

from probflow_nb.errors import Span
from probflow_nb.lang.tokens import tokenize

TABLE = {
    "a+b": "name:a +:+ name:b",
    "a ** b ^ c": "name:a **:** name:b **:** name:c",
    "a %in% b": "name:a %in%:%in% name:b",
    "(x||g)": "(:( name:x ||:|| name:g ):)",
    "body.mass + .x + _y + x.1": "name:body.mass +:+ name:.x +:+ name:_y +:+ name:x.1",
    "größe * 体重 * α_1": "name:größe *:* name:体重 *:* name:α_1",
    "`body mass`": "quoted name:body mass",
    r"`a\`b\\c\u{41}\n`": "quoted name:a`b\\cA\n",
    "1 .5 2. 1e3 1.5E-3": "number:1 number:.5 number:2. number:1e3 number:1.5E-3",
    "'a' \"b'c\"": "string:a string:b'c",
    "Machine[B 2]": "name:Machine level:B 2",
    'f["B]x"]': "name:f level:B]x",
    "t[^4] t[.L] t[ a ]": "name:t level:^4 name:t level:.L name:t level:a",
    "a # comment ~ ` \n b": "name:a newline:\n name:b",
    "a; b": "name:a newline:; name:b",
    "\N{NO-BREAK SPACE}a\N{ZERO WIDTH SPACE} +\tb\r\n": "name:a +:+ name:b",
}


@pytest.mark.parametrize(("text", "expected"), TABLE.items())
def test_tokens(text, expected):
    assert " ".join(f"{token.kind}:{token.value}" for token in tokenize(text)[:-1]) == expected


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("a\nb", 2),
        ("a\n\n\n# x\nb\n", 2),
        ("a +\nb", 1),
        ("a\n+ b", 1),
        ("a\n# why\n+ b", 1),
        ("a ~\n\nb", 1),
        ("a\n~ b", 1),
        ("f(a,\nb)", 1),
        ("(a\nb)", 1),
        ("a\n(b)", 2),
        ("a;+ b", 2),
        ("by\nby", 2),
    ],
)
def test_lines_that_continue(text, statements):
    assert sum(token.kind == "newline" for token in tokenize(text)) == statements - 1


def test_spans_are_offsets_into_the_text():
    text = "y ~ `a b` + f[c d]  # e"
    shown = [text[token.span.start : token.span.stop] for token in tokenize(text)]
    assert shown == ["y", "~", "`a b`", "+", "f", "[c d]", ""]
    assert tokenize(text)[-1].span == Span(len(text), len(text))


def test_many_empty_lines_are_read_in_one_pass():
    assert [token.kind for token in tokenize("\n" * 99_000)] == ["end"]
