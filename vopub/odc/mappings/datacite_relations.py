"""What a record of DataCite says about other things, there and back.

Every link that DataCite has a type for is a related identifier, which is what its services count.
What the publication itself names is a related item besides, which holds what such an identifier
cannot: a title, and an identifier without a type, such as one of the VO or a free text. The
facility and the instrument are items with a title alone.

Source: DataCite Metadata Schema 4.5, properties 12 (RelatedIdentifier) and 20 (RelatedItem).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID
from xml.etree import ElementTree as ET

from vopub.model.publication import Publication
from vopub.model.resource import KM3OpenResource, ServiceKind
from vopub.odc.mappings.elements import add
from vopub.odc.mappings.identifiers import Scheme, address_of, kid_in, scheme_of
from vopub.odc.mappings.json_ld import Node

DOCUMENTED = "IsDocumentedBy"
"""How a resource relates to the publication that it comes from."""
COLLECTED, MODELLED = "IsCollectedBy", "References"
"""How observed data relate to what took them, and simulated ones to what they are the model of."""
FACILITY, INSTRUMENT = "Other", "Instrument"
"""The types of the items for what took the data."""
WHOLE = "Collection"
"""What the collection or stream is that a resource is a part of, in the words of DataCite."""

Attributes = dict[str, str]
Relation = tuple[str, str, Attributes]


def add_relations(
    root: ET.Element, record: KM3OpenResource, base: str, replaced_by: UUID | None
) -> None:
    """Add the related identifiers and items of a record; parameters as ``datacite_xml``."""
    publication = record.publication
    relations: list[Relation] = [
        (related.relation.value, related.identifier, {}) for related in publication.related
    ]
    if publication.reference_url:
        relations.append(("IsDescribedBy", publication.reference_url, {}))
    if publication.source:
        relations.append((DOCUMENTED, publication.source, {}))
    # What leads to pages of this centre says to what, which tells it from what others related.
    same = {"resourceTypeGeneral": record.ktype.entry.datacite}
    pages = [("IsNewVersionOf", record.replaces), ("IsPreviousVersionOf", replaced_by)]
    relations += [(kind, f"{base}/resources/{kid}", same) for kind, kid in pages if kid]
    wholes = [("collections", record.collection), ("streams", record.stream)]
    whole = {"resourceTypeGeneral": WHOLE}
    relations += [("IsPartOf", f"{base}/{kind}/{name}", whole) for kind, name in wholes if name]
    relations += [
        ("IsOriginalFormOf", service.url, {"resourceTypeGeneral": "Service"})
        for service in record.services
        if service.kind not in (ServiceKind.FORM, ServiceKind.BULK)  # files are no services
    ]
    relations += [("HasPart", file.url, {}) for file in record.elsewhere]
    _add_identifiers(add(root, "relatedIdentifiers"), relations, base)
    if publication.related or publication.source or publication.facility or publication.instrument:
        items = add(root, "relatedItems")
        _add_items(items, publication, base)
        _add_taken_by(items, record)


def _typed(identifier: str, base: str) -> tuple[str, str]:
    """Return DataCite's type of an identifier and its form there; both empty if it has none."""
    scheme = scheme_of(identifier)
    if scheme in (Scheme.OTHER, Scheme.IVOID):
        return "", ""
    if scheme is Scheme.HERE:
        return Scheme.URL.value, address_of(identifier, base)
    return scheme.value, identifier


def _add_identifiers(parent: ET.Element, relations: Iterable[Relation], base: str) -> None:
    for relation, identifier, attributes in relations:
        kind, value = _typed(identifier, base)
        if kind:
            types = {"relatedIdentifierType": kind, "relationType": relation}
            add(parent, "relatedIdentifier", value, **types, **attributes)


def _add_items(parent: ET.Element, publication: Publication, base: str) -> None:
    for each in publication.related:
        _add_item(parent, "Other", each.relation.value, each.identifier, each.title, base)
    if publication.source:
        _add_item(parent, "Text", DOCUMENTED, publication.source, "", base)


def _add_taken_by(parent: ET.Element, record: KM3OpenResource) -> None:
    publication = record.publication
    relation = MODELLED if record.simulated else COLLECTED
    for kind, name in ((FACILITY, publication.facility), (INSTRUMENT, publication.instrument)):
        if name:
            item = add(parent, "relatedItem", relatedItemType=kind, relationType=relation)
            add(add(item, "titles"), "title", name)


def _add_item(
    parent: ET.Element, kind: str, relation: str, identifier: str, title: str, base: str
) -> None:
    item = add(parent, "relatedItem", relatedItemType=kind, relationType=relation)
    named, value = _typed(identifier, base)
    if named:
        add(item, "relatedItemIdentifier", value, relatedItemIdentifierType=named)
    titles = add(item, "titles")
    if title:
        add(titles, "title", title)
    else:  # there must be one
        add(titles, "title", identifier, titleType="Other")
    if value != identifier:
        add(item, "number", identifier, numberType="Other")


def read_related(items: Iterable[ET.Element]) -> list[Node]:
    """Return the related resources among the related items of a record."""
    return [
        {
            "relation": item.get("relationType"), "identifier": _identifier(item),
            "title": _title(item),
        }
        for item in items
        if item.get("relationType") not in (DOCUMENTED, COLLECTED, MODELLED)
    ]  # fmt: skip


def read_source(items: Iterable[ET.Element]) -> str | None:
    """Return the publication that a record comes from, among its related items."""
    found = (_identifier(item) for item in items if item.get("relationType") == DOCUMENTED)
    return next(found, None)


def read_taken_by(items: Iterable[ET.Element], kind: str) -> str | None:
    """Return the facility or the instrument, by type, among the related items of a record."""
    found = (
        _title(item)
        for item in items
        if item.get("relationType") in (COLLECTED, MODELLED) and item.get("relatedItemType") == kind
    )
    return next(found, None)


def read_replaced(related: Iterable[ET.Element]) -> str | None:
    """Return the ``kid`` of the version before, among the related identifiers of a record."""
    pages = (
        kid_in(each.text or "")
        for each in related
        if each.get("relationType") == "IsNewVersionOf" and "resourceTypeGeneral" in each.attrib
    )
    return next(pages, None)


def _identifier(item: ET.Element) -> str:
    number = _part(item, "number")
    found = _part(item, "relatedItemIdentifier") if number is None else number
    return "" if found is None else found.text or ""


def _title(item: ET.Element) -> str:
    found = _part(item, "title")
    return "" if found is None or "titleType" in found.attrib else found.text or ""


def _part(item: ET.Element, name: str) -> ET.Element | None:
    return next((each for each in item.iter() if each.tag.endswith(f"}}{name}")), None)
