"""Records as DataCite metadata 4.5, in XML.

Source: DataCite Metadata Working Group, DataCite Metadata Schema Documentation 4.5,
https://doi.org/10.14454/g8e5-6293.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID
from xml.etree import ElementTree as ET

from vopub.model.publication import Creator
from vopub.model.resource import KM3OpenResource, ServiceKind
from vopub.odc.mappings.identifiers import (
    IDENTIFIER,
    IVOID,
    KID,
    ORCID,
    SIMULATED,
    UAT,
    Scheme,
    address_of,
    is_person,
    ivoids_of,
    page_of,
    scheme_of,
)

NAMESPACE = "http://datacite.org/schema/kernel-4"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
VERSION = "4.5"
LOCATION = f"{NAMESPACE} http://schema.datacite.org/meta/kernel-{VERSION}/metadata.xsd"
SPDX = "https://spdx.org/licenses/"

Attributes = dict[str, str]
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def datacite_xml(record: KM3OpenResource, base: str, *, replaced_by: UUID | None = None) -> bytes:
    """Return the record of a resource as an XML document of DataCite.

    Parameters
    ----------
    record
        The resource. Without a DOI its identifier is the address of its page, which
        DataCite's own registry does not take: there the DOI is made when it is deposited.
    base
        Address of the service, without a slash at its end.
    replaced_by
        ``kid`` of the version after this one.
    """
    root = ET.Element("resource", {"xmlns": NAMESPACE, "xmlns:xsi": XSI})
    root.set("xsi:schemaLocation", LOCATION)
    publication = record.publication
    if publication.doi:
        _add(root, "identifier", publication.doi, identifierType="DOI")
    else:
        _add(root, "identifier", page_of(record, base), identifierType="URL")
    _creators(root, record)
    _add(_add(root, "titles"), "title", publication.title, **_ENGLISH)
    _add(root, "publisher", publication.publisher)
    _add(root, "publicationYear", f"{publication.created.year:04}")
    kind = record.ktype.entry.datacite
    _add(root, "resourceType", record.ktype.value, resourceTypeGeneral=kind)
    _subjects(root, record)
    _contributors(root, record)
    _dates(root, record)
    _add(root, "language", "en")
    _alternates(root, record, base)
    _relations(root, record, base, replaced_by)
    _technical(root, record)
    _add(root, "version", publication.version)
    rights = _add(root, "rightsList")
    _add(
        rights, "rights", publication.licence, rightsURI=publication.licence_url,
        rightsIdentifier=publication.licence, rightsIdentifierScheme="SPDX", schemeURI=SPDX,
    )  # fmt: skip
    _descriptions(root, record)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def in_xml(text: str) -> str:
    """Return text with what XML cannot hold (control characters) replaced."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


_ENGLISH = {"xml:lang": "en"}


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, name, {key: in_xml(v) for key, v in attributes.items()})
    element.text = in_xml(text) or None
    return element


def _creators(root: ET.Element, record: KM3OpenResource) -> None:
    creators = _add(root, "creators")
    for creator in record.publication.creators:
        _named(_add(creators, "creator"), "creatorName", creator)


def _named(element: ET.Element, name: str, agent: Creator) -> None:
    kind = "Personal" if is_person(agent.name, agent.orcid) else "Organizational"
    _add(element, name, agent.name, nameType=kind)
    if agent.orcid:
        scheme = {"nameIdentifierScheme": "ORCID", "schemeURI": ORCID}
        _add(element, "nameIdentifier", f"{ORCID}/{agent.orcid}", **scheme)
    if agent.affiliation:
        _add(element, "affiliation", agent.affiliation)


def _contributors(root: ET.Element, record: KM3OpenResource) -> None:
    publication = record.publication
    contributors = _add(root, "contributors")
    for contributor in publication.contributors:
        kind = contributor.role.value
        element = _add(contributors, "contributor", contributorType=kind)
        _named(element, "contributorName", contributor)
    others = (("ContactPerson", publication.contact.name), ("RightsHolder", publication.owner))
    for kind, name in others:
        _add(_add(contributors, "contributor", contributorType=kind), "contributorName", name)


