"""What the service refuses, and how it says so."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx
import pytest

from vopub.model.resource import KM3OpenResource

from .conftest import Centre, make_collection, parse_page
from .refused import KID, check_error


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/nothing", 404),
        ("/api/resources/not-a-uuid", 422),
        ("/api/resources/" + "a" * 5000, 422),
        ("/api/resources/%00", 422),
        (f"/api/resources/{KID}", 404),
        (f"/api/resources/{KID}%00", 422),
        ("/api/resources?limit=1000000000000000000000000", 422),
        ("/api/resources?limit=0", 422),
        ("/api/resources?limit=ten", 422),
        ("/api/resources?offset=-1", 422),
        ("/api/resources?offset=99999999999999999999", 422),
        ("/api/resources?ktype=unknown", 422),
        ("/api/resources?collection=..%2F..", 422),
        ("/api/resources?q=" + "x" * 201, 422),
        ("/api/collections/evts21_01", 404),
        ("/api/collections/%3Cscript%3E", 422),
        ("/api/streams/evts21_01", 404),
        ("/api/streams/..%2f..%2fetc", 404),
        (f"/files/{KID}/..%2f..%2fodc.db", 404),
        (f"/files/{KID}/../../odc.db", 404),
        (f"/files/{KID}/.hidden", 422),
        (f"/files/{KID}/a%00.csv", 422),
        (f"/files/{KID}/a.csv?sha256=zz", 422),
        (f"/files/{KID}/a.csv", 404),
        ("/files/x/a.csv", 422),
        ("/static/../app.py", 404),
        ("/static/..%2fapp.py", 404),
        ("/static/%2e%2e/app.py", 404),
        ("/static/nothing.css", 404),
        ("/resources/nothing", 404),
        ("/resources/" + "x" * 9000, 404),
        ("/resources/%00%ff", 404),
        ("/collections/evts21_01", 404),
        ("/streams/evts21_01", 404),
        ("/docs", 404),
        ("/resources/", 404),
        ("/?q=" + "x" * 5000, 422),
        ("/resources?q=" + "x" * 5000, 422),
        ("/resources?cursor=nonsense", 422),
        ("/resources?cursor=" + "x" * 5000, 422),
        ("/resources?sort=by-chance", 422),
        ("/resources?collection=..%2F..", 422),
        ("/resources?from=yesterday", 422),
        ("/resources?until=0000-00-00", 422),
        ("/resources?ra=83.6", 422),
        ("/resources?ra=nan&dec=nan", 422),
        ("/resources?ra=361&dec=0", 422),
    ],
)
def test_a_bad_request_gets_the_one_shape_of_errors(
    kept_centre: Centre, address: str, status: int
) -> None:
    answer = kept_centre.http.get(httpx.URL(f"http://odc.test{address}"))
    assert answer.status_code == status
    body = check_error(answer)
    assert body["error"]
    page = kept_centre.http.get(
        f"http://odc.test{address}", headers={"Accept": "text/html,*/*;q=0.8"}
    )
    assert page.status_code == status
    for each in (answer, page):  # a cache must not give the one for the other
        assert "Accept" in each.headers["vary"].split(", ")
    if not address.startswith("/api/"):
        assert parse_page(page.text).findtext(".//h1")


@pytest.mark.parametrize(
    "address",
    [
        "/api/resources?q=%00", "/api/resources?q=%25_%5C", "/api/resources?q=%ff%fe",
        "/api/resources?q=" + "%20a" * 60, "/resources?q=%00%ff&ktype=%00",
        "/?ktype=" + "x" * 9000, "/resources?ktype=" + "x" * 9000, "/resources?q=%ED%A0%80",
        "/api/resources?q=a&q=b", "/?offset=1000000000", "/resources?from=0001-01-01&until=",
        "/resources?from=2021-02-24T23:59:59%2B14:00", "/resources?ra=0&dec=-90",
    ],
)  # fmt: skip
def test_odd_searches_are_answered(kept_centre: Centre, address: str) -> None:
    assert kept_centre.http.get(address).status_code == 200


def test_wrong_methods_get_405(kept_centre: Centre) -> None:
    for method, address in (
        ("POST", "/api/resources"), ("DELETE", f"/files/{KID}/a.csv"), ("PUT", "/"),
        ("TRACE", "/api/health"),
    ):  # fmt: skip
        answer = kept_centre.http.request(method, address)
        assert answer.status_code == 405
        assert answer.headers["allow"]
        check_error(answer)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", ""),
        (b"{", ""),
        (b"[]", ""),
        (b"\xff\xfe", ""),
        (b"[" * 100_000, ""),
        (b'{"kid": "' + b"9" * 100_000 + b'"}', "kid"),
        (b'{"unknown": 1}', "unknown"),
        (b'{"publication": {"title": "\\ud800 lone surrogate"}}', ""),
    ],
)
def test_what_is_no_record_is_refused_with_its_places(
    kept_centre: Centre, body: bytes, place: str
) -> None:
    answer = kept_centre.http.put(f"/api/resources/{KID}", content=body)
    assert answer.status_code == 422
    places = [detail["place"] for detail in check_error(answer)["detail"]]
    assert place in places
    assert len(answer.content) < 100_000


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-Infinity"])
def test_numbers_that_json_cannot_hold_are_refused(
    kept_centre: Centre, record: KM3OpenResource, number: str
) -> None:
    body = json.loads(record.model_dump_json(exclude={"files"}))
    body["coverage"]["energy"] = [1.0, "NUMBER"]
    text = json.dumps(body).replace('"NUMBER"', number)
    answer = kept_centre.http.put(f"/api/resources/{record.kid}", content=text)
    assert answer.status_code == 422
    assert "coverage.energy.1" in [detail["place"] for detail in check_error(answer)["detail"]]


def test_all_problems_of_a_record_are_told_at_once(
    kept_centre: Centre, record: KM3OpenResource
) -> None:
    body = json.loads(record.model_dump_json())
    body["identifier"] = "Not An Identifier"
    body["parameters"][1]["unit"] = "parsecs per fortnight"
    body["publication"]["version"] = "1.0\n"
    answer = kept_centre.http.put(f"/api/resources/{record.kid}", json=body)
    places = {detail["place"] for detail in check_error(answer)["detail"]}
    assert places == {"identifier", "parameters.1.unit", "publication.version"}


def test_a_record_for_another_address_is_refused(centre: Centre, record: KM3OpenResource) -> None:
    answer = centre.http.put(f"/api/resources/{uuid4()}", content=record.model_dump_json())
    assert answer.status_code == 422
    assert check_error(answer)["detail"][0]["place"] == "kid"
    collection = make_collection().model_dump_json()
    answer = centre.http.put("/api/collections/evts99_01", content=collection)
    assert check_error(answer)["detail"][0]["place"] == "identifier"


def test_a_record_without_its_files_is_refused(centre: Centre, record: KM3OpenResource) -> None:
    answer = centre.http.put(f"/api/resources/{record.kid}", content=record.model_dump_json())
    assert answer.status_code == 422
    detail = check_error(answer)["detail"]
    assert [d["place"] for d in detail] == [f"files.{n}" for n in range(len(record.files))]
    assert centre.http.get(f"/api/resources/{record.kid}").status_code == 404


def test_a_body_beyond_all_measure_is_refused(centre: Centre) -> None:
    answer = centre.http.put(f"/api/resources/{KID}", content=b" " * ((16 << 20) + 1))
    assert answer.status_code == 413
    check_error(answer)
