"""Whatever stands on the magic's line or below it ends in a fit or in one of our errors."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probflow_nb.errors import ProbflowError

FLAGS = """
--data --engine --draws --chains --reml --no-reml --no-fit --force --family --seed --d --no --e= --draws=
--reml=off exact point gaussian poisson sleepstudy cbpp m true 1 -1 4000 1e3 ' " \\ #
= - -- ; $x {y} % ? é x.y . ..
"""
SIGNS = "Reaction Days Subject ~ + | ( ) 1 0 : * # log sd Normal , = 2"
LINES = st.lists(st.one_of(st.sampled_from(FLAGS.split()), st.text(max_size=6)), max_size=7).map(" ".join)
TEXTS = st.one_of(
    st.just("Reaction ~ Days + (Days | Subject)"),
    st.text(max_size=30),
    st.lists(st.sampled_from([*SIGNS.split(), "\n"])).map(" ".join),
)
QUIET = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def attempt(magic, line: str, cell: str | None) -> None:
    """Call a magic; let every exception through that is not ours."""
    try:
        magic(line, cell)
        message = "a fit"
    except ProbflowError as error:
        message = str(error)
    assert message.strip()
    assert "\n\n" not in message


@QUIET
@given(line=LINES, text=TEXTS)
def test_a_cell_ends_in_a_fit_or_in_our_error(ip, quick, capsys, line, text):
    attempt(ip.find_cell_magic("lme"), line, text)


@QUIET
@given(line=LINES)
def test_a_line_ends_in_a_model_or_in_our_error(ip, quick, line):
    attempt(ip.find_line_magic("lme"), line, None)


@pytest.mark.parametrize("value", [None, "x", 3, [1], {"a": 1}, {}, {"a": [1], "b": [1, 2]}, len, type, ...])
def test_any_value_may_be_named_as_data(ip, quick, value):
    ip.user_ns["thing"] = value
    attempt(ip.find_cell_magic("lme"), "--data thing", "y ~ x + (1 | g)")
    attempt(ip.find_cell_magic("lme"), "", "y ~ x + (1 | g)")
