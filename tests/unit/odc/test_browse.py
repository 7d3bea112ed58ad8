"""The list of resources as somebody browses it: facets, what is chosen, orders, pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml.html import HtmlElement

from vopub.model.ktype import Ktype
from vopub.model.resource import Coverage, KM3OpenResource, TimeSpan, make_kid
from vopub.odc.browse import PER_PAGE

from .conftest import AUTHORITY, Centre, make_collection, make_record, parse_page

FIRST = datetime(2021, 2, 24, tzinfo=UTC)


def element(number: int, **changes: object) -> KM3OpenResource:
    """Return one of many resources, each with the data of a day."""
    identifier = f"evts21_{number:02}"
    start = FIRST + timedelta(days=number)
    given = {
        "identifier": identifier, "kid": make_kid(AUTHORITY, identifier, "1.0"),
        "coverage": Coverage(
            temporal=TimeSpan(start=start, stop=start + timedelta(hours=23)), spatial="0/3"
        ),
    }  # fmt: skip
    return make_record(files=[], services=()).model_copy(update={**given, **changes})


def shown(centre: Centre, address: str) -> HtmlElement:
    answer = centre.http.get(address)
    assert answer.status_code == 200, answer.text
    return parse_page(answer.text)


def words(node: HtmlElement) -> str:
    return " ".join(node.text_content().split())


def listed(page: HtmlElement) -> list[str]:
    return [words(code) for code in page.xpath('//*[@class="card"]//code')]


def links(page: HtmlElement, where: str) -> dict[str, str]:
    """Return the addresses of the links of a part of a page by their text."""
    return {words(link): link.get("href") for link in page.xpath(f"{where}//a")}


def facets(page: HtmlElement) -> dict[str, str]:
    return links(page, '//*[@class="facets"]')


def chips(page: HtmlElement) -> dict[str, str]:
    return links(page, '//*[@class="chosen"]')


@pytest.fixture
def filled(centre: Centre) -> Centre:
    """Five resources: two plots and three event lists, of which one is in a collection."""
    kinds = [Ktype.EVENTS, Ktype.EVENTS, Ktype.EVENTS, Ktype.PLOT, Ktype.PLOT]
    for number, ktype in enumerate(kinds):
        collection = "samples26_01" if number == 0 else ""
        centre.store.put_resource(element(number, ktype=ktype, collection=collection))
    centre.client.put_collection(make_collection())
    return centre


@pytest.mark.parametrize(
    ("page", "program"),
    [
        ("", ""),
        ("q=ORCA&ktype=events", "q=ORCA&ktype=events"),
        ("collection=samples26_01", "collection=samples26_01"),
        ("from=2021-02-25&until=2021-02-26",
         "since=2021-02-25T00:00:00Z&until=2021-02-26T23:59:59.999999Z"),
        ("ra=315&dec=41.8&sort=latest-data", "ra=315&dec=41.8&sort=latest-data"),
        ("q=nothing", "q=nothing"),
    ],
)  # fmt: skip
def test_programs_get_the_list_in_json(filled: Centre, page: str, program: str) -> None:
    older = element(0).publication.model_copy(update={"version": "0.9"})
    kid = make_kid(AUTHORITY, "evts21_00", "0.9")
    filled.store.put_resource(element(0, kid=kid, publication=older))
    told = filled.http.get(f"/api/resources?latest=true&{program}")
    for address, accept in (
        (f"/resources?{page}", "application/json"),
        (f"/resources?{page}&format=json", "text/html"),
    ):
        answer = filled.http.get(address, headers={"Accept": accept})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["etag"] == told.headers["etag"]
        assert "Accept" in answer.headers["vary"].split(", ")
        assert answer.json() == told.json()


def test_a_list_in_json_is_turned_and_is_no_page_to_who_asks_for_anything(centre: Centre) -> None:
    centre.store.put_resources([element(number) for number in range(60)])
    as_json = {"Accept": "application/json"}
    first = centre.http.get("/resources?sort=newest", headers=as_json).json()
    there = centre.http.get(f"/resources?sort=newest&cursor={first['later']}", headers=as_json)
    found = [each["identifier"] for each in (*first["resources"], *there.json()["resources"])]
    assert found == [f"evts21_{number:02}" for number in reversed(range(60))]
    known = {**as_json, "If-None-Match": there.headers["etag"]}
    assert centre.http.get(str(there.url), headers=known).status_code == 304
    assert centre.http.get("/resources?cursor=x", headers=as_json).status_code == 422
    assert centre.http.get("/resources", headers={"Accept": "image/png"}).status_code == 406
    head = centre.http.head("/resources", headers=as_json)
    assert (head.headers["content-type"], head.content) == ("application/json", b"")
    for accept in ("*/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"):
        answer = centre.http.get("/resources", headers={"Accept": accept})
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "Accept" in answer.headers["vary"].split(", ")


def test_facets_tell_how_many_there_would_be_and_lead_there(filled: Centre) -> None:
    offered = facets(shown(filled, "/resources"))
    assert list(offered) == ["Event list 3", "Plot 2", f"{make_collection().title} 1"]
    for text, address in offered.items():
        assert len(listed(shown(filled, address))) == int(text.split()[-1])


def test_facets_are_combined_and_taken_back(filled: Centre) -> None:
    page = shown(filled, "/resources")
    page = shown(filled, facets(page)["Event list 3"])
    page = shown(filled, facets(page)[f"{make_collection().title} 1"])
    assert listed(page) == ["evts21_00"]
    assert list(chips(page)) == ["Event list", "collection samples26_01"]
    (chosen, other) = page.xpath('//*[@class="facets"]//a[@aria-current]')
    assert (words(chosen), words(other)) == ("Event list 1", f"{make_collection().title} 1")
    assert len(listed(shown(filled, chosen.get("href")))) == 1  # only the collection is left
    assert len(listed(shown(filled, chips(page)["collection samples26_01"]))) == 3


def test_everything_asked_for_has_a_chip_that_takes_only_it_away(filled: Centre) -> None:
    asked = {
        "q": "ORCA", "ktype": "events", "from": "2021-02-24", "until": "2021-02-25", "ra": "10",
        "dec": "5", "sort": "newest",
    }  # fmt: skip
    address = "/resources?" + "&".join(f"{name}={value}" for name, value in asked.items())
    found = chips(shown(filled, address))
    assert list(found) == [
        "“ORCA”", "Event list", "from 2021-02-24", "until 2021-02-25", "covers 10°, 5°",
    ]  # fmt: skip
    taken = [{"q"}, {"ktype"}, {"from"}, {"until"}, {"ra", "dec"}]
    for names, left in zip(taken, found.values(), strict=True):
        assert set(parse_qs(urlsplit(left).query)) == set(asked) - names


def test_forms_keep_what_the_other_one_asked_for(filled: Centre) -> None:
    page = shown(filled, "/resources?q=ORCA&ktype=events&from=2021-02-25&ra=10&dec=5")
    kept = [
        {field.get("name"): field.get("value") for field in form.xpath(".//input")}
        for form in page.xpath("//form")
    ]
    asked = {"q": "ORCA", "ktype": "events", "from": "2021-02-25", "ra": "10", "dec": "5"}
    assert kept == [asked, {**asked, "until": ""}]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("from=2021-02-27", [3, 4]),
        ("until=2021-02-24", [0]),
        ("from=2021-02-25&until=2021-02-26", [1, 2]),
        ("from=2021-02-25T23:30:00&until=2021-02-26T00:00:00", [2]),
        ("from=2021-02-28T01:30:00%2B02:00", [4]),
        ("from=2022-01-01", []),
        ("sort=latest-data", [4, 3, 2, 1, 0]),
        ("sort=newest&ktype=events", [2, 1, 0]),
    ],
)
def test_the_list_is_narrowed_and_ordered_by_time(
    filled: Centre, asked: str, found: list[int]
) -> None:
    page = shown(filled, f"/resources?{asked}")
    assert listed(page) == [f"evts21_{number:02}" for number in found]
    assert bool(found) != ("Nothing matches" in words(page))


def test_the_list_is_narrowed_by_what_covers_a_position(filled: Centre) -> None:
    inside, outside = "ra=315&dec=41.8", "ra=45&dec=-60"
    assert len(listed(shown(filled, f"/resources?{inside}"))) == 5
    assert listed(shown(filled, f"/resources?{outside}")) == []


def test_numbers_of_facets_are_left_out_where_they_are_not_known(filled: Centre) -> None:
    assert "Event list" in facets(shown(filled, "/resources?q=ORCA"))


def test_orders_can_be_chosen_and_the_chosen_one_is_marked(filled: Centre) -> None:
    page = shown(filled, "/resources?q=ORCA")
    for address in links(page, '//*[@class="sorts"]').values():
        (chosen,) = shown(filled, address).xpath('//*[@class="sorts"]//a[@aria-current]')
        assert chosen.get("href") == address


def test_a_page_stays_right_while_resources_are_added(centre: Centre) -> None:
    for number in range(0, 2 * (PER_PAGE + 5), 2):
        centre.store.put_resource(element(number))
    page = shown(centre, "/resources?q=ORCA")
    before = listed(page)
    centre.store.put_resource(element(1))  # comes before the place where the next page begins
    (later,) = page.xpath('//a[@rel="next"]/@href')
    assert parse_qs(urlsplit(later).query)["q"] == ["ORCA"]
    after = listed(shown(centre, later))
    assert before + after == [f"evts21_{number:02}" for number in range(0, 50, 2)]


def test_a_cursor_of_another_order_is_refused(centre: Centre) -> None:
    for number in range(PER_PAGE + 1):
        centre.store.put_resource(element(number))
    (later,) = shown(centre, "/resources").xpath('//a[@rel="next"]/@href')
    assert centre.http.get(f"{later}&sort=newest").status_code == 422
