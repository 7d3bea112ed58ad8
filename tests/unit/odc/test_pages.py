from __future__ import annotations

import html
import json
import re

import pytest
from lxml.html import HtmlElement

from vopub.model.ktype import Ktype
from vopub.model.resource import KM3OpenResource, KM3ResourceStream
from vopub.odc.about import sentence
from vopub.odc.forms import FOR_PROGRAMS
from vopub.odc.mappings import schema_org

from . import pictured
from .conftest import Centre, make_collection, make_record, parse_page, products


def page(centre: Centre, address: str, **headers: str) -> HtmlElement:
    answer = centre.http.get(address, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return parse_page(answer.text)


def words(element: HtmlElement) -> str:
    return " ".join(element.text_content().split())


def cards(element: HtmlElement) -> list[str]:
    """Return the identifiers on the cards of a page."""
    return [words(code) for code in element.xpath('//*[@class="card"]//code')]


@pytest.fixture
def published(centre: Centre, record: KM3OpenResource) -> KM3OpenResource:
    centre.put(record, products())
    return record


def test_the_page_of_a_resource_shows_everything_that_is_said_about_it(
    centre: Centre, published: KM3OpenResource
) -> None:
    shown = page(centre, f"/resources/{published.kid}")
    text = words(shown)
    publication = published.publication
    for said in (
        publication.title, " ".join(publication.description.split()),
        " ".join(publication.note.split()), "226 rows", "KM3NeT Collaboration", "CC-BY-4.0",
        "neutrino-astronomy", "ORCA", "9505", "2021-02-24 03:59:13 UTC",
        "2021-02-24 09:59:12.3 UTC", "5 h 58 min 24.4 s", "zenith > 90 deg", "jmuon",
        "JTrigger3DMuon", "2 499", "2 269", "up-going", "km3.49.9505.104.3", "malformed",
        "β₀", "pos.eq.ra;meta.main", "orca6_sample.root",
        str(published.provenance.steps[0].identifier) if published.provenance else "",
    ):  # fmt: skip
        assert said.replace("\N{NARROW NO-BREAK SPACE}", " ") in text, said
    names = [cell.text_content() for cell in shown.xpath('//*[@id="parameters"]//tbody//th')]
    assert names == [parameter.name for parameter in published.parameters]
    for file in published.files:
        (link,) = shown.xpath(f'//*[@id="files"]//td/a[@href="/files/{published.kid}/{file.name}"]')
        assert centre.http.get(link.get("href")).headers["etag"] == f'"{file.sha256}"'
        assert file.sha256 in text


def test_the_sky_map_is_shown_with_words_for_those_who_do_not_see_it(
    centre: Centre, published: KM3OpenResource
) -> None:
    (picture,) = page(centre, f"/resources/{published.kid}").xpath("//*[@id='about']//img")
    answer = centre.http.get(picture.get("src"))
    assert answer.headers["content-type"] == "image/svg+xml"
    assert picture.get("alt").startswith("Sky map of the 226 events")


def test_lines_for_every_service_can_be_copied(centre: Centre, published: KM3OpenResource) -> None:
    shown = page(centre, f"/resources/{published.kid}")
    lines = "\n".join(block.text_content() for block in shown.xpath('//*[@id="services"]//pre'))
    cone = "http://127.0.0.1:8080/evts21_01/q/cone/scs.xml?"
    for line in (
        f'pyvo.dal.SCSService("{cone}").search((ra, dec), radius)',
        f"stilts cone serviceurl='{cone}'", f"load {cone}RA=0&DEC=0&SR=180",
        f'A.catalogFromURL("{cone}RA=0&DEC=0&SR=180", {{}})', "curl ", "topcat ",
        'pyvo.dal.TAPService("http://127.0.0.1:8080/tap")',
        "stilts tapquery tapurl=http://127.0.0.1:8080/tap", "evts21_01.events",
    ):  # fmt: skip
        assert line in lines


def test_a_resource_without_services_offers_its_files(centre: Centre) -> None:
    record = make_record("evts20_01")
    centre.put(record, products("evts20_01"))
    shown = page(centre, "/resources/evts20_01")
    assert not shown.xpath('//*[@id="services"]')
    lines = "\n".join(block.text_content() for block in shown.xpath('//*[@id="files"]//pre'))
    url = f"http://odc.test/files/{record.kid}/evts20_01.csv"
    assert f'pandas.read_csv("{url}")' in lines
    assert 'h5py.File("evts20_01.h5")' in lines
    assert f"curl --fail --remote-name {url}" in lines


def test_a_record_with_nothing_but_what_it_must_have_has_a_page(centre: Centre) -> None:
    bare = make_record(
        files=[], services=(), parameters=(), data_taking=None, provenance=None, account=None,
        rows=None, coverage={}, collection="", ktype=Ktype.PUBLICATION,
        publication={"note": "", "facility": "", "instrument": "", "reference_url": None},
    )  # fmt: skip
    centre.put(bare, [])
    shown = page(centre, f"/resources/{bare.kid}")
    assert [h.text_content() for h in shown.xpath("//h2")] == ["How to cite", "For machines"]
    assert "rows" not in words(shown.xpath("//main")[0])
    page(centre, "/")


def test_data_taking_that_is_not_fully_known_has_a_page(centre: Centre) -> None:
    taking = {
        "detector": "ARCA", "runs": [{"detector_id": 1, "run": 2, "source": "file name"}],
        "reconstruction": "jmuon",
    }  # fmt: skip
    centre.put(make_record(files=[], data_taking=taking, account={}), [])
    assert words(page(centre, "/resources/evts21_01")).count("not known") == 3


def test_simulated_data_are_marked_everywhere(centre: Centre) -> None:
    record = make_record(files=[], simulated=True)
    centre.put(record, [])
    for address in ("/", f"/resources/{record.kid}"):
        badges = page(centre, address).xpath('//*[@class="badge simulated"]')
        assert [badge.text_content() for badge in badges] == ["simulated"]
    assert "Simulated data." in words(page(centre, f"/resources/{record.kid}"))


def test_observed_data_are_not_marked_as_simulated(
    centre: Centre, published: KM3OpenResource
) -> None:
    for address in ("/", f"/resources/{published.kid}"):
        assert "imulated" not in words(page(centre, address))


def test_the_identifier_leads_to_the_latest_version(centre: Centre) -> None:
    records = [make_record(version=version, files=[]) for version in ("1.9", "1.10")]
    for record in records:
        centre.put(record, [])
    latest = page(centre, "/resources/evts21_01")
    assert "version 1.10" in words(latest)
    older = page(centre, f"/resources/{records[0].kid}")
    (link,) = older.xpath('//*[@class="box warn"]/a')
    assert link.get("href") == "/resources/evts21_01"
    assert words(link) == "version 1.10"
    assert "This is version 1.9." in words(older)
    assert len(older.xpath('//*[@id="versions"]//li')) == 2
    assert len(cards(page(centre, "/"))) == 1


def test_searching_narrows_the_list(centre: Centre) -> None:
    for identifier in ("evts21_01", "evts20_01"):
        centre.put(make_record(identifier, files=[]), [])
    shown = page(centre, "/resources?q=up-going&ktype=events")
    assert [words(title) for title in shown.xpath('//*[@class="card"]/h3')] == [
        "Up-going track candidates of ORCA run 9505 (sample)"
    ]
    assert shown.get_element_by_id("q").get("value") == "up-going"
    assert "Nothing matches" in words(page(centre, "/resources?q=nothing-like-it"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/?q=up-going", "/resources?q=up-going"),
        ("/?q=up-going&ktype=events", "/resources?q=up-going&ktype=events"),
        ("/?ktype=events", "/resources?ktype=events"),
        ("/?q=a%26b%0d%0aX:+y", "/resources?q=a%26b%0D%0AX%3A+y"),
    ],
)
def test_old_addresses_of_searches_lead_to_the_list(
    kept_centre: Centre, old: str, new: str
) -> None:
    answer = kept_centre.http.get(old)
    assert (answer.status_code, answer.headers["location"]) == (307, new)
    page(kept_centre, new)


def test_an_empty_center_says_so(centre: Centre) -> None:
    assert "Nothing has been published here yet" in words(page(centre, "/"))


def test_a_long_list_is_turned_page_by_page(centre: Centre) -> None:
    for number in range(45):
        identifier = f"evts21_{number:02}"
        record = make_record(files=[]).model_copy(
            update={"identifier": identifier, "kid": make_record(version=f"{number}").kid}
        )
        centre.store.put_resource(record)
    there = turned(centre, "/resources?q=ORCA", "next")
    assert [name for shown in there for name in cards(shown)] == [
        f"evts21_{number:02}" for number in range(45)
    ]
    (last,) = there[-1].xpath('//a[@rel="prev"]')
    back = turned(centre, last.get("href"), "prev")
    assert [cards(shown) for shown in back] == [cards(shown) for shown in there[-2::-1]]


def turned(centre: Centre, address: str, way: str) -> list[HtmlElement]:
    """Return the pages of a list up to its end, one way or the other."""
    pages = []
    while address:
        pages.append(page(centre, address))
        further = pages[-1].xpath(f'//a[@rel="{way}"]')
        address = further[0].get("href") if further else ""
    return pages


def test_collections_and_streams_have_pages(centre: Centre, published: KM3OpenResource) -> None:
    stream = KM3ResourceStream(
        identifier="acoustic20_01_psd", title="Spectra of the sea", ktype=Ktype.ACOUSTIC_PSD,
        description="Spectral statistics of one hydrophone.", resources=(published.kid,),
    )  # fmt: skip
    other = make_record("evts20_01", files=[], collection="")
    centre.put(other, [])
    centre.client.put_stream(stream)
    centre.client.put_collection(
        make_collection(resources=[other.kid], streams=["acoustic20_01_psd"])
    )
    shown = page(centre, "/collections/samples26_01")
    members = shown.xpath('//*[@class="map"]//a')
    assert [words(member) for member in members] == [
        other.publication.title, published.publication.title, "Spectra of the sea",
    ]  # fmt: skip
    for member in members:
        page(centre, member.get("href"))
    shown = page(centre, "/streams/acoustic20_01_psd")
    assert cards(shown) == ["evts21_01"]
    for address in ("/", "/collections", "/streams"):
        links = page(centre, address).xpath('//*[@class="tile"]/a')
        assert links
        for link in links:
            page(centre, link.get("href"))
    (link,) = page(centre, "/resources/evts21_01").xpath(
        '//dd/a[starts-with(@href, "/collections/")]'
    )
    assert link.get("href") == "/collections/samples26_01"


def test_machines_find_the_json(centre: Centre, published: KM3OpenResource) -> None:
    shown = page(centre, "/resources/evts21_01")
    links = {link.get("type"): link.get("href") for link in shown.xpath('//link[@rel="alternate"]')}
    assert set(links) == {form.media_type for form in FOR_PROGRAMS}
    for media_type, address in links.items():
        answer = centre.http.get(address)
        assert answer.headers["content-type"].partition(";")[0] == media_type
    answer = centre.http.get(links["application/json"])
    assert KM3OpenResource.model_validate_json(answer.content) == published


def test_search_engines_find_the_data_set_on_its_page(
    centre: Centre, published: KM3OpenResource
) -> None:
    shown = page(centre, "/resources/evts21_01")
    (data,) = shown.xpath('//script[@type="application/ld+json"]')
    assert json.loads(data.text) == schema_org(published, "http://odc.test")
    (canonical,) = shown.xpath('//link[@rel="canonical"]/@href')
    assert canonical == f"http://odc.test/resources/{published.kid}"


def test_pages_load_nothing_from_elsewhere_and_run_no_script_in_them(
    centre: Centre, published: KM3OpenResource
) -> None:
    for address in ("/", f"/resources/{published.kid}"):
        text = centre.http.get(address).text
        assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", text)
        shown = parse_page(text)
        inside = shown.xpath("//script[not(@src)]")
        assert {script.get("type") for script in inside} <= {"application/ld+json"}  # no program
        loaded = '//*[@src] | //link[@rel="stylesheet" or @rel="icon" or @rel="alternate"]'
        for element in shown.xpath(loaded):
            source = element.get("src") or element.get("href")
            assert source.startswith("/")
            assert centre.http.get(source).status_code == 200


def test_a_host_that_is_none_is_refused(centre: Centre, published: KM3OpenResource) -> None:
    for host in ('"><script>', "a b", "x" * 300, "evil.example/path", ""):
        answer = centre.http.get(f"/resources/{published.kid}", headers={"Host": host})
        assert answer.status_code == 400
        assert "<script" not in answer.text
    for host in ("odc.example:8000", "[::1]:8000", "localhost"):
        text = centre.http.get(f"/resources/{published.kid}", headers={"Host": host}).text
        assert f"http://{host}/files/" in html.unescape(text)


def test_the_address_for_readers_can_be_set(centre: Centre, published: KM3OpenResource) -> None:
    centre.app.state.public_url = "https://odc.example/data"
    text = words(page(centre, f"/resources/{published.kid}"))
    assert f"https://odc.example/data/resources/{published.kid}" in text
    assert "odc.test" not in text


def test_pages_answer_head(centre: Centre, published: KM3OpenResource) -> None:
    for address in ("/", "/resources", f"/resources/{published.kid}"):
        assert centre.http.head(address).status_code in (200, 307)


def test_a_sentence_says_in_which_form_a_recording_is() -> None:
    record, _ = pictured.raw_recording(b"frames")
    assert sentence(record).startswith("Hydrophone recording (raw) of ")
    simulated = record.model_copy(update={"simulated": True})
    assert sentence(simulated).startswith("Simulated hydrophone recording (raw) of ")
