"""The life of streams and collections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import httpx
import pytest

from vopub.model.ktype import Ktype
from vopub.model.resource import KM3OpenResource, KM3ResourceCollection, KM3ResourceStream
from vopub.odc.answers import GroupingTombstone, Outcome
from vopub.odc.exchange import export, import_into
from vopub.odc.faults import GoneError, NotFoundError, RefusedError
from vopub.odc.store import Store
from vopub.odc.tokens import Scope

from .conftest import Centre, make_collection, make_record, parse_page

STREAM, COLLECTION = "events21_01", "samples26_01"
OAI = "{http://www.openarchives.org/OAI/2.0/}"
BOTH = pytest.mark.parametrize("place", [f"streams/{STREAM}", f"collections/{COLLECTION}"])


def make_stream(**changes: Any) -> KM3ResourceStream:
    fields = {
        "identifier": STREAM, "title": "Events as they come in", "ktype": Ktype.EVENTS,
        "description": "Tables of events that follow each other.", "collection": COLLECTION,
    }  # fmt: skip
    return KM3ResourceStream.model_validate({**fields, **changes})


@pytest.fixture
def element(centre: Centre) -> KM3OpenResource:
    """Put a stream and a collection with an element into the service."""
    centre.client.put_collection(make_collection())
    centre.client.put_stream(make_stream())
    record = make_record(files=[], stream=STREAM, collection=COLLECTION)
    centre.put(record, [])
    return record


def withdraw(centre: Centre, place: str, reason: str = "made <b>twice</b>") -> None:
    answer = centre.http.delete(f"/api/{place}", params={"reason": reason})
    assert answer.status_code == 204, answer.text


@BOTH
def test_every_change_is_kept_with_who_when_and_what(
    centre: Centre, element: KM3OpenResource, place: str
) -> None:
    address = f"/api/{place}"
    content = centre.http.get(address).json()
    changed = {**content, "title": "Another title of the same", "resources": [str(element.kid)]}
    for _ in range(2):  # the second time nothing differs
        assert centre.http.put(address, json=changed).is_success
    withdraw(centre, place)
    answer = centre.http.post(f"{address}/restore", params={"reason": "it was right"})
    assert answer.status_code == 204
    told = centre.http.get(f"{address}/history").json()
    assert f"{told['kind']}s/{told['identifier']}" == place
    kinds = [change["kind"] for change in told["changes"]]
    assert kinds == ["created", "replaced", "withdrawn", "restored"]
    assert {change["who"] for change in told["changes"]} == {"publisher"}
    moments = [change["when"] for change in told["changes"]]
    assert moments == sorted(moments)
    assert told["changes"][1]["differences"] == [
        {"path": "title", "before": content["title"], "after": "Another title of the same"},
        {"path": "resources", "before": [], "after": [str(element.kid)]},
    ]
    assert [c["reason"] for c in told["changes"][2:]] == ["made <b>twice</b>", "it was right"]
    assert centre.http.get(address).json() == changed


@BOTH
def test_a_withdrawn_one_leaves_a_tombstone(
    centre: Centre, element: KM3OpenResource, place: str
) -> None:
    title = centre.http.get(f"/api/{place}").json()["title"]
    withdraw(centre, place)
    answer = centre.http.get(f"/api/{place}")
    assert answer.status_code == 410
    left = answer.json()["tombstone"]
    assert (left["title"], left["reason"]) == (title, "made <b>twice</b>")
    shown = centre.http.get(f"/{place}", headers={"Accept": "text/html"})
    assert shown.status_code == 410
    page = parse_page(shown.text)
    said = " ".join(page.text_content().split())
    assert title in said
    assert "because: made <b>twice</b>." in said
    (elements,) = page.xpath("//a[text()='What belonged to it']/@href")
    assert element.publication.title in centre.http.get(elements).text
    assert page.xpath(f'//a[@href="/api/{place}/history"]')
    again = centre.http.delete(f"/api/{place}", params={"reason": "once more"})
    assert again.status_code == 410


@BOTH
def test_withdrawing_needs_a_token_a_reason_and_the_right_version(
    centre: Centre, element: KM3OpenResource, place: str
) -> None:
    address = f"/api/{place}"
    with centre.anonymous() as stranger:
        for method, path in (("DELETE", "?reason=no"), ("POST", "/restore")):
            assert stranger.request(method, f"{address}{path}").status_code == 401
    assert centre.http.delete(address).status_code == 422
    assert centre.http.delete(f"{address}?reason=%20").status_code == 422
    old = {"If-Match": '"another"'}
    assert centre.http.delete(f"{address}?reason=why", headers=old).status_code == 412
    assert centre.http.post(f"{address}/restore").status_code == 422
    unknown = address[:-2] + "99"
    for method, path in (("DELETE", "?reason=no"), ("POST", "/restore"), ("GET", "/history")):
        assert centre.http.request(method, f"{unknown}{path}").status_code == 404
    assert centre.http.get(address).is_success


def test_a_token_of_a_stream_withdraws_that_stream_only(
    centre: Centre, element: KM3OpenResource
) -> None:
    secret = centre.store.tokens.create("recorder", Scope.parse(f"stream:{STREAM}"))
    centre.client.put_stream(make_stream(identifier="events21_02"))
    bearer = {"Authorization": f"Bearer {secret}"}
    for place, status in (
        ("streams/events21_02", 403), (f"collections/{COLLECTION}", 403),
        (f"streams/{STREAM}", 204),
    ):  # fmt: skip
        answer = centre.http.delete(f"/api/{place}?reason=why", headers=bearer)
        assert answer.status_code == status, place
    (*_, last) = centre.store.groupings.history(KM3ResourceStream, STREAM).changes
    assert last.who == "recorder"


def oai(http: httpx.Client, verb: str, **asked: str) -> ET.Element:
    answer = http.get("/oai", params={"verb": verb, **asked})
    return ET.fromstring(answer.content)  # noqa: S314 - our own


@BOTH
def test_it_vanishes_from_lists_and_sets_and_comes_back(
    centre: Centre, element: KM3OpenResource, place: str
) -> None:
    lists = ("/api/catalog", f"/api/{place.partition('/')[0]}", f"/{place.partition('/')[0]}",
             "/", "/sitemap.xml")  # fmt: skip
    title = centre.http.get(f"/api/{place}").json()["title"]
    group = place.replace("s/", ":")

    def shown() -> list[bool]:
        texts = [centre.http.get(path).text for path in lists]
        said = [title in text or f"/{place}<" in text for text in texts]
        sets = [e.text for e in oai(centre.http, "ListSets").iter(f"{OAI}setSpec")]
        found = oai(centre.http, "ListIdentifiers", metadataPrefix="oai_dc", set=group)
        of_record = oai(centre.http, "ListRecords", metadataPrefix="oai_dc")
        named = [e.text for e in of_record.iter(f"{OAI}setSpec")]
        assert [e.text for e in of_record.iter(f"{OAI}identifier")] == [f"urn:uuid:{element.kid}"]
        return [*said, group in sets, found.find(f"{OAI}error") is None, group in named]

    before = shown()
    assert before[4:] == [True] * 4
    withdraw(centre, place)
    assert shown() == [False] * 8
    centre.http.post(f"/api/{place}/restore").raise_for_status()
    assert shown() == before


@BOTH
def test_what_belonged_to_it_keeps_working_and_says_so(
    centre: Centre, element: KM3OpenResource, place: str
) -> None:
    page = f"/resources/{element.kid}"
    assert "was withdrawn" not in centre.http.get(page).text
    withdraw(centre, place)
    assert centre.client.get_resource(element.kid) == element
    shown = parse_page(centre.http.get(page).text)
    (box,) = (b for b in shown.xpath("//p[@class='box warn']") if "withdrawn" in b.text_content())
    assert "because: made <b>twice</b>. This resource stays" in box.text_content()
    assert box.xpath("a/@href") == [f"/{place}"]
    kind, name = place.split("s/")
    assert centre.http.get("/api/resources", params={kind: name}).json()["total"] == 1
    centre.put(make_record(files=[], version="1.1", stream=STREAM, collection=COLLECTION), [])


def test_a_withdrawn_collection_is_no_choice_of_the_list(
    centre: Centre, element: KM3OpenResource
) -> None:
    choice = f"//a[contains(@href, 'collection={COLLECTION}')]"
    assert parse_page(centre.http.get("/resources").text).xpath(choice)
    withdraw(centre, f"collections/{COLLECTION}")
    assert not parse_page(centre.http.get("/resources").text).xpath(choice)
    chosen = centre.http.get("/resources", params={"collection": COLLECTION}).text
    assert element.publication.title in chosen


def test_writing_a_withdrawn_one_again_is_a_restoration(
    centre: Centre, element: KM3OpenResource
) -> None:
    groupings = centre.store.groupings
    withdraw(centre, f"streams/{STREAM}")
    only_new = {"If-None-Match": "*"}
    body = make_stream().model_dump_json()
    answer = centre.http.put(f"/api/streams/{STREAM}", content=body, headers=only_new)
    assert answer.status_code == 201
    kinds = [c.kind.value for c in groupings.history(KM3ResourceStream, STREAM).changes]
    assert kinds == ["created", "withdrawn", "restored"]
    assert groupings.get(KM3ResourceStream, STREAM) == make_stream()
    assert groupings.put(make_stream()) is Outcome.UNCHANGED


def test_the_history_of_a_growing_stream_tells_only_what_came_and_what_went(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "odc")
    kids = [uuid4() for _ in range(200)]
    for number in range(1, 200):
        store.groupings.put(make_stream(resources=kids[:number]))
    store.groupings.put(make_stream(resources=kids[1:199][::-1]))
    store.groupings.put(make_stream(resources=kids[1:199]))
    changes = store.groupings.history(KM3ResourceStream, STREAM).changes
    grown = [change.differences for change in changes[1:-2]]
    assert [[(d.before, d.after) for d in each] for each in grown] == [
        [([], [str(kid)])] for kid in kids[1:199]
    ]
    went, turned = changes[-2:]
    assert [(d.before, d.after) for d in went.differences] == [([str(kids[0])], [])]
    assert [(d.before, d.after) for d in turned.differences] == [
        ([str(k) for k in kids[1:199][::-1]], [str(k) for k in kids[1:199]])
    ]
    store.close()


def test_the_life_of_groupings_is_in_the_export(tmp_path: Path, centre: Centre) -> None:
    centre.client.put_collection(make_collection())
    centre.client.put_stream(make_stream())
    withdraw(centre, f"streams/{STREAM}", "for good")
    export(centre.directory, "", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "streams" / STREAM / "history.json").read_text())
    assert [change["kind"] for change in told["changes"]] == ["created", "withdrawn"]
    other = Store(tmp_path / "other")
    for _ in range(2):  # again changes nothing
        counts = import_into(other, tmp_path / "out")
        assert (counts["streams"], counts["collections"]) == (1, 1)
        with pytest.raises(GoneError, match="for good") as caught:
            other.groupings.get(KM3ResourceStream, STREAM)
        assert isinstance(caught.value.tombstone, GroupingTombstone)
        history = other.groupings.history(KM3ResourceStream, STREAM)
        assert [change.who for change in history.changes] == ["publisher", "publisher"]
    assert other.groupings.get(KM3ResourceCollection, COLLECTION) == make_collection()
    other.close()


def test_what_is_not_there_cannot_be_withdrawn_or_returned(tmp_path: Path) -> None:
    store = Store(tmp_path / "odc")
    with pytest.raises(NotFoundError, match="no stream 'events21_01'"):
        store.groupings.withdraw(KM3ResourceStream, STREAM, "why")
    store.groupings.put(make_collection())
    with pytest.raises(RefusedError, match="the collection cannot be restored"):
        store.groupings.restore(KM3ResourceCollection, COLLECTION, "why")
    assert not store.groupings.standing(KM3ResourceStream, STREAM).is_known
    assert store.groupings.standing(KM3ResourceCollection, COLLECTION).tombstone is None
    store.close()
