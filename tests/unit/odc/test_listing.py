from __future__ import annotations

import httpx
import pytest

from vopub.model.resource import KM3ResourceStream
from vopub.odc.paging import Sort

from .conftest import Centre, make_collection, make_record

STREAM = {
    "identifier": "events21_01", "title": "Events as they come in", "ktype": "events",
    "description": "Tables of events that follow each other.",
}  # fmt: skip


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [found["version"] for found in answer.json()["resources"]]


def test_pages_follow_each_other_by_cursor_while_records_are_added(centre: Centre) -> None:
    centre.store.put_resources([make_record(version=f"{n}", files=[]) for n in range(1, 8)])
    found, cursor = [], ""
    for _ in range(10):
        params: dict[str, str | int] = {"sort": "newest", "limit": 3, "cursor": cursor}
        answer = centre.http.get("/api/resources", params=params)
        found += names(answer)
        if not (cursor := answer.json()["later"]):
            break
        centre.client.put_resource(make_record(version=f"{100 + len(found)}", files=[]))
    assert found == ["7", "6", "5", "4", "3", "2", "1"]
    assert answer.json()["earlier"]
    assert (answer.json()["total"], answer.json()["exact"]) == (9, True)


def test_lists_are_narrowed_by_time_and_position(centre: Centre) -> None:
    centre.store.put_resources([make_record(files=[])])  # 2021-02-24, MOC 3/1-5 17
    for params, number in (
        ({"since": "2021-02-24T09:00:00Z"}, 1),
        ({"since": "2021-02-24T11:00:00Z"}, 0),
        ({"since": "2021-02-24T11:00:00+02:00"}, 1),
        ({"until": "2021-02-24T03:00:00Z"}, 0),
        ({"ra": "61.875", "dec": "19.4712"}, 1),
        ({"ra": "61.875", "dec": "-80"}, 0),
    ):
        assert len(names(centre.http.get("/api/resources", params=params))) == number, params


@pytest.mark.parametrize(
    "params",
    [{"ra": "5"}, {"dec": "5"}, {"ra": "nan", "dec": "1"}, {"since": "2021-02-24T09:00:00"},
     {"sort": "x"}, {"cursor": "x"}, {"cursor": "W10"}, {"cursor": "x" * 999}],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_listed_is_refused(centre: Centre, params: dict[str, str]) -> None:
    assert centre.http.get("/api/resources", params=params).status_code == 422


def test_an_offset_is_refused_where_it_does_not_count(centre: Centre) -> None:
    centre.store.put_resources([make_record(version=f"{n}", files=[]) for n in range(1, 4)])
    orders = [order.value for order in Sort if order is not Sort.IDENTIFIER]
    cursors = {
        order: str(centre.http.get(f"/api/resources?limit=1&sort={order}").json()["later"])
        for order in [*orders, "identifier"]
    }
    wrong: list[tuple[dict[str, str], list[str]]] = [
        *(({"sort": order}, ["sort"]) for order in orders),
        *(({"sort": order, "cursor": cursors[order]}, ["sort", "cursor"]) for order in orders),
        ({"cursor": cursors["identifier"]}, ["cursor"]),
    ]
    for params, places in wrong:
        answer = centre.http.get("/api/resources", params={**params, "offset": "1"})
        assert answer.status_code == 422, params
        assert [detail["place"] for detail in answer.json()["detail"]] == places
        assert all(detail["hint"] for detail in answer.json()["detail"])
        whole = centre.http.get("/api/resources", params={**params, "offset": "0"})
        assert whole.status_code == 200
    same = {"sort": "identifier", "offset": "1", "cursor": ""}
    assert names(centre.http.get("/api/resources", params=same)) == ["2", "1"]


def test_a_list_says_only_what_is_asked_for(centre: Centre) -> None:
    for version in ("1.0", "2.0"):
        centre.client.put_resource(make_record(files=[], version=version))
    whole = centre.http.get("/api/resources").json()
    for address in ("/api/resources?", "/api/resources?offset=1&"):
        some = centre.http.get(f"{address}fields=kid,%20title,kid").json()
        every = centre.http.get(address).json()
        assert {key: every[key] for key in every if key != "resources"} == {
            key: some[key] for key in some if key != "resources"
        }
        assert some["resources"] == [
            {"kid": each["kid"], "title": each["title"]} for each in every["resources"]
        ]
    assert centre.http.get("/api/resources?fields=").json() == whole
    first = centre.http.get("/api/resources?fields=version&limit=1").json()
    after = centre.http.get(f"/api/resources?fields=version&limit=1&cursor={first['later']}").json()
    assert [first["resources"], after["resources"]] == [[{"version": "2.0"}], [{"version": "1.0"}]]


def test_fields_that_are_none_are_refused_with_the_nearest(centre: Centre) -> None:
    for address in ("/api/resources?", "/api/resources?offset=1&"):
        answer = centre.http.get(f"{address}fields=titel,kid,xyz")
        assert answer.status_code == 422
        first, second = answer.json()["detail"]
        assert (first["place"], first["what"]) == ("fields", "there is no field 'titel'")
        assert first["hint"] == "do you mean title?"
        assert "collection" in second["hint"]
    assert centre.http.get(f"/api/resources?fields={'a' * 501}").status_code == 422


@pytest.mark.parametrize(
    "path",
    ["/api/resources", "/api/resources?fields=kid", "/api/resources?offset=1", "/api/streams",
     "/api/collections"],
)  # fmt: skip
def test_a_list_that_did_not_change_is_not_sent_again(centre: Centre, path: str) -> None:
    for version in ("1.0", "1.1"):
        centre.client.put_resource(make_record(version=version, files=[]))
    tag = centre.http.get(path).headers["etag"]
    same = centre.http.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    centre.client.put_resource(make_record(version="1.2", files=[]))
    centre.client.put_collection(make_collection())
    centre.client.put_stream(KM3ResourceStream.model_validate(STREAM))
    other = centre.http.get(path, headers={"If-None-Match": tag})
    assert other.status_code == 200
    assert other.headers["etag"] != tag
