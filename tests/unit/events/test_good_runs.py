"""Good-run lists: what they say, and what a wrong one is told."""

from __future__ import annotations

import pickle
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from vopub.errors import DescriptionError, FileError, InputError
from vopub.events.good_runs import (
    NOT_IN_LIST,
    NOT_IN_TIME,
    GoodRunList,
    read_good_runs,
)
from vopub.events.readers import open_reader
from vopub.events.readers.base import FileHeader
from vopub.events.recipe import Recipe
from vopub.events.reduce import Reduced, check_kind, reduce_chunk
from vopub.events.times import from_datetime
from vopub.model.data_taking import Run, RunCount
from vopub.model.description import EventsSection

HEADER = "detector_id,run,start,stop,livetime,quality\n"
LINE = "49,9505,2021-02-24T12:00:05Z,2021-02-24T17:59:58Z,21593.2,good\n"
START = datetime(2021, 2, 24, 12, 0, 5, tzinfo=UTC)
STOP = datetime(2021, 2, 24, 17, 59, 58, tzinfo=UTC)
SECTION = EventsSection.model_validate(
    {
        "inputs": ["a.root"],
        "detector": "ORCA",
        "columns": ["event_id", "unix_time", "run_id"],
        "selection": [{"name": "up-going", "keep": "zenith > 90 deg"}],
    }
)


def write(directory: Path, text: str) -> Path:
    path = directory / "good_runs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def reduced(path: Path, good: GoodRunList | None) -> Reduced:
    recipe = Recipe(SECTION, simulated=False, good_runs=good)
    with open_reader(path) as reader:
        check_kind(reader.header, recipe, where=path)
        (chunk,) = reader.chunks(5000)
        return reduce_chunk(chunk, recipe, now=time.time_ns())


def test_a_list_as_csv(tmp_path: Path) -> None:
    (run,) = read_good_runs(write(tmp_path, HEADER + LINE)).runs
    assert (run.detector_id, run.run, run.start, run.stop) == (49, 9505, START, STOP)
    assert (run.livetime, run.quality, run.source) == (21593.2, "good", "good-run list")


@pytest.mark.parametrize(
    "start",
    ["2021-02-24T12:00:05Z", "2021-02-24 12:00:05", "2021-02-24T13:00:05+01:00", "59269.5"],
)
def test_times_as_text_or_mjd(tmp_path: Path, start: str) -> None:
    text = f"run, detector_id, livetime, start, stop\n1, 49, 5, {start}, 59269.75\n\n"
    (run,) = read_good_runs(write(tmp_path, text)).runs
    assert run.start is not None
    assert abs(run.start - START) <= timedelta(seconds=5)
    assert (run.stop, run.quality) == (datetime(2021, 2, 24, 18, tzinfo=UTC), "")


def test_a_list_as_astropy_writes_it(tmp_path: Path) -> None:
    table = Table(
        {
            "detector_id": [49, 49],
            "run": [9505, 9506],
            "start": Time(["2021-02-24T12:00:05", "2021-02-24T18:00:00"], scale="utc"),
            "stop": [59269.749, 59269.8],
            "livetime": [5.5, 0.5] * u.h,
        }
    )
    path = tmp_path / "good.ecsv"
    table.write(path, format="ascii.ecsv")
    one, two = read_good_runs(path).runs
    assert (one.start, one.livetime, two.livetime) == (START, 5.5 * 3600, 1800.0)
    assert abs((Time(one.stop) - Time(59269.749, format="mjd")).to_value("s")) < 1e-3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column detector_id: is missing"),
        (HEADER.replace("livetime", "livetim") + LINE, "column livetim: is unknown; did you mean"),
        (HEADER.replace("livetime", "livetim") + LINE, "column livetime: is missing"),
        (HEADER.replace("quality", "run") + LINE, "column run: is there twice"),
        (HEADER, "names no run"),
        (HEADER + "49,9505\n", "line 2: has 2 values for 6 columns"),
        (HEADER + LINE + LINE, "line 3: run 9505 of detector 49 is also in line 2"),
        (HEADER + LINE.replace("9505", "x"), "line 2: run 'x': Input should be a valid integer"),
        (HEADER + LINE.replace("9505", "-5"), "line 2: detector 49, run -5 cannot be"),
        (HEADER + LINE.replace("21593.2", "long"), "line 2: could not convert"),
        (HEADER + LINE.replace("21593.2", "nan"), "line 2: livetime is nan"),
        (HEADER + LINE.replace("21593.2", "-1"), "line 2: livetime '-1': Input should be greater"),
        (HEADER + LINE.replace("21593.2", "99999"), "line 2: run 9505 has a livetime of 99999.0 s"),
        (HEADER + LINE.replace("T17", "T11"), "line 2: run 9505 stops before it starts"),
        (HEADER + LINE.replace("2021-02-24T12:00:05Z", "noon"), "line 2: start 'noon' is neither"),
        (HEADER + LINE.replace("2021-02-24T12:00:05Z", ""), "line 2: start '' is neither"),
        (HEADER + LINE.replace("2021-02-24T12", "1999-02-24T12"), "is not a time of data taking"),
        (HEADER + LINE.replace("2021-02-24T12:00:05Z", "1e300"), "line 2: start '1e300' is nei"),
        (
            HEADER + LINE + LINE.replace("9505", "9506"),
            "line 3: run 9506 of detector 49 overlaps with run 9505",
        ),
        ('"\n', "is not CSV"),
        ("# %ECSV 1.0\n# ---\n# nothing\na b\n", "is not ECSV"),
    ],
)
def test_what_a_wrong_one_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DescriptionError) as raised:
        read_good_runs(path)
    assert message in str(raised.value)
    assert all(line.startswith(f"{path}: ") for line in str(raised.value).splitlines())


