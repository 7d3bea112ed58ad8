"""How a resource of the VO relates to others, there and back.

Source: VOResource 1.1, section 3.1.3, and the IVOA's vocabulary of relationship types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote
from uuid import UUID
from xml.etree import ElementTree as ET

from vopub.model.publication import Related, RelationType
from vopub.model.resource import KM3OpenResource, ServiceKind
from vopub.odc.mappings.elements import add
from vopub.odc.mappings.identifiers import Scheme, kid_in, scheme_of
from vopub.odc.mappings.json_ld import Node

_TITLED = re.compile(r"(?:(?P<title>.*) )?<(?P<identifier>[^<>\s]*)>", re.DOTALL)
"""A related resource that has a title: beside that VOResource has room for identifiers of the VO
only, so that others stand behind it in the same text, ``A title <10.5072/a>``."""
_WORDS = "words:"
"""In front of an identifier that could not stand so, and is percent-encoded."""
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
        _relationship(content, each.relation, *_named(each))
    versions = zip(_VERSIONS, (record.replaces, replaced_by), strict=True)
    ours = [(relation, f"resources/{kid}") for relation, kid in versions if kid is not None]
    wholes = (("collections", record.collection), ("streams", record.stream))
    ours += [(RelationType.IS_PART_OF, f"{kind}/{name}") for kind, name in wholes if name]
    for relation, path in ours:
        _relationship(content, relation, f"{base}/{path}")
    tap = (service.ivoid for service in record.services if service.kind is ServiceKind.TAP)
    for ivoid in dict.fromkeys(tap):
        if scheme_of(ivoid) is Scheme.IVOID:
            _relationship(content, SERVED_BY, "TAP service", ivoid)


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


def _named(related: Related) -> tuple[str, str]:
    """Return how a related resource is named, and its identifier in the VO if it has one."""
    title, identifier = related.title, related.identifier
    if scheme_of(identifier) is Scheme.IVOID and title != identifier:
        return title or identifier, identifier
    if title or _TITLED.fullmatch(identifier):
        if re.search(r"[<>\s]", identifier) or identifier.startswith(_WORDS):
            identifier = _WORDS + quote(identifier, safe="")
        return (f"{title} <{identifier}>" if title else f"<{identifier}>"), ""
    return identifier + (ONLY_RELATED if _is_ours(related.relation, identifier) else ""), ""


def _relationship(content: ET.Element, relation: str, name: str, ivoid: str = "") -> None:
    relationship = add(content, "relationship")
    add(relationship, "relationshipType", relation)
    add(relationship, "relatedResource", name, **({"ivo-id": ivoid} if ivoid else {}))


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
    """Return how and to which address a resource relates; what has a title is none of ours."""
    resource = relationship.find("relatedResource")
    is_named = resource is None or resource.get("ivo-id") or _TITLED.fullmatch(resource.text or "")
    address = "" if resource is None or is_named else resource.text or ""
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
    if titled := _TITLED.fullmatch(resource.text or ""):
        identifier = titled["identifier"]
        if identifier.startswith(_WORDS):
            identifier = unquote(identifier.removeprefix(_WORDS))
        return {"relation": relation, "identifier": identifier, "title": titled["title"] or ""}
    if _is_ours(relation, text):
        if not text.endswith(ONLY_RELATED):
            return None
        text = text.removesuffix(ONLY_RELATED)
    return {"relation": relation, "identifier": text, "title": ""}
