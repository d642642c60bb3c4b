"""Laplace states: where Laplace ended, with all that it draws more from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..inference.exact import ExactState
from ..inference.importance import Proposal
from ..inference.laplace import Laplace, LaplaceState
from ..inference.laplace_target import laplace_target
from ..model.laplace import Shape
from .archive import damaged
from .clouds import MOST_STATE, cloud_bytes, cloud_page, read_cloud
from .record import Arrays, Record


def goes_on(state: LaplaceState) -> bool:
    """Return whether a state is small and plain enough for a file: all its draws made, none of them by NUTS."""
    if state.cloud is None or state.handed is not None or state.round is not None or state.learning is not None:
        return False
    return state.phase == "done" and cloud_bytes(state.cloud) <= MOST_STATE


def laplace_page(state: LaplaceState, arrays: Arrays) -> dict[str, Any]:
    """Return the page of a state that `goes_on`."""
    assert state.cloud is not None
    shape, proposal = state.target.shape, state.proposal
    return {
        "kind": "laplace",
        "seed": state.seed,
        "total": state.total,
        "refined": state.refined,
        "pilots": state.pilots,
        **cloud_page(state.cloud, arrays),
        "proposal": None
        if proposal is None
        else {"location": arrays.add("location", proposal.location), "root": arrays.add("root", proposal.root)},
        "shape": None
        if shape is None
        else {name: arrays.add("shape", getattr(shape, name)) for name in ("centre", "root", "skew")},
        "starts": {name: arrays.add("starts", one) for name, one in state.target.collapsed.starts.arrays.items()},
    }


def read_laplace(page: Record, model: Any, engine: Laplace) -> LaplaceState:
    """Return the state of a page for its model; KeepError where it is of another one."""
    try:
        engine.check(model)
        target = laplace_target(model)
        starts = page.record("starts")
        known = {name: starts.array(name, "f") for name in starts.fields}
        remembered = target.collapsed.starts.remembering(known)
    except ValueError:
        raise damaged("its state is of another model") from None
    target = replace(target, collapsed=replace(target.collapsed, starts=remembered))
    d, m = target.collapsed.size, target.collapsed.design.m
    cloud = read_cloud(page, d, 2 * m, rooted=False)
    proposal = None
    if page.has("proposal"):
        own = page.record("proposal")
        proposal = Proposal(own.array("location", "f", (d,)), own.array("root", "f", (d, d)))
    if page.has("shape"):
        own = page.record("shape")
        shape = Shape(own.array("centre", "f", (m,)), own.array("root", "f", (m, m)), own.array("skew", "f", (m,)))
        target = replace(target, shape=shape)
    seed = page.whole("seed", most=2**4000)
    # Theta is explored no more; what was found is in the proposals.
    explored = ExactState("done", seed, False, cloud.x[0], cloud=cloud)
    return LaplaceState(
        target,
        seed,
        explored,
        page.whole("total", 1),
        phase="done",
        cloud=cloud,
        refined=page.whole("refined"),
        pilots=page.whole("pilots", most=100),
        proposal=proposal,
    )
