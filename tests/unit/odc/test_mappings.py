from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import rdflib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from vopub.model.catalogue import known_parameters
from vopub.model.ktype import Ktype, vocabulary
from vopub.model.parameter import Dtype
from vopub.model.provenance import Entity, ProcessingStep, Provenance
from vopub.model.resource import KM3OpenResource
from vopub.odc.mappings import datacite_xml, dcat, schema_org
from vopub.odc.mappings.identifiers import Scheme, address_of, scheme_of
from vopub.odc.mappings.json_ld import value
from vopub.odc.mappings.reading import read_datacite, read_schema_org
from vopub.odc.mappings.reading_dcat import read_dcat
from vopub.odc.mappings.schema_org import DTYPES
from vopub.odc.mappings.table import fields_page, table
from vopub.odc.mappings.voresource import read_voresource, voresource_xml

from .any_record import BASE, FULL, IVOID, OTHER, RECORDS, texts
from .conftest import REMOTE_FILE, ROOT, START, STOP, make_record

Said = dict[str, Any]
WRITE_AND_READ: dict[str, Callable[[KM3OpenResource], Said]] = {
    "datacite": lambda record: read_datacite(datacite_xml(record, BASE)),
    "voresource": lambda record: read_voresource(voresource_xml(record, BASE, ivoid=IVOID)),
    "schema_org": lambda record: read_schema_org(_travelled(schema_org(record, BASE))),
    "dcat": lambda record: read_dcat(_travelled(dcat(record, BASE))),
}


def _travelled(node: Said) -> Said:
    """Return a node as it arrives: through JSON."""
    node = json.loads(json.dumps(node))
    assert isinstance(node, dict)
    return node


def said(content: Any) -> Any:
    """Return a value in a form in which what is empty and what is not there are the same."""
    if content in ("", False, [], None):
        return None
    return content


@pytest.mark.parametrize("target", WRITE_AND_READ)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=RECORDS)
def test_what_the_table_says_comes_back_as_it_was(target: str, changes: Said) -> None:
    record = make_record(**changes)
    found = WRITE_AND_READ[target](record)
    expected = record.model_dump(mode="json")
    for field, goals in table().fields.items():
        if target in goals and goals[target].back:
            assert said(value(found, field)) == said(value(expected, field)), field


def test_datacite_tells_what_is_related_from_links_of_this_centre() -> None:
    related = [
        {"relation": kind, "identifier": f"{BASE}/resources/{UUID(int=9)}", "title": ""}
        for kind in ("IsNewVersionOf", "IsPreviousVersionOf", "IsPartOf", "HasPart")
    ]
    record = make_record(publication={"related": related}, collection="")
    found = read_datacite(datacite_xml(record, BASE, replaced_by=OTHER))
    assert value(found, "publication.related") == related
    assert "replaces" not in found
    assert "collection" not in found


def test_what_datacite_has_a_type_for_is_a_related_identifier_too() -> None:
    identifiers = {
        "10.5072/a": "DOI", "arXiv:1711.01496": "arXiv", "2018ApJ...863L..30A": "bibcode",
        "https://km3net.org/x": "URL", IVOID: None, "some words": None,
    }  # fmt: skip
    related = [{"relation": "Cites", "identifier": i, "title": "T"} for i in identifiers]
    root = etree.fromstring(datacite_xml(make_record(publication={"related": related}), BASE))
    names = {"d": "http://datacite.org/schema/kernel-4"}
    path = 'd:relatedIdentifiers/d:relatedIdentifier[@relationType="Cites"]'
    found = {each.text: each.get("relatedIdentifierType") for each in root.iterfind(path, names)}
    assert found == {text: kind for text, kind in identifiers.items() if kind}


def test_schema_org_brings_parameters_back_with_their_types() -> None:
    parameters = tuple(known_parameters().values())
    assert {each.dtype for each in parameters} >= {Dtype.FLOAT64, Dtype.INT32, Dtype.TEXT}
    assert any(each.range == (0, 360) for each in parameters)
    assert any(each.null for each in parameters)
    record = make_record(parameters=parameters)
    found = read_schema_org(_travelled(schema_org(record, BASE)))["parameters"]
    assert any(each.truth for each in parameters)
    assert not all(each.principal for each in parameters)
    assert found == [each.model_dump(mode="json") for each in parameters]


@settings(max_examples=20, deadline=None)
@given(language=texts(1), repository=st.sampled_from([None, "https://git.example.org/x?a=1&b"]))
def test_schema_org_brings_back_in_what_software_is_written_and_where_it_is_kept(
    language: str, repository: str | None
) -> None:
    details = {"programming_language": language, "code_repository": repository}
    details = {name: text for name, text in details.items() if text}
    record = make_record(ktype="software", details=details)
    node = _travelled(schema_org(record, BASE))
    assert node["@type"] == "SoftwareSourceCode"
    assert (node["programmingLanguage"], node.get("codeRepository")) == (language, repository)
    assert read_schema_org(node)["details"] == details


