"""What strangers send that cannot be: refused with its place, on either database."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vopub.model.ktype import Ktype
from vopub.model.resource import KM3OpenResource, KM3ResourceStream
from vopub.odc.door import problems_of
from vopub.odc.search import Query

from .conftest import Centre, make_collection, make_record, opened

EARLIEST = "0001-01-01T00:00:00+14:00"
LATEST = "9999-12-31T23:59:59-14:00"
KID = make_record().kid


@pytest.fixture
def centre(tmp_path: Path, database: str) -> Iterator[Centre]:
    with opened(tmp_path, database) as centre:
        centre.client.put_resource(make_record(files=[]))
        yield centre


def token_of(group: str) -> str:
    """Make the resumption token of a harvest of a set."""
    content = ["oai_dc", None, None, group, "2026-01-01T00:00:00", str(KID), 100]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


FORGED = token_of("collection:a\0")
LIST = "/oai?verb=ListRecords&"
ADDRESSES = {
    "/resources/a%00": 404,
    "/resources/evts21_01%00": 404,
    f"/resources/{KID}%00": 404,
    "/streams/evts21_01%00": 422,
    "/api/resources/a%00": 422,
    "/api/streams/a%00": 422,
    "/api/catalog?stream=a%00": 422,
    "/api/resources?collection=a%00": 422,
    "/api/resources?identifier=a%00&stream=%00": 422,
    "/api/resources?cursor=a%00": 422,
    "/api/resources?ktype=a%00": 422,
    "/api/resources?sort=%00": 422,
    "/api/resources?since=%00": 422,
    "/api/resources?q=a%00b": 200,
    "/resources?q=a%00b&ktype=a%00": 200,
    "/resources?collection=a%00": 422,
    "/resources?from=a%00": 422,
    f"/api/resources/{KID}?format=%00": 406,
    f"/files/{KID}/a.csv?sha256=%00": 422,
    f"{LIST}metadataPrefix=oai_dc&set=collection:a%00": 200,
    f"{LIST}metadataPrefix=oai_dc&set=ktype:%00": 200,
    f"{LIST}metadataPrefix=%00": 200,
    f"{LIST}resumptionToken={FORGED}": 200,
    "/oai?verb=GetRecord&metadataPrefix=oai_dc&identifier=urn:uuid:%00": 200,
    "/schemas/1.0%00/resource.json": 422,
    f"/api/resources?since={EARLIEST.replace('+', '%2B')}": 200,
    f"/api/resources?until={LATEST}": 200,
}


def test_zero_bytes_and_the_ends_of_time_are_answered(centre: Centre) -> None:
    found = {address: centre.http.get(address).status_code for address in ADDRESSES}
    assert found == ADDRESSES
    for query, number in ((f"since={EARLIEST}", 1), (f"until={LATEST}", 1),
                          (f"since={LATEST}", 0), (f"until={EARLIEST}", 0)):  # fmt: skip
        answer = centre.http.get(f"/api/resources?{query.replace('+', '%2B')}")
        assert answer.json()["total"] == number, query


def test_a_reason_is_words_that_a_database_bears(centre: Centre) -> None:
    address = f"/api/resources/{KID}"
    for reason in ("", "?reason=", "?reason=+%09", "?reason=a%00b"):
        assert centre.http.delete(address + reason).status_code == 422, reason
    assert centre.http.get(address).status_code == 200
    assert centre.http.delete(f"{address}?reason=wrong+calibration").status_code == 204
    assert centre.http.post(f"{address}/restore?reason=a%00b").status_code == 422
    assert centre.http.post(f"{address}/restore?reason=it+was+right").status_code == 204


MOMENT = {"start": "2021-02-24T03:59:13Z", "stop": "2021-02-24T09:59:12Z"}
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"stream": "s" * 200}, "stream", "'sss"),
    ({"stream": "samples26_07\0"}, "stream", "is not an identifier"),
    ({"stream": "samples26_07\n"}, "stream", "is not an identifier"),
    ({"collection": "a  b"}, "collection", "'a  b' is not an identifier"),
    ({"collection": "a\0"}, "collection", "is not an identifier"),
    ({"coverage": {"spatial": "garbage not a moc"}}, "coverage.spatial", "'garbage not a moc'"),
    ({"coverage": {"spatial": "99/1"}}, "coverage.spatial", "no order 99"),
    ({"coverage": {"spatial": "3/-5"}}, "coverage.spatial", "'3/-5': this is not a MOC"),
    ({"coverage": {"spatial": "3/5-1"}}, "coverage.spatial", "5-1 go backwards"),
    ({"coverage": {"spatial": "3/768"}}, "coverage.spatial", "has 768 cells"),
    ({"coverage": {"spatial": "3/1-5 4/7"}}, "coverage.spatial", "lies in another"),
    ({"coverage": {"energy": [100, 1]}}, "coverage.energy", "[100.0, 1.0]"),
    ({"coverage": {"energy": [-1, 1]}}, "coverage.energy", "[-1.0, 1.0]"),
    ({"coverage": {"declination": [10, -10]}}, "coverage.declination", "[10.0, -10.0]"),
    ({"coverage": {"declination": [-91, 0]}}, "coverage.declination", "-90 to 90"),
    (
        {"coverage": {"temporal": {"start": MOMENT["stop"], "stop": MOMENT["start"]}}},
        "coverage.temporal.stop", "2021-02-24T03:59:13+00:00 is before start",
    ),
    (
        {"coverage": {"temporal": {"start": EARLIEST, "stop": MOMENT["stop"]}}},
        "coverage.temporal.start", f"{EARLIEST} is in UTC no time",
    ),
    (
        {"coverage": {"temporal": {"start": MOMENT["start"], "stop": LATEST}}},
        "coverage.temporal.stop", f"{LATEST} is in UTC no time",
    ),
    (
        {"services": [{"kind": "tap", "url": "http://odc.test/tap", "proved": LATEST}]},
        "services.0.proved", LATEST,
    ),
]  # fmt: skip


def test_what_cannot_be_is_refused_with_its_place(centre: Centre) -> None:
    record = make_record(files=[], version="2.0")
    address = f"/api/resources/{record.kid}"
    for changes, place, said in REFUSED:
        content = {**record.model_dump(mode="json"), **changes}
        answer = centre.http.put(address, json=content)
        assert answer.status_code == 422, changes
        (first, *_) = answer.json()["detail"]
        assert first["place"] == place
        assert said in first["what"] + first.get("hint", "")
        both = [make_record(files=[], version="3.0").model_dump(mode="json"), content]
        answer = centre.http.put("/api/resources", json={"resources": both})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["place"] == f"{record.kid}.{place}"
    assert centre.store.count(Query()).number == 1


def test_groupings_name_identifiers_only(centre: Centre) -> None:
    stream = KM3ResourceStream(
        identifier="samples26_07", title="A stream", ktype=Ktype.EVENTS,
        description="Event tables that follow each other.", collection="a\0",
    )  # fmt: skip
    collection = make_collection(streams=("samples26_07", ""))
    for kind, record, place in (
        ("streams", stream, "collection"), ("collections", collection, "streams.1")
    ):  # fmt: skip
        address = f"/api/{kind}/{record.identifier}"
        answer = centre.http.put(address, content=record.model_dump_json())
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["place"] == place
        assert centre.http.get(address).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stream": "acoustic20_01_psd", "collection": ""},
        {"coverage": {"spatial": "3/"}},
        {"coverage": {"spatial": "3/1-5 17 4/100 29/"}},
        {"coverage": {"spatial": "29/ 3458764513820540927"}},
        {"coverage": {"energy": [0, 0], "declination": [-90, 90]}},
        {"coverage": {"temporal": {"start": MOMENT["start"], "stop": MOMENT["start"]}}},
        {"coverage": {"temporal": {"start": "0001-01-01T00:00:00Z", "stop": MOMENT["start"]}}},
    ],
)
def test_what_can_be_is_let_in(changes: dict[str, Any]) -> None:
    content = {**make_record().model_dump(mode="json"), **changes}
    record = KM3OpenResource.model_validate(content)
    assert problems_of(record, record.model_dump_json()) == []
