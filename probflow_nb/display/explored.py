"""Explored: what a page without a kernel shows in place of sliders, in every form that a notebook may ask for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import escape, picture
from .explore_figure import explore_figure
from .fit_figure import FittedPanel
from .stylesheet import STYLE


@dataclass(frozen=True, eq=False)
class Explored:
    """A prediction at one point.

    response, covariate: names. where: the point, each column with its value. numbers: the prediction in words.
    density: places and heights (c,). mean, interval: of a new response, of events of their
    probability. curve: along the covariate, None without one.
    at: where the point lies on it.
    """

    response: str
    where: tuple[tuple[str, str], ...]
    numbers: str
    density: tuple[np.ndarray, np.ndarray]
    mean: float
    interval: tuple[float, float] | None
    covariate: str = ""
    at: float = 0.0
    curve: FittedPanel | None = None


def explored_bundle(shown: Explored) -> dict[str, str]:
    """Return a prediction by media type: a static picture with words, and the words alone."""
    where = ", ".join(f"{escape.plain(name)} {escape.plain(value)}" for name, value in shown.where)
    words = f"{escape.plain(shown.response)} at {where}. {shown.numbers}"
    figure = explore_figure(
        shown.density, shown.mean, shown.interval, shown.response, shown.curve, shown.covariate, shown.at
    )
    image = picture.image(figure, f"Predicted distribution. {words}", "predicted")
    at = ", ".join(f"{escape.html(name)} {escape.html(value)}" for name, value in shown.where)
    html = (
        f'<style>{STYLE}</style><div class="pfnb pfnb-explored pfnb-fallback mathjax_ignore tex2jax_ignore">'
        f'<div class="pfnb-head"><span class="pfnb-title"><b>{escape.html(shown.response)}</b></span> '
        f"at {at}</div>"
        f'<div class="pfnb-pictures">{image}</div><div class="pfnb-notes">{escape.html(shown.numbers, 400)}</div></div>'
    )
    return {"text/html": html, "text/plain": words}
