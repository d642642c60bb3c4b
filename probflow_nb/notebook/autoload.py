"""Autoload: one startup file in the person's own IPython profile, written and removed at their word."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError

NAME = "50-probflow_nb.py"
# One expression, so that no name of its own appears in the notebook; where the package is missing nothing happens.
_TEXT = """\
# Written by `%lme autoload on`; `%lme autoload off` removes it.
__import__("importlib.util").util.find_spec("probflow_nb") and get_ipython().run_line_magic("load_ext", "probflow_nb")
"""


def switch(folder: str | Path, on: bool) -> str:
    """Write or remove the startup file of a profile, and return a sentence that says what is so now.

    folder: where IPython looks for startup files. Raises UsageError if there is a file of another's, or no permission.
    """
    path = Path(folder) / NAME
    try:
        written = path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
        if written is not None and written != _TEXT:
            raise UsageError(
                f"{path} is not a file that `%lme autoload on` wrote, so it was left as it is.",
                hint="Move it away, or edit it by hand.",
            )
        if on and written is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_TEXT, encoding="utf-8")
        elif written is not None and not on:
            path.unlink()
    except OSError as error:
        raise UsageError(
            f"{path} could not be {'written' if on else 'removed'}: {error.strerror or error}.",
            hint="Put `%load_ext probflow_nb` into the first cell instead." if on else "",
        ) from None
    return _sentence(path, on, written is not None)


def state(folder: str | Path) -> str:
    """Return a sentence that says whether the extension is loaded by itself.

    Raises UsageError if there is a file that may not be read.
    """
    path = Path(folder) / NAME
    try:
        on = path.is_file() and path.read_text(encoding="utf-8", errors="replace") == _TEXT
    except OSError as error:
        raise UsageError(f"{path} could not be read: {error.strerror or error}.") from None
    return _sentence(path, on, on)


def _sentence(path: Path, on: bool, was: bool) -> str:
    if on:
        return f"Every new kernel of this profile loads probflow_nb by itself, by {path}"
    gone = f" {path} was removed." if was else ""
    return f"New kernels load probflow_nb only by %load_ext probflow_nb.{gone}"
