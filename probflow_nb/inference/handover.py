"""Handover: NUTS goes on where the correction of Laplace cannot be trusted, started and scaled from what is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..model.model import Model
from ..posterior.verdict import Verdict
from . import preconditioning
from .engine import Glimpse, Info, Posterior
from .nuts import NUTS, NutsState

# khat from which the correction is not trusted (Vehtari et al. 2024, section 3.2.4), and from which it is not where few
# draws count: then khat itself is known to no better than 0.1, and the ends of intervals were seen to be off by 0.4 sd.
_BAD, _POOR = 0.7, 0.4
_FEW_SHARE = 0.25
# Seconds that NUTS may be expected to take, and numbers that its draws may hold.
_LONGEST = 3600.0
_MOST_NUMBERS = 4e8
# Seconds of one gradient for a row and a column of its linear predictor, and gradients of a draw, about.
_SECONDS, _GRADIENTS = 1.5e-8, 20.0


@dataclass(frozen=True, eq=False)
class Handover:
    """NUTS in Laplace's place: its engine and state, or why it was not started; khat: of Laplace's weights."""

    engine: NUTS
    state: NutsState
    khat: float
    refused: str = ""

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return bool(self.refused) or self.state.done

    def step(self, model: Model) -> tuple[Handover, Info]:
        """Return the handover a step of NUTS further."""
        state, info = self.engine.step(model, self.state)
        return replace(self, state=state), replace(info, phase=f"handed over: {info.phase}")

    def glimpse(self, model: Model, most: int) -> Glimpse | None:
        """Return draws of NUTS, or None while it has none."""
        return self.engine.glimpse(model, self.state, most)

    def extended(self, model: Model, draws: int) -> Handover:
        """Return the handover with so many draws more to come."""
        engine, state = self.engine.extend(model, self.state, draws)
        return replace(self, engine=engine, state=state)

    def result(self, model: Model) -> Posterior:
        """Return what NUTS found; the verdict begins with why it was asked."""
        found = self.engine.result(model, self.state)
        verdict = found.verdict
        why = f"Laplace handed over to NUTS, because its correction was too uneven (khat {self.khat:.2f})."
        return Posterior(
            found.draws,
            Verdict(verdict.level, f"{why} {verdict.sentence}", verdict.advice, verdict.notes),
            None,
            f"handed over by Laplace; {found.method[0].lower()}{found.method[1:]}",
        )

    def told(self, posterior: Posterior) -> Posterior:
        """Return Laplace's answer with a verdict that says why NUTS did not go on, or had nothing yet."""
        verdict = posterior.verdict
        if self.refused:
            sentence = f"{verdict.sentence} NUTS was not asked to go on, because {self.refused}."
        else:
            sentence = f"{verdict.sentence} NUTS had taken over and was stopped before it had draws."
        level = "bad" if self.khat >= _BAD else "caution"
        return replace(posterior, verdict=replace(verdict, level=level, sentence=sentence))


def needed(khat: float, ess: float, draws: int) -> bool:
    """Return whether the correction of so many draws is too uneven to answer with."""
    return khat >= _BAD or (khat >= _POOR and ess < _FEW_SHARE * draws)


def begin(model: Model, laplace: Any, draws: int, chains: int, khat: float) -> Handover:
    """Return the handover of a state of Laplace, nothing of it done."""
    chains = min(chains, 256)
    engine = NUTS(draws=-(-draws // chains) * chains, chains=chains)
    known = preconditioning.of_laplace(model, laplace, laplace.seed)
    state = replace(engine.init(model, laplace.seed), known=known)
    return Handover(engine, state, khat, too_much(model, draws))


def too_much(model: Model, draws: int) -> str:
    """Return why NUTS is not started on a model, in words that follow "because"; "" where it is."""
    n, columns = len(model.design.y), model.design.X.shape[1] + 2 * sum(len(f.columns) for f in model.factors)
    seconds = (draws + 1200) * _GRADIENTS * (_SECONDS * n * (2 + columns))
    if seconds > _LONGEST:
        return f"it would take about {max(seconds / 3600.0, 1.0):,.0f} h on {n:,} rows"
    size = model.density.size
    if float(size) * draws > _MOST_NUMBERS:
        return f"{draws:,} draws of {size:,} numbers would not fit into memory"
    return ""