def _subjects(root: ET.Element, record: KM3OpenResource) -> None:
    subjects = _add(root, "subjects")
    for subject in record.publication.subjects:
        scheme = {"subjectScheme": "UAT", "schemeURI": UAT}
        if re.fullmatch(r"[a-z0-9-]+", subject):
            scheme["valueURI"] = f"{UAT}#{subject}"
        _add(subjects, "subject", subject, **scheme)
    if record.simulated:
        _add(subjects, "subject", SIMULATED)


def _dates(root: ET.Element, record: KM3OpenResource) -> None:
    dates = _add(root, "dates")
    _add(dates, "date", record.publication.created.isoformat(), dateType="Created")
    if (span := record.coverage.temporal) is not None:
        collected = f"{span.start.isoformat()}/{span.stop.isoformat()}"
        _add(dates, "date", collected, dateType="Collected")


def _alternates(root: ET.Element, record: KM3OpenResource, base: str) -> None:
    alternates = _add(root, "alternateIdentifiers")
    found = [(KID, str(record.kid)), (IDENTIFIER, record.identifier)]
    found += [(IVOID, ivoid) for ivoid in ivoids_of(record)]
    if record.publication.doi:
        found.append(("URL", page_of(record, base)))
    for kind, value in found:
        _add(alternates, "alternateIdentifier", value, alternateIdentifierType=kind)


def _relations(
    root: ET.Element, record: KM3OpenResource, base: str, replaced_by: UUID | None
) -> None:
    publication = record.publication
    relations: list[tuple[str, str, Attributes]] = [
        (related.relation.value, related.identifier, {}) for related in publication.related
    ]
    if publication.reference_url:
        relations.append(("IsDescribedBy", publication.reference_url, {}))
    if publication.source:
        relations.append(("IsDocumentedBy", publication.source, {}))
    pages = [("IsNewVersionOf", record.replaces), ("IsPreviousVersionOf", replaced_by)]
    relations += [(kind, f"{base}/resources/{kid}", {}) for kind, kid in pages if kid]
    wholes = [("collections", record.collection), ("streams", record.stream)]
    relations += [("IsPartOf", f"{base}/{kind}/{name}", {}) for kind, name in wholes if name]
    relations += [
        ("IsOriginalFormOf", service.url, {"resourceTypeGeneral": "Service"})
        for service in record.services
        if service.kind not in (ServiceKind.FORM, ServiceKind.BULK)  # files are no services
    ]
    relations += [("HasPart", file.url, {}) for file in record.elsewhere]
    _related(_add(root, "relatedIdentifiers"), relations, base)


def _related(
    parent: ET.Element, relations: Iterable[tuple[str, str, Attributes]], base: str
) -> None:
    """Add what DataCite has a type for; an identifier of the VO or a free text has none."""
    for relation, identifier, attributes in relations:
        scheme = scheme_of(identifier)
        if scheme in (Scheme.OTHER, Scheme.IVOID):
            continue
        here = scheme is Scheme.HERE
        value = address_of(identifier, base) if here else identifier
        kind = (Scheme.URL if here else scheme).value
        types = {"relatedIdentifierType": kind, "relationType": relation}
        _add(parent, "relatedIdentifier", value, **types, **attributes)


def _technical(root: ET.Element, record: KM3OpenResource) -> None:
    sizes = _add(root, "sizes")
    if record.rows is not None:
        _add(sizes, "size", f"{record.rows} rows")
    for file in record.every_file:
        if file.size is not None:
            _add(sizes, "size", f"{file.size} bytes ({file.name})")
    formats = _add(root, "formats")
    for media_type in dict.fromkeys(file.media_type for file in record.every_file):
        _add(formats, "format", media_type)


def _descriptions(root: ET.Element, record: KM3OpenResource) -> None:
    publication = record.publication
    descriptions = _add(root, "descriptions")
    texts = (
        ("Abstract", publication.description),
        ("TechnicalInfo", _how_made(record)),
        ("Other", publication.note),
    )
    for kind, text in texts:
        if text:
            _add(descriptions, "description", text, descriptionType=kind, **_ENGLISH)


def _how_made(record: KM3OpenResource) -> str:
    """Return what DataCite has no field for: where the data were taken, and what they hold."""
    publication = record.publication
    said = [("Facility", publication.facility), ("Instrument", publication.instrument)]
    said += [("Parameters", ", ".join(parameter.name for parameter in record.parameters))]
    if record.simulated:
        said.append(("Origin", "simulation, not observation"))
    return "\n".join(f"{name}: {value}" for name, value in said if value)
