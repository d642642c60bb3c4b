"""Front: the JavaScript and style sheets of the widgets, put together from the files in `static/`.

The files hold plain functions, no import and no export but the last one's; a widget's module is some of them one after
the other. So there is no build step, and nothing that was generated.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def front(*names: str) -> str:
    """Return the text of some files of `static/`, one after the other, without indents and whole-line comments.

    Each widget sends it to the page once more; a fifth of it would be for those who read the files.
    """
    folder = files(__package__) / "static"
    lines = [line.strip() for name in names for line in (folder / name).read_text(encoding="utf-8").splitlines()]
    return "\n".join(line for line in lines if line and not _is_comment(line))


def _is_comment(line: str) -> bool:
    return line.startswith("//") or (line.startswith("/*") and line.find("*/") == len(line) - 2)


def known(*names: str) -> tuple[str, ...]:
    """Return those of some names that are files of `static/`."""
    folder = files(__package__) / "static"
    return tuple(name for name in names if (folder / name).is_file())
