"""Every parameter gets one prior: the one written, else the default; a spec with all of them reads back equal."""

from __future__ import annotations

import numpy as np
import pytest

from probflow_nb import SpecError, api, datasets
from probflow_nb.lang import parse
from probflow_nb.spec.formula import lower

TEXT = "Reaction ~ Days + (Days | Subject)"


def priors(text: str, data=None) -> dict[str, str]:
    spec = api.prepare(text, datasets.sleepstudy() if data is None else data).spec
    return {prior.target.label: prior.distribution.label for prior in spec.priors}


def test_defaults_are_scaled_to_the_data() -> None:
    d = datasets.sleepstudy()
    found = priors(TEXT)
    width = 2.5 * d.Reaction.std()
    slope = width / d.Days.std()
    assert found == {
        "centered(Intercept)": f"Normal({d.Reaction.mean():.1f}, {width:.1f})",
        "Days": f"Normal(0, {slope:.2f})",
        "sd(Intercept | Subject)": f"HalfStudentT(3, 0, {width:.1f})",
        "sd(Days | Subject)": f"HalfStudentT(3, 0, {slope:.2f})",
        "cor(Subject)": "LKJ(1)",
        "sigma": f"HalfStudentT(3, 0, {width:.1f})",
    }


def test_the_most_particular_statement_wins() -> None:
    found = priors(f"{TEXT}\nsd(Subject) ~ HalfNormal(9)\nsd(Days | Subject) ~ Exponential(2)")
    assert found["sd(Intercept | Subject)"] == "HalfNormal(9)"
    assert found["sd(Days | Subject)"] == "Exponential(2)"


def test_a_written_intercept_prior_is_at_zero_of_every_column() -> None:
    found = priors(f"{TEXT}\nIntercept ~ Normal(250, 10)")
    assert found["Intercept"] == "Normal(250, 10)"
    assert "centered(Intercept)" not in found


@pytest.mark.parametrize("text", [TEXT, "Reaction ~ 0 + Days + (1 | Subject)", "Reaction ~ 1 + (Days || Subject)"])
def test_the_long_hand_text_reads_back_equal(text: str) -> None:
    spec = api.prepare(text, datasets.sleepstudy()).spec
    assert lower(parse(spec.text())) == spec
    again = api.prepare(spec.text(), datasets.sleepstudy()).spec
    assert again == spec


def test_a_prior_on_what_the_model_does_not_have() -> None:
    with pytest.raises(SpecError) as caught:
        priors(f"{TEXT}\nDayz ~ Normal(0, 1)")
    assert str(caught.value) == (
        'A prior is given for "Dayz", which this model does not have.\n'
        "    Dayz ~ Normal(0, 1)\n"
        "    ^^^^^^^^^^^^^^^^^^^\n"
        'Did you mean "Days"? Its parameters: Intercept, Days, sd(Intercept | Subject), sd(Days | Subject), '
        "cor(Subject), sigma."
    )


def test_rescaling_the_response_rescales_the_defaults() -> None:
    d = datasets.sleepstudy()
    d["Reaction"] = d.Reaction / 1000
    small = api.prepare(TEXT, d).model.priors.sigma.arguments[2]
    large = api.prepare(TEXT, datasets.sleepstudy()).model.priors.sigma.arguments[2]
    assert small == pytest.approx(large / 1000, rel=1e-3)
    assert np.isfinite(small)
