"""Loop: a run pulled to its end, or until an interrupt, with its progress shown."""

from __future__ import annotations

import sys
from dataclasses import replace

from ..display.progress import Progress, TextProgress
from ..inference import Run


def pull(run: Run, progress: Progress | None = None) -> None:
    """Pull a run to its end and show every step.

    progress: told of every step; without one a line on stderr appears after half a second.
    An interrupt closes the run, and is raised again if there is nothing to answer yet.
    """
    shown = TextProgress(sys.stderr) if progress is None else progress
    because = f"{type(run.engine).__name__}, because {run.reason}: " if run.reason else ""
    try:
        for event in run:
            shown.show(replace(event, phase=because + event.phase) if because else event)
    except KeyboardInterrupt:
        run.close()
        if not run.ready:
            raise
    finally:
        shown.close()
