"""Note: what Shift-Tab shows of a name, as plain text and as HTML."""

from __future__ import annotations

from dataclasses import dataclass

from ...display import escape

_LONGEST = 400


@dataclass(frozen=True)
class Note:
    """A few facts about a name; all texts are plain and may hold anything.

    name: what it is about. kind: what that is, such as "column of sleep (180 rows)". facts: (what, value) pairs.
    advice: sentences.
    """

    name: str
    kind: str
    facts: tuple[tuple[str, str], ...] = ()
    advice: tuple[str, ...] = ()

    @property
    def bundle(self) -> dict[str, str]:
        """The note by MIME type."""
        return {"text/plain": self.plain, "text/html": self.html}

    @property
    def plain(self) -> str:
        """The note in monospaced text."""
        width = max((len(what) for what, _ in self.facts), default=0)
        head = f"{escape.plain(self.name)}  {escape.plain(self.kind, _LONGEST)}"
        facts = [f"  {what:<{width}}  {escape.plain(value, _LONGEST)}" for what, value in self.facts]
        return "\n".join([head, *facts, *(escape.plain(sentence, _LONGEST) for sentence in self.advice)])

    @property
    def html(self) -> str:
        """The note as HTML without styles, scripts and links."""
        head = f"<p><strong>{escape.html(self.name)}</strong> {escape.html(self.kind, _LONGEST)}</p>"
        rows = "".join(
            f"<tr><th>{escape.html(what)}</th><td>{escape.html(value, _LONGEST)}</td></tr>"
            for what, value in self.facts
        )
        table = f"<table><tbody>{rows}</tbody></table>" if rows else ""
        return head + table + "".join(f"<p>{escape.html(sentence, _LONGEST)}</p>" for sentence in self.advice)
