from __future__ import annotations

import io
from dataclasses import dataclass

import pytest
from test_cards import Page

from probflow_nb.display.progress import NullProgress, Progress, TextProgress, duration, line, progress_html


@dataclass(frozen=True)
class Event:
    step: int
    total: int | None
    phase: str = "sampling"
    objective: float | None = None


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def run(events: list[tuple[float, Event]], end: float) -> str:
    clock, stream = Clock(), io.StringIO()
    progress: Progress = TextProgress(stream, clock=clock)
    for at, event in events:
        clock.now = at
        progress.show(event)
    clock.now = end
    progress.close()
    progress.close()
    return stream.getvalue()


def test_a_short_run_shows_nothing() -> None:
    assert run([(0.1, Event(1, 10)), (0.49, Event(9, 10))], 0.5) == ""


def test_a_long_run_rewrites_one_line_and_ends_it() -> None:
    shown = run([(0.0, Event(0, 100)), (1.0, Event(10, 100)), (1.1, Event(11, 100)), (2.0, Event(50, 100))], 4.0)
    assert shown.count("\n") == 1
    assert shown.endswith("\n")
    lines = shown.rstrip("\n").split("\r")
    assert lines[0] == ""
    assert lines[1] == "sampling  [==                      ] 10%  1.0 s, about 9 s left"
    assert lines[2].rstrip() == "sampling  [============            ] 50%  2.0 s, about 2 s left"
    assert lines[3].rstrip() == "sampling: 4.0 s"
    assert len(lines) == 4  # 1.1 s came too soon after 1.0 s
    assert len({len(text) for text in lines[1:3]}) == 1


def test_the_last_line_covers_what_it_replaces() -> None:
    shown = run([(0.0, Event(0, 100)), (1.0, Event(10, 100))], 4.0).rstrip("\n").split("\r")
    assert len(shown[2]) == len(shown[1])


def test_time_left_is_that_of_the_phase() -> None:
    events = [(0.0, Event(0, 10, "a")), (10.0, Event(0, 10, "b")), (11.0, Event(5, 10, "b"))]
    assert "about 1 s left" in run(events, 12.0)


@pytest.mark.parametrize("total", [None, 0])
def test_an_unknown_total_has_no_bar(total: int | None) -> None:
    assert run([(1.0, Event(3, total))], 2.0).split("\r")[1] == "sampling  1.0 s"


def test_a_stream_that_is_closed_ends_no_fit() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = TextProgress(stream, clock=clock)
    clock.now = 1.0
    progress.show(Event(1, 2))
    stream.close()
    clock.now = 2.0
    progress.show(Event(2, 2))
    progress.close()


def test_null_progress() -> None:
    progress: Progress = NullProgress()
    progress.show(Event(1, 2))
    progress.close()


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_duration(seconds: float, written: str) -> None:
    assert duration(seconds) == written


def test_percent_is_100_only_at_the_end() -> None:
    assert "] 99%" in line("a", 0.999, 1.0, None)
    assert "] 100%" in line("a", 1.0, 1.0, 0.0)
    assert "] 29%" in line("a", 0.29, 1.0, None)


def test_html_is_accessible_and_escaped() -> None:
    page = Page(progress_html('<b>"x"', 0.42, 3.2, 4.4))
    bar = next(attributes for _, attributes in page.elements if attributes.get("role") == "progressbar")
    assert bar["aria-valuenow"] == "42"
    assert bar["aria-valuemin"] == "0"
    assert bar["aria-valuemax"] == "100"
    assert bar["aria-label"] == '<b>"x"'
    assert "".join(page.words) == '<b>"x" 42% · 3.2 s, about 4 s left'
    assert {tag for tag, _ in page.elements} == {"style", "div", "span"}


def test_html_of_an_unknown_share_has_no_value() -> None:
    page = Page(progress_html("compiling", None, 3.2, None))
    assert not any("aria-valuenow" in attributes for _, attributes in page.elements)
    assert "".join(page.words) == "compiling · 3.2 s"
