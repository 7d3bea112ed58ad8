"""The links of streams and collections: linksets, and what leads to them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from vopub.odc import grouping_forms
from vopub.odc.signposting import LINKSET

from .conftest import Centre, parse_page
from .grouped import COLLECTION, PLACES, member

HERE = "http://odc.test"
both = pytest.mark.parametrize("place", PLACES)


def read_linkset(content: Any) -> dict[str, dict[str, list[dict[str, str]]]]:
    """Return the targets by anchor and relation; the form is that of RFC 9264, section 4.2."""
    assert set(content) == {"linkset"}
    found: dict[str, dict[str, list[dict[str, str]]]] = {}
    for context in content["linkset"]:
        anchor = context.pop("anchor")
        assert anchor.startswith(f"{HERE}/")
        assert anchor not in found
        for targets in context.values():
            assert targets
            for target in targets:
                assert set(target) <= {"href", "type"}
                assert re.fullmatch(r"https?://\S+", target["href"])
        found[anchor] = context
    return found


@both
def test_a_linkset_has_every_link_from_and_to_the_page(filled: Centre, place: str) -> None:
    answer = filled.http.get(f"/api/{place}/linkset")
    assert (answer.status_code, answer.headers["content-type"]) == (200, LINKSET)
    sets = read_linkset(answer.json())
    page = f"{HERE}/{place}"
    said = sets.pop(page)
    named = [*said["item"], *said["describedby"]]
    assert set(sets) == {link["href"] for link in named}
    assert len(said["item"]) == (5 if place.startswith("streams") else 3)
    assert len(said["describedby"]) == len(grouping_forms.FOR_PROGRAMS)
    for link in said["describedby"] + said["linkset"]:
        told = filled.http.get(link["href"])
        assert (told.status_code, told.headers["content-type"]) == (200, link["type"])
        assert link in said["linkset"] or sets[link["href"]]["describes"][0]["href"] == page
    for link in said["item"]:
        told = filled.http.get(link["href"], headers={"Accept": link["type"]})
        assert told.status_code == 200
        assert sets[link["href"]] == {"collection": [{"href": page, "type": "text/html"}]}
    wholes = [link["href"] for link in said.get("collection", [])]
    assert wholes == ([f"{HERE}/collections/{COLLECTION}"] if place.startswith("streams") else [])


@both
def test_pages_and_forms_lead_to_the_linkset(filled: Centre, place: str) -> None:
    linkset = f"{HERE}/api/{place}/linkset"
    link = f'<{linkset}>; rel="linkset"; type="{LINKSET}"'
    page = filled.http.get(f"/{place}", headers={"Accept": "text/html"})
    assert link in page.headers["link"]
    assert f"/api/{place}/linkset" in parse_page(page.text).xpath('//*[@id="machines"]//a/@href')
    for form in grouping_forms.FOR_PROGRAMS:
        for address in (f"/{place}", f"/api/{place}"):
            answer = filled.http.get(f"{address}?format={form.value}")
            assert link in answer.headers["link"]


@both
def test_the_parts_in_a_linkset_come_in_pages(
    filled: Centre, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(grouping_forms, "MOST_PARTS", 2)
    kind = "stream" if place.startswith("streams") else "collection"
    for number in range(5, 8):
        filled.client.put_resource(member(number, **{kind: place.partition("/")[2]}))
    address, found, pages = f"{HERE}/api/{place}/linkset", [], 0
    while address:
        answer = filled.http.get(address)
        sets = read_linkset(answer.json())
        found += [link["href"] for link in sets[f"{HERE}/{place}"]["item"]]
        later = [link["href"] for link in sets.get(address, {}).get("next", [])]
        assert re.findall(r'<([^>]*)>; rel="next"', answer.headers.get("link", "")) == later
        address, pages = later[0] if later else "", pages + 1
    assert pages == (4 if kind == "stream" else 2)
    assert len(found) == len(set(found)) == (8 if kind == "stream" else 6)
    assert filled.http.get(f"/api/{place}/linkset?cursor=nonsense").status_code == 422


@both
def test_a_linkset_is_sent_again_only_if_it_changed(filled: Centre, place: str) -> None:
    address = f"/api/{place}/linkset"
    first = filled.http.get(address, headers={"Accept-Encoding": "identity"})
    known = {"If-None-Match": first.headers["etag"], "Accept-Encoding": "identity"}
    assert filled.http.get(address, headers=known).status_code == 304
    packed = filled.http.get(address, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["etag"] != first.headers["etag"]
    assert all("Accept-Encoding" in answer.headers["vary"] for answer in (first, packed))
    kind = "stream" if place.startswith("streams") else "collection"
    filled.client.put_resource(member(70, **{kind: place.partition("/")[2]}))
    assert filled.http.get(address, headers=known).status_code == 200
    filled.http.delete(f"/api/{place}?reason=wrong")
    assert filled.http.get(address).status_code == 410
    assert filled.http.get(f"/api/{place.partition('/')[0]}/none26_01/linkset").status_code == 404
