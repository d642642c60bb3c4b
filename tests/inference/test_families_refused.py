"""No engine fits a response by the density of another family: each refuses, and says what to write."""

from __future__ import annotations

import pytest

import probflow_nb as pf


@pytest.mark.parametrize("engine", [None, pf.Exact(), pf.Point(), pf.NUTS(), pf.VI()])
def test_a_formula_of_counts_is_refused_by_every_engine(engine):
    with pytest.raises(pf.EngineError, match="not poisson with link log") as refused:
        pf.lme("count ~ Trt + (1 | patient)", pf.datasets.epilepsy(), family="poisson", engine=engine, seed=1)
    assert "Poisson(log = X @ w + Z @ u)" in str(refused.value)
