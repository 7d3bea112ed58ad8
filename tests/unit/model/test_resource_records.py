from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from pydantic import ValidationError

from vopub.model.data_taking import DataTaking, Run
from vopub.model.resource import FileReference, KM3ResourceStream, make_kid


def test_the_same_version_keeps_its_kid_and_another_gets_its_own() -> None:
    first = make_kid("km3net.org", "evts21_01", "1.0")
    assert first == make_kid("km3net.org", "evts21_01", "1.0")
    others = {
        make_kid("km3net.org", "evts21_01", "1.1"),
        make_kid("km3net.org", "evts21_02", "1.0"),
        make_kid("example.org", "evts21_01", "1.0"),
    }
    assert len(others | {first}) == 4
    assert first.version == 5
    assert str(first) == str(first).lower()


@pytest.mark.parametrize("name", ["../secret", "a/b", ".hidden", "", "a\nb", "x" * 200])
def test_a_file_name_cannot_leave_its_place(name: str) -> None:
    with pytest.raises(ValidationError):
        FileReference(name=name, media_type="text/csv", size=1, sha256="0" * 64)


def test_a_stream_needs_a_valid_identifier() -> None:
    with pytest.raises(ValidationError, match="identifier"):
        KM3ResourceStream.model_validate(
            {
                "identifier": "Acoustic",
                "title": "A title",
                "description": "A description that is long enough.",
                "ktype": "acoustic-psd",
                "resources": [UUID(int=1)],
            }
        )


def run(number: int, livetime: float | None, hour: int) -> Run:
    return Run(
        detector_id=49,
        run=number,
        start=datetime(2021, 2, 24, hour, tzinfo=UTC),
        stop=datetime(2021, 2, 24, hour + 1, tzinfo=UTC),
        livetime=livetime,
        source="headerTree",
    )


def test_runs_add_up_and_an_unknown_livetime_makes_the_sum_unknown() -> None:
    taken = DataTaking(detector="ORCA", runs=(run(2, 20.0, 5), run(1, 10.0, 3)), reconstruction="x")
    assert taken.livetime == 30.0
    assert taken.start == datetime(2021, 2, 24, 3, tzinfo=UTC)
    assert taken.stop == datetime(2021, 2, 24, 6, tzinfo=UTC)
    unknown = taken.model_copy(update={"runs": (*taken.runs, run(3, None, 7))})
    assert unknown.livetime is None


def test_a_run_cannot_stop_before_it_starts() -> None:
    backwards = run(1, 1.0, 3).model_dump() | {"stop": datetime(2020, 1, 1, tzinfo=UTC)}
    with pytest.raises(ValidationError, match="stops before it starts"):
        Run.model_validate(backwards)
