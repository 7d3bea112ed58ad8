from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from km3net_testdata import data_path
from pydantic_core import to_json

from vopub.events.readers import open_reader
from vopub.model.event_table import EventAccount, Excluded
from vopub.model.provenance import Entity, PriorStep, Provenance
from vopub.publish.history import beginning
from vopub.publish.metadata import provenance_of
from vopub.resources import read_folder

ROOT = Path(__file__).parents[3]
DESCRIPTION = read_folder(ROOT / "resources" / "evts21_01").description
KID = UUID("6e834f07-75c4-5742-addf-bd2196daedfe")
START = datetime(2026, 11, 22, tzinfo=UTC)
JPP = (
    PriorStep(name="JMuonGandalf", software="Jpp 14.1.0", configuration={"R_Hz": 7e3}),
    PriorStep(name="JConvertEvt", software="Jpp 14.1.0"),
)


def file(number: int, *history: PriorStep) -> Entity:
    return Entity(
        identifier=f"sha256:{number:064x}", name=f"run{number}.root", uuid=UUID(int=number),
        description="Level-2 file (KM3NeT offline)", history=history,
    )  # fmt: skip


def made(*inputs: Entity, key: str = "a", account: EventAccount | None = None) -> Provenance:
    times = (START, START + timedelta(seconds=5))
    return provenance_of(DESCRIPTION, KID, key, inputs, times, account=account)


def test_the_steps_lead_from_the_file_to_the_products() -> None:
    gandalf, convert, reduce, select, write = made(file(1, *JPP)).steps
    assert convert.after == (gandalf.identifier,)
    assert convert.outputs == reduce.inputs == (file(1).identifier,)
    assert reduce.outputs == select.inputs == ("evts21_01.reduced",)
    assert select.outputs == write.inputs == ("evts21_01.events",)
    forms = ("csv", "metadata.json", "h5", "vot", "fits", "parquet")
    assert write.outputs == tuple(f"evts21_01.{form}" for form in forms)
    assert select.configuration == {"up-going": "zenith > 90 deg"}


def test_the_same_key_gives_the_same_identifiers_and_another_key_others() -> None:
    first, again, other = (made(file(1, *JPP), key=key) for key in "aab")
    assert first == again
    ours = [
        {s.identifier for s in p.steps if s.software.startswith("vopub")} for p in (first, other)
    ]
    assert len(ours[0] | ours[1]) == 6
    assert first.steps[0].identifier == other.steps[0].identifier


def test_the_cut_flow_is_in_the_steps() -> None:
    account = EventAccount(
        read=100, kept=40,
        not_reconstructed=Excluded(reason="no jmuon", events=7),
        malformed=(Excluded(reason="time in the future", events=3),),
        cuts=(Excluded(reason="up-going", events=30), Excluded(reason="quality", events=20)),
    )  # fmt: skip
    reduce, select, _ = made(file(1), account=account).steps
    assert reduce.counts == {
        "read": 100, "no jmuon": 7, "time in the future": 3, "reduced": 90,
    }  # fmt: skip
    assert select.counts == {
        "entered": 90, "up-going": 30, "quality": 20, account.repeated.reason: 0, "kept": 40,
    }  # fmt: skip


@pytest.mark.parametrize(("number", "named"), [(1, 1), (10, 10), (11, 1), (3000, 1)])
def test_more_than_ten_inputs_become_one_collection(number: int, named: int) -> None:
    provenance = made(*(file(n, *JPP) for n in range(number)))
    reduce = provenance.steps[2]
    assert len(provenance.steps) == 5
    assert len(reduce.inputs) == named
    members = [e.members for e in provenance.entities if e.members]
    assert members == ([tuple(file(n).identifier for n in range(number))] if number > 10 else [])
    assert len(to_json(provenance)) < 3000 + 400 * number


def test_inputs_of_several_histories_become_several_collections() -> None:
    older, newer = JPP, (PriorStep(name="JMuonGandalf", software="Jpp 16.0.3"),)
    inputs = [file(n, *(older if n < 40 else newer)) for n in range(100)]
    provenance = made(*inputs)
    assert [s.software for s in provenance.steps[:3]] == ["Jpp 14.1.0", "Jpp 14.1.0", "Jpp 16.0.3"]
    sizes = [len(e.members) for e in provenance.entities if e.members]
    assert sizes == [40, 60]
    assert len(provenance.steps[3].inputs) == 2


def test_a_good_run_list_is_an_input_of_its_own() -> None:
    runs = Entity(identifier=f"sha256:{99:064x}", name="runs.csv", description="Good-run list")
    provenance = made(*(file(n) for n in range(20)), runs)
    assert provenance.steps[0].inputs[1:] == (runs.identifier,)
    assert [e.name for e in provenance.entities if e.members] == ["20 files"]


def test_a_file_that_comes_twice_is_named_once() -> None:
    assert len(made(file(1), file(1)).entities) == 1


def test_a_single_input_keeps_the_identifiers_and_times_of_its_record() -> None:
    with open_reader(Path(data_path("dst/orca4_sample.root"))) as reader:
        (dst,) = reader.header.history
    step = PriorStep(
        name="km3pipe pipeline", identifier=UUID(int=77), used=(UUID(int=5),), started=START
    )
    provenance = made(file(1, dst, step))
    assert provenance.steps[1].identifier == UUID(int=77)
    assert provenance.steps[1].started == START
    assert provenance.steps[1].inputs == (f"uuid:{UUID(int=5)}",)
    assert provenance.entities[1].uuid == UUID(int=5)


def test_several_inputs_share_a_step_that_knows_all_their_identifiers() -> None:
    def recorded(number: int) -> Entity:
        begun = START + timedelta(hours=number)
        step = PriorStep(
            name="km3pipe pipeline", software="km3pipe 9.3.0", identifier=UUID(int=100 + number),
            used=(uuid4(),), started=begun, ended=begun + timedelta(minutes=1),
        )  # fmt: skip
        return file(number, step)

    (shared, *_) = made(*(recorded(n) for n in range(30))).steps
    assert shared.recorded_as == tuple(UUID(int=100 + n) for n in range(30))
    assert shared.identifier not in shared.recorded_as
    assert shared.started == START
    assert shared.ended == START + timedelta(hours=29, minutes=1)
    assert len(shared.inputs) == 1


def test_one_input_made_from_another_is_linked_to_it() -> None:
    step = PriorStep(name="km3pipe pipeline", used=(UUID(int=1),))
    start = beginning([file(1), file(2, step)])
    assert start.steps[0].inputs == (file(1).identifier,)
    assert len(start.entities) == 2


def test_entities_do_not_repeat_the_history() -> None:
    assert all(not entity.history for entity in made(file(1, *JPP)).entities)
