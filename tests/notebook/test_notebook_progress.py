"""The bar in a notebook, under a clock that the test turns."""

from __future__ import annotations

from types import SimpleNamespace

import IPython.display
import pytest

from probflow_nb.notebook.progress import NotebookProgress, Waiting


class Page:
    """Stands in for the notebook: every bundle that was shown, and how often a new display was opened."""

    def __init__(self) -> None:
        self.bundles: list[dict[str, str]] = []
        self.opened = 0

    def display(self, bundle, raw, display_id):
        assert raw
        assert display_id
        self.opened += 1
        self.bundles.append(bundle)
        return SimpleNamespace(update=lambda bundle, raw: self.bundles.append(bundle))


@pytest.fixture
def page(monkeypatch) -> Page:
    page = Page()
    monkeypatch.setattr(IPython.display, "display", page.display)
    return page


def event(step: int, total: int = 100, phase: str = "drawing") -> SimpleNamespace:
    return SimpleNamespace(step=step, total=total, phase=phase, objective=None)


def test_a_quick_fit_leaves_no_trace(page):
    now = 0.0
    bar = NotebookProgress(clock=lambda: now)
    for step in range(100):
        now = step * 0.004
        bar.show(event(step))
    bar.close()
    assert page.bundles == []


def test_a_slow_fit_is_one_display_five_times_a_second_at_most(page):
    now = 0.0
    bar = NotebookProgress(clock=lambda: now)
    for step in range(1, 101):
        now = step * 0.03
        bar.show(event(step))
    assert page.opened == 1
    assert 8 <= len(page.bundles) <= 13
    bar.close()
    last = page.bundles[-1]
    assert 'aria-valuenow="100"' in last["text/html"]
    assert "drawing" in last["text/html"]
    assert "3.0 s" in last["text/html"]
    assert "3.0 s" in last["text/plain"]
    bar.close()
    bar.show(event(1))
    assert page.bundles[-1] is last


def test_a_stopped_fit_does_not_claim_to_be_complete(page):
    now = 0.0
    bar = NotebookProgress(clock=lambda: now)
    now = 1.0
    bar.show(event(40))
    bar.close()
    assert 'aria-valuenow="40"' in page.bundles[-1]["text/html"]


def test_waiting_has_no_percentage(page):
    now = 0.0
    bar = NotebookProgress(clock=lambda: now)
    now = 0.6
    bar.show(Waiting("loading TensorFlow"))
    (bundle,) = page.bundles
    assert "loading TensorFlow" in bundle["text/html"]
    assert "aria-valuenow" not in bundle["text/html"]


def test_every_fit_of_a_notebook_has_the_bar_until_the_extension_is_unloaded():
    from types import SimpleNamespace

    from probflow_nb.display.progress import TextProgress, draw_progress_by, new_progress

    assert isinstance(new_progress(), TextProgress)
    draw_progress_by(lambda: SimpleNamespace(own=True))
    assert new_progress().own
    draw_progress_by(None)
    assert isinstance(new_progress(), TextProgress)
