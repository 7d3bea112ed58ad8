"""VOResource by the IVOA's schemas, and what is read back of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree

from vopub.model.ktype import Ktype
from vopub.model.publication import RelationType
from vopub.model.resource import ServiceKind
from vopub.odc.mappings.json_ld import value
from vopub.odc.mappings.voresource import (
    NOTE,
    WORD_JOINER,
    read_voresource,
    reference_url,
    voresource_xml,
)

from .any_record import BASE, FULL, IVOID, OTHER, RECORDS
from .conftest import make_record

SCHEMATA = Path("/usr/lib/python3/dist-packages/gavo/resources/schemata")
"""Of the Debian package of DaCHS."""
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
Said = dict[str, Any]


def test_a_version_that_is_only_related_is_not_taken_for_the_one_that_is_replaced() -> None:
    page = f"{BASE}/resources/{OTHER}"
    related = [
        {"relation": relation, "identifier": identifier, "title": ""}
        for relation in ("IsNewVersionOf", "Cites")
        for identifier in (page, "https://example.org/x#", f"{page}x#", f"{page}#", f"{page}##")
    ]
    record = make_record(publication={"related": related})
    assert record.replaces is None
    found = read_voresource(voresource_xml(record, BASE, ivoid=IVOID))
    assert "replaces" not in found
    assert found["publication"]["related"] == related


def test_a_collection_or_stream_that_is_only_related_is_not_taken_for_that_of_the_record() -> None:
    related = [
        {"relation": relation, "identifier": f"{BASE}/{whole}/x20_01{mark}", "title": ""}
        for relation in ("IsPartOf", "HasPart")
        for whole in ("collections", "streams")
        for mark in ("", "#", "##")
    ]
    titled = {"relation": "IsPartOf", "identifier": IVOID, "title": f"{BASE}/streams/y20_01"}
    record = make_record(publication={"related": [*related, titled]}, collection="")
    found = read_voresource(voresource_xml(record, BASE, ivoid=IVOID))
    assert found["publication"]["related"] == [*related, titled]
    assert {"collection", "stream"}.isdisjoint(found)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=RECORDS)
def test_the_vo_brings_back_of_table_and_people_what_it_has_room_for(
    changes: Said,
) -> None:
    record = make_record(**changes)
    found = read_voresource(voresource_xml(record, BASE, ivoid=IVOID))
    expected = record.model_dump(mode="json")
    for field, names in (
        ("parameters", ("name", "dtype", "unit", "ucd", "description")),
        ("publication.creators", ("name", "orcid")),
        ("publication.contributors", ("name",)),
    ):
        told = [{name: each.get(name) for name in names} for each in value(found, field)]
        assert told == [{name: each[name] for name in names} for each in value(expected, field)]


PARTS = ["\n", "\n\n", "Note", "Note: ", ": ", WORD_JOINER, "x"]
ODD = st.lists(st.sampled_from(PARTS), max_size=9).map("".join)


@settings(max_examples=150, deadline=None)
@given(before=ODD, note=ODD)
@example(before=NOTE, note="")
@example(before=f"x\n{NOTE}", note=NOTE)
def test_the_vo_tells_a_description_from_a_note_whatever_both_say(before: str, note: str) -> None:
    said = {"description": f"What it is. {'It is this. ' * 5}{before}", "note": note}
    document = voresource_xml(make_record(publication=said), BASE, ivoid=IVOID)
    found = read_voresource(document)["publication"]
    assert {"note": "", **found}.items() >= said.items()


def test_the_vo_shows_people_where_the_note_begins() -> None:
    said = {"note": "This is a sample.\n\nIt is small."}
    record = make_record(publication=said)
    root = etree.fromstring(voresource_xml(record, BASE, ivoid=IVOID))
    text = root.findtext("content/description")
    assert text == f"{record.publication.description}\n\nNote: {said['note']}"


WORDS = st.text(st.sampled_from("a, %:<>#\u2003é"), max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    related=st.lists(st.tuples(WORDS | st.just(f"{BASE}/streams/x20_01"), WORDS), max_size=2),
    services=st.lists(st.tuples(st.sampled_from(ServiceKind), WORDS, WORDS), max_size=3),
)
@example(related=[("<abc>", ""), ("words:a", ""), ("words:a", "b"), (" <a>", "")], services=[])
@example(related=[(IVOID, IVOID), (IVOID, "")], services=[])
@example(
    related=[],
    services=[
        (ServiceKind.TAP, "a.b", IVOID),
        (ServiceKind.TAP, "", ""),
        (ServiceKind.FORM, "", ""),
    ],
)
def test_the_vo_brings_back_titles_tables_and_identifiers_whatever_they_are(
    related: list[tuple[str, str]], services: list[tuple[ServiceKind, str, str]]
) -> None:
    others = [
        {"relation": "IsPartOf", "identifier": f"{identifier:x<3}", "title": title}
        for identifier, title in related
    ]
    served = [
        {"kind": kind.value, "url": "https://example.org/q", "table": table, "ivoid": ivoid,
         "proved": "2026-11-22T09:30:00Z"}
        for kind, table, ivoid in services
    ]  # fmt: skip
    record = make_record(publication={"related": others}, services=served, collection="")
    found = read_voresource(voresource_xml(record, BASE, ivoid=IVOID))
    assert found["publication"]["related"] == others
    assert found["services"] == served
    assert {"collection", "stream"}.isdisjoint(found)


def test_the_vo_says_table_and_identifier_of_a_service_in_words() -> None:
    service = {
        "kind": "tap", "url": "https://example.org/tap", "proved": "2026-11-22T09:30:00Z",
        "table": "evts21_01.events", "ivoid": "ivo://samples.km3net.invalid/tap",
    }  # fmt: skip
    document = voresource_xml(make_record(services=[service]), BASE, ivoid=IVOID)
    text = etree.fromstring(document).findtext("capability/description")
    begun = "Last seen to answer with the data of this resource at 2026-11-22T09:30:00+00:00"
    rest = ", in the table evts21_01.events, under the identifier ivo://samples.km3net.invalid/tap"
    assert text == begun + rest
    # What we wrote before did not say it there, but of the whole resource.
    assert read_voresource(document.replace(rest.encode(), b""))["services"] == [service]


def test_the_vo_names_the_table_in_a_tap_service_that_serves_it() -> None:
    tap = {
        "kind": "tap", "url": "https://example.org/tap", "proved": "2026-11-22T09:30:00Z",
        "table": "evts21_01.events", "ivoid": "ivo://samples.km3net.invalid/tap",
    }  # fmt: skip
    document = voresource_xml(make_record(services=[tap], rows=5), BASE, ivoid=IVOID)
    assert read_voresource(document)["services"] == [tap]
    root = etree.fromstring(document)
    assert root.get(XSI_TYPE) == "vs:CatalogResource"
    assert root.findtext("tableset/schema/name") == "evts21_01"
    assert root.findtext("tableset/schema/table/name") == "evts21_01.events"
    # It is not the service's own record.
    assert root.xpath("capability/@standardID") == ["ivo://ivoa.net/std/TAP#aux"]
    path = "content/relationship[relationshipType='IsServedBy']/relatedResource/@ivo-id"
    assert root.xpath(path) == [tap["ivoid"]]


def test_what_has_no_table_is_no_catalogue_of_the_vo() -> None:
    record = make_record().model_copy(update={"parameters": (), "rows": None})
    root = etree.fromstring(voresource_xml(record, BASE, ivoid=IVOID))
    assert root.get(XSI_TYPE) == "vs:DataResource"
    assert root.find("tableset") is None


def test_times_in_the_vo_are_terrestrial_and_several_are_read_as_what_holds_them() -> None:
    span = {"start": "2021-02-24T00:00:00Z", "stop": "2021-02-25T12:00:00.000001Z"}
    record = make_record(coverage={"temporal": span, "energy": (1, 10)})
    document = voresource_xml(record, BASE, ivoid=IVOID).decode()
    said = etree.fromstring(document.encode()).findtext("coverage/temporal") or ""
    start, stop = said.split()
    late = (32.184 + 37) / 86400  # TT - TAI, and the leap seconds of 2021
    assert float(start) == pytest.approx(59269 + late, abs=1e-9)
    assert float(stop) == pytest.approx(59270.5 + late, abs=1e-9)
    more = "<temporal>59271.0 59272.25</temporal><temporal>NaN</temporal><spectral>"
    found = read_voresource(document.replace("<spectral>", more).encode())
    told = found["coverage"]["temporal"]
    assert told["start"] == span["start"]
    assert told["stop"].startswith("2021-02-27T05:58:50.816")


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00Z", "1900-05-01T03:04:05.678901Z", "1965-03-04T05:06:07.123457Z",
        "2016-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z",
    ],
)  # fmt: skip
def test_moments_without_known_leap_seconds_and_beside_one_come_back(moment: str) -> None:
    record = make_record(coverage={"temporal": {"start": moment, "stop": moment}})
    found = read_voresource(voresource_xml(record, BASE, ivoid=IVOID))
    assert value(found, "coverage.temporal") == {"start": moment, "stop": moment}


def test_files_and_standards_of_others_are_no_services_of_ours() -> None:
    text = voresource_xml(make_record(services=[]), BASE, ivoid=IVOID).decode()
    foreign = (
        '<capability><interface xsi:type="vr:WebBrowser"><accessURL use="full">'
        "https://example.org/a.csv</accessURL></interface></capability>"
        '<capability standardID="ivo://ivoa.net/std/VOSI#tables"><interface '
        'xsi:type="vs:ParamHTTP"><accessURL>https://example.org/t</accessURL></interface>'
        '</capability><capability standardID="ivo://ivoa.net/std/ConeSearch"/>'
    )
    found = read_voresource(text.replace("<facility>", f"{foreign}<facility>").encode())
    assert found["services"] == []


RELATIONS = [
    {"relation": relation.value, "identifier": identifier, "title": title}
    for relation in RelationType
    for identifier, title in (("evts20_01", ""), ("10.5072/a", "A title"), (IVOID, "Another"))
]


def test_the_vo_brings_relations_back_with_their_titles() -> None:
    record = make_record(publication={"related": RELATIONS}, replaces=OTHER)
    document = voresource_xml(record, BASE, ivoid=IVOID, replaced_by=UUID(int=8))
    found = read_voresource(document)
    assert value(found, "publication.related") == RELATIONS
    assert found["replaces"] == str(OTHER)
    path = "content/relationship[relationshipType='Cites']/relatedResource"
    named = [(each.text, each.get("ivo-id")) for each in etree.fromstring(document).findall(path)]
    assert named == [("evts20_01", None), ("A title <10.5072/a>", None), ("Another", IVOID)]


@pytest.fixture(scope="module")
def vo_schema(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    """The schemas of the IVOA for records of its registry."""
    near = tmp_path_factory.mktemp("schemata")
    for path in SCHEMATA.glob("*.xsd"):  # they name each other by far addresses
        text = path.read_text(encoding="utf-8")
        text = re.sub(r'schemaLocation="[^"]*/([^"/]+)"', r'schemaLocation="\1"', text)
        (near / path.name).write_text(text, encoding="utf-8")
    spaces = {"RegistryInterface": "RegistryInterface/v1.0", "VODataService": "VODataService/v1.1"}
    imports = "".join(
        f'<import namespace="http://www.ivoa.net/xml/{space}" schemaLocation="{name}.xsd"/>'
        for name, space in spaces.items()
    )
    both = near / "both.xsd"
    both.write_text(f'<schema xmlns="http://www.w3.org/2001/XMLSchema">{imports}</schema>')
    return etree.XMLSchema(etree.parse(both))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=RECORDS)
def test_whatever_a_record_says_is_valid_in_the_vo(
    vo_schema: etree.XMLSchema, changes: Said
) -> None:
    record = make_record(**changes)
    document = voresource_xml(record, BASE, ivoid=IVOID, replaced_by=OTHER)
    vo_schema.assertValid(etree.fromstring(document))


@pytest.mark.parametrize("ktype", Ktype)
def test_every_kind_of_content_with_everything_said_is_valid_in_the_vo(
    vo_schema: etree.XMLSchema, ktype: Ktype
) -> None:
    infinite = FULL.coverage.model_copy(update={"energy": (1.0, float("inf"))})
    for update in ({}, {"coverage": infinite}, {"parameters": (), "rows": None}):
        record = FULL.model_copy(update={"ktype": ktype, **update})
        document = voresource_xml(record, BASE, replaced_by=OTHER)
        vo_schema.assertValid(etree.fromstring(document))


def test_a_record_of_the_vo_leads_to_the_page_and_needs_an_identifier() -> None:
    document = voresource_xml(FULL, BASE)
    assert reference_url(document) == f"{BASE}/resources/{FULL.kid}"
    with pytest.raises(ValueError, match="no identifier in the VO registry"):
        voresource_xml(make_record("evts20_01"), BASE)
