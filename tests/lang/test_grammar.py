"""Texts and their trees, as nested tuples: every operator at its strength."""

import pytest

from probflow_nb.errors import ParseError
from probflow_nb.lang import parse, parse_expression
from probflow_nb.lang.tree import (
    Binary,
    Call,
    Definition,
    Name,
    Node,
    Number,
    String,
    Subscript,
    Tilde,
    Unary,
    walk,
)


def shape(node: Node) -> object:
    """The tree as nested tuples, operators first."""
    match node:
        case Name(name):
            return name
        case Number(value):
            return value
        case String(value):
            return f"'{value}'"
        case Unary(operator, operand):
            return (operator, shape(operand))
        case Binary(operator, left, right):
            return (operator, shape(left), shape(right))
        case Subscript(base, index):
            return ("[]", shape(base), index)
        case Call():
            keywords = tuple((name, shape(value)) for name, value in node.keywords)
            return (node.function + "()", *map(shape, node.arguments), *keywords)


EXPRESSIONS = {
    "a + b - c": ("-", ("+", "a", "b"), "c"),
    "a - (b - c)": ("-", "a", ("-", "b", "c")),
    "a + b * c": ("+", "a", ("*", "b", "c")),
    "a * b / c": ("/", ("*", "a", "b"), "c"),
    "a * b:c": ("*", "a", (":", "b", "c")),
    "a %in% b * c": ("*", ("%in%", "a", "b"), "c"),
    "a %in% b:c": ("%in%", "a", (":", "b", "c")),
    "a:b^2": (":", "a", ("**", "b", 2.0)),
    "a ** b ** c": ("**", "a", ("**", "b", "c")),
    "-a^2": ("-", ("**", "a", 2.0)),
    "a^-1": ("**", "a", ("-", 1.0)),
    "-a:b": (":", ("-", "a"), "b"),
    "-a + b": ("+", ("-", "a"), "b"),
    "- -a": ("-", ("-", "a")),
    "X @ w + Z @ u": ("+", ("@", "X", "w"), ("@", "Z", "u")),
    "(a + b | g)": ("|", ("+", "a", "b"), "g"),
    "(0 + a || g/h)": ("||", ("+", 0.0, "a"), ("/", "g", "h")),
    "sd(Days | Subject)": ("sd()", ("|", "Days", "Subject")),
    "Normal(0, sd = -a)": ("Normal()", 0.0, ("sd", ("-", "a"))),
    "design(1 + Days) by Subject": ("by", ("design()", ("+", 1.0, "Days")), "Subject"),
    "by": "by",
    "Machine[B]:temp": (":", ("[]", "Machine", "B"), "temp"),
    "poly(x, 2)[1]": ("[]", ("poly()", "x", 2.0), "1"),
    "((((x))))": "x",
    "`a b`(x)": ("a b()", "x"),
    "C(f, Treatment(reference = 'b'))": ("C()", "f", ("Treatment()", ("reference", "'b'"))),
}


@pytest.mark.parametrize(("text", "expected"), EXPRESSIONS.items())
def test_expression(text, expected):
    assert shape(parse_expression(text)) == expected


def test_statements_of_both_kinds_of_text():
    block = parse(
        """
        X = design(1 + Days)      # explicit
        w ~ Normal(0, 100)
        Reaction ~ Normal(X @ w
            + Z @ u, sigma)
        incidence / size ~ period + (1 | herd)
        """
    )
    kinds = [type(statement) for statement in block.statements]
    assert kinds == [Definition, Tilde, Tilde, Tilde]
    likelihood, counts = block.statements[2:]
    assert isinstance(likelihood, Tilde)
    assert isinstance(counts, Tilde)
    assert shape(likelihood.right) == ("Normal()", ("+", ("@", "X", "w"), ("@", "Z", "u")), "sigma")
    assert shape(counts.left) == ("/", "incidence", "size")


def test_every_node_keeps_its_span():
    text = "y ~ log(`a b` + 1):f + (0 + x | g)"
    (statement,) = parse(text).statements
    assert isinstance(statement, Tilde)
    shown = {text[node.span.start : node.span.stop] for node in walk(statement.right)}
    assert {"`a b`", "1", "log(`a b` + 1)", "log(`a b` + 1):f", "f", "(0 + x | g)", "0 + x", "g"} <= shown


def test_keyword_names_have_spans():
    text = "Normal(0, sd = 1)"
    call = parse_expression(text)
    assert isinstance(call, Call)
    span = call.keyword_span("sd")
    assert text[span.start : span.stop] == "sd"
    assert call.keyword_span("mean") == call.span


def test_a_long_sum_can_be_compared_hashed_and_shown():
    text = "y ~ " + " + ".join(["a"] * 20_000)
    one, two = parse(text), parse(text)
    assert one == two
    assert hash(one) == hash(two)
    assert repr(one).count("Name(name='a')") == 20_000
    assert one != parse(text + " + b")


@pytest.mark.parametrize("text", ["", "  ", "\n\n", "# nothing", ";;"])
def test_empty_texts_have_no_statements(text):
    assert parse(text).statements == ()


@pytest.mark.parametrize("text", ["", "a b", "a ~ b", "a | b", "a\nb", "("])
def test_not_one_expression(text):
    with pytest.raises(ParseError) as caught:
        parse_expression(text)
    assert caught.value.span is not None