def test_all_wrong_lines_are_told_up_to_a_number(tmp_path: Path) -> None:
    lines = [LINE.replace("9505", f"x{number}") for number in range(30)]
    with pytest.raises(DescriptionError) as raised:
        read_good_runs(write(tmp_path, HEADER + "".join(lines)))
    told = str(raised.value).splitlines()
    assert len(told) == 21
    assert "line 21: run 'x19'" in told[19]
    assert told[-1].endswith("and 10 more problems")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot read: No such file"):
        read_good_runs(tmp_path / "none.csv")
    path = tmp_path / "latin.csv"
    path.write_bytes(b"\xe9")
    with pytest.raises(DescriptionError, match="is not UTF-8"):
        read_good_runs(path)


KEYS = st.tuples(st.integers(-3, 3), st.integers(0, 4))


@given(
    st.dictionaries(KEYS, st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1),
    st.lists(st.tuples(KEYS, st.integers(-1, 20)), max_size=20),
)
def test_events_are_found_in_a_list(
    spans: dict[tuple[int, int], tuple[int, int]], events: list[tuple[tuple[int, int], int]]
) -> None:
    runs = tuple(
        Run(
            detector_id=detector, run=run, source="test", livetime=1.0,
            start=START + timedelta(seconds=first),
            stop=START + timedelta(seconds=first + lasts),
        )
        for (detector, run), (first, lasts) in spans.items()
    )  # fmt: skip
    good = pickle.loads(pickle.dumps(GoodRunList(runs)))  # noqa: S301  # our own
    detector = np.array([key[0] for key, _ in events], np.int32)
    run = np.array([key[1] for key, _ in events], np.int32)
    when = from_datetime(START) + np.array([t for _, t in events], np.int64) * 10**9
    assert good.names(detector, run).tolist() == [key in spans for key, _ in events]
    assert good.covers(detector, run, when).tolist() == [
        key in spans and spans[key][0] <= t <= sum(spans[key]) for key, t in events
    ]


def test_events_outside_the_list_are_counted(tmp_path: Path, orca6: Path, orca4: Path) -> None:
    everything = reduced(orca6, None)
    assert (everything.account.kept, [c.reason for c in everything.account.cuts]) == (
        230,
        ["up-going"],
    )
    part = LINE.replace("17:59:58", "12:00:30").replace("21593.2", "25")
    good = read_good_runs(write(tmp_path, HEADER + part))
    some = reduced(orca6, good)
    limit = from_datetime(START + timedelta(seconds=25))
    assert some.table["unix_time"].tolist() == [
        t for t in everything.table["unix_time"].tolist() if t <= limit
    ]
    assert [c.reason for c in some.account.cuts] == [NOT_IN_LIST, NOT_IN_TIME, "up-going"]
    assert some.account.cuts[0].events == 0
    assert some.account.cuts[1].events > 2000
    kept = len(some.table)
    assert some.runs == (RunCount(detector_id=49, run=9505, read=2499, kept=kept),)
    other = reduced(orca4, good)
    assert (other.account.cuts[0].events, other.account.not_reconstructed.events) == (2500, 0)
    assert other.runs == (RunCount(detector_id=44, run=6370, read=2500, kept=0),)


def test_the_whole_run_leaves_the_table_as_it_is(tmp_path: Path, orca6: Path) -> None:
    good = read_good_runs(write(tmp_path, HEADER + LINE))
    assert reduced(orca6, good).table.equals(reduced(orca6, None).table)


def test_layouts_without_runs_are_refused() -> None:
    good = GoodRunList((Run(detector_id=1, run=1, start=START, stop=STOP, source="test"),))
    header = FileHeader(
        name="list.csv", layout="text", uuid=None, runs=(), simulated=None,
        lacks=frozenset({"run_id", "detector_id"}),
    )  # fmt: skip
    section = SECTION.model_copy(update={"columns": ("event_id",)})
    recipe = Recipe(section, simulated=False, good_runs=good)
    with pytest.raises(InputError, match=r"do not give detector_id, run_id; .* or good_runs"):
        check_kind(header, recipe, where="list.csv")


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = tmp_path / "bom.csv"
    path.write_text(HEADER + LINE, encoding="utf-8-sig")
    assert len(read_good_runs(path).runs) == 1
