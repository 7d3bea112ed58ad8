"""The lists of streams and of collections, whole and in pages."""

from __future__ import annotations

import re

import pytest

from vopub.model.ktype import Ktype
from vopub.model.resource import KM3ResourceCollection, KM3ResourceStream
from vopub.odc.store import Store

from .conftest import Centre, make_collection

NAMES = [f"kept26_{number:02}" for number in range(7)]


def make_stream(name: str) -> KM3ResourceStream:
    return KM3ResourceStream(
        identifier=name, title="What is kept", ktype=Ktype.EVENTS,
        description="What one hydrophone recorded, minute by minute.",
    )  # fmt: skip


def fill(store: Store) -> None:
    for name in NAMES:
        store.groupings.put(make_stream(name))
        store.groupings.put(make_collection(name))
    for kind in (KM3ResourceStream, KM3ResourceCollection):
        store.groupings.withdraw(kind, NAMES[3], "wrong")


@pytest.mark.parametrize("kind", [KM3ResourceStream, KM3ResourceCollection])
def test_pages_have_everything_once_in_every_database(
    store: Store, kind: type[KM3ResourceStream] | type[KM3ResourceCollection]
) -> None:
    fill(store)
    whole = store.groupings.page(kind, "", None)
    assert [kind.model_validate_json(text).identifier for text in whole.records] == [
        name for name in NAMES if name != NAMES[3]
    ]
    assert (whole.total, whole.later) == (6, "")
    found: list[str] = []
    after, sizes = "", list[int]()
    while after or not sizes:
        page = store.groupings.page(kind, after, 4)
        found += page.records
        sizes.append(len(page.records))
        after = page.later
    assert (tuple(found), sizes) == (whole.records, [4, 2])
    assert store.groupings.page(kind, NAMES[-1], 4).records == ()


@pytest.mark.parametrize("kind", ["streams", "collections"])
def test_a_list_is_whole_unless_a_limit_is_given(centre: Centre, kind: str) -> None:
    fill(centre.store)
    whole = centre.http.get(f"/api/{kind}")
    assert "link" not in whole.headers
    content = whole.json()
    assert (content["total"], content["later"], len(content[kind])) == (6, "", 6)
    address, found, sizes = f"/api/{kind}?limit=2", [], []
    while address:
        answer = centre.http.get(address)
        page = answer.json()
        assert page["total"] == 6
        found += page[kind]
        sizes.append(len(page[kind]))
        after = re.findall(r'<([^>]*)>; rel="next"', answer.headers.get("link", ""))
        assert bool(after) is bool(page["later"])
        if after:
            # What comes and goes meanwhile moves nothing.
            centre.http.delete(f"/api/{kind}/{NAMES[0]}?reason=wrong")
            centre.http.post(f"/api/{kind}/{NAMES[0]}/restore")
            by_hand = centre.http.get(f"/api/{kind}?limit=2&cursor={page['later']}")
            assert by_hand.content == centre.http.get(after[0]).content
        address = after[0] if after else ""
    assert (found, sizes) == (content[kind], [2, 2, 2])
    rest = centre.http.get(f"/api/{kind}?cursor={NAMES[1]}").json()
    assert [each["identifier"] for each in rest[kind]] == [NAMES[2], *NAMES[4:]]
    assert rest["later"] == ""


@pytest.mark.parametrize("kind", ["streams", "collections"])
@pytest.mark.parametrize("asked", ["limit=0", "limit=201", "limit=x", "cursor=none"])
def test_what_is_no_page_is_refused(kept_centre: Centre, kind: str, asked: str) -> None:
    answer = kept_centre.http.get(f"/api/{kind}?{asked}")
    assert answer.status_code == 422
    assert asked.partition("=")[0] in answer.json()["detail"][0]["place"]


def test_a_page_that_did_not_change_is_not_sent_again(centre: Centre) -> None:
    fill(centre.store)
    address = "/api/streams?limit=4"
    known = {"If-None-Match": centre.http.get(address).headers["etag"]}
    assert centre.http.get(address, headers=known).status_code == 304
    centre.client.put_stream(make_stream("aaa26_01"))
    assert centre.http.get(address, headers=known).status_code == 200
