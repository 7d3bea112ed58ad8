"""The table of runs in a descriptor, and the way from an event to its run."""

from __future__ import annotations

import csv
from types import ModuleType
from typing import Any

import pytest
from lxml import etree

from vopub.model.data_taking import DataTaking, Run
from vopub.vo.descriptor import render_descriptor
from vopub.vo.known_events import known_events
from vopub.vo.run_list import runs_block


def taken(*runs: tuple[int, int, int | None], **more: Any) -> DataTaking:
    made = [
        Run(detector_id=detector, run=run, events_kept=kept, source="list", **more)
        for detector, run, kept in runs
    ]
    return DataTaking(detector="ORCA", runs=tuple(made), reconstruction="jmuon")


def block(samples: ModuleType, runs: DataTaking, *columns: str) -> dict[str, Any]:
    names = ("event_id", "ra", "dec", *columns)
    said = samples.metadata(230, data_taking=runs, parameters=samples.parameters(names))
    found = runs_block(said)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("runs", "columns", "key"),
    [
        (taken((49, 1, 200), (49, 2, 30)), ("detector_id", "run_id"), ("detector_id", "run_id")),
        (taken((49, 1, 200), (49, 2, 30)), ("run_id",), ("run_id",)),
        (taken((49, 1, 200), (44, 1, 30)), ("run_id",), ()),
        (taken((49, 1, 200), (49, 2, 30)), ("detector_id",), ()),
        (taken((49, 1, 200), (49, 2, 29)), ("detector_id", "run_id"), ()),
        (taken((49, 1, 230), (49, 2, None)), ("detector_id", "run_id"), ("detector_id", "run_id")),
        (taken((49, 1, 200), (49, 1, 30)), ("detector_id", "run_id"), ()),
    ],
)
def test_events_refer_to_runs_if_every_one_has_exactly_one(
    samples: ModuleType, runs: DataTaking, columns: tuple[str, ...], key: tuple[str, ...]
) -> None:
    assert block(samples, runs, *columns)["key"] == key


def test_run_that_comes_twice_is_no_key(samples: ModuleType) -> None:
    assert block(samples, taken((49, 1, 1), (49, 1, 2)))["unique"] == ()
    assert block(samples, taken((49, 1, 1), (44, 1, 2)))["unique"] == ("detector_id", "run_id")


def test_lines_are_csv_in_which_nothing_is_not_an_empty_text(samples: ModuleType) -> None:
    (line,) = block(samples, taken((49, 1, None), quality='good, "really"'))["lines"]
    assert line == '49,1,"","",,,,-1,-1,"","good, ""really""","list"'
    (fields,) = csv.reader([line])
    assert fields[10] == 'good, "really"'


def test_table_without_known_runs_has_no_table_of_runs(samples: ModuleType) -> None:
    said = samples.metadata(data_taking=taken())
    text = render_descriptor(
        said, samples.vo(), authority="a.b", data_file="data/x.csv",
        known=known_events(samples.table()),
    )  # fmt: skip
    tree = etree.fromstring(text.encode())
    assert [table.get("id") for table in tree.iterfind("table")] == ["events"]
    assert tree.find(".//foreignKey") is None
    assert runs_block(said) is None
