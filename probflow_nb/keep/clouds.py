"""Clouds: weighted draws with the proposals that they came from, so that a kept fit can draw more."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..inference.importance import Cloud, Proposal
from ..model.collapsed import Evaluation
from .archive import damaged
from .record import Arrays, Record

# Bytes of weighted draws that are kept, so that a fit can go on; of more only what they said.
MOST_STATE = 2**26


def cloud_page(cloud: Cloud, arrays: Arrays) -> dict[str, Any]:
    """Return the fields of weighted draws."""
    return {
        "x": arrays.add("x", cloud.x),
        "log_density": arrays.add("log_density", cloud.points.log_density),
        "mean": arrays.add("mean", cloud.points.mean),
        "root": arrays.add("root", cloud.points.root),
        "locations": arrays.add("locations", np.stack([q.location for q in cloud.proposals])),
        "roots": arrays.add("roots", np.stack([q.root for q in cloud.proposals])),
        "log_proposals": arrays.add("log_proposals", cloud.log_proposals),
        "sizes": arrays.add("sizes", np.array(cloud.sizes, dtype=np.int64)),
    }


def cloud_bytes(cloud: Cloud) -> int:
    """Return the bytes of weighted draws."""
    points = cloud.points
    held = (cloud.x, cloud.log_proposals, points.log_density, points.mean, points.root)
    return sum(array.nbytes for array in held)


def read_cloud(page: Record, d: int | None = None, p: int | None = None, rooted: bool = True) -> Cloud:
    """Return weighted draws; KeepError where their arrays do not fit each other.

    d: width of the draws; p: of their means, None for any. rooted: whether each has a root beside its mean; the border
    of a model with a family is drawn, and has none.
    """
    x = page.array("x", "f", (None, d))
    N, d = x.shape
    locations = page.array("locations", "f", (None, d))
    K = len(locations)
    mean = page.array("mean", "f", (N, p))
    q = mean.shape[1] if rooted else 0
    root = page.array("root", "f", (N, q, q))
    points = Evaluation(page.array("log_density", "f", (N,)), mean, root)
    sizes = page.array("sizes", "i", (K,))
    if not K or (sizes < 1).any() or sizes.sum() != N:
        raise damaged("its weighted draws do not add up")
    proposals = tuple(map(Proposal, locations, page.array("roots", "f", (K, d, d))))
    return Cloud(x, points, proposals, page.array("log_proposals", "f", (K, N)), tuple(sizes.tolist()))
