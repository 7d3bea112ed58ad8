"""Records as resources of the Virtual Observatory's registry, in XML.

Sources: VOResource 1.1 (REC 2018-06-25) and VODataService 1.2 (REC 2021-11-02) of the IVOA. The
registry record of a resource in the VO is the one that its own service hands out; this one says
the same of what has no service, and reads theirs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID
from xml.etree import ElementTree as ET

from vopub.model.publication import Creator
from vopub.model.resource import ID_PATTERN, KM3OpenResource
from vopub.odc.mappings.elements import add
from vopub.odc.mappings.identifiers import ORCID, ivoids_of, kid_in, page_of, scheme_of
from vopub.odc.mappings.json_ld import Node, nested
from vopub.odc.mappings.voresource_access import (
    add_capabilities,
    add_table,
    has_table,
    read_services,
    read_table,
)
from vopub.odc.mappings.voresource_coverage import add_coverage, read_coverage
from vopub.odc.mappings.voresource_relations import (
    add_relationships,
    read_relationships,
    tap_of,
)

NAMESPACES = {
    "xmlns:ri": "http://www.ivoa.net/xml/RegistryInterface/v1.0",
    "xmlns:vs": "http://www.ivoa.net/xml/VODataService/v1.1",
    "xmlns:vr": "http://www.ivoa.net/xml/VOResource/v1.0",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
TYPES = {
    "Dataset": "Archive", "Service": "Archive", "Software": "Other", "Image": "Other",
    "Sound": "Archive", "Text": "Bibliography",
}  # fmt: skip
"""Words of the VO's vocabulary of content types, by resource type of DataCite."""
SIMULATION = "Simulation"
"""The one of them for simulated data."""


NOTE = "\n\nNote: "
"""What stands between a description and a note in the only text that VOResource has for both."""
WORD_JOINER = "\N{WORD JOINER}"
"""Takes no room; stands in a description that has what looks like the beginning of a note."""
_NO_NOTE = re.compile(rf"(\n\nNote)({WORD_JOINER}*: )")


def voresource_xml(
    record: KM3OpenResource, base: str, *, ivoid: str = "", replaced_by: UUID | None = None
) -> bytes:
    """Return the record of a resource as a VOResource document.

    It is a ``vs:CatalogResource`` if the record says something about a table, or else a
    ``vs:DataResource``.

    Parameters
    ----------
    record, base, replaced_by
        As for ``datacite_xml``.
    ivoid
        Its identifier in the registry; taken from its services if empty.

    Raises
    ------
    ValueError
        If it has no identifier there.
    """
    ivoid = ivoid or next(iter(ivoids_of(record)), "")
    if not ivoid:
        raise ValueError(f"resource {record.identifier} has no identifier in the VO registry")
    created = record.publication.created
    kind = "CatalogResource" if has_table(record) else "DataResource"
    attributes = {
        "xsi:type": f"vs:{kind}", "status": "active", "created": f"{created}T00:00:00Z",
        "updated": f"{created}T00:00:00Z",
    }  # fmt: skip
    root = ET.Element("ri:Resource", NAMESPACES | attributes)
    add(root, "title", record.publication.title)
    add(root, "shortName", record.identifier[:16])
    add(root, "identifier", ivoid)
    if record.publication.doi:
        add(root, "altIdentifier", f"doi:{record.publication.doi}")
    add(root, "altIdentifier", f"urn:uuid:{record.kid}")
    add(root, "altIdentifier", f"{base}/resources/{record.identifier}")
    _curation(root, record)
    _content(root, record, base, replaced_by)
    add(root, "rights", record.publication.licence, rightsURI=record.publication.licence_url)
    add_capabilities(root, record)
    for name in ("facility", "instrument"):
        if said := getattr(record.publication, name):
            add(root, name, said)
    add_coverage(root, record)
    if has_table(record):
        add_table(root, record)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _curation(root: ET.Element, record: KM3OpenResource) -> None:
    publication = record.publication
    curation = add(root, "curation")
    add(curation, "publisher", publication.publisher)
    for creator in publication.creators:
        _named(add(curation, "creator"), creator)
    for contributor in publication.contributors:
        add(curation, "contributor", contributor.name)
    add(curation, "date", publication.created.isoformat(), role="Created")
    add(curation, "version", publication.version)
    contact = add(curation, "contact")
    add(contact, "name", publication.contact.name)
    add(contact, "email", publication.contact.email)


