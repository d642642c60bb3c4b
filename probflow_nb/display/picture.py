"""Picture: a figure as a small PNG inside an `<img>` that says in words what it shows."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..posterior.summary import GroupEffects
from . import caterpillar, digits, escape, figures
from .card import Marginal
from .fit_figure import FittedPanel, held_by_axis
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALE = 2  # pixels of the picture a pixel of the page, for sharp screens
_COLOURS = 96  # colours of the palette: enough for smooth edges, a third of the bytes


def png(figure: Figure, scale: int = SCALE) -> bytes:
    """Return a figure as a PNG with a palette, `scale` pixels of it a pixel of the page."""
    from PIL import Image

    # As a PNG that is not compressed: it says its own size, which sums of panels make a little less than whole.
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100 * scale, pil_kwargs={"compress_level": 0})
    image = Image.open(buffer).convert("RGB")
    reduced = image.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    # The paper keeps its exact colour, so that the picture has no edge on the page.
    paper, at = image.tobytes()[:3], 3 * reduced.tobytes()[0]
    palette = bytes(reduced.getpalette() or ())
    reduced.putpalette(palette[:at] + paper + palette[at + 3 :])
    out = io.BytesIO()
    reduced.save(out, "PNG", compress_level=7)
    return out.getvalue()


def image(figure: Figure, words: str, kind: str) -> str:
    """Return an `<img>` with a figure as a data URI; `words` is its alt text, not yet escaped."""
    data = base64.b64encode(png(figure)).decode("ascii")
    width, height = (round(side * 100) for side in figure.get_size_inches())
    return (
        f'<img class="pfnb-{kind}" src="data:image/png;base64,{data}" alt="{escape.attribute(words, 4000)}" '
        f'width="{width}" height="{height}" style="max-width:100%;height:auto">'
    )


def posterior_image(marginals: tuple[Marginal, ...], theme: Theme = LIGHT) -> str:
    """Return the posterior densities as an `<img>`."""
    return image(figures.posterior_figure(marginals, theme), posterior_words(marginals), "posterior")


def ranef_image(effects: GroupEffects, theme: Theme = LIGHT) -> str:
    """Return the caterpillar of one column of a factor as an `<img>`."""
    return image(caterpillar.ranef_figure(effects, theme), ranef_words(effects), "ranef")


def posterior_words(marginals: tuple[Marginal, ...]) -> str:
    """Say what the densities show: each parameter's mean and 95% interval."""
    parts = []
    for m in marginals[: figures.MOST]:
        mean, lower, upper = _alike(m.mean, m.lower, m.upper)
        parts.append(f"{escape.plain(m.name)}: mean {mean}, 95% interval {lower} to {upper}")
    return "Posterior densities. " + "; ".join(parts) + "."


def ranef_words(effects: GroupEffects) -> str:
    """Say what a caterpillar shows: how many levels, and the lowest and highest effect."""
    rows = caterpillar.order(effects)
    name = f"{escape.plain(effects.column)} by {escape.plain(effects.factor)}"
    own = effects.column == effects.factor
    name = f"Parameter {escape.plain(effects.factor)}" if own else f"Group effects, {name}"
    words = f"{name}: {caterpillar.caption(effects, len(rows))} sorted by mean"
    words += f", {escape.plain(effects.scale)}" if effects.scale else ""
    for place, i in (("lowest", rows[0]), ("highest", rows[-1])) if rows else ():
        mean, lower, upper = _alike(*(float(v[i]) for v in (effects.mean, effects.lower, effects.upper)))
        words += f"; {place} {escape.plain(effects.levels[i])}: {mean}, "
        words += f"{100 * effects.probability:g}% interval {lower} to {upper}"
    return words + "."


def fit_words(panels: Sequence[FittedPanel], covariate: str, response: str, note: str) -> str:
    """Say what fitted curves show: each panel's mean at both ends of the covariate."""
    words = (
        f"Data and fitted curves of {escape.plain(response)} along {escape.plain(covariate)}, {escape.plain(note, 400)}"
    )
    for panel in panels:
        low, high = _alike(float(panel.mean[0]), float(panel.mean[-1]), float(np.ptp(held_by_axis(panel))))[:2]
        words += f"; {escape.plain(panel.name)}: from {low} to {high}" if panel.name else f": from {low} to {high}"
    return words + "."


def observed_words(observed: np.ndarray, fitted: np.ndarray, response: str, note: str) -> str:
    """Say how near the fitted means are to what was observed."""
    with np.errstate(invalid="ignore"):
        cor = np.corrcoef(observed, fitted)[0, 1] if len(observed) > 1 else math.nan
    near = f"; their correlation is {cor:.2f}" if math.isfinite(cor) else ""
    return f"Observed {escape.plain(response)} against its fitted means, {escape.plain(note, 400)}{near}."


def _alike(mean: float, lower: float, upper: float) -> list[str]:
    """Write a mean and its interval with the decimals that show the interval's width to two figures."""
    spread = (upper - lower) / 4
    return digits.row([mean, lower, upper], digits.decimals(math.nan, spread, abs(mean)))
