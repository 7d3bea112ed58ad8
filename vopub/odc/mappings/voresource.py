"""Records as resources of the Virtual Observatory's registry, in XML.

Sources: VOResource 1.1 (REC 2018-06-25) and VODataService 1.2 (REC 2021-11-02) of the IVOA. The
registry record of a resource in the VO is the one that its own service hands out; this one says
the same of what has no service, and reads theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID
from xml.etree import ElementTree as ET

from vopub.model.publication import Creator, Messenger, RelationType
from vopub.model.resource import KM3OpenResource, TimeSpan
from vopub.odc.mappings.elements import in_xml
from vopub.odc.mappings.identifiers import (
    ORCID,
    Scheme,
    ivoids_of,
    kid_in,
    page_of,
    scheme_of,
)
from vopub.odc.mappings.json_ld import Node, nested

NAMESPACES = {
    "xmlns:ri": "http://www.ivoa.net/xml/RegistryInterface/v1.0",
    "xmlns:vs": "http://www.ivoa.net/xml/VODataService/v1.1",
    "xmlns:vr": "http://www.ivoa.net/xml/VOResource/v1.0",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)
JOULE_PER_GEV = 1.602176634e-10
"""Exact by the definition of the electronvolt in the SI of 2019."""
ONLY_RELATED = "#"
"""Behind the address of a resource of a centre: the same page, but no version of ours is meant."""
TYPES = {
    "Dataset": "Archive", "Service": "Archive", "Software": "Other", "Image": "Other",
    "Sound": "Archive", "Text": "Bibliography",
}  # fmt: skip
"""Words of the VO's vocabulary of content types, by resource type of DataCite."""


