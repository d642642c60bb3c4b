"""Any text over any frame ends in a fit with finite figures, or in one of our sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress

TERMS = ["x", "z", "f", "x:f", "x*z", "poly(x, 2)", "log(z)", "I(x**2)", "offset(z)", "weights(z)", "scale(x)", "0"]
GROUPS = ["(1 | g)", "(x | g)", "(x || g)", "(0 + f | g)", "(1 | g/h)", "(1 | h)", "(1 | g:h)", "(f | h)"]
PRIORS = [
    "x ~ Normal(0, 1)",
    "sd(g) ~ HalfNormal(1e-9)",
    "sigma ~ Exponential(1e6)",
    "x ~ Flat()",
    "cor(g) ~ LKJ(50)",
    "Intercept ~ Normal(1e6, 1e-3)",
]
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.floats(-5, 5),
    st.integers(-3, 3).map(float),
    st.just(float("nan")),
    st.just(0.0),
)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    n = draw(st.integers(0, 24))

    def column(values: st.SearchStrategy) -> list:
        return draw(st.lists(values, min_size=n, max_size=n))

    return pd.DataFrame(
        {
            "y": column(NUMBERS if draw(st.booleans()) else st.floats(-2, 2)),
            "x": column(NUMBERS if draw(st.booleans()) else st.floats(-2, 2)),
            "z": column(st.floats(0.1, 3) if draw(st.booleans()) else NUMBERS),
            "f": column(st.sampled_from(["a", "b", "<b>", None])),
            "g": column(st.integers(0, draw(st.integers(0, 6)))),
            "h": pd.Categorical(column(st.sampled_from(["u", "v", "w"]))),
            "const": np.ones(n),
        }
    )


@st.composite
def texts(draw: st.DrawFn) -> str:
    terms = draw(st.lists(st.sampled_from(TERMS), max_size=3)) + draw(st.lists(st.sampled_from(GROUPS), max_size=2))
    priors = draw(st.lists(st.sampled_from(PRIORS), max_size=2))
    return "\n".join([f"y ~ {' + '.join(terms) or '1'}", *priors])


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(text=texts(), frame=frames(), point=st.booleans())
def test_any_text_over_any_frame(text: str, frame: pd.DataFrame, point: bool) -> None:
    engine = pf.Point() if point else pf.Exact(draws=200, chains=2)
    try:
        fit = pf.lme(text, frame, engine=engine, seed=1, progress=NullProgress())
    except pf.ProbflowError:
        return
    centre = fit.summary()["estimate" if point else "mean"]
    # A correlation with a column of sd 0 is the one figure that a point fit may leave open.
    assert np.isfinite(centre[[not name.startswith("cor(") for name in centre.index]]).all()
    assert fit.verdict.level in ("fine", "caution", "bad")
    assert fit._repr_mimebundle_()["text/html"]
