from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import h5py
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prov.constants import PROV_TYPE
from prov.model import ProvActivity, ProvDocument, ProvEntity

from vopub.formats.hdf5 import Hdf5Writer
from vopub.formats.w3c_prov import prov_document, prov_json, prov_n
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.event_table import EventAccount, Excluded, FileAccount
from vopub.model.provenance import Entity, ProcessingStep, Provenance

MakeDataset = Callable[[int], EventDataset]
FILE = f"sha256:{'ab' * 32}"
STEP = UUID("14cc13b4-560f-51eb-92c3-cdac9e86beef")


@pytest.fixture
def metadata(make_dataset: MakeDataset) -> TableMetadata:
    return make_dataset(3).metadata


def with_steps(
    metadata: TableMetadata, *steps: ProcessingStep, entities: tuple[Entity, ...] = ()
) -> TableMetadata:
    return metadata.model_copy(update={"provenance": Provenance(steps=steps, entities=entities)})


@pytest.mark.parametrize(("write", "form"), [(prov_json, "json"), (prov_n, "provn")])
def test_what_is_written_reads_back_equal(
    metadata: TableMetadata, write: Callable[[TableMetadata], str], form: str
) -> None:
    back = ProvDocument.deserialize(content=write(metadata), format=form)
    assert back == prov_document(metadata)
    assert write(metadata) == write(metadata)


def test_files_steps_and_programs_have_names_that_stay(metadata: TableMetadata) -> None:
    content = json.loads(prov_json(metadata))
    assert content["prefix"]["sha256"] == "nih:sha-256;"
    assert content["prefix"]["uuid"] == "urn:uuid:"
    assert content["prefix"]["product"] == f"urn:uuid:{metadata.kid}#"
    assert set(content["entity"]) == {FILE, "product:evts21_01.events"}
    assert set(content["activity"]) == {f"uuid:{STEP}"}
    assert {"software:vopub_0.1.0", "organisation:A_sample_site"} == set(content["agent"])


def test_every_relation_is_there(metadata: TableMetadata) -> None:
    content = json.loads(prov_json(metadata))
    (used,) = content["used"].values()
    (made,) = content["wasGeneratedBy"].values()
    (derived,) = content["wasDerivedFrom"].values()
    (by,) = content["wasAssociatedWith"].values()
    (on_behalf,) = content["actedOnBehalfOf"].values()
    step, table = f"uuid:{STEP}", "product:evts21_01.events"
    assert used == {"prov:activity": step, "prov:entity": FILE}
    assert made == {"prov:entity": table, "prov:activity": step}
    assert derived == {
        "prov:generatedEntity": table, "prov:usedEntity": FILE, "prov:activity": step,
    }  # fmt: skip
    assert by == {"prov:activity": step, "prov:agent": "software:vopub_0.1.0"}
    assert on_behalf["prov:responsible"] == "organisation:A_sample_site"


def test_steps_tell_their_settings_and_counts(metadata: TableMetadata) -> None:
    step = metadata.provenance.steps[0].model_copy(update={"counts": {"cut: up-going": 9}})
    told = with_steps(metadata, step, entities=metadata.provenance.entities)
    activity = json.loads(prov_json(told))["activity"][f"uuid:{STEP}"]
    assert activity["setting:detector"] == "ORCA"
    assert activity["setting:smallest"] == {"$": "0.5", "type": "xsd:double"}
    assert activity["events:cut_up-going"] == {"$": "9", "type": "xsd:int"}
    assert activity["prov:startTime"].startswith("2021-02-24T00:03:17.250001")
    assert "setting:none" not in activity


def test_the_account_of_each_file_stands_at_the_file(metadata: TableMetadata) -> None:
    cut = Excluded(reason="up-going", events=4)
    account = EventAccount(read=7, kept=3, cuts=(cut,))
    entry = FileAccount(name="orca6_sample.root", identifier=FILE, account=account)
    document = prov_document(metadata.model_copy(update={"cut_flow": (entry,)}))
    (file,) = document.get_record(FILE)
    about = {str(name): value for name, value in file.attributes}
    assert about["events:read"] == 7
    assert about["events:left_out_up-going"] == 4
    assert about["events:kept"] == 3