def voresource_xml(
    record: KM3OpenResource, base: str, *, ivoid: str = "", replaced_by: UUID | None = None
) -> bytes:
    """Return the record of a resource as a VOResource document, a ``vs:DataResource``.

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
    attributes = {
        "xsi:type": "vs:DataResource", "status": "active", "created": f"{created}T00:00:00Z",
        "updated": f"{created}T00:00:00Z",
    }  # fmt: skip
    root = ET.Element("ri:Resource", NAMESPACES | attributes)
    _add(root, "title", record.publication.title)
    _add(root, "shortName", record.identifier[:16])
    _add(root, "identifier", ivoid)
    if record.publication.doi:
        _add(root, "altIdentifier", f"doi:{record.publication.doi}")
    _add(root, "altIdentifier", f"urn:uuid:{record.kid}")
    _curation(root, record)
    _content(root, record, base, replaced_by)
    rights = {"rightsURI": record.publication.licence_url}
    _add(root, "rights", record.publication.licence, rights)
    for name in ("facility", "instrument"):
        if said := getattr(record.publication, name):
            _add(root, name, said)
    _coverage(root, record)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _add(
    parent: ET.Element, name: str, text: str = "", attributes: dict[str, str] | None = None
) -> ET.Element:
    given = {key: in_xml(value) for key, value in (attributes or {}).items()}
    element = ET.SubElement(parent, name, given)
    element.text = in_xml(text) or None
    return element


def _curation(root: ET.Element, record: KM3OpenResource) -> None:
    publication = record.publication
    curation = _add(root, "curation")
    _add(curation, "publisher", publication.publisher)
    for creator in publication.creators:
        _named(_add(curation, "creator"), creator)
    for contributor in publication.contributors:
        _add(curation, "contributor", contributor.name)
    _add(curation, "date", publication.created.isoformat(), {"role": "Created"})
    _add(curation, "version", publication.version)
    contact = _add(curation, "contact")
    _add(contact, "name", publication.contact.name)
    _add(contact, "email", publication.contact.email)


def _named(element: ET.Element, agent: Creator) -> None:
    _add(element, "name", agent.name)
    if agent.orcid:
        _add(element, "altIdentifier", f"{ORCID}/{agent.orcid}")


def _content(
    root: ET.Element, record: KM3OpenResource, base: str, replaced_by: UUID | None
) -> None:
    publication = record.publication
    content = _add(root, "content")
    for subject in publication.subjects:
        _add(content, "subject", subject)
    note = f"\n\n{publication.note}" if publication.note else ""
    _add(content, "description", f"{publication.description}{note}")
    if publication.source:
        scheme = scheme_of(publication.source)
        _add(content, "source", publication.source, {"format": scheme.value})
    _add(content, "referenceURL", page_of(record, base))
    _add(content, "type", TYPES[record.ktype.entry.datacite])
    _add(content, "contentLevel", "Research")
    for each in publication.related:
        # A fragment tells a version that is only related from the one that is replaced.
        mark = ONLY_RELATED if each.relation in _VERSIONS and kid_in(each.identifier) else ""
        _relationship(content, each.relation, each.identifier + mark, each.title)
    versions = (
        (RelationType.IS_NEW_VERSION_OF, record.replaces),
        (RelationType.IS_PREVIOUS_VERSION_OF, replaced_by),
    )
    for relation, kid in versions:
        if kid is not None:
            _relationship(content, relation, f"{base}/resources/{kid}")


def _relationship(
    content: ET.Element, relation: RelationType, identifier: str, title: str = ""
) -> None:
    """Add a relationship; beside a title there is only room for an identifier of the VO."""
    relationship = _add(content, "relationship")
    _add(relationship, "relationshipType", relation.value)
    if scheme_of(identifier) is Scheme.IVOID:
        _add(relationship, "relatedResource", title or identifier, {"ivo-id": identifier})
    else:
        _add(relationship, "relatedResource", identifier)


def _coverage(root: ET.Element, record: KM3OpenResource) -> None:
    covered = record.coverage
    if not (covered.spatial or covered.temporal or covered.energy):
        return
    coverage = _add(root, "coverage")
    if covered.spatial:
        _add(coverage, "spatial", covered.spatial)
    if covered.temporal:
        _add(coverage, "temporal", " ".join(map(str, mjd_of(covered.temporal))))
    if covered.energy:
        joules = (energy * JOULE_PER_GEV for energy in covered.energy)
        _add(coverage, "spectral", " ".join(map(str, joules)))
    if record.publication.messenger is Messenger.NEUTRINO:
        _add(coverage, "waveband", "Neutrino")


def mjd_of(span: TimeSpan) -> tuple[float, float]:
    """Return start and stop as Modified Julian Dates, in days."""
    start, stop = ((time - MJD_EPOCH).total_seconds() / 86400 for time in (span.start, span.stop))
    return start, stop


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
    relations = resource.findall("content/relationship")
    rights = resource.find("rights")
    page = resource.findtext("content/referenceURL", "")
    return nested(
        {
            "kid": _behind(alternates, "urn:uuid:") or kid_in(page),
            "publication.title": resource.findtext("title"),
            "publication.version": resource.findtext("curation/version"),
            "publication.created": _created(resource),
            "publication.creators": [_creator(e) for e in resource.findall("curation/creator")],
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
            "publication.related": [each for each in map(_related, relations) if each],
            "coverage.spatial": resource.findtext("coverage/spatial"),
            "replaces": _replaced(relations),
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


def _created(resource: ET.Element) -> str | None:
    dates = resource.findall("curation/date")
    return next((date.text for date in dates if date.get("role") == "Created"), None)


def _creator(element: ET.Element) -> Node:
    alternate = element.findtext("altIdentifier", "")
    orcid = alternate.removeprefix(f"{ORCID}/") if alternate.startswith(ORCID) else None
    return {"name": element.findtext("name", ""), "orcid": orcid}


def _related(relationship: ET.Element) -> Node | None:
    """Return a related resource; None if our schema has no such relation, or a version is meant."""
    relation = relationship.findtext("relationshipType", "")
    resource = relationship.find("relatedResource")
    if resource is None or relation not in set(RelationType):
        return None
    text, ivoid = resource.text or "", resource.get("ivo-id", "")
    if relation in _VERSIONS and not ivoid and kid_in(text):
        return None
    title = text if ivoid and text != ivoid else ""
    page = text.removesuffix(ONLY_RELATED)
    named = page if relation in _VERSIONS and kid_in(page) else text
    return {"relation": relation, "identifier": ivoid or named, "title": title}


_VERSIONS = (RelationType.IS_NEW_VERSION_OF, RelationType.IS_PREVIOUS_VERSION_OF)


def _replaced(relationships: Sequence[ET.Element]) -> str | None:
    for each in reversed(relationships):
        if each.findtext("relationshipType") == RelationType.IS_NEW_VERSION_OF.value:
            return kid_in(each.findtext("relatedResource", ""))
    return None
