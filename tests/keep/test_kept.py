"""Kept fits: what a fit says is said by the one that comes back from its file, to the last digit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress
from probflow_nb.errors import KeepError
from probflow_nb.fit import Fit
from probflow_nb.inference.past import Past
from probflow_nb.keep import Kept, read, write

RNG = np.random.default_rng(5)
N = 60
DATA = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "x": RNG.gamma(2.0, size=N).astype("float32"),
        "k": RNG.integers(0, 9, N),
        "on": RNG.random(N) < 0.5,
        "g": pd.Categorical(RNG.choice(list("cab"), N), categories=["c", "unused", "a", "b"], ordered=True),
        "plot": [f"plot {i % 7} ⌀" for i in range(N)],
        "w": RNG.uniform(0.5, 2.0, N),
    }
)
DATA["z"] = np.where(np.arange(N) % 11 == 3, np.nan, RNG.normal(size=N))
SPARSE = scipy.sparse.csr_matrix(np.kron(np.eye(10), np.ones((6, 1))))
STATEMENTS = """
w ~ Normal(0, 2)
a ~ StudentT(4, 0, 1)
tau ~ HalfNormal(1)
u ~ Normal(0, tau)
sigma ~ HalfNormal(1)
y ~ Normal(a + X @ w + Z @ u + shift, sigma)
"""


def fitted(text: str, data: Any = DATA, engine: Any = None, **more: Any) -> Fit:
    return pf.lme(text, data, engine=engine, seed=7, progress=NullProgress(), **more)


SMALL = pf.Exact(draws=200)
FITS: dict[str, Callable[[], Fit]] = {
    "a formula": lambda: fitted("Reaction ~ Days + (Days | Subject)", pf.datasets.sleepstudy(), SMALL, name="sleep"),
    "columns of every kind": lambda: fitted(
        "y ~ poly(x, 2) + scale(z) + on + g + k + (1 | plot) + weights(w)",
        engine=SMALL,
    ),
    "a point fit": lambda: fitted("y ~ z + (x | plot)", engine=pf.Point(reml=False)),
    "a point fit of counts": lambda: fitted("k ~ x + (1 | plot)", engine="point", family="poisson"),
    "trials": lambda: fitted(
        "incidence / size ~ period + (1 | herd)", pf.datasets.cbpp(), pf.Laplace(draws=200), family="binomial"
    ),
    "two levels": lambda: fitted("on ~ x + (1 | plot)", engine=pf.Laplace(draws=200), family="bernoulli"),
    "statements of a mixed model": lambda: fitted(
        "X = design(1 + x)\nZ = indicators(plot)\nw ~ Normal(0, 5)\ntau ~ HalfNormal(2)\nu ~ Normal(0, tau)\n"
        "sigma ~ HalfNormal(2)\ny ~ Normal(X @ w + Z @ u, sigma)",
        engine=SMALL,
    ),
    "statements with arrays": lambda: fitted(
        STATEMENTS,
        DATA[["y"]],
        SMALL,
        arrays={"X": RNG.normal(size=(N, 3)), "Z": SPARSE, "shift": 0.25},
    ),
    "a stopped run": lambda: _stopped(),
}


def _stopped() -> Fit:
    run = pf.prepare("y ~ x + (1 | plot)", DATA).run(pf.Exact(draws=4000), seed=3)
    for _ in run:
        if run.ready:
            run.close()
    from probflow_nb.fit import finish

    return finish(run, progress=NullProgress())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Fit, Fit]]:
    """Return a fit and what comes back of it from a file, each made once."""
    made: dict[str, tuple[Fit, Fit]] = {}

    def pair(name: str) -> tuple[Fit, Fit]:
        if name not in made:
            path = tmp_path_factory.mktemp("kept") / "a.fit"
            fit = FITS[name]()
            assert fit.save(path) == path
            made[name] = fit, pf.load(path)
        return made[name]

    return pair


def same_draws(a: Fit, b: Fit) -> None:
    assert list(a.draws) == list(b.draws)
    assert a.draws.aliases == b.draws.aliases
    for name in a.draws:
        np.testing.assert_array_equal(a.draws[name], b.draws[name])
        assert a.draws.coords(name) == b.draws.coords(name)


@pytest.mark.parametrize("name", FITS)
def test_a_kept_fit_says_the_same(name: str, kept: Callable[[str], tuple[Fit, Fit]]) -> None:
    fit, back = kept(name)
    pd.testing.assert_frame_equal(fit.summary(), back.summary(), check_exact=True)
    assert fit.verdict == back.verdict
    assert (fit.engine, fit.seed, fit.seconds, fit.name, fit.stopped, fit.reason, fit.device) == (
        back.engine, back.seed, back.seconds, back.name, back.stopped, back.reason, back.device
    )  # fmt: skip
    assert fit._repr_mimebundle_() == back._repr_mimebundle_()
    if isinstance(fit.engine, pf.Point):
        assert fit.criterion == back.criterion
        pd.testing.assert_frame_equal(fit.ranef_sd["plot"], back.ranef_sd["plot"], check_exact=True)
        pd.testing.assert_series_equal(fit.se, back.se, check_exact=True)
    else:
        same_draws(fit, back)
        assert fit.answer.evidence == back.answer.evidence
        np.testing.assert_array_equal(fit.log_prob(), back.log_prob())
        pd.testing.assert_frame_equal(fit.predictive_interval(), back.predictive_interval(), check_exact=True)
    pd.testing.assert_series_equal(fit.predict(), back.predict(), check_exact=True)


@pytest.mark.parametrize("name", ["a formula", "columns of every kind", "a point fit", "trials", "two levels"])
def test_a_kept_fit_predicts_new_rows_alike(name: str, kept: Callable[[str], tuple[Fit, Fit]]) -> None:
    fit, back = kept(name)
    frame = {"a formula": pf.datasets.sleepstudy, "trials": pf.datasets.cbpp}.get(name, lambda: DATA)()
    new = frame.iloc[5:25].dropna()
    pd.testing.assert_series_equal(fit.predict(new), back.predict(new), check_exact=True)
    unknown = new.assign(**{"Subject": "none", "plot": "none", "herd": "none"})
    with pytest.raises(pf.FitError) as first:
        fit.predict(unknown, new_levels="error")
    with pytest.raises(pf.FitError) as second:
        back.predict(unknown, new_levels="error")
    assert str(first.value) == str(second.value)


def test_kept_statements_code_new_arrays_alike(kept: Callable[[str], tuple[Fit, Fit]]) -> None:
    fit, back = kept("statements with arrays")
    new = {"X": RNG.normal(size=(4, 3)), "Z": SPARSE[[3, 9, 20, 44]]}
    pd.testing.assert_series_equal(fit.predict(new), back.predict(new), check_exact=True)


def test_a_kept_fit_knows_the_rows_that_were_left_out(kept: Callable[[str], tuple[Fit, Fit]]) -> None:
    fit, back = kept("columns of every kind")
    a, b = fit.model.design, back.model.design
    assert b.n_missing == a.n_missing == 6
    assert a.missing_by_column == b.missing_by_column
    np.testing.assert_array_equal(a.rows, b.rows)
    assert list(back.predict().index) == list(fit.predict().index)
    assert "6 of 60 rows were left out" in repr(back)


@pytest.mark.parametrize("name", ["a formula", "statements with arrays", "a stopped run"])
def test_a_kept_exact_fit_goes_on_to_the_same_draws(name: str, kept: Callable[[str], tuple[Fit, Fit]]) -> None:
    fit, back = kept(name)
    longer, again = (one.extend(draws=200, progress=NullProgress()) for one in (fit, back))
    same_draws(longer, again)
    assert longer.verdict == again.verdict
    assert longer.draws.n_draws == fit.draws.n_draws + 50


def test_a_fit_that_cannot_go_on_says_how_to_fit_again(kept: Callable[[str], tuple[Fit, Fit]], tmp_path: Path) -> None:
    fit, _ = kept("trials")
    figures = {name: RNG.normal(size=(4, 50)) for name in ("diverged", "depth", "energy", "accept")}
    replace(fit, state=Past(figures)).save(tmp_path / "a.fit")
    back = pf.load(tmp_path / "a.fit")
    assert fit.goes_on
    assert not back.goes_on
    with pytest.raises(pf.FitError, match=r"does not remember where it ended.\nFit it again .* seed=7"):
        back.extend(draws=100)
    point = kept("a point fit")[1]
    with pytest.raises(pf.FitError, match="its answer is final"):
        point.extend(draws=100)


def test_kept_fits_compare(kept: Callable[[str], tuple[Fit, Fit]]) -> None:
    fit, back = kept("a formula")
    assert str(pf.compare({"a": fit, "b": back})) == str(pf.compare({"a": back, "b": fit}))
    with pytest.raises(pf.FitError, match="rows"):
        pf.compare({"a": kept("columns of every kind")[1], "b": back})


def test_a_kept_fit_draws_its_pictures(kept: Callable[[str], tuple[Fit, Fit]]) -> None:
    fit, back = kept("a formula")
    for figure, other in ((fit.plot_fit(), back.plot_fit()), (fit.plot_ranef(), back.plot_ranef())):
        for axes, again in zip(figure.axes, other.axes, strict=True):
            for line, same in zip(axes.lines, again.lines, strict=True):
                np.testing.assert_array_equal(line.get_xydata(), same.get_xydata())


def test_a_kept_fit_is_kept_again_byte_by_byte(kept: Callable[[str], tuple[Fit, Fit]], tmp_path: Path) -> None:
    for name in FITS:
        fit, back = kept(name)
        first, second = fit.save(tmp_path / "first"), back.save(tmp_path / "second")
        assert first.read_bytes() == second.read_bytes()


def test_a_later_change_of_the_data_does_not_reach_the_file(tmp_path: Path) -> None:
    shift, data = np.linspace(0.0, 1.0, N), {"y": DATA["y"].to_numpy().copy()}
    text = "w ~ Normal(0, 2)\nsigma ~ HalfNormal(1)\ny ~ Normal(w * shift, sigma)"
    fit = fitted(text, data, SMALL, arrays={"shift": shift})
    before = fit.save(tmp_path / "a.fit").read_bytes()
    shift += 3.0
    data["y"][:] = 0.0
    assert fit.save(tmp_path / "a.fit").read_bytes() == before


def test_what_a_sampler_said_is_kept(kept: Callable[[str], tuple[Fit, Fit]], tmp_path: Path) -> None:
    fit, _ = kept("a formula")
    shape = fit.draws.scalars.shape[:2]
    figures = {name: RNG.normal(size=shape) for name in ("diverged", "depth", "energy", "accept")}
    ended = replace(fit, state=Past(figures))
    ended.save(tmp_path / "a.fit")
    back = pf.load(tmp_path / "a.fit")
    assert not back.goes_on
    for name, values in back.state.sampling.figures(shape[1]).items():
        np.testing.assert_array_equal(values, figures[name])
    assert repr(back) == repr(ended)


@pytest.mark.slow
@pytest.mark.parametrize("engine", [pf.NUTS(draws=200, warmup=100), pf.VI(draws=200)])
def test_chains_and_approximations_are_kept(engine: Any, tmp_path: Path) -> None:
    fit = fitted(STATEMENTS, DATA[["y"]], engine, arrays={"X": DATA[["x", "w"]], "Z": SPARSE, "shift": 0.25})
    back = pf.load(fit.save(tmp_path / "a.fit"))
    same_draws(fit, back)
    assert fit._repr_mimebundle_() == back._repr_mimebundle_()
    pd.testing.assert_series_equal(fit.predict(), back.predict(), check_exact=True)


def test_reading_needs_no_tensors(kept: Callable[[str], tuple[Fit, Fit]], tmp_path: Path) -> None:
    fit, _ = kept("a formula")
    path = fit.save(tmp_path / "a.fit")
    code = (
        "import sys, probflow_nb as pf\n"
        f"fit = pf.load({str(path)!r})\n"
        "print(fit.summary()['mean'].iloc[0], 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    mean, loaded = done.stdout.split()
    assert float(mean) == fit.summary()["mean"].iloc[0]
    assert loaded == "False"


# Where a file is written ---------------------------------------------------------------------------------------------


def test_a_file_stays_as_it_is_until_the_new_one_is_whole(
    kept: Callable[[str], tuple[Fit, Fit]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, _ = kept("a point fit")
    path = fit.save(tmp_path / "a.fit")
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeepError, match=r"cannot be written .* No space left"):
        replace(fit, seed=1).save(path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.fit"]


def test_a_link_is_followed_and_the_mask_of_the_process_holds(
    kept: Callable[[str], tuple[Fit, Fit]], tmp_path: Path
) -> None:
    fit, _ = kept("a point fit")
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.fit"
    link.symlink_to(tmp_path / "real" / "a.fit")
    before = os.umask(0o027)
    try:
        fit.save(link)
    finally:
        os.umask(before)
    assert link.is_symlink()
    assert (tmp_path / "real" / "a.fit").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (3, "named by a text or a path"),
        ("", "is no name of a file"),
        ("a\0b", "is no name of a file"),
        ("missing/a.fit", "cannot be written .* No such file"),
        (".", "cannot be written"),
    ],
)
def test_a_path_that_cannot_be_written_is_told(
    path: Any, sentence: str, kept: Callable[[str], tuple[Fit, Fit]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeepError, match=sentence):
        kept("a point fit")[0].save(path)
    assert list(tmp_path.iterdir()) == []


class Line(pf.Model):
    """A model that is code."""

    def __init__(self) -> None:
        self.w = pf.Parameter()

    def __call__(self, x: Any) -> pf.Normal:
        return pf.Normal(self.w() * x[:, 0], 1.0)


def test_code_is_refused(kept: Callable[[str], tuple[Fit, Fit]], tmp_path: Path) -> None:
    line = Line().fit(RNG.normal(size=(20, 1)), RNG.normal(size=20), engine=SMALL, progress=NullProgress())
    fit = kept("a point fit")[0]

    class Own(pf.Point):
        """An engine of one's own."""

    with pytest.raises(KeepError, match="own class is code"):
        getattr(line, "fit_", line).save(tmp_path / "a.fit")
    with pytest.raises(KeepError, match="Own is no engine of this package"):
        replace(fit, engine=Own()).save(tmp_path / "a.fit")
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_not_here_is_forgotten(kept: Callable[[str], tuple[Fit, Fit]], tmp_path: Path) -> None:
    fit, _ = kept("a formula")
    there = replace(fit, device="GPU:7")
    parts = Kept(**{name: getattr(there, name) for name in Kept.__dataclass_fields__})
    assert read(write(parts, tmp_path / "a.fit")).device == ""