def test_many_files_are_members_of_a_collection(metadata: TableMetadata) -> None:
    files = tuple(Entity(identifier=f"sha256:{n:064x}", name=f"{n}.root") for n in range(2000))
    together = Entity(
        identifier=f"collection:{UUID(int=7)}",
        name="2000 files",
        members=tuple(file.identifier for file in files),
    )
    step = ProcessingStep(
        identifier=STEP, name="reduce", description="", software="vopub 0.1.0",
        inputs=(together.identifier,), outputs=("evts21_01.events",),
    )  # fmt: skip
    many = with_steps(metadata, step, entities=(*files, together))
    document = ProvDocument.deserialize(content=prov_json(many), format="json")
    (collection,) = (
        entity
        for entity in document.get_records(ProvEntity)
        if any(str(kind) == "prov:Collection" for kind in entity.get_attribute(PROV_TYPE))
    )
    assert str(collection.identifier) == f"uuid:{UUID(int=7)}"
    content = json.loads(prov_json(many))
    assert len(content["hadMember"]) == 2000
    assert len(content["used"]) == len(content["wasDerivedFrom"]) == 1


def test_steps_of_foreign_records_follow_each_other(metadata: TableMetadata) -> None:
    first, second = UUID(int=1), UUID(int=2)
    steps = (
        ProcessingStep(identifier=first, name="JSirene", description="", software=""),
        ProcessingStep(
            identifier=second, name="JMuonGandalf", description="", software="Jpp 14.1.0",
            after=(first,), outputs=(FILE,), recorded_as=(UUID(int=8), UUID(int=9)),
        ),
    )  # fmt: skip
    content = json.loads(prov_json(with_steps(metadata, *steps)))
    (informed,) = content["wasInformedBy"].values()
    assert informed == {"prov:informed": f"uuid:{second}", "prov:informant": f"uuid:{first}"}
    (by,) = content["wasAssociatedWith"].values()
    assert by["prov:agent"] == "software:Jpp_14.1.0"
    assert len(content["activity"][f"uuid:{second}"]["vopub:recordedAs"]) == 2
    assert "actedOnBehalfOf" not in content


@settings(deadline=None, max_examples=60)
@given(
    texts=st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4, unique=True),
    value=st.one_of(st.integers(), st.booleans(), st.text(), st.floats(allow_nan=False)),
)
def test_no_name_is_too_strange(
    make_dataset: MakeDataset, texts: list[str], value: str | float | bool
) -> None:
    step = ProcessingStep(
        identifier=STEP, name=texts[0], description=texts[-1], software="vopub 0.1.0",
        configuration=dict.fromkeys(texts, value), counts=dict.fromkeys(texts, 1),
        inputs=(FILE,), outputs=("evts21_01.events",),
    )  # fmt: skip
    entity = Entity(identifier=FILE, name=texts[-1])
    told = with_steps(make_dataset(3).metadata, step, entities=(entity,))
    back = ProvDocument.deserialize(content=prov_json(told), format="json")
    assert back == prov_document(told)
    assert ProvDocument.deserialize(content=prov_n(told), format="provn") == back
    assert len(list(back.get_records(ProvActivity))) == 1


def test_hdf5_holds_it(make_dataset: MakeDataset, tmp_path: Path) -> None:
    dataset = make_dataset(3)
    path = tmp_path / "evts21_01.h5"
    with Hdf5Writer.open(path, dataset.table.parameters) as writer:
        writer.append(dataset.table)
        writer.finish(dataset.metadata)
    with h5py.File(path) as file:
        (text,) = file["provenance"][:]
    assert text.decode() == prov_json(dataset.metadata)
