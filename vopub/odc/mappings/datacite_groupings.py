"""Streams and collections as DataCite metadata 4.5, in XML, there and back.

DataCite asks of a collection, too, who made and who published it and in which year, which the
records of streams and collections do not say: that comes as an ``Origin``.

Source: DataCite Metadata Schema 4.5, property 10 (ResourceType: Collection), property 12
(HasPart, IsPartOf) and the standard values for unknown information.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from xml.etree import ElementTree as ET

from vopub.model.ktype import Ktype
from vopub.model.publication import Creator
from vopub.model.resource import KM3ResourceStream
from vopub.odc.mappings.datacite import ENGLISH, add_agent, new_document
from vopub.odc.mappings.datacite_relations import WHOLE
from vopub.odc.mappings.elements import add
from vopub.odc.mappings.groupings import Grouping, Parts, address_of_grouping
from vopub.odc.mappings.identifiers import IDENTIFIER
from vopub.odc.mappings.json_ld import Node, nested
from vopub.odc.mappings.reading import DataciteReader
from vopub.odc.mappings.reading_parts import last_of

UNKNOWN = ":unav"
"""DataCite's word for a value that is not available and may not be known."""
NO_KTYPE = "KM3ResourceCollection"
"""What a collection is said to be; a stream is said to be of its ``ktype``."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a stream or a collection comes from."""

    creators: tuple[Creator, ...]
    """Who made what belongs to it; none if nothing does."""
    publisher: str
    """Who publishes it; empty if nothing belongs to it."""
    issued: date
    """The day on which it was first registered here."""


def datacite_grouping(record: Grouping, parts: Parts, base: str, origin: Origin) -> bytes:
    """Return a stream or a collection as an XML document of DataCite.

    Parameters
    ----------
    record
        The stream or the collection; its identifier is the address of its page, for it has no DOI.
    parts
        What belongs to it, or a page of that.
    base
        Address of the service, without a slash at its end.
    origin
        Who made it, and when.
    """
    root = new_document()
    add(root, "identifier", address_of_grouping(record, base), identifierType="URL")
    _creators(root, origin)
    add(add(root, "titles"), "title", record.title, **ENGLISH)
    add(root, "publisher", origin.publisher or UNKNOWN)
    add(root, "publicationYear", f"{origin.issued.year:04}")
    kind = record.ktype.value if isinstance(record, KM3ResourceStream) else NO_KTYPE
    add(root, "resourceType", kind, resourceTypeGeneral=WHOLE)
    add(add(root, "dates"), "date", origin.issued.isoformat(), dateType="Issued")
    add(root, "language", "en")
    alternates = add(root, "alternateIdentifiers")
    add(
        alternates, "alternateIdentifier", record.identifier, alternateIdentifierType=IDENTIFIER
    )  # fmt: skip
    _parts(root, record, parts, base)
    if parts.total is not None:
        add(add(root, "sizes"), "size", f"{parts.total} resources")
    descriptions = add(root, "descriptions")
    add(descriptions, "description", record.description, descriptionType="Abstract", **ENGLISH)
    if parts.here:
        text = _page_of(parts)
        add(descriptions, "description", text, descriptionType="TechnicalInfo", **ENGLISH)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _creators(root: ET.Element, origin: Origin) -> None:
    creators = add(root, "creators")
    for creator in origin.creators:
        add_agent(add(creators, "creator"), "creatorName", creator)
    if not origin.creators:
        add(add(creators, "creator"), "creatorName", UNKNOWN)


def _parts(root: ET.Element, record: Grouping, parts: Parts, base: str) -> None:
    related: list[tuple[str, str, str]] = []
    if isinstance(record, KM3ResourceStream) and record.collection:
        related.append(("IsPartOf", f"{base}/collections/{record.collection}", WHOLE))
    related += [("HasPart", address_of_grouping(each, base), WHOLE) for each in parts.streams]
    related += [
        ("HasPart", f"{base}/resources/{each.kid}", each.ktype.entry.datacite)
        for each in parts.resources
    ]
    identifiers = add(root, "relatedIdentifiers")
    for relation, address, general in related:
        add(
            identifiers, "relatedIdentifier", address, relatedIdentifierType="URL",
            relationType=relation, resourceTypeGeneral=general,
        )  # fmt: skip


def _page_of(parts: Parts) -> str:
    """Return that a document does not name all parts, and where the next ones are."""
    following = f"the next one is {parts.later}" if parts.later else "it is the last one"
    return f"The parts come in pages. This is one page, {parts.here}; {following}."


def read_datacite_grouping(document: bytes) -> Node:
    """Read a stream or a collection from an XML document of DataCite metadata 4.

    What belongs to it is not read, as by ``read_schema_org_grouping``.

    Raises
    ------
    xml.etree.ElementTree.ParseError
        If it is not XML.
    """
    root = DataciteReader.of(document)
    kind = root.one("resourceType")
    wholes = root.several(
        "relatedIdentifiers/relatedIdentifier", relationType="IsPartOf", resourceTypeGeneral=WHOLE
    )
    return nested(
        {
            "identifier": root.alternate(IDENTIFIER),
            "title": root.one("titles/title"),
            "description": root.description("Abstract"),
            "ktype": kind if kind in set(Ktype) else None,
            "collection": last_of(wholes, "/collections/"),
        }
    )
