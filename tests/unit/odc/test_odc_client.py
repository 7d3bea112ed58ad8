from __future__ import annotations

import itertools
import socket
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from vopub.errors import FileError, ServiceError
from vopub.model.ktype import Ktype
from vopub.model.resource import KM3OpenResource, KM3ResourceCollection, KM3ResourceStream
from vopub.odc import client as odc_client
from vopub.odc.answers import Outcome
from vopub.odc.client import OdcClient

from .conftest import (
    TOKEN,
    Centre,
    InProcess,
    Server,
    make_collection,
    make_record,
    products,
    upload,
)


def test_a_publication_is_written_once(centre: Centre, record: KM3OpenResource) -> None:
    client = centre.client
    assert upload(client, record.kid, products(), centre.work) == [True] * 4
    assert client.put_resource(record) is Outcome.CREATED
    assert upload(client, record.kid, products(), centre.work) == [False] * 4
    assert client.put_resource(record) is Outcome.UNCHANGED
    assert client.get_resource(record.kid) == record


def test_uploads_that_no_record_names_yet_are_not_sent_again(centre: Centre) -> None:
    kid = uuid4()
    for expected in (True, False):
        assert upload(centre.client, kid, products(), centre.work) == [expected] * 4


def test_what_is_not_there_is_none(centre: Centre) -> None:
    assert centre.client.get_resource(uuid4()) is None
    assert centre.client.get_stream("evts99_01") is None
    assert centre.client.get_collection("evts99_01") is None


def test_streams_and_collections_are_written(centre: Centre) -> None:
    stream = KM3ResourceStream(
        identifier="acoustic20_01_psd", title="Spectra", ktype=Ktype.ACOUSTIC_PSD,
        description="Spectral statistics of one hydrophone.",
    )  # fmt: skip
    assert centre.client.put_stream(stream) is Outcome.CREATED
    assert centre.client.put_collection(make_collection()) is Outcome.CREATED
    assert centre.client.put_collection(make_collection()) is Outcome.UNCHANGED
    assert centre.client.get_stream("acoustic20_01_psd") == stream
    assert centre.client.get_collection("samples26_01") == make_collection()


def test_every_match_is_found_however_many(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(odc_client, "PAGE", 2)
    for number in range(5):
        centre.put(make_record(version=f"{number}", files=[]), [])
    client = centre.client
    assert [found.version for found in client.find("ORCA")] == ["4", "3", "2", "1", "0"]
    assert [found.version for found in client.find(latest=True)] == ["4"]
    assert len(client.find(ktype=Ktype.EVENTS, collection="samples26_01")) == 5
    assert client.find(ktype=Ktype.PLOT) == client.find("nothing-like-it") == []
    assert len(client.find(identifier="evts21_01")) == 5


def test_a_refusal_says_what_is_wrong(centre: Centre, record: KM3OpenResource) -> None:
    with pytest.raises(ServiceError, match=r"PUT /api/resources/.* refused.*files\.0: .*\.csv"):
        centre.client.put_resource(record)


def test_a_file_that_changed_on_disk_is_refused(centre: Centre, record: KM3OpenResource) -> None:
    path = centre.work / "evts21_01.csv"
    path.write_bytes(b"changed")
    with pytest.raises(ServiceError, match=r"SHA-256 .*announced was"):
        centre.client.put_file(record.kid, record.files[0], path)


def test_a_file_of_another_size_than_said_is_refused(centre: Centre) -> None:
    file = products()[0]
    path = centre.work / "evts21_01.csv"
    path.write_bytes(file.content)
    reference = file.reference.model_copy(update={"size": 1})
    with pytest.raises(FileError, match="has not 1 bytes"):
        centre.client.put_file(uuid4(), reference, path)


def test_a_missing_file_is_told(centre: Centre, record: KM3OpenResource) -> None:
    with pytest.raises(FileError, match=r"nowhere\.csv: cannot read: No such file"):
        centre.client.put_file(record.kid, record.files[0], Path("/nowhere.csv"))


def test_a_wrong_token_is_told(centre: Centre, record: KM3OpenResource) -> None:
    for token in (None, "wrong"):
        with (
            OdcClient("http://odc.test", token, InProcess(centre.app)) as client,
            pytest.raises(ServiceError, match=r"401|token.*check the token"),
        ):
            client.put_resource(record)


def test_a_server_that_is_down_is_told_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        OdcClient(f"http://127.0.0.1:{port}") as client,
        pytest.raises(ServiceError, match=rf"{port} does not answer; start it with 'vopub up'"),
    ):
        client.health()


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1", "http://[::bad", "http://"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(ServiceError), OdcClient(address) as client:
        client.health()


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, "<html>"), (200, "{}"), (200, '{"status": 1}'), (500, "<html>"), (302, ""), (404, "")],
)
def test_something_else_than_an_open_data_center_is_told(status: int, body: str) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, text=body))
    with OdcClient("http://odc.test", transport=transport) as client:
        with pytest.raises(ServiceError, match=r"Health|status"):
            client.health()
        with pytest.raises(ServiceError):
            client.find()


