"""Who gets which form of a record, and how programs find the others."""

from __future__ import annotations

import gzip
import re
from typing import Any

import httpx
import pytest
from lxml import etree, html

from vopub.model.resource import KM3OpenResource
from vopub.odc.forms import FOR_PAGES, FOR_PROGRAMS, Form, best
from vopub.odc.mappings.voresource import read_voresource

from .conftest import Centre, Server, make_collection, make_record, products

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture
def published(centre: Centre, record: KM3OpenResource) -> KM3OpenResource:
    centre.put(record, products())
    return record


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form.HTML), ("*/*", Form.HTML), (BROWSER, Form.HTML), ("text/*", Form.HTML),
        ("application/json", Form.JSON), ("application/json, text/html;q=0.9", Form.JSON),
        ("application/json;q=0.5, text/html;q=0.9", Form.HTML),
        ("text/html;q=0, */*", Form.JSON), ("APPLICATION/JSON ; Q=1", Form.JSON),
        ("application/x-bibtex;charset=utf-8", Form.BIBTEX),
        ("image/png", None), ("text/html;q=0", None), ("application/json;q=nonsense", None),
        (";;,,=", None), ("application/*, application/json;q=0", Form.BIBTEX),
    ],
)  # fmt: skip
def test_the_form_is_the_one_that_is_liked_best(accept: str, form: Form | None) -> None:
    assert best(accept, [Form.HTML, Form.JSON, Form.BIBTEX]) == form


@pytest.mark.parametrize("form", FOR_PAGES)
def test_one_address_gives_every_form(
    centre: Centre, published: KM3OpenResource, form: Form
) -> None:
    address = f"/resources/{published.kid}"
    asked = centre.http.get(address, headers={"Accept": form.media_type})
    named = centre.http.get(address, params={"format": form.value}, headers={"Accept": BROWSER})
    for answer in (asked, named):
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == form.media_type
        assert "Accept" in answer.headers["vary"]
    assert asked.content == named.content


def test_the_service_for_programs_gives_json_to_browsers_too(
    centre: Centre, published: KM3OpenResource
) -> None:
    address = f"/api/resources/{published.kid}"
    answer = centre.http.get(address, headers={"Accept": BROWSER})
    assert KM3OpenResource.model_validate_json(answer.content) == published
    entry = centre.http.get(address, headers={"Accept": "application/x-bibtex"})
    assert entry.text.startswith("@misc{evts21_01_v1_0,")
    known = {"Accept": "application/x-bibtex", "If-None-Match": entry.headers["etag"]}
    assert centre.http.get(address, headers=known).status_code == 304


def test_a_form_that_is_not_there_is_refused(centre: Centre, published: KM3OpenResource) -> None:
    for answer in (
        centre.http.get(f"/api/resources/{published.kid}", headers={"Accept": "image/png"}),
        centre.http.get(f"/api/resources/{published.kid}?format=html"),
        centre.http.get(f"/resources/{published.kid}?format=%00"),
    ):
        assert answer.status_code == 406
        assert "application/json" in answer.json()["error"]


def links(answer: httpx.Response) -> list[tuple[str, str, str]]:
    """Return relation, target and type of each link of a header, read as RFC 8288 says."""
    found = []
    for part in re.findall(r"<[^>]*>[^<]*", answer.headers["link"]):
        target, *rest = part.rstrip(", ").split(";")
        said = dict(piece.strip().split("=", 1) for piece in rest)
        found.append((said["rel"].strip('"'), target.strip("<>"), said.get("type", "").strip('"')))
    return found


def test_a_program_that_is_given_the_page_finds_everything(
    centre: Centre, published: KM3OpenResource
) -> None:
    page = f"http://odc.test/resources/{published.kid}"
    found = links(centre.http.head(page))
    targets: dict[str, list[str]] = {}
    for rel, target, _ in found:
        targets.setdefault(rel, []).append(target)
    assert targets["cite-as"] == [page]
    assert targets["license"] == [published.publication.licence_url]
    assert targets["type"] == ["https://schema.org/AboutPage", "https://schema.org/Dataset"]
    assert len(targets["item"]) == len(published.files)
    assert len(targets["describedby"]) == len(FOR_PROGRAMS)
    for rel, target, kind in found:
        if rel in ("item", "describedby", "linkset"):
            answer = centre.http.get(target)
            assert answer.status_code == 200
            said = answer.headers["content-type"]
            assert said.replace("; charset=utf-8", "") == kind.replace(";charset=utf-8", "")
            back = {r: t for r, t, _ in links(answer)} if rel != "linkset" else {}
            assert {"item": "collection", "describedby": "describes"}.get(rel, "") in {*back, ""}
            assert page in {*back.values(), *([page] if rel == "linkset" else [])}


