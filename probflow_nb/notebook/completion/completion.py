"""Completion: the matcher that answers for our cells in IPython's completer, and for nothing else."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from .column_roles import Roles
from .cursor import Cursor, cursor
from .scene import Scene
from .shared_beginning import listable
from .vocabulary import Word

_NAME = "probflow_nb"
# IPython's own matchers have at most this priority less one.
_FIRST = 1_000
_LOG = logging.getLogger(__name__)


class Nothing(Sequence[SimpleCompletion]):
    """No completions, said in a way that still keeps Python's from the cell.

    The completer asks for the length of what wishes to stand alone, and drops the wish when that is 0.
    """

    def __len__(self) -> int:
        return 1

    def __bool__(self) -> bool:
        return False

    def __iter__(self) -> Iterator[SimpleCompletion]:
        return iter(())

    def __getitem__(self, index: Any) -> Any:
        raise IndexError(index)


def install(shell: Any) -> None:
    """Let IPython's completer of a shell answer in `%%lme` cells and on `%lme` lines."""
    remove(shell)
    roles = Roles()

    @context_matcher(priority=_FIRST, identifier=_NAME)
    def match(context: CompletionContext) -> SimpleMatcherResult:
        lines = context.full_text.split("\n")[: context.cursor_line]
        at = sum(len(line) + 1 for line in lines) + context.cursor_position
        here = cursor(context.full_text, at)
        if here is None:
            return SimpleMatcherResult(completions=[], suppress=False)
        fragment, words = completions(here, shell, roles)
        if not words:
            return SimpleMatcherResult(completions=Nothing(), suppress=True, matched_fragment="")
        held = [SimpleCompletion(text=text, type=kind) for text, kind in words]
        return SimpleMatcherResult(completions=held, suppress=True, ordered=True, matched_fragment=fragment)

    shell.Completer.custom_matchers.append(match)


def remove(shell: Any) -> None:
    """Take the matcher away again."""
    held = shell.Completer.custom_matchers
    held[:] = [m for m in held if getattr(m, "matcher_identifier", None) != _NAME]


def completions(here: Cursor, shell: Any, roles: Roles) -> tuple[str, list[tuple[str, str]]]:
    """Return the text before the cursor that is replaced, and (text, kind) of what can replace it, the best first.

    shell: the InteractiveShell whose names are looked at. Whatever is wrong with the person's own objects, the
    answer is at worst empty: typing must never be met by an error.
    """
    try:
        fragment, words = _complete(here, shell, roles)
    except Exception:
        _LOG.debug("no completions", exc_info=True)
        return "", []
    behind = (here.body if here.in_body else here.line)[here.at : here.at + 1]
    return listable(fragment, [(_trimmed(word.inserted, behind), word.kind) for word in words])


def _complete(here: Cursor, shell: Any, roles: Roles) -> tuple[str, list[Word]]:
    from . import body_completion, line_completion

    scene = Scene(here, shell.user_ns)
    if here.in_body:
        return body_completion.complete(scene, roles)
    return line_completion.complete(scene, shell.magics_manager.magics["cell"]["lme"].parser)


def _trimmed(text: str, behind: str) -> str:
    """Leave out the bracket or quote that stands behind the cursor already."""
    return text[:-1] if behind and behind in "(`]" and text.endswith(behind) and len(text) > 1 else text
