"""The store against a real Open Data Center."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from uuid import uuid4

import httpx
import numpy as np
import pandas as pd
import pytest
from astropy.table import QTable

from vopub import KM3Store
from vopub.client.cache import Cache
from vopub.client.catalog import Catalog
from vopub.client.faults import AwayError, MissingHereError, MissingThereError, WithdrawnError
from vopub.client.groupings import KM3Collection, KM3Stream
from vopub.client.objects import KM3Table
from vopub.client.store import NAME
from vopub.client.tables import AcousticPSD
from vopub.errors import ServiceError, UsageError, VopubError
from vopub.model.ktype import Ktype
from vopub.model.parameter import Dtype, Parameter
from vopub.model.resource import (
    ID_PATTERN,
    FileRole,
    KM3OpenResource,
    KM3ResourceStream,
    make_kid,
)
from vopub.odc.client import OdcClient

from ..odc.conftest import (  # noqa: TID252
    TOKEN,
    Product,
    Server,
    make_collection,
    make_record,
    product,
    start,
    upload,
)
from .conftest import Scripted

CSV = 'event_id,ra,mjd,n_hits\n"km3.49.9505.1.1",10.5,59269.1,12\n"a ""b"", c",,59269.2,13\n'
PARAMETERS = (
    Parameter(name="event_id", dtype=Dtype.TEXT, ucd="meta.id", description="Event identifier."),
    Parameter(name="ra", dtype=Dtype.FLOAT64, unit="deg", ucd="pos.eq.ra", symbol=r"\alpha",
              description="Right ascension.", range=(0, 360), null="if not known"),
    Parameter(name="mjd", dtype=Dtype.FLOAT64, unit="d", ucd="time.epoch",
              description="Time, UTC, as modified Julian day."),
    Parameter(name="n_hits", dtype=Dtype.INT32, ucd="meta.number", description="Number of hits."),
)  # fmt: skip
FILES = [
    product("evts21_01.csv", CSV.encode(), "text/csv; charset=utf-8"),
    product("evts21_01.json", b"{}", "application/json", FileRole.METADATA),
]


def put(client: OdcClient, record: KM3OpenResource, files: list[Product], work: Path) -> None:
    upload(client, record.kid, files, work)
    client.put_resource(record)


@pytest.fixture
def table(writer: OdcClient, tmp_path: Path) -> KM3OpenResource:
    """Put a table of two rows, and an older version of it without files."""
    old = make_record(version="0.9", files=[], services=())
    record = make_record(files=FILES, parameters=PARAMETERS, rows=2, services=())
    put(writer, old, [], tmp_path)
    put(writer, record, FILES, tmp_path)
    writer.put_collection(make_collection())
    return record


@pytest.fixture
def store(odc: Server, tmp_path: Path) -> KM3Store:
    return KM3Store(odc.url, cache=tmp_path / "cache")


@pytest.fixture
def stream(writer: OdcClient, tmp_path: Path) -> KM3ResourceStream:
    identifier = "acoustic20_01_psd_dom_1"
    about = {
        "identifier": identifier, "kid": make_kid("samples.invalid", identifier, "1.0"),
        "ktype": Ktype.ACOUSTIC_PSD,
        "details": {"dom_id": 808974724, "channel": 1, "start": "2020-09-29T07:57:13+00:00"},
    }  # fmt: skip
    plain = make_record(
        files=FILES, rows=2, services=(), stream="acoustic20_01_psd", collection=""
    )  # fmt: skip
    element = plain.model_copy(update=about)
    put(writer, element, FILES, tmp_path)
    record = KM3ResourceStream(
        identifier="acoustic20_01_psd", title="Spectra of one hydrophone", ktype=Ktype.ACOUSTIC_PSD,
        description="Spectral statistics of one hydrophone.", resources=(element.kid,),
    )  # fmt: skip
    writer.put_stream(record)
    return record


def test_listing(store: KM3Store, table: KM3OpenResource, stream: KM3ResourceStream) -> None:
    top = store.list()
    assert [e.kind for e in top] == ["collection", "stream"]
    assert top.identifiers == ["samples26_01", "acoustic20_01_psd"]
    assert store.list("samples26_01").identifiers == ["evts21_01"]
    assert store.list("acoustic20_01_psd").identifiers == ["acoustic20_01_psd_dom_1"]
    assert [e.version for e in store.list("evts21_01")] == ["1.0", "0.9"]
    assert "Identifier" in repr(top)
    assert "<th>Identifier</th><th>Title</th><th>Description</th>" in top._repr_html_()


def test_what_is_not_there_is_told_with_what_may_be_meant(
    store: KM3Store, table: KM3OpenResource, stream: KM3ResourceStream
) -> None:
    for ask in (store.get, store.list):
        with pytest.raises(MissingThereError, match="'evts21_02'; did you mean evts21_01"):
            ask("evts21_02")
        with pytest.raises(MissingThereError, match="acoustic20_01_psd_dom_2"):
            ask("acoustic20_01_psd_dom_2")
        with pytest.raises(MissingThereError, match="no collection"):
            ask("../../etc/passwd")
    with pytest.raises(MissingThereError, match=r"no version '2'; there are 1\.0, 0\.9"):
        store.get("evts21_01@2")
    with pytest.raises(MissingThereError, match="there is no resource"):
        store.get(str(uuid4()))


def test_one_object_by_each_of_its_names(store: KM3Store, table: KM3OpenResource) -> None:
    names = ("evts21_01", "evts21_01@1.0", str(table.kid), str(table.kid).upper())
    assert {store.get(name).kid for name in names} == {table.kid}
    assert store.get("evts21_01@0.9").version == "0.9"
    assert json.loads(table.model_dump_json()) == store.get("evts21_01").metadata


def test_a_table_with_its_types_and_units(store: KM3Store, table: KM3OpenResource) -> None:
    events = store.get("evts21_01")
    assert type(events) is KM3Table
    frame = events.get_dataframe()
    assert frame.dtypes.astype(str).tolist() == ["object", "float64", "float64", "int32"]
    assert frame["event_id"].tolist() == ["km3.49.9505.1.1", 'a "b", c']
    assert np.isnan(frame["ra"][1])
    pd.testing.assert_frame_equal(events.data, frame)
    frame["ra"] = 0
    assert events.data["ra"][0] == 10.5
    plain = events.get_table()
    assert [str(column.unit) for column in plain.columns.values()] == ["None", "deg", "d", "None"]
    assert plain["event_id"].tolist() == frame["event_id"].tolist()
    assert plain["ra"].description == "Right ascension."
    quantities = events.get_table(quantities=True)
    assert isinstance(quantities, QTable)
    assert quantities["mjd"][0].to_value("h") == pytest.approx(59269.1 * 24)
    assert plain.meta == {"identifier": "evts21_01", "version": "1.0", "kid": str(table.kid)}


def test_another_number_of_rows_than_published_is_told(
    store: KM3Store, table: KM3OpenResource, writer: OdcClient
) -> None:
    writer.put_resource(table.model_copy(update={"rows": 3}))
    with pytest.raises(ServiceError, match="has 3 rows, 2 came"):
        _ = store.get("evts21_01").data


def test_showing(
    store: KM3Store, table: KM3OpenResource, capsys: pytest.CaptureFixture[str]
) -> None:
    events = store.get("evts21_01")
    events.show_metadata()
    said = capsys.readouterr().out
    assert "publication.licence" in said
    assert "CC-BY-4.0" in said
    events.show_paraminfo()
    said = capsys.readouterr().out
    head = next(line for line in said.splitlines() if "Parameter " in line)
    assert head.split() == [
        "Parameter", "Name", "Description", "Unit", "Symbol", "Range", "Type",
    ]  # fmt: skip
    for word in ("Right ascension", "deg", r"\alpha", "360.0]", "float64"):
        assert word in said
    assert repr(events).startswith("<KM3Table evts21_01 1.0: ")
    assert "evts21_01.csv" in events._repr_html_()


def test_services_are_asked_for_by_kind(store: KM3Store, writer: OdcClient, tmp_path: Path) -> None:
    record = make_record("evts21_01", version="3", files=[])
    put(writer, record, [], tmp_path)
    served = store.get("evts21_01@3")
    assert served.get_tap().baseurl == "http://127.0.0.1:8080/tap"
    assert served.get_scs().baseurl.startswith("http://127.0.0.1:8080/evts21_01/q/cone")
    bare = make_record("evts21_01", version="4", files=[], services=())
    put(writer, bare, [], tmp_path)
    for ask in ("get_tap", "get_scs", "get_dataframe"):
        with pytest.raises(UsageError, match=r"evts21_01 has no (TAP|SCS) service; it has no"):
            getattr(KM3Store(store.url).get("evts21_01@4"), ask)()
    writer.delete_resource(bare.kid, reason="test")
    writer.delete_resource(record.kid, reason="test")


def test_streams_and_collections(
    store: KM3Store, table: KM3OpenResource, stream: KM3ResourceStream,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    collection = store.get("samples26_01")
    assert type(collection) is KM3Collection
    assert collection.data == ["evts21_01"]
    assert [found.kid for found in collection.objects()] == [table.kid]
    collection.show_metadata()
    assert collection.description in " ".join(capsys.readouterr().out.split())
    elements = store.get(stream.identifier)
    assert type(elements) is KM3Stream
    (element,) = elements.objects()
    assert type(element) is AcousticPSD
    assert element.data["ra"][0] == 10.5
    assert store.get("acoustic20_01_psd_dom_1").metadata == element.metadata
    assert "KM3Stream acoustic20_01_psd" in repr(elements)


def test_searching(store: KM3Store, table: KM3OpenResource) -> None:
    assert "evts21_01" in store.search("orca UP-GOING").identifiers
    assert store.search("no-such-word").identifiers == []
    store.list()
    offline = KM3Store(store.url, cache=Path("cache"), offline=True)
    assert offline.search("orca up-going").identifiers == ["evts21_01"]
    assert offline.search("orca no-such-word").identifiers == []


def test_the_catalogue_is_fetched_once_and_again_when_asked(
    store: KM3Store, table: KM3OpenResource, writer: OdcClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert store.list("samples26_01").identifiers == ["evts21_01"]
    extra = make_record("evts20_01", files=[], services=())
    writer.put_resource(extra)
    assert store.list("samples26_01").identifiers == ["evts21_01"]
    with caplog.at_level(logging.INFO):
        store.update_catalog()
    assert "Updated catalog" in caplog.text
    assert store.list("samples26_01").identifiers == ["evts20_01", "evts21_01"]
    writer.delete_resource(extra.kid, reason="test")


def test_offline_there_is_what_was_fetched_and_nothing_else(
    store: KM3Store, table: KM3OpenResource
) -> None:
    frame = store.get("evts21_01").data
    other = KM3Store("http://127.0.0.1:9", cache=Path("cache"), offline=True)
    with pytest.raises(MissingHereError, match="not in the cache"):
        other.list()
    offline = KM3Store(store.url, cache=Path("cache"), offline=True)
    assert offline.list().identifiers == store.list().identifiers
    again = offline.get("evts21_01")
    pd.testing.assert_frame_equal(again.data, frame)
    with pytest.raises(MissingHereError, match=r"evts21_01\.json is not in the cache"):
        again.path("evts21_01.json")
    with pytest.raises(MissingHereError):
        offline.get("evts21_01@0.9")


def test_the_catalogue_is_kept_short_and_whole(
    store: KM3Store, table: KM3OpenResource, tmp_path: Path
) -> None:
    fresh = store.catalog
    kept = KM3Store(store.url, cache=tmp_path / "cache", offline=True).catalog
    assert kept.top().as_json() == fresh.top().as_json()
    assert kept.members("samples26_01").as_json() == fresh.members("samples26_01").as_json()
    assert kept.collections == fresh.collections
    assert kept.streams == fresh.streams
    with pytest.raises(ServiceError, match="in the cache cannot be used"):
        Catalog.from_brief(b'{"resources": {"kid": ["a"]}, "streams": [], "collections": []}')


def test_what_another_version_kept_is_used_offline_only_as_it_came(
    store: KM3Store, table: KM3OpenResource, tmp_path: Path
) -> None:
    found = store._source.connection.document("/api/catalog", {}, bytes)
    assert found is not None
    cache = Cache(tmp_path / "old")
    cache.save(store.url, "/api/catalog", {}, found.body, '"old"')
    old = KM3Store(store.url, cache=cache.directory, offline=True)
    assert old.list().identifiers == store.list().identifiers
    other = Cache(tmp_path / "other")
    other.save(store.url, "/api/catalog", {"brief": "columns-9"}, b"?", '"other"')
    with pytest.raises(MissingHereError):
        KM3Store(store.url, cache=other.directory, offline=True).list()
    assert KM3Store(store.url, cache=other.directory).list().identifiers


def test_what_did_not_change_is_not_sent_again(scripted: Scripted, tmp_path: Path) -> None:
    body = b'{"resources": [], "streams": [], "collections": []}'
    scripted.say("/api/catalog", body, headers={"ETag": '"1"'})
    assert scripted.store(tmp_path).list().identifiers == []
    scripted.say("/api/catalog", b"", status=304, headers={"ETag": '"1"'})
    assert scripted.store(tmp_path).list().identifiers == []
    asked = [{name.lower(): value for name, value in each.items()} for _, each in scripted.asked]
    assert [each.get("if-none-match") for each in asked] == [None, '"1"']


def test_a_withdrawn_resource_says_why(
    store: KM3Store, table: KM3OpenResource, writer: OdcClient
) -> None:
    record = make_record(version="5", files=[], services=())
    writer.put_resource(record)
    store.list()
    writer.delete_resource(record.kid, reason="wrong calibration")
    with pytest.raises(MissingThereError, match="was withdrawn: wrong calibration"):
        store.get("evts21_01@5")


def test_a_withdrawn_stream_says_why_and_its_elements_stay(
    store: KM3Store, stream: KM3ResourceStream, odc: Server, writer: OdcClient
) -> None:
    name, token = stream.identifier, {"Authorization": f"Bearer {TOKEN}"}
    store.list()  # one that knows it still, and one that never did
    address = f"{odc.url}/api/streams/{name}?reason=recorded+twice"
    httpx.delete(address, headers=token, trust_env=False).raise_for_status()
    later = KM3Store(odc.url, cache=Path("later"))
    assert name not in later.list().identifiers
    for asked in (store, later):
        for ask in (asked.get, asked.list):
            with pytest.raises(WithdrawnError, match=f"stream '{name}' was withdrawn: recorded"):
                ask(name)
    (element,) = later.list("acoustic20_01_psd_dom_1")
    assert later.get("acoustic20_01_psd_dom_1").kid == later.get(element.kid).kid
    with pytest.raises(MissingThereError, match="no collection, stream or resource"):
        later.get("acoustic20_01_psd_dom_2")
    writer.put_stream(stream)
    later.update_catalog()
    assert later.list(name).identifiers == ["acoustic20_01_psd_dom_1"]


def test_identifiers_are_what_the_model_says() -> None:
    assert NAME == ID_PATTERN


def test_who_is_away_is_told_with_the_copy_there_is(tmp_path: Path) -> None:
    away = KM3Store("http://127.0.0.1:9", cache=Path("cache"))
    with pytest.raises(AwayError, match=r"http://127\.0\.0\.1:9 does not answer; check") as caught:
        away.list()
    assert "offline" not in str(caught.value)
    center = start(tmp_path / "odc")
    try:
        KM3Store(center.url, cache=Path("cache")).list()
    finally:
        center.stop()
    with pytest.raises(AwayError, match=r"work offline with what was fetched on 20.*--offline"):
        KM3Store(center.url, cache=Path("cache")).list()


def test_a_mirror_is_asked_when_the_first_is_away(odc: Server, table: KM3OpenResource) -> None:
    store = KM3Store(
        "http://127.0.0.1:9", cache=Path("c"), mirrors=["http://127.0.0.1:10", odc.url]
    )
    assert len(store.get("evts21_01").data) == 2
    with pytest.raises(AwayError, match=r"127\.0\.0\.1:9 .*; .*127\.0\.0\.1:10 "):
        KM3Store("http://127.0.0.1:9", mirrors=["http://127.0.0.1:10"]).list()


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1", "http://[::bad", "http://"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(VopubError, match=r"address|URL"):
        KM3Store(address).list()


def test_a_damaged_cache_is_told_or_fetched_again(
    store: KM3Store, table: KM3OpenResource, tmp_path: Path
) -> None:
    store.list()
    (kept,) = (tmp_path / "cache" / "documents").iterdir()
    kept.write_bytes(b"rubbish")
    assert KM3Store(store.url, cache=tmp_path / "cache").list().identifiers
    whole = kept.read_bytes()
    for damaged in (whole[:-9], whole.replace(b"samples26_01", b"samples26_02")):
        kept.write_bytes(damaged)
        with pytest.raises(MissingHereError, match="not in the cache"):
            KM3Store(store.url, cache=tmp_path / "cache", offline=True).list()
    path = store.get("evts21_01").path("evts21_01.csv")
    path.write_bytes(b"damaged")
    assert KM3Store(store.url, cache=tmp_path / "cache").get("evts21_01").data["ra"][0] == 10.5
    assert hashlib.sha256(path.read_bytes()).hexdigest() == FILES[0].reference.sha256


def test_a_file_of_another_name_is_told(store: KM3Store, table: KM3OpenResource) -> None:
    with pytest.raises(UsageError, match=r"has no file 'evts21_01\.cvs'; did you mean"):
        store.get("evts21_01").path("evts21_01.cvs")


def test_a_catalogue_without_anything(tmp_path: Path) -> None:
    body = b'{"resources": [], "streams": [], "collections": []}'
    assert Catalog.from_document(body).top().identifiers == []
    assert Catalog.from_document(body).like("evts21_01") == "list() shows what there is"
