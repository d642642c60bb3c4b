"""Trees to texts and back: parse(print(tree)) == tree, with no bracket that is not needed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probflow_nb.lang import label, parse, parse_expression, print_block, print_node
from probflow_nb.lang.grammar import BINDING
from probflow_nb.lang.tree import (
    Binary,
    Block,
    Call,
    Definition,
    Name,
    Number,
    String,
    Subscript,
    Tilde,
    Unary,
)

PRINTED = {
    "a+b-c": "a + b - c",
    "(a+b)+c": "a + b + c",
    "a+(b+c)": "a + (b + c)",
    "(a*b):c": "(a * b):c",
    "a*(b:c)": "a * b:c",
    "(a^b)^c": "(a**b)**c",
    "a^(b^c)": "a**b**c",
    "(-a)^2": "(-a)**2",
    "-(a^2)": "-a**2",
    "a-(-b)": "a - -b",
    "x+((1|g))": "x + (1 | g)",
    "sd((x|g))": "sd(x | g)",
    "f(a , b=2.50)": "f(a, b = 2.5)",
    "`x`+`a b`": "x + `a b`",
    "f['B']": "f[B]",
    "f['B]']": 'f["B]"]',
    "1e3+1e-20+1e300": "1000 + 1e-20 + 1e+300",
    "a by b": "a by b",
}


@pytest.mark.parametrize(("text", "expected"), PRINTED.items())
def test_printed(text, expected):
    assert print_node(parse_expression(text)) == expected
    assert parse_expression(expected) == parse_expression(text)


def test_labels_have_no_backquotes():
    assert label(parse_expression("log(`body mass`):`f`[a b]")) == "log(body mass):f[a b]"


# Anything but lone surrogates may be the name of a column or a level.
names = st.one_of(st.sampled_from(["a", "by", "body mass", ".x", ".5", "x`y", "é\\n"]), st.text(min_size=1, max_size=6))
levels = st.one_of(st.sampled_from(["B", "B 2", " a", "a]b", "'q", ".L", "^4"]), st.text(min_size=1, max_size=4))
operators = st.sampled_from(sorted(BINDING))
atoms = st.one_of(
    names.map(Name),
    st.floats(min_value=0, allow_nan=False, allow_infinity=False).map(Number),
    st.text(max_size=5).map(String),
)


def grown(inner):
    arguments = st.lists(inner, max_size=2).map(tuple)
    return st.one_of(
        st.builds(Unary, st.sampled_from("+-"), inner),
        st.builds(Binary, operators, inner, inner),
        st.builds(Call, names, arguments),
        st.builds(lambda function, values, value: Call(function, values, (("sd", value),)), names, arguments, inner),
        st.builds(Subscript, names.map(Name), levels),
        st.builds(lambda function, values, index: Subscript(Call(function, values), index), names, arguments, levels),
    )


nodes = st.recursive(atoms, grown, max_leaves=8)
statements = st.one_of(st.builds(Tilde, nodes, nodes), st.builds(Definition, names, nodes))


@settings(max_examples=200, deadline=None)
@given(st.lists(statements, max_size=3))
def test_a_printed_block_reads_back(found):
    block = Block(tuple(found))
    assert parse(print_block(block)) == block


@settings(max_examples=100, deadline=None)
@given(nodes)
def test_printing_is_settled_after_once(node):
    text = print_node(node)
    assert print_node(parse_expression(text)) == text
