"""The whole design: group blocks, dropped columns, offsets, weights, new rows, real data."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from probflow_nb import datasets
from probflow_nb.design import Design, build
from probflow_nb.lang import parse
from probflow_nb.spec import lower

SHARED = Path(__file__).parents[3] / "shared" / "data"


def _build(text: str, data: Any) -> Design:
    return build(lower(parse(text)), data)


def _frame(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "dose_g": rng.normal(size=n),
            "w": rng.uniform(1, 2, n),
            "f": rng.permutation(np.resize(list("abc"), n)),
            "g": rng.permutation(np.resize(list("uvwxyz"), n)),
        }
    )
    return frame.assign(dose_mg=1000 * frame.dose_g, five=5.0)


# common part of the formula; name and reason of each dropped column
DROPPED = (
    ("dose_g + dose_mg", {"dose_mg": "1000 x dose_g"}),
    ("dose_mg + dose_g", {"dose_g": "0.001 x dose_mg"}),
    ("five", {"five": "constant (5)"}),
    ("0 + five", {}),
    ("0 + f + five", {"five": "5 x f[a] + 5 x f[b] + 5 x f[c]"}),
    ("w + I(32 + 1.8 * w)", {"I(32 + 1.8 * w)": "32 + 1.8 x w"}),
    ("w + I(-w)", {"I(-w)": "-w"}),
    ("w + dose_g + I(w - dose_g)", {"I(w - dose_g)": "w - dose_g"}),
    ("w + dose_g + I(1 + w - dose_g)", {"I(1 + w - dose_g)": "1 + w - dose_g"}),
    ("w + dose_g + f + I(2 + w - dose_g)", {"I(2 + w - dose_g)": "2 + w - dose_g"}),
    ("w + dose_g + I(w**2) + I(1 + w + dose_g + w**2)",
     {"I(1 + w + dose_g + w**2)": "a combination of w, dose_g, I(w**2)"}),
    ("I(0 * w)", {"I(0 * w)": "0 in every row"}),
    ("dose_g + I(dose_g * 1e-50)", {"I(dose_g * 1e-50)": "1e-50 x dose_g"}),
    ("I(1e9 + w)", {}),
    ("I(w * 1e50) + w", {"w": "1e-50 x I(w * 1e+50)"}),
)  # fmt: skip


@pytest.mark.parametrize(("text", "dropped"), DROPPED)
def test_dependent_columns_are_named_with_the_reason(text: str, dropped: dict[str, str]) -> None:
    data = _frame()
    design = _build(f"y ~ {text} + (1 | g)", data)
    assert {column.name: column.reason for column in design.dropped_columns} == dropped
    assert len(design.column_names) == design.X.shape[1]
    assert not set(dropped) & set(design.column_names)
    scaled = design.X / np.linalg.norm(design.X, axis=0)
    if "1e9" not in text:
        assert np.linalg.matrix_rank(scaled) == design.X.shape[1]
    np.testing.assert_array_equal(design.encoding.rows(data).X, design.X)


def test_reasons_are_true() -> None:
    rng = np.random.default_rng(8)
    data = {name: rng.normal(3, 1, 40) for name in "yab"}
    data["c"] = 2 * data["a"] - 0.25 * data["b"] + 7
    assert _build("y ~ a + b + c", data).dropped_columns[0].reason == "7 + 2 x a - 0.25 x b"


# bar term; factor, levels, column names
GROUPS = (
    ("(1 | g)", "g", ("Intercept",)),
    ("(w | g)", "g", ("Intercept", "w")),
    ("(0 + w | g)", "g", ("w",)),
    ("(f | g)", "g", ("Intercept", "f[b]", "f[c]")),
    ("(0 + f | g)", "g", ("f[a]", "f[b]", "f[c]")),
    ("(0 + f:w | g)", "g", ("f[a]:w", "f[b]:w", "f[c]:w")),
    ("(poly(w, 2) || g)", "g", ("Intercept", "poly(w, 2)[1]", "poly(w, 2)[2]")),
)


@pytest.mark.parametrize(("bar", "factor", "columns"), GROUPS)
def test_group_columns(bar: str, factor: str, columns: tuple[str, ...]) -> None:
    data = _frame()
    block = _build(f"y ~ 1 + {bar}", data).groups[0]
    assert (block.factor, block.column_names, block.correlated) == (factor, columns, "||" not in bar)
    assert block.levels == tuple("uvwxyz")
    assert [block.levels[i] for i in block.index] == data.g.tolist()
    assert block.z.shape == (60, len(columns))
    if "0 + f |" in bar:
        np.testing.assert_array_equal(block.z, pd.get_dummies(data.f, dtype=float).to_numpy())


def test_crossed_factor_has_the_combinations_that_occur() -> None:
    data = _frame()[lambda d: ~((d.f == "b") & (d.g == "v"))]
    block = _build("y ~ 1 + (1 | f:g)", data).groups[0]
    assert block.levels == tuple(sorted(f"{f}:{g}" for f, g in set(zip(data.f, data.g))))
    assert [block.levels[i] for i in block.index] == [f"{f}:{g}" for f, g in zip(data.f, data.g)]


def test_wide_crossing_does_not_overflow() -> None:
    rng = np.random.default_rng(2)
    n = 3000
    data = {name: rng.integers(0, 2500, n) for name in "abcdefg"} | {"y": rng.normal(size=n)}
    data["h"] = np.resize([0, 1], n)
    text = "y ~ 1 + (1 | a:b:c:d:e:f:g:h) + weights(h2)"
    block = _build(text, {**data, "h2": np.ones(n)}).groups[0]
    assert len(block.levels) == len(set(zip(*(data[name] for name in "abcdefgh"))))


def test_offsets_add_up_and_weights_are_kept() -> None:
    data = _frame()
    design = _build("y ~ 1 + (1 | g) + offset(log(w)) + offset(dose_g) + weights(1 / w**2)", data)
    np.testing.assert_allclose(design.offset, np.log(data.w) + data.dose_g, rtol=1e-15)
    np.testing.assert_allclose(design.weights, 1 / data.w**2, rtol=1e-15)
    plain = _build("y ~ 1 + (1 | g)", data)
    assert plain.offset is None
    assert plain.weights is None


def test_known_weights_allow_one_row_a_level() -> None:
    schools = datasets.eight_schools()
    design = _build("y ~ 1 + (1 | school) + weights(1 / sigma**2)", schools)
    assert design.groups[0].n_levels == len(design.y) == 8


def test_new_rows_know_unseen_and_missing_levels() -> None:
    design = _build("y ~ w + (w | g) + (1 | g:f)", _frame())
    new = {"w": [1.0, None, 2.0, 3.0], "g": ["v", "new", None, "u"], "f": ["a", "a", "b", "zz"]}
    rows = design.encoding.rows(new)
    np.testing.assert_array_equal(rows.X, [[1, 1], [1, np.nan], [1, 2], [1, 3]])
    first, second = rows.groups
    assert first.index.tolist() == [1, -1, -1, 0]
    assert first.labels.tolist() == ["v", "new", None, "u"]
    assert second.index.tolist() == [design.groups[1].levels.index("v:a"), -1, -1, -1]
    assert second.labels.tolist() == ["v:a", "new:a", None, "u:zz"]
    assert design.encoding.rows({"w": [1.0]}, groups=False).groups == ()


def test_new_rows_match_levels_by_name_whatever_their_type() -> None:
    data = {"y": [1.0, 2, 4, 3], "k": [3, 10, 3, 10]}
    encoding = _build("y ~ 1 + (1 | k)", data).encoding
    for values in (["10", "3"], [10.0, 3.0], pd.Categorical([10, 3]), pd.array([10, 3], dtype="Int64")):
        assert encoding.rows({"k": values}).groups[0].index.tolist() == [1, 0]


REAL = (
    ("Dyestuff", "Yield ~ 1 + (1 | Batch)", 30, 1, (6,)),
    ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", 144, 1, (24, 6)),
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)", 180, 2, (18,)),
    ("cbpp", "incidence / size ~ period + (1 | herd)", 56, 4, (15,)),
    ("radon", "log_radon ~ floor + log_uranium + (floor | county)", 919, 3, (85,)),
    ("Contraception", "age ~ urban * livch + (urban | district)", 1934, 8, (60,)),
)


@pytest.mark.parametrize(("name", "text", "n", "p", "levels"), REAL)
def test_real_data(name: str, text: str, n: int, p: int, levels: tuple[int, ...]) -> None:
    data = getattr(datasets, name)()
    design = _build(text, data)
    assert design.X.shape == (n, p)
    assert tuple(block.n_levels for block in design.groups) == levels
    for block in design.groups:
        assert block.levels == tuple(map(str, data[block.factor].cat.categories))


@pytest.mark.skipif(not (SHARED / "InstEval.csv").exists(), reason="the large data set is not at hand")
def test_inst_eval() -> None:
    schema = json.loads((SHARED / "schema.json").read_text())["InstEval"]["columns"]
    data = pd.read_csv(SHARED / "InstEval.csv", dtype=str).assign(y=lambda d: d.y.astype(float))
    for name, column in schema.items():
        if column["type"] == "factor":
            data[name] = pd.Categorical(data[name], categories=column["levels"])
    design = _build("y ~ service + (1 | s) + (1 | d) + (1 | dept)", data)
    assert design.column_names == ("Intercept", "service[1]")
    assert [block.n_levels for block in design.groups] == [2972, 1128, 14]
    assert design.groups[0].levels == tuple(schema["s"]["levels"])


def test_a_million_rows_are_quick() -> None:
    rng = np.random.default_rng(0)
    n = 1_000_000
    columns = {"y": rng.normal(size=n), "x": rng.normal(size=n), "g": rng.integers(0, 10_000, n)}
    spec, data, spent = lower(parse("y ~ x + (x | g)")), pd.DataFrame(columns), []
    for _ in range(3):
        start = time.process_time()
        design = build(spec, data)
        spent.append(time.process_time() - start)
    assert design.groups[0].n_levels == 10_000
    assert min(spent) < 0.15
