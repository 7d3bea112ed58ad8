"""Runs, good runs and malformed events of real files, from one end of a reduction to the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uproot

from vopub.errors import InputError
from vopub.events.convert import Reduction
from vopub.events.good_runs import NOT_IN_LIST, NOT_IN_TIME, GoodRunList
from vopub.model.data_taking import Run
from vopub.model.description import EventsSection
from vopub.model.event_table import EventTable, concatenate
from vopub.model.malformed import MalformedLimit

Alter = Callable[[Mapping[str, Mapping[int, float]]], Path]

SECTION = EventsSection.model_validate(
    {
        "inputs": ["a.root"],
        "detector": "ORCA",
        "columns": ["event_id", "mjd"],
        "selection": [{"name": "up-going", "keep": "zenith > 90 deg"}],
    }
)
START = datetime(2021, 2, 24, 12, 0, 5, tzinfo=UTC)


def good(detector: int, run: int, seconds: float, **facts: str) -> Run:
    return Run(
        detector_id=detector, run=run, start=START, stop=START + timedelta(seconds=seconds),
        livetime=seconds, source="good-run list", **facts,
    )  # fmt: skip


def table_of(reduction: Reduction) -> EventTable:
    chunks = list(reduction)
    return concatenate(chunks[0].parameters, chunks)


def test_runs_of_two_configurations_are_summed(orca4: Path, orca6: Path) -> None:
    reduction = Reduction([orca6, orca4], SECTION, simulated=False)
    table = table_of(reduction)
    runs = reduction.data_taking.runs
    assert [(r.detector_id, r.run, r.livetime) for r in runs] == [
        (44, 6370, 21582.2),
        (49, 9505, 21593.2),
    ]
    assert reduction.data_taking.livetime == pytest.approx(21582.2 + 21593.2)
    found = Counter(name.split(".")[2] for name in table["event_id"])
    assert [r.events_kept for r in runs] == [found["6370"], found["9505"]]
    entries = [uproot.open({path: "E"}).num_entries for path in (orca4, orca6)]
    assert [r.events_read for r in runs] == entries


def test_one_run_in_two_files_counts_once(orca6: Path, alter: Alter) -> None:
    other = alter({"trigger_counter": {event: 5000 + event for event in range(2499)}})
    reduction = Reduction([orca6, other], SECTION, simulated=False)
    table_of(reduction)
    (run,) = reduction.data_taking.runs
    assert (run.livetime, run.events_read, run.events_kept) == (21593.2, 4998, 460)


def test_a_good_run_without_event_is_still_data_taking(orca4: Path, orca6: Path) -> None:
    runs = GoodRunList((good(49, 9505, 60), good(44, 1, 5, quality="no event")))
    reduction = Reduction([orca4, orca6], SECTION, simulated=False, good_runs=runs)
    table_of(reduction)
    taken = [(r.run, r.livetime, r.quality, r.events_read) for r in reduction.data_taking.runs]
    assert taken == [(1, 5, "no event", 0), (9505, 60, "", 2499)]
    assert reduction.data_taking.runs[1].triggers == (
        "trigger3DMuon",
        "trigger3DShower",
        "triggerMXShower",
    )
    first, second = (entry.account for entry in reduction.cut_flow)
    assert [c.reason for c in first.cuts] == [NOT_IN_LIST, NOT_IN_TIME, "up-going"]
    assert (first.cuts[0].events, first.kept) == (2500, 0)
    assert (second.cuts[0].events, second.not_reconstructed.events) == (0, 4)
    assert second.cuts[1].events > 1000


def test_a_file_from_another_site_is_refused(orca6: Path, alter: Alter) -> None:
    other = alter({"det_id": dict.fromkeys(range(2499), 133)})
    with pytest.raises(InputError, match=f"{other.name}: is from ARCA .detector 133., the resou"):
        list(Reduction([orca6, other], SECTION, simulated=False))


def test_too_many_malformed_events_stop_it(alter: Alter) -> None:
    path = alter({"t.fSec": dict.fromkeys(range(30), 0)})
    reduction = Reduction([path], SECTION, simulated=False, malformed=MalformedLimit.parse("1%"))
    with pytest.raises(InputError) as raised:
        list(reduction)
    said = str(raised.value)
    assert "30 of 2499 events are malformed, the limit is 1%: 30 time is before 2005" in said
    assert "(km3.49.9505.114.0, km3.49.9505." in said
    enough = Reduction([path], SECTION, simulated=False, malformed=MalformedLimit.parse("30"))
    table_of(enough)
    assert sum(entry.events for entry in enough.account.malformed) == 30


def test_what_is_wrong_in_bad_runs_does_not_matter(alter: Alter, orca4: Path) -> None:
    path = alter({"t.fSec": dict.fromkeys(range(2499), 0)})
    first = datetime(2019, 10, 10, tzinfo=UTC)
    run = Run(
        detector_id=44, run=6370, start=first, stop=first + timedelta(days=2), livetime=21582.2,
        source="good-run list",
    )  # fmt: skip
    reduction = Reduction(
        [path, orca4],
        SECTION,
        simulated=False,
        good_runs=GoodRunList((run,)),
        malformed=MalformedLimit.parse("0"),
    )
    assert len(table_of(reduction)) > 0
    assert reduction.account.malformed == ()
