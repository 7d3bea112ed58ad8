"""Lists narrowed by time, whichever way they are found: against a plain look through all records.

What is few is made less in half of the tests, so that a list of sixty counts as a long one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import text

from vopub.model.ktype import Ktype
from vopub.model.resource import Coverage, KM3OpenResource, TimeSpan
from vopub.odc import paging, rare, ways
from vopub.odc.answers import ResourceSummary
from vopub.odc.paging import Count, Page, Sort
from vopub.odc.search import Query
from vopub.odc.store import Store
from vopub.odc.ways import Sought, lasting

from .conftest import make_record

BEGIN = datetime(2026, 1, 1)  # noqa: DTZ001 - as queries have it
FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001
RESOURCES = 60
DURATIONS = (
    timedelta(0), timedelta(seconds=10), timedelta(hours=1), timedelta(days=2), timedelta(days=900),
    timedelta(days=40_000), None,
)  # fmt: skip
"""None: a resource that does not say when its data were taken."""


def begin(number: int) -> datetime:
    return BEGIN + timedelta(hours=number * 37 % 61)


def span(number: int) -> tuple[datetime, datetime]:
    duration = DURATIONS[number % len(DURATIONS)]
    if duration is None:
        created = datetime(2026, 1, 2)  # noqa: DTZ001
        return created, created
    return begin(number), begin(number) + duration


@cache
def make(number: int) -> KM3OpenResource:
    start, stop = (moment.replace(tzinfo=UTC) for moment in span(number))
    known = DURATIONS[number % len(DURATIONS)] is not None
    about: dict[str, Any] = {
        "kid": UUID(int=number),
        "identifier": f"acoustic20_01_n{number * 7 % RESOURCES:03}",
        "ktype": Ktype.EVENTS if number % 3 else Ktype.PLOT,
        "collection": "samples26_01" if number % 4 else "",
        "stream": "acoustic20_01_h1" if number % 5 == 0 else "",
        "services": (),
        "coverage": Coverage(temporal=TimeSpan(start=start, stop=stop) if known else None),
    }
    title = f"Number {number} is {'odd' if number % 2 else 'even'}"
    created = {"title": title, "created": "2026-01-02"}
    return make_record(files=[], publication=created).model_copy(update=about)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Store]:
    address = ""
    if request.param == "postgresql":
        address = request.getfixturevalue("postgresql").database()
    opened = Store(tmp_path_factory.mktemp("ways") / "odc", address)
    records = [make(number) for number in range(RESOURCES)]
    random.Random(3).shuffle(records)  # noqa: S311 - the same at each run
    opened.put_resources(records)
    if address:  # as the server does by itself from time to time
        with opened.reading() as session:
            session.execute(text("ANALYZE"))
            session.commit()
    yield opened
    opened.close()


@pytest.fixture(params=[ways.FEW, 4], ids=["few", "many"], autouse=True)
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "FEW", request.param)


def kids(page: Page) -> list[UUID]:
    return [ResourceSummary.model_validate_json(text).kid for text in page.summaries]


def walk(store: Store, query: Query, sort: Sort) -> list[UUID]:
    found, cursor = [], ""
    while True:
        page = store.page(query, sort, cursor, 7)
        found += kids(page)
        if not (cursor := page.later):
            return found


def matching(query: Query) -> set[UUID]:
    return {UUID(int=number) for number in range(RESOURCES) if matches(number, query)}


def matches(number: int, query: Query) -> bool:
    record, (start, stop) = make(number), span(number)
    return (
        (query.since is None or stop >= query.since)
        and (query.until is None or start <= query.until)
        and (not query.ktype or record.ktype is query.ktype)
        and (not query.collection or record.collection == query.collection)
        and (not query.stream or record.stream == query.stream)
        and (not query.identifier or record.identifier == query.identifier)
        and set(query.q.split()) <= set(record.publication.title.split())
    )


MIDDLE = BEGIN + timedelta(hours=30)
OTHERS: list[dict[str, Any]] = [
    {}, {"ktype": Ktype.EVENTS}, {"collection": "samples26_01"}, {"stream": "acoustic20_01_h1"},
    {"q": "odd"}, {"q": "odd", "ktype": Ktype.PLOT}, {"identifier": "acoustic20_01_n007"},
]  # fmt: skip
TIMES: list[dict[str, Any]] = [
    {"since": MIDDLE}, {"until": MIDDLE}, {"since": BEGIN, "until": BEGIN},
    {"since": MIDDLE, "until": MIDDLE + timedelta(hours=1)},
    {"since": BEGIN + timedelta(days=1000)}, {"since": FIRST}, {"until": LAST},
    {"since": LAST}, {"until": FIRST},
]  # fmt: skip


@pytest.mark.parametrize("time", TIMES, ids=str)
@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_time_narrows_every_list(store: Store, time: dict[str, Any], other: dict[str, Any]) -> None:
    query = Query(**time, **other)
    expected = matching(query)
    for sort in Sort:
        found = walk(store, query, sort)
        assert len(found) == len(expected)
        assert set(found) == expected
        assert found == in_order(sort, found)
    assert store.count(query).number == len(expected)


def in_order(sort: Sort, found: list[UUID]) -> list[UUID]:
    """Put resources in an order by what is known of them, as far as that is known."""
    match sort:
        case Sort.IDENTIFIER:
            return sorted(found, key=lambda kid: make(kid.int).identifier)
        case Sort.EARLIEST_DATA:
            return sorted(found, key=lambda kid: span(kid.int)[0])
        case Sort.LATEST_DATA:
            return sorted(found, key=lambda kid: span(kid.int)[0], reverse=True)
        case _:
            return found


def test_orders_that_only_the_store_knows_are_those_of_the_whole_list(store: Store) -> None:
    query = Query(since=MIDDLE)
    for sort in Sort:
        whole = walk(store, Query(), sort)
        assert walk(store, query, sort) == [kid for kid in whole if kid in matching(query)]


def test_one_can_go_back(store: Store) -> None:
    query = Query(since=MIDDLE)
    for sort in Sort:
        pages = [store.page(query, sort, "", 7)]
        while pages[-1].later:
            pages.append(store.page(query, sort, pages[-1].later, 7))
        back = [pages[-1]]
        while back[-1].earlier:
            back.append(store.page(query, sort, back[-1].earlier, 7))
        assert [kids(page) for page in back] == [kids(page) for page in pages[::-1]]


def test_pieces_by_number(store: Store) -> None:
    query = Query(since=MIDDLE, limit=7)
    whole = walk(store, query, Sort.IDENTIFIER)
    for offset in (0, 5, len(whole) - 3, len(whole), 10**9):
        listed = store.find(Query(since=MIDDLE, limit=7, offset=offset))
        assert [entry.kid for entry in listed.resources] == whole[offset : offset + 7]
        assert listed.total == len(whole)


@given(some.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), some.timedeltas())  # noqa: DTZ001
def test_data_end_before_the_step_is_over(start: datetime, duration: timedelta) -> None:
    duration = min(abs(duration), timedelta(days=300_000))
    step = lasting(start, start + duration)
    assert duration < timedelta(seconds=1 << step) or duration == timedelta(0)
    assert step == 0 or duration >= timedelta(seconds=1 << (step - 1))


@pytest.mark.parametrize("q", ["odd 7", "7 odd", "Number odd is 33", "8 odd", "7", "Number is"])
@pytest.mark.parametrize("other", [{}, {"ktype": Ktype.EVENTS}, {"since": MIDDLE}], ids=str)
def test_rare_words_are_found_among_common_ones(
    store: Store, q: str, other: dict[str, Any]
) -> None:
    query = Query(q=q, **other)
    expected = matching(query)
    for sort in (Sort.IDENTIFIER, Sort.NEWEST, Sort.LATEST_DATA):
        assert set(walk(store, query, sort)) == expected
    assert store.count(query).number == len(expected)


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
@pytest.mark.parametrize("parallel", ["off", "on"])
def test_postgresql_looks_for_common_words_in_what_has_the_rare_ones(
    store: Store, parallel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "FEW", 4)
    with store.reading() as session:
        # As it plans by itself for large tables of which it has no statistics yet.
        session.execute(text(f"SET LOCAL force_parallel_mode = {parallel}"))
        for q, beside in (("odd 7", True), ("7 odd", True), ("odd even", False), ("7", False)):
            asked = rare.terms_of(session, q, (), ways.FEW)
            assert (asked is not None and asked.others != "") is beside, q


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_words_that_are_not_as_rare_as_estimated_are_found_as_well(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rare, "_estimate", lambda *_: 0)
    for query in (Query(q="odd"), Query(q="is odd", ktype=Ktype.PLOT), Query(q="nothing")):
        for sort in Sort:
            found = walk(store, query, sort)
            assert set(found) == matching(query)
            assert len(found) == len(matching(query))
            everything = walk(store, Query(), sort)
            assert found == [kid for kid in everything if kid in matching(query)]
        assert store.count(query) == Count(len(matching(query)))
        assert store.find(query).total == len(matching(query))


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
@pytest.mark.parametrize("counted", [1000, 20])
def test_where_there_are_many_for_sure_no_more_are_looked_for_than_are_counted(
    store: Store, counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rare, "_estimate", lambda *_: 10**9)
    for module in (ways, paging):
        monkeypatch.setattr(module, "MOST_COUNTED", counted)
    for query in (Query(q="odd"), Query(q="is odd", ktype=Ktype.PLOT), Query(q="nothing")):
        with store.reading() as session:
            assert len(Sought(session, query).by_words) == min(len(matching(query)), counted + 1)
        for sort in Sort:
            assert set(walk(store, query, sort)) == matching(query)
        number = len(matching(query))
        assert store.count(query) == Count(min(number, counted), number <= counted)
        assert store.find(query).total == number


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_postgresql_is_asked_again_how_common_a_word_is_after_a_while(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "FEW", 4)
    common, asked = f"common{uuid4().hex}", list[str]()

    def estimate(_connection: object, term: str) -> int:
        asked.append(term)
        return 5 if term == f"'{common}'" else 4

    monkeypatch.setattr(rare, "_estimate", estimate)
    with store.reading() as session:
        for _ in range(2):
            assert rare.terms_of(session, f"{common} rare", (), 4) == ("'rare'", f"'{common}'")
        assert asked == [f"'{common}'", "'rare'", "'rare'"]
        later = monotonic() + rare.REMEMBERED
        monkeypatch.setattr(rare, "monotonic", lambda: later)
        rare.terms_of(session, common, (), 4)
    assert asked[3:] == [f"'{common}'"]


def test_what_is_in_many_is_looked_for_again_after_a_while_and_what_is_not_each_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    word, looks = uuid4().hex, list[bool]()

    def ask(found: bool) -> bool:
        def look() -> bool:
            looks.append(found)
            return found

        with store.reading() as session:
            return rare.are_in_many(session.connection(), word, 4, look)

    assert [ask(False), ask(False), ask(True), ask(False), ask(False)] == [False] * 2 + [True] * 3
    assert looks == [False, False, True]
    later = monotonic() + rare.REMEMBERED
    monkeypatch.setattr(rare, "monotonic", lambda: later)
    assert not ask(False)


def test_what_has_rare_words_is_in_the_order_of_what_it_says_now(
    tmp_path: Path, database: str
) -> None:
    store = Store(tmp_path / "odc", database)
    records = [make(number) for number in (1, 3, 9)]
    store.put_resources(records)
    query = Query(q="odd")
    assert walk(store, query, Sort.EARLIEST_DATA) == in_time(records)
    moved = TimeSpan(start=datetime(1999, 1, 1, tzinfo=UTC), stop=datetime(2030, 1, 1, tzinfo=UTC))
    last = next(record for record in records if record.kid == in_time(records)[-1])
    store.put_resource(last.model_copy(update={"coverage": Coverage(temporal=moved)}))
    assert walk(store, query, Sort.EARLIEST_DATA) == [last.kid, *in_time(records)[:-1]]
    store.close()


def in_time(records: list[KM3OpenResource]) -> list[UUID]:
    return [r.kid for r in sorted(records, key=lambda record: span(record.kid.int))]
