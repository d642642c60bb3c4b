"""What the widgets send to a page: every file's code, in order, without what is there for readers only."""

from __future__ import annotations

from pathlib import Path

import pytest

from probflow_nb.notebook import front as module
from probflow_nb.notebook.front import front

FILES = sorted((Path(module.__file__).parent / "static").glob("*.*"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_code_stays_and_comments_go(path: Path) -> None:
    sent = front(path.name).splitlines()
    read = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line for line in sent if line not in read] == []
    left_out = [line for line in read if line and line not in sent]
    assert all(line.startswith(("//", "/*")) for line in left_out)
    assert not any(line.startswith("//") for line in sent)


def test_files_follow_each_other() -> None:
    both = front("draw.js", "panel.js")
    assert both == f"{front('draw.js')}\n{front('panel.js')}"
    assert both.endswith("export default { render };")
