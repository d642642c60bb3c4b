"""States: an engine with its options, and where it ended: whole where it can go on from a file, else what it said."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from ..errors import KeepError
from ..inference.auto import ENGINES
from ..inference.exact import Exact, ExactState
from ..inference.laplace import Laplace, LaplaceState
from ..inference.newton import Mode
from ..inference.past import Past
from ..posterior.draws import Draws
from .archive import damaged
from .clouds import MOST_STATE, cloud_bytes, cloud_page, read_cloud
from .laplace_states import goes_on, laplace_page, read_laplace
from .record import Arrays, Record, number

_PHASES = ("mode", "adapt", "sample", "refine", "done")


def engine_page(engine: Any) -> dict[str, Any]:
    """Return the page of an engine; KeepError for one that is not this package's."""
    for name, kind in ENGINES.items():
        if type(engine) is kind:
            return {"name": name, "options": {f.name: _plain(getattr(engine, f.name)) for f in fields(kind)}}
    raise KeepError(
        f"{type(engine).__name__} is no engine of this package, and a file of a fit holds no code.",
        hint="Keep posterior_sample() or to_arviz() of the fit.",
    )


def read_engine(page: Record) -> Any:
    """Return an engine; KeepError for one that is not known, EngineError for options out of range."""
    kind, options = ENGINES.get(page.text("name")), page.plain("options")
    if kind is None or not set(options) <= {f.name for f in fields(kind)}:
        raise damaged("its engine is not one of this package")
    return kind(**options)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def state_page(state: Any, draws: Draws | None, arrays: Arrays) -> dict[str, Any] | None:
    """Return the page of where an engine ended, None where nothing of it is kept."""
    if isinstance(state, ExactState) and _goes_on(state):
        return _exact_page(state, arrays)
    if isinstance(state, LaplaceState) and goes_on(state):
        return laplace_page(state, arrays)
    chains = getattr(state, "sampling", None)
    if draws is not None and chains is not None and hasattr(chains, "figures"):
        records = {name: arrays.add("record", table) for name, table in chains.figures(draws.n_draws).items()}
        return {"kind": "past", "records": records}
    mode = getattr(state, "mode", None)
    if draws is None and isinstance(mode, Mode):
        return {"kind": "past", "mode": _mode_page(mode, arrays)}
    return None


def read_state(page: Record, model: Any, engine: Any) -> Any:
    """Return where an engine ended: a state that it goes on from, or its Past."""
    kind = page.text("kind")
    if kind == "past":
        records = page.record("records") if page.has("records") else None
        shown = {} if records is None else {name: records.array(name, "f", (None, None)) for name in records.fields}
        if records is not None and not {"diverged", "depth", "energy", "accept"} <= set(shown):
            raise damaged("the sampler's figures are not all there")
        return Past(shown, _mode(page.record("mode")) if page.has("mode") else None)
    if kind == "laplace" and isinstance(engine, Laplace):
        return read_laplace(page, model, engine)
    if kind != "exact" or not isinstance(engine, Exact):
        raise damaged("its state is not its engine's")
    return _exact(page)


def _goes_on(state: ExactState) -> bool:
    """Return whether a state of Exact is small and plain enough for a file: no emulator, no chains."""
    if state.cloud is None or state.emulator is not None or state.chains is not None or state.costly or state.known:
        return False
    return state.phase in _PHASES and cloud_bytes(state.cloud) <= MOST_STATE


def _exact_page(state: ExactState, arrays: Arrays) -> dict[str, Any]:
    cloud = state.cloud
    assert cloud is not None
    counts = {name: getattr(state, name) for name in ("seed", "rounds", "refined", "sampled", "first")}
    return {
        "kind": "exact",
        "phase": state.phase,
        **counts,
        "best": number(state.best),
        "theta": arrays.add("theta", state.theta),
        "mode": None if state.mode is None else _mode_page(state.mode, arrays),
        **cloud_page(cloud, arrays),
    }


def _exact(page: Record) -> ExactState:
    cloud = read_cloud(page)
    d, K = cloud.x.shape[1], len(cloud.sizes)
    phase = page.text("phase")
    if phase not in _PHASES:
        raise damaged("its state is in no known phase")
    return ExactState(
        phase,
        page.whole("seed", most=2**4000),
        False,
        page.array("theta", "f", (d,)),
        _mode(page.record("mode")) if page.has("mode") else None,
        None,
        cloud,
        page.whole("rounds", most=K),
        page.whole("refined", most=K),
        page.number("best"),
        None,
        page.whole("sampled"),
        page.whole("first", most=K),
    )


def _mode_page(mode: Mode, arrays: Arrays) -> dict[str, Any]:
    return {
        "x": arrays.add("mode", mode.x),
        "gradient": arrays.add("gradient", mode.gradient),
        "hessian": arrays.add("hessian", mode.hessian),
        "value": number(mode.value),
        "decrement": number(mode.decrement),
        "iteration": mode.iteration,
        "converged": bool(mode.converged),
    }


def _mode(page: Record) -> Mode:
    x = page.array("x", "f", (None,))
    d = len(x)
    return Mode(
        x,
        page.number("value"),
        page.array("gradient", "f", (d,)),
        page.array("hessian", "f", (d, d)),
        page.number("decrement"),
        page.whole("iteration"),
        page.flag("converged"),
    )
