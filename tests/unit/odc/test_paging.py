"""Lists in pages, words, time, sky and counts: against a plain look through all records."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from vopub.model.ktype import Ktype
from vopub.model.resource import Coverage, KM3OpenResource, TimeSpan
from vopub.odc.answers import Outcome, ResourceSummary
from vopub.odc.faults import RefusedError
from vopub.odc.paging import Page, Sort
from vopub.odc.schema import ResourceRow, TallyRow, TotalRow
from vopub.odc.search import Query
from vopub.odc.store import Store

from .conftest import make_record

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = ("alpha", "alphabet", "beta", "gamma_delta", "Δέλτα")
KTYPES = (Ktype.EVENTS, Ktype.PLOT, Ktype.PUBLICATION)


def make(number: int, version: str = "1.0", **changes: Any) -> KM3OpenResource:
    begin = BEGIN + timedelta(hours=number * 7 % 30)
    fields: dict[str, Any] = {
        "ktype": KTYPES[number % 3], "collection": f"samples26_0{number % 2}",
        "stream": f"acoustic20_01_h{number % 4}" if number % 3 else "",
        "coverage": Coverage(
            temporal=TimeSpan(start=begin, stop=begin + timedelta(hours=1)),
            spatial=f"3/{number}" if number % 2 else "",
        ),
    }  # fmt: skip
    title = f"Number {number} has {WORDS[number % 5]} in its title"
    record = make_record(version=version, files=[], publication={"title": title})
    identifier = f"acoustic20_01_n{number:03}"
    kid = UUID(int=number * 1000 + int(float(version) * 10))
    about = {"kid": kid, "identifier": identifier, "services": ()}
    return record.model_copy(update={**about, **fields, **changes})


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Store]:
    """Sixty resources, every fifth in two versions."""
    address = ""
    if request.param == "postgresql":
        address = request.getfixturevalue("postgresql").database()
    opened = Store(tmp_path_factory.mktemp("paging") / "odc", address)
    records = [make(n) for n in range(60)] + [make(n, "1.1") for n in range(0, 60, 5)]
    random.Random(7).shuffle(records)  # noqa: S311 - the same at each run
    outcomes = opened.put_resources(records)
    assert set(outcomes) == {Outcome.CREATED}
    yield opened
    opened.close()


def kids(page: Page) -> list[UUID]:
    return [ResourceSummary.model_validate_json(text).kid for text in page.summaries]


def walk(store: Store, query: Query, sort: Sort, limit: int = 23) -> list[UUID]:
    found, cursor = [], ""
    while True:
        page = store.page(query, sort, cursor, limit)
        found += kids(page)
        if not (cursor := page.later):
            return found


QUERIES = [
    Query(), Query(latest=True), Query(ktype=Ktype.EVENTS), Query(collection="samples26_01"),
    Query(stream="acoustic20_01_h2", latest=True), Query(q="alpha"), Query(q="beta number"),
    Query(q="delta"), Query(q="ΔΕΛΤΑ"), Query(q="gamma_delta", ktype=Ktype.PLOT),
    Query(q="nothing"), Query(q="alp*"), Query(q="titles of numb*"),
    Query(q="al*"), Query(q="%"), Query(identifier="acoustic20_01_n005"),
]  # fmt: skip


def matches(record: KM3OpenResource, query: Query) -> bool:
    title = record.publication.title.casefold().replace("έ", "ε")
    wanted = query.q.casefold().split()
    words = {*title.split(), *title.replace("_", " ").split()}
    words |= {"of"}  # in the description
    return (
        (not query.ktype or record.ktype is query.ktype)
        and (not query.collection or record.collection == query.collection)
        and (not query.stream or record.stream == query.stream)
        and (not query.identifier or record.identifier == query.identifier)
        and all(any(fits(word, w) for word in words) for w in wanted)
    )


def fits(word: str, wanted: str) -> bool:
    if wanted.endswith("*") and len(wanted) > 3:
        return word.startswith(wanted[:-1])
    return word.removesuffix("s") == wanted.strip("*").removesuffix("s")


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_pages_together_are_the_list(store: Store, query: Query) -> None:
    for sort in Sort:
        check_list(store, query, sort)


def check_list(store: Store, query: Query, sort: Sort) -> None:
    everything = [make(n) for n in range(60)] + [make(n, "1.1") for n in range(0, 60, 5)]
    if query.latest:
        everything = everything[60:] + [r for n, r in enumerate(everything[:60]) if n % 5]
    found = walk(store, query, sort)
    assert sorted(found) == sorted(r.kid for r in everything if matches(r, query))
    assert found == kids(store.page(query, sort, "", 200))
    assert store.count(query).number == len(found)


def test_lists_have_their_order(store: Store) -> None:
    by_name = [(r.identifier, -float(r.publication.version)) for r in records_of(store, "")]
    assert by_name == sorted(by_name)
    latest = [r.coverage.temporal for r in records_of(store, "latest-data")]
    starts = [span.start for span in latest if span]
    assert starts == sorted(starts, reverse=True)
    assert walk(store, Query(), Sort.NEWEST) == walk(store, Query(), Sort.OLDEST)[::-1]


def records_of(store: Store, sort: str) -> list[KM3OpenResource]:
    wanted = Sort(sort) if sort else Sort.IDENTIFIER
    return [store.get_resource(kid) for kid in walk(store, Query(), wanted)]


@pytest.mark.parametrize("sort", Sort)
def test_one_can_go_back(store: Store, sort: Sort) -> None:
    pages = [store.page(Query(), sort, "", 20)]
    while pages[-1].later:
        pages.append(store.page(Query(), sort, pages[-1].later, 20))
    assert [len(page.summaries) for page in pages] == [20, 20, 20, 12]
    back = [pages[-1]]
    while back[-1].earlier:
        back.append(store.page(Query(), sort, back[-1].earlier, 20))
    assert [kids(page) for page in back] == [kids(page) for page in pages[::-1]]
    assert back[-1] == pages[0]


@pytest.mark.parametrize("sort", [sort for sort in Sort if sort is not Sort.CHANGED])
def test_what_is_added_or_taken_meanwhile_disturbs_nothing_else(
    tmp_path: Path, database: str, sort: Sort
) -> None:
    store = Store(tmp_path / "odc", database)
    there = [make(n) for n in range(0, 60, 2)]
    store.put_resources(there)
    found, cursor, new = [], "", iter(range(1, 60, 2))
    for _ in range(100):
        page = store.page(Query(), sort, cursor, 4)
        found += kids(page)
        if not (cursor := page.later):
            break
        store.put_resources([make(next(new)), make(next(new))])
        # The place of the cursor itself may go.
        store.withdraw(found[-1], "to see what happens")
    store.close()
    assert len(found) == len(set(found))
    assert {r.kid for r in there} <= set(found)


def test_time_and_sky_narrow_a_list(store: Store) -> None:
    since, until = datetime(2026, 1, 1, 10, 30), datetime(2026, 1, 1, 12)  # noqa: DTZ001
    inside = {n for n in range(60) if 9.5 <= n * 7 % 30 <= 12}
    query = Query(since=since, until=until, latest=True)
    found = {int(k) // 1000 for k in walk(store, query, Sort.EARLIEST_DATA)}
    assert found == inside
    # The centre of cell 5 of order 3, by cdshealpix.
    covered = Query(position=(61.875, 19.47122063), latest=True)
    names = {store.get_resource(k).coverage.spatial for k in walk(store, covered, Sort.NEWEST)}
    assert names == {"3/5"}


@pytest.mark.parametrize(
    "cursor", ["x", "!", "e30", "W10", "WyJuZXdlc3QiLGZhbHNlLCJhIl0", "A" * 999]
)
def test_a_cursor_that_is_none_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(RefusedError, match="not a cursor of this list"):
        store.page(Query(), Sort.NEWEST, cursor)


def test_a_cursor_of_another_order_is_refused(store: Store) -> None:
    cursor = store.page(Query(), Sort.NEWEST, "", 5).later
    with pytest.raises(RefusedError, match="not a cursor of this list"):
        store.page(Query(), Sort.IDENTIFIER, cursor)


def test_tallies_stay_true_whatever_happens(tmp_path: Path, database: str) -> None:
    store = Store(tmp_path / "odc", database)
    dice = random.Random(11)  # noqa: S311 - the same at each run
    for _ in range(30):
        some = [make(n, dice.choice(["1.0", "1.1"])) for n in dice.sample(range(12), 4)]
        moved = {"collection": dice.choice(["samples26_05", ""]), "stream": ""}
        store.put_resources(
            [r.model_copy(update=moved) if dice.random() < 0.4 else r for r in some]
        )
        there = [kid for kid in walk(store, Query(), Sort.NEWEST) if dice.random() < 0.15]
        for kid in there:
            store.withdraw(kid, "for a test")
    columns = (ResourceRow.ktype, ResourceRow.collection, ResourceRow.stream, ResourceRow.latest)
    with store.reading() as session:
        counted = session.execute(
            select(*columns, func.count()).where(ResourceRow.withdrawn.is_(None)).group_by(*columns)
        )
        kept = session.execute(
            select(
                TallyRow.ktype, TallyRow.collection, TallyRow.stream, TallyRow.latest,
                TallyRow.resources,
            ).where(TallyRow.resources != 0)
        )  # fmt: skip
        by_stream: list[tuple[Any, ...]] = sorted(map(tuple, kept))
        assert sorted(map(tuple, counted)) == by_stream
        totals = Counter[tuple[Any, ...]]()
        for ktype, collection, _stream, latest, number in by_stream:
            totals[ktype, collection, latest] += number
        columns_of_totals = (TotalRow.ktype, TotalRow.collection, TotalRow.latest)
        told = session.execute(
            select(*columns_of_totals, TotalRow.resources).where(TotalRow.resources != 0)
        )
        assert {tuple(key): number for *key, number in told} == totals
    everything = walk(store, Query(), Sort.OLDEST)
    assert sorted(walk(store, Query(q="number"), Sort.OLDEST)) == sorted(everything)
    store.close()
