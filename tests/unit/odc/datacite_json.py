"""What the library ``datacite`` says of an XML document of DataCite.

DataCite publishes its schema for XML apart; the library brings the same metadata 4.5 as a JSON
Schema, and writes XML of JSON. What we write is read into that JSON, must be valid, and must come
out of their writer as it was.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

from lxml import etree

Said = dict[str, Any]
NAMES = {"schemeURI": "schemeUri", "valueURI": "valueUri", "rightsURI": "rightsUri",
         "{http://www.w3.org/XML/1998/namespace}lang": "lang"}  # fmt: skip
"""Attributes whose names differ in JSON."""


@cache
def library() -> ModuleType:
    with warnings.catch_warnings():  # it uses a part of jsonschema that is to go
        warnings.simplefilter("ignore")
        return importlib.import_module("datacite.schema45")


def tag(element: etree._Element) -> str:
    return str(etree.QName(element).localname)


def node(element: etree._Element, text: str) -> Said:
    """Return an element as a node of JSON: its text under a name, its attributes, its children."""
    found: Said = {NAMES.get(str(name), str(name)): str(v) for name, v in element.attrib.items()}
    if len(element):
        return found | {tag(child): child.text for child in element}
    return found | {text: element.text}


def person(element: etree._Element) -> Said:
    """Return a creator or a contributor, of which JSON has lists and another name."""
    found: Said = {NAMES.get(str(name), str(name)): str(v) for name, v in element.attrib.items()}
    for child in element:
        match tag(child):
            case "creatorName" | "contributorName":
                found |= node(child, "name")
            case "affiliation":
                found.setdefault("affiliation", []).append(node(child, "name"))
            case "nameIdentifier":
                found.setdefault("nameIdentifiers", []).append(node(child, "nameIdentifier"))
            case other:
                found[other] = child.text
    return found


def item(element: etree._Element) -> Said:
    found: Said = {str(name): str(v) for name, v in element.attrib.items()}
    for child in element:
        match tag(child):
            case "titles":
                found["titles"] = [node(title, "title") for title in child]
            case "relatedItemIdentifier":
                found["relatedItemIdentifier"] = node(child, "relatedItemIdentifier")
            case name:
                found |= node(child, name)
    return found


LISTS = {
    "titles": "title", "subjects": "subject", "dates": "date",
    "alternateIdentifiers": "alternateIdentifier", "relatedIdentifiers": "relatedIdentifier",
    "rightsList": "rights", "descriptions": "description",
}  # fmt: skip


def in_json(document: bytes) -> Said:
    """Return an XML document of DataCite in the form of its JSON; nothing is left out."""
    root = etree.fromstring(document)
    found: Said = {"schemaVersion": root.nsmap[None]}
    for element in root:
        match name := tag(element):
            case "identifier":
                kind = element.get("identifierType")
                found["doi" if kind == "DOI" else "url"] = element.text
            case "publisher":
                found[name] = node(element, "name")
            case "resourceType":
                found["types"] = node(element, name)
            case "creators" | "contributors":
                found[name] = [person(child) for child in element]
            case "relatedItems":
                found[name] = [item(child) for child in element]
            case "sizes" | "formats":
                found[name] = [child.text for child in element]
            case _ if name in LISTS:
                found[name] = [node(child, LISTS[name]) for child in element]
            case _:
                found[name] = element.text
    return found


def compared(document: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the elements of a document that say something, in a form that can be compared.

    Their writer has no true ``xml:lang``, and knows no identifier but a DOI.
    """
    for element in etree.fromstring(document):
        is_address = element.get("identifierType") == "URL"
        if is_address or not (len(element) or element.text):
            continue
        for each in element.iter():
            for name in [n for n in each.attrib if str(n).endswith("}lang")]:
                del each.attrib[name]
        yield tag(element), etree.tostring(element, method="c14n", exclusive=True, with_tail=False)


def check_datacite(document: bytes) -> Said:
    """Return a document as JSON, which must be valid and come out of their writer as it was."""
    content = in_json(document)
    found = library().validator.iter_errors(content)
    problems = [f"{error.json_path}: {error.message}" for error in found]
    assert problems == []
    theirs = library().tostring(content, pretty_print=False).encode()
    assert dict(compared(theirs)) == dict(compared(document))
    return content
