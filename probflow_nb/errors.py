"""Errors, one class a stage; each shows the person's own text with carets under the fault.

Every message has three parts: what was found (one sentence), where (the line of the text, carets under the
fault), and what to do next (the hint, one sentence).
"""

from __future__ import annotations

from dataclasses import dataclass

# Characters of one line of a text that an error shows.
_WIDEST = 160


@dataclass(frozen=True, order=True)
class Span:
    """A half-open range of character offsets into a model text.

    start: offset of the first character.
    stop: offset after the last character.
    """

    start: int
    stop: int

    def __or__(self, other: Span) -> Span:
        """Return the smallest span that covers both."""
        return Span(min(self.start, other.start), max(self.stop, other.stop))


class ProbflowError(Exception):
    """Any fault that a person can mend; its string is complete and needs no traceback.

    message: one sentence that says what was found and what is allowed.
    text: the whole model text, when the fault lies in it.
    span: the faulty part of the text.
    hint: one sentence that says what to do next.
    """

    def __init__(
        self, message: str, *, text: str | None = None, span: Span | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.span = span
        self.hint = hint

    def within(self, text: str) -> ProbflowError:
        """Remember the model text, so that the message can show it; returns the error itself."""
        if self.text is None:
            self.text = text
        return self

    def __str__(self) -> str:
        parts = [self.message]
        if self.text is not None and self.span is not None:
            parts.append(excerpt(self.text, self.span))
        if self.hint:
            parts.append(self.hint)
        return "\n".join(parts)

    def _render_traceback_(self) -> list[str]:
        """IPython shows these lines in place of a traceback."""
        return f"{type(self).__name__}: {self}".split("\n")


class ParseError(ProbflowError):
    """The text does not follow the grammar."""


class SpecError(ProbflowError):
    """The text is well formed but means no model."""


class DataError(ProbflowError):
    """The model does not fit the data: a column is missing, is text, is constant."""


class EngineError(ProbflowError):
    """The engine cannot fit this model, or its options are wrong."""


class FitError(ProbflowError):
    """A question that this fit cannot answer."""


class KeepError(ProbflowError):
    """A fit cannot be written to a file, or a file holds no fit that can be read."""


class UsageError(ProbflowError):
    """A magic was called with the wrong words."""


def excerpt(text: str, span: Span) -> str:
    """Return the line that holds the start of the span, with carets under the span.

    A span at the end of the text gets one caret after the last character. Of a line that is too long to be read, the
    part around the start of the span is shown.
    """
    start = min(max(span.start, 0), len(text))
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", first)
    last = len(text) if last < 0 else last
    width = max(1, min(span.stop, last) - start)
    left, right = "", ""
    if last - first > _WIDEST:
        if start - first > _WIDEST // 2:
            first, left = start - _WIDEST // 4, "... "
        if last - first > _WIDEST:
            last, right = first + _WIDEST, " ..."
        width = min(width, last - start)
    # Tabs are kept in the margin so that the carets stay under the fault.
    margin = "".join("\t" if c == "\t" else " " for c in text[first:start])
    return f"    {left}{text[first:last]}{right}\n    {' ' * len(left)}{margin}{'^' * width}"
