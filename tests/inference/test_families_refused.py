"""No engine fits a response by the density of another family: each refuses, and says what to do."""

from __future__ import annotations

import pytest

import probflow_nb as pf
from probflow_nb.inference import Laplace


def test_a_formula_of_counts_is_refused_by_exact():
    with pytest.raises(pf.EngineError, match=r"not Poisson\(link = log\)") as refused:
        pf.lme("count ~ Trt + (1 | patient)", pf.datasets.epilepsy(), family="poisson", engine=pf.Exact(), seed=1)
    assert "engine=NUTS()" in str(refused.value)


def test_a_gaussian_response_and_other_priors_are_refused_by_laplace():
    sleep, counts = pf.datasets.sleepstudy(), pf.datasets.epilepsy()
    with pytest.raises(pf.EngineError, match="does not fit gaussian"):
        pf.lme("Reaction ~ Days + (1 | Subject)", sleep, engine=Laplace(), seed=1)
    text = "count ~ zAge + (1 | patient)\nzAge ~ StudentT(3, 0, 1)"
    with pytest.raises(pf.EngineError, match="laplace needs a Normal or Flat prior on zAge"):
        pf.lme(text, counts, family="poisson", engine=Laplace(), seed=1)
