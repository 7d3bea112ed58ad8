"""The runs of several files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from vopub.errors import InputError
from vopub.events.readers.base import FileHeader
from vopub.events.runs import merge_runs
from vopub.model.data_taking import Run

TIMES: dict[str, Any] = {
    "start": datetime(2021, 2, 24, 12, tzinfo=UTC),
    "stop": datetime(2021, 2, 24, 18, tzinfo=UTC),
}


def run(number: int, detector: int = 49, **facts: Any) -> Run:
    return Run(**{"detector_id": detector, "run": number, "source": "test", **facts})


def header(name: str, *runs: Run) -> FileHeader:
    return FileHeader(name=name, layout="test", uuid=None, runs=runs, simulated=None)


def test_runs_are_in_order_and_once() -> None:
    merged = merge_runs([header("a", run(3), run(1)), header("b", run(2, 44), run(3))])
    assert [(r.detector_id, r.run) for r in merged] == [(44, 2), (49, 1), (49, 3)]


def test_the_fullest_account_wins() -> None:
    full = run(1, livetime=5.0, **TIMES)
    some = run(1, livetime=5.0)
    for order in ([full, some, run(1)], [run(1), some, full]):
        assert merge_runs([header(str(i), r) for i, r in enumerate(order)]) == (full,)


def test_six_digits_agree() -> None:
    assert len(merge_runs([header("a", run(1, livetime=21593.24)),
                           header("b", run(1, livetime=21593.2))])) == 1  # fmt: skip


def test_same_number_of_another_detector_is_another_run() -> None:
    files = [header("a", run(1, 44, livetime=5.0)), header("b", run(1, 49, livetime=6.0))]
    assert len(merge_runs(files)) == 2


@pytest.mark.parametrize(
    ("one", "two", "message"),
    [
        ({"livetime": 5.0}, {"livetime": 6.0}, "has 6.0 s as its livetime, in a.root 5.0 s"),
        (
            TIMES,
            {**TIMES, "start": datetime(2021, 2, 24, 13, tzinfo=UTC)},
            "has 2021-02-24 13:00:00+00:00 as its start, in a.root 2021-02-24 12:00:00+00:00",
        ),
    ],
)
def test_contradictions(one: dict[str, Any], two: dict[str, Any], message: str) -> None:
    files = [header("a.root", run(1, **one)), header("b.root", run(1, **two))]
    with pytest.raises(InputError) as raised:
        merge_runs(files)
    assert str(raised.value).startswith(f"b.root: run 1 of detector 49 {message}")
