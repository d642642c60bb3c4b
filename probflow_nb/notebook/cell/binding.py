"""Binding: where the notebook holds a fit, and how a newer one takes its place there."""

from __future__ import annotations

from typing import Any

_MISSING = object()
_UNDERS = ("_", "__", "___")


class Binding:
    """The variable of a fit: it is set only while it still holds what this cell, or its panel, put there.

    shell: the running InteractiveShell. name: of the variable, or "" where only IPython's own `_` and Out hold the fit.
    """

    def __init__(self, shell: Any, name: str) -> None:
        self._shell = shell
        self.name = name
        self._held = shell.user_ns.get(name, _MISSING) if name else _MISSING
        self._shown: Any = _MISSING

    def put(self, value: Any) -> None:
        """Bind the name to a value, and let it take the former one's place in `_` and Out.

        What a person has put under the name meanwhile stays, and a name that a person has deleted is not made again.
        """
        if self.name and self._shell.user_ns.get(self.name, _MISSING) is self._held:
            self._shell.user_ns[self.name] = self._held = value
        if self._shown is not _MISSING:
            _replace(self._shell, self._shown, value)
        self._shown = value


def _replace(shell: Any, former: Any, value: Any) -> None:
    # IPython knows by the hidden names whether a person took one of its own.
    for held in (shell.user_ns, shell.user_ns_hidden, shell.user_ns.get("_oh", {})):
        for key, there in list(held.items()):
            if there is former and (not isinstance(key, str) or key.startswith("_")):
                held[key] = value
    for under in _UNDERS:
        if getattr(shell.displayhook, under, None) is former:
            setattr(shell.displayhook, under, value)
