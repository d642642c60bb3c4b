"""Commands: what `%lme` with one percent sign does - list, show, compare, keep and forget models, load by itself."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from IPython.display import display

from ..design.wording import listed
from ..display import escape
from ..errors import UsageError
from . import autoload, session, showing
from .cell import cell_output
from .kept_fits import cleared, kept_fits
from .listing import listing, under_way_words


def answer(line: str, shell: Any) -> Any:
    """Return what a `%lme` line asks for; None where it only says something.

    line: what stands behind `%lme`. shell: the running InteractiveShell. Raises UsageError for any other line.
    """
    words = line.split()
    if not words:
        return listing(session.fits(shell.user_ns))
    if len(words) == 1 and words[0] in dict(session.fits(shell.user_ns)):
        return _show(words[0], shell)  # a model may be called as a command is
    if words[0] in COMMANDS:
        return COMMANDS[words[0]](words[1:], shell)
    if "~" in line or len(words) > 1 or words[0].startswith("-"):
        raise UsageError(
            "%lme with one percent sign takes one name, or a command, or nothing to list the models.",
            hint=f"The commands are {listed(list(COMMANDS))}. "
            "To fit a model, begin the cell with %%lme and write the model below it.",
        )
    return _show(words[0], shell)


def say(sentence: str) -> None:
    """Show one quiet line."""
    shown = escape.html(sentence, 400)
    html = f'<div style="opacity:0.7;font-size:90%">{shown}</div>'
    display({"text/plain": sentence, "text/html": html}, raw=True)


def _show(name: str, shell: Any) -> Any:
    model = _model(name, shell.user_ns)
    under_way = showing.progress(model)
    if under_way is None or not under_way.active:
        return showing.show(name, model, shell)
    say(f"{name} is {under_way_words(under_way)}. Its panel stands where it was begun; %lme forget {name} gives it up.")
    return None


def _model(name: str, namespace: Mapping[str, Any]) -> Any:
    fits = dict(session.fits(namespace))
    if name in fits:
        return fits[name]
    known = f"The notebook's models: {listed(list(fits))}." if fits else "The notebook's models: none yet."
    close = difflib.get_close_matches(name, fits, 1)
    raise UsageError(
        f'There is no model called "{escape.shorten(name)}".',
        hint=f"Did you mean {close[0]}? {known}" if close else known,
    )


def _compare(names: list[str], shell: Any) -> Any:
    from ..fit.comparison import compare

    if len(dict.fromkeys(names)) < 2:
        raise UsageError(
            "%lme compare takes the names of two models or more.",
            hint=f"The notebook's models: {listed([name for name, _ in session.fits(shell.user_ns)]) or 'none yet'}.",
        )
    return compare({name: _model(name, shell.user_ns) for name in names})


def _forget(names: list[str], shell: Any) -> None:
    if not names:
        raise UsageError("%lme forget takes the name of a model, or several.", hint="%lme lists the models.")
    models = {name: _model(name, shell.user_ns) for name in names}  # a wrong name is told before any is gone
    for name, model in models.items():
        say(_forgotten(name, model, shell))


def _forgotten(name: str, model: Any, shell: Any) -> str:
    """Take a model out of the notebook, and return the sentence that says so."""
    for fit in (model, *session.kept(name, shell)):
        cell_output.close(fit)
        session.forget(name, fit, shell)
    cell_output.close(name=name)
    others = [other for other, value in session.fits(shell.user_ns) if value is model]
    if others:
        return f"{name} is forgotten; the model itself stays, because {listed(others)} holds it too."
    return f"{name} is forgotten, and its memory is free for other things."


def _autoload(words: list[str], shell: Any) -> None:
    if len(words) > 1 or (words and words[0] not in ("on", "off")):
        raise UsageError("%lme autoload takes on or off, or nothing to say which it is.")
    if getattr(shell, "profile_dir", None) is None:
        raise UsageError("This IPython has no profile, so nothing can be loaded by itself.")
    folder = shell.profile_dir.startup_dir
    say(autoload.switch(folder, words[0] == "on") if words else autoload.state(folder))


def _cache(words: list[str], shell: Any) -> Any:
    if words not in ([], ["clear"]):
        raise UsageError("%lme cache takes clear, or nothing to list the kept fits.")
    magics = shell.magics_manager.registry.get("LmeMagics")
    if magics is None:
        raise UsageError("The folder of kept fits is known once the extension is loaded: %load_ext probflow_nb")
    if not words:
        return kept_fits(magics.kept_fits)
    say(cleared(magics.kept_fits))
    return None


COMMANDS: Mapping[str, Callable[[list[str], Any], Any]] = {
    "compare": _compare,
    "forget": _forget,
    "autoload": _autoload,
    "cache": _cache,
}