def test_every_type_of_column_has_one_in_xml_schema() -> None:
    assert set(DTYPES) == set(Dtype)
    assert len(set(DTYPES.values())) == len(Dtype)


DETAILS = {"programming_language": "Python", "code_repository": "https://git.example.org/x"}


@pytest.mark.parametrize("target", WRITE_AND_READ)
def test_every_path_of_the_table_is_there_when_everything_is_said(target: str) -> None:
    if target in ("datacite", "voresource"):
        write = datacite_xml if target == "datacite" else voresource_xml
        root = etree.fromstring(write(FULL, BASE))
        tag = "{http://datacite.org/schema/kernel-4}" if target == "datacite" else ""

        def holds(path: str) -> bool:
            return root.find("/".join(tag + step for step in path.split("/"))) is not None
    else:
        software = FULL.model_copy(update={"ktype": Ktype.SOFTWARE, "details": DETAILS})
        node = schema_org(software, BASE) if target == "schema_org" else dcat(FULL, BASE)

        def holds(path: str) -> bool:
            return _there(node, path.split("/"))

    missing = [
        field
        for field, goals in table().fields.items()
        if target in goals and not holds(goals[target].to)
    ]
    assert missing == []


def _there(node: Any, path: list[str]) -> bool:
    if not path:
        return True
    found = node if isinstance(node, list) else [node]
    return any(_there(n[path[0]], path[1:]) for n in found if isinstance(n, dict) and path[0] in n)


def test_the_table_knows_every_field_of_a_record() -> None:
    known = set(table().fields)
    content = FULL.model_dump(mode="json")
    fields = set(content) - {"publication", "coverage"}
    fields |= {f"publication.{name}" for name in content["publication"] if name != "contact"}
    fields |= {f"publication.contact.{name}" for name in content["publication"]["contact"]}
    fields |= {f"coverage.{name}" for name in content["coverage"]}
    assert known == fields


def test_the_page_of_the_docs_is_made_of_the_table() -> None:
    assert (ROOT / "docs" / "fields.md").read_text(encoding="utf-8") == fields_page()


def test_datacite_has_what_it_must_have_and_knows_the_next_version() -> None:
    root = etree.fromstring(datacite_xml(make_record(), BASE, replaced_by=OTHER))
    names = {"d": "http://datacite.org/schema/kernel-4"}
    for must in (
        "d:identifier", "d:creators/d:creator/d:creatorName", "d:titles/d:title", "d:publisher",
        "d:publicationYear", "d:resourceType",
    ):  # fmt: skip
        assert root.find(must, names) is not None
    newer = root.xpath(
        '//d:relatedIdentifier[@relationType="IsPreviousVersionOf"]/text()', namespaces=names
    )
    assert newer == [f"{BASE}/resources/{OTHER}"]


def test_what_xml_cannot_hold_is_replaced() -> None:
    title = "A title with \x00 and \x0b in it"
    record = make_record(publication={"title": title})
    found = read_datacite(datacite_xml(record, BASE))
    assert value(found, "publication.title") == "A title with \ufffd and \ufffd in it"


def test_words_of_other_vocabularies_are_theirs() -> None:
    general = {"Dataset", "Service", "Software", "Image", "Sound", "Text"}
    dcmi = {"Dataset", "Service", "Software", "StillImage", "Sound", "Text"}
    for ktype in Ktype:
        entry = vocabulary().ktypes[ktype]
        assert entry.datacite in general
        assert entry.dcmi in dcmi


# rdflib warns of a class that it uses itself.
quiet_rdflib = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")


def triples(node: Said) -> rdflib.Graph:
    """Return what an independent reader of JSON-LD makes of a node, without asking anybody."""
    return rdflib.Graph().parse(data=json.dumps(node), format="json-ld")


