from __future__ import annotations

import re

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb.errors import FitError
from probflow_nb.fit.no_pooling import shrinkage

CASES = {
    "sleepstudy": ("Reaction ~ Days + (Days | Subject)", None, None),
    "point": ("Reaction ~ Days + (Days | Subject)", None, "point"),
    "cbpp": ("incidence / size ~ period + (1 | herd)", "binomial", None),
    "none": ("Reaction ~ Days", None, None),
}


def _fit(case):
    formula, family, engine = CASES[case]
    data = pf.datasets.cbpp() if case == "cbpp" else pf.datasets.sleepstudy()
    return pf.lme(formula, data, family=family, engine=engine, seed=1)


@pytest.mark.parametrize("case", CASES)
def test_every_number_of_a_report_is_one_of_the_summary(case):
    fit = _fit(case)
    text = fit.report().text
    # Formula, counts of rows and levels, 95% and the verdict's own figures are not of the summary.
    body = text.split(" by ", 1)[1].replace("95% interval", "").removesuffix(fit.verdict.sentence)
    table = fit.summary()
    known = np.concatenate([table[column].to_numpy(float) for column in table.columns if table[column].dtype != object])
    if "se" in table:
        known = np.concatenate([known, *(table["estimate"] + sign * 1.959964 * table["se"] for sign in (-1, 1))])
    body = re.sub(r" at \S+ is ", " is ", body)
    for name in sorted(table.index, key=len, reverse=True):
        body = body.replace(name, "")
    written = re.findall(r"(?<![\w.])[-\u2212]?\d[\d,]*\.?\d*", body)
    assert len(written) >= 3
    for word in written:
        bare = word.replace(",", "").replace("\u2212", "-").rstrip(".")
        places = len(bare.partition(".")[2])
        assert np.nanmin(np.abs(known - float(bare))) <= 0.5000001 * 10.0**-places, (word, text)


def test_a_level_by_itself_is_its_own_least_squares_line():
    data = pf.datasets.sleepstudy()
    fit = _fit("sleepstudy")
    found = shrinkage(fit.model, fit.answer, fit.ranef, fit.fixef, 0, "")
    for j, level in enumerate(found.levels):
        rows = data[data["Subject"].astype(str) == level]
        slope, intercept = np.polyfit(rows["Days"], rows["Reaction"], 1)
        np.testing.assert_allclose(found.alone[j], [intercept, slope], rtol=1e-8)
    np.testing.assert_allclose(found.together, fit.fixef.to_numpy() + fit.ranef["Subject"].to_numpy(), rtol=1e-12)
    assert np.all(found.together.std(axis=0) < found.alone.std(axis=0))


def test_a_level_of_counts_by_itself_has_its_own_rate():
    rng = np.random.default_rng(4)
    g = np.repeat(list("abcdef"), 12)
    frame = {"y": rng.poisson(np.exp(1 + np.repeat(rng.normal(0, 0.5, 6), 12))), "g": g}
    fit = pf.lme("y ~ 1 + (1 | g)", frame, family="poisson", seed=1)
    found = shrinkage(fit.model, fit.answer, fit.ranef, fit.fixef, 0, "")
    rates = [frame["y"][g == level].mean() for level in found.levels]
    np.testing.assert_allclose(found.alone[:, 0], np.log(rates), rtol=1e-7)


def test_shrinkage_is_drawn_with_words():
    fit = _fit("sleepstudy")
    assert "18 levels of Subject" in fit.plot_shrinkage().words
    assert "Days: sd of" in fit.plot_shrinkage("Subject", "Days").words
    with pytest.raises(FitError, match="It has Intercept, Days of Subject"):
        fit.plot_shrinkage("Subjekt")
    with pytest.raises(FitError, match="no group terms"):
        _fit("none").plot_shrinkage()
