"""Draws: the posterior by name, every array with its coordinates; group effects are made when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..errors import FitError


@dataclass(frozen=True)
class Quality:
    """How well the draws know one scalar.

    ess_bulk, ess_tail: effective sample sizes of the centre and of the 5% and 95% points. rhat: of the chains, NaN for
    independent draws. khat: of the importance weights, NaN without weights. mcse: standard error of the mean.
    """

    ess_bulk: float
    ess_tail: float
    rhat: float
    khat: float
    mcse: float


@dataclass(frozen=True, eq=False, repr=False)
class Effects:
    """The group effects of one factor, drawn exactly given the other parameters when they are asked for.

    factor: its name. levels: J names. columns: k names. n_draws: how many draws of the other parameters there are.
    sample: makes the effects of the first m draws, (m, J, k); the same numbers each time.
    affordable: how many draws summaries use; fewer than all where each costs much.
    key: the parameter's name among the draws; "" for "b[factor]".
    """

    factor: str
    levels: tuple[str, ...]
    columns: tuple[str, ...]
    n_draws: int
    sample: Callable[[int], np.ndarray]
    affordable: int
    _kept: dict[int, np.ndarray] = field(default_factory=dict, repr=False)
    key: str = ""

    @property
    def name(self) -> str:
        """The parameter's name among the draws, "b[Subject]" or "u"."""
        return self.key or f"b[{self.factor}]"

    def __repr__(self) -> str:
        return f"{self.name}: {len(self.levels):,} levels x {len(self.columns):,} columns"

    def first(self, m: int) -> np.ndarray:
        """Return the effects of the first m draws, (m, J, k)."""
        for size, values in self._kept.items():
            if size >= m:
                return values[:m]
        self._kept.clear()
        # Sums depend on the order in memory, in their last digit; a kept fit has the arrays in this one.
        self._kept[m] = np.ascontiguousarray(self.sample(m))
        return self._kept[m]

    def affordable_sample(self) -> np.ndarray:
        """Return the effects of as many draws as summaries use, (m, J, k)."""
        return self.first(self.affordable)


@dataclass(frozen=True, eq=False)
class Origin:
    """What group effects are drawn from when they are asked for, so that a kept fit draws the same ones.

    theta: (S, d). common: (S, q), the coefficients, or all that is drawn with theta. seed: of the draws.
    known: further arrays by name that an engine has learned and that the draws hang on.
    """

    theta: np.ndarray
    common: np.ndarray
    seed: int
    known: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, repr=False)
class Draws(Mapping[str, np.ndarray]):
    """Posterior draws: names to arrays (chain, draw, ...).

    names: the scalars, in the order shown. scalars: (chain, draw, scalar). qualities: one a scalar.
    effects: one a factor, under "b[factor]" with axes (chain, draw, level, column).
    aliases: further names, such as those of the formula that statements stand for, to the names shown.
    origin: what the effects are drawn from, None where they are drawn already.
    """

    names: tuple[str, ...]
    scalars: np.ndarray
    qualities: tuple[Quality, ...]
    effects: tuple[Effects, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    origin: Origin | None = None

    def __repr__(self) -> str:
        lines = [f"Draws: {self.n_chains:,} chains of {self.n_draws:,}, arrays (chain, draw, ...) by name"]
        lines += [f"  {', '.join(self.names)}"] if self.names else []
        lines += [f"  {effects!r}" for effects in self.effects]
        return "\n".join(lines)

    @property
    def n_chains(self) -> int:
        """Number of chains."""
        return int(self.scalars.shape[0])

    @property
    def n_draws(self) -> int:
        """Number of draws a chain."""
        return int(self.scalars.shape[1])

    def flat(self, name: str) -> np.ndarray:
        """Return one scalar's draws, all chains in one row, (S,)."""
        return self[name].reshape(-1)

    @property
    def table(self) -> np.ndarray:
        """The scalars' draws, all chains in one column each, (S, scalar)."""
        return self.scalars.reshape(self.n_chains * self.n_draws, len(self.names))

    def factor(self, name: str) -> Effects:
        """Return the group effects of a factor; FitError if there is none of that name."""
        for effects in self.effects:
            if effects.factor == name:
                return effects
        raise FitError(
            f'There is no grouping factor "{name}" in this fit.',
            hint=f"Its factors: {', '.join(e.factor for e in self.effects) or 'none'}.",
        )

    def coords(self, name: str) -> dict[str, tuple[str, ...]]:
        """Return the axes of one array beyond (chain, draw) with their labels."""
        name = self._shown(name)
        if name in self.names:
            return {}
        effects = self._named(name) or self.factor(name)
        return {"level": effects.levels, "column": effects.columns}

    def __getitem__(self, name: str) -> np.ndarray:
        name = self._shown(name)
        if name in self.names:
            return self.scalars[:, :, self.names.index(name)]
        effects = self._named(name)
        if effects is None:
            raise KeyError(f"{name!r} is none of {', '.join(self)}")
        values = effects.first(effects.n_draws)
        return values.reshape(self.n_chains, self.n_draws, *values.shape[1:])

    def __iter__(self) -> Iterator[str]:
        yield from self.names
        for effects in self.effects:
            yield effects.name

    def __len__(self) -> int:
        return len(self.names) + len(self.effects)

    def _shown(self, name: str) -> str:
        return name if name in self.names else self.aliases.get(name, name)

    def _named(self, name: str) -> Effects | None:
        return next((effects for effects in self.effects if effects.name == name), None)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._shown(name) in tuple(self)


@dataclass(frozen=True)
class Evidence:
    """The log evidence log p(y) with its Monte Carlo standard error."""

    value: float
    error: float

    def __float__(self) -> float:
        return self.value