@quiet_rdflib
def test_schema_org_says_the_same_to_an_independent_reader() -> None:
    graph, page = triples(schema_org(FULL, BASE)), rdflib.URIRef(f"{BASE}/resources/{FULL.kid}")
    words = rdflib.Namespace("https://schema.org/")
    assert (page, rdflib.RDF.type, words.Dataset) in graph
    assert graph.value(page, words.name) == rdflib.Literal(FULL.publication.title)
    downloads = list(graph.objects(page, words.distribution))
    addresses = {graph.value(each, words.contentUrl) for each in downloads}
    here = {rdflib.URIRef(f"{BASE}/files/{FULL.kid}/{file.name}") for file in FULL.files}
    assert addresses == here | {rdflib.URIRef(REMOTE_FILE.url)}
    assert rdflib.Literal(REMOTE_FILE.sha256) in set(graph.objects(None, words.sha256))
    software = FULL.model_copy(update={"ktype": Ktype.SOFTWARE, "details": DETAILS})
    code = triples(schema_org(software, BASE)).value(page, words.codeRepository)
    assert code == rdflib.URIRef(DETAILS["code_repository"])
    measured = {str(graph.value(each, words.name)) for each in graph[page : words.variableMeasured]}
    assert measured == {parameter.name for parameter in FULL.parameters}
    parts = set(graph.objects(page, words.isPartOf))
    assert rdflib.URIRef(f"{BASE}/collections/{FULL.collection}") in parts
    assert (page, rdflib.DCTERMS.replaces, rdflib.URIRef(f"{BASE}/resources/{OTHER}")) in graph


@quiet_rdflib
def test_dcat_says_the_same_to_an_independent_reader() -> None:
    graph, page = triples(dcat(FULL, BASE)), rdflib.URIRef(f"{BASE}/resources/{FULL.kid}")
    words = rdflib.Namespace("http://www.w3.org/ns/dcat#")
    check = rdflib.Namespace("http://spdx.org/rdf/terms#")
    assert (page, rdflib.RDF.type, words.Dataset) in graph
    assert graph.value(page, rdflib.DCTERMS.title) == rdflib.Literal(FULL.publication.title)
    created = graph.value(page, rdflib.DCTERMS.created)
    assert isinstance(created, rdflib.Literal)
    assert created.toPython() == FULL.publication.created
    sizes = {
        str(graph.value(each, words.downloadURL)): graph.value(each, words.byteSize)
        for each in graph[page : words.distribution]
        if (each, words.downloadURL, None) in graph
    }
    far = sizes[REMOTE_FILE.url]
    assert isinstance(far, rdflib.Literal)
    assert far.toPython() == REMOTE_FILE.size
    assert len(sizes) == len(FULL.every_file)
    digests = {str(digest) for digest in graph.objects(None, check.checksumValue)}
    assert digests == {file.sha256 for file in FULL.every_file}
    services = {str(address) for address in graph.objects(None, words.endpointURL)}
    assert services == {service.url for service in FULL.services}
    assert (page, words.inSeries, rdflib.URIRef(f"{BASE}/streams/{FULL.stream}")) in graph


@quiet_rdflib
def test_dcat_names_what_data_were_made_of_and_when_they_were_taken() -> None:
    member, whole, step = (
        Entity(identifier=name, name="x.root", members=members)
        for name, members in (
            ("sha256:" + "1" * 64, ()),
            ("collection:a", ("sha256:b",)),
            ("s", ()),
        )
    )
    made = [
        ProcessingStep(
            identifier=UUID(int=number), name="reduce", description="", software="vopub 1",
            inputs=inputs, outputs=outputs,
        )
        for number, inputs, outputs in (
            (1, ("collection:a", "sha256:" + "2" * 64), ("s",)), (2, ("s",), ("evts21_01.csv",)),
        )
    ]  # fmt: skip
    other = Entity(identifier="sha256:" + "2" * 64, name="y.root")
    provenance = Provenance(steps=tuple(made), entities=(member, whole, step, other))
    graph = triples(dcat(make_record(provenance=provenance), BASE))
    page, prov = rdflib.URIRef(f"{BASE}/resources/{FULL.kid}"), rdflib.PROV
    found = {
        str(graph.value(each, rdflib.DCTERMS.identifier)): str(
            graph.value(each, rdflib.DCTERMS.title)
        )
        for each in graph[page : prov.wasDerivedFrom]
    }
    assert found == {"collection:a": "x.root", other.identifier: "y.root"}
    taking = graph.value(page, prov.wasGeneratedBy)
    for word, moment in ((prov.startedAtTime, START), (prov.endedAtTime, STOP)):
        said = graph.value(taking, word)
        assert isinstance(said, rdflib.Literal)
        assert said.toPython() == moment
    silent = dcat(make_record(provenance=None, data_taking=None), BASE)
    assert "prov:wasDerivedFrom" not in silent
    assert "prov:startedAtTime" not in silent["prov:wasGeneratedBy"]


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.invalid\\@good.invalid", "https://good.invalid@evil.invalid/x",
        "https://a:b@evil.invalid", "https://good.invalid/\\x", "https:///x", "https://a b",
    ],
)  # fmt: skip
def test_addresses_that_lead_elsewhere_than_they_look_are_texts(text: str) -> None:
    assert scheme_of(text) is Scheme.OTHER
    assert address_of(text, BASE) == ""
    for good in ("https://good.invalid", "http://good.invalid:8080/x?q=@#a", "https://[::1]/a@b"):
        assert address_of(good, BASE) == good
