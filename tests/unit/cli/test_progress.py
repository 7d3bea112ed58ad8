from __future__ import annotations

import pytest

from vopub.cli.progress import PlainProgress, Rate
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
