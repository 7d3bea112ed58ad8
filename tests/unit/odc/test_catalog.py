from __future__ import annotations

import hashlib
import json
from pathlib import Path
from uuid import uuid4

import pytest

from vopub.errors import ServiceError
from vopub.model.ktype import Ktype
from vopub.model.resource import KM3ResourceStream
from vopub.odc import catalog as odc_catalog
from vopub.odc.answers import Catalog, ResourceSummary
from vopub.odc.catalog import KeptCatalog
from vopub.odc.counting import Noted
from vopub.odc.search import Query
from vopub.odc.store import Store

from .conftest import Centre, make_collection, make_record, products
from .databases import go_back


def fill(centre: Centre) -> KM3ResourceStream:
    """Put two versions of a table, a collection, and a stream that names one of its elements."""
    centre.put(make_record(version="1.9", files=[]), [])
    centre.put(make_record(version="1.10"), products())
    centre.client.put_collection(make_collection())
    named = make_record("evts20_01", version="2", files=[], services=())
    told = make_record(
        "evts20_01", version="1", files=[], services=(), stream="acoustic20_01_psd", collection=""
    )
    for element in (named, told):
        centre.put(element, [])
    stream = KM3ResourceStream(
        identifier="acoustic20_01_psd", title="Spectra of one hydrophone", ktype=Ktype.ACOUSTIC_PSD,
        description="Spectral statistics of one hydrophone.", resources=(named.kid, told.kid),
    )  # fmt: skip
    centre.client.put_stream(stream)
    return stream


def test_the_catalogue_holds_all_in_short(centre: Centre) -> None:
    fill(centre)
    catalog = Catalog.model_validate_json(centre.http.get("/api/catalog").content)
    found = [(r.identifier, r.version) for r in catalog.resources]
    assert found == [("evts20_01", "2"), ("evts21_01", "1.10"), ("evts21_01", "1.9")]
    record = make_record(version="1.10")
    assert catalog.resources[1] == ResourceSummary.model_validate_json(
        ResourceSummary.text_of(json.loads(record.model_dump_json()))
    )
    assert catalog.collections == (make_collection(),)
    assert [s.identifier for s in catalog.streams] == ["acoustic20_01_psd"]


def test_elements_of_a_stream_are_asked_for_by_stream(centre: Centre) -> None:
    stream = fill(centre)
    answer = centre.http.get("/api/catalog", params={"stream": stream.identifier})
    catalog = Catalog.model_validate_json(answer.content)
    assert {r.kid for r in catalog.resources} == set(stream.resources)
    assert len(catalog.resources) == 2
    assert not catalog.streams
    assert not catalog.collections
    missing = centre.http.get("/api/catalog", params={"stream": "acoustic20_02"})
    assert (missing.status_code, missing.json()["status"]) == (404, 404)


def test_a_stream_may_name_any_number_of_elements(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(odc_catalog, "MOST_VARIABLES", 2)
    kids = []
    for number in range(5):
        record = make_record(version=str(number), files=[])
        centre.put(record, [])
        kids.append(record.kid)
    named = centre.store.named([*reversed(kids), uuid4()])
    assert [summary.kid for summary in named] == kids[::-1]


@pytest.mark.parametrize("address", ["/api/catalog", "/api/resources/{kid}"])
def test_who_has_the_answer_is_told_so_until_it_changes(centre: Centre, address: str) -> None:
    record = make_record(files=[])
    centre.put(record, [])
    address = address.format(kid=record.kid)
    first = centre.http.get(address, headers={"Accept-Encoding": "identity"})
    assert first.headers["etag"] == f'"{hashlib.sha256(first.content).hexdigest()}"'
    known = {"If-None-Match": first.headers["etag"]}
    again = centre.http.get(address, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    centre.put(make_record(files=[], rows=7), [])
    changed = centre.http.get(address, headers=known)
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_the_catalogue_is_kept_until_something_is_written(centre: Centre) -> None:
    fill(centre)
    store = centre.store
    assert store.catalog.body() is store.catalog.body()
    for change in (
        lambda: store.put_resource(make_record(files=[], rows=3)),
        lambda: store.groupings.put(make_collection(title="Another title")),
        lambda: store.withdraw(make_record().kid, "wrong"),
    ):
        before = store.catalog.body()
        change()
        assert store.catalog.body() != before
        assert store.catalog.body() == store.make_catalog()


def test_what_one_process_made_another_one_need_not_make_for_who_has_it(centre: Centre) -> None:
    centre.put(make_record(files=[]), [])
    answer = centre.http.get("/api/catalog")
    made: list[bytes] = []

    def make() -> bytes:
        made.append(centre.store.make_catalog())
        return made[-1]

    owned = centre.store.catalog._owned
    centre.store.catalog = KeptCatalog(owned, make)  # as another process has it
    known = {"If-None-Match": answer.headers["etag"]}
    same = centre.http.get("/api/catalog", headers=known)
    assert (same.status_code, same.content, made) == (304, b"", [])
    assert same.headers["etag"] == answer.headers["etag"]
    assert centre.http.get("/api/catalog").content == answer.content
    assert len(made) == 1
    centre.put(make_record("evts20_01", files=[]), [])
    assert centre.http.get("/api/catalog", headers=known).status_code == 200
    assert len(made) == 2


def test_a_note_that_is_old_or_not_whole_is_none() -> None:
    noted = Noted()
    assert noted.read(b"1") == b""
    noted.write(b"1", bytes(32))
    assert noted.read(b"1") == bytes(32)
    assert noted.read(b"2") == b""
    noted._memory[3] ^= 1
    assert noted.read(b"1") == b""


def test_what_was_withdrawn_is_not_in_the_catalogue(centre: Centre) -> None:
    record = make_record(files=[])
    centre.put(record, [])
    centre.client.delete_resource(record.kid, reason="wrong")
    assert centre.http.get("/api/catalog").json()["resources"] == []
    with pytest.raises(ServiceError, match="was withdrawn: wrong"):
        centre.client.delete_resource(record.kid, reason="again")


def test_a_store_of_the_first_version_gets_its_summaries(tmp_path: Path) -> None:
    store = Store(tmp_path / "odc")
    record = make_record(files=[], stream="acoustic20_01_psd")
    store.put_resource(record)
    stream = KM3ResourceStream(
        identifier="acoustic20_01_psd", title="Spectra", ktype=Ktype.ACOUSTIC_PSD,
        description="Spectral statistics of one hydrophone.", resources=(record.kid,),
    )  # fmt: skip
    store.groupings.put(stream)
    store.groupings.put(make_collection(resources=(record.kid,)))
    expected = store.catalog.body(), store.find(Query()), store.make_catalog(stream.identifier)
    store.close()
    columns = go_back(tmp_path / "odc" / "odc.db", "0001")
    assert "summary" not in columns
    again = Store(tmp_path / "odc")
    whole, found, elements = (
        again.catalog.body(),
        again.find(Query()),
        again.make_catalog(stream.identifier),
    )
    assert found == expected[1]
    assert (json.loads(whole), json.loads(elements)) == (
        json.loads(expected[0]),
        json.loads(expected[2]),
    )
    assert again.get_resource(record.kid) == record
    again.close()
