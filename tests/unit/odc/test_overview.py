"""What pages show at a glance: the front page, streams in time, collections as maps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from lxml import etree
from lxml.html import HtmlElement

from vopub.model.ktype import Ktype
from vopub.model.resource import Coverage, KM3OpenResource, KM3ResourceStream, TimeSpan, make_kid
from vopub.odc.overview import MOST_LISTED, MOST_MEMBERS
from vopub.odc.pages import NEWEST_ELEMENTS
from vopub.odc.timeline import BARS, draw_timeline

from .conftest import AUTHORITY, Centre, make_collection, make_record, parse_page

MOST_IN_HEADERS = 4000
"""Bytes that proxies take without being told to."""
START = datetime(2026, 1, 1, tzinfo=UTC)
BEGINNING, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
NAME = "acoustic20_01_psd"
STREAM = KM3ResourceStream(
    identifier=NAME, title="Spectra of the sea", ktype=Ktype.EVENTS, collection="samples26_01",
    description="Spectral statistics of one hydrophone.",
)  # fmt: skip


def element(number: int, **changes: object) -> KM3OpenResource:
    """Return an element of the stream: a minute of data at the beginning of an hour."""
    begin = START + timedelta(hours=number)
    identifier = f"{NAME}_{number}"
    given = {
        "identifier": identifier, "kid": make_kid(AUTHORITY, identifier, "1.0"), "stream": NAME,
        "collection": "",
        "coverage": Coverage(temporal=TimeSpan(start=begin, stop=begin + timedelta(minutes=1))),
    }  # fmt: skip
    return make_record(files=[]).model_copy(update={**given, **changes})


def shown(centre: Centre, address: str) -> HtmlElement:
    answer = centre.http.get(address)
    assert answer.status_code == 200, answer.text
    return parse_page(answer.text)


def words(node: HtmlElement) -> str:
    return " ".join(node.text_content().split())


def listed(page: HtmlElement) -> list[str]:
    return [words(code) for code in page.xpath('//*[@class="card"]//code')]


@pytest.fixture
def stream(centre: Centre) -> Centre:
    for number in range(24):
        centre.store.put_resource(element(number))
    centre.client.put_stream(STREAM)
    return centre


def test_a_stream_shows_its_newest_elements_first(stream: Centre) -> None:
    page = shown(stream, f"/streams/{NAME}")
    assert listed(page) == [f"{NAME}_{number}" for number in range(23, 23 - NEWEST_ELEMENTS, -1)]
    (everything,) = page.xpath('//a[starts-with(text(), "All 24")]/@href')
    assert listed(shown(stream, everything))[0] == f"{NAME}_23"


def test_every_bar_of_a_stream_leads_to_what_was_recorded_then(stream: Centre) -> None:
    page = shown(stream, f"/streams/{NAME}")
    assert "24 elements from 2026-01-01 00:00:00 UTC to 2026-01-01 23:00:00 UTC" in words(page)
    bars = page.xpath('//*[@class="axis"]//a')
    counts = [int(bar.get("aria-label").split()[0]) for bar in bars]
    assert sum(counts) == 24
    found = [name for bar in bars for name in listed(shown(stream, bar.get("href")))]
    assert set(found) == {f"{NAME}_{number}" for number in range(24)}


def test_a_stream_takes_in_what_comes(stream: Centre) -> None:
    shown(stream, f"/streams/{NAME}")
    stream.store.put_resource(element(24))
    page = shown(stream, f"/streams/{NAME}")
    assert listed(page)[0] == f"{NAME}_24"
    assert "25 elements" in words(page)


def test_a_stream_without_elements_has_a_page(centre: Centre) -> None:
    centre.client.put_stream(STREAM)
    page = shown(centre, f"/streams/{NAME}")
    assert "None is published yet" in words(page)
    assert not page.xpath('//*[@class="axis"]')


def test_a_stream_may_name_its_elements(centre: Centre) -> None:
    named = element(0, stream="")
    centre.store.put_resource(named)
    other = UUID("1da4d63c-fc6a-5e1c-a749-8d7a3efd9196")  # which is not here
    centre.client.put_stream(STREAM.model_copy(update={"resources": (named.kid, other)}))
    assert listed(shown(centre, f"/streams/{NAME}")) == [f"{NAME}_0"]


@pytest.mark.parametrize(
    "step",
    [
        timedelta(0), timedelta(seconds=1), timedelta(minutes=7), timedelta(hours=5),
        timedelta(days=3), timedelta(days=40), timedelta(days=400), timedelta(days=9000),
    ],
)  # fmt: skip
def test_an_axis_of_any_length_has_all_elements_and_a_few_round_times(step: timedelta) -> None:
    drawn = etree.fromstring(draw_timeline([START + n * step for n in range(20)], "a20_01"))
    counts = [int(bar.get("aria-label", "").split()[0]) for bar in drawn.iter("a")]
    assert sum(counts) == 20
    assert len(counts) <= BARS
    ticks = [text for text in drawn.iter("text") if text.get("text-anchor") != "end" or "-" in
             str(text.text)]  # fmt: skip
    assert 1 <= len(ticks) <= 9
    width = float(drawn.get("viewBox", "").split()[2])
    for bar in drawn.iter("rect"):
        assert float(bar.get("x", "")) + float(bar.get("width", "")) <= width


@pytest.mark.parametrize(
    ("first", "last", "least"),
    [
        (datetime(1000, 3, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC), 3),
        (datetime(2020, 1, 1, tzinfo=UTC), END, 3), (BEGINNING, END, 3),
        (END, END, 0), (BEGINNING, BEGINNING, 0),
    ],
)  # fmt: skip
def test_an_axis_reaches_to_the_ends_of_the_calendar(
    first: datetime, last: datetime, least: int
) -> None:
    drawn = etree.fromstring(draw_timeline([first, last], "a20_01"))
    bars = list(drawn.iter("a"))
    assert sum(int(bar.get("aria-label", "").split()[0]) for bar in bars) == 2
    assert least <= sum("-" in str(text.text) for text in drawn.iter("text")) <= 8
    for bar in bars:
        asked = parse_qs(urlsplit(bar.get("href", "")).query)
        begin, end = (datetime.fromisoformat(asked[edge][0]) for edge in ("from", "until"))
        assert begin <= end


def test_a_collection_is_a_map_of_its_members_by_kind(stream: Centre) -> None:
    plot = make_record(files=[], ktype=Ktype.PLOT).model_copy(
        update={"identifier": "plot21_01", "kid": make_kid(AUTHORITY, "plot21_01", "1.0")}
    )
    stream.store.put_resource(make_record(files=[]))
    stream.store.put_resource(plot)
    stream.client.put_collection(make_collection())
    page = shown(stream, "/collections/samples26_01")
    kinds = [words(node) for node in page.xpath('//*[@class="node kind"]')]
    assert kinds == ["Event list 1", "Plot 1", "Streams 1"]
    leaves = page.xpath('//*[@class="map"]/li/ul/li/ul/li//a/@href')
    assert leaves == [
        f"/resources/{make_record(files=[]).kid}", f"/resources/{plot.kid}", f"/streams/{NAME}",
    ]  # fmt: skip
    assert "24 elements" in words(page.xpath('//*[@class="map"]')[0])


def test_elements_of_streams_do_not_hide_the_others_of_a_collection(centre: Centre) -> None:
    elements = [element(n, collection="samples26_01") for n in range(MOST_MEMBERS + 1)]
    other = make_record(files=[])
    assert other.identifier > max(each.identifier for each in elements)
    centre.store.put_resources([*elements, other])
    centre.client.put_collection(make_collection())
    page = shown(centre, "/collections/samples26_01")
    assert page.xpath('//*[@class="map"]//a/@href') == [f"/resources/{other.kid}"]
    assert f"All {MOST_MEMBERS + 2} resources" in words(page)


def test_bars_on_the_map_stand_where_data_were_taken(centre: Centre) -> None:
    for number in (0, 12, 23):
        centre.store.put_resource(element(number, stream="", collection="samples26_01"))
    centre.client.put_collection(make_collection())
    page = shown(centre, "/collections/samples26_01")
    marks = page.xpath('//*[@class="span"]/rect[@class="mark"]')
    places = [float(mark.get("x")) for mark in marks]
    minutes = 23 * 60 + 1
    assert places == pytest.approx([0, 720 / minutes * 1000, 988], abs=0.1)
    assert "2026-01-01 12:00:00 UTC" in marks[1].getparent().get("aria-label")


def test_the_time_of_simulated_data_is_not_shown_as_when_data_were_taken(centre: Centre) -> None:
    for number in (0, 12):
        member = element(number, stream="", collection="samples26_01", simulated=number == 12)
        centre.store.put_resource(member)
    centre.client.put_collection(make_collection())
    page = shown(centre, "/collections/samples26_01")
    assert len(page.xpath('//*[@class="span"]')) == 1
    assert "simulated" in words(page.xpath('//*[@class="map"]')[0])


def test_an_empty_collection_has_a_page(centre: Centre) -> None:
    centre.client.put_collection(make_collection())
    assert "None is published yet" in words(shown(centre, "/collections/samples26_01"))


def test_the_front_page_says_what_there_is_and_how_to_start(stream: Centre) -> None:
    stream.store.put_resource(make_record(files=[]))
    stream.client.put_collection(make_collection())
    page = shown(stream, "/")
    figures = [words(figure) for figure in page.xpath('//*[@class="figures"]/li')]
    assert figures == ["25resources", "1collection", "1stream"]
    assert [words(tile) for tile in page.xpath('//*[@aria-labelledby="kinds"]//a')] == [
        "Event list"
    ]
    assert 'KM3Store("http://odc.test")' in words(page)
    # Of a stream, only the latest element is among the newest.
    assert listed(page) == ["evts21_01", f"{NAME}_23"]
    for address in page.xpath("//main//a/@href"):
        assert stream.http.get(address).status_code == 200, address


def test_very_many_streams_are_listed_piece_by_piece(centre: Centre) -> None:
    number = MOST_LISTED + 50
    names = [f"acoustic20_01_h{count:04}" for count in range(number)]
    for name in names:
        about = {"identifier": name, "collection": "samples26_01"}
        centre.store.groupings.put(STREAM.model_copy(update=about))
    other = {"identifier": "acoustic20_02_h0001", "collection": ""}
    centre.store.groupings.put(STREAM.model_copy(update=other))
    centre.client.put_collection(make_collection(streams=[]))
    collection = shown(centre, "/collections/samples26_01")
    said = centre.http.get("/collections/samples26_01").headers
    assert sum(len(name) + len(value) for name, value in said.items()) < MOST_IN_HEADERS
    on_map = collection.xpath('//*[@class="map"]//a[starts-with(@href, "/streams/")]/@href')
    assert on_map == [f"/streams/{name}" for name in names[:MOST_MEMBERS]]
    (everything,) = collection.xpath('//a[starts-with(@href, "/streams?")]')
    assert words(everything) == f"All {number} streams of the collection"
    found, address = [], everything.get("href")
    while address:
        piece = shown(centre, address)
        found += piece.xpath('//*[@class="tile"]/a/@href')
        (address,) = piece.xpath('//a[@rel="next"]/@href') or [""]
    assert found == [f"/streams/{name}" for name in names]
    first = shown(centre, "/streams")
    assert f"{MOST_LISTED} of {number + 1}, by identifier." in words(first)
    (more,) = first.xpath('//a[@rel="next"]/@href')
    rest = shown(centre, more).xpath('//*[@class="tile"]/a/@href')
    assert rest == [*(f"/streams/{name}" for name in names[MOST_LISTED:]),
                    "/streams/acoustic20_02_h0001"]  # fmt: skip
    assert centre.http.get("/streams?collection=samples26_09").status_code == 404
