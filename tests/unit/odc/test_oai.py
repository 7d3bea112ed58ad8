"""OAI-PMH as a harvester meets it; every answer is checked against the protocol's XML schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from lxml import etree
from sqlalchemy import Engine, event

from vopub.model.resource import KM3OpenResource, make_kid
from vopub.odc.dublin_core import dublin_core
from vopub.odc.mappings import datacite_xml

from .conftest import AUTHORITY, Centre, make_collection, make_record, products

SCHEMAS = Path("/usr/lib/python3/dist-packages/gavo/resources/schemata")
NOBODY = "1da4d63c-fc6a-5e1c-a749-8d7a3efd9196"
OAI = "{http://www.openarchives.org/OAI/2.0/}"
DC = "{http://purl.org/dc/elements/1.1/}"
AROUND_DATACITE = """
<schema xmlns="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified"
    targetNamespace="http://schema.datacite.org/oai/oai-1.1/">
  <element name="oai_datacite"><complexType><sequence>
    <element name="schemaVersion" type="string"/>
    <element name="datacentreSymbol" type="string"/>
    <element name="payload"><complexType><sequence>
      <any namespace="http://datacite.org/schema/kernel-4" processContents="skip"/>
    </sequence></complexType></element>
  </sequence></complexType></element>
