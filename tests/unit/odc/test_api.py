"""The REST service: what it takes, gives and keeps to itself."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from vopub import __version__
from vopub.errors import ServiceError
from vopub.model.ktype import Ktype
from vopub.model.resource import KM3OpenResource, KM3ResourceStream
from vopub.odc import grouping_forms

from .conftest import AUTHORITY, TOKEN, Centre, make_collection, make_record, parse_page, products
from .refused import KID, check_error

HOSTILE = "<script>alert('x')</script> \"quotes\" {{7*7}} {% raw %} ${8*8} Ντετέκτορ 🌊 & ' \\ %00"


def test_health_names_the_version(kept_centre: Centre) -> None:
    answer = kept_centre.http.get("/api/health")
    assert answer.json() == {"status": "ok", "version": __version__}


def test_a_record_goes_through_the_service_unchanged(
    centre: Centre, record: KM3OpenResource
) -> None:
    centre.put(record, products())
    answer = centre.http.get(f"/api/resources/{record.kid}")
    assert answer.headers["content-type"] == "application/json"
    assert KM3OpenResource.model_validate_json(answer.content) == record


def test_writing_tells_what_it_did(centre: Centre, record: KM3OpenResource) -> None:
    address = f"/api/resources/{record.kid}"
    bare = record.model_copy(update={"files": ()})
    said = []
    for rows in (1, 1, 2):
        body = bare.model_copy(update={"rows": rows}).model_dump_json()
        answer = centre.http.put(address, content=body)
        said.append((answer.status_code, answer.json()["outcome"]))
    assert said == [(201, "created"), (200, "unchanged"), (200, "replaced")]


@pytest.mark.parametrize(
    "header",
    [
        {}, {"Authorization": "Bearer wrong-token-wrong-token"}, {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"}, {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer"}, {"Authorization": "Bearer \xe9\xff"},
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("PUT", "/api/resources/{kid}"), ("DELETE", "/api/resources/{kid}"),
        ("PUT", "/api/streams/evts21_01"), ("PUT", "/api/collections/evts21_01"),
        ("PUT", "/files/{kid}/a.csv"),
    ],
)  # fmt: skip
def test_writing_needs_the_token(
    kept_centre: Centre, method: str, address: str, header: dict[str, str]
) -> None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in header.items()]
    with kept_centre.anonymous() as http:
        answer = http.request(method, address.format(kid=uuid4()), content=b"{}", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    check_error(answer)


def test_reading_needs_no_token(centre: Centre, record: KM3OpenResource) -> None:
    centre.put(record, products())
    with centre.anonymous() as http:
        for address in (
            "/", "/api/resources", f"/api/resources/{record.kid}", "/api/ktypes",
            f"/files/{record.kid}/evts21_01.csv", "/api/openapi.json",
        ):  # fmt: skip
            assert http.get(address).status_code == 200, address


def test_hostile_text_comes_back_and_stays_text_on_the_pages(centre: Centre) -> None:
    record = make_record(
        files=[],
        publication={
            "title": HOSTILE, "description": HOSTILE * 2, "note": HOSTILE,
            "creators": [{"name": HOSTILE}], "subjects": [HOSTILE],
        },
    )  # fmt: skip
    centre.put(record, [])
    assert centre.client.get_resource(record.kid) == record
    for address in ("/", f"/resources/{record.kid}", "/resources?q=%3Cscript%3E"):
        answer = centre.http.get(address)
        page = parse_page(answer.text)
        data = page.xpath('//script[@type="application/ld+json"]')
        assert all(json.loads(element.text)["name"] == HOSTILE for element in data)
        scripts = [script for script in page.iter("script") if script not in data]
        assert [script.get("src") for script in scripts] == ["/static/copy.js"]
        assert HOSTILE in " ".join(page.text_content().split())
    page = parse_page(centre.http.get("/resources", params={"q": '"><script>1</script>'}).text)
    assert page.get_element_by_id("q").get("value") == '"><script>1</script>'
    (chip,) = page.xpath('//*[@class="chosen"]//a')
    assert chip.text == '“"><script>1</script>”'


def test_a_withdrawn_record_is_gone_with_its_reason(
    centre: Centre, record: KM3OpenResource
) -> None:
    centre.put(record, products())
    centre.client.delete_resource(record.kid, reason="wrong <calibration>")
    for address in (f"/api/resources/{record.kid}", f"/files/{record.kid}/evts21_01.csv"):
        answer = centre.http.get(address)
        assert answer.status_code == 410
        assert "wrong <calibration>" in check_error(answer)["error"]
    assert centre.http.get(f"/resources/{record.kid}").status_code == 410
    assert centre.client.get_resource(record.kid) is None
    assert centre.client.find() == []
    with pytest.raises(ServiceError, match="withdrawn"):
        centre.client.delete_resource(record.kid, reason="again")


@pytest.mark.parametrize(
    "path",
    [
        "/api/resources", f"/api/resources/{KID}", "/api/catalog", "/api/health",
        "/api/openapi.json", "/api/vocabularies/ktypes", "/schemas/1/resource.json",
        "/schemas/1.0/stream.example.json", "/api/streams/samples26_09", "/api/nothing",
    ],
)  # fmt: skip
def test_heads_are_those_of_the_answers(kept_centre: Centre, path: str) -> None:
    kept_centre.client.put_resource(make_record(files=[]))
    head, answer = kept_centre.http.head(path), kept_centre.http.get(path)
    assert head.content == b""
    assert head.status_code == answer.status_code
    assert dict(head.headers) == dict(answer.headers)


def test_a_list_comes_in_pieces(centre: Centre) -> None:
    for number in range(5):
        centre.put(make_record(version=f"{number}", files=[]), [])
    first = centre.http.get("/api/resources", params={"limit": 2}).json()
    second = centre.http.get("/api/resources", params={"limit": 2, "offset": 2}).json()
    assert (first["total"], second["total"]) == (5, 5)
    versions = [r["version"] for r in first["resources"] + second["resources"]]
    assert versions == ["4", "3", "2", "1"]
    latest = centre.http.get("/api/resources", params={"latest": True}).json()
    assert [r["version"] for r in latest["resources"]] == ["4"]


def test_a_summary_says_what_a_card_needs(centre: Centre, record: KM3OpenResource) -> None:
    centre.put(record, products())
    (found,) = centre.http.get("/api/resources").json()["resources"]
    assert UUID(found["kid"]) == record.kid
    assert (found["rows"], found["instrument"], found["simulated"]) == (226, "ORCA6", False)
    assert found["services"] == ["scs", "tap", "form"]


def test_streams_collections_and_ktypes_are_listed(centre: Centre) -> None:
    centre.put(make_record(files=[]), [])
    stream = KM3ResourceStream(
        identifier="acoustic20_01_psd", title="Spectra", ktype=Ktype.ACOUSTIC_PSD,
        description="Spectral statistics of one hydrophone.",
    )  # fmt: skip
    centre.client.put_stream(stream)
    centre.client.put_collection(make_collection())
    streams = centre.http.get("/api/streams").json()["streams"]
    collections = centre.http.get("/api/collections").json()["collections"]
    assert [s["identifier"] for s in streams] == ["acoustic20_01_psd"]
    assert [c["identifier"] for c in collections] == ["samples26_01"]
    counts = {k["ktype"]: k["resources"] for k in centre.http.get("/api/ktypes").json()}
    assert set(counts) == {k.value for k in Ktype}
    assert counts["events"] == 1


def test_reading_is_open_to_other_origins(centre: Centre) -> None:
    answer = centre.http.get("/api/resources", headers={"Origin": "https://aladin.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    assert centre.http.options("/api/resources", headers=asked).status_code == 400


def test_every_answer_has_the_headers_that_protect_readers(kept_centre: Centre) -> None:
    for address in ("/", "/api/resources", "/nothing", "/static/style.css"):
        headers = kept_centre.http.get(address).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


def test_the_openapi_document_describes_every_way_in(kept_centre: Centre) -> None:
    document = kept_centre.http.get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert {
        "/api/health", "/api/ktypes", "/api/catalog", "/api/resources", "/api/resources/{kid}",
        "/api/resources/{kid}/linkset", "/api/resources/{kid}/history",
        "/api/resources/{kid}/versions", "/api/resources/{kid}/restore",
        "/api/vocabularies/ktypes", "/api/vocabularies/fields", "/schemas/{version}/{name}",
        "/api/streams", "/api/streams/{identifier}", "/api/streams/{identifier}/history",
        "/api/streams/{identifier}/restore", "/api/collections", "/api/collections/{identifier}",
        "/api/collections/{identifier}/history", "/api/collections/{identifier}/restore",
        "/api/streams/{identifier}/linkset", "/api/collections/{identifier}/linkset",
        "/files/{kid}/{name}",
    } == set(document["paths"])  # fmt: skip
    for one in ("streams", "collections"):
        paths = document["paths"]
        assert {parameter["name"] for parameter in paths[f"/api/{one}"]["get"]["parameters"]} == {
            "limit", "cursor",
        }  # fmt: skip
        form = paths[f"/api/{one}/{{identifier}}"]["get"]["responses"]["200"]["content"]
        assert {form.media_type for form in grouping_forms.FOR_PROGRAMS} == set(form)
        links = paths[f"/api/{one}/{{identifier}}/linkset"]["get"]["responses"]["200"]["content"]
        assert "application/linkset+json" in links
    put = document["paths"]["/api/resources/{kid}"]["put"]
    assert put["security"] == [{"HTTPBearer": []}]
    check_references(document, document)


def check_references(document: dict[str, Any], node: Any) -> None:
    """Every $ref in the document leads to something in it."""
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            target: Any = document
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]
        for value in node.values():
            check_references(document, value)
    elif isinstance(node, list):
        for value in node:
            check_references(document, value)


def test_the_token_is_neither_kept_nor_logged(
    centre: Centre, record: KM3OpenResource, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        centre.put(record, products())
        centre.http.get("/nothing")
    kept = b"".join(p.read_bytes() for p in centre.directory.rglob("*") if p.is_file())
    assert TOKEN.encode() not in kept
    assert TOKEN not in caplog.text
    assert AUTHORITY.encode() in kept
