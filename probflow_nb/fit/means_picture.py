"""Means picture: marginal means, contrasts and slopes, drawn; the numbers are those of their tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FitError
from . import margins
from .curves import grid
from .margins import Explainer, Margins
from .ratios import ratio_kind
from .scale_names import axis_name, scaled_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..display.means_figure import Captions, Series


@dataclass(frozen=True)
class Asked:
    """What a picture is asked for, as `Fit.means` has it: at, scale, interval, weights; response: its name."""

    explainer: Explainer
    response: str
    at: Mapping[str, Any]
    scale: str | None
    interval: float
    weights: str

    def told(self, extra: tuple[str, ...] = ()) -> tuple[str, str]:
        """Return the scale, and what the response is called on it."""
        scale = self.explainer.scale(self.scale, extra)
        model = self.explainer.model
        return scale, scaled_name(model, self.response, "link") if scale == "link" else axis_name(model, self.response)

    def written(self, name: str, value: Any) -> str:
        """Return a level as it is, a number with as many decimals as its column's sd has to three figures."""
        if not isinstance(value, str) and hasattr(value, "__iter__"):
            return " and ".join(self.written(name, one) for one in value)
        if name not in self.explainer.reference.numbers:
            return str(value)
        spread = float(np.std(self.explainer.reference.numbers[name])) or 1.0
        found = f"{round(float(value), max(0, 2 - math.floor(math.log10(spread)))) + 0.0:.10g}"
        return found.replace("-", "\u2212")

    def row(self, label: Sequence[Any]) -> str:
        """Return what a row stands for."""
        return ", ".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in label) or "overall"

    def part(self, names: Sequence[str], label: Sequence[Any]) -> str:
        """Return what a curve or one of several dots stands for, such as "urban = N"."""
        return ", ".join(f"{name} = {self.written(name, value)}" for name, value in zip(names, label, strict=True))

    def varied(self, name: str) -> bool:
        """Return whether a column is a number of many values that is not held at some."""
        reference = self.explainer.reference
        return name in reference.numbers and name not in reference.averaged() and name not in self.at


def means_picture(asked: Asked, specs: Sequence[str], by: Sequence[str]) -> Figure:
    """Return the figure of marginal means: curves along the first of `specs` if it is a number, dots otherwise."""
    reference = asked.explainer.reference
    specs = [reference.known(name, "marginal means") for name in specs] or _first(asked)
    by = [reference.known(name, "marginal means") for name in by if name not in specs]
    along = specs[0] if specs and asked.varied(specs[0]) else None
    if along is None:
        at = _parted(asked, [*specs, *by])
        found = margins.means(asked.explainer, specs, by, at, asked.scale, asked.interval, asked.weights)
        names = [asked.row(label[len(by) :]) for label in found.labels]
        return _rows(asked, found, len(by), names, _captions(asked, "mean of {}", specs, by, at))
    by = [*specs[1:], *by]
    at = _parted(asked, by)
    x = grid(reference.movable.covariate(along))
    held = {**at, along: x}
    found = margins.means(asked.explainer, [along], by, held, asked.scale, asked.interval, asked.weights)
    return _curves(found, x, along, asked, _captions(asked, "mean of {}", [along], by, at))


def contrasts_picture(asked: Asked, specs: Sequence[str], by: Sequence[str], kind: str, reference: Any) -> Figure:
    """Return the figure of contrasts: dots with intervals, of ratios on the scale of logarithms."""
    at = _parted(asked, by)
    found = margins.contrasts(
        asked.explainer, specs, by, kind, reference, at, asked.scale, asked.interval, asked.weights
    )
    ratio = asked.told(("ratio",))[0] == "ratio"
    what = ratio_kind(asked.explainer.model.spec.family) if ratio else "difference of {}"
    captions = _captions(asked, what, specs, by, at, 1.0 if ratio else 0.0)
    return _rows(asked, found, len(by), [str(label[-1]) for label in found.labels], captions)


