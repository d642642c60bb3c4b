"""Words that begin alike are offered so that JupyterLab's list does not hide them."""

from __future__ import annotations

import html

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.completer import provisionalcompleter

from probflow_nb.notebook.completion.shared_beginning import listable

CURSOR = "⎮"
FORMULA = "%%lme\ny ~ age + (age | g)\n"
CASES = [
    # what the cell holds, the words, and what they replace
    ("%%lme\ny ~ bad⎮", ["`bad <"], "bad"),
    ("%%lme\ny ~ `bad⎮", ["`bad <"], "`bad"),
    ("%%lme\ny ~ `bad <⎮", ["b>`", "p>`"], ""),
    ("%%lme\ny ~ reaction⎮", ["`reaction time`"], "reaction"),
    ("%%lme\ny ~ `reaction ti⎮", ["`reaction time`"], "`reaction ti"),
    ("%%lme\ny ~ dose⎮", ["`dose ("], "dose"),
    ("%%lme\ny ~ `dose (⎮", ["g)`", "mg)`"], ""),
    ("%%lme\ny ~ `dose (m⎮", ["`dose (mg)`"], "`dose (m"),
    (f"{FORMULA}sd⎮", ["sd("], "sd"),
    (f"{FORMULA}sd(⎮", ["g)", "age | g)", "Intercept | g)"], ""),
    (f"{FORMULA}s⎮", ["sigma", "sd(g)", "sd(age | g)", "sd(Intercept | g)"], "s"),
]


def fitted_to_lab(words: list[str], shown: str) -> list[str]:
    """Return the words that JupyterLab would list: those whose copy holds what it takes for typed, in its order."""

    def holds(word: str) -> bool:
        place, copy = 0, html.escape(word.partition("(")[0], quote=False).replace("\xa0", "&nbsp;")
        for letter in shown:
            place = copy.find(letter, place)
            if place < 0:
                return False
        return True

    return [word for word in words if holds(word)]


def beginning(words: list[str]) -> str:
    """Return the common beginning as JupyterLab finds it: none of a single word."""
    same = 0
    while len(words) > 1 and all(word[: same + 1] == words[0][: same + 1] for word in words) and same < len(words[0]):
        same += 1
    return words[0][:same] if words else ""


@pytest.mark.parametrize(("text", "words", "replaced"), CASES)
def test_what_shares_a_beginning_is_offered_in_two_steps(ip, text, words, replaced):
    columns = ["y", "age", "g", "bad <b>", "bad <p>", "reaction time", "dose (mg)", "dose (g)"]
    ip.user_ns["d"] = pd.DataFrame({name: [1.0, 2.0] for name in columns} | {"g": ["a", "b"]})
    at, cell = text.index(CURSOR), text.replace(CURSOR, "")
    with provisionalcompleter():
        found = list(ip.Completer.completions(cell, at))
    assert sorted(c.text for c in found) == sorted(words)
    assert {cell[c.start : c.end] for c in found} == {replaced}


@settings(max_examples=300, deadline=None)
@given(
    words=st.lists(st.text("ab(<>` \xa0", min_size=1, max_size=6), min_size=1, max_size=5, unique=True), data=st.data()
)
def test_a_list_is_never_empty_and_every_word_can_be_reached(words, data):
    aim = data.draw(st.sampled_from(words))
    text = aim[: data.draw(st.integers(0, len(aim)))]
    for _ in range(len(aim) + 1):
        able = [word for word in words if word.startswith(text)]
        fragment, offered = listable(text, [(word, "column") for word in able])
        shown = [word for word, _ in offered]
        if not shown:
            assert text == aim
            return
        assert fitted_to_lab(shown, beginning(shown)) == shown
        head = text[: len(text) - len(fragment)]
        reached = [head + word for word in shown]
        assert all(any(word.startswith(longer) for word in able) for longer in reached)
        further = [longer for longer in reached if aim.startswith(longer)]
        if not further:
            assert text == aim
            return
        if text == further[0]:
            return
        text = max(further, key=len)
    assert text == aim
