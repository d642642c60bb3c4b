"""Theme: the one look of every picture and page, in light and in dark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Colours, font and sizes of a picture.

    background, ink, muted, rule: paper, text, secondary text and thin lines.
    common, variance, correlation: the hue of each role of parameter, apart for every common kind of colour
        blindness (M. Okabe and K. Ito, Color Universal Design, 2008); labels say the role too.
    fonts: families in order of preference; those that a computer lacks are passed over.
    size, small: points of titles and of tick labels.
    width: inches of a full-width picture, drawn at 100 pixels of the page an inch.
    """

    background: str = "#ffffff"
    ink: str = "#1f2328"
    muted: str = "#59636e"
    rule: str = "#d1d9e0"
    common: str = "#0072b2"
    variance: str = "#c25500"
    correlation: str = "#008a66"
    fonts: tuple[str, ...] = ("DejaVu Sans",)
    size: float = 8.4
    small: float = 7.2
    width: float = 7.2

    def hue(self, role: str) -> str:
        """Return the colour of a role: "common", "variance" or "correlation"; the ink for any other."""
        hues = {"common": self.common, "variance": self.variance, "correlation": self.correlation}
        return hues.get(role, self.ink)


LIGHT = Theme()
DARK = Theme(
    background="#121212",
    ink="#e3e6ea",
    muted="#9aa4af",
    rule="#3a4149",
    common="#56b4e9",
    variance="#f0923e",
    correlation="#2fbf97",
)


@dataclass(frozen=True)
class Sign:
    """How a verdict level is marked: an icon, a word and two colours; never a colour alone."""

    icon: str
    word: str
    light: str
    dark: str


SIGNS: dict[str, Sign] = {
    "fine": Sign("✓", "Fine", "#00694d", "#4fcfa5"),
    "caution": Sign("!", "Caution", "#8a5a00", "#f0b43e"),
    "bad": Sign("✕", "Not to be trusted", "#b3261e", "#ff8a80"),
    "none": Sign("○", "Not fitted yet", "#59636e", "#9aa4af"),
}


def said(level: str, sentence: str) -> str:
    """Return a verdict's sentence, or nothing where it only repeats the word of its mark."""
    return "" if sentence.rstrip(".") == sign(level).word else sentence


def sign(level: str) -> Sign:
    """Return the mark of a verdict level; an unknown level keeps its own name as the word."""
    found = SIGNS.get(level)
    return found or Sign("○", level.capitalize() or "Unknown", SIGNS["none"].light, SIGNS["none"].dark)
