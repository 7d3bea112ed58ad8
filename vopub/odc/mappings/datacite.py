"""Records as DataCite metadata 4.5, in XML.

Source: DataCite Metadata Working Group, DataCite Metadata Schema Documentation 4.5,
https://doi.org/10.14454/g8e5-6293.
"""

from __future__ import annotations

import re
from uuid import UUID
from xml.etree import ElementTree as ET

from vopub.model.publication import Creator
from vopub.model.resource import KM3OpenResource
from vopub.odc.mappings.datacite_relations import add_relations
from vopub.odc.mappings.elements import add
from vopub.odc.mappings.identifiers import (
    IDENTIFIER,
    IVOID,
    KID,
    ORCID,
    SIMULATED,
    UAT,
    is_person,
    ivoids_of,
    page_of,
)

NAMESPACE = "http://datacite.org/schema/kernel-4"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
VERSION = "4.5"
LOCATION = f"{NAMESPACE} http://schema.datacite.org/meta/kernel-{VERSION}/metadata.xsd"
SPDX = "https://spdx.org/licenses/"
ENGLISH = {"xml:lang": "en"}


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
    root = new_document()
    publication = record.publication
    if publication.doi:
        add(root, "identifier", publication.doi, identifierType="DOI")
    else:
        add(root, "identifier", page_of(record, base), identifierType="URL")
    _creators(root, record)
    add(add(root, "titles"), "title", publication.title, **ENGLISH)
    add(root, "publisher", publication.publisher)
    add(root, "publicationYear", f"{publication.created.year:04}")
    kind = record.ktype.entry.datacite
    add(root, "resourceType", record.ktype.value, resourceTypeGeneral=kind)
    _subjects(root, record)
    _contributors(root, record)
    _dates(root, record)
    add(root, "language", "en")
    _alternates(root, record, base)
    add_relations(root, record, base, replaced_by)
    _technical(root, record)
    add(root, "version", publication.version)
    rights = add(root, "rightsList")
    add(
        rights, "rights", publication.licence, rightsURI=publication.licence_url,
        rightsIdentifier=publication.licence, rightsIdentifierScheme="SPDX", schemeURI=SPDX,
    )  # fmt: skip
    _descriptions(root, record)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def new_document() -> ET.Element:
    """Return the root of a document that says nothing yet."""
    root = ET.Element("resource", {"xmlns": NAMESPACE, "xmlns:xsi": XSI})
    root.set("xsi:schemaLocation", LOCATION)
    return root


def _creators(root: ET.Element, record: KM3OpenResource) -> None:
    creators = add(root, "creators")
    for creator in record.publication.creators:
        add_agent(add(creators, "creator"), "creatorName", creator)


def add_agent(element: ET.Element, name: str, agent: Creator) -> None:
    """Add who a creator or a contributor is; ``name`` is that of the element with the name."""
    kind = "Personal" if is_person(agent.name, agent.orcid) else "Organizational"
    add(element, name, agent.name, nameType=kind)
    if agent.orcid:
        scheme = {"nameIdentifierScheme": "ORCID", "schemeURI": ORCID}
        add(element, "nameIdentifier", f"{ORCID}/{agent.orcid}", **scheme)
    if agent.affiliation:
        add(element, "affiliation", agent.affiliation)


def _contributors(root: ET.Element, record: KM3OpenResource) -> None:
    publication = record.publication
    contributors = add(root, "contributors")
    for contributor in publication.contributors:
        kind = contributor.role.value
        element = add(contributors, "contributor", contributorType=kind)
        add_agent(element, "contributorName", contributor)
    others = (("ContactPerson", publication.contact.name), ("RightsHolder", publication.owner))
    for kind, name in others:
        add(add(contributors, "contributor", contributorType=kind), "contributorName", name)


def _subjects(root: ET.Element, record: KM3OpenResource) -> None:
    subjects = add(root, "subjects")
    for subject in record.publication.subjects:
        scheme = {"subjectScheme": "UAT", "schemeURI": UAT}
        if re.fullmatch(r"[a-z0-9-]+", subject):
            scheme["valueURI"] = f"{UAT}#{subject}"
        add(subjects, "subject", subject, **scheme)
    if record.simulated:
        add(subjects, "subject", SIMULATED)


def _dates(root: ET.Element, record: KM3OpenResource) -> None:
    dates = add(root, "dates")
    add(dates, "date", record.publication.created.isoformat(), dateType="Created")
    if (span := record.coverage.temporal) is not None:
        collected = f"{span.start.isoformat()}/{span.stop.isoformat()}"
        add(dates, "date", collected, dateType="Collected")


def _alternates(root: ET.Element, record: KM3OpenResource, base: str) -> None:
    alternates = add(root, "alternateIdentifiers")
    found = [(KID, str(record.kid)), (IDENTIFIER, record.identifier)]
    found += [(IVOID, ivoid) for ivoid in ivoids_of(record)]
    if record.publication.doi:
        found.append(("URL", page_of(record, base)))
    for kind, value in found:
        add(alternates, "alternateIdentifier", value, alternateIdentifierType=kind)


def _technical(root: ET.Element, record: KM3OpenResource) -> None:
    sizes = add(root, "sizes")
    if record.rows is not None:
        add(sizes, "size", f"{record.rows} rows")
    for file in record.every_file:
        if file.size is not None:
            add(sizes, "size", f"{file.size} bytes ({file.name})")
    formats = add(root, "formats")
    for media_type in dict.fromkeys(file.media_type for file in record.every_file):
        add(formats, "format", media_type)


def _descriptions(root: ET.Element, record: KM3OpenResource) -> None:
    publication = record.publication
    descriptions = add(root, "descriptions")
    texts = (
        ("Abstract", publication.description),
        ("TechnicalInfo", _how_made(record)),
        ("Other", publication.note),
    )
    for kind, text in texts:
        if text:
            add(descriptions, "description", text, descriptionType=kind, **ENGLISH)


def _how_made(record: KM3OpenResource) -> str:
    """Return what DataCite has no field for: what the data hold, and that they are simulated."""
    said = [("Parameters", ", ".join(parameter.name for parameter in record.parameters))]
    if record.simulated:
        said.append(("Origin", "simulation, not observation"))
    return "\n".join(f"{name}: {value}" for name, value in said if value)
