from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import TextColumn

from vopub.cli.progress import LiveProgress, PlainProgress, Rate
from vopub.events.scale.tally import Tally
from vopub.publish.stages import Stage


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_speed_and_remaining_time() -> None:
    clock = Clock()
    rate = Rate(clock)
    assert rate.line(Tally("reading", 1, 401, 2500)) == "reading 1 of 401 files"
    clock.now += 10
    assert rate.line(Tally("reading", 101, 401, 252_500)) == (
        "reading 101 of 401 files, 25000 events/s, 0:30 left"
    )
    clock.now += 3590
    line = rate.line(Tally("reading", 201, 401, 502_500, failed=2))
    assert line == "reading 201 of 401 files, 2 failed, 139 events/s, 1:00:00 left"


def test_a_large_file_on_its_own() -> None:
    clock = Clock()
    rate = Rate(clock)
    first = rate.line(Tally("reading", 0, 1, 50_000, under_way=0.05))
    assert first == "reading 0 of 1 files, 5 %"
    clock.now += 10
    assert rate.line(Tally("reading", 0, 1, 550_000, under_way=0.55)) == (
        "reading 0 of 1 files, 55 %, 50000 events/s, 0:09 left"
    )
    # read again from its beginning, since it failed
    assert rate.line(Tally("reading", 0, 1, 50_000, under_way=0.05)) == (
        "reading 0 of 1 files, 5 %"
    )


def test_writing_begins_anew() -> None:
    clock = Clock()
    rate = Rate(clock)
    rate.line(Tally("reading", 1, 2, 10))
    clock.now += 60
    assert rate.line(Tally("writing", 0, 100, 0)) == "writing 0 of 100 rows"
    clock.now += 1
    assert rate.line(Tally("writing", 50, 100, 50)) == (
        "writing 50 of 100 rows, 50 events/s, 0:01 left"
    )


def test_plain_lines_come_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = PlainProgress(clock)
    progress.start("evts20_01", Stage.CONVERT)
    for number in range(1, 26):
        clock.now += 1
        progress.tell("evts20_01", Tally("reading", number, 25, 100 * number))
    progress.done("evts20_01", Stage.CONVERT, "25 files")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "evts20_01  reading 10 of 25 files, 100 events/s, 0:15 left",
        "evts20_01  reading 20 of 25 files, 100 events/s, 0:05 left",
        "evts20_01  convert   25 files (25.0 s)",
    ]


def test_a_live_bar_shows_how_far_it_is() -> None:
    screen = StringIO()
    columns = (TextColumn("{task.description}"), TextColumn("{task.fields[line]}"))
    bar = RichProgress(*columns, console=Console(file=screen, width=80), auto_refresh=False)
    progress = LiveProgress(bar, bar.add_task("starting", total=None, line="…"))
    (task,) = bar.tasks
    progress.start("evts20_01", Stage.CONVERT)
    assert (task.description, task.total) == ("evts20_01  convert", None)
    progress.tell("evts20_01", Tally("reading", 0, 3, 0))
    assert task.total is None  # it changes ten times a second at most
    progress.tell("evts20_01", Tally("reading", 3, 3, 300))
    assert f"{task.completed:.0f} of {task.total}" == "3 of 3"
    assert task.fields["line"].startswith("reading 3 of 3 files")
    progress.done("evts20_01", Stage.CONVERT, "300 rows [of 400]")
    assert screen.getvalue().startswith("evts20_01  convert   300 rows [of 400] (")
