"""Loop: a run pulled to its end, or until an interrupt, with its progress shown."""

from __future__ import annotations

from dataclasses import replace

from ..display.progress import Progress, new_progress
from ..errors import FitError
from ..inference import Run


def pull(run: Run, progress: Progress | None = None) -> None:
    """Pull a run to its end and show every step.

    progress: told of every step; without one a bar, or a line on stderr, appears after half a second.
    An interrupt closes the run, and is raised again if there is nothing to answer yet.
    """
    shown = new_progress() if progress is None else progress
    if not all(callable(getattr(shown, name, None)) for name in ("show", "close")):
        raise FitError(
            f"progress must be something that shows steps, not {progress!r:.60}.", hint="Leave it out for a bar."
        )
    # An engine that the person did not name is named here; the fit says why it was chosen.
    named = f"{type(run.engine).__name__}: " if run.reason else ""
    try:
        for event in run:
            shown.show(replace(event, phase=named + event.phase) if named else event)
    except KeyboardInterrupt:
        run.close()
        if not run.ready:
            raise
    finally:
        shown.close()
