"""The closed table of transforms: every one can be written, and nothing else."""

import pytest

from probflow_nb.lang import parse
from probflow_nb.lang.tree import Call
from probflow_nb.spec import lower
from probflow_nb.spec.transforms import CONTRASTS, TRANSFORMS

SAMPLE = {"numeric": "log(x + 1)", "factor": "f", "whole": "3", "boolean": "TRUE", "contrast": "Sum"}


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=list(TRANSFORMS))
def test_every_transform_takes_its_whole_signature(transform):
    places = [SAMPLE[p.kind] for p in transform.parameters if not p.by_name]
    named = [f"{p.name} = {SAMPLE[p.kind]}" for p in transform.parameters if p.by_name]
    (term,) = lower(parse(f"y ~ {transform.name}({', '.join([*places, *named])})")).terms
    assert isinstance(term.factors[0], Call)
    assert term.factors[0].function == transform.name
    assert "\n" not in transform.help
    assert transform.signature.startswith(transform.name + "(")


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_every_contrast_can_be_chosen(contrast):
    assert lower(parse(f"y ~ C(f, {contrast}) + C(g, contrast = {contrast}())")).terms


@pytest.mark.parametrize("level", ["reference = 'b'", "'b'", "b", "2"])
def test_a_reference_level(level):
    assert lower(parse(f"y ~ C(f, Treatment({level}))")).terms


@pytest.mark.parametrize("name", [name for name, t in TRANSFORMS.items() if t.makes == "number" and name != "I"])
def test_one_column_may_stand_in_arithmetic_and_as_response(name):
    spec = lower(parse(f"{name}(y) ~ I({name}(x)**2 + 1) + log({name}(x))"))
    assert len(spec.terms) == 2
