"""How a resource of the VO relates to others, there and back.

Source: VOResource 1.1, section 3.1.3, and the IVOA's vocabulary of relationship types.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID
from xml.etree import ElementTree as ET

from vopub.model.publication import RelationType
from vopub.model.resource import KM3OpenResource, ServiceKind
from vopub.odc.mappings.elements import add
from vopub.odc.mappings.identifiers import Scheme, kid_in, scheme_of
from vopub.odc.mappings.json_ld import Node

ONLY_RELATED = "#"
"""Behind an address of a centre that was only related: the same page, but no version, collection
or stream of ours is meant."""
SERVED_BY = "IsServedBy"
_VERSIONS = (RelationType.IS_NEW_VERSION_OF, RelationType.IS_PREVIOUS_VERSION_OF)


def add_relationships(
    content: ET.Element, record: KM3OpenResource, base: str, replaced_by: UUID | None
) -> None:
    """Add the relationships of a record; parameters as for ``datacite_xml``."""
    for each in record.publication.related:
        mark = ONLY_RELATED if _is_ours(each.relation, each.identifier) else ""
        _relationship(content, each.relation, each.identifier + mark, each.title)
    versions = zip(_VERSIONS, (record.replaces, replaced_by), strict=True)
    ours = [(relation, f"resources/{kid}") for relation, kid in versions if kid is not None]
    wholes = (("collections", record.collection), ("streams", record.stream))
    ours += [(RelationType.IS_PART_OF, f"{kind}/{name}") for kind, name in wholes if name]
    for relation, path in ours:
        _relationship(content, relation, f"{base}/{path}")
    tap = (service.ivoid for service in record.services if service.kind is ServiceKind.TAP)
    for ivoid in dict.fromkeys(tap):
        if scheme_of(ivoid) is Scheme.IVOID:
            _relationship(content, SERVED_BY, ivoid, "TAP service")


def _is_ours(relation: str, address: str) -> bool:
    """Tell whether a relationship is one that we write of what a centre itself holds."""
    page = address.rstrip(ONLY_RELATED)
    if relation in _VERSIONS:
        return kid_in(page) is not None
    is_part = relation == RelationType.IS_PART_OF
    return is_part and any(_name_in(page, kind) for kind in ("collections", "streams"))


def _name_in(address: str, kind: str) -> str:
    """Return the name at the end of the address of a page of such a kind; empty if it is none."""
    _, at_page, name = address.rpartition(f"/{kind}/")
    return name if at_page and "/" not in name else ""


def _relationship(content: ET.Element, relation: str, identifier: str, title: str = "") -> None:
    """Add a relationship; beside a title there is only room for an identifier of the VO."""
    relationship = add(content, "relationship")
    add(relationship, "relationshipType", relation)
    if scheme_of(identifier) is Scheme.IVOID:
        add(relationship, "relatedResource", title or identifier, **{"ivo-id": identifier})
    else:
        add(relationship, "relatedResource", identifier)


def read_relationships(resource: ET.Element) -> Node:
    """Return what a resource relates to, as fields by dotted name."""
    found = resource.findall("content/relationship")
    said = [pair for pair in map(_said, found) if not pair[1].endswith(ONLY_RELATED)]
    ours = [(relation, text) for relation, text in said if _is_ours(relation, text)]
    versions = [kid_in(text) for relation, text in ours if relation == _VERSIONS[0]]
    parts = [text for relation, text in ours if relation == RelationType.IS_PART_OF]
    return {
        "publication.related": [each for each in map(_related, found) if each],
        "replaces": versions[-1] if versions else None,
        "collection": _last(parts, "collections"),
        "stream": _last(parts, "streams"),
    }


def tap_of(resource: ET.Element) -> str:
    """Return the identifier of the TAP service that has the table of a resource; empty if none."""
    for each in resource.findall("content/relationship"):
        served = each.find("relatedResource")
        if served is not None and each.findtext("relationshipType") == SERVED_BY:
            return served.get("ivo-id", "")
    return ""


def _said(relationship: ET.Element) -> tuple[str, str]:
    """Return how and to which address a resource relates; beside an identifier it is a title."""
    resource = relationship.find("relatedResource")
    address = "" if resource is None or resource.get("ivo-id") else resource.text or ""
    return relationship.findtext("relationshipType", ""), address


def _last(addresses: Iterable[str], kind: str) -> str:
    return next(filter(None, (_name_in(address, kind) for address in addresses)), "")


def _related(relationship: ET.Element) -> Node | None:
    """Return a related resource; None if our schema has no such relation, or ours is meant."""
    relation, text = _said(relationship)
    resource = relationship.find("relatedResource")
    if resource is None or relation not in set(RelationType):
        return None
    if ivoid := resource.get("ivo-id", ""):
        title = resource.text if resource.text != ivoid else ""
        return {"relation": relation, "identifier": ivoid, "title": title or ""}
    if _is_ours(relation, text):
        if not text.endswith(ONLY_RELATED):
            return None
        text = text.removesuffix(ONLY_RELATED)
    return {"relation": relation, "identifier": text, "title": ""}
