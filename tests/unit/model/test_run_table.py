"""The runs as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from vopub.model.data_taking import DataTaking, Run
from vopub.model.run_table import run_parameters, run_table

MICROSECOND = 1 / 86_400e6
"""In days."""
START = datetime(2021, 2, 24, 12, 0, 5, 250000, tzinfo=UTC)


def taking(*runs: Run) -> DataTaking:
    return DataTaking(detector="ORCA", runs=runs, reconstruction="jmuon")


def test_everything_about_a_run_is_in_its_row() -> None:
    run = Run(
        detector_id=49, run=9505, start=START, stop=START + timedelta(hours=6), livetime=21593.2,
        triggers=("3DMuon", "3DShower"), quality="good", events_read=2499, events_kept=230,
        source="good-run list",
    )  # fmt: skip
    table = run_table(taking(run))
    assert {name: column[0] for name, column in table.columns.items()} == {
        "detector_id": 49,
        "run_id": 9505,
        "run_start": "2021-02-24T12:00:05.250000Z",
        "run_stop": "2021-02-24T18:00:05.250000Z",
        "run_start_mjd": pytest.approx(Time(START).mjd, abs=MICROSECOND),
        "run_stop_mjd": pytest.approx(Time(START).mjd + 0.25, abs=MICROSECOND),
        "livetime": 21593.2,
        "events_read": 2499,
        "events_kept": 230,
        "triggers": "3DMuon 3DShower",
        "quality": "good",
        "said_by": "good-run list",
    }


def test_what_is_not_known_is_not_available() -> None:
    table = run_table(taking(Run(detector_id=49, run=1, source="events")))
    assert np.isnan([table[n][0] for n in ("run_start_mjd", "run_stop_mjd", "livetime")]).all()
    assert [table[n][0] for n in ("run_start", "events_read", "events_kept")] == ["", -1, -1]
    assert len(run_table(taking())) == 0
    assert [p.name for p in run_parameters() if p.null] == [
        "run_start_mjd", "run_stop_mjd", "livetime",
    ]  # fmt: skip


@given(st.integers(0, 10**14), st.integers(-720, 720))
def test_times_are_utc(after: int, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    start = START.astimezone(zone) + timedelta(microseconds=after)
    run = Run(detector_id=1, run=1, start=start, source="test")
    table = run_table(taking(run))
    assert datetime.fromisoformat(table["run_start"][0]) == run.start
    assert abs(table["run_start_mjd"][0] - Time(run.start).mjd) < MICROSECOND
