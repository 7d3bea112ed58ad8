"""Streams and collections in DataCite XML, and who is said to have made them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from vopub.model.ktype import Ktype
from vopub.model.publication import Creator
from vopub.model.resource import KM3ResourceCollection, KM3ResourceStream
from vopub.odc import grouping_forms
from vopub.odc.answers import ResourceSummary
from vopub.odc.mappings.datacite_groupings import UNKNOWN, Origin, datacite_grouping
from vopub.odc.mappings.groupings import Grouping, Parts
from vopub.odc.mappings.table import table
from vopub.odc.schema import GroupingChangeRow, StreamRow

from .any_record import BASE, CREATORS, texts
from .conftest import Centre, make_collection
from .datacite_json import check_datacite
from .grouped import COLLECTION, HOSTILE, PLACES, STREAM, fill, member
from .test_grouping_forms import pages_from

Said = dict[str, Any]
NAMES = {"d": "http://datacite.org/schema/kernel-4"}
HERE = "http://odc.test"
both = pytest.mark.parametrize("place", PLACES)


def asked(centre: Centre, place: str) -> httpx.Response:
    answer = centre.http.get(f"/api/{place}?format=datacite")
    assert answer.status_code == 200, answer.text
    return answer


def said_of(centre: Centre, place: str) -> Said:
    """Return what DataCite XML says, which must be valid, as JSON."""
    return check_datacite(asked(centre, place).content)


def related(said: Said, relation: str) -> dict[str, str]:
    """Return the addresses that something relates to so, with their general types."""
    return {
        each["relatedIdentifier"]: each["resourceTypeGeneral"]
        for each in said["relatedIdentifiers"]
        if each["relationType"] == relation
    }


def resource(number: int, version: str = "1.0") -> str:
    return f"{HERE}/resources/{member(number, version).kid}"


def test_a_stream_and_a_collection_are_collections_that_have_parts(filled: Centre) -> None:
    stream, collection = (said_of(filled, place) for place in PLACES)
    for said, place, kind in (
        (stream, PLACES[0], "events"),
        (collection, PLACES[1], "KM3ResourceCollection"),
    ):
        assert said["url"] == f"{HERE}/{place}"
        assert said["types"] == {"resourceTypeGeneral": "Collection", "resourceType": kind}
        assert [title["title"] for title in said["titles"]] == [HOSTILE]
    whole = f"{HERE}/{PLACES[1]}"
    assert related(stream, "IsPartOf") == {whole: "Collection"}
    assert related(stream, "HasPart") == {resource(n): "Dataset" for n in range(5)}
    assert related(collection, "IsPartOf") == {}
    parts = {resource(800, "1.1"): "Dataset", resource(900): "Dataset"}
    assert related(collection, "HasPart") == {f"{HERE}/{PLACES[0]}": "Collection", **parts}
    assert (stream["sizes"], collection["sizes"]) == (["5 resources"], ["2 resources"])


@both
def test_every_field_goes_where_the_table_says(filled: Centre, place: str) -> None:
    filled.client.put_resource(member(7, collection=COLLECTION))
    root = etree.fromstring(asked(filled, place).content)
    kind = place.partition("s/")[0]
    paths = {
        name: "/".join(f"d:{step}" for step in goals["datacite"].to.split("/"))
        for name, goals in table().groupings.items()
        if name.startswith(f"{kind}.") and "datacite" in goals
    }
    assert len(paths) > 3
    assert [name for name, path in paths.items() if root.find(path, NAMES) is None] == []


def test_the_makers_are_those_of_the_parts_and_the_publisher_that_of_most(centre: Centre) -> None:
    fill(centre)
    once, again, other = (
        Creator(name=name, orcid=orcid, affiliation=affiliation)
        for name, orcid, affiliation in (
            ("Doe, Jane", "0000-0002-1825-0097", "Here"),
            ("Doe, Jane", "0000-0002-1825-0097", "There"),
            ("Some Collaboration", None, ""),
        )
    )
    made = (([other], "Rare"), ([again, once], "Usual"), ([again], "Usual"))
    for number, (creators, publisher) in enumerate(made):
        record = member(number, stream="kept26_01")
        said = {"creators": tuple(creators), "publisher": publisher}
        publication = record.publication.model_copy(update=said)
        centre.client.put_resource(record.model_copy(update={"publication": publication}))
    centre.client.put_stream(
        KM3ResourceStream(
            identifier="kept26_01", title="What is kept", ktype=Ktype.EVENTS,
            description="Elements that different people made.", collection="kept26_02",
        )
    )  # fmt: skip
    centre.client.put_collection(make_collection("kept26_02"))
    stream, collection = (
        said_of(centre, place) for place in ("streams/kept26_01", "collections/kept26_02")
    )
    jane, collaboration = stream["creators"]
    assert (jane["name"], collaboration["name"]) == ("Doe, Jane", "Some Collaboration")
    assert [institution["name"] for institution in jane["affiliation"]] == ["There"]
    assert stream["publisher"] == collection["publisher"] == {"name": "Usual"}
    # No resource belongs to the collection but by its stream, of which the newest is asked.
    assert collection["creators"] == [jane]


def test_what_a_record_names_twice_is_one_part(filled: Centre) -> None:
    kid = member(900).kid
    filled.client.put_collection(make_collection(title=HOSTILE, resources=[kid, kid]))
    said = said_of(filled, PLACES[1])
    assert said["sizes"] == ["2 resources"]
    parts = [each["relatedIdentifier"] for each in said["relatedIdentifiers"]]
    assert len(parts) == len(set(parts)) == 3


def test_what_has_no_parts_says_that_nobody_is_known(centre: Centre) -> None:
    centre.client.put_collection(make_collection())
    said = said_of(centre, PLACES[1])
    assert [creator["name"] for creator in said["creators"]] == [UNKNOWN]
    assert said["publisher"] == {"name": UNKNOWN}
    assert said.get("relatedIdentifiers", []) == []


def test_the_year_is_that_of_its_first_registration(filled: Centre) -> None:
    stream = filled.store.groupings.get(KM3ResourceStream, STREAM)
    filled.client.put_stream(stream.model_copy(update={"title": "Another title of it"}))
    old, new = datetime(2019, 5, 6, 7, tzinfo=UTC), datetime(2024, 5, 6, 7, tzinfo=UTC)
    engine = filled.store._engine
    with Session(engine) as session, session.begin():
        first = update(GroupingChangeRow).where(
            GroupingChangeRow.identifier == STREAM, GroupingChangeRow.kind == "created"
        )
        session.execute(first.values(moment=old.replace(tzinfo=None)))
        session.execute(update(StreamRow).values(written=new.replace(tzinfo=None)))
    assert filled.store.groupings.since(KM3ResourceStream, STREAM) == old
    said = said_of(filled, PLACES[0])
    assert said["publicationYear"] == "2019"
    assert said["dates"] == [{"dateType": "Issued", "date": "2019-05-06"}]
    with Session(engine) as session, session.begin():
        session.execute(delete(GroupingChangeRow))  # as in stores of before there were histories
    assert filled.store.groupings.since(KM3ResourceStream, STREAM) == new


@both
def test_many_parts_come_in_pages_that_are_the_same_but_for_them(
    filled: Centre, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    kind = "stream" if "stream" in place else "collection"
    monkeypatch.setattr(grouping_forms, "MOST_PARTS", 3)
    for number in range(5, 8):  # from somebody else than those on the other pages
        record = member(number, **{kind: place.partition("/")[2]})
        publication = record.publication.model_copy(update={"publisher": "Another"})
        filled.client.put_resource(record.model_copy(update={"publication": publication}))
    answers = list(pages_from(filled, f"/api/{place}?format=datacite"))
    said = [check_datacite(answer.content) for answer in answers]
    found = [part for each in said for part in related(each, "HasPart")]
    assert len(found) == len(set(found)) == (8 if kind == "stream" else 6)
    assert len(said) == (3 if kind == "stream" else 2)
    heads = [
        {name: each[name] for name in ("url", "creators", "publisher", "publicationYear", "titles")}
        for each in said
    ]
    assert all(head == heads[0] for head in heads)
    assert heads[0]["publisher"] == {"name": "Another"}
    told = [each["descriptions"][1]["description"] for each in said]
    for answer, text in zip(answers[1:], told, strict=False):
        assert str(answer.request.url) in text
    assert "it is the last one" in told[-1]
    assert all(each["descriptions"][1]["descriptionType"] == "TechnicalInfo" for each in said)


@both
def test_it_is_sent_once_and_again_when_it_changed(filled: Centre, place: str) -> None:
    answer = asked(filled, place)
    assert answer.headers["content-type"] == "application/vnd.datacite.datacite+xml"
    assert "Accept" in answer.headers["vary"]
    known = {"If-None-Match": answer.headers["etag"]}
    same = filled.http.get(f"/api/{place}?format=datacite", headers=known)
    assert (same.status_code, same.content) == (304, b"")
    change = {"stream": STREAM} if "stream" in place else {"collection": COLLECTION}
    filled.client.put_resource(member(70, **change))
    assert filled.http.get(f"/api/{place}?format=datacite", headers=known).status_code == 200


ORIGINS = st.builds(
    Origin, st.lists(CREATORS.map(Creator.model_validate), max_size=3).map(tuple),
    st.just("") | texts(2), st.dates(),
)  # fmt: skip
SUMMARY = ResourceSummary.model_validate_json(
    ResourceSummary.text_of(json.loads(member(1).model_dump_json()))
)
STREAMS = st.builds(
    KM3ResourceStream, identifier=st.just(STREAM), title=texts(5), description=texts(20),
    ktype=st.sampled_from(Ktype), collection=st.sampled_from(["", COLLECTION]),
)  # fmt: skip
COLLECTIONS = st.builds(
    KM3ResourceCollection, identifier=st.just(COLLECTION), title=texts(5), description=texts(20)
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    record=STREAMS | COLLECTIONS, origin=ORIGINS,
    some=st.sampled_from([[], [SUMMARY], [SUMMARY] * 2]),
    pages=st.sampled_from([("", ""), (f"{BASE}/1", ""), (f"{BASE}/1", f"{BASE}/2")]),
    total=st.none() | st.integers(0, 10**9),
)  # fmt: skip
def test_whatever_is_said_of_one_is_valid_datacite(
    record: Grouping, origin: Origin, some: list[ResourceSummary], pages: tuple[str, str],
    total: int | None,
) -> None:  # fmt: skip
    parts = Parts(some, total=total, here=pages[0], later=pages[1])
    check_datacite(datacite_grouping(record, parts, BASE, origin))


def test_the_day_has_a_year_of_four_digits() -> None:
    origin = Origin((), "", date(7, 1, 2))
    said = check_datacite(datacite_grouping(make_collection(), Parts([]), BASE, origin))
    assert said["publicationYear"] == "0007"
