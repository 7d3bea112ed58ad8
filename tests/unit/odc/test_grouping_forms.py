"""Streams and collections in the words of others, and how programs find them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import httpx
import pytest
import rdflib
from hypothesis import given
from hypothesis import strategies as st
from rdflib.namespace import DCTERMS, RDF

from vopub.model.ktype import Ktype
from vopub.model.resource import (
    KM3OpenResource,
    KM3ResourceCollection,
    KM3ResourceStream,
)
from vopub.odc import grouping_forms
from vopub.odc.answers import ResourceSummary
from vopub.odc.conditions import tag_of
from vopub.odc.mappings.datacite_groupings import (
    Origin,
    datacite_grouping,
    read_datacite_grouping,
)
from vopub.odc.mappings.groupings import (
    Grouping,
    Parts,
    dcat_grouping,
    schema_org_grouping,
)
from vopub.odc.mappings.reading import read_schema_org_grouping
from vopub.odc.mappings.reading_dcat import read_dcat_grouping
from vopub.odc.mappings.table import table

from .any_record import texts
from .conftest import Centre, parse_page
from .grouped import COLLECTION, HOSTILE, PLACES, STREAM, member

BASE = "http://odc.test"
SCHEMA, HYDRA = (
    rdflib.Namespace(n) for n in ("https://schema.org/", "http://www.w3.org/ns/hydra/core#")
)
DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
both = pytest.mark.parametrize("place", PLACES)
# rdflib warns of a class that it uses itself.
quiet_rdflib = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")


def page_of(record: KM3OpenResource) -> rdflib.URIRef:
    return rdflib.URIRef(f"{BASE}/resources/{record.kid}")


def understood(answer: httpx.Response) -> rdflib.Graph:
    """Return what an independent reader of JSON-LD makes of an answer, without asking anybody."""
    assert answer.status_code == 200, answer.text
    return rdflib.Graph().parse(data=answer.text, format="json-ld")


@quiet_rdflib
def test_a_stream_is_a_data_set_of_its_elements(filled: Centre) -> None:
    graph = understood(filled.http.get(f"/api/streams/{STREAM}?format=jsonld"))
    page = rdflib.URIRef(f"{BASE}/streams/{STREAM}")
    assert {SCHEMA.Dataset, SCHEMA.Collection} == set(graph.objects(page, RDF.type))
    assert graph.value(page, SCHEMA.name) == rdflib.Literal(HOSTILE)
    assert graph.value(page, SCHEMA.url) == page
    assert graph.value(page, SCHEMA.additionalType) == rdflib.URIRef(f"{BASE}/ktypes#events")
    assert set(graph.objects(page, SCHEMA.hasPart)) == {page_of(member(n)) for n in range(5)}
    assert graph.value(page, SCHEMA.collectionSize) == rdflib.Literal(5)
    whole = rdflib.URIRef(f"{BASE}/collections/{COLLECTION}")
    assert graph.value(page, SCHEMA.isPartOf) == whole
    assert graph.value(page_of(member(0)), SCHEMA.identifier) == rdflib.Literal(f"{STREAM}_000")


@quiet_rdflib
def test_a_collection_is_a_catalogue_of_its_members_and_streams(filled: Centre) -> None:
    graph = understood(filled.http.get(f"/api/collections/{COLLECTION}?format=jsonld"))
    page = rdflib.URIRef(f"{BASE}/collections/{COLLECTION}")
    assert {SCHEMA.DataCatalog, SCHEMA.Collection} == set(graph.objects(page, RDF.type))
    newest, alone = page_of(member(800, "1.1")), page_of(member(900))
    stream = rdflib.URIRef(f"{BASE}/streams/{STREAM}")
    assert set(graph.objects(page, SCHEMA.hasPart)) == {newest, alone, stream}
    assert graph.value(page, SCHEMA.collectionSize) == rdflib.Literal(2)
    assert graph.value(newest, SCHEMA.version) == rdflib.Literal("1.1")


@quiet_rdflib
def test_dcat_knows_series_and_catalogues(filled: Centre) -> None:
    graph = understood(filled.http.get(f"/api/streams/{STREAM}?format=dcat"))
    listed = understood(filled.http.get(f"/api/collections/{COLLECTION}?format=dcat"))
    series = rdflib.URIRef(f"{BASE}/streams/{STREAM}")
    catalogue = rdflib.URIRef(f"{BASE}/collections/{COLLECTION}")
    assert set(graph.objects(series, RDF.type)) == {DCAT.DatasetSeries, HYDRA.Collection}
    assert set(listed.objects(catalogue, RDF.type)) == {DCAT.Catalog, HYDRA.Collection}
    assert graph.value(series, DCTERMS.title) == rdflib.Literal(HOSTILE)
    assert (series, DCTERMS.isPartOf, catalogue) in graph
    elements = {page_of(member(n)) for n in range(5)}
    assert set(graph.objects(series, DCAT.seriesMember)) == elements
    assert set(graph.subjects(DCAT.inSeries, series)) == elements
    found = {series, page_of(member(800, "1.1")), page_of(member(900))}
    assert set(listed.objects(catalogue, DCAT.dataset)) == found
    assert graph.value(series, HYDRA.totalItems) == rdflib.Literal(5)
    for element in elements:
        assert (element, RDF.type, DCAT.Dataset) in graph
    # A resource says of its series what the series says of it.
    one = understood(filled.http.get(f"/api/resources/{member(0).kid}?format=dcat"))
    assert (page_of(member(0)), DCAT.inSeries, series) in one


@pytest.mark.parametrize("form", ["jsonld", "dcat"])
@both
def test_every_field_goes_where_the_table_says(filled: Centre, place: str, form: str) -> None:
    target = {"jsonld": "schema_org", "dcat": "dcat"}[form]
    kind = place.partition("s/")[0]
    node = filled.http.get(f"/api/{place}?format={form}").json()
    known = {name.partition(".")[2]: goals for name, goals in table().groupings.items()
             if name.startswith(f"{kind}.")}  # fmt: skip
    assert set(known) == set(filled.http.get(f"/api/{place}").json())
    missing = [
        name
        for name, goals in known.items()
        if target in goals and not there(node, goals[target].to.split("/"))
    ]
    assert missing == []


Said = dict[str, Any]
ORIGIN = Origin((), "", date(2026, 11, 22))
WRITE_AND_READ: dict[str, Callable[[Grouping, Parts], Said]] = {
    "datacite": lambda record, parts: read_datacite_grouping(
        datacite_grouping(record, parts, BASE, ORIGIN)
    ),
    "schema_org": lambda record, parts: read_schema_org_grouping(
        travelled(schema_org_grouping(record, parts, BASE))
    ),
    "dcat": lambda record, parts: read_dcat_grouping(travelled(dcat_grouping(record, parts, BASE))),
}


def travelled(node: Said) -> Any:
    """Return a node as it arrives: through JSON."""
    return json.loads(json.dumps(node))


LINES = texts(20)
GROUPINGS = st.one_of(
    st.builds(
        KM3ResourceStream, identifier=st.just(STREAM), title=LINES, description=LINES,
        ktype=st.sampled_from(Ktype), collection=st.sampled_from(["", COLLECTION]),
    ),
    st.builds(
        KM3ResourceCollection, identifier=st.just(COLLECTION), title=LINES, description=LINES
    ),
)  # fmt: skip


@pytest.mark.parametrize("target", WRITE_AND_READ)
@given(record=GROUPINGS)
def test_what_the_table_says_comes_back_as_it_was(target: str, record: Grouping) -> None:
    kind = "stream" if isinstance(record, KM3ResourceStream) else "collection"
    parts = Parts(
        [
            ResourceSummary.model_validate_json(
                ResourceSummary.text_of(member(1).model_dump(mode="json"))
            )
        ],
        total=1,
    )
    found = WRITE_AND_READ[target](record, parts)
    known = {name.partition(".")[2]: goals for name, goals in table().groupings.items()
             if name.startswith(f"{kind}.")}  # fmt: skip
    back = {name for name, goals in known.items() if target in goals and goals[target].back}
    assert back >= {"identifier", "title", "description"}
    if kind == "stream":
        assert back >= {"ktype", "collection"}
    expected = record.model_dump(mode="json", include=back)
    assert found == {name: said for name, said in expected.items() if said != ""}


def there(node: Any, path: list[str]) -> bool:
    if not path:
        return True
    found = node if isinstance(node, list) else [node]
    return any(there(n[path[0]], path[1:]) for n in found if isinstance(n, dict) and path[0] in n)


def pages_from(centre: Centre, address: str) -> Iterator[httpx.Response]:
    while address:
        answer = centre.http.get(address)
        yield answer
        nexts = re.findall(r'<([^>]*)>; rel="next"', answer.headers["link"])
        address = nexts[0] if nexts else ""


@quiet_rdflib
@pytest.mark.parametrize("form", ["jsonld", "dcat"])
@both
def test_what_is_very_much_comes_in_pages_that_lead_on(
    filled: Centre, monkeypatch: pytest.MonkeyPatch, place: str, form: str
) -> None:
    kind = "stream" if "stream" in place else "collection"
    monkeypatch.setattr(grouping_forms, "MOST_PARTS", 3)
    for number in range(5, 8):
        filled.client.put_resource(member(number, **{kind: place.partition("/")[2]}))
    whole = rdflib.URIRef(f"{BASE}/{place}")
    part = {
        "jsonld": SCHEMA.hasPart,
        "dcat": DCAT.dataset if kind == "collection" else DCAT.seriesMember,
    }[form]
    pages = [understood(each) for each in pages_from(filled, f"/api/{place}?format={form}")]
    found = [[o for o in graph.objects(whole, part) if "/resources/" in str(o)] for graph in pages]
    assert [len(each) for each in found] == ([3, 3, 2] if kind == "stream" else [4, 1])
    assert len(set().union(*found)) == sum(map(len, found))
    views = [graph.value(whole, HYDRA.view) for graph in pages]
    following = [graph.value(view, HYDRA.next) for graph, view in zip(pages, views, strict=True)]
    assert following == [*views[1:], None]
    refused = filled.http.get(f"/api/{place}?format={form}&cursor=nonsense")
    assert refused.status_code == 422


@both
def test_one_address_gives_every_form_and_pages_to_browsers(filled: Centre, place: str) -> None:
    for address, offered in ((f"/{place}", grouping_forms.FOR_PAGES),
                             (f"/api/{place}", grouping_forms.FOR_PROGRAMS)):  # fmt: skip
        for form in offered:
            asked = filled.http.get(address, headers={"Accept": form.media_type})
            named = filled.http.get(f"{address}?format={form.value}", headers={"Accept": BROWSER})
            assert asked.status_code == named.status_code == 200
            assert asked.headers["content-type"].partition(";")[0] == form.media_type
            assert "Accept" in asked.headers["vary"]
            assert asked.content == named.content
        first = filled.http.get(address, headers={"Accept": BROWSER})
        assert first.headers["content-type"].partition(";")[0] == offered[0].media_type
    for address in (f"/api/{place}?format=bibtex", f"/{place}?format=voresource"):
        assert filled.http.get(address).status_code == 406


@both
def test_json_stays_what_was_written_under_the_tag_for_changes(filled: Centre, place: str) -> None:
    answer = filled.http.get(f"/api/{place}")
    assert answer.headers["etag"] == tag_of(answer.content)
    known = {"If-None-Match": answer.headers["etag"]}
    assert filled.http.get(f"/api/{place}", headers=known).status_code == 304
    changed = answer.json() | {"title": "Another title of it"}
    headers = {"If-Match": answer.headers["etag"], "Content-Type": "application/json"}
    again = filled.http.put(f"/api/{place}", content=json.dumps(changed), headers=headers)
    assert again.status_code == 200


@quiet_rdflib
@both
def test_a_page_leads_programs_to_its_forms_and_members(filled: Centre, place: str) -> None:
    answer = filled.http.get(f"/{place}", headers={"Accept": BROWSER})
    found = re.findall(r'<([^>]*)>; rel="([a-z-]+)"', answer.headers["link"])
    links = {rel: [target for target, other in found if other == rel] for _, rel in found}
    kind = "Dataset" if place.startswith("streams") else "DataCatalog"
    assert f"https://schema.org/{kind}" in links["type"]
    page = parse_page(answer.text)
    alternate = page.xpath('//link[@rel="alternate"]/@href')
    assert [f"{BASE}{address}" for address in alternate] == links["describedby"]
    assert len(alternate) == len(grouping_forms.FOR_PROGRAMS)
    for address in links["describedby"]:
        program = filled.http.get(address)
        assert f'<{BASE}/{place}>; rel="describes"' in program.headers["link"]
    assert page.xpath('//link[@rel="canonical"]/@href') == [f"{BASE}/{place}"]
    graph = rdflib.Graph().parse(data=page.xpath("//script")[0].text, format="json-ld")
    parts = {str(part) for part in graph.objects(rdflib.URIRef(f"{BASE}/{place}"), SCHEMA.hasPart)}
    assert parts == set(links["item"])
    assert parts
    for address in parts:
        assert filled.http.get(address).status_code == 200
    assert graph.value(rdflib.URIRef(f"{BASE}/{place}"), SCHEMA.name) == rdflib.Literal(HOSTILE)


@both
def test_what_was_withdrawn_is_gone_in_every_form(filled: Centre, place: str) -> None:
    assert filled.http.delete(f"/api/{place}?reason=wrong").status_code == 204
    for address in (f"/api/{place}", f"/{place}"):
        for form in grouping_forms.FOR_PROGRAMS:
            assert filled.http.get(f"{address}?format={form.value}").status_code == 410
