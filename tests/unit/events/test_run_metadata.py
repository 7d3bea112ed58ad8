"""Runs from the metadata of one file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from vopub.errors import InputError
from vopub.events.readers.run_metadata import describe_runs, is_simulation_header

ROW: dict[str, Any] = {
    "runNumber": 12,
    "UTCMin_s": 1.6e9,
    "UTCMax_s": 1.6e9 + 60,
    "livetime_s": 59.0,
    "trigger3DMuon.enabled": 1.0,
    "triggerMXShower.enabled": 0.0,
}


def test_a_row_of_the_run_table() -> None:
    (run,) = describe_runs([(5, 12)], [ROW], {}, where="f")
    assert (run.detector_id, run.run, run.livetime, run.source) == (5, 12, 59.0, "headerTree")
    assert run.start == datetime.fromtimestamp(1.6e9, UTC)
    assert run.triggers == ("trigger3DMuon",)


def test_a_run_without_row_is_known_from_its_events() -> None:
    runs = describe_runs([(5, 13), (5, 12)], [ROW], {"DAQ": "60"}, where="f")
    assert [(r.run, r.livetime, r.source) for r in runs] == [
        (12, 59.0, "headerTree"),
        (13, None, "events"),
    ]


def test_the_livetime_of_head_is_that_of_the_only_run() -> None:
    (run,) = describe_runs([(5, 13)], [], {"DAQ": " 60.5"}, where="f")
    assert (run.livetime, run.source) == (60.5, "events and Head")
    two = describe_runs([(5, 13), (5, 14)], [], {"DAQ": "60.5"}, where="f")
    assert [r.livetime for r in two] == [None, None]


def test_a_run_without_event_counts_if_the_detector_is_known() -> None:
    assert len(describe_runs([(5, 1)], [ROW], {}, where="f")) == 2
    assert len(describe_runs([(5, 1), (6, 1)], [ROW], {}, where="f")) == 2
    assert describe_runs([], [ROW], {}, where="f") == ()


@pytest.mark.parametrize(
    ("row", "head", "message"),
    [
        ({**ROW, "UTCMax_s": 1.5e9}, {}, "f: run 12: times: run 12 stops before it starts"),
        ({**ROW, "livetime_s": -1.0}, {}, "f: run 12: livetime: Input should be greater"),
        ({**ROW, "livetime_s": float("nan")}, {}, "f: run 12 has a livetime of nan s"),
        ({**ROW, "UTCMin_s": 1e30}, {}, "f: 1e+30 in headerTree is not a time"),
        (None, {"DAQ": "long"}, "f: DAQ livetime 'long' in Head is not a number"),
    ],
)
def test_what_cannot_be_true(
    row: dict[str, Any] | None, head: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError) as raised:
        describe_runs([(5, 12)], [row] if row else [], head, where="f")
    assert str(raised.value).startswith(message)


def test_headers_of_simulations() -> None:
    assert is_simulation_header({"physics_2": "GENIE"})
    assert is_simulation_header({"simul": "JSirene"})
    assert not is_simulation_header({"DAQ": "1", "start_run": "0"})