def test_the_linkset_has_every_link_from_and_to_the_page(
    centre: Centre, published: KM3OpenResource
) -> None:
    answer = centre.http.get(f"/api/resources/{published.kid}/linkset")
    sets: list[dict[str, Any]] = answer.json()["linkset"]
    page, *others = sets
    assert page["anchor"] == f"http://odc.test/resources/{published.kid}"
    anchors = {entry["anchor"] for entry in others}
    named = {link["href"] for link in page["item"] + page["describedby"]}
    assert anchors == named


def test_hostile_addresses_cannot_end_a_link_or_a_header(centre: Centre) -> None:
    hostile = "https://example.org/\x01\x7fé√>;rel=evil\\'"
    record = make_record(
        files=[],
        publication={"licence_url": hostile.replace(">", ""), "doi": "10.5072/a>,<b\u0086"},
    )
    centre.put(record, [])
    answer = centre.http.get(f"/resources/{record.kid}")
    assert answer.status_code == 200
    rels = [rel for rel, _, _ in links(answer)]
    assert "evil" not in rels
    (cited,) = [target for rel, target, _ in links(answer) if rel == "cite-as"]
    assert cited == "https://doi.org/10.5072/a%3E%2C%3Cb%C2%86"


def test_many_files_do_not_make_a_header_without_end(centre: Centre) -> None:
    record = make_record(files=[])
    file = products()[0].reference
    many = [file.model_copy(update={"name": f"part{n}.csv"}) for n in range(60)]
    big = record.model_copy(update={"files": tuple(many)})
    for each in many:
        centre.store.put_file(big.kid, each.name, each.sha256, [products()[0].content], most=9999)
    centre.store.put_resource(big)
    answer = centre.http.get(f"/resources/{big.kid}")
    assert len(answer.headers["link"]) < 7000
    sets = centre.http.get(f"/api/resources/{big.kid}/linkset").json()["linkset"]
    assert len(sets[0]["item"]) == 60


def test_every_form_says_what_replaced_it(centre: Centre) -> None:
    old, new = (make_record(files=[], version=version) for version in ("1.0", "2.0"))
    centre.client.put_resource(old)
    address, page = f"/api/resources/{old.kid}", f"/resources/{old.kid}"
    newer = f"http://odc.test/resources/{new.kid}"
    forms = [f"{path}?format={form}" for path in (address, page)
             for form in ("jsonld", "dcat", "datacite")]  # fmt: skip
    for path in (*forms, page):
        assert newer not in centre.http.get(path).text
    tag = centre.http.get(forms[0]).headers["etag"]
    centre.client.put_resource(new)
    for path in (*forms, page):
        assert newer in centre.http.get(path, headers={"If-None-Match": tag}).text, path
    link = f'<{newer}>; rel="successor-version"'
    assert link in centre.http.get(page).headers["link"]
    program = f"<http://odc.test{address.replace(str(old.kid), str(new.kid))}>"
    assert f'{program}; rel="successor-version"' in centre.http.get(address).headers["link"]
    (first, *_) = centre.http.get(f"{address}/linkset").json()["linkset"]
    assert first["successor-version"] == [{"href": newer}]
    for path in (f"/resources/{new.kid}", f"/api/resources/{new.kid}"):
        assert "successor-version" not in centre.http.get(path).headers["link"]
    centre.store.withdraw(new.kid, "wrong calibration")
    assert "successor-version" not in centre.http.get(page).headers["link"]