def _named(element: ET.Element, agent: Creator) -> None:
    add(element, "name", agent.name)
    if agent.orcid:
        add(element, "altIdentifier", f"{ORCID}/{agent.orcid}")


def _content(
    root: ET.Element, record: KM3OpenResource, base: str, replaced_by: UUID | None
) -> None:
    publication = record.publication
    content = add(root, "content")
    for subject in publication.subjects:
        add(content, "subject", subject)
    note = f"{NOTE}{publication.note}" if publication.note else ""
    add(content, "description", f"{_NO_NOTE.sub(_one_more, publication.description)}{note}")
    if publication.source:
        scheme = scheme_of(publication.source)
        add(content, "source", publication.source, format=scheme.value)
    add(content, "referenceURL", page_of(record, base))
    add(content, "type", TYPES[record.ktype.entry.datacite])
    if record.simulated:
        add(content, "type", SIMULATION)
    add(content, "contentLevel", "Research")
    add_relationships(content, record, base, replaced_by)


def _one_more(found: re.Match[str]) -> str:
    return f"{found[1]}{WORD_JOINER}{found[2]}"


def _one_less(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2].removeprefix(WORD_JOINER)}"


def read_voresource(document: bytes) -> Node:
    """Read a VOResource record, also one inside an answer of OAI-PMH.

    Raises
    ------
    xml.etree.ElementTree.ParseError
        If it is not XML.
    """
    root = ET.fromstring(document)  # noqa: S314  # defused: expat refuses long expansions
    resource = next((e for e in root.iter() if e.tag.endswith("}Resource")), root)
    alternates = [element.text or "" for element in resource.findall("altIdentifier")]
    table = read_table(resource)
    rights = resource.find("rights")
    page = resource.findtext("content/referenceURL", "")
    described, _, note = resource.findtext("content/description", "").partition(NOTE)
    return nested(
        {
            "kid": _behind(alternates, "urn:uuid:") or kid_in(page),
            "identifier": _identifier(alternates),
            "simulated": any(e.text == SIMULATION for e in resource.findall("content/type")),
            "rows": table.rows,
            "parameters": table.parameters,
            "services": read_services(resource, table.name, tap_of(resource)),
            "publication.title": resource.findtext("title"),
            "publication.description": _NO_NOTE.sub(_one_less, described),
            "publication.note": note,
            "publication.version": resource.findtext("curation/version"),
            "publication.created": _created(resource),
            "publication.creators": [_creator(e) for e in resource.findall("curation/creator")],
            "publication.contributors": [
                {"name": e.text} for e in resource.findall("curation/contributor")
            ],
            "publication.publisher": resource.findtext("curation/publisher"),
            "publication.contact.name": resource.findtext("curation/contact/name"),
            "publication.contact.email": resource.findtext("curation/contact/email"),
            "publication.licence": None if rights is None else rights.text,
            "publication.licence_url": None if rights is None else rights.get("rightsURI"),
            "publication.subjects": [e.text for e in resource.findall("content/subject")],
            "publication.facility": resource.findtext("facility"),
            "publication.instrument": resource.findtext("instrument"),
            "publication.doi": _behind(alternates, "doi:"),
            "publication.source": resource.findtext("content/source"),
            **read_coverage(resource),
            **read_relationships(resource),
        }
    )


def reference_url(document: bytes) -> str:
    """Return the address of the page that a VOResource record leads people to; empty if none.

    Raises
    ------
    xml.etree.ElementTree.ParseError
        If it is not XML.
    """
    found = ET.fromstring(document).iter("referenceURL")  # noqa: S314  # as above
    return next(((element.text or "").strip() for element in found), "")


def _behind(texts: Sequence[str], prefix: str) -> str | None:
    found = (text.removeprefix(prefix) for text in texts if text.startswith(prefix))
    return next(found, None)


def _identifier(alternates: Sequence[str]) -> str | None:
    """Return the identifier of all versions, at the end of the address that leads to the last."""
    names = (text.rpartition("/resources/")[2] for text in alternates if "/resources/" in text)
    return next((name for name in names if re.fullmatch(ID_PATTERN, name)), None)


def _created(resource: ET.Element) -> str | None:
    dates = resource.findall("curation/date")
    return next((date.text for date in dates if date.get("role") == "Created"), None)


def _creator(element: ET.Element) -> Node:
    alternate = element.findtext("altIdentifier", "")
    orcid = alternate.removeprefix(f"{ORCID}/") if alternate.startswith(ORCID) else None
    return {"name": element.findtext("name", ""), "orcid": orcid}
