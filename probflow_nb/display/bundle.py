"""Bundle: a card in every form that a notebook may ask for."""

from __future__ import annotations

from collections.abc import Callable, Collection

from . import html, latex, markdown, text
from .card import Card

RENDERERS: dict[str, Callable[[Card], str]] = {
    "text/html": html.render,
    "text/plain": text.render,
    "text/latex": latex.render,
    "text/markdown": markdown.render,
}


def mimebundle(
    card: Card, include: Collection[str] | None = None, exclude: Collection[str] | None = None
) -> dict[str, str]:
    """Return a card by media type; `include` and `exclude` are those of IPython's `_repr_mimebundle_`.

    Only the forms that are asked for are rendered.
    """
    wanted = [kind for kind in RENDERERS if include is None or kind in include]
    return {kind: RENDERERS[kind](card) for kind in wanted if not exclude or kind not in exclude}
