"""Formulas mean what R's terms() and lme4's findbars() say; reference/make_terms.R wrote the truth."""

import json
from pathlib import Path

import pytest

from probflow_nb.lang import label, parse
from probflow_nb.spec import GroupTerm, ModelSpec, Term, lower

REFERENCE = json.loads((Path(__file__).parent / "reference" / "terms.json").read_text(encoding="utf-8"))


def compact(text: str) -> str:
    """Spelling without blanks and with one power sign; R keeps the person's own."""
    return text.replace(" ", "").replace("^", "**").replace("`", "")


def factors(terms: list[list[str]]) -> list[frozenset[str]]:
    return [frozenset(map(compact, term)) for term in terms]


def ours(terms: tuple[Term, ...]) -> list[frozenset[str]]:
    return [frozenset(compact(label(factor)) for factor in term.factors) for term in terms]


def bars(groups: tuple[GroupTerm, ...]) -> list[tuple[frozenset[str], bool, tuple[frozenset[str], ...]]]:
    """Group terms as lme4 has them: `||` split into one term a column."""
    found = []
    for group in groups:
        factor = frozenset(label(column) for column in group.factor)
        terms = ours(group.terms)
        if group.correlated:
            found.append((factor, group.intercept, tuple(terms)))
            continue
        found += [(factor, True, ())] if group.intercept else []
        found += [(factor, False, (term,)) for term in terms]
    return sorted(found, key=repr_of_bar)


def repr_of_bar(bar: tuple[frozenset[str], bool, tuple[frozenset[str], ...]]) -> str:
    factor, intercept, terms = bar
    return repr((sorted(factor), intercept, [sorted(term) for term in terms]))


def spec_of(formula: str) -> ModelSpec:
    return lower(parse(formula))


def test_the_table_is_large_enough():
    assert len(REFERENCE["common"]) >= 60
    assert len(REFERENCE["grouped"]) >= 25


@pytest.mark.parametrize("case", REFERENCE["common"], ids=lambda case: case["formula"])
def test_common_terms_are_those_of_r(case):
    spec = spec_of(case["formula"])
    assert ours(spec.terms) == factors(case["terms"])
    assert spec.intercept == case["intercept"]
    assert len(spec.offsets) == case["offsets"]


@pytest.mark.parametrize("case", REFERENCE["grouped"], ids=lambda case: case["formula"])
def test_group_terms_are_those_of_lme4(case):
    spec = spec_of(case["formula"])
    assert ours(spec.terms) == factors(case["terms"])
    assert spec.intercept == case["intercept"]
    theirs = [(frozenset(g["factor"]), g["intercept"], tuple(factors(g["terms"]))) for g in case["groups"]]
    assert bars(spec.groups) == sorted(theirs, key=repr_of_bar)


@pytest.mark.parametrize("case", [*REFERENCE["common"], *REFERENCE["grouped"]], ids=lambda case: case["formula"])
def test_text_means_the_same_model(case):
    spec = spec_of(case["formula"])
    again = spec_of(spec.text())
    assert again == spec
    assert again.text() == spec.text()
