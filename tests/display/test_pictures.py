from __future__ import annotations

import io
import time
import warnings

import numpy as np
import pytest
from display_cards import HOSTILE, effects, marginal, sleep_marginals
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from probflow_nb.display import caterpillar, figures, labels, picture
from probflow_nb.display.caterpillar import ranef_figure
from probflow_nb.display.figures import posterior_figure, tick_labels
from probflow_nb.display.theme import DARK, LIGHT, Theme

RNG = np.random.default_rng(8)
DRAWS = RNG.normal(0, 1, 1000)


def drawn(figure: Figure) -> np.ndarray:
    """Draw as a notebook does, at twice the pixels; every warning is an error here."""
    figure.savefig(io.BytesIO(), dpi=200)
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def nothing_is_cut(figure: Figure) -> None:
    """Every visible text lies on the paper and, among its kind, apart from the others."""
    drawn(figure)
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    texts = [t for t in figure.findobj(lambda a: hasattr(a, "get_text")) if t.get_text() and t.get_visible()]
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts]
    paper = figure.bbox
    for text, box in boxes:
        assert box.x0 >= -1, text
        assert box.x1 <= paper.x1 + 1, text
        assert box.y0 >= -1, text
        assert box.y1 <= paper.y1 + 1, text
    for i, (text, a) in enumerate(boxes):
        for other, b in boxes[:i]:
            over_x, over_y = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert over_x <= 0.5 or over_y <= 2.5, (text, other)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_posterior_figure(theme: Theme) -> None:
    figure = posterior_figure(sleep_marginals(), theme)
    assert len(figure.axes) == 6
    nothing_is_cut(figure)


@pytest.mark.parametrize("panels", [0, 1, 2, 3, 4, 5, 8, 17, 60])
def test_any_number_of_panels(panels: int) -> None:
    figure = posterior_figure([marginal(f"x{i}", "common", DRAWS * 10.0 ** (i % 5 - 2)) for i in range(panels)])
    assert len(figure.axes) == min(panels, figures.MOST)
    nothing_is_cut(figure)


@pytest.mark.parametrize(
    ("values", "role"),
    [
        (DRAWS * 1e-9 + 3e-9, "common"),
        (DRAWS * 1e11 + 4e12, "common"),
        (DRAWS + 1e12, "common"),
        (DRAWS * 1e-7 - 773.5775, "common"),
        (np.full(1000, 2.5), "common"),
        (np.zeros(1000), "variance"),
        (np.abs(DRAWS), "variance"),
        (np.tanh(3 * DRAWS), "correlation"),
        (RNG.standard_cauchy(4000) * 1e5, "common"),
        (np.array([np.nan, np.inf, 1.0, 2.0]), "common"),
        (np.array([np.nan]), "common"),
        (np.array([]), "variance"),
    ],
)
def test_any_scale(values: np.ndarray, role: str) -> None:
    finite = values[np.isfinite(values)]
    low, mean, high = (finite.min(), finite.mean(), finite.max()) if len(finite) else (np.nan,) * 3
    item = figures.Marginal("x", role, values, float(mean), float(low), float(high))
    nothing_is_cut(posterior_figure([item] * 3))


def test_an_sd_is_not_drawn_below_zero_nor_a_correlation_beyond_one() -> None:
    sd = posterior_figure([marginal("sd(a | g)", "variance", np.abs(DRAWS))]).axes[0]
    cor = posterior_figure([marginal("cor(a, b | g)", "correlation", np.tanh(3 * DRAWS))]).axes[0]
    sd_x, cor_x = (np.concatenate([line.get_xdata() for line in ax.lines]) for ax in (sd, cor))
    assert sd_x.min() >= 0
    assert np.abs(cor_x).max() <= 1 + 1e-12


def test_zero_is_marked_for_common_effects_alone() -> None:
    roles = ("common", "variance", "correlation")
    shown = [marginal("x", role, np.tanh(DRAWS) if role != "variance" else np.abs(DRAWS)) for role in roles]
    dashed = [any(line.get_linestyle() == "--" for line in ax.lines) for ax in posterior_figure(shown).axes]
    assert dashed == [True, False, False]


