"""Whatever is typed ends in a model or in one of our errors, whose message can be shown."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from probflow_nb.errors import ProbflowError
from probflow_nb.lang import parse
from probflow_nb.spec import ModelSpec, lower
from probflow_nb.spec.priors import SIGNATURES
from probflow_nb.spec.transforms import TRANSFORMS

WORDS = [
    *"abgxy", "`a b`", "0", "1", "2", "0.5", "-1", "'s'", ".", "TRUE", "sigma", "Intercept", "family",
    "weights", "offset", "sd", "cor", "centered", "Treatment", "reference", "poisson", "by", "degree", "f[B]",
    *TRANSFORMS, *SIGNATURES,
]  # fmt: skip
SIGNS = [*"+-*/:^|~=,()@;\n#[]", "**", "||", "%in%", " ", " + ", " ~ ", " | "]


def outcome(text: str) -> tuple[ModelSpec | None, ProbflowError | None]:
    try:
        return lower(parse(text)), None
    except ProbflowError as error:
        return None, error


def holds(text: str) -> None:
    spec, error = outcome(text)
    if error is not None:
        str(error).encode("utf-8")
        assert error.message.endswith(".")
        return
    assert spec is not None
    assert lower(parse(spec.text())) == spec
    assert lower(parse(spec.text())).text() == spec.text()


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=40))
@example("y ~ x\r\nsigma ~ HalfNormal(1)")
@example("y ~ \ud800")
def test_any_text(text):
    holds(text)


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(WORDS + SIGNS + SIGNS), max_size=25).map("".join))
def test_texts_of_the_language_own_words(text):
    holds(text)


@st.composite
def formulas(draw):
    word = st.sampled_from([*"abcxz", "`a b`", "log(x)", "I(x**2)", "poly(x, 2)", "C(f, Sum)", "1", "0", "2", "-a"])
    sign = st.sampled_from(["+", "+", "-", "*", "/", ":", "%in%", "**"])
    expression = st.recursive(
        word,
        lambda inner: st.one_of(
            st.tuples(inner, sign, inner).map("".join),
            st.tuples(inner, st.just("+"), inner).map(lambda parts: f"({''.join(parts)})"),
        ),
        max_leaves=6,
    )
    bar = st.tuples(expression, st.sampled_from(["|", "||"]), st.sampled_from(["g", "g:h", "g/h", "h", "g+h", "1"]))
    groups = draw(st.lists(bar.map(lambda parts: f"({' '.join(parts)})"), max_size=2))
    target = st.sampled_from(["Intercept", "x", "x:a", "sd(g)", "sd(x | g)", "cor(g)", "sigma", "centered(Intercept)"])
    number = st.sampled_from(["1", "-2", "0.5", "3 * 2", "x"])
    prior = st.tuples(target, st.sampled_from(sorted(SIGNATURES)), st.lists(number, max_size=3)).map(
        lambda parts: f"{parts[0]} ~ {parts[1]}({', '.join(parts[2])})"
    )
    return "\n".join([" + ".join([f"y ~ {draw(expression)}", *groups]), *draw(st.lists(prior, max_size=3))])


@settings(max_examples=1000, deadline=None)
@given(formulas())
def test_texts_that_look_like_models(text):
    holds(text)
