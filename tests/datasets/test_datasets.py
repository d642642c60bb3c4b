"""The data sets are those of the literature: sizes, levels and published numbers."""

from __future__ import annotations

import numpy as np
import pytest

from probflow_nb import datasets

# name -> rows, columns, levels of each factor (as R's nlevels gives them)
SHAPES = {
    "sleepstudy": (180, ["Reaction", "Days", "Subject"], {"Subject": 18}),
    "Dyestuff": (30, ["Batch", "Yield"], {"Batch": 6}),
    "Dyestuff2": (30, ["Batch", "Yield"], {"Batch": 6}),
    "Penicillin": (144, ["diameter", "plate", "sample"], {"plate": 24, "sample": 6}),
    "cbpp": (56, ["herd", "incidence", "size", "period"], {"herd": 15, "period": 4}),
    "eight_schools": (8, ["school", "y", "sigma"], {"school": 8}),
    "epilepsy": (
        236,
        ["Age", "Base", "Trt", "patient", "visit", "count", "obs", "zAge", "zBase"],
        {"Trt": 2, "patient": 59, "visit": 4, "obs": 236},
    ),
    "radon": (919, ["floor", "county", "log_radon", "log_uranium"], {"county": 85}),
    "Contraception": (
        1934,
        ["woman", "district", "use", "livch", "age", "urban"],
        {"woman": 1934, "district": 60, "use": 2, "livch": 4, "urban": 2},
    ),
}


def test_names_are_the_functions():
    assert sorted(datasets.names()) == sorted(SHAPES)
    assert set(datasets.__all__) == {*SHAPES, "names"}


@pytest.mark.parametrize("name", SHAPES)
def test_shape_columns_and_levels(name):
    rows, columns, levels = SHAPES[name]
    frame = getattr(datasets, name)()
    assert len(frame) == rows
    assert list(frame.columns) == columns
    categorical = frame.select_dtypes("category")
    factors = {c: len(categorical[c].cat.categories) for c in categorical}
    assert factors == levels
    assert not frame.isna().any().any()
    numeric = [c for c in frame if c not in levels]
    assert np.isfinite(frame[numeric].to_numpy(dtype=float)).all()


@pytest.mark.parametrize("name", SHAPES)
def test_docstring_names_every_column_and_a_source(name):
    text = getattr(datasets, name).__doc__
    assert "Source: " in text
    for column in SHAPES[name][1]:
        assert column in text


def test_levels_keep_the_order_of_r():
    assert list(datasets.cbpp()["herd"].cat.categories) == [str(i) for i in range(1, 16)]
    assert list(datasets.Contraception()["livch"].cat.categories) == ["0", "1", "2", "3+"]
    assert datasets.sleepstudy()["Subject"].cat.categories[0] == "308"


def test_numbers_of_the_literature():
    # Davies and Goldsmith's batch means, and Rubin's table of effects and standard errors.
    means = datasets.Dyestuff().groupby("Batch", observed=True)["Yield"].mean()
    assert means.tolist() == [1505.0, 1528.0, 1564.0, 1498.0, 1600.0, 1470.0]
    schools = datasets.eight_schools()
    assert schools["y"].tolist() == [28, 8, -3, 7, -1, 1, 18, 12]
    assert schools["sigma"].tolist() == [15, 10, 16, 11, 9, 11, 10, 18]
    assert datasets.sleepstudy()["Reaction"].mean() == pytest.approx(298.5079, abs=1e-4)


def test_a_changed_frame_does_not_change_the_next():
    frame = datasets.sleepstudy()
    frame["Reaction"] = 0.0
    assert datasets.sleepstudy()["Reaction"].iloc[0] == 249.56
