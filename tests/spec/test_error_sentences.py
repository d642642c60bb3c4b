"""Every text that means no model gets one exact message; reference/sentences.txt is the table."""

from pathlib import Path

import pytest

from probflow_nb.errors import ParseError, ProbflowError, SpecError
from probflow_nb.lang import parse
from probflow_nb.spec import lower

TABLE = (Path(__file__).parent / "reference" / "sentences.txt").read_text(encoding="utf-8").removesuffix("\n")
NAMES = [f"x{i}" for i in range(9_000)]
CHARACTER = "The text holds the unreadable character"
NUMBER = "The argument `mean` of Normal must be a number, not"
GROUPING = "The grouping factor joins more than 50 columns."
CASES = [tuple(case.split("\n----\n")) for case in TABLE.split("\n====\n")]


def message(text: str, **options: object) -> str:
    with pytest.raises(ProbflowError) as caught:
        lower(parse(text), **options)
    return f"{type(caught.value).__name__}: {caught.value}"


def test_the_table_is_large_enough():
    assert len(CASES) >= 120


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[case[0] for case in CASES])
def test_message(text, expected):
    assert message(text) == expected


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("poison", "SpecError: There is no family called `poison`.\n    poison\n    ^^^^^^\nDid you mean Poisson?"),
        ("", "SpecError: The family is empty.\nThe families are Gaussian, StudentT, Bernoulli, Binomial, Beta, Poisson, NegativeBinomial, Gamma, LogNormal, Ordinal, ZeroInflatedPoisson and ZeroInflatedNegativeBinomial."),  # noqa: E501
        ("poisson(", "ParseError: The bracket `(` is never closed.\n    poisson(\n           ^"),
        (3, 'SpecError: The family must be a name such as "poisson", not of type int.\nWrite family="poisson", or family=pf.Poisson(link="log").'),  # noqa: E501
    ],
)  # fmt: skip
def test_message_of_a_family_given_apart(family, expected):
    assert message("y ~ x", family=family) == expected


def test_a_family_given_twice_must_agree():
    text = "y ~ x\nfamily = poisson"
    assert lower(parse(text), family="Poisson(link = log)").family.name == "poisson"
    assert message(text, family="gaussian") == (
        "SpecError: The text says Poisson(link = log), but Gaussian(link = identity) is given as the family."
        "\n    family = poisson\n    ^^^^^^^^^^^^^^^^\nKeep one of them."
    )


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("y ~ x\x00", CHARACTER + " U+0000.\n    y ~ x\N{REPLACEMENT CHARACTER}\n         ^"),
        ("y ~ \ud800", CHARACTER + " U+D800.\n    y ~ \N{REPLACEMENT CHARACTER}\n        ^"),
        ("y ~ `a\x07b`", CHARACTER + " U+0007."),
        ("y ~ " + "(" * 10_000 + "x", "More than 60 brackets and signs stand inside each other here."),
        ("y ~ " + "-" * 10_000 + "x", "More than 60 brackets and signs stand inside each other here."),
        ("y ~ " + "log(" * 10_000 + "x", "More than 60 brackets and signs stand inside each other here."),
        ("y ~ a" + "**a" * 10_000, "More than 60 brackets and signs stand inside each other here."),
        ("y ~ " + "x" * 200_000, "The model text has 200,004 characters, but at most 100,000 can be read."),
        (None, "A model is written as text, but this is of type NoneType."),
    ],
    ids=repr,
)  # fmt: skip
def test_texts_that_no_screen_or_stack_can_hold(text, start):
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert str(caught.value).startswith(start)
    str(caught.value).encode("utf-8")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("y ~ I(a" + " + a" * 20_000 + ")", "The expression has more than 100 operators inside each other."),
        ("a" + " + a" * 20_000 + " ~ x", "The expression has more than 100 operators inside each other."),
        ("y ~ " + ":".join(NAMES), "A term joins more than 50 factors."),
        ("y ~ " + "*".join(NAMES[:40]), "The formula expands to more than 5,000 terms."),
        ("y ~ " + "/".join(NAMES), "A term joins more than 50 factors."),
        ("y ~ (" + "+".join(NAMES[:100]) + ")^3", "The formula expands to more than 5,000 terms."),
        ("y ~ (1 | " + "/".join(NAMES) + ")", GROUPING),
        ("y ~ (1 | " + ":".join(NAMES) + ")", GROUPING),
        ("y ~ x\nx ~ Normal(0" + " + x" * 20_000 + ", 1)", NUMBER),
        ("y ~ x\nx ~ Normal(0, 2" + " * 9" * 9_000 + ")", "has no finite value."),
        ("y ~ x\n" + ":".join(["x"] * 20_000) + " ~ Flat(", "The bracket `(` is never closed."),
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_long_chains_end_in_a_sentence(text, sentence):
    with pytest.raises((SpecError, ParseError)) as caught:
        lower(parse(text))
    assert sentence in caught.value.message


def test_a_formula_may_have_thousands_of_terms():
    spec = lower(parse("y ~ " + " + ".join(NAMES[:4_000])))
    assert len(spec.terms) == 4_000
    assert lower(parse(spec.text())) == spec
