"""The runs of several files."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vopub.errors import InputError, SeveralError
from vopub.events.good_runs import GoodRunList
from vopub.events.overlaps import overlapping
from vopub.events.readers.base import FileHeader
from vopub.events.runs import add_counts, count_runs, merge_runs, with_counts
from vopub.model.data_taking import Run, RunCount

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
        (
            {**TIMES, "livetime": 5.0},
            {**TIMES, "livetime": 6.0, "stop": TIMES["start"]},
            (
                "has 6.0 s as its livetime and 2021-02-24 12:00:00+00:00 as its stop, "
                "in a.root 5.0 s and 2021-02-24 18:00:00+00:00; leave out"
            ),
        ),
    ],
)
def test_contradictions(one: dict[str, Any], two: dict[str, Any], message: str) -> None:
    files = [header("a.root", run(1, **one)), header("b.root", run(1, **two))]
    with pytest.raises(InputError) as raised:
        merge_runs(files)
    assert str(raised.value).startswith(f"b.root: run 1 of detector 49 {message}")


def spanning(number: int, first: float, last: float, **facts: Any) -> Run:
    start = TIMES["start"]
    span = {"start": start + timedelta(hours=first), "stop": start + timedelta(hours=last)}
    return run(number, **{"livetime": (last - first) * 3600, **span, **facts})


def test_everything_that_is_wrong_is_told() -> None:
    files = [
        header("a.root", spanning(1, 0, 6), spanning(2, 6, 12)),
        header("b.root", spanning(1, 0, 6, livetime=9.0)),
        header("c.root", spanning(2, 6, 12, livetime=8.0), spanning(3, 11, 12)),
        header("d.root", spanning(4, 13, 14), spanning(5, 13, 14, detector=44)),
    ]
    with pytest.raises(SeveralError) as raised:
        merge_runs(files)
    told = str(raised.value).splitlines()
    assert [line.split(":")[0] for line in told] == ["b.root", "c.root", "c.root"]
    assert told[2].startswith(
        "c.root: run 3 of detector 49 starts at 2021-02-24 23:00:00+00:00, before run 2 stops at "
        "2021-02-25 00:00:00+00:00 (a.root); a detector takes one run at a time"
    )


def test_runs_may_touch() -> None:
    second = 1 / 3600
    files = [header("a", spanning(1, 0, 6)), header("b", spanning(2, 6 - second, 12))]
    assert len(merge_runs(files)) == 2
    files = [header("a", spanning(1, 0, 6)), header("b", spanning(2, 6 - 2 * second, 12))]
    with pytest.raises(InputError, match="run 2 of detector 49 starts at"):
        merge_runs(files)


@given(st.lists(st.tuples(st.integers(1, 2), st.integers(0, 30), st.integers(0, 9)), max_size=8))
def test_overlaps_are_found(spans: list[tuple[int, int, int]]) -> None:
    runs = [
        spanning(n, first, first + lasts, detector=d) for n, (d, first, lasts) in enumerate(spans)
    ]
    later = {pair[1].run for pair in overlapping(runs)}
    order = sorted(runs, key=lambda r: r.start or TIMES["start"])
    expected = {
        two.run
        for n, two in enumerate(order)
        for one in order[:n]
        if one.detector_id == two.detector_id and one.stop and two.start and two.start < one.stop
    }
    assert later == expected
    assert list(overlapping([run(1), run(2), *runs[:1]])) == []


def test_a_good_run_list_is_what_data_taking_consists_of() -> None:
    good = GoodRunList((spanning(1, 1, 2, quality="gold"), spanning(7, 7, 8)))
    files = [
        header("a", spanning(1, 0, 6, triggers=("3D",)), spanning(2, 6, 12)),
        header("b", spanning(2, 6, 12, livetime=1.0)),  # a contradiction about a bad run
    ]
    assert merge_runs(files, good) == (
        spanning(1, 1, 2, quality="gold", triggers=("3D",)),
        spanning(7, 7, 8),
    )


def test_a_good_run_list_cannot_have_more_than_the_files() -> None:
    good = GoodRunList((spanning(1, -1, 7),))
    with pytest.raises(SeveralError) as raised:
        merge_runs([header("a.root", spanning(1, 0, 6))], good)
    told = str(raised.value).splitlines()
    assert [line.split("; ")[0] for line in told] == [
        (
            "a.root: run 1 of detector 49 starts at 2021-02-24 12:00:00+00:00, in the good-run "
            "list already at 2021-02-24 11:00:00+00:00"
        ),
        (
            "a.root: run 1 of detector 49 stops at 2021-02-24 18:00:00+00:00, in the good-run list "
            "only at 2021-02-24 19:00:00+00:00"
        ),
        "a.root: run 1 of detector 49 has a livetime of 21600.0 s, in the good-run list 28800.0 s",
    ]


EVENTS = st.lists(st.tuples(st.integers(-2, 2), st.integers(-1, 3), st.booleans()), max_size=30)


@given(EVENTS, EVENTS)
def test_events_are_counted_by_run(
    one: list[tuple[int, int, bool]], two: list[tuple[int, int, bool]]
) -> None:
    counts = add_counts([*counted(one), *counted(two)])
    found = {(c.detector_id, c.run): (c.read, c.kept) for c in counts}
    read = Counter((d, r) for d, r, _ in [*one, *two])
    kept = Counter((d, r) for d, r, k in [*one, *two] if k)
    assert found == {key: (number, kept[key]) for key, number in read.items()}
    runs = with_counts([run(1, 1), run(9, 9)], counts)
    assert [(r.events_read, r.events_kept) for r in runs] == [(read[1, 1], kept[1, 1]), (0, 0)]


def counted(events: list[tuple[int, int, bool]]) -> tuple[RunCount, ...]:
    columns = {
        "detector_id": np.array([d for d, _, _ in events], np.int32),
        "run_id": np.array([r for _, r, _ in events], np.int32),
    }
    return count_runs(columns, np.array([k for _, _, k in events], bool))


def test_layouts_without_runs_count_none() -> None:
    assert count_runs({"t_sec": np.arange(3)}, np.ones(3, bool)) == ()