@pytest.mark.parametrize("levels", [1, 2, 6, 18, 40, 85, 2972])
def test_caterpillar(levels: int) -> None:
    figure = ranef_figure(effects(levels))
    nothing_is_cut(figure)
    words = [t.get_text() for t in figure.texts]
    count = "60 of 2,972 levels" if levels == 2972 else f"{levels} level" + ("s" if levels > 1 else "")
    assert f"{count}, 95% intervals" in words
    assert figure.get_figheight() < 11


def test_caterpillar_is_sorted_and_keeps_the_extremes() -> None:
    found = effects(2972)
    rows = caterpillar.order(found)
    means = found.mean[rows]
    assert (np.diff(means) >= 0).all()
    assert means[0] == found.mean.min()
    assert means[-1] == found.mean.max()


def test_names_of_any_kind() -> None:
    nothing_is_cut(ranef_figure(effects(len(HOSTILE), names=HOSTILE)))
    nothing_is_cut(posterior_figure([marginal(name, "common", DRAWS) for name in HOSTILE]))


def test_a_person_may_restyle_and_redraw() -> None:
    figure = posterior_figure(sleep_marginals())
    figure.axes[0].set_xlabel("ms")
    figure.set_size_inches(10, 5)
    assert drawn(figure).shape == (500, 1000, 4)


def test_labels_fit_their_room() -> None:
    for name in (*HOSTILE, "W" * 50, "i" * 50):
        shown = labels.fit(name, 60, 8, LIGHT.fonts)
        assert labels.extent(shown, 8, LIGHT.fonts) <= 60
    assert labels.fit("Days", 60, 8, LIGHT.fonts) == "Days"


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([-0.5, 0.0, 0.5], ["−0.5", "0", "0.5"]),
        ([200000.0], ["200,000"]),
        ([2e-9, 4e-9], ["2e-9".replace("-", "−"), "4e−9"]),
        ([3.8e12, 4e12], ["3.8e12", "4e12"]),
        ([1e12 - 2, 1e12], ["999,999,999,998", "1,000,000,000,000"]),
        ([0.1 + 0.2], ["0.3"]),
    ],
)
def test_tick_labels(values: list[float], written: list[str]) -> None:
    assert tick_labels(values) == written


def test_png_is_small_sharp_and_on_exact_paper() -> None:
    figure = posterior_figure(sleep_marginals())
    data = picture.png(figure)
    image = Image.open(io.BytesIO(data))
    width, height = figure.get_size_inches()
    assert image.size == (int(width * 200), int(height * 200))
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert len(data) < 40_000


def test_words() -> None:
    assert picture.posterior_words(sleep_marginals()[:1]).startswith("Posterior densities. Intercept: mean 251")
    assert "95% interval 23" in picture.posterior_words(sleep_marginals()[:1])
    words = picture.ranef_words(effects(2972))
    assert words.startswith("Group effects, Intercept by Subject: 60 of 2,972 levels sorted by mean; lowest ")


def test_no_global_state_of_matplotlib_is_touched() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    drawn(posterior_figure(sleep_marginals()))
    drawn(ranef_figure(effects(18)))
    assert dict(matplotlib.rcParams) == before


def test_figures_are_made_fast() -> None:
    times = []
    for _ in range(4):
        start = time.process_time()
        with warnings.catch_warnings():
            drawn(posterior_figure(sleep_marginals()))
        times.append(time.process_time() - start)
    # 0.1 s on a quiet machine for two drawings; the bound leaves room for a slow one.
    assert min(times) < 0.6


@pytest.mark.parametrize("width", [7.2, 7.2 - 1e-9, 7.27, 3.3, 5.005])
def test_a_picture_of_any_size_has_its_lines_upright(width):
    figure = figures.blank_figure(width, 1.3, LIGHT)
    bar = figure.add_axes((0.3, 0, 0.2, 1), facecolor="black", xticks=[], yticks=[])
    bar.set_frame_on(True)
    seen = np.asarray(Image.open(io.BytesIO(picture.png(figure))).convert("L"))
    np.testing.assert_array_equal(seen[5], seen[-5])
    assert (seen[5] < 50).mean() == pytest.approx(0.2, abs=0.01)