def slopes_picture(asked: Asked, covariate: str, by: Sequence[str], along: str | None) -> Figure:
    """Return the figure of slopes: dots for each level of `by`, or curves along a number."""
    reference = asked.explainer.reference
    along = covariate if along is None and not by and asked.varied(covariate) else along
    if along is None:
        at = _parted(asked, by)
        found = _slopes(asked, covariate, by, at)
        names = [asked.row(label) for label in found.labels]
        captions = _captions(asked, f"slope of {{}} in {covariate}", by, [covariate], at, 0.0)
        return _rows(asked, found, 0, names, captions)
    along = reference.known(along, "slopes")
    if along not in reference.numbers:
        raise FitError(f"{along} is a factor, along which there is no curve.", hint=f'Ask with by="{along}".')
    by = [name for name in by if name != along]
    at = _parted(asked, by)
    x = grid(reference.movable.covariate(along))
    if along == covariate:
        found = _joined([_slopes(asked, covariate, by, {**at, along: float(v)}) for v in x])
    else:
        found = _slopes(asked, covariate, [*by, along], {**at, along: x})
    captions = _captions(asked, f"slope of {{}} in {covariate}", [covariate, along], by, at, 0.0)
    return _curves(found, x, along, asked, captions)


def _slopes(asked: Asked, covariate: str, by: Sequence[str], at: Mapping[str, Any]) -> Margins:
    return margins.slopes(asked.explainer, covariate, by, at, asked.scale, asked.interval, "grid", asked.weights)


def _first(asked: Asked) -> list[str]:
    """Return the column that is drawn unless one is named: the first of the common effects."""
    names = asked.explainer.reference.names
    if not names:
        raise FitError("This model has no common effects but the intercept, so there is one mean.", hint="See means().")
    return [names[0]]


def _parted(asked: Asked, by: Sequence[str]) -> dict[str, Any]:
    """Return where columns are held: a number that divides the picture at its mean and one sd to either side."""
    held = dict(asked.at)
    for name in by:
        if asked.varied(name):
            values = asked.explainer.reference.numbers[name]
            held[name] = values.mean() + values.std(ddof=1) * np.array([-1.0, 0.0, 1.0])
    return held


def _captions(
    asked: Asked, what: str, rows: Sequence[str], by: Sequence[str], at: Mapping[str, Any], none: float | None = None
) -> Captions:
    from ..display.means_figure import Captions

    reference = asked.explainer.reference
    _, response = asked.told(("ratio",))
    rest = [name for name in reference.names if name not in (*rows, *by)]
    averaged = [name for name in rest if name in reference.averaged() and name not in at]
    parts = [f"averaged over {', '.join(averaged)}"] if averaged else []
    parts += [
        f"{name} held at {asked.written(name, reference.numbers[name].mean() if name not in at else at[name])}"
        for name in rest
        if name not in averaged
    ]
    note = f"{100 * asked.interval:g}% intervals"
    note += ", group effects 0" if asked.explainer.model.design.groups else ""
    return Captions(what.format(response), ", ".join(rows), note, "; ".join(parts), none, none == 1.0)


def _joined(parts: Sequence[Margins]) -> Margins:
    """Return the numbers of several questions with the same rows as one, a row's own together."""
    frames = [part.frame().to_numpy(float) for part in parts]
    each = np.stack(frames, axis=1)
    centre, low, high = each[:, :, 0].ravel(), each[:, :, -2].ravel(), each[:, :, -1].ravel()
    labels = tuple((*label, None) for label in parts[0].labels for _ in parts)
    names = (*parts[0].names, "")
    return Margins(names, labels, parts[0].probability, None, centre, np.zeros_like(centre), (low, high))


def _rows(asked: Asked, found: Margins, divided: int, names: Sequence[str], captions: Captions) -> Figure:
    """Return dots, a series for each combination of the first `divided` columns."""
    from ..display.drawn import described
    from ..display.means_figure import rows_figure, rows_words

    heads = [asked.part(found.names[:divided], label[:divided]) for label in found.labels]
    m = len(names) // len(dict.fromkeys(heads))
    shown = _series(found, heads[::m])
    return described(rows_figure(names[:m], shown, captions), rows_words(names[:m], shown, captions))


def _curves(found: Margins, x: np.ndarray, along: str, asked: Asked, captions: Captions) -> Figure:
    from ..display.drawn import described
    from ..display.means_figure import curves_figure, curves_words

    heads = [asked.part(found.names[:-1], label[:-1]) for label in found.labels[:: len(x)]]
    shown = _series(found, heads)
    return described(curves_figure(x, shown, along, captions), curves_words(x, shown, along, captions))


def _series(found: Margins, heads: Sequence[str]) -> list[Series]:
    from ..display.means_figure import MOST, Series

    if len(heads) > MOST:
        raise FitError(f"This picture would have {len(heads):,} panels, but it has room for {MOST}.",
                       hint="Hold some columns at levels with at={...}.")  # fmt: skip
    values = found.frame().to_numpy(float).reshape(len(heads), -1, found.frame().shape[1])
    return [Series(name, own[:, 0], own[:, [-2, -1]].T) for name, own in zip(heads, values, strict=True)]
