"""Drawn: a matplotlib Figure that a notebook shows without being asked to, with words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING

from . import picture
from .stylesheet import PICTURE
from .theme import LIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@cache
def drawn() -> type[Figure]:
    """Return the class of the figures that a fit's plots return; matplotlib is loaded with the first one."""
    from matplotlib.colors import to_hex
    from matplotlib.figure import Figure as Plain

    class Drawn(Plain):
        """A Figure with words; without them it says nothing of what it shows."""

        words = ""

        def _repr_mimebundle_(
            self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
        ) -> dict[str, str]:
            # A Figure outside pyplot has no picture in a notebook, and one of pyplot has no alt text.
            # One that a person has put on paper of another colour keeps it in the dark.
            kind = "figure" if to_hex(self.get_facecolor()) == LIGHT.background else "picture"
            shown = f"<style>{PICTURE}</style>{picture.image(self, self.words, kind)}"
            return {"text/html": shown, "text/plain": self.words or repr(self)}

        def __reduce__(self) -> tuple:
            # Kept as what anybody can read back: a plain Figure.
            return (Plain, (), self.__getstate__())

    return Drawn


def described(figure: Figure, words: str) -> Figure:
    """Return a figure that says in words what it shows."""
    figure.words = words  # type: ignore[attr-defined]
    return figure