def test_answers_are_packed_but_files_are_not(
    kept_server: Server, centre: Centre, published: KM3OpenResource
) -> None:
    packed = {"Accept-Encoding": "gzip"}
    with httpx.Client(base_url=kept_server.url, headers={"Accept-Encoding": "identity"}) as http:
        plain = http.get("/static/style.css")
        small = http.get("/static/style.css", headers=packed)
        with http.stream("GET", "/static/style.css", headers=packed) as answer:
            raw = b"".join(answer.iter_raw())
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 2
    file = centre.http.get(f"/files/{published.kid}/evts21_01.h5", headers=packed)
    assert "content-encoding" not in file.headers


def test_a_packed_answer_has_its_own_tag_and_is_known_again(
    centre: Centre, published: KM3OpenResource
) -> None:
    address = f"/api/resources/{published.kid}"
    plain = centre.http.get(address, headers={"Accept-Encoding": "identity"}).headers["etag"]
    packed = centre.http.get(address, headers={"Accept-Encoding": "gzip"})
    tag = packed.headers["etag"]
    assert tag != plain
    assert "Accept-Encoding" in packed.headers["vary"]
    for each in (tag, plain):
        again = centre.http.get(address, headers={"If-None-Match": each})
        assert (again.status_code, again.headers["etag"]) == (304, each)
    body = published.model_copy(update={"rows": 1}).model_dump_json()
    assert centre.http.put(address, content=body, headers={"If-Match": tag}).status_code == 200


def test_pages_of_other_origins_read_what_they_need(
    centre: Centre, published: KM3OpenResource
) -> None:
    headers = {"Origin": "https://notebook.example"}
    answer = centre.http.get(f"/api/resources/{published.kid}", headers=headers)
    exposed = answer.headers["access-control-expose-headers"]
    assert {"ETag", "Link", "Content-Range"} <= set(exposed.split(", "))


def test_search_engines_find_every_page(centre: Centre, published: KM3OpenResource) -> None:
    centre.client.put_collection(make_collection())
    gone = make_record("evts20_01", files=[])
    centre.put(gone, [])
    centre.client.delete_resource(gone.kid, reason="wrong")
    lines = centre.http.get("/robots.txt").text.splitlines()
    assert "Sitemap: http://odc.test/sitemap.xml" in lines
    root = etree.fromstring(centre.http.get("/sitemap.xml").content)
    addresses = [str(e.text) for e in root.iter(f"{MAP}loc")]
    assert addresses == [
        "http://odc.test/", "http://odc.test/collections/samples26_01",
        f"http://odc.test/resources/{published.kid}",
    ]  # fmt: skip
    for address in addresses:
        assert html.document_fromstring(centre.http.get(address).text).findtext(".//h1")


def test_a_large_sitemap_comes_in_parts(
    centre: Centre, published: KM3OpenResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vopub.odc.sitemap.MOST", 0)
    root = etree.fromstring(centre.http.get("/sitemap.xml").content)
    assert root.tag == f"{MAP}sitemapindex"
    parts = [str(e.text) for e in root.iter(f"{MAP}loc")]
    assert len(parts) == 257
    found = []
    for part in (p for p in parts if p.endswith(("other.xml", f"/{str(published.kid)[:2]}.xml"))):
        inside = etree.fromstring(centre.http.get(part).content)
        found += [str(e.text) for e in inside.iter(f"{MAP}loc")]
    assert found == ["http://odc.test/", f"http://odc.test/resources/{published.kid}"]
    assert centre.http.get("/sitemap/zz.xml").status_code == 422


def test_only_what_is_in_the_registry_is_offered_as_voresource(
    centre: Centre, published: KM3OpenResource
) -> None:
    address = f"/api/resources/{published.kid}?format=voresource"
    answer = centre.http.get(address)
    assert answer.headers["content-type"] == "application/x-voresource+xml"
    told = read_voresource(answer.content)
    assert told["kid"] == str(published.kid)
    outside = make_record("evts20_01", files=[], services=())
    centre.put(outside, [])
    refused = centre.http.get(f"/api/resources/{outside.kid}?format=voresource")
    assert (refused.status_code, "VO registry" in refused.json()["error"]) == (406, True)
    assert "format=voresource" in centre.http.get(f"/resources/{published.kid}").headers["link"]
    assert "format=voresource" not in centre.http.get(f"/resources/{outside.kid}").headers["link"]