</schema>
"""
"""What stands around a record in DataCite; the record in it is checked where it is made."""


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    """Make one schema of those that come with DaCHS, which name each other by far addresses."""
    here = tmp_path_factory.mktemp("schemas")
    for name in ("OAI-PMH.xsd", "oai_dc.xsd", "simpledc20021212.xsd", "xml.xsd"):
        content = (SCHEMAS / name).read_text(encoding="utf-8")
        near = re.sub(r'schemaLocation="[^"]*/([^"/]+)"', r'schemaLocation="\1"', content)
        (here / name).write_text(near, encoding="utf-8")
    (here / "around.xsd").write_text(AROUND_DATACITE)
    both = here / "both.xsd"
    both.write_text(
        '<schema xmlns="http://www.w3.org/2001/XMLSchema">'
        '<import namespace="http://www.openarchives.org/OAI/2.0/" schemaLocation="OAI-PMH.xsd"/>'
        '<import namespace="http://www.openarchives.org/OAI/2.0/oai_dc/" '
        'schemaLocation="oai_dc.xsd"/>'
        '<import namespace="http://schema.datacite.org/oai/oai-1.1/" '
        'schemaLocation="around.xsd"/></schema>'
    )
    return etree.XMLSchema(etree.parse(both))


class Harvester:
    """Asks, and believes nothing that is not valid."""

    def __init__(self, http: httpx.Client, schema: etree.XMLSchema) -> None:
        self.http, self.schema = http, schema

    def ask(self, verb: str, **arguments: str) -> etree._Element:
        given = {name.rstrip("_"): value for name, value in arguments.items()}
        return self.check(self.http.get("/oai", params={"verb": verb, **given}))

    def check(self, answer: httpx.Response) -> etree._Element:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/xml; charset=utf-8"
        root = etree.fromstring(answer.content)
        self.schema.assertValid(root)
        return root

    def error(self, verb: str, **arguments: str) -> str | None:
        found = self.ask(verb, **arguments).find(f"{OAI}error")
        return None if found is None else found.get("code")

    def harvest(self, verb: str, **arguments: str) -> Iterator[etree._Element]:
        """Yield every record or header, over all pages."""
        while True:
            root = self.ask(verb, **arguments)
            (listed,) = root.findall(f"{OAI}{verb}")
            yield from (e for e in listed if e.tag != f"{OAI}resumptionToken")
            token = listed.findtext(f"{OAI}resumptionToken")
            if not token:
                return
            arguments = {"resumptionToken": token}


def identifiers(elements: Iterator[etree._Element]) -> list[str]:
    return [str(next(e.iter(f"{OAI}identifier")).text) for e in elements]


@pytest.fixture
def harvester(centre: Centre, schema: etree.XMLSchema) -> Harvester:
    return Harvester(centre.http, schema)


@pytest.fixture
def published(centre: Centre, record: KM3OpenResource) -> KM3OpenResource:
    centre.put(record, products())
    centre.client.put_collection(make_collection())
    return record


def fill(centre: Centre, number: int) -> list[str]:
    """Write many records; return the identifiers under which they are harvested."""
    base = make_record(files=[])
    kids = [make_kid(AUTHORITY, f"evts21_{n:02}", "1.0") for n in range(number)]
    for n, kid in enumerate(kids):
        given = {"kid": kid, "identifier": f"evts21_{n:02}"}
        centre.store.put_resource(base.model_copy(update=given))
    return [f"urn:uuid:{kid}" for kid in kids]


def test_the_service_identifies_itself(harvester: Harvester, published: KM3OpenResource) -> None:
    said = {e.tag.removeprefix(OAI): e.text for e in harvester.ask("Identify")[2]}
    assert said["baseURL"] == "http://odc.test/oai"
    assert said["protocolVersion"] == "2.0"
    assert said["deletedRecord"] == "persistent"
    assert said["adminEmail"] == published.publication.contact.email


def test_an_empty_service_can_be_asked_everything(harvester: Harvester) -> None:
    assert harvester.error("Identify") is None
    assert harvester.error("ListSets") == "noSetHierarchy"
    assert harvester.error("ListRecords", metadataPrefix="oai_dc") == "noRecordsMatch"


def test_a_record_comes_in_dublin_core(harvester: Harvester, published: KM3OpenResource) -> None:
    root = harvester.ask(
        "GetRecord", identifier=f"urn:uuid:{published.kid}", metadataPrefix="oai_dc"
    )
    said = [(e.tag.removeprefix(DC), e.text) for e in root.iter(f"{DC}*")]
    assert said == list(dublin_core(published, f"http://odc.test/resources/{published.kid}"))
    for expected in (
        ("title", published.publication.title), ("creator", "KM3NeT Collaboration"),
        ("rights", "https://creativecommons.org/licenses/by/4.0/"), ("type", "Dataset"),
        ("format", "text/csv"), ("coverage", "MOC 3/1-5 17"),
    ):  # fmt: skip
        assert expected in said


def test_a_record_comes_as_datacite_says_it(
    harvester: Harvester, published: KM3OpenResource
) -> None:
    identifier = f"urn:uuid:{published.kid}"
    root = harvester.ask("GetRecord", identifier=identifier, metadataPrefix="oai_datacite")
    (around,) = next(root.iter(f"{OAI}metadata"))
    assert [etree.QName(e).localname for e in around] == [
        "schemaVersion", "datacentreSymbol", "payload"
    ]  # fmt: skip
    assert {etree.QName(e).namespace for e in around} == {etree.QName(around).namespace}
    assert around[0].text == "4.5"
    (payload,) = around[2]
    alone = etree.fromstring(datacite_xml(published, "http://odc.test"))
    assert canonical(payload) == canonical(alone)
    (listed,) = harvester.harvest("ListRecords", metadataPrefix="oai_datacite")
    assert canonical(next(listed.iter("{*}payload"))[0]) == canonical(alone)


def test_a_harvester_learns_what_replaced_a_record(centre: Centre, harvester: Harvester) -> None:
    made = [make_record(version=version, files=[]) for version in ("1.9", "2.0", "1.10", "1.11")]
    centre.store.put_resources([*made, make_record("evts20_01", files=[])])
    centre.store.withdraw(made[3].kid, "wrong")
    first, last, middle, _ = made
    newer = {first.kid: str(middle.kid), middle.kid: str(last.kid)}
    for prefix, name in (("oai_datacite", "relatedIdentifier"), ("oai_dc", "relation")):
        with counted() as statements:
            listed = list(harvester.harvest("ListRecords", metadataPrefix=prefix))
        assert len(statements) == 5  # however many records there are
        for element in listed:
            kid = UUID(identifiers(iter([element]))[0].removeprefix("urn:uuid:"))
            said = [
                e.text
                for e in element.iter(f"{{*}}{name}")
                if e.get("relationType", "IsPreviousVersionOf") == "IsPreviousVersionOf"
            ]
            pages = [t for t in said if t and t.startswith("http://odc.test/resources/")]
            expected = [f"http://odc.test/resources/{newer[kid]}"] if kid in newer else []
            assert pages == expected, (prefix, kid)
    root = harvester.ask(
        "GetRecord", identifier=f"urn:uuid:{first.kid}", metadataPrefix="oai_datacite"
    )
    alone = datacite_xml(first, "http://odc.test", replaced_by=middle.kid)
    assert canonical(next(root.iter("{*}payload"))[0]) == canonical(etree.fromstring(alone))


@contextmanager
def counted() -> Iterator[list[str]]:
    """Give a list of the statements that a database is asked."""
    statements: list[str] = []

    def note(*given: Any) -> None:
        statements.append(given[2])

    event.listen(Engine, "before_cursor_execute", note)
    yield statements
    event.remove(Engine, "before_cursor_execute", note)


def canonical(element: etree._Element) -> str:
    """Return an element without what depends on where it stands, e.g. prefixes of names."""
    text = etree.tostring(element, encoding="unicode", with_tail=False)
    return str(etree.canonicalize(text, rewrite_prefixes=True))


def test_formats_and_sets_are_listed(harvester: Harvester, published: KM3OpenResource) -> None:
    formats = [e.text for e in harvester.ask("ListMetadataFormats").iter(f"{OAI}metadataPrefix")]
    assert formats == ["oai_dc", "oai_datacite"]
    identifier = f"urn:uuid:{published.kid}"
    assert harvester.error("ListMetadataFormats", identifier=identifier) is None
    names = [e.text for e in harvester.ask("ListSets").iter(f"{OAI}setSpec")]
    assert names == ["collection:samples26_01", "ktype:events"]
    for name in names:
        found = harvester.harvest("ListIdentifiers", metadataPrefix="oai_dc", set=str(name))
        assert identifiers(found) == [identifier]
    empty = harvester.error("ListRecords", metadataPrefix="oai_dc", set="collection:none26_01")
    assert empty == "noRecordsMatch"


@pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers"])
def test_a_harvest_over_several_pages_has_every_record_once(
    centre: Centre, harvester: Harvester, verb: str
) -> None:
    expected = fill(centre, 100)
    found = identifiers(harvester.harvest(verb, metadataPrefix="oai_dc"))
    assert sorted(found) == sorted(expected)  # exactly one page, which needs no token
    more = make_record("evts20_01", files=[])
    centre.store.put_resource(more)
    found = identifiers(harvester.harvest(verb, metadataPrefix="oai_dc"))
    assert sorted(found) == sorted([*expected, f"urn:uuid:{more.kid}"])


def test_what_changes_during_a_harvest_is_not_missed(centre: Centre, harvester: Harvester) -> None:
    expected = fill(centre, 101)
    root = harvester.ask("ListIdentifiers", metadataPrefix="oai_dc")
    first = [str(e.text) for e in root.iter(f"{OAI}identifier")]
    changed = make_record(files=[], rows=1).model_copy(
        update={"kid": make_kid(AUTHORITY, "evts21_00", "1.0"), "identifier": "evts21_00"}
    )
    centre.store.put_resource(changed)
    token = str(root.findtext(f".//{OAI}resumptionToken"))
    rest = identifiers(harvester.harvest("ListIdentifiers", resumptionToken=token))
    assert set(first) | set(rest) == set(expected)
    assert f"urn:uuid:{changed.kid}" in rest


def test_who_comes_again_gets_what_changed_since(
    centre: Centre, harvester: Harvester, published: KM3OpenResource
) -> None:
    root = harvester.ask("ListIdentifiers", metadataPrefix="oai_dc")
    when = datetime.fromisoformat(str(root.findtext(f".//{OAI}datestamp")))
    assert abs(datetime.now(UTC) - when) < timedelta(minutes=1)
    text = f"{when:%Y-%m-%dT%H:%M:%SZ}"
    day = f"{when:%Y-%m-%d}"
    for span in ({"from_": text}, {"until": text}, {"from_": day, "until": day}):
        found = harvester.harvest("ListIdentifiers", metadataPrefix="oai_dc", **span)
        assert identifiers(found) == [f"urn:uuid:{published.kid}"]
    for span in ({"from_": "2099-01-01"}, {"until": "2020-01-01T00:00:00Z"}):
        assert harvester.error("ListRecords", metadataPrefix="oai_dc", **span) == "noRecordsMatch"


def test_a_withdrawn_record_stays_as_deleted(
    centre: Centre, harvester: Harvester, published: KM3OpenResource
) -> None:
    identifier = f"urn:uuid:{published.kid}"
    before = datetime.now(UTC) - timedelta(seconds=1)
    centre.client.delete_resource(published.kid, reason="wrong calibration")
    (record,) = harvester.harvest(
        "ListRecords", metadataPrefix="oai_dc", from_=f"{before:%Y-%m-%dT%H:%M:%SZ}"
    )
    (header,) = record  # no metadata
    assert header.get("status") == "deleted"
    root = harvester.ask("GetRecord", identifier=identifier, metadataPrefix="oai_dc")
    assert [e.get("status") for e in root.iter(f"{OAI}header")] == ["deleted"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "badVerb"),
        ("verb=Nothing", "badVerb"),
        ("verb=Identify&verb=Identify", "badVerb"),
        ("verb=Identify&set=a", "badArgument"),
        ("verb=GetRecord&metadataPrefix=oai_dc", "badArgument"),
        ("verb=GetRecord&identifier=urn:uuid:1", "badArgument"),
        ("verb=GetRecord&identifier=nothing&metadataPrefix=oai_dc", "idDoesNotExist"),
        (f"verb=GetRecord&identifier=urn:uuid:{NOBODY}&metadataPrefix=oai_dc", "idDoesNotExist"),
        ("verb=ListMetadataFormats&identifier=%00%ff%01", "idDoesNotExist"),
        ("verb=ListRecords", "badArgument"),
        ("verb=ListRecords&metadataPrefix=marc", "cannotDisseminateFormat"),
        ("verb=ListRecords&metadataPrefix=oai_dc&metadataPrefix=oai_dc", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=yesterday", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-1-1", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&until=9999-12-31", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-01-02&until=2026-01-01", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-01-02&until=2026-01-03T00:00:00Z",
         "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&set=strange", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&resumptionToken=a", "badArgument"),
        ("verb=ListRecords&resumptionToken=", "badResumptionToken"),
        ("verb=ListRecords&resumptionToken=bm9uc2Vuc2U", "badResumptionToken"),
        ("verb=ListRecords&resumptionToken=WzEsMiwzLDQsNSw2LDdd", "badResumptionToken"),
        ("verb=ListSets&resumptionToken=a", "badResumptionToken"),
    ],
)  # fmt: skip
def test_errors_have_the_codes_of_the_protocol(
    kept_centre: Centre, schema: etree.XMLSchema, query: str, code: str
) -> None:
    harvester = Harvester(kept_centre.http, schema)
    for answer in (
        kept_centre.http.get(f"/oai?{query}"),
        kept_centre.http.post("/oai", content=query.encode()),
    ):
        root = harvester.check(answer)
        assert [e.get("code") for e in root.iter(f"{OAI}error")] == [code]
        assert bool(root[1].keys()) == (code not in ("badVerb", "badArgument"))


def test_characters_that_xml_has_not_do_not_break_an_answer(
    centre: Centre, harvester: Harvester
) -> None:
    title = "A title with a bell \x07 and <tags> & \ufffe"
    centre.put(make_record(files=[], publication={"title": title}), [])
    (record,) = harvester.harvest("ListRecords", metadataPrefix="oai_dc")
    said = record.findtext(f".//{DC}title")
    assert said == "A title with a bell \ufffd and <tags> & \ufffd"


def test_a_body_beyond_all_measure_is_refused(kept_centre: Centre) -> None:
    assert kept_centre.http.post("/oai", content=b"a" * 20_000).status_code == 413