def test_proxies_of_the_environment_are_left_alone(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with OdcClient(server.url) as client:
        assert client.health().status == "ok"


def test_a_change_is_made_again_on_what_somebody_else_wrote_meanwhile(
    kept_server: Server,
) -> None:
    record, read = make_record(version="21.1", files=[]), list[int | None]()
    with OdcClient(kept_server.url, TOKEN) as one, OdcClient(kept_server.url, TOKEN) as other:
        one.put_resource(record)

        def change(known: KM3OpenResource | None) -> KM3OpenResource:
            assert known is not None
            read.append(known.rows)
            if len(read) == 1:
                other.put_resource(known.model_copy(update={"rows": 7}))
            return known.model_copy(update={"services": ()})

        assert one.change_resource(record.kid, change) is Outcome.REPLACED
        written = one.get_resource(record.kid)
    assert read == [226, 7]
    assert written == record.model_copy(update={"rows": 7, "services": ()})


def test_what_was_not_there_is_not_written_over_what_came_meanwhile(kept_server: Server) -> None:
    first, second = uuid4(), uuid4()
    name = "samples26_02"
    with OdcClient(kept_server.url, TOKEN) as one, OdcClient(kept_server.url, TOKEN) as other:

        def change(known: KM3ResourceCollection | None) -> KM3ResourceCollection:
            if known is None:
                other.put_collection(make_collection(name, resources=(first,)))
            return make_collection(name, resources=(*(known.resources if known else ()), second))

        assert one.change_collection(name, change) is Outcome.REPLACED
        written = one.get_collection(name)
    assert written is not None
    assert written.resources == (first, second)


def test_nothing_is_written_if_a_change_is_none_and_what_was_withdrawn_is_not_there(
    centre: Centre,
) -> None:
    record = make_record(files=[])
    assert centre.client.change_resource(record.kid, lambda _: None) is None
    assert centre.client.get_resource(record.kid) is None
    assert centre.client.change_resource(record.kid, lambda _: record) is Outcome.CREATED
    assert centre.client.change_resource(record.kid, lambda known: known) is Outcome.UNCHANGED
    centre.client.delete_resource(record.kid, reason="wrong")
    seen = list[KM3OpenResource | None]()

    def back(known: KM3OpenResource | None) -> KM3OpenResource:
        seen.append(known)
        return record

    assert centre.client.change_resource(record.kid, back) is Outcome.CREATED
    assert seen == [None]


def test_who_is_always_slower_is_told_in_one_line(
    kept_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(odc_client, "PATIENCE", 0.5)
    record, rows = make_record(version="21.2", files=[]), itertools.count()
    with OdcClient(kept_server.url, TOKEN) as one, OdcClient(kept_server.url, TOKEN) as other:
        one.put_resource(record)

        def change(known: KM3OpenResource | None) -> KM3OpenResource:
            assert known is not None
            other.put_resource(known.model_copy(update={"rows": next(rows)}))
            return known.model_copy(update={"services": ()})

        with pytest.raises(
            ServiceError, match=r"others changed /api/resources/.*; try again"
        ) as it:
            one.change_resource(record.kid, change)
        assert one.get_resource(record.kid) == record.model_copy(update={"rows": next(rows) - 1})
    assert "\n" not in str(it.value)


def test_what_has_no_entity_tag_is_not_changed(record: KM3OpenResource) -> None:
    text = record.model_dump_json()
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, text=text))
    with (
        OdcClient("http://odc.test", transport=transport) as client,
        pytest.raises(ServiceError, match="has no ETag"),
    ):
        client.change_resource(record.kid, lambda known: known)
