"""Any small frame with any family ends in a fit with finite figures, or in one of our sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress

FAMILIES = [
    *("poisson", "Poisson(link = sqrt)", "bernoulli", "Bernoulli(link = cloglog)", "Bernoulli(link = probit)"),
    *("binomial", "gamma", "Gamma(link = inverse)", "beta", "student_t", "log_normal", "negative_binomial"),
    *("ordinal", "Ordinal(link = cloglog)", "zero_inflated_poisson", "zero_inflated_negative_binomial"),
]
TERMS = ["x", "f", "x:f", "offset(z)", "weights(w)", "0", "poly(x, 2)"]
GROUPS = ["(1 | g)", "(x | g)", "(x || g)", "(1 | g) + (1 | f)", "(1 | g/f)"]
ANY = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from([0.0, 1.0, -1.0, 1e9, 1e-300, float("nan"), float("inf")]),
)
FITTING = {
    "bernoulli": st.integers(0, 1),
    "binomial": st.integers(0, 3),
    "gamma": st.floats(0.01, 1e4),
    "log": st.floats(1e-8, 1e8),
    "beta": st.floats(1e-9, 1 - 1e-9),
    "student": st.floats(-1e3, 1e3),
    "ordinal": st.integers(1, 4),
}


def of_family(family: str) -> st.SearchStrategy:
    """Return values of a response that the family can have."""
    return next((v for start, v in FITTING.items() if family.lower().startswith(start)), st.integers(0, 40))


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, str, pd.DataFrame]:
    family, n = draw(st.sampled_from(FAMILIES)), draw(st.integers(1, 20))

    def column(values: st.SearchStrategy) -> list:
        return draw(st.lists(values, min_size=n, max_size=n))

    # Three responses in four are of the family, so that fits are attacked and not only checks.
    response = of_family(family) if draw(st.integers(0, 3)) else ANY
    wild = draw(st.integers(0, 5)) == 0
    frame = pd.DataFrame(
        {
            "y": column(response),
            "x": column(ANY if wild else st.floats(-2, 2)),
            "z": column(st.floats(-3, 3)),
            "w": column(ANY if wild else st.floats(0.1, 5)),
            "n": column(st.integers(3, 6)),
            "f": column(st.sampled_from(["a", "b", '<b> "`|[']))
            if draw(st.booleans())
            else column(st.sampled_from(["a", "b"])),
            "g": column(st.integers(0, draw(st.integers(1, 6)))),
        }
    )
    terms = draw(st.lists(st.sampled_from(TERMS), max_size=2)) + draw(st.lists(st.sampled_from(GROUPS), max_size=1))
    left = "y / n" if family == "binomial" else "y"
    return f"{left} ~ {' + '.join(terms) or '1'}", family, frame


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(case=cases(), point=st.integers(0, 3))
def test_any_family_over_any_frame(case: tuple[str, str, pd.DataFrame], point: int) -> None:
    text, family, frame = case
    engine = pf.Laplace(draws=200, chains=2, handover=False) if point else pf.Point()
    try:
        fit = pf.lme(text, frame, family=family, engine=engine, seed=1, progress=NullProgress())
    except pf.ProbflowError:
        return
    centre = fit.summary()["mean" if point else "estimate"]
    # A correlation with a column of sd 0 is the one figure that a point fit may leave open.
    assert np.isfinite(centre[[not name.startswith("cor(") for name in centre.index]]).all()
    assert fit.verdict.level in ("fine", "caution", "bad")
    assert fit._repr_mimebundle_()["text/html"]
