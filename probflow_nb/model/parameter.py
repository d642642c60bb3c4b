"""Parameter: what is believed about one quantity - name, shape, prior - and nothing on how it is fitted."""

from __future__ import annotations

from dataclasses import dataclass

from ..spec.priors import Distribution


@dataclass(frozen=True)
class Parameter:
    """A quantity of a model.

    name: "beta", "sd[Subject]", "cor[Subject]", "b[Subject]" or "sigma".
    shape: of one value: (p,), (k,), (k, k), (J, k) or ().
    priors: one distribution an element in reading order; one LKJ for a correlation matrix; empty when the prior is
        made of other parameters, as that of group effects is.
    labels: names along the axes, ((axis names), ...), so that no value is ever shown without them.
    """

    name: str
    shape: tuple[int, ...]
    priors: tuple[Distribution, ...] = ()
    labels: tuple[tuple[str, ...], ...] = ()
