"""Answers: the numbers of a posterior or of an optimum; group effects as drawn, or as what they are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..backend import devices
from ..inference.engine import Optimum, Posterior
from ..model.element_names import places
from ..model.letters import shown_names
from ..model.model import Model
from ..posterior.draws import Draws, Effects, Evidence, Origin, Quality
from ..posterior.verdict import Verdict
from .archive import damaged
from .record import Arrays, Record, number

_LEVELS = ("fine", "caution", "bad", "none")
# Bytes of group effects that are kept as drawn too, so that a fit is shown before the tensor library is loaded.
_MOST_DRAWN = 36_000_000


def answer_page(answer: Posterior | Optimum, arrays: Arrays) -> dict[str, Any]:
    """Return the page of an answer."""
    if isinstance(answer, Optimum):
        return _optimum_page(answer, arrays)
    draws, evidence = answer.draws, answer.evidence
    qualities = [[q.ess_bulk, q.ess_tail, q.rhat, q.khat, q.mcse] for q in draws.qualities]
    return {
        "kind": "posterior",
        "verdict": _verdict_page(answer.verdict),
        "method": answer.method,
        "evidence": None if evidence is None else {"value": number(evidence.value), "error": number(evidence.error)},
        "names": arrays.texts("names", draws.names),
        "scalars": arrays.add("draws", draws.scalars),
        "qualities": arrays.add("qualities", np.array(qualities, dtype=float).reshape(-1, 5)),
        "effects": _effects_pages(draws, arrays),
        "origin": None if draws.origin is None else _origin_page(draws.origin, arrays),
    }


def read_answer(page: Record, model: Any, engine: Any, device: str) -> Posterior | Optimum:
    """Return the answer of a page for its model; KeepError where it is of another one."""
    kind = page.text("kind")
    if kind == "optimum" and isinstance(model, Model):
        return _optimum(page, model)
    if kind != "posterior":
        raise damaged("its answer is of no known kind")
    scalars = page.array("scalars", "f", (None, None, None))
    names = page.texts("names")
    C, S, m = scalars.shape
    _check_names(names, model)
    if m != len(names) or C * S < 1:
        raise damaged("its draws are not those of its parameters")
    qualities = tuple(Quality(*row) for row in page.array("qualities", "f", (m, 5)).tolist())
    evidence = page.record("evidence") if page.has("evidence") else None
    draws = Draws(names, scalars, qualities, aliases=shown_names(model))
    if page.has("origin"):
        draws = replace(draws, origin=_origin(page.record("origin"), C * S))
        if not hasattr(engine, "redraw"):
            raise damaged("its engine does not draw group effects")
    redrawn = None if draws.origin is None else Redrawn(model, engine, draws.origin, device)
    effects = tuple(_effects(one, i, C * S, redrawn) for i, one in enumerate(page.records("effects")))
    _check_effects(effects, model)
    return Posterior(
        replace(draws, effects=effects),
        _verdict(page.record("verdict")),
        None if evidence is None else Evidence(evidence.number("value"), evidence.number("error")),
        page.text("method"),
    )


# Group effects -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Redrawn:
    """The group effects of a kept fit, drawn by its engine from their origin when the first of them is asked for."""

    model: Any
    engine: Any
    origin: Origin
    device: str

    @cached_property
    def _effects(self) -> Sequence[Effects]:
        with devices.on(self.device):
            return tuple(self.engine.redraw(self.model, self.origin))

    def sample(self, m: int, position: int) -> np.ndarray:
        """Return the first m draws of the effects at a position, (m, J, k)."""
        return self._effects[position].sample(m)


def _effects_pages(draws: Draws, arrays: Arrays) -> list[dict[str, Any]]:
    room, pages = _MOST_DRAWN, []
    for effects in draws.effects:
        m = effects.n_draws if draws.origin is None else effects.affordable
        size = 8 * m * len(effects.levels) * len(effects.columns)
        drawn = draws.origin is None or size <= room
        room -= size if drawn else 0
        pages.append(_effects_page(effects, m if drawn else 0, arrays))
    return pages


def _effects_page(effects: Effects, m: int, arrays: Arrays) -> dict[str, Any]:
    return {
        "factor": effects.factor,
        "key": effects.key,
        "levels": arrays.texts("levels", effects.levels),
        "columns": arrays.texts("columns", effects.columns),
        "affordable": effects.affordable,
        "draws": arrays.add("effects", effects.first(m)) if m else None,
    }


def _effects(page: Record, position: int, S: int, redrawn: Redrawn | None) -> Effects:
    levels, columns = page.texts("levels"), page.texts("columns")
    affordable = page.whole("affordable", 1, S)
    held = None
    if redrawn is None or page.has("draws"):
        m = S if redrawn is None else affordable
        held = page.array("draws", "f", (m, len(levels), len(columns)))
    sample = partial(_first, held, redrawn, position)
    return Effects(page.text("factor"), levels, columns, S, sample, affordable, key=page.text("key"))


def _first(held: np.ndarray | None, redrawn: Redrawn | None, position: int, m: int) -> np.ndarray:
    """Return the first m draws of effects, (m, J, k), from those held where they are enough."""
    if held is not None and (m <= len(held) or redrawn is None):
        return held[:m]
    assert redrawn is not None
    return redrawn.sample(m, position)


def _origin_page(origin: Origin, arrays: Arrays) -> dict[str, Any]:
    return {
        "theta": arrays.add("theta", origin.theta),
        "common": arrays.add("common", origin.common),
        "seed": origin.seed,
        "known": {name: arrays.add("known", array) for name, array in origin.known.items()},
    }


def _origin(page: Record, S: int) -> Origin:
    known = page.record("known")
    return Origin(
        page.array("theta", "f", (S, None)),
        page.array("common", "f", (S, None)),
        page.whole("seed", most=2**4000),
        {name: known.array(name, "f") for name in known.fields},
    )


# What an answer must have for its model ------------------------------------------------------------------------------


def _check_names(names: tuple[str, ...], model: Any) -> None:
    if isinstance(model, Model):
        letters = shown_names(model)
        fits = names == tuple(letters.get(name, name) for name in model.scalar_names)
    else:
        held = zip(model.names, model.parameters, strict=True)
        fits = len(names) == sum(len(places(p)) for name, p in held if not model.by_levels(name, p))
    if not fits or len(set(names)) < len(names):
        raise damaged("its parameters are not those of its model")


def _check_effects(effects: tuple[Effects, ...], model: Any) -> None:
    if isinstance(model, Model):
        wanted = [(f.name, len(f.levels) * len(f.columns)) for f in model.factors]
        fits = [(e.factor, len(e.levels) * len(e.columns)) for e in effects] == wanted and all(
            e.levels == f.levels and e.columns == f.columns for e, f in zip(effects, model.factors, strict=True)
        )
    else:
        named = zip(model.names, model.parameters, strict=True)
        wanted = [(name, len(places(p))) for name, p in named if model.by_levels(name, p)]
        fits = [(e.name, len(e.levels) * len(e.columns)) for e in effects] == wanted
    if not fits:
        raise damaged("its group effects are not those of its model")


# An optimum ----------------------------------------------------------------------------------------------------------


def _optimum_page(answer: Optimum, arrays: Arrays) -> dict[str, Any]:
    modes, sds = answer.effects()
    return {
        "kind": "optimum",
        "verdict": _verdict_page(answer.verdict),
        "method": answer.method,
        "criterion": number(answer.criterion),
        "reml": answer.reml,
        "names": arrays.texts("names", answer.names),
        "values": arrays.add("values", answer.values),
        "errors": arrays.add("errors", answer.errors),
        "covariance": arrays.add("covariance", answer.covariance),
        "effects": [{"modes": arrays.add("modes", m), "sds": arrays.add("sds", s)} for m, s in zip(modes, sds)],
        "relative": [{"factor": arrays.add("relative", one)} for one in answer.relative],
    }


def _optimum(page: Record, model: Model) -> Optimum:
    names = page.texts("names")
    _check_names(names, model)
    m, p = len(names), len(model.design.column_names)
    shapes = [(len(f.levels), len(f.columns)) for f in model.factors]
    effects, relative = list(page.records("effects")), list(page.records("relative"))
    groups = model.design.groups
    if len(effects) != len(shapes) or len(relative) != len(groups):
        raise damaged("its group effects are not those of its model")
    found = (
        tuple(one.array("modes", "f", shape) for one, shape in zip(effects, shapes)),
        tuple(one.array("sds", "f", shape) for one, shape in zip(effects, shapes)),
    )
    return Optimum(
        page.number("criterion"),
        page.flag("reml"),
        names,
        page.array("values", "f", (m,)),
        page.array("errors", "f", (m,)),
        page.array("covariance", "f", (p, p)),
        lambda: found,
        tuple(one.array("factor", "f", (g.n_columns, g.n_columns)) for one, g in zip(relative, groups)),
        _verdict(page.record("verdict")),
        page.text("method"),
    )


def _verdict_page(verdict: Verdict) -> dict[str, Any]:
    return {
        "level": verdict.level,
        "sentence": verdict.sentence,
        "advice": verdict.advice,
        "notes": list(verdict.notes),
    }


def _verdict(page: Record) -> Verdict:
    level = page.text("level")
    if level not in _LEVELS:
        raise damaged("its verdict is of no known level")
    return Verdict(level, page.text("sentence"), page.text("advice"), page.words("notes"))
