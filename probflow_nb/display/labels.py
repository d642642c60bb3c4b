"""Labels: names inside a picture, in glyphs that exist and in a width that is free."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from . import escape

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties

# Families that carry what the theme's font lacks, by how good they look beside it.
_FALLBACKS = (
    "Noto Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Source Han Sans",
    "Hiragino Sans",
    "PingFang SC",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "IPAGothic",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Arial Unicode MS",
    "Segoe UI Symbol",
    "Noto Emoji",
    "Symbola",
)
_UNDRAWABLE = "□"


@lru_cache(maxsize=8)
def families(preferred: tuple[str, ...]) -> tuple[str, ...]:
    """Return the installed font families, the preferred ones first, then those with more scripts."""
    from matplotlib import font_manager

    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    found = [name for name in (*preferred, *_FALLBACKS) if name in installed]
    # matplotlib brings DejaVu Sans along, so that one is always there.
    return tuple(dict.fromkeys(found)) or ("DejaVu Sans",)


def font(preferred: tuple[str, ...], size: float, texts: Sequence[str] = ()) -> FontProperties:
    """Return the font for some texts: the preferred family and, only where it lacks a glyph, the others."""
    from matplotlib.font_manager import FontProperties

    names = families(preferred)
    lacking = any(not _covers(names[0], c) for text in texts for c in set(text))
    return FontProperties(family=list(names if lacking else names[:1]), size=size)


@lru_cache(maxsize=4096)
def _covers(family: str, character: str) -> bool:
    from matplotlib import font_manager

    path = font_manager.findfont(font_manager.FontProperties(family=family), fallback_to_default=True)
    return font_manager.get_font(path).get_char_index(ord(character)) != 0


def drawable(text: str, preferred: tuple[str, ...]) -> str:
    """Return the text with a box for every character that no font here has: drawing never warns."""
    names = families(preferred)
    shown = escape.visible(text)
    return "".join(c if any(_covers(name, c) for name in names) else _UNDRAWABLE for c in shown)


def extent(text: str, size: float, preferred: tuple[str, ...]) -> float:
    """Return the width of a text in points, wide and unknown characters counted as an em."""
    return size * sum(_advance(c, families(preferred)[0]) for c in text)


@lru_cache(maxsize=4096)
def _advance(character: str, family: str) -> float:
    from matplotlib import font_manager, ft2font

    if not _covers(family, character):
        return 1.0
    path = font_manager.findfont(font_manager.FontProperties(family=family))
    face = font_manager.get_font(path)
    face.set_size(100.0, 72.0)
    # matplotlib 3.10 made the flags an enumeration; before, they were numbers of the module.
    flags: Any = ft2font.LoadFlags.NO_HINTING if hasattr(ft2font, "LoadFlags") else 2
    glyph = face.load_char(ord(character), flags=flags)
    return glyph.linearHoriAdvance / 65536 / 100


def fit(text: str, room: float, size: float, preferred: tuple[str, ...]) -> str:
    """Return a drawable text at most `room` points wide, an ellipsis in the middle for what is left out."""
    shown = drawable(escape.shorten(text, 2 * escape.LIMIT), preferred)
    limit = len(shown)
    while limit > 1 and extent(shown, size, preferred) > room:
        limit = min(limit - 1, max(1, int(limit * room / extent(shown, size, preferred)) + 1))
        shown = escape.shorten(drawable(escape.shorten(text, 2 * escape.LIMIT), preferred), limit)
    return shown
